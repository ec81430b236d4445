//! From a keyword to the value that is assigned to the name it stands in.
//!
//! Keywords such as `token` occur in nearly every line of some sources, so this is written by hand and
//! turns away early: first the rest of the name, then the operator, and only when there is one the start
//! of the name and the value. Whether a value is a secret is not judged here.

use std::ops::Range;

/// What stands between name and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`, `:=`, `?=`, `=>`, `<-`.
    Assign,
    /// `:`, with or without a type behind it.
    Colon,
    /// `==`, `===`, `!=`.
    Compare,
    /// `set("name", "value")`, `{ name: "X", value: "Y" }`.
    Pair,
    /// `<name>value</name>`.
    Element,
    /// `--name value`.
    Flag,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The whole name, dots and dashes included.
    pub name: Range<usize>,
    /// Without quotes.
    pub value: Range<usize>,
    /// Between them.
    pub operator: Operator,
    /// The value stands in quotes.
    pub quoted: bool,
    /// The name stands in quotes, or inside a longer quoted text.
    pub escaped: bool,
    /// The value is followed by `(`, `.` or the like: it is an expression.
    pub expression: bool,
}

/// Longest name.
const MAX_NAME: usize = 96;
/// Longest value.
const MAX_VALUE: usize = 4096;
/// Blanks that are skipped around an operator.
const MAX_BLANKS: usize = 80;

/// The classes of bytes that the scan asks for most.
const NAME: u8 = 1;
const STOP: u8 = 2;
static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 {
            table[at] |= NAME;
        }
        if byte <= b' '
            || matches!(byte, b'"' | b'\'' | b'`' | b',' | b';' | b'<' | b'>' | b'|' | b'&' | b')' | b']' | b'}')
        {
            table[at] |= STOP;
        }
        at += 1;
    }
    table
}

#[inline]
fn is(byte: Option<&u8>, class: u8) -> bool {
    byte.is_some_and(|&b| CLASS[usize::from(b)] & class != 0)
}

/// Behind the last byte of the name that the keyword at `from..to` stands in. None: it is far too long.
#[inline]
pub fn name_end(text: &[u8], to: usize) -> Option<usize> {
    let mut at = to;
    loop {
        while is(text.get(at), NAME) {
            at += 1;
        }
        if at - to > MAX_NAME {
            return None;
        }
        // A dot or a dash belongs to the name where a name goes on behind it.
        if matches!(text.get(at), Some(b'-' | b'.')) && is(text.get(at + 1), NAME) {
            at += 1;
        } else {
            return Some(at);
        }
    }
}

fn name_start(text: &[u8], from: usize) -> usize {
    let floor = from.saturating_sub(MAX_NAME);
    let mut at = from;
    while at > floor && (is(text.get(at - 1), NAME) || matches!(text[at - 1], b'-' | b'.' | b'$')) {
        at -= 1;
    }
    // `\npassword` inside a JSON string: the letter belongs to the escape.
    if at > 0 && text[at - 1] == b'\\' && at < from && matches!(text[at], b'n' | b'r' | b't') {
        at += 1;
    }
    at
}

