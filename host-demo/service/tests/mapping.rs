//! Exports of malls, read by mappings: presets as they are shipped, and mappings of one's own.

mod common;

use common::golden;
use domain::lang::Lang;
use proptest::prelude::*;
use service::csv::mapping::column::{Cells, Column};
use service::csv::mapping::definition::{Mapping, Separator};
use service::csv::mapping::error::{DefinitionError, MappingError, ProblemKind};
use service::csv::mapping::error_text::definition_error;
use service::csv::mapping::evaluate::{Evaluated, evaluate};
use service::csv::mapping::order::MappedOrder;
use service::csv::mapping::row::{Record, Skipped};
use service::csv::mapping::text::{Definition, MAX_MAPPING_BYTES};
use service::csv::mapping::value::Value;
use service::csv::mapping::{error_text, layout, preset, setting};
use service::csv::records::Records;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use strum::VariantArray;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The records of a file, whatever it is written in.
fn records(bytes: &[u8]) -> Vec<Record> {
    let (bytes, _) = layout::without_utf16(bytes).unwrap();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let text = |cell: &[u8]| match std::str::from_utf8(cell) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::SHIFT_JIS.decode(cell).0.into_owned(),
    };
    let separator = match layout::separator(bytes) {
        Separator::Comma => b',',
        Separator::Tab => b'\t',
    };
    Records::new(bytes, separator)
        .map(|record| Record { line: record.line, cells: record.cells.iter().map(text).collect() })
        .collect()
}

fn file(name: &str) -> Vec<Record> {
    records(&std::fs::read(folder("tests/csv/mapping").join(name)).unwrap())
}

/// The records of a file that is written here: rows of cells, the first at line 1.
fn table(rows: &[&[&str]]) -> Vec<Record> {
    let record = |(at, cells): (usize, &&[&str])| Record {
        line: at as u64 + 1,
        cells: cells.iter().map(|cell| (*cell).to_owned()).collect(),
    };
    rows.iter().enumerate().map(record).collect()
}

fn by_preset(id: &str, records: &[Record]) -> Evaluated {
    let best = preset::recognise(&records[0].cells);
    assert_eq!(best.first().map(|preset| preset.id.as_str()), Some(id));
    evaluate(&best[0].mapping, records).unwrap()
}

/// What people would check of a file's orders.
fn shown(evaluated: &Evaluated) -> String {
    let mut text = String::new();
    let cells = |text: &mut String, cells: &Cells, indent: &str| {
        for (column, cell) in cells.iter().filter(|(_, cell)| !cell.is_empty()) {
            writeln!(text, "{indent}{}: {}", column.name(), cell.replace('\n', "⏎")).unwrap();
        }
    };
    for order in &evaluated.orders {
        writeln!(
            text,
            "order {} from lines {:?}{}",
            order.number,
            order.lines,
            if order.is_gathered { ", gathered" } else { "" }
        )
        .unwrap();
        cells(&mut text, &order.cells, "  ");
        for (at, destination) in order.destinations.iter().enumerate() {
            writeln!(text, "  destination {at}").unwrap();
            cells(&mut text, &destination.cells, "    ");
        }
        for line in &order.bill.lines {
            let rate = line.tax_rate.map(|rate| format!(", {rate}%")).unwrap_or_default();
            let to = line.destination.map(|at| format!(", to {at}")).unwrap_or_default();
            writeln!(text, "  line {}: {} {} × {}{rate}{to}", line.line, line.name, line.unit_price, line.quantity)
                .unwrap();
        }
        let bill = &order.bill;
        writeln!(
            text,
            "  goods {} + shipping {} + fee {} = {}",
            bill.goods(),
            bill.shipping_fee,
            bill.payment_fee,
            bill.total
        )
        .unwrap();
        for problem in &order.problems {
            for lang in [Lang::Ja, Lang::En] {
                writeln!(text, "  ! {}", error_text::problem(problem, lang)).unwrap();
            }
        }
    }
    for (line, reason) in &evaluated.skipped {
        writeln!(text, "line {line}: {reason:?}").unwrap();
    }
    text
}

fn only(evaluated: Evaluated) -> MappedOrder {
    let [order] = <[MappedOrder; 1]>::try_from(evaluated.orders).unwrap();
    order
}

/// Name, price and quantity of each line.
fn lines(order: &MappedOrder) -> Vec<(&str, i64, u32)> {
    order.bill.lines.iter().map(|line| (line.name.as_str(), line.unit_price, line.quantity)).collect()
}

fn kinds(order: &MappedOrder) -> Vec<(u64, &str, &ProblemKind)> {
    order.problems.iter().map(|problem| (problem.line, problem.heading.as_str(), &problem.kind)).collect()
}

#[test]
fn every_file_of_the_folder_is_a_preset_with_an_export_that_it_reads() {
    assert_eq!(preset::unreadable(), []);
    let files = std::fs::read_dir(folder("presets")).unwrap().count();
    assert_eq!(preset::all().len(), files);
    for preset in preset::all() {
        let export = ["csv", "txt"].map(|ending| folder("tests/presets").join(format!("{}.{ending}", preset.id)));
        let export = export.iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{} has no export", preset.id));
        let records = records(&std::fs::read(export).unwrap());
        let evaluated = by_preset(&preset.id, &records);
        assert_eq!(evaluated.records(), records.len(), "{}", preset.id);
        golden(&format!("mapping-{}.txt", preset.id), &shown(&evaluated));
        for order in &evaluated.orders {
            assert_eq!(order.problems, [], "{} {}", preset.id, order.number);
        }
        let json = serde_json::to_string(&preset.mapping).unwrap();
        assert_eq!(serde_json::from_str::<Mapping>(&json).unwrap(), preset.mapping);
        let text = toml::to_string(preset).unwrap();
        assert_eq!(preset::Preset::parse(&preset.id, &text).as_ref(), Ok(preset), "{text}");
    }
}

