//! What to do about an issue: one table, from which the first step is named that the order's state, its provider and the
//! action that was tried really offer.
//!
//! A step names what can be pressed by placeholders, which become the labels of buttons and forms. A step counts only
//! where everything that it names is offered in this order, so no sentence can send anybody to a button that is not
//! there.

use super::field_name::{FieldPlace, place};
use super::labels::Form;
use super::localize::Localize;
use crate::providers::abilities::Abilities;
use domain::credit_state::{Action, ActionContext, Event, State, next};
use domain::issue::{Issue, SendFailure};
use domain::lang::Lang;
use domain::order::Order;
use store::ListOrder;
use strum::VariantArray;

/// What decides about the next step besides the issue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Situation {
    /// Where the order stands; absent where the issue is about no order.
    state: Option<State>,
    /// What was tried; absent where it is not known.
    tried: Option<Action>,
    /// What the state offers and the provider can do.
    offered: Vec<Action>,
    content_open: bool,
    tracking_open: bool,
}

impl Situation {
    /// Of an issue that is about no order.
    pub fn without_order() -> Self {
        Self::default()
    }

    /// Of a tracking number that is being entered.
    pub fn entering_tracking() -> Self {
        Self { tracking_open: true, ..Self::default() }
    }

    /// Of an order as it stands now, at a provider with these `abilities`.
    pub fn of_order(order: &Order, abilities: Abilities) -> Self {
        Self::new(order.state, order.tried, order.actions(), order.transaction_id().is_some(), abilities)
    }

    /// The same of a line of the list.
    pub fn of_line(order: &ListOrder, abilities: Abilities) -> Self {
        Self::new(order.state, order.tried, order.actions(), order.transaction_id.is_some(), abilities)
    }

    /// Of an order that was in `state` when `tried` had ended for it; whether it had an id of the provider
    /// (`is_registered`).
    pub fn after(tried: Option<Action>, state: State, is_registered: bool, abilities: Abilities) -> Self {
        let tracking_entered = tried == Some(Action::Sync);
        let context = ActionContext { tracking_entered, problem: true, results_by_csv: false };
        Self::new(state, tried, state.actions(context), is_registered, abilities)
    }

    fn new(
        state: State,
        tried: Option<Action>,
        actions: impl Iterator<Item = Action>,
        is_registered: bool,
        abilities: Abilities,
    ) -> Self {
        Self {
            state: Some(state),
            tried,
            offered: actions.filter(|action| abilities.serve(*action, state, is_registered)).collect(),
            content_open: state.content_open(),
            tracking_open: state.tracking_open(),
        }
    }
}

/// What to do about `issue`; empty where there is nothing to do.
pub(super) fn next_step(issue: &Issue, situation: &Situation, lang: Lang) -> String {
    let step = step(issue, situation);
    step.map_or_else(String::new, |(ja, en)| filled(lang.pick(ja, en), situation, lang))
}

/// A step in Japanese and English.
type Step = (&'static str, &'static str);

fn step(issue: &Issue, situation: &Situation) -> Option<Step> {
    let kind = Kind::of(issue);
    let fits = |rule: &&Rule| rule.fits(kind, situation.tried) && is_open(rule.step.0, situation);
    RULES.iter().find(fits).map(|rule| rule.step)
}

/// Issues that are told apart by what is to be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray)]
enum Kind {
    Rejected,
    OnHold,
    InvalidContent,
    InvalidTracking,
    InvalidRegistration,
    InvalidSettings,
    Unauthorized,
    Already,
    Refused,
    NotSent,
    Certificate,
    Forbidden,
    Busy,
    AnswerLost,
    NeedsPerson,
    Unsupported,
    ProcessDied,
    TooEarly,
    TooEarlyToRecord,
    NothingThere,
    RefusedAndNothingThere,
    Vanished,
    AnotherId,
    CannotAsk,
    CannotTell,
    IdMissing,
    ProviderMissing,
    CreditPaused,
    ShuttingDown,
    Unusable,
    NotRecorded,
    TooLarge,
    NothingToBill,
    NoEnclosedInvoice,
    CarrierUnsupported,
    NotOffered,
    Changed,
    Stopped,
    ByCsv,
    ResultsByCsv,
    PossiblyByFile,
    PossibleDuplicate,
    Recorded,
}

