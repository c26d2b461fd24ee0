//! Registrations: every reference under which an order was ever sent to its provider.

use crate::database::{Store, WriteTransaction};
use crate::error::{Result, StoreError};
use crate::reference::{MAX_REFERENCE, reference};
use domain::mall::ShopAccount;
use domain::order::{Order, Registration};
use sqlx::Any;

impl Store {
    /// The registration that a credit of `order` is sent under: the last one again where the provider has recorded
    /// nothing under it, so that a transaction id it may have had is void; else a new one. A reference belongs to one
    /// account for ever.
    pub(super) async fn name_registration(
        &self,
        tx: &mut WriteTransaction,
        order: &Order,
        account: &ShopAccount,
    ) -> Result<Registration> {
        let kept = order.registration.clone().filter(|_| order.state.keeps_reference());
        if let Some(kept) = kept.filter(|kept| kept.account == account.id) {
            sqlx::query(
                "UPDATE registrations SET sends = sends + 1, billed = $1, transaction_id = NULL WHERE reference = $2",
            )
            .bind(order.amounts.billed)
            .bind(&kept.reference)
            .execute(&mut **tx)
            .await?;
            return Ok(Registration { sends: kept.sends + 1, transaction_id: None, ..kept });
        }
        let used: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM registrations WHERE order_id = $1")
            .bind(order.id)
            .fetch_one(&mut **tx)
            .await?;
        let attempt = used + 1;
        let reference = reference(&self.prefix, order.id, attempt);
        if reference.len() > MAX_REFERENCE {
            let (number, limit) = (order.number.clone(), MAX_REFERENCE);
            return Err(StoreError::ReferenceTooLong { number, reference, limit });
        }
        sqlx::query(
            "INSERT INTO registrations (reference, order_id, account, attempt, billed, sends) \
             VALUES ($1, $2, $3, $4, $5, 1)",
        )
        .bind(&reference)
        .bind(order.id)
        .bind(account.id)
        .bind(attempt)
        .bind(order.amounts.billed)
        .execute(&mut **tx)
        .await?;
        sqlx::query("UPDATE orders SET reference = $1 WHERE id = $2")
            .bind(&reference)
            .bind(order.id)
            .execute(&mut **tx)
            .await?;
        Ok(Registration { reference, account: account.id, sends: 1, transaction_id: None })
    }

    /// The reference of the registration, other than the order's own, that has the transaction id `id` under the same
    /// account.
    pub async fn holder_of_id(&self, order: &Order, id: &str) -> Result<Option<String>> {
        other_holder(&self.pool, order, id).await
    }
}

/// The reference of another order's registration, under the same account, that has this transaction id.
pub(super) async fn other_holder<'e>(
    executor: impl sqlx::Executor<'e, Database = Any>,
    order: &Order,
    id: &str,
) -> Result<Option<String>> {
    let holder = sqlx::query_scalar(
        "SELECT reference FROM registrations WHERE account = $1 AND transaction_id = $2 AND reference <> $3",
    );
    let account = order.registration.as_ref().map(|registration| registration.account);
    Ok(holder.bind(account).bind(id.to_owned()).bind(order.reference().to_owned()).fetch_optional(executor).await?)
}
