//! What a path says about the text in it. It never decides alone: it says how bare values are read, and
//! how much to trust a rule that only has a name to go by.

/// What kind of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A programming language: a value without quotes is an expression.
    Code,
    /// Configuration, shell, environment: a value needs no quotes.
    Config,
    /// Prose.
    Document,
    /// Generated, full of checksums.
    Lock,
}

/// What the engine wants to know of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// What kind of text.
    pub kind: Kind,
    /// Tests, examples, documentation: made-up values are usual.
    pub rehearsal: bool,
}

const CODE: &[&str] = &[
    "rs", "py", "pyi", "js", "mjs", "cjs", "ts", "jsx", "tsx", "go", "java", "kt", "kts", "scala", "groovy", "c", "h",
    "cc", "cpp", "cxx", "hpp", "hh", "m", "mm", "cs", "vb", "fs", "rb", "erb", "php", "swift", "dart", "lua", "pl",
    "pm", "r", "jl", "ex", "exs", "erl", "hrl", "hs", "ml", "mli", "clj", "cljs", "el", "lisp", "scm", "zig", "nim",
    "v", "sv", "vhd", "sol", "vue", "svelte", "css", "scss", "less", "sql", "pas", "f90", "asm", "s", "wat", "proto",
    "thrift", "graphql", "ipynb", "cr", "d", "coffee", "jsp", "asp", "aspx", "cshtml", "hbs", "pyx", "pxd", "cu",
    "tcl", "vim", "tf", "hcl", "gradle", "nix", "bzl", "bazel", "in", "y", "l", "idl", "tmpl",
];
const DOCUMENT: &[&str] = &[
    "md", "markdown", "rst", "txt", "adoc", "html", "htm", "tex", "org", "pod", "po", "pot", "svg", "csv", "tsv",
    "log", "xhtml", "texi", "man", "ftl", "strings", "srt",
];
const LOCK: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "cargo.lock",
    "go.sum",
    "poetry.lock",
    "pipfile.lock",
    "uv.lock",
    "pdm.lock",
    "composer.lock",
    "gemfile.lock",
    "podfile.lock",
    "package.resolved",
    "flake.lock",
    "mix.lock",
    "pubspec.lock",
    "packages.lock.json",
    "gradle.lockfile",
    "conan.lock",
    "deno.lock",
    "pixi.lock",
    "checksums.txt",
    "sha256sums",
    "cargo-checksum.json",
    ".cargo-checksum.json",
    "record",
    "go.work.sum",
    ".cargo_vcs_info.json",
    "sha512sums",
    "md5sums",
    ".terraform.lock.hcl",
];
const REHEARSAL: &[&str] = &[
    "test",
    "tests",
    "testing",
    "testdata",
    "__tests__",
    "spec",
    "specs",
    "fixture",
    "fixtures",
    "example",
    "examples",
    "sample",
    "samples",
    "mock",
    "mocks",
    "demo",
    "demos",
    "doc",
    "docs",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "e2e",
    "integration",
    "testutil",
    "cassettes",
    "idle_test",
    "storybook",
    "stories",
    "tutorial",
    "tutorials",
];

impl Context {
    /// From a path with `/` between its parts.
    pub fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let stem = name.split('.').next().unwrap_or("");
        let extension = name.rsplit_once('.').map_or("", |split| split.1);
        let kind = if LOCK.contains(&name.as_str())
            || name.ends_with(".min.js")
            || name.ends_with(".min.css")
            || extension == "map"
        {
            Kind::Lock
        } else if CODE.contains(&extension) {
            Kind::Code
        } else if DOCUMENT.contains(&extension)
            || matches!(stem, "readme" | "changelog" | "license" | "news" | "copying" | "history" | "authors")
        {
            Kind::Document
        } else {
            Kind::Config
        };
        let rehearses = |word: &str| REHEARSAL.iter().any(|known| word.eq_ignore_ascii_case(known));
        let rehearsal = path.split('/').any(|part| part.split(['.', '_', '-']).any(rehearses));
        Self { kind, rehearsal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_paths() {
        let kind = |path| Context::of(path).kind;
        assert_eq!(kind("src/main.rs"), Kind::Code);
        assert_eq!(kind(".env"), Kind::Config);
        assert_eq!(kind("deploy/values.yaml"), Kind::Config);
        assert_eq!(kind("web/package-lock.json"), Kind::Lock);
        assert_eq!(kind("README"), Kind::Document);
        assert!(Context::of("a/tests/b.rs").rehearsal);
        assert!(Context::of("src/login_test.go").rehearsal);
        assert!(!Context::of("src/contest.go").rehearsal);
    }
}
