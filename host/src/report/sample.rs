//! Outcomes for the renderers' tests. Nothing in them is or looks like a live credential.

use crate::finding::{
    Attachment, ByteSpan, Comment, Confidence, Date, Edit, FileLocation, Finding, Fingerprint, Fix, Level, Location,
    Measurement, Novelty, Origin, Package, PluginId, Position, Rating, Region, Related, Severity, Snippet, State,
};
use crate::outcome::{
    BaseUse, BaselineUse, Exit, GateResult, GateVerdict, Inputs, Judges, Notice, NoticeKind, Outcome, PluginUse,
    PolicySource, PolicyUse, Problem, ProblemKind, RuleInfo, SkipReason, Skipped, Timings,
};

/// One of each.
pub fn all() -> Vec<Outcome> {
    vec![
        clean(),
        clean_without_timings(),
        full(),
        ignored_only(),
        incomplete(),
        tolerated(),
        hostile(),
        change(),
        known(),
        measured(),
        many(230),
        empty(),
    ]
}

/// Nothing found.
pub fn clean() -> Outcome {
    Outcome {
        version: "0.1.0".into(),
        stage: "commit".into(),
        policy: PolicyUse {
            source: PolicySource::Head,
            file: Some("scan.toml".into()),
            base: None,
            baseline: None,
            day: Date::new(2026, 11, 24).unwrap(),
        },
        notices: Vec::new(),
        plugins: vec![PluginUse {
            id: id("secrets"),
            version: "0.1.0".into(),
            digest: format!("sha256:{}", "5e".repeat(32)),
            source: "built-in".into(),
            files: 17,
            bytes: 53_120,
            time_us: 41_200,
        }],
        inputs: Inputs {
            source: "tree".into(),
            root: ".".into(),
            files: 120,
            bytes: 1_234_567,
            binary: 4,
            skipped: Vec::new(),
        },
        problems: Vec::new(),
        findings: Vec::new(),
        packages: Vec::new(),
        measurements: Vec::new(),
        rules: std::iter::empty().collect(),
        gates: vec![gate("fail-on = \"high\"", "default", true, 0)],
        timings: Some(Timings {
            started_unix: 1_790_000_000,
            total_us: 123_456,
            read_us: 30_000,
            route_us: 12_000,
            guest_us: 41_200,
        }),
        exit: Exit::Pass,
    }
}

/// [`clean`] as a reproducible report has it.
pub fn clean_without_timings() -> Outcome {
    let mut outcome = Outcome { timings: None, ..clean() };
    outcome.plugins[0].time_us = 0;
    outcome
}

/// An empty change set.
pub fn empty() -> Outcome {
    let inputs = Inputs { source: "staged".into(), root: ".".into(), ..Inputs::default() };
    Outcome { inputs, ..clean() }
}

/// All kinds of places, an override, a merged and an ignored finding, skipped files, a failed gate.
pub fn full() -> Outcome {
    let mut outcome = clean();
    outcome.findings = vec![
        token(),
        private_key(),
        dependency(),
        endpoint(),
        ignored("made up for the test"),
        Finding { location: Location::Model("classifier".into()), ..plain("evasion.fgsm", Level::Low) },
        Finding {
            location: Location::Other { kind: "workflow".into(), value: "nightly".into() },
            ..plain("iac.cron", Level::Info)
        },
    ];
    outcome.inputs.skipped = skipped();
    outcome.packages = vec![Package {
        purl: "pkg:pypi/requests@2.5.0".into(),
        plugin: id("deps"),
        locations: vec![file("requirements.txt")],
        licences: vec!["Apache-2.0".into()],
        path: vec!["pkg:pypi/requests@2.5.0".into()],
        scope: "runtime".into(),
        labels: Vec::new(),
    }];
    outcome.measurements = vec![Measurement {
        name: "evasion.robust-accuracy".into(),
        plugin: id("evasion"),
        labels: labels(&[("attack", "pgd"), ("epsilon", "0.03")]),
        value: 0.615,
        unit: "ratio".into(),
        trials: 200,
        lower95: Some(0.544),
        upper95: None,
    }];
    outcome.gates = vec![
        gate("fail-on = \"high\"", "default", false, 3),
        gate("fail-on = \"critical\", min-confidence = \"high\"", "scan.toml:12", true, 0),
    ];
    outcome.exit = Exit::GateFailed;
    with_rules(outcome)
}

