//! Which actions of a state a provider can serve: what decides whether a button is of use.

use crate::providers::provider::{Provider, Providers};
use domain::credit_state::{Action, State};
use provider_host::contract::{BatchLimits, Capability, ProviderInfo};

/// What a provider can do with orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// It can be asked about a registration whose id is not known.
    pub finds_by_reference: bool,
    /// Asking tells whether something was cancelled.
    pub reports_cancel: bool,
    /// Asking tells whether a tracking number arrived.
    pub reports_tracking: bool,
    /// It has the check.
    pub checks: bool,
    /// It has the cancel.
    pub cancels: bool,
    /// It takes tracking numbers.
    pub syncs: bool,
}

impl Abilities {
    /// Of a provider whose plugin is not loaded: what the state offers is taken to be of use.
    pub const ALL: Self = Self {
        finds_by_reference: true,
        reports_cancel: true,
        reports_tracking: true,
        checks: true,
        cancels: true,
        syncs: true,
    };

    /// Of the provider that is described by `info`.
    pub fn of(info: &ProviderInfo) -> Self {
        let has = |capability| info.capabilities.contains(capability);
        let BatchLimits { check_credit, cancel, sync_tracking, .. } = info.batch_limits;
        Self {
            finds_by_reference: has(Capability::FIND_BY_REFERENCE),
            reports_cancel: has(Capability::REPORTS_CANCEL),
            reports_tracking: has(Capability::REPORTS_TRACKING),
            checks: check_credit > 0,
            cancels: cancel > 0,
            syncs: sync_tracking > 0,
        }
    }

    /// Of the provider `id`, if its plugin is among those that are loaded.
    pub fn among<P: Provider>(providers: &dyn Providers<P>, id: &str) -> Self {
        providers.get(id).map_or(Self::ALL, |provider| Self::of(provider.info()))
    }

    /// Whether `action`, which `state` offers, is of use here, with the provider's id or without (`is_registered`).
    pub fn serve(self, action: Action, state: State, is_registered: bool) -> bool {
        match action {
            Action::Credit | Action::Decide => true,
            Action::Cancel => self.cancels,
            Action::Sync => self.syncs,
            Action::Check => {
                let tells = match state {
                    State::CancelUnknown => self.reports_cancel,
                    State::SyncUnknown => self.reports_tracking,
                    _ => true,
                };
                self.checks && tells && (is_registered || self.finds_by_reference)
            }
        }
    }
}
