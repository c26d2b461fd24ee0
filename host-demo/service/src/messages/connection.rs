//! How a connection test failed.

use super::issue::provider_message;
use super::localize::Localize;
use domain::issue::{Issue, SendFailure};
use domain::lang::Lang;

/// What a failed connection test means, and what to do. Nothing was asked for, so nothing is in doubt.
pub fn connection_error(issue: &Issue, lang: Lang) -> String {
    match issue {
        Issue::Unsupported { .. } => {
            lang.pick("この後払い会社には接続テストがありません", "This provider has no connection test").to_owned()
        }
        Issue::Unauthorized { .. } | Issue::NotSent { cause: SendFailure::DestinationForbidden, .. } => {
            issue.localized(lang)
        }
        other => {
            let message = provider_message(other, lang);
            lang.pick(
                format!("接続できませんでした。「{message}」"),
                format!("The connection does not work: \"{message}\""),
            )
        }
    }
}
