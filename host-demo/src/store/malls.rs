//! Malls, and the shop's accounts at providers.

use crate::domain::actor::Actor;
use crate::domain::audit_event::{AuditEvent, MallPart};
use crate::domain::credit_state::State;
use crate::domain::mall::{Mall, ROWS_PER_REQUEST, ShopAccount};
use crate::domain::settings::Settings;
use crate::store::audit::{self};
use crate::store::backlog::{self, Backlog, OnBacklog};
use crate::store::rows::{from_json, parse, to_json};
use crate::store::{Moves, Result, Store, Writing, retried, take_numbers};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use std::collections::BTreeMap;
use strum::VariantArray;

/// What new settings at the same provider mean for orders that are registered there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountChange {
    /// It is the same account there, with a corrected id or a new key: the settings hold for the orders
    /// that are registered under it as well.
    #[default]
    Account,
    /// It is another account: orders stay under the one where they are registered.
    Orders,
}

/// How a mall is saved.
#[derive(Debug, Clone, Copy, Default)]
pub struct MallUpdate<'a> {
    /// What other settings at the same provider mean.
    pub keep: AccountChange,
    /// The version of the mall that the change was made from; absent: whatever it is.
    pub version: Option<i64>,
    /// What becomes of orders that wait, if the automation would begin with them.
    pub backlog: OnBacklog,
    /// Who saves it, and when.
    pub by: Actor<'a>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum MallUpdateOutcome {
    /// Saved.
    Done {
        /// If the mall has a new account: orders that may be live and stay under an earlier one.
        elsewhere: i64,
    },
    /// Not saved: the outcome of these orders is unknown, and with other settings the provider might
    /// truthfully say that there is no such order.
    Held(Vec<String>),
    /// Not saved: somebody else changed the mall meanwhile.
    Changed,
    /// Not saved: these orders would go out at once, and nobody has said that they may.
    Waiting(Backlog),
}

/// A mall's columns and its account's; completed by a condition.
macro_rules! select_malls {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.name, m.account, m.fees, m.invoice, m.automation, m.headings, m.take, m.by_csv, \
             m.rows_per_request, m.version, a.provider, a.settings FROM malls m JOIN accounts a ON a.id = m.account ",
            $rest
        )
    };
}

impl Store {
    /// Writes `mall`, new or changed; or writes nothing, and says why.
    ///
    /// Orders that are registered at a provider stay with the account under which they are: with another
    /// provider, and with other settings where these mean another account, the mall gets a new one.
    pub async fn put_mall(&self, mall: &Mall, saving: MallUpdate<'_>) -> Result<MallUpdateOutcome> {
        retried!(self.try_put_mall(mall, saving))
    }

    async fn try_put_mall(&self, mall: &Mall, saving: MallUpdate<'_>) -> Result<MallUpdateOutcome> {
        let mut writing = self.write().await?;
        // First, so that of two that save the mall at once the second sees what the first did.
        sqlx::query("UPDATE malls SET version = version + 1 WHERE id = $1")
            .bind(&mall.id)
            .execute(&mut *writing)
            .await?;
        let row = sqlx::query(select_malls!("WHERE m.id = $1")).bind(&mall.id).fetch_optional(&mut *writing).await?;
        let before = row.map(|row| self.mall_of(&row)).transpose()?;
        // The version as it was before the line above.
        let read = before.as_ref().map_or(0, |before| before.version - 1);
        if saving.version.is_some_and(|version| version != read) {
            return Ok(MallUpdateOutcome::Changed);
        }
        let waiting = match &before {
            Some(before) => backlog::of(&mut writing, before, mall).await?,
            None => Backlog::default(),
        };
        if saving.backlog.is_open(waiting) {
            return Ok(MallUpdateOutcome::Waiting(waiting));
        }
        let account = match &before {
            Some(before) if before.provider == mall.provider && before.settings == mall.settings => before.account,
            Some(before) if before.provider == mall.provider && saving.keep == AccountChange::Account => {
                let held = self.correct_account(&mut writing, before.account, mall).await?;
                if !held.is_empty() {
                    return Ok(MallUpdateOutcome::Held(held));
                }
                before.account
            }
            _ => self.new_account(&mut writing, mall, saving.by.at).await?,
        };
        write_mall(&mut writing, mall, account).await?;
        let (mut elsewhere, mut decided) = (0, None);
        if let Some(before) = &before {
            if before.by_csv != mall.by_csv {
                outdate(&mut writing, before.account).await?;
            }
            lead_to(&mut writing, before, mall).await?;
            wake(&mut writing, before, mall, saving.by.at).await?;
            let sent = match saving.backlog {
                OnBacklog::Send(_) => Some(backlog::release(&mut writing, mall, saving.by.at).await?),
                OnBacklog::Hold | OnBacklog::Ask => {
                    backlog::hold(&mut writing, before, mall).await?;
                    None
                }
            };
            let waited = !waiting.is_empty() || sent == Some(true);
            decided = waited.then_some(MallPart::Waiting { sent: sent.is_some() });
            if before.account != account {
                elsewhere = live_elsewhere(&mut writing, &mall.id, account).await?;
            }
        }
        if let Some(deed) = deed(before.as_ref(), mall, decided) {
            audit::note(&mut writing, saving.by, &deed).await?;
        }
        writing.commit().await?;
        Ok(MallUpdateOutcome::Done { elsewhere })
    }

