//! Runs a scanner natively, over files in memory, as the host would run it: the manifest's anchors are
//! searched, files without one are not handed over, and what was reported comes back.
//!
//! It is no sandbox and checks no limits; globs, sizes and the kind of content are the router's business.

mod anchors;

use std::collections::BTreeMap;
use std::rc::Rc;

pub use anchors::AnchorFinder;
pub use scanhost_manifest::{Anchor as AnchorText, LoadError, Manifest, load_dir};

use crate::{Anchor, Attachment, Error, File, Finding, Labels, Level, Measurement, Package, Report, Scanner, Stat};

/// The files of one run and the anchors that are searched in them.
#[derive(Debug, Default)]
pub struct Kit {
    finder: Option<AnchorFinder>,
    anchored: bool,
    tree: BTreeMap<String, Stored>,
}

#[derive(Debug, Clone, Default)]
struct Stored {
    bytes: Rc<[u8]>,
    stat: Option<Stat>,
    provenance: Labels,
}

/// What a scanner reported.
#[derive(Debug, Default)]
pub struct Reported {
    /// In the order of the calls.
    pub findings: Vec<Finding>,
    /// In the order of the calls.
    pub packages: Vec<Package>,
    /// In the order of the calls.
    pub measurements: Vec<Measurement>,
    /// The handle is the index.
    pub attachments: Vec<Attachment>,
    /// Path and reason.
    pub unscanned: Vec<(String, String)>,
    /// Log lines.
    pub log: Vec<(Level, String)>,
    /// Paths that were handed to the scanner.
    pub scanned: Vec<String>,
    /// Files that the scanner refused.
    pub errors: Vec<(String, Error)>,
}

impl Kit {
    /// Every file is handed over, without anchors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Searches the manifest's anchors.
    pub fn with_manifest(manifest: &Manifest) -> Self {
        Self {
            finder: Some(AnchorFinder::new(&manifest.anchors)),
            anchored: manifest.interests.anchored,
            tree: BTreeMap::new(),
        }
    }

    /// Adds a file, or replaces it.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.tree.insert(path.into(), Stored { bytes: bytes.as_ref().into(), ..Stored::default() });
        self
    }

    /// Adds a file of which more is known than its bytes.
    #[must_use]
    pub fn file_with(mut self, path: &str, bytes: impl AsRef<[u8]>, stat: Stat, provenance: Labels) -> Self {
        self.tree.insert(path.into(), Stored { bytes: bytes.as_ref().into(), stat: Some(stat), provenance });
        self
    }

    /// Opens the scanner, hands it the files in the order of their paths, and lets it finish.
    pub fn run<S: Scanner>(self, config: &str) -> Result<Reported, Error> {
        let mut scanner = S::open(config)?;
        let tree = Rc::new(self.tree);
        let mut all = Reported::default();
        for (path, stored) in tree.iter() {
            let anchors = self.finder.as_ref().map(|finder| finder.find(&stored.bytes)).unwrap_or_default();
            if self.anchored && anchors.is_empty() {
                continue;
            }
            let handle = Handle { tree: Rc::clone(&tree), path: path.clone(), anchors };
            let mut report = Report::default();
            all.scanned.push(path.clone());
            if let Err(error) = scanner.scan(&File::from_handle(handle), &mut report) {
                all.errors.push((path.clone(), error));
            }
            all.take(report);
        }
        let mut report = Report::default();
        let result = scanner.finish(&mut report);
        all.take(report);
        result.map(|()| all)
    }
}

impl Reported {
    fn take(&mut self, report: Report) {
        let base = self.attachments.len() as u32;
        self.findings.extend(report.findings.into_iter().map(|mut finding| {
            finding.attachments.iter_mut().for_each(|handle| *handle += base);
            finding
        }));
        self.packages.extend(report.packages);
        self.measurements.extend(report.measurements);
        self.attachments.extend(report.wire.attachments);
        self.unscanned.extend(report.wire.unscanned);
        self.log.extend(report.wire.log);
    }
}

/// A file in memory.
#[derive(Debug)]
pub struct Handle {
    tree: Rc<BTreeMap<String, Stored>>,
    path: String,
    anchors: Vec<Anchor>,
}

impl Handle {
    fn stored(&self) -> Option<&Stored> {
        self.tree.get(&self.path)
    }

    pub(crate) fn path(&self) -> String {
        self.path.clone()
    }

    pub(crate) fn size(&self) -> u64 {
        self.stored().map_or(0, |stored| stored.bytes.len() as u64)
    }

    pub(crate) fn read(&self, offset: u64, len: u32) -> Result<Vec<u8>, Error> {
        let stored = self.stored().ok_or_else(|| Error::NotFound(self.path.clone()))?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(stored.bytes.len());
        let end = start.saturating_add(len as usize).min(stored.bytes.len());
        Ok(stored.bytes[start..end].to_vec())
    }

    pub(crate) fn anchors(&self, start: u32, max: u32) -> Vec<Anchor> {
        self.anchors.iter().skip(start as usize).take(max as usize).copied().collect()
    }

    pub(crate) fn stat(&self) -> Option<Stat> {
        self.stored().and_then(|stored| stored.stat.clone())
    }

    pub(crate) fn sibling(&self, path: &str) -> Result<Self, Error> {
        let mut parts: Vec<&str> = self.path.split('/').collect();
        parts.pop();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or_else(|| Error::Denied(format!("`{path}` leaves the source")))?;
                }
                name => parts.push(name),
            }
        }
        let path = parts.join("/");
        if !self.tree.contains_key(&path) {
            return Err(Error::NotFound(path));
        }
        Ok(Self { tree: Rc::clone(&self.tree), path, anchors: Vec::new() })
    }

    pub(crate) fn provenance(&self) -> Labels {
        self.stored().map(|stored| stored.provenance.clone()).unwrap_or_default()
    }

    pub(crate) fn open(path: &str) -> Result<Self, Error> {
        Err(Error::Denied(format!("`{path}`: the test kit opens other files with `sibling` only")))
    }
}

/// What a report tells at once.
#[derive(Debug, Default)]
pub struct Wire {
    attachments: Vec<Attachment>,
    unscanned: Vec<(String, String)>,
    log: Vec<(Level, String)>,
}

impl Wire {
    #[allow(clippy::unnecessary_wraps, reason = "the host may refuse")]
    pub(crate) fn attach(&mut self, attachment: Attachment) -> Result<u32, Error> {
        self.attachments.push(attachment);
        Ok(self.attachments.len() as u32 - 1)
    }

    pub(crate) fn unscanned(&mut self, path: &str, reason: &str) {
        self.unscanned.push((path.into(), reason.into()));
    }

    pub(crate) fn log(&mut self, level: Level, message: &str) {
        self.log.push((level, message.into()));
    }

    #[allow(clippy::unused_self, reason = "the host's twin shows it")]
    pub(crate) fn progress(&mut self, _done: u64, _total: u64, _note: &str) {}
}
