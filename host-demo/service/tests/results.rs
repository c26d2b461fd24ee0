//! Credit results by CSV: in, out, and never beside the API.

mod common;

use common::{TestStore, on_both};
use domain::credit_state::{Action, Event, State};
use domain::lang::Lang;
use domain::mall::Mall;
use encoding_rs::SHIFT_JIS;
use service::csv::encoding::Charset;
use service::csv::row_result::SkipReason;
use service::messages::issue::provider_message;
use service::messages::service_errors::left_out;
use service::results::{self, ResultsError};
use store::{Change, ListQuery, MallUpdate};

async fn by_csv(test: &TestStore) -> Mall {
    test.store.put_mall(&Mall { by_csv: true, ..test.mall().await }, MallUpdate::default()).await.unwrap();
    test.mall().await
}

on_both! {
    async fn results_are_taken_in_and_every_line_that_is_not_says_why(db) {
        let test = TestStore::new(db).await;
        test.orders(6).await;
        let judged = test.claim(&test.all().await[5..], "w").await.remove(0).unwrap();
        let mall = by_csv(&test).await;
        test.store.apply(&[Change::new(&judged, Event::CreditApproved)], "op", 2).await.unwrap();
        let text = "注文番号,与信結果,与信理由\nA-1,OK,\nA-2,NG,住所不備\nA-3,審査中,\nA-4,たぶん,\nA-5,,\nA-6,NG,\nA-9,OK,\nA-1,NG,\n";
        let (bytes, ..) = SHIFT_JIS.encode(text);
        let tried = results::take_in(&test.store, &mall, &bytes, None, "花子", true).await.unwrap();
        assert!(test.all().await[..5].iter().all(|order| order.state == State::NotAsked), "a dry run writes nothing");
        let taken = results::take_in(&test.store, &mall, &bytes, None, "花子", false).await.unwrap();
        assert_eq!(tried, taken);
        let states: Vec<_> = taken.taken().map(|(line, _, state)| (line, *state)).collect();
        assert_eq!(states, [(2, State::CsvApproved), (3, State::CsvRejected), (4, State::CsvUnderReview)]);
        let words: Vec<_> = taken.bad().map(|bad| bad.localized_in("f.csv", Lang::Ja)).collect();
        for (words, expected) in words.iter().zip([
            "f.csv 5行目 注文番号 A-4: 与信結果「たぶん」を",
            "f.csv 7行目 注文番号 A-6: APIで与信した注文です（[与信OK]）",
            "f.csv 8行目 注文番号 A-9: この注文番号の注文はありません",
            "f.csv 9行目 注文番号 A-1: 同じ注文番号が2行目にもあります",
        ]) {
            assert!(words.starts_with(expected), "{words}");
        }
        let counts = taken.counts();
        assert_eq!((words.len(), counts.refused.rows, counts.read()), (4, 4, 8));
        let orders = test.all().await;
        assert_eq!(provider_message(orders[1].problem.as_ref().unwrap(), Lang::Ja), "住所不備");
        assert!(orders[..3].iter().all(|order| !order.offers(Action::Credit)));
        assert_eq!(test.store.history(orders[0].id).await.unwrap()[0].who, "花子");
    }

    async fn an_order_number_that_is_written_otherwise_is_the_same_order(db) {
        let test = TestStore::new(db).await;
        test.orders(1).await;
        let mall = by_csv(&test).await;
        let text = "注文番号,与信結果\n\"=\"\"A-1\"\"\",OK\n'A-1,NG\n\"1,234\",OK\n";
        let taken = results::take_in(&test.store, &mall, text.as_bytes(), None, "op", true).await.unwrap();
        assert_eq!(taken.taken().map(|(line, number, _)| (line, number)).collect::<Vec<_>>(), [(2, "A-1")]);
        let words: Vec<_> = taken.bad().map(|bad| bad.localized_in("f.csv", Lang::Ja)).collect();
        assert!(words[0].contains("2行目にもあります") && words[1].contains("Excelで崩れています"), "{words:?}");
    }

    async fn a_row_with_nul_is_refused_and_no_other_one(db) {
        let test = TestStore::new(db).await;
        test.orders(2).await;
        let mall = by_csv(&test).await;
        let text = "注文番号,与信結果\nA-1,OK\nA\0-2,OK\n";
        let taken = results::take_in(&test.store, &mall, text.as_bytes(), None, "op", false).await.unwrap();
        assert_eq!(taken.taken().map(|(line, number, _)| (line, number)).collect::<Vec<_>>(), [(2, "A-1")]);
        assert_eq!(taken.bad().map(|bad| bad.line).collect::<Vec<_>>(), [3]);
    }

    async fn a_stray_quote_swallows_no_result(db) {
        let test = TestStore::new(db).await;
        test.orders(4).await;
        let mall = by_csv(&test).await;
        let take_in = async |text: String, dry_run| {
            let taken = results::take_in(&test.store, &mall, text.as_bytes(), None, "op", dry_run).await.unwrap();
            let numbers: Vec<_> = taken.taken().map(|(_, number, _)| number.to_owned()).collect();
            (numbers, taken.counts().refused.rows, taken.counts().read())
        };
        // Two columns, three, and with a comma and a line break more.
        for (text, taken, refused) in [
            ("注文番号,与信結果\nA-1,\"OK\nA-2,NG\"\nA-3,OK\n", "A-3", 2),
            ("注文番号,与信結果,与信理由\nA-1,NG,\"住所, 不備\nA-2,OK,\nA-3,NG,電話\"\nA-4,OK,\n", "A-4", 3),
            ("注文番号,与信結果,与信理由\nA-1,NG,\"住所\n不備\nA-2,OK,\"\nA-3,OK,\n", "A-3", 3),
            ("注文番号,与信結果,与信理由\n\"A-1,NG,住所\nA-2\",OK,\nA-3,OK,\n", "A-3", 2),
        ] {
            assert_eq!(take_in(text.to_owned(), true).await, (vec![taken.to_owned()], refused, refused + 1), "{text}");
        }
        let text = "注文番号,与信結果,与信理由\nA-1,NG,\"住所不備\n電話番号不備\"\nA-2,OK,\n".to_owned();
        assert_eq!(take_in(text, false).await, (vec!["A-1".to_owned(), "A-2".to_owned()], 0, 2));
        assert_eq!(provider_message(test.all().await[0].problem.as_ref().unwrap(), Lang::Ja), "住所不備\n電話番号不備");
    }

    async fn what_is_written_can_be_filled_in_and_taken_in_again(db) {
        let test = TestStore::new(db).await;
        test.orders(3).await;
        let judged = test.claim(&test.all().await[2..], "w").await.remove(0).unwrap();
        let mall = by_csv(&test).await;
        test.store.apply(&[Change::new(&judged, Event::CreditUnknown)], "op", 2).await.unwrap();
        for charset in [Charset::Utf8, Charset::ShiftJis] {
            let file = results::write_out(&test.store, &ListQuery::default(), charset).await.unwrap();
            assert_eq!(file.left_out, [("A-3".to_owned(), State::Unknown)]);
            assert!(left_out(State::Unknown, Lang::En).contains("judged through the API"));
            assert!(results::take_in(&test.store, &mall, &file.bytes, None, "op", true).await.unwrap().bad().next().is_none());
        }
        let first = "注文番号,与信結果,与信理由\nA-1,保留,=1+1\n";
        results::take_in(&test.store, &mall, first.as_bytes(), None, "op", false).await.unwrap();
        let file = results::write_out(&test.store, &ListQuery::default(), Charset::Utf8).await.unwrap();
        let text = String::from_utf8(file.bytes.clone()).unwrap();
        assert!(text.contains("\"A-1\",\"2026-07-01 10:00:00\",\"見本 花子\",\"1001\",\"保留\",\"'=1+1\"\r\n"), "{text}");
        let again = results::take_in(&test.store, &mall, &file.bytes, None, "op", false).await.unwrap();
        let counts = again.counts();
        assert_eq!((counts.taken.rows, counts.refused.rows), (1, 0), "one is judged");
        assert_eq!(counts.passed[&SkipReason::NoResult].rows, 1, "the other is empty");
        assert_eq!(provider_message(test.all().await[0].problem.as_ref().unwrap(), Lang::Ja), "=1+1");
    }

    async fn a_mall_whose_results_come_through_the_api_takes_no_file(db) {
        let test = TestStore::new(db).await;
        let file = "注文番号,与信結果\n".as_bytes();
        let refused = results::take_in(&test.store, &test.mall().await, file, None, "op", false).await;
        assert!(matches!(refused, Err(ResultsError::NotByCsv(_))));
    }
}
