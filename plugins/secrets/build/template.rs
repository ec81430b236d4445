//! Examples are templates, so that the repository holds nothing that looks like a live credential. Drawn
//! from a fixed seed: the same rule has the same examples on every machine.

/// Expands `{{class:n}}`, `{{github-crc}}`, `{{npm-crc}}` and `{{b64:TEXT}}`.
pub fn expand(template: &str, seed: &str) -> Result<String, String> {
    let mut random = Random::new(seed);
    expand_with(template, &mut random)
}

fn expand_with(template: &str, random: &mut Random) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find("{{") {
        out.push_str(&rest[..open]);
        let body = &rest[open + 2..];
        let close = closing(body).ok_or_else(|| format!("`{{{{` is not closed in `{template}`"))?;
        let inner = &body[..close];
        if let Some(text) = directive(inner, &out, random)? {
            out.push_str(&text);
        } else {
            // Somebody else's template, as in `{{ password }}`.
            out.push_str("{{");
            out.push_str(inner);
            out.push_str("}}");
        }
        rest = &body[close + 2..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the `}}` stands that belongs to the `{{` before the text.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 1;
    let mut at = 0;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"{{" => {
                depth += 1;
                at += 2;
            }
            b"}}" => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
                at += 2;
            }
            _ => at += 1,
        }
    }
    None
}

fn directive(inner: &str, before: &str, random: &mut Random) -> Result<Option<String>, String> {
    if inner == "github-crc" || inner == "npm-crc" {
        let start = before.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
        return Ok(Some(checksum(&before.as_bytes()[start..])));
    }
    let Some((kind, argument)) = inner.split_once(':') else { return Ok(None) };
    if kind == "b64" {
        return expand_with(argument, random).map(|text| Some(base64(text.as_bytes())));
    }
    let Some(alphabet) = alphabet(kind) else { return Ok(None) };
    let count: usize = argument.parse().map_err(|_| format!("`{{{{{inner}}}}}`: a count is needed"))?;
    Ok(Some(random.draw(&alphabet, count)))
}

fn alphabet(kind: &str) -> Option<String> {
    const DIGIT: &str = "0123456789";
    const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    Some(match kind {
        "digit" => DIGIT.into(),
        "hex" => format!("{DIGIT}abcdef"),
        "HEX" => format!("{DIGIT}ABCDEF"),
        "lower" => LOWER.into(),
        "upper" => UPPER.into(),
        "alnum" => format!("{DIGIT}{LOWER}"),
        "ALNUM" => format!("{DIGIT}{UPPER}"),
        "base62" => format!("{DIGIT}{UPPER}{LOWER}"),
        "base64" => format!("{DIGIT}{UPPER}{LOWER}+/"),
        "base64url" => format!("{DIGIT}{UPPER}{LOWER}-_"),
        "base32" => format!("{UPPER}234567"),
        _ => return None,
    })
}

struct Random(u64);

impl Random {
    fn new(seed: &str) -> Self {
        Self(seed.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)))
    }

    fn below(&mut self, limit: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    /// One of each kind of character that the alphabet has, where there is room; no letter or digit first
    /// or last that a word boundary would not see; no character twice in a row.
    fn draw(&mut self, alphabet: &str, count: usize) -> String {
        let letters = alphabet.as_bytes();
        let kinds: [fn(&u8) -> bool; 3] = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
        loop {
            let mut out = Vec::with_capacity(count);
            while out.len() < count {
                let byte = letters[self.below(letters.len())];
                let edge = out.is_empty() || out.len() + 1 == count;
                if out.last() != Some(&byte) && !(edge && count > 1 && !byte.is_ascii_alphanumeric()) {
                    out.push(byte);
                }
            }
            let complete = kinds.iter().all(|kind| !letters.iter().any(kind) || out.iter().any(kind));
            if complete || count < 8 {
                return String::from_utf8_lossy(&out).into_owned();
            }
        }
    }
}

/// The scheme is written out a second time here: a test that used the engine's own code would prove nothing.
fn checksum(body: &[u8]) -> String {
    let mut crc = !0_u32;
    for &byte in body {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut value = !crc;
    let digits: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    let mut out = Vec::new();
    for _ in 0..6 {
        out.push(digits[(value % 62) as usize]);
        value /= 62;
    }
    out.iter().rev().collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let value = u32::from(group[0]) << 16
            | group.get(1).map_or(0, |&b| u32::from(b) << 8)
            | group.get(2).map_or(0, |&b| u32::from(b));
        for place in 0..4 {
            out.push(if place <= group.len() {
                char::from(DIGITS[(value >> (18 - 6 * place) & 63) as usize])
            } else {
                '='
            });
        }
    }
    out
}
