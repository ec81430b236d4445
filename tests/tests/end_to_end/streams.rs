//! Interrupts, pipes that break, colour.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scanhost_tests::{Project, Ran, command, leaked_line};

#[test]
fn an_interrupt_ends_the_run_with_what_was_found() {
    let project = Project::with_evil("[plugins.evil]\nsource = \"plugins/evil.wasm\"\nlimits = { time = \"1s\" }");
    // Enough for minutes, if nothing stopped it: each costs a call that is not given up.
    for n in 0..20_000 {
        project.write(format!("many/{}/{n}.quiet.evil", n / 500), "x");
    }
    for n in 0..3 {
        project.write(format!("slow{n}.forever.evil"), "x");
    }
    let mut slow = command();
    slow.args(["run", "--format", "json", "--jobs", "1"]).current_dir(project.path());
    let child = slow.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Past the compilation of the plugin, inside one of the slow calls or among the many.
    std::thread::sleep(Duration::from_millis(1800));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let sent = Instant::now();
    let ran = Ran::new(child.wait_with_output().unwrap(), sent.elapsed()).exits(3);
    assert!(ran.time < Duration::from_secs(15), "{}", ran.all());
    let report = ran.report();
    assert_eq!(report.0["complete"], false);
    assert!(report.problems().iter().any(|p| p["kind"] == "interrupted"), "{:#?}", report.problems());
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let project = Project::new();
    for n in 0..300 {
        project.write(format!("{n}.txt"), leaked_line().repeat(3));
    }
    for (args, code) in
        [(&["rules"][..], 0), (&["rules", "--format", "json"], 0), (&["run", "-v", "--format", "json"], 1)]
    {
        let mut command = command();
        command.args(args).current_dir(project.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let ran = Ran::new(child.wait_with_output().unwrap(), Duration::ZERO).exits(code);
        assert!(!ran.err.contains("panicked"), "{}", ran.all());
    }
}

/// On a real terminal: colour, a bar of progress, and the same verdict.
#[test]
fn a_terminal_is_no_reason_to_fail() {
    let project = Project::with_evil("[plugins.evil]\nsource = \"plugins/evil.wasm\"\nlimits = { time = \"1s\" }");
    project.write("1.forever.evil", "x").write("2.forever.evil", "x");
    let inner = format!("{} run --jobs 1", scanhost_tests::binary().display());
    let mut script = Command::new("script");
    script.args(["-qec", &inner, "/dev/null"]).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    script.env("TERM", "xterm-256color").current_dir(project.path()).stdin(Stdio::null());
    // Without `script` there is no terminal to be had without unsafe code.
    let Ok(output) = script.output() else { return };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert!(shown.contains("leaked.txt") && shown.contains("\x1b[") && !shown.contains("panicked"), "{shown}");
}

#[test]
fn colour_is_for_those_who_want_it() {
    let project = Project::new();
    project.write("a.txt", leaked_line());
    // `Ran` asserts that there is none in a pipe.
    project.scanhost(["run"]).exits(1);
    let mut forced = command();
    forced.arg("run").env("CLICOLOR_FORCE", "1").current_dir(project.path());
    let output = forced.output().unwrap();
    assert!(output.stdout.contains(&0x1b), "forced colour");
    assert!(output.status.code() == Some(1) && output.stderr.is_empty(), "{output:?}");
    let mut refused = command();
    refused.arg("run").env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    project.finish(refused).exits(1);
    let mut bad = command();
    bad.args(["run", "--formt"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    project.finish(bad).exits(2);
}