fn blanks(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while at - from < MAX_BLANKS && matches!(text.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// A quote, as it is written here: how many bytes, which character, and whether it is escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Quote {
    mark: u8,
    slashes: usize,
    len: usize,
}

fn quote(text: &[u8], at: usize) -> Option<Quote> {
    match text.get(at)? {
        &mark @ (b'"' | b'\'' | b'`') => Some(Quote { mark, slashes: 0, len: 1 }),
        b'\\' => {
            let slashes = text[at..].iter().take(8).take_while(|&&b| b == b'\\').count();
            match text.get(at + slashes) {
                Some(&mark @ (b'"' | b'\'' | b'`')) => Some(Quote { mark, slashes, len: slashes + 1 }),
                _ => None,
            }
        }
        b'&' if text[at..].starts_with(b"&quot;") => Some(Quote { mark: b'&', slashes: 0, len: 6 }),
        _ => None,
    }
}

/// Where the text in these quotes ends, and where the closing quote ends.
fn quoted(text: &[u8], from: usize, open: Quote) -> Option<(usize, usize)> {
    let end = text.len().min(from + MAX_VALUE);
    let mut at = from;
    while at < end {
        match text[at] {
            b'\n' | b'\r' if open.mark != b'`' => return None,
            b'\\' => {
                let slashes = text[at..end].iter().take_while(|&&b| b == b'\\').count();
                if text.get(at + slashes) == Some(&open.mark) {
                    if slashes == open.slashes {
                        return Some((at, at + slashes + 1));
                    }
                    // Fewer than it was opened with: the text around ends here.
                    if slashes < open.slashes {
                        return None;
                    }
                    // An escaped quote of the value's own.
                    at += slashes + 1;
                } else {
                    at += slashes;
                }
            }
            b'&' if open.mark == b'&' && text[at..end].starts_with(b"&quot;") => return Some((at, at + 6)),
            mark if mark == open.mark && open.mark != b'&' => {
                return (open.slashes == 0).then_some((at, at + 1));
            }
            _ => at += 1,
        }
    }
    None
}

/// The assignment whose name holds the keyword at `from` and ends at `name_end`. `bare` remembers the last
/// value without quotes, so that `a=b=c=…` is read once and not once a name.
pub fn parse(text: &[u8], from: usize, name_end: usize, bare: &mut Range<usize>) -> Option<Assignment> {
    let closing = quote(text, name_end);
    let mut at = name_end + closing.map_or(0, |q| q.len);
    if text.get(at) == Some(&b']') {
        at += 1;
    }
    let after = at;
    at = blanks(text, at);
    let (operator, value_at) = operator(text, from, name_end, closing, after, at)?;
    let name = name_start(text, from)..name_end;
    // `AWS::SecretsManager::Secret` is a type.
    if text[..name.start].ends_with(b"::") {
        return None;
    }
    let escaped = closing.is_some();
    value(text, value_at, operator, name, escaped, bare)
}

/// The operator, and where the value may begin.
fn operator(
    text: &[u8],
    from: usize,
    name_end: usize,
    closing: Option<Quote>,
    after: usize,
    at: usize,
) -> Option<(Operator, usize)> {
    let rest = text.get(at..)?;
    let next = rest.get(1).copied();
    match *rest.first()? {
        b'=' => match (next, rest.get(2)) {
            (Some(b'='), Some(b'=')) => Some((Operator::Compare, at + 3)),
            (Some(b'='), _) => Some((Operator::Compare, at + 2)),
            (Some(b'>'), _) => Some((Operator::Assign, at + 2)),
            (Some(b'~'), _) => None,
            _ => Some((Operator::Assign, at + 1)),
        },
        b'!' if next == Some(b'=') => Some((Operator::Compare, at + if rest.get(2) == Some(&b'=') { 3 } else { 2 })),
        b':' => match next {
            Some(b':') => None,
            Some(b'=') => Some((Operator::Assign, at + 2)),
            _ => Some(annotation(text, at + 1).map_or((Operator::Colon, at + 1), |value| (Operator::Assign, value))),
        },
        b'?' | b'+' if next == Some(b'=') => Some((Operator::Assign, at + 2)),
        b'?' if next == Some(b':') => annotation(text, at + 2).map(|value| (Operator::Assign, value)),
        b'|' | b'?' if next == rest.first().copied() && rest.get(2) == Some(&b'=') => Some((Operator::Assign, at + 3)),
        b'<' if next == Some(b'-') => Some((Operator::Assign, at + 2)),
        // `char password[] = "…"`: only the bracket was seen so far.
        b'[' => {
            let close = at + rest.iter().take(12).position(|&b| b == b']')? + 1;
            let at = blanks(text, close);
            (text.get(at) == Some(&b'=') && text.get(at + 1) != Some(&b'=')).then_some((Operator::Assign, at + 1))
        }
        b'>' if closing.is_none() => {
            let start = name_start(text, from);
            (start > 0 && text[start - 1] == b'<').then_some((Operator::Element, at + 1))
        }
        b',' | b'\n' | b'\r' => pair(text, from, closing, at),
        b'v' if at > after => pair(text, from, closing, at),
        _ if at > after && closing.is_none() => flag(text, from, name_end, at),
        _ => None,
    }
}

/// `: &'static str =`, `: string =`: behind the `=`.
fn annotation(text: &[u8], from: usize) -> Option<usize> {
    let mut at = blanks(text, from);
    if !text.get(at).is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'&' | b'*' | b'[')) {
        return None;
    }
    let end = text.len().min(at + 48);
    while at < end {
        match text[at] {
            b'=' => {
                return (at > from && !matches!(text.get(at + 1), Some(b'=' | b'>')) && text[at - 1] == b' ')
                    .then_some(at + 1);
            }
            b if b.is_ascii_alphanumeric() => at += 1,
            b'_' | b'&' | b'\'' | b'<' | b'>' | b':' | b'.' | b'|' | b'?' | b' ' | b'[' | b']' | b'*' => at += 1,
            _ => return None,
        }
    }
    None
}

