//! The settings of a mall (モール詳細設定): a form that is built from what the plugin describes.

use crate::web::http::form::{FormFields, Signed};
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::refusal::Refusal;
use crate::web::http::session::Admin;
use crate::web::pages::mall::form::{MAX_ROWS, MallForm, amount};
use crate::web::pages::mall::save::save;
use crate::web::pages::mall::unsaved::{Draft, UnsavedSecrets, drawn_provider};
use crate::web::pages::mall::view::{MallReply, show};
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::credit_state::Action;
use domain::issue::Issue;
use domain::lang::Lang;
use domain::mall::Mall;
use serde::Deserialize;
use service::malls::{self, ConnectionError, FeeTrialError};
use service::messages::connection::connection_error;
use service::messages::format::yen;

/// The query of the form of a new mall.
#[derive(Deserialize)]
pub(crate) struct NewMallQuery {
    #[serde(default)]
    provider: String,
}

/// `GET /malls/new`
pub(crate) async fn new(
    State(app): State<App>,
    admin: Admin,
    Query(chosen): Query<NewMallQuery>,
) -> Result<Response, Refusal> {
    let mall = Mall { provider: chosen.provider, ..Mall::default() };
    show(&app, &admin, None, MallForm::of(mall), MallReply::default()).await
}

/// `GET /malls/{id}`
pub(crate) async fn one(State(app): State<App>, admin: Admin, Path(id): Path<String>) -> Result<Response, Refusal> {
    let mall = app.store.mall(&id).await?.ok_or_else(|| Refusal::no_mall(&id))?;
    show(&app, &admin, Some(&mall.clone()), MallForm::of(mall), MallReply::default()).await
}

/// `POST /malls/new`
pub(crate) async fn create(
    State(app): State<App>,
    admin: Admin,
    Signed(fields): Signed<FormFields>,
) -> Result<Response, Refusal> {
    respond(&app, &admin, None, &fields).await
}

/// `POST /malls/{id}`
pub(crate) async fn change(
    State(app): State<App>,
    admin: Admin,
    Path(id): Path<String>,
    Signed(fields): Signed<FormFields>,
) -> Result<Response, Refusal> {
    let before = app.store.mall(&id).await?.ok_or_else(|| Refusal::no_mall(&id))?;
    respond(&app, &admin, Some(&before), &fields).await
}

/// Does what the pressed button stands for; only `save` changes anything.
async fn respond(app: &App, admin: &Admin, before: Option<&Mall>, fields: &FormFields) -> Result<Response, Refusal> {
    let p = admin.0.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let plugin = app.registry.get(fields.one("provider"));
    let unsaved = UnsavedSecrets::read(app, admin, fields, &Draft::of(before)).await?;
    let mut form = MallForm::read(fields, before, plugin.as_ref().map(|plugin| plugin.info()), unsaved, t);
    if let Some(before) = before {
        form.mall.id.clone_from(&before.id);
    }
    let mut reply = MallReply::default();
    let pressed = Some(fields.one("do")).filter(|pressed| !pressed.is_empty()).unwrap_or("save");
    match pressed {
        "draw" => {}
        "save" | "test" if drawn_provider(fields) != form.mall.provider => {
            reply.notice = Some(Notice::new(Tone::Wait, t.other_fields));
        }
        "row" => {
            let rows = form.rows.len() + 1;
            form.rows.resize(rows.min(MAX_ROWS), Default::default());
        }
        "test" => {
            form.check(plugin.as_ref(), lang, t).await?;
            form.problems.retain(|key, _| key.starts_with("settings."));
            reply.test = Some(test(app, &form, lang, t).await);
        }
        "try" => {
            form.check(plugin.as_ref(), lang, t).await?;
            form.problems.retain(|key, _| key.starts_with("fees."));
            reply.tried = Some(try_fee(app, &form, t).await?);
        }
        _ => {
            form.check(plugin.as_ref(), lang, t).await?;
            if form.problems.is_empty() {
                return save(app, admin, before, form, fields).await;
            }
            reply.notice = Some(Notice::new(Tone::Bad, t.mall_not_saved));
        }
    }
    show(app, admin, before, form, reply).await
}

async fn test(app: &App, form: &MallForm, lang: Lang, t: &Texts) -> Notice {
    if !form.problems.is_empty() {
        return Notice::new(Tone::Wait, t.test_settings_first);
    }
    let failed = |issue| Notice::new(Tone::Bad, connection_error(&issue, lang));
    match malls::test_connection(&*app.credit.providers, &form.mall).await {
        Ok(()) => Notice::new(Tone::Ok, t.test_ok),
        Err(ConnectionError::ProviderMissing(_)) => Notice::new(Tone::Bad, t.no_providers),
        Err(ConnectionError::Unsupported(_)) => failed(Issue::unsupported(Action::Check)),
        Err(ConnectionError::Failed(issue)) => failed(issue),
        Err(ConnectionError::NoResponse) => Notice::new(Tone::Bad, fill(t.test_failed, &[&""])),
    }
}

async fn try_fee(app: &App, form: &MallForm, t: &Texts) -> Result<Notice, Refusal> {
    let Some(items) = amount(&form.try_amount) else { return Ok(Notice::new(Tone::Bad, t.not_yen)) };
    let wrong = Notice::new(Tone::Bad, t.try_wrong);
    if !form.problems.is_empty() {
        return Ok(wrong);
    }
    let adjusted = match malls::try_fee(&*app.credit.providers, &form.mall, items).await {
        Ok(adjusted) => adjusted,
        Err(FeeTrialError::ProviderMissing(_)) => return Ok(Notice::new(Tone::Bad, t.no_providers)),
        Err(FeeTrialError::Refused(_)) => return Ok(wrong),
        Err(error @ FeeTrialError::Call(_)) => return Err(Refusal::failed(&error)),
    };
    let band = adjusted.band.map_or(t.try_no_band.to_owned(), |band| fill(t.try_band, &[&(band + 1)]));
    let parts = [yen(items), yen(adjusted.payment_fee), yen(adjusted.billed_amount), band];
    let [items, fee, billed, band] = &parts;
    Ok(Notice::new(Tone::Ok, fill(t.try_result, &[items, fee, billed, band])))
}
