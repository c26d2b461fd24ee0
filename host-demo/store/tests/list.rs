//! The order list: filters, pages forward and back, counts.

use domain::credit_state::{Event, State};
use domain::mall::Mall;
use domain::order::Tracking;
use fixtures::{TestStore, mall, new_order, on_both};
use std::collections::BTreeMap;
use store::{Change, ListCursor, ListOrder, ListQuery, MallUpdate, NewOrder, Position, Store};
use time::Duration;
use time::macros::{date, datetime};

/// Twelve orders, two for each of six days, taken in out of order; the numbers of their places.
async fn stocked(test: &TestStore) -> Vec<String> {
    let order = |at: i64| {
        let mut order = new_order(&format!("A-{at:02}"), 1_000 + at);
        order.data.ordered_at = datetime!(2026-07-01 09:00) + Duration::days(at / 2);
        order.data.buyer.name = if at % 3 == 0 { "佐藤 花子".into() } else { "見本 太郎".into() };
        order
    };
    let orders: Vec<NewOrder> = [5, 0, 3, 11, 7, 1, 2, 10, 4, 9, 8, 6].map(order).into();
    test.store.insert_orders(&test.mall().await, &orders, 1).await.unwrap();
    // Of one moment, the one that was taken in last comes first.
    ["11", "10", "09", "08", "07", "06", "05", "04", "03", "02", "01", "00"].map(|at| format!("A-{at}")).into()
}

fn numbers(orders: &[ListOrder]) -> Vec<String> {
    orders.iter().map(|order| order.number.clone()).collect()
}

async fn all(store: &Store, query: ListQuery) -> Vec<String> {
    let mut numbers = numbers(&store.page(&query, Position::First, 100).await.unwrap().orders);
    numbers.sort();
    numbers
}

