//! Everything a person reads about an order that did not go as hoped: what happened, the provider's
//! own code and words, and what to do next, in Japanese and English. One place for all of it.

use crate::domain::clock;
use crate::domain::credit_state::{Action, Outcome, State};
use provider_host::contract::{Failure, FieldProblem, Reason};
use provider_host::{CALL_ENDED, CALL_LIMIT};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The language of what is shown. What a provider said stays as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// 日本語
    #[default]
    Ja,
    /// English
    En,
}

impl Lang {
    /// The one of the two that is in this language.
    pub fn pick<T>(self, ja: T, en: T) -> T {
        match self {
            Lang::Ja => ja,
            Lang::En => en,
        }
    }
}

/// A provider's own code and words, kept as they came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderMessage {
    /// The provider's code, or the plugin's where the provider said nothing.
    pub code: Option<String>,
    /// The words.
    pub message: String,
}

/// Characters of a provider's code that are kept, and of its words: far more than any has, and little enough to
/// stand in a list.
const MAX_CODE: usize = 64;
const MAX_SAID: usize = 1_000;

/// The beginning of what a provider said.
fn beginning(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl From<Reason> for ProviderMessage {
    fn from(reason: Reason) -> Self {
        let code = reason.code.map(|code| beginning(&code, MAX_CODE));
        ProviderMessage { code, message: beginning(&reason.message, MAX_SAID) }
    }
}

impl ProviderMessage {
    /// The host refused to send it, in the words of `wasi:http`: trying again does not help.
    fn is_forbidden(&self) -> bool {
        ["HttpRequestDenied", "DestinationIpProhibited"].iter().any(|denied| self.message.contains(denied))
    }
}

impl fmt::Display for ProviderMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code} {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// So many orders.
pub fn orders(count: usize, lang: Lang) -> String {
    lang.pick(format!("{count}件"), if count == 1 { "1 order".to_owned() } else { format!("{count} orders") })
}

/// A field that was refused, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The field's name at the provider or in the contract.
    pub field: String,
    /// Why.
    pub said: ProviderMessage,
}

impl From<FieldProblem> for Field {
    fn from(problem: FieldProblem) -> Self {
        Field { field: beginning(&problem.field, MAX_CODE), said: problem.reason.into() }
    }
}

