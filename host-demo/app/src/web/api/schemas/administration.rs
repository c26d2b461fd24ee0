//! What the platform's own history consists of: roles, changes of settings and of plugins.

use super::enums::enum_of;
use super::order::OrderAction;
use domain::audit_event::{ImportKind, PluginChange as Change, UsedLimit};
use serde::Serialize;
use store::{self, MallPart, Role};
use utoipa::ToSchema;

enum_of! {
    /// What a user or a token may do.
    UserRole of Role {
        /// 担当者: orders.
        Operator,
        /// 管理者: orders, settings, providers, users.
        Administrator,
    }
}

enum_of! {
    /// What an interface that a component imports is for.
    ProviderImportKind of ImportKind {
        /// The contract: its types, and the log.
        Contract,
        /// Outgoing HTTP, and the interfaces whose types it uses.
        Http,
        /// WASI with nothing behind it.
        EmptyWasi,
    }
}

enum_of! {
    /// A limit of the host of which a component uses more.
    ProviderLimit of UsedLimit {
        /// Core instances of each call.
        CoreInstances,
        /// Memories of each call that are not empty.
        Memories,
    }
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum AuditEvent {
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
        parts: Vec<ChangedMallSetting>,
    },
    /// A user was added.
    UserAdded {
        /// The name.
        user: String,
        /// What the user may do.
        role: UserRole,
    },
    /// A user got another role, was disabled or enabled again.
    UserChanged {
        /// The name.
        user: String,
        /// What the user may do from then on.
        role: UserRole,
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
        role: UserRole,
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
        #[schema(required = false)]
        confirmed: Vec<ProviderChange>,
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

impl From<store::AuditEvent> for AuditEvent {
    fn from(event: store::AuditEvent) -> Self {
        use store::AuditEvent as E;
        match event {
            E::MallAdded { mall, provider } => Self::MallAdded { mall, provider },
            E::MallChanged { mall, parts } => {
                Self::MallChanged { mall, parts: parts.into_iter().map(ChangedMallSetting::from).collect() }
            }
            E::UserAdded { user, role } => Self::UserAdded { user, role: role.into() },
            E::UserChanged { user, role, disabled } => Self::UserChanged { user, role: role.into(), disabled },
            E::PasswordChanged { user } => Self::PasswordChanged { user },
            E::TokenIssued { token, role } => Self::TokenIssued { token, role: role.into() },
            E::TokenRevoked { token } => Self::TokenRevoked { token },
            E::PluginLoaded { provider, version, digest, permissions, confirmed } => {
                let confirmed = confirmed.into_iter().map(ProviderChange::from).collect();
                Self::PluginLoaded { provider, version, digest, permissions, confirmed }
            }
            E::PluginWithdrawn { provider, version, digest } => Self::PluginWithdrawn { provider, version, digest },
            E::CreditPaused { provider, note } => Self::CreditPaused { provider, note },
            E::CreditResumed { provider } => Self::CreditResumed { provider },
            E::PluginNotLoaded { provider, digest, reason } => Self::PluginNotLoaded { provider, digest, reason },
        }
    }
}

/// A part of a mall's settings, without their values: some are secrets.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "part", rename_all = "snake_case")]
pub(crate) enum ChangedMallSetting {
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

impl From<MallPart> for ChangedMallSetting {
    fn from(part: MallPart) -> Self {
        match part {
            MallPart::Name => Self::Name,
            MallPart::Provider { from, to } => Self::Provider { from, to },
            MallPart::Setting { key } => Self::Setting { key },
            MallPart::Fees => Self::Fees,
            MallPart::Invoice => Self::Invoice,
            MallPart::Automation => Self::Automation,
            MallPart::Mapping => Self::Mapping,
            MallPart::TrackingMapping => Self::TrackingMapping,
            MallPart::ByCsv => Self::ByCsv,
            MallPart::Take => Self::Take,
            MallPart::RowsPerRequest => Self::RowsPerRequest,
            MallPart::Waiting { sent } => Self::Waiting { sent },
        }
    }
}

/// A change that comes with another component of a provider and has to be confirmed.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum ProviderChange {
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
        group: ProviderImportKind,
        /// The interface with its version.
        interface: String,
    },
    /// The permissions do not refuse WASI with nothing behind it any more.
    EmptyWasiAllowed,
    /// It uses more of a limit.
    LimitUsed {
        /// The limit.
        limit: ProviderLimit,
        /// How much the one before used; 0 where there is nothing to compare with.
        from: u64,
        /// How much it uses.
        to: u64,
    },
    /// It takes more orders in one call: as many are in doubt at once if its answer is lost.
    BatchRaised {
        /// In calls of this operation.
        operation: OrderAction,
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

impl From<Change> for ProviderChange {
    fn from(change: Change) -> Self {
        match change {
            Change::OriginAdded { origin } => Self::OriginAdded { origin },
            Change::OriginRemoved { origin } => Self::OriginRemoved { origin },
            Change::AddressesAdded { range } => Self::AddressesAdded { range },
            Change::AddressesRemoved { range } => Self::AddressesRemoved { range },
            Change::PinRemoved { sha256 } => Self::PinRemoved { sha256 },
            Change::VersionLowered { from, to } => Self::VersionLowered { from, to },
            Change::KeyAdded { key } => Self::KeyAdded { key },
            Change::KeyRemoved { key } => Self::KeyRemoved { key },
            Change::MinVersionLowered { from, to } => Self::MinVersionLowered { from, to },
            Change::OriginWanted { origin } => Self::OriginWanted { origin },
            Change::ImportAdded { group, interface } => Self::ImportAdded { group: group.into(), interface },
            Change::EmptyWasiAllowed => Self::EmptyWasiAllowed,
            Change::LimitUsed { limit, from, to } => Self::LimitUsed { limit: limit.into(), from, to },
            Change::BatchRaised { operation, from, to } => Self::BatchRaised { operation: operation.into(), from, to },
            Change::SettingAdded { key, kind } => Self::SettingAdded { key, kind },
            Change::SettingRemoved { key } => Self::SettingRemoved { key },
            Change::SettingKind { key, from, to } => Self::SettingKind { key, from, to },
            Change::NothingToCompare => Self::NothingToCompare,
        }
    }
}
