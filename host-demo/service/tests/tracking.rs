//! Tracking numbers: one by one, from files and tables. Every row is accounted for, and nothing wrong is entered.

mod common;

use common::fake::Fake;
use common::on_both;
use common::{TestStore, new_order};
use domain::clock;
use domain::credit_state::{Event, State};
use domain::lang::Lang;
use domain::mall::Mall;
use domain::normalize::tracking_number::NumberDoubt;
use domain::order::{Order, Tracking};
use domain::tracking::TrackingProblem;
use fixtures::Db;
use proptest::prelude::*;
use service::credit::CreditService;
use service::csv::encoding::Charset;
use service::csv::error::RowError;
use service::csv::mapping::text::Definition;
use service::csv::row_result::{RowResult, SkipReason};
use service::csv::tracking_file::{self, FormatChoice, TrackingFileError};
use service::csv::tracking_format::{self, TrackingMapping};
use service::messages::localize::Localize;
use service::tracking::entry::{self, DAYS_AHEAD, Entry, TrackingError};
use service::tracking::import::{TrackingReport, TypedRow, enter_typed, import};
use service::tracking::matching::{TrackingImport, TrackingImportError};
use std::collections::HashMap;
use std::sync::Arc;
use store::lease::ProcessLease;
use store::{Change, MallUpdate, NewOrder};
use time::Duration;
use time::macros::date;

/// Twelve digits of which the last is right: the number with `at` before it.
fn number(at: u64) -> String {
    let eleven = 40_000_000_000 + at;
    format!("{}", eleven * 10 + eleven % 7)
}

/// A platform with the mall `m` at `provider`, whose plugin takes three carriers.
struct Office {
    test: TestStore,
    service: CreditService<Fake>,
}

impl Office {
    async fn new(db: Db, provider: &str) -> Self {
        let test = TestStore::new(db).await;
        let mall = Mall { provider: provider.into(), ..test.mall().await };
        test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
        let fake = Fake::new(&[]).with_info(|info| {
            let like = info.carriers[0].clone();
            for (id, ja) in [("sagawa", "佐川急便"), ("yu-pack", "ゆうパック")] {
                let mut carrier = like.clone();
                (carrier.id, carrier.name.ja, carrier.name.en) = (id.into(), ja.into(), id.into());
                info.carriers.push(carrier);
            }
        });
        let service = CreditService {
            store: test.store.clone(),
            lease: Arc::new(ProcessLease::start(&test.store).await.unwrap()),
            providers: Arc::new(HashMap::from([(provider.to_owned(), fake)])),
            who: "op".into(),
            concurrency: 1,
            in_flight_window: std::time::Duration::ZERO,
        };
        Self { test, service }
    }

    /// Orders A-1 … that are approved; those from `elsewhere` on go to a recipient of their own.
    async fn approved(&self, count: usize, elsewhere: usize) -> Vec<Order> {
        let orders: Vec<NewOrder> =
            (1..=count).map(|at| to(new_order(&format!("A-{at}"), 1_000), at, elsewhere)).collect();
        let mall = self.test.mall().await;
        self.test.store.insert_orders(&mall, &orders, 1).await.unwrap();
        let claimed = self.test.claim(&self.test.all().await, "w").await;
        let changes: Vec<_> = claimed.iter().flatten().map(|order| Change::new(order, Event::CreditApproved)).collect();
        self.test.store.apply(&changes, "op", 2).await.unwrap();
        self.test.all().await
    }

    async fn take(&self, file: TrackingImport) -> TrackingReport {
        import(&self.service, &file, false).await.unwrap()
    }

    /// Gives a mall this setting for files of tracking numbers.
    async fn set(&self, mall: &str, tracking_mapping: &str) {
        let stored = self.test.store.mall(mall).await.unwrap().unwrap();
        let mall = Mall { tracking_mapping: tracking_mapping.into(), ..stored };
        self.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
    }

