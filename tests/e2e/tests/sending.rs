//! What reaches each of the five gateways of values that a form cannot hold as they stand: text that has a twin there goes
//! out as the twin, item names are cut, and what can be written in no way is named before anything is sent. Nothing of it
//! leaves an order, or its neighbours in one request, in doubt.

use e2e::gateway::Gateway;
use e2e::platform::{Order, Platform};
use std::path::Path;

const PROVIDERS: [&str; 5] = ["np", "kuroneko", "atobarai-com", "atodene", "score"];

struct Sent {
    orders: Vec<Order>,
    /// Everything that reached the gateway, decoded and full-width digits and letters narrow, so that a text is found
    /// however a form writes it.
    wire: String,
    registrations: usize,
    platform: Platform,
    _folder: tempfile::TempDir,
}

impl Sent {
    /// Imports a file, credits all orders, and looks at what the gateway got.
    fn file(provider: &str, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let platform = Platform::new(folder.path(), "en").unwrap();
        let gateway = Gateway::start(provider, folder.path()).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host-demo/service/tests/csv/values").join(name);
        platform.open(&gateway, &path).unwrap();
        platform.must(["credit", "--all"]).unwrap();
        let wire = gateway.bodies().unwrap().iter().map(|body| narrow(&decoded(body))).collect();
        let registrations = gateway.ledger().unwrap().registrations.len();
        Self { orders: platform.orders().unwrap(), wire, registrations, platform, _folder: folder }
    }

    fn order(&self, number: &str) -> &Order {
        self.orders.iter().find(|order| order.number == number).unwrap()
    }

    fn is_judged(&self, number: &str) -> bool {
        JUDGED.contains(&self.order(number).state.as_str())
    }

    /// What the platform says of an order.
    fn words(&self, number: &str) -> String {
        self.platform.must(["orders", "show", number]).unwrap()
    }
}

/// A form's `%E8%A6%8B` as the text that it is.
fn decoded(body: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn narrow(text: &str) -> String {
    let narrow = |c: char| match c {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        other => other,
    };
    text.chars().map(narrow).collect()
}

/// States of an order that was recorded at its provider and has an answer.
const JUDGED: [&str; 4] = ["approved", "rejected", "under_review", "on_hold"];

#[test]
fn what_has_a_twin_goes_out_as_the_twin_and_what_has_none_is_named_before_anything_is_sent() {
    for provider in PROVIDERS {
        let sent = Sent::file(provider, "windows31j.csv");
        assert!(sent.is_judged("C02a"), "{provider}: {:?}", sent.orders);
        assert!(sent.wire.contains("髙﨑") && sent.wire.contains("①Ⅱ㌔～－∥￢"), "{provider}: {}", sent.wire);
        let sent = Sent::file(provider, "rare-characters.csv");
        assert_eq!((sent.order("C02b").state.as_str(), sent.registrations), ("not_sent", 0), "{provider}");
        let words = sent.words("C02b");
        assert!(words.contains('𠮷') && words.contains("name"), "{provider}: {words}");
    }
}

#[test]
fn parts_of_letters_are_joined_and_emoji_are_named() {
    for provider in PROVIDERS {
        let sent = Sent::file(provider, "text.csv");
        for number in ["C13-nfdnp", "C13-halfnp", "C13-zwjnp", "C13-hiranp"] {
            assert!(sent.is_judged(number), "{provider}: {:?}", sent.orders);
        }
        for (number, letter) in [("C13-emojinp", '😀'), ("C13-extnp", 'é')] {
            assert_eq!(sent.order(number).state, "not_sent", "{provider}");
            assert!(sent.words(number).contains(letter), "{provider}: {}", sent.words(number));
        }
        assert_eq!(sent.registrations, 4, "{provider}");
        assert!(sent.wire.contains("ガブリエル") && sent.wire.contains("だんごバッグ"), "{provider}: {}", sent.wire);
        assert!(!sent.wire.contains(['\u{3099}', '\u{309a}', '\u{200b}', '😀']), "{provider}: {}", sent.wire);
    }
}

#[test]
fn a_character_of_one_item_puts_neither_its_order_nor_its_neighbours_in_doubt() {
    for provider in PROVIDERS {
        let sent = Sent::file(provider, "item-character.csv");
        assert!(
            sent.orders.iter().all(|order| JUDGED.contains(&order.state.as_str())),
            "{provider}: {:?}",
            sent.orders
        );
        assert_eq!((sent.orders.len(), sent.registrations), (6, 6), "{provider}");
        assert!(sent.wire.contains("梅～松"), "{provider}: {}", sent.wire);
    }
}

#[test]
fn a_long_item_name_is_cut_and_goes_out() {
    // The longest name that each form holds.
    for (provider, limit) in [("np", 150), ("kuroneko", 30), ("atobarai-com", 255), ("atodene", 150), ("score", 150)] {
        let sent = Sent::file(provider, "long-item-names.csv");
        assert!(sent.is_judged("C15-60") && sent.is_judged("C15-200"), "{provider}: {:?}", sent.orders);
        let longest = "見本".repeat(limit.min(200) / 2);
        assert!(
            sent.wire.contains(&longest) && !sent.wire.contains(&format!("{longest}見")),
            "{provider}: {}",
            sent.wire
        );
        // The history of an order whose name was cut says so, with as many characters as went out.
        for (number, length) in [("C15-60", 60), ("C15-200", 200)] {
            let words: String = sent.words(number).split_whitespace().collect();
            let says = words.contains(&format!("first{limit}characters"));
            assert_eq!(says, limit < length, "{provider}, {number}: {words}");
        }
    }
}

#[test]
fn a_recipient_that_is_the_buyer_is_sent_to_no_gateway() {
    for provider in PROVIDERS {
        let sent = Sent::file(provider, "recipient-is-buyer.csv");
        assert!(sent.is_judged("J1"), "{provider}: {:?}", sent.orders);
        // スコア's form always has somebody who gets the goods.
        let named = if provider == "score" { 2 } else { 1 };
        assert_eq!(sent.wire.matches("花子").count(), named, "{provider}: {}", sent.wire);
    }
    let wire = Sent::file("kuroneko", "recipient-is-buyer.csv").wire;
    assert!(wire.contains("sendDiv=2"), "the invoice is in the parcel, and it is no gift: {wire}");
}
