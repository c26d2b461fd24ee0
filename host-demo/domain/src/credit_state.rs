//! The life of an order's credit (与信) as data: which state follows which event, and which
//! actions each state offers. Every use case that acts on orders reads
//! these tables; nothing else decides what may happen next.
//!
//! The rule behind the table: **at most one live credit for an order**. A state in which the provider
//! may hold a live credit offers no credit. `tests/state.rs` proves it by walking every way in which
//! answers and processes can be lost.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantArray};

/// Where an order's credit stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, VariantArray, Serialize, Deserialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Never asked.
    NotAsked,
    /// Claimed: the registration is on its way, or its answer is.
    Sending,
    /// 審査中: the provider has it and has not decided.
    UnderReview,
    /// 保留: someone has to correct the order.
    OnHold,
    /// 与信OK.
    Approved,
    /// 与信NG: nothing is live at the provider.
    Rejected,
    /// The last try recorded nothing at the provider.
    NotSent,
    /// The registration was sent, and its outcome is unknown.
    Unknown,
    /// A cancel of an approved registration is on its way.
    CancellingApproved,
    /// A cancel of a registration under review is on its way.
    CancellingUnderReview,
    /// A cancel of a registration on hold is on its way.
    CancellingOnHold,
    /// A cancel is tried again after one whose answer was lost.
    CancellingAgain,
    /// A cancel was sent, and its outcome is unknown.
    CancelUnknown,
    /// Cancelled at the provider: nothing is live there.
    Cancelled,
    /// The tracking number is on its way.
    Syncing,
    /// The tracking number is sent again after an answer was lost.
    SyncingAgain,
    /// The tracking number was sent, and the outcome is unknown.
    SyncUnknown,
    /// The provider has the tracking number.
    Synced,
    /// 審査中, by CSV.
    CsvUnderReview,
    /// 保留, by CSV.
    CsvOnHold,
    /// 与信OK, by CSV.
    CsvApproved,
    /// 与信NG, by CSV.
    CsvRejected,
    /// Cancelled, by CSV.
    CsvCancelled,
}

/// What can happen to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// Claimed for a registration.
    CreditStarted,
    /// The provider approved.
    CreditApproved,
    /// The provider rejected.
    CreditRejected,
    /// The provider wants time.
    CreditUnderReview,
    /// The provider wants the order corrected.
    CreditOnHold,
    /// Nothing was recorded at the provider.
    CreditNotSent,
    /// The answer was lost, unreadable, about something else, or an unknown verdict.
    CreditUnknown,
    /// Asked: there is no such registration, and none can still be on its way.
    CheckNotFound,
    /// Asked: approved.
    CheckApproved,
    /// Asked: rejected.
    CheckRejected,
    /// Asked: still under review.
    CheckUnderReview,
    /// Asked: on hold.
    CheckOnHold,
    /// Asked: cancelled.
    CheckCancelled,
    /// Asked: it has a tracking number.
    CheckTracked,
    /// Asked: the buyer has paid.
    CheckPaid,
    /// Asked: a standing that this version does not know. Needs a person.
    CheckOther,
    /// Asked, and no wiser: no answer, or one that may not be believed yet.
    CheckNoNews,
    /// Claimed for a cancel.
    CancelStarted,
    /// The provider cancelled.
    CancelDone,
    /// Nothing was cancelled, and it is known why.
    CancelFailed,
    /// The answer to the cancel was lost.
    CancelUnknown,
    /// Claimed for sending the tracking number.
    SyncStarted,
    /// The provider took the tracking number.
    SyncDone,
    /// The provider did not take it, and it is known why.
    SyncFailed,
    /// The answer to the tracking number was lost.
    SyncUnknown,
    /// The process that held the claim is gone.
    ProcessDied,
    /// An operator found the registration approved at the provider.
    OperatorApproved,
    /// An operator found the registration alive at the provider; its verdict is then asked for.
    OperatorRegistered,
    /// An operator found the registration rejected at the provider.
    OperatorRejected,
    /// An operator found the registration cancelled at the provider.
    OperatorCancelled,
    /// An operator found the tracking number at the provider.
    OperatorTracked,
    /// An operator found no tracking number at the provider.
    OperatorUntracked,
    /// An operator found that the provider has no such registration.
    OperatorNothing,
    /// A result came by CSV: under review.
    CsvUnderReview,
    /// A result came by CSV: on hold.
    CsvOnHold,
    /// A result came by CSV: approved.
    CsvApproved,
    /// A result came by CSV: rejected.
    CsvRejected,
    /// A result came by CSV: cancelled.
    CsvCancelled,
}

