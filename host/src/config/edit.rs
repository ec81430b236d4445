//! Changes to the text of a `scan.toml` that leave all the rest of it as it is: comments, order, spacing. Text in,
//! text out; nothing here reads or writes a file.
//!
//! Lines are added and taken out by their places, and the result is read again before it is handed back, so that
//! no command can leave a file behind that the next one refuses.

use std::fmt::Write as _;
use std::ops::Range;

use toml_edit::{Document, Item, Table};

use super::{ConfigError, Date, Selector, parse};

/// Why a file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It was wrong before.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It is written in a way that lines cannot be added to.
    #[error("{0}")]
    Shape(String),
}

/// A suppression to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSuppression {
    /// What it is about.
    pub select: Selector,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: Date,
    /// A comment for its reader, such as where the finding is; one line.
    pub comment: Option<String>,
}

/// The smallest `scan.toml`.
pub const EMPTY: &str = "version = 1\n";

/// Adds a suppression after the last one, or at the end.
pub fn add_suppression(name: &str, text: &str, new: &NewSuppression) -> Result<String, EditError> {
    let config = parse(name, text)?;
    let document = document(text)?;
    let at = match document.as_table().get("suppress") {
        None => text.len(),
        Some(Item::ArrayOfTables(tables)) => {
            tables.iter().last().map_or(text.len(), |table| whole_lines(text, &extent(table)).end)
        }
        Some(_) => {
            let message =
                format!("`suppress` of {name} is written in one line; write it as `[[suppress]]` tables first");
            return Err(EditError::Shape(message));
        }
    };
    // Writing to a `String` cannot fail.
    let mut entry = String::new();
    if let Some(comment) = &new.comment {
        let _ = writeln!(entry, "# {}", crate::finding::text::printable_line(comment));
    }
    entry.push_str("[[suppress]]\n");
    let fingerprint = |value: Option<crate::finding::Fingerprint>| value.map(|value| value.to_string());
    let select = &new.select;
    for (key, value) in [
        ("fingerprint", fingerprint(select.fingerprint)),
        ("moved", fingerprint(select.moved)),
        ("rule", select.rule.clone()),
        ("path", select.path.clone()),
        ("package", select.package.clone()),
        ("advisory", select.advisory.clone()),
        ("reason", Some(new.reason.clone())),
    ] {
        if let Some(value) = value {
            let _ = writeln!(entry, "{key} = {}", string(&value));
        }
    }
    let _ = writeln!(entry, "expires = {}", new.expires);
    let changed = insert(text, at, &entry);
    let after = parse(name, &changed)?;
    check(after.suppressions.len() == config.suppressions.len() + 1, changed)
}

/// Takes suppressions out, by their place in the list. A comment right above one goes with it.
pub fn remove_suppressions(name: &str, text: &str, gone: &[usize]) -> Result<String, EditError> {
    let config = parse(name, text)?;
    let document = document(text)?;
    let Some(Item::ArrayOfTables(tables)) = document.as_table().get("suppress") else {
        let message = format!("`suppress` of {name} is written in one line; take the entries out by hand");
        return Err(EditError::Shape(message));
    };
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut count = 0;
    for (_, table) in tables.iter().enumerate().filter(|(at, _)| gone.contains(at)) {
        count += 1;
        ranges.push(with_comment(text, whole_lines(text, &extent(table))));
    }
    let mut changed = text.to_owned();
    for range in ranges.into_iter().rev() {
        changed.replace_range(range, "");
    }
    let after = parse(name, &changed)?;
    check(after.suppressions.len() + count == config.suppressions.len(), changed)
}

/// Writes a key of the top level that is not there yet, below `version`.
pub fn add_key(name: &str, text: &str, key: &str, value: &str) -> Result<String, EditError> {
    parse(name, text)?;
    let document = document(text)?;
    let root = document.as_table();
    if root.contains_key(key) {
        return Err(EditError::Shape(format!("{name} has a `{key}` already")));
    }
    let version = root.get("version").and_then(Item::span).map_or(0, |span| span.end);
    let at = text[version..].find('\n').map_or(text.len(), |end| version + end + 1);
    let line = format!("{key} = {}\n", string(value));
    let (before, after) = text.split_at(at);
    let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let changed = format!("{before}{end}{line}{after}");
    parse(name, &changed)?;
    Ok(changed)
}

/// Adds a table at the end, as it stands.
pub fn add_table(name: &str, text: &str, table: &str) -> Result<String, EditError> {
    parse(name, text)?;
    let changed = insert(text, text.len(), table);
    parse(name, &changed)?;
    Ok(changed)
}

fn document(text: &str) -> Result<Document<&str>, EditError> {
    Document::parse(text).map_err(|error| EditError::Shape(error.message().to_owned()))
}

