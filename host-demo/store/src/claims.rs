//! Claims: an order is written down as being sent, by which process and under which reference, before its call is
//! made.

use crate::change::{Change, Claim, state_after};
use crate::counters::StateCounts;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::history::{HistoryLine, record};
use crate::sql::{by_number, retried};
use domain::crash_point::{CrashPoint, reached};
use domain::credit_state::Event;
use domain::mall::ShopAccount;
use domain::moment::Moment;
use domain::order::Order;
use sqlx::AssertSqlSafe;

impl Store {
    /// Claims `orders` for a call: each moves along the claim's event to a claimed state, if it is still as it was
    /// read. Returns, at each order's index, the order as claimed, or nothing where another process was faster or the
    /// account was changed. The claims are durable when this returns.
    pub async fn claim(&self, orders: &[Order], claim: Claim<'_>) -> Result<Vec<Option<Order>>> {
        retried!(self.try_claim(orders, claim))
    }

    async fn try_claim(&self, orders: &[Order], claim: Claim<'_>) -> Result<Vec<Option<Order>>> {
        let mut tx = self.write().await?;
        let mut claimed: Vec<Option<Order>> = vec![None; orders.len()];
        if !self.is_current(&mut tx, claim.account).await? || !self.is_open(&mut tx, claim).await? {
            return Ok(claimed);
        }
        let sent = self.moment_in(&mut tx).await?;
        let mut counts = StateCounts::starting_with(orders.first().map(|order| order.id));
        for index in by_number(orders, |order| order.id) {
            let (Some(order), Some(result)) = (orders.get(index), claimed.get_mut(index)) else { continue };
            *result = self.claim_one(&mut tx, order, claim, &sent).await?;
            if let Some(claimed) = result {
                counts.moved(order, claimed);
            }
        }
        counts.write(&mut tx).await?;
        reached(CrashPoint::ClaimWritten).await;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Whether the account is still as it was read, locked until this transaction ends. Asked later with other
    /// settings than those that were sent, the provider could say truthfully that there is no such order.
    async fn is_current(&self, tx: &mut WriteTransaction, account: &ShopAccount) -> Result<bool> {
        let sql = format!("SELECT version FROM accounts WHERE id = $1{}", self.dialect.for_share());
        let version: Option<i64> =
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(account.id).fetch_optional(&mut **tx).await?;
        Ok(version == Some(account.version))
    }

    /// Whether the results of the claim's mall still come through the API, where a new credit is claimed. Asked after the
    /// account was locked: a mall whose results are to come by CSV from now on changes its account in the same
    /// transaction, so it has done so before or waits. Orders of such a mall are registered by file, and a claim that
    /// was prepared before would be a second credit.
    async fn is_open(&self, tx: &mut WriteTransaction, claim: Claim<'_>) -> Result<bool> {
        if claim.event != Event::CreditStarted {
            return Ok(true);
        }
        let by_csv: Option<i64> = sqlx::query_scalar("SELECT by_csv FROM malls WHERE id = $1")
            .bind(&claim.account.mall)
            .fetch_optional(&mut **tx)
            .await?;
        Ok(by_csv == Some(0))
    }

    async fn claim_one(
        &self,
        tx: &mut WriteTransaction,
        order: &Order,
        claim: Claim<'_>,
        sent: &Moment,
    ) -> Result<Option<Order>> {
        let Claim { event, account, owner, who, now } = claim;
        let mut claimed = order.clone();
        claimed.state = state_after(order, event)?;
        claimed.owner = Some(owner.to_owned());
        claimed.sent = Some(sent.clone());
        claimed.version += 1;
        if event == Event::CreditStarted {
            claimed.provider.clone_from(&account.provider);
        }
        let won = sqlx::query(
            "UPDATE orders SET state = $1, owner = $2, sent_at = $3, sent_clock = $4, sent_boot = $5, sent_uptime = $6, \
             provider = $7, due_at = NULL, version = $8 WHERE id = $9 AND version = $10",
        )
        .bind(claimed.state.to_string())
        .bind(owner)
        .bind(sent.at)
        .bind(&sent.clock)
        .bind(sent.uptime.as_ref().map(|uptime| &uptime.boot))
        .bind(sent.uptime.as_ref().map(|uptime| uptime.milliseconds))
        .bind(&claimed.provider)
        .bind(claimed.version)
        .bind(order.id)
        .bind(order.version)
        .execute(&mut **tx)
        .await?;
        if won.rows_affected() == 0 {
            return Ok(None);
        }
        if event == Event::CreditStarted {
            claimed.registration = Some(self.name_registration(tx, order, account).await?);
        }
        record(tx, claimed.id, &HistoryLine::of_change(&Change::new(order, event), &claimed, who, now)?).await?;
        Ok(Some(claimed))
    }

    /// Every process that holds a claim, a row of a batch or an idempotent request, or works in the background.
    pub async fn owners(&self) -> Result<Vec<String>> {
        let owners = sqlx::query_scalar(
            "SELECT owner FROM orders WHERE owner IS NOT NULL UNION SELECT owner FROM batch_rows WHERE owner IS NOT NULL \
             UNION SELECT owner FROM idempotency WHERE owner IS NOT NULL UNION SELECT owner FROM serving",
        );
        Ok(owners.fetch_all(&self.pool).await?)
    }

    /// The orders that `owner` has claimed.
    pub async fn owned_by(&self, owner: &str) -> Result<Vec<Order>> {
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM orders WHERE owner = $1 ORDER BY id")
            .bind(owner)
            .fetch_all(&self.pool)
            .await?;
        self.readable(&ids).await
    }
}