/// `("name", "value")`, `name: NAME ⏎ value: …`, `"name": "NAME", "value": "…"`, `key="NAME" value="…"`.
fn pair(text: &[u8], from: usize, closing: Option<Quote>, at: usize) -> Option<(Operator, usize)> {
    let mut at = at;
    if text[at] == b',' {
        at += 1;
    }
    let newline = at;
    while at < newline + MAX_BLANKS && text.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    let open = quote(text, at);
    let word = at + open.map_or(0, |q| q.len);
    if text.get(word..word + 5).is_some_and(|w| w.eq_ignore_ascii_case(b"value")) {
        let mut behind = word + 5 + quote(text, word + 5).map_or(0, |q| q.len);
        behind = blanks(text, behind);
        return matches!(text.get(behind), Some(b':' | b'=')).then_some((Operator::Pair, behind + 1));
    }
    // A call with the name first. A list of words is no assignment, so the parenthesis is asked for.
    let closing = closing?;
    let open = open?;
    if open.mark != closing.mark || text.get(newline - 1) != Some(&b',') {
        return None;
    }
    let start = name_start(text, from).checked_sub(closing.len + 1)?;
    (text[start] == b'(').then_some((Operator::Pair, at))
}

/// `--name value`, `ENV NAME value`.
fn flag(text: &[u8], from: usize, _name_end: usize, at: usize) -> Option<(Operator, usize)> {
    let byte = text[at];
    if !(byte.is_ascii_alphanumeric() || matches!(byte, b'"' | b'\'')) {
        return None;
    }
    let start = name_start(text, from);
    let before = &text[start.saturating_sub(4)..start];
    (text[start..].starts_with(b"--") || before == b"ENV ").then_some((Operator::Flag, at))
}

/// The value that begins at or soon behind `from`.
fn value(
    text: &[u8],
    from: usize,
    operator: Operator,
    name: Range<usize>,
    escaped: bool,
    bare: &mut Range<usize>,
) -> Option<Assignment> {
    let mut at = blanks(text, from);
    // On the next line only right behind the operator, and only in quotes.
    let mut wrapped = false;
    if matches!(text.get(at), Some(b'\n' | b'\r' | b'(')) && operator != Operator::Element {
        let floor = at;
        while at < floor + MAX_BLANKS && text.get(at).is_some_and(|b| b.is_ascii_whitespace() || *b == b'(') {
            at += 1;
        }
        wrapped = true;
    }
    let make = |value: Range<usize>, quoted: bool, expression: bool| {
        (!value.is_empty()).then(|| Assignment { name: name.clone(), value, operator, quoted, escaped, expression })
    };
    if let Some((value, _)) = quoted_at(text, at) {
        return make(value, true, false);
    }
    if wrapped || operator == Operator::Compare {
        return None;
    }
    let first = *text.get(at)?;
    if CLASS[usize::from(first)] & STOP != 0
        || matches!(first, b'$' | b'{' | b'(' | b'[' | b'%' | b'*' | b'!' | b'=' | b'\\')
    {
        return None;
    }
    let end = text.len().min(at + MAX_VALUE);
    let mut stop = if bare.contains(&at) { bare.end } else { at };
    while stop < end {
        let byte = text[stop];
        if CLASS[usize::from(byte)] & STOP != 0 {
            break;
        }
        match byte {
            // An escape of the text around: `\n`, `\"`.
            b'\\' if stop + 1 < end && matches!(text[stop + 1], b'n' | b'r' | b't' | b'"' | b'\'' | b'\\' | b'u') => {
                break;
            }
            b'(' => {
                *bare = at..stop;
                return wrapper(text, at, stop).and_then(|value| make(value, true, false));
            }
            _ => stop += 1,
        }
    }
    *bare = at..stop;
    // `env.X || "fallback"`, `x or 'fallback'`, `x ?? "fallback"`.
    if let Some(value) = fallback(text, stop) {
        return make(value, true, false);
    }
    let expression = matches!(text.get(stop), Some(b'(' | b'[' | b'{'))
        || (text.get(stop) == Some(&b'<') && text.get(stop + 1) != Some(&b'/'));
    make(at..stop, false, expression)
}

