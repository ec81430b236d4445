//! Whether a matched text is a secret or only looks like one: placeholders, references to something that
//! is read elsewhere, names, words, paths. A rule whose format speaks for itself is only asked
//! [`is_filler`]; a rule that has nothing but a name to go by is asked all of [`verdict`].

use crate::assign::{Assignment, Operator};
use crate::context::{Context, Kind};
use crate::lists;
use crate::rule::Judge;
use crate::words;

/// What became of a doubted value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No secret.
    Drop,
    /// Perhaps one: one step less confidence.
    Weak,
    /// Likely one.
    Good,
}

/// Whether the text is filler: a placeholder's word, one character over and over, a sequence, a short
/// piece repeated.
pub fn is_filler(secret: &[u8]) -> bool {
    if secret.is_empty() || lists::FILLER.within(secret) {
        return true;
    }
    let mut same = 1;
    let mut up = 1;
    for pair in secret.windows(2) {
        same = if pair[0] == pair[1] { same + 1 } else { 1 };
        up = if pair[1] == pair[0].wrapping_add(1) || (pair[0] == b'9' && pair[1] == b'0') { up + 1 } else { 1 };
        // `A` is what zeros are in base64.
        if (same >= 8 && pair[0] != b'A') || up >= 8 || (same >= 5 && same * 2 > secret.len()) {
            return true;
        }
    }
    if is_ordered(secret) {
        return true;
    }
    let kinds = kinds(secret);
    if (secret.len() >= 8 && kinds <= 3) || (secret.len() >= 16 && kinds <= 5) {
        return true;
    }
    (2..=10).any(|period| {
        secret.len() >= period * 2 + 4 && {
            let pairs = secret.len() - period;
            let equal = (0..pairs).filter(|&at| secret[at] == secret[at + period]).count();
            equal * 10 >= pairs * 9
        }
    })
}

/// Whether the letters, taken by themselves and in one case, mostly follow the alphabet, or the digits do so in
/// turn with them: `AB1C2defGHijkLMNo3Pq`, `1a2b3c4d5e6f`; or whether it is base64 of such a row.
fn is_ordered(text: &[u8]) -> bool {
    // 01234567, 12345678, abcdef, ABCDEF.
    const ROWS: [&[u8]; 4] = [b"MDEyMzQ1Njc", b"MTIzNDU2Nzg", b"YWJjZGVm", b"QUJDREVG"];
    if ROWS.iter().any(|row| text.starts_with(row)) {
        return true;
    }
    let (mut pairs, mut next, mut last) = (0_usize, 0_usize, None);
    for letter in text.iter().filter(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_lowercase) {
        if let Some(last) = last.replace(letter) {
            pairs += 1;
            next += usize::from(letter == last + 1);
        }
    }
    pairs >= 8 && next * 10 >= pairs * 6
}

fn kinds(text: &[u8]) -> u32 {
    let mut seen = [0_u64; 4];
    for &byte in text {
        seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    seen.iter().map(|word| word.count_ones()).sum()
}

/// Whether the text stands for a value that comes from elsewhere: a template, a variable, a vault's path.
pub fn is_reference(text: &[u8]) -> bool {
    match text.first() {
        None | Some(b'$' | b'<') => return true,
        Some(b'%') if text.ends_with(b"%") => return true,
        Some(b'{') if text.ends_with(b"}") => return true,
        Some(b'[') if text.ends_with(b"]") => return true,
        _ => {}
    }
    if text.starts_with(b"__") && text.ends_with(b"__") {
        return true;
    }
    if lists::REFERENCES.within(text) {
        return true;
    }
    // `…{name}…`, as in format strings.
    text.iter().position(|&b| b == b'{').is_some_and(|open| {
        let rest = &text[open + 1..];
        let name = rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'!' | b'-'))
            .count();
        rest.get(name) == Some(&b'}')
    }) || (text.contains(&b'<') && text.ends_with(b">"))
}

