//! The base of a change: which commit it is, and whose policy judges.
//!
//! Whoever opens a pull request writes its `scan.toml` too. So where a base is known the whole policy comes from
//! it: gates, grants, plugins, severity overrides, suppressions, the baseline, what is excluded. What the head loosens
//! is named, and counts once it is merged. A base that is known and cannot be read leaves the built-in defaults,
//! and an incomplete run.
//!
//! Of the base its newest commit is taken for the policy, not the one where the change branched off: which that
//! is the change's author chooses.

pub mod ci;
mod files;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, Config, ConfigError, FILE_NAME, MAX_FILE_BYTES};
use crate::finding::text::printable;
use crate::outcome::{BaseUse, Notice, NoticeKind, PolicySource, Problem, ProblemKind};
use crate::plan::{self, OnDisk, PolicyFiles};
use crate::plugin;
use crate::policy::{self, Baseline, Side};
use crate::source::git::{Environment, Objects, Place, Reader, RevisionError, resolve};
use files::AtCommit;

/// Whose policy is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// The base's where there is one.
    #[default]
    Base,
    /// The head's own, whatever there is: a maintainer has looked at it.
    Head,
}

/// Which base there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reference {
    /// None: what is scanned is judged by its own policy.
    #[default]
    None,
    /// Named by a person; one that does not exist is a mistake of theirs.
    Named(String),
    /// Named by the pipeline.
    Pipeline(ci::Pipeline),
}

/// Why it is not known who judges. All of these are exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// A `scan.toml` is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The named base does not exist.
    #[error(transparent)]
    Reference(#[from] RevisionError),
    /// There is nothing to scan there.
    #[error("cannot read `{path}`: {error}")]
    Root {
        /// What was to be scanned.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The repository cannot be read.
    #[error("cannot read the git repository of `{path}`: {message}")]
    Repository {
        /// What was to be scanned.
        path: String,
        /// What is the matter.
        message: String,
    },
    /// The base is there, and a file of it is not.
    #[error("cannot read `{path}` of the base {reference}: {error}")]
    File {
        /// The file, from the work tree's root.
        path: String,
        /// The base.
        reference: String,
        /// What is the matter.
        error: std::io::Error,
    },
}

/// Who judges, and by what.
pub struct Judge {
    /// The policy's configuration.
    pub config: Config,
    /// Where the files are that it names.
    pub files: Box<dyn PolicyFiles>,
    /// Whose it is.
    pub policy: PolicySource,
    /// The base's newest commit and how it was named.
    pub base: Option<Named>,
    /// What a person should know.
    pub notices: Vec<Notice>,
    /// What makes the run incomplete.
    pub problems: Vec<Problem>,
}

/// A base that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As it was named.
    pub reference: String,
    /// What that is.
    pub commit: gix::hash::ObjectId,
}

impl Named {
    /// For the report, as long as no more is known.
    pub fn to_use(&self) -> BaseUse {
        BaseUse {
            reference: printable(&self.reference).into_owned(),
            commit: self.commit.to_string(),
            merge_base: None,
        }
    }
}

