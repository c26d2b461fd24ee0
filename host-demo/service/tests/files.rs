//! Files as malls and spreadsheets write them: nothing wrong gets in, and nothing that is in them gets lost.

mod common;

use common::fake::Fake;
use common::{Db, TestStore, on_both};
use domain::credit_state::State;
use domain::lang::Lang;
use domain::mall::Mall;
use encoding_rs::SHIFT_JIS;
use proptest::prelude::*;
use provider_host::contract::{Label, SettingField, SettingKind};
use service::csv::error::{FileError, OtherKind, RowError};
use service::csv::mapping::definition::Mapping;
use service::csv::mapping::error::{Problem, ProblemKind};
use service::csv::mapping::preset;
use service::csv::order_file::OrderFileError;
use service::csv::records::{Fault, QuoteFault};
use service::csv::row_result::{RowResult, SkipReason};
use service::csv::selection::{Answer, Question};
use service::csv::table::{self, Column};
use service::csv::{guard, order_file};
use service::import::{self, ImportError, Imported, Incoming, Known};
use service::malls;
use service::messages::localize::Localize;
use std::collections::BTreeSet;
use std::path::Path;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/csv").join(name)).unwrap()
}

fn incoming(bytes: &[u8]) -> Incoming<'_> {
    Incoming { bytes, encoding: None, take: &[], preset: None, known: Known::Kept, dry_run: false }
}

async fn run(test: &TestStore, file: Incoming<'_>) -> Result<Imported, ImportError> {
    import::run(&test.store, &test.mall().await, &Fake::new(&[]), file, &|_| {}).await.map(|done| done.imported)
}

async fn take_in(test: &TestStore, bytes: &[u8]) -> Imported {
    run(test, incoming(bytes)).await.unwrap()
}

async fn asked(test: &TestStore, file: Incoming<'_>) -> Question {
    match run(test, file).await {
        Err(ImportError::ChoiceNeeded(question)) => question,
        other => panic!("{other:?}"),
    }
}

fn numbers(imported: &Imported) -> Vec<&str> {
    imported.taken().map(|(_, number, _)| number).collect()
}

