//! The audit log: who changed what of the platform itself.

use super::localize::Localize;
use domain::audit_event::{AuditEvent, ImportKind, MallPart, PluginChange, UsedLimit};
use domain::lang::Lang;

/// What was done, in a sentence.
impl Localize for AuditEvent {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let ja = lang == Lang::Ja;
        match self {
            Self::MallAdded { mall, provider } if ja => format!("モール {mall} を追加（{provider}）"),
            Self::MallAdded { mall, provider } => format!("added the mall {mall} ({provider})"),
            Self::MallChanged { mall, parts } => {
                let parts: Vec<_> = parts.iter().map(|part| part.localized(lang)).collect();
                match ja {
                    true => format!("モール {mall} の設定を変更: {}", parts.join("、")),
                    false => format!("changed the mall {mall}: {}", parts.join(", ")),
                }
            }
            Self::UserAdded { user, role } if ja => format!("利用者 {user} を追加（{}）", role.localized(lang)),
            Self::UserAdded { user, role } => format!("added the user {user} ({})", role.localized(lang)),
            Self::UserChanged { user, disabled: true, .. } if ja => format!("利用者 {user} を停止"),
            Self::UserChanged { user, disabled: true, .. } => format!("disabled the user {user}"),
            Self::UserChanged { user, role, .. } if ja => {
                format!("利用者 {user} の権限を{}に", role.localized(lang))
            }
            Self::UserChanged { user, role, .. } => format!("made the user {user} {}", role.localized(lang)),
            Self::PasswordChanged { user } if ja => format!("利用者 {user} のパスワードを変更"),
            Self::PasswordChanged { user } => format!("changed the password of the user {user}"),
            Self::TokenIssued { token, role } if ja => {
                format!("APIトークン「{token}」を発行（{}）", role.localized(lang))
            }
            Self::TokenIssued { token, role } => {
                format!("issued the API token {token} ({})", role.localized(lang))
            }
            Self::TokenRevoked { token } if ja => format!("APIトークン「{token}」を無効化"),
            Self::TokenRevoked { token } => format!("revoked the API token {token}"),
            Self::PluginLoaded { provider, version, digest, permissions, confirmed } => {
                let separator = lang.pick("、", ", ");
                let permissions = permissions.join(separator);
                let confirmed: Vec<_> = confirmed.iter().map(|change| change.localized(lang)).collect();
                let confirmed = match confirmed.is_empty() {
                    true => String::new(),
                    false => format!("{}{}", lang.pick("。確認した変更 ", "; confirmed: "), confirmed.join(separator)),
                };
                lang.pick(
                    format!(
                        "プラグイン {provider} {version} を読み込み（sha256 {digest}、許可 {permissions}{confirmed}）"
                    ),
                    format!(
                        "loaded the plugin {provider} {version} (sha256 {digest}; may reach {permissions}{confirmed})"
                    ),
                )
            }
            Self::PluginWithdrawn { provider, version, digest } => lang.pick(
                format!("プラグイン {provider} {version}（sha256 {digest}）をすべての機器で取り下げ"),
                format!("withdrew the plugin {provider} {version} (sha256 {digest}) on all machines"),
            ),
            Self::CreditPaused { provider, note } if ja => {
                format!("後払い会社 {provider} への新しい与信を休止: {note}")
            }
            Self::CreditPaused { provider, note } => format!("paused new credits at the provider {provider}: {note}"),
            Self::CreditResumed { provider } if ja => format!("後払い会社 {provider} への新しい与信を再開"),
            Self::CreditResumed { provider } => format!("resumed new credits at the provider {provider}"),
            Self::PluginNotLoaded { provider, digest, reason } => lang.pick(
                format!("プラグイン {provider}（sha256 {digest}）のファイルを置けず、読み込みを中止: {reason}"),
                format!(
                    "did not load the plugin {provider} (sha256 {digest}): its files could not be written: {reason}"
                ),
            ),
        }
    }
}

