//! The scanners that are measured, and how each is called so that all do the same work: the files of one
//! folder as they are, no git history, no network, all cores, every finding reported.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::project::Project;

/// Makes the arguments for a scan of one tree.
type Arguments = Box<dyn Fn(&Path) -> Vec<OsString>>;

/// A scanner that is there.
pub struct Scanner {
    pub name: &'static str,
    pub program: PathBuf,
    pub version: String,
    pub arguments: Arguments,
    /// Exit codes that mean "scanned", with findings or without.
    pub success: &'static [i32],
}

/// How a foreign scanner is called.
struct Peer {
    name: &'static str,
    before: &'static [&'static str],
    after: &'static [&'static str],
    version: &'static [&'static str],
    success: &'static [i32],
}

const PEERS: &[Peer] = &[
    Peer {
        name: "gitleaks",
        before: &[
            "dir",
            "--no-banner",
            "--log-level",
            "error",
            "--exit-code",
            "0",
            "--report-format",
            "json",
            "--report-path",
            "/dev/null",
        ],
        after: &[],
        version: &["version"],
        success: &[0],
    },
    Peer { name: "ripsecrets", before: &[], after: &[], version: &["--version"], success: &[0, 1] },
    Peer {
        name: "kingfisher",
        before: &["scan"],
        after: &["--no-validate", "--git-history=none", "--no-update-check", "--quiet", "--format", "json"],
        version: &["--version"],
        success: &[0, 200],
    },
    Peer {
        name: "detect-secrets",
        before: &["scan", "--all-files", "--no-verify"],
        after: &[],
        version: &["--version"],
        success: &[0],
    },
];

/// scanhost, then every peer that `SCANHOST_PEERS` or `PATH` leads to. A program that cannot be run is not
/// there: a version manager's shim stands on `PATH` for programs that are not installed.
pub fn all(project: &Project, config: &Path) -> Vec<Scanner> {
    let program = project.scanhost_path("release");
    let version = version(project, &program, &["--version"]).unwrap_or_default();
    let config = config.to_owned();
    let arguments = Box::new(move |tree: &Path| {
        let before = ["run", "--stage", "commit", "--offline", "--no-cache", "--config"].map(OsString::from);
        before.into_iter().chain([config.clone().into(), tree.into()]).collect()
    });
    let mut scanners = vec![Scanner { name: "scanhost", program, version, arguments, success: &[0, 1] }];
    for peer in PEERS {
        let found = folders().map(|folder| folder.join(peer.name)).filter(|program| program.is_file());
        let found = found.into_iter().find_map(|program| version_of(project, program, peer));
        let Some((program, version)) = found else {
            eprintln!("{} is not there, so not measured", peer.name);
            continue;
        };
        let arguments = Box::new(|tree: &Path| {
            let list = |part: &[&str]| part.iter().map(OsString::from).collect::<Vec<_>>();
            [list(peer.before), vec![tree.into()], list(peer.after)].concat()
        });
        scanners.push(Scanner { name: peer.name, program, version, arguments, success: peer.success });
    }
    scanners
}

fn folders() -> impl Iterator<Item = PathBuf> {
    let of = |name| env::var_os(name).map(|list| env::split_paths(&list).collect::<Vec<_>>()).unwrap_or_default();
    of("SCANHOST_PEERS").into_iter().chain(of("PATH"))
}

fn version_of(project: &Project, program: PathBuf, peer: &Peer) -> Option<(PathBuf, String)> {
    version(project, &program, peer.version).map(|version| (program, version))
}

/// The last word of what the program says of its version.
fn version(project: &Project, program: &Path, arguments: &[&str]) -> Option<String> {
    let output = project.program(program, arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().next().unwrap_or_default().split_whitespace().last().unwrap_or("?");
    Some(last.chars().filter(|c| c.is_ascii_graphic() && *c != '|').take(20).collect())
}
