//! The providers: the plugins that are loaded, their health and their calls, and loading another one.

use crate::web::http::form::{NoFields, Signed, Upload};
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::{html, ok};
use crate::web::http::session::{Admin, Staff};
use crate::web::parts::confirm::{ConfirmButton, ConfirmPage};
use crate::web::parts::health::provider_health;
use crate::web::state::App;
use crate::web::texts::format::{duration, size};
use crate::web::texts::operations::operation_name;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::actor::Actor;
use domain::clock;
use provider_host::{Limits, Plugin};
use serde::Deserialize;
use service::credit_pause::{self, MAX_REASON, PauseError};
use service::messages::localize::Localize;
use service::plugins::{Candidate, Confirmed, Files, InstallError, LoadOutcome};
use service::providers::capabilities::{abilities, imports, permitted};
use service::providers::metrics::OperationCalls;
use store::{CreditPause, Store};

/// Largest form with a component and its permission file, in bytes: twice the default limit of the host for a component.
pub(crate) const MAX_UPLOAD: usize = 64 << 20;

#[derive(Template)]
#[template(path = "providers.html")]
struct ProvidersPage {
    p: Page,
    plugins: Vec<PluginView>,
    limits: Vec<(&'static str, String)>,
    writes: Vec<(&'static str, String)>,
    may_load: bool,
    longest_reason: usize,
    refusal: Option<String>,
    question: Option<ReplacementQuestion>,
}

/// What an administrator has to confirm before a plugin is replaced.
struct ReplacementQuestion {
    title: String,
    digest: String,
    changes: Vec<String>,
    malls: Vec<String>,
    confirmation: String,
}

impl ReplacementQuestion {
    fn about(candidate: &Candidate, p: &Page) -> Self {
        let (info, facts) = (candidate.plugin.info(), candidate.plugin.facts());
        let before = candidate.version_before().unwrap_or("–");
        Self {
            title: fill(p.t.confirm_load, &[&info.id, &before, &info.version]),
            digest: facts.digest.clone(),
            changes: candidate.changes.iter().map(|change| change.localized(p.lang)).collect(),
            malls: candidate.malls.iter().map(|(id, name)| format!("{name} ({id})")).collect(),
            confirmation: candidate.confirmation(),
        }
    }
}

/// A plugin that is loaded.
struct PluginView {
    id: String,
    name: String,
    version: String,
    health: Notice,
    /// Who has paused new credits, since when and why.
    paused: Option<String>,
    file: String,
    size: String,
    digest: String,
    /// The key with which it is signed, where its permissions demand a signature.
    signed_by: Option<String>,
    /// What they are for, and the interfaces.
    imports: Vec<(&'static str, Vec<String>)>,
    permissions: Vec<String>,
    capabilities: Vec<&'static str>,
    batch_limits: String,
    calls: Vec<OperationStats>,
    last_error: Option<String>,
}

/// The calls of one operation since the start of the program.
struct OperationStats {
    operation: String,
    calls: u64,
    rows: u64,
    errors: u64,
    mean: String,
    longest: String,
}

/// `GET /providers`
pub(crate) async fn page(State(app): State<App>, staff: Staff) -> Result<Response, Refusal> {
    show(&app, &staff, None, None).await
}

async fn show(
    app: &App,
    staff: &Staff,
    refusal: Option<String>,
    question: Option<ReplacementQuestion>,
) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let (pauses, mut plugins) = (app.store.credit_pauses().await?, Vec::new());
    for plugin in app.registry.all() {
        plugins.push(view(app, &plugin, &pauses, &p).await?);
    }
    let status = if refusal.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let may_load = p.is_admin();
    let (limits, writes) = (limits(&app.limits, p.t), writes(&app.store, p.t));
    let page = ProvidersPage { plugins, limits, writes, may_load, longest_reason: MAX_REASON, refusal, question, p };
    Ok(html(status, &page))
}

async fn view(app: &App, plugin: &Plugin, pauses: &[CreditPause], p: &Page) -> Result<PluginView, Refusal> {
    let (info, facts, t) = (plugin.info(), plugin.facts(), p.t);
    let limits = &info.batch_limits;
    let calls = app.calls.of(&info.id);
    let pause = pauses.iter().find(|pause| pause.provider == info.id);
    let paused =
        |pause: &CreditPause| fill(t.credit_paused, &[&pause.who, &clock::timestamp(pause.since), &pause.note]);
    let mut permissions = permitted(plugin);
    if permissions.is_empty() {
        permissions.push(t.no_origin.to_owned());
    }
    Ok(PluginView {
        id: info.id.clone(),
        name: p.lang.pick(&info.name.ja, &info.name.en).clone(),
        version: info.version.clone(),
        health: provider_health(app, &info.id, p).await?,
        paused: pause.map(paused),
        file: facts.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        size: size(facts.size, t),
        digest: facts.digest.clone(),
        signed_by: facts.signature.as_ref().map(|signature| signature.key.to_string()),
        imports: imports(plugin).into_iter().map(|(kind, names)| (kind.localized(p.lang), names)).collect(),
        permissions,
        capabilities: abilities(info).map(|(_, [ja, en])| p.lang.pick(ja, en)).collect(),
        batch_limits: fill(
            t.batch_limits_values,
            &[&limits.credit, &limits.check_credit, &limits.cancel, &limits.sync_tracking],
        ),
        calls: calls.operations.iter().map(|(operation, tally)| operation_stats(operation, tally, t)).collect(),
        last_error: calls.last_error,
    })
}

fn operation_stats(operation: &str, tally: &OperationCalls, t: &Texts) -> OperationStats {
    OperationStats {
        operation: operation_name(operation, t).to_owned(),
        calls: tally.calls,
        rows: tally.rows,
        errors: tally.errors,
        mean: duration(tally.total / u32::try_from(tally.calls.max(1)).unwrap_or(u32::MAX), t),
        longest: duration(tally.longest, t),
    }
}

fn limits(limits: &Limits, t: &'static Texts) -> Vec<(&'static str, String)> {
    vec![
        (t.limit_deadline, duration(limits.deadline, t)),
        (t.limit_cpu, duration(limits.cpu, t)),
        (t.limit_memory, size(limits.memory as u64, t)),
        (t.limit_requests, fill(t.times, &[&limits.requests])),
        (t.limit_request_bytes, size(limits.request_bytes as u64, t)),
        (t.limit_response_bytes, size(limits.response_bytes as u64, t)),
        (t.limit_log, limits.log_lines.to_string()),
        (t.limit_component, size(limits.component_bytes, t)),
    ]
}

/// How often this process waited for the database to make something durable, and for how much.
fn writes(store: &Store, t: &'static Texts) -> Vec<(&'static str, String)> {
    let groups = store.group_commits();
    vec![
        (t.database_commits, store.commits().to_string()),
        (t.database_groups, fill(t.database_groups_value, &[&groups.writes, &groups.groups])),
        (t.database_waiting, (groups.waiting + groups.writing).to_string()),
    ]
}

/// `POST /providers`: a component and its permission file, or the confirmation of one that is pending.
pub(crate) async fn load(State(app): State<App>, Admin(staff): Admin, form: Multipart) -> Result<Response, Refusal> {
    let limit = usize::try_from(app.limits.component_bytes).unwrap_or(usize::MAX);
    let upload = Upload::read(&staff.visitor, form, limit).await?;
    let (p, confirmed) = (staff.visitor.page(), upload.text("confirmed"));
    let refused = |reason: &str| Some(fill(p.t.load_refused, &[&reason]));
    let by = Actor::now(&staff.user.name);
    let files = if !confirmed.is_empty() {
        match app.take_upload::<Files>(staff.user.id, confirmed).await? {
            Some(files) => files,
            None => return show(&app, &staff, refused(p.t.confirm_load_gone), None).await,
        }
    } else {
        let (Some(component), Some(permissions)) = (upload.file("component"), upload.file("permissions")) else {
            return show(&app, &staff, Some(p.t.both_files.to_owned()), None).await;
        };
        Files::uploaded(component.to_vec(), permissions, upload.file("signature"))
    };
    let shown = if confirmed.is_empty() { Confirmed::No } else { Confirmed::Shown(confirmed) };
    match app.installer().load(files.clone(), shown, by).await {
        Ok(LoadOutcome::Installed { plugin, replaced }) => {
            let loaded = loaded_text(&plugin, replaced.as_deref(), p.t);
            Ok(app.redirect("/providers", &[Notice::new(Tone::Ok, loaded)]))
        }
        Ok(LoadOutcome::Unconfirmed(candidate)) => {
            let question = ReplacementQuestion::about(&candidate, &p);
            app.keep_upload(staff.user.id, &question.confirmation, files).await?;
            show(&app, &staff, None, Some(question)).await
        }
        Err(error) => show(&app, &staff, refused(&reason(error)?), None).await,
    }
}

/// The form that withdraws a plugin.
#[derive(Deserialize)]
pub(crate) struct Withdrawal {
    /// The digest of the component that the question was about; absent before it was asked.
    #[serde(default)]
    confirmed: String,
}

/// `POST /providers/{id}/withdraw`: asks, and then withdraws the plugin on all machines.
pub(crate) async fn withdraw(
    State(app): State<App>,
    Admin(staff): Admin,
    Path(id): Path<String>,
    Signed(form): Signed<Withdrawal>,
) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let Some(plugin) = app.registry.get(&id) else { return Ok(app.redirect("/providers", &[])) };
    let (info, digest) = (plugin.info(), plugin.facts().digest.clone());
    if form.confirmed != digest {
        let malls = app.store.malls_of_provider(&id).await?;
        let malls: Vec<_> = malls.iter().map(|(id, name)| format!("{name} ({id})")).collect();
        let malls = if malls.is_empty() { "–".to_owned() } else { malls.join(p.lang.pick("、", ", ")) };
        return Ok(ok(&ConfirmPage {
            heading: fill(p.t.withdraw_heading, &[&info.id, &info.version]),
            lead: p.t.withdraw_lead.to_owned(),
            facts: vec![(p.t.confirm_malls, malls), ("SHA-256", digest.clone())],
            tables: Vec::new(),
            action: format!("/providers/{id}/withdraw"),
            hidden: Vec::new(),
            buttons: vec![ConfirmButton {
                name: "confirmed",
                value: digest,
                label: p.t.withdraw_yes.to_owned(),
                class: "danger",
            }],
            back: Some("/providers".to_owned()),
            p,
        }));
    }
    match app.installer().withdraw(&id, Actor::now(&staff.user.name)).await {
        Ok(locked) => {
            let words = fill(p.t.withdrawn, &[&locked.provider, &locked.version]);
            Ok(app.redirect("/providers", &[Notice::new(Tone::Ok, words)]))
        }
        Err(error) => Ok(app.redirect("/providers", &[Notice::new(Tone::Bad, reason(error)?)])),
    }
}

/// Why new credits are paused.
#[derive(Deserialize)]
pub(crate) struct PauseForm {
    reason: String,
}

/// `POST /providers/{id}/pause`: no new credit is sent to the provider from then on.
pub(crate) async fn pause(
    State(app): State<App>,
    Admin(staff): Admin,
    Path(id): Path<String>,
    Signed(form): Signed<PauseForm>,
) -> Result<Response, Refusal> {
    let by = Actor::now(&staff.user.name);
    let paused = credit_pause::pause(&app.store, &app.credit.providers.ids(), &id, &form.reason, by).await;
    after_pausing(&app, &staff, paused, |t| fill(t.credit_now_paused, &[&id]))
}

/// `POST /providers/{id}/resume`
pub(crate) async fn resume(
    State(app): State<App>,
    Admin(staff): Admin,
    Path(id): Path<String>,
    Signed(NoFields {}): Signed<NoFields>,
) -> Result<Response, Refusal> {
    let resumed = credit_pause::resume(&app.store, &id, Actor::now(&staff.user.name)).await;
    after_pausing(&app, &staff, resumed, |t| fill(t.credit_resumed, &[&id]))
}

/// Back to the page, with what came of it.
fn after_pausing(
    app: &App,
    staff: &Staff,
    done: Result<(), PauseError>,
    text: impl FnOnce(&Texts) -> String,
) -> Result<Response, Refusal> {
    let notice = match done {
        Ok(()) => Notice::new(Tone::Ok, text(staff.visitor.page().t)),
        Err(PauseError::Store(error)) => return Err(Refusal::failed(&error)),
        Err(problem) => Notice::new(Tone::Bad, problem.localized(staff.visitor.lang)),
    };
    Ok(app.redirect("/providers", &[notice]))
}

fn loaded_text(plugin: &Plugin, before: Option<&str>, t: &Texts) -> String {
    let (info, facts) = (plugin.info(), plugin.facts());
    match before {
        Some(before) => fill(t.replaced, &[&info.id, &before, &info.version]),
        None => fill(t.loaded, &[&info.id, &info.version, &facts.digest]),
    }
}

/// The reason why a component was rejected, for its sender. An error of the store is not the fault of the sender.
fn reason(error: InstallError) -> Result<String, Refusal> {
    match error {
        InstallError::Store(error) => Err(Refusal::failed(&error)),
        other => Ok(other.to_string()),
    }
}