/// A finding that does not count is all there is.
pub fn ignored_only() -> Outcome {
    with_rules(Outcome { findings: vec![ignored("")], ..clean() })
}

/// Things went wrong, and a gate failed too.
pub fn incomplete() -> Outcome {
    let problem = |kind, plugin: Option<&str>, path: Option<&str>, message: &str| Problem {
        kind,
        plugin: plugin.map(id),
        path: path.map(Into::into),
        message: message.into(),
    };
    let mut problems = vec![
        problem(
            ProblemKind::PluginTimeout,
            Some("secrets"),
            Some("web/app.min.js"),
            "took longer than 10 s for this file; raise `limits.time` of the plugin or exclude the file",
        ),
        problem(
            ProblemKind::PluginUnusable,
            Some("sast"),
            None,
            "its component does not load: unknown import `scanhost:plugin/files`",
        ),
        problem(ProblemKind::BudgetExceeded, None, None, "the stage's budget of 2 s was used up with 40 files to go"),
    ];
    problems
        .extend((0..12).map(|n| {
            problem(ProblemKind::Unreadable, None, Some(&format!("private/{n:02}.key")), "permission denied")
        }));
    let gates = vec![gate("fail-on = \"high\"", "default", false, 1)];
    with_rules(Outcome { problems, findings: vec![token()], gates, exit: Exit::Incomplete, ..clean() })
}

/// Incomplete, and the policy lets it pass.
pub fn tolerated() -> Outcome {
    let mut outcome = incomplete();
    outcome.problems.truncate(1);
    outcome.findings.clear();
    outcome.gates = vec![gate("fail-on = \"high\"", "default", true, 0)];
    outcome.exit = Exit::Pass;
    outcome
}

/// A change that is judged by the policy of its base, and that brings all that it may not decide itself.
pub fn change() -> Outcome {
    let mut outcome = clean();
    outcome.inputs.source = "changed".into();
    outcome.policy.source = PolicySource::Base;
    outcome.policy.file = Some("origin/main:scan.toml".into());
    outcome.policy.base = Some(BaseUse {
        reference: "origin/main".into(),
        commit: "1a2b3c4d5e6f7081".into(),
        merge_base: Some("0f1e2d3c4b5a6978".into()),
    });
    let comment = Some(Comment::Ignore { reason: "only a test".into() });
    outcome.findings = vec![
        Finding { novelty: Some(Novelty::New), comment, ..token() },
        Finding { novelty: Some(Novelty::Existing), ..private_key() },
        Finding { novelty: Some(Novelty::Existing), ..suppressed() },
        Finding {
            novelty: Some(Novelty::New),
            comment: Some(Comment::Malformed { lacks: "a reason".into() }),
            location: Location::File(FileLocation { region: Some(region((7, 1), (7, 9))), ..file("src/a.py") }),
            ..plain("secrets.generic", Level::Medium)
        },
        Finding { novelty: Some(Novelty::Existing), ..ignored("made up for the test") },
    ];
    outcome.notices = vec![
        notice(NoticeKind::Loosened, Some("scan.toml:4"), "the gate fail-on = \"high\" is gone"),
        notice(
            NoticeKind::Loosened,
            Some("scan.toml:40"),
            "a suppression of rule = \"secrets.*\" is new, until 2027-01-31: \"we know\"",
        ),
        notice(
            NoticeKind::CommentWithoutEffect,
            Some("config/prod.env:12"),
            "the comment beside this finding is part of the change, so it does not count before it is merged",
        ),
        notice(
            NoticeKind::CommentWithoutEffect,
            Some("src/a.py:7"),
            "the comment beside this finding lacks a reason, so it does nothing: write `scanhost:ignore \
             secrets.generic -- reason`",
        ),
        notice(
            NoticeKind::Expiring,
            Some("origin/main:scan.toml:20"),
            "the suppression of rule = \"deps.*\" expires in 9 days, on 2026-12-03; 1 finding will count again",
        ),
    ];
    outcome.gates = vec![gate("fail-on = \"high\", new-only = true", "origin/main:scan.toml:4", false, 1)];
    outcome.exit = Exit::GateFailed;
    with_rules(outcome)
}

