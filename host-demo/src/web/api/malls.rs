//! Malls: settings, fees, automation.

use crate::domain::issue::{Lang, connection_words};
use crate::domain::mall::{Automation, Fees, Mall, ROWS_PER_REQUEST};
use crate::domain::order::Invoice;
use crate::service::csv::selection::Takes;
use crate::service::malls::{self, ConnectionError, FeeTrialError, MallProblems, SaveMallError};
use crate::store::{AccountChange, Actor, Backlog, MallUpdate, OnBacklog};
use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading, Restricted};
use crate::web::api::caller::{Administrator, Caller};
use crate::web::api::object::Object;
use crate::web::api::problem::{FieldProblem, Kind, Problem};
use crate::web::pages::mall::own_problems;
use axum::Json;
use axum::extract::{Path, State};
use provider_host::Plugin;
use provider_host::contract::{ProviderInfo, SettingKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A mall, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct Shown {
    id: String,
    name: String,
    provider: String,
    /// The provider's settings by key, except secrets.
    settings: BTreeMap<String, String>,
    /// Keys of the secrets that are stored.
    secrets: Vec<String>,
    fees: Fees,
    invoice: Invoice,
    automation: Automation,
    /// What the mall's CSV calls columns that have another name there: ours, theirs.
    headings: BTreeMap<String, String>,
    /// Which orders of the mall's CSV are taken: a column, the values there.
    take: Takes,
    /// Credit results come by CSV.
    by_csv: bool,
    /// Most orders in one request to the provider.
    rows_per_request: u32,
    /// To be named in every change.
    version: i64,
}

impl Shown {
    /// Where the plugin is not there to say what is secret, everything is.
    fn new(mall: Mall, plugin: Option<&Plugin>) -> Self {
        let is_open =
            |key: &String| plugin.is_some_and(|plugin| !secret_keys(plugin.info()).any(|secret| secret == key));
        let (settings, secrets): (BTreeMap<_, _>, BTreeMap<_, _>) =
            mall.settings.into_iter().partition(|(key, _)| is_open(key));
        Shown {
            id: mall.id,
            name: mall.name,
            provider: mall.provider,
            settings,
            secrets: secrets.into_keys().collect(),
            fees: mall.fees,
            invoice: mall.invoice,
            automation: mall.automation,
            headings: mall.headings,
            take: mall.take,
            by_csv: mall.by_csv,
            rows_per_request: mall.rows_per_request,
            version: mall.version,
        }
    }
}

fn secret_keys(info: &ProviderInfo) -> impl Iterator<Item = &String> {
    info.settings.iter().filter(|field| matches!(field.kind, SettingKind::Secret)).map(|field| &field.key)
}

fn shown(app: &App, mall: Mall) -> Shown {
    let plugin = app.registry.get(&mall.provider);
    Shown::new(mall, plugin.as_ref())
}

/// All malls.
#[utoipa::path(get, operation_id = "list_malls", path = "/v1/malls", tag = "malls",
    responses((status = 200, body = Vec<Shown>, description = "The malls."), Reading, Restricted))]
pub async fn list(State(app): State<App>, _: Administrator) -> Result<Json<Vec<Shown>>, Problem> {
    Ok(Json(app.store.malls().await?.into_iter().map(|mall| shown(&app, mall)).collect()))
}

/// One mall.
#[utoipa::path(get, operation_id = "mall", path = "/v1/malls/{id}", tag = "malls", params(("id" = String, Path)),
    responses((status = 200, body = Shown, description = "The mall."), Reading, Missing, Restricted))]
pub async fn one(State(app): State<App>, _: Administrator, Path(id): Path<String>) -> Result<Json<Shown>, Problem> {
    let mall = app.store.mall(&id).await?.ok_or_else(|| Problem::no_such("mall", &id))?;
    Ok(Json(shown(&app, mall)))
}

