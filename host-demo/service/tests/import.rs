//! Orders from CSV: encodings, shapes, and everything that can be wrong with a line.

mod common;

use common::fake::Fake;
use common::{TestStore, golden, on_both};
use domain::columns::Takes;
use domain::credit_state::{Event, State};
use domain::invoice::Invoice;
use domain::issue::Issue;
use domain::lang::Lang;
use domain::mall::{Band, Fees, Mall, Mode};
use domain::order::Order;
use encoding_rs::{Encoding, SHIFT_JIS};
use service::csv::error::{FileError, InvalidOrder, RowError};
use service::csv::limits::MAX_CELL;
use service::csv::mapping::column::Column;
use service::csv::mapping::definition::Mapping;
use service::csv::mapping::error::MappingError;
use service::csv::mapping::setting;
use service::csv::mapping::value::Value;
use service::csv::order_file::{self, FileOrder, OrderFileError, Parsed, Reading};
use service::csv::row_result::{RowCount, SkipReason};
use service::csv::selection::Choice;
use service::import::ImportStep::{self, Checking, Writing};
use service::import::{self, ImportError, ImportProgress, Imported, Incoming, Known, OrderImport};
use service::messages::localize::Localize;
use std::sync::Mutex;
use store::{Change, MallUpdate};

const HEADINGS: &str = "注文番号,注文日時,注文者氏名,注文者氏名カナ,注文者郵便番号,注文者都道府県,注文者市区町村,\
注文者住所,注文者電話番号,送付先氏名,送付先郵便番号,送付先都道府県,送付先市区町村,送付先住所,送付先電話番号,\
商品名,単価,数量,税率,送料,決済手数料,合計金額,請求書,備考,店舗メモ";

/// A line with the usual buyer. The last column is one that nobody reads.
fn line(number: &str, item: &str, price: &str, quantity: &str, total: &str) -> String {
    let buyer = "2026/07/01 10:23:45,髙橋 花子,タカハシ ハナコ,〒100-0001,東京都,千代田区,千代田1-1,03-1234-5678";
    format!("{number},{buyer},,,,,,,{item},{price},{quantity},10,500,0,{total},,,x")
}

fn file(lines: &[String]) -> String {
    format!("{HEADINGS}\r\n{}\r\n", lines.join("\r\n"))
}

fn read(bytes: &[u8], encoding: Option<&'static Encoding>, mapping: &Mapping) -> Result<Parsed, FileError> {
    let take = Choice { told: &[], setting: &Takes::new() };
    order_file::parse(bytes, Reading { encoding, mapping, take }).map_err(|unread| match unread {
        OrderFileError::File(problem) => problem,
        OrderFileError::ChoiceNeeded(question) => panic!("{question:?}"),
    })
}

/// The mapping of our own headings.
fn own() -> Mapping {
    Mapping::renamed([])
}

fn parse(text: &str) -> Parsed {
    read(text.as_bytes(), None, &own()).unwrap()
}

fn orders(parsed: &Parsed) -> Vec<&FileOrder> {
    parsed.intake.taken().map(|(.., order)| order).collect()
}

fn bad(parsed: &Parsed) -> Vec<InvalidOrder> {
    parsed.intake.bad().collect()
}

fn incoming(text: &str) -> Incoming<'_> {
    Incoming { bytes: text.as_bytes(), encoding: None, take: &[], preset: None, known: Known::Kept, dry_run: false }
}

async fn run(test: &TestStore, mall: &Mall, file: Incoming<'_>) -> OrderImport {
    import::run(&test.store, mall, &Fake::new(&[]), file, &|_| {}).await.unwrap()
}

async fn take_in(test: &TestStore, mall: &Mall, file: Incoming<'_>) -> Imported {
    run(test, mall, file).await.imported
}

fn good() -> Vec<String> {
    vec![line("A-1", "茶碗", "\"1,000\"", "2", "2500円"), line("A-2", "\"皿, 大\"", "732", "1", "\"¥1,232\"")]
}

