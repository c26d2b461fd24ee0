//! Providers: what is loaded, and loading another component.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading, Restricted};
use crate::web::api::caller::Administrator;
use crate::web::api::object::Object;
use crate::web::api::problem::{Kind, Problem, RequiredConfirmation};
use crate::web::api::schemas::administration::ProviderChange;
use axum::Json;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use provider_host::contract::{BatchLimits, Carrier, SettingField, SettingKind};
use provider_host::{Plugin, VerifiedSignature};
use serde::{Deserialize, Serialize};
use service::credit_pause::{self, PauseError};
use service::plugins::{Confirmed, Files, InstallError, LoadOutcome};
use service::providers::capabilities::{abilities, imports, kind_name};
use store::{Actor, Breaker, BreakerState};
use utoipa::ToSchema;

/// A loaded plugin.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Provider {
    id: String,
    name_ja: String,
    name_en: String,
    version: String,
    /// Hex SHA-256 of the component.
    sha256: String,
    size: u64,
    /// Who signed the component, where its permissions demand a signature.
    signature: Option<ProviderSignature>,
    imports: ProviderImports,
    /// Core instances that each call makes.
    core_instances: u64,
    /// Memories that are not empty in each call.
    memories: u64,
    batch_limits: ProviderBatchLimits,
    origins: Vec<String>,
    private_addresses: Vec<String>,
    /// What a mall has to be given for it.
    settings: Vec<ProviderSetting>,
    /// 配送業者 that it reports.
    carriers: Vec<ProviderCarrier>,
    /// What it can do beyond crediting.
    capabilities: Vec<&'static str>,
    /// Largest bill that it takes, in yen.
    max_billed_amount: Option<i64>,
    breaker: CircuitBreaker,
    /// Present while new credits are paused.
    credit_pause: Option<CreditPause>,
    calls: Vec<CallStatistics>,
}

/// New credits are paused; checks, cancels and tracking numbers go on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct CreditPause {
    /// Since when, in milliseconds since 1970.
    since: i64,
    /// Who paused them.
    who: String,
    /// Why.
    reason: String,
}

impl From<store::CreditPause> for CreditPause {
    fn from(pause: store::CreditPause) -> Self {
        Self { since: pause.since, who: pause.who, reason: pause.note }
    }
}

/// Pausing new credits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCreditPause {
    /// Why: one line.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// A signature that was verified.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderSignature {
    /// The public key that made it.
    key: String,
    /// The version that was signed.
    version: String,
}

impl From<&VerifiedSignature> for ProviderSignature {
    fn from(signature: &VerifiedSignature) -> Self {
        Self { key: signature.key.to_string(), version: signature.name.version.to_string() }
    }
}

/// The interfaces that a component imports, by what they are for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderImports {
    /// The contract: its types, and the log.
    contract: Vec<String>,
    /// Outgoing HTTP, and the interfaces whose types it uses.
    http: Vec<String>,
    /// WASI with nothing behind it.
    empty_wasi: Vec<String>,
}

impl ProviderImports {
    fn of(plugin: &Plugin) -> Self {
        let [(_, contract), (_, http), (_, empty_wasi)] = imports(plugin);
        Self { contract, http, empty_wasi }
    }
}

/// How many orders a provider takes in one call.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderBatchLimits {
    credit: u32,
    check: u32,
    cancel: u32,
    sync: u32,
}

impl From<&BatchLimits> for ProviderBatchLimits {
    fn from(limits: &BatchLimits) -> Self {
        let BatchLimits { credit, check_credit, cancel, sync_tracking } = *limits;
        Self { credit, check: check_credit, cancel, sync: sync_tracking }
    }
}

/// A setting of a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderSetting {
    key: String,
    label_ja: String,
    label_en: String,
    help_ja: String,
    help_en: String,
    /// `text`, `digits`, `secret`, `url` or `choice`.
    kind: &'static str,
    /// What can be chosen.
    choices: Vec<String>,
    required: bool,
    default: Option<String>,
    /// In characters.
    max_length: Option<u32>,
}

impl From<&SettingField> for ProviderSetting {
    fn from(field: &SettingField) -> Self {
        let choices = match &field.kind {
            SettingKind::Choice(choices) => choices.iter().map(|(id, _)| id.clone()).collect(),
            _ => Vec::new(),
        };
        Self {
            key: field.key.clone(),
            label_ja: field.label.ja.clone(),
            label_en: field.label.en.clone(),
            help_ja: field.help.ja.clone(),
            help_en: field.help.en.clone(),
            kind: kind_name(&field.kind),
            choices,
            required: field.required,
            default: field.default.clone(),
            max_length: field.max_length,
        }
    }
}