on_both! {
    async fn pages_forward_back_and_the_last_one(db) {
        let test = TestStore::new(db).await;
        let mut expected = stocked(&test).await;
        let (mut position, mut seen, mut pages) = (Position::First, Vec::new(), Vec::new());
        loop {
            let page = test.store.page(&ListQuery::default(), position, 5).await.unwrap();
            seen.extend(numbers(&page.orders));
            pages.push(page.clone());
            let Some(older) = page.older else { break };
            position = Position::After(older.to_string().parse::<ListCursor>().unwrap());
        }
        assert_eq!(pages.iter().map(|page| page.orders.len()).collect::<Vec<_>>(), [5, 5, 2]);
        // Days are in order; within a day the order is that of taking in.
        assert_eq!(seen.iter().map(|n| n[2..].parse::<u32>().unwrap() / 2).collect::<Vec<_>>(), [5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0]);
        seen.sort();
        expected.sort();
        assert_eq!(seen, expected, "each once");
        assert_eq!((pages[0].newer, pages[2].older), (None, None));
        let back = test.store.page(&ListQuery::default(), Position::Before(pages[2].newer.unwrap()), 5).await.unwrap();
        assert_eq!(back.orders, pages[1].orders);
        let first = test.store.page(&ListQuery::default(), Position::Before(back.newer.unwrap()), 5).await.unwrap();
        assert_eq!((numbers(&first.orders), first.newer), (numbers(&pages[0].orders), None));
        // What every order has makes the same pages, and what a third have makes pages of these alone.
        let query = |search: &str| ListQuery { search: Some(search.into()), ..ListQuery::default() };
        let searched = test.store.page(&query("a-"), Position::After(pages[0].older.unwrap()), 5).await.unwrap();
        assert_eq!(searched, pages[1]);
        let sato: Vec<_> = pages.iter().flat_map(|page| &page.orders).filter(|o| o.buyer == "佐藤 花子").cloned().collect();
        assert_eq!(test.store.page(&query("佐藤"), Position::First, 3).await.unwrap().orders, sato[..3]);
        assert_eq!(test.store.page(&query("佐藤"), Position::Last, 3).await.unwrap().orders, sato[1..]);
        assert_eq!(test.store.matching(&query("佐藤"), 9).await.unwrap(), sato.iter().map(|o| o.id).collect::<Vec<_>>());
        let last = test.store.page(&ListQuery::default(), Position::Last, 5).await.unwrap();
        assert_eq!((&numbers(&last.orders)[3..], last.older), (&numbers(&pages[2].orders)[..], None));
        assert!(last.newer.is_some());
    }

    async fn every_filter(db) {
        let test = TestStore::new(db).await;
        stocked(&test).await;
        let orders = test.all().await;
        let by_number = |number: &str| orders.iter().find(|order| order.number == number).unwrap().clone();
        let claimed = test.claim(&[by_number("A-01"), by_number("A-02")], "w").await;
        let approved: Vec<_> = claimed.iter().flatten().map(|order| Change::new(order, Event::CreditApproved)).collect();
        test.store.apply(&approved, "op", 2).await.unwrap();
        let order = test.order(by_number("A-01").id).await;
        let tracking = Tracking { carrier: "yamato".into(), number: "9".into(), shipped_on: date!(2026 - 07 - 02) };
        test.store.set_tracking(&order, &tracking, "op", 3).await.unwrap();
        let order = test.order(by_number("A-05").id).await;
        test.store.set_order_status(&order, Some("保留中"), "op", 3).await.unwrap();
        let other = Mall { id: "n".into(), provider: "other".into(), ..mall() };
        test.store.put_mall(&other, MallUpdate::default()).await.unwrap();
        let other = test.store.mall("n").await.unwrap().unwrap();
        test.store.insert_orders(&other, &[new_order("＃B 1", 5)], 1).await.unwrap();

        let store = &test.store;
        let query = ListQuery::default;
        let cases = [
            (ListQuery { mall: Some("n".into()), ..query() }, vec!["＃B 1"]),
            (ListQuery { provider: Some("other".into()), ..query() }, vec!["＃B 1"]),
            (ListQuery { state: Some(State::Approved), ..query() }, vec!["A-01", "A-02"]),
            (ListQuery { tracked: Some(true), ..query() }, vec!["A-01"]),
            (ListQuery { state: Some(State::Approved), tracked: Some(false), ..query() }, vec!["A-02"]),
            (ListQuery { order_status: Some("保留中".into()), ..query() }, vec!["A-05"]),
            (
                ListQuery { since: Some(date!(2026 - 07 - 02)), until: Some(date!(2026 - 07 - 03)), mall: Some("m".into()), ..query() },
                vec!["A-02", "A-03", "A-04", "A-05"],
            ),
            (ListQuery { search: Some("a-1".into()), ..query() }, vec!["A-10", "A-11"]),
            (ListQuery { search: Some("Ａ－０７".into()), ..query() }, vec!["A-07"]),
            (ListQuery { search: Some("#b".into()), ..query() }, vec!["＃B 1"]),
            (ListQuery { search: Some("佐藤花".into()), ..query() }, vec!["A-00", "A-03", "A-06", "A-09"]),
            (ListQuery { search: Some("%".into()), ..query() }, vec![]),
            (ListQuery { search: Some("a-0".into()), state: Some(State::Approved), ..query() }, vec!["A-01", "A-02"]),
            (ListQuery { search: Some("見本".into()), mall: Some("n".into()), ..query() }, vec!["＃B 1"]),
        ];
        for (query, expected) in cases {
            assert_eq!(all(store, query.clone()).await, expected, "{query:?}");
            assert_eq!(store.matching(&query, 100).await.unwrap().len(), expected.len(), "{query:?}");
        }
        let line = store.page(&ListQuery { tracked: Some(true), ..query() }, Position::First, 1).await.unwrap().orders.remove(0);
        assert_eq!((line.buyer.as_str(), line.item.as_str(), line.items, line.total()), ("見本 太郎", "見本", 1, 1_001));
        assert_eq!(line.actions().collect::<Vec<_>>(), test.order(line.id).await.actions().collect::<Vec<_>>());
    }

    async fn counts_are_those_of_the_orders_whatever_happens(db) {
        let test = TestStore::new(db).await;
        stocked(&test).await;
        let orders = test.all().await;
        let claimed = test.claim(&orders[..6], "w").await;
        let held: Vec<_> = claimed.into_iter().flatten().collect();
        assert!(test.claim(&orders[..3], "late").await.iter().all(Option::is_none));
        let events = [Event::CreditApproved, Event::CreditRejected, Event::CreditUnknown, Event::ProcessDied];
        let changes: Vec<_> = held.iter().zip(events).map(|(order, event)| Change::new(order, event)).collect();
        test.store.apply(&changes, "op", 2).await.unwrap();
        assert!(test.store.apply(&changes[..1], "op", 3).await.unwrap()[0].is_none());
        test.store.put_mall(&Mall { provider: "other".into(), ..mall() }, MallUpdate::default()).await.unwrap();
        test.store.insert_orders(&test.mall().await, &[new_order("A-01", 1)], 1).await.unwrap();
        for (name, provider) in [("all", None), ("fake", Some("fake")), ("other", Some("other"))] {
            let mut counted = BTreeMap::<State, i64>::new();
            for order in test.all().await.iter().filter(|order| provider.is_none_or(|id| order.provider == id)) {
                *counted.entry(order.state).or_default() += 1;
            }
            assert_eq!(test.store.counts(Some("m"), provider).await.unwrap(), counted, "{name}");
        }
        assert!(test.store.counts(Some("n"), None).await.unwrap().is_empty());
    }
}
