//! Trying mappings on files: what a file looks like, which presets know it, what its first orders would be.

use domain::columns::Takes;
use service::csv::error::FileError;
use service::csv::mapping::choice::Source;
use service::csv::mapping::definition::{Mapping, Separator};
use service::csv::mapping::preset;
use service::csv::mapping::setting;
use service::mapping_preview::{MAX_SAMPLE_BYTES, Preview, SHOWN_ORDERS, Sample, look, preview};
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder(name)).unwrap()
}

fn export(id: &str) -> Vec<u8> {
    let names = ["csv", "txt"].map(|ending| folder("presets").join(format!("{id}.{ending}")));
    names.iter().find_map(|name| std::fs::read(name).ok()).unwrap_or_else(|| panic!("{id} has no export"))
}

fn tried(file: &[u8], text: &str) -> Result<Preview, FileError> {
    preview(&Sample::new(file), text, &Takes::new())
}

#[test]
fn every_export_is_recognised_and_shown_as_its_preset_reads_it() {
    for preset in preset::all() {
        let (sample, text) = (Sample::new(&export(&preset.id)), setting::of_preset(&preset.id));
        // Without a mapping, with our own headings, and with its own preset, the same headings are found.
        for mapping in [Mapping::default(), Mapping::renamed([]), preset.mapping.clone()] {
            let look = look(&sample, &mapping).unwrap();
            assert_eq!(look.recognised.first().map(|found| &found.id), Some(&preset.id));
            assert_eq!((look.heading_line, look.headings.len()), (1, look.examples.len()), "{}", preset.id);
            assert_eq!(look.mapping_errors.is_empty(), mapping == preset.mapping, "{}", preset.id);
        }
        let preview = preview(&sample, &text, &Takes::new()).unwrap();
        assert!((1..=SHOWN_ORDERS).contains(&preview.orders.len()), "{}", preset.id);
        assert_eq!(preview.counts.read(), look(&sample, &preset.mapping).unwrap().rows, "{}", preset.id);
        assert_eq!(preview.counts.refused.orders, preview.refused.len(), "{}: {:?}", preset.id, preview.refused);
        assert_eq!(tried(&export(&preset.id), &preset.text()).unwrap().orders, preview.orders, "{}", preset.id);
    }
}

#[test]
fn what_a_file_is_written_in_is_found() {
    let with = |id: &str, text: &str| look(&Sample::new(&export(id)), &setting::mapping(text).unwrap()).unwrap();
    let rakuten = with("rakuten", "");
    assert_eq!((rakuten.encoding, rakuten.separator), ("Shift_JIS", Separator::Comma));
    let name = rakuten.headings.iter().position(|heading| heading == "注文者姓").unwrap();
    assert_eq!(rakuten.examples[name], "試験");
    let amazon = with("amazon", "");
    // Its headings have Latin letters alone.
    assert_eq!((amazon.encoding, amazon.separator), ("Shift_JIS", Separator::Tab));
    let utf16 = look(&Sample::new(&file("csv/mapping/utf16-tabs.txt")), &Mapping::renamed([])).unwrap();
    assert_eq!((utf16.encoding, utf16.separator), ("UTF-16LE", Separator::Tab));
    let titled = look(&Sample::new(&file("csv/mapping/title-lines.csv")), &Mapping::renamed([])).unwrap();
    assert_eq!((titled.heading_line, titled.mapping_errors), (3, vec![]));
    // Of a file that nobody knows the fullest row has the headings.
    let unknown = look(&Sample::new("店の一覧\r\n\r\n甲,乙,丙\r\n1,,3\r\n".as_bytes()), &Mapping::renamed([])).unwrap();
    assert_eq!((unknown.heading_line, unknown.headings), (3, ["甲", "乙", "丙"].map(str::to_owned).to_vec()));
    assert_eq!((unknown.rows, unknown.examples), (1, ["1", "", "3"].map(str::to_owned).to_vec()));
    assert!(matches!(look(&Sample::new(b""), &Mapping::renamed([])), Err(FileError::Empty)));
}

#[test]
fn headings_that_come_twice_and_columns_without_a_heading_are_told_apart() {
    let twice = look(&Sample::new(&file("csv/mapping/heading-twice.csv")), &Mapping::renamed([])).unwrap();
    let sources = Source::all(&twice.headings);
    for nth in [1, 2] {
        assert!(sources.contains(&Source::Heading("送料".to_owned(), Some(nth))), "{sources:?}");
    }
    let bare = setting::mapping("file = { no-headings = true }\n").unwrap();
    let bare = look(&Sample::new(b"1,2\n3,4,5\n"), &bare).unwrap();
    assert_eq!((bare.heading_line, bare.rows), (0, 2));
    assert_eq!(Source::all(&bare.headings), [1, 2, 3].map(Source::Position));
}

#[test]
fn the_mall_says_which_orders_are_shown_and_an_import_would_ask_without() {
    let text = setting::of_preset("shopify");
    let all = tried(&export("shopify"), &text).unwrap();
    assert!(all.question.is_some(), "how orders are paid makes an import ask");
    let paid = Takes::from([("Payment Method".to_owned(), vec!["後払い".to_owned()])]);
    let some = preview(&Sample::new(&export("shopify")), &text, &paid).unwrap();
    assert!(some.orders.len() < all.orders.len() && !some.orders.is_empty(), "{some:?}");
    assert!(some.counts.passed_over().rows > 0);
}

#[test]
fn of_a_large_file_the_beginning_is_read_and_no_half_order_is_shown() {
    let ours = "注文番号,注文日時,注文者氏名,注文者郵便番号,注文者都道府県,注文者市区町村,注文者住所,注文者電話番号,合計金額,商品名,単価,数量\r\n";
    let row = |order: usize| {
        format!("A{order},2026-11-20,見本 花子,150-0041,東京都,渋谷区,神南1-2-3,03-0000-1000,1000,見本品,500,1\r\n")
    };
    let rows = 2 * MAX_SAMPLE_BYTES / row(0).len();
    // Two rows for each order.
    let whole: String = [ours.to_owned()].into_iter().chain((0..rows).map(|at| row(at / 2))).collect();
    let sample = Sample::new(whole.as_bytes());
    assert!(sample.is_cut());
    let read = preview(&sample, "", &Takes::new()).unwrap();
    assert!(read.is_cut);
    assert_eq!((read.counts.refused.rows, read.refused.len()), (0, 0), "{:?}", read.refused);
    assert!(read.counts.taken.orders > 1_000 && read.counts.taken.orders < rows / 2, "{:?}", read.counts);
    let small = Sample::new(format!("{ours}{}{}", row(1), row(1)).as_bytes());
    assert!(!small.is_cut());
    assert_eq!(preview(&small, "", &Takes::new()).unwrap().counts.taken.orders, 1);
}

#[test]
fn a_sample_in_utf_16_is_cut_between_two_characters() {
    let text: String = (0..MAX_SAMPLE_BYTES).map(|at| if at % 40 == 39 { '\n' } else { 'あ' }).collect();
    for (mark, pair) in [([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]), ([0xfe, 0xff], u16::to_be_bytes)] {
        let bytes: Vec<u8> = mark.into_iter().chain(text.encode_utf16().flat_map(pair)).collect();
        let look = look(&Sample::new(&bytes), &Mapping::renamed([])).unwrap();
        assert!(look.rows > 1_000, "{}", look.rows);
    }
}