/// Whether the name, as far as it stands behind and before the keyword, speaks against a secret.
pub fn name_denies(name: &[u8], keyword_end: usize) -> bool {
    let behind = name.get(keyword_end..).unwrap_or_default();
    // `_pass` is a keyword, too: the rest of `password` is not what is asked.
    let behind =
        ["word", "WORD", "wd", "phrase"].iter().find_map(|rest| behind.strip_prefix(rest.as_bytes())).unwrap_or(behind);
    // The next word: up to a separator or a capital.
    let glued = behind.first().is_some_and(u8::is_ascii_lowercase);
    let behind = behind
        .strip_prefix(b"s")
        .filter(|rest| glued && !rest.first().is_some_and(u8::is_ascii_lowercase))
        .unwrap_or(behind);
    let start = behind.iter().position(u8::is_ascii_alphanumeric).unwrap_or(behind.len());
    let word = &behind[start..];
    let caps = word.len() > 1 && word[1].is_ascii_uppercase();
    let len = word
        .iter()
        .enumerate()
        .take_while(|(at, b)| b.is_ascii_alphabetic() && (caps || *at == 0 || !b.is_ascii_uppercase()))
        .count();
    let word = &word[..len];
    lists::AGAINST_BEHIND.has(word)
        || last_word(name).is_some_and(|last| behind.len() > last.len() && lists::AGAINST_BEHIND.has(last))
        || lists::AGAINST_WITHIN.within(name)
}

/// Whether the name says more than `token` or `key`: only then a UUID behind it is taken for a secret.
pub fn name_insists(name: &[u8]) -> bool {
    lists::INSISTING.within(name)
}

fn last_word(name: &[u8]) -> Option<&[u8]> {
    let start = name.iter().rposition(|b| matches!(b, b'_' | b'-' | b'.'))?;
    Some(&name[start + 1..])
}

/// Whether a template's part follows at once: what stands before it is a piece of a value, not the value.
pub fn is_completed(after: &[u8]) -> bool {
    [&b"{{"[..], b"${", b"$(", b"#{", b"<%", b"%("].iter().any(|open| after.starts_with(open))
}

/// What to think of a value that only its name gives away.
pub fn verdict(judge: Judge, assignment: &Assignment, value: &[u8], context: Context) -> Verdict {
    let quoted = assignment.quoted;
    // Most values in code are expressions: without quotes only what is long and holds digits can be none.
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let bare = !quoted && context.kind != Kind::Config;
    if bare && (value.len() < 16 || digits < 3) {
        return Verdict::Drop;
    }
    if value.iter().any(|b| !(b'!'..=b'~').contains(b))
        || assignment.expression
        || is_reference(value)
        || is_filler(value)
    {
        return Verdict::Drop;
    }
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let marks = value.len() - digits - letters;
    let joints = value.iter().filter(|b| matches!(b, b'_' | b'-' | b'.' | b'/' | b':')).count();
    if letters == 0 || is_path(value) || is_code(value) || is_name(value, digits) || is_version(value) {
        return Verdict::Drop;
    }
    // Any function has a name and something behind it: a short word there is no value that was set.
    if assignment.operator == Operator::Pair && value.len() < 8 {
        return Verdict::Drop;
    }
    let words = words::coverage(value);
    // `a= b= c=`, as in lists of options.
    if value.ends_with(b"=") && words > 0.5 {
        return Verdict::Drop;
    }
    if bare {
        // An expression, or prose: only what can be neither.
        let random = words < 0.4 && !value.iter().any(|b| matches!(b, b'.' | b':' | b'@' | b'#'));
        if !random {
            return Verdict::Drop;
        }
    }
    let known = lists::WORDS.within(value);
    let weak = assignment.operator == Operator::Compare || (!quoted && context.kind == Kind::Document);
    match judge {
        Judge::Format => Verdict::Good,
        Judge::Token => {
            let mixed = digits > 0 || (letters >= 20 && words < 0.3);
            if !mixed || words >= 0.55 || (known && (value.len() < 24 || words > 0.3)) || marks * 4 > value.len() {
                return Verdict::Drop;
            }
            if is_uuid(value) || known || weak || words > 0.35 { Verdict::Weak } else { Verdict::Good }
        }
        Judge::Password => {
            let effort = digits + (marks - joints);
            let chance = value.len() >= 10 && words < 0.4 && classes(value) & 0b1100 == 0b1100;
            if (effort == 0 && !chance) || (known && effort < 3) || (words >= 0.9 && effort < 2) {
                return Verdict::Drop;
            }
            if known || weak || words >= 0.75 || value.len() < 8 { Verdict::Weak } else { Verdict::Good }
        }
    }
}

