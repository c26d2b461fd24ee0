//! Why tracking numbers are not entered, and what is strange about those that are.

use super::format::mangled;
use super::issue::sentence;
use super::localize::Localize;
use super::next_step::Situation;
use crate::csv::mapping::error_text::mapping_error;
use crate::csv::tracking_file::TrackingFileError;
use crate::tracking::import::{EnteredNumber, TrackingReport};
use domain::credit_state::{Action, ActionContext, State};
use domain::issue::Issue;
use domain::lang::Lang;
use domain::normalize::tracking_number::{MAX_TRACKING, NumberDoubt};
use domain::order::Tracking;
use domain::tracking::TrackingProblem;

/// Headings of a file that is not recognised that a message repeats.
const SHOWN_HEADINGS: usize = 12;

/// What is wrong with a tracking number, and what to do.
impl Localize for TrackingProblem {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::ProviderMissing(provider) => {
                let issue = Issue::ProviderMissing { provider: provider.clone() };
                sentence(&issue, &Situation::without_order(), lang)
            }
            Self::Carrier(problem) => sentence(problem, &Situation::entering_tracking(), lang),
            Self::NoCarrier => lang.pick(
                "配送業者がわかりません。配送業者の列を入れるか、ファイル全体の配送業者を選んでください".into(),
                "it is not said which carrier has the parcel; fill in the column, or choose a carrier for the whole file"
                    .into(),
            ),
            Self::Number => lang.pick(
                format!("伝票番号は、数字を含む英数字だけで、{MAX_TRACKING}文字以内で入力してください（ハイフンと空白は取り除きます）"),
                format!(
                    "a tracking number has letters and digits, at least one digit, {MAX_TRACKING} at most (hyphens and \
                     blanks are removed)"
                ),
            ),
            Self::Mangled(number) => lang.pick(
                format!("伝票番号「{number}」は{}", mangled(lang)),
                format!("the tracking number {number} {}", mangled(lang)),
            ),
            Self::Doubtful(doubt) => lang.pick(
                format!("{}。この後払い会社は番号を確かめて断ります。送り状を見て直してください", doubt.localized(lang)),
                format!("{}; this provider checks the number and would refuse it: look at the label", doubt.localized(lang)),
            ),
            Self::NotADate(text) => lang.pick(
                format!("出荷日「{text}」を 2026/07/01 のように直してください"),
                format!("the shipping date is {text}: write it like 2026/07/01"),
            ),
            Self::ShippedOn(first, last) => lang.pick(
                format!("出荷日は{first}から{last}までの日付にしてください"),
                format!("the shipping date must be from {first} to {last}"),
            ),
            Self::Closed(state) => closed(*state, lang),
            Self::OfAnotherOrder { mall, number } => lang.pick(
                format!("送り先の違う注文 {number}（{mall}）が、同じ伝票番号です。送り状を見て、どちらかを直してください"),
                format!("the order {number} ({mall}), which goes elsewhere, has the same number: look at the labels"),
            ),
            Self::TooManyOrders(most) => lang.pick(
                format!("この後払い会社では、一つの伝票番号を使えるのは注文{most}件までです。荷物を分けて、別の伝票番号を入力してください"),
                format!("this provider takes one number for {most} orders at most; send it in a parcel of its own"),
            ),
            Self::Changed => lang.pick(
                "ほかの人または処理がこの注文を操作しました。今の状態を確かめて、もう一度入力してください".into(),
                "somebody else acted on the order meanwhile; look at it, then enter the number again".into(),
            ),
            Self::NoOrder => lang.pick(
                "この番号の注文はありません。番号とモールを確かめて、まだなら先に受注CSVを取り込んでください".into(),
                "there is no such order; look at the number and the mall, or import the order first".into(),
            ),
            Self::InSeveralMalls(malls) => lang.pick(
                format!("この注文番号の注文が、いくつかのモール（{}）にあります。モールを選んで取り込んでください", malls.join("、")),
                format!("several malls ({}) have an order of this number; choose the mall", malls.join(", ")),
            ),
            Self::NoMall(mall) => lang.pick(
                format!("モール「{mall}」はありません。モールのIDか名前に直してください"),
                format!("there is no mall {mall}; give a mall's id or name"),
            ),
            Self::NotAnId(cell) => lang.pick(
                format!("注文ID「{cell}」を、受注一覧の注文IDの数字に直してください"),
                format!("{cell} is no ID: give the number that the order list shows"),
            ),
            Self::OtherOrder(number) => lang.pick(
                format!("注文IDの注文の番号は {number} です。注文IDか注文番号のどちらかを直してください"),
                format!("the order with this ID is {number}; mend the ID or the order number"),
            ),
        }
    }
}

