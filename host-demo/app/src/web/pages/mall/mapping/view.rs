//! The page of a mapping as it is shown.

use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::html;
use crate::web::http::session::Admin;
use crate::web::pages::mall::mapping::fields::{self, MappingOption, OPTIONS, chosen};
use crate::web::pages::mall::mapping::form::{KEPT, MappingForm, shown_value};
use crate::web::parts::mapping_format::{Formats, preset_of};
use crate::web::parts::order_preview::PreviewView;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use domain::lang::Lang;
use domain::mall::Mall;
use service::csv::mapping::choice::{Choice, MAX_JOINED, Source, is_joined, own_part};
use service::csv::mapping::column::Column;
use service::csv::mapping::definition::{Adjustment, MAX_ADJUSTMENTS, Mapping, Separator, Sign};
use service::csv::mapping::error::MappingError;
use service::csv::mapping::error_text::mapping_error;
use service::csv::mapping::preset::Preset;
use service::csv::mapping::setting;
use service::csv::mapping::value::{Per, Value};
use service::csv::mapping::value_text;
use service::mapping_preview::{self, FileLook, Sample};
use service::messages::localize::Localize;
use strum::VariantArray;

/// Characters of a column's first value that stand beside its heading: enough to recognise what the column holds.
const SHOWN_VALUE: usize = 12;
/// Headings that the reason of an offer names.
const SHOWN_HEADINGS: usize = 4;
/// Lines of the text's field: at least these, at most those.
const TEXT_ROWS: (usize, usize) = (8, 40);

#[derive(Template)]
#[template(path = "mall/mapping.html")]
struct MappingPage {
    p: Page,
    mall: String,
    heading: String,
    version: i64,
    held: String,
    /// The text of the mapping, as it was drawn.
    text: String,
    text_rows: usize,
    text_problem: Option<String>,
    /// The preset whose whole mapping can be written into the text.
    writes_out: Option<String>,
    is_changed: bool,
    sample_problem: Option<String>,
    facts: Option<String>,
    offers: Vec<Offer>,
    formats: Vec<OptionView>,
    /// What is wrong between mapping and file, and with none of our columns.
    problems: Vec<String>,
    groups: Vec<Group>,
    adjustments: Vec<AdjustmentView>,
    options: Vec<SelectView>,
    preview: Option<PreviewView>,
}

/// A preset that the file is recognised by.
struct Offer {
    id: String,
    title: String,
    reason: String,
    is_used: bool,
}

/// Columns of ours that belong together.
struct Group {
    id: &'static str,
    title: &'static str,
    rows: Vec<Row>,
}

/// One of our columns.
struct Row {
    id: usize,
    name: String,
    required: bool,
    selects: Vec<SelectView>,
    part: Option<PartView>,
    /// What is done to the value besides.
    done: String,
    problem: Option<String>,
}

struct PartView {
    label: &'static str,
    here: bool,
}

struct AdjustmentView {
    at: usize,
    legend: String,
    name: String,
    selects: Vec<SelectView>,
}

struct SelectView {
    id: String,
    label: String,
    options: Vec<OptionView>,
}

struct OptionView {
    value: String,
    label: String,
    here: bool,
}

/// What a response shows besides the form.
#[derive(Default)]
pub(super) struct MappingReply {
    /// The name under which the sample is kept.
    pub held: String,
    /// The sample.
    pub sample: Option<Sample>,
    /// There was a sample, and another one took its place.
    pub is_sample_gone: bool,
    /// The version of the mall from which the form was made.
    pub version: i64,
    /// The format that is chosen, used yet or not.
    pub format: Option<String>,
    /// At the top of the page.
    pub notice: Option<Notice>,
}

