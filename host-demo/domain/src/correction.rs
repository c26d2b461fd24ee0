//! What a correction changed of an order, as its history keeps it. Of people it names the fields and not their values:
//! a history is read long after, and by more than those who need a buyer's address.

use crate::order::{Amounts, Item, OrderData, Person};
use serde::{Deserialize, Serialize};

/// How a correction came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrectedBy {
    /// By a file of orders.
    File,
    /// Of this order alone, by the page or the API.
    Entry,
}

/// What was changed, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// How it came in.
    pub by: CorrectedBy,
    /// Each field that is not as it was.
    pub fields: Vec<FieldChange>,
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its path, as the contract names it: `buyer.address.postal-code`, `items[2]`.
    pub field: String,
    /// What it was and what it is; absent for what is about people. An empty text is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<(String, String)>,
}

/// A field of a person: its path in the contract, and its value, "" where there is none.
pub type PersonField = (&'static str, fn(&Person) -> &str);

/// The fields of a person.
pub const PERSON_FIELDS: [PersonField; 10] = [
    ("name", |person| &person.name),
    ("name-kana", |person| person.kana.as_deref().unwrap_or_default()),
    ("company", |person| person.company.as_deref().unwrap_or_default()),
    ("department", |person| person.department.as_deref().unwrap_or_default()),
    ("address.postal-code", |person| &person.postal_code),
    ("address.prefecture", |person| &person.prefecture),
    ("address.city", |person| &person.city),
    ("address.street", |person| &person.street),
    ("phone", |person| &person.phone),
    ("email", |person| person.email.as_deref().unwrap_or_default()),
];

/// What of an order is not in `after` as it was in `before`.
pub fn changes(before: (&OrderData, &Amounts), after: (&OrderData, &Amounts)) -> Vec<FieldChange> {
    let ((old, old_amounts), (new, new_amounts)) = (before, after);
    let mut changed = Vec::new();
    let valued = |field: &str, from: String, to: String| {
        (from != to).then(|| FieldChange { field: field.to_owned(), values: Some((from, to)) })
    };
    changed.extend(valued("ordered-on", old.ordered_at.to_string(), new.ordered_at.to_string()));
    changed.extend(person_changes("buyer", &old.buyer, &new.buyer));
    match (&old.recipient, &new.recipient) {
        (Some(old), Some(new)) => changed.extend(person_changes("recipient", old, new)),
        (None, None) => {}
        _ => changed.push(FieldChange { field: "recipient".to_owned(), values: None }),
    }
    for at in 0..old.items.len().max(new.items.len()) {
        let line = |items: &[Item]| items.get(at).map(item_text).unwrap_or_default();
        changed.extend(valued(&format!("items[{at}]"), line(&old.items), line(&new.items)));
    }
    for (field, amount) in AMOUNTS {
        changed.extend(valued(field, amount(old_amounts).to_string(), amount(new_amounts).to_string()));
    }
    if old.note != new.note {
        changed.push(FieldChange { field: "note".to_owned(), values: None });
    }
    let invoice = |data: &OrderData| data.invoice.map(|invoice| invoice.to_string()).unwrap_or_default();
    changed.extend(valued("invoice", invoice(old), invoice(new)));
    changed
}

/// An amount: its path in the contract, and its value.
type AmountField = (&'static str, fn(&Amounts) -> i64);

/// The amounts that are entered or come of what is entered.
const AMOUNTS: [AmountField; 3] = [
    ("shipping-fee", |amounts| amounts.shipping_fee),
    ("payment-fee", |amounts| amounts.payment_fee),
    ("billed-amount", |amounts| amounts.billed),
];

fn person_changes(party: &str, old: &Person, new: &Person) -> Vec<FieldChange> {
    let differs = PERSON_FIELDS.iter().filter(|(_, value)| value(old) != value(new));
    differs.map(|(field, _)| FieldChange { field: format!("{party}.{field}"), values: None }).collect()
}

/// `緑茶 500×2 (8%)`
fn item_text(item: &Item) -> String {
    let rate = item.tax_rate.map(|rate| format!(" ({rate}%)")).unwrap_or_default();
    format!("{} {}×{}{rate}", item.name, item.unit_price, item.quantity)
}
