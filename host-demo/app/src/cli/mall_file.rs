//! The settings of a mall as a TOML file:
//!
//! ```toml
//! name = "本店"
//! provider = "atobarai-com"
//! invoice = "別送"              # or 同梱
//!
//! [settings]                    # keys as `plugin inspect` lists them
//! enterprise-id = "12345"
//!
//! [fees]
//! mode = "上書きする"            # or 加算する, 変更しない
//! [[fees.band]]
//! lower = 0
//! upper = 9999
//! fee = 330
//! [[fees.band]]
//! lower = 10000                 # no upper: without end
//! fee = 0
//!
//! [automation]
//! credit = "新規受付"            # the 受注ステータス that starts it; or "at-once", "never"
//! sync = "at-once"              # likewise, when a tracking number is entered
//! poll = true                   # ask about 審査中
//! approved = "出荷待ち"          # the 受注ステータス of an order that was approved; likewise rejected, on-hold
//!
//! [mapping]                     # how this mall's export is read, where it does not have our own headings
//! preset = "rakuten"            # a preset, and what differs from it; or a whole mapping
//! [mapping.columns]
//! "備考" = "店舗メモ"
//!
//! [tracking-mapping]            # how files of tracking numbers of this mall's orders are read; absent: by their headings
//! preset = "b2-cloud"           # a format of `tracking formats`, and what differs from it; or a whole mapping
//! [tracking-mapping.columns]
//! "注文番号" = "備考"
//!
//! [take]                        # which orders of an export are taken: a column, the values there
//! "支払方法" = ["後払い決済"]
//! ```
//!
//! `rows-per-request = 50`, above the tables, bounds how many orders one request to the provider carries, and so how
//! many are in doubt when its answer is lost.
//! With `results = "csv"` credit results come by CSV and not through the provider's API.

use domain::columns::Takes;
use domain::invoice::Invoice;
use domain::lang::Lang;
use domain::mall::{Automation, Band, Fees, MAX_ROWS_PER_REQUEST, Mall, Mode, Start};
use domain::validation::{MallProblem, Wrong, band_key, shape_problems};
use service::malls::{MAPPING, TRACKING_MAPPING};
use service::messages::localize::Localize;
use std::collections::BTreeMap;
use strum::VariantArray;
use toml::{Table, Value};

/// A settings file is a page of text; more is some other file.
pub(super) const MAX_FILE_BYTES: u64 = 256 << 10;

/// Reads a settings file: the mall as far as it can be read, and every problem with it.
///
/// # Errors
///
/// It is no TOML.
pub fn parse(id: &str, text: &str) -> Result<(Mall, Vec<MallProblem>), toml::de::Error> {
    let mut reader = Reader::default();
    let file = Keys { at: String::new(), table: text.parse()? };
    reader.unknown_keys(&file, &KEYS);
    let mut mall = Mall { id: id.to_owned(), ..Mall::default() };
    mall.name = reader.required(&file, "name", Reader::text).unwrap_or_default();
    mall.provider = reader.required(&file, "provider", Reader::text).unwrap_or_default();
    if let Some(text) = reader.optional(&file, "invoice", Reader::text) {
        mall.invoice =
            reader.choice("invoice", Invoice::parse(&text), "別送 (separate), 同梱 (enclosed)").unwrap_or_default();
    }
    if let Some(settings) = reader.optional(&file, "settings", Reader::table) {
        mall.settings = reader.texts(&settings).into_iter().map(|(key, value)| (key, value.into())).collect();
    }
    if let Some(fees) = reader.optional(&file, "fees", Reader::table) {
        mall.fees = reader.fees(&fees);
    }
    if let Some(text) = reader.optional(&file, "results", Reader::text) {
        let by_csv = [("api", false), ("csv", true)].iter().find(|(name, _)| *name == text).map(|(_, by_csv)| *by_csv);
        mall.by_csv = reader.choice("results", by_csv, "api, csv").unwrap_or_default();
    }
    if let Some(automation) = reader.optional(&file, "automation", Reader::table) {
        mall.automation = reader.automation(&automation);
    }
    if let Some(mapping) = reader.optional(&file, MAPPING, Reader::table) {
        mall.mapping = table_text(text, MAPPING, &mapping.table);
    }
    if let Some(mapping) = reader.optional(&file, TRACKING_MAPPING, Reader::table) {
        mall.tracking_mapping = table_text(text, TRACKING_MAPPING, &mapping.table);
    }
    if let Some(take) = reader.optional(&file, "take", Reader::table) {
        mall.take = reader.lists(&take);
    }
    if let Some(rows) = reader.optional(&file, "rows-per-request", Reader::rows) {
        mall.rows_per_request = rows;
    }
    // A key that is wrong or missing is named once.
    let shape = shape_problems(&mall).into_iter();
    let shape: Vec<_> = shape.filter(|new| reader.problems.iter().all(|known| known.key != new.key)).collect();
    reader.problems.extend(shape);
    Ok((mall, reader.problems))
}

