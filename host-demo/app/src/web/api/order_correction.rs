//! The correction of an order's content.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing};
use crate::web::api::caller::Caller;
use crate::web::api::object::Object;
use crate::web::api::order_changes::{edited, unchanged};
use crate::web::api::orders::Order;
use crate::web::api::problem::{FieldError, Kind, Problem};
use axum::Json;
use axum::extract::{Path, State as Shared};
use domain::lang::Lang;
use serde::Deserialize;
use service::correction::{self, CorrectionError, EntryProblem, ItemEntry, OrderEntry, PersonEntry};
use service::messages::localize::Localize;
use utoipa::ToSchema;

/// What an order is to consist of; what is left out is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderCorrection {
    /// The version that the caller saw.
    version: i64,
    buyer: PersonCorrection,
    /// 送付先; absent: the goods go to the buyer.
    recipient: Option<PersonCorrection>,
    /// 明細
    #[schema(min_items = 1, max_items = 200)]
    items: Vec<ItemCorrection>,
    /// 送料, yen.
    #[serde(default)]
    shipping_fee: i64,
    /// 決済手数料 before the mall's fee rule, yen.
    #[serde(default)]
    imported_fee: i64,
    /// 備考
    note: Option<String>,
}

/// A buyer, or whoever gets the goods.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonCorrection {
    /// 氏名
    name: String,
    /// 氏名カナ
    kana: Option<String>,
    /// 会社名
    company: Option<String>,
    /// 部署名
    department: Option<String>,
    /// Seven digits, with a hyphen or without.
    postal_code: String,
    /// 都道府県
    prefecture: String,
    /// 市区町村
    city: String,
    /// 町名・番地・建物名
    street: String,
    /// Ten or eleven digits, with hyphens or without.
    phone: String,
    /// メールアドレス
    email: Option<String>,
}

/// A line of an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemCorrection {
    /// 商品名
    name: String,
    /// Yen, tax included; negative for a discount.
    unit_price: i64,
    /// 数量
    quantity: u32,
    /// Percent: 0, 8 or 10.
    tax_rate: Option<u8>,
}

impl From<PersonCorrection> for PersonEntry {
    fn from(person: PersonCorrection) -> Self {
        let PersonCorrection { name, postal_code, prefecture, city, street, phone, .. } = person;
        let [kana, company, department, email] =
            [person.kana, person.company, person.department, person.email].map(Option::unwrap_or_default);
        Self([name, kana, company, department, postal_code, prefecture, city, street, phone, email])
    }
}

impl From<ItemCorrection> for ItemEntry {
    fn from(item: ItemCorrection) -> Self {
        let rate = item.tax_rate.map(|rate| rate.to_string()).unwrap_or_default();
        Self([item.name, item.unit_price.to_string(), item.quantity.to_string(), rate])
    }
}

impl OrderCorrection {
    fn entry(self) -> OrderEntry {
        OrderEntry {
            buyer: self.buyer.into(),
            recipient: self.recipient.map(PersonEntry::from).unwrap_or_default(),
            items: self.items.into_iter().map(ItemEntry::from).collect(),
            shipping_fee: self.shipping_fee.to_string(),
            payment_fee: self.imported_fee.to_string(),
            note: self.note.unwrap_or_default(),
        }
    }
}

/// Corrects buyer, recipient, lines and amounts: as long as the provider holds nothing live of the order.
///
/// Values are brought to the forms that an import brings them to. Where goods, shipping or fee change, the mall's fee
/// rule is applied again.
#[utoipa::path(put, operation_id = "correct_order", path = "/v1/orders/{id}/content", tag = "orders", params(("id" = i64, Path), Key), request_body = OrderCorrection,
    responses((status = 200, body = Order, description = "The order as it is now."), Acting, Missing))]
pub(super) async fn correct(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Object(correction): Object<OrderCorrection>,
) -> Result<Json<Order>, Problem> {
    let version = correction.version;
    let order = unchanged(&app, id, version).await?;
    let mall = app.store.mall(&order.mall).await?.ok_or_else(|| Problem::no_such("mall", &order.mall))?;
    let (store, providers, entry) = (&app.store, &*app.credit.providers, correction.entry());
    let done = correction::correct(store, providers, (&order, version), &mall, &entry, &caller.name).await;
    app.wake.notify_one();
    match done {
        Ok(_) => edited(&app, id, true, caller.lang).await,
        Err(CorrectionError::Changed) => edited(&app, id, false, caller.lang).await,
        Err(CorrectionError::Store(error)) => Err(error.into()),
        Err(CorrectionError::Invalid(problems)) => {
            let fields = problems.iter().map(|problem| field_error(problem, caller.lang)).collect();
            Err(Problem::new(Kind::Invalid, "Fields cannot be taken. Nothing was changed.").with(fields))
        }
        Err(refused @ (CorrectionError::Closed(_) | CorrectionError::ProviderMissing(_))) => {
            Err(Problem::new(Kind::Conflict, format!("{refused}.")))
        }
        Err(error @ CorrectionError::Fee(_)) => Err(Problem::failed(&error)),
    }
}

/// The field under its name in the body.
fn field_error(problem: &EntryProblem, lang: Lang) -> FieldError {
    let path = problem.path.replace("address.", "").replace("name-kana", "kana").replace('-', "_");
    let field = if path == "payment_fee" { "imported_fee".to_owned() } else { path };
    FieldError { field, detail: problem.error.localized(lang) }
}
