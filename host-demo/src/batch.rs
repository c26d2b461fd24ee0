//! Doing what batches ask for: rows that wait are taken a handful at a time and put through the desk, by
//! whichever process comes first.

use crate::clock;
use crate::desk::{Desk, DeskError, Work};
use crate::provider::Provider;
use crate::state::Action;
use crate::store::{Admission, Waiting};
use futures::future::join_all;

/// Calls that the rows taken at once make: rows that a process holds when it dies have to wait until
/// another one notices, so a process takes no more than it does in a few seconds.
const CALLS_AT_ONCE: usize = 8;

/// Takes some rows of everything that waits, different batches and providers side by side, and does them.
/// How many were done: none means that nothing waits that could be done now.
pub async fn round<P: Provider + Clone>(desk: &Desk<P>) -> Result<usize, DeskError> {
    // Rows of a process that died wait again after this.
    desk.worker.recover(&desk.store).await?;
    let waiting = desk.store.waiting().await?;
    let done = join_all(waiting.iter().map(|waiting| some(desk, waiting))).await;
    done.into_iter().sum()
}

async fn some<P: Provider + Clone>(desk: &Desk<P>, waiting: &Waiting) -> Result<usize, DeskError> {
    let rows_of_a_call = desk
        .providers
        .get(&waiting.provider)
        .map_or(1, |provider| crate::desk::batch_limit(waiting.action, &provider).max(1));
    let limit = match desk.store.admission(&waiting.provider, clock::now()).await? {
        Admission::Free => rows_of_a_call.saturating_mul(CALLS_AT_ONCE).min(crate::desk::MAX_CHUNK),
        Admission::Probe => 1,
        Admission::NotBefore(_) => return Ok(0),
    };
    let taken = desk.store.take_rows(waiting, &desk.worker.name(), limit).await?;
    let works: Vec<Work> = taken.iter().map(|(id, row)| Work { id: *id, row: Some(*row) }).collect();
    if works.is_empty() {
        return Ok(0);
    }
    desk.of(&waiting.who).work(waiting.action, &works, &|_| {}).await?;
    desk.store.finish_batch(waiting.batch, clock::now()).await?;
    Ok(works.len())
}

/// Whether a batch can do this: a decision is about one order.
pub fn is_for_many(action: Action) -> bool {
    action != Action::Decide
}
