//! A mall: one of a shop's storefronts, with the provider that judges its orders, its ids there, its
//! fee rule (手数料設定) and its choice of invoice. Read from a TOML file:
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
//! [headings]                    # columns that have another name in this mall's export: ours, theirs
//! "注文番号" = "受注番号"
//!
//! [take]                        # which orders of an export are taken: a column, the values there
//! "支払方法" = ["後払い決済"]
//! ```
//!
//! `rows-per-request = 50`, above the tables, bounds how many orders one request to the provider carries, and so how
//! many are in doubt when its answer is lost.
//! With `results = "csv"` credit results come by CSV and not through the provider's API.

use crate::domain::identifier::{is_mangled, mangled_words};
use crate::domain::issue::{Field, Lang, field_words};
use crate::domain::name::is_text;
use crate::domain::order::Invoice;
use crate::service::credit::MAX_CHUNK;
use crate::service::csv::selection::Takes;
use crate::service::import;
use crate::service::providers::directory::{Provider, is_name};
use provider_host::contract::{Bill, FeeBand, FeeMode, FeeRule, Setting, SettingKind};
use provider_host::{Account, CallError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Longest name of a mall, of a column and of an order status, in characters: they stand in table columns.
pub const MAX_NAME: usize = 64;
/// Longest value of a setting, in characters, whatever its plugin allows.
pub const MAX_SETTING: usize = 1_000;
/// Most columns that say which orders are taken, and most values of one: more than an export has.
const MAX_TAKES: usize = 100;
/// Orders in one request unless the mall says otherwise: as many as a person can look up at the provider in an hour
/// if the answer is lost.
pub const ROWS_PER_REQUEST: u32 = 50;
/// A settings file is a page of text; more is some other file.
pub const MAX_FILE_BYTES: u64 = 256 << 10;

/// A mall and its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Mall {
    /// Chosen by the operator; names the mall in every command.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The provider's id.
    pub provider: String,
    /// The provider's settings, by key.
    pub settings: BTreeMap<String, String>,
    /// 手数料設定
    pub fees: Fees,
    /// Where the order says nothing.
    pub invoice: Invoice,
    /// What happens by itself.
    pub automation: Automation,
    /// What the mall's export calls the columns that have another name there: ours, theirs.
    pub headings: BTreeMap<String, String>,
    /// Which orders of the mall's export are taken.
    pub take: Takes,
    /// Credit results come by CSV, not from the provider's API.
    pub by_csv: bool,
    /// Most orders in one request to the provider, from 1 to [`MAX_CHUNK`]; its own limit may be lower.
    pub rows_per_request: u32,
    /// The shop's account at the provider, by the store's number; 0 before the mall is stored.
    pub account: i64,
    /// Counts every change; 0 before the mall is stored.
    pub version: i64,
}

impl Default for Mall {
    fn default() -> Self {
        Mall {
            id: String::new(),
            name: String::new(),
            provider: String::new(),
            settings: BTreeMap::new(),
            fees: Fees::default(),
            invoice: Invoice::default(),
            automation: Automation::default(),
            headings: BTreeMap::new(),
            take: Takes::new(),
            by_csv: false,
            rows_per_request: ROWS_PER_REQUEST,
            account: 0,
            version: 0,
        }
    }
}

/// What happens to a mall's orders without an operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Automation {
    /// When credit is run.
    pub credit: Start,
    /// 審査中 and unknown outcomes are asked about.
    pub poll: bool,
    /// When an entered tracking number is reported.
    pub sync: Start,
    /// The order status of an order that was approved.
    pub approved: Option<String>,
    /// The order status of an order that was rejected.
    pub rejected: Option<String>,
    /// The order status of an order that is on hold.
    pub on_hold: Option<String>,
}

/// Money moves only when the shop said so; asking moves nothing, so it is done unless the shop says no.
impl Default for Automation {
    fn default() -> Self {
        Automation {
            credit: Start::Never,
            poll: true,
            sync: Start::Never,
            approved: None,
            rejected: None,
            on_hold: None,
        }
    }
}