    /// Writes new settings into an account; or says which orders forbid it.
    async fn correct_account(&self, writing: &mut Writing, account: i64, mall: &Mall) -> Result<Vec<String>> {
        // First, so that no order is claimed under the account until this transaction ends.
        sqlx::query("UPDATE accounts SET settings = $1, version = version + 1 WHERE id = $2")
            .bind(self.sealed(&mall.id, &mall.settings)?)
            .bind(account)
            .execute(&mut **writing)
            .await?;
        let sql = format!(
            "SELECT o.number FROM orders o JOIN registrations r ON r.reference = o.reference \
             WHERE r.account = $1 AND o.state IN ({}) ORDER BY o.id",
            states(State::is_in_doubt)
        );
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(account).fetch_all(&mut **writing).await?)
    }

    async fn new_account(&self, writing: &mut Writing, mall: &Mall, now: i64) -> Result<i64> {
        let id = take_numbers(writing, "account", 1).await?;
        sqlx::query(
            "INSERT INTO accounts (id, mall, provider, settings, since, version) VALUES ($1, $2, $3, $4, $5, 0)",
        )
        .bind(id)
        .bind(&mall.id)
        .bind(&mall.provider)
        .bind(self.sealed(&mall.id, &mall.settings)?)
        .bind(now)
        .execute(&mut **writing)
        .await?;
        Ok(id)
    }

    /// The mall `id`.
    pub async fn mall(&self, id: &str) -> Result<Option<Mall>> {
        let row = sqlx::query(select_malls!("WHERE m.id = $1")).bind(id).fetch_optional(&self.pool).await?;
        row.map(|row| self.mall_of(&row)).transpose()
    }

    /// All malls.
    pub async fn malls(&self) -> Result<Vec<Mall>> {
        let rows = sqlx::query(select_malls!("ORDER BY m.id")).fetch_all(&self.pool).await?;
        rows.iter().map(|row| self.mall_of(row)).collect()
    }

    /// Every account of every mall, by the store's number.
    pub async fn accounts(&self) -> Result<BTreeMap<i64, ShopAccount>> {
        let rows =
            sqlx::query("SELECT id, mall, provider, settings, version FROM accounts").fetch_all(&self.pool).await?;
        rows.iter().map(|row| self.account_of(row).map(|account| (account.id, account))).collect()
    }

    /// What would become of the open orders of `mall` if it changed its provider: how many stay with
    /// which provider until they are done, and how many would be put to the new one.
    pub async fn open_orders(&self, mall: &str) -> Result<OpenOrders> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT provider, state, CAST(SUM(orders) AS BIGINT) AS orders FROM counts WHERE mall = $1 \
             GROUP BY provider, state",
        )
        .bind(mall)
        .fetch_all(&self.pool)
        .await?;
        let mut open = OpenOrders::default();
        for (provider, state, orders) in rows.into_iter().filter(|(.., orders)| *orders > 0) {
            let state: State = parse(&state)?;
            if state.may_be_live() {
                *open.staying.entry(provider).or_default() += orders;
            } else if state == State::NotAsked {
                open.not_asked += orders;
            }
        }
        Ok(open)
    }

    fn mall_of(&self, row: &AnyRow) -> Result<Mall> {
        let id: String = row.try_get("id")?;
        Ok(Mall {
            name: row.try_get("name")?,
            provider: row.try_get("provider")?,
            settings: self.opened(&id, row.try_get("settings")?)?,
            fees: from_json(row.try_get("fees")?)?,
            invoice: parse(row.try_get("invoice")?)?,
            automation: from_json(row.try_get("automation")?)?,
            headings: from_json(row.try_get("headings")?)?,
            take: from_json(row.try_get("take")?)?,
            by_csv: row.try_get::<i64, _>("by_csv")? != 0,
            rows_per_request: u32::try_from(row.try_get::<i64, _>("rows_per_request")?).unwrap_or(ROWS_PER_REQUEST),
            account: row.try_get("account")?,
            version: row.try_get("version")?,
            id,
        })
    }

    fn account_of(&self, row: &AnyRow) -> Result<ShopAccount> {
        let mall: String = row.try_get("mall")?;
        Ok(ShopAccount {
            id: row.try_get("id")?,
            provider: row.try_get("provider")?,
            settings: self.opened(&mall, row.try_get("settings")?)?,
            version: row.try_get("version")?,
            mall,
        })
    }

    fn sealed(&self, mall: &str, settings: &Settings) -> Result<String> {
        let mut sealed = BTreeMap::new();
        for (key, value) in settings {
            sealed.insert(key, self.secrets.seal(&setting_name(mall, key), value.expose())?);
        }
        to_json(&sealed)
    }

    fn opened(&self, mall: &str, sealed: &str) -> Result<Settings> {
        let sealed: BTreeMap<String, String> = from_json(sealed)?;
        let open = |(key, value): (String, String)| {
            let value = self.secrets.open(&setting_name(mall, &key), &value)?;
            Ok((key, value.into()))
        };
        sealed.into_iter().map(open).collect()
    }
}

