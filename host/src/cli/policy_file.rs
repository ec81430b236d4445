//! The files that commands change: `scan.toml` and the baseline. Found, read, and replaced whole or not at all.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};

use super::scan::{self, CacheWish, Wish};
use crate::config::{self, Config, FILE_NAME, edit};
use crate::finding::Date;
use crate::outcome::Outcome;
use crate::plan::{Plan, read_file};
use crate::source;

/// A `scan.toml` as text and as what it says.
pub struct PolicyFile {
    /// Where it is, or where it will be.
    pub path: PathBuf,
    /// How messages call it.
    pub name: String,
    /// Its text, with plain line ends and no mark at its beginning; the smallest there is where there is no file.
    pub text: String,
    form: Form,
    /// As it was read. None: there was no file.
    read: Option<Vec<u8>>,
}

/// What a file's bytes have beside their text. Kept, so that no command rewrites each line of a file that an editor
/// of another system wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Form {
    /// A byte order mark.
    mark: bool,
    /// Every line ends in CR LF.
    crlf: bool,
}

impl Form {
    fn take(text: &str) -> (Self, String) {
        let rest = text.strip_prefix(MARK).unwrap_or(text);
        let lines = rest.matches('\n').count();
        let crlf = lines > 0 && rest.matches("\r\n").count() == lines;
        let plain = if crlf { rest.replace("\r\n", "\n") } else { rest.to_owned() };
        (Self { mark: rest.len() < text.len(), crlf }, plain)
    }

    fn give(self, text: &str) -> String {
        let mark = if self.mark { MARK } else { "" };
        if self.crlf { format!("{mark}{}", text.replace('\n', "\r\n")) } else { format!("{mark}{text}") }
    }
}

const MARK: &str = "\u{feff}";

impl PolicyFile {
    /// The file that a run over `root` would be judged by.
    pub fn find(root: &Path, asked: Option<&Path>) -> anyhow::Result<Self> {
        let folder = source::work_tree_of(root).unwrap_or_else(|| super::run::folder(root));
        let path = asked.map_or_else(|| folder.join(FILE_NAME), Path::to_owned);
        let name = path.file_name().map_or_else(|| FILE_NAME.into(), |name| name.to_string_lossy().into_owned());
        if asked.is_none() && !root.exists() {
            bail!("there is no `{}`", root.display());
        }
        // As a run reads it: what a link out of the repository leads to is nobody's policy, and is not shown.
        if path.symlink_metadata().is_ok() {
            config::check_place(&path, &name)?;
        }
        let mut read = None;
        let text = match read_file(&path, config::MAX_FILE_BYTES).with_context(|| format!("cannot read `{name}`"))? {
            None if asked.is_some() => bail!("there is no `{}`", path.display()),
            None => edit::EMPTY.to_owned(),
            Some(bytes) => {
                read = Some(bytes.clone());
                String::from_utf8(bytes).map_err(|_| anyhow!("`{name}` is not UTF-8"))?
            }
        };
        let (form, text) = Form::take(&text);
        Ok(Self { path, name, text, form, read })
    }

    /// What it says.
    pub fn config(&self) -> anyhow::Result<Config> {
        let mut config = config::parse(&self.name, &self.text)?;
        config.path = Some(self.path.clone());
        Ok(config)
    }

    /// Its folder, where the paths in it start.
    pub fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Writes its text.
    pub fn write(&self) -> anyhow::Result<()> {
        // A scan may lie between: what somebody saved meanwhile is not to be lost.
        let now = read_file(&self.path, config::MAX_FILE_BYTES).unwrap_or_default();
        if now != self.read {
            bail!("`{}` was changed meanwhile, so it was left alone; run the command again", self.name);
        }
        replace(&self.path, &self.form.give(&self.text))
    }
}

/// Puts a file in another's place in one step, so that whoever reads it, or a kill in the middle, meets the old one or
/// the new one. A link stays a link.
pub fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".scanhost-").tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        let permissions = fs::metadata(&path).map(|metadata| metadata.permissions());
        // What is new may be read by whoever may read the folder, as any file of a work tree.
        let permissions = permissions.unwrap_or_else(|_| std::os::unix::fs::PermissionsExt::from_mode(0o644));
        file.as_file().set_permissions(permissions)?;
        file.persist(&path)?;
        Ok(())
    };
    // Without the cause in its chain: a pipe that nobody reads is no success of a file that is not written.
    write().map_err(|error| anyhow!("cannot write `{}`: {error}", path.display()))
}

/// Looks at all that there is with all plugins that any stage has, or with those of one stage, whatever scope
/// and budget it has; judged by this configuration.
pub fn look_at_all(
    root: &Path,
    config: Config,
    stage: Option<String>,
    with_baseline: bool,
) -> anyhow::Result<(Plan, Outcome)> {
    // All of what the `scan.toml` is about: what lies outside of the given folder is not gone.
    let root = source::work_tree_of(root).unwrap_or_else(|| super::run::folder(root));
    let wish = Wish {
        stage,
        whole: true,
        edited: Some(config),
        no_baseline: !with_baseline,
        cache: CacheWish::Usual,
        today: Date::today(),
        ..Wish::all_of(&root)
    };
    let prepared = scan::prepare(&wish)?;
    match scan::run(&wish, &prepared)? {
        Ok(outcome) => Ok((prepared.plan, outcome)),
        Err(_) => bail!("no plugin could be run"),
    }
}

/// Whether all was looked at; otherwise says what was not.
pub fn warn_if_incomplete(outcome: &Outcome) -> bool {
    if outcome.is_complete() {
        return true;
    }
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "warning: the scan is incomplete, so this is not all; `scanhost run` names the problems");
    false
}

/// `1 finding`, `2 findings`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_form_is_taken_and_given() {
        for text in
            ["", "a\nb", "a\r\nb\r\n", "\u{feff}a\r\nb", "\u{feff}a\n", "a\r\nb\n", "a\rb", "\u{feff}\u{feff}\r\n"]
        {
            let (form, plain) = Form::take(text);
            assert_eq!(form.give(&plain), text);
        }
        assert_eq!(Form::take("\u{feff}a\r\nb\r\n").1, "a\nb\n");
        assert_eq!(Form::take("a\r\nb\n").1, "a\r\nb\n");
    }

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_mode_and_links() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("real.toml"), dir.path().join("scan.toml"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert!(replace(&dir.path().join("none/scan.toml"), "x").is_err());
    }
}