/// The page with `form`.
pub(super) fn show(admin: &Admin, mall: &Mall, form: MappingForm, reply: MappingReply) -> Result<Response, Refusal> {
    let mut p = admin.0.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let is_refused = reply.notice.as_ref().is_some_and(|notice| notice.tone == Tone::Bad);
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    p.notices.extend(reply.notice);
    let mapping = form.mapping.as_ref().ok();
    let look =
        reply.sample.as_ref().map(|sample| mapping_preview::look(sample, mapping.unwrap_or(&Mapping::default())));
    let (look, sample_problem) = match look.transpose() {
        Ok(look) => (look, None),
        Err(problem) => (None, Some(problem.localized(lang))),
    };
    let drawing = Drawing::new(look.as_ref(), mapping, lang, t);
    let preview = match (&reply.sample, &look, mapping) {
        (Some(sample), Some(_), Some(_)) => Some(preview(mall, sample, &form.text, lang, t)),
        _ => None,
    };
    let used = preset_of(&form.text);
    let page = MappingPage {
        mall: mall.id.clone(),
        heading: fill(t.mapping_heading, &[&mall.name]),
        version: reply.version,
        held: reply.held,
        text_rows: (form.text.lines().count() + 2).clamp(TEXT_ROWS.0, TEXT_ROWS.1),
        text_problem: form.problem(lang),
        writes_out: used.map(|preset| preset.id.clone()),
        is_changed: form.text.trim() != mall.mapping.trim(),
        sample_problem: sample_problem.or_else(|| reply.is_sample_gone.then(|| t.sample_gone.to_owned())),
        facts: look.as_ref().map(|look| facts(look, t)),
        offers: offers(look.as_ref(), setting::base(&form.text), t),
        formats: formats(reply.format.as_deref(), &form.text, t),
        problems: drawing.other_problems(),
        groups: drawing.groups(),
        adjustments: drawing.adjustments(),
        options: drawing.options(),
        preview,
        text: form.text,
        p,
    };
    Ok(html(status, &page))
}

fn preview(mall: &Mall, sample: &Sample, text: &str, lang: Lang, t: &'static Texts) -> PreviewView {
    match mapping_preview::preview(sample, text, &mall.take) {
        Ok(preview) => PreviewView::new(&preview, lang, t),
        Err(problem) => PreviewView::failed(problem.localized(lang)),
    }
}

fn facts(look: &FileLook, t: &Texts) -> String {
    let separator = if look.separator == Separator::Tab { t.separator_tab } else { t.separator_comma };
    fill(t.file_facts, &[&look.encoding, &separator, &look.heading_line, &look.headings.len(), &look.rows])
}

fn offers(look: Option<&FileLook>, used: Option<&Preset>, t: &Texts) -> Vec<Offer> {
    let offer = |preset: &&'static Preset| {
        let headings: Vec<&str> = preset.recognised.all.iter().take(SHOWN_HEADINGS).map(String::as_str).collect();
        let is_used = used.is_some_and(|used| used.id == preset.id);
        Offer {
            id: preset.id.clone(),
            title: fill(if is_used { t.preset_used } else { t.preset_recognised }, &[&preset.name]),
            reason: fill(t.preset_reason, &[&headings.join(t.between_names)]),
            is_used,
        }
    };
    look.iter().flat_map(|look| &look.recognised).map(offer).collect()
}

fn formats(chosen: Option<&str>, text: &str, t: &Texts) -> Vec<OptionView> {
    let all = Formats::Export.choices(text, t);
    let here = |value: &str, is_used: bool| chosen.map_or(is_used, |chosen| chosen == value);
    let option =
        |(value, label, is_used): (String, String, bool)| OptionView { here: here(&value, is_used), value, label };
    all.into_iter().map(option).collect()
}

/// What rows and choices are drawn from.
struct Drawing<'a> {
    mapping: Option<&'a Mapping>,
    /// The columns of the file, or without one those that the mapping names, and what stands beside them.
    sources: Vec<(Source, String)>,
    has_file: bool,
    errors: &'a [MappingError],
    lang: Lang,
    t: &'static Texts,
}

impl<'a> Drawing<'a> {
    fn new(look: Option<&'a FileLook>, mapping: Option<&'a Mapping>, lang: Lang, t: &'static Texts) -> Self {
        let sources = match look {
            Some(look) => Source::all(&look.headings).into_iter().zip(look.examples.iter().cloned()).collect(),
            None => Vec::new(),
        };
        let errors = look.map_or(&[][..], |look| &look.mapping_errors);
        Self { mapping, sources, has_file: look.is_some(), errors, lang, t }
    }

