//! Text or binary, by a look at the first bytes, as git and grep do it.

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No NUL byte at the start, or UTF-16.
    Text,
    /// The rest.
    Binary,
}

/// How far one looks.
const LOOK: usize = 8_000;

/// Judges by the first 8,000 bytes: a NUL byte means binary, unless a byte order mark or the pattern of its
/// NULs says that it is UTF-16.
pub fn kind(bytes: &[u8]) -> Kind {
    let head = &bytes[..bytes.len().min(LOOK)];
    if memchr::memchr(0, head).is_none() || is_utf16(head) { Kind::Text } else { Kind::Binary }
}

/// A byte order mark (not UTF-32's), or NULs in nearly all odd or all even places and in none of the others.
fn is_utf16(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe\0\0") {
        return false;
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let units = head.len() / 2;
    if units < 8 {
        return false;
    }
    let (mut even, mut odd) = (0, 0);
    for pair in head.chunks_exact(2) {
        even += usize::from(pair[0] == 0);
        odd += usize::from(pair[1] == 0);
    }
    let (most, least) = (even.max(odd), even.min(odd));
    least == 0 && most * 10 >= units * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_text_and_the_rest_with_nul_is_not() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        assert_eq!(kind(b"plain"), Kind::Text);
        assert_eq!(kind(b""), Kind::Text);
        assert_eq!(kind(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"), Kind::Binary);
        assert_eq!(kind(&wide("password = 1 and more")), Kind::Text);
        assert_eq!(kind(&[b"\xff\xfe".to_vec(), wide("x")].concat()), Kind::Text);
        assert_eq!(kind(b"\xff\xfe\0\0a\0\0\0"), Kind::Binary);
        assert_eq!(kind(b"a\0b\0\0\0\0\0c\0d\0\0\0\0\0\0\0"), Kind::Binary);
    }
}
