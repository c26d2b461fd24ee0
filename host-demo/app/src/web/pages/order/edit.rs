//! The page on which an order is corrected: buyer, recipient, lines and amounts.

use crate::web::http::form::{FormFields, Signed};
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::html;
use crate::web::http::session::Staff;
use crate::web::pages::order::detail::{IssueView, find_order, issue_view};
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use domain::correction::PERSON_FIELDS;
use domain::issue::Issue;
use domain::lang::Lang;
use domain::order::Order;
use service::correction::{self, CorrectionError, EntryProblem, ITEM_PATHS, ItemEntry, OrderEntry, PersonEntry};
use service::csv::limits::{MAX_CELL, MAX_ITEMS};
use service::messages::field_name::{FieldPlace, item_field, person_field, place};
use service::messages::issue::what_is_wrong;
use service::messages::labels::Form;
use service::messages::localize::Localize;
use service::messages::next_step::Situation;
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "order/edit.html")]
struct EditPage {
    p: Page,
    id: i64,
    number: String,
    version: i64,
    heading: &'static str,
    /// The order may be corrected now.
    is_open: bool,
    problem: Option<IssueView>,
    buyer: Vec<FieldView>,
    recipient: Vec<FieldView>,
    lines: Vec<LineView>,
    /// What is wrong with the lines as a whole.
    lines_problem: Option<String>,
    may_add: bool,
    amounts: Vec<FieldView>,
    note: FieldView,
}

/// An input with its label.
struct FieldView {
    name: String,
    label: String,
    value: String,
    problem: Option<String>,
    required: bool,
    kind: &'static str,
    max: usize,
}

/// A line of the order.
struct LineView {
    index: usize,
    title: String,
    fields: Vec<FieldView>,
}

/// What is wrong, by the path of the field.
type Problems = BTreeMap<String, String>;

/// `GET /orders/{id}/edit`
pub(crate) async fn page(Shared(app): Shared<App>, staff: Staff, Path(id): Path<i64>) -> Result<Response, Refusal> {
    let order = find_order(&app, id).await?;
    let p = staff.visitor.page();
    if !order.state.content_open() {
        let closed = Notice::new(Tone::Wait, fill(p.t.edit_closed, &[&order.state.localized(p.lang)]));
        return Ok(app.redirect(&format!("/orders/{id}"), &[closed]));
    }
    let refused = refused_fields(&order, p.lang);
    Ok(draw(&app, p, &order, &OrderEntry::of(&order), &refused, StatusCode::OK))
}

/// `POST /orders/{id}/edit`: does what the pressed button stands for; only `save` changes anything.
pub(crate) async fn change(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    Signed(fields): Signed<FormFields>,
) -> Result<Response, Refusal> {
    let order = find_order(&app, id).await?;
    let p = staff.visitor.page();
    let mut entry = typed(&fields);
    match fields.one("do").split_once('-').unwrap_or((fields.one("do"), "")) {
        ("add", _) if entry.items.len() < MAX_ITEMS => entry.items.push(ItemEntry::default()),
        ("add", _) => {}
        ("remove", at) => {
            if let Some(at) = at.parse().ok().filter(|at| *at < entry.items.len()) {
                entry.items.remove(at);
            }
        }
        _ => return save(&app, &staff, &order, &fields, &entry).await,
    }
    Ok(draw(&app, p, &order, &entry, &Problems::new(), StatusCode::OK))
}

async fn save(
    app: &App,
    staff: &Staff,
    order: &Order,
    fields: &FormFields,
    entry: &OrderEntry,
) -> Result<Response, Refusal> {
    let mut p = staff.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let mall = app.store.mall(&order.mall).await?.ok_or_else(|| Refusal::no_mall(&order.mall))?;
    // A version that is none is an older one.
    let seen = (order, fields.one("version").parse().unwrap_or_default());
    let (store, providers) = (&app.store, &*app.credit.providers);
    let mut problems = Problems::new();
    let refused = match correction::correct(store, providers, seen, &mall, entry, &staff.user.name).await {
        Ok(is_changed) => {
            app.wake.notify_one();
            let text = if is_changed { t.edit_saved } else { t.edit_unchanged };
            let done = Notice::new(Tone::Ok, fill(text, &[&order.number]));
            return Ok(app.redirect(&format!("/orders/{}", order.id), &[done]));
        }
        Err(CorrectionError::Invalid(found)) => {
            problems.extend(found.iter().map(|problem| problem_text(problem, lang)));
            Notice::new(Tone::Bad, t.edit_not_saved)
        }
        Err(CorrectionError::Changed) => Notice::new(Tone::Wait, t.stale),
        Err(CorrectionError::Closed(state)) => Notice::new(Tone::Wait, fill(t.edit_closed, &[&state.localized(lang)])),
        Err(CorrectionError::ProviderMissing(_)) => Notice::new(Tone::Bad, t.no_providers),
        Err(CorrectionError::Store(error)) => return Err(error.into()),
        Err(error @ CorrectionError::Fee(_)) => return Err(Refusal::failed(&error)),
    };
    p.notices.push(refused);
    // As it is now: another change may have come first.
    let order = find_order(app, order.id).await?;
    Ok(draw(app, p, &order, entry, &problems, StatusCode::UNPROCESSABLE_ENTITY))
}

