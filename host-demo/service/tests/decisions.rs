//! Decisions about many orders from one file: each row is judged like a single one and answered for by itself.

mod common;

use common::fake::{Fake, Next};
use common::{Db, TestStore, new_order, on_both};
use domain::credit_state::{Action, Event, State};
use domain::finding::OperatorFinding;
use domain::lang::Lang;
use domain::mall::Mall;
use domain::settings::Setting;
use service::credit::CreditService;
use service::csv::encoding::Charset;
use service::csv::error::{FileError, RowError};
use service::csv::row_result::SkipReason;
use service::decisions::{self, Decided, DecisionsError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::lease::ProcessLease;
use store::{Change, ListQuery, MallUpdate};

struct Office {
    test: TestStore,
    credit: CreditService<Fake>,
    fake: Fake,
}

impl Office {
    /// `orders` orders whose registrations' answers were all lost.
    async fn in_doubt(db: Db, orders: usize) -> Self {
        let test = TestStore::new(db).await;
        let ids: Vec<i64> = test.orders(orders).await.iter().map(|order| order.id).collect();
        let fake = Fake::new(&vec![Next::LoseAnswer; orders]);
        let credit = CreditService {
            store: test.store.clone(),
            lease: Arc::new(ProcessLease::start(&test.store).await.unwrap()),
            providers: Arc::new(HashMap::from([("fake".to_owned(), fake.clone())])),
            who: "花子".into(),
            concurrency: 1,
            in_flight_window: Duration::ZERO,
        };
        credit.run(Action::Credit, &ids, &|_| {}).await.unwrap();
        assert!(fake.script_is_done(), "every answer was lost");
        let office = Self { test, credit, fake };
        assert!(office.states().await.iter().all(|state| *state == State::Unknown));
        office
    }

    async fn states(&self) -> Vec<State> {
        self.test.all().await.iter().map(|order| order.state).collect()
    }

    async fn take_in(&self, text: &str, dry_run: bool) -> Decided {
        let mall = self.test.mall().await;
        decisions::take_in(&self.credit, &mall, text.as_bytes(), None, dry_run).await.unwrap()
    }
}

on_both! {
    async fn a_row_with_nul_is_refused_and_no_other_one(db) {
        let office = Office::in_doubt(db, 2).await;
        let text = "注文番号,登録番号,結果,メモ\nA-1,,登録なし,検索 0件\nA\0-2,,登録なし,検索 0件\n,x\0y,登録なし,検索 0件\n";
        let done = office.take_in(text, false).await;
        assert_eq!(done.bad().map(|bad| bad.line).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(office.states().await, [State::NotSent, State::Unknown]);
    }

    async fn many_are_recorded_at_once_each_with_its_own_finding(db) {
        let office = Office::in_doubt(db, 7).await;
        let references: Vec<_> = office.test.all().await.iter().map(|order| order.reference().to_owned()).collect();
        let text = format!(
            "注文番号,登録番号,結果,取引ID,メモ\n\
             A-1,,与信OK,T1,管理画面\n\
             ,{},登録あり,T2,管理画面\n\
             A-3,{},rejected,,\"電話で確認,\n佐藤様\"\n\
             A-4,,キャンセル済,,管理画面\n\
             A-5,,登録なし,,検索 0件\n\
             A-6,,,,\n\
             A-7,,nothing,,検索 0件\n",
            references[1], references[2]
        );
        let tried = office.take_in(&text, true).await;
        assert!(office.states().await.iter().all(|state| *state == State::Unknown), "a dry run writes nothing");
        let done = office.take_in(&text, false).await;
        assert_eq!(done, tried);
        assert_eq!(done.bad().count(), 0, "{:?}", done.bad().collect::<Vec<_>>());
        let counts = done.counts();
        assert_eq!((counts.taken.rows, counts.passed[&SkipReason::NoResult].rows, counts.read()), (6, 1, 7));
        use State::{Approved, Cancelled, NotSent, Rejected, UnderReview, Unknown};
        assert_eq!(office.states().await, [Approved, UnderReview, Rejected, Cancelled, NotSent, Unknown, NotSent]);
        let orders = office.test.all().await;
        assert_eq!((orders[0].transaction_id(), orders[1].transaction_id()), (Some("T1"), Some("T2")));
        let line = office.test.store.history(orders[2].id).await.unwrap().pop().unwrap();
        assert_eq!((line.who.as_str(), line.note.as_deref()), ("花子", Some("電話で確認,\n佐藤様")));
        // Nothing is in doubt about them any more: the same file once more is refused row by row.
        let again = office.take_in(&text, false).await;
        assert_eq!((again.counts().taken.rows, again.counts().refused.rows), (0, 6));
    }

    async fn what_was_found_out_the_last_time_is_no_answer_about_this_time(db) {
        let office = Office::in_doubt(db, 1).await;
        let id = office.test.all().await[0].id;
        let reference = office.test.order(id).await.reference().to_owned();
        let old = format!("注文番号,登録番号,結果,メモ\nA-1,{reference},登録なし,検索 0件\n");
        assert_eq!(office.take_in(&old, false).await.counts().taken.rows, 1);
        // Sent again under the same reference, and this time it arrives.
        office.fake.script.lock().unwrap().push_back(Next::LoseAnswer);
        let row = office.credit.run(Action::Credit, &[id], &|_| {}).await.unwrap().remove(0);
        assert_eq!((row.state, office.test.order(id).await.reference()), (State::Unknown, reference.as_str()));
        for text in [old, format!("注文番号,登録番号,不明回数,結果,メモ\nA-1,{reference},1,登録なし,検索 0件\n")] {
            let again = office.take_in(&text, false).await;
            let words: Vec<_> = again.bad().map(|bad| bad.localized_in("f.csv", Lang::Ja)).collect();
            assert!(words.len() == 1 && words[0].contains("2回目"), "{words:?}");
        }
        assert_eq!(office.states().await, [State::Unknown]);
        let exported = decisions::write_out(&office.test.store, &ListQuery::default(), Charset::Utf8).await.unwrap();
        let filled = String::from_utf8(exported).unwrap();
        let filled = filled.replace("\"[結果不明]\",\"\",\"\",\"\"", "\"[結果不明]\",\"登録なし\",\"\",\"検索 0件\"");
        assert_eq!(office.take_in(&filled, false).await.counts().taken.rows, 1, "{filled}");
    }

    async fn each_row_is_checked_like_a_single_decision(db) {
        let office = Office::in_doubt(db, 4).await;
        let ids: Vec<i64> = office.test.all().await.iter().map(|order| order.id).collect();
        office.credit.run(Action::Check, &ids[3..], &|_| {}).await.unwrap();
        let reference = office.test.order(ids[1]).await.reference().to_owned();
        let text = format!(
            "注文番号,登録番号,結果,取引ID,メモ\n\
             A-1,,与信OK,,管理画面\n\
             A-2,,登録なし,,\n\
             A-9,,登録なし,,管理画面\n\
             A-3,,たぶん,,管理画面\n\
             A-1,{reference},登録なし,,管理画面\n\
             ,,登録なし,,管理画面\n\
             3.0E+11,,登録なし,,管理画面\n\
             A-2,,与信OK,9.01235E+09,管理画面\n\
             A-4,,登録なし,,管理画面\n\
             ,x-1-1,登録なし,,管理画面\n\
             A-2,,与信OK,{},管理画面\n",
            "9".repeat(65)
        );
        let words = |done: &Decided| done.bad().map(|bad| format!("{} {}", bad.line, bad.localized_in("f.csv", Lang::Ja))).collect::<Vec<_>>();
        let tried = office.take_in(&text, true).await;
        let done = office.take_in(&text, false).await;
        assert_eq!(words(&done), words(&tried));
        let expected = [
            "後払い会社の取引IDがわかりません",
            "「メモ」を入力してください",
            "この注文番号の注文はありません",
            "結果「たぶん」を",
            "この登録番号は、この注文の今の登録番号ではありません",
            "「注文番号」か「登録番号」を",
            "「注文番号」の「3.0E+11」はExcelで崩れています",
            "「取引ID」の「9.01235E+09」はExcelで崩れています",
            "",
            "この注文番号の注文はありません",
            "同じ注文番号が3行目にもあります",
        ];
        let said = words(&done);
        assert_eq!(said.len(), expected.len());
        assert!(said.iter().zip(expected).all(|(said, expected)| said.contains(expected)), "{said:#?}");
        assert!(matches!(done.bad().nth(8).unwrap().errors[..], [RowError::NotRecorded(_)]), "it is approved");
        assert_eq!(done.counts().taken.rows, 0);
        assert_eq!(office.states().await[..3], [State::Unknown; 3]);
        assert_eq!(office.fake.ledger.lock().unwrap().registrations.len(), 4);
    }

    async fn a_dry_run_refuses_an_id_that_another_order_has_or_gets_before(db) {
        let office = Office::in_doubt(db, 4).await;
        office.take_in("注文番号,結果,取引ID,メモ\nA-1,与信OK,T1,x\n", false).await;
        let text = "注文番号,結果,取引ID,メモ\nA-2,登録あり,T1,x\nA-3,与信OK,T3,x\nA-4,登録あり,'T3,x\n";
        let tried = office.take_in(text, true).await;
        let words: Vec<_> = tried.bad().map(|bad| bad.localized_in("f.csv", Lang::Ja)).collect();
        let said = |at: usize, id: &str| words[at].contains(&format!("取引ID {id} は、別の登録")) && !words[at].contains("返された");
        assert!(words.len() == 2 && said(0, "T1") && said(1, "T3"), "{words:?}");
        let done = office.take_in(text, false).await;
        assert_eq!(done, tried);
        use State::{Approved, Unknown};
        assert_eq!(office.states().await, [Approved, Unknown, Approved, Unknown]);
    }

    async fn an_id_is_its_orders_alone_whatever_mall_that_is_in(db) {
        let office = Office::in_doubt(db, 1).await;
        office.take_in("注文番号,結果,取引ID,メモ\nA-1,与信OK,T1,x\n", false).await;
        let (store, other) = (&office.test.store, Mall { id: "n".into(), ..office.test.mall().await });
        store.put_mall(&other, MallUpdate::default()).await.unwrap();
        let other = store.mall("n").await.unwrap().unwrap();
        store.insert_orders(&other, &[new_order("B-1", 1_000), new_order("B-2", 1_000)], 1).await.unwrap();
        let ids: Vec<i64> = office.test.all().await.iter().filter(|order| order.mall == "n").map(|order| order.id).collect();
        office.fake.script.lock().unwrap().extend([Next::LoseAnswer, Next::LoseAnswer]);
        office.credit.run(Action::Credit, &ids, &|_| {}).await.unwrap();
        let text = "注文番号,結果,取引ID,メモ\nB-1,与信OK,T1,x\nB-2,与信OK,T2,x\n";
        let done = decisions::take_in(&office.credit, &other, text.as_bytes(), None, false).await.unwrap();
        let words: Vec<_> = done.bad().map(|bad| bad.localized_in("f.csv", Lang::Ja)).collect();
        assert!(words.len() == 1 && words[0].contains("取引ID T1 は、別の登録"), "{words:?}");
        use State::{Approved, Unknown};
        assert_eq!(office.states().await, [Approved, Unknown, Approved]);
        // What was mistyped can be put right.
        store.apply(&[Change::new(&office.test.order(ids[1]).await, Event::CheckOther)], "op", 1).await.unwrap();
        let found = OperatorFinding::Registered { transaction_id: Some("T9".into()) };
        let row = office.credit.decide(&office.test.order(ids[1]).await, found, "x").await.unwrap();
        assert_eq!((row.problem, row.transaction_id.as_deref()), (None, Some("T9")));
        // Another merchant's numbers are its own.
        let settings = [("shop".to_owned(), Setting::from("another".to_owned()))].into();
        let third = Mall { id: "o".into(), settings, ..office.test.mall().await };
        store.put_mall(&third, MallUpdate::default()).await.unwrap();
        let third = store.mall("o").await.unwrap().unwrap();
        store.insert_orders(&third, &[new_order("C-1", 1_000)], 1).await.unwrap();
        let id = office.test.all().await.iter().find(|order| order.mall == "o").unwrap().id;
        office.fake.script.lock().unwrap().push_back(Next::LoseAnswer);
        office.credit.run(Action::Credit, &[id], &|_| {}).await.unwrap();
        let found = OperatorFinding::Approved { transaction_id: "T1".into() };
        let row = office.credit.decide(&office.test.order(id).await, found, "x").await.unwrap();
        assert_eq!(row.problem, None);
    }

    async fn who_found_nothing_too_early_is_told_to_record_it_again(db) {
        let mut office = Office::in_doubt(db, 1).await;
        office.credit.in_flight_window = Duration::from_secs(120);
        let done = office.take_in("注文番号,結果,メモ\nA-1,登録なし,検索\n", false).await;
        let bad = done.bad().next().unwrap();
        let words = [bad.localized_in("f.csv", Lang::Ja), bad.localized_in("f.csv", Lang::En)];
        assert!(words[0].contains("もう一度記録") && !words[0].contains("[与信結果確認]を押"), "{words:?}");
        assert!(words[1].contains("record it again"), "{words:?}");
    }

    async fn a_stray_quote_swallows_no_decision(db) {
        let office = Office::in_doubt(db, 4).await;
        for (text, taken, refused) in [
            ("注文番号,結果,メモ\nA-1,登録なし,\"検索, 0件\nA-2,与信NG,検索\"\nA-3,登録なし,検索\n", "A-3", 2),
            (
                "注文番号,登録番号,結果,取引ID,メモ\nA-1,,与信OK,\"T1,検索\nA-2,,与信NG,,検索\nA-3,,与信OK,T3\",検索\nA-4,,登録なし,,検索\n",
                "A-4",
                3,
            ),
            (
                "注文番号,登録番号,結果,取引ID,メモ\nA-1,,登録なし,,\"検索\n0件\nA-2,,与信NG,,\"\",検索\"\nA-3,,登録なし,,検索\n",
                "A-3",
                3,
            ),
        ] {
            let tried = office.take_in(text, true).await;
            let numbers: Vec<_> = tried.taken().map(|(_, number, _)| number).collect();
            assert_eq!((numbers, tried.counts().refused.rows), (vec![taken], refused), "{text}");
            assert_eq!(tried.counts().read(), refused + 1, "{text}");
        }
    }

    async fn nothing_there_is_not_believed_while_the_request_may_be_on_its_way(db) {
        let mut office = Office::in_doubt(db, 2).await;
        office.credit.in_flight_window = Duration::from_secs(120);
        for dry_run in [true, false] {
            let done = office.take_in("注文番号,結果,メモ\nA-1,登録なし,検索\nA-2,与信NG,検索\n", dry_run).await;
            assert_eq!((done.counts().taken.rows, done.counts().refused.rows), (1, 1));
            assert!(done.bad().next().unwrap().localized_in("f.csv", Lang::Ja).contains("送信中の可能性"));
        }
        assert_eq!(office.states().await, [State::Unknown, State::Rejected]);
    }

    async fn the_orders_in_doubt_are_written_to_be_filled_in(db) {
        let office = Office::in_doubt(db, 2).await;
        for charset in [Charset::Utf8, Charset::ShiftJis] {
            let bytes = decisions::write_out(&office.test.store, &ListQuery::default(), charset).await.unwrap();
            let mall = office.test.mall().await;
            let empty = decisions::take_in(&office.credit, &mall, &bytes, None, false).await.unwrap();
            assert_eq!(empty.counts().passed[&SkipReason::NoResult].rows, 2);
        }
        let bytes = decisions::write_out(&office.test.store, &ListQuery::default(), Charset::Utf8).await.unwrap();
        let filled = String::from_utf8(bytes).unwrap().replace("\"[結果不明]\",\"\",\"\",\"\"", "\"[結果不明]\",\"登録なし\",\"\",\"検索 0件\"");
        let done = office.take_in(&filled, false).await;
        assert_eq!((done.counts().taken.rows, done.bad().count()), (2, 0));
        let bytes = decisions::write_out(&office.test.store, &ListQuery::default(), Charset::Utf8).await.unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap().lines().count(), 1, "nothing is in doubt any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_names_no_orders_is_refused_as_a_whole() {
    let office = Office::in_doubt(Db::Sqlite, 1).await;
    let mall = office.test.mall().await;
    for text in ["結果,メモ\n与信OK,x\n", "注文番号,結果\nA-1,与信OK\n", ""] {
        let refused = decisions::take_in(&office.credit, &mall, text.as_bytes(), None, false).await;
        let expected = matches!(refused, Err(DecisionsError::File(FileError::MissingHeadings(_) | FileError::Empty)));
        assert!(expected, "{refused:?}");
    }
}

#[test]
fn an_id_and_a_note_are_such_as_can_be_kept_and_shown() {
    let entered = |id: &str, note: &str| decisions::entered(id, note);
    let id = |typed| entered(typed, "管理画面").map(|(id, _)| id);
    for (typed, kept) in
        [("", None), (" T1 ", Some("T1")), ("'T1", Some("T1")), ("=\"26000000001\"", Some("26000000001"))]
    {
        assert_eq!(id(typed), Ok(kept.map(str::to_owned)), "{typed}");
    }
    for typed in ["2.6E+10", "####", "26,000,000,001", "26000000001."] {
        assert!(matches!(id(typed), Err(RowError::Mangled(..))), "{typed}");
    }
    for typed in ["a\u{1b}[31mb", "a\u{202e}b", "a\nb", "a\tb"] {
        assert!(matches!(id(typed), Err(RowError::Unseen(_))), "{typed:?}");
    }
    assert!(matches!(id(&"9".repeat(65)), Err(RowError::Longer(_, 64))));
    assert_eq!(entered("", " 電話\r\n確認\t済 ").unwrap().1, "電話\n確認 済");
    for note in ["a\u{1b}[31mb", "a\u{202e}b"] {
        assert!(matches!(entered("", note), Err(RowError::Unseen(_))), "{note:?}");
    }
    assert!(matches!(entered("", " \n"), Err(RowError::Empty(_))));
    assert!(matches!(entered("", &"長".repeat(1_001)), Err(RowError::Longer(_, 1_000))));
}
