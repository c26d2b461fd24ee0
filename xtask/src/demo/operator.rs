//! What the operator does until nothing is open: asks, tries again, and looks up at the provider's own
//! page what cannot be asked for. The page is the simulated company's ledger.

use super::Demo;
use super::shops::Shop;
use anyhow::{Result, bail};
use e2e::gateway::{Gateway, Ledger, Registration};
use e2e::platform::{Order, SETTLE};
use time::OffsetDateTime;
use time::macros::{format_description, offset};

/// Rounds of asking and trying again before the demo gives up on an order. Every fault spares most
/// requests, so a handful is enough.
const MAX_ROUNDS: usize = 14;

/// Rounds in which a cancel or a tracking number of unknown outcome is sent again, before the operator
/// looks it up.
const ROUNDS_OF_REPEATS: usize = 3;

/// Today in Japan, as malls write it.
pub fn today() -> String {
    let now = OffsetDateTime::now_utc().to_offset(offset!(+9));
    now.format(format_description!("[year]/[month]/[day]")).unwrap_or_default()
}

impl Demo {
    /// Asks and tries again until nothing is open and nothing is `unfinished`.
    pub fn settle(&self, unfinished: impl Fn(&Order) -> bool) -> Result<()> {
        for round in 0..MAX_ROUNDS {
            if round > 0 {
                // Only then is "there is no such thing" believed.
                std::thread::sleep(SETTLE);
            }
            let orders = self.platform.orders()?;
            if !orders.iter().any(|order| is_open(order) || unfinished(order)) {
                return Ok(());
            }
            self.on("check", &numbers(&orders, is_open))?;
            self.look_up(round)?;
            self.on("cancel", &self.numbers(|order| order.state == "cancel_unknown")?)?;
            self.on("sync", &self.numbers(|order| order.state == "sync_unknown")?)?;
            self.try_again(&unfinished)?;
        }
        bail!("after {MAX_ROUNDS} rounds some orders are still open; see `host-demo orders list`")
    }

    fn numbers(&self, which: impl Fn(&Order) -> bool) -> Result<Vec<String>> {
        Ok(numbers(&self.platform.orders()?, which))
    }

    /// Does once more what did not happen.
    fn try_again(&self, unfinished: &impl Fn(&Order) -> bool) -> Result<()> {
        let sends = |order: &Order| matches!(order.state.as_str(), "not_asked" | "not_sent");
        let tracked = |order: &Order| order.state == "approved" && order.tracking_number.is_some();
        self.on("credit", &self.numbers(|order| unfinished(order) && sends(order))?)?;
        // One that was refused may have arrived before, with its answer lost.
        self.on("check", &self.numbers(|order| unfinished(order) && tracked(order))?)?;
        self.on("sync", &self.numbers(|order| unfinished(order) && tracked(order))?)?;
        self.on("cancel", &self.numbers(|order| unfinished(order) && !sends(order) && !tracked(order))?)
    }

    /// Records what the provider's own page shows of the orders that nobody can ask about.
    fn look_up(&self, round: usize) -> Result<()> {
        let repeated = round >= ROUNDS_OF_REPEATS;
        let mut orders = self.platform.orders()?;
        orders.retain(|order| {
            let lost = order.state == "unknown" && order.transaction_id.is_none();
            let stuck = matches!(order.state.as_str(), "unknown" | "cancel_unknown" | "sync_unknown") && repeated;
            self.needs_operator(order) && (lost || stuck)
        });
        if orders.is_empty() {
            return Ok(());
        }
        let ledgers = self.gateways.iter().map(Gateway::ledger).collect::<Result<Vec<_>>>()?;
        orders.iter().try_for_each(|order| self.record(order, &ledgers))
    }

    /// The provider of the order's mall cannot tell everything.
    fn needs_operator(&self, order: &Order) -> bool {
        let asked = |shop: &&Shop| shop.provider == order.provider;
        self.shops.iter().find(asked).is_some_and(|shop| shop.needs_operator)
    }

    fn record(&self, order: &Order, ledgers: &[Ledger]) -> Result<()> {
        let reference = order.reference.as_deref().unwrap_or_default();
        let mut held = ledgers.iter().flat_map(|ledger| ledger.registrations.values());
        let found = found(order, held.find(|registration| registration.reference == reference));
        let words: Vec<&str> = found.iter().map(String::as_str).collect();
        self.type_in(&[&["decide", &order.number, "--note", "管理画面で確認"], &words[..]].concat())
    }
}

fn numbers(orders: &[Order], which: impl Fn(&Order) -> bool) -> Vec<String> {
    orders.iter().filter(|order| which(order)).map(|order| order.number.clone()).collect()
}

/// What the page shows, as options of `decide`.
fn found(order: &Order, held: Option<&Registration>) -> Vec<String> {
    let option = |name: &str| vec![format!("--{name}")];
    match held {
        None => option("nothing"),
        Some(held) if order.state == "sync_unknown" => {
            option(if held.shipment.is_some() { "tracked" } else { "untracked" })
        }
        Some(held) if held.cancelled => option("cancelled"),
        Some(held) if held.verdict == "rejected" => option("rejected"),
        Some(_) if order.transaction_id.is_some() => option("registered"),
        Some(held) => vec!["--registered".to_owned(), held.transaction_id.clone()],
    }
}

/// Nobody knows yet where it stands at the provider.
fn is_open(order: &Order) -> bool {
    matches!(order.state.as_str(), "under_review" | "unknown" | "cancel_unknown" | "sync_unknown")
}
