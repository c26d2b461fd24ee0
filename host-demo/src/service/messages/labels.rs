//! Labels: what states, actions, outcomes, roles and settings with few values are called.

use super::localize::Localize;
use crate::domain::credit_state::{Action, Outcome, State};
use crate::domain::invoice::Invoice;
use crate::domain::lang::Lang;
use crate::domain::mall::Mode;
use crate::domain::user::Role;

/// The label of the order list.
impl Localize for State {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            State::NotAsked => "–",
            State::Sending => lang.pick("【与信実行中】", "[Sending]"),
            State::UnderReview => lang.pick("【審査中】", "[Under review]"),
            State::OnHold => lang.pick("[保留]", "[On hold]"),
            State::Approved => lang.pick("[与信OK]", "[Credit OK]"),
            State::Rejected => lang.pick("[与信NG]", "[Credit NG]"),
            State::NotSent => lang.pick("[未送信]", "[Not sent]"),
            State::Unknown => lang.pick("[結果不明]", "[Outcome unknown]"),
            State::CancellingApproved
            | State::CancellingUnderReview
            | State::CancellingOnHold
            | State::CancellingAgain => lang.pick("【与信キャンセル中】", "[Cancelling]"),
            State::CancelUnknown => lang.pick("[与信キャンセル結果不明]", "[Cancel outcome unknown]"),
            State::Cancelled => lang.pick("[与信キャンセル済]", "[Credit cancelled]"),
            State::Syncing | State::SyncingAgain => lang.pick("【伝票番号同期中】", "[Syncing tracking]"),
            State::SyncUnknown => lang.pick("[伝票番号同期結果不明]", "[Tracking outcome unknown]"),
            State::Synced => lang.pick("[与信OK] [伝票番号同期OK]", "[Credit OK] [Tracking synced]"),
            State::CsvUnderReview => lang.pick("【審査中】（CSV）", "[Under review] (CSV)"),
            State::CsvOnHold => lang.pick("[保留]（CSV）", "[On hold] (CSV)"),
            State::CsvApproved => lang.pick("[与信OK]（CSV）", "[Credit OK] (CSV)"),
            State::CsvRejected => lang.pick("[与信NG]（CSV）", "[Credit NG] (CSV)"),
            State::CsvCancelled => lang.pick("[与信キャンセル済]（CSV）", "[Credit cancelled] (CSV)"),
        }
    }
}

/// The text of the button.
impl Localize for Action {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Action::Credit => lang.pick("与信を実行", "Run credit check"),
            Action::Check => lang.pick("与信結果確認", "Check result"),
            Action::Cancel => lang.pick("与信キャンセル", "Cancel credit"),
            Action::Sync => lang.pick("伝票番号同期", "Sync tracking"),
            Action::Decide => lang.pick("結果を記録", "Record what was found"),
        }
    }
}

impl Localize for Outcome {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Outcome::Success => lang.pick("成功", "success"),
            Outcome::Failure => lang.pick("失敗", "failure"),
            Outcome::Unknown => lang.pick("不明", "unknown"),
        }
    }
}

impl Localize for Invoice {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Invoice::Separate => lang.pick("別送", "separate"),
            Invoice::Enclosed => lang.pick("同梱", "enclosed"),
        }
    }
}

impl Localize for Mode {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Mode::Keep => lang.pick("変更しない", "keep"),
            Mode::Replace => lang.pick("上書きする", "replace"),
            Mode::Add => lang.pick("加算する", "add"),
        }
    }
}

impl Localize for Role {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Role::Operator => lang.pick("担当者", "operator"),
            Role::Administrator => lang.pick("管理者", "administrator"),
        }
    }
}