fn check(good: bool, changed: String) -> Result<String, EditError> {
    if good { Ok(changed) } else { Err(EditError::Shape("the file could not be changed; edit it by hand".into())) }
}

/// From a table's header to the end of its last value.
fn extent(table: &Table) -> Range<usize> {
    let header = table.span().unwrap_or(0..0);
    let end = table.iter().filter_map(|(_, item)| item.span()).map(|span| span.end).max();
    header.start..end.unwrap_or(header.end).max(header.end)
}

fn whole_lines(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at + 1);
    start..end
}

/// Comments right above belong to what is below them; of the empty lines around it one goes as well.
fn with_comment(text: &str, mut range: Range<usize>) -> Range<usize> {
    while range.start > 0 {
        let before = whole_lines(text, &(range.start - 1..range.start - 1));
        if !text[before.clone()].trim_start().starts_with('#') {
            if text[before.clone()].trim().is_empty() {
                range.start = before.start;
            }
            break;
        }
        range.start = before.start;
    }
    range
}

fn insert(text: &str, at: usize, entry: &str) -> String {
    let (before, after) = text.split_at(at);
    let mut out = before.to_owned();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
    out.push_str(entry);
    if !after.is_empty() && !after.starts_with('\n') {
        out.push('\n');
    }
    out.push_str(after);
    out
}

/// A TOML string.
fn string(value: &str) -> String {
    toml_edit::Value::from(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"# Our policy.
version = 1   # the format

# Gates.
[[gate]]
fail-on = "high"

# Accepted in spring.
[[suppress]]
rule = "secrets.jwt" # a sample
reason = "made up"
expires = 2027-01-31

[[suppress]]
path = "old/**"
reason = """
on its way
out"""
expires = 2027-02-28

# The rest.
[files]
exclude = ["vendor/**"]
# The end.
"#;

    fn new() -> NewSuppression {
        NewSuppression {
            select: Selector { rule: Some("secrets.*".into()), path: Some("a \"b\".py".into()), ..Selector::default() },
            reason: "for a \"test\"".into(),
            expires: Date::new(2027, 3, 1).unwrap(),
            comment: Some("src/a.py\u{1b}[31m".into()),
        }
    }

    #[test]
    fn a_suppression_is_added_after_the_last_one() {
        insta::assert_snapshot!(add_suppression("scan.toml", FILE, &new()).unwrap());
        let first = add_suppression("scan.toml", EMPTY, &new()).unwrap();
        assert!(first.starts_with("version = 1\n\n# src/a.py"), "{first}");
        assert!(add_suppression("scan.toml", "version = 1", &new()).unwrap().starts_with("version = 1\n\n#"));
    }

    #[test]
    fn what_is_taken_out_leaves_the_rest_as_it_was() {
        let first = remove_suppressions("scan.toml", FILE, &[0]).unwrap();
        assert!(!first.contains("spring") && !first.contains("secrets.jwt"), "{first}");
        assert_eq!(first.len(), FILE.len() - 108, "{first}");
        let second = remove_suppressions("scan.toml", FILE, &[1]).unwrap();
        assert!(!second.contains("old/**") && second.contains("# The rest.\n[files]"), "{second}");
        insta::assert_snapshot!(remove_suppressions("scan.toml", FILE, &[0, 1]).unwrap());
    }

    #[test]
    fn keys_go_below_the_version_and_tables_to_the_end() {
        let text = add_key("scan.toml", FILE, "baseline", "scan-baseline.json").unwrap();
        assert!(text.contains("version = 1   # the format\nbaseline = \"scan-baseline.json\"\n"), "{text}");
        assert_eq!(
            add_key("scan.toml", "version = 1", "baseline", "b.json").unwrap(),
            "version = 1\nbaseline = \"b.json\"\n"
        );
        assert!(add_key("scan.toml", &text, "baseline", "other.json").is_err());
        let text = add_table("scan.toml", EMPTY, "[[gate]]\nfail-on = \"high\"\nnew-only = true\n").unwrap();
        assert_eq!(text, "version = 1\n\n[[gate]]\nfail-on = \"high\"\nnew-only = true\n");
    }

    #[test]
    fn what_cannot_be_changed_is_left_alone() {
        let inline = "version = 1\nsuppress = [{ rule = \"a.b\", reason = \"x\", expires = 2027-01-01 }]\n";
        assert!(matches!(add_suppression("scan.toml", inline, &new()), Err(EditError::Shape(_))));
        assert!(matches!(add_suppression("scan.toml", "version = 2\n", &new()), Err(EditError::Config(_))));
        let bad = NewSuppression { reason: String::new(), ..new() };
        assert!(matches!(add_suppression("scan.toml", EMPTY, &bad), Err(EditError::Config(_))));
    }
}
