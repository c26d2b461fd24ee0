//! Malls.

use crate::accounts::{live_elsewhere, outdate};
use crate::audit;
use crate::backlog::{self, Backlog, OnBacklog};
use crate::batch_rows::redirect_rows;
use crate::counters::StateCounts;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::rows::{from_json, is_set, parse, problem_json, to_json};
use crate::sql::{VALUES_PER_QUERY, list, retried, states};
use domain::actor::Actor;
use domain::audit_event::{AuditEvent, MallPart};
use domain::credit_state::State;
use domain::issue::Issue;
use domain::mall::{Mall, MallSummary, ROWS_PER_REQUEST};
use domain::settings::Settings;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

/// What new settings at the same provider mean for orders that are registered there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountChange {
    /// The same account, with a corrected id or a new key: the settings apply to the orders that are registered under
    /// it as well.
    #[default]
    Corrected,
    /// Another account: orders stay under the one where they are registered.
    Replaced,
}

/// How a mall is saved.
#[derive(Debug, Clone, Copy, Default)]
pub struct MallUpdate<'a> {
    /// What other settings at the same provider mean.
    pub account: AccountChange,
    /// The version of the mall that the change was made from; absent: any.
    pub version: Option<i64>,
    /// What becomes of orders that wait, if the automation would begin with them.
    pub backlog: OnBacklog,
    /// Who saves it, and when.
    pub by: Actor<'a>,
}

/// Whether a mall was saved.
#[derive(Debug, Clone, PartialEq)]
pub enum MallUpdateOutcome {
    /// It was.
    Saved {
        /// If the mall has a new account: orders that may be live and stay under an earlier one.
        elsewhere: i64,
    },
    /// Not saved: the outcome of these orders is unknown, and asked with other settings the provider might say
    /// truthfully that there is no such order.
    OutcomesUnknown(Vec<String>),
    /// Not saved: the mall was changed since it was read.
    Changed,
    /// Not saved: these orders would be sent at once, and the update does not say that they may.
    BacklogUndecided(Backlog),
}

/// A mall's columns and its account's; completed by a condition.
macro_rules! select_malls {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.name, m.account, m.fees, m.invoice, m.automation, m.mapping, m.tracking_mapping, \
             m.take, m.by_csv, m.rows_per_request, m.version, a.provider, a.settings FROM malls m JOIN accounts a ON a.id = m.account ",
            $rest
        )
    };
}

impl Store {
    /// Writes `mall`, new or changed; or writes nothing, and returns why.
    ///
    /// Orders that are registered at a provider stay with the account under which they are: with another
    /// provider, and with other settings where these mean another account, the mall gets a new one.
    pub async fn put_mall(&self, mall: &Mall, update: MallUpdate<'_>) -> Result<MallUpdateOutcome> {
        retried!(self.try_put_mall(mall, update))
    }

    async fn try_put_mall(&self, mall: &Mall, update: MallUpdate<'_>) -> Result<MallUpdateOutcome> {
        let mut tx = self.write().await?;
        // First, so that of two concurrent updates the second sees what the first wrote.
        sqlx::query("UPDATE malls SET version = version + 1 WHERE id = $1").bind(&mall.id).execute(&mut *tx).await?;
        let row = sqlx::query(select_malls!("WHERE m.id = $1")).bind(&mall.id).fetch_optional(&mut *tx).await?;
        let before = row.map(|row| self.mall_of_row(&row)).transpose()?;
        // The version as it was before the line above.
        let read = before.as_ref().map_or(0, |before| before.version - 1);
        if update.version.is_some_and(|version| version != read) {
            return Ok(MallUpdateOutcome::Changed);
        }
        let waiting = match &before {
            Some(before) => backlog::of(&mut tx, before, mall).await?,
            None => Backlog::default(),
        };
        if update.backlog.is_open(waiting) {
            return Ok(MallUpdateOutcome::BacklogUndecided(waiting));
        }
        let account = match &before {
            Some(before) if before.provider == mall.provider && before.settings == mall.settings => before.account,
            Some(before) if before.provider == mall.provider && update.account == AccountChange::Corrected => {
                let unknown = self.correct_account(&mut tx, before.account, mall).await?;
                if !unknown.is_empty() {
                    return Ok(MallUpdateOutcome::OutcomesUnknown(unknown));
                }
                before.account
            }
            _ => self.new_account(&mut tx, mall, update.by.at).await?,
        };
        write_mall(&mut tx, mall, account).await?;
        let (mut elsewhere, mut decided) = (0, None);
        if let Some(before) = &before {
            if before.by_csv != mall.by_csv {
                outdate(&mut tx, before.account).await?;
            }
            if before.by_csv && !mall.by_csv {
                let told = match update.backlog {
                    OnBacklog::Send(_) => backlog::of_credit(&mut tx, before, mall).await?,
                    OnBacklog::Hold | OnBacklog::Ask => Vec::new(),
                };
                doubt_files(&mut tx, &mall.id, &told).await?;
            }
            redirect(&mut tx, before, mall).await?;
            wake(&mut tx, before, mall, update.by.at).await?;
            let sent = match update.backlog {
                OnBacklog::Send(_) => Some(backlog::release(&mut tx, mall, update.by.at).await?),
                OnBacklog::Hold | OnBacklog::Ask => {
                    backlog::hold(&mut tx, before, mall).await?;
                    None
                }
            };
            let waited = !waiting.is_empty() || sent == Some(true);
            decided = waited.then_some(MallPart::Waiting { sent: sent.is_some() });
            if before.account != account {
                elsewhere = live_elsewhere(&mut tx, &mall.id, account).await?;
            }
        }
        if let Some(event) = audit_event(before.as_ref(), mall, decided) {
            audit::record(&mut tx, update.by, &event).await?;
        }
        tx.commit().await?;
        Ok(MallUpdateOutcome::Saved { elsewhere })
    }

