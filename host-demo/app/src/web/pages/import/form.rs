//! CSV import: a dry run first, then the import of the same file. One that takes longer than a page is waited for goes on
//! by itself, and has a page with its progress.

use crate::web::http::form::{MAX_FORM, Upload, idempotency_key};
use crate::web::http::refusal::Refusal;
use crate::web::http::session::Staff;
use crate::web::pages::import::reply::{ImportReply, ImportResult, PresetOffer, SelectionQuestion, show};
use crate::web::pages::import::runs;
use crate::web::parts::file_import::{FileRefusal, import_file};
use crate::web::parts::import_runs::ImportRun;
use crate::web::parts::mapping_save::{save_mapping, with_mapping};
use crate::web::parts::order_preview::PreviewView;
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use axum::extract::{Multipart, State as Shared};
use axum::response::Response;
use domain::lang::Lang;
use domain::mall::Mall;
use domain::user::Role;
use service::csv::limits::MAX_FILE_BYTES;
use service::csv::mapping::{preset, setting};
use service::import::{Follow, ImportProgress};
use service::mapping_preview::{self, Sample};
use service::messages::localize::Localize;
use service::transfer::{FileImport, FileKind};
use std::time::Duration;
use tokio::sync::watch;

/// Largest form with a file to import, in bytes.
pub(crate) const MAX_UPLOAD: usize = MAX_FILE_BYTES as usize + MAX_FORM;
/// How long the answer to a form waits for the import: as long as a person waits for a page without wondering.
const WAITED_FOR: Duration = Duration::from_secs(2);
/// `GET /import`
pub(crate) async fn page(Shared(app): Shared<App>, staff: Staff) -> Result<Response, Refusal> {
    show(&app, &staff, "", FileKind::Orders, ImportReply::default()).await
}

/// `POST /import`: a dry run or an import of an uploaded file; or the import of the file that is pending from the last
/// dry run or question, with the answer to it.
pub(crate) async fn import(Shared(app): Shared<App>, staff: Staff, form: Multipart) -> Result<Response, Refusal> {
    let upload = Upload::read(&staff.visitor, form, MAX_FILE_BYTES as usize).await?;
    let t = staff.visitor.page().t;
    let file = match (upload.text("held"), upload.file("file")) {
        ("", None) => {
            return show(&app, &staff, upload.text("mall"), FileKind::Orders, ImportReply::failed(t.choose_file)).await;
        }
        ("", Some(bytes)) => read(&upload, bytes)?,
        (held, _) => match app.take_upload(staff.user.id, held).await? {
            Some(file) => answered(&upload, file),
            None => return show(&app, &staff, "", FileKind::Orders, ImportReply::failed(t.import_gone)).await,
        },
    };
    let dry_run = upload.text("do") == "try";
    if let Some(problem) = adopt(&app, &staff, &upload, &file.mall).await? {
        return show(&app, &staff, &file.mall.clone(), file.kind, ImportReply::failed(&problem)).await;
    }
    let (mall, kind) = (file.mall.clone(), file.kind);
    let (tell, told) = watch::channel(ImportProgress::UNREAD);
    let mut work = {
        let (app, staff) = (app.clone(), staff.clone());
        let follow = move |now| _ = tell.send_replace(now);
        // A task of its own: it may hold the turn to write, for which whoever waits for it must not have to wait.
        app.clone().begin(async move { imported(&app, &staff, file, dry_run, &follow).await })
    };
    match tokio::time::timeout(WAITED_FOR, &mut work).await {
        Ok(reply) => show(&app, &staff, &mall, kind, reply.map_err(|error| Refusal::failed(&error))??).await,
        Err(_) => {
            let who = staff.user.name.clone();
            let run = ImportRun { mall, kind, dry_run, who, progress: *told.borrow(), ended: None };
            let name = runs::leave(&app, &staff, run, told, work).await?;
            Ok(app.redirect(&format!("/import/runs/{name}"), &[]))
        }
    }
}