/// A quoted text here, perhaps behind a prefix such as `b`, `r#` or `@`.
fn quoted_at(text: &[u8], from: usize) -> Option<(Range<usize>, usize)> {
    let mut at = from;
    for _ in 0..3 {
        if let Some(open) = quote(text, at) {
            let mut start = at + open.len;
            // `"""` opens a longer text.
            if open.slashes == 0
                && open.mark != b'&'
                && text.get(start) == Some(&open.mark)
                && text.get(start + 1) == Some(&open.mark)
            {
                start += 2;
            }
            return quoted(text, start, open).map(|(end, behind)| (start..end, behind));
        }
        match text.get(at)? {
            b'b' | b'r' | b'u' | b'f' | b'L' | b'@' | b'#' | b'B' | b'R' | b'U' | b'&' => at += 1,
            _ => return None,
        }
    }
    None
}

/// `String::from("…")`, `getenv("NAME", "fallback")`: the last quoted argument of the first two.
fn wrapper(text: &[u8], start: usize, paren: usize) -> Option<Range<usize>> {
    if paren - start > 40 {
        return None;
    }
    let (first, end) = quoted_at(text, blanks(text, paren + 1))?;
    let comma = blanks(text, end);
    if text.get(comma) == Some(&b',')
        && let Some((second, _)) = quoted_at(text, blanks(text, comma + 1))
    {
        return Some(second);
    }
    if let Some(value) = fallback(text, if text.get(comma) == Some(&b')') { comma + 1 } else { comma }) {
        return Some(value);
    }
    // Reading from somewhere by a name is no literal.
    let callee = &text[start..paren];
    let reads = [
        &b"env"[..],
        b"get",
        b"var",
        b"read",
        b"load",
        b"fetch",
        b"find",
        b"lookup",
        b"param",
        b"input",
        b"prompt",
        b"config",
        b"Env",
        b"Get",
    ];
    if reads.iter().any(|word| callee.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word))) {
        return None;
    }
    Some(first)
}

fn fallback(text: &[u8], from: usize) -> Option<Range<usize>> {
    let at = blanks(text, from);
    let rest = text.get(at..)?;
    let len = [&b"||"[..], b"??", b"or ", b"?:"].iter().find(|op| rest.starts_with(op)).map(|op| op.len())?;
    quoted_at(text, blanks(text, at + len)).map(|found| found.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    /// The value assigned to the name around the first `key`.
    fn value_of(text: &str) -> Option<&str> {
        let from = text.find("key").unwrap();
        let end = name_end(text.as_bytes(), from + 3)?;
        parse(text.as_bytes(), from, end, &mut (0..0)).map(|found| &text[found.value])
    }

    #[test]
    fn values_are_found_in_every_notation() {
        for text in [
            "key = 'V4lue'",
            "KEY_key=V4lue\n",
            "export my-key=\"V4lue\"",
            "key: V4lue",
            "\"key\": \"V4lue\",",
            "key := `V4lue`",
            "'key' => 'V4lue',",
            "let key: &'static str = \"V4lue\";",
            "key?: string = 'V4lue'",
            "char key[] = \"V4lue\";",
            "env['key'] = 'V4lue'",
            "{\\\"key\\\": \\\"V4lue\\\"}",
            "\"key = 'V4lue'\\n\"",
            "\"KEY=1\\nkey=V4lue\\nA=2\"",
            "&quot;key&quot;: &quot;V4lue&quot;",
            "<key>V4lue</key>",
            "set(\"key\", \"V4lue\")",
            "<add name=\"key\" value=\"V4lue\" />",
            "- name: key\n  value: V4lue\n",
            "run --key V4lue now",
            "ENV key V4lue",
            "key = b\"V4lue\"",
            "key =\n    'V4lue'",
            "key = String::from(\"V4lue\")",
            "key = getenv('A', 'V4lue')",
            "key = process.env.A || 'V4lue'",
            "?key=V4lue&b=2",
            "if (key == \"V4lue\")",
        ] {
            assert_eq!(value_of(text), Some("V4lue"), "{text}");
        }
    }

    #[test]
    fn what_is_no_assignment_is_none() {
        for text in [
            "the key is in the door",
            "key.len()",
            "key::Value",
            "key, value",
            "[\"key\", \"other\"]",
            "key()",
            "key = $OTHER",
            "key = {",
            "key = getenv(\"A\")",
            "key =~ /a/",
            "key == other",
            "key > other",
        ] {
            assert_eq!(value_of(text), None, "{text}");
        }
    }
}
