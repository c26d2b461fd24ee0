//! Orders of a file as they would be imported: what a mapping makes of its first ones.

use crate::web::texts::{Texts, fill};
use domain::clock;
use domain::lang::Lang;
use domain::order::Person;
use serde::{Deserialize, Serialize};
use service::csv::order_file::FileOrder;
use service::mapping_preview::{Preview, SHOWN_ORDERS};
use service::messages::format::yen;
use service::messages::localize::Localize;

/// What the page shows of a preview.
#[derive(Serialize, Deserialize)]
pub(crate) struct PreviewView {
    /// Why nothing of the file can be read.
    pub problem: Option<String>,
    /// How many rows would be taken, refused, passed over; and what an import would ask.
    pub counts: Vec<String>,
    /// The first orders.
    pub orders: Vec<OrderView>,
    /// What is wrong with the first orders that are refused.
    pub refused: Vec<String>,
    /// What is not shown.
    pub more: Option<String>,
}

/// An order.
#[derive(Serialize, Deserialize)]
pub(crate) struct OrderView {
    /// 注文番号
    pub number: String,
    /// 注文日時
    pub ordered_at: String,
    /// Label and value.
    pub facts: Vec<(String, String)>,
    /// What is billed, fees among it.
    pub lines: Vec<LineView>,
    /// 合計金額
    pub total: String,
}

/// A line of a bill.
#[derive(Serialize, Deserialize)]
pub(crate) struct LineView {
    /// What stands on the bill.
    pub name: String,
    /// Pieces; empty for a fee.
    pub quantity: String,
    /// Yen of all pieces.
    pub amount: String,
}

impl PreviewView {
    /// A preview in words.
    pub(crate) fn new(preview: &Preview, lang: Lang, t: &'static Texts) -> Self {
        let mut counts: Vec<String> = preview.counts.localized(lang).lines().map(str::to_owned).collect();
        counts.extend(preview.question.as_ref().map(|question| question.localized(lang)));
        let refused = preview.refused.iter();
        let refused = refused.map(|bad| fill(t.line_of_order, &[&bad.line, &bad.number, &bad.texts(lang).join(" / ")]));
        Self {
            problem: None,
            counts,
            orders: preview.orders.iter().map(|order| OrderView::new(order, t)).collect(),
            refused: refused.collect(),
            more: preview.is_cut.then(|| fill(t.preview_cut, &[&SHOWN_ORDERS])),
        }
    }

    /// A file of which nothing can be read.
    pub(crate) fn failed(problem: String) -> Self {
        Self { problem: Some(problem), counts: Vec::new(), orders: Vec::new(), refused: Vec::new(), more: None }
    }
}

impl OrderView {
    fn new(order: &FileOrder, t: &'static Texts) -> Self {
        let data = &order.data;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let facts = [
            (t.buyer_section, person(&data.buyer)),
            (t.ship_to, data.recipient.as_ref().map_or(t.ship_to_buyer.to_owned(), person)),
            (t.order_status, text(&order.order_status)),
            (t.remark, text(&data.note)),
        ];
        let facts = facts.map(|(label, value)| (label.to_owned(), value)).into_iter();
        // 受注ステータス stands there already.
        let selected = order.selected_by.iter().filter(|(_, value)| Some(value) != order.order_status.as_ref());
        let facts = facts.chain(selected.cloned()).filter(|(_, value)| !value.is_empty());
        let items = data.items.iter().map(|item| LineView {
            name: item.name.clone(),
            quantity: item.quantity.to_string(),
            amount: yen(item.unit_price * i64::from(item.quantity)),
        });
        let fees = [(t.shipping_fee, order.shipping_fee), (t.payment_fee, order.payment_fee)].into_iter();
        let fees = fees.filter(|(_, fee)| *fee != 0).map(|(name, fee)| LineView {
            name: name.to_owned(),
            quantity: String::new(),
            amount: yen(fee),
        });
        Self {
            number: order.number.clone(),
            ordered_at: clock::show(data.ordered_at),
            facts: facts.collect(),
            lines: items.chain(fees).collect(),
            total: yen(data.goods() + order.shipping_fee + order.payment_fee),
        }
    }
}

/// Everything of a person that an import takes, in the order of an address label.
fn person(person: &Person) -> String {
    let Person { name, kana, company, department, postal_code, prefecture, city, street, phone, email } = person;
    let address = format!("〒{postal_code} {prefecture}{city}{street}");
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let kana = kana.as_ref().map(|kana| format!("（{kana}）")).unwrap_or_default();
    let parts =
        [format!("{name}{kana}"), optional(company), optional(department), address, phone.clone(), optional(email)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" / ")
}
