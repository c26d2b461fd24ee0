//! What happened, for each issue, without the provider's own message and without what to do.

use super::localize::Localize;
use domain::clock;
use domain::credit_state::{Action, State};
use domain::issue::{Issue, SendFailure};
use domain::lang::Lang;
use std::borrow::Cow;
use strum::VariantArray;

type Text = Cow<'static, str>;

/// What happened, as a clause without a full stop.
pub(super) fn happened(issue: &Issue, lang: Lang) -> Text {
    let fixed = |ja, en| Cow::Borrowed(lang.pick(ja, en));
    match issue {
        Issue::Rejected { .. } => fixed("与信に失敗しました", "The credit check failed"),
        Issue::OnHold { .. } => fixed("保留になりました", "On hold"),
        Issue::Invalid { .. } => fixed("注文の内容が受け付けられませんでした", "What was sent was refused"),
        Issue::Unauthorized { .. } => {
            fixed("店舗のIDまたは接続元が認められませんでした", "The shop's ids or its address were refused")
        }
        Issue::Already { .. } => fixed("後払い会社には、すでに同じものが届いています", "The provider has it already"),
        Issue::Refused { .. } => fixed("後払い会社に断られました", "The provider refused it"),
        Issue::NotSent { cause: SendFailure::DestinationForbidden, .. } => fixed(
            "接続先URLは、このプラグインに許可された通信先ではありません",
            "The plugin was not granted the gateway's address",
        ),
        Issue::NotSent { cause: SendFailure::CertificateName, .. } => fixed(
            "接続先のサーバー証明書が、接続先URLの名前のものではありません。何も送信していません",
            "The gateway's certificate is for another name than the URL has; nothing was sent",
        ),
        Issue::NotSent { cause: SendFailure::CertificateExpired, .. } => fixed(
            "接続先のサーバー証明書の有効期限が切れているか、まだ有効ではありません。何も送信していません",
            "The gateway's certificate has expired, or is not valid yet; nothing was sent",
        ),
        Issue::NotSent { cause: SendFailure::CertificateUntrusted, .. } => fixed(
            "接続先のサーバー証明書は、信頼できる発行者のものではありません。何も送信していません",
            "The gateway's certificate is from nobody who is trusted; nothing was sent",
        ),
        Issue::NotSent { cause: SendFailure::CertificateInvalid, .. } => fixed(
            "接続先のサーバー証明書が正しくありません。何も送信していません",
            "The gateway's certificate is not valid; nothing was sent",
        ),
        Issue::NotSent { cause: SendFailure::HandshakeFailed, .. } => fixed(
            "接続先に接続しましたが、暗号化（TLS）の開始が終わりませんでした。何も送信していません",
            "The gateway was reached, but the TLS handshake did not end; nothing was sent",
        ),
        Issue::NotSent { cause: SendFailure::ClaimTooOld, .. } => fixed(
            "送信の準備から送信までに時間がかかりすぎたため（プログラムの一時停止や、データベースの遅延など）、送信を取りやめました。\
             何も送信していません",
            "Too much time passed before it could be sent (the program was stopped for a while, or the database was \
             slow); nothing was sent",
        ),
        Issue::NotSent { .. } => fixed("後払い会社に送信できませんでした", "Nothing reached the provider"),
        Issue::Busy { wait, .. } => busy(*wait, lang),
        Issue::AnswerLost { .. } => fixed("送信しましたが、結果がわかりません", "It was sent and the answer was lost"),
        Issue::NeedsPerson { .. } => fixed(
            "後払い会社から、このプログラムの知らない結果が返りました",
            "The provider gave a result that this program does not know",
        ),
        Issue::Unsupported { .. } => fixed("この後払い会社では使えない操作です", "This provider has no such operation"),
        Issue::ProcessDied => fixed(
            "送信の途中でプログラムが終了し、結果がわかりません",
            "The program ended while the request was on its way",
        ),
        Issue::TooEarly { until, measured_anew, .. } => too_early(*until, *measured_anew, lang),
        Issue::NothingThere => {
            fixed("後払い会社に登録がないことを確かめました", "The provider has no such registration")
        }
        Issue::RefusedAndNothingThere { .. } => fixed(
            "後払い会社に登録がないことを確かめました。送った内容は受け付けられていません",
            "The provider has no such registration; it had refused what was sent",
        ),
        Issue::Vanished { transaction_id } => composed(
            lang,
            || format!("登録済みのはずの取引 {transaction_id} が、後払い会社で見つかりません"),
            || format!("The provider does not know transaction {transaction_id}, which it acknowledged before"),
        ),
        Issue::AnotherId { asked, answered } => composed(
            lang,
            || format!("取引 {asked} について尋ねましたが、{answered} の結果が返りました"),
            || format!("Asked about transaction {asked}, answered about {answered}"),
        ),
        Issue::IdTaken { transaction_id, reference } => composed(
            lang,
            || format!("取引ID {transaction_id} は、別の登録 {reference} のものです"),
            || format!("The transaction id {transaction_id} belongs to another registration, {reference}"),
        ),
        Issue::CannotAsk { reference } => composed(
            lang,
            || format!("この後払い会社には、登録番号 {reference} の結果を問い合わせる方法がありません"),
            || format!("This provider cannot be asked about reference {reference}"),
        ),
        Issue::CannotTell { action } => cannot_tell(action, lang),
        Issue::IdMissing => fixed("後払い会社の取引IDがわかりません", "The provider's transaction id is not known"),
        Issue::ProviderMissing { provider } => composed(
            lang,
            || format!("後払い会社「{provider}」のプラグインが読み込まれていません"),
            || format!("The plugin of the provider {provider} is not loaded"),
        ),
        Issue::CreditPaused { provider } => composed(
            lang,
            || format!("後払い会社「{provider}」への新しい与信は、管理者が休止しています"),
            || format!("An administrator has paused new credits at the provider {provider}"),
        ),
        Issue::ShuttingDown => fixed(
            "プログラムの終了により、この注文まで進みませんでした",
            "The program was ending before it came to this order",
        ),
        Issue::Unusable { why } => composed(
            lang,
            || format!("この注文の記録を読み書きできません（{why}）"),
            || format!("This order's record cannot be read or written ({why})"),
        ),
        Issue::NotRecorded { why } => composed(
            lang,
            || format!("後払い会社の回答を保存できませんでした（{why}）"),
            || format!("The provider's answer could not be stored ({why})"),
        ),
        Issue::TooLarge { billed, max } => composed(
            lang,
            || format!("請求額{billed}円は、この後払い会社の上限{max}円を超えています"),
            || format!("Billed {billed} yen; this provider takes at most {max}"),
        ),
        Issue::NothingToBill => fixed(
            "請求額が0円以下なので、後払いの与信は必要ありません",
            "There is nothing to bill, so the order needs no credit",
        ),
        Issue::NoEnclosedInvoice => {
            fixed("この後払い会社は請求書の同梱に対応していません", "This provider does not enclose invoices")
        }
        Issue::CarrierUnsupported { carrier, supported_ja, supported_en } => composed(
            lang,
            || format!("配送業者「{carrier}」には対応していません。使えるのは、{supported_ja}です"),
            || format!("The carrier \"{carrier}\" is not supported; these are: {supported_en}"),
        ),
        Issue::NotOffered { state, action } => not_offered(*state, action, lang),
        Issue::Changed => {
            fixed("別の人または処理がこの注文を操作しました", "Somebody else acted on this order in the meantime")
        }
        Issue::Stopped { who } => composed(
            lang,
            || format!("{who}が処理を中止しました"),
            || format!("{who} stopped the batch before it came to this order"),
        ),
        Issue::ByCsv { .. } => fixed("CSVで受け取った与信結果です", "The credit result came by CSV"),
        Issue::ResultsByCsv => fixed(
            "このモールは与信結果をCSVでやりとりする設定のため、与信を実行しません",
            "This mall takes its credit results by CSV, so no credit check is run",
        ),
        Issue::PossiblyByFile => fixed(
            "与信結果をCSVでやりとりしていた間の注文で、後払い会社にはファイルで登録済みかもしれません",
            "This order was there while results came by CSV, and may be registered by a file",
        ),
        Issue::PossibleDuplicate { mall, number } => composed(
            lang,
            || format!("モール「{mall}」の注文 {number} と同じ注文かもしれません（注文者・注文日・金額が同じです）"),
            || format!("This may be the order {number} of the mall {mall}: buyer, day and amounts are the same"),
        ),
        Issue::Recorded { note } => {
            composed(lang, || format!("担当者の記録: {note}"), || format!("Recorded by an operator: {note}"))
        }
    }
}