/// Nothing but what the baseline has, and every gate looks at what is new.
pub fn known() -> Outcome {
    let mut outcome = clean();
    outcome.policy.baseline = Some(BaselineUse { path: "scan-baseline.json".into(), entries: 9, gone: Some(6) });
    let old = |finding| Finding { novelty: Some(Novelty::Existing), ..finding };
    outcome.findings = vec![old(private_key()), old(dependency()), old(suppressed())];
    outcome.gates = vec![gate("fail-on = \"high\", new-only = true", "scan.toml:4", true, 0)];
    with_rules(outcome)
}

/// Gates on measurements, and notices of every kind, more of them than are shown.
pub fn measured() -> Outcome {
    let mut outcome = clean();
    outcome.stage = "test".into();
    outcome.policy.source = PolicySource::BuiltIn;
    outcome.policy.file = None;
    outcome.policy.base =
        Some(BaseUse { reference: "origin/main".into(), commit: "1a2b3c4d5e6f7081".into(), merge_base: None });
    outcome.measurements = full().measurements;
    let judged = |verdict, detail: &str, counted| GateResult {
        detail: detail.into(),
        judges: Judges::Measurements,
        verdict,
        ..gate("measurement = \"evasion.robust-accuracy\", min-lower95 = 0.6", "scan.toml:9", true, counted)
    };
    outcome.gates = vec![
        gate("fail-on = \"high\"", "default", true, 0),
        judged(GateVerdict::Failed, "evasion.robust-accuracy {attack=pgd, epsilon=0.03}: 0.544 is below 0.6", 1),
        judged(GateVerdict::Unjudged, "there is no measurement `evasion.robust-accuracy` of `epsilon = 0.1`", 0),
    ];
    outcome.problems = vec![Problem {
        kind: ProblemKind::GateUnmatched,
        plugin: None,
        path: None,
        message: "the gate on `epsilon = 0.1` has nothing to judge".into(),
    }];
    outcome.notices = vec![
        notice(NoticeKind::Expired, Some("scan.toml:12"), "the suppression of path = \"a/**\" expired on 2026-11-01"),
        notice(NoticeKind::UnknownRule, Some("scan.toml:16"), "no plugin has a rule `secrets.jtw`"),
        notice(NoticeKind::Baseline, None, "the baseline changes no verdict in stage `test`"),
        notice(NoticeKind::Scope, None, "the clone is shallow, so everything was scanned"),
        notice(NoticeKind::PolicyHead, None, "the policy of the change was asked for with --policy head"),
    ];
    let unused = |n| notice(NoticeKind::Unused, Some(&format!("scan.toml:{n}")), "the suppression matches no finding");
    outcome.notices.extend((20..32).map(unused));
    outcome.notices.sort();
    outcome.exit = Exit::Incomplete;
    outcome
}

fn notice(kind: NoticeKind, place: Option<&str>, message: &str) -> Notice {
    Notice { kind, place: place.map(Into::into), message: message.into() }
}

/// Texts that nobody escaped before.
pub fn hostile() -> Outcome {
    let evil = "\x1b[2J\x1b]0;owned\x07\u{202e}::error::x ##[error]y";
    let mut finding = token();
    finding.message = evil.repeat(3);
    finding.title = evil.into();
    finding.labels = labels(&[(evil, evil)]);
    finding.tags = vec![evil.into()];
    finding.location = Location::File(FileLocation {
        path: format!("{evil}/[x](y).env"),
        snippet: Some(Snippet { first_line: 3, lines: vec![format!("{evil}=****")], start: 9_999, end: 3 }),
        ..file("x")
    });
    let mut outcome = incomplete();
    outcome.findings = vec![finding];
    outcome.problems.truncate(1);
    outcome.problems[0].message = evil.into();
    outcome.problems[0].path = Some(evil.into());
    outcome.inputs.skipped = vec![Skipped { path: evil.into(), reason: SkipReason::TooLarge, detail: evil.into() }];
    outcome.findings.push(Finding {
        state: State::Suppressed {
            reason: evil.into(),
            expires: Date::new(2027, 1, 31).unwrap(),
            place: format!("{evil}:12"),
        },
        comment: Some(Comment::Malformed { lacks: evil.into() }),
        ..plain("secrets.generic", Level::Medium)
    });
    outcome.notices =
        vec![notice(NoticeKind::Loosened, Some(evil), evil), notice(NoticeKind::Expired, Some(evil), evil)];
    let base = BaseUse { reference: evil.into(), commit: evil.into(), merge_base: Some(evil.into()) };
    let baseline = BaselineUse { path: evil.into(), entries: 1, gone: None };
    outcome.policy = PolicyUse {
        source: PolicySource::Base,
        file: Some(evil.into()),
        base: Some(base),
        baseline: Some(baseline),
        day: outcome.policy.day,
    };
    outcome.gates = vec![GateResult {
        description: evil.into(),
        origin: evil.into(),
        judges: Judges::Findings,
        verdict: GateVerdict::Failed,
        counted: 1,
        detail: evil.into(),
    }];
    with_rules(outcome)
}

