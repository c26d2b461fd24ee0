//! The shop's accounts at providers, and the encryption of the settings that they hold.

use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::rows::{from_json, to_json};
use crate::sql::{VALUES_PER_QUERY, list, states, take_numbers};
use domain::credit_state::State;
use domain::mall::{Mall, ShopAccount};
use domain::settings::Settings;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use std::collections::BTreeMap;

impl Store {
    /// The accounts `ids`, by number, with their settings decrypted: for calls to their providers.
    pub async fn accounts(&self, ids: impl IntoIterator<Item = i64>) -> Result<BTreeMap<i64, ShopAccount>> {
        let ids: Vec<i64> = ids.into_iter().collect();
        let mut accounts = BTreeMap::new();
        for ids in ids.chunks(VALUES_PER_QUERY) {
            let sql = format!("SELECT id, mall, provider, settings, version FROM accounts WHERE id IN ({})", list(ids));
            for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(self.pool()?).await? {
                let account = self.account_of_row(&row)?;
                accounts.insert(account.id, account);
            }
        }
        Ok(accounts)
    }

    /// The malls that have, or had, an account at `provider`: id and name.
    pub async fn malls_of_provider(&self, provider: &str) -> Result<BTreeMap<String, String>> {
        let malls: Vec<(String, String)> =
            sqlx::query_as("SELECT id, name FROM malls WHERE id IN (SELECT mall FROM accounts WHERE provider = $1)")
                .bind(provider)
                .fetch_all(self.pool()?)
                .await?;
        Ok(malls.into_iter().collect())
    }

    /// Writes new settings into an account; returns the numbers of the orders that forbid it.
    pub(super) async fn correct_account(
        &self,
        tx: &mut WriteTransaction,
        account: i64,
        mall: &Mall,
    ) -> Result<Vec<String>> {
        self.check_key(tx).await?;
        // First, so that no order is claimed under the account until this transaction ends.
        sqlx::query("UPDATE accounts SET settings = $1, version = version + 1 WHERE id = $2")
            .bind(self.encrypted(&mall.id, &mall.settings)?)
            .bind(account)
            .execute(&mut **tx)
            .await?;
        let sql = format!(
            "SELECT o.number FROM orders o JOIN registrations r ON r.reference = o.reference \
             WHERE r.account = $1 AND o.state IN ({}) ORDER BY o.id",
            states(State::is_in_doubt)
        );
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(account).fetch_all(&mut **tx).await?)
    }

    pub(super) async fn new_account(&self, tx: &mut WriteTransaction, mall: &Mall, now: i64) -> Result<i64> {
        self.check_key(tx).await?;
        let id = take_numbers(tx, "account", 1).await?;
        sqlx::query(
            "INSERT INTO accounts (id, mall, provider, settings, since, version) VALUES ($1, $2, $3, $4, $5, 0)",
        )
        .bind(id)
        .bind(&mall.id)
        .bind(&mall.provider)
        .bind(self.encrypted(&mall.id, &mall.settings)?)
        .bind(now)
        .execute(&mut **tx)
        .await?;
        Ok(id)
    }

    fn account_of_row(&self, row: &AnyRow) -> Result<ShopAccount> {
        let mall: String = row.try_get("mall")?;
        Ok(ShopAccount {
            id: row.try_get("id")?,
            provider: row.try_get("provider")?,
            settings: self.decrypted(&mall, row.try_get("settings")?, |_| true)?,
            version: row.try_get("version")?,
            mall,
        })
    }

    fn encrypted(&self, mall: &str, settings: &Settings) -> Result<String> {
        let mut encrypted = BTreeMap::new();
        for (key, value) in settings {
            encrypted.insert(key, self.secrets.seal(&setting_name(mall, key), value.expose())?);
        }
        to_json(&encrypted)
    }

    /// The settings whose keys `is_read` lets through; the others stay encrypted and are left out.
    pub(super) fn decrypted(&self, mall: &str, settings: &str, is_read: impl Fn(&str) -> bool) -> Result<Settings> {
        let encrypted: BTreeMap<String, String> = from_json(settings)?;
        let read = encrypted.into_iter().filter(|(key, _)| is_read(key));
        read.map(|(key, value)| {
            let opened = self.secrets.open(&setting_name(mall, &key), &value)?;
            Ok((key, opened.into()))
        })
        .collect()
    }
}

/// What an encrypted setting is bound to. No mall's id and no key holds a line break.
pub(super) fn setting_name(mall: &str, key: &str) -> String {
    format!("{mall}\n{key}")
}

/// Makes every claim fail that read the account before: whether credit is run at all has changed.
pub(super) async fn outdate(tx: &mut WriteTransaction, account: i64) -> Result<()> {
    sqlx::query("UPDATE accounts SET version = version + 1 WHERE id = $1").bind(account).execute(&mut **tx).await?;
    Ok(())
}

/// How many orders may be live under other accounts of `mall` than `account`.
pub(super) async fn live_elsewhere(tx: &mut WriteTransaction, mall: &str, account: i64) -> Result<i64> {
    let sql = format!(
        "SELECT COUNT(*) FROM accounts a JOIN registrations r ON r.account = a.id \
         JOIN orders o ON o.reference = r.reference AND o.id = r.order_id \
         WHERE a.mall = $1 AND a.id <> $2 AND o.state IN ({})",
        states(State::may_be_live)
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(mall).bind(account).fetch_one(&mut **tx).await?)
}
