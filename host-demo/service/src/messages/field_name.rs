//! The fields of the contract as an operator knows them: what they are called, and where they are corrected.

use domain::lang::Lang;

/// Where a field is corrected. Where several are wrong, the greatest decides what to do first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldPlace {
    /// In the order; also of a field that only the provider knows.
    Order,
    /// At the tracking number.
    Tracking,
    /// In the mall's settings.
    Settings,
    /// Nowhere here: it is what the provider knows the order by.
    Registration,
}

/// A field: its path, its names in Japanese and English.
type Name = (&'static str, &'static str, &'static str);

/// Whose fields they are.
const PARTIES: [Name; 2] = [("buyer", "注文者の", "buyer's "), ("recipient", "送付先の", "recipient's ")];

const PERSON_FIELDS: [Name; 11] = [
    ("name", "氏名", "name"),
    ("name-kana", "氏名カナ", "name in kana"),
    ("company", "会社名", "company"),
    ("department", "部署名", "department"),
    ("phone", "電話番号", "telephone number"),
    ("email", "メールアドレス", "e-mail address"),
    ("address", "住所", "address"),
    ("address.postal-code", "郵便番号", "postal code"),
    ("address.prefecture", "都道府県", "prefecture"),
    ("address.city", "市区町村", "city"),
    ("address.street", "町名・番地・建物名", "street and building"),
];

const ITEM_FIELDS: [Name; 4] = [
    ("name", "商品名", "name"),
    ("unit-price", "単価", "unit price"),
    ("quantity", "数量", "quantity"),
    ("tax-rate", "税率", "tax rate"),
];

const OTHERS: [(Name, FieldPlace); 17] = [
    (("recipient", "送付先", "recipient"), FieldPlace::Order),
    (("items", "明細", "lines"), FieldPlace::Order),
    (("ordered-on", "注文日", "day of the order"), FieldPlace::Order),
    (("ships-on", "出荷予定日", "planned shipping date"), FieldPlace::Order),
    (("shipping-fee", "送料", "shipping fee"), FieldPlace::Order),
    (("payment-fee", "決済手数料", "payment fee"), FieldPlace::Order),
    (("billed-amount", "請求額", "billed amount"), FieldPlace::Order),
    (("invoice", "請求書", "invoice"), FieldPlace::Order),
    (("note", "備考", "note"), FieldPlace::Order),
    (("carrier", "配送業者", "carrier"), FieldPlace::Tracking),
    (("tracking-number", "伝票番号", "tracking number"), FieldPlace::Tracking),
    (("shipped-on", "出荷日", "shipping date"), FieldPlace::Tracking),
    (("reference", "登録番号", "reference"), FieldPlace::Registration),
    (("registration", "登録", "registration"), FieldPlace::Registration),
    (("registration.reference", "登録番号", "reference"), FieldPlace::Registration),
    (("registration.transaction-id", "取引ID", "transaction id"), FieldPlace::Registration),
    (("registration.billed-amount", "請求額", "billed amount"), FieldPlace::Registration),
];

/// Beginnings of the paths of settings.
const SETTINGS: [Name; 2] = [("settings", "モールの設定", "mall's settings"), ("fees", "手数料設定", "fee rule")];

/// Where the field at `path` is corrected.
pub fn place(path: &str) -> FieldPlace {
    if setting(path).is_some() {
        return FieldPlace::Settings;
    }
    OTHERS.iter().find(|((known, ..), _)| *known == path).map_or(FieldPlace::Order, |(_, place)| *place)
}

/// What an operator calls the field at `path` of the contract; nothing for a name of the program or of a plugin that
/// nobody outside knows. A provider's own name of a field is shown as it is.
pub(super) fn field_name(path: &str, lang: Lang) -> Option<String> {
    let named = |(_, ja, en): &Name| lang.pick(*ja, *en).to_owned();
    if let Some(name) = OTHERS.iter().map(|(name, _)| name).find(|(known, ..)| *known == path).or_else(|| setting(path))
    {
        return Some(named(name));
    }
    if let Some((index, field)) = item(path) {
        let line = index + 1;
        let field = ITEM_FIELDS.iter().find(|(known, ..)| *known == field).map(named);
        let of = field.as_deref();
        return Some(lang.pick(
            of.map_or(format!("明細{line}行目"), |field| format!("明細{line}行目の{field}")),
            of.map_or(format!("line {line}"), |field| format!("{field} in line {line}")),
        ));
    }
    let of_party = path.split_once('.').and_then(|(party, field)| {
        let party = PARTIES.iter().find(|(known, ..)| *known == party)?;
        let field = PERSON_FIELDS.iter().find(|(known, ..)| *known == field)?;
        Some(format!("{}{}", named(party), named(field)))
    });
    of_party.or_else(|| (!path.is_empty() && !is_of_program(path)).then(|| path.to_owned()))
}

/// What a field of a person is called, by its path below the person; "" for one that people do not have.
pub fn person_field(path: &str, lang: Lang) -> &'static str {
    named_in(&PERSON_FIELDS, path, lang)
}

/// What a field of a line is called, by its path below the line; "" for one that lines do not have.
pub fn item_field(path: &str, lang: Lang) -> &'static str {
    named_in(&ITEM_FIELDS, path, lang)
}

fn named_in(fields: &'static [Name], path: &str, lang: Lang) -> &'static str {
    fields.iter().find(|(known, ..)| *known == path).map_or("", |(_, ja, en)| lang.pick(*ja, *en))
}

fn setting(path: &str) -> Option<&'static Name> {
    let is_beginning =
        |known: &str| path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    SETTINGS.iter().find(|(known, ..)| is_beginning(known))
}

/// The index and the field of `items[3].name`.
pub fn item(path: &str) -> Option<(usize, &str)> {
    let (index, rest) = path.strip_prefix("items[")?.split_once(']')?;
    Some((index.parse().ok()?, rest.strip_prefix('.').unwrap_or(rest)))
}

/// Whether a name can only be of the program or of a plugin: small ASCII letters joined by hyphens, dots and the like.
pub(super) fn is_of_program(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '_' | '.' | '[' | ']'))
        || name.contains("[")
        || name.contains("::")
        || name.strip_prefix("http-").is_some_and(|status| status.bytes().all(|b| b.is_ascii_digit()))
}
