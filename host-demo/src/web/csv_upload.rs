//! A CSV file that was uploaded.

use encoding_rs::Encoding;
use serde::Deserialize;
use utoipa::ToSchema;

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum What {
    /// 注文
    Orders,
    /// 与信結果
    Results,
    /// What was found at the provider about unknown outcomes.
    Decisions,
}

/// A file to take in.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The mall's id.
    pub mall: String,
    /// What it is about.
    pub what: What,
    /// As the operator says; absent: found out.
    pub encoding: Option<&'static Encoding>,
    /// Orders that are there already are corrected.
    pub correct: bool,
    /// Which orders are taken; see [`crate::service::csv::selection::Choice::told`].
    pub take: Vec<String>,
    /// The file.
    pub bytes: Vec<u8>,
}
