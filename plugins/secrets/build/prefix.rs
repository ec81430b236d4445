//! What can be told of a regex before it is compiled: how long a match is, and which bytes may stand at
//! its first positions. Checking those rejects nearly every false hit without touching the regex.

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::format::Mode;

/// How many positions are checked.
const POSITIONS: usize = 24;

/// Sets of bytes, each once.
#[derive(Default)]
pub struct Sets(Vec<[u64; 4]>);

impl Sets {
    fn id(&mut self, set: [u64; 4]) -> usize {
        self.0.iter().position(|other| *other == set).unwrap_or_else(|| {
            self.0.push(set);
            self.0.len() - 1
        })
    }

    pub fn list(&self) -> &[[u64; 4]] {
        &self.0
    }
}

fn hir(pattern: &str) -> Option<Hir> {
    regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()
}

/// The shortest and the longest match, in bytes.
pub fn lengths(pattern: &str) -> (usize, Option<usize>) {
    hir(pattern).map_or((0, None), |hir| (hir.properties().minimum_len().unwrap_or(0), hir.properties().maximum_len()))
}

/// The set of bytes for each of the first positions; and, where the whole pattern is one class repeated,
/// the set that decides it without a regex.
pub fn of(pattern: &str, mode: Mode, min: usize, sets: &mut Sets) -> (Vec<usize>, Option<usize>) {
    if matches!(mode, Mode::Window | Mode::File) {
        return (Vec::new(), None);
    }
    let Ok(nfa) = NFA::compiler().syntax(syntax::Config::new().unicode(false).utf8(false)).build(pattern) else {
        return (Vec::new(), None);
    };
    let mut prefix = Vec::new();
    let mut states = closure(&nfa, vec![nfa.start_anchored()]);
    for _ in 0..min.min(POSITIONS) {
        let mut set = [0_u64; 4];
        let mut next = Vec::new();
        for &state in &states {
            let mut add = |from: u8, to: u8, target: StateID| {
                for byte in from..=to {
                    set[usize::from(byte >> 6)] |= 1 << (byte & 63);
                }
                next.push(target);
            };
            match nfa.state(state) {
                State::ByteRange { trans } => add(trans.start, trans.end, trans.next),
                State::Sparse(sparse) => sparse.transitions.iter().for_each(|t| add(t.start, t.end, t.next)),
                State::Dense(dense) => (0..=255_u8).for_each(|b| {
                    let target = dense.transitions[usize::from(b)];
                    if target != StateID::ZERO {
                        add(b, b, target);
                    }
                }),
                _ => {}
            }
        }
        prefix.push(sets.id(set));
        states = closure(&nfa, next);
    }
    (prefix, if mode == Mode::Assignment { plain_class(pattern, sets) } else { None })
}

fn closure(nfa: &NFA, mut todo: Vec<StateID>) -> Vec<StateID> {
    let mut seen = vec![false; nfa.states().len()];
    let mut out = Vec::new();
    while let Some(state) = todo.pop() {
        if std::mem::replace(&mut seen[state.as_usize()], true) {
            continue;
        }
        out.push(state);
        match nfa.state(state) {
            State::Look { next, .. } | State::Capture { next, .. } => todo.push(*next),
            State::Union { alternates } => todo.extend(alternates.iter().copied()),
            State::BinaryUnion { alt1, alt2 } => todo.extend([*alt1, *alt2]),
            _ => {}
        }
    }
    out
}

/// `\A(?:[class]{m,n})\z`, without groups.
fn plain_class(pattern: &str, sets: &mut Sets) -> Option<usize> {
    let hir = hir(pattern)?;
    let HirKind::Concat(parts) = hir.kind() else { return None };
    let [start, middle, end] = parts.as_slice() else { return None };
    let (HirKind::Look(_), HirKind::Repetition(repetition), HirKind::Look(_)) =
        (start.kind(), middle.kind(), end.kind())
    else {
        return None;
    };
    let HirKind::Class(Class::Bytes(class)) = repetition.sub.kind() else { return None };
    let mut set = [0_u64; 4];
    for range in class.ranges() {
        for byte in range.start()..=range.end() {
            set[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
    }
    Some(sets.id(set))
}
