//! Labels: what states, actions, outcomes, roles and settings with few values are called.

use super::localize::Localize;
use domain::credit_state::{Action, Outcome, State};
use domain::invoice::Invoice;
use domain::lang::Lang;
use domain::mall::Mode;
use domain::user::Role;

/// The label of the order list.
impl Localize for State {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Self::NotAsked => "–",
            Self::Sending => lang.pick("【与信実行中】", "[Sending]"),
            Self::UnderReview => lang.pick("【審査中】", "[Under review]"),
            Self::OnHold => lang.pick("[保留]", "[On hold]"),
            Self::Approved => lang.pick("[与信OK]", "[Credit OK]"),
            Self::Rejected => lang.pick("[与信NG]", "[Credit NG]"),
            Self::NotSent => lang.pick("[未送信]", "[Not sent]"),
            Self::Unknown => lang.pick("[結果不明]", "[Outcome unknown]"),
            Self::CancellingApproved | Self::CancellingUnderReview | Self::CancellingOnHold | Self::CancellingAgain => {
                lang.pick("【与信キャンセル中】", "[Cancelling]")
            }
            Self::CancelUnknown => lang.pick("[与信キャンセル結果不明]", "[Cancel outcome unknown]"),
            Self::Cancelled => lang.pick("[与信キャンセル済]", "[Credit cancelled]"),
            Self::Syncing | Self::SyncingAgain => lang.pick("【伝票番号同期中】", "[Syncing tracking]"),
            Self::SyncUnknown => lang.pick("[伝票番号同期結果不明]", "[Tracking outcome unknown]"),
            Self::Synced => lang.pick("[与信OK] [伝票番号同期OK]", "[Credit OK] [Tracking synced]"),
            Self::CsvUnderReview => lang.pick("【審査中】（CSV）", "[Under review] (CSV)"),
            Self::CsvOnHold => lang.pick("[保留]（CSV）", "[On hold] (CSV)"),
            Self::CsvApproved => lang.pick("[与信OK]（CSV）", "[Credit OK] (CSV)"),
            Self::CsvRejected => lang.pick("[与信NG]（CSV）", "[Credit NG] (CSV)"),
            Self::CsvCancelled => lang.pick("[与信キャンセル済]（CSV）", "[Credit cancelled] (CSV)"),
        }
    }
}

/// The text of the button.
impl Localize for Action {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Self::Credit => lang.pick("与信を実行", "Run credit check"),
            Self::Check => lang.pick("与信結果確認", "Check result"),
            Self::Cancel => lang.pick("与信キャンセル", "Cancel credit"),
            Self::Sync => lang.pick("伝票番号同期", "Sync tracking"),
            Self::Decide => lang.pick("結果を記録", "Record what was found"),
        }
    }
}

/// A form that a next step can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Buyer, recipient, lines and amounts of an order.
    Correct,
    /// Carrier, tracking number and shipping date.
    Tracking,
}

/// The words of the link or the button.
impl Localize for Form {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Self::Correct => lang.pick("注文を直す", "Correct the order"),
            Self::Tracking => lang.pick("伝票番号を保存", "Save tracking"),
        }
    }
}

impl Localize for Outcome {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Self::Success => lang.pick("成功", "success"),
            Self::Failure => lang.pick("失敗", "failure"),
            Self::Unknown => lang.pick("不明", "unknown"),
        }
    }
}

impl Localize for Invoice {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Self::Separate => lang.pick("別送", "separate"),
            Self::Enclosed => lang.pick("同梱", "enclosed"),
        }
    }
}

impl Localize for Mode {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Self::Keep => lang.pick("変更しない", "keep"),
            Self::Replace => lang.pick("上書きする", "replace"),
            Self::Add => lang.pick("加算する", "add"),
        }
    }
}

impl Localize for Role {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Self::Operator => lang.pick("担当者", "operator"),
            Self::Administrator => lang.pick("管理者", "administrator"),
        }
    }
}