/// `count` findings.
pub fn many(count: usize) -> Outcome {
    let one = |n| Finding {
        location: Location::File(FileLocation { region: Some(region((n, 1), (n, 5))), ..file("src/long.rs") }),
        ..plain("secrets.generic", Level::Medium)
    };
    let findings = (1..=u32::try_from(count).unwrap()).map(one).collect();
    with_rules(Outcome { findings, ..clean() })
}

/// A masked token on one line, behind a character of several bytes.
pub fn token() -> Finding {
    Finding {
        title: "GitHub personal access token".into(),
        message: "A GitHub personal access token is written in this file.".into(),
        location: Location::File(FileLocation {
            region: Some(region((12, 11), (12, 51))),
            bytes: Some(ByteSpan { offset: 240, len: 40 }),
            snippet: Some(Snippet {
                first_line: 12,
                lines: vec!["TÖKEN = \"ghp_************************************\" # for the release".into()],
                start: 10,
                end: 50,
            }),
            ..file("config/prod.env")
        }),
        also: vec!["secrets.generic".into()],
        confidence: Confidence::High,
        ..plain("secrets.github-pat", Level::Critical)
    }
}

fn private_key() -> Finding {
    let mut lines = vec!["key = \"\"\"-----BEGIN PRIVATE KEY-----".to_owned()];
    lines.extend((0..8).map(|_| "*".repeat(64)));
    lines.push("-----END PRIVATE KEY-----\"\"\"".into());
    Finding {
        title: "Private key".into(),
        message: "A private key is written in this file, and whoever has read it once can use it until it is replaced."
            .into(),
        rating: Rating {
            level: Level::High,
            score: 8.0,
            origin: Origin::Override {
                was: Box::new(Rating { level: Level::Critical, score: 9.5, origin: Origin::Rule }),
                reason: "a test service's key".into(),
                place: "scan.toml:12".into(),
            },
        },
        location: Location::File(FileLocation {
            region: Some(region((3, 10), (12, 26))),
            snippet: Some(Snippet { first_line: 3, lines, start: 9, end: 25 }),
            logical: Some("settings.key".into()),
            provenance: labels(&[("layer", "sha256:abc")]),
            ..file("deploy/a long folder/settings.py")
        }),
        fix: Some(Fix {
            title: "Read the key from the environment".into(),
            edits: vec![Edit {
                path: "deploy/a long folder/settings.py".into(),
                span: ByteSpan { offset: 20, len: 600 },
                replacement: "os.environ[\"KEY\"]".into(),
            }],
        }),
        ..plain("secrets.private-key", Level::High)
    }
}

fn dependency() -> Finding {
    Finding {
        title: "Vulnerable package".into(),
        message: "requests 2.5.0 leaks credentials on a redirect.".into(),
        plugin: id("deps"),
        location: Location::Package { purl: "pkg:pypi/requests@2.5.0".into(), manifest: "requirements.txt".into() },
        related: vec![Related { location: Location::File(file("app/http.py")), note: "it is imported here".into() }],
        tags: vec!["CWE-522".into()],
        labels: labels(&[("advisory", "CVE-2018-18074")]),
        ..plain("deps.vulnerable", Level::High)
    }
}

