//! Another key for the store: everything that is encrypted is encrypted anew, in one transaction.
//!
//! A key and the values under it are in two places, so the change has an order: the new key is written to a file of its
//! own and synced, then the transaction is committed, then the file takes the place of the old one. Whoever opens the
//! store in between finds that the old key does not fit, and that the new one does.

use crate::accounts::setting_name;
use crate::database::{KEY_CHECK, Store, WriteTransaction};
use crate::encryption::{NEW_KEY_VARIABLE, SecretError, Secrets};
use crate::error::Result;
use crate::idempotency::answer_name;
use crate::rows::{from_json, to_json};
use sqlx::{AssertSqlSafe, Row};
use std::collections::BTreeMap;

/// What came of a change of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotatedKey {
    /// Values that were encrypted anew.
    pub values: usize,
    /// Whether the new key is in the store's key file now; otherwise it is the one of the environment.
    pub in_file: bool,
}

impl Store {
    /// Gives the store another key: the one of the environment variable [`NEW_KEY_VARIABLE`] where the present one comes
    /// from the environment, else a new one for the key file. This handle is of no use afterwards, nor is that of any
    /// other process: what they read of secrets fails, and no setting is written under the old key.
    ///
    /// Drafts of forms are deleted. Calls that were made before the change and are repeated after it are refused.
    ///
    /// # Errors
    /// Nothing is changed then.
    pub async fn rotate_key(&self) -> Result<RotatedKey> {
        let file = self.location().beside("key");
        let new = Secrets::prepare_replacement(&file)?;
        let mut tx = self.write().await?;
        self.check_key_with(&mut tx, self.dialect.for_update()).await?;
        let values = self.encrypt_settings(&mut tx, &new).await? + self.encrypt_answers(&mut tx, &new).await?;
        sqlx::query("DELETE FROM drafts").execute(&mut *tx).await?;
        sqlx::query("UPDATE store SET key_check = $1").bind(new.seal(KEY_CHECK, KEY_CHECK)?).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(RotatedKey { values, in_file: Secrets::replace(&file)? })
    }

    /// Fails where the store was given another key since this process opened it. Holds until the transaction ends.
    pub(super) async fn check_key(&self, tx: &mut WriteTransaction) -> Result<()> {
        self.check_key_with(tx, self.dialect.for_share()).await
    }

    async fn check_key_with(&self, tx: &mut WriteTransaction, lock: &str) -> Result<()> {
        let sql = format!("SELECT key_check FROM store{lock}");
        let check: String = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut **tx).await?;
        self.secrets.open(KEY_CHECK, &check)?;
        Ok(())
    }

    async fn encrypt_settings(&self, tx: &mut WriteTransaction, new: &Secrets) -> Result<usize> {
        let mut values = 0;
        for row in sqlx::query("SELECT id, mall, settings FROM accounts ORDER BY id").fetch_all(&mut **tx).await? {
            let (id, mall): (i64, String) = (row.try_get("id")?, row.try_get("mall")?);
            let sealed: BTreeMap<String, String> = from_json(row.try_get("settings")?)?;
            let mut again = BTreeMap::new();
            for (key, value) in sealed {
                let name = setting_name(&mall, &key);
                again.insert(key, new.seal(&name, &self.secrets.open(&name, &value)?)?);
            }
            values += again.len();
            sqlx::query("UPDATE accounts SET settings = $1 WHERE id = $2")
                .bind(to_json(&again)?)
                .bind(id)
                .execute(&mut **tx)
                .await?;
        }
        Ok(values)
    }

    async fn encrypt_answers(&self, tx: &mut WriteTransaction, new: &Secrets) -> Result<usize> {
        let kept = sqlx::query("SELECT caller, name, answer FROM idempotency WHERE answer IS NOT NULL");
        let kept = kept.fetch_all(&mut **tx).await?;
        for row in &kept {
            let (caller, name): (String, String) = (row.try_get("caller")?, row.try_get("name")?);
            let what = answer_name(&caller, &name);
            let answer = self.secrets.open(&what, row.try_get("answer")?)?;
            sqlx::query("UPDATE idempotency SET answer = $1 WHERE caller = $2 AND name = $3")
                .bind(new.seal(&what, &answer)?)
                .bind(caller)
                .bind(name)
                .execute(&mut **tx)
                .await?;
        }
        Ok(kept.len())
    }
}

impl Secrets {
    /// The key that is to take the place of the present one, made and synced if need be.
    fn prepare_replacement(file: &std::path::Path) -> std::result::Result<Self, SecretError> {
        Self::find_under(NEW_KEY_VARIABLE, &Self::replacement_file(file))
    }
}