/// When the automation begins an action.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// An operator does it.
    #[default]
    Never,
    /// As soon as it can be done: when the order comes in, when the tracking number is entered.
    AtOnce,
    /// When the order has this order status.
    Status(String),
}

impl Start {
    /// Whether it begins for an order of this order status.
    pub fn holds(&self, order_status: Option<&str>) -> bool {
        match self {
            Start::Never => false,
            Start::AtOnce => true,
            Start::Status(status) => order_status == Some(status),
        }
    }
}

/// A shop as a provider's customer. An order is asked about, cancelled and reported under the account
/// under which it was registered, whatever its mall does later.
#[derive(Debug, Clone, PartialEq)]
pub struct ShopAccount {
    /// The store's number.
    pub id: i64,
    /// The mall's id.
    pub mall: String,
    /// The provider's id.
    pub provider: String,
    /// The provider's settings, by key.
    pub settings: BTreeMap<String, String>,
    /// Counts every change.
    pub version: i64,
}

impl ShopAccount {
    /// As the host library is told it. Accounts of one mall share no connections.
    pub fn for_host(&self) -> Account {
        Account::new(format!("{}/{}", self.mall, self.id), contract_settings(&self.settings))
    }
}

fn contract_settings(settings: &BTreeMap<String, String>) -> Vec<Setting> {
    settings.iter().map(|(key, value)| Setting { key: key.clone(), value: value.clone() }).collect()
}

/// 手数料設定
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fees {
    /// What a band does to the fee.
    pub mode: Mode,
    /// In ascending order.
    pub bands: Vec<Band>,
}

/// What a band does to the fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// 変更しない
    #[default]
    Keep,
    /// 上書きする
    Replace,
    /// 加算する
    Add,
}

impl Mode {
    /// Both spellings that a file may use.
    const NAMES: [(&str, &str, Mode); 3] =
        [("keep", "変更しない", Mode::Keep), ("replace", "上書きする", Mode::Replace), ("add", "加算する", Mode::Add)];

    fn parse(text: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(en, ja, _)| text == *en || text == *ja).map(|(.., mode)| *mode)
    }

    /// 変更しない, 上書きする or 加算する.
    pub fn label(self, lang: Lang) -> &'static str {
        let found = Self::NAMES.iter().find(|(.., mode)| *mode == self);
        found.map_or("", |(en, ja, _)| lang.pick(ja, en))
    }
}

/// Bills from `lower` up to and including `upper` get `fee`; all in yen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Included.
    pub lower: i64,
    /// Included; absent: without end.
    pub upper: Option<i64>,
    /// Tax included.
    pub fee: i64,
}

impl Mall {
    /// The settings as a provider is given them.
    pub fn settings(&self) -> Vec<Setting> {
        contract_settings(&self.settings)
    }

    /// The mall as the provider's customer, with the settings as they are here: for trying them.
    pub fn account(&self) -> Account {
        Account::new(&self.id, self.settings())
    }

    /// The fee rule as a provider is given it.
    pub fn fee_rule(&self) -> FeeRule {
        let mode = match self.fees.mode {
            Mode::Keep => FeeMode::Keep,
            Mode::Replace => FeeMode::Replace,
            Mode::Add => FeeMode::Add,
        };
        let band = |band: &Band| FeeBand { lower: band.lower, upper: band.upper, fee: band.fee };
        FeeRule { mode, bands: self.fees.bands.iter().map(band).collect() }
    }
}

