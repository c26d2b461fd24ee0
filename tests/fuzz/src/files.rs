//! Files of orders and of tracking numbers, by every preset and format, and the mappings themselves.

use domain::columns::Takes;
use domain::lang::Lang;
use domain::normalize::{phone, postal_code, prefecture, text};
use domain::order::Person;
use service::csv::encoding::Charset;
use service::csv::limits::MAX_ITEMS;
use service::csv::mapping::column::Column;
use service::csv::mapping::definition::Mapping;
use service::csv::mapping::preset::{self, Preset};
use service::csv::mapping::text::Definition;
use service::csv::mapping::value::Value;
use service::csv::mapping::{edit, setting};
use service::csv::order_file::{self, FileOrder, OrderFileError, Parsed, Reading};
use service::csv::row_result::{Entry, RowResult};
use service::csv::selection::Choice;
use service::csv::tracking_file::{self, FormatChoice};
use service::csv::tracking_format::{self, TrackingFormat, TrackingMapping};
use service::messages::localize::Localize;
use std::collections::BTreeSet;

/// Stands between a mapping and a file.
const BETWEEN: u8 = 0x1e;
/// A message repeats parts of a file, each a few times; the rest are its own words.
const TIMES_SAID: usize = 16;
/// Those name every heading of a preset that a file has not: more than five thousand bytes for the largest.
const OWN_WORDS: usize = 8_192;

fn charset(byte: u8) -> Option<Charset> {
    [None, None, Some(Charset::Utf8), Some(Charset::ShiftJis)].get(usize::from(byte % 4)).copied().flatten()
}

/// Lines of a file, as an editor counts them. What DOS ends a file with is none.
fn lines(file: &[u8]) -> usize {
    let mut file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    while let Some(before) = file.strip_suffix(b"\x1a") {
        file = before;
    }
    let mut lines = 0;
    let mut rest = file;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        rest = &rest[end..];
        let pair = rest.starts_with(b"\r\n");
        rest = &rest[rest.len().min(if pair { 2 } else { 1 })..];
        lines += 1;
    }
    lines
}

fn is_utf16(file: &[u8]) -> bool {
    file.starts_with(b"\xff\xfe") || file.starts_with(b"\xfe\xff") || file.contains(&0)
}

/// What is said of a file has words in both languages, of a bounded length.
fn check_words(said: &impl Localize, file: &[u8]) {
    for lang in [Lang::Ja, Lang::En] {
        let words: String = said.localized(lang).into();
        assert!(!words.trim().is_empty(), "nothing is said");
        assert!(words.len() <= TIMES_SAID * file.len() + OWN_WORDS, "{} bytes of words", words.len());
    }
}

/// The rows of a file add up, and each that is refused names its line and what is wrong.
fn check_entries<T>(entries: &[Entry<T>], file: &[u8]) {
    let all = lines(file) as u64;
    let mut before = 0;
    for entry in entries {
        assert!(entry.rows > 0, "an entry of no row");
        // In UTF-16 the bytes of a line end are in other characters too.
        assert!(is_utf16(file) || (1..=all).contains(&entry.line), "line {} of {all}", entry.line);
        assert!(before <= entry.line, "the entries are not in the order of the file");
        before = entry.line;
        match &entry.result {
            RowResult::Refused(errors) => {
                assert!(!errors.is_empty(), "refused for nothing");
                errors.iter().for_each(|error| check_words(error, file));
            }
            RowResult::Skipped(reason) => check_words(reason, file),
            RowResult::Taken(_) => {}
        }
    }
    let rows: usize = entries.iter().map(|entry| entry.rows).sum();
    assert!(is_utf16(file) || rows as u64 <= all, "{rows} rows of {all} lines");
}

/// A file of orders, read by one of the presets or by our own headings.
pub(crate) fn orders(input: &[u8]) {
    let [mapping, options, file @ ..] = input else { return };
    let presets = preset::all();
    match usize::from(*mapping) % (presets.len() + 1) {
        0 => read_orders(&Mapping::renamed([]), *options, file),
        at => read_orders(&presets[at - 1].mapping, *options, file),
    }
}

