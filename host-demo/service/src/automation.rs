//! What happens to orders without an operator: credit when they come in, questions about those that are
//! under review or of unknown outcome, tracking numbers when they are entered.
//!
//! When an order is to be looked at next stands in the store with it, so nothing is forgotten when a
//! process ends. *When* is decided here by what happened to the order; *whether* anything is done, by
//! its mall's settings at that time.

use crate::credit::{CreditError, CreditRow, CreditService, PlannedCall, WorkItem};
use crate::preflight::rows_of_a_call;
use crate::providers::provider::Provider;
use crate::work_source::WorkSource;
use domain::asked::Asked;
use domain::automation::{FIRST_PAUSE, task};
use domain::credit_state::Action;
use domain::issue::Issue;
use domain::mall::MallSummary;
use domain::order::Order;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;
use store::{Admission, DueFilter, LEASE, LeasedOrders, Store, StoreError};

/// Most orders that are taken at a time: few enough to be read at once; other malls' orders come with the next.
const LOOKED_AT_ONCE: usize = 200;

/// Orders of one mall at one provider; they are processed independently of all others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ProviderQueue {
    /// The provider's id.
    pub provider: String,
    /// The mall's id.
    pub mall: String,
}

/// Takes orders that are due, of providers that this process can call and not of the queues that are `busy`. Returns
/// how many were taken, and the work on those of them for which there is some.
pub(crate) async fn take_due<P: Provider + Clone + 'static>(
    service: &CreditService<P>,
    busy: Vec<ProviderQueue>,
) -> Result<(usize, BTreeMap<ProviderQueue, DueOrders<P>>), StoreError> {
    let (store, now) = (&service.store, service.store.now());
    let except = busy.into_iter().map(|queue| (queue.provider, queue.mall)).collect();
    // First: an order that is read after the settings has been left to an operator if they say so.
    let malls = store.mall_summaries().await?;
    let due =
        store.take_due(now, LOOKED_AT_ONCE, &DueFilter { providers: Some(service.providers.ids()), except }).await?;
    if due.orders.is_empty() {
        return Ok((0, BTreeMap::new()));
    }
    let malls: HashMap<_, _> = malls.iter().map(|mall| (mall.id.as_str(), mall)).collect();
    let (mut queues, mut idle) = (BTreeMap::new(), Vec::new());
    for order in &due.orders {
        let todo = malls.get(order.mall.as_str()).and_then(|mall| Some((task(order, mall)?, mall.rows_per_request)));
        let Some((action, rows_per_request)) = todo else {
            idle.push(order);
            continue;
        };
        let queue = ProviderQueue { provider: order.provider.clone(), mall: order.mall.clone() };
        let orders = queues.entry(queue).or_insert_with_key(|queue: &ProviderQueue| DueOrders {
            service: service.clone(),
            provider: queue.provider.clone(),
            rows_per_request,
            left: VecDeque::new(),
            lease: due.lease,
            begun: Instant::now(),
        });
        orders.left.push_back((action, order.id));
    }
    leave_to_people(store, &malls, &idle, &due).await?;
    Ok((due.orders.len(), queues))
}

/// Puts off for ever the `idle` ones of the `due` orders, with which nothing is done by itself under the settings of
/// `malls`. Where a mall was saved since they were read, its new settings may want something done with orders that
/// came after: those are looked at again at once.
async fn leave_to_people(
    store: &Store,
    malls: &HashMap<&str, &MallSummary>,
    idle: &[&Order],
    due: &LeasedOrders,
) -> Result<(), StoreError> {
    if idle.is_empty() {
        return Ok(());
    }
    let now: HashMap<_, _> = store.mall_summaries().await?.into_iter().map(|mall| (mall.id, mall.version)).collect();
    let is_current = |order: &&&Order| malls.get(order.mall.as_str()).map(|mall| &mall.version) == now.get(&order.mall);
    let (settled, again): (Vec<&Order>, Vec<&Order>) = idle.iter().partition(is_current);
    let ids = |orders: Vec<&Order>| orders.into_iter().map(|order| order.id).collect::<Vec<_>>();
    store.put_off(&ids(settled), due.lease, None).await?;
    store.put_off(&ids(again), due.lease, Some(store.now())).await
}