/// What saving `mall` is for the audit log, with what was decided about orders that waited; nothing if nothing
/// differs.
fn deed(before: Option<&Mall>, mall: &Mall, decided: Option<MallPart>) -> Option<AuditEvent> {
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

/// What a change of provider would mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOrders {
    /// Orders that may be live, by the provider with which they stay until they are done.
    pub staying: BTreeMap<String, i64>,
    /// Orders that were never asked about: they go to the new provider.
    pub not_asked: i64,
}

/// What an encrypted setting is bound to. No mall's id and no key holds a line break.
fn setting_name(mall: &str, key: &str) -> String {
    format!("{mall}\n{key}")
}

/// The states that `which` lets through, as a list in SQL.
pub(super) fn states(which: fn(State) -> bool) -> String {
    let names = State::VARIANTS.iter().filter(|state| which(**state)).map(|state| format!("'{state}'"));
    names.collect::<Vec<_>>().join(", ")
}

async fn write_mall(writing: &mut Writing, mall: &Mall, account: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO malls (id, name, account, fees, invoice, automation, headings, by_csv, take, rows_per_request, \
         version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1) ON CONFLICT (id) DO UPDATE SET \
         name = excluded.name, account = excluded.account, fees = excluded.fees, invoice = excluded.invoice, \
         automation = excluded.automation, headings = excluded.headings, by_csv = excluded.by_csv, \
         take = excluded.take, rows_per_request = excluded.rows_per_request",
    )
    .bind(&mall.id)
    .bind(&mall.name)
    .bind(account)
    .bind(to_json(&mall.fees)?)
    .bind(mall.invoice.to_string())
    .bind(to_json(&mall.automation)?)
    .bind(to_json(&mall.headings)?)
    .bind(i64::from(mall.by_csv))
    .bind(to_json(&mall.take)?)
    .bind(i64::from(mall.rows_per_request))
    .execute(&mut **writing)
    .await?;
    Ok(())
}

/// Has every claim fail that read the mall before: whether credit is run at all has changed.
async fn outdate(writing: &mut Writing, account: i64) -> Result<()> {
    sqlx::query("UPDATE accounts SET version = version + 1 WHERE id = $1")
        .bind(account)
        .execute(&mut **writing)
        .await?;
    Ok(())
}

/// Orders that were never asked about go to the mall's provider of now.
async fn lead_to(writing: &mut Writing, before: &Mall, mall: &Mall) -> Result<()> {
    if before.provider == mall.provider {
        return Ok(());
    }
    crate::store::batches::aim_at(writing, &mall.id, &mall.provider).await?;
    let led = sqlx::query(
        "UPDATE orders SET provider = $1, version = version + 1 WHERE mall = $2 AND state = $3 AND provider <> $1",
    )
    .bind(&mall.provider)
    .bind(&mall.id)
    .bind(State::NotAsked.to_string())
    .execute(&mut **writing)
    .await?;
    let led = i64::try_from(led.rows_affected()).unwrap_or(i64::MAX);
    let mut moves = Moves::default();
    moves.add(&mall.id, &before.provider, State::NotAsked, -led);
    moves.add(&mall.id, &mall.provider, State::NotAsked, led);
    moves.write(writing).await
}

/// Has the automation look at every order that it had put aside, if what it is to do has changed.
async fn wake(writing: &mut Writing, before: &Mall, mall: &Mall, now: i64) -> Result<()> {
    if before.automation == mall.automation && before.by_csv == mall.by_csv {
        return Ok(());
    }
    let sql = format!(
        "UPDATE orders SET due_at = $1 WHERE mall = $2 AND due_at IS NULL AND state IN ({})",
        states(|state| state.automatic().is_some())
    );
    sqlx::query(AssertSqlSafe(sql)).bind(now).bind(&mall.id).execute(&mut **writing).await?;
    Ok(())
}

async fn live_elsewhere(writing: &mut Writing, mall: &str, account: i64) -> Result<i64> {
    let sql = format!(
        "SELECT COUNT(*) FROM accounts a JOIN registrations r ON r.account = a.id \
         JOIN orders o ON o.reference = r.reference AND o.id = r.order_id \
         WHERE a.mall = $1 AND a.id <> $2 AND o.state IN ({})",
        states(State::may_be_live)
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(mall).bind(account).fetch_one(&mut **writing).await?)
}