/// Finds out who judges what is at `root`. `asked` is `--config`.
pub fn judge(root: &Path, asked: Option<&Path>, reference: &Reference, wanted: Wanted) -> Result<Judge, BaseError> {
    let place = place(root)?;
    let folder = place.as_ref().map_or_else(|| folder_of(root), |place| place.work_tree.clone());
    let head_path = asked.map(Path::to_owned).or_else(|| config::discover(&folder));
    // Read even where it does not judge: once merged, a broken one would break every run.
    // In a work tree every path is from its root, and so is this one: reports must not tell where it was checked out.
    let load = |path: &Path| match (asked, &place) {
        (None, Some(_)) => config::load_as(path, config::FILE_NAME),
        _ => config::load(path),
    };
    let head = head_path.as_deref().map(load).transpose()?.unwrap_or_default();
    let folder = head.folder().map_or(folder, Path::to_owned);
    let own = |head: Config| Judge {
        files: Box::new(OnDisk(folder.clone())),
        config: head,
        policy: PolicySource::Head,
        base: None,
        notices: Vec::new(),
        problems: Vec::new(),
    };
    if *reference == Reference::None {
        return Ok(own(head));
    }
    let found = find(root, place.as_ref(), reference)?;
    if wanted == Wanted::Head {
        let mut judge = own(head);
        let base = match &found {
            Found::Commit(named, _) => printable(&named.reference).into_owned(),
            Found::Nothing(_) => "the base".into(),
        };
        let message =
            format!("judged by the change's own policy, not by that of {base}, because --policy head asks for it");
        judge.notices.push(Notice { kind: NoticeKind::PolicyHead, place: None, message });
        judge.base = found.named();
        return Ok(judge);
    }
    match found {
        Found::Nothing(why) => {
            let message = format!(
                "{why}, so the change is judged by the built-in defaults, and by all of its files. Fetch the base, or \
                 pass --policy head to judge the change by its own policy"
            );
            let problem = Problem { kind: ProblemKind::PolicyUnavailable, plugin: None, path: None, message };
            let built_in = Judge { policy: PolicySource::BuiltIn, problems: vec![problem], ..own(Config::default()) };
            // What the head loosens cannot be said: it is not known what it would be looser than.
            Ok(built_in)
        }
        Found::Commit(named, objects) => {
            // `find` has no commit without a place.
            let Some(place) = place else { return Ok(own(head)) };
            let head_files = OnDisk(folder);
            let judge = at_base(&place, objects, named, asked, &head)?;
            Ok(compare(judge, &head, &head_files))
        }
    }
}

/// The repository that a path is in.
pub fn place(root: &Path) -> Result<Option<Place>, BaseError> {
    let shown = || printable(&root.display().to_string()).into_owned();
    let absolute = root.canonicalize().map_err(|error| BaseError::Root { path: shown(), error })?;
    let broken = |message| BaseError::Repository { path: shown(), message };
    crate::source::place_of(&folder_of(&absolute), &Environment::of_process()).map_err(broken)
}

fn folder_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

enum Found {
    Commit(Named, Arc<Objects>),
    /// Why there is none.
    Nothing(String),
}

impl Found {
    fn named(self) -> Option<Named> {
        match self {
            Self::Commit(named, _) => Some(named),
            Self::Nothing(_) => None,
        }
    }
}