    /// The mall `id`, with its settings decrypted.
    pub async fn mall(&self, id: &str) -> Result<Option<Mall>> {
        let row = sqlx::query(select_malls!("WHERE m.id = $1")).bind(id).fetch_optional(self.pool()?).await?;
        row.map(|row| self.mall_of_row(&row)).transpose()
    }

    /// The mall `id`, without its settings.
    pub async fn mall_summary(&self, id: &str) -> Result<Option<MallSummary>> {
        let found = sqlx::query(select_malls!("WHERE m.id = $1")).bind(id);
        Ok(found.try_map(summary_of_row).fetch_optional(self.pool()?).await?)
    }

    /// All malls, without their settings.
    pub async fn mall_summaries(&self) -> Result<Vec<MallSummary>> {
        let found = sqlx::query(select_malls!("ORDER BY m.id"));
        Ok(found.try_map(summary_of_row).fetch_all(self.pool()?).await?)
    }

    /// All malls, with those of their settings decrypted that `is_read` lets through (the provider's id, the key), and
    /// the keys of the others, which are not decrypted.
    pub async fn malls_with_settings(&self, is_read: impl Fn(&str, &str) -> bool) -> Result<Vec<MallWithSettings>> {
        let rows = sqlx::query(select_malls!("ORDER BY m.id")).fetch_all(self.pool()?).await?;
        rows.iter().map(|row| self.mall_with_settings(row, &is_read)).collect()
    }

    fn mall_with_settings(&self, row: &AnyRow, is_read: impl Fn(&str, &str) -> bool) -> Result<MallWithSettings> {
        let encrypted: &str = row.try_get("settings")?;
        let mall = mall_of_row(row, ())?;
        let settings = self.decrypted(&mall.id, encrypted, |key| is_read(&mall.provider, key))?;
        let keys = from_json::<Settings>(encrypted)?.into_keys();
        let unread = keys.filter(|key| !settings.contains_key(key)).collect();
        Ok(MallWithSettings { mall, settings, unread })
    }

    fn mall_of_row(&self, row: &AnyRow) -> Result<Mall> {
        let settings = self.decrypted(row.try_get("id")?, row.try_get("settings")?, |_| true)?;
        Ok(mall_of_row(row, settings)?)
    }
}

/// Says of each order of `mall` that has no result yet that it may be registered by a file: its credit is then an
/// operator's to run, who has looked. Those that are `told` were asked about, and are to be sent.
async fn doubt_files(tx: &mut WriteTransaction, mall: &str, told: &[i64]) -> Result<()> {
    let problem = problem_json(Some(&Issue::PossiblyByFile), None)?;
    let open = states(|state| state.content_open() && state.takes_csv());
    // Who saw the order before has not seen this. What names another order says more.
    let sql = format!(
        "UPDATE orders SET problem = $1, version = version + 1 WHERE mall = $2 AND state IN ({open}) \
         AND (problem IS NULL OR problem NOT LIKE '{{\"kind\":\"possible_duplicate\"%')"
    );
    sqlx::query(AssertSqlSafe(sql)).bind(problem).bind(mall).execute(&mut **tx).await?;
    for told in told.chunks(VALUES_PER_QUERY) {
        let sql = format!("UPDATE orders SET problem = NULL WHERE id IN ({})", list(told));
        sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}

/// A mall with some of its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct MallWithSettings {
    /// The mall.
    pub mall: MallSummary,
    /// The settings that were read.
    pub settings: Settings,
    /// The keys of the others.
    pub unread: Vec<String>,
}