/// The `table` called `name` of a settings file as a text of its own: the lines of its sections from the first on, so that
/// comments stay and an error's line can be found. Written anew where it stands otherwise in the file.
fn table_text(file: &str, name: &str, table: &Table) -> String {
    let (mut lines, mut is_inside) = (Vec::new(), false);
    for line in file.lines() {
        let header = line.trim_start().trim_start_matches('[');
        let is_header = header.len() < line.trim_start().len();
        let rest = header.strip_prefix(name).filter(|_| is_header);
        match rest.and_then(|rest| rest.chars().next()) {
            Some(']') => {
                is_inside = true;
                // Its header keeps its line.
                lines.push(String::new());
            }
            Some('.') => {
                is_inside = true;
                lines.push(line.replacen(&format!("{name}."), "", 1));
            }
            _ if is_header => is_inside = false,
            _ if is_inside => lines.push(line.to_owned()),
            _ => {}
        }
    }
    let text = lines.join("\n");
    match text.parse::<Table>() {
        Ok(same) if same == *table => text,
        // A table that was read from TOML is TOML.
        _ => toml::to_string(table).unwrap_or_default(),
    }
}

/// The keys of a settings file.
const KEYS: [&str; 11] = [
    "name",
    "provider",
    "invoice",
    "results",
    "rows-per-request",
    "settings",
    "fees",
    "automation",
    MAPPING,
    TRACKING_MAPPING,
    "take",
];

/// A mode by its label in either language.
fn mode(text: &str) -> Option<Mode> {
    let is_called = |mode: &&Mode| [Lang::Ja, Lang::En].iter().any(|lang| mode.localized(*lang) == text);
    Mode::VARIANTS.iter().find(is_called).copied()
}

/// A table of the file and where it is.
struct Keys {
    at: String,
    table: Table,
}

/// Reads values of the types they must have, and collects what is wrong.
#[derive(Default)]
struct Reader {
    problems: Vec<MallProblem>,
}

type Read<T> = fn(&mut Reader, String, &Value) -> Option<T>;

impl Reader {
    fn say(&mut self, key: impl Into<String>, wrong: Wrong) {
        self.problems.push(MallProblem::new(key, wrong));
    }

    fn wrong<T>(&mut self, key: String, wrong: Wrong) -> Option<T> {
        self.say(key, wrong);
        None
    }

    fn unknown_keys(&mut self, keys: &Keys, known: &[&str]) {
        for key in keys.table.keys().filter(|key| !known.contains(&key.as_str())) {
            self.say(keys.path(key), Wrong::UnknownKey);
        }
    }

    fn choice<T>(&mut self, key: &str, chosen: Option<T>, choices: &'static str) -> Option<T> {
        if chosen.is_none() {
            self.say(key, Wrong::Choice(choices));
        }
        chosen
    }

    fn optional<T>(&mut self, keys: &Keys, key: &str, read: Read<T>) -> Option<T> {
        keys.table.get(key).and_then(|value| read(self, keys.path(key), value))
    }

    fn required<T>(&mut self, keys: &Keys, key: &str, read: Read<T>) -> Option<T> {
        match keys.table.contains_key(key) {
            true => self.optional(keys, key, read),
            false => self.wrong(keys.path(key), Wrong::Missing),
        }
    }

    fn text(&mut self, key: String, value: &Value) -> Option<String> {
        let text = value.as_str().map(str::to_owned);
        text.or_else(|| self.wrong(key, Wrong::Type("text in quotes")))
    }

    fn yen(&mut self, key: String, value: &Value) -> Option<i64> {
        value.as_integer().or_else(|| self.wrong(key, Wrong::Type("a whole number of yen")))
    }