/// Something wrong in a settings file, at `key`.
#[derive(Debug, Clone, PartialEq)]
pub struct MallProblem {
    /// The key, with the table it is in.
    pub key: String,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong with a key of a settings file.
#[derive(Debug, Clone, PartialEq)]
pub enum Wrong {
    /// No such key.
    UnknownKey,
    /// The key must be there.
    Missing,
    /// Another type is needed: text, a whole number, a table …
    Type(&'static str),
    /// Must be one of these.
    Choice(&'static str),
    /// Longer than this many characters, or empty, or with characters that cannot be seen, or blanks around it.
    Text(usize),
    /// Not an id that a mall can have.
    Id,
    /// Not a number from 1 to this one.
    Number(usize),
    /// A spreadsheet made a number of it.
    Mangled,
    /// Not a provider's name.
    ProviderName,
    /// Not a column that is read, or the name of two.
    Heading,
    /// What the provider says about it.
    Provider(Field),
}

impl MallProblem {
    fn new(key: impl Into<String>, wrong: Wrong) -> Self {
        MallProblem { key: key.into(), wrong }
    }

    /// One line: the key, what is wrong, what to write instead.
    pub fn words(&self, lang: Lang) -> String {
        match &self.wrong {
            Wrong::Provider(field) => field_words(&Field { field: self.key.clone(), said: field.said.clone() }, lang),
            wrong => format!("{}: {}", self.key, wrong.words(lang)),
        }
    }
}

impl Wrong {
    /// What is wrong, what to write instead, without the key.
    pub fn words(&self, lang: Lang) -> String {
        match self {
            Wrong::UnknownKey => lang.pick(
                "この名前の項目はありません。綴りを確かめるか、行を消してください".into(),
                "there is no such key; check the spelling or remove it".into(),
            ),
            Wrong::Missing => lang.pick("この項目を書いてください".into(), "this key is required".into()),
            Wrong::Type(needed) => {
                lang.pick(format!("値の種類が違います（必要なのは {needed}）"), format!("the value must be {needed}"))
            }
            Wrong::Choice(choices) => {
                lang.pick(format!("{choices} のどれかにしてください"), format!("must be one of {choices}"))
            }
            Wrong::Text(max) => lang.pick(
                format!("1文字以上{max}文字以内で入力してください。前後の空白、改行、見えない文字は使えません"),
                format!(
                    "enter 1 to {max} characters, without blanks around them, line breaks and invisible characters"
                ),
            ),
            Wrong::Id => lang.pick(
                format!("半角英小文字・数字・ハイフンで、{MAX_NAME}文字以内にしてください（new は使えません）"),
                format!("use a to z, 0 to 9 and -, at most {MAX_NAME} characters; new cannot be used"),
            ),
            Wrong::Number(max) => lang
                .pick(format!("1から{max}までの整数にしてください"), format!("must be a whole number from 1 to {max}")),
            Wrong::Mangled => {
                lang.pick(format!("この値は{}", mangled_words(lang)), format!("the value {}", mangled_words(lang)))
            }
            Wrong::ProviderName => lang.pick(
                "後払い会社の名前は半角英小文字・数字・ハイフンです".into(),
                "a provider's name has a to z, 0 to 9 and - only".into(),
            ),
            Wrong::Heading => lang.pick(
                "この見出しは読み込みません。または二つの列が同じ名前です".into(),
                "no such column is read, or two have this name".into(),
            ),
            Wrong::Provider(field) => field.said.to_string(),
        }
    }
}

/// Reads a settings file: the mall as far as it can be read, and every problem with it.
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
        mall.settings = reader.texts(&settings);
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
    if let Some(headings) = reader.optional(&file, "headings", Reader::table) {
        mall.headings = reader.texts(&headings);
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

/// The keys of a settings file.
const KEYS: [&str; 10] = [
    "name",
    "provider",
    "invoice",
    "results",
    "rows-per-request",
    "settings",
    "fees",
    "automation",
    "headings",
    "take",
];

/// The page for a mall that is yet to be made stands where such a mall's own would.
const NO_ID: &str = "new";

/// What is wrong with a mall whatever its provider says: ids and names that cannot be used, columns that do not
/// exist or stand for two. The one rule for the page, the API and the command line.
pub fn shape_problems(mall: &Mall) -> Vec<MallProblem> {
    let id_fits = is_name(&mall.id) && mall.id != NO_ID;
    let named = [
        ("id", id_fits, Wrong::Id),
        ("name", is_text(&mall.name, MAX_NAME), Wrong::Text(MAX_NAME)),
        ("provider", is_name(&mall.provider), Wrong::ProviderName),
        ("rows-per-request", (1..=MAX_CHUNK).contains(&(mall.rows_per_request as usize)), Wrong::Number(MAX_CHUNK)),
    ];
    let named = named.into_iter().filter(|(_, fits, _)| !fits).map(|(key, _, wrong)| MallProblem::new(key, wrong));
    let settings = mall.settings.iter().filter(|(_, value)| !is_text(value, MAX_SETTING));
    let settings = settings.map(|(key, _)| MallProblem::new(format!("settings.{key}"), Wrong::Text(MAX_SETTING)));
    named.chain(settings).chain(column_problems(mall)).collect()
}

/// What is wrong with the names of columns and statuses.
fn column_problems(mall: &Mall) -> Vec<MallProblem> {
    let texts = mall.headings.iter().map(|(ours, theirs)| (format!("headings.{ours}"), theirs));
    let takes = mall.take.iter().flat_map(|(column, values)| {
        // An empty value stands for orders that have none.
        let values = values.iter().filter(|value| !value.is_empty());
        values.chain([column]).map(move |text| (format!("take.{column}"), text))
    });
    let unfit = texts.chain(takes).filter(|(_, text)| !is_text(text, MAX_NAME));
    let mut unfit: Vec<_> = unfit.map(|(key, _)| MallProblem::new(key, Wrong::Text(MAX_NAME))).collect();
    let lists = mall.take.values().map(Vec::len).chain([mall.take.len()]);
    if lists.max().is_some_and(|length| length > MAX_TAKES) {
        unfit.push(MallProblem::new("take", Wrong::Number(MAX_TAKES)));
    }
    let wrong_headings = import::wrong_names(&mall.headings).into_iter();
    let headings = wrong_headings.map(|name| MallProblem::new(format!("headings.{name}"), Wrong::Heading));
    let automation = &mall.automation;
    let status = |start: &'static str, from: &Start| match from {
        Start::Status(status) => Some((start, status.clone())),
        Start::Never | Start::AtOnce => None,
    };
    let moves = [
        ("approved", automation.approved.clone()),
        ("rejected", automation.rejected.clone()),
        ("on-hold", automation.on_hold.clone()),
    ];
    let moves = moves.into_iter().filter_map(|(key, status)| Some((key, status?)));
    let statuses = [status("credit", &automation.credit), status("sync", &automation.sync)].into_iter().flatten();
    let statuses = statuses.chain(moves).filter(|(_, status)| !is_text(status, MAX_NAME));
    let statuses = statuses.map(|(key, _)| MallProblem::new(format!("automation.{key}"), Wrong::Text(MAX_NAME)));
    unfit.into_iter().chain(headings).chain(statuses).collect()
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
        rows.or_else(|| self.wrong(key, Wrong::Number(MAX_CHUNK)))
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
            self.choice("fees.mode", Mode::parse(&text), "keep (変更しない), replace (上書きする), add (加算する)")
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

/// What the provider says about the mall's settings and fee rule; everything at once.
pub async fn check(mall: &Mall, provider: &impl Provider) -> Result<Vec<MallProblem>, CallError> {
    let settings = provider
        .check_settings(mall.settings())
        .await?
        .into_iter()
        .map(|problem| MallProblem::new(format!("settings.{}", problem.field), Wrong::Provider(problem.into())));
    let ids = provider.info().settings.iter().filter(|field| !matches!(field.kind, SettingKind::Secret));
    let mangled = ids.filter(|field| mall.settings.get(&field.key).is_some_and(|value| is_mangled(value)));
    let mangled: Vec<_> =
        mangled.map(|field| MallProblem::new(format!("settings.{}", field.key), Wrong::Mangled)).collect();
    // The bill does not matter: a rule is refused for what it is, whatever it is applied to.
    let bill = Bill { items: 0, shipping_fee: 0, payment_fee: 0 };
    let rule = provider.fee_adjust(&mall.fee_rule(), &bill).await?.err().unwrap_or_default();
    let rule =
        rule.into_iter().map(|problem| MallProblem::new(fee_key(&problem.field), Wrong::Provider(problem.into())));
    // An id that is no id any more needs no other words.
    let settings = settings.filter(|problem| mangled.iter().all(|known| known.key != problem.key));
    let settings: Vec<_> = settings.collect();
    Ok(mangled.into_iter().chain(settings).chain(rule).collect())
}

/// The key of a band in words: rows are counted from 1, as a person does.
fn band_key(at: usize) -> String {
    format!("fees.band[row {}]", at + 1)
}

/// The key of a field of the contract's fee rule, such as `bands[1].lower`.
fn fee_key(field: &str) -> String {
    let at_and_rest = field.strip_prefix("bands[").and_then(|rest| rest.split_once(']'));
    match at_and_rest.and_then(|(at, rest)| Some((at.parse().ok()?, rest))) {
        Some((at, rest)) => format!("{}{rest}", band_key(at)),
        None => format!("fees.{field}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        [headings]
        "注文番号" = "受注番号"
        [take]
        "支払方法" = ["後払い決済"]
    "#;

    #[test]
    fn a_whole_file() {
        let (mall, problems) = parse("main", GOOD).unwrap();
        assert_eq!(problems, []);
        assert_eq!((mall.name.as_str(), mall.provider.as_str()), ("本店", "atobarai-com"));
        assert_eq!(mall.invoice, Invoice::Enclosed);
        assert_eq!(mall.settings["enterprise-id"], "01234");
        assert_eq!(mall.fees.mode, Mode::Replace);
        assert_eq!(mall.fees.bands[1], Band { lower: 10000, upper: None, fee: 0 });
        let expected = Automation {
            credit: Start::Status("新規受付".into()),
            sync: Start::AtOnce,
            rejected: Some("お支払い確認".into()),
            ..Automation::default()
        };
        assert_eq!((&mall.automation, mall.headings["注文番号"].as_str()), (&expected, "受注番号"));
        assert_eq!(mall.take, Takes::from([("支払方法".to_owned(), vec!["後払い決済".to_owned()])]));
        assert_eq!((mall.by_csv, mall.rows_per_request), (false, 20));
    }

    #[test]
    fn ids_and_names_that_cannot_be_used_are_refused() {
        let keys = |id: &str, name: &str| -> Vec<String> {
            let text = GOOD.replace("\"本店\"", &Value::from(name).to_string());
            parse(id, &text).unwrap().1.into_iter().map(|problem| problem.key).collect()
        };
        assert_eq!(keys("honten-2", "本店　2号"), [""; 0]);
        for id in ["new", "", " ", "a b", "a\nb", "a\u{1b}[31m", "Honten", "本店", &"a".repeat(MAX_NAME + 1), "../a"]
        {
            assert_eq!(keys(id, "本店"), ["id"], "{id:?}");
        }
        for name in ["", " ", "　", " 本店", "本店\n", "a\nb", "a\u{1b}[2Jb", "a\u{202e}b", "\u{200b}", "a\0"] {
            assert_eq!(keys("honten", name), ["name"], "{name:?}");
        }
        let setting = GOOD.replace("\"01234\"", "\"01\\u001b234\"");
        assert_eq!(parse("honten", &setting).unwrap().1[0].key, "settings.enterprise-id");
    }

    #[test]
    fn rows_are_counted_from_one() {
        assert_eq!(fee_key("bands[1].lower"), "fees.band[row 2].lower");
        assert_eq!(fee_key("bands"), "fees.bands");
    }

    #[test]
    fn every_problem_is_named_with_its_key() {
        let bad = r#"
            provider = "../etc"
            invoise = "別送"
            invoice = "あと"
            results = "fax"
            rows-per-request = 1001
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
            [headings]
            "注文日" = "受注日"
            "単価" = "数量"
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
                "take.支払方法",
                "provider",
                "rows-per-request",
                "headings.注文日",
                "headings.数量",
                "automation.approved"
            ]
        );
        assert!(problems.iter().all(|p| p.words(Lang::Ja).starts_with(&p.key)));
        let english = |p: &MallProblem| p.words(Lang::En).strip_prefix(&p.key).is_some_and(str::is_ascii);
        assert!(problems.iter().all(|p| english(p) || p.words(Lang::En).contains("one of")));
    }
}
