//! The service: what every operation works with.

use crate::providers::provider::Providers;
use domain::order::Order;
use std::sync::Arc;
use std::time::Duration;
use store::lease::ProcessLease;
use store::{Moment, Store, StoreError};

/// Concurrent calls unless configured otherwise: enough to hide a gateway's latency of about a second, few enough for
/// the rate limits that gateways do not publish.
pub const CONCURRENCY: usize = 8;

/// Operations on orders, by one operator in one process. Clones share everything.
#[derive(Clone)]
pub struct CreditService<P> {
    /// Where the orders are.
    pub store: Store,
    /// The lease of this process, under which orders are claimed.
    pub lease: Arc<ProcessLease>,
    /// The providers that are loaded.
    pub providers: Arc<dyn Providers<P>>,
    /// The operator.
    pub who: String,
    /// Calls at the same time.
    pub concurrency: usize,
    /// See [`IN_FLIGHT_WINDOW`](crate::providers::response::IN_FLIGHT_WINDOW).
    pub in_flight_window: Duration,
}

impl<P: Clone> CreditService<P> {
    /// The same service for another operator.
    pub fn of(&self, who: &str) -> Self {
        Self { who: who.to_owned(), ..self.clone() }
    }

    /// Recovers orders and rows that processes left behind when they ended. If that fails, they stay claimed until
    /// recovery succeeds; nothing else is affected.
    pub async fn recover(&self) {
        if let Err(error) = self.lease.recover(&self.store).await {
            tracing::error!(%error, "recovery after another process failed; it is retried");
        }
    }

    /// Restarts the in-flight window at `now` for those of `orders` of which it is not known how long ago they were sent.
    pub(super) async fn measure(&self, orders: &[&Order], now: &Moment) -> Result<(), StoreError> {
        for order in orders {
            if order.sent.as_ref().is_some_and(|sent| now.since(sent).is_none()) {
                self.store.measure_anew(order, now).await?;
            }
        }
        Ok(())
    }
}