/// What becomes of a file, as the page shows it.
async fn imported(
    app: &App,
    staff: &Staff,
    file: FileImport,
    dry_run: bool,
    follow: &Follow<'_>,
) -> Result<ImportReply, Refusal> {
    let p = staff.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let taken = import_file(app, &file, &staff.user.name, dry_run, lang, follow).await?;
    let keep = async |file| -> Result<String, Refusal> {
        let name = idempotency_key()?;
        app.keep_upload(staff.user.id, &name, file).await?;
        Ok(name)
    };
    Ok(match taken {
        Err(FileRefusal::Unfit(message)) => ImportReply::failed(&message),
        Err(FileRefusal::Recognised(_, presets)) => {
            let stored = app.store.mall(&file.mall).await?.ok_or_else(|| Refusal::no_mall(&file.mall))?;
            let best = presets.first().map(|preset| setting::of_preset(&preset.id)).unwrap_or_default();
            let preview = Some(previewed(&stored, &best, &file.bytes, lang, t));
            let presets = presets.iter().map(|preset| (preset.id.clone(), fill(t.preset_recognised, &[&preset.name])));
            let (version, is_allowed) = (stored.version, staff.user.role == Role::Administrator);
            let offer = PresetOffer { presets: presets.collect(), version, is_allowed, held: keep(file).await? };
            ImportReply { offer: Some(offer), preview, ..ImportReply::default() }
        }
        Err(FileRefusal::ChoiceNeeded(question)) => {
            let view = SelectionQuestion::new(&question, keep(file).await?, lang, t);
            ImportReply { question: Some(view), ..ImportReply::default() }
        }
        Ok(outcome) => {
            let preview = if dry_run && file.kind == FileKind::Orders {
                let stored = app.store.mall(&file.mall).await?;
                stored.map(|stored| previewed(&stored, &stored.mapping, &file.bytes, lang, t))
            } else {
                None
            };
            let waits = dry_run && !outcome.taken.is_empty();
            let held = if waits { Some(keep(file).await?) } else { None };
            let result = Some(ImportResult::new(outcome, dry_run, held, lang, t));
            ImportReply { result, preview, ..ImportReply::default() }
        }
    })
}

/// The first orders of a file, read by the mapping `text`.
fn previewed(mall: &Mall, text: &str, bytes: &[u8], lang: Lang, t: &'static Texts) -> PreviewView {
    match mapping_preview::preview(&Sample::new(bytes), text, &mall.take) {
        // What the file has in all says the result.
        Ok(preview) => PreviewView { counts: Vec::new(), refused: Vec::new(), ..PreviewView::new(&preview, lang, t) },
        Err(problem) => PreviewView::failed(problem.localized(lang)),
    }
}

/// Has the mall's exports read by the preset that was pressed, if one was; what is wrong if it is not saved.
async fn adopt(app: &App, staff: &Staff, upload: &Upload, mall: &str) -> Result<Option<String>, Refusal> {
    let Some(preset) = preset::find(upload.text("adopt")) else { return Ok(None) };
    if staff.user.role != Role::Administrator {
        return Err(Refusal::Forbidden);
    }
    let stored = app.store.mall(mall).await?.ok_or_else(|| Refusal::no_mall(mall))?;
    let version = upload.text("version").parse().unwrap_or_default();
    let text = setting::of_preset(&preset.id);
    let mall = with_mapping(&stored, &text);
    Ok(save_mapping(app, &staff.user.name, &mall, version, staff.visitor.page().t).await?.err())
}

fn read(upload: &Upload, bytes: &[u8]) -> Result<FileImport, Refusal> {
    Ok(FileImport {
        mall: upload.text("mall").to_owned(),
        kind: upload.text("what").parse().map_err(|_| Refusal::Unreadable)?,
        encoding: upload.text("encoding").parse().ok(),
        correct: !upload.text("correct").is_empty(),
        take: Vec::new(),
        preset: Some(upload.text("preset").to_owned()).filter(|preset| !preset.is_empty()),
        bytes: bytes.to_vec(),
    })
}

/// The pending file with the values that were ticked, besides those ticked before: each question is about the columns
/// that are still undecided.
fn answered(upload: &Upload, mut file: FileImport) -> FileImport {
    file.take.extend(upload.texts("take.").map(str::to_owned));
    file
}
