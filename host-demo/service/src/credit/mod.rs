//! Operations on orders at their providers: credit, check, cancel, tracking sync, and operator decisions.
//!
//! The orders of a run are grouped into calls. Each call's orders are claimed right before the request is sent, and
//! the response is written right after it arrives, several calls side by side. Every order gets one row in the result,
//! in the order in which the orders were given, however its call ends.

mod accounts;
mod call;
mod call_batch;
mod cut_names;
mod decision;
mod plan;
mod row;
mod run;
mod service;
mod slots;

pub use cut_names::{CutName, CutNames};
pub(crate) use row::PlannedCall;
pub use row::{CreditError, CreditRow, OnRow, WorkItem};
pub use run::PollPolicy;
pub(crate) use run::ReadCall;
pub use service::{CONCURRENCY, CreditService};