    fn label(&self, source: &Source, example: &str) -> String {
        let name = value_text::source(source, self.lang);
        match example.trim() {
            "" => name,
            example if example.chars().count() > SHOWN_VALUE => {
                format!("{name}: {}…", example.chars().take(SHOWN_VALUE).collect::<String>())
            }
            example => format!("{name}: {example}"),
        }
    }

    /// The columns of the file to choose from; one that is chosen and not there is named as such.
    fn sources(&self, none: &str, chosen: Option<&Source>) -> Vec<OptionView> {
        let is_there = |source: &Source| self.sources.iter().any(|(there, _)| there == source);
        let none = OptionView { value: String::new(), label: none.to_owned(), here: chosen.is_none() };
        let absent = chosen.filter(|source| !is_there(source)).map(|source| {
            let name = value_text::source(source, self.lang);
            let label = if self.has_file { fill(self.t.not_in_file, &[&name]) } else { name };
            OptionView { value: source.key(), label, here: true }
        });
        let there = self.sources.iter().map(|(source, example)| OptionView {
            value: source.key(),
            label: self.label(source, example),
            here: chosen == Some(source),
        });
        [none].into_iter().chain(absent).chain(there).collect()
    }

    fn groups(&self) -> Vec<Group> {
        let t = self.t;
        let group = |id, title, level: fn(Column) -> bool| {
            let columns = Column::VARIANTS.iter().enumerate().filter(|(_, column)| level(**column));
            Group { id, title, rows: columns.filter_map(|(at, column)| self.row(at, *column)).collect() }
        };
        let groups = [
            group("order", t.order, |column| group_of(column) == "order"),
            group("buyer", t.buyer_section, |column| group_of(column) == "buyer"),
            group("recipient", t.ship_to, |column| group_of(column) == "recipient"),
            group("items", t.item_section, |column| group_of(column) == "items"),
        ];
        groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
    }

    fn row(&self, at: usize, column: Column) -> Option<Row> {
        let value = shown_value(self.mapping?, column);
        let choice = Choice::of(column, value.as_ref());
        Some(Row {
            id: at,
            name: value_text::column(column, self.lang).to_owned(),
            required: column.is_required(),
            part: own_part(column).filter(|_| choice.is_some()).map(|_| PartView {
                label: self.t.address_part,
                here: choice.as_ref().is_some_and(|choice| choice.is_part),
            }),
            done: choice
                .as_ref()
                .and(value.as_ref())
                .map(|value| value_text::done(value, self.lang))
                .unwrap_or_default(),
            selects: self.selects(at, column, value.as_ref(), choice),
            problem: self.problem_of(column),
        })
    }

    fn selects(&self, at: usize, column: Column, value: Option<&Value>, choice: Option<Choice>) -> Vec<SelectView> {
        let name = value_text::column(column, self.lang);
        let select = |nth: usize, options| SelectView {
            id: fields::column(at, nth),
            label: if nth == 0 { name.to_owned() } else { fill(self.t.joined_column, &[&name, &(nth + 1)]) },
            options,
        };
        let Some(choice) = choice else {
            let mut options = self.sources(self.t.column_unused, None);
            options.iter_mut().for_each(|option| option.here = false);
            let label = value.map(|value| value_text::value(value, self.lang)).unwrap_or_default();
            options.insert(0, OptionView { value: KEPT.to_owned(), label, here: true });
            return vec![select(0, options)];
        };
        let joined = if is_joined(column) && !choice.sources.is_empty() { choice.sources.len() + 1 } else { 1 };
        let count = joined.max(choice.sources.len()).min(MAX_JOINED);
        let none = |nth| if nth == 0 { self.t.column_unused } else { self.t.column_no_more };
        (0..count).map(|nth| select(nth, self.sources(none(nth), choice.sources.get(nth)))).collect()
    }

    fn adjustments(&self) -> Vec<AdjustmentView> {
        let Some(mapping) = self.mapping else { return Vec::new() };
        let known = mapping.adjustments.iter().map(Some);
        let all = known.chain([None]).take(MAX_ADJUSTMENTS).enumerate();
        all.map(|(at, adjustment)| self.adjustment(at, adjustment)).collect()
    }

