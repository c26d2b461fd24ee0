//! What the audit log (操作履歴) records: changes of the platform itself.

use crate::credit_state::Action;
use crate::mall::Mall;
use crate::user::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum AuditEvent {
    /// A mall was added.
    MallAdded {
        /// Its id.
        mall: String,
        /// Its provider's id.
        provider: String,
    },
    /// A mall's settings were changed.
    MallChanged {
        /// Its id.
        mall: String,
        /// What of them.
        parts: Vec<MallPart>,
    },
    /// A user was added.
    UserAdded {
        /// The name.
        user: String,
        /// What the user may do.
        role: Role,
    },
    /// A user got another role, was disabled or enabled again.
    UserChanged {
        /// The name.
        user: String,
        /// What the user may do from then on.
        role: Role,
        /// Whether the user is disabled from then on.
        disabled: bool,
    },
    /// A user's password was changed.
    PasswordChanged {
        /// The name.
        user: String,
    },
    /// A program got a token.
    TokenIssued {
        /// What it is for.
        token: String,
        /// What it may do.
        role: Role,
    },
    /// A token was revoked.
    TokenRevoked {
        /// What it was for.
        token: String,
    },
    /// A plugin was loaded.
    PluginLoaded {
        /// The provider's id.
        provider: String,
        /// The plugin's version.
        version: String,
        /// SHA-256 of the component, in hex.
        digest: String,
        /// What it may reach, and which private addresses.
        permissions: Vec<String>,
        /// What changed with it, and was confirmed.
        #[serde(default)]
        confirmed: Vec<PluginChange>,
    },
    /// A plugin was withdrawn on all machines.
    PluginWithdrawn {
        /// The provider's id.
        provider: String,
        /// The plugin's version.
        version: String,
        /// SHA-256 of the component, in hex.
        digest: String,
    },
    /// No new credit is sent to a provider from then on.
    CreditPaused {
        /// The provider's id.
        provider: String,
        /// Why.
        note: String,
    },
    /// New credits are sent to a provider again.
    CreditResumed {
        /// The provider's id.
        provider: String,
    },
    /// A plugin that was to be loaded, as the line before this says, was not: its files could not be written.
    PluginNotLoaded {
        /// The provider's id.
        provider: String,
        /// SHA-256 of the component, in hex.
        digest: String,
        /// What the system said.
        reason: String,
    },
}

/// A part of a mall's settings, without their values: some are secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum MallPart {
    /// What it is called.
    Name,
    /// Which provider judges its orders.
    Provider {
        /// The id of the one before.
        from: String,
        /// The id of the one since.
        to: String,
    },
    /// A setting of the provider.
    Setting {
        /// Its key.
        key: String,
    },
    /// 手数料設定
    Fees,
    /// 請求書の送り方
    Invoice,
    /// What happens by itself.
    Automation,
    /// How its export is read.
    #[serde(alias = "headings")]
    Mapping,
    /// How files of tracking numbers of its orders are read.
    TrackingMapping,
    /// Whether credit results come by CSV.
    ByCsv,
    /// Which orders of its CSV are taken.
    Take,
    /// How many orders a request carries.
    RowsPerRequest,
    /// What became of orders that waited for what the automation begins.
    Waiting {
        /// They were sent; otherwise they are left to an operator.
        sent: bool,
    },
}

impl MallPart {
    /// What differs between two states of a mall.
    pub fn differing(before: &Mall, after: &Mall) -> Vec<Self> {
        let (from, to) = (before.provider.clone(), after.provider.clone());
        let keys: BTreeSet<_> = before.settings.keys().chain(after.settings.keys()).collect();
        let settings = keys
            .into_iter()
            .filter(|key| before.settings.get(*key) != after.settings.get(*key))
            .map(|key| Self::Setting { key: key.clone() });
        let parts = [
            (before.name != after.name, Self::Name),
            (from != to, Self::Provider { from, to }),
            (before.fees != after.fees, Self::Fees),
            (before.invoice != after.invoice, Self::Invoice),
            (before.automation != after.automation, Self::Automation),
            (before.mapping != after.mapping, Self::Mapping),
            (before.tracking_mapping != after.tracking_mapping, Self::TrackingMapping),
            (before.by_csv != after.by_csv, Self::ByCsv),
            (before.take != after.take, Self::Take),
            (before.rows_per_request != after.rows_per_request, Self::RowsPerRequest),
        ];
        let parts = parts.into_iter().filter(|(differs, _)| *differs).map(|(_, part)| part);
        parts.chain(settings).collect()
    }
}

/// What an interface that a component imports is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    /// The contract: its types, and the log.
    Contract,
    /// Outgoing HTTP, and the interfaces whose types it uses.
    Http,
    /// WASI with nothing behind it.
    EmptyWasi,
}

/// A limit of the host of which a component uses more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsedLimit {
    /// Core instances of each call.
    CoreInstances,
    /// Memories of each call that are not empty.
    Memories,
}

/// Something besides the code that changes with a provider's component, and that an administrator confirms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum PluginChange {
    /// It may send requests to another origin.
    OriginAdded {
        /// The origin.
        origin: String,
    },
    /// It may no longer send requests to an origin.
    OriginRemoved {
        /// The origin.
        origin: String,
    },
    /// It may reach addresses that are not public.
    AddressesAdded {
        /// The range.
        range: String,
    },
    /// It may no longer reach addresses that are not public.
    AddressesRemoved {
        /// The range.
        range: String,
    },
    /// The permissions do not name the component by its checksum any more: any other one may be put beside them.
    PinRemoved {
        /// The SHA-256 that was named, in hexadecimal.
        sha256: String,
    },
    /// It is an older version.
    VersionLowered {
        /// The version before.
        from: String,
        /// The version that comes.
        to: String,
    },
    /// Components that are signed with another key are accepted.
    KeyAdded {
        /// The public key.
        key: String,
    },
    /// Components that are signed with a key are not accepted any more; if it was the only one, no signature is needed.
    KeyRemoved {
        /// The public key.
        key: String,
    },
    /// Older versions than before are accepted.
    MinVersionLowered {
        /// The oldest that was accepted.
        from: String,
        /// The oldest that is accepted; any if there is none.
        to: Option<String>,
    },
    /// It describes an origin that it wants, and that is not granted to it.
    OriginWanted {
        /// The origin.
        origin: String,
    },
    /// It imports another interface.
    ImportAdded {
        /// What the interface is for.
        group: ImportKind,
        /// The interface with its version.
        interface: String,
    },
    /// The permissions do not refuse WASI with nothing behind it any more.
    EmptyWasiAllowed,
    /// It uses more of a limit.
    LimitUsed {
        /// The limit.
        limit: UsedLimit,
        /// How much the one before used; 0 where there is nothing to compare with.
        from: u64,
        /// How much it uses.
        to: u64,
    },
    /// It takes more orders in one call: as many are in doubt at once if its answer is lost.
    BatchRaised {
        /// In calls of this operation.
        operation: Action,
        /// How many the one before took; 0 where there is nothing to compare with.
        from: u32,
        /// How many it takes.
        to: u32,
    },
    /// It asks malls for another setting.
    SettingAdded {
        /// Its key.
        key: String,
        /// Its kind.
        kind: String,
    },
    /// It does not ask for a setting any more.
    SettingRemoved {
        /// Its key.
        key: String,
    },
    /// A setting is of another kind: a secret that is none any more is shown.
    SettingKind {
        /// Its key.
        key: String,
        /// What it was.
        from: String,
        /// What it is.
        to: String,
    },
    /// Malls have settings for the provider, and there is no component that serves to compare with.
    NothingToCompare,
}
