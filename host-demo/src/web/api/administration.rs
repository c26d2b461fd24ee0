//! What an administrator does besides settings: providers, users, tokens.

use crate::service::plugins::{self, Confirmed, InstallError, LoadOutcome};
use crate::service::providers::capabilities::{abilities, kind_name};
use crate::store::{
    Actor, AuditEvent, AuditLine, Breaker, BreakerState, MAX_PASSWORD, MAX_USER_NAME, MIN_PASSWORD, Role, UserProblem,
};
use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading, Restricted};
use crate::web::api::batches::bounded;
use crate::web::api::caller::Administrator;
use crate::web::api::object::Object;
use crate::web::api::problem::{Confirmation, Kind, Problem};
use axum::Json;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::StatusCode;
use provider_host::Plugin;
use provider_host::contract::{Carrier, SettingField, SettingKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A loaded plugin.
#[derive(Debug, Serialize, ToSchema)]
pub struct Provider {
    id: String,
    name_ja: String,
    name_en: String,
    version: String,
    /// Hex SHA-256 of the component.
    sha256: String,
    size: u64,
    imports: Vec<String>,
    origins: Vec<String>,
    private_addresses: Vec<String>,
    /// What a mall has to be given for it.
    settings: Vec<SettingView>,
    /// 配送業者 that it reports.
    carriers: Vec<CarrierView>,
    /// What it can do beyond crediting.
    capabilities: Vec<&'static str>,
    /// Largest bill that it takes, in yen.
    max_billed_amount: Option<i64>,
    breaker: BreakerView,
    calls: Vec<Calls>,
}

/// A setting of a provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingView {
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

impl From<&SettingField> for SettingView {
    fn from(field: &SettingField) -> Self {
        let choices = match &field.kind {
            SettingKind::Choice(choices) => choices.iter().map(|(id, _)| id.clone()).collect(),
            _ => Vec::new(),
        };
        SettingView {
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
pub struct CarrierView {
    id: String,
    name_ja: String,
    name_en: String,
}

impl From<&Carrier> for CarrierView {
    fn from(carrier: &Carrier) -> Self {
        let (id, name) = (carrier.id.clone(), &carrier.name);
        CarrierView { id, name_ja: name.ja.clone(), name_en: name.en.clone() }
    }
}

/// Whether batches and automation leave the provider alone.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakerView {
    /// `closed`, `open` or `half_open`.
    state: String,
    /// Calls that failed in a row.
    failures: i64,
    /// When it is tried next.
    probe_at: Option<i64>,
}

impl BreakerView {
    fn new(breaker: Option<&Breaker>) -> Self {
        BreakerView {
            state: breaker.map_or(BreakerState::Closed, |breaker| breaker.state).to_string(),
            failures: breaker.map_or(0, |breaker| breaker.failures),
            probe_at: breaker.and_then(|breaker| breaker.probe_at),
        }
    }
}

/// Calls of one operation since this process began.
#[derive(Debug, Serialize, ToSchema)]
pub struct Calls {
    operation: String,
    calls: u64,
    rows: u64,
    errors: u64,
    total_milliseconds: u64,
    longest_milliseconds: u64,
}

fn view(app: &App, plugin: &Plugin, breakers: &[Breaker]) -> Provider {
    let (info, facts) = (plugin.info(), plugin.facts());
    let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let calls = app.calls.of(&info.id).operations.into_iter().map(|(operation, tally)| Calls {
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
        imports: facts.imports.clone(),
        origins: facts.permissions.origins.iter().map(ToString::to_string).collect(),
        private_addresses: facts.permissions.private_addresses.iter().map(ToString::to_string).collect(),
        settings: info.settings.iter().map(SettingView::from).collect(),
        carriers: info.carriers.iter().map(CarrierView::from).collect(),
        capabilities: abilities(info).map(|(name, _)| name).collect(),
        max_billed_amount: info.max_billed_amount,
        breaker: BreakerView::new(breakers.iter().find(|breaker| breaker.provider == info.id)),
        calls: calls.collect(),
    }
}

/// What is loaded.
#[utoipa::path(get, path = "/v1/providers", tag = "administration",
    responses((status = 200, body = Vec<Provider>, description = "The providers."), Reading))]
pub async fn providers(State(app): State<App>) -> Result<Json<Vec<Provider>>, Problem> {
    let breakers = app.store.breakers().await?;
    Ok(Json(app.registry.all().iter().map(|plugin| view(&app, plugin, &breakers)).collect()))
}

/// A component and its permission file. The boundary between them is part of what an `Idempotency-Key` stands for:
/// send the same bytes again.
#[derive(ToSchema)]
#[allow(dead_code, reason = "described, never made")]
pub struct Files {
    /// The WebAssembly component.
    #[schema(value_type = String, format = Binary)]
    component: Vec<u8>,
    /// TOML: `provider` (the id that the component describes), `sha256` (absent: any file), `origins` (absent: the
    /// plugin may send no request), `private-addresses` (absent: public ones alone).
    #[schema(value_type = String, format = Binary)]
    permissions: Vec<u8>,
    /// The `confirmation` of the problem `unconfirmed`, to say yes to the changes that it names.
    confirmation: Option<String>,
}

/// Loads a component, in place of the one that its provider has. If it does not load, nothing changes. If more than
/// its code changes, origins for instance or settings, it is answered by the problem `unconfirmed`, which names the
/// changes and what to send to confirm them.
#[utoipa::path(post, operation_id = "load_provider", path = "/v1/providers", tag = "administration", params(Key),
    request_body(content = Files, content_type = "multipart/form-data"),
    responses((status = 200, body = Provider, description = "The provider as it is now."), Acting, Restricted))]
