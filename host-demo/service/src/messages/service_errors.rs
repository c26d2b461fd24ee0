//! Why a use case refused what it was asked.

use super::localize::Localize;
use crate::csv::error::RowError;
use crate::import::ImportError;
use crate::results::ResultsError;
use domain::credit_state::State;
use domain::lang::Lang;

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
