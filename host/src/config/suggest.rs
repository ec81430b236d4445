//! "Did you mean": the known word that a mistyped one is nearest to. Used for keys and values of
//! `scan.toml`, and for names of plugins and stages wherever somebody types them.

/// Longer words are not compared: the distance takes the product of both lengths.
const MAX_BYTES: usize = 64;

/// The nearest of the candidates, if one is near enough to be what was meant. The first of equals.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.is_empty() || word.len() > MAX_BYTES {
        return None;
    }
    let folded = fold(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates.into_iter().filter(|c| c.len() <= MAX_BYTES) {
        let other = fold(candidate);
        let distance = strsim::damerau_levenshtein(&folded, &other);
        // One slip in a short word, a third of a longer one; a whole different word never is near.
        let allowed = (other.chars().count() / 3).max(1);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Case and the kind of separator are not what distinguishes two names.
fn fold(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).map(|c| if c == '_' || c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let known = ["fail-on", "min-confidence", "max", "stages"];
        assert_eq!(nearest("fail_on", known), Some("fail-on"));
        assert_eq!(nearest("FailOn", known), Some("fail-on"));
        assert_eq!(nearest("stage", known), Some("stages"));
        assert_eq!(nearest("mxa", known), Some("max"));
        assert_eq!(nearest("min-confidnece", known), Some("min-confidence"));
        assert_eq!(nearest("owner", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