    async fn numbers(&self) -> Vec<Option<String>> {
        self.test.all().await.into_iter().map(|order| order.tracking.map(|tracking| tracking.number)).collect()
    }
}

fn to(mut order: NewOrder, at: usize, elsewhere: usize) -> NewOrder {
    if at >= elsewhere {
        let mut recipient = order.data.buyer.clone();
        recipient.name = format!("見本 太郎{at}");
        order.data.recipient = Some(recipient);
    }
    order
}

/// A file of B2クラウド, in `Shift_JIS` as the program writes it.
fn b2(rows: &[(&str, &str)]) -> Vec<u8> {
    let mut text = "お客様管理番号,送り状種類,クール区分,伝票番号,出荷予定日,お届け予定日\r\n".to_owned();
    for (order, tracking) in rows {
        text += &format!("{order},0,0,{tracking},{},\r\n", clock::today().to_string().replace('-', "/"));
    }
    encoding_rs::SHIFT_JIS.encode(&text).0.into_owned()
}

fn file(bytes: Vec<u8>) -> TrackingImport {
    TrackingImport { bytes, ..TrackingImport::default() }
}

/// What became of each row: the orders that it entered, why it was passed over, or the first thing wrong with it.
fn results(report: &TrackingReport) -> Vec<(u64, Result<Vec<&str>, String>)> {
    report
        .report
        .entries
        .iter()
        .map(|entry| {
            let result = match &entry.result {
                RowResult::Taken(entered) => Ok(entered.iter().map(|one| one.number.as_str()).collect()),
                RowResult::Skipped(reason) => Err(format!("{reason:?}")),
                RowResult::Refused(errors) => Err(match &errors[0] {
                    RowError::Tracking(_, problem) => format!("{problem:?}"),
                    other => format!("{other:?}"),
                }),
            };
            (entry.line, result)
        })
        .collect()
}

