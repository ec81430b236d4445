//! Bad input: whatever a tree holds, the run ends soon, says what it left out, and finds what is beside it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use scanhost_tests::{Project, Ran, binary, command, leaked_line};

/// A tree with one finding that has to be found whatever stands beside it.
fn beside() -> Project {
    let project = Project::new();
    project.write("leaked.txt", leaked_line());
    project
}

#[track_caller]
fn found(ran: &Ran) {
    assert!(ran.report().found().contains(&("secrets.aws-access-key-id", "leaked.txt")), "{}", ran.all());
    assert!(ran.time < Duration::from_secs(20), "{}", ran.all());
}

#[track_caller]
fn skipped(ran: &Ran, reason: &str, path: &str) {
    let report = ran.report();
    let list = report.0["inputs"]["skipped"].as_array().unwrap();
    assert!(list.iter().any(|s| s["reason"] == reason && s["path"] == path), "no {reason} of {path}: {list:#?}");
}

#[test]
fn an_unreadable_file_makes_the_run_incomplete() {
    let project = beside();
    project.write("closed.txt", "x");
    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let closed = project.path().join("closed.txt");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let mut run = command();
    if File::open(&closed).is_ok() {
        // Root reads everything, so the binary runs as nobody; where that cannot be done there is nothing to test.
        let Some(mut nobody) = as_nobody(&project) else { return };
        nobody.args(["run", "--format", "json"]);
        run = nobody;
    } else {
        run.args(["run", "--format", "json"]);
    }
    let ran = project.finish(run).exits(3);
    found(&ran);
    skipped(&ran, "unreadable", "closed.txt");
    let report = ran.report();
    assert!(
        report.problems().iter().any(|p| p["kind"] == "unreadable" && p["path"] == "closed.txt"),
        "{:#?}",
        report.problems()
    );
}

/// A command that runs a copy of the binary as nobody, if this machine can.
fn as_nobody(project: &Project) -> Option<Command> {
    let copy = project.path().join(".git/scanhost");
    fs::create_dir_all(copy.parent()?).ok()?;
    fs::copy(binary(), &copy).ok()?;
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy);
    let mut probe = Command::new("setpriv");
    probe.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy).arg("--version");
    probe.output().is_ok_and(|output| output.status.success()).then_some(command)
}

#[test]
fn what_is_no_file_is_named_and_not_waited_for() {
    let project = beside();
    assert!(Command::new("mkfifo").arg(project.path().join("pipe")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(project.path().join("socket")).unwrap();
    symlink("..", project.path().join("up")).unwrap();
    fs::create_dir(project.path().join("a")).unwrap();
    symlink("../a", project.path().join("a/cycle")).unwrap();
    symlink("self", project.path().join("self")).unwrap();
    symlink("/dev/zero", project.path().join("zero")).unwrap();
    let ran = project.json(&[]).exits(1);
    found(&ran);
    skipped(&ran, "special-file", "pipe");
    skipped(&ran, "special-file", "socket");
    for link in ["up", "a/cycle", "self", "zero"] {
        skipped(&ran, "symlink", link);
    }
    // Named on the command line it is not waited for either.
    let named = project.scanhost(["run", "pipe"]);
    assert!([2, 4].contains(&named.code), "{}", named.all());
}

#[test]
fn four_gigabytes_of_nothing_are_not_read() {
    let project = beside();
    File::create(project.path().join("sparse.bin")).unwrap().set_len(4 << 30).unwrap();
    let ran = project.json(&[]).exits(1);
    found(&ran);
    skipped(&ran, "too-large", "sparse.bin");
    assert!(ran.time < Duration::from_secs(10), "{}", ran.all());
}

#[test]
fn broken_text_is_scanned() {
    let project = beside();
    project.write("broken.txt", [b"\xff\xfe\xc3\x28\n".as_slice(), leaked_line().as_bytes(), b"\xe2\x82"].concat());
    project.write("nul.txt", [b"\0\0\0".as_slice(), leaked_line().as_bytes()].concat());
    project.write("bom.txt", [b"\xef\xbb\xbf".as_slice(), leaked_line().as_bytes()].concat());
    project.write("cr.txt", leaked_line().replace('\n', "\r"));
    project.write("empty.txt", "").write("line.txt", "x".repeat(3 << 20) + "\n" + &leaked_line());
    let ran = project.json(&[]).exits(1);
    found(&ran);
    let report = ran.report();
    for name in ["broken.txt", "bom.txt", "cr.txt", "line.txt"] {
        assert!(report.found().iter().any(|(_, path)| *path == name), "{name}: {:?}", report.found());
    }
}

#[test]
fn names_cannot_speak_to_the_terminal() {
    let project = beside();
    for name in
        ["new\nline.txt", "\u{1b}[31mred\u{1b}[0m.txt", "a\u{202e}b.txt", "::error::x\r.txt", "tab\t.txt", "-rf"]
    {
        project.write(name, leaked_line());
    }
    project.write(OsStr::from_bytes(b"latin-\xe9.txt"), leaked_line());
    let ran = project.json(&[]).exits(1);
    found(&ran);
    let report = ran.report();
    for name in ["new\\x0aline.txt", "\\x1b[31mred\\x1b[0m.txt", "a\\u{202e}b.txt", "latin-\\xe9.txt", "-rf"] {
        assert!(report.found().iter().any(|(_, path)| *path == name), "{name}: {:?}", report.found());
    }
    for format in ["terminal", "sarif"] {
        project.scanhost(["run", "-vv", "--format", format]).exits(1).shows(&["leaked.txt"]);
    }
}

#[test]
fn a_deep_tree_is_walked_to_its_end() {
    let project = beside();
    // As long as one system call takes it: names of 200 bytes, made one inside the other.
    let part = "d".repeat(200);
    let mut deep = project.path().to_owned();
    while deep.as_os_str().len() + part.len() + 20 < 4095 {
        deep.push(&part);
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("deep.txt"), leaked_line()).unwrap();
    let ran = project.json(&[]).exits(1);
    found(&ran);
    assert!(
        ran.report().found().iter().any(|(_, path)| path.ends_with("/deep.txt") && path.len() > 3700),
        "{}",
        ran.all()
    );
    project.scanhost(["run"]).exits(1).shows(&["deep.txt"]);
}

#[test]
fn two_hundred_thousand_files_are_no_burden() {
    // In memory where the system has a folder for it: creating the files is the slow part.
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let dir = dir.or_else(|_| tempfile::tempdir()).unwrap();
    std::thread::scope(|scope| {
        for half in 0..2 {
            let root = dir.path();
            scope.spawn(move || {
                for folder in 0..50 {
                    let folder = root.join(format!("{half}-{folder}"));
                    fs::create_dir(&folder).unwrap();
                    for n in 0..2000 {
                        File::create(folder.join(format!("{n}.txt"))).unwrap();
                    }
                }
            });
        }
    });
    fs::write(dir.path().join("leaked.txt"), leaked_line()).unwrap();
    let started = Instant::now();
    let mut run = command();
    run.args(["run", "--format", "json"]).current_dir(dir.path());
    let ran = scanhost_tests::run(run, b"").exits(1);
    found(&ran);
    assert_eq!(ran.report().0["inputs"]["files"], 200_001);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}
