//! What people read about types of the domain.

use crate::domain::audit_event::{AuditEvent, MallPart, PluginChange};
use crate::domain::issue::Lang;
use crate::domain::user::{MAX_PASSWORD, MAX_USER_NAME, MIN_PASSWORD, Role, UserProblem};

impl PluginChange {
    /// What changes, in a line.
    pub fn words(&self, lang: Lang) -> String {
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

impl Role {
    /// 担当者 or 管理者.
    pub fn label(self, lang: Lang) -> &'static str {
        match self {
            Role::Operator => lang.pick("担当者", "operator"),
            Role::Administrator => lang.pick("管理者", "administrator"),
        }
    }
}

impl UserProblem {
    /// What is wrong, and what to do.
    pub fn words(self, lang: Lang) -> String {
        match self {
            UserProblem::Name => lang.pick(
                format!("名前は1文字以上{MAX_USER_NAME}文字以内で、前後に空白を入れないでください"),
                format!("A name has 1 to {MAX_USER_NAME} characters and no space around it"),
            ),
            UserProblem::NameTaken => {
                lang.pick("この名前は使われています".into(), "Somebody has this name; choose another".into())
            }
            UserProblem::Password => lang.pick(
                format!("パスワードは{MIN_PASSWORD}文字以上{MAX_PASSWORD}文字以内にしてください"),
                format!("A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters"),
            ),
            UserProblem::LastAdministrator => lang.pick(
                "管理者がいなくなります。先にほかの人を管理者にしてください".into(),
                "Nobody would be an administrator; make somebody else one first".into(),
            ),
            UserProblem::NoUser => lang.pick("この利用者はいません".into(), "There is no such user".into()),
        }
    }
}

impl MallPart {
    fn words(&self, lang: Lang) -> String {
        match self {
            MallPart::Name => lang.pick("モール名", "name").to_owned(),
            MallPart::Provider { from, to } => {
                format!("{} {from} → {to}", lang.pick("後払い会社", "provider"))
            }
            MallPart::Setting { key } => format!("{} {key}", lang.pick("設定", "setting")),
            MallPart::Fees => lang.pick("手数料設定", "fees").to_owned(),
            MallPart::Invoice => lang.pick("請求書の送り方", "invoice").to_owned(),
            MallPart::Automation => lang.pick("自動処理", "automation").to_owned(),
            MallPart::Headings => lang.pick("CSVの列", "CSV columns").to_owned(),
            MallPart::Take => lang.pick("取り込む注文", "orders taken").to_owned(),
            MallPart::RowsPerRequest => lang.pick("一度に送る件数", "rows in a request").to_owned(),
            MallPart::ByCsv => lang.pick("与信結果の受け取り方", "how credit results come").to_owned(),
            MallPart::Waiting { sent: true } => {
                lang.pick("待っていた注文も送信", "orders that waited were sent").to_owned()
            }
            MallPart::Waiting { sent: false } => {
                lang.pick("待っていた注文は自動では送信しない", "orders that waited are left to an operator").to_owned()
            }
        }
    }
}

impl AuditEvent {
    /// What was done, in a sentence.
    pub fn words(&self, lang: Lang) -> String {
        let ja = lang == Lang::Ja;
        match self {
            AuditEvent::MallAdded { mall, provider } if ja => format!("モール {mall} を追加（{provider}）"),
            AuditEvent::MallAdded { mall, provider } => format!("added the mall {mall} ({provider})"),
            AuditEvent::MallChanged { mall, parts } => {
                let parts: Vec<_> = parts.iter().map(|part| part.words(lang)).collect();
                match ja {
                    true => format!("モール {mall} の設定を変更: {}", parts.join("、")),
                    false => format!("changed the mall {mall}: {}", parts.join(", ")),
                }
            }
            AuditEvent::UserAdded { user, role } if ja => format!("利用者 {user} を追加（{}）", role.label(lang)),
            AuditEvent::UserAdded { user, role } => format!("added the user {user} ({})", role.label(lang)),
            AuditEvent::UserChanged { user, disabled: true, .. } if ja => format!("利用者 {user} を停止"),
            AuditEvent::UserChanged { user, disabled: true, .. } => format!("disabled the user {user}"),
            AuditEvent::UserChanged { user, role, .. } if ja => format!("利用者 {user} の権限を{}に", role.label(lang)),
            AuditEvent::UserChanged { user, role, .. } => format!("made the user {user} {}", role.label(lang)),
            AuditEvent::PasswordChanged { user } if ja => format!("利用者 {user} のパスワードを変更"),
            AuditEvent::PasswordChanged { user } => format!("changed the password of the user {user}"),
            AuditEvent::TokenIssued { token, role } if ja => {
                format!("APIトークン「{token}」を発行（{}）", role.label(lang))
            }
            AuditEvent::TokenIssued { token, role } => format!("issued the API token {token} ({})", role.label(lang)),
            AuditEvent::TokenRevoked { token } if ja => format!("APIトークン「{token}」を無効化"),
            AuditEvent::TokenRevoked { token } => format!("revoked the API token {token}"),
            AuditEvent::PluginLoaded { provider, version, digest, permissions, confirmed } => {
                let separator = lang.pick("、", ", ");
                let permissions = permissions.join(separator);
                let confirmed: Vec<_> = confirmed.iter().map(|change| change.words(lang)).collect();
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
            AuditEvent::PluginNotLoaded { provider, digest, reason } => lang.pick(
                format!("プラグイン {provider}（sha256 {digest}）のファイルを置けず、読み込みを中止: {reason}"),
                format!(
                    "did not load the plugin {provider} (sha256 {digest}): its files could not be written: {reason}"
                ),
            ),
        }
    }
}
