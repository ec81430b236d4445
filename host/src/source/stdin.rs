//! One stream, offered as one file.

use std::io::Read;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::read::{ReadError, check};
use super::{Content, Entry, Offer, Sink, Source, SourceError, path};
use crate::outcome::Skipped;

/// Bytes from a pipe. The stream is read once, when it is first needed, and kept.
pub struct StdinSource {
    name: String,
    max: u64,
    reader: Mutex<Box<dyn Read + Send>>,
    read: OnceLock<Result<Arc<[u8]>, Skipped>>,
}

impl StdinSource {
    /// `name` is shown as the file's path, and rules that go by path judge it by that.
    pub fn new(name: &str, reader: impl Read + Send + 'static, max: u64) -> Self {
        Self { name: path::escape(name.as_bytes()), max, reader: Mutex::new(Box::new(reader)), read: OnceLock::new() }
    }

    fn bytes(&self) -> &Result<Arc<[u8]>, Skipped> {
        self.read.get_or_init(|| {
            let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            let mut bytes = Vec::new();
            reader
                .by_ref()
                .take(self.max.saturating_add(1))
                .read_to_end(&mut bytes)
                .map_err(ReadError::Unreadable)
                .and_then(|_| check(bytes.len() as u64, self.max))
                .map(|()| bytes.into())
                .map_err(|error| match error {
                    // How large it would have been nobody knows.
                    ReadError::TooLarge { limit, .. } => Skipped {
                        detail: format!("more than {limit} bytes, which is the limit"),
                        ..error.skipped(&self.name)
                    },
                    other => other.skipped(&self.name),
                })
        })
    }

    fn entry(&self, bytes: &Arc<[u8]>) -> Entry {
        Entry {
            path: self.name.clone(),
            size: bytes.len() as u64,
            stat: None,
            provenance: Vec::new(),
            content: Content::Bytes(Arc::clone(bytes)),
            in_scope: true,
        }
    }
}

impl Source for StdinSource {
    fn name(&self) -> &'static str {
        "stdin"
    }

    fn root(&self) -> String {
        "-".to_owned()
    }

    fn walk(&self, _jobs: usize, sink: &Sink<'_>) -> Result<(), SourceError> {
        // There is nothing after it that a `Break` could stop.
        let _ = match self.bytes() {
            Ok(bytes) => sink(Offer::File(self.entry(bytes))),
            Err(skipped) => sink(Offer::Skipped(skipped.clone())),
        };
        Ok(())
    }

    fn lookup(&self, path: &str) -> Option<Entry> {
        // Only what has been read already: asking must not wait for a pipe.
        let bytes = self.read.get()?.as_ref().ok()?;
        (path == self.name).then(|| self.entry(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::testing::offers;
    use super::*;
    use crate::outcome::SkipReason;

    #[test]
    fn one_file_of_the_given_name() {
        let source = StdinSource::new("a\nb.env", Cursor::new("KEY=1"), 5);
        assert!(source.lookup("a\\x0ab.env").is_none());
        let (files, skipped) = offers(&source);
        assert_eq!((files.len(), skipped.len()), (1, 0));
        assert_eq!(files[0].path, "a\\x0ab.env");
        assert_eq!(files[0].bytes(), Some(&b"KEY=1"[..]));
        assert!(source.lookup("a\\x0ab.env").is_some() && source.lookup("other").is_none());
    }

    #[test]
    fn an_endless_stream_is_left_at_the_limit() {
        let (files, skipped) = offers(&StdinSource::new("-", std::io::repeat(b'a'), 1000));
        assert!(files.is_empty());
        assert_eq!(skipped[0].reason, SkipReason::TooLarge);
        assert_eq!(skipped[0].detail, "more than 1000 bytes, which is the limit");
    }

    #[test]
    fn a_broken_stream_is_said() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("it\x1b[31m broke"))
            }
        }
        let (_, skipped) = offers(&StdinSource::new("-", Broken, 1000));
        assert_eq!((skipped[0].reason, skipped[0].detail.as_str()), (SkipReason::Unreadable, "it\\x1b[31m broke"));
    }
}
