//! Loads, confines and calls deferred-payment (後払い) provider plugins.
//!
//! A plugin is a WebAssembly component that implements the contract in `wit/provider.wit`. The host
//! gives it nothing but HTTP to the origins it was granted, bounds every resource it can use, starts
//! a fresh instance for each call, and decides by itself whether a request was sent: it counts the
//! bytes that the socket takes.
//!
//! ```no_run
//! use provider_host::{Account, Host, Permissions, contract::Setting};
//!
//! # async fn example(orders: Vec<provider_host::contract::Order>) -> Result<(), Box<dyn std::error::Error>> {
//! let host = Host::builder().cache_dir("var/compiled").build()?;
//! let provider = host.load("atobarai-com.wasm", Permissions::from_file("atobarai-com.toml")?).await?;
//! println!("{} {}", provider.info().name.ja, provider.info().version);
//!
//! let settings = vec![Setting { key: "enterprise-id".into(), value: "12345".into() }];
//! for problem in provider.check_settings(settings.clone()).await? {
//!     eprintln!("{}: {}", problem.field, problem.reason.message);
//! }
//! let shop = Account::new("my-mall", settings);
//! let answer = provider.credit(&shop, orders).await;
//! for row in answer.rows {
//!     match row {
//!         Ok(decision) => println!("{:?}", decision.verdict),
//!         Err(failure) => println!("{failure:?}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `plugin` | a loaded plugin and the calls into it |
//! | `registry` | which plugin serves a provider now |
//! | `load` | from a file to a plugin |
//! | `engines` | the engines that compile and run plugins, and where instances have their memory from |
//! | `sandbox`, `call_state` | the linkers and the store of each call, with its limits |
//! | `imports`, `exports` | the interfaces that a plugin may import, and those that it exports |
//! | `empty_wasi`, `http_02` | WASI 0.2 with nothing behind it; `wasi:http` 0.2 through the egress |
//! | `cpu_budget`, `budget` | processor time of a call; bytes that calls hold |
//! | `lane` | on which threads calls compute |
//! | `egress`, `pool`, `connect`, `ip_policy` | outgoing HTTP: origins, connections, IP addresses |
//! | `answer` | truncates and cleans what a plugin returns |
//! | `report` | what the host observed of a call |
//! | `outcome`, `row_outcome` | a plugin's result of each row against what the host observed |
//! | `signature` | who signed a component, and as what |
//! | `permissions`, `limits` | what a platform grants and bounds |
//! | `structure` | counts the parts of a component before it is compiled |
//! | `compiler` | compiles in a process that can be stopped |
//! | `cache` | compiled components on disk |
//! | `description` | validates what a plugin describes |
//! | `fee_rule` | the common rule for 手数料設定 |
//! | `plugin_log`, `redact` | a plugin's log, without settings and personal data |
//! | `text` | control characters, and text without them |
//! | `account`, `contract`, `bindings` | a shop at a provider; the contract's types; what is generated from them |

#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unreachable, clippy::unwrap_used)
)]

mod account;
mod answer;
pub mod bindings;
mod budget;
mod cache;
mod call_state;
mod compiler;
mod connect;
pub mod contract;
mod cpu_budget;
mod description;
mod egress;
mod empty_wasi;
mod engines;
mod error;
mod exports;
mod fee_rule;
mod http_02;
mod imports;
mod ip_policy;
mod lane;
mod limits;
mod load;
mod outcome;
mod permissions;
mod plugin;
mod plugin_log;
mod pool;
mod redact;
mod registry;
mod report;
mod row_outcome;
mod sandbox;
mod signature;
mod structure;
mod text;

pub use account::Account;
pub use compiler::Compiler;
pub use error::{BuildError, CacheError, CallError, CompileError, DescribeError, InterfaceError, LoadError};
pub use imports::ImportGroup;
pub use limits::Limits;
pub use load::{ComponentFile, Host, HostBuilder};
pub use outcome::{CALL_ENDED, CALL_LIMIT};
pub use permissions::{Origin, OriginError, PermissionError, Permissions};
pub use plugin::{Answer, Facts, Plugin};
pub use registry::{Registry, Replaced};
pub use report::{CallReport, ConnectionFailure, Overruled, Progress, RequestReport};
pub use row_outcome::RowOutcome;
pub use signature::{PublicKey, PublicKeyError, SignatureError, SignedName, VerifiedSignature};
pub use structure::{Structure, StructureError, structure_limits};
pub use text::is_control;