    fn adjustment(&self, at: usize, adjustment: Option<&Adjustment>) -> AdjustmentView {
        let t = self.t;
        let id = |field: &str| fields::adjustment(at, field);
        let choice = adjustment.map(|adjustment| Choice::of(Column::Total, Some(&adjustment.amount)));
        let amount = match (choice, adjustment) {
            (Some(None), Some(adjustment)) => {
                let label = value_text::value(&adjustment.amount, self.lang);
                vec![OptionView { value: KEPT.to_owned(), label, here: true }]
            }
            (choice, _) => {
                let choice = choice.flatten().unwrap_or_default();
                self.sources(t.column_unused, choice.sources.first())
            }
        };
        let pick = |chosen: &str, all: &[(&str, &str)]| {
            let option = |(value, label): &(&str, &str)| OptionView {
                value: (*value).to_owned(),
                label: (*label).to_owned(),
                here: *value == chosen,
            };
            all.iter().map(option).collect::<Vec<_>>()
        };
        let sign = match adjustment.map(|adjustment| adjustment.sign) {
            Some(Sign::AsWritten) => "as-written",
            _ => "taken-off",
        };
        let per = match adjustment.map(Adjustment::per) {
            Some(Per::Destination) => "destination",
            Some(Per::Row) => "row",
            _ => "order",
        };
        let signs = [("taken-off", t.sign_taken_off), ("as-written", t.sign_as_written)];
        let pers = [("order", t.once_per_order), ("destination", t.once_per_destination), ("row", t.on_every_row)];
        let selects = [
            SelectView { id: id("amount"), label: t.adjustment_amount.to_owned(), options: amount },
            SelectView { id: id("sign"), label: t.adjustment_sign.to_owned(), options: pick(sign, &signs) },
            SelectView { id: id("per"), label: t.adjustment_per.to_owned(), options: pick(per, &pers) },
        ];
        let name = adjustment.map(|adjustment| adjustment.name.clone()).unwrap_or_default();
        let legend = if name.is_empty() { t.adjustment_new.to_owned() } else { name.clone() };
        AdjustmentView { at, legend, name, selects: selects.into() }
    }

    fn options(&self) -> Vec<SelectView> {
        let Some(mapping) = self.mapping else { return Vec::new() };
        let select = |option: &MappingOption| {
            let chosen = chosen(option, mapping);
            let known = option.choices.iter().map(|(value, label)| OptionView {
                value: (*value).to_owned(),
                label: label(self.t).to_owned(),
                here: *value == chosen,
            });
            let mut options: Vec<OptionView> = known.collect();
            if options.iter().all(|option| !option.here) {
                options.push(OptionView { value: chosen.clone(), label: chosen, here: true });
            }
            SelectView { id: option.id.to_owned(), label: (option.label)(self.t).to_owned(), options }
        };
        OPTIONS.iter().map(select).collect()
    }

    fn problem_of(&self, column: Column) -> Option<String> {
        let own = self.errors.iter().find(|error| column_of(error) == Some(column.name()));
        own.map(|error| mapping_error(error, self.lang))
    }

    fn other_problems(&self) -> Vec<String> {
        let is_of_column =
            |error: &&MappingError| column_of(error).and_then(|name| name.parse::<Column>().ok()).is_some();
        self.errors.iter().filter(|error| !is_of_column(error)).map(|error| mapping_error(error, self.lang)).collect()
    }
}

/// Our column that an error is about.
fn column_of(error: &MappingError) -> Option<&str> {
    match error {
        MappingError::Missing { column, .. } | MappingError::NoSource(column) => Some(column),
        _ => None,
    }
}

/// Under which title a column stands.
fn group_of(column: Column) -> &'static str {
    use Column::*;
    match column {
        Number | OrderedAt | ShippingFee | PaymentFee | Total | Invoice | Note | OrderStatus => "order",
        BuyerName | BuyerKana | BuyerCompany | BuyerDepartment | BuyerPostalCode | BuyerPrefecture | BuyerCity
        | BuyerStreet | BuyerPhone | BuyerEmail => "buyer",
        RecipientName | RecipientKana | RecipientCompany | RecipientDepartment | RecipientPostalCode
        | RecipientPrefecture | RecipientCity | RecipientStreet | RecipientPhone => "recipient",
        ItemName | UnitPrice | Quantity | TaxRate => "items",
    }
}