fn endpoint() -> Finding {
    Finding {
        title: "Stack trace in an answer".into(),
        message: "The operation answers a malformed body with a stack trace.".into(),
        location: Location::Endpoint { method: "POST".into(), url: "https://staging.example.com/users/{id}".into() },
        attachments: vec![Attachment {
            name: "exchange.http".into(),
            media_type: "message/http".into(),
            body: b"POST /users/1 HTTP/1.1\r\n\r\n".to_vec(),
        }],
        ..plain("fuzz.stack-trace", Level::Unknown)
    }
}

fn suppressed() -> Finding {
    Finding {
        state: State::Suppressed {
            reason: "the vulnerable code is not in our execute path".into(),
            expires: Date::new(2026, 12, 3).unwrap(),
            place: "scan.toml:20".into(),
        },
        location: Location::Package { purl: "pkg:pypi/flask@0.12".into(), manifest: "requirements.txt".into() },
        ..plain("deps.vulnerable", Level::High)
    }
}

fn ignored(reason: &str) -> Finding {
    Finding {
        comment: Some(Comment::Ignore { reason: reason.into() }),
        state: State::IgnoredInline { reason: reason.into() },
        ..plain("secrets.generic", Level::Medium)
    }
}

/// With nothing but what has to be there.
pub fn plain(rule: &str, level: Level) -> Finding {
    let seed = rule.bytes().fold(0, |a: u8, b| a.wrapping_mul(31).wrapping_add(b));
    Finding {
        rule: rule.into(),
        title: "A sample".into(),
        plugin: id(rule.split('.').next().unwrap()),
        rating: Rating { level, score: level.default_score(), origin: Origin::Rule },
        confidence: Confidence::Medium,
        message: "It is there.".into(),
        location: Location::File(file("tests/sample.txt")),
        related: Vec::new(),
        fingerprint: fingerprint(seed),
        moved_fingerprint: fingerprint(!seed),

        secret: None,
        tags: vec!["CWE-798".into()],
        labels: Vec::new(),
        fix: None,
        attachments: Vec::new(),
        also: Vec::new(),
        comment: None,
        novelty: None,
        state: State::Active,
    }
}

/// A file as a whole.
pub fn file(path: &str) -> FileLocation {
    FileLocation { path: path.into(), region: None, bytes: None, snippet: None, logical: None, provenance: Vec::new() }
}

/// From (line, column) to (line, column).
pub fn region(start: (u32, u32), end: (u32, u32)) -> Region {
    let position = |(line, column)| Position { line, column };
    Region { start: position(start), end: position(end) }
}

fn fingerprint(seed: u8) -> Fingerprint {
    Fingerprint::stub(seed)
}

fn skipped() -> Vec<Skipped> {
    let skipped = |path: &str, reason, detail: &str| Skipped { path: path.into(), reason, detail: detail.into() };
    vec![
        skipped("assets/model.bin", SkipReason::TooLarge, "20971520 bytes, the limit is 16777216"),
        skipped("link", SkipReason::Symlink, ""),
        skipped("vendor/a.js", SkipReason::Excluded, "vendor/**"),
        skipped("vendor/b.js", SkipReason::Excluded, "vendor/**"),
    ]
}

fn gate(description: &str, origin: &str, passed: bool, counted: u64) -> GateResult {
    let verdict = if passed { GateVerdict::Passed } else { GateVerdict::Failed };
    let judges = if description.contains("new-only") { Judges::NewFindings } else { Judges::Findings };
    let (description, origin, detail) = (description.into(), origin.into(), String::new());
    GateResult { description, origin, judges, verdict, counted, detail }
}

fn with_rules(mut outcome: Outcome) -> Outcome {
    let help = |id: &str| match id {
        "secrets.github-pat" => {
            "A token acts as its owner on every repository that the owner can reach.\n\nRevoke it under *Settings › \
             Developer settings*, then read the security log. It may have been used already.\n"
        }
        "secrets.private-key" => "A private key.\n\nReplace it.",
        _ => "",
    };
    let rule = |f: &Finding| RuleInfo {
        id: f.rule.clone(),
        plugin: f.plugin.clone(),
        title: f.title.clone(),
        severity: Severity::Critical,
        tags: f.tags.clone(),
        help: help(&f.rule).into(),
    };
    outcome.rules = outcome.findings.iter().map(|f| (f.rule.clone(), rule(f))).collect();
    outcome
}

fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn id(name: &str) -> PluginId {
    PluginId::try_from(name.to_owned()).unwrap()
}