/// Why an order is not where its operator wants it. Kept with the order, so it is data, not text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Issue {
    /// 与信NG.
    Rejected {
        /// The provider's reasons.
        said: Vec<ProviderMessage>,
    },
    /// 保留.
    OnHold {
        /// What the provider wants corrected.
        said: Vec<ProviderMessage>,
    },
    /// Refused for what was sent.
    Invalid {
        /// Each field that was refused.
        fields: Vec<Field>,
    },
    /// The shop's ids or address were refused.
    Unauthorized {
        /// The provider's words.
        said: ProviderMessage,
    },
    /// It is so at the provider already.
    Already {
        /// The provider's words.
        said: ProviderMessage,
    },
    /// The state at the provider does not allow it.
    Refused {
        /// The provider's words.
        said: ProviderMessage,
    },
    /// Nothing reached the provider.
    NotSent {
        /// What stood in the way.
        said: ProviderMessage,
    },
    /// The provider asks to wait.
    Busy {
        /// The provider's words.
        said: ProviderMessage,
        /// Seconds, if it said.
        wait: Option<u32>,
    },
    /// Sent, and the answer was lost or unreadable.
    AnswerLost {
        /// What became of the answer.
        said: ProviderMessage,
    },
    /// The provider answered something that this version does not know.
    NeedsPerson {
        /// The provider's words.
        said: ProviderMessage,
    },
    /// The provider has no such operation.
    Unsupported {
        /// The operation.
        action: String,
    },
    /// The process that was asking is gone.
    ProcessDied,
    /// The provider shows no trace of the request, but it can still be on its way.
    TooEarly {
        /// From when on the answer counts, in milliseconds since 1970.
        until: i64,
        /// The time that passed since the sending cannot be told, so it is measured from the question on.
        #[serde(default)]
        measured_anew: bool,
        /// It is an operator who found no trace.
        #[serde(default)]
        by_operator: bool,
    },
    /// The provider was asked and has no such registration.
    NothingThere,
    /// The same, of a registration that it refused in words: to repeat it would come to the same.
    RefusedAndNothingThere {
        /// The provider's words.
        said: ProviderMessage,
    },
    /// The provider does not know a registration that it acknowledged before.
    Vanished {
        /// Its id there.
        transaction_id: String,
    },
    /// The answer is about another registration.
    AnotherId {
        /// The id that was asked for.
        asked: String,
        /// The id that was answered.
        answered: String,
    },
    /// The answer carries the id of another order's registration.
    IdTaken {
        /// The id.
        transaction_id: String,
        /// The reference that already has it.
        reference: String,
    },
    /// This provider cannot be asked by reference, and no id is known.
    CannotAsk {
        /// What was sent to the provider.
        reference: String,
    },
    /// The provider shows a verdict, which does not tell whether what was sent last arrived.
    CannotTell {
        /// What was sent last.
        action: String,
    },
    /// The provider's id is needed and not known.
    IdMissing,
    /// The plugin of the provider is not loaded.
    ProviderMissing {
        /// The provider's id.
        provider: String,
    },
    /// The program was to end before it came to this order.
    ShuttingDown,
    /// The platform cannot act on the order: something in it cannot be read or written.
    Unusable {
        /// What the store says.
        why: String,
    },
    /// The provider answered, and the answer cannot be written.
    NotRecorded {
        /// What the store says.
        why: String,
    },
    /// Billed for more than the provider takes.
    TooLarge {
        /// Yen.
        billed: i64,
        /// Yen.
        max: i64,
    },
    /// The provider does not send invoices with the goods.
    NoEnclosedInvoice,
    /// The provider does not report this carrier.
    CarrierUnsupported {
        /// What was entered.
        carrier: String,
        /// What is supported, in Japanese.
        supported_ja: String,
        /// What is supported, in English.
        supported_en: String,
    },
    /// The state does not offer the action.
    NotOffered {
        /// The state.
        state: State,
        /// The action.
        action: String,
    },
    /// Somebody else acted on the order in the meantime.
    Changed,
    /// The batch was ended before it came to this order.
    Stopped {
        /// Who ended it.
        who: String,
    },
    /// A result by CSV that is not an approval; the API has no part in what follows.
    ByCsv {
        /// 与信理由
        said: ProviderMessage,
    },
    /// The mall takes credit results by CSV, so no credit is run through the API.
    ResultsByCsv,
    /// An operator recorded this.
    Recorded {
        /// The operator's note.
        note: String,
    },
}

impl Issue {
    /// What a failed call means for one order.
    pub fn of(failure: Failure, action: Action) -> Self {
        match failure {
            Failure::Invalid(fields) => Issue::Invalid { fields: fields.into_iter().map(Field::from).collect() },
            Failure::Unauthorized(reason) => Issue::Unauthorized { said: reason.into() },
            Failure::Already(reason) => Issue::Already { said: reason.into() },
            Failure::Refused(reason) => Issue::Refused { said: reason.into() },
            Failure::NotSent(reason) => Issue::NotSent { said: reason.into() },
            Failure::Busy((reason, wait)) => Issue::Busy { said: reason.into(), wait },
            Failure::OutcomeUnknown(reason) => Issue::AnswerLost { said: reason.into() },
            Failure::Unsupported => Issue::unsupported(action),
        }
    }

