//! Values of orders as people and files write them: what is in its one form stays as it is.

use app::terminal::visible;
use domain::clock;
use domain::identifier::{is_mangled, unified};
use domain::normalize::amount::{MAX_QUANTITY, MAX_YEN, amount, quantity, tax_rate, yen};
use domain::normalize::tracking_number::{MAX_TRACKING, number_doubt, tracking_number};
use domain::normalize::{ValueError, address, phone, postal_code, prefecture, text};
use provider_host::is_control;
use provider_sdk::text::{full_width, half_width_kana, truncate};
use provider_sdk::{fold, text as sdk_text};
use std::fmt::Debug;

/// Decomposing a character gives this many bytes for one at most.
const MOST_GROWTH: usize = 33;

type Normalize = fn(&str) -> Result<String, ValueError>;

/// What brings a value to its one form.
const FORMS: [(&str, Normalize); 6] = [
    ("text", text::text),
    ("kana", text::kana),
    ("street", address::street),
    ("phone", phone::phone),
    ("postal code", postal_code::postal_code),
    ("tracking number", tracking_number),
];

/// Brings a text to a form.
type Fold = fn(&str) -> String;

/// What folds a text for gateways and comparisons.
const FOLDS: [(&str, Fold); 9] = [
    ("folded", text::folded),
    ("unified", unified),
    ("line", fold::line),
    ("lines", fold::lines),
    ("ascii", fold::ascii),
    ("full width", full_width),
    ("half-width kana", half_width_kana),
    ("digits", sdk_text::digits),
    ("gateway postal code", sdk_text::postal_code),
];

/// A cell.
pub(crate) fn values(input: &[u8]) {
    let Ok(cell) = std::str::from_utf8(input) else { return };
    let short = |form: &str| form.len() <= MOST_GROWTH * cell.len();
    for (name, form) in FORMS {
        if let Ok(once) = form(cell) {
            same(name, form(&once), &Ok(once.clone()));
            assert!(short(&once), "{name}: {} bytes of {}", once.len(), cell.len());
            assert!(!once.contains(char::is_control), "{name}: {once:?}");
        }
    }
    for (name, form) in FOLDS {
        let once = form(cell);
        same(name, form(&once), &once);
        assert!(short(&once), "{name}: {} bytes of {}", once.len(), cell.len());
    }
    let gateways = fold::phone(cell);
    // What is no number stays to be named.
    if gateways.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        same("gateways' phone", fold::phone(&gateways), &gateways);
    }
    if let Ok(number) = tracking_number(cell) {
        assert!(number.len() <= MAX_TRACKING && number.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{number}");
        number_doubt("yamato", &number);
    }
    assert_eq!(is_mangled(cell), is_mangled(&unified(cell)), "{cell:?}");
    amounts(cell);
    if let Some(known) = prefecture::prefecture(cell) {
        same("prefecture", prefecture::prefecture(known), &Some(known));
    }
    if let Some((known, rest)) = prefecture::split_prefecture(cell) {
        same("prefecture of an address", prefecture::prefecture(known), &Some(known));
        assert!(cell.ends_with(rest), "{rest:?} is no end of {cell:?}");
    }
    if let Some(day) = clock::parse_date(cell) {
        same("date", clock::parse_date(&day.to_string()), &Some(day));
    }
    clock::parse_date_time(cell);
    let shown = visible(cell);
    same("visible", visible(&shown), &shown);
    assert!(shown.chars().all(|c| !is_control(c) || matches!(c, '\n' | '\t')), "{shown:?} steers a terminal");
    let cut = truncate(cell, 5);
    assert!(cell.starts_with(&cut) && cut.chars().count() <= 5, "{cut:?} of {cell:?}");
}

fn same<T: PartialEq + Debug>(name: &str, twice: T, once: &T) {
    assert_eq!(twice, *once, "{name}: the one form has another");
}

fn amounts(cell: &str) {
    if let Ok(value) = amount(cell) {
        same("amount", amount(&value.to_string()), &Ok(value));
        assert!(value.abs() <= MAX_YEN.into(), "{value}");
    }
    if let Ok(value) = yen(cell) {
        same("yen", yen(&value.to_string()), &Ok(value));
    }
    if let Ok(value) = quantity(cell) {
        same("quantity", quantity(&value.to_string()), &Ok(value));
        assert!((1..=MAX_QUANTITY).contains(&value), "{value}");
    }
    if let Ok(value) = tax_rate(cell) {
        same("tax rate", tax_rate(&value.to_string()), &Ok(value));
    }
}

/// Values that people write.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let cells = [
        "０９０－１２３４－５６７８",
        "+81 (0)3-1234-5678",
        "'+81312345678",
        "〒１５０－００４１",
        "ﾐﾎﾝ ﾊﾅｺ",
        "か゛くえん",
        "髙﨑 𠮷田",
        "2001/2/3 0:00",
        "1-2-3",
        "=\"123456789013\"",
        "3.0E+11",
        "12E34",
        "3.0×10^11",
        "300,001,234,567",
        "１，５００",
        "▲500",
        "JPY 1500.50",
        "2個",
        "0.08",
        "東京都渋谷区神南1-2-3",
        "京都",
        "2026-07-01 15:04:05",
        "か\u{3099}\u{200b}\u{ad}",
        "ｳﾞｧ～―‐",
    ];
    cells.map(|cell| cell.as_bytes().to_vec()).to_vec()
}
