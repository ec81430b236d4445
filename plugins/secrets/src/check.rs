//! What can be verified of a secret without asking anybody: checksums, and whether an encoding decodes to
//! what it should. Everything here answers yes or no about bytes; what follows from it is the engine's.

use crate::base64;
use crate::context::{Context, Kind};
use crate::judge::{self, Verdict};
use crate::rule::{Checksum, Judge};

/// A text of which nothing is known.
const PLAIN: Context = Context { kind: Kind::Config, rehearsal: false };

/// Whether the secret stands the test.
pub fn holds(checksum: Checksum, secret: &[u8]) -> bool {
    match checksum {
        Checksum::Github | Checksum::Npm => token(secret),
        Checksum::Jwt => jwt(secret),
        Checksum::Pem => pem(secret),
        Checksum::Basic => basic(secret),
    }
}

/// `prefix_` + characters + six digits of base 62: the CRC-32 of the characters.
fn token(secret: &[u8]) -> bool {
    let body = secret.iter().rposition(|&b| b == b'_').map_or(secret, |at| &secret[at + 1..]);
    let Some(split) = body.len().checked_sub(6) else { return false };
    let (entropy, sum) = body.split_at(split);
    !entropy.is_empty() && base62(crc32(entropy)) == *sum
}

/// CRC-32 as zip and Ethernet have it.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, &byte| CRC[usize::from(crc as u8 ^ byte)] ^ crc >> 8)
}

static CRC: [u32; 256] = crc_table();

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = at as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { 0xEDB8_8320 ^ value >> 1 } else { value >> 1 };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

/// Six digits of base 62, zeros in front.
pub fn base62(mut value: u32) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = [b'0'; 6];
    for place in out.iter_mut().rev() {
        *place = DIGITS[(value % 62) as usize];
        value /= 62;
    }
    out
}

fn jwt(secret: &[u8]) -> bool {
    let mut parts = secret.split(|&b| b == b'.');
    let (Some(header), Some(payload)) = (parts.next(), parts.next()) else { return false };
    let header = base64::decode(header);
    let payload = base64::decode(payload);
    // The sample that every tutorial shows.
    let sample = has(&payload, b"John Doe") || has(&payload, b"1234567890");
    object(&header) && has(&header, b"\"alg\"") && object(&payload) && payload.len() > 2 && !sample
}

fn object(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.starts_with(b"{") && text.ends_with(b"}") && std::str::from_utf8(text).is_ok()
}

fn has(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|w| w == part)
}

/// The text between the dashes is base64 with the variety of a key; line breaks, also written `\n`, and
/// the headers of old encrypted keys do not count.
fn pem(secret: &[u8]) -> bool {
    let Some(begin) = secret.windows(5).skip(10).position(|w| w == b"-----").map(|at| at + 15) else { return false };
    let rest = &secret[begin..];
    let body = &rest[..rest.windows(5).position(|w| w == b"-----").unwrap_or(rest.len())];
    let mut counts = [0_u32; 64];
    let mut total = 0_usize;
    let mut longest = (0_usize, 0_usize);
    for line in lines(body) {
        if line.contains(&b':') {
            continue;
        }
        let mut last = 0;
        for &byte in line {
            let six = base64::SEXTET[usize::from(byte)];
            if six == 255 {
                continue;
            }
            counts[usize::from(six)] += 1;
            total += 1;
            longest.1 = if byte == last { longest.1 + 1 } else { 1 };
            longest.0 = longest.0.max(longest.1);
            last = byte;
        }
    }
    let kinds = counts.iter().filter(|&&n| n > 0).count();
    // The shortest that occur are PKCS#8 Ed25519 keys: 64 characters, about half of them `A`-heavy header.
    total >= 40 && kinds >= 18 && longest.0 < 36
}

/// Lines, whether they are broken for real or written `\n` (or `\\n`, one level deeper).
fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|&b| matches!(b, b'\n' | b'\r' | b'\\')).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = &rest[end..];
        while let Some(&first) = rest.first() {
            let skip = match (first, rest.get(1)) {
                (b'\\', Some(b'n' | b'r')) => 2,
                (b'\n' | b'\r' | b'\\', _) => 1,
                _ => break,
            };
            rest = &rest[skip..];
        }
        Some(line)
    })
}

/// `user:password` in base64, both printable.
fn basic(secret: &[u8]) -> bool {
    let text = base64::decode(secret);
    let Some(colon) = text.iter().position(|&b| b == b':') else { return false };
    let password = &text[colon + 1..];
    password.len() >= 4
        && text.iter().all(|b| (b' '..=b'~').contains(b))
        && judge::surrounded(Judge::Password, b"", password, PLAIN) != Verdict::Drop
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(base62(0), *b"000000");
        assert_eq!(base62(u32::MAX), *b"4gfFC3");
    }

    #[test]
    fn a_token_with_another_last_character_fails() {
        let body = "Q7".repeat(15);
        let sum = base62(crc32(body.as_bytes()));
        let good = [b"ghp_", body.as_bytes(), &sum].concat();
        assert!(token(&good));
        let mut bad = good.clone();
        bad[39] = if bad[39] == b'0' { b'1' } else { b'0' };
        assert!(!token(&bad));
        assert!(!token(b"ghp_"));
    }

    #[test]
    fn basic_credentials_decode() {
        assert!(basic(b"YWRtaW46czNjcjN0IQ=="));
        assert!(!basic(b"YWRtaW4="));
    }
}