    /// Whether it may be gone by itself when the same is tried again; all others need a person.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Issue::NotSent { .. }
                | Issue::Busy { .. }
                | Issue::AnswerLost { .. }
                | Issue::ProcessDied
                | Issue::TooEarly { .. }
                | Issue::NothingThere
        )
    }

    /// Whether the provider, or the line to it, did not do its part: what makes others leave it alone.
    pub fn is_the_providers(&self) -> bool {
        let is_failure = matches!(self, Issue::NotSent { .. } | Issue::Busy { .. } | Issue::AnswerLost { .. });
        is_failure && !self.is_the_plugins()
    }

    /// Whether the plugin broke off, or met a limit, before anything was sent, as it may over a single order.
    pub fn is_the_plugins(&self) -> bool {
        let Issue::NotSent { said } = self else { return false };
        said.code.as_deref().is_some_and(|code| [CALL_ENDED, CALL_LIMIT].contains(&code))
    }

    /// Whether a row of a batch that came to this waits on instead of failing: another process can do it, or this one
    /// when it runs again.
    pub fn is_for_later(&self) -> bool {
        matches!(self, Issue::ProviderMissing { .. } | Issue::ShuttingDown)
    }

    /// The earliest time at which trying again makes sense, in milliseconds since 1970.
    pub fn not_before(&self, now: i64) -> i64 {
        match self {
            Issue::TooEarly { until, .. } => *until,
            Issue::Busy { wait: Some(seconds), .. } => now + i64::from(*seconds) * 1000,
            _ => now,
        }
    }

    /// The same of what an operator found.
    pub fn to_record_again(self) -> Self {
        match self {
            Issue::TooEarly { until, measured_anew, .. } => Issue::TooEarly { until, measured_anew, by_operator: true },
            other => other,
        }
    }

    /// The provider has no such operation.
    pub fn unsupported(action: Action) -> Self {
        Issue::Unsupported { action: action.to_string() }
    }

    /// What happened, what the provider said, what to do next: one line.
    pub fn words(&self, lang: Lang) -> String {
        let (_, next) = self.what_and_next(lang);
        format!("{}{}{next}", self.brief(lang), lang.pick("", if next.is_empty() { "" } else { " " }))
    }

    /// What happened and what the provider said.
    pub fn brief(&self, lang: Lang) -> String {
        let (what, _) = self.what_and_next(lang);
        let said = self.said(lang);
        match said.is_empty() {
            true => lang.pick(format!("{what}。"), format!("{what}.")),
            false => lang.pick(format!("{what}。「{said}」"), format!("{what}: \"{said}\"")),
        }
    }

    /// The provider's own code and words.
    pub fn said(&self, lang: Lang) -> String {
        let list =
            |said: &[ProviderMessage]| said.iter().map(ProviderMessage::to_string).collect::<Vec<_>>().join(" / ");
        match self {
            Issue::Rejected { said } | Issue::OnHold { said } => list(said),
            Issue::Invalid { fields } => {
                fields.iter().map(|field| field_words(field, lang)).collect::<Vec<_>>().join(" / ")
            }
            Issue::Unauthorized { said }
            | Issue::Already { said }
            | Issue::Refused { said }
            | Issue::NotSent { said }
            | Issue::Busy { said, .. }
            | Issue::AnswerLost { said }
            | Issue::NeedsPerson { said }
            | Issue::RefusedAndNothingThere { said }
            | Issue::ByCsv { said } => said.to_string(),
            _ => String::new(),
        }
    }

    pub(crate) fn what_and_next(&self, lang: Lang) -> (String, String) {
        let (ja, en): ((String, &str), (String, &str)) = match self {
            Issue::Rejected { .. } => (
                ("与信に失敗しました".into(), "別のお支払い方法を案内するか、もう一度[与信を実行]できます。"),
                ("The credit check failed".into(), "Offer another way to pay, or run the credit check again."),
            ),
            Issue::OnHold { .. } => (
                ("保留になりました".into(), "後払い会社の管理画面で注文内容を直し、[与信結果確認]を押してください。"),
                ("On hold".into(), "Correct the order on the provider's own page, then check the result."),
            ),
            Issue::Invalid { .. } => (
                (
                    "注文の内容が受け付けられませんでした".into(),
                    "直した内容をCSVで取り込み（取り込み済みの注文も更新）、もう一度実行してください。",
                ),
                ("What was sent was refused".into(), "Import it corrected, with updates on, and try again."),
            ),
            Issue::Unauthorized { .. } => (
                (
                    "店舗のIDまたは接続元が認められませんでした".into(),
                    "モールの設定を確かめ、正しければ後払い会社にお問い合わせください。",
                ),
                (
                    "The shop's ids or its address were refused".into(),
                    "Check the mall's settings; if they are right, ask the provider.",
                ),
            ),
            Issue::Already { .. } => (
                ("後払い会社には、すでに同じものが届いています".into(), "[与信結果確認]で確かめてください。"),
                ("The provider has it already".into(), "Check the result."),
            ),
            Issue::Refused { .. } => (
                (
                    "後払い会社での状態により、受け付けられませんでした".into(),
                    "[与信結果確認]で今の状態を確かめてください。",
                ),
                ("The state at the provider does not allow it".into(), "Check the result to see where it stands."),
            ),
            Issue::NotSent { said } if said.is_forbidden() => (
                (
                    "接続先URLは、このプラグインに許可された通信先ではありません".into(),
                    "何も送信していません。モールの接続先URLか、プラグインの許可ファイルを直してください。",
                ),
                (
                    "The plugin was not granted the gateway's address".into(),
                    "Nothing was sent. Correct the mall's URL or the plugin's permission file.",
                ),
            ),
            Issue::NotSent { .. } => (
                ("後払い会社に送信できませんでした".into(), "何も登録されていません。もう一度実行してください。"),
                ("Nothing reached the provider".into(), "Nothing was recorded there. Try again."),
            ),
            Issue::Busy { wait, .. } => (
                (
                    match wait {
                        Some(seconds) => format!("後払い会社が混み合っています（{seconds}秒後に再試行可）"),
                        None => "後払い会社が混み合っています".into(),
                    },
                    "しばらく待ってからもう一度実行してください。",
                ),
                (
                    match wait {
                        Some(seconds) => format!("The provider asks to wait {seconds} seconds"),
                        None => "The provider asks to wait".into(),
                    },
                    "Wait, then try again.",
                ),
            ),
            Issue::AnswerLost { .. } => (
                ("送信しましたが、結果がわかりません".into(), "[与信結果確認]で確かめてください。"),
                ("It was sent and the answer was lost".into(), "Check the result before anything else."),
            ),
            Issue::NeedsPerson { .. } => (
                (
                    "後払い会社から、このプログラムの知らない結果が返りました".into(),
                    "後払い会社の管理画面で確かめ、[与信結果確認]か[結果を記録]をしてください。",
                ),
                (
                    "The provider gave a result that this program does not know".into(),
                    "Look it up on the provider's own page, then check again or record what you found.",
                ),
            ),
            Issue::Unsupported { .. } => (
                ("この後払い会社では使えない操作です".into(), "後払い会社の管理画面で行ってください。"),
                ("This provider has no such operation".into(), "Do it on the provider's own page."),
            ),
            Issue::ProcessDied => (
                ("送信の途中でプログラムが終了し、結果がわかりません".into(), "[与信結果確認]で確かめてください。"),
                ("The program ended while the request was on its way".into(), "Check the result before anything else."),
            ),
            Issue::TooEarly { until, measured_anew, by_operator } => {
                let at = clock::time_of_day(*until);
                let (ja, en) = match measured_anew {
                    true => (
                        format!(
                            "後払い会社にはまだ反映されていません。時計の変更か再起動のため、送信からの経過時間がわからず、いまから待ちます（{at}まで）"
                        ),
                        format!(
                            "No trace of it at the provider. A clock was set or a machine restarted, so how long ago it was sent \
                             is not known; it is waited for from now on, until {at}"
                        ),
                    ),
                    false => (
                        format!("後払い会社にはまだ反映されていませんが、送信中の可能性があります（{at}まで）"),
                        format!("No trace of it at the provider, but it can still be on its way: wait until {at}"),
                    ),
                };
                match by_operator {
                    true => (
                        (
                            ja,
                            "まだ記録していません。その時刻を過ぎてから後払い会社の管理画面で確かめ、もう一度記録してください。",
                        ),
                        (en, "Nothing was recorded. Look it up at the provider after that, and record it again."),
                    ),
                    false => (
                        (ja, "その時刻を過ぎてから[与信結果確認]を押してください。"),
                        (en, "Check the result after that."),
                    ),
                }
            }
            Issue::NothingThere => (
                ("後払い会社に登録がないことを確かめました".into(), "もう一度[与信を実行]できます。"),
                ("The provider has no such registration".into(), "Run the credit check again."),
            ),
            Issue::RefusedAndNothingThere { .. } => (
                (
                    "後払い会社に登録がないことを確かめました。送った内容は受け付けられていません".into(),
                    "注文の内容か店舗の設定を直してから、もう一度[与信を実行]できます。",
                ),
                (
                    "The provider has no such registration; it had refused what was sent".into(),
                    "Correct the order or the shop's settings, then run the credit check again.",
                ),
            ),
            Issue::Vanished { transaction_id } => (
                (
                    format!("登録済みのはずの取引 {transaction_id} が、後払い会社で見つかりません"),
                    "後払い会社にお問い合わせください。",
                ),
                (
                    format!("The provider does not know transaction {transaction_id}, which it acknowledged before"),
                    "Ask the provider.",
                ),
            ),
            Issue::AnotherId { asked, answered } => (
                (
                    format!("取引 {asked} について尋ねましたが、{answered} の結果が返りました"),
                    "後払い会社の管理画面で確かめてください。",
                ),
                (
                    format!("Asked about transaction {asked}, answered about {answered}"),
                    "Look it up on the provider's own page.",
                ),
            ),
            Issue::IdTaken { transaction_id, reference } => (
                (
                    format!("取引ID {transaction_id} は、別の登録 {reference} のものです"),
                    "後払い会社の管理画面で確かめてください。",
                ),
                (
                    format!("The transaction id {transaction_id} belongs to another registration, {reference}"),
                    "Look it up on the provider's own page.",
                ),
            ),
            Issue::CannotAsk { reference } => (
                (
                    format!("この後払い会社には、登録番号 {reference} の結果を問い合わせる方法がありません"),
                    "後払い会社の管理画面で確かめ、[結果を記録]をしてください。",
                ),
                (
                    format!("This provider cannot be asked about reference {reference}"),
                    "Look it up on the provider's own page and record what you found.",
                ),
            ),
            Issue::CannotTell { action } => {
                let action = action_words(action, lang);
                (
                    (
                        format!("この後払い会社の与信結果からは、「{action}」が届いたかどうかわかりません"),
                        "もう一度同じ操作をするか、後払い会社の管理画面で確かめて[結果を記録]をしてください。",
                    ),
                    (
                        format!("This provider's verdict does not tell whether \"{action}\" arrived"),
                        "Do it once more, or look it up on the provider's own page and record what you found.",
                    ),
                )
            }
            Issue::IdMissing => (
                ("後払い会社の取引IDがわかりません".into(), "管理画面にある取引IDを添えて記録してください。"),
                ("The provider's transaction id is not known".into(), "Record it with the id that its page shows."),
            ),
            Issue::ProviderMissing { provider } => (
                (
                    format!("後払い会社「{provider}」のプラグインが読み込まれていません"),
                    "管理者にプラグインの読み込みを依頼してください。何も送信していません。",
                ),
                (
                    format!("The plugin of the provider {provider} is not loaded"),
                    "Ask an administrator to load it. Nothing was sent.",
                ),
            ),
            Issue::ShuttingDown => (
                (
                    "プログラムの終了により、この注文まで進みませんでした".into(),
                    "何も送信していません。起動してから、もう一度実行してください。",
                ),
                (
                    "The program was ending before it came to this order".into(),
                    "Nothing was sent. Try again when it runs.",
                ),
            ),
            Issue::Unusable { why } => (
                (
                    format!("この注文の記録を読み書きできません（{why}）"),
                    "何も送信していません。注文のCSVを取り込み直し、直らなければ管理者に知らせてください。",
                ),
                (
                    format!("This order's record cannot be read or written ({why})"),
                    "Nothing was sent. Import the order's CSV again with updates on; if that does not help, tell an \
                     administrator.",
                ),
            ),
            Issue::NotRecorded { why } => (
                (format!("後払い会社の回答を保存できませんでした（{why}）"), "[与信結果確認]で確かめてください。"),
                (format!("The provider's answer could not be stored ({why})"), "Check the result."),
            ),
            Issue::TooLarge { billed, max } => (
                (
                    format!("請求額{billed}円は、この後払い会社の上限{max}円を超えています"),
                    "別のお支払い方法を案内してください。何も送信していません。",
                ),
                (
                    format!("Billed {billed} yen; this provider takes at most {max}"),
                    "Offer another way to pay. Nothing was sent.",
                ),
            ),
            Issue::NoEnclosedInvoice => (
                (
                    "この後払い会社は請求書の同梱に対応していません".into(),
                    "請求書を別送にしてください。何も送信していません。",
                ),
                ("This provider does not enclose invoices".into(), "Choose a separate invoice. Nothing was sent."),
            ),
            Issue::CarrierUnsupported { carrier, supported_ja, supported_en } => (
                (
                    format!("配送業者「{carrier}」には対応していません。使えるのは、{supported_ja}です"),
                    "配送業者を選び直してください。何も送信していません。",
                ),
                (
                    format!("The carrier \"{carrier}\" is not supported; these are: {supported_en}"),
                    "Choose another. Nothing was sent.",
                ),
            ),
            Issue::NotOffered { state, action } => (
                (
                    format!("{}の注文では「{}」はできません", state.label(lang), action_words(action, lang)),
                    "何も送信していません。",
                ),
                (
                    format!("\"{}\" is not offered in the state {}", action_words(action, lang), state.label(lang)),
                    "Nothing was sent.",
                ),
            ),
            Issue::Changed => (
                ("別の人または処理がこの注文を操作しました".into(), "今の状態を確かめてください。"),
                ("Somebody else acted on this order in the meantime".into(), "Look at where it stands now."),
            ),
            Issue::Stopped { who } => (
                (format!("{who}が処理を中止しました"), "何も送信していません。"),
                (format!("{who} stopped the batch before it came to this order"), "Nothing was sent."),
            ),
            Issue::ByCsv { .. } => (
                ("CSVで受け取った与信結果です".into(), "直すときは、与信結果のCSVをもう一度取り込んでください。"),
                ("The credit result came by CSV".into(), "To change it, import a result again."),
            ),
            Issue::ResultsByCsv => (
                (
                    "このモールは与信結果をCSVでやりとりする設定のため、与信を実行しません".into(),
                    "何も送信していません。与信結果のCSVを取り込んでください。APIで与信するには、モールの設定を変えてください。",
                ),
                (
                    "This mall takes its credit results by CSV, so no credit check is run".into(),
                    "Nothing was sent. Import the results; to use the API, change the mall's settings.",
                ),
            ),
            Issue::Recorded { note } => {
                ((format!("担当者の記録: {note}"), ""), (format!("Recorded by an operator: {note}"), ""))
            }
        };
        let (what, next) = lang.pick(ja, en);
        (what, next.to_owned())
    }
}

