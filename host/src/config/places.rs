//! Where the values of a file stand. A [`Config`] keeps the places that a plan complains about; whoever shows the
//! whole configuration with its origins asks here for the others.

use toml_edit::{Document, Item, Key, TableLike, Value};

use super::{Config, Span};

/// The places of one file.
#[derive(Debug)]
pub struct Places<'c> {
    config: &'c Config,
    document: Option<Document<String>>,
}

impl<'c> Places<'c> {
    /// Of the file that a configuration came from; without a file there are none.
    pub fn new(config: &'c Config) -> Self {
        let text = config.source.as_ref().map(|source| source.text().to_owned());
        Self { config, document: text.and_then(|text| Document::parse(text).ok()) }
    }

    /// Where a value stands that is reached by these keys; a number is an entry of a list.
    pub fn span(&self, path: &[&str]) -> Option<Span> {
        let mut table: &dyn TableLike = self.document.as_ref()?.as_table();
        let mut steps = path.iter().peekable();
        while let Some(name) = steps.next() {
            let item = table.get(name)?;
            let Some(next) = steps.peek() else { return item.span().or_else(|| table.key(name).and_then(Key::span)) };
            table = match (item, next.parse::<usize>()) {
                (Item::ArrayOfTables(tables), Ok(at)) => {
                    steps.next();
                    tables.get(at)?
                }
                (Item::Value(Value::Array(tables)), Ok(at)) => {
                    steps.next();
                    tables.get(at)?.as_inline_table()?
                }
                _ => item.as_table_like()?,
            };
        }
        None
    }

    /// `scan.toml:12`, if the file says anything there.
    pub fn origin(&self, path: &[&str]) -> Option<String> {
        self.span(path).map(|span| self.config.place(self.config.line_of(&span)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{parse, tests::GOOD};

    #[test]
    fn values_are_found_however_they_are_written() {
        let config = parse("scan.toml", GOOD).unwrap();
        let places = Places::new(&config);
        let text = |path: &[&str]| places.span(path).map(|span| &GOOD[span]);
        assert_eq!(text(&["stages", "commit", "budget"]), Some("\"2s\""));
        assert_eq!(text(&["gate", "1", "max"]), Some("{ low = 20, medium = 0 }"));
        assert_eq!(text(&["plugins", "license-check", "limits", "time"]), Some("\"1m30s\""));
        for nowhere in [&["stages", "build"][..], &["gate", "9", "max"], &["gate", "max"], &["version", "x"], &[]] {
            assert_eq!(text(nowhere), None, "{nowhere:?}");
        }
        assert!(places.origin(&["policy", "incomplete"]).unwrap().starts_with("scan.toml:"));

        let inline = parse("x.toml", "version = 1\ngate = [\n  { fail-on = 'low' },\n]\n").unwrap();
        assert_eq!(Places::new(&inline).origin(&["gate", "0", "fail-on"]).as_deref(), Some("x.toml:3"));
        assert_eq!(Places::new(&Config::default()).origin(&["version"]), None);
    }
}
