//! JSON in which no object has a member twice.
//!
//! `serde_json::Value` keeps the last of two members with one name, in silence. Which of them is meant nobody knows: an
//! answer whose `authori_result` is both 20 and 00 must not be read as an approval.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};
use std::fmt;

/// The document in `text`.
///
/// # Errors
/// It is not JSON, or an object in it, however deep, has a member twice, whether with one value or with two.
pub fn parse(text: &[u8]) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Once.deserialize(&mut reader)?;
    reader.end().map(|()| value)
}

/// Reads a value, and those within it.
struct Once;

impl<'de> DeserializeSeed<'de> for Once {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match object.entry(name) {
                Entry::Occupied(twice) => {
                    return Err(A::Error::custom(format_args!("{}が二度あります", twice.key())));
                }
                Entry::Vacant(first) => first.insert(members.next_value_seed(Self)?),
            };
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_member_that_is_there_twice_is_refused_however_deep_it_is() {
        for twice in
            [r#"{"a":1,"a":2}"#, r#"{"a":1,"b":2,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"[[{"x":{"a":null,"a":null}}]]"#]
        {
            assert!(serde_json::from_str::<Value>(twice).is_ok(), "{twice} is no JSON, so nothing is shown");
            assert!(parse(twice.as_bytes()).unwrap_err().to_string().contains("二度あります"), "{twice}");
        }
        assert!(parse(br#"{"a":{"a":1},"b":[{"a":2},{"a":3}]}"#).is_ok(), "each in an object of its own");
    }

    /// Any JSON.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("\\PC{0,4}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn all_else_is_read_as_serde_json_reads_it(value in json(), cut in 0..8_usize) {
            let text = value.to_string();
            let known = serde_json::from_str::<Value>(&text).unwrap();
            prop_assert_eq!(parse(text.as_bytes()).unwrap(), known);
            let cut = &text.as_bytes()[..text.len().saturating_sub(cut)];
            prop_assert_eq!(parse(cut).ok(), serde_json::from_slice::<Value>(cut).ok());
        }
    }
}
