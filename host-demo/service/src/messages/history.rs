//! The lines of an order's history.

use super::localize::Localize;
use crate::credit::{CutName, CutNames};
use domain::correction::Correction;
use domain::invoice::Invoice;
use domain::lang::Lang;
use domain::order::OrderEdit;
use domain::tracking::DroppedTracking;
use store::HistoryLine;

/// The note of `line`, with the codes of the store as labels. Lines of earlier versions have labels already.
pub fn note(line: &HistoryLine, lang: Lang) -> Option<String> {
    let note = line.note.as_deref()?;
    if let Some(told) = told(line, lang) {
        return Some(told);
    }
    let invoice = if line.event == OrderEdit::InvoiceSet.to_string() { Invoice::parse(note) } else { None };
    Some(invoice.map_or(note, |invoice| invoice.localized(lang)).to_owned())
}

/// What a correction changed, what of the items' names did not go out, or which tracking number is not the order's any
/// more; nothing for other lines.
pub fn told(line: &HistoryLine, lang: Lang) -> Option<String> {
    let correction = correction(line).map(|correction| correction.localized(lang));
    correction
        .or_else(|| Some(cut_names(line)?.localized(lang)))
        .or_else(|| Some(dropped_tracking(line)?.localized(lang)))
}

/// What of the items' names did not go out.
impl Localize for CutNames {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let Self { limit, cut } = self;
        let names = cut.iter().map(|CutName { line, rest }| {
            lang.pick(format!("明細{line}行目「…{rest}」"), format!("line {line} without \"{rest}\""))
        });
        let names = names.collect::<Vec<_>>().join(lang.pick("、", ", "));
        lang.pick(
            format!("商品名を{limit}文字に切って送信しました。送信していない部分: {names}"),
            format!("Names of items were sent with their first {limit} characters: {names}."),
        )
    }
}

/// The number of a registration that came to its end.
impl Localize for DroppedTracking {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let number = &self.dropped_tracking_number;
        lang.pick(
            format!("前の与信の伝票番号 {number} を外しました。出荷したら、もう一度登録してください"),
            format!(
                "The tracking number {number} was that of the credit before; enter it again when this one is shipped"
            ),
        )
    }
}

/// The tracking number that a renewed registration did not keep; nothing for other lines.
fn dropped_tracking(line: &HistoryLine) -> Option<DroppedTracking> {
    serde_json::from_str(line.note.as_deref()?).ok()
}

/// The items' names that were cut when the order was sent; nothing for other lines.
fn cut_names(line: &HistoryLine) -> Option<CutNames> {
    serde_json::from_str(line.note.as_deref()?).ok()
}

/// What a correction changed; nothing for other lines, and for those of earlier versions.
fn correction(line: &HistoryLine) -> Option<Correction> {
    let is_correction = line.event == OrderEdit::Corrected.to_string();
    serde_json::from_str(line.note.as_deref().filter(|_| is_correction)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_invoice_is_shown_as_its_label_and_everything_else_as_it_is() {
        let line = |event: OrderEdit, note: &str| HistoryLine {
            version: 1,
            at: 0,
            who: "kanri".to_owned(),
            event: event.to_string(),
            from_state: "not_asked".to_owned(),
            to_state: "not_asked".to_owned(),
            reference: None,
            problem: None,
            note: Some(note.to_owned()),
            report: None,
        };
        for (event, stored, ja, en) in [
            (OrderEdit::InvoiceSet, "enclosed", "同梱", "enclosed"),
            (OrderEdit::InvoiceSet, "別送", "別送", "separate"),
            (OrderEdit::InvoiceSet, "", "", ""),
            (OrderEdit::StatusSet, "separate", "separate", "separate"),
        ] {
            let line = line(event, stored);
            assert_eq!([note(&line, Lang::Ja).unwrap(), note(&line, Lang::En).unwrap()], [ja, en]);
        }
    }
}
