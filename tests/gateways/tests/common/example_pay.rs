//! Valid requests of Example Pay.

use super::Form;

/// A request about this order.
pub fn about(reference: &str) -> Form {
    Form::new(&[("shop", "1001"), ("key", "example-key-01"), ("order", reference)])
}

/// A registration, approved at once, of 1,232 yen.
pub fn order(reference: &str) -> Form {
    about(reference).add("name", "山田 花子").add("phone", "090-0000-1234").add("amount", "1232")
}

/// A report of a parcel.
pub fn parcel(reference: &str) -> Form {
    about(reference).add("carrier", "YAMATO").add("number", "123456789013")
}