#[test]
fn the_mapping_of_the_documentation_is_one() {
    let page = std::fs::read_to_string(folder("../../docs/mapping.md")).unwrap();
    let examples = page.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let [own, whole] = <[&str; 2]>::try_from(examples.collect::<Vec<_>>()).unwrap();
    assert_eq!(setting::mapping(own).unwrap().columns[&Column::Note], Value::column("店舗メモ"));
    let mapping = Mapping::parse(whole).unwrap();
    assert_eq!((mapping.columns.len(), mapping.adjustments.len(), mapping.skip.len()), (8, 1, 1));
}

#[test]
fn a_setting_is_a_mapping_or_a_preset_and_what_differs_from_it() {
    assert_eq!(setting::mapping(" # nothing\n"), Ok(Mapping::renamed([])));
    let whole = "same-names = true\ncolumns = { \"備考\" = \"メモ\" }";
    assert_eq!(setting::mapping(whole), Mapping::parse(whole));
    let rakuten = &preset::find("rakuten").unwrap().mapping;
    assert_eq!(setting::mapping(&setting::of_preset("rakuten")).as_ref(), Ok(rakuten));
    let own = "preset = \"rakuten\"\nskip = []\n[columns]\n\"備考\" = \"店舗メモ\"\n[prices]\ndefault-rate = 10\n";
    let mapping = setting::mapping(own).unwrap();
    let mut expected = Mapping { skip: Vec::new(), ..rakuten.clone() };
    expected.columns.insert(Column::Note, Value::column("店舗メモ"));
    expected.prices.default_rate = Some(10);
    assert_eq!(mapping, expected);
    let known: Vec<_> = preset::all().iter().map(|preset| preset.id.as_str()).collect();
    let errors = [
        (
            "preset = \"rakutan\"",
            DefinitionError::NoPreset { line: Some(1), name: "rakutan".to_owned(), known: known.clone() },
        ),
        ("preset = 1", DefinitionError::NoPreset { line: Some(1), name: String::new(), known }),
        (&"#".repeat(MAX_MAPPING_BYTES + 1), DefinitionError::TooLarge),
    ];
    for (setting, error) in errors {
        assert_eq!(setting::mapping(setting), Err(error));
    }
    for wrong in ["preset = \"rakuten\"\ncolumn = {}", "preset = \"rakuten\"\ncolumns = []", "columns"] {
        assert!(matches!(setting::mapping(wrong), Err(DefinitionError::Form(_))), "{wrong}");
    }
}

#[test]
fn what_is_wrong_with_a_mapping_is_said_with_its_line_and_key_in_both_languages() {
    let preset = "# ours\npreset = \"rakuten\"\n";
    for (name, own, ja, en) in [
        ("unknown key", "column = {}", "3行目: 「column」というキーはありません", "line 3: there is no key column"),
        ("unknown column", "[columns]\n\"備孝\" = \"メモ\"", "4行目", "line 4"),
        (
            "a list for a table",
            "columns = []",
            "3行目: ここにこの値は書けません",
            "line 3: this value cannot stand here",
        ),
        (
            "a number for a word",
            "[prices]\ntotal = 3",
            "4行目: ここにこの値は書けません",
            "line 4: this value cannot stand here",
        ),
        ("twice", "skip = []\nskip = []", "4行目: 同じキーが二度あります", "line 4: a key is there twice"),
        (
            "an open quote",
            "[columns]\n\"備考\" = \"メモ",
            "4行目: TOMLとして読めません",
            "line 4: it cannot be read as TOML",
        ),
        ("no value", "\n[columns]\n\"備考\" =", "5行目: TOMLとして読めません", "line 5: it cannot be read as TOML"),
        ("a word", "columns", "3行目: TOMLとして読めません", "line 3: it cannot be read as TOML"),
        ("no heading", "[columns]\n\"備考\" = \"\"", "4行目の「備考」: 見出しを", "line 4, 備考: a heading is empty"),
        (
            "a place",
            "[columns]\n# x\n\"備考\" = { position = 0 }",
            "5行目の「備考」: 列の位置は",
            "line 5, 備考: a place",
        ),
        (
            "a rate",
            "[prices]\ndefault-rate = 200",
            "4行目の「prices.default-rate」: 税率は",
            "line 4, prices.default-rate",
        ),
        (
            "no words",
            "[columns]\n\"備考\" = { column = \"a\", words = \"b\" }",
            "4行目の「備考」: この名前の",
            "line 4, 備考",
        ),
    ] {
        let error = setting::mapping(&format!("{preset}{own}\n")).unwrap_err();
        let (said_ja, said_en) = (definition_error(&error, Lang::Ja), definition_error(&error, Lang::En));
        assert!(said_ja.contains(&format!("列の対応の{ja}")), "{name}: {said_ja}");
        assert!(said_en.contains(&format!("The mapping, {en}")), "{name}: {said_en}");
    }
    let error = setting::mapping("\npreset = \"rakutan\"").unwrap_err();
    assert!(definition_error(&error, Lang::Ja).starts_with("列の対応の2行目: 「rakutan」という見本はありません"));
}

#[test]
fn rakuten_with_points_a_coupon_and_two_destinations() {
    let evaluated = by_preset("rakuten", &file("rakuten.csv"));
    let [first, second] = <[MappedOrder; 2]>::try_from(evaluated.orders).unwrap();
    assert_eq!(first.cells.get(Column::BuyerName), "見本 花子");
    assert_eq!(first.cells.get(Column::BuyerPostalCode), "150-0041");
    assert_eq!(first.cells.get(Column::BuyerPhone), "03-0000-1000");
    assert_eq!(lines(&first), [("見本りんご 5kg", 3000, 1), ("ポイント利用", -500, 1), ("クーポン利用", -200, 1)]);
    assert_eq!((first.bill.shipping_fee, first.bill.total), (500, 2800));
    assert_eq!(second.destinations.len(), 2);
    assert_eq!(second.destinations[1].cells.get(Column::RecipientName), "贈先 花子");
    assert_eq!(second.bill.lines.iter().map(|line| line.destination).collect::<Vec<_>>(), [Some(0), Some(1)]);
    assert_eq!((second.bill.total, second.problems), (3000, vec![]));
}

