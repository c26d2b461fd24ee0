//! Which providers the processes that work in the background can call.

use crate::database::Store;
use crate::error::Result;
use std::collections::BTreeSet;

impl Store {
    /// Records which providers the process `owner` can call in the background; absent: that it has stopped.
    pub async fn serve(&self, owner: &str, providers: Option<&[String]>) -> Result<()> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM serving WHERE owner = $1").bind(owner).execute(&mut *tx).await?;
        let itself = providers.is_some().then(String::new);
        for provider in itself.iter().chain(providers.unwrap_or_default()) {
            sqlx::query("INSERT INTO serving (owner, provider) VALUES ($1, $2)")
                .bind(owner)
                .bind(provider)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Which providers any process can call in the background; nothing where no process works in the background.
    pub async fn served(&self) -> Result<Option<BTreeSet<String>>> {
        let mut served: BTreeSet<String> = sqlx::query_scalar("SELECT DISTINCT provider FROM serving")
            .fetch_all(self.pool()?)
            .await?
            .into_iter()
            .collect();
        Ok(served.remove("").then_some(served))
    }
}
