//! From the anchors that the host found to the secrets: which rules to try where, in the file as it is
//! and in what its base64 and UTF-16 say, and which of overlapping matches to keep.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use scanhost_plugin::{Anchor as Hit, Confidence};

use crate::assign::{self, Assignment};
use crate::base64;
use crate::check;
use crate::context::{Context, Kind};
use crate::judge::{self, Verdict};
use crate::regexes::{Found, Regexes};
use crate::rule::{ANCHORS, Judge, Mode, RULES, Rule};
use crate::wide::Layout;

/// More matches in one file are not looked for.
pub const MAX_MATCHES: usize = 5_000;

/// So many attempts of one rule may fail within the reach of the first of them. A hostile file repeats an
/// anchor that the rest of the rule's own pattern allows, and each attempt reads to the end of its reach.
const MAX_FAILING: u32 = 16;

/// A rule that reads no further than this may fail as often as it likes.
const CHEAP_REACH: usize = 256;

/// How far a run of base64 is followed to either side of an anchor.
const BASE64_REACH: usize = 64 << 10;

/// Through which encoding a secret was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// As written.
    Plain,
    /// Inside base64; the span is the encoded text's.
    Base64,
    /// In UTF-16.
    Utf16,
}

/// A secret in a file.
#[derive(Clone)]
pub struct Match {
    /// Which rule found it.
    pub rule: &'static Rule,
    /// Where it stands in the file.
    pub span: Range<usize>,
    /// Its bytes, decoded.
    pub secret: Vec<u8>,
    /// The rule's, or less.
    pub confidence: Confidence,
    /// How it was seen.
    pub via: Via,
}

/// Without the secret, which has no business in a log.
impl std::fmt::Debug for Match {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {:?} ({:?}, {:?})", self.rule.id, self.span, self.confidence, self.via)
    }
}

/// The rules, and the regexes that were needed so far.
#[derive(Debug)]
pub struct Engine {
    regexes: Regexes,
    /// The rule of an attempt that was not made in the last scan, see `MAX_FAILING`.
    gave_up: Option<&'static str>,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

/// An anchor's occurrence in the text that is being looked at.
#[derive(Debug, Clone, Copy)]
struct Place {
    anchor: &'static crate::rule::Anchor,
    at: usize,
}

/// A match in the text that is being looked at.
struct Candidate {
    rule: usize,
    secret: Range<usize>,
    confidence: Confidence,
}

/// The assignment around the last keyword: several keywords stand in one name.
#[derive(Default)]
struct Last {
    from: usize,
    name_end: usize,
    assignment: Option<Assignment>,
    /// See [`assign::Bare`].
    bare: assign::Bare,
    /// The value that was judged last, and by which rules: in `a = b = c or "value"` it is that of all names.
    judged: (Range<usize>, Vec<usize>),
}

/// For each rule that is tried at its anchors: where the first of the latest failures was, and how many.
type Failing = BTreeMap<usize, (usize, u32)>;

impl Engine {
    /// Nothing is compiled yet.
    pub fn new() -> Self {
        Self { regexes: Regexes::new(), gave_up: None }
    }

    /// A rule whose attempts the last file made the engine skip, because it had failed too often in one place: what
    /// stands there is not known, and somebody may have wanted that.
    pub fn gave_up(&self) -> Option<&'static str> {
        self.gave_up
    }

    /// The secrets of one file, in order of their place. `anchors` are sorted by offset; what does not
    /// hold of the file is ignored.
    pub fn scan(&mut self, bytes: &[u8], anchors: &[Hit], path: &str) -> Vec<Match> {
        self.gave_up = None;
        let context = Context::of(path);
        let mut plain = Vec::with_capacity(anchors.len());
        let mut wide: BTreeMap<Layout, Vec<Place>> = BTreeMap::new();
        let mut encoded: BTreeMap<(usize, usize), Vec<Place>> = BTreeMap::new();
        let mut run: Option<Range<usize>> = None;
        for hit in anchors {
            let (Some(anchor), Ok(at)) = (ANCHORS.get(hit.id as usize), usize::try_from(hit.offset)) else { continue };
            if anchor.is_at(bytes, at) {
                plain.push(Place { anchor, at });
            } else if let Some(layout) = Layout::of(bytes, at, anchor.text, anchor.ignore_case) {
                wide.entry(layout).or_default().push(Place { anchor, at: layout.inward(at) });
            } else if anchor.base64 && at < bytes.len() {
                let run = match &run {
                    Some(known) if known.contains(&at) => known.clone(),
                    _ => run.insert(base64::run(bytes, at, BASE64_REACH)).clone(),
                };
                for alignment in 0..3 {
                    if !base64::holds(&bytes[at..run.end], anchor.text.as_bytes(), alignment) {
                        continue;
                    }
                    // The group of four begins here; the run's groups are counted from the same phase.
                    let Some(group) = at.checked_sub(base64::FIRST_SURE[alignment]) else { continue };
                    if group < run.start {
                        continue;
                    }
                    let start = run.start + (group - run.start) % 4;
                    encoded
                        .entry((start, run.end))
                        .or_default()
                        .push(Place { anchor, at: (group - start) / 4 * 3 + alignment });
                }
            }
        }
        let mut all = Vec::new();
        let mut keep = |found: Vec<Candidate>, text: &[u8], via: Via, place: &dyn Fn(&Range<usize>) -> Range<usize>| {
            all.extend(found.into_iter().map(|candidate| Match {
                rule: &RULES[candidate.rule],
                span: place(&candidate.secret),
                secret: text[candidate.secret].to_vec(),
                confidence: candidate.confidence,
                via,
            }));
        };
        keep(self.text(bytes, &plain, context), bytes, Via::Plain, &Clone::clone);
        // Text that begins at an even byte is the rule; an odd start is only believed without one.
        let even = wide.keys().any(|layout| layout.start == 0);
        for (layout, places) in wide.into_iter().filter(|(layout, _)| layout.start == 0 || !even) {
            let text = layout.narrow(bytes);
            keep(self.text(&text, &places, context), &text, Via::Utf16, &|span| {
                layout.outward(span.start)..layout.outward(span.end)
            });
        }
        for ((start, end), places) in encoded {
            let text = base64::decode(&bytes[start..end]);
            keep(self.text(&text, &places, context), &text, Via::Base64, &|_| start..end);
        }
        resolve(all)
    }

