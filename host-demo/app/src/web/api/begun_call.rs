//! A call that acts, while it is carried out.

use store::IdempotentRequest;

/// The call that is being carried out: its handler finds it among the request's extensions.
#[derive(Debug, Clone)]
pub(super) struct BegunCall {
    pub caller: String,
    pub key: String,
    pub digest: String,
    pub owner: String,
}

impl BegunCall {
    /// As the store knows it.
    pub(super) fn request(&self) -> IdempotentRequest<'_> {
        let Self { caller, key, digest, owner } = self;
        IdempotentRequest { caller, key, digest, owner }
    }
}
