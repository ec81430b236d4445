//! Snapshots of the terminal's report, and what holds for every outcome.

use unicode_width::UnicodeWidthStr;

use super::*;
use crate::outcome::Exit;
use crate::report::sample;

fn show(outcome: &Outcome) -> String {
    render(outcome, &RenderOptions::default())
}

/// With `ESC` in the place of the escape character, so that a snapshot can be read.
fn show_colored(outcome: &Outcome) -> String {
    let root_abs = Some("/srv/a b".into());
    render(outcome, &RenderOptions { color: true, hyperlinks: true, root_abs, ..RenderOptions::default() })
        .replace('\x1b', "ESC")
}

#[test]
fn findings_without_colour() {
    insta::assert_snapshot!(show(&sample::full()));
}

#[test]
fn findings_in_colour() {
    insta::assert_snapshot!(show_colored(&sample::full()));
}

#[test]
fn findings_in_forty_columns() {
    insta::assert_snapshot!(render(&sample::full(), &RenderOptions { width: 40, ..RenderOptions::default() }));
}

#[test]
fn findings_with_all_details() {
    insta::assert_snapshot!(render(&sample::full(), &RenderOptions { verbose: 2, ..RenderOptions::default() }));
}

#[test]
fn findings_and_verdict_only() {
    insta::assert_snapshot!(render(&sample::full(), &RenderOptions { quiet: true, ..RenderOptions::default() }));
}

#[test]
fn incomplete() {
    insta::assert_snapshot!(show(&sample::incomplete()));
}

#[test]
fn incomplete_and_tolerated() {
    insta::assert_snapshot!(show(&sample::tolerated()));
}

#[test]
fn hostile_names_and_texts() {
    insta::assert_snapshot!(show(&sample::hostile()));
}

#[test]
fn a_change_by_the_policy_of_its_base() {
    insta::assert_snapshot!(show(&sample::change()));
}

#[test]
fn a_change_in_thirty_columns() {
    insta::assert_snapshot!(render(&sample::change(), &RenderOptions { width: 30, ..RenderOptions::default() }));
}

#[test]
fn a_change_without_end_of_line_and_in_colour() {
    let options = RenderOptions { width: 0, color: true, ..RenderOptions::default() };
    insta::assert_snapshot!(render(&sample::change(), &options).replace('\x1b', "ESC"));
}

#[test]
fn a_change_with_all_details() {
    insta::assert_snapshot!(render(
        &sample::change(),
        &RenderOptions { verbose: 1, width: 80, ..RenderOptions::default() }
    ));
}

#[test]
fn measurements_and_many_notices() {
    insta::assert_snapshot!(render(&sample::measured(), &RenderOptions { width: 80, ..RenderOptions::default() }));
}

#[test]
fn quiet_leaves_what_would_be_a_surprise_later() {
    let quiet = |outcome: &Outcome| render(outcome, &RenderOptions { quiet: true, ..RenderOptions::default() });
    let text = quiet(&sample::measured());
    assert!(text.contains("expired on") && !text.contains("no plugin has a rule"), "{text}");
    let text = quiet(&sample::change());
    assert!(text.contains("loosens the policy") && !text.contains("expires in 9 days"), "{text}");
    assert!(!text.contains("there before, where no gate looks"), "{text}");
    let mut again = sample::change();
    again.policy.source = crate::outcome::PolicySource::Head;
    again.policy.file = Some("scan.toml".into());
    assert!(quiet(&again).contains("loosens the policy; it is judged by scan.toml\n"));
    assert_eq!(quiet(&sample::known()), "");
}