#[test]
fn shopify_with_the_order_on_its_first_row_and_names_turned() {
    let order = only(by_preset("shopify", &file("shopify.csv")));
    assert_eq!(order.number, "#1001");
    assert_eq!(order.cells.get(Column::BuyerName), "見本 花子");
    assert_eq!(order.cells.get(Column::BuyerPrefecture), "東京都");
    assert_eq!(order.cells.get(Column::BuyerPhone), "+81300001000");
    assert_eq!(order.cells.get(Column::BuyerPostalCode), "150-0041");
    assert_eq!(order.cells.get(Column::BuyerStreet), "神南1-2-3 見本荘101");
    assert_eq!(lines(&order), [("見本T - M", 2000, 1), ("見本帽子", 1000, 1), ("割引 WELCOME", -200, 1)]);
    assert_eq!((order.bill.shipping_fee, order.bill.total), (500, 3300));
    assert_eq!(order.destinations.len(), 1);
    assert_eq!(order.problems, []);
}

#[test]
fn eccube_with_prices_without_tax_and_rows_that_are_fees() {
    let order = only(by_preset("eccube4", &file("eccube4.csv")));
    assert_eq!(lines(&order), [("彩のジェラートCUBE", 3278, 1)]);
    assert_eq!((order.bill.shipping_fee, order.bill.total), (500, 3778));
    assert_eq!((order.destinations, order.problems), (vec![], vec![]));
}

#[test]
fn amazon_with_tabs_prices_of_rows_and_a_moment_of_another_zone() {
    for name in ["amazon-tabs.txt", "amazon-commas.csv"] {
        let order = only(by_preset("amazon", &file(name)));
        assert_eq!(order.cells.get(Column::OrderedAt), "2026-11-20 00:30:00", "{name}");
        assert_eq!(lines(&order), [("見本品", 1000, 2)]);
        assert_eq!((order.bill.shipping_fee, order.bill.total), (500, 2500));
        assert_eq!(order.cells.get(Column::BuyerCity), "渋谷区");
        assert_eq!(order.cells.get(Column::BuyerStreet), "神南1-2-3 見本荘101");
        assert_eq!(order.problems, []);
    }
}

#[test]
fn colorme_with_city_and_street_in_one_column() {
    let order = only(by_preset("colorme", &file("colorme.csv")));
    assert_eq!(order.number, "90001");
    assert_eq!(order.cells.get(Column::BuyerCity), "渋谷区");
    assert_eq!(order.cells.get(Column::BuyerStreet), "神南1-2-3 見本荘101");
    assert_eq!((order.bill.goods(), order.bill.shipping_fee, order.bill.total), (1000, 500, 1500));
    let recipient = &order.destinations[0].cells;
    assert_eq!(recipient.get(Column::RecipientName), order.cells.get(Column::BuyerName));
    assert_eq!(recipient.get(Column::RecipientStreet), order.cells.get(Column::BuyerStreet));
    assert_eq!(order.problems, []);
}

#[test]
fn a_wrapping_that_no_column_names_is_a_bill_that_does_not_add_up() {
    let order = only(evaluate(&Mapping::renamed([]), &file("wrapping.csv")).unwrap());
    assert_eq!(kinds(&order), [(2, "合計金額", &ProblemKind::Total { total: 1830, sum: 1500 })]);
}

/// A mapping of a mall whose columns have our names, but for what `text` says.
fn ours(text: &str) -> Mapping {
    Mapping::parse(&format!("same-names = true\n{text}")).unwrap()
}

#[test]
fn destinations_are_told_apart_and_rows_are_gathered_from_anywhere() {
    let order = only(evaluate(&ours(""), &file("two-destinations.csv")).unwrap());
    let names: Vec<_> = order.destinations.iter().map(|to| to.cells.get(Column::RecipientName)).collect();
    assert_eq!(names, ["贈先 一", "贈先 二"]);
    assert_eq!((order.bill.total, order.problems), (2500, vec![]));
    let evaluated = evaluate(&ours(""), &file("rows-apart.csv")).unwrap();
    let found: Vec<_> = evaluated.orders.iter().map(|order| (order.number.as_str(), order.lines.clone())).collect();
    assert_eq!(found, [("I1", vec![2, 4]), ("I2", vec![3])]);
    assert_eq!(evaluated.gathered(), 1);
    assert!(evaluated.orders.iter().all(|order| order.problems.is_empty()));
}

#[test]
fn titles_above_and_a_total_below_are_passed_over_and_counted() {
    let evaluated = evaluate(&ours(""), &file("title-lines.csv")).unwrap();
    assert_eq!(evaluated.skipped, [(1, Skipped::Title), (2, Skipped::Blank), (3, Skipped::Headings)]);
    assert_eq!(only(evaluated).problems, []);
    let evaluated = evaluate(&ours(""), &file("total-line.csv")).unwrap();
    assert_eq!(evaluated.skipped, [(1, Skipped::Headings), (3, Skipped::TotalLine)]);
    assert_eq!(only(evaluated).problems, []);
}

#[test]
fn a_heading_that_comes_twice_is_told_apart_and_blanks_around_it_do_not_count() {
    let several = MappingError::Several { heading: "送料".into(), count: 2 };
    let twice = file("heading-twice.csv");
    assert_eq!(evaluate(&ours(""), &twice), Err(vec![several]));
    let second = ours("[columns]\n\"送料\" = { column = \"送料\", nth = 2 }");
    assert_eq!(only(evaluate(&second, &twice).unwrap()).problems, []);
    let third = ours("[columns]\n\"送料\" = { column = \"送料\", nth = 3 }");
    let missing = MappingError::NotSoMany { heading: "送料".into(), nth: 3, count: 2 };
    assert_eq!(evaluate(&third, &twice), Err(vec![missing]));
    assert_eq!(only(evaluate(&ours(""), &file("heading-blanks.csv")).unwrap()).problems, []);
}

