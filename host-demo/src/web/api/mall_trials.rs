//! Trying a mall's settings: the connection to the provider, the fee rule.

use crate::domain::issue::connection_words;
use crate::domain::mall::Mall;
use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Restricted};
use crate::web::api::caller::{Administrator, Caller};
use crate::web::api::object::Object;
use crate::web::api::problem::{FieldError, Kind, Problem};
use axum::Json;
use axum::extract::{Path, State};
use provider_host::Plugin;
use provider_host::contract::{Bill, Capability};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

async fn with_plugin(app: &App, id: &str) -> Result<(Mall, Plugin), Problem> {
    let mall = app.store.mall(id).await?.ok_or_else(|| Problem::no_such("mall", &id))?;
    let missing =
        || Problem::new(Kind::Conflict, format!("The plugin of the provider {} is not loaded.", mall.provider));
    let plugin = app.registry.get(&mall.provider).ok_or_else(missing)?;
    Ok((mall, plugin))
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
    let (mall, plugin) = with_plugin(&app, &id).await?;
    if !plugin.info().capabilities.contains(Capability::TEST_CONNECTION) {
        let words = format!("The provider {} has no connection test; see `capabilities`.", mall.provider);
        return Err(Problem::new(Kind::Conflict, words));
    }
    let answer = app.calls.test_connection(&plugin, &mall.account()).await.rows.pop();
    let words = answer.and_then(Result::err).map(|failure| connection_words(failure, caller.lang));
    Ok(Json(ConnectionTestResult { works: words.is_none(), words }))
}

/// Largest bill that is tried, in yen: as large as one that is imported.
const MAX_TRIAL: i64 = 1_000_000_000;

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
    let (mall, plugin) = with_plugin(&app, &id).await?;
    let bill = Bill { items: trial.amount, shipping_fee: 0, payment_fee: 0 };
    let tried = plugin.fee_adjust(&mall.fee_rule(), &bill).await.map_err(|error| Problem::failed(&error))?;
    tried
        .map(|fee| Json(FeeTrialResult { payment_fee: fee.payment_fee, billed: fee.billed_amount, band: fee.band }))
        .map_err(|problems| {
            let field = |problem: provider_host::contract::FieldProblem| FieldError {
                detail: crate::domain::issue::field_words(&problem.clone().into(), caller.lang),
                field: problem.field,
            };
            let fields = problems.into_iter().map(field).collect();
            Problem::new(Kind::Invalid, "The fee rule does not take this bill.").with(fields)
        })
}