fn action_words(action: &str, lang: Lang) -> String {
    use strum::VariantArray;
    let known = Action::VARIANTS.iter().find(|known| known.to_string() == action);
    known.map_or(action.to_owned(), |known| known.label(lang).to_owned())
}

/// What a failed connection test means; nothing was asked for, so nothing is in doubt.
pub fn connection_words(failure: Failure, lang: Lang) -> String {
    let problem = match &failure {
        Failure::Unsupported => {
            return lang
                .pick("この後払い会社には接続テストがありません", "This provider has no connection test")
                .to_owned();
        }
        Failure::Unauthorized(_) => return Issue::of(failure, Action::Check).words(lang),
        other => Issue::of(other.clone(), Action::Check),
    };
    if matches!(&problem, Issue::NotSent { said } if said.is_forbidden()) {
        return problem.words(lang);
    }
    let said = problem.said(lang);
    lang.pick(format!("接続できませんでした。「{said}」"), format!("The connection does not work: \"{said}\""))
}

/// A field's name and what is wrong with it. The plugins' own words are Japanese; in English the codes
/// that all plugins share are translated, and any other is shown with the words as they came.
pub fn field_words(field: &Field, lang: Lang) -> String {
    let Field { field: name, said } = field;
    let code = said.code.as_deref().unwrap_or_default();
    let english = SHARED_CODES.iter().find(|(known, _)| *known == code).map(|(_, words)| *words);
    match (lang, english) {
        (Lang::En, Some(words)) => format!("{name}: {words} ({code})"),
        _ if code.is_empty() => format!("{name}: {}", said.message),
        _ => format!("{name}: {} ({code})", said.message),
    }
}