#[test]
fn utf_16_is_read_with_tabs_and_with_commas() {
    for name in ["utf16-tabs.txt", "utf16-commas.csv"] {
        let order = only(evaluate(&ours(""), &file(name)).unwrap());
        assert_eq!((order.number.as_str(), order.bill.total), ("C04", 1500), "{name}");
        assert_eq!(order.problems, [], "{name}");
    }
    let utf16 = std::fs::read(folder("tests/csv/mapping/utf16-tabs.txt")).unwrap();
    let unmarked = layout::without_utf16(&utf16[2..]).unwrap();
    assert_eq!(unmarked, layout::without_utf16(&utf16).unwrap());
    assert_eq!(unmarked.1, Some(encoding_rs::UTF_16LE));
    let swapped: Vec<u8> = utf16.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    assert_eq!(layout::without_utf16(&swapped).unwrap().0, unmarked.0);
    assert_eq!(layout::without_utf16(&utf16[..utf16.len() - 1]), None, "half a character at the end");
}

#[test]
fn amounts_of_every_spelling_are_read() {
    let evaluated = evaluate(&ours(""), &file("amounts.csv")).unwrap();
    assert_eq!(evaluated.orders.len(), 9);
    for order in &evaluated.orders {
        assert_eq!((&order.problems, order.bill.total), (&vec![], 1500), "{}", order.number);
    }
    let evaluated = evaluate(&ours(""), &file("minus.csv")).unwrap();
    assert_eq!(evaluated.orders.len(), 8);
    for order in &evaluated.orders {
        assert_eq!((&order.problems, order.bill.total), (&vec![], 1000), "{}", order.number);
    }
}

#[test]
fn old_settings_that_only_rename_are_a_mapping() {
    let names = [(Column::Number, "受注番号"), (Column::Note, "メモ"), (Column::ItemName, "品名")];
    let mapping = Mapping::renamed(names);
    let mut records = file("title-lines.csv");
    for cell in &mut records[2].cells {
        *cell = match cell.as_str() {
            "注文番号" => "受注番号".into(),
            "商品名" => "品名".into(),
            "備考" => "別の列".into(),
            _ => cell.clone(),
        };
    }
    let order = only(evaluate(&mapping, &records).unwrap());
    assert_eq!((order.number.as_str(), order.problems), ("C34d", vec![]));
    let text = toml::to_string(&mapping).unwrap();
    assert_eq!(Mapping::parse(&text), Ok(mapping));
}

const HEADINGS: [&str; 12] = ["番号", "日時", "姓", "名", "〒", "住所", "電話", "品名", "価格", "数", "税率", "合計"];

/// One order in a file with [`HEADINGS`] and some columns more.
fn with(more: &[&str], items: &[&[&str]]) -> Vec<Record> {
    let headings: Vec<&str> = HEADINGS.iter().chain(more).copied().collect();
    let rows: Vec<&[&str]> = [headings.as_slice()].into_iter().chain(items.iter().copied()).collect();
    table(&rows)
}

const COLUMNS: &str = r#"
[columns]
"注文番号" = "番号"
"注文日時" = "日時"
"注文者氏名" = { join = ["姓", "名"], with = " " }
"注文者郵便番号" = "〒"
"注文者都道府県" = { column = "住所", part = "prefecture" }
"注文者市区町村" = { column = "住所", part = "city" }
"注文者住所" = { column = "住所", part = "street" }
"注文者電話番号" = "電話"
"商品名" = "品名"
"単価" = "価格"
"数量" = "数"
"税率" = "税率"
"合計金額" = "合計"
"#;

fn mapping(head: &str, columns: &str) -> Mapping {
    Mapping::parse(&format!("{head}\n{COLUMNS}{columns}")).unwrap()
}

const BUYER: [&str; 7] = ["N-1", "20261120", "見本", "花子", "1500041", "東京都渋谷区神南1-2-3", "0300001000"];

/// A row of the order with an item and further cells.
fn row<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    BUYER.iter().chain(rest).copied().collect()
}

#[test]
fn tax_is_added_to_a_piece_a_row_or_an_order_and_rounded_as_the_mapping_says() {
    let bill = |prices: &str, total: &str, items: &[(&str, &str, &str)]| {
        let rows: Vec<Vec<&str>> =
            items.iter().map(|(price, count, rate)| row(&["見本品", price, count, rate, total])).collect();
        let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        let order = only(evaluate(&mapping(&format!("prices = {{ {prices} }}"), ""), &with(&[], &rows)).unwrap());
        assert_eq!(order.problems, [], "{prices}");
        order.bill
    };
    let found = |prices: &str, total: &str, items: &[(&str, &str, &str)]| {
        let bill = bill(prices, total, items);
        bill.lines.iter().map(|line| (line.name.clone(), line.unit_price, line.quantity)).collect::<Vec<_>>()
    };
    let line = |name: &str, price: i64, count: u32| (name.to_owned(), price, count);
    let three = [("333", "3", "10")];
    assert_eq!(found("tax = 'excluded'", "1098", &three), [line("見本品", 366, 3)]);
    assert_eq!(found("tax = 'excluded', rounding = '切り上げ'", "1101", &three), [line("見本品", 367, 3)]);
    assert_eq!(found("tax = 'excluded', rounding = '四捨五入'", "1098", &three), [line("見本品", 366, 3)]);
    assert_eq!(found("tax = 'excluded', round-per = 'row'", "1098", &three), [line("見本品", 366, 3)]);
    let up = "tax = 'excluded', round-per = 'row', rounding = 'up'";
    assert_eq!(found(up, "1099", &three), [line("見本品 ×3", 1099, 1)]);
    let mixed = [("333", "3", "10"), ("105", "1", "8"), ("101", "1", "10")];
    let order = "tax = 'excluded', round-per = 'order'";
    let expected = [
        line("見本品", 333, 3),
        line("見本品", 105, 1),
        line("見本品", 101, 1),
        line("消費税（8%）", 8, 1),
        line("消費税（10%）", 110, 1),
    ];
    assert_eq!(found(order, "1323", &mixed), expected);
    assert_eq!(found("price = 'row'", "1000", &[("1000", "3", "")]), [line("見本品 ×3", 1000, 1)]);
    assert_eq!(found("price = 'row'", "999", &[("999", "3", "")]), [line("見本品", 333, 3)]);
    assert_eq!(found("tax = 'excluded', default-rate = 10", "110", &[("100", "1", "")]), [line("見本品", 110, 1)]);
    assert_eq!(bill("total = 'computed'", "", &[("100", "2", "")]).total, 200);
}

