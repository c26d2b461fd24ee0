//! What may undo commits that the database has acknowledged.

use crate::database::Store;
use crate::dialect::Dialect;
use crate::error::Result;

/// What the server's replication and storage may do to what it acknowledged; see [`Risks`].
const RISKS: &str = "SELECT COUNT(*) FILTER (WHERE COALESCE(sync_state, CASE WHEN \
    current_setting('synchronous_standby_names') = '' THEN 'async' ELSE 'sync' END) NOT IN ('sync', 'quorum')), \
    current_setting('full_page_writes') = 'off' AND COALESCE(current_setting('host_demo.only_a_test', true), '') <> 'yes' \
    FROM pg_stat_replication WHERE COALESCE(state, '') <> 'backup'";

/// What may take back what the database acknowledged, though the server itself keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Risks {
    /// Standbys that may lag: a failover to one of them is an old backup.
    pub asynchronous_standbys: i64,
    /// Pages may be torn by a crash, unless the file system never does that.
    pub torn_pages: bool,
}

impl Store {
    /// What may take back what the database acknowledged, as far as it tells. Nothing on SQLite.
    pub async fn risks(&self) -> Result<Risks> {
        if self.dialect == Dialect::Sqlite {
            return Ok(Risks::default());
        }
        let (asynchronous_standbys, torn_pages) = sqlx::query_as(RISKS).fetch_one(self.pool()?).await?;
        Ok(Risks { asynchronous_standbys, torn_pages })
    }
}