/// A carrier.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderCarrier {
    id: String,
    name_ja: String,
    name_en: String,
}

impl From<&Carrier> for ProviderCarrier {
    fn from(carrier: &Carrier) -> Self {
        let (id, name) = (carrier.id.clone(), &carrier.name);
        Self { id, name_ja: name.ja.clone(), name_en: name.en.clone() }
    }
}

/// Whether batches and automation leave the provider alone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CircuitBreaker {
    /// `closed`, `open` or `half_open`.
    state: String,
    /// Calls that failed in a row.
    failures: i64,
    /// When it is tried next.
    probe_at: Option<i64>,
}

impl CircuitBreaker {
    fn new(breaker: Option<&Breaker>) -> Self {
        Self {
            state: breaker.map_or(BreakerState::Closed, |breaker| breaker.state).to_string(),
            failures: breaker.map_or(0, |breaker| breaker.failures),
            probe_at: breaker.and_then(|breaker| breaker.probe_at),
        }
    }
}

/// Calls of one operation since this process began.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallStatistics {
    operation: String,
    calls: u64,
    rows: u64,
    errors: u64,
    total_milliseconds: u64,
    longest_milliseconds: u64,
}

fn view(app: &App, plugin: &Plugin, breakers: &[Breaker], pauses: &[store::CreditPause]) -> Provider {
    let (info, facts) = (plugin.info(), plugin.facts());
    let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let calls = app.calls.of(&info.id).operations.into_iter().map(|(operation, tally)| CallStatistics {
        operation: operation.to_owned(),
        calls: tally.calls,
        rows: tally.rows,
        errors: tally.errors,
        total_milliseconds: milliseconds(tally.total),
        longest_milliseconds: milliseconds(tally.longest),
    });
    Provider {
        id: info.id.clone(),
        name_ja: info.name.ja.clone(),
        name_en: info.name.en.clone(),
        version: info.version.clone(),
        sha256: facts.digest.clone(),
        size: facts.size,
        signature: facts.signature.as_ref().map(ProviderSignature::from),
        imports: ProviderImports::of(plugin),
        core_instances: facts.core_instances,
        memories: facts.memories,
        batch_limits: (&info.batch_limits).into(),
        origins: facts.permissions.origins.iter().map(ToString::to_string).collect(),
        private_addresses: facts.permissions.private_addresses.iter().map(ToString::to_string).collect(),
        settings: info.settings.iter().map(ProviderSetting::from).collect(),
        carriers: info.carriers.iter().map(ProviderCarrier::from).collect(),
        capabilities: abilities(info).map(|(name, _)| name).collect(),
        max_billed_amount: info.max_billed_amount,
        breaker: CircuitBreaker::new(breakers.iter().find(|breaker| breaker.provider == info.id)),
        credit_pause: pauses.iter().find(|pause| pause.provider == info.id).cloned().map(CreditPause::from),
        calls: calls.collect(),
    }
}

/// What is loaded.
#[utoipa::path(get, operation_id = "providers", path = "/v1/providers", tag = "administration",
    responses((status = 200, body = Vec<Provider>, description = "The providers."), Reading))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Vec<Provider>>, Problem> {
    let (breakers, pauses) = (app.store.breakers().await?, app.store.credit_pauses().await?);
    Ok(Json(app.registry.all().iter().map(|plugin| view(&app, plugin, &breakers, &pauses)).collect()))
}

/// Pauses new credits at a provider, until they are resumed. What is being sent comes to its end; checks, cancels and
/// tracking numbers go on. Batches and automation wait.
#[utoipa::path(put, operation_id = "pause_credit", path = "/v1/providers/{id}/credit-pause", tag = "administration",
    params(("id" = String, Path), Key), request_body = NewCreditPause,
    responses((status = 204, description = "New credits are paused."), Acting, Missing, Restricted))]
