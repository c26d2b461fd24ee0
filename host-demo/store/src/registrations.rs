//! Registrations: every reference under which an order was ever sent to its provider.

use crate::database::{Store, WriteTransaction};
use crate::error::{Result, StoreError};
use crate::group_writes::{ClaimWrite, Place};
use crate::reference::{MAX_REFERENCE, reference};
use crate::sql::{VALUES_PER_QUERY, list};
use crate::wide::{fetch_rows, write_rows};
use domain::credit_state::Event;
use domain::order::{Order, Registration};
use sqlx::AssertSqlSafe;
use std::collections::HashMap;

/// The registration under which an order's credit is sent.
pub(super) struct NamedRegistration {
    pub(super) registration: Registration,
    /// Its number among those of its order; nothing where it is one that is sent again.
    new_attempt: Option<i64>,
}

impl Store {
    /// The registrations that the credits of `orders` are sent under; nothing for what is not claimed for a credit.
    ///
    /// It is the last one again where the provider has recorded nothing under it, so that a transaction id it may have
    /// had is void; else a new one. A reference belongs to one account for ever.
    pub(super) async fn name_registrations(
        &self,
        tx: &mut WriteTransaction,
        orders: &[(Place, &ClaimWrite, &Order)],
    ) -> Result<Vec<Option<NamedRegistration>>> {
        let is_new = |claim: &ClaimWrite, order: &Order| {
            claim.event == Event::CreditStarted && kept_registration(claim, order).is_none()
        };
        let new: Vec<i64> =
            orders.iter().filter(|(_, claim, order)| is_new(claim, order)).map(|(.., order)| order.id).collect();
        let mut used = HashMap::new();
        for new in new.chunks(VALUES_PER_QUERY) {
            let sql = format!(
                "SELECT order_id, COUNT(*) FROM registrations WHERE order_id IN ({}) GROUP BY order_id",
                list(new)
            );
            let counted: Vec<(i64, i64)> =
                sqlx::query_as(AssertSqlSafe(sql)).persistent(false).fetch_all(&mut **tx).await?;
            used.extend(counted);
        }
        let name = |(_, claim, order): &(Place, &ClaimWrite, &Order)| {
            if claim.event != Event::CreditStarted {
                return Ok(None);
            }
            match kept_registration(claim, order) {
                Some(kept) => Ok(Some(kept)),
                None => {
                    self.new_registration(claim, order, used.get(&order.id).copied().unwrap_or_default() + 1).map(Some)
                }
            }
        };
        orders.iter().map(name).collect()
    }

    fn new_registration(&self, claim: &ClaimWrite, order: &Order, attempt: i64) -> Result<NamedRegistration> {
        let reference = reference(&self.prefix, order.id, attempt);
        if reference.len() > MAX_REFERENCE {
            let (number, limit) = (order.number.clone(), MAX_REFERENCE);
            return Err(StoreError::ReferenceTooLong { number, reference, limit });
        }
        let registration = Registration { reference, account: claim.account, sends: 1, transaction_id: None };
        Ok(NamedRegistration { registration, new_attempt: Some(attempt) })
    }

    /// The registrations, other than the order's own, that have the transaction id `id` at the same provider: reference
    /// and account of each. Accounts can be one merchant there.
    pub async fn holders_of_id(&self, order: &Order, id: &str) -> Result<Vec<(String, i64)>> {
        let holders = sqlx::query_as(
            "SELECT reference, account FROM registrations WHERE account IN (SELECT id FROM accounts WHERE provider = \
             (SELECT provider FROM accounts WHERE id = $1)) AND transaction_id = $2 AND reference <> $3 ORDER BY account",
        );
        let account = order.registration.as_ref().map(|registration| registration.account);
        let holders = holders.bind(account).bind(id.to_owned()).bind(order.reference().to_owned());
        Ok(holders.fetch_all(self.pool()?).await?)
    }
}

fn kept_registration(claim: &ClaimWrite, order: &Order) -> Option<NamedRegistration> {
    let kept = order.registration.clone().filter(|_| order.state.keeps_reference());
    let kept = kept.filter(|kept| kept.account == claim.account)?;
    let registration = Registration { sends: kept.sends + 1, transaction_id: None, ..kept };
    Some(NamedRegistration { registration, new_attempt: None })
}

/// Writes the registrations of orders that were claimed for a credit.
pub(super) async fn write(tx: &mut WriteTransaction, named: &[(&NamedRegistration, &Order)]) -> Result<()> {
    let (new, again): (Vec<_>, Vec<_>) = named.iter().partition(|(named, _)| named.new_attempt.is_some());
    let sql = "INSERT INTO registrations (reference, order_id, account, attempt, billed, sends) VALUES {rows}";
    write_rows(tx, sql, &new, |row, (NamedRegistration { registration, new_attempt }, order)| {
        row.add(&registration.reference)?.add(order.id)?.add(registration.account)?.add(*new_attempt)?;
        row.add(order.amounts.billed)?.add(registration.sends)?;
        Ok(())
    })
    .await?;
    let sql = "WITH v (reference, billed) AS (VALUES {rows}) UPDATE registrations SET sends = sends + 1, \
               billed = v.billed, transaction_id = NULL FROM v WHERE registrations.reference = v.reference";
    write_rows(tx, sql, &again, |row, (named, order)| {
        row.add(&named.registration.reference)?.add(order.amounts.billed)?;
        Ok(())
    })
    .await
}

/// Of transaction ids, each with its account and the reference that it was reported for: the references that have it,
/// where it is not that one.
pub(super) async fn other_holders(
    tx: &mut WriteTransaction,
    ids: &[(i64, &str, &str)],
) -> Result<HashMap<(i64, String), Vec<String>>> {
    let sql = "WITH v (account, id, reference) AS (VALUES {rows}) SELECT v.account, v.id, r.reference FROM v \
               JOIN registrations r ON r.account = v.account AND r.transaction_id = v.id WHERE r.reference <> v.reference";
    let found: Vec<(i64, String, String)> = fetch_rows(tx, sql, ids, |row, (account, id, reference)| {
        row.add(*account)?.add(*id)?.add(*reference)?;
        Ok(())
    })
    .await?;
    let mut holders: HashMap<_, Vec<_>> = HashMap::new();
    for (account, id, reference) in found {
        holders.entry((account, id)).or_default().push(reference);
    }
    Ok(holders)
}
