//! `application/x-www-form-urlencoded` bodies.

/// The media type, in the spelling that the gateways' clients send.
pub const CONTENT_TYPE: &str = "application/x-www-form-urlencoded; charset=UTF-8";

/// A body of `fields` in the order given. A key may come more than once.
pub fn encode<K: AsRef<str>, V: AsRef<str>>(fields: impl IntoIterator<Item = (K, V)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