/// A mall as it is to be, whole: what is left out is what it is for a new mall, but for secrets.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[schema(min_length = 1, max_length = 64, pattern = "^[^\\x00-\\x1f]+$")]
    name: String,
    provider: String,
    /// A secret that is left out stays what it is.
    settings: BTreeMap<String, String>,
    /// Left out: 変更しない.
    #[serde(default)]
    fees: Fees,
    /// Left out: 別送.
    #[serde(default)]
    invoice: Invoice,
    /// Left out: verdicts are asked for, nothing else happens by itself.
    #[serde(default)]
    automation: Automation,
    /// What the mall's CSV calls columns that have another name there: ours, theirs. Left out: none.
    #[serde(default)]
    headings: BTreeMap<String, String>,
    /// Which orders of the mall's CSV are taken: a column that tells payment method, status or the like, and the values
    /// there that are taken. Left out: an import with such a column asks.
    #[serde(default)]
    take: Takes,
    #[serde(default)]
    by_csv: bool,
    /// Most orders in one request to the provider: if its answer is lost, all of them are of unknown outcome.
    #[serde(default = "usual_rows")]
    #[schema(minimum = 1, maximum = 1000)]
    rows_per_request: u32,
    /// The version that it is made from; 0 for a new mall.
    version: i64,
    /// Other settings mean another account at the provider: registered orders stay with the old one.
    #[serde(default)]
    another_account: bool,
    /// What becomes of orders that wait, where the automation would now begin with them.
    #[serde(default)]
    waiting: OnWaiting,
}

/// What becomes of orders that wait when a mall's automation is switched on or widened.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnWaiting {
    /// They are left to an operator; the automation begins with orders to come.
    #[default]
    Hold,
    /// They all go out at once, with those that were left to an operator before.
    Send,
}

/// A mall as it was saved.
#[derive(Debug, Serialize, ToSchema)]
pub struct Kept {
    #[serde(flatten)]
    mall: Shown,
    /// Orders that the automation leaves to an operator because they were waiting when it was switched on.
    held: Backlog,
}

fn usual_rows() -> u32 {
    ROWS_PER_REQUEST
}

impl Wanted {
    fn mall(self, id: &str, before: Option<&Mall>, plugin: Option<&Plugin>) -> Mall {
        let kept = before.filter(|before| before.provider == self.provider);
        let mut settings = self.settings;
        for key in plugin.iter().flat_map(|plugin| secret_keys(plugin.info())) {
            if let Some(stored) = kept.and_then(|kept| kept.settings.get(key)) {
                settings.entry(key.clone()).or_insert_with(|| stored.clone());
            }
        }
        Mall {
            id: id.to_owned(),
            name: self.name,
            provider: self.provider,
            settings,
            fees: self.fees,
            invoice: self.invoice,
            automation: self.automation,
            headings: self.headings,
            take: self.take,
            by_csv: self.by_csv,
            rows_per_request: self.rows_per_request,
            account: 0,
            version: self.version,
        }
    }
}

/// Everything that is wrong with a mall, as members of the body.
fn fields(found: &MallProblems, lang: Lang) -> Vec<FieldProblem> {
    let member = |(field, detail): (String, String)| match field.starts_with("settings.") {
        true => FieldProblem { field, detail },
        false => FieldProblem { field: field.replace('-', "_"), detail },
    };
    let own = own_problems(found, lang).into_iter().map(member);
    let of_provider = found.of_provider.iter().flatten();
    let of_provider =
        of_provider.map(|problem| FieldProblem { field: problem.key.clone(), detail: problem.words(lang) });
    own.chain(of_provider).collect()
}

/// Saves a mall, new or changed.
#[utoipa::path(put, operation_id = "put_mall", path = "/v1/malls/{id}", tag = "malls", params(("id" = String, Path), Key), request_body = Wanted,
    responses((status = 200, body = Kept, description = "The mall."), Acting, Restricted))]