fn summary_of_row(row: AnyRow) -> sqlx::Result<MallSummary> {
    mall_of_row(&row, ())
}

fn mall_of_row<S>(row: &AnyRow, settings: S) -> sqlx::Result<Mall<S>> {
    Ok(Mall {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        provider: row.try_get("provider")?,
        settings,
        fees: from_json(row.try_get("fees")?)?,
        invoice: parse(row.try_get("invoice")?)?,
        automation: from_json(row.try_get("automation")?)?,
        mapping: row.try_get("mapping")?,
        tracking_mapping: row.try_get("tracking_mapping")?,
        take: from_json(row.try_get("take")?)?,
        by_csv: is_set(row, "by_csv")?,
        rows_per_request: u32::try_from(row.try_get::<i64, _>("rows_per_request")?).unwrap_or(ROWS_PER_REQUEST),
        account: row.try_get("account")?,
        version: row.try_get("version")?,
    })
}

/// The audit log's event of saving `mall`, with the decision about orders that waited; nothing if nothing differs.
fn audit_event(before: Option<&Mall>, mall: &Mall, decided: Option<MallPart>) -> Option<AuditEvent> {
    let id = mall.id.clone();
    match before {
        None => Some(AuditEvent::MallAdded { mall: id, provider: mall.provider.clone() }),
        Some(before) => {
            let mut parts = MallPart::differing(before, mall);
            parts.extend(decided);
            (!parts.is_empty()).then_some(AuditEvent::MallChanged { mall: id, parts })
        }
    }
}

async fn write_mall(tx: &mut WriteTransaction, mall: &Mall, account: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO malls (id, name, account, fees, invoice, automation, mapping, by_csv, take, rows_per_request, \
         tracking_mapping, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1) ON CONFLICT (id) DO UPDATE SET \
         name = excluded.name, account = excluded.account, fees = excluded.fees, invoice = excluded.invoice, \
         automation = excluded.automation, mapping = excluded.mapping, by_csv = excluded.by_csv, \
         take = excluded.take, rows_per_request = excluded.rows_per_request, \
         tracking_mapping = excluded.tracking_mapping",
    )
    .bind(&mall.id)
    .bind(&mall.name)
    .bind(account)
    .bind(to_json(&mall.fees)?)
    .bind(mall.invoice.to_string())
    .bind(to_json(&mall.automation)?)
    .bind(&mall.mapping)
    .bind(i64::from(mall.by_csv))
    .bind(to_json(&mall.take)?)
    .bind(i64::from(mall.rows_per_request))
    .bind(&mall.tracking_mapping)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Orders for which no credit was ever requested go to the mall's new provider.
async fn redirect(tx: &mut WriteTransaction, before: &Mall, mall: &Mall) -> Result<()> {
    if before.provider == mall.provider {
        return Ok(());
    }
    redirect_rows(tx, &mall.id, &mall.provider).await?;
    let redirected = sqlx::query(
        "UPDATE orders SET provider = $1, version = version + 1 WHERE mall = $2 AND state = $3 AND provider <> $1",
    )
    .bind(&mall.provider)
    .bind(&mall.id)
    .bind(State::NotAsked.to_string())
    .execute(&mut **tx)
    .await?;
    let redirected = i64::try_from(redirected.rows_affected()).unwrap_or(i64::MAX);
    let mut counts = StateCounts::default();
    counts.add(&mall.id, &before.provider, State::NotAsked, -redirected);
    counts.add(&mall.id, &mall.provider, State::NotAsked, redirected);
    counts.write(tx).await
}

/// Makes every order due that the automation had put aside, if what it is to do has changed.
async fn wake(tx: &mut WriteTransaction, before: &Mall, mall: &Mall, now: i64) -> Result<()> {
    if before.automation == mall.automation && before.by_csv == mall.by_csv {
        return Ok(());
    }
    let sql = format!(
        "UPDATE orders SET due_at = $1 WHERE mall = $2 AND due_at IS NULL AND state IN ({})",
        states(|state| state.automatic().is_some())
    );
    sqlx::query(AssertSqlSafe(sql)).bind(now).bind(&mall.id).execute(&mut **tx).await?;
    Ok(())
}
