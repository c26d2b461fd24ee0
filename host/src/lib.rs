//! Loads, confines and calls deferred-payment (後払い) provider plugins.
//!
//! A plugin is a WebAssembly component that implements the contract in `wit/provider.wit`. The host
//! gives it nothing but HTTP to the origins it was granted, bounds everything it can use up, starts
//! a fresh instance for each call, and says itself whether anything was sent: it saw the bytes leave.
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
//! | `sandbox` | the walls: engine, imports, a store for each call |
//! | `egress`, `pool`, `dial`, `address` | the one way out: origins, connections, addresses |
//! | `answer` | bounds and cleans what a plugin answers |
//! | `budget` | counts the bytes that calls hold |
//! | `report`, `word` | what the host saw, and its word on what was sent |
//! | `permissions`, `limits` | what a platform grants and bounds |
//! | `structure` | what a component is made of, counted before it is compiled |
//! | `compiler` | compiling in a process that can be stopped |
//! | `cache` | compiled components on disk |
//! | `description` | what a plugin may describe |
//! | `mask` | keeps settings and personal data out of the log |
//! | `text` | characters that steer a terminal, and text without them |

mod address;
mod answer;
pub mod bindings;
mod budget;
mod cache;
mod compiler;
mod description;
mod dial;
mod egress;
mod error;
mod limits;
mod load;
mod mask;
mod permissions;
mod plugin;
mod pool;
mod registry;
mod report;
mod sandbox;
mod structure;
mod text;
mod word;

pub use compiler::Compiler;
pub use error::{BuildError, CallError, CompileError, LoadError};
pub use limits::Limits;
pub use load::{Host, HostBuilder};
pub use permissions::{Origin, OriginError, PermissionError, Permissions};
pub use plugin::{Answer, Facts, Plugin};
pub use registry::{Registry, Replaced};
pub use report::{CallReport, Overruled, Progress, RequestReport};
pub use structure::structure_limits;
pub use text::is_control;
pub use word::{CALL_ENDED, CALL_LIMIT, Word};

/// The contract's types, as `wit/provider.wit` describes them.
pub mod contract {
    pub use crate::bindings::deferred_payment::provider::fees::{AdjustedFee, Bill, FeeBand, FeeMode, FeeRule};
    pub use crate::bindings::deferred_payment::provider::types::*;
    pub use crate::bindings::exports::deferred_payment::provider::payment_provider::{
        BatchLimits, Capability, Carrier, Label, ProviderInfo, SettingField, SettingKind,
    };
}

/// A shop, as one plugin knows it. Connections are never shared between accounts.
#[derive(Clone)]
pub struct Account {
    id: String,
    settings: Vec<contract::Setting>,
}

/// Without the values of the settings: some are secrets.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<&str> = self.settings.iter().map(|setting| setting.key.as_str()).collect();
        f.debug_struct("Account").field("id", &self.id).field("settings", &keys).finish()
    }
}

impl Account {
    /// `id` names the shop on the platform; `settings` are those that `check_settings` accepted.
    pub fn new(id: impl Into<String>, settings: Vec<contract::Setting>) -> Self {
        Account { id: id.into(), settings }
    }
}