fn problem_text(problem: &EntryProblem, lang: Lang) -> (String, String) {
    (problem.path.clone(), problem.error.localized(lang))
}

/// What was typed.
fn typed(fields: &FormFields) -> OrderEntry {
    let person =
        |party: &str| PersonEntry(PERSON_FIELDS.map(|(field, _)| fields.one(&format!("{party}.{field}")).to_owned()));
    let item = |at: usize| ItemEntry(ITEM_PATHS.map(|field| fields.one(&item_path(at, field)).to_owned()));
    let is_there = |at: &usize| {
        let name = item_path(*at, "name");
        fields.iter().any(|(known, _)| *known == name)
    };
    OrderEntry {
        buyer: person("buyer"),
        recipient: person("recipient"),
        items: (0..=MAX_ITEMS).take_while(is_there).map(item).collect(),
        shipping_fee: fields.one("shipping-fee").to_owned(),
        payment_fee: fields.one("payment-fee").to_owned(),
        note: fields.one("note").to_owned(),
    }
}

fn item_path(at: usize, field: &str) -> String {
    format!("items[{at}].{field}")
}

/// What the provider refused, at the fields of the form.
fn refused_fields(order: &Order, lang: Lang) -> Problems {
    let Some(Issue::Invalid { fields }) = &order.problem else { return Problems::new() };
    let of_order = fields.iter().filter(|field| place(&field.field) == FieldPlace::Order);
    of_order.map(|field| (form_path(&field.field).to_owned(), what_is_wrong(&field.said, lang))).collect()
}

/// The field of the form that shows what is wrong at `path`.
fn form_path(path: &str) -> &str {
    match path {
        "buyer.address" => "buyer.address.street",
        "recipient.address" => "recipient.address.street",
        other => other,
    }
}

fn draw(
    app: &App,
    mut p: Page,
    order: &Order,
    entry: &OrderEntry,
    problems: &Problems,
    status: StatusCode,
) -> Response {
    p.path = format!("/orders/{}/edit", order.id);
    let (t, lang) = (p.t, p.lang);
    let situation = Situation::of_order(order, app.abilities(&order.provider));
    let form = FormView { problems, t, lang };
    let lines = entry.items.iter().enumerate().map(|(at, item)| form.line(at, item));
    let page = EditPage {
        id: order.id,
        number: order.number.clone(),
        version: order.version,
        heading: Form::Correct.localized(lang),
        is_open: order.state.content_open(),
        problem: order.problem.as_ref().map(|problem| issue_view(problem, &situation, lang)),
        buyer: form.person("buyer", &entry.buyer, true),
        recipient: form.person("recipient", &entry.recipient, false),
        lines: lines.collect(),
        lines_problem: problems.get("items").cloned(),
        may_add: entry.items.len() < MAX_ITEMS,
        amounts: vec![
            form.field("shipping-fee".to_owned(), t.shipping_fee.to_owned(), &entry.shipping_fee, false),
            form.field("payment-fee".to_owned(), t.edit_payment_fee.to_owned(), &entry.payment_fee, false),
        ],
        note: form.field("note".to_owned(), t.remarks.to_owned(), &entry.note, false),
        p,
    };
    html(status, &page)
}

/// Makes the inputs of the form.
struct FormView<'a> {
    problems: &'a Problems,
    t: &'static Texts,
    lang: Lang,
}

impl FormView<'_> {
    fn field(&self, name: String, label: String, value: &str, required: bool) -> FieldView {
        FieldView {
            problem: self.problems.get(&name).cloned(),
            kind: if name.ends_with(".phone") { "tel" } else { "text" },
            value: value.to_owned(),
            max: MAX_CELL,
            required,
            label,
            name,
        }
    }

    fn person(&self, party: &str, PersonEntry(typed): &PersonEntry, is_needed: bool) -> Vec<FieldView> {
        let fields = PERSON_FIELDS.iter().zip(typed);
        let view = |((field, _), value): (&(&str, _), &String)| {
            let label = person_field(field, self.lang).to_owned();
            self.field(format!("{party}.{field}"), label, value, is_needed && NEEDED.contains(field))
        };
        fields.map(view).collect()
    }

    fn line(&self, at: usize, ItemEntry(typed): &ItemEntry) -> LineView {
        let view = |(field, value): (&&str, &String)| {
            self.field(item_path(at, field), item_field(field, self.lang).to_owned(), value, *field != "tax-rate")
        };
        LineView {
            index: at,
            title: fill(self.t.edit_line, &[&(at + 1)]),
            fields: ITEM_PATHS.iter().zip(typed).map(view).collect(),
        }
    }
}

/// The fields of a buyer that no order can be without.
const NEEDED: [&str; 6] =
    ["name", "address.postal-code", "address.prefecture", "address.city", "address.street", "phone"];