/// What an operator can have done with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, VariantArray, Serialize, Deserialize)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// 与信を実行
    Credit,
    /// 与信結果確認
    Check,
    /// 与信キャンセル
    Cancel,
    /// 伝票番号同期
    Sync,
    /// 結果を記録: the operator says what was found at the provider
    Decide,
}

use Event as E;
use State as S;

/// Every state in which the provider can be asked where the registration stands.
const ASKABLE: &[State] = &[S::UnderReview, S::OnHold, S::Approved, S::Unknown, S::CancelUnknown, S::SyncUnknown];

/// From any of these states, this event leads to that state. What is not here cannot happen.
const TABLE: &[(&[State], Event, State)] = &[
    // Credit. Only from where the provider holds nothing live.
    (&[S::NotAsked, S::NotSent, S::Rejected, S::Cancelled], E::CreditStarted, S::Sending),
    (&[S::Sending], E::CreditApproved, S::Approved),
    (&[S::Sending], E::CreditRejected, S::Rejected),
    (&[S::Sending], E::CreditUnderReview, S::UnderReview),
    (&[S::Sending], E::CreditOnHold, S::OnHold),
    (&[S::Sending], E::CreditNotSent, S::NotSent),
    (&[S::Sending], E::CreditUnknown, S::Unknown),
    // Asking. The standing at the provider is the truth, wherever the order stood here.
    (ASKABLE, E::CheckApproved, S::Approved),
    (ASKABLE, E::CheckRejected, S::Rejected),
    (ASKABLE, E::CheckUnderReview, S::UnderReview),
    (ASKABLE, E::CheckOnHold, S::OnHold),
    (ASKABLE, E::CheckCancelled, S::Cancelled),
    (ASKABLE, E::CheckTracked, S::Synced),
    (ASKABLE, E::CheckPaid, S::Synced),
    // Only a registration that was never acknowledged can turn out not to exist.
    (&[S::Unknown], E::CheckNotFound, S::NotSent),
    // Neither approved nor rejected. A cancel or a tracking number in doubt stays the doubt it is.
    (&[S::UnderReview, S::OnHold, S::Approved, S::Unknown], E::CheckOther, S::Unknown),
    (&[S::CancelUnknown], E::CheckOther, S::CancelUnknown),
    (&[S::SyncUnknown], E::CheckOther, S::SyncUnknown),
    (&[S::UnderReview], E::CheckNoNews, S::UnderReview),
    (&[S::OnHold], E::CheckNoNews, S::OnHold),
    (&[S::Approved], E::CheckNoNews, S::Approved),
    (&[S::Unknown], E::CheckNoNews, S::Unknown),
    (&[S::CancelUnknown], E::CheckNoNews, S::CancelUnknown),
    (&[S::SyncUnknown], E::CheckNoNews, S::SyncUnknown),
    // Cancel. What failed leaves the order where it was.
    (&[S::Approved], E::CancelStarted, S::CancellingApproved),
    (&[S::UnderReview], E::CancelStarted, S::CancellingUnderReview),
    (&[S::OnHold], E::CancelStarted, S::CancellingOnHold),
    (&[S::CancelUnknown], E::CancelStarted, S::CancellingAgain),
    (CANCELLING, E::CancelDone, S::Cancelled),
    (CANCELLING, E::CancelUnknown, S::CancelUnknown),
    (&[S::CancellingApproved], E::CancelFailed, S::Approved),
    (&[S::CancellingUnderReview], E::CancelFailed, S::UnderReview),
    (&[S::CancellingOnHold], E::CancelFailed, S::OnHold),
    (&[S::CancellingAgain], E::CancelFailed, S::CancelUnknown),
    // Tracking.
    (&[S::Approved], E::SyncStarted, S::Syncing),
    (&[S::SyncUnknown], E::SyncStarted, S::SyncingAgain),
    (SYNCING, E::SyncDone, S::Synced),
    (SYNCING, E::SyncUnknown, S::SyncUnknown),
    (&[S::Syncing], E::SyncFailed, S::Approved),
    (&[S::SyncingAgain], E::SyncFailed, S::SyncUnknown),
    // A process that is gone may have sent everything.
    (&[S::Sending], E::ProcessDied, S::Unknown),
    (CANCELLING, E::ProcessDied, S::CancelUnknown),
    (SYNCING, E::ProcessDied, S::SyncUnknown),
    // What an operator found at the provider.
    (&[S::Unknown], E::OperatorApproved, S::Approved),
    (&[S::Unknown, S::CancelUnknown], E::OperatorRegistered, S::UnderReview),
    (&[S::Unknown], E::OperatorRejected, S::Rejected),
    (&[S::Unknown, S::CancelUnknown], E::OperatorCancelled, S::Cancelled),
    (&[S::Unknown], E::OperatorNothing, S::NotSent),
    (&[S::SyncUnknown], E::OperatorTracked, S::Synced),
    (&[S::SyncUnknown], E::OperatorUntracked, S::Approved),
    // By CSV. Only where nothing was ever recorded through the API; from then on only by CSV.
    (BY_CSV, E::CsvUnderReview, S::CsvUnderReview),
    (BY_CSV, E::CsvOnHold, S::CsvOnHold),
    (BY_CSV, E::CsvApproved, S::CsvApproved),
    (BY_CSV, E::CsvRejected, S::CsvRejected),
    (BY_CSV, E::CsvCancelled, S::CsvCancelled),
];