    fn table(&mut self, key: String, value: &Value) -> Option<Keys> {
        match value.as_table() {
            Some(table) => Some(Keys { at: format!("{key}."), table: table.clone() }),
            None => self.wrong(key, Wrong::Type("a table")),
        }
    }

    /// Text alone: a number would lose its leading zeros, which ids have.
    fn texts(&mut self, keys: &Keys) -> BTreeMap<String, String> {
        let names: Vec<_> = keys.table.keys().cloned().collect();
        names.into_iter().filter_map(|key| Some((key.clone(), self.optional(keys, &key, Self::text)?))).collect()
    }

    /// Lists of text by key.
    fn lists(&mut self, keys: &Keys) -> Takes {
        let names: Vec<_> = keys.table.keys().cloned().collect();
        let list = |reader: &mut Self, key: String, value: &Value| {
            let words =
                value.as_array().and_then(|list| list.iter().map(|text| Some(text.as_str()?.to_owned())).collect());
            words.or_else(|| reader.wrong(key, Wrong::Type("a list of text in quotes")))
        };
        names.into_iter().filter_map(|key| Some((key.clone(), self.optional(keys, &key, list)?))).collect()
    }

    fn rows(&mut self, key: String, value: &Value) -> Option<u32> {
        let rows = value.as_integer().and_then(|rows| u32::try_from(rows).ok());
        rows.or_else(|| self.wrong(key, Wrong::Number(MAX_ROWS_PER_REQUEST)))
    }

    fn yes(&mut self, key: String, value: &Value) -> Option<bool> {
        value.as_bool().or_else(|| self.wrong(key, Wrong::Type("true or false")))
    }

    fn start(&mut self, key: String, value: &Value) -> Option<Start> {
        let text = self.text(key, value)?;
        Some(match text.as_str() {
            "never" => Start::Never,
            "at-once" => Start::AtOnce,
            _ => Start::Status(text),
        })
    }

    fn automation(&mut self, keys: &Keys) -> Automation {
        self.unknown_keys(keys, &["credit", "poll", "sync", "approved", "rejected", "on-hold"]);
        let usual = Automation::default();
        Automation {
            credit: self.optional(keys, "credit", Self::start).unwrap_or(usual.credit),
            poll: self.optional(keys, "poll", Self::yes).unwrap_or(usual.poll),
            sync: self.optional(keys, "sync", Self::start).unwrap_or(usual.sync),
            approved: self.optional(keys, "approved", Self::text),
            rejected: self.optional(keys, "rejected", Self::text),
            on_hold: self.optional(keys, "on-hold", Self::text),
        }
    }

    fn fees(&mut self, keys: &Keys) -> Fees {
        self.unknown_keys(keys, &["mode", "band"]);
        let mode = self.required(keys, "mode", Self::text).and_then(|text| {
            self.choice("fees.mode", mode(&text), "keep (変更しない), replace (上書きする), add (加算する)")
        });
        let bands = self.optional(keys, "band", |reader, key, value| match value.as_array() {
            Some(rows) => Some(rows.clone()),
            None => reader.wrong(key, Wrong::Type("a list of tables, [[fees.band]]")),
        });
        let rows = bands.unwrap_or_default().into_iter().enumerate();
        let bands = rows.filter_map(|(at, row)| self.band(band_key(at), &row)).collect();
        Fees { mode: mode.unwrap_or_default(), bands }
    }

    fn band(&mut self, key: String, row: &Value) -> Option<Band> {
        let keys = self.table(key, row)?;
        self.unknown_keys(&keys, &["lower", "upper", "fee"]);
        let lower = self.required(&keys, "lower", Self::yen);
        let upper = self.optional(&keys, "upper", Self::yen);
        let fee = self.required(&keys, "fee", Self::yen);
        Some(Band { lower: lower?, upper, fee: fee? })
    }
}

