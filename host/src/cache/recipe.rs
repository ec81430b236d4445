//! How a secret is told without being written down: where it stands in the file, and how it is encoded there.

use std::ops::Range;

use memchr::memmem;
use serde::{Deserialize, Serialize};

/// The longest text that is decoded in search of a secret. Credentials in base64 are far shorter, keys too.
const MAX_ENCODED: usize = 64 << 10;

/// Makes a secret of a file's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recipe {
    /// The bytes at an offset, as they are.
    Plain(u64, u32),
    /// ASCII in UTF-16 at an offset, so many code units; whether the high byte comes first.
    Utf16(u64, u32, bool),
    /// The text at an offset is decoded from base64 of either alphabet; of the result the bytes at an offset.
    Base64 {
        /// Offset and length of the text.
        text: (u64, u32),
        /// Offset and length in what is decoded.
        part: (u32, u32),
    },
}

impl Recipe {
    /// A recipe that makes exactly this secret of the file. `near` are the places that the guest named, the likeliest first.
    /// None: it stands there in a form that is not known here.
    pub fn find(secret: &[u8], file: &[u8], near: &[Range<usize>]) -> Option<Self> {
        let recipe = Self::guess(secret, file, near)?;
        // Whatever the way to it: what counts is what it makes.
        (recipe.apply(file).as_deref() == Some(secret)).then_some(recipe)
    }

    fn guess(secret: &[u8], file: &[u8], near: &[Range<usize>]) -> Option<Self> {
        let len = u32::try_from(secret.len()).ok().filter(|len| *len > 0)?;
        let near = || near.iter().filter(|range| range.start <= range.end && range.end <= file.len());
        for range in near() {
            if let Some(at) = memmem::find(&file[range.clone()], secret) {
                return Some(Self::Plain((range.start + at) as u64, len));
            }
        }
        if secret.is_ascii() {
            for (wide, high_first) in [(wide(secret, false), false), (wide(secret, true), true)] {
                let found = near().find_map(|r| memmem::find(&file[r.clone()], &wide).map(|at| r.start + at));
                // A place that begins between the two bytes of a unit cuts it.
                let found = found.or_else(|| memmem::find(file, &wide));
                if let Some(at) = found {
                    return Some(Self::Utf16(at as u64, len, high_first));
                }
            }
        }
        for range in near().filter(|range| range.len() <= MAX_ENCODED) {
            for start in range.start..range.end.min(range.start + 4) {
                if let Some(at) = memmem::find(&decode(&file[start..range.end]), secret) {
                    let text = (start as u64, (range.end - start) as u32);
                    return Some(Self::Base64 { text, part: (at as u32, len) });
                }
            }
        }
        memmem::find(file, secret).map(|at| Self::Plain(at as u64, len))
    }

    /// The secret. None: the recipe is not one for this file.
    pub fn apply(&self, file: &[u8]) -> Option<Vec<u8>> {
        match *self {
            Self::Plain(at, len) => slice(file, at, u64::from(len)).map(<[u8]>::to_vec),
            Self::Utf16(at, len, high_first) => {
                let units = slice(file, at, u64::from(len) * 2)?.chunks_exact(2);
                Some(units.map(|unit| unit[usize::from(high_first)]).collect())
            }
            Self::Base64 { text, part } => {
                let text = slice(file, text.0, u64::from(text.1)).filter(|text| text.len() <= MAX_ENCODED)?;
                slice(&decode(text), u64::from(part.0), u64::from(part.1)).map(<[u8]>::to_vec)
            }
        }
    }
}

fn slice(bytes: &[u8], at: u64, len: u64) -> Option<&[u8]> {
    let at = usize::try_from(at).ok()?;
    bytes.get(at..at.checked_add(usize::try_from(len).ok()?)?)
}

fn wide(text: &[u8], high_first: bool) -> Vec<u8> {
    text.iter().flat_map(|byte| if high_first { [0, *byte] } else { [*byte, 0] }).collect()
}

/// Both alphabets at once and line breaks inside, as it stands in other people's files; up to the first character
/// that is none. A library's decoder is strict where a plugin is not.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0u32, 0);
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'\r' | b'\n' => continue,
            _ => break,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn whole(file: &[u8]) -> Vec<Range<usize>> {
        std::iter::once(0..file.len()).collect()
    }

    #[test]
    fn a_secret_is_found_as_it_is_in_utf16_and_in_base64() {
        let secret = b"hunter2?hunter2>";
        let plain = [b"pw = ".as_slice(), secret, b"\n"].concat();
        assert_eq!(Recipe::find(secret, &plain, &[]), Some(Recipe::Plain(5, 16)));
        for high_first in [false, true] {
            let file = [b"\xff\xfe".as_slice(), &wide(secret, high_first)].concat();
            assert_eq!(Recipe::find(secret, &file, &whole(&file)), Some(Recipe::Utf16(2, 16, high_first)));
        }
        let inner = [b"token: ".as_slice(), secret].concat();
        for text in [STANDARD.encode(&inner), URL_SAFE_NO_PAD.encode(&inner)] {
            let file = format!("{text}\n");
            for near in [0..text.len(), 0..file.len()] {
                let recipe = Recipe::find(secret, file.as_bytes(), &[near]);
                assert!(matches!(recipe, Some(Recipe::Base64 { part: (7, 16), .. })), "{recipe:?}");
            }
            // Nobody said where.
            assert_eq!(Recipe::find(secret, file.as_bytes(), &[]), None);
        }
    }

    #[test]
    fn what_is_not_there_has_no_recipe() {
        assert_eq!(Recipe::find(b"absent", b"a file", &whole(b"a file")), None);
        assert_eq!(Recipe::find(b"", b"a file", &whole(b"a file")), None);
        assert_eq!(Recipe::find(b"file", b"a file", &[9..12, 5..99]), Some(Recipe::Plain(2, 4)));
    }

    proptest! {
        #[test]
        fn what_is_found_makes_the_secret(
            before in proptest::collection::vec(any::<u8>(), 0..40),
            secret in proptest::collection::vec(any::<u8>(), 1..40),
            after in proptest::collection::vec(any::<u8>(), 0..40),
            encoded in any::<bool>(),
        ) {
            let inner = [&before[..], &secret, &after].concat();
            let file = if encoded { STANDARD.encode(&inner).into_bytes() } else { inner };
            let recipe = Recipe::find(&secret, &file, &whole(&file));
            prop_assert_eq!(recipe.and_then(|recipe| recipe.apply(&file)), Some(secret));
        }

        #[test]
        fn any_recipe_is_harmless(
            at: u64, len: u32, big: bool, inner: u32, part: u32,
            file in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            for recipe in [
                Recipe::Plain(at, len),
                Recipe::Utf16(at, len, big),
                Recipe::Base64 { text: (at % 256, len % 256), part: (inner % 256, part % 256) },
                Recipe::Base64 { text: (at, len), part: (inner, part) },
            ] {
                if let Some(secret) = recipe.apply(&file) {
                    prop_assert!(secret.len() <= file.len());
                }
            }
        }
    }
}