#[test]
fn a_price_without_tax_needs_a_rate_and_a_fraction_of_a_yen_is_named() {
    let problems = |head: &str, rest: &[&str]| {
        let order = only(evaluate(&mapping(head, ""), &with(&[], &[&row(rest)])).unwrap());
        kinds(&order).into_iter().map(|(_, heading, kind)| (heading.to_owned(), kind.clone())).collect::<Vec<_>>()
    };
    let named = |heading: &str, kind: ProblemKind| vec![(heading.to_owned(), kind)];
    assert_eq!(
        problems("prices = { tax = 'excluded' }", &["品", "100", "1", "", "110"]),
        named("税率", ProblemKind::NoTaxRate)
    );
    assert_eq!(problems("", &["品", "99.5", "2", "", "199"]), named("価格", ProblemKind::Fraction("99.5".into())));
    assert_eq!(problems("", &["品", "百円", "1", "", "100"]), named("価格", ProblemKind::Amount("百円".into())));
    assert_eq!(problems("", &["品", "100", "1.5", "", "150"]), named("数", ProblemKind::Quantity("1.5".into())));
    assert_eq!(problems("", &["品", "100", "1", "ten", "100"]), named("税率", ProblemKind::TaxRate("ten".into())));
    assert_eq!(problems("", &["", "", "", "", "0"]), named("品名", ProblemKind::NoItems));
    assert_eq!(problems("", &["品", "100", "1", "", ""]), named("合計", ProblemKind::Empty));
}

#[test]
fn adjustments_count_once_for_an_order_for_each_destination_or_on_every_row() {
    let adjust = |per: &str, sign: &str| {
        mapping(
            "destination = '宛先'\nprices = { total = 'computed' }",
            &format!(
                "[[adjustments]]\nname = 'クール便'\namount = {{ column = 'クール', per = '{per}' }}\nsign = '{sign}'"
            ),
        )
    };
    let cells: Vec<Vec<&str>> =
        ["1", "1", "2"].iter().map(|to| row(&["品", "1000", "1", "", "", to, "220", "贈先"])).collect();
    let rows: Vec<&[&str]> = cells.iter().map(Vec::as_slice).collect();
    let with_names = |mapping: Mapping| {
        let mut mapping = mapping;
        let text = "[columns]\n\"送付先氏名\" = { join = ['贈', '宛先'], with = ' ' }";
        mapping.columns.extend(Mapping::parse(text).unwrap().columns);
        mapping
    };
    let sum = |per: &str, sign: &str| {
        let mapping = with_names(adjust(per, sign));
        let order = only(evaluate(&mapping, &with(&["宛先", "クール", "贈"], &rows)).unwrap());
        assert_eq!(order.problems, [], "{per}");
        order.bill.total
    };
    assert_eq!(sum("order", "as-written"), 3220);
    assert_eq!(sum("destination", "as-written"), 3440);
    assert_eq!(sum("row", "as-written"), 3660);
    assert_eq!(sum("order", "taken-off"), 2780);
}

#[test]
fn words_stand_for_words_and_a_row_of_an_unknown_kind_is_refused() {
    let text = r#"
"受注ステータス" = { column = "状態", words = "status", otherwise = "refuse" }
[row-kind]
from = "区分"
words = { "商品" = "item", "送料" = "shipping", "値引" = "discount", "小計" = "ignore" }
[words.status]
"1" = "新規受付"
"#;
    let mapping = mapping("", text);
    let cells = [
        row(&["品", "1000", "1", "", "1300", "１", "商品"]),
        row(&["送料", "500", "", "", "1300", "1", "送料"]),
        row(&["セール", "200", "1", "", "1300", "1", "値引"]),
        row(&["計", "9", "1", "", "1300", "1", "小計"]),
    ];
    let rows: Vec<&[&str]> = cells.iter().map(Vec::as_slice).collect();
    let order = only(evaluate(&mapping, &with(&["状態", "区分"], &rows)).unwrap());
    assert_eq!(order.problems, []);
    assert_eq!(order.cells.get(Column::OrderStatus), "新規受付");
    assert_eq!(lines(&order), [("品", 1000, 1), ("セール", -200, 1)]);
    assert_eq!((order.bill.shipping_fee, order.bill.total), (500, 1300));
    let unknown = row(&["品", "1000", "1", "", "1000", "7", "謎"]);
    let order = only(evaluate(&mapping, &with(&["状態", "区分"], &[&unknown])).unwrap());
    let expected = [(2, "状態", &ProblemKind::NoWord("7".into())), (2, "区分", &ProblemKind::NoWord("謎".into()))];
    assert_eq!(kinds(&order), expected);
}