fn composed(lang: Lang, ja: impl FnOnce() -> String, en: impl FnOnce() -> String) -> Text {
    match lang {
        Lang::Ja => ja(),
        Lang::En => en(),
    }
    .into()
}

fn busy(wait: Option<u32>, lang: Lang) -> Text {
    match wait {
        Some(seconds) => composed(
            lang,
            || format!("後払い会社が混み合っています（{seconds}秒後に再試行可）"),
            || format!("The provider asks to wait {seconds} seconds"),
        ),
        None => lang.pick("後払い会社が混み合っています", "The provider asks to wait").into(),
    }
}

fn too_early(until: i64, measured_anew: bool, lang: Lang) -> Text {
    let at = clock::time_of_day(until);
    match measured_anew {
        true => composed(
            lang,
            || {
                format!(
                    "後払い会社にはまだ反映されていません。時計の変更か再起動のため、送信からの経過時間がわからず、\
                     いまから待ちます（{at}まで）"
                )
            },
            || {
                format!(
                    "No trace of it at the provider. A clock was set or a machine restarted, so how long ago it was \
                     sent is not known; it is waited for from now on, until {at}"
                )
            },
        ),
        false => composed(
            lang,
            || format!("後払い会社にはまだ反映されていませんが、送信中の可能性があります（{at}まで）"),
            || format!("No trace of it at the provider, but it can still be on its way: wait until {at}"),
        ),
    }
}

fn cannot_tell(action: &str, lang: Lang) -> Text {
    let action = action_label(action, lang);
    composed(
        lang,
        || format!("この後払い会社の与信結果からは、「{action}」が届いたかどうかわかりません"),
        || format!("This provider's verdict does not tell whether \"{action}\" arrived"),
    )
}

fn not_offered(state: State, action: &str, lang: Lang) -> Text {
    let (state, action) = (state.localized(lang), action_label(action, lang));
    composed(
        lang,
        || format!("{state}の注文では「{action}」はできません"),
        || format!("\"{action}\" is not offered in the state {state}"),
    )
}

/// The label of a stored action; one that another version wrote is shown as it is.
fn action_label(action: &str, lang: Lang) -> &str {
    let known = Action::VARIANTS.iter().find(|known| known.to_string() == action);
    known.map_or(action, |known| known.localized(lang))
}
