//! How rows become values. The types are the domain's, so these are functions and no implementations of sqlx's traits.

use crate::error::StoreError;
use domain::clock::{self, Uptime};
use domain::credit_state::Action;
use domain::invoice::Invoice;
use domain::issue::{Issue, StoredIssue};
use domain::moment::Moment;
use domain::order::{Amounts, Order, OrderData, Registration, Tracking};
use domain::user::User;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::any::AnyRow;

pub(super) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(sqlx::Error::Encode(Box::new(error))))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> sqlx::Result<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

pub(super) fn parse<T: std::str::FromStr<Err = strum::ParseError>>(text: &str) -> sqlx::Result<T> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// An order with its current registration.
pub(super) fn order(row: &AnyRow) -> sqlx::Result<Order> {
    let invoice: Option<&str> = row.try_get("invoice")?;
    let (problem, tried) = problem(row)?;
    let data = OrderData { invoice: invoice.map(parse::<Invoice>).transpose()?, ..from_json(row.try_get("data")?)? };
    Ok(Order {
        id: row.try_get("id")?,
        mall: row.try_get("mall")?,
        number: row.try_get("number")?,
        provider: row.try_get("provider")?,
        data,
        amounts: amounts(row)?,
        order_status: row.try_get("order_status")?,
        state: parse(row.try_get("state")?)?,
        registration: registration(row)?,
        tracking: tracking(row)?,
        sent: sent(row)?,
        owner: row.try_get("owner")?,
        tries: row.try_get("tries")?,
        held: row.try_get::<Option<&str>, _>("held")?.map(parse).transpose()?,
        results_by_csv: is_set(row, "by_csv")?,
        version: row.try_get("version")?,
        problem,
        tried,
    })
}

/// An order's problem as it is stored, with what was tried when it came up.
pub(super) fn problem_json(problem: Option<&Issue>, tried: Option<Action>) -> Result<Option<String>, StoreError> {
    problem.map(|issue| to_json(&StoredIssue { issue: issue.clone(), tried })).transpose()
}

/// An order's problem, and what was tried when it came up.
pub(super) fn problem(row: &AnyRow) -> sqlx::Result<(Option<Issue>, Option<Action>)> {
    let stored: Option<StoredIssue> = row.try_get::<Option<&str>, _>("problem")?.map(from_json).transpose()?;
    Ok(stored.map_or((None, None), |StoredIssue { issue, tried }| (Some(issue), tried)))
}

pub(super) fn user(row: &AnyRow) -> sqlx::Result<User> {
    Ok(User {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        role: parse(row.try_get("role")?)?,
        disabled: is_set(row, "disabled")?,
        created_at: row.try_get("created_at")?,
    })
}

/// A column that is 1 for yes and 0 for no.
pub(super) fn is_set(row: &AnyRow, column: &str) -> sqlx::Result<bool> {
    Ok(row.try_get::<i64, _>(column)? != 0)
}

pub(super) fn amounts(row: &AnyRow) -> sqlx::Result<Amounts> {
    let band: Option<i64> = row.try_get("fee_band")?;
    let band = band.map(u32::try_from).transpose().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Amounts {
        goods: row.try_get("goods")?,
        shipping_fee: row.try_get("shipping_fee")?,
        imported_fee: row.try_get("imported_fee")?,
        payment_fee: row.try_get("payment_fee")?,
        billed: row.try_get("billed")?,
        fee_band: band,
    })
}

fn sent(row: &AnyRow) -> sqlx::Result<Option<Moment>> {
    let Some(at) = row.try_get("sent_at")? else { return Ok(None) };
    let (boot, milliseconds): (Option<String>, Option<i64>) = (row.try_get("sent_boot")?, row.try_get("sent_uptime")?);
    let uptime = boot.zip(milliseconds).map(|(boot, milliseconds)| Uptime { boot, milliseconds });
    Ok(Some(Moment { at, clock: row.try_get("sent_clock")?, uptime }))
}

fn registration(row: &AnyRow) -> sqlx::Result<Option<Registration>> {
    let Some(reference) = row.try_get("reference")? else { return Ok(None) };
    Ok(Some(Registration {
        reference,
        account: row.try_get("account")?,
        sends: row.try_get("sends")?,
        transaction_id: row.try_get("transaction_id")?,
    }))
}

fn tracking(row: &AnyRow) -> sqlx::Result<Option<Tracking>> {
    let Some(carrier) = row.try_get("carrier")? else { return Ok(None) };
    let shipped_on: &str = row.try_get("shipped_on")?;
    let shipped_on =
        clock::parse_date(shipped_on).ok_or_else(|| sqlx::Error::Decode("shipped_on is not a date".into()))?;
    Ok(Some(Tracking { carrier, number: row.try_get("tracking_number")?, shipped_on }))
}