impl Keys {
    fn path(&self, key: &str) -> String {
        format!("{}{key}", self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use service::csv::mapping::{self, column::Column, setting};
    use service::csv::tracking_format::{TrackingColumn, TrackingMapping};

    const GOOD: &str = r#"
        name = "本店"
        provider = "atobarai-com"
        invoice = "同梱"
        rows-per-request = 20
        [settings]
        enterprise-id = "01234"
        [fees]
        mode = "上書きする"
        [[fees.band]]
        lower = 0
        upper = 9999
        fee = 330
        [[fees.band]]
        lower = 10000
        fee = 0
        [automation]
        credit = "新規受付"
        sync = "at-once"
        rejected = "お支払い確認"
        [mapping]
        preset = "rakuten"
        [mapping.columns]
        "備考" = "店舗メモ"
        [tracking-mapping]
        preset = "b2-cloud"
        [tracking-mapping.columns]
        "注文番号" = "備考"
        [take]
        "支払方法" = ["後払い決済"]
    "#;

    #[test]
    fn a_whole_file() {
        let (mall, problems) = parse("main", GOOD).unwrap();
        assert_eq!(problems, []);
        assert_eq!((mall.name.as_str(), mall.provider.as_str()), ("本店", "atobarai-com"));
        assert_eq!(mall.invoice, Invoice::Enclosed);
        assert_eq!(mall.settings["enterprise-id"].expose(), "01234");
        assert_eq!(mall.fees.mode, Mode::Replace);
        assert_eq!(mall.fees.bands[1], Band { lower: 10000, upper: None, fee: 0 });
        let expected = Automation {
            credit: Start::Status("新規受付".into()),
            sync: Start::AtOnce,
            rejected: Some("お支払い確認".into()),
            ..Automation::default()
        };
        assert_eq!(mall.automation, expected);
        let mapping = setting::mapping(&mall.mapping).unwrap();
        assert_eq!(mapping.columns[&Column::Note], mapping::value::Value::column("店舗メモ"));
        assert_eq!(mapping.columns[&Column::Number], mapping::value::Value::column("注文番号"));
        let tracking = TrackingMapping::of_setting(&mall.tracking_mapping).unwrap().unwrap();
        assert_eq!(tracking.columns[&TrackingColumn::OrderNumber], mapping::value::Value::column("備考"));
        assert_eq!(tracking.columns[&TrackingColumn::Tracking], mapping::value::Value::column("伝票番号"));
        assert_eq!(mall.take, Takes::from([("支払方法".to_owned(), vec!["後払い決済".to_owned()])]));
        assert_eq!((mall.by_csv, mall.rows_per_request), (false, 20));
    }

    #[test]
    fn a_mapping_keeps_its_comments_and_its_lines_from_its_section_on() {
        let file = "name = \"a\"\nprovider = \"np\"\n[mapping]\npreset = \"rakuten\" # as it is\n[fees]\nmode = \"変更しない\"\n\
                    [mapping.columns]\n\"備考\" = \"店舗メモ\"\n";
        let expected = "\npreset = \"rakuten\" # as it is\n[columns]\n\"備考\" = \"店舗メモ\"";
        assert_eq!(parse("main", file).unwrap().0.mapping, expected);
        let inline = "name = \"a\"\nprovider = \"np\"\nmapping = { preset = \"rakuten\" }\n";
        assert_eq!(parse("main", inline).unwrap().0.mapping, "preset = \"rakuten\"\n");
    }

    #[test]
    fn every_problem_is_named_with_its_key() {
        let bad = r#"
            provider = "../etc"
            invoise = "別送"
            invoice = "あと"
            results = "fax"
            rows-per-request = 1001
            mapping = "rakuten"
            tracking-mapping = 1
            [settings]
            enterprise-id = 1234
            [fees]
            mode = "倍にする"
            [[fees.band]]
            lower = "0"
            fees = 1
            [automation]
            poll = "yes"
            approved = ""
            [take]
            "支払方法" = "後払い"
        "#;
        let (_, problems) = parse("main", bad).unwrap();
        let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "invoise",
                "name",
                "invoice",
                "settings.enterprise-id",
                "fees.mode",
                "fees.band[row 1].fees",
                "fees.band[row 1].lower",
                "fees.band[row 1].fee",
                "results",
                "automation.poll",
                "mapping",
                "tracking-mapping",
                "take.支払方法",
                "provider",
                "rows-per-request",
                "automation.approved"
            ]
        );
        assert!(problems.iter().all(|p| p.localized(Lang::Ja).starts_with(&p.key)));
        let english = |p: &MallProblem| p.localized(Lang::En).strip_prefix(&p.key).is_some_and(str::is_ascii);
        assert!(problems.iter().all(|p| english(p) || p.localized(Lang::En).contains("one of")));
    }
}
