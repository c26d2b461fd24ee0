//! Tracking numbers and shipping dates are judged where they enter, whoever enters them.

mod common;

use common::TestStore;
use common::fake::Fake;
use common::on_both;
use domain::clock;
use domain::credit_state::Event;
use domain::order::Tracking;
use service::credit::CreditService;
use service::tracking::{self, DAYS_AHEAD, Entry, TrackingError};
use std::collections::HashMap;
use std::sync::Arc;
use store::Change;
use store::lease::ProcessLease;
use time::Duration;
use time::macros::date;

on_both! {
    async fn what_is_no_tracking_number_or_no_shipping_date_is_neither_saved_nor_synced(db) {
        let test = TestStore::new(db).await;
        let order = test.orders(1).await.remove(0);
        let claimed = test.claim(&[order], "w").await.remove(0).unwrap();
        test.store.apply(&[Change::new(&claimed, Event::CreditApproved)], "op", 2).await.unwrap();
        let order = test.all().await.remove(0);
        let ordered = order.data.ordered_at.date();
        let service = CreditService {
            store: test.store.clone(),
            lease: Arc::new(ProcessLease::start(&test.store).await.unwrap()),
            providers: Arc::new(HashMap::from([("fake".to_owned(), Fake::new(&[]))])),
            who: "op".into(),
            concurrency: 1,
            in_flight_window: std::time::Duration::ZERO,
        };
        let enter = async |number, shipped_on| {
            let entry = Entry { carrier: "yamato", number, shipped_on };
            tracking::enter(&service, &order, entry).await
        };
        for number in ["", "未定", "a\nb", "12\u{1b}[31m", "<script>1</script>", "あ1", "1,2"] {
            assert!(matches!(enter(number, ordered).await, Err(TrackingError::Number)), "{number:?}");
        }
        for number in ["3.0E+11", "####", "#N/A"] {
            assert!(matches!(enter(number, ordered).await, Err(TrackingError::Mangled(_))), "{number}");
        }
        let far = ordered.max(clock::today()) + Duration::days(DAYS_AHEAD + 1);
        for day in [date!(0026 - 11 - 24), date!(1970 - 01 - 01), ordered - Duration::days(1), far, date!(9999 - 12 - 31)] {
            assert!(matches!(enter("123456789012", day).await, Err(TrackingError::ShippedOn(..))), "{day}");
        }
        assert_eq!(test.all().await[0].tracking, None);
        let entered = enter("１２３４ー５６７８ー９０１２ ", ordered).await.unwrap();
        let expected = Tracking { carrier: "yamato".into(), number: "1234-5678-9012".into(), shipped_on: ordered };
        assert_eq!((&entered, test.all().await[0].tracking.as_ref()), (&expected, Some(&expected)));
    }
}
