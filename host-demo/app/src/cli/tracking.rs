//! `tracking`: carriers and tracking numbers.

use crate::cli::arguments::date;
use crate::cli::session::Session;
use anyhow::{Result, bail};
use clap::Subcommand;
use domain::clock;
use service::messages::localize::Localize;
use service::tracking::{self, Entry, TrackingError};
use std::collections::BTreeSet;

#[derive(Debug, Subcommand)]
pub(super) enum TrackingCommand {
    /// 配送業者と伝票番号を入力 / enter carrier and tracking number
    Set {
        /// 注文番号 / order number
        order: String,
        /// 配送業者の名前かID / a carrier's name or id
        carrier: String,
        /// 伝票番号 / tracking number
        number: String,
        /// 出荷日（省くと今日） / day of shipping; today if left out
        #[arg(long, value_parser = date)]
        shipped_on: Option<time::Date>,
        /// モール / the mall
        #[arg(long)]
        mall: Option<String>,
    },
}

pub(super) async fn run(session: &Session, command: TrackingCommand) -> Result<bool> {
    let TrackingCommand::Set { order, carrier, number, shipped_on, mall } = command;
    session.recover().await?;
    let order = session.order(&order, mall.as_deref()).await?;
    let service = session.credit_service_with(BTreeSet::from([order.provider.clone()])).await?;
    let shipped_on = shipped_on.unwrap_or_else(clock::today);
    let entered = Entry { carrier: &carrier, number: &number, shipped_on };
    let tracking = match tracking::enter(&service, &order, entered).await {
        Ok(tracking) => tracking,
        Err(TrackingError::Store(error)) => return Err(error.into()),
        Err(problem) => bail!("{}: {}", order.number, problem.localized(session.lang)),
    };
    println!("{}: {} {} ({})", order.number, tracking.carrier, tracking.number, tracking.shipped_on);
    Ok(true)
}