    /// The matches in one text; overlapping ones are all there.
    fn text(&mut self, text: &[u8], places: &[Place], context: Context) -> Vec<Candidate> {
        let mut found = Vec::new();
        let mut last = Last::default();
        let mut failing = Failing::new();
        let mut wider: BTreeMap<u16, Vec<Range<usize>>> = BTreeMap::new();
        for place in places {
            if found.len() >= MAX_MATCHES {
                return found;
            }
            for &rule in place.anchor.anchored {
                let rule = usize::from(rule);
                if !RULES[rule].may_start(&text[place.at..]) {
                    continue;
                }
                let reach = RULES[rule].after.min(RULES[rule].max);
                let near = failing.get(&rule).filter(|(first, _)| place.at.saturating_sub(*first) < reach).copied();
                if reach > CHEAP_REACH && near.is_some_and(|(_, count)| count >= MAX_FAILING) {
                    self.gave_up = Some(RULES[rule].id);
                    continue;
                }
                let before = found.len();
                self.anchored(text, place.at, rule, context, &mut found);
                if found.len() > before {
                    failing.remove(&rule);
                } else {
                    let (first, count) = near.unwrap_or((place.at, 0));
                    failing.insert(rule, (first, count + 1));
                }
            }
            if !place.anchor.assigned.is_empty() {
                self.assigned(text, *place, &mut last, context, &mut found);
            }
            for &rule in place.anchor.wider {
                let def = &RULES[usize::from(rule)];
                let window = if def.mode == Mode::File {
                    0..text.len()
                } else {
                    place.at.saturating_sub(def.before)..text.len().min(place.at + place.anchor.text.len() + def.after)
                };
                let windows = wider.entry(rule).or_default();
                match windows.last_mut() {
                    Some(previous) if window.start <= previous.end => previous.end = previous.end.max(window.end),
                    _ => windows.push(window),
                }
            }
        }
        for (rule, windows) in wider {
            for window in windows {
                self.within(text, window, usize::from(rule), context, &mut found);
            }
        }
        found
    }

    fn anchored(&mut self, text: &[u8], at: usize, rule: usize, context: Context, found: &mut Vec<Candidate>) {
        let def = &RULES[rule];
        let end = text.len().min(at + def.after.max(def.min));
        let matched = if escape_ends(text, at) {
            // The letter before belongs to `\n` or `%3D`: for the regex the text begins here.
            self.regexes.find(rule, &text[at..], 0..end - at, true).map(|m| m.shifted(at))
        } else {
            self.regexes.find(rule, text, at..end, true)
        };
        if let Some(matched) = matched {
            self.accept(text, rule, &matched, None, context, found);
        }
    }

    fn within(&mut self, text: &[u8], window: Range<usize>, rule: usize, context: Context, found: &mut Vec<Candidate>) {
        let mut at = window.start;
        while at < window.end && found.len() < MAX_MATCHES {
            let Some(matched) = self.regexes.find(rule, text, at..window.end, false) else { return };
            at = matched.whole.end.max(at + 1);
            self.accept(text, rule, &matched, None, context, found);
        }
    }

