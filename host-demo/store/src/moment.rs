//! Moments by the clock that the processes of a store share: on PostgreSQL the database's, on SQLite this machine's.

use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use domain::clock;
use domain::moment::Moment;
use domain::order::Order;
use sqlx::AnyConnection;

/// The clock of one machine that does not tell its uptime: not exact, but all there is.
const THIS_MACHINE: &str = "machine";

impl Store {
    /// Now, as other processes will be able to compare it.
    pub async fn moment(&self) -> Result<Moment> {
        let mut connection = self.pool()?.acquire().await?;
        self.read_moment(&mut connection).await
    }

    /// Milliseconds since 1970 by the shared clock, as far as it is known without a query. Every process writes times
    /// in this measure, even where its own machine's clock is wrong.
    pub fn now(&self) -> i64 {
        clock::uptime().and_then(|uptime| self.clock.at(uptime.milliseconds)).unwrap_or_else(clock::now)
    }

    /// [`Store::moment`] within a transaction.
    pub(super) async fn moment_in(&self, tx: &mut WriteTransaction) -> Result<Moment> {
        self.read_moment(tx).await
    }

    async fn read_moment(&self, connection: &mut AnyConnection) -> Result<Moment> {
        let Some(query) = self.dialect.clock() else {
            let uptime = clock::uptime();
            let clock = uptime.is_none().then(|| THIS_MACHINE.to_owned());
            return Ok(Moment { at: clock::now(), clock, uptime });
        };
        let mut read: (i64, String) = sqlx::query_as(query).fetch_one(&mut *connection).await?;
        let uptime = clock::uptime();
        if let Some(uptime) = &uptime {
            if self.clock.has_jumped(read.0, uptime.milliseconds) {
                tracing::warn!("the database's clock was set; for what is in flight the time is measured anew");
                // Not in the caller's transaction, which may be rolled back.
                sqlx::query("UPDATE store SET clock_epoch = clock_epoch + 1").execute(self.pool()?).await?;
                read = sqlx::query_as(query).fetch_one(&mut *connection).await?;
            }
            self.clock.read(read.0, uptime.milliseconds);
        }
        Ok(Moment { at: read.0, clock: Some(read.1), uptime })
    }

    /// Measures from `now` on how long the last request for `order` may be in flight, if the order is still as it was
    /// read: what was measured before cannot be compared any more.
    pub async fn measure_anew(&self, order: &Order, now: &Moment) -> Result<()> {
        sqlx::query(
            "UPDATE orders SET sent_at = $1, sent_clock = $2, sent_boot = $3, sent_uptime = $4 \
             WHERE id = $5 AND version = $6",
        )
        .bind(now.at)
        .bind(&now.clock)
        .bind(now.uptime.as_ref().map(|uptime| &uptime.boot))
        .bind(now.uptime.as_ref().map(|uptime| uptime.milliseconds))
        .bind(order.id)
        .bind(order.version)
        .execute(self.pool()?)
        .await?;
        Ok(())
    }
}