/// The orders of a queue that were taken and not begun.
pub(crate) struct DueOrders<P> {
    service: CreditService<P>,
    provider: String,
    rows_per_request: u32,
    left: VecDeque<(Action, i64)>,
    lease: i64,
    begun: Instant,
}

impl<P: Provider + Clone + 'static> DueOrders<P> {
    /// Postpones those that are left and wait for `which` actions.
    async fn put_off(&mut self, until: i64, which: impl Fn(Action) -> bool) -> Result<(), StoreError> {
        let (put_off, others): (Vec<_>, Vec<_>) = self.left.drain(..).partition(|(action, _)| which(*action));
        self.left = others.into();
        let ids: Vec<i64> = put_off.into_iter().map(|(_, id)| id).collect();
        self.service.store.put_off(&ids, self.lease, Some(until)).await
    }

    /// The next orders that need the same action, at most as many as go into one call.
    fn next_call(&mut self, provider: &P) -> Option<PlannedCall> {
        let (action, _) = *self.left.front()?;
        let most = rows_of_a_call(action, provider, self.rows_per_request);
        let same = self.left.iter().take(most).take_while(|(other, _)| *other == action).count();
        Some(PlannedCall { action, items: self.left.drain(..same).map(|(_, id)| by_itself(id)).collect() })
    }
}

impl<P: Provider + Clone + 'static> WorkSource for DueOrders<P> {
    async fn take(&mut self, calls: usize) -> Result<Vec<PlannedCall>, CreditError> {
        // Others may take them when the lease ends, so what is begun is begun well before.
        if self.left.is_empty() || self.begun.elapsed() > LEASE / 2 {
            return Ok(Vec::new());
        }
        let Some(provider) = self.service.providers.get(&self.provider) else { return Ok(Vec::new()) };
        let is_credit = |action: Action| action == Action::Credit;
        if self.left.iter().any(|(action, _)| is_credit(*action))
            && self.service.store.is_credit_paused(&self.provider).await?
        {
            self.put_off(after_a_pause(&self.service.store), is_credit).await?;
            if self.left.is_empty() {
                return Ok(Vec::new());
            }
        }
        match self.service.store.admission(&self.provider, self.service.store.now()).await? {
            Admission::Free => Ok((0..calls).map_while(|_| self.next_call(&provider)).collect()),
            Admission::Probe => {
                let one = self.left.pop_front();
                Ok(one.map(|(action, id)| PlannedCall { action, items: vec![by_itself(id)] }).into_iter().collect())
            }
            Admission::NotBefore(at) => {
                self.put_off(at, |_| true).await?;
                Ok(Vec::new())
            }
        }
    }

    async fn ended(&mut self, rows: &[CreditRow]) -> Result<(), CreditError> {
        Ok(put_off_what_was_not_begun(&self.service, rows, self.lease).await?)
    }

    async fn leave(mut self) -> Result<(), CreditError> {
        let now = self.service.store.now();
        Ok(self.put_off(now, |_| true).await?)
    }
}

/// By the mall's settings, which are asked again when the call is made: it can wait for minutes until then.
fn by_itself(order: i64) -> WorkItem {
    WorkItem::new(order, Asked::Automation)
}

/// When something that could not be begun is looked at again.
fn after_a_pause(store: &Store) -> i64 {
    store.now() + FIRST_PAUSE.as_millis() as i64
}

/// An order for which nothing could be asked waits for a person, unless it is a matter of time.
async fn put_off_what_was_not_begun<P>(
    service: &CreditService<P>,
    rows: &[CreditRow],
    lease: i64,
) -> Result<(), StoreError> {
    let passes = |problem: &Issue| problem.is_for_later() || *problem == Issue::Changed;
    let (again, never): (Vec<&CreditRow>, Vec<&CreditRow>) =
        rows.iter().partition(|row| row.problem.as_ref().is_some_and(passes));
    let ids = |rows: Vec<&CreditRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    service.store.put_off(&ids(again), lease, Some(after_a_pause(&service.store))).await?;
    service.store.put_off(&ids(never), lease, None).await
}
