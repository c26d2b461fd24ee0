//! What a value of a mapping is, in words: for values that a table of columns cannot show otherwise.

use crate::csv::mapping::choice::Source;
use crate::csv::mapping::column::Column;
use crate::csv::mapping::value::{Origin, Part, Value};
use domain::lang::Lang;

/// A column of a file as people name it: `送料 (2)` is the second 送料.
pub fn source(source: &Source, lang: Lang) -> String {
    match source {
        Source::Heading(heading, None) => heading.clone(),
        Source::Heading(heading, Some(nth)) => format!("{heading} ({nth})"),
        Source::Position(at) => lang.pick(format!("{at}列目"), format!("column {at}")),
    }
}

/// Our column as people read it; in Japanese it is its heading.
pub fn column(column: Column, lang: Lang) -> &'static str {
    use Column::*;
    let english = match column {
        Number => "Order number",
        OrderedAt => "Ordered at",
        BuyerName => "Buyer's name",
        BuyerKana => "Buyer's name in kana",
        BuyerCompany => "Buyer's company",
        BuyerDepartment => "Buyer's department",
        BuyerPostalCode => "Buyer's postal code",
        BuyerPrefecture => "Buyer's prefecture",
        BuyerCity => "Buyer's city",
        BuyerStreet => "Buyer's street",
        BuyerPhone => "Buyer's telephone",
        BuyerEmail => "Buyer's e-mail",
        RecipientName => "Recipient's name",
        RecipientKana => "Recipient's name in kana",
        RecipientCompany => "Recipient's company",
        RecipientDepartment => "Recipient's department",
        RecipientPostalCode => "Recipient's postal code",
        RecipientPrefecture => "Recipient's prefecture",
        RecipientCity => "Recipient's city",
        RecipientStreet => "Recipient's street",
        RecipientPhone => "Recipient's telephone",
        ShippingFee => "Shipping fee",
        PaymentFee => "Payment fee",
        Total => "Total",
        Invoice => "Invoice",
        Note => "Remark",
        OrderStatus => "Order status",
        ItemName => "Item",
        UnitPrice => "Unit price",
        Quantity => "Quantity",
        TaxRate => "Tax rate",
    };
    lang.pick(column.name(), english)
}

/// Where a value comes from, and what is done to it.
pub fn value(value: &Value, lang: Lang) -> String {
    let from = origin(&value.from, lang);
    let part = value.part.map(|part| match part {
        Part::Prefecture => lang.pick("都道府県", "prefecture"),
        Part::City => lang.pick("市区町村", "city"),
        Part::Street => lang.pick("市区町村より後", "street"),
    });
    let part = part.map(|part| lang.pick(format!("{from}の{part}"), format!("{part} of {from}"))).unwrap_or(from);
    let done = done(value, lang);
    if done.is_empty() { part } else { lang.pick(format!("{part}（{done}）"), format!("{part} ({done})")) }
}

/// What is done to a value before it is ours; empty where it stays as it is.
pub fn done(value: &Value, lang: Lang) -> String {
    let said = [
        (value.given_name_first, lang.pick("姓を先に", "family name first")),
        (value.words.is_some(), lang.pick("読み替えあり", "words translated")),
        (!value.prefix.is_empty() || !value.suffix.is_empty(), lang.pick("文字を付ける", "text added")),
    ];
    let said: Vec<&str> = said.into_iter().filter(|(is_done, _)| *is_done).map(|(_, said)| said).collect();
    said.join(lang.pick("、", ", "))
}

fn origin(from: &Origin, lang: Lang) -> String {
    let all = |parts: &[Value], between: &str| {
        let parts: Vec<String> = parts.iter().map(|part| value(part, lang)).collect();
        parts.join(between)
    };
    match from {
        Origin::Column { heading, nth } => source(&Source::Heading(heading.clone(), *nth), lang),
        Origin::Position(at) => source(&Source::Position(*at), lang),
        Origin::Text(text) => lang.pick(format!("固定「{text}」"), format!("always \"{text}\"")),
        Origin::Join(parts, _) => all(parts, " + "),
        Origin::FirstOf(parts) => lang.pick(
            format!("{}のうち空でないもの", all(parts, "、")),
            format!("the first of {} that is not empty", all(parts, ", ")),
        ),
    }
}
