//! Gzip: one member after the other, as one stream.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Decodes all members. What follows the last one and is none itself is ignored, as every tool does: padding.
pub struct Reader<R> {
    state: State<R>,
}

enum State<R> {
    Member(Box<GzDecoder<R>>),
    /// At its end, or broken.
    Done,
}

impl<R: BufRead> Reader<R> {
    /// The first member begins where the reader is.
    pub fn new(reader: R) -> Self {
        Self { state: State::Member(Box::new(GzDecoder::new(reader))) }
    }
}

impl<R: BufRead> Read for Reader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let State::Member(decoder) = &mut self.state else { return Ok(0) };
            match decoder.read(buf) {
                Ok(0) => {}
                other => return other,
            }
            let State::Member(decoder) = std::mem::replace(&mut self.state, State::Done) else { return Ok(0) };
            let mut reader = decoder.into_inner();
            // One byte is enough to tell a member from padding; a buffer's end may come after it.
            if reader.fill_buf()?.first() == Some(&0x1f) {
                self.state = State::Member(Box::new(GzDecoder::new(reader)));
            }
        }
    }
}
