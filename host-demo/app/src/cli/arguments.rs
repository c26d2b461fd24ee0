//! Arguments that several commands share, and how they are read.

use clap::{Args, ValueEnum};
use domain::clock;
use domain::credit_state::State;
use domain::lang::Lang;
use service::credit::CONCURRENCY;
use service::csv::encoding::Charset;
use service::providers::response::IN_FLIGHT_WINDOW;
use std::path::PathBuf;
use strum::VariantArray;
use thiserror::Error;
use time::Date;

/// Options that every command has.
#[derive(Debug, Args)]
pub(super) struct GlobalOptions {
    /// 表示の言語 / language of the output
    #[arg(long, global = true, value_enum, default_value = "ja")]
    pub(super) lang: Language,
    /// 受注データベース（ファイル、またはpostgres://…） / the store: a file, or postgres://…
    #[arg(long, global = true, default_value = "var/orders.db", env = "HOST_DEMO_DB", hide_env_values = true)]
    pub(super) db: String,
    /// プラグインのフォルダ（NAME.wasmとNAME.toml） / folder of plugins
    #[arg(long, global = true, default_value = "var/plugins", value_name = "DIR")]
    pub(super) plugins: PathBuf,
    /// 操作者 / who is at work; stands in every order's history
    #[arg(long, global = true, env = "USER", default_value = "operator")]
    pub(super) operator: String,
    /// 同時に行う通信の数 / calls side by side
    #[arg(long, global = true, default_value_t = CONCURRENCY, value_parser = positive)]
    pub(super) concurrency: usize,
    /// 送信から何秒後に「登録なし」を信じるか / seconds after sending until "no such order" is believed
    #[arg(long, alias = "settle", global = true, default_value_t = IN_FLIGHT_WINDOW.as_secs(), value_name = "SECONDS")]
    pub(super) in_flight_window: u64,
}

/// The languages of the output.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Language {
    /// 日本語
    Ja,
    /// English
    En,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::Ja => Self::Ja,
            Language::En => Self::En,
        }
    }
}

/// Which orders.
#[derive(Debug, Args)]
pub(super) struct Targets {
    /// 注文番号 / order numbers
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "ORDER")]
    pub(super) orders: Vec<String>,
    /// 状態が許すすべての注文 / every order whose state allows it
    #[arg(long)]
    pub(super) all: bool,
    /// このモールだけ / of this mall alone
    #[arg(long)]
    pub(super) mall: Option<String>,
    /// 与信で、登録済みかもしれない注文も送信（1件だけ指定したときは不要） / with a credit: orders that may be registered already as well; not needed where one order is named
    #[arg(long)]
    pub(super) confirmed: bool,
}

impl Targets {
    /// Whether orders that may be registered already are meant: it is said, or there is one, which was named.
    pub(super) fn are_confirmed(&self) -> bool {
        self.confirmed || self.orders.len() == 1
    }
}

/// A CSV file to take in.
#[derive(Debug, Args)]
pub(super) struct CsvFile {
    /// CSVファイル / the CSV file
    pub(super) file: PathBuf,
    /// モール / the mall
    #[arg(long)]
    pub(super) mall: String,
    /// 文字コード（省くと見分ける） / encoding; found out if left out
    #[arg(long, value_enum)]
    pub(super) encoding: Option<Encoding>,
    /// 何が起きるかだけを表示 / say what would happen, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// The encodings that can be told.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Encoding {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "shift_jis", alias = "sjis")]
    ShiftJis,
}

impl From<Encoding> for Charset {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Utf8 => Self::Utf8,
            Encoding::ShiftJis => Self::ShiftJis,
        }
    }
}

/// Why an argument is refused, in both languages: which one is wanted may be in the same command line.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum ArgumentError {
    /// A number that is not at least one.
    #[error("1以上 / must be 1 or more")]
    NotPositive,
    /// A state that no order has.
    #[error("one of / 次のどれか: {}", State::VARIANTS.iter().map(State::to_string).collect::<Vec<_>>().join(", "))]
    UnknownState,
    /// Text that is no date.
    #[error("2026-07-01 のように / write it like 2026-07-01")]
    NotADate,
}

fn positive(text: &str) -> Result<usize, ArgumentError> {
    text.parse().ok().filter(|number| *number > 0).ok_or(ArgumentError::NotPositive)
}

/// A state by its stable name.
pub(super) fn state(text: &str) -> Result<State, ArgumentError> {
    text.parse().map_err(|_| ArgumentError::UnknownState)
}

/// `2026-07-01` or `2026/7/1`.
pub(super) fn date(text: &str) -> Result<Date, ArgumentError> {
    clock::parse_date(text).ok_or(ArgumentError::NotADate)
}