on_both! {
    async fn what_is_no_tracking_number_or_no_shipping_date_is_neither_saved_nor_synced(db) {
        let office = Office::new(db, "fake").await;
        let order = office.approved(1, 2).await.remove(0);
        let ordered = order.data.ordered_at.date();
        let enter = async |number, shipped_on| {
            let entry = Entry { carrier: "yamato", number, shipped_on };
            match entry::enter(&office.service, &order, entry).await {
                Ok(entered) => Ok(entered),
                Err(TrackingError::Refused(problem)) => Err(problem),
                Err(error) => panic!("{error}"),
            }
        };
        for number in ["", "未定", "a\nb", "12\u{1b}[31m", "<script>1</script>", "あ1", "1,2"] {
            assert_eq!(enter(number, ordered).await, Err(TrackingProblem::Number), "{number:?}");
        }
        for number in ["3.0E+11", "####", "#N/A"] {
            assert!(matches!(enter(number, ordered).await, Err(TrackingProblem::Mangled(_))), "{number}");
        }
        let far = ordered.max(clock::today()) + Duration::days(DAYS_AHEAD + 1);
        for day in [date!(0026 - 11 - 24), date!(1970 - 01 - 01), ordered - Duration::days(1), far, date!(9999 - 12 - 31)] {
            assert!(matches!(enter("123456789013", day).await, Err(TrackingProblem::ShippedOn(..))), "{day}");
        }
        assert_eq!(office.numbers().await, [None]);
        let entered = enter("１２３４ー５６７８ー９０１２ ", ordered).await.unwrap();
        let expected = Tracking { carrier: "yamato".into(), number: "123456789012".into(), shipped_on: ordered };
        assert_eq!(entered.tracking, expected);
        assert_eq!(entered.doubt, Some(NumberDoubt::CheckDigit), "entered, and pointed out");
        assert_eq!(office.test.all().await[0].tracking.as_ref(), Some(&expected));
    }

    async fn a_file_goes_in_but_for_what_is_wrong_and_every_row_is_accounted_for(db) {
        let office = Office::new(db, "kuroneko").await;
        let mut orders = office.approved(9, 1).await;
        // One is synced, one is cancelled, and one has a number already.
        let claim = |order: Order, event| (order, event);
        let shipped = Tracking { carrier: "yamato".into(), number: number(900), shipped_on: clock::today() };
        assert!(office.test.store.set_tracking(&orders[7], &shipped, "op", 3).await.unwrap());
        assert!(office.test.store.set_tracking(&orders[8], &Tracking { number: number(901), ..shipped.clone() }, "op", 3).await.unwrap());
        orders = office.test.all().await;
        for (order, event) in [claim(orders[7].clone(), Event::SyncStarted), claim(orders[6].clone(), Event::CancelStarted)] {
            let account = office.test.store.accounts([office.test.mall().await.account]).await.unwrap().into_values().next().unwrap();
            let claim = store::Claim { event, account: &account, owner: "w", rows: &[], who: "op", now: 4, work: None };
            let claimed = office.test.store.claim(&[order], claim).await.unwrap().remove(0).unwrap();
            let done = if event == Event::SyncStarted { Event::SyncDone } else { Event::CancelDone };
            office.test.store.apply(&[Change::new(&claimed, done)], "op", 5).await.unwrap();
        }
        assert_eq!(office.test.all().await.iter().map(|order| order.state).collect::<Vec<_>>()[6..8], [State::Cancelled, State::Synced]);

        let wrong = number(3).replace('4', "5");
        let rows = [
            ("A-1", number(1)),
            ("A-2", "4.00000E+11".into()),
            ("A-2", "####".into()),
            ("Z-1", number(2)),
            ("A-3", wrong),
            ("A-4", number(901)),
            ("A-7", number(7)),
            ("A-8", number(8)),
            ("A-8", number(900)),
            ("A-5", String::new()),
            ("3.0E+11", number(9)),
            ("", number(10)),
            ("A-6", "未定".into()),
        ];
        let rows: Vec<(&str, &str)> = rows.iter().map(|(order, number)| (*order, number.as_str())).collect();
        let before = office.numbers().await;
        let tried = import(&office.service, &file(b2(&rows)), true).await.unwrap();
        assert_eq!(office.numbers().await, before, "a dry run writes nothing");
        let report = office.take(file(b2(&rows))).await;
        assert_eq!(report, tried, "a dry run says what happens");
        assert_eq!(report.format.unwrap().id, "b2-cloud");
        let found = results(&report);
        assert_eq!(found[0], (2, Ok(vec!["A-1"])));
        let expected = [
            "Mangled(\"4.00000E+11\")", "Mangled(\"####\")", "NoOrder", "Doubtful(CheckDigit)",
            "OfAnotherOrder { mall: \"m\", number: \"A-9\" }", "Closed(Cancelled)", "Closed(Synced)", "Unchanged",
            "NoTracking", "Mangled(\"お客様管理番号\", \"3.0E+11\")", "NoOrder", "Number",
        ];
        for ((line, result), expected) in found[1..].iter().zip(expected) {
            assert_eq!(result.as_ref().unwrap_err(), expected, "line {line}");
        }
        let counts = report.report.counts();
        assert_eq!((counts.taken.rows, counts.refused.rows, counts.passed_over().rows), (1, 10, 2));
        assert_eq!(counts.read(), rows.len());
        assert_eq!(office.numbers().await[0], Some(number(1)));
        assert_eq!(office.numbers().await[1..6], [None, None, None, None, None], "nothing wrong went in");
        for bad in report.report.bad() {
            for lang in [Lang::Ja, Lang::En] {
                let words = bad.localized_in("b2.csv", lang);
                assert!(!words.contains("::") && !words.contains("{ "), "{words}");
            }
        }
        let history = office.test.store.history(office.test.all().await[0].id).await.unwrap();
        let last = history.last().unwrap();
        assert_eq!((last.event.as_str(), last.who.as_str()), ("tracking_entered", "op"));
        // The same file once more: what is in is passed over.
        assert_eq!(results(&office.take(file(b2(&rows))).await)[0].1, Err("Unchanged".to_owned()));
    }

    async fn parcels_and_orders_meet_one_number_for_an_order_and_one_destination_for_a_number(db) {
        let office = Office::new(db, "kuroneko").await;
        let orders = office.approved(8, 6).await;
        let (together, shared) = (number(50), number(60));
        let rows = [
            // Three parcels of one order.
            ("A-1", number(11)),
            ("A-1", number(12)),
            ("A-1", number(13)),
            // Two orders in one parcel, in one cell; a third on a row of its own; a fourth is one too many for クロネコ.
            ("\"A-2,A-3\"", together.clone()),
            ("A-4", together.clone()),
            ("A-5", together.clone()),
            // Two orders that go to different people cannot be in one parcel: which of them it is, nobody knows.
            ("A-6", shared.clone()),
            ("A-7", shared.clone()),
            // A row of which one order is unknown is refused whole.
            ("A-8、Z-9", number(14)),
        ];
        let rows: Vec<(&str, &str)> = rows.iter().map(|(order, number)| (*order, number.as_str())).collect();
        let report = office.take(file(b2(&rows))).await;
        let found = results(&report);
        assert_eq!(found[0].1, Ok(vec!["A-1"]));
        assert_eq!([&found[1].1, &found[2].1], [&Err("OtherParcel".into()), &Err("OtherParcel".into())]);
        assert_eq!(report.entered().next().unwrap().others, [number(12), number(13)]);
        assert_eq!(found[3].1, Ok(vec!["A-2", "A-3"]));
        assert_eq!(found[4].1, Ok(vec!["A-4"]));
        assert_eq!(found[5].1, Err("TooManyOrders(3)".into()));
        assert_eq!(found[6].1, Err("OfAnotherOrder { mall: \"m\", number: \"A-7\" }".into()));
        assert_eq!(found[7].1, Err("OfAnotherOrder { mall: \"m\", number: \"A-6\" }".into()));
        assert_eq!(found[8].1, Err("NoOrder".into()));
        let counts = report.report.counts();
        assert_eq!((counts.taken.rows, counts.refused.rows, counts.passed_over().rows), (3, 4, 2));
        let history = office.test.store.history(orders[0].id).await.unwrap();
        let note = history.last().unwrap().note.clone().unwrap();
        assert!(note.contains(&number(11)) && note.ends_with(&format!("+ {} + {}", number(12), number(13))), "{note}");
        // The fourth order is refused when it comes alone, too: the store knows the other three.
        let alone = office.take(file(b2(&[("A-5", &together)]))).await;
        assert_eq!(results(&alone)[0].1, Err("TooManyOrders(3)".into()));
        // Where the number that is reported is broken, the order's next parcel is.
        let next = office.take(file(b2(&[("A-8", "####"), ("A-8", &number(15))]))).await;
        assert_eq!(results(&next)[1].1, Ok(vec!["A-8"]));
        assert_eq!(report.syncable().len(), 4, "{:?}", report.syncable());
    }

    async fn an_order_is_matched_by_number_or_id_within_the_mall_that_is_meant(db) {
        let office = Office::new(db, "fake").await;
        let orders = office.approved(2, 1).await;
        let other = Mall { id: "n".into(), name: "支店".into(), ..office.test.mall().await };
        office.test.store.put_mall(&other, MallUpdate::default()).await.unwrap();
        let other = office.test.store.mall("n").await.unwrap().unwrap();
        office.test.store.insert_orders(&other, &[to(new_order("A-1", 2_000), 9, 1)], 1).await.unwrap();
        let of_branch = office.test.all().await.into_iter().find(|order| order.mall == "n").unwrap();
        let row = |text: &str| {
            let text = format!("注文ID,注文番号,モール,伝票番号,配送業者\n{text}\n");
            file(text.into_bytes())
        };
        let first = async |file: TrackingImport| results(&office.take(file).await)[0].1.clone().map(|all| all.len());
        let problem = |said: &str| Err(said.to_owned());
        assert_eq!(first(row(&format!(",A-1,,{},yamato", number(1)))).await, problem("InSeveralMalls([\"m\", \"n\"])"));
        assert_eq!(first(TrackingImport { mall: Some("n".into()), ..row(&format!(",A-1,,{},佐川", number(1))) }).await, Ok(1));
        assert_eq!(first(row(&format!(",A-1,本店,{},ヤマト運輸", number(2)))).await, Ok(1));
        assert_eq!(first(row(&format!("{},A-2,,{},yamato", orders[1].id, number(3)))).await, Ok(1));
        assert_eq!(first(row(&format!("{},A-2,,{},yamato", orders[0].id, number(4)))).await, problem("OtherOrder(\"A-1\")"));
        assert_eq!(first(row(&format!("x,,,{},yamato", number(4)))).await, problem("NotAnId(\"x\")"));
        assert_eq!(first(row(&format!(",A-1,北店,{},yamato", number(4)))).await, problem("NoMall(\"北店\")"));
        let by_id = format!("{}", of_branch.id);
        let by_id = TrackingImport { by_id: true, ..file(b2(&[(&by_id, &number(5))])) };
        assert_eq!(first(by_id).await, Ok(1));
        let stored: Vec<_> = office.test.all().await.into_iter().map(|order| order.tracking.unwrap()).collect();
        assert_eq!(stored.iter().map(|has| has.carrier.as_str()).collect::<Vec<_>>(), ["yamato", "yamato", "yamato"]);
        assert_eq!(stored[2].number, number(5), "it replaced the number that 佐川 had");
        // The carrier of the whole file; one that the provider has not; none at all.
        let told = |carrier: &str| TrackingImport { carrier: Some(carrier.into()), ..row(&format!(",A-2,,{},", number(6))) };
        assert_eq!(first(told("ゆうパック")).await, Ok(1));
        assert!(first(told("エコ配")).await.unwrap_err().contains("CarrierUnsupported"));
        assert_eq!(first(row(&format!(",A-2,,{},", number(7)))).await, problem("NoCarrier"));
        let nowhere = TrackingImport { mall: Some("x".into()), ..row("") };
        assert!(matches!(import(&office.service, &nowhere, true).await, Err(TrackingImportError::NoMall(_))));
    }

    async fn the_setting_of_a_mall_reads_the_files_whose_orders_are_its_own(db) {
        let office = Office::new(db, "fake").await;
        office.approved(3, 1).await;
        office.set("m", "preset = \"b2-cloud\"\n[columns]\n\"注文番号\" = \"備考\"\n").await;
        let noted = |rows: &[(&str, &str, u64)]| {
            let row = |(order, note, at): &(&str, &str, u64)| format!("{order},0,{},,{note}\n", number(*at));
            let rows: String = rows.iter().map(row).collect();
            file(format!("お客様管理番号,クール区分,伝票番号,出荷予定日,備考\n{rows}").into_bytes())
        };
        let of_mall = |mall: &str, file| TrackingImport { mall: Some(mall.into()), ..file };
        let read = async |file| import(&office.service, &file, true).await;
        let entered = |report: &TrackingReport| -> Vec<String> {
            report.entered().map(|one| one.number.clone()).collect()
        };
        // The only mall there is: its setting is not overridden by the headings, but by what is told with the file.
        let own = read(noted(&[("X-1", "A-1", 1)])).await.unwrap();
        assert_eq!((entered(&own), own.format.is_none(), own.by_setting_of), (vec!["A-1".into()], true, vec!["m".into()]));
        let format = Some(FormatChoice::Format(tracking_format::find("b2-cloud").unwrap()));
        let told = read(TrackingImport { format, ..noted(&[("A-2", "A-1", 1)]) }).await.unwrap();
        assert_eq!((entered(&told), told.by_setting_of), (vec!["A-2".into()], Vec::new()));
        // A mall without a setting comes, with its orders under the usual column.
        let other = Mall { id: "n".into(), tracking_mapping: String::new(), ..office.test.mall().await };
        office.test.store.put_mall(&other, MallUpdate::default()).await.unwrap();
        let other = office.test.store.mall("n").await.unwrap().unwrap();
        office.test.store.insert_orders(&other, &[to(new_order("B-1", 2_000), 9, 1)], 1).await.unwrap();
        let own = read(noted(&[("X-1", "A-1", 1), ("X-2", "A-2", 2)])).await.unwrap();
        assert_eq!((entered(&own), own.by_setting_of), (vec!["A-1".into(), "A-2".into()], vec!["m".into()]));
        let both = || noted(&[("A-1", "A-3", 1), ("B-1", "B-1", 2)]);
        let mixed = read(both()).await.unwrap();
        assert_eq!(mixed.format.map(|format| format.id.as_str()), Some("b2-cloud"));
        assert_eq!((entered(&mixed), mixed.unused_settings_of), (vec!["A-1".into(), "B-1".into()], vec!["m".to_owned()]));
        let named = read(of_mall("m", both())).await.unwrap();
        assert_eq!((entered(&named), named.by_setting_of), (vec!["A-3".into()], vec!["m".into()]));
        let unset = read(of_mall("n", both())).await.unwrap();
        assert_eq!((entered(&unset), unset.by_setting_of), (vec!["B-1".into()], Vec::new()));
        // Where all have the same setting, it reads them all.
        let setting = office.test.store.mall("m").await.unwrap().unwrap().tracking_mapping;
        office.set("n", &setting).await;
        let all = read(both()).await.unwrap();
        assert_eq!((entered(&all), all.by_setting_of), (vec!["A-3".into(), "B-1".into()], vec!["m".into(), "n".into()]));
        // A file that the setting does not fit is what its headings say; one that they do not say either is refused.
        let sagawa = || file(format!("お問い合せ送り状No.,お客様管理番号\n{},A-1\n", number(1)).into_bytes());
        let other = read(of_mall("m", sagawa())).await.unwrap();
        assert_eq!((other.format.map(|format| format.id.as_str()), entered(&other)), (Some("e-hiden-3"), vec!["A-1".into()]));
        let unknown = || file(b"a,b\n1,2\n".to_vec());
        assert!(matches!(read(unknown()).await, Err(TrackingImportError::File(TrackingFileError::Mapping(_)))));
        // Without headings every file fits, so one with the headings of a format is not read that way.
        office.set("n", "preset = \"b2-cloud-no-headings\"").await;
        assert_eq!(read(of_mall("n", sagawa())).await.unwrap().by_setting_of, Vec::<String>::new());
        let bare = || file(format!("A-1,0,0,{},\nB-1,0,0,{},\n", number(1), number(2)).into_bytes());
        let own = read(of_mall("n", bare())).await.unwrap();
        assert_eq!((entered(&own), own.by_setting_of), (vec!["B-1".into()], vec!["n".into()]));
        let whose = read(bare()).await;
        let expected = TrackingFileError::WhichMall(vec!["n".into()]);
        assert!(matches!(&whose, Err(TrackingImportError::File(error)) if *error == expected), "{whose:?}");
        assert!(expected.localized(Lang::En).is_ascii() && expected.localized(Lang::Ja).contains("モールを選んで"));
    }

    async fn numbers_that_are_typed_in_a_table_are_judged_like_those_of_a_file(db) {
        let office = Office::new(db, "fake").await;
        let orders = office.approved(4, 1).await;
        let typed = |order: &Order, tracking: &str, carrier: &str| TypedRow {
            order: order.clone(),
            tracking: tracking.into(),
            carrier: carrier.into(),
            shipped_on: String::new(),
        };
        let rows = [
            typed(&orders[0], "４０００-０００００００", "yamato"),
            typed(&orders[1], "", "yamato"),
            typed(&orders[2], "3.0E+11", "yamato"),
            typed(&orders[3], &number(3), ""),
        ];
        let report = enter_typed(&office.service, rows.to_vec()).await.unwrap();
        let counts = report.counts();
        assert_eq!((counts.taken.rows, counts.refused.rows, counts.passed_over().rows), (1, 2, 1));
        assert_eq!(office.numbers().await, [Some("40000000000".into()), None, None, None]);
        // Somebody was faster: the table showed an older version of the order.
        let late = [typed(&orders[0], &number(8), "sagawa")];
        let late = enter_typed(&office.service, late.to_vec()).await.unwrap();
        assert_eq!(late.bad().next().unwrap().errors, [RowError::Tracking(None, TrackingProblem::Changed)]);
    }

    async fn a_thousand_numbers_are_entered_at_once(db) {
        let office = Office::new(db, "fake").await;
        office.approved(1_000, 1).await;
        let rows: Vec<(String, String)> = (1..=1_000).map(|at| (format!("A-{at}"), number(at))).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|(order, number)| (order.as_str(), number.as_str())).collect();
        let report = office.take(file(b2(&rows))).await;
        assert_eq!((report.report.counts().taken.rows, report.syncable().len()), (1_000, 1_000));
        assert!(office.numbers().await.iter().zip(1..).all(|(has, at)| has.as_ref() == Some(&number(at))));
    }
}