/// Every state in which a result can come by CSV.
const BY_CSV: &[State] =
    &[S::NotAsked, S::NotSent, S::CsvUnderReview, S::CsvOnHold, S::CsvApproved, S::CsvRejected, S::CsvCancelled];

const CANCELLING: &[State] =
    &[S::CancellingApproved, S::CancellingUnderReview, S::CancellingOnHold, S::CancellingAgain];
const SYNCING: &[State] = &[S::Syncing, S::SyncingAgain];

/// What the automation does with an order in a state, if its mall lets it.
const AUTOMATIC: &[(State, Action)] = &[
    (S::NotAsked, A::Credit),
    (S::NotSent, A::Credit),
    (S::UnderReview, A::Check),
    (S::Unknown, A::Check),
    (S::CancelUnknown, A::Check),
    (S::SyncUnknown, A::Check),
    (S::Approved, A::Sync),
];

/// When a state offers an action.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// A tracking number was entered.
    Tracking,
    /// The last cancel or tracking number was refused, so what the provider holds may differ.
    Issue,
}

/// What a state offers.
struct StateInfo {
    actions: &'static [(Action, When)],
    /// The tracking number may be entered or changed.
    tracking_open: bool,
}

use Action as A;
use When::{Always, Issue, Tracking};

/// What each state offers.
const fn info(state: State) -> StateInfo {
    match state {
        S::NotAsked => offers(&[(A::Credit, Always)], true),
        S::Sending => offers(&[], false),
        S::UnderReview => offers(&[(A::Check, Always), (A::Cancel, Always)], true),
        S::OnHold => offers(&[(A::Check, Always), (A::Cancel, Always)], true),
        S::Approved => offers(&[(A::Sync, Tracking), (A::Check, Issue), (A::Cancel, Always)], true),
        S::Rejected => offers(&[(A::Credit, Always)], false),
        S::NotSent => offers(&[(A::Credit, Always)], true),
        S::Unknown => offers(&[(A::Check, Always), (A::Decide, Always)], true),
        S::CancellingApproved => offers(&[], false),
        S::CancellingUnderReview => offers(&[], false),
        S::CancellingOnHold => offers(&[], false),
        S::CancellingAgain => offers(&[], false),
        S::CancelUnknown => offers(&[(A::Check, Always), (A::Cancel, Always), (A::Decide, Always)], false),
        S::Cancelled => offers(&[(A::Credit, Always)], false),
        S::Syncing => offers(&[], false),
        S::SyncingAgain => offers(&[], false),
        S::SyncUnknown => offers(&[(A::Check, Always), (A::Sync, Always), (A::Decide, Always)], false),
        S::Synced => offers(&[], false),
        // The provider knows these orders by the shop's files alone: nothing can be done with them through the API.
        S::CsvUnderReview => offers(&[], true),
        S::CsvOnHold => offers(&[], true),
        S::CsvApproved => offers(&[], true),
        S::CsvRejected => offers(&[], false),
        S::CsvCancelled => offers(&[], false),
    }
}