impl Kind {
    fn of(issue: &Issue) -> Self {
        match issue {
            Issue::Rejected { .. } => Self::Rejected,
            Issue::OnHold { .. } => Self::OnHold,
            Issue::Invalid { fields } => {
                match fields.iter().map(|field| place(&field.field)).max().unwrap_or(FieldPlace::Order) {
                    FieldPlace::Order => Self::InvalidContent,
                    FieldPlace::Tracking => Self::InvalidTracking,
                    FieldPlace::Registration => Self::InvalidRegistration,
                    FieldPlace::Settings => Self::InvalidSettings,
                }
            }
            Issue::Unauthorized { .. } => Self::Unauthorized,
            Issue::Already { .. } => Self::Already,
            Issue::Refused { .. } => Self::Refused,
            Issue::NotSent { cause, .. } => match cause {
                SendFailure::DestinationForbidden => Self::Forbidden,
                SendFailure::CertificateName
                | SendFailure::CertificateExpired
                | SendFailure::CertificateUntrusted
                | SendFailure::CertificateInvalid => Self::Certificate,
                SendFailure::HandshakeFailed
                | SendFailure::Unreachable
                | SendFailure::PluginFailed
                | SendFailure::ClaimTooOld => Self::NotSent,
            },
            Issue::Busy { .. } => Self::Busy,
            Issue::AnswerLost { .. } => Self::AnswerLost,
            Issue::NeedsPerson { .. } => Self::NeedsPerson,
            Issue::Unsupported { .. } => Self::Unsupported,
            Issue::ProcessDied => Self::ProcessDied,
            Issue::TooEarly { by_operator: false, .. } => Self::TooEarly,
            Issue::TooEarly { by_operator: true, .. } => Self::TooEarlyToRecord,
            Issue::NothingThere => Self::NothingThere,
            Issue::RefusedAndNothingThere { .. } => Self::RefusedAndNothingThere,
            Issue::Vanished { .. } => Self::Vanished,
            Issue::AnotherId { .. } | Issue::IdTaken { .. } => Self::AnotherId,
            Issue::CannotAsk { .. } => Self::CannotAsk,
            Issue::CannotTell { .. } => Self::CannotTell,
            Issue::IdMissing => Self::IdMissing,
            Issue::ProviderMissing { .. } => Self::ProviderMissing,
            Issue::CreditPaused { .. } => Self::CreditPaused,
            Issue::ShuttingDown => Self::ShuttingDown,
            Issue::Unusable { .. } => Self::Unusable,
            Issue::NotRecorded { .. } => Self::NotRecorded,
            Issue::TooLarge { .. } => Self::TooLarge,
            Issue::NothingToBill => Self::NothingToBill,
            Issue::NoEnclosedInvoice => Self::NoEnclosedInvoice,
            Issue::CarrierUnsupported { .. } => Self::CarrierUnsupported,
            Issue::NotOffered { .. } => Self::NotOffered,
            Issue::Changed => Self::Changed,
            Issue::Stopped { .. } => Self::Stopped,
            Issue::ByCsv { .. } => Self::ByCsv,
            Issue::ResultsByCsv => Self::ResultsByCsv,
            Issue::PossiblyByFile => Self::PossiblyByFile,
            Issue::PossibleDuplicate { .. } => Self::PossibleDuplicate,
            Issue::Recorded { .. } => Self::Recorded,
        }
    }
}

/// A line of the table: for issues of these kinds, after these actions (none: any), this step, if it is open.
struct Rule {
    kinds: &'static [Kind],
    tried: &'static [Action],
    step: Step,
}

impl Rule {
    fn fits(&self, kind: Kind, tried: Option<Action>) -> bool {
        let after = self.tried.is_empty() || tried.is_some_and(|tried| self.tried.contains(&tried));
        after && self.kinds.contains(&kind)
    }
}

const fn any(kinds: &'static [Kind], step: Step) -> Rule {
    after(&[], kinds, step)
}