#[test]
fn what_was_there_before_is_counted_where_no_gate_looks_at_it() {
    assert_eq!(
        show(&sample::known()),
        "2 findings were there before, where no gate looks; -v shows them\n\npassed: 2 findings (none new; 2 high) in \
         120 files (1.2 MB), 0.12 s; 1 suppressed\n"
    );
    let mut both = sample::known();
    both.gates.extend(sample::clean().gates);
    let text = show(&both);
    assert_eq!(text.matches("\n  --> ").count(), 2);
    assert!(text.contains("confidence medium, there before\n"), "{text}");
    let all = render(&sample::known(), &RenderOptions { verbose: 1, ..RenderOptions::default() });
    assert_eq!(all.matches("\n  --> ").count(), 2);
    assert!(all.contains("suppressed: high requirements.txt") && all.contains("until: 2026-12-03, says scan.toml:20"));
}

#[test]
fn new_findings_stand_first() {
    let mut outcome = sample::many(3);
    outcome.findings[0].novelty = Some(crate::finding::Novelty::Existing);
    outcome.findings[1].novelty = Some(crate::finding::Novelty::Existing);
    outcome.findings[2].novelty = Some(crate::finding::Novelty::New);
    let text = show(&outcome);
    let places: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("  --> src/long.rs:")).collect();
    assert_eq!(places, ["3:1", "1:1", "2:1"]);
    assert!(text.contains("\n3 findings (1 new; 3 medium) in "), "{text}");
}

#[test]
fn a_clean_run_is_one_line() {
    assert_eq!(show(&sample::clean()), "passed: no findings in 120 files (1.2 MB), 0.12 s\n");
    assert_eq!(show(&sample::clean_without_timings()), "passed: no findings in 120 files (1.2 MB)\n");
    assert_eq!(show(&sample::ignored_only()), "passed: no findings in 120 files (1.2 MB), 0.12 s; 1 ignored inline\n");
    assert_eq!(show(&sample::empty()), "passed: nothing is staged, no file was scanned\n");
    assert_eq!(render(&sample::clean(), &RenderOptions { quiet: true, ..RenderOptions::default() }), "");
}

#[test]
fn nothing_scanned_is_no_pass() {
    let outcome = Outcome { exit: Exit::NothingScanned, ..sample::empty() };
    assert!(show(&outcome).contains("\nNOTHING SCANNED: "));
    assert!(!show(&outcome).contains("passed"));
}

#[test]
fn of_many_findings_the_first_are_shown() {
    let text = show(&sample::many(230));
    assert_eq!(text.matches("\n  --> ").count(), MAX_FINDINGS);
    assert!(text.contains("... and 130 more findings;"));
    let all = render(&sample::many(230), &RenderOptions { verbose: 1, ..RenderOptions::default() });
    assert_eq!(all.matches("\n  --> ").count(), 230);
}

#[test]
fn a_pass_is_said_only_where_it_is_one() {
    for outcome in sample::all() {
        let text = show(&outcome);
        let last = text.lines().last().unwrap();
        assert_eq!(last.starts_with("passed: "), outcome.exit == Exit::Pass && outcome.is_complete(), "{last}");
        assert_eq!(text.contains("INCOMPLETE"), !outcome.is_complete());
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    for outcome in sample::all() {
        let colored = render(&outcome, &RenderOptions { color: true, ..RenderOptions::default() });
        let mut plain = String::new();
        for (at, part) in colored.split("\x1b[").enumerate() {
            plain.push_str(if at == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(plain, show(&outcome));
    }
}

#[test]
fn lines_keep_to_the_width_and_obey_nobody() {
    for outcome in sample::all() {
        for width in [MIN_WIDTH, 40, 80] {
            for line in render(&outcome, &RenderOptions { width, verbose: 2, ..RenderOptions::default() }).lines() {
                let is_path =
                    ["  --> ", "    - ", "  - ", "ignored: ", "suppressed: "].iter().any(|head| line.starts_with(head));
                assert!(is_path || line.width() <= width, "{width}: {line}");
                assert!(!line.trim_start().starts_with("::"), "{line}");
                assert_eq!(printable(line), line);
            }
        }
    }
}
