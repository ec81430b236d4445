//! The rules' regexes, compiled when a rule first needs one: an instance that sees a few files compiles a
//! few of them. The build script has compiled each once, so that failing here means no more than that the
//! rule is silent.

use std::ops::Range;

use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use crate::rule::{RULES, Rule};

/// Bytes of NFA that one regex may take; the build script checks the same.
const SIZE_LIMIT: usize = 1 << 20;

/// One regex and what it needs to run.
#[derive(Debug)]
struct Compiled {
    regex: Regex,
    cache: Cache,
    captures: Captures,
    secret: Option<usize>,
}

/// One slot a rule.
#[derive(Debug)]
pub struct Regexes {
    slots: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    main: Main,
    allow: Option<Vec<Regex>>,
}

/// A regex that may not have been needed yet.
#[derive(Debug, Default)]
enum Main {
    #[default]
    Untried,
    Failed,
    Ready(Box<Compiled>),
}

/// Where a rule matched, and where in it the secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The whole match.
    pub whole: Range<usize>,
    /// The group `secret`, or the whole match.
    pub secret: Range<usize>,
}

impl Found {
    /// The same match in a text that begins `by` bytes earlier.
    pub fn shifted(self, by: usize) -> Self {
        Self { whole: self.whole.start + by..self.whole.end + by, secret: self.secret.start + by..self.secret.end + by }
    }
}

impl Regexes {
    pub fn new() -> Self {
        Self { slots: RULES.iter().map(|_| Slot::default()).collect() }
    }

    /// A match that begins where the range begins (`anchored`), or the first inside the range.
    pub fn find(&mut self, rule: usize, text: &[u8], range: Range<usize>, anchored: bool) -> Option<Found> {
        let slot = self.slots.get_mut(rule)?;
        if matches!(slot.main, Main::Untried) {
            slot.main = compile(&RULES[rule]).map_or(Main::Failed, |compiled| Main::Ready(Box::new(compiled)));
        }
        let Main::Ready(compiled) = &mut slot.main else { return None };
        let anchored = if anchored { Anchored::Yes } else { Anchored::No };
        let input = Input::new(text).range(range).anchored(anchored);
        let Compiled { regex, cache, captures, secret } = compiled.as_mut();
        if let Some(group) = *secret {
            regex.search_captures_with(cache, &input, captures);
            let whole = captures.get_match()?.range();
            let secret = captures.get_group(group).map_or_else(|| whole.clone(), |span| span.range());
            Some(Found { whole, secret })
        } else {
            let whole = regex.search_with(cache, &input)?.range();
            Some(Found { secret: whole.clone(), whole })
        }
    }

    /// Whether one of the rule's `allow` patterns matches the secret.
    pub fn allowed(&mut self, rule: usize, secret: &[u8]) -> bool {
        let patterns = RULES[rule].allow;
        if patterns.is_empty() {
            return false;
        }
        let Some(slot) = self.slots.get_mut(rule) else { return false };
        slot.allow
            .get_or_insert_with(|| patterns.iter().filter_map(|pattern| build(pattern)).collect())
            .iter()
            .any(|regex| regex.is_match(secret))
    }
}

fn compile(rule: &Rule) -> Option<Compiled> {
    let regex = build(rule.pattern)?;
    let secret = regex.group_info().to_index(regex_automata::PatternID::ZERO, "secret");
    Some(Compiled { cache: regex.create_cache(), captures: regex.create_captures(), secret, regex })
}

fn build(pattern: &str) -> Option<Regex> {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(Config::new().utf8_empty(false).nfa_size_limit(Some(SIZE_LIMIT)).dfa(false))
        .build(pattern)
        .ok()
}