/// Of each refused entry its line, how many rows it is, and what is wrong with the quotes.
fn faults(imported: &Imported) -> Vec<(u64, usize, Option<Fault>)> {
    let refused = imported.entries.iter().filter_map(|entry| match &entry.result {
        RowResult::Refused(errors) => Some((entry, errors)),
        _ => None,
    });
    let fault = |error: &RowError| match error {
        RowError::Quote { fault, .. } => Some(*fault),
        _ => None,
    };
    refused.map(|(entry, errors)| (entry.line, entry.rows, errors.iter().find_map(fault))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stray_quote_is_named_with_its_line_and_swallows_no_order_in_silence() {
    use QuoteFault::{NotClosed, TextAfter};
    type Case = (&'static str, &'static [&'static str], &'static [(u64, usize, Option<Fault>)], usize);
    let cases: [Case; 5] = [
        ("quote-opened-in-a-name.csv", &["C33-0"], &[(3, 3, Some(Fault { kind: NotClosed, line: 3 }))], 4),
        ("quotes-opened-in-two-remarks.csv", &["M14"], &[(2, 3, Some(Fault { kind: TextAfter, line: 2 }))], 4),
        ("quotes-opened-in-two-items.csv", &["M24"], &[(2, 3, Some(Fault { kind: TextAfter, line: 2 }))], 4),
        ("quote-opened-in-the-last-column.csv", &["Q0", "Q1"], &[(4, 6, Some(Fault { kind: NotClosed, line: 4 }))], 8),
        ("quotes-not-doubled-around-commas.csv", &["M42"], &[(2, 1, Some(Fault { kind: TextAfter, line: 2 }))], 2),
    ];
    for (name, taken, refused, rows) in cases {
        let test = TestStore::new(Db::Sqlite).await;
        let imported = take_in(&test, &file(name)).await;
        assert_eq!((numbers(&imported), faults(&imported)), (taken.to_vec(), refused.to_vec()), "{name}");
        let counts = imported.counts();
        assert_eq!((counts.read(), counts.taken.rows + counts.refused.rows), (rows, rows), "{name}");
        // What no order may have: another buyer in its remark.
        for order in test.all().await {
            assert!(!format!("{:?}", order.data).contains("buyer@example.jp\\n"), "{name}");
            assert!(order.data.note.is_none_or(|note| !note.contains("見本")), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_that_hide_nothing_are_read_as_they_stand() {
    for (name, numbers_of, at, expected) in [
        ("inches.csv", ["C33b-0", "C33b-1", "C33b-2"].as_slice(), 1, "19\"モニター"),
        ("quotes-after-backslashes.csv", &["M51", "M52"], 0, "のしは\\御祝\\\"で\""),
        ("quotes-not-doubled.csv", &["M31", "M32"], 0, "のしは御祝\"で\""),
        ("quoted-word-at-the-start.csv", &["M1", "M2", "M3"], 0, "急ぎでお願いします"),
        ("quoted-after-a-byte-order-mark.csv", &["C34c"], 0, "見本品"),
    ] {
        let test = TestStore::new(Db::Sqlite).await;
        let imported = take_in(&test, &file(name)).await;
        assert_eq!((numbers(&imported), imported.counts().refused.rows), (numbers_of.to_vec(), 0), "{name}");
        let data = test.all().await.remove(at).data;
        let texts = [data.items[0].name.as_str(), data.note.as_deref().unwrap_or_default()];
        assert!(texts.contains(&expected), "{name}: {texts:?}");
    }
}

/// A file of a few columns: number, remark, and the others that an import needs.
const HEADINGS: &str = "注文番号,備考,注文日時,注文者氏名,注文者郵便番号,注文者都道府県,注文者市区町村,注文者住所,注文者電話番号,\
合計金額,商品名,単価,数量";
const REST: &str = "2026/11/24,見本 花子,150-0041,東京都,渋谷区,神南1-2-3,03-0000-1000,1000";

fn row(number: &str, remark: &str, item: &str) -> String {
    format!("{number},{remark},{REST},{item},1000,1")
}

fn text(rows: &[String], end: &str) -> String {
    std::iter::once(HEADINGS).chain(rows.iter().map(String::as_str)).map(|row| format!("{row}{end}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn stray_quotes_wherever_they_stand() {
    use QuoteFault::{HoldsRows, NotClosed, TextAfter};
    let plain = |number: &str| row(number, "", "皿");
    let fault = |kind, line| Some(Fault { kind, line });
    // The rows, the numbers that come in, and what is refused.
    type Case = (&'static str, Vec<String>, Vec<&'static str>, Vec<(u64, usize, Option<Fault>)>);
    let cases: Vec<Case> = vec![
        (
            "closed by chance in the same column",
            vec![plain("A"), row("B", "\"急ぎ", "皿"), row("C", "のし\"", "皿"), plain("D")],
            vec!["A", "D"],
            vec![(3, 2, fault(HoldsRows, 3))],
        ),
        (
            "closed by chance, rows between",
            vec![row("A", "\"急ぎ", "皿"), plain("B"), row("C", "のし\"", "皿"), plain("D")],
            vec!["D"],
            vec![(2, 3, fault(HoldsRows, 2))],
        ),
        (
            "closed by chance in another column",
            vec![row("A", "\"急ぎ", "皿"), row("B", "", "皿\""), plain("C")],
            vec!["C"],
            vec![(2, 2, fault(HoldsRows, 2))],
        ),
        (
            "in the first column",
            vec![plain("A"), plain("\"B"), plain("C\""), plain("D")],
            vec!["A", "D"],
            vec![(3, 2, fault(HoldsRows, 3))],
        ),
        (
            "in the last column, closed by chance",
            vec![plain("A").replace(",1000,1", ",1000,\"1"), plain("B").replace(",1000,1", ",1000,1\""), plain("C")],
            vec!["C"],
            vec![(2, 2, fault(HoldsRows, 2))],
        ),
        ("one cell too many", vec![plain("A") + ",", plain("B")], vec!["B"], vec![(2, 1, None)]),
        (
            "opened in the last line",
            vec![plain("A"), row("B", "\"急ぎ", "皿")],
            vec!["A"],
            vec![(3, 1, fault(NotClosed, 3))],
        ),
        ("a whole cell of quotes", vec![row("A", "\"\"\"\"", "皿"), plain("B")], vec!["A", "B"], vec![]),
        ("three quotes", vec![row("A", "\"\"\"", "皿"), plain("B")], vec![], vec![(2, 2, fault(NotClosed, 2))]),
        (
            "a remark of several lines with commas",
            vec![row("A", "\"のし,\n御祝,\n短冊\"", "皿"), plain("B")],
            vec!["A", "B"],
            vec![],
        ),
        (
            "text after a remark of several lines",
            vec![row("A", "\"のし\n御祝\"です", "皿"), plain("B")],
            vec!["B"],
            vec![(2, 2, fault(TextAfter, 2))],
        ),
        ("wide quotes", vec![row("A", "＂急ぎ”「″", "皿"), plain("B")], vec!["A", "B"], vec![]),
        ("a blank before the quote", vec![row("A", " \"急ぎ", "皿"), plain("B")], vec!["A", "B"], vec![]),
        ("a tab before the quote", vec![row("A", "\t\"急ぎ", "皿"), plain("B")], vec!["A", "B"], vec![]),
        (
            "every cell in quotes, one inch sign",
            vec![row("\"A\"", "\"19\"\"", "\"皿\""), row("\"B\"", "\"\"", "\"皿\""), plain("C")],
            vec!["B", "C"],
            vec![(2, 1, fault(TextAfter, 2))],
        ),
    ];
    for (what, rows, taken, refused) in cases {
        for end in ["\n", "\r\n", "\r"] {
            let test = TestStore::new(Db::Sqlite).await;
            let rows: Vec<_> = rows.iter().map(|row| row.replace('\n', end)).collect();
            let imported = take_in(&test, text(&rows, end).as_bytes()).await;
            assert_eq!((numbers(&imported), faults(&imported)), (taken.clone(), refused.clone()), "{what}, {end:?}");
        }
    }
}

/// Several faults at once: what two stray quotes enclose is a row whatever else is wrong with the rows around them.
#[tokio::test(flavor = "multi_thread")]
async fn stray_quotes_in_rows_that_are_broken_otherwise_as_well() {
    let test = TestStore::new(Db::Sqlite).await;
    let plain = |number: &str| row(number, "", "皿");
    let without_comma = |row: String| row.replacen("東京都,", "東京都", 1);
    // The rows, the numbers that come in, and how many lines are refused.
    let cases: Vec<(&str, Vec<String>, Vec<&str>, usize)> = vec![
        (
            "a comma",
            vec![row("A", "\"急ぎ, のし不要", "皿"), plain("B"), row("C", "のし\"", "皿"), plain("D")],
            vec!["D"],
            3,
        ),
        (
            "commas",
            vec![row("A", "\"急ぎ, a, b, c", "皿"), plain("B"), row("C", "のし\"", "皿"), plain("D")],
            vec!["D"],
            3,
        ),
        (
            "a line break",
            vec![row("A", "\"急ぎ\n電話", "皿"), plain("B"), row("C", "のし\"", "皿"), plain("D")],
            vec!["D"],
            4,
        ),
        ("no row between", vec![row("A", "\"急ぎ, a", "皿"), row("B", "のし\"", "皿"), plain("C")], vec!["C"], 2),
        (
            "in names of items",
            vec![row("A", "", "\"特選, 大"), plain("B"), row("C", "", "19\""), plain("D")],
            vec!["D"],
            3,
        ),
        (
            "a comma after the closing one",
            vec![row("A", "\"急ぎ", "皿"), row("B", "の,し\"", "皿"), plain("C")],
            vec!["C"],
            2,
        ),
        (
            "a proper remark that begins with a comma",
            vec![row("A", "\"急ぎ", "皿"), plain("B"), row("C", "\"\",のし\"", "皿")],
            vec![],
            3,
        ),
        (
            "empty lines",
            vec![row("A", "\"急ぎ", "皿"), String::new(), String::new(), row("B", "のし\", ", "皿"), plain("C")],
            vec!["C"],
            4,
        ),
        (
            "a comma is missing",
            vec![without_comma(row("A", "\"急ぎ", "皿")), row("B", "", "皿\""), plain("C")],
            vec!["C"],
            2,
        ),
        (
            "four of them",
            vec![row("A", "\"急ぎ", "皿"), plain("\"B"), row("C", "\"のし\"", "皿"), row("D", "", "皿\""), plain("E")],
            vec!["C", "D", "E"],
            2,
        ),
        (
            "a line break before the quote",
            vec![plain("A").replace("神南", "神\n南").replace(",皿", ",\"皿"), row("B", "\"", "皿")],
            vec![],
            3,
        ),
    ];
    for (what, rows, taken, refused) in cases {
        for end in ["\n", "\r\n", "\r"] {
            let rows: Vec<_> = rows.iter().map(|row| row.replace('\n', end)).collect();
            let imported =
                run(&test, Incoming { dry_run: true, ..incoming(text(&rows, end).as_bytes()) }).await.unwrap();
            let counts = imported.counts();
            let found = (numbers(&imported), counts.refused.rows, counts.read());
            assert_eq!(found, (taken.clone(), refused, taken.len() + refused), "{what}, {end:?}");
        }
    }
    // What is right comes in, beside whatever.
    let remarks = ["\"のし, 御祝\n短冊, 名入れ\"", "\"\"\"急ぎ\"\"\n19\"\", 20\"\"\"", "\"1,234円\n5,678円\""];
    let rows: Vec<_> = remarks.iter().map(|remark| row("A", remark, "皿")).collect();
    for remark in rows {
        let rows = [remark, plain("B")];
        let imported =
            run(&test, Incoming { dry_run: true, ..incoming(text(&rows, "\r\n").as_bytes()) }).await.unwrap();
        assert_eq!(numbers(&imported), ["A", "B"], "{rows:?}");
    }
    // A list with as many commas as a row has cells cannot be told from one, and the message says what to do.
    let list = row("A", "\"皿,赤,2\n椀,黒,1\n箸,朱,5\"", "皿");
    let imported = run(&test, Incoming { dry_run: true, ..incoming(text(&[list], "\n").as_bytes()) }).await.unwrap();
    let words = imported.bad().next().unwrap().localized_in("f.csv", Lang::Ja);
    assert!(words.contains("2行目の引用符") && words.contains("半角カンマを「、」に"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remark_of_several_lines_beside_a_torn_row_waits_until_that_is_mended() {
    let test = TestStore::new(Db::Sqlite).await;
    let remark = || row("B", "\"のし\n御祝\"", "皿");
    let torn = row("A", "急ぎ\n電話", "皿");
    for rows in [[torn.clone(), remark()], [remark(), torn]] {
        let imported = run(&test, Incoming { dry_run: true, ..incoming(text(&rows, "\n").as_bytes()) }).await.unwrap();
        assert_eq!((numbers(&imported).len(), imported.counts().refused.rows), (0, 4));
        let error = imported.bad().find(|bad| bad.number == "B").unwrap().errors.remove(0);
        assert!(matches!(error, RowError::BesideUnread(3 | 4)), "{error:?}");
    }
    // Nothing is torn by an empty line.
    let rows = [row("A", "", "皿"), String::new(), remark(), String::new()];
    let imported = run(&test, Incoming { dry_run: true, ..incoming(text(&rows, "\n").as_bytes()) }).await.unwrap();
    assert_eq!(numbers(&imported), ["A", "B"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_byte_that_is_a_backslash_ends_no_quote() {
    let test = TestStore::new(Db::Sqlite).await;
    let rows = [row("A", "\"表\"", "\"能ソ\""), row("B", "\"予", "皿"), row("C", "", "皿")];
    let text = text(&rows, "\r\n");
    let (bytes, _, lossy) = SHIFT_JIS.encode(&text);
    assert!(!lossy);
    let imported = take_in(&test, &bytes).await;
    assert_eq!(numbers(&imported), ["A"]);
    assert_eq!(faults(&imported), [(3, 2, Some(Fault { kind: QuoteFault::NotClosed, line: 3 }))]);
    assert_eq!(test.all().await[0].data.note.as_deref(), Some("表"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_in_the_headings_that_takes_rows_in_is_an_error_of_the_file() {
    let test = TestStore::new(Db::Sqlite).await;
    let whole = text(&[row("A", "", "皿"), row("B", "", "皿\"")], "\n");
    for (text, expected) in [
        (whole.replacen("備考", "\"備考", 1), QuoteFault::HoldsRows),
        (whole.replacen("備考", "\"備考", 1).replace("皿\"", "皿"), QuoteFault::NotClosed),
        (whole.replacen("数量\n", "数量,\"メモ\n", 1).replace("皿\"", "皿\"x"), QuoteFault::TextAfter),
        (whole.replacen("数量\n", "数量,\"メモ\n", 1), QuoteFault::HoldsRows),
        ("\"\"\"\"\"\n\"\"\n".to_owned(), QuoteFault::NotClosed),
        ("\"".to_owned(), QuoteFault::NotClosed),
    ] {
        match run(&test, incoming(text.as_bytes())).await {
            Err(ImportError::File(FileError::Quote { fault, .. })) => {
                assert_eq!((fault.kind, fault.line), (expected, 1), "{text}")
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_a_part_among_unreadable_rows_does_not_come_in_without_it() {
    let test = TestStore::new(Db::Sqlite).await;
    // Free of charge, so that the total would not tell that they are missing.
    let gift = |remark: &str, item: &str| row("A", remark, item).replace(",1000,1", ",0,1");
    let rows =
        [row("A", "", "皿"), row("B", "\"急ぎ", "皿"), gift("", "おまけ"), row("C", "のし\"", "皿"), gift("", "見本")];
    let imported = take_in(&test, text(&rows, "\n").as_bytes()).await;
    assert_eq!(numbers(&imported), [""; 0]);
    let errors: Vec<_> = imported.bad().map(|bad| (bad.line, bad.errors[0].clone())).collect();
    assert_eq!(errors[0], (2, RowError::PartUnread(3)));
    assert_eq!(errors.len(), 2, "the order and the rows that cannot be read");
    assert_eq!(imported.counts().refused.rows, 5);
}

on_both! {
    async fn an_order_number_that_excel_destroyed_never_becomes_an_order(db) {
        let test = TestStore::new(db).await;
        for (name, rows) in [("exponents-of-two-buyers.csv", 2), ("exponents-of-one-buyer.csv", 2), ("exponents.csv", 2), ("exponent-of-an-order.csv", 1)] {
            let imported = take_in(&test, &file(name)).await;
            let bad: Vec<_> = imported.bad().collect();
            assert_eq!((numbers(&imported).len(), bad.len()), (0, rows), "{name}: each row is named");
            let words: Vec<_> = bad.iter().map(|bad| bad.localized_in(name, Lang::Ja)).collect();
            assert!(words.iter().all(|words| words.contains("「注文番号」: 「") && words.contains("Excelで崩れています")), "{words:?}");
        }
        assert!(test.all().await.is_empty());
        assert_eq!(numbers(&take_in(&test, &file("the-order-itself.csv")).await), ["300001234567"]);
    }
}

on_both! {
    async fn an_order_number_that_is_written_otherwise_is_the_same_order(db) {
        let test = TestStore::new(db).await;
        let whole = String::from_utf8(file("the-order-itself.csv")).unwrap();
        assert_eq!(numbers(&take_in(&test, whole.as_bytes()).await), ["300001234567"]);
        for same in ["'300001234567", "\"=\"\"300001234567\"\"\"", "300001234567\u{200b}", "３００００１２３４５６７", "\u{feff} 300001234567"] {
            let counts = take_in(&test, whole.replacen("300001234567", same, 1).as_bytes()).await.counts();
            assert_eq!(counts.passed[&SkipReason::Unchanged].rows, 1, "{same}");
        }
        for other in ["300001234567.", "\"300,001,234,567\"", "3.0E+11\u{200b}", "3.0 E+11", "3.0×10^11", "\"300001\n234567\""] {
            let imported = take_in(&test, whole.replacen("300001234567", other, 1).as_bytes()).await;
            assert_eq!((numbers(&imported).len(), imported.counts().refused.orders), (0, 1), "{other}");
        }
        for (phone, is_taken) in [("'03-0000-1000", true), ("=\"\"03-0000-1000\"\"", true), ("0300001000.", false)] {
            let text = whole.replacen("300001234567", "P1", 1).replacen("03-0000-1000", &format!("\"{phone}\""), 1);
            let imported = run(&test, Incoming { dry_run: true, ..incoming(text.as_bytes()) }).await.unwrap();
            assert_eq!(numbers(&imported).len(), usize::from(is_taken), "{phone}");
            assert!(imported.taken().all(|(.., taken)| taken.order.data.buyer.phone == "03-0000-1000"));
        }
        assert_eq!(test.all().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_identifier_that_excel_destroyed_is_named_in_its_column() {
    let test = TestStore::new(Db::Sqlite).await;
    let whole = String::from_utf8(file("the-order-itself.csv")).unwrap();
    for (from, to, column) in [
        ("300001234567", "####", "注文番号"),
        ("300001234567", "300001234567.0", "注文番号"),
        ("300001234567", "３．０Ｅ＋１１", "注文番号"),
        ("03-0000-1000", "9.01235E+09", "注文者電話番号"),
        ("150-0041", "1.50E+06", "注文者郵便番号"),
        (
            "buyer@example.jp,,,,,,,,,,",
            "buyer@example.jp,見本 次郎,,,,150-0041,東京都,渋谷区,神南1-2-3,9.01235E+09,",
            "送付先電話番号",
        ),
        (
            "buyer@example.jp,,,,,,,,,,",
            "buyer@example.jp,見本 次郎,,,,########,東京都,渋谷区,神南1-2-3,03-0000-1000,",
            "送付先郵便番号",
        ),
    ] {
        let imported = take_in(&test, whole.replacen(from, to, 1).as_bytes()).await;
        let errors: Vec<_> = imported.bad().flat_map(|bad| bad.errors).collect();
        assert!(
            matches!(&errors[..], [RowError::Value(Problem { heading, kind: ProblemKind::Mangled(_), .. })] if heading == column),
            "{to}: {errors:?}"
        );
    }
}

#[tokio::test]
async fn an_id_at_a_provider_that_excel_destroyed_is_refused() {
    let label = || Label { ja: "端末ID".into(), en: "terminal id".into() };
    let field = |key: &str, kind| SettingField {
        key: key.into(),
        label: label(),
        help: label(),
        kind,
        required: true,
        default: None,
        max_length: None,
    };
    let fields = vec![field("terminal-id", SettingKind::Text), field("password", SettingKind::Secret)];
    let fake = Fake::new(&[]).with_info(|info| info.settings = fields);
    let mall = |id: &str| {
        let settings = [("terminal-id", id), ("password", "1.5E+10")];
        Mall { settings: settings.map(|(key, value)| (key.to_owned(), value.into())).into(), ..common::mall() }
    };
    let problems = async |id: &str| malls::validate(&mall(id), Some(&fake)).await.unwrap().of_provider.unwrap();
    assert_eq!(problems("9000000001").await, []);
    for id in ["9.0E+09", "####"] {
        let problems = problems(id).await;
        assert!(
            problems[0].localized(Lang::Ja).contains("settings.terminal-id: この値はExcelで崩れています"),
            "{problems:?}"
        );
        assert_eq!(problems.len(), 1, "a password may be anything");
    }
}

on_both! {
    async fn orders_that_are_paid_otherwise_or_were_cancelled_are_asked_about_and_passed_over(db) {
        let test = TestStore::new(db).await;
        let bytes = file("paid-by-card-and-cancelled.csv");
        for dry_run in [true, false] {
            let question = asked(&test, Incoming { dry_run, ..incoming(&bytes) }).await;
            let answers: Vec<_> = question.answers().map(|answer| (answer.told(), answer.orders)).collect();
            assert_eq!(answers, [("支払方法=後払い決済".to_owned(), 2), ("支払方法=クレジットカード".to_owned(), 1)]);
        }
        assert!(test.all().await.is_empty());
        for told in ["後払い決済", "支払方法=後払い決済"] {
            let imported = run(&test, Incoming { take: &[told.to_owned()], dry_run: true, ..incoming(&bytes) }).await.unwrap();
            assert_eq!(numbers(&imported), ["PM2"], "{told}");
            let passed = imported.counts().passed;
            let not_taken = |column: &str, value: &str| SkipReason::NotTaken { column: column.into(), value: value.into() };
            assert_eq!(passed[&not_taken("支払方法", "クレジットカード")].orders, 1);
            assert_eq!(passed[&not_taken("ステータス", "キャンセル確定")].orders, 1);
            assert_eq!(imported.counts().read(), 3);
        }
        // The mall's own word, once and for all.
        let take = [("支払方法".to_owned(), vec!["後払い決済".to_owned()])].into();
        let mall = Mall { take, ..test.mall().await };
        test.store.put_mall(&mall, Default::default()).await.unwrap();
        assert_eq!(test.mall().await.take, mall.take);
        assert_eq!(numbers(&take_in(&test, &bytes).await), ["PM2"]);
        assert_eq!(test.all().await.len(), 1);
    }
}

/// A file whose rows have further columns.
fn with_columns(columns: &[&str], rows: &[(&str, &[&str])]) -> String {
    let head = format!("{HEADINGS},{}", columns.join(","));
    let rows = rows.iter().map(|(number, cells)| format!("{},{}", row(number, "", "皿"), cells.join(",")));
    std::iter::once(head).chain(rows).map(|row| row + "\r\n").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn which_orders_are_taken_is_asked_by_whatever_name_the_column_has() {
    let test = TestStore::new(Db::Sqlite).await;
    for column in [
        "支払方法",
        "お支払い方法",
        "お支払方法",
        "決済方法",
        "支払方法名",
        "Payment Method",
        "payment-method",
        "PayMethod",
        "ステータス",
        "注文状況",
        "受注ステータス名",
        "決済ステータス",
        "Financial Status",
        "order-status",
        "決済",
        "支払",
        "お支払い",
        "お支払",
        "支払い",
        "Payment",
        "支払コード",
        "決済コード",
        "お支払い種類",
        "支払い条件",
        "入金方法",
        "ペイメント",
        "状態",
        "進捗",
        "ｽﾃｰﾀｽ",
        "ＰＡＹＭＥＮＴ",
    ] {
        let bytes = with_columns(&[column], &[("A", &["一"]), ("B", &["二"])]);
        let question = asked(&test, incoming(bytes.as_bytes())).await;
        assert_eq!(question.columns.iter().map(|column| column.heading.as_str()).collect::<Vec<_>>(), [column]);
        let told = [format!("{column}=二")];
        let imported = run(&test, Incoming { take: &told, dry_run: true, ..incoming(bytes.as_bytes()) }).await.unwrap();
        assert_eq!(numbers(&imported), ["B"], "{column}");
    }
    // A column in which nothing stands says nothing, and neither does one that is about something else.
    for column in ["支払方法", "ステータス", "キャンセル日時", "支払期限"] {
        let value = if column == "支払期限" { "2026/12/01" } else { "" };
        let bytes = with_columns(&[column], &[("A", &[value])]);
        let imported = run(&test, Incoming { dry_run: true, ..incoming(bytes.as_bytes()) }).await.unwrap();
        assert_eq!(numbers(&imported), ["A"], "{column}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn which_orders_are_taken_is_asked_where_the_values_say_what_the_heading_does_not() {
    let test = TestStore::new(Db::Sqlite).await;
    let asks: [(&str, &[&str]); 9] = [
        ("区分", &["クレジット", "後払い"]),
        ("区分", &["カード", "", "ポイント全額"]),
        ("区分A", &["代金引換", "銀行振込（前払い）", "その他"]),
        ("Gateway", &["PayPay", "Amazon Pay"]),
        ("種類", &["ｺﾝﾋﾞﾆ決済"]),
        ("区分", &["通常", "キャンセル", "予約", "取寄"]),
        ("フラグ", &["", "取消済"]),
        ("Kind", &["Cancelled", "open"]),
        ("区分", &["クレジット", "クレジット", "クレジット"]),
    ];
    for (column, values) in asks {
        let rows: Vec<_> = values.iter().enumerate().map(|(at, value)| (format!("A{at}"), [*value])).collect();
        let rows: Vec<(&str, &[&str])> = rows.iter().map(|(number, cells)| (number.as_str(), &cells[..])).collect();
        let bytes = with_columns(&[column], &rows);
        // All were cancelled: nothing is asked, and nothing taken.
        match run(&test, Incoming { dry_run: true, ..incoming(bytes.as_bytes()) }).await {
            Err(ImportError::ChoiceNeeded(question)) => assert_eq!(question.columns[0].heading, column),
            Ok(imported) => assert!(imported.counts().passed_over().orders > 0, "{column} {values:?}"),
            other => panic!("{column} {values:?}: {other:?}"),
        }
        let told = [format!("{column}={}", values[0])];
        let imported = run(&test, Incoming { take: &told, dry_run: true, ..incoming(bytes.as_bytes()) }).await.unwrap();
        assert_eq!(numbers(&imported).len(), values.iter().filter(|value| **value == values[0]).count(), "{column}");
    }
    // What people write, what is about something else, and what has many values, says nothing.
    let many: Vec<String> = (0..31).map(|at| format!("カード{at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let silent: [(&str, &[&str]); 8] = [
        ("店舗メモ", &["クレジットから変更", "キャンセル"]),
        ("オプション", &["メッセージカードあり", "なし"]),
        ("配送", &["コンビニ受取", "宅配"]),
        ("商品コード", &["カード", "箱"]),
        ("メルマガ", &["有効", "無効"]),
        ("ひとこと欄", &["キャンセルできますか"]),
        ("問い合わせ", &["先日の注文をキャンセルしたいのですが、まだ間に合いますか"]),
        ("区分", &many),
    ];
    for (column, values) in silent {
        let rows: Vec<_> = values.iter().enumerate().map(|(at, value)| (format!("A{at}"), [*value])).collect();
        let rows: Vec<(&str, &[&str])> = rows.iter().map(|(number, cells)| (number.as_str(), &cells[..])).collect();
        let bytes = with_columns(&[column], &rows);
        let imported = run(&test, Incoming { dry_run: true, ..incoming(bytes.as_bytes()) }).await.unwrap();
        assert_eq!(numbers(&imported).len(), values.len(), "{column}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cancelled_is_never_taken_unasked() {
    let test = TestStore::new(Db::Sqlite).await;
    let values = [
        ("受注ステータス", "新規受付", true),
        ("受注ステータス", "キャンセル", false),
        ("受注ステータス", "取消済", false),
        ("受注ステータス", "キャンセル不可", true),
        ("受注ステータス", "返品処理中", false),
        ("受注ステータス", "Cancelled", false),
        ("キャンセル日時", "2026/11/24", false),
        ("キャンセルフラグ", "1", false),
        ("キャンセルフラグ", "0", true),
        ("キャンセル有無", "キャンセル済", false),
        ("キャンセル区分", "キャンセル", false),
        ("キャンセル料", "550", true),
        ("Cancelled at", "2026-11-24 10:00:00 +0900", false),
        ("Cancelled at", "", true),
        ("Financial Status", "refunded", false),
        // A denial counts right beside the word only, in whatever width it is written.
        ("受注ステータス", "未入金キャンセル", false),
        ("受注ステータス", "未発送キャンセル", false),
        ("受注ステータス", "キャンセル（返品なし）", false),
        ("受注ステータス", "Cancelled (not paid)", false),
        ("受注ステータス", "未キャンセル", true),
        ("受注ステータス", "Not cancelled", true),
        ("受注ステータス", "返品なし", true),
        ("受注ステータス", "ＣＡＮＣＥＬ", false),
        ("受注ステータス", "ｷｬﾝｾﾙ済", false),
        ("受注ステータス", "きゃんせる", false),
        ("受注ステータス", "取下げ", false),
        ("受注ステータス", "取り下げ済み", false),
        ("受注ステータス", "取引中止", false),
        ("受注ステータス", "無効", false),
        ("受注ステータス", "不成立", false),
        ("受注ステータス", "削除済", false),
        // Marks.
        ("キャンセル済", "1", false),
        ("取消", "あり", false),
        ("取消", "なし", true),
        ("返品", "2026/11/24", false),
        ("is_cancelled", "true", false),
        ("is_cancelled", "FALSE", true),
        ("cancelled", "ＹＥＳ", false),
        ("注文キャンセル", "○", false),
        ("注文キャンセル", "０", true),
    ];
    for (column, value, is_taken) in values {
        let bytes = with_columns(&[column], &[("A", &[value])]);
        let imported = run(&test, Incoming { dry_run: true, ..incoming(bytes.as_bytes()) }).await.unwrap();
        let counts = imported.counts();
        assert_eq!(
            (counts.taken.rows, counts.passed_over().rows),
            (usize::from(is_taken), usize::from(!is_taken)),
            "{column} {value}"
        );
        // Every order of the file: but for those that were cancelled.
        let told = ["*".to_owned()];
        let imported = run(&test, Incoming { take: &told, dry_run: true, ..incoming(bytes.as_bytes()) }).await.unwrap();
        assert_eq!(imported.counts().taken.rows, usize::from(is_taken), "{column} {value}, all");
    }
    // What says neither yes nor no is asked about.
    let bytes = with_columns(&["キャンセル区分"], &[("A", &["通常"])]);
    assert_eq!(
        asked(&test, incoming(bytes.as_bytes())).await.answers().collect::<Vec<_>>(),
        [Answer { heading: "キャンセル区分", value: "通常", orders: 1 }]
    );
    // Whatever is in a heading or a value: what is offered is taken.
    let bytes = with_columns(&["支払方法(1=カード)"], &[("A", &["b=後払い"]), ("B", &["1"])]);
    let question = asked(&test, incoming(bytes.as_bytes())).await;
    let told = question.answers().find(|answer| answer.value == "b=後払い").unwrap().told();
    let imported = run(&test, Incoming { take: &[told], dry_run: true, ..incoming(bytes.as_bytes()) }).await.unwrap();
    assert_eq!(numbers(&imported), ["A"]);
    // Unless it is said.
    let bytes = with_columns(&["受注ステータス"], &[("A", &["キャンセル待ち解消"])]);
    let told = ["受注ステータス=キャンセル待ち解消".to_owned()];
    let imported = run(&test, Incoming { take: &told, dry_run: true, ..incoming(bytes.as_bytes()) }).await.unwrap();
    assert_eq!(numbers(&imported), ["A"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_fit_the_file_takes_nothing_else() {
    let test = TestStore::new(Db::Sqlite).await;
    let bytes = with_columns(&["支払方法", "ステータス"], &[("A", &["カード", "済"]), ("B", &["後払い", "済"])]);
    let told = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    // The status is still open.
    let question = asked(&test, Incoming { take: &told(&["後払い"]), ..incoming(bytes.as_bytes()) }).await;
    assert_eq!(question.columns[0].heading, "ステータス");
    let both = told(&["後払い", "済"]);
    let imported = run(&test, Incoming { take: &both, dry_run: true, ..incoming(bytes.as_bytes()) }).await.unwrap();
    assert_eq!(numbers(&imported), ["B"]);
    // A value that no order has today: nothing is taken, and that is counted.
    let none = told(&["コンビニ後払い", "済"]);
    let imported = run(&test, Incoming { take: &none, dry_run: true, ..incoming(bytes.as_bytes()) }).await.unwrap();
    assert_eq!((numbers(&imported).len(), imported.counts().passed_over().orders), (0, 2));
    let all = told(&["*"]);
    let imported = run(&test, Incoming { take: &all, dry_run: true, ..incoming(bytes.as_bytes()) }).await.unwrap();
    assert_eq!(numbers(&imported), ["A", "B"]);
    // A column that is not there.
    let wrong = run(&test, Incoming { take: &told(&["支払い=後払い"]), ..incoming(bytes.as_bytes()) }).await;
    assert!(matches!(wrong, Err(ImportError::File(FileError::MissingHeadings(_)))), "{wrong:?}");
    let bare = text(&[row("A", "", "皿")], "\n");
    let nothing = run(&test, Incoming { take: &told(&["後払い"]), ..incoming(bare.as_bytes()) }).await;
    assert!(matches!(nothing, Err(ImportError::File(FileError::NothingToTakeBy(_)))), "{nothing:?}");
    let mall = Mall { take: [("支払方法".to_owned(), vec!["後払い".to_owned()])].into(), ..test.mall().await };
    let missing = import::run(&test.store, &mall, &Fake::new(&[]), incoming(bare.as_bytes()), &|_| {}).await;
    assert!(matches!(missing, Err(ImportError::File(FileError::MissingHeadings(_)))), "{missing:?}");
    assert!(test.all().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_an_order_agree_on_how_it_is_paid() {
    let test = TestStore::new(Db::Sqlite).await;
    let of = |number: &str, price: &str, paid: &str| {
        format!("{number},,{},皿,{price},1,{paid}", REST.replace(",1000", ",2000"))
    };
    let rows = [of("A", "1500", "後払い"), of("A", "500", ""), of("B", "1500", "後払い"), of("B", "500", "カード")];
    let bytes = format!("{HEADINGS},支払方法\n{}\n", rows.join("\n"));
    let told = ["後払い".to_owned()];
    let imported = run(&test, Incoming { take: &told, ..incoming(bytes.as_bytes()) }).await.unwrap();
    assert_eq!(numbers(&imported), ["A"], "a cell of an order may stand on its first row alone");
    let error = imported.bad().next().unwrap().errors.remove(0);
    let RowError::Value(problem) = &error else { panic!("{error:?}") };
    assert_eq!((problem.heading.as_str(), &problem.kind), ("支払方法", &ProblemKind::RowsDiffer));
}

on_both! {
    async fn an_order_that_was_cancelled_at_the_mall_since_learns_of_it(db) {
        let test = TestStore::new(db).await;
        let bytes = |status: &str| with_columns(&["受注ステータス"], &[("A", &[status]), ("B", &[status])]);
        assert_eq!(numbers(&take_in(&test, bytes("新規").as_bytes()).await), ["A", "B"]);
        let (cancelled, known) = (bytes("キャンセル").replace("B,", "C,"), Known::Corrected { who: "op" });
        let counts = take_in(&test, cancelled.as_bytes()).await.counts();
        assert_eq!((counts.taken.orders, counts.passed_over().orders), (0, 2));
        let imported = run(&test, Incoming { known, ..incoming(cancelled.as_bytes()) }).await.unwrap();
        assert_eq!((numbers(&imported), imported.counts().passed_over().orders), (vec!["A"], 1));
        let order = test.all().await.remove(0);
        assert_eq!((order.order_status.as_deref(), order.state), (Some("キャンセル"), State::NotAsked));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_rows_and_a_total_are_accounted_for() {
    let test = TestStore::new(Db::Sqlite).await;
    let rows =
        [row("A", "", "皿"), String::new(), ",,,,,,,,,,,,".to_owned(), "\"\", ,\"\"".to_owned(), row("B", "", "皿")];
    let counts = take_in(&test, text(&rows, "\r\n").as_bytes()).await.counts();
    assert_eq!((counts.taken.rows, counts.passed[&SkipReason::Blank].rows, counts.read()), (2, 3, 5));
    let imported = take_in(&test, &file("total-line.csv")).await;
    assert_eq!((numbers(&imported), imported.bad().count()), (vec!["TL1"], 0));
    assert_eq!(
        imported.counts().localized(Lang::En),
        "rows read 2 = taken 1 (1 order) + refused 0 (0 orders) + passed over 1\npassed over: total lines 1"
    );
}

/// Lines of a file as an editor counts them.
fn lines_of(text: &str) -> u64 {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.matches('\n').count() as u64 + u64::from(!text.is_empty() && !text.ends_with('\n'))
}

/// Pieces of which files are made at random: cells, quotes, separators and line ends of every kind.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("\"".to_owned()),
        4 => Just(",".to_owned()),
        3 => Just("\n".to_owned()),
        2 => Just("\r\n".to_owned()),
        1 => Just("\r".to_owned()),
        1 => Just("\t".to_owned()),
        3 => prop::sample::select(vec!["皿", "表", "ソ", "19", " ", "'", "=1", "後払い", "＂"]).prop_map(str::to_owned),
        // Whole rows, each with a number of its own.
        4 => (0..1_000u32).prop_map(|at| row(&format!("N{at}"), "", "皿")),
    ]
}

/// What was done to a file, the file, the orders that come in, and the lines that are refused.
type Oddity = (&'static str, Vec<u8>, &'static [&'static str], &'static [u64]);

/// Files as other programs leave them: each comes in right, or is refused by line or as a whole with what to do.
#[tokio::test(flavor = "multi_thread")]
async fn what_other_programs_do_to_a_file_is_read_right_or_refused() {
    let test = TestStore::new(Db::Sqlite).await;
    let take = async |bytes: &[u8]| run(&test, Incoming { dry_run: true, ..incoming(bytes) }).await;
    let two = text(&[row("Z1", "", "皿"), row("Z2", "", "皿")], "\n");
    let utf16 = |to: fn(u16) -> [u8; 2]| two.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let third = row("Z3", "", "皿");
    let with = |more: &[u8]| [two.as_bytes(), more].concat();
    let mark: &[u8] = b"\xef\xbb\xbf";
    let named = |name: &str| two.replacen("見本 花子", name, 1).into_bytes();
    let sjis = |text: &str| SHIFT_JIS.encode(text).0.into_owned();
    let cut = third.trim_end_matches(|c| c != ',').as_bytes();
    let cases: Vec<Oddity> = vec![
        ("UTF-16 without a mark", utf16(u16::to_le_bytes), &["Z1", "Z2"], &[]),
        ("the other UTF-16", utf16(u16::to_be_bytes), &["Z1", "Z2"], &[]),
        ("two files, a mark between", with(&[mark, third.as_bytes()].concat()), &["Z1", "Z2", "Z3"], &[]),
        (
            "all kinds of line ends",
            two.replacen('\n', "\r\n", 1).replacen("Z2", "Z4", 1).into_bytes(),
            &["Z1", "Z4"],
            &[],
        ),
        ("a lone CR in a cell", named("見本\r花子"), &["Z2"], &[2, 3]),
        ("a quoted CR", named("\"見本\r花子\""), &["Z1", "Z2"], &[]),
        ("CR alone", two.replace('\n', "\r").into_bytes(), &["Z1", "Z2"], &[]),
        ("NUL", named("見本\0花子"), &["Z2"], &[2]),
        ("Ctrl-Z at the end", with(b"\x1a"), &["Z1", "Z2"], &[]),
        ("Ctrl-Z in the middle", with(&[b"\x1a", third.as_bytes()].concat()), &["Z1", "Z2"], &[4]),
        ("a block filled up", with(&[b"\x1a".as_slice(), &[0; 500]].concat()), &["Z1", "Z2"], &[]),
        ("zeros at the end of UTF-16", [utf16(u16::to_le_bytes), vec![0; 4]].concat(), &["Z1", "Z2"], &[4]),
        ("NEC and IBM characters", sjis(&two.replace("見本 花子", "髙橋 﨑子①㈱")), &["Z1", "Z2"], &[]),
        ("half a character", with(&[cut, &"皿".as_bytes()[..2]].concat()), &["Z1", "Z2"], &[4]),
        ("half a character of Shift_JIS", [sjis(&two), sjis("Z3,"), vec![0x8e]].concat(), &["Z1", "Z2"], &[4]),
        ("a long cell", named(&"見".repeat(100_000)), &["Z2"], &[2]),
        ("blank lines", two.replace("\nZ", "\n\n,,,,,,,,,,,,\nZ").into_bytes(), &["Z1", "Z2"], &[]),
        ("headings twice", with(format!("{HEADINGS}\n{third}\n").as_bytes()), &["Z1", "Z2", "Z3"], &[]),
        ("sep=,", format!("sep=,\n{two}").into_bytes(), &["Z1", "Z2"], &[]),
        ("sep= a tab", format!("sep=\t\n{}", two.replace(',', "\t")).into_bytes(), &["Z1", "Z2"], &[]),
        ("a number as a formula", two.replace("Z1", "=\"0123\"").into_bytes(), &["0123", "Z2"], &[]),
        ("the same quoted", two.replace("Z1", "\"=\"\"0123\"\"\"").into_bytes(), &["0123", "Z2"], &[]),
    ];
    for (what, bytes, taken, refused) in cases {
        let imported = take(&bytes).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let lines: Vec<u64> = imported.bad().map(|bad| bad.line).collect();
        assert_eq!((numbers(&imported).as_slice(), lines.as_slice()), (taken, refused), "{what}");
        let counts = imported.counts();
        assert_eq!(counts.read(), counts.taken.rows + counts.refused.rows + counts.passed_over().rows, "{what}");
        assert!(imported.bad().all(|bad| bad.texts(Lang::Ja).iter().all(|words| !words.is_empty())), "{what}");
    }
    let others: [(&[u8], OtherKind); 8] = [
        (b"PK\x03\x04\x14\0\x06\0\x08\0,\0\n\0", OtherKind::Workbook),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", OtherKind::Workbook),
        (b"\x1f\x8b\x08\0\0", OtherKind::Workbook),
        (b"%PDF-1.4\n", OtherKind::Pdf),
        (b"\xef\xbb\xbf\n <!doctype html>\n<title>,</title>", OtherKind::WebPage),
        (b"<TABLE><tr><td>a</td></tr></TABLE>", OtherKind::WebPage),
        (&two.replace(',', ";").into_bytes(), OtherKind::Semicolons),
        (&format!("sep=;\r\n{}", two.replace(',', ";")).into_bytes(), OtherKind::Semicolons),
    ];
    for (bytes, kind) in others {
        let found = take(bytes).await;
        assert!(
            matches!(&found, Err(ImportError::File(FileError::OtherKind(found))) if *found == kind),
            "{kind:?}: {found:?}"
        );
        assert!(kind.localized(Lang::En).is_ascii() && !kind.localized(Lang::Ja).is_empty());
    }
    // Semicolons within cells part nothing.
    let remarks = take(two.replacen("Z1,,", "Z1,白;青;赤,", 1).as_bytes()).await.unwrap();
    assert_eq!(numbers(&remarks), ["Z1", "Z2"]);
}

/// Rows of words that exports have, in any column.
fn rows_of_words() -> impl Strategy<Value = Vec<Vec<String>>> {
    let word = prop::sample::select(vec![
        "",
        "",
        "N-1",
        "N-2",
        "3.0E+11",
        "2026/11/24",
        "見本 花子",
        "東京都渋谷区神南1-2-3",
        "13",
        "150-0041",
        "03-0000-1000",
        "1000",
        "500",
        "1",
        "10",
        "合計",
        "後払い",
        "キャンセル",
        "皿, 大",
        "19\"",
        "商品",
        "送料",
    ]);
    prop::collection::vec(prop::collection::vec(word.prop_map(str::to_owned), 1..9), 0..12)
}

/// A row as a careful program writes it, with a remark that may hold anything.
fn careful(at: usize, remark: &str) -> String {
    row(&format!("N{at}"), &format!("\"{}\"", remark.replace('"', "\"\"")), "皿")
}

fn columns() -> Vec<Column> {
    HEADINGS.split(',').map(|name| Column { name: name.to_owned(), required: true }).collect()
}

proptest! {
    /// Whatever a file is: its rows cover its lines without a gap, and every row is in exactly one entry.
    #[test]
    fn no_line_of_a_file_is_ever_lost(pieces in prop::collection::vec(piece(), 0..60), sjis: bool, bom: bool) {
        let body: String = pieces.concat();
        let text = format!("{HEADINGS}\n{body}");
        let bytes = match sjis {
            true => SHIFT_JIS.encode(&text).0.into_owned(),
            false => [if bom { "\u{feff}" } else { "" }, &text].concat().into_bytes(),
        };
        let sheet = table::read(&bytes, None, &columns()).unwrap();
        let mut next = 2;
        for line in &sheet.lines {
            prop_assert_eq!(line.at, next);
            next += line.span;
        }
        prop_assert_eq!(next - 1, lines_of(&text));

        let take = service::csv::selection::Choice { told: &[], setting: &Default::default() };
        let reading = order_file::Reading { encoding: None, mapping: &Mapping::renamed([]), take };
        let parsed = order_file::parse(&bytes, reading).unwrap();
        let (counts, rows) = (parsed.intake.counts(), sheet.lines.iter().map(table::Line::rows).sum::<usize>());
        prop_assert_eq!(counts.read(), rows);
        prop_assert_eq!(counts.taken.rows + counts.refused.rows + counts.passed_over().rows, rows);
        // Nobody's remark holds another one's row.
        for (.., order) in parsed.intake.taken() {
            prop_assert!(order.data.note.as_ref().is_none_or(|note| !note.contains("03-0000-1000")), "{:?}", order);
        }
    }

    /// Whatever a mapping reads of whatever a file has: every row is in exactly one entry.
    #[test]
    fn no_row_is_lost_by_any_preset(
        (at, separator, cells) in (0..preset::all().len(), prop::sample::select(vec![",", "\t"]), rows_of_words()),
        utf16: bool, sjis: bool,
    ) {
        let mapping = &preset::all()[at].mapping;
        let mut headings: Vec<&str> = mapping.values().into_iter().flat_map(|(_, value)| value.headings()).collect();
        headings.sort_unstable();
        headings.dedup();
        let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
        let line = |row: &[String]| row.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(separator) + "\r\n";
        let head: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
        let rows: Vec<Vec<String>> = cells.iter().map(|row| row.iter().cycle().take(head.len()).cloned().collect()).collect();
        let text: String = std::iter::once(&head).chain(&rows).map(|row| line(row)).collect();
        let bytes = match (utf16, sjis) {
            (true, _) => [vec![0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat(),
            (false, true) => SHIFT_JIS.encode(&text).0.into_owned(),
            (false, false) => text.into_bytes(),
        };
        let told = ["*".to_owned()];
        let take = service::csv::selection::Choice { told: &told, setting: &Default::default() };
        match order_file::parse(&bytes, order_file::Reading { encoding: None, mapping, take }) {
            Ok(parsed) => {
                let counts = parsed.intake.counts();
                prop_assert_eq!(counts.read(), rows.len());
                let lines: BTreeSet<u64> = parsed.intake.entries.iter().map(|entry| entry.line).collect();
                prop_assert_eq!(lines.len(), parsed.intake.entries.len());
            }
            // Columns that mark cancelled orders with neither yes nor no are asked about.
            Err(OrderFileError::ChoiceNeeded(_)) => {}
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }

    /// What a careful program wrote comes in whole, and where the csv crate reads it, it reads the same.
    #[test]
    fn a_well_formed_file_is_read_as_it_was_written(
        remarks in prop::collection::vec("[ -~あ-ん表ソ\"\n]{0,12}", 1..12), end in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let rows: Vec<_> = remarks.iter().enumerate().map(|(at, remark)| careful(at, remark)).collect();
        let whole = text(&rows, end);
        let sheet = table::read(whole.as_bytes(), None, &columns()).unwrap();
        prop_assert_eq!(sheet.lines.len(), rows.len());
        let mut reader = csv::Reader::from_reader(whole.as_bytes());
        for (line, record) in sheet.lines.iter().zip(reader.records()) {
            let record = record.unwrap();
            let cells: Vec<_> = record.iter().map(|cell| guard::unguarded(cell.trim()).to_owned()).collect();
            prop_assert_eq!(&line.cells, &cells);
            prop_assert!(!line.errors.iter().any(|error| matches!(error, RowError::Quote { .. })), "{:?}", line.errors);
        }
    }

    /// One quote too many, anywhere in a good file: each order comes in as it is, or is refused, or is among the lines
    /// that the fault names.
    #[test]
    fn one_stray_quote_loses_no_order(rows in 2..8usize, place in 0..2_000usize, quoted: bool) {
        let rows: Vec<_> = (0..rows).map(|at| if quoted { careful(at, "のし") } else { row(&format!("N{at}"), "のし", "皿") }).collect();
        let body: String = rows.iter().map(|row| format!("{row}\n")).collect();
        let places: Vec<usize> = body.char_indices().map(|(at, _)| at).collect();
        let at = places[place % places.len()];
        let text = format!("{HEADINGS}\n{}\"{}", &body[..at], &body[at..]);
        let take = service::csv::selection::Choice { told: &[], setting: &Default::default() };
        let reading = order_file::Reading { encoding: None, mapping: &Mapping::renamed([]), take };
        let parsed = order_file::parse(text.as_bytes(), reading).unwrap();
        prop_assert_eq!(parsed.intake.counts().read(), rows.len());
        let lines: BTreeSet<u64> = parsed.intake.entries.iter().flat_map(|entry| entry.line..entry.line + entry.rows as u64).collect();
        prop_assert_eq!(lines.len(), rows.len());
        for (.., order) in parsed.intake.taken() {
            prop_assert_eq!(order.data.items.len(), 1);
            let note = order.data.note.as_deref().unwrap_or_default().replace('"', "");
            prop_assert_eq!(note, "のし");
        }
    }

    /// Stray quotes, commas and line breaks in tables of any width: no row that is taken has text of two rows.
    #[test]
    fn no_row_holds_text_of_another(table in damaged()) {
        let columns: Vec<Column> = table[0].iter().map(|name| Column { name: name.clone(), required: true }).collect();
        let whole: String = table.iter().map(|cells| cells.join(",") + "\n").collect();
        let sheet = table::read(whole.as_bytes(), None, &columns).unwrap();
        // An order number has no line break: no file with one in there is taken.
        let taken = sheet.lines.iter().filter(|line| line.errors.is_empty() && !line.cells[0].contains('\n'));
        for line in taken {
            let rows: BTreeSet<&str> =
                line.cells.iter().flat_map(|cell| cell.split(['"', ',', '\n'])).filter_map(|text| text.split_once('.')).map(|(row, _)| row).filter(|row| !row.is_empty()).collect();
            prop_assert!(rows.len() <= 1, "{:?} in {whole}", line.cells);
        }
        let rows: u64 = sheet.lines.iter().map(|line| line.span).sum();
        prop_assert_eq!(rows, lines_of(&whole) - 1);
    }
}

/// A table with a heading line whose texts begin with the number of their row and a point; its rows have stray quotes
/// anywhere, and each at most one stray comma or line break, as an unquoted remark has.
fn damaged() -> impl Strategy<Value = Vec<Vec<String>>> {
    (2..=40usize, 2..8usize).prop_flat_map(|(width, rows)| {
        let heading: Vec<String> = (0..width).map(|at| format!("h{at}")).collect();
        let filled = prop::collection::vec(prop::collection::vec(prop::bool::weighted(0.7), width), rows);
        let quotes = prop::collection::vec((0..rows, 0..width, 0..4usize), 1..=4);
        let damages = prop::collection::vec((0..rows, 1..width, prop::bool::ANY), 0..=2);
        (Just(heading), filled, quotes, damages).prop_map(|(heading, filled, quotes, damages)| {
            let text = |row: usize, at: usize, is_filled: bool| {
                if is_filled || at == 0 { format!("r{row}.{at}") } else { String::new() }
            };
            let cells = |(row, filled): (usize, Vec<bool>)| {
                filled.into_iter().enumerate().map(|(at, is_filled)| text(row, at, is_filled)).collect::<Vec<_>>()
            };
            let mut table: Vec<Vec<String>> = filled.into_iter().enumerate().map(cells).collect();
            let damaged: std::collections::BTreeMap<usize, (usize, bool)> =
                damages.into_iter().map(|(row, at, comma)| (row, (at, comma))).collect();
            for (row, (at, comma)) in damaged {
                table[row][at] = format!("r{row}.a{}r{row}.b", if comma { "," } else { "\n" });
            }
            for (row, at, place) in quotes {
                let cell = &mut table[row][at];
                // Most often where it opens or closes a cell.
                let at = match place {
                    0 => 0,
                    1 => cell.len(),
                    other => cell.len().min(other),
                };
                cell.insert(at, '"');
            }
            table.insert(0, heading);
            table
        })
    })
}