const fn after(tried: &'static [Action], kinds: &'static [Kind], step: Step) -> Rule {
    Rule { kinds, tried, step }
}

use Action as A;
use Kind as K;

/// The table. Of the lines that fit, the first whose step is open counts; the last of a kind names nothing to press.
///
/// | placeholder | what |
/// |---|---|
/// | `{credit}` `{check}` `{cancel}` `{sync}` `{decide}` | the button of that action |
/// | `{again}` | the button of what was tried |
/// | `{correct}` | the form that corrects the order |
/// | `{tracking}` | the form of the tracking number |
/// | `{doubt}` | what has to be looked up at the provider in this state |
const RULES: &[Rule] = &[
    // The provider's verdict.
    any(
        &[K::Rejected],
        (
            "注文の内容に誤りがあれば{correct}で直して、もう一度{credit}を押してください。誤りがなければ、別のお支払い方法を案内してください。",
            "If something in the order is wrong, use {correct}, then press {credit} again. If nothing is, offer another way to pay.",
        ),
    ),
    any(&[K::Rejected], ("別のお支払い方法を案内してください。", "Offer another way to pay.")),
    any(
        &[K::OnHold],
        (
            "後払い会社の管理画面で注文の内容を直して{check}を押すか、{cancel}を押してから{correct}で直し、もう一度{credit}を押してください。",
            "Correct the order on the provider's own page and press {check}; or press {cancel}, then use {correct}, and press {credit} again.",
        ),
    ),
    any(
        &[K::OnHold],
        (
            "後払い会社の管理画面で注文の内容を直し、{check}を押してください。",
            "Correct the order on the provider's own page, then press {check}.",
        ),
    ),
    any(
        &[K::OnHold],
        ("後払い会社の管理画面で注文の内容を直してください。", "Correct the order on the provider's own page."),
    ),
    // Refused for what was sent.
    any(&[K::InvalidContent], CORRECT_AND_CREDIT),
    after(&[A::Credit], &[K::Refused], CORRECT_AND_CREDIT),
    any(&[K::InvalidContent], ("{correct}で注文の内容を直してください。", "Use {correct}.")),
    any(&[K::InvalidTracking], CORRECT_AND_SYNC),
    after(&[A::Sync], &[K::InvalidContent], CORRECT_AND_SYNC),
    any(
        &[K::CarrierUnsupported],
        (
            "別の配送業者を選んで{tracking}を押してください。何も送信していません。",
            "Choose another and press {tracking}. Nothing was sent.",
        ),
    ),
    any(
        &[K::InvalidSettings],
        (
            "モールの設定を直し、もう一度{again}を押してください。",
            "Correct the mall's settings, then press {again} again.",
        ),
    ),
    any(&[K::InvalidSettings], ("モールの設定を直してください。", "Correct the mall's settings.")),
    any(
        &[K::Unauthorized],
        (
            "モールの設定を確かめ、正しければ後払い会社にお問い合わせください。",
            "Check the mall's settings; if they are right, ask the provider.",
        ),
    ),
    after(
        &[A::Sync],
        &[K::Refused],
        (
            "{check}で今の状態を確かめてください。伝票番号が違うときは、直して{tracking}を押し、もう一度{sync}を押してください。",
            "Press {check} to see where it stands. If the number is wrong, correct it, press {tracking}, then {sync} again.",
        ),
    ),
    after(
        &[A::Sync],
        &[K::Refused],
        (
            "配送業者・伝票番号・出荷日を確かめ、違えば直して{tracking}を押し、もう一度{sync}を押してください。",
            "Look at carrier, number and shipping date; if one is wrong, correct it, press {tracking}, then {sync} again.",
        ),
    ),
    after(
        &[A::Credit, A::Cancel, A::Sync],
        &[K::Refused],
        ("{check}で今の状態を確かめてください。", "Press {check} to see where it stands."),
    ),
    // Nothing was sent, or nothing recorded.
    any(&[K::NotSent], ("しばらくしてから、もう一度{again}を押してください。", "Press {again} again later.")),
    any(
        &[K::Certificate],
        (
            "モールの接続先URLを確かめてください。正しければ、管理者か後払い会社に知らせてください。",
            "Check the mall's URL; if it is right, tell an administrator or the provider.",
        ),
    ),
    any(
        &[K::Forbidden],
        (
            "何も送信していません。モールの接続先URLか、プラグインの許可ファイルを直してください。",
            "Nothing was sent. Correct the mall's URL or the plugin's permission file.",
        ),
    ),
    any(&[K::Busy], ("しばらく待って、もう一度{again}を押してください。", "Wait, then press {again} again.")),
    any(&[K::Busy], ("しばらく待ってください。", "Wait.")),
    any(&[K::NothingThere], ("もう一度{credit}を押してください。", "Press {credit} again.")),
    any(&[K::NothingThere], ("何も登録されていません。", "Nothing is recorded there.")),
    any(
        &[K::RefusedAndNothingThere],
        (
            "{correct}で注文の内容を直すか、モールの設定を直してから、もう一度{credit}を押してください。",
            "Use {correct}, or correct the mall's settings, then press {credit} again.",
        ),
    ),
    any(
        &[K::RefusedAndNothingThere],
        ("注文の内容かモールの設定を直してください。", "Correct the order or the mall's settings."),
    ),
    any(
        &[K::ShuttingDown],
        (
            "何も送信していません。起動してから、もう一度{again}を押してください。",
            "Nothing was sent. Press {again} again when it runs.",
        ),
    ),
    any(
        &[K::Unusable],
        (
            "何も送信していません。{correct}で保存し直し、それでも続くときは管理者に知らせてください。",
            "Nothing was sent. Save it again with {correct}; if that does not help, tell an administrator.",
        ),
    ),
    any(
        &[K::Unusable],
        ("何も送信していません。管理者に知らせてください。", "Nothing was sent. Tell an administrator."),
    ),
    any(
        &[K::TooLarge],
        (
            "別のお支払い方法を案内してください。金額が違うときは{correct}で直してください。何も送信していません。",
            "Offer another way to pay, or use {correct} if the amount is wrong. Nothing was sent.",
        ),
    ),
    any(
        &[K::TooLarge],
        ("別のお支払い方法を案内してください。何も送信していません。", "Offer another way to pay. Nothing was sent."),
    ),
    any(
        &[K::NoEnclosedInvoice],
        ("請求書を別送にしてください。何も送信していません。", "Choose a separate invoice. Nothing was sent."),
    ),
    any(
        &[K::ProviderMissing],
        (
            "管理者にプラグインの読み込みを依頼してください。何も送信していません。",
            "Ask an administrator to load it. Nothing was sent.",
        ),
    ),
    any(
        &[K::CreditPaused],
        (
            "何も送信していません。再開されてから、もう一度{again}を押してください。急ぐときは管理者に再開を依頼してください。",
            "Nothing was sent. Press {again} again when they are resumed; if it is urgent, ask an administrator.",
        ),
    ),
    any(
        &[K::NothingToBill],
        ("与信せずに出荷できます。何も送信していません。", "It can be shipped without one. Nothing was sent."),
    ),
    any(
        &[K::ResultsByCsv],
        (
            "何も送信していません。与信結果のCSVを取り込んでください。APIで与信するには、モールの設定を変えてください。",
            "Nothing was sent. Import the results; to use the API, change the mall's settings.",
        ),
    ),
    any(
        &[K::PossiblyByFile],
        (
            "後払い会社の管理画面で確かめてください。登録済みなら、モールの設定をCSVに戻して与信結果を取り込み、なければ{credit}を押してください。",
            "Look it up on the provider's own page. If it is registered, let the mall take results by CSV again and import its result; if not, press {credit}.",
        ),
    ),
    any(&[K::PossiblyByFile], ("与信結果のCSVを取り込んでください。", "Import its result.")),
    any(
        &[K::PossibleDuplicate],
        (
            "両方の注文を見比べてください。別の注文なら{credit}を押してください。同じ注文なら、そのままにしてください。",
            "Compare the two. If they are not one order, press {credit} of this one; if they are, leave it as it is.",
        ),
    ),
    any(&[K::PossibleDuplicate], ("両方の注文を見比べてください。", "Compare the two.")),
    // The outcome is in doubt.
    after(
        &[A::Check],
        &[K::AnswerLost],
        ("しばらくしてから、もう一度{check}を押してください。", "Press {check} again later."),
    ),
    after(
        &[A::Sync, A::Check],
        &[K::Already],
        (
            "ほかで登録された番号かもしれません。後払い会社の管理画面で{doubt}を確かめ、{decide}で記録してください。",
            "It may be another number, entered elsewhere. Look up on the provider's own page {doubt}, and record it with {decide}.",
        ),
    ),
    any(
        &[K::AnswerLost, K::ProcessDied, K::Already, K::NotRecorded],
        ("ほかの操作の前に、{check}で確かめてください。", "Press {check} before anything else."),
    ),
    any(&[K::TooEarly], ("その時刻を過ぎてから{check}を押してください。", "Press {check} after that.")),
    any(
        &[K::TooEarly],
        (
            "その時刻を過ぎてから、後払い会社の管理画面で確かめてください。",
            "Look it up on the provider's own page after that.",
        ),
    ),
    any(
        &[K::TooEarlyToRecord],
        (
            "まだ記録していません。その時刻を過ぎてから後払い会社の管理画面で確かめ、もう一度記録してください。",
            "Nothing was recorded. Look it up at the provider after that, and record it again.",
        ),
    ),
    any(
        &[K::NeedsPerson],
        (
            "後払い会社の管理画面で{doubt}を確かめ、{check}か{decide}を押してください。",
            "Look up on the provider's own page {doubt}, then press {check} or {decide}.",
        ),
    ),
    any(
        IN_DOUBT,
        (
            "後払い会社の管理画面で{doubt}を確かめて{decide}で記録するか、もう一度{cancel}を押してください。",
            "Look up on the provider's own page {doubt} and record it with {decide}, or press {cancel} again.",
        ),
    ),
    any(
        IN_DOUBT,
        (
            "後払い会社の管理画面で{doubt}を確かめて{decide}で記録するか、もう一度{sync}を押してください。",
            "Look up on the provider's own page {doubt} and record it with {decide}, or press {sync} again.",
        ),
    ),
    any(
        &[K::Vanished],
        (
            "後払い会社に問い合わせ、わかったことを{decide}で記録してください。",
            "Ask the provider, and record with {decide} what it says.",
        ),
    ),
    any(&[K::Vanished], ("後払い会社にお問い合わせください。", "Ask the provider.")),
    any(
        PERHAPS_IN_DOUBT,
        (
            "後払い会社の管理画面で{doubt}を確かめ、{decide}で記録してください。",
            "Look up on the provider's own page {doubt}, and record it with {decide}.",
        ),
    ),
    any(
        &[K::InvalidContent, K::InvalidTracking, K::InvalidRegistration, K::Unsupported],
        ("後払い会社の管理画面で行ってください。", "Do it on the provider's own page."),
    ),
    any(
        &[K::Refused],
        ("後払い会社の管理画面で今の状態を確かめてください。", "See on the provider's own page where it stands."),
    ),
    any(
        &[
            K::AnswerLost,
            K::ProcessDied,
            K::Already,
            K::NotRecorded,
            K::NeedsPerson,
            K::AnotherId,
            K::CannotAsk,
            K::CannotTell,
        ],
        ("後払い会社の管理画面で確かめてください。", "Look it up on the provider's own page."),
    ),
    any(
        &[K::IdMissing],
        ("管理画面にある取引IDを添えて記録してください。", "Record it with the id that its page shows."),
    ),
    // The rest.
    any(&[K::Changed], ("今の状態を確かめてください。", "Look at where it stands now.")),
    any(
        &[K::ByCsv],
        ("直すときは、与信結果のCSVをもう一度取り込んでください。", "To change it, import a result again."),
    ),
    any(
        &[K::NotSent, K::ShuttingDown, K::CarrierUnsupported, K::NotOffered, K::Stopped],
        ("何も送信していません。", "Nothing was sent."),
    ),
    any(&[K::Recorded], ("", "")),
];

