//! What identifies a finding from one run to the next.
//!
//! BLAKE3, 128 bits, over length-prefixed parts, so that no two lists of parts give the same bytes. White
//! space is taken out of matched text, so that a new indentation is no new finding. Of a secret only a
//! digest that is keyed by the project's own `fingerprint-key` enters; without a key only 12 bits of a plain
//! digest do, because a fingerprint is published and a short secret could be guessed from a longer one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// 128 bits, written as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        u128::from_str_radix(&text, 16)
            .ok()
            .filter(|_| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()))
            .map(|number| Self(number.to_be_bytes()))
            .ok_or_else(|| "a fingerprint is 32 hexadecimal digits".into())
    }
}

impl Fingerprint {
    /// A fingerprint that a test knows by heart.
    #[cfg(test)]
    pub(crate) fn stub(seed: u8) -> Self {
        Self([seed; 16])
    }

    /// Over parts in this order.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("scanhost fingerprint 1");
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut out = [0; 16];
        hasher.finalize_xof().fill(&mut out);
        Self(out)
    }
}

/// Tells two secrets apart within one process, where their fingerprints may hold 12 bits of them only. Never written
/// anywhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretDigest([u8; 16]);

impl SecretDigest {
    /// Of a secret's bytes.
    pub fn of(secret: &[u8]) -> Self {
        let mut out = [0; 16];
        blake3::Hasher::new_derive_key("scanhost secret within a process 1")
            .update(secret)
            .finalize_xof()
            .fill(&mut out);
        Self(out)
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(…)")
    }
}

/// What stands for the text of a finding in its fingerprint.
pub fn matched(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
}

/// What stands for a secret: all of a keyed digest, or 12 bits of a plain one.
pub fn secret(rule: &str, secret: &[u8], key: Option<&[u8]>) -> Vec<u8> {
    let part = |hasher: &mut blake3::Hasher| {
        hasher.update(&(rule.len() as u64).to_le_bytes());
        hasher.update(rule.as_bytes());
        hasher.update(secret);
    };
    if let Some(key) = key {
        let key = blake3::derive_key("scanhost fingerprint key 1", key);
        let mut hasher = blake3::Hasher::new_keyed(&key);
        part(&mut hasher);
        return hasher.finalize().as_bytes().to_vec();
    }
    let mut hasher = blake3::Hasher::new_derive_key("scanhost secret without key 1");
    part(&mut hasher);
    let digest = hasher.finalize();
    vec![digest.as_bytes()[0], digest.as_bytes()[1] & 0xf0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(Fingerprint::of(&[b"ab", b"c"]), Fingerprint::of(&[b"a", b"bc"]));
        assert_ne!(Fingerprint::of(&[b"a"]), Fingerprint::of(&[b"a", b""]));
    }

    #[test]
    fn without_a_key_twelve_bits_enter() {
        let kinds: std::collections::HashSet<Vec<u8>> =
            (0..100_000_u32).map(|n| secret("r", &n.to_le_bytes(), None)).collect();
        assert_eq!(kinds.len(), 4096);
        assert_ne!(secret("r", b"one", Some(b"k")), secret("r", b"one", Some(b"l")));
    }

    #[test]
    fn text_and_back() {
        let fingerprint = Fingerprint::of(&[b"x"]);
        assert_eq!(Fingerprint::try_from(fingerprint.to_string()), Ok(fingerprint));
        assert!(Fingerprint::try_from("+".to_owned() + &"0".repeat(31)).is_err());
    }
}
