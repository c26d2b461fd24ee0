//! Trying a mall's settings: the connection to the provider, the fee rule.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Restricted};
use crate::web::api::caller::{Administrator, Caller};
use crate::web::api::object::Object;
use crate::web::api::problem::{FieldError, Kind, Problem};
use axum::Json;
use axum::extract::{Path, State};
use domain::mall::Mall;
use domain::normalize::amount::MAX_YEN;
use serde::{Deserialize, Serialize};
use service::malls::{self, ConnectionError, FeeTrialError};
use service::messages::connection::connection_error;
use service::messages::localize::Localize;
use service::providers::contract;
use service::providers::plugin_contract::FieldProblem;
use utoipa::ToSchema;

async fn find(app: &App, id: &str) -> Result<Mall, Problem> {
    app.store.mall(id).await?.ok_or_else(|| Problem::no_such("mall", &id))
}

fn not_loaded(provider: &str) -> Problem {
    Problem::new(Kind::Conflict, format!("The plugin of the provider {provider} is not loaded."))
}

/// Whether the provider accepts the settings.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectionTestResult {
    works: bool,
    /// What is wrong, in the caller's language.
    words: Option<String>,
}

/// Asks the provider whether the stored settings work, without leaving a trace there.
#[utoipa::path(post, operation_id = "test_connection", path = "/v1/malls/{id}/connection-test", tag = "malls", params(("id" = String, Path), Key),
    responses((status = 200, body = ConnectionTestResult, description = "What the provider said."), Acting, Missing, Restricted))]
pub(super) async fn test(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<Json<ConnectionTestResult>, Problem> {
    let mall = find(&app, &id).await?;
    let words = match malls::test_connection(&*app.credit.providers, &mall).await {
        Ok(()) | Err(ConnectionError::NoResponse) => None,
        Err(ConnectionError::Failed(issue)) => Some(connection_error(&issue, caller.lang)),
        Err(ConnectionError::ProviderMissing(provider)) => return Err(not_loaded(&provider)),
        Err(ConnectionError::Unsupported(provider)) => {
            let words = format!("The provider {provider} has no connection test; see `capabilities`.");
            return Err(Problem::new(Kind::Conflict, words));
        }
    };
    Ok(Json(ConnectionTestResult { works: words.is_none(), words }))
}

/// Largest bill that is tried, in yen: as large as one that is imported.
const MAX_TRIAL: i64 = MAX_YEN;

/// A bill to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FeeTrialRequest {
    /// Goods and shipping, in yen.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    amount: i64,
}

/// The bill under the mall's fee rule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeeTrialResult {
    payment_fee: i64,
    billed: i64,
    /// Position of the band that applied, from 0.
    band: Option<u32>,
}

/// What the mall's fee rule would make of a bill. Changes nothing.
#[utoipa::path(post, operation_id = "try_fee", path = "/v1/malls/{id}/fee-trial", tag = "malls", params(("id" = String, Path), Key), request_body = FeeTrialRequest,
    responses((status = 200, body = FeeTrialResult, description = "What the bill would become."), Acting, Missing))]
pub(super) async fn try_fee(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Object(trial): Object<FeeTrialRequest>,
) -> Result<Json<FeeTrialResult>, Problem> {
    if !(0..=MAX_TRIAL).contains(&trial.amount) {
        return Err(Problem::new(Kind::Invalid, format!("`amount` is 0 to {MAX_TRIAL} yen.")));
    }
    let mall = find(&app, &id).await?;
    match malls::try_fee(&*app.credit.providers, &mall, trial.amount).await {
        Ok(fee) => Ok(Json(FeeTrialResult { payment_fee: fee.payment_fee, billed: fee.billed_amount, band: fee.band })),
        Err(FeeTrialError::ProviderMissing(provider)) => Err(not_loaded(&provider)),
        Err(FeeTrialError::Call(error)) => Err(Problem::failed(&error)),
        Err(FeeTrialError::Refused(problems)) => {
            let field = |problem: FieldProblem| FieldError {
                field: problem.field.clone(),
                detail: contract::field(problem).localized(caller.lang),
            };
            let fields = problems.into_iter().map(field).collect();
            Err(Problem::new(Kind::Invalid, "The fee rule does not take this bill.").with(fields))
        }
    }
}
