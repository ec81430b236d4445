//! Notices: what the verdict does not depend on and a person should know. What a change loosens stands first and
//! together: it is what a reviewer looks for.

use super::{MAX_LINES, Page, YELLOW};
use crate::outcome::{Notice, NoticeKind};

impl Page<'_> {
    pub(super) fn notices(&mut self) {
        // Whoever asked for less still hears what would be a surprise later.
        let quiet = self.options.quiet;
        let shown = |n: &&Notice| !quiet || matches!(n.kind, NoticeKind::Loosened | NoticeKind::Expired);
        let (loosened, mut others): (Vec<&Notice>, Vec<&Notice>) =
            self.outcome.notices.iter().filter(shown).partition(|n| n.kind == NoticeKind::Loosened);
        // What there may be many of must not push out what there is one of.
        others.sort_by_key(|n| matches!(n.kind, NoticeKind::Unused | NoticeKind::CommentWithoutEffect));
        if loosened.is_empty() && others.is_empty() {
            return;
        }
        let limit = if self.options.verbose > 0 { usize::MAX } else { MAX_LINES };
        let more = |all: usize| format!("+{} more, -v shows them", all - limit);
        if !loosened.is_empty() {
            let whose = self.whose_policy();
            self.verdict(YELLOW, "warning", &format!("this change loosens the policy; it is judged by {whose}"));
            for notice in loosened.iter().take(limit) {
                self.wrapped("  * ", "  | ", &words(notice));
            }
            if loosened.len() > limit {
                self.wrapped("  * ", "  | ", &more(loosened.len()));
            }
        }
        for notice in others.iter().take(limit) {
            self.verdict(YELLOW, "warning", &words(notice));
        }
        if others.len() > limit {
            self.verdict(YELLOW, "warning", &more(others.len()));
        }
        self.blank();
    }
}

fn words(notice: &Notice) -> String {
    match &notice.place {
        Some(place) => format!("{place}: {}", notice.message),
        None => notice.message.clone(),
    }
}