fn read_orders(mapping: &Mapping, options: u8, file: &[u8]) {
    let encoding = charset(options).map(Charset::encoding);
    let setting = Takes::new();
    let read = |told: &[String]| {
        order_file::parse(file, Reading { encoding, mapping, take: Choice { told, setting: &setting } })
    };
    match read(&[]) {
        Ok(parsed) => check_orders(mapping, &parsed, file),
        Err(OrderFileError::File(error)) => check_words(&error, file),
        Err(OrderFileError::ChoiceNeeded(question)) => {
            assert!(!question.columns.is_empty(), "a question about nothing");
            check_words(&question, file);
            let told: Vec<String> = question.answers().map(|answer| answer.told()).collect();
            match read(&told) {
                Ok(parsed) => check_orders(mapping, &parsed, file),
                Err(OrderFileError::File(error)) => panic!("an answer that was offered is refused: {error:?}"),
                Err(OrderFileError::ChoiceNeeded(again)) => {
                    let more_than_shown = question.columns.iter().any(|column| column.orders.len() > 50);
                    assert!(more_than_shown, "{told:?} was told, and it is asked again: {again:?}");
                }
            }
        }
    }
}

fn check_orders(mapping: &Mapping, parsed: &Parsed, file: &[u8]) {
    check_entries(&parsed.intake.entries, file);
    let counts = parsed.intake.counts();
    check_words(&counts, file);
    if !file.contains(&b'"') && !is_utf16(file) {
        let headings = usize::from(!mapping.file.no_headings);
        assert_eq!(counts.read() + headings, lines(file), "taken, refused and passed over are not the rows");
    }
    let mut numbers = BTreeSet::new();
    for (_, _, order) in parsed.intake.taken() {
        assert!(numbers.insert(order.number.as_str()), "the order {} is taken twice", order.number);
        check_order(order);
    }
}

fn check_order(order: &FileOrder) {
    let FileOrder { number, data, .. } = order;
    assert!(!number.trim().is_empty(), "an order without a number");
    assert!((1..=MAX_ITEMS).contains(&data.items.len()), "{} items", data.items.len());
    // Overflow is a panic in this build.
    let _ = data.goods() + order.shipping_fee + order.payment_fee;
    for person in [&data.buyer].into_iter().chain(&data.recipient) {
        check_person(person);
    }
    let texts = data.items.iter().map(|item| &item.name).chain(&data.note).chain(&order.order_status);
    texts.for_each(|value| assert_eq!(text::text(value).as_ref(), Ok(value), "not in its one form"));
}

fn check_person(person: &Person) {
    assert_eq!(postal_code::postal_code(&person.postal_code).as_ref(), Ok(&person.postal_code));
    assert_eq!(phone::phone(&person.phone).as_ref(), Ok(&person.phone));
    assert_eq!(prefecture::prefecture(&person.prefecture), Some(person.prefecture.as_str()));
    let texts = [&person.name, &person.city, &person.street];
    let given = [&person.company, &person.department, &person.email].into_iter().flatten();
    texts.into_iter().chain(given).for_each(|value| {
        assert_eq!(text::text(value).as_ref(), Ok(value), "not in its one form");
    });
    assert!(person.kana.iter().all(|kana| text::kana(kana).as_ref() == Ok(kana)), "not in its one form");
}

/// A file of tracking numbers, recognised or read as one of the formats.
pub(crate) fn tracking(input: &[u8]) {
    let [format, options, file @ ..] = input else { return };
    let formats = tracking_format::all();
    let choice = match usize::from(*format) % (formats.len() + 2) {
        0 => FormatChoice::Recognised,
        1 => FormatChoice::Mapping(Box::new(TrackingMapping::pasted())),
        at => FormatChoice::Format(&formats[at - 2]),
    };
    read_tracking(&choice, *options, file);
}

fn read_tracking(choice: &FormatChoice, options: u8, file: &[u8]) {
    match tracking_file::parse(file, charset(options), choice, options & 4 != 0) {
        Ok(read) => check_entries(&read.entries, file),
        Err(error) => check_words(&error, file),
    }
}

/// A mapping's text, and a file that is read by it.
pub(crate) fn mappings(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == BETWEEN);
    let (toml, file) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Ok(toml) = std::str::from_utf8(toml) else { return };
    if let Ok(mapping) = setting::mapping(toml) {
        assert_eq!(mapping.check(), None, "a mapping that is accepted has something wrong");
        let written = toml::to_string(&mapping).expect("what was read can be written");
        assert_eq!(Mapping::parse(&written).as_ref(), Ok(&mapping), "it is read otherwise than it was: {written}");
        read_orders(&mapping, 0, file);
        change(toml, &mapping);
    }
    if let Ok(mapping) = TrackingMapping::parse(toml) {
        let written = toml::to_string(&mapping).expect("what was read can be written");
        assert_eq!(TrackingMapping::parse(&written).as_ref(), Ok(&mapping), "it is read otherwise than it was");
        read_tracking(&FormatChoice::Mapping(Box::new(mapping)), 0, file);
    }
    if let Ok(preset) = Preset::parse("preset", toml) {
        read_orders(&preset.mapping, 0, file);
    }
    if let Ok(format) = TrackingFormat::parse("format", toml) {
        read_tracking(&FormatChoice::Mapping(Box::new(format.mapping)), 0, file);
    }
}

