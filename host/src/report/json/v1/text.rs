//! The document's texts. Written as they are; read, they are made safe to show again, because a report can come
//! from anywhere.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use crate::finding::text::printable;

/// A text on one line: what is not safe to show is written out where it is read.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text<'o>(pub Cow<'o, str>);

/// A text that keeps its bytes: one of several lines, or one that is written into a file. Whoever shows one makes
/// it safe.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Verbatim<'o>(pub Cow<'o, str>);

impl<'de> Deserialize<'de> for Text<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Cow::Owned(safe) = printable(&text) {
            return Ok(Self(Cow::Owned(safe)));
        }
        Ok(Self(Cow::Owned(text)))
    }
}

impl<'de> Deserialize<'de> for Verbatim<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Cow::Owned(text)))
    }
}

impl<'o> From<&'o str> for Text<'o> {
    fn from(text: &'o str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'o> From<&'o String> for Text<'o> {
    fn from(text: &'o String) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'o> From<&'o str> for Verbatim<'o> {
    fn from(text: &'o str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<Text<'_>> for String {
    fn from(text: Text<'_>) -> Self {
        text.0.into_owned()
    }
}

impl From<Verbatim<'_>> for String {
    fn from(text: Verbatim<'_>) -> Self {
        text.0.into_owned()
    }
}