/// Why an order in `state` takes no tracking number, and what its state offers so that it does.
fn closed(state: State, lang: Lang) -> String {
    let offers = |action| state.actions(ActionContext::default()).any(|offered| offered == action);
    let (ja, en) = if state == State::Synced {
        (
            "伝票番号は同期済みです。変えるときは、後払い会社の管理画面で直してください",
            "the provider has its number; to change it, do so on the provider's own page",
        )
    } else if state.is_claimed() {
        (
            "送信が終わるのを待って、もう一度入力してください",
            "wait until what is being sent has come to its end, then enter it again",
        )
    } else if offers(Action::Credit) {
        (
            "先に[与信を実行]をしてください。出荷しない注文なら、この行を消してください",
            "run its credit first; if it is not shipped, remove the row",
        )
    } else if offers(Action::Check) {
        ("先に[与信結果確認]で今の状態を確かめてください", "check where it stands first")
    } else {
        (
            "与信結果のCSVで与信OKになってから入力してください。出荷しない注文なら、この行を消してください",
            "enter it when a result by CSV has approved the order; if it is not shipped, remove the row",
        )
    };
    let state = state.localized(lang);
    lang.pick(
        format!("{state}の注文に伝票番号は入力できません。{ja}"),
        format!("an order at {state} takes no tracking number: {en}"),
    )
}

/// What is strange about a number: the first half of a sentence.
impl Localize for NumberDoubt {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::Length(lengths) => {
                let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
                lang.pick(
                    format!("伝票番号の桁数が、この配送業者の番号（{}桁）と違います", lengths.join("、")),
                    format!("this carrier's numbers have {} digits", lengths.join(" or ")),
                )
            }
            Self::CheckDigit => lang.pick(
                "伝票番号の最後の桁（検査数字）が合いません".into(),
                "the last digit of the number, its check digit, is wrong".into(),
            ),
        }
    }
}

/// What to do about a number that is entered all the same.
pub fn doubt_warning(doubt: NumberDoubt, lang: Lang) -> String {
    let what = doubt.localized(lang);
    lang.pick(format!("{what}。送り状と見比べてください"), format!("{what}: compare it with the label"))
}

/// What is wrong with a file of tracking numbers, and what to do.
impl Localize for TrackingFileError {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::File(error) => error.localized(lang),
            Self::NotRecognised(headings) => {
                let shown: Vec<&str> = headings.iter().take(SHOWN_HEADINGS).map(String::as_str).collect();
                lang.pick(
                    format!(
                        "どの送り状ソフトのCSVかわかりません（見出し「{}」）。形式を選ぶか、どの列が注文番号と伝票番号かを指定してください",
                        shown.join("」「")
                    ),
                    format!(
                        "No format has these headings ({}); choose one, or say which columns have order and tracking number",
                        shown.join(", ")
                    ),
                )
            }
            Self::WhichMall(malls) => lang.pick(
                format!(
                    "見出しから形式がわからず、モール（{}）の設定で読めますが、どのモールの注文かがわかりません。モールを選んで取り込んでください",
                    malls.join("、")
                ),
                format!(
                    "No format has these headings; the settings of the malls {} read the file, but it is not known whose \
                     orders it has: choose the mall",
                    malls.join(", ")
                ),
            ),
            Self::Mapping(errors) => {
                let all: Vec<String> = errors.iter().map(|error| mapping_error(error, lang)).collect();
                all.join(lang.pick("。", ". "))
            }
        }
    }
}

/// By what a file was read, where the operator did not say it, and what to do where a mall's setting was not used.
pub fn read_by_text(report: &TrackingReport, mall: impl Fn(&str) -> String, lang: Lang) -> Vec<String> {
    let names = |ids: &[String]| ids.iter().map(|id| mall(id)).collect::<Vec<_>>().join(lang.pick("、", ", "));
    let format = report
        .format
        .map(|format| lang.pick(format!("読み取った形式: {}", format.name), format!("Read as {}", format.name)));
    let by = Some(names(&report.by_setting_of)).filter(|names| !names.is_empty()).map(|names| {
        lang.pick(
            format!("モールの設定（{names}）の列の対応で読みました"),
            format!("Read by the mapping of the mall's settings ({names})"),
        )
    });
    let unused = Some(names(&report.unused_settings_of)).filter(|names| !names.is_empty()).map(|names| {
        lang.pick(
            format!(
                "モールの設定（{names}）の列の対応は使っていません（ほかのモールの注文もあるか、どのモールの注文かがわからないため）。\
                 使うには、モールを選んで取り込んでください"
            ),
            format!(
                "The mapping of the mall's settings ({names}) was not used: the file has orders of other malls too, or it is \
                 not known whose. To use it, choose the mall"
            ),
        )
    });
    format.into_iter().chain(by).chain(unused).collect()
}

/// What an order has now: carrier, number, day, what it had before, and what is strange about it. `carrier` names a
/// carrier of its provider.
pub fn entered_text(entered: &EnteredNumber, carrier: impl Fn(&str) -> String, lang: Lang) -> String {
    let shown = |of: &Tracking| format!("{} {} ({})", carrier(&of.carrier), of.number, of.shipped_on);
    let mut text = shown(&entered.tracking);
    if let Some(before) = &entered.before {
        let before = shown(before);
        text += &lang.pick(format!("、前は {before}"), format!("; before it was {before}"));
    }
    if !entered.others.is_empty() {
        let others = entered.others.join(lang.pick("、", ", "));
        text += &lang.pick(format!("、ほかの個口 {others}"), format!("; other parcels {others}"));
    }
    if let Some(doubt) = entered.doubt {
        let warning = doubt_warning(doubt, lang);
        text += &lang.pick(format!("。注意: {warning}"), format!(". Warning: {warning}"));
    }
    text
}