#[test]
fn every_format_is_read_and_recognised_by_the_file_that_its_program_writes() {
    assert_eq!(tracking_format::unreadable(), []);
    assert!(tracking_format::all().len() >= 5);
    let files = [
        ("b2-cloud", "お客様管理番号,送り状種類,クール区分,伝票番号,出荷予定日\nA-1,0,0,400000000011,2026/11/26\n"),
        ("e-hiden-3", "お問い合せ送り状No.,出荷日,お客様管理番号,お届け先名称１\n400000000011,20261126,A-1,見本\n"),
        ("e-hiden-3", "お問合せ送り状No,出荷日時,お客様管理ナンバー\n400000000011,2026/11/26 10:00,A-1\n"),
        ("yu-pri-r", "お客様側管理番号,お問い合わせ番号,発送予定日\nA-1,400000000011,20261126\n"),
        ("own", "注文番号,伝票番号,配送業者,出荷日\nA-1,400000000011,ヤマト,2026-11-26\n"),
    ];
    for (id, text) in files {
        for (bytes, name) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            (format!("\u{feff}{text}").into_bytes(), "UTF-8"),
            (encoding_rs::SHIFT_JIS.encode(text).0.into_owned(), "Shift_JIS"),
            (text.replace(',', "\t").into_bytes(), "UTF-8"),
            (format!("出荷一覧\n{text}").into_bytes(), "UTF-8"),
            (utf16(&text.replace(',', "\t")), "UTF-16LE"),
        ] {
            let read = tracking_file::parse(&bytes, None, &FormatChoice::Recognised, false).unwrap();
            assert_eq!((read.format.unwrap().id.as_str(), read.encoding.name()), (id, name), "{text}");
            let [entry] = &read.entries[..] else { panic!("{id}: {:?}", read.entries) };
            let RowResult::Taken(row) = &entry.result else { panic!("{id}: {entry:?}") };
            assert_eq!((row.number.as_str(), row.tracking.as_str()), ("A-1", "400000000011"), "{id}");
            assert!(!row.shipped_on.is_empty(), "{id}");
        }
    }
}

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

