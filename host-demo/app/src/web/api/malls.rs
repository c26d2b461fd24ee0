//! Malls: settings, fees, automation.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading, Restricted};
use crate::web::api::caller::Administrator;
use crate::web::api::object::Object;
use crate::web::api::problem::{FieldError, Kind, Problem};
use crate::web::api::schemas::mall::{FeeRules, HeldOrders, MallAutomation, OrderSelection};
use crate::web::api::schemas::order::InvoiceDelivery;
use crate::web::parts::mall_problems::own_problems;
use axum::Json;
use axum::extract::{Path, State};
use domain::lang::Lang;
use domain::mall::{self, ROWS_PER_REQUEST};
use domain::settings::Settings;
use provider_host::Plugin;
use provider_host::contract::{ProviderInfo, SettingKind};
use serde::{Deserialize, Serialize};
use service::malls::{self, MallProblems, SaveMallError};
use service::messages::localize::Localize;
use std::collections::BTreeMap;
use store::{self, AccountChange, Actor, MallWithSettings, OnBacklog};
use utoipa::ToSchema;

/// A mall, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Mall {
    id: String,
    name: String,
    provider: String,
    /// The provider's settings by key, except secrets.
    settings: BTreeMap<String, String>,
    /// Keys of the secrets that are stored.
    secrets: Vec<String>,
    fees: FeeRules,
    invoice: InvoiceDelivery,
    automation: MallAutomation,
    /// How the mall's CSV is read: a mapping in TOML. Empty: the CSV has our own headings.
    mapping: String,
    /// How files of tracking numbers of its orders are read: a mapping in TOML. Empty: by their headings.
    tracking_mapping: String,
    /// Which orders of the mall's CSV are taken: a column, the values there.
    take: OrderSelection,
    /// Credit results come by CSV.
    by_csv: bool,
    /// Most orders in one request to the provider.
    rows_per_request: u32,
    /// To be named in every change.
    version: i64,
}

impl Mall {
    /// Where the plugin is not there to say what is secret, everything is.
    fn new(mall: mall::Mall, plugin: Option<&Plugin>) -> Self {
        let (mall, settings) = mall.into_summary();
        let (settings, secrets): (BTreeMap<_, _>, BTreeMap<_, _>) =
            settings.into_iter().partition(|(key, _)| plugin.is_some_and(|plugin| is_open(plugin, key)));
        Self::from(MallWithSettings { mall, settings, unread: secrets.into_keys().collect() })
    }
}

impl From<MallWithSettings> for Mall {
    fn from(MallWithSettings { mall, settings, unread }: MallWithSettings) -> Self {
        Self {
            id: mall.id,
            name: mall.name,
            provider: mall.provider,
            settings: settings.into_iter().map(|(key, value)| (key, value.expose().to_owned())).collect(),
            secrets: unread,
            fees: mall.fees.into(),
            invoice: mall.invoice.into(),
            automation: mall.automation.into(),
            mapping: mall.mapping,
            tracking_mapping: mall.tracking_mapping,
            take: mall.take.into(),
            by_csv: mall.by_csv,
            rows_per_request: mall.rows_per_request,
            version: mall.version,
        }
    }
}

fn secret_keys(info: &ProviderInfo) -> impl Iterator<Item = &String> {
    info.settings.iter().filter(|field| matches!(field.kind, SettingKind::Secret)).map(|field| &field.key)
}

/// Whether the setting `key` is no secret.
fn is_open(plugin: &Plugin, key: &str) -> bool {
    !secret_keys(plugin.info()).any(|secret| secret == key)
}

fn shown(app: &App, mall: mall::Mall) -> Mall {
    let plugin = app.registry.get(&mall.provider);
    Mall::new(mall, plugin.as_ref())
}

/// All malls.
#[utoipa::path(get, operation_id = "list_malls", path = "/v1/malls", tag = "malls",
    responses((status = 200, body = Vec<Mall>, description = "The malls."), Reading, Restricted))]
pub(super) async fn list(State(app): State<App>, _: Administrator) -> Result<Json<Vec<Mall>>, Problem> {
    let plugins = app.registry.all();
    let plugin = |provider: &str| plugins.iter().find(|plugin| plugin.info().id == provider);
    let is_open = |provider: &str, key: &str| plugin(provider).is_some_and(|plugin| is_open(plugin, key));
    Ok(Json(app.store.malls_with_settings(is_open).await?.into_iter().map(Mall::from).collect()))
}

/// One mall.
#[utoipa::path(get, operation_id = "mall", path = "/v1/malls/{id}", tag = "malls", params(("id" = String, Path)),
    responses((status = 200, body = Mall, description = "The mall."), Reading, Missing, Restricted))]
