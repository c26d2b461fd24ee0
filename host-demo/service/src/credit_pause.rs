//! Pausing new credits at a provider: one use case for the page, the API and the command line.

use crate::messages::localize::Localize;
use crate::providers::is_control;
use domain::actor::Actor;
use domain::lang::Lang;
use store::{Store, StoreError};

/// Longest reason, in characters: it stands in one line of a page.
pub const MAX_REASON: usize = 200;

/// Credits were not paused or resumed.
#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    /// No plugin and no mall has this provider.
    #[error("there is no provider {0}")]
    NoProvider(String),
    /// A reason has 1 to [`MAX_REASON`] characters, in one line.
    #[error("a reason has 1 to {MAX_REASON} characters, in one line")]
    Reason,
    /// They were paused already.
    #[error("credits at {0} are paused already")]
    Paused(String),
    /// They were not paused.
    #[error("credits at {0} are not paused")]
    NotPaused(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Pauses new credits at `provider`, of the `loaded` providers or one of a mall. Calls that have begun come to their
/// end; checks, cancels and tracking numbers go on.
///
/// # Errors
/// See [`PauseError`]; nothing is changed then.
pub async fn pause(
    store: &Store,
    loaded: &[String],
    provider: &str,
    reason: &str,
    by: Actor<'_>,
) -> Result<(), PauseError> {
    let malls = store.mall_summaries().await?;
    if loaded.iter().all(|id| id != provider) && malls.iter().all(|mall| mall.provider != provider) {
        return Err(PauseError::NoProvider(provider.to_owned()));
    }
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON || reason.contains(is_control) {
        return Err(PauseError::Reason);
    }
    match store.pause_credit(provider, reason, by).await? {
        true => Ok(()),
        false => Err(PauseError::Paused(provider.to_owned())),
    }
}

/// Lets new credits go to `provider` again.
///
/// # Errors
/// [`PauseError::NotPaused`] where they were not paused.
pub async fn resume(store: &Store, provider: &str, by: Actor<'_>) -> Result<(), PauseError> {
    match store.resume_credit(provider, by).await? {
        true => Ok(()),
        false => Err(PauseError::NotPaused(provider.to_owned())),
    }
}

impl Localize for PauseError {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::NoProvider(id) => {
                lang.pick(format!("後払い会社「{id}」はありません。"), format!("There is no provider {id}."))
            }
            Self::Reason => lang.pick(
                format!("理由を1行、{MAX_REASON}文字以内で入力してください。"),
                format!("Give a reason of at most {MAX_REASON} characters, in one line."),
            ),
            Self::Paused(id) => lang.pick(
                format!("後払い会社「{id}」への与信は、すでに休止しています。"),
                format!("Credits at the provider {id} are paused already."),
            ),
            Self::NotPaused(id) => lang.pick(
                format!("後払い会社「{id}」への与信は、休止していません。"),
                format!("Credits at the provider {id} are not paused."),
            ),
            Self::Store(error) => error.to_string(),
        }
    }
}
