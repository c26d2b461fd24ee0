//! A CSV file that was uploaded.

use encoding_rs::Encoding;
use serde::Deserialize;
use utoipa::ToSchema;

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = What)]
pub enum FileKind {
    /// 注文
    Orders,
    /// 与信結果
    Results,
    /// What was found at the provider about unknown outcomes.
    Decisions,
}

/// A file to import.
#[derive(Debug, Clone)]
pub struct FileImport {
    /// The id of the mall whose orders the file is about.
    pub mall: String,
    /// What the file contains.
    pub kind: FileKind,
    /// The encoding that the operator chose; `None`: detected.
    pub encoding: Option<&'static Encoding>,
    /// For orders: those that are in the store already are corrected.
    pub correct: bool,
    /// For orders: which are imported; see [`crate::service::csv::selection::Choice::told`].
    pub take: Vec<String>,
    /// The content.
    pub bytes: Vec<u8>,
}
