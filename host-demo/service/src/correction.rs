//! The correction of one order as it was typed, by the page or the API: buyer, recipient, lines and amounts. What is
//! typed is brought to the same forms as what a file brings, and may change in the same states.

use crate::csv::limits::{MAX_CELL, MAX_ITEMS};
use crate::import::adjusted_amounts;
use crate::providers::plugin_contract::Bill;
use crate::providers::provider::{FeeError, Provider, Providers};
use crate::providers::{CallError, contract};
use domain::correction::{CorrectedBy, PERSON_FIELDS};
use domain::credit_state::State;
use domain::issue::ProviderMessage;
use domain::mall::Mall;
use domain::normalize::{ValueError, address, amount, phone, postal_code, prefecture, text};
use domain::order::{Amounts, Item, Order, OrderData, Person};
use store::{NewOrder, Store, StoreError};

/// An order's content as it was typed: texts, of which every one may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderEntry {
    /// 注文者
    pub buyer: PersonEntry,
    /// 送付先; where all its fields are empty the goods go to the buyer.
    pub recipient: PersonEntry,
    /// 明細; a line whose fields are all empty is none.
    pub items: Vec<ItemEntry>,
    /// 送料
    pub shipping_fee: String,
    /// 決済手数料, before the mall's fee rule.
    pub payment_fee: String,
    /// 備考
    pub note: String,
}

/// A person as typed, in the order of [`PERSON_FIELDS`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonEntry(pub [String; PERSON_FIELDS.len()]);

/// A line as typed, in the order of [`ITEM_PATHS`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemEntry(pub [String; ITEM_PATHS.len()]);

/// The fields of a line, by their paths in the contract.
pub const ITEM_PATHS: [&str; 4] = ["name", "unit-price", "quantity", "tax-rate"];

impl OrderEntry {
    /// What `order` has.
    pub fn of(order: &Order) -> Self {
        let OrderData { buyer, recipient, items, note, .. } = &order.data;
        Self {
            buyer: PersonEntry::of(buyer),
            recipient: recipient.as_ref().map(PersonEntry::of).unwrap_or_default(),
            items: items.iter().map(ItemEntry::of).collect(),
            shipping_fee: order.amounts.shipping_fee.to_string(),
            payment_fee: order.amounts.imported_fee.to_string(),
            note: note.clone().unwrap_or_default(),
        }
    }
}

impl PersonEntry {
    fn of(person: &Person) -> Self {
        Self(PERSON_FIELDS.map(|(_, value)| value(person).to_owned()))
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|field| field.trim().is_empty())
    }
}

impl ItemEntry {
    fn of(item: &Item) -> Self {
        let rate = item.tax_rate.map(|rate| rate.to_string()).unwrap_or_default();
        Self([item.name.clone(), item.unit_price.to_string(), item.quantity.to_string(), rate])
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|field| field.trim().is_empty())
    }
}

/// A field that was not taken.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryProblem {
    /// Its path in the contract: `buyer.phone`, `items[2].quantity`.
    pub path: String,
    /// What is wrong with it.
    pub error: EntryError,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq)]
pub enum EntryError {
    /// Nothing is there.
    Empty,
    /// More than this many characters.
    TooLong(usize),
    /// The value has no form of its kind.
    Value(EntryKind, ValueError),
    /// No line is left.
    NoItems,
    /// More than this many lines.
    TooManyItems(usize),
    /// The fee rule of the provider refuses the bill.
    Fee(ProviderMessage),
}

/// The kinds of values that fields hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// Any text.
    Text,
    /// Seven digits.
    PostalCode,
    /// One of 47.
    Prefecture,
    /// A number of Japan.
    Phone,
    /// Yen, also negative.
    Yen,
    /// Yen, not negative.
    Fee,
    /// At least one.
    Quantity,
    /// 0, 8 or 10.
    TaxRate,
}

