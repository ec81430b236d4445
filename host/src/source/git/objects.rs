//! The object database: headers without unpacking, bytes under a limit, and blobs as what an entry's bytes are.

use std::fmt;
use std::io;
use std::sync::Arc;

use gix::hash::{Kind, ObjectId};
use gix::objs::Find;
use gix::odb::Header;

use super::super::handles::Handles;
use super::super::read::{ReadError, check};
use super::{MAX_ALLOCATION, Place};

/// The objects of a repository, loose and packed, its alternates' too.
#[derive(Debug)]
pub struct Objects(Handles);

impl Objects {
    /// Opens the database; it is read on demand.
    pub fn open(place: &Place) -> Result<Arc<Self>, String> {
        let options = gix::odb::store::init::Options { alloc_limit_bytes: Some(MAX_ALLOCATION), ..Default::default() };
        // Replacement references are not followed: what is committed is scanned, not what stands for it.
        let none = &mut std::iter::empty();
        gix::odb::Store::at_opts(place.common_dir.join("objects"), Kind::Sha1, none, options)
            .map(|store| Arc::new(Self(Handles::new(Arc::new(store)))))
            .map_err(|error| format!("objects: {error:#}"))
    }

    /// For reading many objects on one thread.
    pub fn reader(&self) -> Reader {
        Reader(self.0.handle())
    }

    /// An object's kind and size, without unpacking it.
    pub fn header(&self, id: ObjectId) -> Result<(gix::objs::Kind, u64), ReadError> {
        header(self.0.with(|handle| handle.try_header(&id)), id)
    }

    /// Replaces what is in `buf` with an object's bytes.
    pub fn read_into(&self, id: ObjectId, max: u64, buf: &mut Vec<u8>) -> Result<gix::objs::Kind, ReadError> {
        check(self.header(id)?.1, max)?;
        self.unpack_into(id, buf)
    }

    /// The same for an object whose size is known or of no account: to ask for it is not free. What cannot be
    /// allocated is refused.
    pub fn unpack_into(&self, id: ObjectId, buf: &mut Vec<u8>) -> Result<gix::objs::Kind, ReadError> {
        self.0.with(|handle| unpack(handle, id, buf))
    }

    /// A file's bytes, not more than `max`.
    pub fn blob(&self, id: ObjectId, max: u64) -> Result<Vec<u8>, ReadError> {
        let mut buf = Vec::new();
        match self.read_into(id, max, &mut buf)? {
            gix::objs::Kind::Blob => Ok(buf),
            _ => Err(ReadError::NotRegular),
        }
    }
}

/// Reads objects, with what it has learnt of the packs at hand; for one thread.
pub struct Reader(gix::odb::HandleArc);

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reader").field(&self.0.store_ref().path()).finish()
    }
}

impl Reader {
    /// An object's kind and size, without unpacking it.
    pub fn header(&self, id: ObjectId) -> Result<(gix::objs::Kind, u64), ReadError> {
        header(self.0.try_header(&id), id)
    }

    /// Replaces what is in `buf` with an object's bytes.
    pub fn read_into(&self, id: ObjectId, max: u64, buf: &mut Vec<u8>) -> Result<gix::objs::Kind, ReadError> {
        check(self.header(id)?.1, max)?;
        unpack(&self.0, id, buf)
    }

    /// The one object whose name begins so; `Err(())` inside: several do.
    pub(super) fn by_prefix(&self, prefix: gix::hash::Prefix) -> Result<Option<Result<ObjectId, ()>>, String> {
        self.0.lookup_prefix(prefix, None).map_err(|error| format!("objects: {error:#}"))
    }
}

fn header(
    found: Result<Option<gix::odb::find::Header>, impl fmt::Display>,
    id: ObjectId,
) -> Result<(gix::objs::Kind, u64), ReadError> {
    match found {
        Ok(Some(header)) => Ok((header.kind(), header.size())),
        Ok(None) => Err(missing(id)),
        Err(error) => Err(damaged(id, &error)),
    }
}

fn unpack(handle: &gix::odb::HandleArc, id: ObjectId, buf: &mut Vec<u8>) -> Result<gix::objs::Kind, ReadError> {
    match handle.try_find(&id, buf).map(|data| data.map(|data| (data.kind, data.data.len()))) {
        Ok(Some((kind, len))) => {
            buf.truncate(len);
            Ok(kind)
        }
        Ok(None) => Err(missing(id)),
        Err(error) => Err(damaged(id, &error)),
    }
}

/// A partial clone leaves objects out; nothing is fetched.
fn missing(id: ObjectId) -> ReadError {
    ReadError::Unreadable(io::Error::other(format!("object {id} is not in the repository")))
}

fn damaged(id: ObjectId, error: &dyn fmt::Display) -> ReadError {
    ReadError::Unreadable(io::Error::other(format!("object {id}: {error:#}")))
}

/// The bytes of a file as git keeps them.
#[derive(Debug, Clone)]
pub struct GitBlob {
    objects: Arc<Objects>,
    id: ObjectId,
    size: u64,
}

impl GitBlob {
    /// The size is the one that [`Objects::header`] says.
    pub(in super::super) fn new(objects: Arc<Objects>, id: ObjectId, size: u64) -> Self {
        Self { objects, id, size }
    }

    pub(in super::super) fn read_into(&self, max: u64, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        check(self.size, max)?;
        match self.objects.unpack_into(self.id, buf)? {
            gix::objs::Kind::Blob => check(buf.len() as u64, max),
            _ => Err(ReadError::NotRegular),
        }
    }
}
