//! Globs over paths, as plugins and `scan.toml` write them: `**` goes through folders, `*` does not, and a
//! glob without `/` means the file's name in any folder.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// A glob that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("`{glob}` is no glob: {message}")]
pub struct GlobError {
    /// As written.
    pub glob: String,
    /// What is wrong with it.
    pub message: String,
}

/// Included paths without the excluded ones.
#[derive(Debug, Clone)]
pub struct PathSet {
    /// `**` alone, the usual case, is not asked.
    all: bool,
    include: GlobSet,
    exclude: GlobSet,
}

impl PathSet {
    /// Compiles the globs.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, GlobError> {
        let all = include.iter().any(|glob| glob == "**");
        Ok(Self { all, include: set(include)?, exclude: set(exclude)? })
    }

    /// Whether the path is in.
    pub fn is_match(&self, path: &str) -> bool {
        (self.all || self.include.is_match(path)) && (self.exclude.is_empty() || !self.exclude.is_match(path))
    }
}

/// Compiles a list of globs.
pub fn set(globs: &[String]) -> Result<GlobSet, GlobError> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        let fail = |error: &globset::Error| GlobError { glob: glob.clone(), message: error.kind().to_string() };
        let whole = if glob.contains('/') { glob.trim_start_matches('/').to_owned() } else { format!("**/{glob}") };
        let compiled = GlobBuilder::new(&whole).literal_separator(true).build().map_err(|e| fail(&e))?;
        builder.add(compiled);
    }
    builder.build().map_err(|error| GlobError { glob: globs.join(", "), message: error.kind().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_without_slash_matches_names_anywhere() {
        let paths = PathSet::new(&["*.py".into(), "/deploy/**".into()], &["test_*".into()]).expect("good globs");
        assert!(paths.is_match("a.py") && paths.is_match("x/y/a.py") && paths.is_match("deploy/x/y"));
        assert!(!paths.is_match("x/test_a.py") && !paths.is_match("x/deploy/y"));
        assert!(PathSet::new(&["[".into()], &[]).is_err());
    }
}