const fn offers(actions: &'static [(Action, When)], tracking_open: bool) -> StateInfo {
    StateInfo { actions, tracking_open }
}

/// The state after `event`, or nothing where it cannot happen.
pub fn next(state: State, event: Event) -> Option<State> {
    TABLE.iter().find(|(from, on, _)| *on == event && from.contains(&state)).map(|(_, _, to)| *to)
}

/// What else, besides its state, decides what an order offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ActionContext {
    /// A tracking number and a carrier are entered.
    pub tracking_entered: bool,
    /// The last action left a problem.
    pub problem: bool,
    /// The mall takes credit results by CSV: no credit is run through the API.
    pub results_by_csv: bool,
}

impl State {
    /// What the operator may do now, in the order of the buttons.
    pub fn actions(self, situation: ActionContext) -> impl Iterator<Item = Action> {
        let offered = move |action, when| match when {
            Always => action != A::Credit || !situation.results_by_csv,
            Tracking => situation.tracking_entered,
            Issue => situation.problem,
        };
        info(self).actions.iter().filter(move |(action, when)| offered(*action, *when)).map(|(action, _)| *action)
    }

    /// Whether the tracking number may be entered or changed.
    pub fn tracking_open(self) -> bool {
        info(self).tracking_open
    }

    /// The credit came to an end without a shipment: it was rejected or cancelled.
    pub fn is_void(self) -> bool {
        !self.tracking_open() && (next(self, E::CreditStarted).is_some() || self.takes_csv())
    }

    /// What the automation does with an order in this state, if its mall lets it.
    pub fn automatic(self) -> Option<Action> {
        AUTOMATIC.iter().find(|(state, _)| *state == self).map(|(_, action)| *action)
    }

    /// What was ordered, by whom and for how much may still be corrected: the provider holds nothing live, and the next
    /// registration says it.
    pub fn content_open(self) -> bool {
        next(self, E::CreditStarted).is_some()
    }

    /// How the invoice goes may still be chosen: the next registration says it.
    pub fn invoice_open(self) -> bool {
        next(self, E::CreditStarted).is_some()
    }

    /// A process holds this order for a call to the provider.
    pub fn is_claimed(self) -> bool {
        next(self, E::ProcessDied).is_some()
    }

