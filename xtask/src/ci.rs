//! `cargo xtask ci`: what every change has to pass, each step timed, all of them summed up at the end.
//!
//! A failed step does not hide the later ones, unless they need what it should have built.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::project::Project;
use crate::wasm_target;

/// How a step ended.
enum Verdict {
    Passed,
    Failed(String),
    /// Not run, and why. Never the outcome of something that went wrong in the project itself.
    Skipped(String),
}

struct Step {
    name: &'static str,
    /// Whether it needs what the step `build` makes.
    needs_build: bool,
    run: fn(&Project) -> Verdict,
}

/// The dev profile only: a cold build of wasmtime takes about eight minutes on two cores for each profile.
const STEPS: &[Step] = &[
    Step { name: "format", needs_build: false, run: |project| cargo(project, &["fmt", "--all", "--check"]) },
    Step { name: "set-up", needs_build: false, run: |project| verdict(wasm_target::ensure(project)) },
    Step { name: "build", needs_build: false, run: |project| cargo(project, &["build", "--locked", "--workspace"]) },
    Step {
        name: "tests",
        needs_build: true,
        run: |project| cargo(project, &["test", "--locked", "--workspace", "--no-fail-fast"]),
    },
    Step {
        name: "lints",
        needs_build: false,
        run: |project| cargo(project, &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    },
    Step { name: "documentation", needs_build: false, run: documentation },
    Step { name: "advisories", needs_build: false, run: advisories },
    Step { name: "scan of itself", needs_build: true, run: scan_of_itself },
    Step { name: "scan of the sample", needs_build: true, run: scan_of_the_sample },
];

/// Runs all steps and prints the summary; 0 when none failed.
pub fn run(project: &Project) -> u8 {
    let mut results: Vec<(&str, Verdict, Duration)> = Vec::new();
    let mut built = false;
    for step in STEPS {
        println!("\n==> {}", step.name);
        let start = Instant::now();
        let verdict =
            if step.needs_build && !built { Verdict::Skipped("there is no build".into()) } else { (step.run)(project) };
        built |= step.name == "build" && matches!(verdict, Verdict::Passed);
        match &verdict {
            Verdict::Passed => {}
            Verdict::Failed(why) => println!("failed: {why}"),
            Verdict::Skipped(why) => println!("skipped: {why}"),
        }
        results.push((step.name, verdict, start.elapsed()));
    }
    println!("\n{}", summary(&results));
    u8::from(results.iter().any(|(_, verdict, _)| matches!(verdict, Verdict::Failed(_))))
}

fn summary(results: &[(&str, Verdict, Duration)]) -> String {
    let mut text = String::from("==> summary\n");
    for (name, verdict, time) in results {
        let word = match verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Failed(why) => format!("FAILED: {why}"),
            Verdict::Skipped(why) => format!("skipped: {why}"),
        };
        let _ = writeln!(text, "{:>7.1} s  {name:<20}{word}", time.as_secs_f64());
    }
    let total: Duration = results.iter().map(|(_, _, time)| *time).sum();
    text + &format!("{:>7.1} s  in all", total.as_secs_f64())
}

fn verdict(result: Result<(), String>) -> Verdict {
    match result {
        Ok(()) => Verdict::Passed,
        Err(why) => Verdict::Failed(why),
    }
}

fn cargo(project: &Project, arguments: &[&str]) -> Verdict {
    verdict(project.cargo(arguments).succeed())
}

fn documentation(project: &Project) -> Verdict {
    verdict(project.cargo(["doc", "--locked", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings").succeed())
}

/// Our own dependencies against `deny.toml`. Its advisory database comes from a git host that not every
/// machine may reach, so fetching it is a step of its own, and where it fails that is said; what needs no
/// database (licences, sources, bans) is checked regardless.
fn advisories(project: &Project) -> Verdict {
    let installed = project.cargo(["deny", "--version"]).output().is_ok_and(|output| output.status.success());
    if !installed {
        return Verdict::Skipped(
            "dependencies not checked: cargo-deny is not installed (`cargo install --locked cargo-deny`)".into(),
        );
    }
    let fetched = project.cargo(["deny", "--locked", "fetch", "db"]).succeed();
    let checks: &[&str] =
        if fetched.is_ok() { &["advisories", "bans", "licenses", "sources"] } else { &["bans", "licenses", "sources"] };
    match (project.cargo(["deny", "--locked", "check"]).args(checks).succeed(), fetched) {
        (Err(why), _) => Verdict::Failed(why),
        (Ok(()), Ok(())) => Verdict::Passed,
        (Ok(()), Err(_)) => {
            Verdict::Skipped("advisory database not reachable; licences, sources and bans passed".into())
        }
    }
}

fn scan_of_itself(project: &Project) -> Verdict {
    verdict(project.scanhost("debug", ["run", "--stage", "commit", "--no-cache", "."]).succeed())
}

/// The other half of the proof: a scanner that finds nothing anywhere would pass the scan of itself.
fn scan_of_the_sample(project: &Project) -> Verdict {
    let config = "examples/leaky-app/scan.toml";
    let run = ["run", "--stage", "commit", "--no-cache", "-q", "--config", config, "examples/leaky-app"];
    match project.scanhost("debug", run).exit_code() {
        Ok(1) => Verdict::Passed,
        Ok(code) => Verdict::Failed(format!("exit code {code} where the gate has to fail with 1")),
        Err(why) => Verdict::Failed(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_was_not_run_and_why() {
        let results = [
            ("tests", Verdict::Passed, Duration::from_millis(61_240)),
            ("lints", Verdict::Failed("exit code 101".into()), Duration::from_secs(1)),
            ("advisories", Verdict::Skipped("advisory database not reachable".into()), Duration::ZERO),
        ];
        let expected = "==> summary\n   61.2 s  tests               passed\n    1.0 s  lints               FAILED: exit code 101\n    \
                        0.0 s  advisories          skipped: advisory database not reachable\n   62.2 s  in all";
        assert_eq!(summary(&results), expected);
    }

    #[test]
    fn steps_that_need_a_build_come_after_it() {
        let build = STEPS.iter().position(|step| step.name == "build");
        assert!(STEPS.iter().enumerate().all(|(at, step)| !step.needs_build || Some(at) > build));
    }
}