const CORRECT_AND_SYNC: Step = (
    "配送業者・伝票番号・出荷日を直して{tracking}を押し、もう一度{sync}を押してください。",
    "Correct carrier, number and shipping date, press {tracking}, then {sync} again.",
);

const CORRECT_AND_CREDIT: Step =
    ("{correct}で注文の内容を直し、もう一度{credit}を押してください。", "Use {correct}, then press {credit} again.");

/// What was sent may have arrived, and asking does not tell (any more).
const IN_DOUBT: &[Kind] = &[K::AnswerLost, K::ProcessDied, K::Already, K::NotRecorded, K::CannotAsk, K::CannotTell];

/// The same, and what can come up in a state that was in doubt before.
const PERHAPS_IN_DOUBT: &[Kind] = &[
    K::AnswerLost,
    K::ProcessDied,
    K::Already,
    K::NotRecorded,
    K::CannotAsk,
    K::CannotTell,
    K::NeedsPerson,
    K::AnotherId,
    K::Refused,
    K::InvalidContent,
    K::InvalidTracking,
    K::InvalidRegistration,
    K::CarrierUnsupported,
    K::Unsupported,
];

/// What is not known in a state, and has to be looked up at the provider before it is recorded.
const DOUBTS: [(State, &str, &str); 3] = [
    (
        State::Unknown,
        "この登録番号の取引があるか、与信がどうなったか",
        "whether it has this reference, and what became of the credit check",
    ),
    (State::CancelUnknown, "取引がキャンセルされているか", "whether the transaction is cancelled"),
    (State::SyncUnknown, "伝票番号が登録されているか", "whether it has the tracking number"),
];