#[test]
fn columns_by_position_without_headings_and_numbers_on_first_rows_only() {
    let text = r#"
number-on-first-row = true
file = { no-headings = true }
[columns]
"注文番号" = { position = 1 }
"注文日時" = { position = 2 }
"注文者氏名" = { join = [{ position = 3 }, { position = 4 }], with = " " }
"注文者郵便番号" = { position = 5 }
"注文者都道府県" = { position = 6, part = "prefecture" }
"注文者市区町村" = { position = 6, part = "city" }
"注文者住所" = { position = 6, part = "street" }
"注文者電話番号" = { position = 7 }
"商品名" = { position = 8 }
"単価" = { position = 9 }
"数量" = { position = 10 }
"税率" = { text = "10" }
"合計金額" = { position = 11 }
"#;
    let first = row(&["品", "1000", "1", "1500"]);
    let second = ["", "", "", "", "", "", "", "別の品", "500", "1"];
    let order = only(evaluate(&Mapping::parse(text).unwrap(), &table(&[&first, &second])).unwrap());
    assert_eq!(order.problems, []);
    assert_eq!((order.lines, order.bill.total), (vec![1, 2], 1500));
    assert_eq!(order.bill.lines[0].tax_rate, Some(10));
}

#[test]
fn rows_that_the_mapping_names_are_passed_over() {
    let mapping = mapping("", "[[skip]]\nfrom = '取消'\nis = ['済']");
    let cells = [row(&["品", "1000", "1", "", "1000", "済"]), row(&["品", "1000", "1", "", "1000", ""])];
    let rows: Vec<&[&str]> = cells.iter().map(Vec::as_slice).collect();
    let evaluated = evaluate(&mapping, &with(&["取消"], &rows)).unwrap();
    let rule = Skipped::Rule { heading: "取消".into(), value: "済".into() };
    assert_eq!(evaluated.skipped, [(1, Skipped::Headings), (2, rule)]);
    assert_eq!(only(evaluated).problems, []);
}

#[test]
fn cells_of_an_order_that_differ_an_address_and_a_date_that_cannot_be_read_are_named_by_line_and_heading() {
    let mut other = row(&["品", "1000", "1", "", "2000"]);
    other[3] = "太郎";
    let order =
        only(evaluate(&mapping("", ""), &with(&[], &[&row(&["品", "1000", "1", "", "2000"]), &other])).unwrap());
    assert_eq!(kinds(&order), [(3, "姓+名", &ProblemKind::RowsDiffer)]);
    let mut wrong = row(&["品", "1000", "1", "", "1000"]);
    (wrong[1], wrong[5]) = ("26/11/20", "海外");
    let order = only(evaluate(&mapping("", ""), &with(&[], &[&wrong])).unwrap());
    let address = ProblemKind::Address("海外".into());
    assert!(kinds(&order).contains(&(2, "日時", &ProblemKind::Date("26/11/20".into()))));
    assert!(kinds(&order).contains(&(2, "住所", &address)));
    for (lang, word) in [(Lang::Ja, "住所を確かめて"), (Lang::En, "look at the address")] {
        let said: Vec<_> = order.problems.iter().map(|problem| error_text::problem(problem, lang)).collect();
        assert!(said.iter().any(|said| said.contains(word) && said.contains("海外") && said.contains('2')), "{said:?}");
    }
}

#[test]
fn a_number_that_a_spreadsheet_destroyed_gathers_nothing() {
    let mut first = row(&["品", "1000", "1", "", "1000"]);
    first[0] = "3.0E+11";
    let second = first.clone();
    let evaluated = evaluate(&mapping("", ""), &with(&[], &[&first, &second])).unwrap();
    assert_eq!(evaluated.orders.len(), 2);
    let mut marked = first.clone();
    marked[0] = "=\"N-1\"";
    let plain = row(&["品", "1000", "1", "", "1000"]);
    assert_eq!(evaluate(&mapping("", ""), &with(&[], &[&marked, &plain])).unwrap().orders.len(), 1);
}

#[test]
fn an_order_that_is_in_the_file_twice_is_not_billed_twice() {
    let amazon = file("amazon-tabs.txt");
    let line = |at: usize, line: u64| Record { line, cells: amazon[at].cells.clone() };
    let twice = [line(0, 1), line(1, 2), line(0, 3), line(1, 4)];
    let evaluated = by_preset("amazon", &twice);
    let expected = [(1, Skipped::Headings), (3, Skipped::Headings), (4, Skipped::Repeated(2))];
    assert_eq!(evaluated.skipped, expected);
    assert_eq!(only(evaluated).bill.total, 2500);
    let mut other = line(1, 4);
    other.cells[11] = "3000".to_owned();
    let order = only(by_preset("amazon", &[line(0, 1), line(1, 2), other]));
    assert_eq!(kinds(&order), [(4, "order-item-id", &ProblemKind::RowsDiffer)]);
    // Without a number for each row, a total shows it; without both, rows that come again later are refused.
    let mut rows: Vec<Vec<&str>> = vec![row(&["品", "1000", "1", "", "1000"]); 3];
    rows[1][0] = "N-2";
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    let first = |head: &str| evaluate(&mapping(head, ""), &with(&[], &rows)).unwrap().orders.remove(0);
    assert_eq!(kinds(&first("")), [(4, "番号", &ProblemKind::Repeated(2))]);
    assert_eq!(kinds(&first("prices = { total = 'computed' }")), [(4, "番号", &ProblemKind::Repeated(2))]);
}

