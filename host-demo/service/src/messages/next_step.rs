//! What to do about an issue: a step that the order's state really offers.

use domain::issue::{Issue, SendFailure};
use domain::lang::Lang;

const CHECK: Step = ("[与信結果確認]で確かめてください。", "Check the result.");
const CHECK_FIRST: Step = ("[与信結果確認]で確かめてください。", "Check the result before anything else.");
const LOOK_IT_UP: Step = ("後払い会社の管理画面で確かめてください。", "Look it up on the provider's own page.");
const NOTHING_SENT: Step = ("何も送信していません。", "Nothing was sent.");
const NONE: Step = ("", "");

/// A step in Japanese and English.
type Step = (&'static str, &'static str);

/// What to do about `issue`; empty where there is nothing to do.
pub(super) fn next_step(issue: &Issue, lang: Lang) -> &'static str {
    let (ja, en) = step(issue);
    lang.pick(ja, en)
}

const fn step(issue: &Issue) -> Step {
    match issue {
        Issue::Rejected { .. } => (
            "別のお支払い方法を案内するか、もう一度[与信を実行]できます。",
            "Offer another way to pay, or run the credit check again.",
        ),
        Issue::OnHold { .. } => (
            "後払い会社の管理画面で注文内容を直し、[与信結果確認]を押してください。",
            "Correct the order on the provider's own page, then check the result.",
        ),
        Issue::Invalid { .. } => (
            "直した内容をCSVで取り込み（取り込み済みの注文も更新）、もう一度実行してください。",
            "Import it corrected, with updates on, and try again.",
        ),
        Issue::Unauthorized { .. } => (
            "モールの設定を確かめ、正しければ後払い会社にお問い合わせください。",
            "Check the mall's settings; if they are right, ask the provider.",
        ),
        Issue::Refused { .. } => {
            ("[与信結果確認]で今の状態を確かめてください。", "Check the result to see where it stands.")
        }
        Issue::NotSent { cause: SendFailure::DestinationForbidden, .. } => (
            "何も送信していません。モールの接続先URLか、プラグインの許可ファイルを直してください。",
            "Nothing was sent. Correct the mall's URL or the plugin's permission file.",
        ),
        Issue::NotSent { .. } => {
            ("何も登録されていません。もう一度実行してください。", "Nothing was recorded there. Try again.")
        }
        Issue::Busy { .. } => ("しばらく待ってからもう一度実行してください。", "Wait, then try again."),
        Issue::Already { .. } | Issue::NotRecorded { .. } => CHECK,
        Issue::AnswerLost { .. } | Issue::ProcessDied => CHECK_FIRST,
        Issue::NeedsPerson { .. } => (
            "後払い会社の管理画面で確かめ、[与信結果確認]か[結果を記録]をしてください。",
            "Look it up on the provider's own page, then check again or record what you found.",
        ),
        Issue::Unsupported { .. } => ("後払い会社の管理画面で行ってください。", "Do it on the provider's own page."),
        Issue::TooEarly { by_operator: true, .. } => (
            "まだ記録していません。その時刻を過ぎてから後払い会社の管理画面で確かめ、もう一度記録してください。",
            "Nothing was recorded. Look it up at the provider after that, and record it again.",
        ),
        Issue::TooEarly { by_operator: false, .. } => {
            ("その時刻を過ぎてから[与信結果確認]を押してください。", "Check the result after that.")
        }
        Issue::NothingThere => ("もう一度[与信を実行]できます。", "Run the credit check again."),
        Issue::RefusedAndNothingThere { .. } => (
            "注文の内容か店舗の設定を直してから、もう一度[与信を実行]できます。",
            "Correct the order or the shop's settings, then run the credit check again.",
        ),
        Issue::Vanished { .. } => ("後払い会社にお問い合わせください。", "Ask the provider."),
        Issue::AnotherId { .. } | Issue::IdTaken { .. } => LOOK_IT_UP,
        Issue::CannotAsk { .. } => (
            "後払い会社の管理画面で確かめ、[結果を記録]をしてください。",
            "Look it up on the provider's own page and record what you found.",
        ),
        Issue::CannotTell { .. } => (
            "もう一度同じ操作をするか、後払い会社の管理画面で確かめて[結果を記録]をしてください。",
            "Do it once more, or look it up on the provider's own page and record what you found.",
        ),
        Issue::IdMissing => {
            ("管理画面にある取引IDを添えて記録してください。", "Record it with the id that its page shows.")
        }
        Issue::ProviderMissing { .. } => (
            "管理者にプラグインの読み込みを依頼してください。何も送信していません。",
            "Ask an administrator to load it. Nothing was sent.",
        ),
        Issue::ShuttingDown => (
            "何も送信していません。起動してから、もう一度実行してください。",
            "Nothing was sent. Try again when it runs.",
        ),
        Issue::Unusable { .. } => (
            "何も送信していません。注文のCSVを取り込み直し、直らなければ管理者に知らせてください。",
            "Nothing was sent. Import the order's CSV again with updates on; if that does not help, tell an administrator.",
        ),
        Issue::TooLarge { .. } => (
            "別のお支払い方法を案内してください。何も送信していません。",
            "Offer another way to pay. Nothing was sent.",
        ),
        Issue::NothingToBill => {
            ("与信せずに出荷できます。何も送信していません。", "It can be shipped without one. Nothing was sent.")
        }
        Issue::NoEnclosedInvoice => {
            ("請求書を別送にしてください。何も送信していません。", "Choose a separate invoice. Nothing was sent.")
        }
        Issue::CarrierUnsupported { .. } => {
            ("配送業者を選び直してください。何も送信していません。", "Choose another. Nothing was sent.")
        }
        Issue::NotOffered { .. } | Issue::Stopped { .. } => NOTHING_SENT,
        Issue::Changed => ("今の状態を確かめてください。", "Look at where it stands now."),
        Issue::ByCsv { .. } => {
            ("直すときは、与信結果のCSVをもう一度取り込んでください。", "To change it, import a result again.")
        }
        Issue::ResultsByCsv => (
            "何も送信していません。与信結果のCSVを取り込んでください。APIで与信するには、モールの設定を変えてください。",
            "Nothing was sent. Import the results; to use the API, change the mall's settings.",
        ),
        Issue::Recorded { .. } => NONE,
    }
}
