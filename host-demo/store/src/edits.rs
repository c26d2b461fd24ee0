//! What operators and files change about an order besides its credit state.

use crate::backlog;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::history::{HistoryLine, record};
use crate::orders::{NewOrder, add_content};
use crate::rows::to_json;
use crate::sql::retried;
use crate::wide::RowValues;
use domain::correction::{self, CorrectedBy, Correction};
use domain::invoice::Invoice;
use domain::order::{Order, OrderEdit, Tracking};
use sqlx::any::AnyArguments;

/// Tracking numbers that are entered in one transaction: long enough to be fast, short enough not to keep others waiting.
const ENTERED_AT_ONCE: usize = 500;

/// A tracking number that is entered.
#[derive(Debug, Clone, Copy)]
pub struct TrackingEntry<'a> {
    /// The order as it was read.
    pub order: &'a Order,
    /// What it gets.
    pub tracking: &'a Tracking,
    /// The numbers of its other parcels, for its history.
    pub others: &'a [String],
}

impl Store {
    /// Enters carrier and 伝票番号, if the order is still as it was read. The caller has asked its state whether tracking
    /// is open.
    pub async fn set_tracking(&self, order: &Order, tracking: &Tracking, who: &str, now: i64) -> Result<bool> {
        let written = self.set_trackings(&[TrackingEntry { order, tracking, others: &[] }], who, now).await?;
        Ok(written == [true])
    }

    /// The same for many orders; for each whether it was still as it was read.
    pub async fn set_trackings(&self, entries: &[TrackingEntry<'_>], who: &str, now: i64) -> Result<Vec<bool>> {
        let mut all_written = Vec::with_capacity(entries.len());
        for entries in entries.chunks(ENTERED_AT_ONCE) {
            all_written.extend(retried!(self.try_set_trackings(entries, who, now))?);
        }
        Ok(all_written)
    }

    async fn try_set_trackings(&self, entries: &[TrackingEntry<'_>], who: &str, now: i64) -> Result<Vec<bool>> {
        let mut tx = self.write().await?;
        let mut written = Vec::with_capacity(entries.len());
        for entry in entries {
            written.push(enter_tracking(&mut tx, entry, who, now).await?);
        }
        tx.commit().await?;
        Ok(written)
    }

    /// Sets an order's 受注ステータス, if the order is still as it was read and no call about it is under way: the
    /// response to that call can be written only to the order as the claim left it.
    pub async fn set_order_status(&self, order: &Order, status: Option<&str>, who: &str, now: i64) -> Result<bool> {
        let mut tx = self.write().await?;
        // The status may be the one with which the automation starts something.
        let due_at = order.state.automatic().map(|_| now);
        let written = sqlx::query(
            "UPDATE orders SET order_status = $1, due_at = $2, version = version + 1 \
             WHERE id = $3 AND version = $4 AND owner IS NULL",
        )
        .bind(status)
        .bind(due_at)
        .bind(order.id)
        .bind(order.version)
        .execute(&mut *tx)
        .await?;
        if let Some(status) =
            status.filter(|status| written.rows_affected() == 1 && Some(*status) != order.order_status.as_deref())
        {
            backlog::release_moved(&mut tx, order.id, &order.mall, status).await?;
        }
        let note = status.unwrap_or_default().to_owned();
        self.end_edit(
            tx,
            order,
            written.rows_affected(),
            HistoryLine::of_edit(order, now, who, OrderEdit::StatusSet, note),
        )
        .await
    }

    /// Replaces an order's content, if it is still as it was read and no call about it is under way. Its history says
    /// what changed. The caller has asked its state whether that is open.
    pub async fn correct_order(
        &self,
        order: &Order,
        content: &NewOrder,
        by: CorrectedBy,
        who: &str,
        now: i64,
    ) -> Result<bool> {
        let fields = correction::changes((&order.data, &order.amounts), (&content.data, &content.amounts));
        let note = to_json(&Correction { by, fields })?;
        let mut tx = self.write().await?;
        let sql = "UPDATE orders SET data = $1, ordered_at = $2, buyer = $3, recipient = $4, item = $5, items = $6, \
                   buyer_key = $7, invoice = $8, goods = $9, shipping_fee = $10, imported_fee = $11, \
                   payment_fee = $12, billed = $13, fee_band = $14, order_status = COALESCE($15, order_status), \
                   due_at = $16, version = version + 1 WHERE id = $17 AND version = $18 AND owner IS NULL";
        let mut values = AnyArguments::default();
        add_content(&mut RowValues::of(&mut values), content).map_err(sqlx::Error::Encode)?;
        let written = sqlx::query_with(sql, values)
            .bind(order.state.automatic().map(|_| now))
            .bind(order.id)
            .bind(order.version)
            .execute(&mut *tx)
            .await?;
        let line = HistoryLine::of_edit(order, now, who, OrderEdit::Corrected, note);
        self.end_edit(tx, order, written.rows_affected(), line).await
    }

    /// Sets how the invoice reaches the buyer, if the order is still as it was read; absent: the mall's choice. The
    /// caller has asked its state whether that is open.
    pub async fn set_invoice(&self, order: &Order, invoice: Option<Invoice>, who: &str, now: i64) -> Result<bool> {
        let mut tx = self.write().await?;
        let written =
            sqlx::query("UPDATE orders SET invoice = $1, version = version + 1 WHERE id = $2 AND version = $3")
                .bind(invoice.map(|invoice| invoice.to_string()))
                .bind(order.id)
                .bind(order.version)
                .execute(&mut *tx)
                .await?;
        let note = invoice.map(|invoice| invoice.to_string()).unwrap_or_default();
        self.end_edit(
            tx,
            order,
            written.rows_affected(),
            HistoryLine::of_edit(order, now, who, OrderEdit::InvoiceSet, note),
        )
        .await
    }

    /// Records an edit that was written, and commits; whether it was written.
    async fn end_edit(&self, mut tx: WriteTransaction, order: &Order, written: u64, line: HistoryLine) -> Result<bool> {
        if written == 1 {
            record(&mut tx, order.id, line).await?;
        }
        tx.commit().await?;
        Ok(written == 1)
    }
}

/// Enters one tracking number; whether its order was still as it was read.
async fn enter_tracking(tx: &mut WriteTransaction, entry: &TrackingEntry<'_>, who: &str, now: i64) -> Result<bool> {
    let TrackingEntry { order, tracking, others } = entry;
    let written = sqlx::query(
        "UPDATE orders SET carrier = $1, tracking_number = $2, shipped_on = $3, tries = 0, due_at = $4, \
         held = CASE WHEN held = 'sync' THEN NULL ELSE held END, version = version + 1 \
         WHERE id = $5 AND version = $6",
    )
    .bind(&tracking.carrier)
    .bind(&tracking.number)
    .bind(tracking.shipped_on.to_string())
    .bind(now)
    .bind(order.id)
    .bind(order.version)
    .execute(&mut **tx)
    .await?;
    if written.rows_affected() != 1 {
        return Ok(false);
    }
    let other_parcels = others.iter().map(|number| format!(" + {number}")).collect::<String>();
    let note = format!("{} {} {}{other_parcels}", tracking.carrier, tracking.number, tracking.shipped_on);
    let line = HistoryLine::of_edit(order, now, who, OrderEdit::TrackingEntered, note);
    record(tx, order.id, line).await?;
    Ok(true)
}