#[test]
fn cells_beyond_the_headings_an_item_of_quantity_0_and_a_negative_fee() {
    let empty = row(&["品", "1000", "1", "", "1000", "", " "]);
    assert_eq!(only(evaluate(&mapping("", ""), &with(&[], &[&empty])).unwrap()).problems, []);
    let shifted = row(&["品", "1000", "1", "", "1000", "", "x"]);
    let order = only(evaluate(&mapping("", ""), &with(&[], &[&shifted])).unwrap());
    assert_eq!(kinds(&order), [(2, "番号", &ProblemKind::Cells { expected: 12, found: 14 })]);
    let cancelled = [row(&["品", "1000", "1", "", "1000"]), row(&["取消品", "700", "0", "", "1000"])];
    let rows: Vec<&[&str]> = cancelled.iter().map(Vec::as_slice).collect();
    let order = only(evaluate(&mapping("", ""), &with(&[], &rows)).unwrap());
    assert_eq!((lines(&order), &order.problems), (vec![("品", 1000, 1)], &vec![]));
    let negative = row(&["品", "1000", "1", "", "900", "-100"]);
    let order = only(evaluate(&mapping("", "\"送料\" = '送料'"), &with(&["送料"], &[&negative])).unwrap());
    assert_eq!(kinds(&order), [(2, "送料", &ProblemKind::Negative("-100".into()))]);
}

#[test]
fn headings_that_are_missing_are_named_with_the_column_that_needs_them() {
    let mut records = with(&[], &[&row(&["品", "1000", "1", "", "1000"])]);
    records[0].cells[2] = "苗字".into();
    let missing = MappingError::Missing { heading: "姓".into(), column: "注文者氏名".into() };
    assert_eq!(evaluate(&mapping("", ""), &records), Err(vec![missing.clone()]));
    for lang in [Lang::Ja, Lang::En] {
        let said = error_text::mapping_error(&missing, lang);
        assert!(said.contains('姓') && said.contains("注文者氏名"), "{said}");
    }
    assert_eq!(evaluate(&mapping("", ""), &table(&[&["a", "b"], &["1", "2"]])), Err(vec![MappingError::NoHeadings]));
    let none = Mapping::parse("[columns]\n\"注文番号\" = \"番号\"").unwrap();
    let wrong = evaluate(&none, &records).unwrap_err();
    assert!(wrong.contains(&MappingError::NoSource("注文日時".into())), "{wrong:?}");
}

#[test]
fn a_mapping_says_what_is_wrong_with_it_and_has_limits() {
    let wrong = |text: &str| error_text::definition_error(&Mapping::parse(text).unwrap_err(), Lang::En);
    for (text, said) in [
        ("colums = {}", "no key colums"),
        ("[columns]\n\"注文者\" = \"a\"", "no such column: 注文者"),
        ("[columns]\n\"注文番号\" = { colum = \"a\" }", "no key colum"),
        ("[columns]\n\"注文番号\" = { column = \"a\", text = \"b\" }", "exactly one of"),
        ("[columns]\n\"注文番号\" = {}", "exactly one of"),
        ("[columns]\n\"注文番号\" = { text = \"a\", nth = 2 }", "nth goes with column"),
        ("[columns]\n\"注文番号\" = { text = \"a\", with = \"-\" }", "with goes with join"),
        ("[columns]\n\"注文番号\" = { column = \"a\", part = \"town\" }", "unknown variant `town`"),
        ("[columns]\n\"注文番号\" = { column = \"a\", nth = 0 }", "a place counts from 1"),
        ("[columns]\n\"注文番号\" = { position = 0 }", "a place counts from 1"),
        ("[columns]\n\"注文番号\" = { join = [] }", "no parts"),
        ("[columns]\n\"注文番号\" = { column = \"a\", words = \"none\" }", "no table of words"),
        ("[columns]\n\"注文番号\" = { column = \"a\", per = \"row\" }", "per goes with"),
        ("[columns]\n\"注文番号\" = \"\"", "a heading is empty"),
        ("prices = { rounding = \"nearest\" }", "unknown variant `nearest`"),
        ("prices = { default-rate = 101 }", "100 percent"),
        ("[[adjustments]]\nname = \"\"\namount = \"a\"\nsign = \"taken-off\"", "a name is empty"),
        ("[[adjustments]]\nname = \"a\"\namount = \"a\"", "sign is missing"),
    ] {
        let found = wrong(text);
        assert!(found.contains(said), "{text}: {found}");
    }
    let deep = (0..10).fold("\"a\"".to_owned(), |inner, _| format!("{{ join = [{inner}] }}"));
    assert!(wrong(&format!("[columns]\n\"注文番号\" = {deep}")).contains("too deep"));
    let wide = format!("[columns]\n\"注文番号\" = {{ join = [{}] }}", "\"a\",".repeat(17));
    assert!(wrong(&wide).contains("too many"));
    assert_eq!(Mapping::parse(&" ".repeat(70_000)), Err(DefinitionError::TooLarge));
}

#[test]
fn a_file_that_several_presets_can_read_is_offered_to_all_of_them_the_best_first() {
    let headings = |ids: &[&str]| -> Vec<String> {
        let all = ids.iter().flat_map(|id| {
            let mapping = &preset::find(id).unwrap().mapping;
            mapping.values().into_iter().flat_map(|(_, value)| value.headings()).collect::<Vec<_>>()
        });
        let recognised = ids.iter().flat_map(|id| preset::find(id).unwrap().recognised.all.iter());
        let mut all: Vec<String> = all.map(str::to_owned).chain(recognised.cloned()).collect();
        all.sort();
        all.dedup();
        all
    };
    let offered = |ids: &[&str]| -> Vec<&str> {
        preset::recognise(&headings(ids)).into_iter().map(|preset| preset.id.as_str()).collect()
    };
    assert_eq!(offered(&["shopify", "amazon"]), ["shopify", "amazon"]);
    assert_eq!(offered(&["amazon"]), ["amazon"]);
    assert_eq!(preset::recognise(&["注文番号".to_owned(), "商品名".to_owned()]).len(), 0);
}