fn doubt(state: Option<State>) -> Option<Step> {
    let state = state?;
    DOUBTS.iter().find(|(known, ..)| *known == state).map(|(_, ja, en)| (*ja, *en))
}

/// The actions that a step can name.
const NAMED: [(&str, Action); 5] = [
    ("credit", Action::Credit),
    ("check", Action::Check),
    ("cancel", Action::Cancel),
    ("sync", Action::Sync),
    ("decide", Action::Decide),
];

/// The names of the placeholders of a step, in their order.
fn placeholders(step: &str) -> impl Iterator<Item = &str> {
    step.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// Whether everything that a step names is offered, one after the other: what comes after a cancel is what a cancelled
/// order offers.
fn is_open(step: &str, situation: &Situation) -> bool {
    let mut is_cancelled = false;
    placeholders(step).all(|name| {
        let action = match name {
            "again" => situation.tried,
            name => NAMED.iter().find(|(known, _)| *known == name).map(|(_, action)| *action),
        };
        let is_offered = match (name, action) {
            ("correct", _) => situation.content_open || is_cancelled,
            ("tracking", _) => situation.tracking_open,
            ("doubt", _) => doubt(situation.state).is_some(),
            (_, Some(Action::Credit)) if is_cancelled => next(State::Cancelled, Event::CreditStarted).is_some(),
            (_, Some(action)) => situation.offered.contains(&action),
            (_, None) => false,
        };
        is_cancelled |= action == Some(Action::Cancel);
        is_offered
    })
}

/// A step with the labels of what it names.
fn filled(step: &str, situation: &Situation, lang: Lang) -> String {
    let mut parts = step.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        text.push_str(&label(name, situation, lang));
        text.push_str(rest);
    }
    text
}

fn label(name: &str, situation: &Situation, lang: Lang) -> String {
    let label = match name {
        "correct" => Some(Form::Correct.localized(lang)),
        "tracking" => Some(Form::Tracking.localized(lang)),
        "doubt" => return doubt(situation.state).map_or("", |(ja, en)| lang.pick(ja, en)).to_owned(),
        "again" => situation.tried.map(|action| action.localized(lang)),
        name => NAMED.iter().find(|(known, _)| *known == name).map(|(_, action)| action.localized(lang)),
    };
    format!("[{}]", label.unwrap_or_default())
}
