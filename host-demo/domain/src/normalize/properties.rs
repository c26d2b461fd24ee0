//! What holds for every text: the one form is a form of itself, and nothing panics.

use super::{address, amount, phone, postal_code, prefecture, text};
use proptest::prelude::*;

/// Texts near to what cells hold, and any others.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9０-９+()（）ー‐－ '.〒-]{0,20}",
        "[0-9,.，．¥￥円▲△−()+ -]{0,16}",
        "[ぁ-んァ-ンｦ-ﾟ゛゜\u{3099} 　A-Za-z]{0,16}",
        "\\PC{0,24}",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn every_form_is_its_own_form(cell in cell()) {
        if let Ok(form) = phone::phone(&cell) {
            prop_assert!(form.bytes().all(|b| b.is_ascii_digit() || b == b'-') && form.starts_with('0'));
            prop_assert_eq!(phone::phone(&form), Ok(form));
        }
        if let Ok(form) = postal_code::postal_code(&cell) {
            prop_assert_eq!(postal_code::postal_code(&form), Ok(form));
        }
        if let Ok(form) = amount::yen(&cell) {
            prop_assert_eq!(amount::yen(&form.to_string()), Ok(form));
        }
        if let Ok(form) = amount::quantity(&cell) {
            prop_assert_eq!(amount::quantity(&form.to_string()), Ok(form));
        }
        if let Ok(form) = amount::tax_rate(&cell) {
            prop_assert_eq!(amount::tax_rate(&form.to_string()), Ok(form));
        }
        if let Ok(form) = text::text(&cell) {
            prop_assert_eq!(text::text(&form), Ok(form));
        }
        if let Ok(form) = text::kana(&cell) {
            prop_assert_eq!(text::kana(&form), Ok(form));
        }
        if let Ok(form) = address::street(&cell) {
            prop_assert_eq!(address::street(&form), Ok(form));
        }
        if let Some(form) = prefecture::prefecture(&cell) {
            prop_assert_eq!(prefecture::prefecture(form), Some(form));
        }
    }
}