/// The name of the part.
impl Localize for MallPart {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::Name => lang.pick("モール名", "name").to_owned(),
            Self::Provider { from, to } => {
                format!("{} {from} → {to}", lang.pick("後払い会社", "provider"))
            }
            Self::Setting { key } => format!("{} {key}", lang.pick("設定", "setting")),
            Self::Fees => lang.pick("手数料設定", "fees").to_owned(),
            Self::Invoice => lang.pick("請求書の送り方", "invoice").to_owned(),
            Self::Automation => lang.pick("自動処理", "automation").to_owned(),
            Self::Mapping => lang.pick("列の対応", "the mapping of its export").to_owned(),
            Self::TrackingMapping => {
                lang.pick("出荷CSVの列の対応", "the mapping of its tracking numbers' files").to_owned()
            }
            Self::Take => lang.pick("取り込む注文", "orders taken").to_owned(),
            Self::RowsPerRequest => lang.pick("一度に送る件数", "rows in a request").to_owned(),
            Self::ByCsv => lang.pick("与信結果の受け取り方", "how credit results come").to_owned(),
            Self::Waiting { sent: true } => {
                lang.pick("待っていた注文も送信", "orders that waited were sent").to_owned()
            }
            Self::Waiting { sent: false } => {
                lang.pick("待っていた注文は自動では送信しない", "orders that waited are left to an operator").to_owned()
            }
        }
    }
}

/// What changes, in a line.
impl Localize for PluginChange {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let line = |ja: &str, en: &str, what: &str| format!("{}: {what}", lang.pick(ja, en));
        match self {
            Self::OriginAdded { origin } => line("通信先を追加", "may also send to", origin),
            Self::OriginRemoved { origin } => line("通信先を削除", "may no longer send to", origin),
            Self::AddressesAdded { range } => line("内部アドレスを追加", "may also reach", range),
            Self::AddressesRemoved { range } => line("内部アドレスを削除", "may no longer reach", range),
            Self::PinRemoved { sha256 } => line(
                "プラグインのチェックサム（sha256）の指定を削除",
                "is no longer pinned to a checksum (sha256)",
                sha256,
            ),
            Self::VersionLowered { from, to } => line("古い版に戻す", "is an older version", &format!("{from} → {to}")),
            Self::KeyAdded { key } => line("署名の公開鍵を追加", "may also be signed with the key", key),
            Self::KeyRemoved { key } => line("署名の公開鍵を削除", "may no longer be signed with the key", key),
            Self::MinVersionLowered { from, to } => line(
                "受け付ける最も古い版を下げる",
                "older versions are accepted",
                &format!("{from} → {}", to.as_deref().unwrap_or("–")),
            ),
            Self::OriginWanted { origin } => {
                line("通信先を希望（許可されていません）", "asks for an origin that it is not granted", origin)
            }
            Self::ImportAdded { group, interface } => line(
                "取り込む機能を追加",
                "imports another interface",
                &format!("{interface} ({})", group.localized(lang)),
            ),
            Self::EmptyWasiAllowed => lang
                .pick(
                    "中身のないWASIの拒否（refuse-empty-wasi）を削除",
                    "empty WASI is not refused any more (refuse-empty-wasi)",
                )
                .to_owned(),
            Self::LimitUsed { limit, from, to } => line(
                "上限のある資源の使用が増加",
                "uses more of a limit",
                &format!("{} {from} → {to}", limit.localized(lang)),
            ),
            Self::BatchRaised { operation, from, to } => line(
                "一度に扱う件数が増加",
                "takes more orders in one call",
                &format!("{} {from} → {to}", operation.localized(lang)),
            ),
            Self::SettingAdded { key, kind } => {
                line("設定項目を追加", "has another setting", &format!("{key} ({kind})"))
            }
            Self::SettingRemoved { key } => line("設定項目を削除", "has no setting any more", key),
            Self::SettingKind { key, from, to } => {
                line("設定項目の種類を変更", "has a setting of another kind", &format!("{key} ({from} → {to})"))
            }
            Self::NothingToCompare => lang
                .pick("比べられる元のプラグインがありません", "there is no plugin that serves to compare it with")
                .to_owned(),
        }
    }
}

/// What the interfaces are for.
impl Localize for ImportKind {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Self::Contract => lang.pick("契約", "the contract"),
            Self::Http => "WASI HTTP",
            Self::EmptyWasi => lang.pick("中身のないWASI", "empty WASI"),
        }
    }
}

/// What is bounded.
impl Localize for UsedLimit {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Self::CoreInstances => lang.pick("コアインスタンス", "core instances"),
            Self::Memories => lang.pick("空でないメモリ", "memories that are not empty"),
        }
    }
}