pub async fn put(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
    Object(wanted): Object<Wanted>,
) -> Result<Json<Kept>, Problem> {
    let before = app.store.mall(&id).await?;
    let plugin = app.registry.get(&wanted.provider);
    let keep = if wanted.another_account { AccountChange::Orders } else { AccountChange::Account };
    let backlog = match wanted.waiting {
        OnWaiting::Hold => OnBacklog::Hold,
        OnWaiting::Send => OnBacklog::Send(None),
    };
    let mall = wanted.mall(&id, before.as_ref(), plugin.as_ref());
    let update = MallUpdate { keep, version: Some(mall.version), backlog, by: Actor::now(&caller.name) };
    let held = match malls::save(&app.desk, &mall, update).await {
        Ok(saved) => saved.held,
        Err(SaveMallError::Invalid(found)) => {
            let fields = fields(&found, caller.lang);
            return Err(Problem::new(Kind::Invalid, "Nothing was saved; see `fields`.").with(fields));
        }
        Err(SaveMallError::UnknownOutcomes(numbers)) => {
            let words = format!("Nothing was saved: the outcome of these orders is unknown: {}.", numbers.join(", "));
            return Err(Problem::new(Kind::Conflict, words));
        }
        // Nothing is asked here: the body says it.
        Err(SaveMallError::BacklogUnconfirmed(_) | SaveMallError::Changed) => {
            return Err(Problem::new(Kind::StaleVersion, "Nothing was saved: the mall has another version."));
        }
        Err(SaveMallError::Call(error)) => return Err(Problem::failed(&error)),
        Err(SaveMallError::Store(error)) => return Err(error.into()),
    };
    app.wake.notify_one();
    let mall = app.store.mall(&id).await?.ok_or_else(|| Problem::no_such("mall", &id))?;
    Ok(Json(Kept { held, mall: shown(&app, mall) }))
}

async fn find(app: &App, id: &str) -> Result<Mall, Problem> {
    app.store.mall(id).await?.ok_or_else(|| Problem::no_such("mall", &id))
}

fn not_loaded(provider: &str) -> Problem {
    Problem::new(Kind::Conflict, format!("The plugin of the provider {provider} is not loaded."))
}

/// Whether the provider accepts the settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tested {
    works: bool,
    /// What is wrong, in the caller's language.
    words: Option<String>,
}

/// Asks the provider whether the stored settings work, without leaving a trace there.
#[utoipa::path(post, operation_id = "test_connection", path = "/v1/malls/{id}/connection-test", tag = "malls", params(("id" = String, Path), Key),
    responses((status = 200, body = Tested, description = "What the provider said."), Acting, Missing, Restricted))]
pub async fn test(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<Json<Tested>, Problem> {
    let mall = find(&app, &id).await?;
    let words = match malls::test_connection(&*app.desk.providers, &mall).await {
        Ok(()) | Err(ConnectionError::NoResponse) => None,
        Err(ConnectionError::Failed(failure)) => Some(connection_words(failure, caller.lang)),
        Err(ConnectionError::ProviderMissing(provider)) => return Err(not_loaded(&provider)),
        Err(ConnectionError::Unsupported(provider)) => {
            let words = format!("The provider {provider} has no connection test; see `capabilities`.");
            return Err(Problem::new(Kind::Conflict, words));
        }
    };
    Ok(Json(Tested { works: words.is_none(), words }))
}

/// Largest bill that is tried, in yen: as large as one that is imported.
const MAX_TRIAL: i64 = 1_000_000_000;

/// A bill to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Goods and shipping, in yen.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    amount: i64,
}

/// What it would become.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tried {
    payment_fee: i64,
    billed: i64,
    /// Position of the band that applied, from 0.
    band: Option<u32>,
}

/// What the mall's fee rule would make of a bill. Changes nothing.
#[utoipa::path(post, operation_id = "try_fee", path = "/v1/malls/{id}/fee-trial", tag = "malls", params(("id" = String, Path), Key), request_body = Trial,
    responses((status = 200, body = Tried, description = "What the bill would become."), Acting, Missing))]
pub async fn try_fee(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Object(trial): Object<Trial>,
) -> Result<Json<Tried>, Problem> {
    if !(0..=MAX_TRIAL).contains(&trial.amount) {
        return Err(Problem::new(Kind::Invalid, format!("`amount` is 0 to {MAX_TRIAL} yen.")));
    }
    let mall = find(&app, &id).await?;
    match malls::try_fee(&*app.desk.providers, &mall, trial.amount).await {
        Ok(fee) => Ok(Json(Tried { payment_fee: fee.payment_fee, billed: fee.billed_amount, band: fee.band })),
        Err(FeeTrialError::ProviderMissing(provider)) => Err(not_loaded(&provider)),
        Err(FeeTrialError::Call(error)) => Err(Problem::failed(&error)),
        Err(FeeTrialError::Refused(problems)) => {
            let field = |problem: provider_host::contract::FieldProblem| FieldProblem {
                detail: crate::domain::issue::field_words(&problem.clone().into(), caller.lang),
                field: problem.field,
            };
            let fields = problems.into_iter().map(field).collect();
            Err(Problem::new(Kind::Invalid, "The fee rule does not take this bill.").with(fields))
        }
    }
}