/// What to think of a value that the syntax around it gives away: a URL, a header, a command line.
pub fn surrounded(judge: Judge, whole: &[u8], value: &[u8], context: Context) -> Verdict {
    let has = |word: &[u8]| whole.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
    if has(b"example") {
        return Verdict::Drop;
    }
    // As if it were assigned in quotes: where it ends is known.
    let assignment = Assignment {
        name: 0..0,
        value: 0..0,
        operator: Operator::Assign,
        quoted: true,
        escaped: false,
        expression: false,
    };
    // A token's own dots and a name's are told apart by whoever wrote the rule.
    let verdict = verdict(judge, &assignment, value, context);
    if verdict == Verdict::Good && (has(b"localhost") || has(b"127.0.0.1")) { Verdict::Weak } else { verdict }
}

/// `1.13.5-k8s`, `v2.0`: what stands behind the colon of an image or a package.
fn is_version(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"v").unwrap_or(value);
    let major = value.iter().take_while(|b| b.is_ascii_digit()).count();
    (1..=3).contains(&major)
        && value.get(major) == Some(&b'.')
        && value.get(major + 1).is_some_and(u8::is_ascii_digit)
        && value.len() <= 40
}

/// Five groups of 8, 4, 4, 4 and 12, give or take one in the first: a UUID, also one that somebody made up.
pub fn is_uuid_like(value: &[u8]) -> bool {
    let groups: Vec<usize> = value.split(|b| *b == b'-').map(<[u8]>::len).collect();
    matches!(groups[..], [7..=9, 4, 4, 4, 12]) && value.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
}

fn is_path(value: &[u8]) -> bool {
    let slashes = value.split(|&b| b == b'/').count() - 1;
    if value.windows(3).any(|w| w == b"://")
        || matches!(value, [b'/' | b'~' | b'.', b'/' | b'.' | b'a'..=b'z', ..])
        || value.windows(2).any(|w| w == b":\\")
    {
        return true;
    }
    // Base64 has slashes, too; a path has words between them.
    if slashes > 0 && words::coverage(value) > 0.6 {
        return true;
    }
    // A file's or a host's name, a mail address.
    let Some(dot) = value.iter().rposition(|&b| b == b'.') else { return false };
    let extension = &value[dot + 1..];
    (2..=6).contains(&extension.len())
        && extension.iter().all(u8::is_ascii_lowercase)
        && value[..dot]
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b'@' | b'+'))
}

fn is_code(value: &[u8]) -> bool {
    lists::CODE.within(value)
        || value.starts_with(b"#") && value.len() <= 9
        || value.starts_with(b"--")
        || value.ends_with(b"(")
        || value.ends_with(b":")
}

/// `SOME_VARIABLE`, `some-name`, `some.key`, `someName`: words and joints only.
fn is_name(value: &[u8], digits: usize) -> bool {
    let joined = value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b':'));
    if !joined {
        return false;
    }
    let joint = value.iter().any(|b| matches!(b, b'_' | b'-' | b'.' | b':'));
    let one_case = value.iter().all(|b| !b.is_ascii_uppercase()) || value.iter().all(|b| !b.is_ascii_lowercase());
    digits == 0 && one_case && (joint || value.len() < 20)
        || joint && one_case && digits <= 2 && words::coverage(value) > 0.5
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value
            .iter()
            .enumerate()
            .all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

