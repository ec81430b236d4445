//! What is wrong with a configuration, and how it is shown: an excerpt with a caret, for each mistake.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::Span;
use super::excerpt::Source;
use crate::finding::text::brief;

/// More mistakes than this are counted, not shown.
const MAX_SHOWN: usize = 50;
/// Longest message or help, in characters.
const MAX_TEXT: usize = 600;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The system refused.
    #[error("cannot read `{name}`: {source}")]
    Unreadable {
        /// The file, safe to print.
        name: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// A folder, a FIFO, a device.
    #[error("cannot read `{name}`: it is no regular file")]
    NotAFile {
        /// The file, safe to print.
        name: String,
    },
    /// A link to somewhere else.
    #[error("cannot read `{name}`: it is a symbolic link that leaves its folder; put the file itself there")]
    LeavesFolder {
        /// The file, safe to print.
        name: String,
    },
    /// More than is read.
    #[error("cannot read `{name}`: it is larger than {limit} bytes")]
    TooLarge {
        /// The file, safe to print.
        name: String,
        /// What it may have.
        limit: u64,
    },
    /// Its text is wrong.
    #[error("{0}")]
    Invalid(Mistakes),
}

/// One mistake. The texts are made safe to print when they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where; none when it is nowhere in the file.
    pub span: Option<Span>,
    /// What is wrong.
    pub message: String,
    /// What stands beside the caret; may be empty.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

/// All mistakes of one file.
#[derive(Debug)]
pub struct Mistakes {
    source: Source,
    list: Vec<Mistake>,
}

impl Mistakes {
    /// In the order of the file.
    pub(super) fn new(source: Source, mut list: Vec<Mistake>) -> Self {
        list.sort_by_key(|mistake| mistake.span.as_ref().map_or(0, |span| span.start));
        Self { source, list }
    }

    /// In the order of the file; at least one.
    pub fn list(&self) -> &[Mistake] {
        &self.list
    }

    /// Line and column of a mistake: both 1-based, the column in characters.
    pub fn position(&self, mistake: &Mistake) -> Option<(u32, usize)> {
        let excerpt = self.source.excerpt(mistake.span.as_ref()?);
        Some((excerpt.line, excerpt.column))
    }

    fn more(&self) -> usize {
        self.list.len().saturating_sub(MAX_SHOWN)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, mistake) in self.list.iter().take(MAX_SHOWN).enumerate() {
            if count > 0 {
                f.write_str("\n")?;
            }
            f.write_str(self.source.name())?;
            if let Some((line, column)) = self.position(mistake) {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {}", brief(&mistake.message, MAX_TEXT))?;
            if let Some(help) = &mistake.help {
                write!(f, "; {}", brief(help, MAX_TEXT))?;
            }
        }
        if self.more() > 0 {
            write!(f, "\nand {} more", self.more())?;
        }
        Ok(())
    }
}

impl ConfigError {
    /// The mistakes in the file's text; none when the file could not be read.
    pub fn mistakes(&self) -> &[Mistake] {
        if let Self::Invalid(mistakes) = self { mistakes.list() } else { &[] }
    }

    /// Both errors in one, for showing all mistakes at once. They have to be about the same file; an error
    /// that is not about the file's text stands alone.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Invalid(mut one), Self::Invalid(two)) => {
                one.list.extend(two.list);
                Self::Invalid(Mistakes::new(one.source, one.list))
            }
            (Self::Invalid(_), other) => other,
            (one, _) => one,
        }
    }

    /// For a terminal or a log of `width` columns; ends without a line end.
    pub fn render(&self, color: bool, width: usize) -> String {
        if let Self::Invalid(mistakes) = self {
            return mistakes.render(&Level::ERROR, color, width);
        }
        let title = brief(&self.to_string(), MAX_TEXT);
        renderer(color, width).render(&[Group::with_title(Level::ERROR.primary_title(title))])
    }
}

impl Mistakes {
    /// For a terminal or a log of `width` columns; ends without a line end.
    pub(super) fn render(&self, level: &Level<'_>, color: bool, width: usize) -> String {
        let renderer = renderer(color, width);
        let mut out: Vec<String> = Vec::new();
        for mistake in self.list.iter().take(MAX_SHOWN) {
            out.push(render_one(&renderer, &self.source, mistake, level));
        }
        if self.more() > 0 {
            let title = format!("{} more are not shown", self.more());
            out.push(renderer.render(&[Group::with_title(Level::NOTE.primary_title(title))]));
        }
        out.join("\n\n")
    }
}

fn renderer(color: bool, width: usize) -> Renderer {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.term_width(width.clamp(40, 200))
}

fn render_one(renderer: &Renderer, source: &Source, mistake: &Mistake, level: &Level<'_>) -> String {
    let mut group = Group::with_title(level.clone().primary_title(brief(&mistake.message, MAX_TEXT)));
    if let Some(span) = &mistake.span {
        let excerpt = source.excerpt(span);
        let mut annotation = AnnotationKind::Primary.span(excerpt.span.clone());
        if !mistake.label.is_empty() {
            annotation = annotation.label(brief(&mistake.label, MAX_TEXT));
        }
        let (line, keeps_column) = (excerpt.line as usize, excerpt.keeps_column());
        let mut snippet = Snippet::source(excerpt.text).line_start(line).annotation(annotation);
        if keeps_column {
            snippet = snippet.path(source.name());
        } else {
            // The renderer counts the column in what it is given.
            group = group.element(Origin::path(source.name()).line(line).char_column(excerpt.column));
        }
        group = group.element(snippet);
    }
    if let Some(help) = &mistake.help {
        group = group.element(Level::HELP.message(brief(help, MAX_TEXT)));
    }
    renderer.render(&[group])
}
