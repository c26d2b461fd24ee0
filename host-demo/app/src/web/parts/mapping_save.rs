//! Saving a mapping of a mall alone, for the pages on which it is chosen.

use crate::web::http::refusal::Refusal;
use crate::web::state::App;
use crate::web::texts::Texts;
use domain::mall::Mall;
use service::malls::{self, SaveMallError};
use store::{Actor, MallUpdate};

/// The mall with this mapping of its export.
pub(crate) fn with_mapping(mall: &Mall, mapping: &str) -> Mall {
    Mall { mapping: mapping.trim().to_owned(), ..mall.clone() }
}

/// Saves `mall` with another mapping, of which the form had `version`; what is wrong if it is not saved.
pub(crate) async fn save_mapping(
    app: &App,
    who: &str,
    mall: &Mall,
    version: i64,
    t: &Texts,
) -> Result<Result<(), String>, Refusal> {
    let update = MallUpdate { version: Some(version), by: Actor::now(who), ..MallUpdate::default() };
    let problem = match malls::save(&app.credit, mall, update).await {
        Ok(_) => return Ok(Ok(())),
        Err(SaveMallError::Changed) => t.stale_mall,
        // What is wrong is in the mall's other settings: the plugin was replaced since they were saved.
        Err(SaveMallError::Invalid(_) | SaveMallError::UnknownOutcomes(_) | SaveMallError::BacklogUnconfirmed(_)) => {
            t.mapping_other_settings
        }
        Err(SaveMallError::Store(error)) => return Err(error.into()),
        Err(error @ SaveMallError::Call(_)) => return Err(Refusal::failed(&error)),
    };
    Ok(Err(problem.to_owned()))
}