#[test]
fn an_order_stands_under_our_headings_whatever_its_file_looks_like() {
    let order = only(by_preset("shopify", &file("shopify.csv")));
    let rows = order.rows();
    assert_eq!(rows.len(), order.bill.lines.len());
    let plain: Vec<Vec<String>> =
        rows.iter().map(|cells| cells.iter().map(|(_, cell)| cell.to_owned()).collect()).collect();
    let headings: Vec<String> = Column::VARIANTS.iter().map(|column| column.name().to_owned()).collect();
    let records = [headings].into_iter().chain(plain).enumerate();
    let records: Vec<Record> = records.map(|(at, cells)| Record { line: at as u64 + 1, cells }).collect();
    let again = only(evaluate(&Mapping::renamed([]), &records).unwrap());
    assert_eq!((&again.cells, &again.destinations[0].cells), (&order.cells, &order.destinations[0].cells));
    assert_eq!((lines(&again), again.bill.total), (lines(&order), order.bill.total));
    assert_eq!(again.problems, []);
}

/// Cells as exports have them, and cells as nobody would write them.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        4 => "[A-C]-[1-3]",
        4 => "-?[0-9]{1,6}(\\.[0-9]{1,2})?",
        2 => "[1-9]",
        2 => Just("東京都渋谷区神南1-2-3".to_owned()),
        2 => Just("2026/11/20 10:00".to_owned()),
        1 => Just("合計".to_owned()),
        2 => "[ぁ-ん一-龠 　]{0,6}",
        1 => any::<String>(),
    ]
}

proptest! {
    #[test]
    fn every_record_comes_out_exactly_once(
        rows in prop::collection::vec(prop::collection::vec(cell(), 0..16), 0..30),
        number_on_first_row in any::<bool>(),
    ) {
        let mut mapping = mapping(
            "destination = '宛先'",
            "[[adjustments]]\nname = 'ポイント'\namount = { column = '点', per = 'row' }\nsign = 'taken-off'",
        );
        mapping.number_on_first_row = number_on_first_row;
        let headings = HEADINGS.iter().chain(&["宛先", "点"]).map(|heading| (*heading).to_owned()).collect();
        let all = [headings].into_iter().chain(rows).enumerate();
        let records: Vec<Record> = all.map(|(at, cells)| Record { line: at as u64 + 1, cells }).collect();
        // A row may happen to have the headings, or more of them.
        let evaluated = evaluate(&mapping, &records).unwrap();
        let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
        let of_orders = evaluated.orders.iter().flat_map(|order| order.lines.iter().copied());
        for line in of_orders.chain(evaluated.skipped.iter().map(|(line, _)| *line)) {
            *seen.entry(line).or_default() += 1;
        }
        prop_assert_eq!(evaluated.records(), records.len());
        prop_assert!(records.iter().all(|record| seen.get(&record.line) == Some(&1)));
        for order in &evaluated.orders {
            let bill = &order.bill;
            prop_assert_eq!(bill.total, bill.goods() + bill.shipping_fee + bill.payment_fee);
            prop_assert!(bill.lines.iter().all(|line| order.lines.contains(&line.line)));
        }
    }

    #[test]
    fn an_order_without_a_problem_has_a_bill_that_is_its_total(
        prices in prop::collection::vec((1i64..100_000, 1u32..20), 1..6),
        points in 0i64..500,
        shipping in 0i64..2_000,
        off in prop_oneof![3 => Just(0i64), 1 => -3i64..4],
    ) {
        let goods: i64 = prices.iter().map(|(price, count)| price * i64::from(*count)).sum();
        let total = (goods + shipping - points + off).to_string();
        let mapping = mapping(
            "",
            "\"送料\" = '送料'\n[[adjustments]]\nname = 'ポイント'\namount = '点'\nsign = 'taken-off'",
        );
        let rows: Vec<Vec<String>> = prices
            .iter()
            .map(|(price, count)| {
                let rest = ["品".to_owned(), price.to_string(), count.to_string(), String::new(), total.clone()];
                let more = [shipping.to_string(), points.to_string()];
                BUYER.iter().map(|cell| (*cell).to_owned()).chain(rest).chain(more).collect()
            })
            .collect();
        let headings = HEADINGS.iter().chain(&["送料", "点"]).map(|heading| (*heading).to_owned()).collect();
        let all = [headings].into_iter().chain(rows).enumerate();
        let records: Vec<Record> = all.map(|(at, cells)| Record { line: at as u64 + 1, cells }).collect();
        let order = only(evaluate(&mapping, &records).unwrap());
        prop_assert_eq!(order.problems.is_empty(), off == 0, "{:?}", order.problems);
        prop_assert_eq!(order.bill.total, goods + shipping - points);
    }

    #[test]
    fn joining_and_parting_neither_lose_nor_invent_a_character(
        parts in prop::collection::vec("[ -~ぁ-ん一-龠０-９]{0,12}", 2),
        street in "[0-9一-龠ァ-ン-]{0,20}",
        city in prop::sample::select(vec![
            "東京都渋谷区", "三重県四日市市", "北海道余市郡余市町", "大阪府大阪市北区", "長野県大町市", "東京都町田市",
            "奈良県大和郡山市", "佐賀県杵島郡大町町", "東京都八丈島八丈町", "静岡県浜松市中区",
        ]),
    ) {
        let address = format!("{city}{street}");
        let cells = ["N-1", "20261120", &parts[0], &parts[1], "1500041", &address, "0300001000", "品", "100", "1", "", "100"];
        let order = only(evaluate(&mapping("", ""), &with(&[], &[&cells])).unwrap());
        let parted = [Column::BuyerPrefecture, Column::BuyerCity, Column::BuyerStreet].map(|column| order.cells.get(column));
        prop_assert_eq!(parted.concat(), address);
        let given: Vec<&str> = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
        prop_assert_eq!(order.cells.get(Column::BuyerName), given.join(" "));
    }

    #[test]
    fn files_of_any_bytes_are_told_apart_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        layout::separator(&bytes);
        if let Some((text, _)) = layout::without_utf16(&bytes) {
            prop_assert!(!text.is_empty() || bytes.len() <= 2);
        }
    }
}