pub(super) async fn one(
    State(app): State<App>,
    _: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Mall>, Problem> {
    let mall = app.store.mall(&id).await?.ok_or_else(|| Problem::no_such("mall", &id))?;
    Ok(Json(shown(&app, mall)))
}

/// A mall as it is to be, whole: what is left out is what it is for a new mall, but for secrets.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MallUpdate {
    #[schema(min_length = 1, max_length = 64, pattern = "^[^\\x00-\\x1f]+$")]
    name: String,
    provider: String,
    /// A secret that is left out stays what it is.
    settings: BTreeMap<String, String>,
    /// Left out: 変更しない.
    #[serde(default)]
    fees: FeeRules,
    /// Left out: 別送.
    #[serde(default)]
    invoice: InvoiceDelivery,
    /// Left out: verdicts are asked for, nothing else happens by itself.
    #[serde(default)]
    automation: MallAutomation,
    /// How the mall's CSV is read: a mapping in TOML, or a preset with `preset = "NAME"` and what differs from it. Left
    /// out: the CSV has our own headings.
    #[serde(default)]
    #[schema(max_length = 65_536)]
    mapping: String,
    /// How files of tracking numbers of its orders are read: a mapping in TOML, or one of `GET /v1/tracking-formats` with
    /// `preset = "ID"` and what differs from it. Left out: by their headings.
    #[serde(default)]
    #[schema(max_length = 65_536)]
    tracking_mapping: String,
    /// Which orders of the mall's CSV are taken: a column that tells payment method, status or the like, and the values
    /// there that are taken. Left out: an import with such a column asks.
    #[serde(default)]
    take: OrderSelection,
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
    waiting: WaitingOrders,
}

/// What becomes of orders that wait when a mall's automation is switched on or widened.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WaitingOrders {
    /// They are left to an operator; the automation begins with orders to come.
    #[default]
    Hold,
    /// They all go out at once, with those that were left to an operator before.
    Send,
}

/// A mall as it was saved.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SavedMall {
    #[serde(flatten)]
    mall: Mall,
    /// Orders that the automation leaves to an operator because they were waiting when it was switched on.
    held: HeldOrders,
}

fn usual_rows() -> u32 {
    ROWS_PER_REQUEST
}

impl MallUpdate {
    fn mall(self, id: &str, before: Option<&mall::Mall>, plugin: Option<&Plugin>) -> mall::Mall {
        let kept = before.filter(|before| before.provider == self.provider);
        let mut settings: Settings = self.settings.into_iter().map(|(key, value)| (key, value.into())).collect();
        for key in plugin.iter().flat_map(|plugin| secret_keys(plugin.info())) {
            if let Some(stored) = kept.and_then(|kept| kept.settings.get(key)) {
                settings.entry(key.clone()).or_insert_with(|| stored.clone());
            }
        }
        mall::Mall {
            id: id.to_owned(),
            name: self.name,
            provider: self.provider,
            settings,
            fees: self.fees.into(),
            invoice: self.invoice.into(),
            automation: self.automation.into(),
            mapping: self.mapping,
            tracking_mapping: self.tracking_mapping,
            take: self.take.into(),
            by_csv: self.by_csv,
            rows_per_request: self.rows_per_request,
            account: 0,
            version: self.version,
        }
    }
}

/// Everything that is wrong with a mall, as members of the body.
fn fields(found: &MallProblems, lang: Lang) -> Vec<FieldError> {
    let member = |(field, detail): (String, String)| match field.starts_with("settings.") {
        true => FieldError { field, detail },
        false => FieldError { field: field.replace('-', "_"), detail },
    };
    let own = own_problems(found, lang).into_iter().map(member);
    let of_provider = found.of_provider.iter().flatten();
    let of_provider =
        of_provider.map(|problem| FieldError { field: problem.key.clone(), detail: problem.localized(lang) });
    own.chain(of_provider).collect()
}

/// Saves a mall, new or changed.
#[utoipa::path(put, operation_id = "put_mall", path = "/v1/malls/{id}", tag = "malls", params(("id" = String, Path), Key), request_body = MallUpdate,
    responses((status = 200, body = SavedMall, description = "The mall."), Acting, Restricted))]
pub(super) async fn put(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
    Object(wanted): Object<MallUpdate>,
) -> Result<Json<SavedMall>, Problem> {
    let before = app.store.mall(&id).await?;
    let plugin = app.registry.get(&wanted.provider);
    let account = if wanted.another_account { AccountChange::Replaced } else { AccountChange::Corrected };
    let backlog = match wanted.waiting {
        WaitingOrders::Hold => OnBacklog::Hold,
        WaitingOrders::Send => OnBacklog::Send(None),
    };
    let mall = wanted.mall(&id, before.as_ref(), plugin.as_ref());
    let update = store::MallUpdate { account, version: Some(mall.version), backlog, by: Actor::now(&caller.name) };
    let held = match malls::save(&app.credit, &mall, update).await {
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
    Ok(Json(SavedMall { held: held.into(), mall: shown(&app, mall) }))
}
