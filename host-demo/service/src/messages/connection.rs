//! How a connection test failed.

use super::issue::{provider_message, sentence};
use super::localize::Localize;
use super::next_step::Situation;
use domain::issue::{Issue, ProviderMessage, SendFailure};
use domain::lang::Lang;

/// What a failed connection test means, and what to do. Nothing was asked for, so nothing is in doubt.
pub fn connection_error(issue: &Issue, lang: Lang) -> String {
    match issue {
        Issue::Unsupported { .. } => {
            lang.pick("この後払い会社には接続テストがありません", "This provider has no connection test").to_owned()
        }
        Issue::Invalid { fields } => {
            let wrong: Vec<_> = fields.iter().map(|field| field.localized(lang)).collect();
            lang.pick(
                format!("モールの設定を直してください。{}", wrong.join(" / ")),
                format!("Correct the mall's settings: {}", wrong.join(" / ")),
            )
        }
        Issue::Unauthorized { .. } => sentence(issue, &Situation::without_order(), lang),
        Issue::NotSent { cause, .. } if *cause == SendFailure::DestinationForbidden || cause.is_of_tls() => {
            sentence(issue, &Situation::without_order(), lang)
        }
        Issue::AnswerLost { said } if http_status(said).is_some() => {
            let status = http_status(said).unwrap_or_default();
            lang.pick(
                format!(
                    "接続先がHTTP {status}を返しました。モールの接続先URLを確かめてください。正しければ、後払い会社に\
                     お問い合わせください"
                ),
                format!("The gateway answered HTTP {status}. Check the mall's URL; if it is right, ask the provider"),
            )
        }
        other => {
            let message = provider_message(other, lang);
            let url = lang.pick(
                "モールの接続先URLを確かめ、しばらくしてからもう一度お試しください",
                "Check the mall's URL, and try again later",
            );
            lang.pick(
                format!("接続できませんでした。「{message}」{url}"),
                format!("The connection does not work: \"{message}\". {url}"),
            )
        }
    }
}

/// The HTTP status in which a gateway did not speak for itself.
fn http_status(said: &ProviderMessage) -> Option<u16> {
    said.code.as_deref()?.strip_prefix(HTTP_CODE)?.parse().ok()
}

/// The beginning of the code that plugins built on the SDK have for such a status.
const HTTP_CODE: &str = "http-";
