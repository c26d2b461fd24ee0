//! The audit log (操作履歴): who changed what of the platform itself. It is written in the transaction
//! that makes the change, so there is none without the other. What happened to an order stands in its
//! own history.

use crate::domain::clock;
use crate::domain::issue::Lang;
use crate::domain::mall::Mall;
use crate::service::plugins::Change;
use crate::service::providers::directory::permitted;
use crate::store::rows::{from_json, to_json};
use crate::store::{Result, Role, Store, Writing, take_numbers};
use provider_host::Plugin;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};
use std::collections::BTreeSet;

/// Who changes something, and when.
#[derive(Debug, Clone, Copy, Default)]
pub struct Actor<'a> {
    /// A user, a token or an operator of the command line.
    pub who: &'a str,
    /// Milliseconds since 1970.
    pub at: i64,
}

impl<'a> Actor<'a> {
    /// `who`, just now.
    pub fn now(who: &'a str) -> Self {
        Actor { who, at: clock::now() }
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum AuditEvent {
    /// A mall was added.
    MallAdded {
        /// Its id.
        mall: String,
        /// Its provider's id.
        provider: String,
    },
    /// A mall's settings were changed.
    MallChanged {
        /// Its id.
        mall: String,
        /// What of them.
        parts: Vec<MallPart>,
    },
    /// A user was added.
    UserAdded {
        /// The name.
        user: String,
        /// What the user may do.
        role: Role,
    },
    /// A user got another role, was shut out or let in again.
    UserChanged {
        /// The name.
        user: String,
        /// What the user may do from then on.
        role: Role,
        /// Whether the user is shut out from then on.
        disabled: bool,
    },
    /// A user's password was changed.
    PasswordChanged {
        /// The name.
        user: String,
    },
    /// A program got a token.
    TokenIssued {
        /// What it is for.
        token: String,
        /// What it may do.
        role: Role,
    },
    /// A token was made worthless.
    TokenRevoked {
        /// What it was for.
        token: String,
    },
    /// A plugin was loaded.
    PluginLoaded {
        /// The provider's id.
        provider: String,
        /// The plugin's version.
        version: String,
        /// SHA-256 of the component, in hex.
        digest: String,
        /// What it may reach, and which private addresses.
        permissions: Vec<String>,
        /// What changed with it, and was confirmed.
        #[serde(default)]
        confirmed: Vec<Change>,
    },
    /// A plugin that was to be loaded, as the line before this says, was not: its files could not be written.
    PluginNotLoaded {
        /// The provider's id.
        provider: String,
        /// SHA-256 of the component, in hex.
        digest: String,
        /// What the system said.
        reason: String,
    },
}

/// A part of a mall's settings, without their values: some are secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum MallPart {
    /// What it is called.
    Name,
    /// Which provider judges its orders.
    Provider {
        /// The id of the one before.
        from: String,
        /// The id of the one since.
        to: String,
    },
    /// A setting of the provider.
    Setting {
        /// Its key.
        key: String,
    },
    /// 手数料設定
    Fees,
    /// 請求書の送り方
    Invoice,
    /// What happens by itself.
    Automation,
    /// CSV columns.
    Headings,
    /// Whether credit results come by CSV.
    ByCsv,
    /// Which orders of its CSV are taken.
    Take,
    /// How many orders a request carries.
    RowsPerRequest,
    /// What became of orders that waited for what the automation begins.
    Waiting {
        /// They were sent; otherwise they are left to an operator.
        sent: bool,
    },
}

impl MallPart {
    /// What differs between two states of a mall.
    pub(super) fn differing(before: &Mall, after: &Mall) -> Vec<MallPart> {
        let (from, to) = (before.provider.clone(), after.provider.clone());
        let keys: BTreeSet<_> = before.settings.keys().chain(after.settings.keys()).collect();
        let settings = keys
            .into_iter()
            .filter(|key| before.settings.get(*key) != after.settings.get(*key))
            .map(|key| MallPart::Setting { key: key.clone() });
        let parts = [
            (before.name != after.name, MallPart::Name),
            (from != to, MallPart::Provider { from, to }),
            (before.fees != after.fees, MallPart::Fees),
            (before.invoice != after.invoice, MallPart::Invoice),
            (before.automation != after.automation, MallPart::Automation),
            (before.headings != after.headings, MallPart::Headings),
            (before.by_csv != after.by_csv, MallPart::ByCsv),
            (before.take != after.take, MallPart::Take),
            (before.rows_per_request != after.rows_per_request, MallPart::RowsPerRequest),
        ];
        let parts = parts.into_iter().filter(|(differs, _)| *differs).map(|(_, part)| part);
        parts.chain(settings).collect()
    }

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
    /// That `plugin` is loaded, and that `confirmed` changes with it.
    pub fn loaded(plugin: &Plugin, confirmed: &[Change]) -> Self {
        let (info, facts) = (plugin.info(), plugin.facts());
        AuditEvent::PluginLoaded {
            provider: info.id.clone(),
            version: info.version.clone(),
            digest: facts.digest.clone(),
            permissions: permitted(plugin),
            confirmed: confirmed.to_vec(),
        }
    }

    /// That `plugin` could not be put in its place after all.
    pub fn not_placed(plugin: &Plugin, reason: String) -> Self {
        AuditEvent::PluginNotLoaded {
            provider: plugin.info().id.clone(),
            digest: plugin.facts().digest.clone(),
            reason,
        }
    }

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

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number; later lines have higher ones.
    pub id: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Who did it.
    pub who: String,
    /// What was done.
    pub deed: AuditEvent,
}

impl FromRow<'_, AnyRow> for AuditLine {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(AuditLine {
            id: row.try_get("id")?,
            at: row.try_get("at")?,
            who: row.try_get("who")?,
            deed: from_json(row.try_get("deed")?)?,
        })
    }
}

/// Writes a line together with what it is about.
pub(super) async fn note(writing: &mut Writing, by: Actor<'_>, deed: &AuditEvent) -> Result<()> {
    let id = take_numbers(writing, "audit", 1).await?;
    sqlx::query("INSERT INTO audit (id, at, who, deed) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(by.at)
        .bind(by.who)
        .bind(to_json(deed)?)
        .execute(&mut **writing)
        .await?;
    Ok(())
}

impl Store {
    /// Writes down something that was done outside of the store.
    pub async fn note(&self, by: Actor<'_>, deed: &AuditEvent) -> Result<()> {
        let mut writing = self.write().await?;
        note(&mut writing, by, deed).await?;
        writing.commit().await?;
        Ok(())
    }

    /// At most `limit` lines of the log, newest first: those before the line `before`, or the newest.
    pub async fn audit(&self, before: Option<i64>, limit: usize) -> Result<Vec<AuditLine>> {
        let lines = sqlx::query_as("SELECT * FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2")
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        Ok(lines.fetch_all(&self.pool).await?)
    }
}
