//! Why a use case refused what it was asked.

use super::format::mangled;
use super::issue::sentence;
use super::localize::Localize;
use super::next_step::Situation;
use crate::csv::error::RowError;
use crate::import::ImportError;
use crate::results::ResultsError;
use crate::tracking::TrackingError;
use domain::credit_state::State;
use domain::issue::Issue;
use domain::lang::Lang;
use domain::normalize::tracking_number::MAX_TRACKING;

/// What is wrong, and what to do.
impl Localize for ResultsError {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::NotByCsv(mall) => lang.pick(
                format!("モール「{mall}」の与信結果はAPIで受け取る設定です。CSVで受け取るには、設定を変えてください"),
                format!("The mall {mall} gets its results through the API; change its settings to take them by CSV"),
            ),
            Self::File(problem) => problem.localized(lang),
            Self::Store(error) => error.to_string(),
        }
    }
}

/// Why the results of an order in `state` are left out of a file of results.
pub fn left_out(state: State, lang: Lang) -> String {
    RowError::JudgedByApi(state).localized(lang)
}

/// What is wrong with a tracking number, and what to do.
impl Localize for TrackingError {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::ProviderMissing(provider) => {
                let issue = Issue::ProviderMissing { provider: provider.clone() };
                sentence(&issue, &Situation::without_order(), lang)
            }
            Self::Store(error) => error.to_string(),
            Self::Carrier(problem) => sentence(problem, &Situation::entering_tracking(), lang),
            Self::Number => lang.pick(
                format!("伝票番号は、数字を含む英数字とハイフンだけで、{MAX_TRACKING}文字以内で入力してください"),
                format!(
                    "a tracking number has letters, digits and hyphens, at least one digit, {MAX_TRACKING} at most"
                ),
            ),
            Self::Mangled(number) => lang.pick(
                format!("伝票番号「{number}」は{}", mangled(lang)),
                format!("the tracking number {number} {}", mangled(lang)),
            ),
            Self::ShippedOn(first, last) => lang.pick(
                format!("出荷日は{first}から{last}までの日付にしてください"),
                format!("the shipping date must be from {first} to {last}"),
            ),
            Self::Closed(state) => {
                let state = state.localized(lang);
                lang.pick(
                    format!("{state}の注文の伝票番号は変えられません"),
                    format!("the tracking number cannot change in the state {state}"),
                )
            }
            Self::Changed => sentence(&Issue::Changed, &Situation::without_order(), lang),
        }
    }
}

/// What is wrong, and what to do; how a question is answered depends on who asks.
impl Localize for ImportError {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::File(problem) => problem.localized(lang),
            Self::ChoiceNeeded(question) => question.localized(lang),
            Self::Store(_) | Self::Fee { .. } => self.to_string(),
        }
    }
}