/// Shannon entropy in bits a character.
pub fn entropy(text: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for &byte in text {
        counts[usize::from(byte)] += 1;
    }
    let total = text.len() as f32;
    counts
        .iter()
        .filter(|&&n| n > 0)
        .map(|&n| {
            let p = n as f32 / total;
            -p * p.log2()
        })
        .sum()
}

/// Bits of the classes that occur: digit, letter, lower, upper, symbol.
pub fn classes(text: &[u8]) -> u8 {
    text.iter().fold(0, |bits, b| {
        bits | match b {
            b'0'..=b'9' => 1,
            b'a'..=b'z' => 2 | 4,
            b'A'..=b'Z' => 2 | 8,
            b'!'..=b'~' => 16,
            _ => 0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: Context = Context { kind: Kind::Code, rehearsal: false };

    fn of(judge: Judge, value: &str, quoted: bool) -> Verdict {
        let assignment = Assignment {
            name: 0..0,
            value: 0..0,
            operator: Operator::Assign,
            quoted,
            escaped: false,
            expression: false,
        };
        verdict(judge, &assignment, value.as_bytes(), CODE)
    }

    #[test]
    fn what_is_no_token() {
        for value in [
            "${TOKEN}",
            "{{ token }}",
            "<your-token>",
            "%TOKEN%",
            "$(cat token)",
            "__TOKEN__",
            "access_token_provider_1",
            "AccessTokenProvider2",
            "SOME_VARIABLE_NAME_1",
            "/var/run/secrets/token1",
            "https://host.internal/a1",
            "com.company.product.Token1",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "1234567890abcdefghij",
            "abc123abc123abc123abc123",
            "settings.prod.json",
            "^[a-z0-9]{32}$",
            "this is a text 1",
            "changeme-changeme-1",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert_eq!(of(Judge::Token, value, true), Verdict::Drop, "{value}");
        }
        assert_eq!(of(Judge::Token, "token1_from_config", false), Verdict::Drop);
    }

    #[test]
    fn what_may_be_a_token_or_a_password() {
        for value in ["q7XvB2kLp9WzR4tN8mYc3HsD", "9f86d081884c7d659a2feaa0c55ad015", "zK3/pQ9+vL2xT7wRb1nM5cYd=="] {
            assert_eq!(of(Judge::Token, value, true), Verdict::Good, "{value}");
        }
        assert_eq!(of(Judge::Token, "3f2a9c1e-7b4d-4e8a-9c6f-1d2e3f4a5b6c", true), Verdict::Weak);
        for value in ["Tr4verse-Cobalt9", "kX9#mQ2$vL", "Sommer2024!"] {
            assert_ne!(of(Judge::Password, value, true), Verdict::Drop, "{value}");
        }
        for value in ["password", "user_password", "enter your password", "string", "********", "Password"] {
            assert_eq!(of(Judge::Password, value, true), Verdict::Drop, "{value}");
        }
    }

    #[test]
    fn names_that_deny() {
        let denies = |name: &str, keyword: &str| {
            let end = name.to_ascii_lowercase().find(keyword).map_or(0, |at| at + keyword.len());
            name_denies(name.as_bytes(), end)
        };
        for name in [
            "token_type",
            "tokenUrl",
            "TOKEN_TTL",
            "tokenizer",
            "token-name",
            "public_token",
            "token_sha256",
            "tokens_file",
        ] {
            assert!(denies(name, "token"), "{name}");
        }
        for name in
            ["token", "TOKEN", "api_token", "token_prod", "TOKEN_2", "HASHICORP_TOKEN", "tokenValue", "latest_token"]
        {
            assert!(!denies(name, "token"), "{name}");
        }
    }
}
