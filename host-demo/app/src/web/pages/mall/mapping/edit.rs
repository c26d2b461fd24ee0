//! `/malls/{id}/mapping`: every button and every change draws the form anew; only `save` changes the mall.

use crate::web::http::form::{MAX_FORM, Upload, idempotency_key};
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::refusal::Refusal;
use crate::web::http::session::Admin;
use crate::web::pages::mall::mapping::form::MappingForm;
use crate::web::pages::mall::mapping::view::{MappingReply, show};
use crate::web::parts::mapping_format::Formats;
use crate::web::parts::mapping_save::{save_mapping, with_mapping};
use crate::web::state::App;
use crate::web::texts::fill;
use axum::extract::{Multipart, Path, State};
use axum::response::Response;
use service::csv::limits::MAX_FILE_BYTES;
use service::csv::mapping::preset;
use service::mapping_preview::Sample;

/// Largest form with a sample, in bytes.
pub(crate) const MAX_UPLOAD: usize = MAX_FILE_BYTES as usize + MAX_FORM;

/// `GET /malls/{id}/mapping`
pub(crate) async fn page(State(app): State<App>, admin: Admin, Path(id): Path<String>) -> Result<Response, Refusal> {
    let mall = app.store.mall(&id).await?.ok_or_else(|| Refusal::no_mall(&id))?;
    let form = MappingForm::of(&mall.mapping);
    show(&admin, &mall, form, MappingReply { version: mall.version, ..MappingReply::default() })
}

/// `POST /malls/{id}/mapping`
pub(crate) async fn change(
    State(app): State<App>,
    admin: Admin,
    Path(id): Path<String>,
    form: Multipart,
) -> Result<Response, Refusal> {
    let upload = Upload::read(&admin.0.visitor, form, MAX_FILE_BYTES as usize).await?;
    let mall = app.store.mall(&id).await?.ok_or_else(|| Refusal::no_mall(&id))?;
    let t = admin.0.visitor.page().t;
    let (held, sample) = sample(&app, &admin, &upload).await?;
    let is_sample_gone = sample.is_none() && !upload.text("held").is_empty();
    let version = upload.text("version").parse().unwrap_or_default();
    let format = upload.given("format").map(str::to_owned);
    let mut reply = MappingReply { held, sample, is_sample_gone, version, format, notice: None };
    let form = match chosen_format(&upload) {
        Some(text) => {
            reply.format = None;
            MappingForm::of(&text)
        }
        None => MappingForm::read(&upload),
    };
    if upload.text("do") == "save" {
        let problem = match &form.mapping {
            Ok(_) => {
                match save_mapping(&app, &admin.0.user.name, &with_mapping(&mall, &form.text), version, t).await? {
                    Ok(()) => {
                        let notice = Notice::new(Tone::Ok, fill(t.mapping_saved, &[&mall.name]));
                        return Ok(app.redirect(&format!("/malls/{id}/mapping"), &[notice]));
                    }
                    Err(problem) => problem,
                }
            }
            Err(_) => t.mall_not_saved.to_owned(),
        };
        reply.notice = Some(Notice::new(Tone::Bad, problem));
    }
    show(&admin, &mall, form, reply)
}

/// The sample that was sent now, or the one that was sent before, with the name under which it is kept.
async fn sample(app: &App, admin: &Admin, upload: &Upload) -> Result<(String, Option<Sample>), Refusal> {
    let held = upload.text("held").to_owned();
    let Some(bytes) = upload.file("file") else {
        let sample: Option<Sample> = app.look_at_upload(admin.0.user.id, &held).await?;
        return Ok((if sample.is_some() { held } else { String::new() }, sample));
    };
    let (name, sample) = (idempotency_key()?, Sample::new(bytes));
    app.keep_upload(admin.0.user.id, &name, sample.clone()).await?;
    Ok((name, Some(sample)))
}

/// The text of the format whose button was pressed; nothing if none was.
fn chosen_format(upload: &Upload) -> Option<String> {
    if let Some(preset) = preset::find(upload.text("write")) {
        return Some(preset.text());
    }
    match (upload.given("use"), upload.text("do")) {
        (Some(offered), _) => Formats::Export.text(offered),
        (None, "use") => Formats::Export.text(upload.text("format")),
        _ => None,
    }
}
