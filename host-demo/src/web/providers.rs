//! The providers page: what is loaded, how it does, and loading another file.

use super::App;
use super::calls::Tally;
use super::form::Upload;
use super::order::operation_words;
use super::page::{Notice, Page, Refusal, Tone, duration, html, size};
use super::texts::{Texts, fill};
use super::visit::{Admin, Staff};
use crate::provider::{abilities, permitted};
use crate::store::{By, Deed, StoreError};
use askama::Template;
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use axum::response::Response;
use provider_host::{Limits, Plugin};
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Largest form with a component and its permissions: what the host loads unless its limits say otherwise is half
/// of it.
pub const MAX_UPLOAD: usize = 32 << 20;

#[derive(Template)]
#[template(path = "providers.html")]
struct ProvidersPage {
    p: Page,
    plugins: Vec<PluginView>,
    limits: Vec<(&'static str, String)>,
    may_load: bool,
    refusal: Option<String>,
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
    show(&app, &staff, None).await
}

async fn show(app: &App, staff: &Staff, refusal: Option<String>) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let mut plugins = Vec::new();
    for plugin in app.registry.all() {
        plugins.push(view(app, &plugin, &p).await?);
    }
    let status = if refusal.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = ProvidersPage { plugins, limits: limits(&app.limits, p.t), may_load: p.is_admin(), refusal, p };
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

/// `POST /providers`: a component and its permission file.
pub async fn load(State(app): State<App>, Admin(staff): Admin, form: Multipart) -> Result<Response, Refusal> {
    let limit = usize::try_from(app.limits.component_bytes).unwrap_or(usize::MAX);
    let upload = Upload::read(&staff.visitor, form, limit).await?;
    let t = staff.visitor.page().t;
    let (Some(component), Some(permissions)) = (upload.file("component"), upload.file("permissions")) else {
        return show(&app, &staff, Some(t.both_files.to_owned())).await;
    };
    match put(&app, component, permissions, &staff.user.name).await? {
        Ok(loaded) => Ok(app.redirect("/providers", &[Notice::new(Tone::Ok, loaded.words(t))])),
        Err(reason) => {
            let refusal = fill(t.load_refused, &[&reason]);
            show(&app, &staff, Some(refusal)).await
        }
    }
}

/// A plugin that is current now.
pub struct LoadedNow {
    pub plugin: Plugin,
    /// The version that it replaced.
    before: Option<String>,
}

impl LoadedNow {
    fn words(&self, t: &Texts) -> String {
        let (info, facts) = (self.plugin.info(), self.plugin.facts());
        match &self.before {
            Some(before) => fill(t.replaced, &[&info.id, before, &info.version]),
            None => fill(t.loaded, &[&info.id, &info.version, &facts.digest]),
        }
    }
}

/// Loads a component under its permissions and makes it current; a reason in words if it does not serve.
/// The files come to the shelf only when they have served, so a restart finds what is current now.
pub async fn put(
    app: &App,
    component: &[u8],
    permissions: &[u8],
    who: &str,
) -> Result<Result<LoadedNow, String>, StoreError> {
    let trial = match Trial::new(app.shelf.folder(), component, permissions) {
        Ok(trial) => trial,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let plugin = match app.shelf.take(&trial.component).await {
        Ok(plugin) => plugin,
        Err(error) => return Ok(Err(trial.words(&error))),
    };
    let previous = app.registry.put(plugin.clone());
    app.store.note(By::now(who), &Deed::loaded(&plugin)).await?;
    Ok(Ok(LoadedNow { plugin, before: previous.map(|plugin| plugin.info().version.clone()) }))
}

/// Two files under names that no provider has, for as long as they are tried.
struct Trial {
    component: PathBuf,
    permissions: PathBuf,
}

/// Removes what a trial left that was broken off. No provider has such a name, so nothing was ever loaded from it.
pub fn clear_trials(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let trials = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(TRIAL));
    for trial in trials {
        let _ = std::fs::remove_file(trial.path());
    }
}

/// What the names of files begin with that are tried: with a sign that no provider's has.
const TRIAL: &str = "trial_";

impl Trial {
    fn new(folder: &Path, component: &[u8], permissions: &[u8]) -> std::io::Result<Self> {
        let name = format!("{TRIAL}{:016x}", getrandom::u64().map_err(std::io::Error::other)?);
        std::fs::create_dir_all(folder)?;
        let trial = Trial {
            component: folder.join(&name).with_extension("wasm"),
            permissions: folder.join(&name).with_extension("toml"),
        };
        std::fs::write(&trial.component, component)?;
        std::fs::write(&trial.permissions, permissions)?;
        Ok(trial)
    }

    /// What is wrong, without the names that only this trial has.
    fn words(&self, error: &impl Display) -> String {
        let words = error.to_string().replace(&*self.component.to_string_lossy(), "component");
        words.replace(&*self.permissions.to_string_lossy(), "permissions")
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.component);
        let _ = std::fs::remove_file(&self.permissions);
    }
}
