//! The form of a mapping. Its state is the mapping's text; what is chosen in the table changes entries of it.

use crate::web::http::form::Upload;
use crate::web::pages::mall::mapping::fields::{self, OPTIONS, chosen};
use domain::lang::Lang;
use service::csv::mapping::choice::{Choice, MAX_JOINED, Source};
use service::csv::mapping::column::Column;
use service::csv::mapping::definition::{Adjustment, MAX_ADJUSTMENTS, Mapping, Sign};
use service::csv::mapping::error::DefinitionError;
use service::csv::mapping::error_text::definition_error;
use service::csv::mapping::value::{Per, Value};
use service::csv::mapping::{edit, setting};
use strum::VariantArray;

/// Stands in a form for a value that is more than its field can show, and stays.
pub(super) const KEPT: &str = "=";

/// A mapping that is being edited.
pub(super) struct MappingForm {
    /// The text, with everything that was chosen.
    pub text: String,
    /// What it means; what is wrong with it.
    pub mapping: Result<Mapping, DefinitionError>,
}

impl MappingForm {
    /// The form of a mapping as it is stored.
    pub(super) fn of(text: &str) -> Self {
        Self { text: text.to_owned(), mapping: setting::mapping(text) }
    }

    /// The form that was sent: the text as it was typed, and in it what was chosen since the form was drawn. A text that
    /// cannot be read stays as it was typed.
    pub(super) fn read(upload: &Upload) -> Self {
        let typed = upload.text("mapping").replace("\r\n", "\n");
        let drawn = upload.text("drawn").replace("\r\n", "\n");
        let form = Self::of(&typed);
        let (Ok(_), Ok(shown)) = (&form.mapping, setting::mapping(&drawn)) else { return form };
        match apply(upload, &shown, typed) {
            Ok(text) => Self::of(&text),
            Err(_) => form,
        }
    }

    /// What is wrong with the text.
    pub(super) fn problem(&self, lang: Lang) -> Option<String> {
        self.mapping.as_ref().err().map(|error| definition_error(error, lang))
    }
}

/// Changes `text` by every field that is not as it was `shown`.
fn apply(upload: &Upload, shown: &Mapping, text: String) -> Result<String, DefinitionError> {
    let mut text = text;
    for (at, column) in Column::VARIANTS.iter().enumerate() {
        let before = shown_value(shown, *column);
        let sent = sent_choice(upload, at, before.as_ref().and_then(|before| Choice::of(*column, Some(before))));
        if let Some(sent) = sent.filter(|sent| Some(sent) != Choice::of(*column, before.as_ref()).as_ref()) {
            let value = sent.value(*column, before.as_ref());
            text = edit::set_column(&text, *column, value.as_ref())?;
        }
    }
    for option in OPTIONS {
        let sent = upload.text(option.id);
        if !sent.is_empty() && sent != chosen(option, shown) {
            text = match option.value(sent) {
                Some(value) => edit::set(&text, option.path, &value)?,
                None => edit::remove(&text, option.path)?,
            };
        }
    }
    let adjustments = sent_adjustments(upload, &shown.adjustments);
    if adjustments.as_ref().is_some_and(|sent| *sent != shown.adjustments) {
        text = edit::set(&text, &["adjustments"], &adjustments.unwrap_or_default())?;
    }
    Ok(text)
}

/// The value that a mapping has for a column, under our own heading where it names none.
pub(super) fn shown_value(mapping: &Mapping, column: Column) -> Option<Value> {
    let own = || Value { is_optional: !column.is_required(), ..Value::column(column.name()) };
    mapping.columns.get(&column).cloned().or_else(|| mapping.same_names.then(own))
}

/// What was chosen for the column at this place; nothing where its value stays, or the form has no field for it.
fn sent_choice(upload: &Upload, at: usize, before: Option<Choice>) -> Option<Choice> {
    let key = |nth: usize| upload.given(&fields::column(at, nth));
    key(0)?;
    let keys: Vec<&str> = (0..MAX_JOINED).filter_map(key).collect();
    if keys.contains(&KEPT) {
        return None;
    }
    let sources = keys.into_iter().filter_map(Source::parse).collect();
    let is_part = match upload.given(&fields::has_part(at)) {
        Some(_) => upload.text(&fields::part(at)) == "yes",
        None => before.is_some_and(|before| before.is_part),
    };
    Some(Choice { sources, is_part })
}

/// The adjustments of the form: those that have a name and a column. Nothing if it has no fields for them.
fn sent_adjustments(upload: &Upload, before: &[Adjustment]) -> Option<Vec<Adjustment>> {
    upload.given(&fields::adjustment(0, "name"))?;
    let one = |at: usize| {
        let text = |field: &str| upload.text(&fields::adjustment(at, field)).trim();
        let known = before.get(at);
        let amount = match text("amount") {
            KEPT => known?.amount.clone(),
            key => {
                let choice = Choice { sources: vec![Source::parse(key)?], is_part: false };
                choice.value(Column::Total, known.map(|known| &known.amount))?
            }
        };
        let name = Some(text("name")).filter(|name| !name.is_empty())?.to_owned();
        let sign = if text("sign") == "as-written" { Sign::AsWritten } else { Sign::TakenOff };
        let per = match text("per") {
            "destination" => Some(Per::Destination),
            "row" => Some(Per::Row),
            _ => amount.per.filter(|per| *per == Per::Order),
        };
        let (detail, tax_rate) = (known.and_then(|known| known.detail.clone()), known.and_then(|known| known.tax_rate));
        Some(Adjustment { name, detail, amount: Value { per, ..amount }, sign, tax_rate })
    };
    Some((0..MAX_ADJUSTMENTS).filter_map(one).collect())
}
