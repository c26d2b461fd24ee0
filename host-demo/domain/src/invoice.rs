//! How the invoice reaches the buyer (請求書の送り方).

use serde::{Deserialize, Serialize};

/// How the invoice reaches the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Invoice {
    /// 別送
    #[default]
    Separate,
    /// 同梱
    Enclosed,
}

impl Invoice {
    /// From 別送, 同梱 or the English names.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "別送" | "separate" => Some(Self::Separate),
            "同梱" | "enclosed" => Some(Self::Enclosed),
            _ => None,
        }
    }
}
