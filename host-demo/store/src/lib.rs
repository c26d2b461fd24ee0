//! The platform's memory: malls, orders, every reference ever used, and who did what when. The same queries run on
//! SQLite and on PostgreSQL.
//!
//! Two rules keep money safe, and both live here:
//! - An order changes only by compare-and-set on its version, along the table of [`domain::credit_state`]. Of two
//!   concurrent changes one is written and the other is refused.
//! - A claim writes the reference, the state, the time, the owner and the event in one transaction, which is durable
//!   before the call is made. No transaction is open during a call.
//!
//! Transactions that write many orders write them in the order of their numbers, so that two of them cannot deadlock.

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unreachable, clippy::unwrap_used)
)]

mod accounts;
mod api_tokens;
mod audit;
mod backlog;
mod batch_candidates;
mod batch_key;
mod batch_rows;
mod batches;
mod change;
mod circuit_breakers;
mod claims;
mod counters;
mod credit_pauses;
mod database;
mod dialect;
mod disk_reserve;
mod drafts;
mod edits;
pub mod encryption;
mod error;
mod group;
mod group_writes;
mod history;
mod idempotency;
mod import_runs;
mod key_rotation;
pub mod lease;
mod list;
mod list_query;
mod list_search;
mod location;
mod malls;
mod moment;
mod orders;
mod passwords;
mod pending_uploads;
mod plugin_lock;
mod reference;
mod registrations;
mod risks;
mod rows;
mod schedule;
mod seed;
mod serving;
mod sessions;
mod shared_clock;
mod sign_in;
mod sql;
mod tokens;
mod transitions;
mod users;
mod wide;
mod work;
mod write_queue;
mod write_transaction;
mod writer;

pub use api_tokens::ApiToken;
pub use audit::AuditLine;
pub use backlog::{Backlog, OnBacklog, OrderTotal};
pub use batch_candidates::BatchCandidate;
pub use batch_key::RowKey;
pub use batch_rows::{BatchLane, FinishedRow, TakenRow};
pub use batches::{Batch, BatchOrder, BatchProgress, BatchRow, MAX_BATCH, NewBatch};
pub use change::{Applied, CallHealth, CallResults, Change, Claim};
pub use circuit_breakers::{Admission, Breaker, BreakerState, FAILURES_UNTIL_OPEN, FIRST_PROBE, LONGEST_PROBE};
pub use counters::OpenOrders;
pub use credit_pauses::CreditPause;
pub use database::Store;
pub use drafts::{DRAFTS_KEPT, MAX_DRAFTS};
pub use edits::TrackingEntry;
pub use error::{Result, StoreError};
pub use history::{HistoryLine, UsedReference};
pub use idempotency::{IdempotencyCheck, IdempotentRequest, RESPONSES_KEPT};
pub use import_runs::{MAX_RUNS, RUNS_KEPT, StoredRun};
pub use key_rotation::RotatedKey;
pub use list::{ListOrder, ListPage, MAX_PAGE, PAGE};
pub use list_query::{InvalidCursor, ListCursor, ListQuery, MAX_SEARCH, Position};
pub use location::DatabaseLocation;
pub use malls::{AccountChange, MallUpdate, MallUpdateOutcome, MallWithSettings};
pub use orders::{Filter, NewOrder, SimilarOrder};
pub use pending_uploads::{PendingUpload, UPLOADS_KEPT};
pub use plugin_lock::LockedPlugin;
pub use risks::Risks;
pub use schedule::{DueFilter, LEASE, LeasedOrders};
pub use sessions::{NewSession, SESSION, Session};
pub use sign_in::{MAX_FAILURES_OF_A_NAME, MAX_FAILURES_OF_AN_ADDRESS, SIGN_IN_WINDOW, SignIn};
pub use write_queue::{CallInProgress, GroupCommits};

// The types of the domain that stand in the store's signatures.
pub use domain::actor::Actor;
pub use domain::audit_event::{AuditEvent, MallPart};
pub use domain::moment::Moment;
pub use domain::user::{MAX_PASSWORD, MAX_USER_NAME, MIN_PASSWORD, Role, User, UserProblem};