    fn assigned(&mut self, text: &[u8], place: Place, last: &mut Last, context: Context, found: &mut Vec<Candidate>) {
        let keyword_end = place.at + place.anchor.text.len();
        if !(last.from <= place.at && keyword_end <= last.name_end) {
            let Some(name_end) = assign::name_end(text, keyword_end) else { return };
            last.from = place.at;
            last.name_end = name_end;
            last.assignment = assign::parse(text, place.at, name_end, &mut last.bare);
        }
        let Some(assignment) = &last.assignment else { return };
        let value = assignment.value.clone();
        if last.judged.0 != value {
            last.judged.0 = value.clone();
            last.judged.1.clear();
        }
        for &rule in place.anchor.assigned {
            let rule = usize::from(rule);
            let def = &RULES[rule];
            if value.len() > def.max || !def.may_start(&text[value.clone()]) {
                continue;
            }
            if last.judged.1.contains(&rule) {
                continue;
            }
            if def.judge != Judge::Format {
                let name = &text[assignment.name.clone()];
                if context.kind == Kind::Lock
                    || judge::name_denies(name, keyword_end.saturating_sub(assignment.name.start))
                {
                    continue;
                }
            }
            last.judged.1.push(rule);
            let matched = if let Some(set) = def.plain_class {
                let set = &crate::rule::SETS[set];
                if !text[value.clone()].iter().all(|&b| set.has(b)) {
                    continue;
                }
                Found { whole: value.clone(), secret: value.clone() }
            } else {
                let part = &text[value.clone()];
                match self.regexes.find(rule, part, 0..part.len(), true) {
                    Some(matched) => matched.shifted(value.start),
                    None => continue,
                }
            };
            let before = found.len();
            self.accept(text, rule, &matched, Some(assignment), context, found);
            let id = judge::is_uuid_like(&text[matched.secret.clone()]);
            if id && def.judge != Judge::Format && !judge::name_insists(&text[assignment.name.clone()]) {
                found.truncate(before);
                // Another keyword of the same name may not insist less, but another name of the same value may.
                last.judged.1.pop();
            }
        }
    }

    /// What holds for a match of any mode.
    fn accept(
        &mut self,
        text: &[u8],
        rule: usize,
        matched: &Found,
        assignment: Option<&Assignment>,
        context: Context,
        found: &mut Vec<Candidate>,
    ) {
        let def = &RULES[rule];
        let bytes = &text[matched.secret.clone()];
        if bytes.is_empty()
            || judge::is_completed(&text[matched.secret.end..])
            || judge::classes(bytes) & def.require != def.require
            || (def.entropy > 0.0 && judge::entropy(bytes) < def.entropy)
        {
            return;
        }
        let mut confidence = def.confidence;
        if def.judge == Judge::Format {
            if def.checksum.is_none() && judge::is_filler(bytes) {
                return;
            }
        } else {
            let verdict = match assignment {
                Some(assignment) => judge::verdict(def.judge, assignment, bytes, context),
                None => judge::surrounded(def.judge, &text[matched.whole.clone()], bytes, context),
            };
            match verdict {
                Verdict::Drop => return,
                Verdict::Weak => confidence = lower(confidence),
                Verdict::Good => {}
            }
            if context.rehearsal {
                confidence = lower(confidence);
            }
        }
        // A key with dots in the middle of it is a picture of a key.
        if bytes.len() > 64 && is_elided(bytes) {
            return;
        }
        if def.checksum.is_some_and(|checksum| !check::holds(checksum, bytes)) || self.regexes.allowed(rule, bytes) {
            return;
        }
        found.push(Candidate { rule, secret: matched.secret.clone(), confidence });
    }
}

fn is_elided(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|window| window == b"...")
}

fn lower(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::High => Confidence::Medium,
        _ => Confidence::Low,
    }
}

/// Whether what stands right before is the end of an escape, so that its last letter is no letter of the
/// text: `\n`, `%3D`, `\u003d`.
fn escape_ends(text: &[u8], at: usize) -> bool {
    match &text[at.saturating_sub(6)..at] {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [b'\\', b'u', rest @ ..] => rest.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    }
}

/// Of overlapping matches the one whose rule knows a format, then the one with the higher confidence, then
/// the one whose rule knows a provider, then the longer, then the first by id.
fn resolve(mut all: Vec<Match>) -> Vec<Match> {
    let vague = |found: &Match| found.rule.judge != Judge::Format;
    all.sort_by(|a, b| {
        vague(a)
            .cmp(&vague(b))
            .then(b.confidence.cmp(&a.confidence))
            .then(a.rule.generic.cmp(&b.rule.generic))
            .then(b.span.len().cmp(&a.span.len()))
            .then(a.rule.id.cmp(b.rule.id))
            .then(a.span.start.cmp(&b.span.start))
    });
    let mut taken: BTreeSet<(usize, usize)> = BTreeSet::new();
    all.retain(|found| {
        let Range { start, end } = found.span;
        let before = taken.range(..(end, 0)).next_back();
        if before.is_some_and(|&(_, other)| other > start) {
            return false;
        }
        taken.insert((start, end))
    });
    all.sort_by_key(|found| found.span.start);
    all.truncate(MAX_MATCHES);
    all
}
