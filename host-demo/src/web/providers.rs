//! The providers page: what is loaded, how it does, and loading another file.

use super::App;
use super::calls::Tally;
use super::form::Upload;
use super::order::operation_words;
use super::page::{Notice, Page, Refusal, Tone, duration, html, size};
use super::texts::{Texts, fill};
use super::visit::{Admin, Staff};
use crate::install::{Candidate, Files, InstallError, Installer};
use crate::provider::{abilities, permitted};
use crate::store::By;
use askama::Template;
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use axum::response::Response;
use provider_host::{Limits, Plugin};

/// Largest form with a component and its permissions: what the host loads unless its limits say otherwise is half
/// of it.
pub const MAX_UPLOAD: usize = 64 << 20;
/// Components that wait for a yes, each of some MiB; beyond it the oldest are forgotten.
pub const MAX_CANDIDATES: usize = 4;

#[derive(Template)]
#[template(path = "providers.html")]
struct ProvidersPage {
    p: Page,
    plugins: Vec<PluginView>,
    limits: Vec<(&'static str, String)>,
    may_load: bool,
    refusal: Option<String>,
    question: Option<Question>,
}

/// What an administrator has to confirm before a component is put in its place.
struct Question {
    title: String,
    digest: String,
    changes: Vec<String>,
    malls: Vec<String>,
    confirmation: String,
}

impl Question {
    fn about(candidate: &Candidate, p: &Page) -> Self {
        let (info, facts) = (candidate.plugin.info(), candidate.plugin.facts());
        let before = candidate.version_before().unwrap_or("–");
        Question {
            title: fill(p.t.confirm_load, &[&info.id, &before, &info.version]),
            digest: facts.digest.clone(),
            changes: candidate.changes.iter().map(|change| change.words(p.lang)).collect(),
            malls: candidate.malls.iter().map(|(id, name)| format!("{name} ({id})")).collect(),
            confirmation: candidate.confirmation(),
        }
    }
}

struct PluginView {
    id: String,
    name: String,
    version: String,
    health: Notice,
    file: String,
    size: String,
    digest: String,
    imports: Vec<String>,
    permissions: Vec<String>,
    capabilities: Vec<&'static str>,
    batch_limits: String,
    calls: Vec<CallView>,
    last_error: Option<String>,
}

struct CallView {
    operation: String,
    calls: u64,
    rows: u64,
    errors: u64,
    mean: String,
    longest: String,
}

/// `GET /providers`
pub async fn page(State(app): State<App>, staff: Staff) -> Result<Response, Refusal> {
    show(&app, &staff, None, None).await
}

async fn show(
    app: &App,
    staff: &Staff,
    refusal: Option<String>,
    question: Option<Question>,
) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let mut plugins = Vec::new();
    for plugin in app.registry.all() {
        plugins.push(view(app, &plugin, &p).await?);
    }
    let status = if refusal.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let may_load = p.is_admin();
    let page = ProvidersPage { plugins, limits: limits(&app.limits, p.t), may_load, refusal, question, p };
    Ok(html(status, &page))
}

async fn view(app: &App, plugin: &Plugin, p: &Page) -> Result<PluginView, Refusal> {
    let (info, facts, t) = (plugin.info(), plugin.facts(), p.t);
    let limits = &info.batch_limits;
    let calls = app.calls.of(&info.id);
    let mut permissions = permitted(plugin);
    if permissions.is_empty() {
        permissions.push(t.no_origin.to_owned());
    }
    Ok(PluginView {
        id: info.id.clone(),
        name: p.lang.pick(&info.name.ja, &info.name.en).clone(),
        version: info.version.clone(),
        health: super::health::of(app, &info.id, p).await?,
        file: facts.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        size: size(facts.size, t),
        digest: facts.digest.clone(),
        imports: facts.imports.clone(),
        permissions,
        capabilities: abilities(info).map(|(_, [ja, en])| p.lang.pick(ja, en)).collect(),
        batch_limits: fill(
            t.batch_limits_words,
            &[&limits.credit, &limits.check_credit, &limits.cancel, &limits.sync_tracking],
        ),
        calls: calls.operations.iter().map(|(operation, tally)| call_view(operation, tally, t)).collect(),
        last_error: calls.last_error,
    })
}

fn call_view(operation: &str, tally: &Tally, t: &Texts) -> CallView {
    CallView {
        operation: operation_words(operation, t).to_owned(),
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

/// `POST /providers`: a component and its permission file, or the yes to one that was shown.
pub async fn load(State(app): State<App>, Admin(staff): Admin, form: Multipart) -> Result<Response, Refusal> {
    let limit = usize::try_from(app.limits.component_bytes).unwrap_or(usize::MAX);
    let upload = Upload::read(&staff.visitor, form, limit).await?;
    let (p, confirmed) = (staff.visitor.page(), upload.text("confirmed"));
    let refused = |reason: &str| Some(fill(p.t.load_refused, &[&reason]));
    let candidate = if !confirmed.is_empty() {
        match app.candidates.take(staff.user.id, confirmed) {
            Some(candidate) => candidate,
            None => return show(&app, &staff, refused(p.t.confirm_load_gone), None).await,
        }
    } else {
        let (Some(component), Some(permissions)) = (upload.file("component"), upload.file("permissions")) else {
            return show(&app, &staff, Some(p.t.both_files.to_owned()), None).await;
        };
        match examine(&app, component.to_vec(), permissions).await {
            Ok(candidate) => candidate,
            Err(error) => return show(&app, &staff, refused(&told(error)?), None).await,
        }
    };
    if confirmed.is_empty() && !candidate.changes.is_empty() {
        let question = Question::about(&candidate, &p);
        app.candidates.keep(staff.user.id, question.confirmation.clone(), candidate);
        return show(&app, &staff, None, Some(question)).await;
    }
    match app.installer().install(&candidate, By::now(&staff.user.name)).await {
        Ok(plugin) => {
            let loaded = loaded_words(&plugin, candidate.version_before(), p.t);
            Ok(app.redirect("/providers", &[Notice::new(Tone::Ok, loaded)]))
        }
        Err(error) => show(&app, &staff, refused(&told(error)?), None).await,
    }
}

fn loaded_words(plugin: &Plugin, before: Option<&str>, t: &Texts) -> String {
    let (info, facts) = (plugin.info(), plugin.facts());
    match before {
        Some(before) => fill(t.replaced, &[&info.id, &before, &info.version]),
        None => fill(t.loaded, &[&info.id, &info.version, &facts.digest]),
    }
}

/// Why a component was not taken, for whoever sent it; a failure of the store is the platform's.
fn told(error: InstallError) -> Result<String, Refusal> {
    match error {
        InstallError::Store(error) => Err(Refusal::failed(&error)),
        other => Ok(other.to_string()),
    }
}

/// Looks at files that were sent, which have no name of their own here.
pub async fn examine(app: &App, component: Vec<u8>, permissions: &[u8]) -> Result<Candidate, InstallError> {
    let permissions = String::from_utf8_lossy(permissions).into_owned();
    app.installer().examine(Files { name: "component".into(), component, permissions }).await
}

impl App {
    /// What puts components on this platform's shelf.
    pub fn installer(&self) -> Installer<'_> {
        Installer { shelf: &self.shelf, store: &self.store, registry: &self.registry }
    }
}
