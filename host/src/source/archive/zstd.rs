//! Zstandard: one frame after the other, as one stream, with what they may ask for bounded.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::MAX_WINDOW;
use super::budget::{Budget, Limit};

/// An empty last block, and the checksum that may follow it.
const END: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// Decodes all frames.
pub struct Reader<'b, 's, R> {
    input: R,
    decoder: FrameDecoder,
    in_frame: bool,
    /// Given back when all that came before it is.
    broken: Option<io::Error>,
    budget: &'b Budget<'s>,
}

impl<'b, 's, R: BufRead> Reader<'b, 's, R> {
    /// The first frame begins where the reader is.
    pub fn new(reader: R, budget: &'b Budget<'s>) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self { input: reader, decoder, in_frame: false, broken: None, budget }
    }

    /// Goes to the next frame, over those that are to be skipped. False: there is none.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.init(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut self.input.by_ref().take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(FrameDecoderError::WindowSizeTooBig { requested, .. }) => {
                    return Err(self.budget.exhaust(Limit::Window(requested)));
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    fn decode(&mut self) {
        if let Err(error) = self.decoder.decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1)) {
            self.broken = Some(io::Error::other(error));
            // The decoder keeps back what later blocks may refer to, until it has seen the last one.
            let _ = self.decoder.decode_blocks(&END[..], BlockDecodingStrategy::UptoBlocks(1));
        } else if self.decoder.is_finished() && self.decoder.can_collect() == 0 {
            self.check();
        }
    }

    /// At a frame's end, when all of it was given back.
    fn check(&mut self) {
        self.in_frame = false;
        let stated = self.decoder.get_checksum_from_data();
        if stated.is_some() && stated != self.decoder.get_calculated_checksum() {
            self.broken = Some(io::Error::new(io::ErrorKind::InvalidData, "the checksum does not match"));
        }
    }
}

impl<R: BufRead> Read for Reader<'_, '_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            if self.in_frame && self.decoder.can_collect() > 0 {
                let got = self.decoder.read(buf)?;
                if self.broken.is_none() && self.decoder.is_finished() && self.decoder.can_collect() == 0 {
                    self.check();
                }
                return Ok(got);
            }
            if let Some(error) = self.broken.take() {
                // Nothing after it can be told from rubbish.
                (self.in_frame, self.broken) = (false, Some(io::Error::new(error.kind(), error.to_string())));
                return Err(error);
            }
            if self.in_frame {
                self.decode();
                continue;
            }
            match self.next_frame() {
                Ok(false) => return Ok(0),
                Ok(true) => self.in_frame = true,
                Err(error) => self.broken = Some(error),
            }
        }
    }
}
