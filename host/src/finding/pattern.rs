//! Patterns over rule ids, as overrides and inline comments use them. Nothing else of either lives here.

/// Whether a pattern, in which `*` stands for any text, is a rule's id. Takes the product of both lengths at
/// most, which are 100 bytes each.
pub fn matches(pattern: &str, id: &str) -> bool {
    let (pattern, id) = (pattern.as_bytes(), id.as_bytes());
    let (mut p, mut i) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while i < id.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p, i));
            p += 1;
        } else if pattern.get(p) == Some(&id[i]) {
            p += 1;
            i += 1;
        } else if let Some((star, from)) = retry {
            // Let the last star take one byte more.
            retry = Some((star, from + 1));
            p = star + 1;
            i = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}
