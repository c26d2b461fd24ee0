//! Claims: an order is written down as being sent, by which process and under which reference, before its call is
//! made.

use crate::change::{Change, Claim, state_after};
use crate::counters::StateCounts;
use crate::credit_pauses::paused_providers;
use crate::database::{Store, WriteTransaction};
use crate::dialect::Dialect;
use crate::error::Result;
use crate::group_writes::{ClaimWrite, Place, by_order, nothing_for_each, set};
use crate::history::{HistoryLine, Lines, NewLine};
use crate::registrations::{self, NamedRegistration};
use crate::rows::to_json;
use crate::sql::{VALUES_PER_QUERY, list};
use crate::wide::fetch_rows;
use domain::credit_state::Event;
use domain::moment::Moment;
use domain::order::Order;
use domain::tracking::DroppedTracking;
use sqlx::AssertSqlSafe;
use std::collections::{BTreeSet, HashMap, HashSet};

impl Store {
    /// Claims `orders` for a call: each moves along the claim's event to a claimed state, if it is still as it was
    /// read, and the row of a batch that asks for it is still this process's. Returns, at each order's index, the order as
    /// claimed, or nothing where another process was faster or the account was changed. The claims are durable when this returns.
    ///
    /// If the returned future is dropped, the claims may be made nevertheless; the claim's work is then held until that
    /// is decided.
    pub async fn claim(&self, orders: &[Order], claim: Claim<'_>) -> Result<Vec<Option<Order>>> {
        let write = ClaimWrite {
            orders: orders.to_vec(),
            rows: claim.rows.to_vec(),
            event: claim.event,
            account: claim.account.id,
            account_version: claim.account.version,
            provider: claim.account.provider.clone(),
            owner: claim.owner.to_owned(),
            who: claim.who.to_owned(),
            now: claim.now,
        };
        self.write_claim(write, claim.work.cloned()).await
    }

    /// Makes those of the claims of a group that are `open`.
    pub(super) async fn claim_all(
        &self,
        tx: &mut WriteTransaction,
        claims: &[&ClaimWrite],
        open: &[bool],
        counts: &mut StateCounts,
        lines: &mut Lines,
    ) -> Result<Vec<Vec<Option<Order>>>> {
        let mut results = nothing_for_each(claims, |claim| &claim.orders[..]);
        let mut orders = by_order(claims, |claim| &claim.orders[..], |order| order.id);
        orders.retain(|((claim, _), ..)| open.get(*claim) == Some(&true));
        if orders.is_empty() {
            return Ok(results);
        }
        let sent = self.moment_in(tx).await?;
        let registrations = self.name_registrations(tx, &orders).await?;
        let mut claimed = Vec::with_capacity(orders.len());
        for ((place, claim, order), registration) in orders.into_iter().zip(registrations) {
            let after = after_claim(claim, order, registration.as_ref(), &sent)?;
            claimed.push(Claimed { place, claim, order, registration, after });
        }
        let won = update_orders(tx, &claimed).await?;
        claimed.retain(|claimed| won.contains(&claimed.order.id));
        let registrations = claimed.iter().filter_map(|claimed| Some((claimed.registration.as_ref()?, claimed.order)));
        registrations::write(tx, &registrations.collect::<Vec<_>>()).await?;
        for Claimed { place, claim, order, after, .. } in claimed {
            counts.moved(order, &after);
            let dropped = order.tracking.as_ref().filter(|_| is_renewal(claim, order));
            let dropped = dropped.map(|tracking| DroppedTracking { dropped_tracking_number: tracking.number.clone() });
            let note = dropped.as_ref().map(to_json).transpose()?;
            let change = Change { note, ..Change::new(order, claim.event) };
            let line = HistoryLine::of_change(&change, &after, &claim.who, claim.now)?;
            lines.push(NewLine { order: order.id, line, report_at: None });
            set(&mut results, place, after);
        }
        Ok(results)
    }

    /// Every process that holds a claim, a row of a batch or an idempotent request, or works in the background: the one
    /// with the oldest order first, so that what is recovered first does not depend on names that are random.
    pub async fn owners(&self) -> Result<Vec<String>> {
        let owners = sqlx::query_scalar(
            "SELECT h.owner FROM (SELECT owner, id AS oldest FROM orders WHERE owner IS NOT NULL \
             UNION ALL SELECT owner, order_id FROM batch_rows WHERE progress = 'taken' \
             UNION ALL SELECT owner, 9223372036854775807 FROM idempotency WHERE owner IS NOT NULL \
             UNION ALL SELECT owner, 9223372036854775807 FROM serving) h GROUP BY h.owner ORDER BY MIN(h.oldest), h.owner",
        );
        Ok(owners.fetch_all(self.pool()?).await?)
    }

    /// Waits until no transaction that has begun writes about the orders `ids` any more. One whose connection was lost
    /// may have its commit on its way to the server; whether it claimed them is known only after that.
    pub(super) async fn settle_writes(&self, ids: &[i64]) -> Result<()> {
        let mut tx = self.write().await?;
        if let Some(timeout) = self.dialect.lock_timeout() {
            sqlx::query(AssertSqlSafe(timeout)).execute(&mut *tx).await?;
        }
        for ids in ids.chunks(VALUES_PER_QUERY) {
            let sql =
                format!("SELECT id FROM orders WHERE id IN ({}) ORDER BY id{}", list(ids), self.dialect.for_update());
            sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(&mut *tx).await?;
        }
        Ok(())
    }

    /// The orders that `owner` has claimed.
    pub async fn owned_by(&self, owner: &str) -> Result<Vec<Order>> {
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM orders WHERE owner = $1 ORDER BY id")
            .bind(owner)
            .fetch_all(self.pool()?)
            .await?;
        self.readable(&ids).await
    }
}

