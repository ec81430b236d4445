//! A compressed stream: a tar, or a single file.

use std::io::{self, Read};

use super::{Walk, name, recognise, tar};

/// A tar's header.
const BLOCK: usize = 512;

/// Unpacks what a decoder gives.
pub fn expand(decoder: impl Read, walk: &mut Walk<'_, '_, '_>) {
    let mut decoder = super::Charged { inner: decoder, budget: walk.budget };
    let mut head = Vec::with_capacity(BLOCK);
    let started = decoder.by_ref().take(BLOCK as u64).read_to_end(&mut head);
    let named = {
        let name = walk.path.to_ascii_lowercase();
        [".tgz", ".tzst"].iter().any(|end| name.ends_with(end))
            || [".tar"].iter().any(|end| name::of_single(&name).ends_with(end))
    };
    if recognise::is_tar(&head, named) && started.is_ok() {
        tar::expand_charged(&mut head.chain(&mut decoder), walk);
        // The checksum stands at the end, and whether the stream has one is only known there.
        if !walk.is_done()
            && let Err(error) = io::copy(&mut decoder, &mut io::sink())
        {
            walk.damaged("", &error);
        }
        return;
    }
    let broken = started.err();
    if head.is_empty()
        && let Some(error) = broken
    {
        return walk.damaged("", &error);
    }
    if !walk.enter() {
        return;
    }
    let path = name::inner(name::of_single(walk.path).as_bytes());
    // After an error what was read is all there is.
    let mut rest: Box<dyn Read> = if broken.is_none() { Box::new(decoder) } else { Box::new(io::empty()) };
    let filled = walk.member(path, None, &mut head.chain(&mut rest));
    if let Some(error) = broken.or(filled.error) {
        walk.damaged("", &error);
    }
}
