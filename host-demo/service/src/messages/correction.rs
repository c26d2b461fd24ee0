//! What is wrong with an order as it was typed, and what a correction changed.

use super::field_name::field_name;
use super::format::yen;
use super::issue::what_is_wrong;
use super::localize::Localize;
use crate::correction::{EntryError, EntryKind, EntryProblem};
use domain::correction::{CorrectedBy, Correction, FieldChange};
use domain::invoice::Invoice;
use domain::lang::Lang;
use domain::normalize::ValueError;
use domain::normalize::amount::{MAX_QUANTITY, MAX_YEN};

/// The field and what is wrong with it.
impl Localize for EntryProblem {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let wrong = self.error.localized(lang);
        field_name(&self.path, lang).map_or_else(|| wrong.clone(), |name| format!("{name}: {wrong}"))
    }
}

/// What is wrong and what to type, without the field.
impl Localize for EntryError {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::Empty => lang.pick("入力してください", "fill it in").to_owned(),
            Self::TooLong(max) => {
                lang.pick(format!("{max}文字以内で入力してください"), format!("enter at most {max} characters"))
            }
            Self::NoItems => lang.pick("明細を1行以上入力してください", "enter at least one line").to_owned(),
            Self::TooManyItems(max) => lang.pick(
                format!("一つの注文は{max}行までです。注文を分けてください"),
                format!("an order has {max} lines at most; split it"),
            ),
            Self::Fee(said) => what_is_wrong(said, lang),
            Self::Value(_, ValueError::ControlCharacters) => {
                lang.pick("目に見えない制御文字を取り除いてください", "remove the control characters").to_owned()
            }
            Self::Value(_, ValueError::FractionOfYen) => {
                lang.pick("円未満の端数は使えません", "a fraction of a yen cannot be billed").to_owned()
            }
            Self::Value(EntryKind::Text, ValueError::BecameDate) => lang
                .pick(
                    "番地が日付になっています。番地を入力してください",
                    "a house number became a date; enter the house number",
                )
                .to_owned(),
            Self::Value(kind, _) => kind.localized(lang),
        }
    }
}

/// What has to be typed.
impl Localize for EntryKind {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let fixed = |ja: &str, en: &str| lang.pick(ja, en).to_owned();
        match self {
            Self::Text => {
                fixed("この内容は使えません。入力し直してください", "this cannot be kept; enter something else")
            }
            Self::PostalCode => fixed("郵便番号は7桁の数字で入力してください", "enter a postal code of seven digits"),
            Self::Prefecture => fixed(
                "東京都のように、47都道府県のどれかを入力してください",
                "enter one of the 47 prefectures, such as 東京都 or Tokyo",
            ),
            Self::Phone => fixed(
                "市外局番からの日本の電話番号（10桁か11桁）を入力してください",
                "enter a Japanese telephone number with its area code, of ten or eleven digits",
            ),
            Self::Yen => lang.pick(
                format!("{}円以内の整数で入力してください（値引きはマイナス）", yen(MAX_YEN)),
                format!("enter whole yen, at most {} (negative for a discount)", yen(MAX_YEN)),
            ),
            Self::Fee => lang.pick(
                format!("0円から{}円までの整数で入力してください", yen(MAX_YEN)),
                format!("enter whole yen from 0 to {}", yen(MAX_YEN)),
            ),
            Self::Quantity => lang.pick(
                format!("1から{MAX_QUANTITY}までの整数で入力してください"),
                format!("enter a whole number from 1 to {MAX_QUANTITY}"),
            ),
            Self::TaxRate => fixed("0、8、10のどれかを入力してください", "enter 0, 8 or 10"),
        }
    }
}

/// What changed, by what.
impl Localize for Correction {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let changed: Vec<_> = self.fields.iter().map(|change| change.localized(lang)).collect();
        let changed = changed.join(lang.pick("、", "; "));
        match self.by {
            CorrectedBy::File => format!("CSV: {changed}"),
            CorrectedBy::Entry => changed,
        }
    }
}

/// The field, and for what is not about people what it was and is.
impl Localize for FieldChange {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let name = field_name(&self.field, lang).unwrap_or_default();
        let value = |text: &String| match (text.as_str(), Invoice::parse(text)) {
            ("", _) => "–".to_owned(),
            (_, Some(invoice)) if self.field == "invoice" => invoice.localized(lang).to_owned(),
            (text, _) => text.to_owned(),
        };
        match &self.values {
            Some((from, to)) => format!("{name} {} → {}", value(from), value(to)),
            None => name,
        }
    }
}