/// An order that is claimed if it is still as it was read.
struct Claimed<'a> {
    place: Place,
    claim: &'a ClaimWrite,
    order: &'a Order,
    /// Under which its credit is sent; nothing where it is claimed for something else.
    registration: Option<NamedRegistration>,
    after: Order,
}

/// Whether a registration before this one came to its end.
fn is_renewal(claim: &ClaimWrite, order: &Order) -> bool {
    claim.event == Event::CreditStarted && order.state.is_void()
}

fn after_claim(
    claim: &ClaimWrite,
    order: &Order,
    registration: Option<&NamedRegistration>,
    sent: &Moment,
) -> Result<Order> {
    let mut after = order.clone();
    after.state = state_after(order, claim.event)?;
    after.owner = Some(claim.owner.clone());
    after.sent = Some(sent.clone());
    after.version += 1;
    if is_renewal(claim, order) {
        after.tracking = None;
    }
    if let Some(registration) = registration {
        after.provider.clone_from(&claim.provider);
        after.registration = Some(registration.registration.clone());
    }
    Ok(after)
}

/// For each claim whether it may be made: whether its account is still as it was read, locked until the transaction
/// ends, and for a new credit whether it is still its mall's, whose results still come through the API, and its provider is
/// not paused.
///
/// Asked later with other settings than those that were sent, the provider could say truthfully that there is no such
/// order. A mall whose results are to come by CSV from now on changes its account in the same transaction, so it has done
/// so before its account is locked here, or waits; orders of such a mall are registered by file, and a claim that was
/// prepared before would be a second credit.
pub(super) async fn open_claims(
    tx: &mut WriteTransaction,
    dialect: Dialect,
    claims: &[&ClaimWrite],
) -> Result<Vec<bool>> {
    let accounts: BTreeSet<i64> = claims.iter().map(|claim| claim.account).collect();
    let (mut versions, mut open) = (HashMap::new(), HashSet::new());
    for accounts in accounts.into_iter().collect::<Vec<_>>().chunks(VALUES_PER_QUERY) {
        let accounts = list(accounts);
        let sql =
            format!("SELECT id, version FROM accounts WHERE id IN ({accounts}) ORDER BY id{}", dialect.for_share());
        versions.extend(sqlx::query_as::<_, (i64, i64)>(AssertSqlSafe(sql)).fetch_all(&mut **tx).await?);
        // After the lock, in a statement of its own, which sees what was committed before.
        let sql = format!("SELECT account FROM malls WHERE by_csv = 0 AND account IN ({accounts})");
        open.extend(sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_all(&mut **tx).await?);
    }
    let is_credit = |claim: &&ClaimWrite| claim.event == Event::CreditStarted;
    let paused = if claims.iter().any(is_credit) { paused_providers(tx).await? } else { HashSet::new() };
    let is_open = |claim: &&ClaimWrite| {
        let is_current = versions.get(&claim.account) == Some(&claim.account_version);
        let takes_credits = || open.contains(&claim.account) && !paused.contains(&claim.provider);
        is_current && (!is_credit(claim) || takes_credits())
    };
    Ok(claims.iter().map(is_open).collect())
}

/// Moves the orders that are still as they were read; returns which. A row of a batch that was given back meanwhile, since
/// its process counted as dead, asks for nothing any more: whoever takes it now does, and finds the order as it is.
async fn update_orders(tx: &mut WriteTransaction, claimed: &[Claimed<'_>]) -> Result<HashSet<i64>> {
    let sql = "WITH v (id, was, state, owner, sent_at, sent_clock, sent_boot, sent_uptime, provider, reference, \
               is_renewal, batch, place) AS (VALUES {rows}) \
               UPDATE orders SET state = v.state, owner = v.owner, sent_at = v.sent_at, \
               sent_clock = v.sent_clock, sent_boot = v.sent_boot, sent_uptime = v.sent_uptime, provider = v.provider, \
               carrier = CASE v.is_renewal WHEN 1 THEN NULL ELSE carrier END, \
               tracking_number = CASE v.is_renewal WHEN 1 THEN NULL ELSE tracking_number END, \
               shipped_on = CASE v.is_renewal WHEN 1 THEN NULL ELSE shipped_on END, \
               reference = v.reference, due_at = NULL, version = v.was + 1 FROM v \
               WHERE orders.id = v.id AND orders.version = v.was AND (v.batch IS NULL OR EXISTS (SELECT 1 FROM \
               batch_rows r WHERE r.batch = v.batch AND r.place = v.place AND r.progress = 'taken' AND r.owner = v.owner)) \
               RETURNING orders.id";
    let won: Vec<(i64,)> = fetch_rows(tx, sql, claimed, |row, Claimed { place, claim, order, after, .. }| {
        let sent = after.sent.as_ref();
        let uptime = sent.and_then(|sent| sent.uptime.as_ref());
        row.add(order.id)?.add(order.version)?.add(after.state.to_string())?.add(&after.owner)?;
        row.add(sent.map(|sent| sent.at))?.add(sent.and_then(|sent| sent.clock.as_ref()))?;
        row.add(uptime.map(|uptime| &uptime.boot))?.add(uptime.map(|uptime| uptime.milliseconds))?;
        row.add(&after.provider)?.add(after.registration.as_ref().map(|registration| &registration.reference))?;
        row.add(i64::from(is_renewal(claim, order)))?;
        let asks = claim.rows.get(place.1).copied().flatten();
        row.add(asks.map(|asks| asks.batch))?.add(asks.map(|asks| asks.index))?;
        Ok(())
    })
    .await?;
    Ok(won.into_iter().map(|(id,)| id).collect())
}