fn find(root: &Path, place: Option<&Place>, reference: &Reference) -> Result<Found, BaseError> {
    let shown = printable(&root.display().to_string()).into_owned();
    let Some(place) = place else {
        return Ok(Found::Nothing(format!("`{shown}` is in no git repository, which leaves no base to read")));
    };
    let broken = |message| BaseError::Repository { path: shown.clone(), message };
    let objects = Objects::open(place).map_err(broken)?;
    let shallow = place.shallow().map_err(broken)?;
    let names: &[String] = match reference {
        Reference::None => &[],
        Reference::Named(name) => std::slice::from_ref(name),
        Reference::Pipeline(pipeline) => &pipeline.references,
    };
    let mut first_error = None;
    for name in names {
        match resolve(place, &objects, name) {
            Ok(commit) => {
                let reference = name.strip_prefix("refs/remotes/").unwrap_or(name).to_owned();
                return Ok(Found::Commit(Named { reference, commit }, objects));
            }
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    match (reference, first_error) {
        // A mistyped name in a whole clone is a mistake; in a cut one the base may be what was cut off.
        (Reference::Named(_), Some(error)) if shallow.is_empty() => Err(error.into()),
        (Reference::Pipeline(pipeline), _) => {
            let Some(branch) = pipeline.branch.as_deref().map(printable) else {
                let why = format!(
                    "{} says that this is the pipeline of a change, and not which branch it is to be merged into (--base \
                     origin/BRANCH does)",
                    pipeline.service
                );
                return Ok(Found::Nothing(why));
            };
            let how = pipeline.fetch().map(|command| format!(" (`{command}` brings it)")).unwrap_or_default();
            let why = format!(
                "{} says that the change is to be merged into `{branch}`, which this clone does not have{how}",
                pipeline.service
            );
            Ok(Found::Nothing(why))
        }
        (_, Some(error)) => Ok(Found::Nothing(format!("this clone is shallow, and {error}"))),
        (_, None) => Ok(Found::Nothing("no base is named".into())),
    }
}

/// The policy as the base has it.
fn at_base(
    place: &Place,
    objects: Arc<Objects>,
    named: Named,
    asked: Option<&Path>,
    head: &Config,
) -> Result<Judge, BaseError> {
    let reference = printable(&named.reference).into_owned();
    let broken = |message| BaseError::Repository { path: place.work_tree.display().to_string(), message };
    let reader: Reader = objects.reader();
    let tree = reader.commit(named.commit, &mut Vec::new()).map_err(broken)?.tree;
    // By the name that it has here, not by what that leads to: the change may have put a link there, to a laxer one.
    let path = match asked.map(|path| files::place_in(&place.work_tree, path)) {
        None => PathBuf::from(FILE_NAME),
        Some(Some(inside)) => inside,
        Some(None) => {
            // Outside the repository: an organisation's policy, which no change can touch.
            let folder = head.folder().map(Path::to_owned).unwrap_or_default();
            return Ok(Judge {
                config: head.clone(),
                files: Box::new(OnDisk(folder)),
                policy: PolicySource::Head,
                base: Some(named),
                notices: Vec::new(),
                problems: Vec::new(),
            });
        }
    };
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let files = AtCommit::new(objects, tree, &place.work_tree, &folder);
    let error = |error| BaseError::File { path: path.display().to_string(), reference: reference.clone(), error };
    let (config, policy) = match files.linked(&path, MAX_FILE_BYTES).map_err(error)? {
        None => (Config::default(), PolicySource::BuiltIn),
        Some(bytes) => {
            let name = format!("{reference}:{}", printable(&path.display().to_string()));
            (config::parse_bytes(&name, &bytes)?, PolicySource::Base)
        }
    };
    let judge =
        Judge { config, files: Box::new(files), policy, base: Some(named), notices: Vec::new(), problems: Vec::new() };
    Ok(judge)
}

/// Adds what the head would loosen.
fn compare(mut judge: Judge, head: &Config, head_files: &dyn PolicyFiles) -> Judge {
    // By what they say alone: no plugin of the head is read, let alone run.
    let plugins = plugin::built_in();
    let before = plan::views(&judge.config, head, &plugins);
    let after = plan::views(head, &judge.config, &plugins);
    let (base, head_side) = (Side { config: &judge.config, stages: &before }, Side { config: head, stages: &after });
    let mut notices = policy::loosened(base, head_side);
    if let Ok(Some((path, head_baseline))) = baseline(head, head_files) {
        let before = baseline(&judge.config, judge.files.as_ref()).ok().flatten().map(|(_, baseline)| baseline);
        let more = head_baseline.without(&before.unwrap_or_default()).len();
        if more > 0 {
            let findings = if more == 1 { "1 finding".to_owned() } else { format!("{more} findings") };
            let message = format!("adds {findings} to the baseline `{}`", printable(&path.display().to_string()));
            notices.push(Notice { kind: NoticeKind::Loosened, place: None, message });
        }
    }
    judge.notices.extend(notices);
    judge
}

/// Why a baseline could not be used. All of these are exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum BaselineProblem {
    /// With its place in `scan.toml`.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// The baseline that a configuration names, if it names one. One that was added by the change that is being judged
/// is none.
pub fn baseline(config: &Config, files: &dyn PolicyFiles) -> Result<Option<(PathBuf, Baseline)>, BaselineProblem> {
    let Some(path) = &config.baseline else { return Ok(None) };
    let shown = printable(&path.value.display().to_string()).into_owned();
    let fail = |message: String, help: Option<String>| config.error_at(path.span.clone(), message, help);
    let file = files
        .read(&path.value, policy::baseline::MAX_BYTES)
        .map_err(|error| fail(format!("cannot read the baseline `{shown}`: {error}"), None))?;
    match file {
        None => {
            let help = "write it with `scanhost baseline create`, or take the key out".to_owned();
            Err(fail(format!("there is no baseline `{shown}`"), Some(help)).into())
        }
        Some(file) if file.from_head => Ok(None),
        Some(file) => {
            let text = String::from_utf8_lossy(&file.bytes);
            let baseline = Baseline::parse(&text)
                .map_err(|error| fail(format!("cannot use the baseline `{shown}`: {error}"), None))?;
            Ok(Some((path.value.clone(), baseline)))
        }
    }
}
