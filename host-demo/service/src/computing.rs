//! What computes for long, as reading a file of tens of MiB does.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// Does it on this thread, while the runtime's other tasks go on on another one. A runtime of one thread has none.
pub(crate) fn computing<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(work),
        _ => work(),
    }
}