pub async fn load(
    State(app): State<App>,
    Administrator(caller): Administrator,
    mut form: Multipart,
) -> Result<Json<Provider>, Problem> {
    let unreadable =
        |error: axum::extract::multipart::MultipartError| Problem::new(Kind::Unreadable, error.body_text());
    let (mut component, mut permissions, mut confirmation) = (None, None, None);
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("component") => component = Some(field.bytes().await.map_err(unreadable)?),
            Some("permissions") => permissions = Some(field.bytes().await.map_err(unreadable)?),
            Some("confirmation") => confirmation = Some(field.text().await.map_err(unreadable)?),
            _ => {
                let words = "The parts are `component`, `permissions` and `confirmation`.";
                return Err(Problem::new(Kind::Invalid, words));
            }
        }
    }
    let (Some(component), Some(permissions)) = (component, permissions) else {
        return Err(Problem::new(Kind::Invalid, "Both `component` and `permissions` are needed."));
    };
    let files = plugins::Files::uploaded(component.to_vec(), &permissions);
    let confirmed = confirmation.as_deref().map_or(Confirmed::No, Confirmed::Shown);
    match app.installer().load(files, confirmed, Actor::now(&caller.name)).await? {
        LoadOutcome::Installed { plugin, .. } => Ok(Json(view(&app, &plugin, &app.store.breakers().await?))),
        LoadOutcome::Unconfirmed(candidate) => {
            let words =
                "More than the code changes. Look at `confirm`, and send its `confirmation` with the same files.";
            let confirmation = candidate.confirmation();
            Err(Problem::new(Kind::Unconfirmed, words).confirmed_by(Confirmation {
                changes: candidate.changes,
                malls: candidate.malls.into_keys().collect(),
                confirmation,
            }))
        }
    }
}

impl From<InstallError> for Problem {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Provider(reason) => Problem::new(Kind::Refused, reason.to_string()),
            InstallError::Store(error) => Problem::failed(&error),
            InstallError::Meanwhile(_) => Problem::new(Kind::Conflict, error.to_string()),
        }
    }
}

/// Somebody who signs in on the page.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    id: i64,
    name: String,
    role: Role,
    disabled: bool,
    created_at: i64,
}

impl From<crate::store::User> for User {
    fn from(user: crate::store::User) -> Self {
        let crate::store::User { id, name, role, disabled, created_at } = user;
        User { id, name, role, disabled, created_at }
    }
}

fn refused(problem: UserProblem) -> Problem {
    match problem {
        UserProblem::Name => {
            Problem::new(Kind::Invalid, format!("A name has 1 to {MAX_USER_NAME} characters and no space at its ends."))
        }
        UserProblem::NameTaken => Problem::new(Kind::Conflict, "Somebody has this name."),
        UserProblem::Password => {
            Problem::new(Kind::Invalid, format!("A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters."))
        }
        UserProblem::LastAdministrator => Problem::new(Kind::Conflict, "The last administrator has to stay one."),
        UserProblem::NoUser => Problem::new(Kind::NotFound, "There is no such user."),
    }
}

/// All users.
#[utoipa::path(get, path = "/v1/users", tag = "administration",
    responses((status = 200, body = Vec<User>, description = "The users."), Reading, Restricted))]
pub async fn users(State(app): State<App>, _: Administrator) -> Result<Json<Vec<User>>, Problem> {
    Ok(Json(app.store.users().await?.into_iter().map(User::from).collect()))
}

/// A new user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    #[schema(min_length = 12, max_length = 256)]
    password: String,
    role: Role,
}

