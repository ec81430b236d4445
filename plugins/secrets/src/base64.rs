//! Decoding base64 of either alphabet, forgivingly: what is looked at is somebody else's text.

/// The six bits of a character; 255 for none.
pub static SEXTET: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let mut table = [255; 256];
    let mut at = 0_u8;
    while at < 26 {
        table[(b'A' + at) as usize] = at;
        table[(b'a' + at) as usize] = at + 26;
        at += 1;
    }
    at = 0;
    while at < 10 {
        table[(b'0' + at) as usize] = at + 52;
        at += 1;
    }
    table[b'+' as usize] = 62;
    table[b'-' as usize] = 62;
    table[b'/' as usize] = 63;
    table[b'_' as usize] = 63;
    table
}

/// Decodes up to the first character that is none; incomplete groups at the end give what they hold.
pub fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut bits = 0_u32;
    let mut held = 0;
    for &byte in text {
        let six = SEXTET[usize::from(byte)];
        if six == 255 {
            break;
        }
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

/// The characters that an encoding of `anchor` holds for sure at this alignment (0, 1 or 2 bytes stand
/// before it in its group) are these: compares them with the text and tells whether they are there.
pub fn holds(text: &[u8], anchor: &[u8], alignment: usize) -> bool {
    let first = (8 * alignment).div_ceil(6);
    let last = 8 * (alignment + anchor.len()) / 6;
    if last <= first || text.len() < last - first {
        return false;
    }
    (first..last).zip(text).all(|(at, &found)| {
        let bit = at * 6 - 8 * alignment;
        let high = u16::from(anchor[bit / 8]) << 8;
        let low = anchor.get(bit / 8 + 1).map_or(0, |&b| u16::from(b));
        let six = ((high | low) >> (10 - bit % 8)) & 63;
        u16::from(SEXTET[usize::from(found)]) == six
    })
}

/// How far into its group of four the first sure character stands.
pub const FIRST_SURE: [usize; 3] = [0, 2, 3];

/// The run of characters around `at`: its range, without padding.
pub fn run(text: &[u8], at: usize, reach: usize) -> std::ops::Range<usize> {
    let is = |byte: &u8| SEXTET[usize::from(*byte)] != 255;
    let floor = at.saturating_sub(reach);
    let ceiling = text.len().min(at.saturating_add(reach));
    let start = floor + text[floor..at].iter().rposition(|b| !is(b)).map_or(0, |p| p + 1);
    let end = at + text[at..ceiling].iter().position(|b| !is(b)).unwrap_or(ceiling - at);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_was_encoded() {
        assert_eq!(decode(b"Z2hwX3g="), b"ghp_x");
        assert_eq!(decode(b"YWdocF94"), b"aghp_x");
    }

    #[test]
    fn an_anchor_is_seen_at_every_alignment() {
        assert!(holds(b"Z2hwX3g=", b"ghp_", 0));
        assert!(holds(&b"YWdocF94"[2..], b"ghp_", 1));
        assert!(holds(&b"YWFnaHBfeA=="[3..], b"ghp_", 2));
        assert!(!holds(b"Z2hwX3g=", b"ghp_", 1));
        assert!(!holds(b"Z", b"ghp_", 0));
    }

    #[test]
    fn a_run_ends_where_the_alphabet_does() {
        assert_eq!(run(b"x: YWdocF94=", 5, 100), 3..11);
        assert_eq!(run(b"YWdo", 4, 100), 0..4);
    }
}
