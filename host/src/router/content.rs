//! Text or binary, by a look at the first bytes, as git and grep do it.

use crate::finding::location::utf16;

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
    if memchr::memchr(0, head).is_none() || utf16(head).is_some() { Kind::Text } else { Kind::Binary }
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