/// The codes with which every plugin built on the SDK names what is wrong with a field.
const SHARED_CODES: &[(&str, &str)] = &[
    ("unknown-setting", "there is no setting of this name"),
    ("setting-twice", "this setting is there twice"),
    ("required", "a value is required"),
    ("too-long", "the value is too long"),
    ("not-digits", "only ASCII digits are allowed"),
    ("not-a-url", "must be a URL that begins with http:// or https://"),
    ("not-a-choice", "must be one of the listed values"),
    ("too-many-bands", "too many fee bands"),
    ("negative-fee", "a fee must not be negative"),
    ("amount-range", "the amount is out of range"),
    ("backwards", "the band runs backwards, or lies below the one before it"),
    ("open-band", "only the last band may be open"),
    ("overlap", "the band overlaps the one before it"),
    ("gap", "there is a gap between this band and the one before it"),
];

/// Why rows of a batch wait that no process does now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// No process works in the background.
    NoProcess,
    /// No process that does has the plugin of this provider.
    NoPlugin {
        /// The provider's id.
        provider: String,
    },
    /// The provider keeps failing and is left alone.
    Paused {
        /// The provider's id.
        provider: String,
        /// When it is tried again, in milliseconds since 1970.
        until: i64,
    },
}

impl Wait {
    /// Why, and what to do.
    pub fn words(&self, lang: Lang) -> String {
        match self {
            Wait::NoProcess => lang.pick(
                "まとめて処理を実行するプロセスが動いていません。`host-demo work`か`host-demo serve`を起動してください。".into(),
                "No process that does batches is running. Start `host-demo work` or `host-demo serve`.".into(),
            ),
            Wait::NoPlugin { provider } => lang.pick(
                format!(
                    "後払い会社「{provider}」のプラグインを読み込んだプロセスがないため、待っています。管理者にプラグインの読み込みを依頼してください。"
                ),
                format!(
                    "No running process has loaded the plugin of the provider {provider}, so its orders wait. Ask an \
                     administrator to load it."
                ),
            ),
            Wait::Paused { provider, until } => {
                let at = clock::time_of_day(*until);
                lang.pick(
                    format!("後払い会社「{provider}」への通信が続けて失敗したため、休止しています。{at}に自動で再開を試みます。"),
                    format!("Calls to the provider {provider} kept failing, so it is left alone; it is tried again by itself at {at}."),
                )
            }
        }
    }
}

