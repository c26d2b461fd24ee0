//! Valid requests of NP後払い.

use gateways::Received;
use serde_json::{Value, json};

/// A valid registration, approved at once, of 1,232 yen.
pub fn order(reference: &str) -> Value {
    json!({
        "shop_transaction_id": reference,
        "shop_order_date": "2026-04-01",
        "settlement_type": "02",
        "site_name": "見本店",
        "site_url": "https://shop.example.jp/",
        "billed_amount": 1232,
        "customer": {
            "customer_name": "山田 花子",
            "customer_name_kana": "ヤマダ ハナコ",
            "company_name": "",
            "department_name": "",
            "zip_code": "150-0001",
            "address": "東京都渋谷区神宮前9-99-99",
            "tel": "090-0000-1234",
            "email": "hanako@example.jp",
        },
        "goods": [
            { "goods_name": "木綿のハンカチ", "goods_price": 300, "quantity": 2 },
            { "goods_name": "値引き", "goods_price": -100, "quantity": 1 },
            { "goods_name": "送料・手数料", "goods_price": 732, "quantity": 1 },
        ],
    })
}

/// With a recipient who is not the buyer.
pub fn gift(reference: &str) -> Value {
    set(
        order(reference),
        "/dest_customer",
        json!({
            "customer_name": "鈴木 一郎",
            "customer_name_kana": "スズキ イチロウ",
            "company_name": "見本商事",
            "department_name": "総務部",
            "zip_code": "6000001",
            "address": "京都府京都市下京区99",
            "tel": "0750000000",
        }),
    )
}

/// With another value at a place, which may be new in its object.
pub fn set(mut row: Value, place: &str, value: impl Into<Value>) -> Value {
    let (parent, name) = place.rsplit_once('/').unwrap();
    match row.pointer_mut(parent).unwrap() {
        Value::Array(list) => list[name.parse::<usize>().unwrap()] = value.into(),
        object => object[name] = value.into(),
    }
    row
}

/// Without the member at a place.
pub fn without(mut row: Value, place: &str) -> Value {
    let (parent, name) = place.rsplit_once('/').unwrap();
    row.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    row
}

/// A request with these rows, of the default merchant.
pub fn received(path: &str, rows: &[Value]) -> Received {
    let headers = [
        ("authorization", "Basic OTkwMDAwMTpzcDk5MDAwMDE="),
        ("x-np-terminal-id", "9000000001"),
        ("content-type", "application/json"),
    ];
    let method = if ["/transactions/cancel", "/transactions/update"].contains(&path) { "PATCH" } else { "POST" };
    Received {
        method: method.to_owned(),
        path: format!("/v1{path}"),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: json!({ "transactions": rows }).to_string().into(),
    }
}