#[test]
fn other_files_are_read_by_headings_or_places_and_unknown_ones_are_refused_with_their_headings() {
    let by_place = "[file]\nno-headings = true\n[columns]\n\"注文番号\" = { position = 2 }\n\
                    \"伝票番号\" = { position = 1 }\n\"配送業者\" = { position = 3, words = { \"1\" = \"yamato\" }, otherwise = \"refuse\" }\n";
    let by_place = FormatChoice::Mapping(Box::new(TrackingMapping::parse(by_place).unwrap()));
    let read = tracking_file::parse(b"400000000011,A-1,1\n400000000022,A-2,9\n", None, &by_place, false).unwrap();
    assert!(matches!(&read.entries[0].result, RowResult::Taken(row) if row.carrier == "yamato" && row.number == "A-1"));
    assert_eq!(read.entries[1].result, RowResult::Refused(vec![RowError::NoWord("3".into())]));
    let by_heading =
        "[columns]\n\"注文番号\" = \"管理番号\"\n\"伝票番号\" = \"問番\"\n[[skip]]\nfrom = \"状態\"\nis = [\"取消\"]\n";
    let by_heading = FormatChoice::Mapping(Box::new(TrackingMapping::parse(by_heading).unwrap()));
    let text = "管理番号;x,問番,状態\n".replace(";x", "");
    let text = format!("{text}A-1,400000000011,済\nA-2,400000000022,取消\n管理番号,問番,状態\n,,\n");
    let read = tracking_file::parse(text.as_bytes(), Some(Charset::Utf8), &by_heading, false).unwrap();
    let passed: Vec<_> = read.entries[1..].iter().map(|entry| entry.result.clone()).collect();
    let not_taken = SkipReason::NotTaken { column: "状態".into(), value: "取消".into() };
    assert_eq!(passed, [not_taken, SkipReason::Headings, SkipReason::Blank].map(RowResult::Skipped));
    let unknown = tracking_file::parse(b"a,b\n1,2\n", None, &FormatChoice::Recognised, false);
    assert_eq!(unknown, Err(TrackingFileError::NotRecognised(vec!["a".into(), "b".into()])));
    for lang in [Lang::Ja, Lang::En] {
        let words = unknown.clone().unwrap_err().localized(lang);
        assert!(words.contains('a') && words.contains('b'), "{words}");
    }
    for wrong in
        ["", "[columns]\n\"伝票番号\" = \"x\"\n", "[columns]\n\"注文番号\" = \"x\"\n", "[columns]\n\"品名\" = \"x\"\n"]
    {
        assert!(TrackingMapping::parse(wrong).is_err(), "{wrong:?}");
    }
}

proptest! {
    /// Whatever stands in a file: every line below the headings is in exactly one entry.
    #[test]
    fn every_row_of_a_random_file_is_accounted_for(
        cells in proptest::collection::vec(proptest::sample::select(
            vec!["A-1", "400000000011", "\"", ",", "\n", "\r\n", "\"a,b\"", "\"a\nb\"", "\t", "見本", "3.0E+11", ""]), 0..60),
    ) {
        let body: String = cells.concat();
        let text = format!("注文番号,伝票番号,配送業者\n{body}");
        if let Ok(read) = tracking_file::parse(text.as_bytes(), None, &FormatChoice::Recognised, false) {
            let ends = body.replace("\r\n", "\n");
            let lines = ends.split('\n').count() - usize::from(ends.is_empty() || ends.ends_with('\n'));
            let spans: Vec<_> = read.entries.iter().map(|entry| entry.line).collect();
            prop_assert!(spans.windows(2).all(|pair| pair[0] < pair[1]));
            let rows: usize = read.entries.iter().map(|entry| entry.rows).sum();
            prop_assert!(rows <= lines);
            // Only a quoted cell of several lines makes one row of them.
            if !body.contains('"') {
                prop_assert_eq!(rows, lines);
            }
        }
    }
}