/// An order was not corrected.
#[derive(Debug, thiserror::Error)]
pub enum CorrectionError {
    /// Fields were not taken: nothing was changed.
    #[error("{} fields cannot be taken", .0.len())]
    Invalid(Vec<EntryProblem>),
    /// The provider may hold a registration of the order.
    #[error("the order cannot be corrected in the state {0}")]
    Closed(State),
    /// Another operator or process changed the order meanwhile.
    #[error("the order was changed meanwhile")]
    Changed,
    /// The plugin that applies the fee rule is not loaded.
    #[error("the plugin of the provider {0} is not loaded")]
    ProviderMissing(String),
    /// The plugin failed while it calculated the fee.
    #[error("the fee cannot be worked out: {0}")]
    Fee(CallError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Corrects `order` of `mall`, as it was read at `version`, by what was typed. Whether anything changed: an entry that
/// says what the order has already writes nothing.
///
/// # Errors
///
/// See [`CorrectionError`]; nothing was changed then.
pub async fn correct<P: Provider>(
    store: &Store,
    providers: &dyn Providers<P>,
    (order, version): (&Order, i64),
    mall: &Mall,
    entry: &OrderEntry,
    who: &str,
) -> Result<bool, CorrectionError> {
    if !order.state.content_open() {
        return Err(CorrectionError::Closed(order.state));
    }
    if order.version != version {
        return Err(CorrectionError::Changed);
    }
    let read = read(entry, &order.data).map_err(CorrectionError::Invalid)?;
    let amounts = amounts(providers, order, mall, &read).await?;
    let content =
        NewOrder { number: order.number.clone(), data: read.data, amounts, order_status: None, problem: None };
    if content.data == order.data && content.amounts == order.amounts {
        return Ok(false);
    }
    let written = store.correct_order(order, &content, CorrectedBy::Entry, who, store.now()).await?;
    written.then_some(true).ok_or(CorrectionError::Changed)
}

/// What the corrected order comes to. The fee rule is applied once, when an order comes in; again only where a
/// correction changes what it was applied to.
async fn amounts<P: Provider>(
    providers: &dyn Providers<P>,
    order: &Order,
    mall: &Mall,
    read: &Content,
) -> Result<Amounts, CorrectionError> {
    let before = &order.amounts;
    let bill = Bill { items: read.data.goods(), shipping_fee: read.shipping_fee, payment_fee: read.payment_fee };
    if (bill.items, bill.shipping_fee, bill.payment_fee) == (before.goods, before.shipping_fee, before.imported_fee) {
        return Ok(*before);
    }
    let missing = || CorrectionError::ProviderMissing(mall.provider.clone());
    let provider = providers.get(&mall.provider).ok_or_else(missing)?;
    adjusted_amounts(&provider, &contract::fee_rule(&mall.fees), &bill).await.map_err(|error| match error {
        FeeError::Call(error) => CorrectionError::Fee(error),
        FeeError::Refused(problems) => {
            let refused = |problem| EntryProblem {
                path: "payment-fee".to_owned(),
                error: EntryError::Fee(contract::field(problem).said),
            };
            CorrectionError::Invalid(problems.into_iter().map(refused).collect())
        }
    })
}

/// What was typed, brought to its forms.
struct Content {
    data: OrderData,
    shipping_fee: i64,
    payment_fee: i64,
}

fn read(entry: &OrderEntry, before: &OrderData) -> Result<Content, Vec<EntryProblem>> {
    let mut fields = Fields::default();
    let buyer = fields.person("buyer", &entry.buyer);
    let recipient = (!entry.recipient.is_empty()).then(|| fields.person("recipient", &entry.recipient));
    let typed: Vec<_> = entry.items.iter().enumerate().filter(|(_, item)| !item.is_empty()).collect();
    match typed.len() {
        0 => fields.refuse("items", EntryError::NoItems),
        lines if lines > MAX_ITEMS => fields.refuse("items", EntryError::TooManyItems(MAX_ITEMS)),
        _ => {}
    }
    let items = typed.into_iter().map(|(at, item)| fields.item(at, item)).collect();
    let shipping_fee = fields.fee("shipping-fee", &entry.shipping_fee);
    let payment_fee = fields.fee("payment-fee", &entry.payment_fee);
    let note = fields.optional("note", &entry.note, text::text);
    let data = OrderData { ordered_at: before.ordered_at, buyer, recipient, items, invoice: before.invoice, note };
    if fields.problems.is_empty() { Ok(Content { data, shipping_fee, payment_fee }) } else { Err(fields.problems) }
}

/// Reads fields, and collects what is wrong with them.
#[derive(Default)]
struct Fields {
    problems: Vec<EntryProblem>,
}

impl Fields {
    fn refuse(&mut self, path: &str, error: EntryError) {
        self.problems.push(EntryProblem { path: path.to_owned(), error });
    }

    /// The value of a field; nothing where it is empty or wrong.
    fn value<T>(
        &mut self,
        path: &str,
        typed: &str,
        kind: EntryKind,
        read: impl FnOnce(&str) -> Result<T, ValueError>,
    ) -> Option<T> {
        let typed = typed.trim();
        if typed.is_empty() {
            return None;
        }
        if typed.chars().count() > MAX_CELL {
            self.refuse(path, EntryError::TooLong(MAX_CELL));
            return None;
        }
        read(typed).map_err(|error| self.refuse(path, EntryError::Value(kind, error))).ok()
    }

    fn optional(
        &mut self,
        path: &str,
        typed: &str,
        read: impl FnOnce(&str) -> Result<String, ValueError>,
    ) -> Option<String> {
        self.value(path, typed, EntryKind::Text, read)
    }

    fn needed<T: Default>(
        &mut self,
        path: &str,
        typed: &str,
        kind: EntryKind,
        read: impl FnOnce(&str) -> Result<T, ValueError>,
    ) -> T {
        if typed.trim().is_empty() {
            self.refuse(path, EntryError::Empty);
        }
        self.value(path, typed, kind, read).unwrap_or_default()
    }

    /// A fee; nothing typed is none.
    fn fee(&mut self, path: &str, typed: &str) -> i64 {
        let read =
            |typed: &str| amount::yen(typed).and_then(|yen| (yen >= 0).then_some(yen).ok_or(ValueError::OutOfRange));
        self.value(path, typed, EntryKind::Fee, read).unwrap_or_default()
    }

    fn person(&mut self, party: &str, PersonEntry(typed): &PersonEntry) -> Person {
        let [name, kana, company, department, postal, prefecture, city, street, phone, email] = typed;
        let path = |field: &str| format!("{party}.{field}");
        let named = |typed: &str| prefecture::prefecture(typed).map(str::to_owned).ok_or(ValueError::NotOfItsKind);
        let prefecture = self.needed(&path("address.prefecture"), prefecture, EntryKind::Prefecture, named);
        let city = self.needed(&path("address.city"), city, EntryKind::Text, text::text);
        Person {
            name: self.needed(&path("name"), name, EntryKind::Text, text::text),
            kana: self.optional(&path("name-kana"), kana, text::kana),
            company: self.optional(&path("company"), company, text::text),
            department: self.optional(&path("department"), department, text::text),
            postal_code: self.needed(
                &path("address.postal-code"),
                postal,
                EntryKind::PostalCode,
                postal_code::postal_code,
            ),
            city: prefecture::without_prefecture(&city, &prefecture).to_owned(),
            prefecture,
            street: self.needed(&path("address.street"), street, EntryKind::Text, address::street),
            phone: self.needed(&path("phone"), phone, EntryKind::Phone, phone::phone),
            email: self.optional(&path("email"), email, text::text),
        }
    }

    fn item(&mut self, at: usize, ItemEntry(typed): &ItemEntry) -> Item {
        let [name, unit_price, quantity, tax_rate] = typed;
        let path = |field: &str| format!("items[{at}].{field}");
        Item {
            name: self.needed(&path("name"), name, EntryKind::Text, text::text),
            unit_price: self.needed(&path("unit-price"), unit_price, EntryKind::Yen, amount::yen),
            quantity: self.needed(&path("quantity"), quantity, EntryKind::Quantity, amount::quantity),
            tax_rate: self.value(&path("tax-rate"), tax_rate, EntryKind::TaxRate, amount::tax_rate),
        }
    }
}