#[test]
fn both_encodings_with_and_without_bom() {
    let text = file(&good());
    let utf8 = parse(&text);
    assert_eq!((orders(&utf8).len(), bad(&utf8)), (2, vec![]));
    let (sjis, _, lossy) = SHIFT_JIS.encode(&text);
    assert!(!lossy, "髙 is of the Windows kind of Shift_JIS");
    let sjis = read(&sjis, None, &own()).unwrap();
    assert_eq!(sjis.encoding.name(), "Shift_JIS");
    assert_eq!(sjis.intake, utf8.intake);
    assert_eq!(parse(&format!("\u{feff}{text}")), utf8);
    let (line, number, order) = utf8.intake.taken().nth(1).unwrap();
    assert_eq!((line, number, order.number.as_str()), (3, "A-2", "A-2"));
    assert_eq!(order.data.items[0].name, "皿, 大");
    assert_eq!(order.data.buyer.postal_code, "1000001");
    assert_eq!(order.data.buyer.phone, "03-1234-5678");
}

#[test]
fn neighbouring_lines_are_one_order_and_a_discount_is_a_line() {
    let text = file(&[
        line("A-1", "茶碗", "1000", "2", "2300"),
        line("A-1", "値引き", "-200", "1", "2300"),
        line("A-2", "皿", "732", "1", "1232"),
    ]);
    let parsed = parse(&text);
    assert_eq!(bad(&parsed), []);
    let orders = orders(&parsed);
    assert_eq!(orders.iter().map(|order| order.data.items.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(orders[0].data.goods(), 1800);
    assert_eq!(orders[0].data.recipient, None);
    assert_eq!(parsed.intake.counts().taken, RowCount { orders: 2, rows: 3 });
}

#[test]
fn a_recipient_and_the_orders_own_choices() {
    let text = file(&[line("A-1", "皿", "732", "1", "1232")
        .replace(",,,,,,,皿", ",見本 太郎,5300001,大阪府,大阪市北区,梅田1-1,0612345678,皿")
        .replace("1232,,,x", "1232,同梱,のし,x")]);
    let parsed = parse(&text);
    assert_eq!(bad(&parsed), []);
    let data = &orders(&parsed)[0].data;
    assert_eq!(data.recipient.as_ref().unwrap().city, "大阪市北区");
    assert_eq!((data.invoice, data.note.as_deref()), (Some(Invoice::Enclosed), Some("のし")));
}

/// One line, or pair of lines, for everything that can be wrong; a good one between, which is taken.
fn bad_lines() -> Vec<String> {
    let good = |number: &str| line(number, "皿", "732", "1", "1232");
    vec![
        good("A-1").replace("100-0001", "10-0001"),
        good("A-2").replace("1232", "1233"),
        good("A-3").replace("03-1234-5678", "1234"),
        good("A-4").replace("2026/07/01 10:23:45", "きのう"),
        good("A-5").replace("髙橋 花子", ""),
        good("A-6").replace("732,1,10", "七百,三,9"),
        good("A-7").replace(",10,500,", ",10,-500,"),
        good("A-8").replace("1232,,", "1232,封筒,"),
        good("A-9") + ",余分",
        good("A-10").replace("皿", &"皿".repeat(MAX_CELL + 1)),
        good("A-11"),
        good("A-12"),
        good("A-12").replace("千代田1-1", "千代田2-2"),
        good("A-14"),
        good(""),
        good("A-13").replace(",,,,,,,皿", ",見本 太郎,,,,,,皿"),
        good("A-14"),
    ]
}

on_both! {
    async fn what_a_mall_called_its_columns_before_there_were_mappings_is_its_mapping(db) {
        let test = TestStore::new(db).await;
        test.execute("ALTER TABLE malls DROP COLUMN mapping").await;
        test.execute("ALTER TABLE malls ADD COLUMN headings TEXT NOT NULL DEFAULT '{}'").await;
        test.execute("DELETE FROM _sqlx_migrations WHERE version = 7").await;
        test.again().await;
        assert_eq!(test.mall().await.mapping, "");
        test.execute("ALTER TABLE malls DROP COLUMN mapping").await;
        let headings = r#"{"備考":"メモ \"店舗\" C:\\","注文番号":"受注番号"}"#;
        test.execute(&format!("ALTER TABLE malls ADD COLUMN headings TEXT NOT NULL DEFAULT '{headings}'")).await;
        test.execute("DELETE FROM _sqlx_migrations WHERE version = 7").await;
        test.again().await;
        let names = [(Column::Note, r#"メモ "店舗" C:\"#), (Column::Number, "受注番号")];
        let columns = names.map(|(ours, theirs)| (ours, Value::column(theirs)));
        let expected = Mapping { columns: columns.into(), same_names: true, ..Mapping::default() };
        assert_eq!(setting::mapping(&test.mall().await.mapping), Ok(expected));
    }

    async fn every_bad_order_gets_one_message_and_the_rest_is_taken(db) {
        let test = TestStore::new(db).await;
        let text = file(&bad_lines());
        let imported = take_in(&test, &test.mall().await, incoming(&text)).await;
        let counts = imported.counts();
        assert_eq!((counts.taken.rows, counts.refused.rows, counts.read()), (1, 16, 17));
        assert_eq!(test.all().await.iter().map(|order| order.number.as_str()).collect::<Vec<_>>(), ["A-11"]);
        let words = |lang| imported.bad().map(|bad| bad.localized_in("orders.csv", lang) + "\n").collect::<String>();
        golden("import-ja.txt", &words(Lang::Ja));
        golden("import-en.txt", &words(Lang::En));
    }

    async fn the_same_file_twice_takes_every_order_once(db) {
        let test = TestStore::new(db).await;
        let text = file(&[line("A-1", "皿", "732", "1", "1232"), line("A-2", "皿", "732", "1", "1232")]);
        for (taken, unchanged) in [(2, 0), (0, 2)] {
            let counts = take_in(&test, &test.mall().await, incoming(&text)).await.counts();
            let passed = counts.passed.get(&SkipReason::Unchanged).map_or(0, |tally| tally.orders);
            assert_eq!((counts.taken.orders, counts.refused.orders, passed), (taken, 0, unchanged));
        }
        assert_eq!(test.all().await.len(), 2);
    }

    async fn what_seems_to_be_an_order_that_is_there_says_so(db) {
        let test = TestStore::new(db).await;
        let mall = test.mall().await;
        let other = Mall { id: "n".into(), name: "支店".into(), ..mall.clone() };
        test.store.put_mall(&other, MallUpdate::default()).await.unwrap();
        let other = test.store.mall("n").await.unwrap().unwrap();
        let text = file(&[line("000123", "茶碗", "1000", "2", "2500"), line("A-2", "皿", "732", "1", "1232")]);
        assert_eq!(run(&test, &mall, incoming(&text)).await.similar, 0);
        // A spreadsheet, another program, another day, another price; and an order that stands twice in one file.
        let text = file(&[
            line("123", "茶碗", "1000", "2", "2500"),
            line("A\u{2010}2", "皿", "732", "1", "1232"),
            line("A-2-1", "皿", "732", "1", "1232"),
            line("A2", "皿", "732", "2", "1964"),
            line("B-7", "鉢", "100", "1", "600"),
            line("B 7", "鉢", "100", "1", "600"),
        ]);
        let tried = run(&test, &mall, Incoming { dry_run: true, ..incoming(&text) }).await;
        let done = run(&test, &mall, incoming(&text)).await;
        assert_eq!((tried.similar, done.similar), (3, 3));
        let told = |orders: Vec<Order>| -> Vec<_> {
            let another = |order: &Order| match &order.problem {
                Some(Issue::PossibleDuplicate { mall, number }) => format!("{mall} {number}"),
                none => format!("{none:?}"),
            };
            orders.iter().map(|order| (order.number.clone(), another(order))).collect()
        };
        let expected = [
            ("000123", "None"), ("A-2", "None"), ("123", "本店 000123"), ("A\u{2010}2", "本店 A-2"), ("A-2-1", "None"),
            ("A2", "None"), ("B-7", "None"), ("B 7", "本店 B-7"),
        ];
        assert_eq!(told(test.all().await), expected.map(|(number, told)| (number.to_owned(), told.to_owned())));
        // The whole file of one mall in another one, but for an order that came to its end there.
        test.execute("UPDATE orders SET state = 'cancelled' WHERE number = 'A-2'").await;
        let text = file(&[line("000123", "茶碗", "1000", "2", "2500"), line("A-2", "皿", "732", "1", "1232")]);
        assert_eq!(run(&test, &other, incoming(&text)).await.similar, 2);
        let there = test.all().await.into_iter().filter(|order| order.mall == "n").collect();
        assert!(told(there).iter().zip(["本店 000123", "本店 A\u{2010}2"]).all(|((_, told), expected)| told == expected));
        // It is the same once more: nothing new.
        assert_eq!(run(&test, &other, incoming(&text)).await.similar, 0);
    }

    async fn progress_only_grows_and_ends_with_the_last_row(db) {
        let test = TestStore::new(db).await;
        let mut rows: Vec<String> = (0..1_200).map(|at| line(&format!("A-{at}"), "皿", "732", "1", "1232")).collect();
        // Blank rows, refused ones and second rows of orders count as well.
        rows.insert(7, String::new());
        rows.push(line("B-1", "皿", "732", "1", "1"));
        rows.push(line("A-3", "椀", "1000", "1", "1232"));
        let text = file(&rows);
        for (dry_run, steps) in [(true, vec![ImportStep::Reading, Checking]), (false, vec![ImportStep::Reading, Checking, Writing])] {
            let told = Mutex::new(Vec::new());
            let follow = |now| told.lock().unwrap().push(now);
            let incoming = Incoming { dry_run, ..incoming(&text) };
            import::run(&test.store, &test.mall().await, &Fake::new(&[]), incoming, &follow).await.unwrap();
            let told = told.into_inner().unwrap();
            assert!(told.is_sorted() && told.iter().all(|now| now.done <= now.total), "{told:?}");
            assert!(told.len() > 2 * steps.len(), "a long file is told of more than once in a step: {told:?}");
            let last = ImportProgress { step: steps[steps.len() - 1], done: rows.len(), total: rows.len() };
            assert_eq!(told.last(), Some(&last));
            let mut seen: Vec<_> = told.iter().map(|now| now.step).collect();
            seen.dedup();
            assert_eq!(seen, steps);
        }
    }

    async fn pieces_of_a_long_file_are_one_import(db) {
        let test = TestStore::new(db).await;
        // The second rows stand behind all first ones, each beyond the piece of its order.
        let first = (0..700).map(|at| line(&format!("A-{at}"), "皿", "732", "1", "2232"));
        let second = (0..700).rev().map(|at| line(&format!("A-{at}"), "椀", "1000", "1", "2232"));
        let text = file(&first.chain(second).collect::<Vec<_>>());
        let done = run(&test, &test.mall().await, incoming(&text)).await;
        let counts = done.imported.counts();
        assert_eq!((counts.taken.orders, counts.taken.rows, done.gathered), (700, 1_400, 699));
        let orders = test.all().await;
        assert_eq!(orders.len(), 700);
        assert!(orders.iter().all(|order| order.data.items.len() == 2 && order.amounts.billed == 2_232));
    }

    async fn nothing_is_written_where_the_fee_of_one_order_cannot_be_worked_out(db) {
        let test = TestStore::new(db).await;
        let mut rows: Vec<String> = (0..1_100).map(|at| line(&format!("A-{at}"), "皿", "732", "1", "1232")).collect();
        rows[1_050] = line("A-1050", "皿", "1", "1", "501");
        let text = file(&rows);
        let provider = Fake { breaks_off_at: Some(501), ..Fake::new(&[]) };
        let failed = import::run(&test.store, &test.mall().await, &provider, incoming(&text), &|_| {}).await;
        let Err(ImportError::Fee { number, .. }) = failed else { panic!("{failed:?}") };
        assert_eq!((number.as_str(), test.all().await.len()), ("A-1050", 0));
    }

    async fn the_malls_fee_is_applied_once_and_kept_with_its_band(db) {
        let test = TestStore::new(db).await;
        let bands = vec![Band { lower: 0, upper: Some(1_999), fee: 110 }, Band { lower: 2_000, upper: None, fee: 330 }];
        let mall = Mall { fees: Fees { mode: Mode::Add, bands }, ..test.mall().await };
        let text = file(&[line("A-1", "皿", "732", "1", "1232"), line("A-2", "皿", "2000", "1", "2500")]);
        let done = run(&test, &mall, incoming(&text)).await;
        assert_eq!((done.imported.counts().taken.orders, done.banded), (2, 2));
        let amounts: Vec<_> = test.all().await.into_iter().map(|order| order.amounts).collect();
        assert_eq!([amounts[0].imported_fee, amounts[0].payment_fee, amounts[0].billed], [0, 110, 1_342]);
        assert_eq!([amounts[1].imported_fee, amounts[1].payment_fee, amounts[1].billed], [0, 330, 2_830]);
        assert_eq!([amounts[0].fee_band, amounts[1].fee_band], [Some(0), Some(1)]);
    }

    async fn an_order_whose_fee_is_refused_is_named(db) {
        let test = TestStore::new(db).await;
        let text = file(&[line("A-1", "皿", "13", "1", "13").replace(",10,500,0,", ",10,0,0,")]);
        let imported = take_in(&test, &test.mall().await, incoming(&text)).await;
        assert_eq!(imported.taken().count(), 0);
        assert!(imported.bad().next().unwrap().localized_in("f.csv", Lang::Ja).starts_with("f.csv 2行目 注文番号 A-1: 手数料を計算できません"));
    }
}

#[test]
fn an_order_of_too_many_lines_or_with_unseen_characters_is_named() {
    let many = vec![line("A-1", "皿", "1", "1", "700"); 201];
    let odd = line("A-\u{1b}2", "皿", "732", "1", "1232");
    let parsed = parse(&file(&[many, vec![odd, line("A-3", "皿", "732", "1", "1232")]].concat()));
    assert_eq!(orders(&parsed).iter().map(|order| order.number.as_str()).collect::<Vec<_>>(), ["A-3"]);
    let bad = bad(&parsed);
    assert_eq!(bad[0].errors, [RowError::TooManyItems]);
    assert_eq!(bad[1].errors, [RowError::Unseen("注文番号".into())]);
    assert_eq!(parsed.intake.counts().refused, RowCount { orders: 2, rows: 202 });
}

#[test]
fn a_row_that_is_no_text_is_named_and_the_rest_is_read() {
    let text = file(&[line("A-1", "皿", "732", "1", "1232"), line("A-2", "XX", "732", "1", "1232")]);
    let (sjis, ..) = SHIFT_JIS.encode(&text);
    let mut bytes = sjis.into_owned();
    let at = bytes.windows(2).position(|pair| pair == b"XX").unwrap();
    bytes[at] = 0x81;
    bytes[at + 1] = 0xff;
    let parsed = read(&bytes, None, &own()).unwrap();
    assert_eq!(orders(&parsed).len(), 1);
    assert!(
        bad(&parsed)[0]
            .localized_in("f.csv", Lang::Ja)
            .starts_with("f.csv 3行目 注文番号 A-2: 「商品名」に読めない文字")
    );
}

#[test]
fn line_numbers_are_those_of_an_editor() {
    let wrong = || line("A-2", "\"皿\n大\"", "1", "1", "9");
    let with_blank = file(&[line("A-1", "\"皿\n小\"", "732", "1", "1232"), String::new(), wrong()]);
    for text in [with_blank.clone(), with_blank.replace("\r\n", "\n"), with_blank.replace("\r\n", "\r")] {
        assert_eq!(bad(&parse(&text))[0].line, 5, "{text}");
    }
}

#[test]
fn files_that_cannot_be_read_at_all() {
    assert_eq!(read(b"", None, &own()), Err(FileError::Empty));
    let missing = read("注文番号,商品名\nA-1,皿\n".as_bytes(), None, &own()).unwrap_err();
    let FileError::MissingHeadings(names) = &missing else { panic!("{missing:?}") };
    assert!(
        ["単価", "合計金額"].iter().all(|name| names.contains(&name.to_string())) && !names.contains(&"商品名".into()),
        "{names:?}"
    );
    let twice = file(&good()).replacen("店舗メモ", "備考", 1);
    assert_eq!(
        read(twice.as_bytes(), None, &own()),
        Err(FileError::Columns(vec![MappingError::Several { heading: "備考".into(), count: 2 }]))
    );
    let utf16: Vec<u8> = file(&good()).encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(&utf16[..utf16.len() - 1], None, &own()), Err(FileError::Utf16), "half a character at the end");
}

#[test]
fn the_operators_word_on_the_encoding_holds() {
    let text = file(&[line("A-1", "皿", "732", "1", "1232")]);
    assert!(matches!(read(text.as_bytes(), Some(SHIFT_JIS), &own()), Err(FileError::MissingHeadings(_))));
}

on_both! {
    async fn a_mall_calls_its_columns_by_its_own_names(db) {
        let test = TestStore::new(db).await;
        let renamed = Mapping::renamed([(Column::Number, "受注No"), (Column::BuyerName, "お名前")]);
        let text = file(&good()).replace("注文番号", "受注No").replace("注文者氏名,", "お名前,");
        let parsed = read(text.as_bytes(), None, &renamed).unwrap();
        assert_eq!((orders(&parsed).len(), bad(&parsed)), (2, vec![]));
        let nameless = read(text.replace("髙橋 花子", "").as_bytes(), None, &renamed).unwrap();
        assert!(bad(&nameless)[0].localized_in("f.csv", Lang::Ja).contains("「お名前」: 入力してください"));
        let missing = |heading: &str, column: Column| MappingError::Missing { heading: heading.into(), column: column.name().into() };
        let expected = vec![missing("受注No", Column::Number), missing("お名前", Column::BuyerName)];
        assert_eq!(read(file(&good()).as_bytes(), None, &renamed), Err(FileError::Columns(expected)));

        let text = file(&good()).replace("店舗メモ", "受注ステータス");
        take_in(&test, &test.mall().await, incoming(&text)).await;
        assert_eq!(test.all().await[0].order_status.as_deref(), Some("x"));
    }

    async fn an_order_is_corrected_by_its_file_as_long_as_it_may_be_credited(db) {
        let test = TestStore::new(db).await;
        let mapping = r#"same-names = true
columns = { "受注ステータス" = "店舗メモ" }"#
            .to_owned();
        let mall = Mall { mapping, ..test.mall().await };
        let lines = |street: &str, status: &str| {
            let of = |number: &str| line(number, "皿", "732", "1", "1232").replace("千代田1-1", street).replace(",,,x", &format!(",,,{status}"));
            file(&[of("A-1"), of("A-2")])
        };
        let known = Known::Corrected { who: "担当" };
        let corrected = async |text: String, dry_run| take_in(&test, &mall, Incoming { known, dry_run, ..incoming(&text) }).await;
        assert_eq!(corrected(lines("千代田1-1", "新規"), false).await.counts().taken.orders, 2);
        // Without the wish to correct it, what differs is named with the way to do it, and what does not is no fault.
        let kept = take_in(&test, &mall, incoming(&lines("千代田9-9", "新規"))).await;
        let words: Vec<_> = kept.bad().map(|bad| bad.localized_in("f.csv", Lang::Ja)).collect();
        assert!(words.len() == 2 && words.iter().all(|words| words.contains("--correct")), "{words:?}");
        let same = take_in(&test, &mall, incoming(&lines("千代田1-1", "受付済"))).await.counts();
        assert_eq!((same.refused.orders, same.passed[&SkipReason::Unchanged].orders), (0, 2), "the shop's own word moves on");
        let orders = test.all().await;
        test.claim(&orders[1..], "w").await;

        let tried = corrected(lines("千代田9-9", "新規"), true).await;
        let done = corrected(lines("千代田9-9", "新規"), false).await;
        assert_eq!(done, tried);
        assert_eq!(done.taken().map(|(_, number, taken)| (number, taken.corrected)).collect::<Vec<_>>(), [("A-1", true)]);
        assert_eq!(done.bad().next().unwrap().errors, [RowError::Registered(State::Sending)]);
        let corrected_order = test.order(orders[0].id).await;
        assert_eq!((corrected_order.data.buyer.street.as_str(), corrected_order.version), ("千代田9-9", 1));
        assert_eq!(test.order(orders[1].id).await.data.buyer.street, "千代田1-1");
        let history = test.store.history(orders[0].id).await.unwrap();
        assert_eq!((history[0].event.as_str(), history[0].who.as_str()), ("corrected", "担当"));

        // The shop's own word moves in every state in which nothing is under way; nothing else does.
        let claimed = test.order(orders[1].id).await;
        test.store.apply(&[Change::new(&claimed, Event::CreditApproved)], "op", 5).await.unwrap();
        let moved = corrected(lines("千代田1-1", "出荷済"), false).await;
        assert_eq!(moved.taken().count(), 2);
        let second = test.order(orders[1].id).await;
        assert_eq!((second.order_status.as_deref(), second.state), (Some("出荷済"), State::Approved));
        let again = corrected(lines("千代田1-1", "出荷済"), false).await.counts();
        assert_eq!((again.refused.orders, again.passed[&SkipReason::Unchanged].orders), (0, 2), "nothing differs");
    }

    async fn an_order_that_is_registered_is_unchanged_whatever_the_fee_rule_has_become(db) {
        let test = TestStore::new(db).await;
        let text = file(&[line("A-1", "皿", "732", "1", "1232")]);
        take_in(&test, &test.mall().await, incoming(&text)).await;
        let claimed = test.claim(&test.all().await, "w").await.remove(0).unwrap();
        test.store.apply(&[Change::new(&claimed, Event::CreditApproved)], "op", 5).await.unwrap();
        let bands = vec![Band { lower: 0, upper: None, fee: 110 }];
        let mall = Mall { fees: Fees { mode: Mode::Add, bands }, ..test.mall().await };
        for known in [Known::Kept, Known::Corrected { who: "op" }] {
            let counts = take_in(&test, &mall, Incoming { known, ..incoming(&text) }).await.counts();
            assert_eq!((counts.taken.orders, counts.refused.orders, counts.passed_over().orders), (0, 0, 1), "{known:?}");
        }
        assert_eq!(test.all().await[0].amounts.billed, 1_232);
    }

    async fn a_preview_says_what_would_happen_and_does_nothing(db) {
        let test = TestStore::new(db).await;
        let bands = vec![Band { lower: 0, upper: None, fee: 110 }];
        let mall = Mall { fees: Fees { mode: Mode::Add, bands }, ..test.mall().await };
        let text = file(&bad_lines());
        let trial = Incoming { dry_run: true, ..incoming(&text) };
        let tried = take_in(&test, &mall, trial).await;
        assert!(test.all().await.is_empty());
        let taken = tried.taken().map(|(line, _, taken)| (line, taken.order.amounts.billed));
        assert_eq!(taken.collect::<Vec<_>>(), [(12, 1_342)]);
        assert_eq!(take_in(&test, &mall, incoming(&text)).await, tried);
        let again = take_in(&test, &mall, trial).await;
        assert_eq!(take_in(&test, &mall, incoming(&text)).await, again);
        assert_eq!((again.taken().count(), again.counts().passed_over().orders), (0, 1), "it is in the store by now");
    }
}

#[test]
fn what_can_be_done_about_an_order_that_cannot_change_is_what_its_state_offers() {
    for (state, step) in [
        (State::Approved, "先に[与信キャンセル]をして"),
        (State::UnderReview, "先に[与信キャンセル]をして"),
        (State::Unknown, "先に[与信結果確認]か[結果を記録]"),
        (State::SyncUnknown, "先に[与信結果確認]か[結果を記録]"),
        (State::Sending, "送信が終わるのを待って"),
        (State::Synced, "後払い会社の管理画面で"),
        (State::CsvApproved, "後払い会社の管理画面で"),
    ] {
        let words = RowError::Registered(state).localized(Lang::Ja);
        assert!(words.contains(step) && words.starts_with(state.localized(Lang::Ja)), "{words}");
    }
}