impl Outcome {
    /// 成功, 失敗 or 不明.
    pub fn label(self, lang: Lang) -> &'static str {
        match self {
            Outcome::Success => lang.pick("成功", "success"),
            Outcome::Failure => lang.pick("失敗", "failure"),
            Outcome::Unknown => lang.pick("不明", "unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_that_met_a_limit_is_held_responsible_like_one_that_broke_off() {
        let not_sent = |code: &str| {
            Issue::of(Failure::NotSent(Reason { code: Some(code.into()), message: "x".into() }), Action::Credit)
        };
        for code in [CALL_ENDED, CALL_LIMIT] {
            assert!(not_sent(code).is_the_plugins() && !not_sent(code).is_the_providers(), "{code}");
        }
        assert!(!not_sent("ConnectionRefused").is_the_plugins() && not_sent("ConnectionRefused").is_the_providers());
    }

    #[test]
    fn the_providers_code_and_words_stand_beside_plain_words_and_the_next_step() {
        let failure = Failure::Refused(Reason {
            code: Some("E00303".into()),
            message: "請求金額が誤っています".into(),
        });
        let problem = Issue::of(failure, Action::Credit);
        assert_eq!(
            problem.words(Lang::Ja),
            "後払い会社での状態により、受け付けられませんでした。「E00303 請求金額が誤っています」[与信結果確認]で今の状態を確かめてください。"
        );
        assert_eq!(
            problem.words(Lang::En),
            "The state at the provider does not allow it: \"E00303 請求金額が誤っています\" Check the result to see where it stands."
        );
    }

    #[test]
    fn a_connection_test_leaves_no_order_in_doubt() {
        let reason = |message: &str| Reason { code: None, message: message.into() };
        let words = |failure| connection_words(failure, Lang::Ja);
        assert_eq!(words(Failure::OutcomeUnknown(reason("http-404"))), "接続できませんでした。「http-404」");
        assert!(
            words(Failure::NotSent(reason("ErrorCode::HttpRequestDenied"))).contains("許可ファイルを直してください")
        );
        assert!(words(Failure::Unauthorized(reason("E1"))).contains("モールの設定を確かめ"));
    }

    #[test]
    fn of_what_a_provider_says_the_beginning_is_kept() {
        let said = ProviderMessage::from(Reason { code: Some("E".repeat(100_000)), message: "理".repeat(100_000) });
        assert_eq!(said.to_string().chars().count(), MAX_CODE + MAX_SAID + 3);
        let short = ProviderMessage::from(Reason { code: None, message: "理由".into() });
        assert_eq!(short.message, "理由");
    }

    #[test]
    fn problems_survive_the_store() {
        let problem = Issue::Busy { said: ProviderMessage { code: None, message: "待".into() }, wait: Some(3) };
        let json = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<Issue>(&json).unwrap(), problem);
    }
}