/// A change of one column leaves every other as it was.
fn change(toml: &str, before: &Mapping) {
    let value = Value::column("店舗メモ");
    let Ok(changed) = edit::set_column(toml, Column::Note, Some(&value)) else { return };
    let Ok(after) = setting::mapping(&changed) else { panic!("a change makes it unreadable: {changed}") };
    assert_eq!(after.columns.get(&Column::Note), Some(&value), "{changed}");
    let others = |mapping: &Mapping| {
        let mut mapping = mapping.clone();
        mapping.columns.remove(&Column::Note);
        mapping
    };
    assert_eq!(others(&after), others(before), "{changed}");
}

/// A file below `host-demo`.
fn file(path: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../host-demo/");
    std::fs::read(format!("{root}{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file of a folder below `host-demo`, by its name without extension.
fn folder(path: &str) -> Vec<(String, Vec<u8>)> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../host-demo/");
    let entries = std::fs::read_dir(format!("{root}{path}")).unwrap_or_else(|error| panic!("{path}: {error}"));
    let files = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file());
    let mut files: Vec<_> = files
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap_or_default())
        })
        .collect();
    files.sort();
    files
}

/// The tests' files.
pub(crate) fn orders_seeds() -> Vec<Vec<u8>> {
    let own = ["service/tests/csv", "service/tests/csv/values", "service/tests/csv/mapping"];
    let own = own.into_iter().flat_map(folder).map(|(_, content)| [&[0, 0][..], &content].concat());
    let of_presets = folder("service/tests/presets").into_iter().filter_map(|(name, content)| {
        let at = preset::all().iter().position(|preset| preset.id == name)?;
        Some([&[at as u8 + 1, 0][..], &content].concat())
    });
    own.chain(of_presets).chain([[&[0, 0][..], &file("samples/orders-sjis.csv")].concat()]).collect()
}

/// A file by each format.
pub(crate) fn tracking_seeds() -> Vec<Vec<u8>> {
    let rows = [("A-1", "123456789013"), ("A-2", "3.0E+11"), ("A-2", "")];
    let of_format = |(at, format): (usize, &TrackingFormat)| {
        let headings = format.mapping.headings();
        let head = headings.join(",") + "\r\n";
        let row = |(number, slip): (&str, &str)| {
            let cells = headings.iter().enumerate().map(|(at, _)| if at % 2 == 0 { number } else { slip });
            cells.collect::<Vec<_>>().join(",") + "\r\n"
        };
        let text = head + &rows.map(row).concat();
        [vec![at as u8 + 2, 0], text.into_bytes()].concat()
    };
    let pasted = b"\x01\x00A-1\t123456789013\tyamato\t2026/11/24\r\nA-2\t1234\r\n".to_vec();
    let own = "\0\0モール,注文番号,伝票番号,配送業者,出荷日\r\n本店,A-1,123456789013,ヤマト運輸,2026/11/24\r\n";
    let formats = tracking_format::all().iter().enumerate().map(of_format);
    formats.chain([pasted, own.as_bytes().to_vec()]).collect()
}

/// The presets and formats, and a file that has some of their headings.
pub(crate) fn mappings_seeds() -> Vec<Vec<u8>> {
    let presets = preset::all().iter().flat_map(|preset| {
        let content = folder("service/tests/presets").into_iter().find(|(name, _)| *name == preset.id);
        let content = content.map(|(_, content)| content).unwrap_or_default();
        let own = format!("preset = \"{}\"\n[columns]\n\"備考\" = \"店舗メモ\"\n", preset.id);
        [preset.text(), own].map(|text| [text.as_bytes(), &[BETWEEN], &content].concat())
    });
    let formats = folder("service/tracking-formats").into_iter().map(|(_, text)| text);
    let whole = folder("service/presets").into_iter().map(|(_, text)| text);
    presets.chain(formats).chain(whole).collect()
}
