//! An order: where it stands after what was done with it and what was heard about it.
//!
//! States have the names that the platform exports. Only those in which an order can rest are here; while a request is
//! on its way nobody knows anything.

use crate::gateway::Verdict;

/// What was asked of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// 与信を実行
    Credit,
    /// 与信結果確認
    Check,
    /// 与信キャンセル
    Cancel,
    /// 伝票番号同期
    Sync,
}

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heard {
    /// Registered, with this verdict.
    Verdict(Verdict),
    /// There is no such registration.
    NotFound,
    /// It is cancelled.
    Cancelled,
    /// It has a tracking number.
    Shipped,
    /// It is paid.
    Paid,
    /// A standing that nobody knows.
    Strange,
    /// It was done.
    Done,
    /// It was not done: nothing left, or nothing was recorded.
    NotDone,
    /// It was refused for the state there.
    Refused,
    /// It is so already.
    Already,
    /// Nothing, or nothing that can be read: the answer was lost, or the process that waited for it.
    Lost,
}

/// What decides besides the state.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// What was sent last can no longer be on its way.
    pub window_over: bool,
    /// The provider's id was known before.
    pub id_known: bool,
    /// The answer names no id, or the one that was known, or one that no other order has.
    pub id_fits: bool,
    /// The same reference was sent before.
    pub sent_before: bool,
    /// The provider said that it has a tracking number, and it is not known whose.
    pub number_of_unknown_origin: bool,
    /// The provider tells what is cancelled.
    pub tells_cancel: bool,
    /// The provider tells what has a tracking number.
    pub tells_tracking: bool,
}

/// The state after `action` on an order in `state`.
pub fn after(state: &'static str, action: Action, heard: Heard, facts: Facts) -> &'static str {
    match action {
        Action::Credit => match heard {
            Heard::Verdict(verdict) if facts.id_fits => of_verdict(verdict),
            Heard::NotDone => "not_sent",
            Heard::Refused if !facts.sent_before => "not_sent",
            _ => "unknown",
        },
        Action::Check => checked(state, heard, facts),
        Action::Cancel => match heard {
            Heard::Done => "cancelled",
            Heard::NotDone | Heard::Refused => state,
            _ => "cancel_unknown",
        },
        Action::Sync => match heard {
            Heard::Done => "synced",
            Heard::NotDone | Heard::Refused => state,
            Heard::Already if state == "sync_unknown" && !facts.number_of_unknown_origin => "synced",
            _ => "sync_unknown",
        },
    }
}

fn checked(state: &'static str, heard: Heard, facts: Facts) -> &'static str {
    let in_doubt = matches!(state, "cancel_unknown" | "sync_unknown");
    match heard {
        Heard::Verdict(Verdict::Other) | Heard::Strange if in_doubt => state,
        Heard::Verdict(_) if state == "cancel_unknown" && !(facts.tells_cancel && facts.window_over) => state,
        Heard::Verdict(_) if state == "sync_unknown" && !(facts.tells_tracking && facts.window_over) => state,
        Heard::Shipped | Heard::Paid if state == "cancel_unknown" && !facts.window_over => state,
        Heard::Shipped if facts.number_of_unknown_origin => state,
        Heard::Verdict(Verdict::Other) | Heard::Strange => "unknown",
        Heard::Verdict(verdict) if facts.id_fits => of_verdict(verdict),
        Heard::Cancelled => "cancelled",
        Heard::Shipped | Heard::Paid => "synced",
        Heard::NotFound if state == "unknown" && facts.window_over && !facts.id_known => "not_sent",
        _ => state,
    }
}

fn of_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approved => "approved",
        Verdict::Rejected => "rejected",
        Verdict::UnderReview => "under_review",
        Verdict::OnHold => "on_hold",
        Verdict::Other => "unknown",
    }
}

/// Whether an order in this state is still open to doubt: a settled day has none, unless a person is named.
pub fn is_in_doubt(state: &str) -> bool {
    !matches!(
        state,
        "not_asked" | "not_sent" | "rejected" | "cancelled" | "approved" | "under_review" | "on_hold" | "synced"
    ) && !state.starts_with("csv_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts {
        window_over: true,
        id_known: false,
        id_fits: true,
        sent_before: false,
        number_of_unknown_origin: false,
        tells_cancel: true,
        tells_tracking: true,
    };

    #[test]
    fn a_lost_answer_is_never_a_failure() {
        for (action, doubt) in
            [(Action::Credit, "unknown"), (Action::Cancel, "cancel_unknown"), (Action::Sync, "sync_unknown")]
        {
            assert_eq!(after("approved", action, Heard::Lost, FACTS), doubt);
        }
    }

    #[test]
    fn nothing_there_counts_only_when_nothing_can_come_any_more() {
        let check = |facts| after("unknown", Action::Check, Heard::NotFound, facts);
        assert_eq!(check(FACTS), "not_sent");
        assert_eq!(check(Facts { window_over: false, ..FACTS }), "unknown");
        assert_eq!(check(Facts { id_known: true, ..FACTS }), "unknown");
    }
}
