//! Changes of single entries of a mapping's text: everything else of it, comments too, stays as it was written.

use crate::csv::mapping::column::Column;
use crate::csv::mapping::definition::Mapping;
use crate::csv::mapping::error::DefinitionError;
use crate::csv::mapping::form_error::FormError;
use crate::csv::mapping::setting;
use crate::csv::mapping::value::{Origin, Value};
use serde::Serialize;
use toml_edit::{DocumentMut, Item, Table};

const COLUMNS: &str = "columns";
const SAME_NAMES: &str = "same-names";

/// The text with another value of `column`; with none, the column stays empty, whatever a preset or the headings have.
pub fn set_column(text: &str, column: Column, value: Option<&Value>) -> Result<String, DefinitionError> {
    let mut document = parsed(text)?;
    match value {
        Some(value) => put(&mut document, &[COLUMNS, column.name()], value)?,
        None => {
            take(&mut document, &[COLUMNS, column.name()]);
            if has(&setting::mapping(&document.to_string())?, column) {
                put(&mut document, &[COLUMNS, column.name()], &Value::of(Origin::Text(String::new())))?;
            }
        }
    }
    Ok(document.to_string())
}

/// The text with another value under `path`, whose last part is the key.
pub fn set(text: &str, path: &[&str], value: &impl Serialize) -> Result<String, DefinitionError> {
    let mut document = parsed(text)?;
    put(&mut document, path, value)?;
    Ok(document.to_string())
}

/// The text without what stands under `path`.
pub fn remove(text: &str, path: &[&str]) -> Result<String, DefinitionError> {
    let mut document = parsed(text)?;
    take(&mut document, path);
    Ok(document.to_string())
}

/// An empty text means our own headings; with its first entry that has to be said.
fn parsed(text: &str) -> Result<DocumentMut, DefinitionError> {
    let form = |error: toml_edit::TomlError| FormError::new(text, error.span(), error.message());
    let mut document: DocumentMut = text.parse().map_err(|error| DefinitionError::Form(form(error)))?;
    if document.is_empty() {
        document.insert(SAME_NAMES, toml_edit::value(true));
    }
    Ok(document)
}

fn has(mapping: &Mapping, column: Column) -> bool {
    mapping.same_names || mapping.columns.contains_key(&column)
}

fn put(document: &mut DocumentMut, path: &[&str], value: &impl Serialize) -> Result<(), DefinitionError> {
    let form = |error: &dyn std::fmt::Display| DefinitionError::Form(FormError::nowhere(&error));
    let Some((key, tables)) = path.split_last() else { return Ok(()) };
    let inline = toml::Value::try_from(value).map_err(|error| form(&error))?.to_string();
    let mut inline: toml_edit::Value = inline.parse().map_err(|error: toml_edit::TomlError| form(&error))?;
    if let Some(list) = inline.as_array_mut().filter(|list| !list.is_empty()) {
        // A line for each.
        list.iter_mut().for_each(|entry| entry.decor_mut().set_prefix("\n    "));
        list.set_trailing("\n");
        list.set_trailing_comma(true);
    }
    let mut at = document.as_item_mut();
    for table in tables {
        let inner = at.as_table_like_mut().ok_or_else(|| form(&format!("{table}: not a table")))?;
        at = inner.entry(table).or_insert_with(|| Item::Table(Table::new()));
    }
    let inner = at.as_table_like_mut().ok_or_else(|| form(&format!("{key}: not in a table")))?;
    match inner.get_mut(key) {
        // What stands around the value, a comment behind it, is kept.
        Some(Item::Value(known)) => {
            let decor = known.decor().clone();
            *known = inline;
            *known.decor_mut() = decor;
        }
        _ => {
            inner.insert(key, Item::Value(inline));
        }
    }
    Ok(())
}

fn take(document: &mut DocumentMut, path: &[&str]) {
    let Some((key, tables)) = path.split_last() else { return };
    let mut at = Some(document.as_item_mut());
    for table in tables {
        at = at.and_then(|item| item.as_table_like_mut()).and_then(|inner| inner.get_mut(table));
    }
    if let Some(inner) = at.and_then(|item| item.as_table_like_mut()) {
        inner.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::mapping::preset;
    use strum::VariantArray;

    fn means(text: &str) -> Mapping {
        setting::mapping(text).unwrap_or_else(|error| panic!("{error:?}: {text}"))
    }

    #[test]
    fn a_change_leaves_everything_else_as_it_was_written() {
        let text = "# 楽天と違うところ\npreset = \"rakuten\" # 2026年11月\n\n[columns] # 店のもの\n\"備考\" = \"店舗メモ\"   # 長い\n";
        let changed = set_column(text, Column::Note, Some(&Value::column("コメント"))).unwrap();
        assert_eq!(changed, text.replace("店舗メモ", "コメント"));
        let more = set_column(&changed, Column::ItemName, Some(&Value::column("商品ID"))).unwrap();
        assert_eq!(more, format!("{changed}\"商品名\" = \"商品ID\"\n"));
        assert_eq!(remove(&more, &["columns", "商品名"]).unwrap(), changed);
        let priced = set(&more, &["prices", "tax"], &"excluded").unwrap();
        assert!(priced.starts_with(&more) && means(&priced).prices != means(&more).prices, "{priced}");
        let joined = Value::of(Origin::Join(vec![Value::column("姓"), Value::column("名")], " ".into()));
        let joined = set_column("", Column::BuyerName, Some(&joined)).unwrap();
        assert_eq!(
            joined,
            "same-names = true\n\n[columns]\n\"注文者氏名\" = { join = [\"姓\", \"名\"], with = \" \" }\n"
        );
    }

    #[test]
    fn a_column_that_is_not_used_stays_empty_whatever_it_is_in_the_preset() {
        for text in [setting::of_preset("rakuten"), String::new(), "columns = { \"備考\" = \"メモ\" }\n".to_owned()]
        {
            let changed = set_column(&text, Column::Note, None).unwrap();
            let value = means(&changed).columns.get(&Column::Note).cloned();
            assert!(value.is_none_or(|value| value == Value::of(Origin::Text(String::new()))), "{changed}");
            assert!(!changed.contains("メモ"), "{changed}");
        }
    }

    #[test]
    fn every_value_of_every_preset_can_be_written() {
        for preset in preset::all() {
            let mut text = String::new();
            for column in Column::VARIANTS {
                let value = preset.mapping.columns.get(column).map(|value| Value { words: None, ..value.clone() });
                text = set_column(&text, *column, value.as_ref()).unwrap();
                let written = means(&text).columns.get(column).cloned();
                let nothing = Value::of(Origin::Text(String::new()));
                assert_eq!(written, Some(value.unwrap_or(nothing)), "{} {column:?}", preset.id);
            }
        }
        let odd = Value::of(Origin::Text("\"'\\ \n= # ]".to_owned()));
        let text = set_column("", Column::Note, Some(&odd)).unwrap();
        assert_eq!(means(&text).columns[&Column::Note], odd);
    }

    #[test]
    fn a_text_that_is_no_mapping_is_not_changed() {
        for text in ["columns = 1", "[columns", "columns = []"] {
            assert!(set_column(text, Column::Note, Some(&Value::column("x"))).is_err(), "{text}");
        }
    }
}
