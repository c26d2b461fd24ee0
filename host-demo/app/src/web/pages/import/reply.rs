//! The page of the import: its form, and what became of a file.

use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::html;
use crate::web::http::session::Staff;
use crate::web::parts::choice::{Choice, file_kinds};
use crate::web::parts::display_names::DisplayNames;
use crate::web::parts::file_import::ImportOutcome;
use crate::web::parts::order_preview::PreviewView;
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use domain::lang::Lang;
use serde::{Deserialize, Serialize};
use service::csv::error::InvalidOrder;
use service::csv::selection::Question;
use service::messages::csv::{gathered, shown_value, similar};
use service::messages::format::order_count as orders_text;
use service::messages::localize::Localize;
use service::transfer::FileKind;

/// Rows of a result that the page shows: more would not be read.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    p: Page,
    malls: Vec<(String, String)>,
    chosen: String,
    kinds: Vec<Choice>,
    /// The question that has to be answered before the file can be imported.
    question: Option<SelectionQuestion>,
    /// The presets that the file is recognised by, where the mall's mapping does not read it.
    offer: Option<PresetOffer>,
    result: Option<ImportResult>,
    /// What the first orders of the file would be.
    preview: Option<PreviewView>,
}

/// The offer to read the mall's exports by a preset from now on.
#[derive(Serialize, Deserialize)]
pub(super) struct PresetOffer {
    /// The name under which the file waits.
    pub(super) held: String,
    /// The version of the mall whose mapping would be changed.
    pub(super) version: i64,
    pub(super) presets: Vec<(String, String)>,
    /// Whether the user may change the mall.
    pub(super) is_allowed: bool,
}

/// The question which orders of a file are imported.
#[derive(Serialize, Deserialize)]
pub(super) struct SelectionQuestion {
    /// The name under which the file waits.
    held: String,
    text: String,
    columns: Vec<SelectionColumn>,
}

#[derive(Serialize, Deserialize)]
struct SelectionColumn {
    heading: String,
    values: Vec<SelectionValue>,
}

#[derive(Serialize, Deserialize)]
struct SelectionValue {
    /// What the form sends: `column=value`.
    answer: String,
    label: String,
}

impl SelectionQuestion {
    pub(super) fn new(question: &Question, held: String, lang: Lang, t: &'static Texts) -> Self {
        let mut columns: Vec<SelectionColumn> = Vec::new();
        for answer in question.answers() {
            let (shown, orders) = (shown_value(answer.value, lang), orders_text(answer.orders, lang));
            let label = fill(t.value_of_orders, &[&shown, &orders]);
            let value = SelectionValue { answer: answer.told(), label };
            match columns.last_mut() {
                Some(column) if column.heading == answer.heading => column.values.push(value),
                _ => columns.push(SelectionColumn { heading: answer.heading.to_owned(), values: vec![value] }),
            }
        }
        Self { held, text: question.localized(lang), columns }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ImportResult {
    title: String,
    tone: Tone,
    summary: String,
    /// How many rows had which result, and why rows were skipped.
    counts: Vec<String>,
    held: Option<String>,
    changes: Vec<ImportLine>,
    bad: Vec<ImportLine>,
    more: Option<String>,
}

/// A row of the file, and what happens to it or what is wrong with it.
#[derive(Serialize, Deserialize)]
struct ImportLine {
    line: u64,
    number: String,
    text: String,
}

impl ImportResult {
    pub(super) fn new(
        outcome: ImportOutcome,
        dry_run: bool,
        held: Option<String>,
        lang: Lang,
        t: &'static Texts,
    ) -> Self {
        let (taken, bad) = (outcome.counts.taken.orders, outcome.bad.len());
        let counts = outcome.counts.localized(lang);
        let counts = counts
            .lines()
            .map(str::to_owned)
            .chain(gathered(outcome.gathered, lang))
            .chain(similar(outcome.similar, lang))
            .collect();
        let (title, summary) = if dry_run { (t.dry_title, t.dry_summary) } else { (t.import_title, t.import_summary) };
        let change = |(line, number, text)| ImportLine { line, number, text };
        let invalid =
            |bad: InvalidOrder| ImportLine { line: bad.line, text: bad.texts(lang).join(" / "), number: bad.number };
        Self {
            title: title.to_owned(),
            tone: if bad == 0 { Tone::Ok } else { Tone::Wait },
            summary: fill(summary, &[&taken, &bad]),
            counts,
            held,
            changes: outcome.taken.into_iter().take(SHOWN).map(change).collect(),
            bad: outcome.bad.into_iter().take(SHOWN).map(invalid).collect(),
            more: (taken.max(bad) > SHOWN).then(|| fill(t.only_first, &[&SHOWN])),
        }
    }
}

/// What the page shows besides its form.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct ImportReply {
    pub(super) question: Option<SelectionQuestion>,
    pub(super) offer: Option<PresetOffer>,
    pub(super) result: Option<ImportResult>,
    pub(super) preview: Option<PreviewView>,
    pub(super) notice: Option<Notice>,
}

impl ImportReply {
    pub(super) fn failed(message: &str) -> Self {
        Self { notice: Some(Notice::new(Tone::Bad, message)), ..Self::default() }
    }
}

/// The page with what became of a file.
pub(super) async fn show(
    app: &App,
    staff: &Staff,
    chosen: &str,
    what: FileKind,
    reply: ImportReply,
) -> Result<Response, Refusal> {
    let ImportReply { question, offer, result, preview, notice } = reply;
    let mut p = staff.visitor.page();
    let is_refused = notice.is_some() || question.is_some() || offer.is_some();
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    p.notices.extend(notice);
    let page = ImportPage {
        malls: DisplayNames::of(app, p.lang).await?.malls(),
        chosen: chosen.to_owned(),
        kinds: file_kinds(what, [p.t.import_orders, p.t.import_results, p.t.import_decisions]),
        question,
        offer,
        result,
        preview,
        p,
    };
    Ok(html(status, &page))
}
