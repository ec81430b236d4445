//! `cargo xtask`: everything that a person or a pipeline does with this repository, in one place.
//!
//! Here stand the commands' names and their help; one module holds one command. Nothing of the product
//! lives here, and nothing here is needed to use it: after `cargo xtask setup`, plain `cargo build` and
//! `cargo test` work.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to its terminal")]

mod bench;
mod ci;
mod project;
mod wasm_target;

use std::ffi::OsString;
use std::fmt::Write;
use std::process::ExitCode;

use project::Project;

/// What a command comes to: an exit code, or a message for people and exit code 2.
type CommandResult = Result<u8, String>;

/// A command of `cargo xtask`.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&Project, &[OsString]) -> CommandResult,
}

const COMMANDS: &[Command] = &[
    Command { name: "setup", arguments: "", about: "make the plugins' target wasm32-wasip2 usable", run: setup },
    Command {
        name: "demo",
        arguments: "",
        about: "build in release and scan examples/leaky-app; exits with 1, the scan's verdict",
        run: demo,
    },
    Command {
        name: "test",
        arguments: "[ARG]…",
        about: "build everything and run all tests; ARGs go to `cargo test`",
        run: test,
    },
    Command {
        name: "ci",
        arguments: "",
        about: "all that a pull request has to pass: format, lints, tests, docs, self-scan",
        run: ci,
    },
    Command {
        name: "bench",
        arguments: "[TREE]… [--rounds N] [--size MB]",
        about: "measure the release build against the scanners found on PATH, rewrite docs/benchmarks.md",
        run: bench,
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(name) = arguments.next() else {
        eprint!("{}", help());
        return ExitCode::from(2);
    };
    let name = name.to_string_lossy().into_owned();
    let rest: Vec<OsString> = arguments.collect();
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let result = if name == bench::measure::SELF_CALL {
        bench::measure::child(&rest)
    } else if let Some(command) = COMMANDS.iter().find(|command| command.name == name) {
        Project::find().and_then(|project| (command.run)(&project, &rest))
    } else {
        Err(unknown(&name))
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::from(2)
        }
    }
}

fn help() -> String {
    let mut text = String::from("Usage: cargo xtask COMMAND\n\n");
    for Command { name, arguments, about, .. } in COMMANDS {
        let call = format!("{name} {arguments}");
        let gap = if call.len() > 12 { format!("\n{:14}", "") } else { String::new() };
        let _ = writeln!(text, "  {call:<12}{gap}{about}");
    }
    text += "\nEnvironment:\n  SCANHOST_WASM_FALLBACK_ONLY=1   setup: do not ask rustup, build the target's standard library\n  \
             SCANHOST_PEERS=DIR:…            bench: where else to look for other scanners\n";
    text
}

fn unknown(name: &str) -> String {
    let near = COMMANDS.iter().min_by_key(|command| strsim::damerau_levenshtein(command.name, name));
    let near =
        near.filter(|command| strsim::damerau_levenshtein(command.name, name) <= 2 || command.name.starts_with(name));
    let hint = near
        .map_or("`cargo xtask help` lists the commands".to_owned(), |near| format!("did you mean `{}`?", near.name));
    format!("there is no command `{}`; {hint}", name.escape_debug())
}

fn none(name: &str, arguments: &[OsString]) -> Result<(), String> {
    match arguments.first() {
        None => Ok(()),
        Some(first) => {
            Err(format!("`{name}` takes no argument, `{}` was given", first.to_string_lossy().escape_debug()))
        }
    }
}

fn setup(project: &Project, arguments: &[OsString]) -> CommandResult {
    none("setup", arguments)?;
    wasm_target::ensure(project)?;
    println!("{} works. `cargo build` and `cargo test` need nothing else.", wasm_target::TARGET);
    Ok(0)
}

fn demo(project: &Project, arguments: &[OsString]) -> CommandResult {
    none("demo", arguments)?;
    wasm_target::ensure(project)?;
    eprintln!("Building scanhost and its plugins in release; the first time takes some minutes.");
    // All of the workspace, as plain `cargo build --release` does: another selection of packages means
    // another selection of features, and with it a second wasmtime.
    project.cargo(["build", "--release", "--workspace"]).succeed()?;
    eprintln!("$ scanhost run --config examples/leaky-app/scan.toml examples/leaky-app");
    project.scanhost("release", ["run", "--config", "examples/leaky-app/scan.toml", "examples/leaky-app"]).exit_code()
}

fn test(project: &Project, arguments: &[OsString]) -> CommandResult {
    wasm_target::ensure(project)?;
    // The end-to-end tests call the program, and `cargo test` alone does not build another package's.
    project.cargo(["build", "--workspace"]).succeed()?;
    project.cargo(["test", "--workspace"]).args(arguments).exit_code()
}

fn ci(project: &Project, arguments: &[OsString]) -> CommandResult {
    none("ci", arguments)?;
    Ok(ci::run(project))
}

fn bench(project: &Project, arguments: &[OsString]) -> CommandResult {
    bench::run(project, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        assert!(unknown("tset").contains("did you mean `test`?"));
        assert!(unknown("ben").contains("did you mean `bench`?"));
        assert!(unknown("deploy").contains("`cargo xtask help`"));
    }

    #[test]
    fn help_names_every_command() {
        let help = help();
        assert!(COMMANDS.iter().all(|command| help.contains(command.name) && help.contains(command.about)));
    }

    #[test]
    fn unexpected_arguments_are_named() {
        assert_eq!(none("demo", &["--x".into()]), Err("`demo` takes no argument, `--x` was given".into()));
    }
}
