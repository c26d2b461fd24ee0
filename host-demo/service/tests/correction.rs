//! An order is corrected as it was typed: in the states that allow it, in the forms that an import brings values to, and
//! with a history that says what changed.

mod common;

use common::fake::Fake;
use common::{TestStore, on_both};
use domain::credit_state::{Event, State, next};
use domain::lang::Lang;
use domain::mall::{Band, Fees, Mall, Mode};
use domain::order::Order;
use service::correction::{self, CorrectionError, ItemEntry, OrderEntry};
use service::messages::history;
use service::messages::localize::Localize;
use std::collections::HashMap;
use strum::VariantArray;

fn providers() -> HashMap<String, Fake> {
    HashMap::from([("fake".to_owned(), Fake::new(&[]))])
}

async fn correct(test: &TestStore, order: &Order, mall: &Mall, entry: &OrderEntry) -> Result<bool, CorrectionError> {
    correction::correct(&test.store, &providers(), (order, order.version), mall, entry, "花子").await
}

/// The fields of people by their places in an entry.
const NAME: usize = 0;
const KANA: usize = 1;
const POSTAL_CODE: usize = 4;
const PREFECTURE: usize = 5;
const STREET: usize = 7;
const PHONE: usize = 8;

on_both! {
    async fn what_is_typed_is_brought_to_its_form_and_the_history_says_what_changed(db) {
        let test = TestStore::new(db).await;
        let (order, mall) = (test.orders(1).await.remove(0), test.mall().await);
        let mut entry = OrderEntry::of(&order);
        for (at, typed) in [(KANA, "ﾐﾎﾝ ﾊﾅｺ"), (POSTAL_CODE, "〒１５０－０００１"), (PHONE, "０９０－１２３４－５６７８")] {
            entry.buyer.0[at] = typed.into();
        }
        entry.items.push(ItemEntry(["緑茶".into(), "￥1,200".into(), "２".into(), "8%".into()]));
        entry.shipping_fee = "500円".into();
        assert!(correct(&test, &order, &mall, &entry).await.unwrap());
        let after = test.order(order.id).await;
        let buyer = &after.data.buyer;
        assert_eq!(buyer.kana.as_deref(), Some("ミホン ハナコ"));
        assert_eq!((buyer.postal_code.as_str(), buyer.phone.as_str()), ("1500001", "090-1234-5678"));
        let line = &after.data.items[1];
        assert_eq!((line.name.as_str(), line.unit_price, line.quantity, line.tax_rate), ("緑茶", 1_200, 2, Some(8)));
        assert_eq!(after.amounts.billed, order.amounts.goods + 2_400 + 500);
        assert_eq!((after.state, after.version), (order.state, order.version + 1));
        let lines = test.store.history(order.id).await.unwrap();
        let line = lines.last().unwrap();
        assert_eq!((line.who.as_str(), line.event.as_str()), ("花子", "corrected"));
        let note = history::note(line, Lang::Ja).unwrap();
        let billed = (order.amounts.billed, after.amounts.billed);
        for part in
            ["注文者の電話番号", "明細2行目 – → 緑茶 1200×2 (8%)", "送料 0 → 500", &format!("請求額 {} → {}", billed.0, billed.1)]
        {
            assert!(note.contains(part), "{part}: {note}");
        }
        // Of people the history names the fields alone.
        let stored = line.note.as_deref().unwrap();
        for personal in ["090-1234-5678", "1500001", "ミホン"] {
            assert!(!stored.contains(personal), "{stored}");
        }
        assert!(history::note(line, Lang::En).unwrap().contains("buyer's telephone number; "));
        // The same once more changes nothing, and so writes nothing.
        assert!(!correct(&test, &after, &mall, &OrderEntry::of(&after)).await.unwrap());
        assert_eq!(test.order(order.id).await.version, after.version);
    }

    async fn every_field_that_is_wrong_is_named_and_nothing_is_changed(db) {
        let test = TestStore::new(db).await;
        let (order, mall) = (test.orders(1).await.remove(0), test.mall().await);
        let mut entry = OrderEntry::of(&order);
        let wrong = [(NAME, " "), (POSTAL_CODE, "150-00"), (PREFECTURE, "江戸"), (STREET, "2026/1/2"), (PHONE, "3-1234-5678")];
        for (at, typed) in wrong {
            entry.buyer.0[at] = typed.into();
        }
        entry.recipient.0[NAME] = "見本 太郎".into();
        entry.items = vec![ItemEntry(["".into(), "12.5".into(), "0".into(), "5".into()]), ItemEntry::default()];
        (entry.shipping_fee, entry.note) = ("-1".into(), "長".repeat(4_001));
        let Err(CorrectionError::Invalid(problems)) = correct(&test, &order, &mall, &entry).await else { panic!() };
        let mut named: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        named.sort_unstable();
        let mut expected = vec![
            "buyer.name", "buyer.address.postal-code", "buyer.address.prefecture", "buyer.address.street", "buyer.phone",
            "recipient.address.postal-code", "recipient.address.prefecture", "recipient.address.city",
            "recipient.address.street", "recipient.phone", "items[0].name", "items[0].unit-price", "items[0].quantity",
            "items[0].tax-rate", "shipping-fee", "note",
        ];
        expected.sort_unstable();
        assert_eq!(named, expected);
        for lang in [Lang::Ja, Lang::En] {
            for problem in &problems {
                let text = problem.localized(lang);
                assert!(!text.contains("items[") && !text.contains("postal-code"), "{text}");
            }
        }
        let emptied = OrderEntry { items: vec![ItemEntry::default()], ..OrderEntry::of(&order) };
        let refused = correct(&test, &order, &mall, &emptied).await;
        assert!(matches!(refused, Err(CorrectionError::Invalid(problems)) if problems[0].path == "items"));
        assert_eq!(test.order(order.id).await, order);
    }

    async fn only_what_the_provider_does_not_hold_is_corrected(db) {
        let test = TestStore::new(db).await;
        let (order, mall) = (test.orders(1).await.remove(0), test.mall().await);
        let mut entry = OrderEntry::of(&order);
        entry.buyer.0[NAME] = "見本 太郎".into();
        for state in State::VARIANTS {
            test.execute(&format!("UPDATE orders SET state = '{state}'")).await;
            let now = test.order(order.id).await;
            let done = correct(&test, &now, &mall, &entry).await;
            match next(*state, Event::CreditStarted) {
                Some(_) => assert!(done.is_ok(), "{state}: {done:?}"),
                None => assert!(matches!(done, Err(CorrectionError::Closed(_))), "{state}: {done:?}"),
            }
            let now = test.order(order.id).await;
            test.execute("UPDATE orders SET state = 'not_asked'").await;
            entry.buyer.0[NAME] = format!("{}一", now.data.buyer.name);
        }
        // What somebody else changed since is not written over.
        let seen = test.order(order.id).await;
        assert!(test.store.set_order_status(&seen, Some("要連絡"), "太郎", 1).await.unwrap());
        assert!(matches!(correct(&test, &seen, &mall, &entry).await, Err(CorrectionError::Changed)));
        assert_eq!(test.order(order.id).await.data.buyer.name, seen.data.buyer.name);
        let old = correction::correct(
            &test.store, &providers(), (&test.order(order.id).await, seen.version), &mall, &entry, "花子",
        ).await;
        assert!(matches!(old, Err(CorrectionError::Changed)));
    }

    async fn the_fee_rule_is_applied_again_only_where_the_bill_changes(db) {
        let test = TestStore::new(db).await;
        let order = test.orders(1).await.remove(0);
        let fees = Fees { mode: Mode::Add, bands: vec![Band { lower: 0, upper: None, fee: 330 }] };
        let mall = Mall { fees, ..test.mall().await };
        let mut entry = OrderEntry::of(&order);
        entry.buyer.0[NAME] = "見本 太郎".into();
        assert!(correct(&test, &order, &mall, &entry).await.unwrap());
        let renamed = test.order(order.id).await;
        assert_eq!(renamed.amounts, order.amounts, "a name costs nothing");
        entry.shipping_fee = "100".into();
        assert!(correct(&test, &renamed, &mall, &entry).await.unwrap());
        let amounts = test.order(order.id).await.amounts;
        assert_eq!((amounts.shipping_fee, amounts.payment_fee, amounts.fee_band), (100, 330, Some(0)));
        assert_eq!(amounts.billed, order.amounts.goods + 430);
    }
}