    /// The outcome of the last request is unknown.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown | Self::CancelUnknown | Self::SyncUnknown)
    }

    /// The outcome of the last request is unknown, or not there yet.
    pub fn is_in_doubt(self) -> bool {
        self.is_unknown() || self.is_claimed()
    }

    /// The provider may hold a live registration about which something is still to be asked or done.
    pub fn may_be_live(self) -> bool {
        next(self, E::CreditStarted).is_none() && self != Self::Synced && !self.takes_csv()
    }

    /// A result may come by CSV: the order was not judged through the API.
    pub fn takes_csv(self) -> bool {
        BY_CSV.contains(&self)
    }

    /// A result came by CSV.
    pub fn is_by_csv(self) -> bool {
        self.takes_csv() && next(self, E::CreditStarted).is_none()
    }

    /// A new credit sends the reference of the last one again: nothing was recorded under it. After a
    /// rejection or a cancel the provider has seen it, so a new one is minted.
    pub fn keeps_reference(self) -> bool {
        self == Self::NotSent
    }
}

/// What an event means for the operator's count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display, EnumString)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 成功
    Success,
    /// 失敗: needs the operator's attention
    Failure,
    /// 不明: needs asking
    Unknown,
}

impl Event {
    /// What an answer amounts to that turned out to be about something else: nothing is known.
    pub fn doubted(self) -> Self {
        match self {
            Self::CreditApproved | Self::CreditRejected | Self::CreditUnderReview | Self::CreditOnHold => {
                Self::CreditUnknown
            }
            Self::CheckApproved | Self::CheckRejected | Self::CheckUnderReview | Self::CheckOnHold => Self::CheckNoNews,
            Self::OperatorApproved | Self::OperatorRegistered => Self::CheckNoNews,
            other => other,
        }
    }

    /// What was tried when this happened to an order in the state `before`; nothing for what came by CSV.
    pub fn action(self, before: State) -> Option<Action> {
        Some(match self {
            Self::CreditStarted
            | Self::CreditApproved
            | Self::CreditRejected
            | Self::CreditUnderReview
            | Self::CreditOnHold
            | Self::CreditNotSent
            | Self::CreditUnknown => A::Credit,
            Self::CheckNotFound
            | Self::CheckApproved
            | Self::CheckRejected
            | Self::CheckUnderReview
            | Self::CheckOnHold
            | Self::CheckCancelled
            | Self::CheckTracked
            | Self::CheckPaid
            | Self::CheckOther
            | Self::CheckNoNews => A::Check,
            Self::CancelStarted | Self::CancelDone | Self::CancelFailed | Self::CancelUnknown => A::Cancel,
            Self::SyncStarted | Self::SyncDone | Self::SyncFailed | Self::SyncUnknown => A::Sync,
            // Which call the process was in, the state says that it ends in.
            Self::ProcessDied => match next(before, self)? {
                S::CancelUnknown => A::Cancel,
                S::SyncUnknown => A::Sync,
                _ => A::Credit,
            },
            Self::OperatorApproved
            | Self::OperatorRegistered
            | Self::OperatorRejected
            | Self::OperatorCancelled
            | Self::OperatorTracked
            | Self::OperatorUntracked
            | Self::OperatorNothing => A::Decide,
            Self::CsvUnderReview | Self::CsvOnHold | Self::CsvApproved | Self::CsvRejected | Self::CsvCancelled => {
                return None;
            }
        })
    }

    /// Whether the order is no further than before: what the automation tries again after a longer pause.
    pub fn is_no_progress(self) -> bool {
        matches!(
            self,
            Self::CreditNotSent
                | Self::CheckUnderReview
                | Self::CheckNoNews
                | Self::CheckOther
                | Self::CancelFailed
                | Self::SyncFailed
        )
    }

    /// How the row counts when this event led to `state`.
    pub fn outcome(self, state: State) -> Outcome {
        match (self, state) {
            (_, state) if state.is_unknown() => Outcome::Unknown,
            (_, S::Rejected | S::NotSent | S::OnHold | S::CsvRejected | S::CsvOnHold) => Outcome::Failure,
            (Self::CheckNoNews | Self::CancelFailed | Self::SyncFailed, _) => Outcome::Failure,
            _ => Outcome::Success,
        }
    }
}
