//! Excerpts: a snippet's lines with their numbers, cut to the width around what they are about, and a mark
//! below it.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use crate::finding::Snippet;
use crate::finding::text::cells;

/// Lines of a snippet that are shown; of a longer one the first and the last.
const MAX_LINES: usize = 6;
/// Stands for what was cut off; one column.
const CUT: &str = "…";

/// A line to print.
pub struct Line {
    /// `12 | `.
    pub gutter: String,
    /// The excerpt, or the mark below it.
    pub text: String,
    /// Whether it is a mark.
    pub is_mark: bool,
}

/// A character as it is shown.
struct Cell<'l> {
    text: Cow<'l, str>,
    width: usize,
    marked: bool,
}

/// The lines of a snippet, with a mark below the first and the last, none wider than `width`.
pub fn lines(snippet: &Snippet, width: usize) -> Vec<Line> {
    let last = snippet.lines.len().saturating_sub(1);
    let number = |at: usize| snippet.first_line.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
    let digits = number(last).to_string().len();
    let room = width.saturating_sub(digits + 3).max(4);
    let blank = format!("{:digits$} | ", "");
    let mut out = Vec::new();
    for (at, line) in snippet.lines.iter().enumerate() {
        let hidden = snippet.lines.len() - MAX_LINES.min(snippet.lines.len());
        if hidden > 0 && (MAX_LINES / 2..MAX_LINES / 2 + hidden).contains(&at) {
            if at == MAX_LINES / 2 {
                out.push(Line { gutter: blank.clone(), text: "...".into(), is_mark: false });
            }
            continue;
        }
        let from = if at == 0 { snippet.start } else { line.len() - line.trim_start().len() };
        let to = if at == last { snippet.end } else { line.len() };
        let (text, mark) = cut(line, from, to, room);
        out.push(Line { gutter: format!("{:digits$} | ", number(at)), text, is_mark: false });
        if at == 0 || at == last {
            out.push(Line { gutter: blank.clone(), text: mark, is_mark: true });
        }
    }
    out
}

/// The part of a line around `from`, at most `room` columns wide, and the mark below `from..to`. Both
/// offsets may be anything.
fn cut(line: &str, from: usize, to: usize, room: usize) -> (String, String) {
    let cells: Vec<_> =
        cells(line).map(|(at, text)| Cell { width: text.width(), marked: (from..to).contains(&at), text }).collect();
    let total: usize = cells.iter().map(|cell| cell.width).sum();
    let first = cells.iter().position(|cell| cell.marked);
    // A line that is too wide begins a third of the room before the mark, unless it may begin at its begin.
    let before: usize = cells[..first.unwrap_or(0)].iter().map(|cell| cell.width).sum();
    let skip = if total <= room { 0 } else { before.saturating_sub(room / 3) };
    let (mut text, mut mark, mut seen, mut used) = (String::new(), String::new(), 0, 0);
    if skip > 0 {
        text.push_str(CUT);
        mark.push(' ');
        used = 1;
    }
    for (at, cell) in cells.iter().enumerate() {
        seen += cell.width;
        if seen <= skip {
            continue;
        }
        let is_last = at + 1 == cells.len();
        if used + cell.width + usize::from(!is_last && total > room) > room {
            text.push_str(CUT);
            break;
        }
        text.push_str(&cell.text);
        mark.push_str(&if cell.marked { "^" } else { " " }.repeat(cell.width));
        used += cell.width;
    }
    let mark = mark.trim_end().to_owned();
    if !mark.is_empty() {
        return (text, mark);
    }
    // A place between two bytes, or one that nothing is shown of.
    let before: usize = cells_before(line, from).min(used).min(room - 1);
    (text, " ".repeat(before) + "^")
}

/// Columns before an offset.
fn cells_before(line: &str, offset: usize) -> usize {
    cells(line).take_while(|(at, _)| *at < offset).map(|(_, text)| text.width()).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn show(lines: &[&str], start: usize, end: usize, width: usize) -> String {
        let snippet = Snippet { first_line: 9, lines: lines.iter().map(ToString::to_string).collect(), start, end };
        super::lines(&snippet, width)
            .iter()
            .map(|line| format!("{}{}", line.gutter, line.text).trim_end().to_owned() + "\n")
            .collect()
    }

    #[test]
    fn the_mark_is_below_its_text() {
        assert_eq!(show(&["a\t= 你好;"], 4, 10, 80), "9 | a = 你好;\n  |     ^^^^\n");
        assert_eq!(show(&["ab"], 1, 1, 80), "9 | ab\n  |  ^\n");
        assert_eq!(show(&[""], 0, 0, 80), "9 |\n  | ^\n");
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let line = format!("{}SECRET{}", "a".repeat(50), "b".repeat(50));
        assert_eq!(show(&[&line], 50, 56, 24), "9 | …aaaaaaSECRETbbbbbb…\n  |        ^^^^^^\n");
        assert_eq!(show(&[&line], 0, 106, 24), "9 | aaaaaaaaaaaaaaaaaaa…\n  | ^^^^^^^^^^^^^^^^^^^\n");
    }

    #[test]
    fn of_many_lines_the_first_and_the_last_are_shown() {
        let lines = ["x = A", "B", "C", "D", "E", "F", "G", "  H end"];
        assert_eq!(
            show(&lines, 4, 3, 80),
            " 9 | x = A\n   |     ^\n10 | B\n11 | C\n   | ...\n14 | F\n15 | G\n16 |   H end\n   |   ^\n"
        );
    }

    proptest! {
        #[test]
        fn whatever_the_offsets_the_width_is_kept(
            lines in proptest::collection::vec("[a\u{1b}\t你é#\\[]{0,60}", 1..9),
            start in 0..80usize, end in 0..80usize, width in 20..60usize,
        ) {
            let snippet = Snippet { first_line: u32::MAX, lines, start, end };
            for line in super::lines(&snippet, width) {
                prop_assert!(line.gutter.width() + line.text.width() <= width, "{}{}", line.gutter, line.text);
                let escape = line.text.contains('\u{1b}');
                prop_assert!(!escape);
            }
        }
    }
}