pub(super) async fn pause(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
    Object(new): Object<NewCreditPause>,
) -> Result<StatusCode, Problem> {
    credit_pause::pause(&app.store, &app.credit.providers.ids(), &id, &new.reason, Actor::now(&caller.name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets new credits go to a provider again. What waited goes on by itself.
#[utoipa::path(delete, operation_id = "resume_credit", path = "/v1/providers/{id}/credit-pause", tag = "administration",
    params(("id" = String, Path), Key),
    responses((status = 204, description = "New credits are resumed."), Acting, Missing, Restricted))]
pub(super) async fn resume(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    credit_pause::resume(&app.store, &id, Actor::now(&caller.name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<PauseError> for Problem {
    fn from(error: PauseError) -> Self {
        match error {
            PauseError::Store(error) => Self::failed(&error),
            PauseError::NoProvider(_) => Self::new(Kind::NotFound, error.to_string()),
            PauseError::Reason => Self::new(Kind::Invalid, error.to_string()),
            PauseError::Paused(_) | PauseError::NotPaused(_) => Self::new(Kind::Conflict, error.to_string()),
        }
    }
}

/// A component and its permission file. The boundary between them is part of what an `Idempotency-Key` stands for:
/// send the same bytes again.
#[derive(ToSchema)]
#[allow(dead_code, reason = "described, never made")]
pub(super) struct ProviderFiles {
    /// The WebAssembly component.
    #[schema(value_type = String, format = Binary)]
    component: Vec<u8>,
    /// TOML: `provider` (the id that the component describes), `sha256` (absent: any file), `public-keys` (absent: no
    /// signature is needed) and `min-version` (absent: any), `origins` (absent: the plugin may send no request),
    /// `private-addresses` (absent: public ones alone), `refuse-empty-wasi`.
    #[schema(value_type = String, format = Binary)]
    permissions: Vec<u8>,
    /// The component's signature in minisign's format, needed if the permissions name `public-keys`.
    #[schema(value_type = Option<String>, format = Binary)]
    signature: Option<Vec<u8>>,
    /// The `confirmation` of the problem `unconfirmed`, to say yes to the changes that it names.
    confirmation: Option<String>,
}

/// Loads a component, in place of the one that its provider has. If it does not load, nothing changes. If more than
/// its code changes, origins for instance or settings, it is answered by the problem `unconfirmed`, which names the
/// changes and what to send to confirm them.
#[utoipa::path(post, operation_id = "load_provider", path = "/v1/providers", tag = "administration", params(Key),
    request_body(content = ProviderFiles, content_type = "multipart/form-data"),
    responses((status = 200, body = Provider, description = "The provider as it is now."), Acting, Restricted))]
pub(super) async fn load(
    State(app): State<App>,
    Administrator(caller): Administrator,
    mut form: Multipart,
) -> Result<Json<Provider>, Problem> {
    let unreadable =
        |error: axum::extract::multipart::MultipartError| Problem::new(Kind::Unreadable, error.body_text());
    let (mut component, mut permissions, mut signature, mut confirmation) = (None, None, None, None);
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("component") => component = Some(field.bytes().await.map_err(unreadable)?),
            Some("permissions") => permissions = Some(field.bytes().await.map_err(unreadable)?),
            Some("signature") => signature = Some(field.bytes().await.map_err(unreadable)?),
            Some("confirmation") => confirmation = Some(field.text().await.map_err(unreadable)?),
            _ => {
                let words = "The parts are `component`, `permissions`, `signature` and `confirmation`.";
                return Err(Problem::new(Kind::Invalid, words));
            }
        }
    }
    let (Some(component), Some(permissions)) = (component, permissions) else {
        return Err(Problem::new(Kind::Invalid, "Both `component` and `permissions` are needed."));
    };
    let files = Files::uploaded(component.to_vec(), &permissions, signature.as_deref());
    let confirmed = confirmation.as_deref().map_or(Confirmed::No, Confirmed::Shown);
    match app.installer().load(files, confirmed, Actor::now(&caller.name)).await? {
        LoadOutcome::Installed { plugin, .. } => {
            let (breakers, pauses) = (app.store.breakers().await?, app.store.credit_pauses().await?);
            Ok(Json(view(&app, &plugin, &breakers, &pauses)))
        }
        LoadOutcome::Unconfirmed(candidate) => {
            let confirmation = candidate.confirmation();
            let words =
                "More than the code changes. Look at `confirm`, and send its `confirmation` with the same files.";
            Err(Problem::new(Kind::Unconfirmed, words).confirmed_by(RequiredConfirmation {
                changes: candidate.changes.into_iter().map(ProviderChange::from).collect(),
                malls: candidate.malls.into_keys().collect(),
                confirmation,
            }))
        }
    }
}

/// Withdraws the plugin of a provider, on all machines: calls that have begun end on it, and no others begin until one is
/// loaded again. Orders keep their state and wait.
#[utoipa::path(delete, operation_id = "withdraw_provider", path = "/v1/providers/{id}", tag = "administration",
    params(("id" = String, Path), Key),
    responses((status = 204, description = "No plugin serves the provider any more."), Acting, Missing, Restricted))]
pub(super) async fn withdraw(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    app.installer().withdraw(&id, Actor::now(&caller.name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<InstallError> for Problem {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Provider(reason) => Self::new(Kind::Refused, reason.to_string()),
            InstallError::Store(error) => Self::failed(&error),
            InstallError::NotLocked(_) => Self::new(Kind::NotFound, error.to_string()),
            InstallError::Meanwhile(_) => Self::new(Kind::Conflict, error.to_string()),
        }
    }
}