/// Adds a user.
#[utoipa::path(post, path = "/v1/users", tag = "administration", params(Key), request_body = NewUser,
    responses((status = 201, body = User, description = "The user."), Acting, Restricted))]
pub async fn add_user(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Object(new): Object<NewUser>,
) -> Result<(StatusCode, Json<User>), Problem> {
    let added = app.store.add_user(&new.name, new.role, &new.password, Actor::now(&caller.name)).await?;
    let user = added.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// What a user may do from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    role: Role,
    disabled: bool,
}

/// Gives a user another role, or shuts the user out or lets in again.
#[utoipa::path(put, path = "/v1/users/{id}", tag = "administration", params(("id" = i64, Path), Key), request_body = Access,
    responses((status = 200, body = User, description = "The user."), Acting, Missing, Restricted))]
pub async fn change_user(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Path(id): Path<i64>,
    Object(access): Object<Access>,
) -> Result<Json<User>, Problem> {
    let changed = app.store.change_user(id, access.role, access.disabled, Actor::now(&caller.name)).await?;
    changed.map_err(refused)?;
    let user = app.store.user(id).await?.ok_or_else(|| refused(UserProblem::NoUser))?;
    Ok(Json(user.into()))
}

/// A program's token, without the token.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    id: i64,
    name: String,
    role: Role,
    created_by: String,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl From<crate::store::ApiToken> for Token {
    fn from(token: crate::store::ApiToken) -> Self {
        let crate::store::ApiToken { id, name, role, created_by, created_at, expires_at, revoked_at } = token;
        Token { id, name, role, created_by, created_at, expires_at, revoked_at }
    }
}

/// All tokens.
#[utoipa::path(get, path = "/v1/tokens", tag = "administration",
    responses((status = 200, body = Vec<Token>, description = "The tokens."), Reading, Restricted))]
pub async fn tokens(State(app): State<App>, _: Administrator) -> Result<Json<Vec<Token>>, Problem> {
    Ok(Json(app.store.api_tokens().await?.into_iter().map(Token::from).collect()))
}

/// A new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for; stands in histories.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    role: Role,
    /// Milliseconds since 1970, in the future. Absent: never.
    expires_at: Option<i64>,
}

/// A token that was just issued.
#[derive(Debug, Serialize, ToSchema)]
pub struct Issued {
    #[serde(flatten)]
    about: Token,
    /// The token itself; it can be read only now.
    token: String,
}

/// Issues a token.
#[utoipa::path(post, operation_id = "issue_token", path = "/v1/tokens", tag = "administration", params(Key), request_body = NewToken,
    responses((status = 201, body = Issued, description = "The token, for the only time."), Acting, Restricted))]
pub async fn issue(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Object(new): Object<NewToken>,
) -> Result<(StatusCode, Json<Issued>), Problem> {
    let by = Actor::now(&caller.name);
    if new.expires_at.is_some_and(|at| at <= by.at) {
        return Err(Problem::new(Kind::Invalid, "`expires_at` is in milliseconds since 1970, and in the future."));
    }
    let issued = app.store.add_api_token(&new.name, new.role, new.expires_at, by).await?;
    let (about, token) = issued.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(Issued { about: about.into(), token })))
}

/// Makes a token worthless.
#[utoipa::path(delete, operation_id = "revoke_token", path = "/v1/tokens/{id}", tag = "administration", params(("id" = i64, Path), Key),
    responses((status = 204, description = "It is worth nothing now."), Acting, Missing, Restricted))]
pub async fn revoke(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    match app.store.revoke_api_token(id, Actor::now(&caller.name)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(Kind::NotFound, "There is no such token that is still good.")),
    }
}

/// Which lines of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Lines {
    /// Lines before this one: older ones.
    before: Option<i64>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct Audited {
    id: i64,
    at: i64,
    who: String,
    deed: AuditEvent,
    /// What was done, in the caller's language.
    words: String,
}

/// 操作履歴: who changed settings, users, tokens and plugins, newest first.
#[utoipa::path(get, path = "/v1/audit", tag = "administration", params(Lines),
    responses((status = 200, body = Vec<Audited>, description = "The lines."), Reading, Restricted))]
pub async fn audit(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Query(lines): Query<Lines>,
) -> Result<Json<Vec<Audited>>, Problem> {
    let found = app.store.audit(lines.before, bounded(lines.limit)?).await?.into_iter();
    let audited = found.map(|AuditLine { id, at, who, deed }| {
        let words = deed.words(caller.lang);
        Audited { id, at, who, deed, words }
    });
    Ok(Json(audited.collect()))
}
