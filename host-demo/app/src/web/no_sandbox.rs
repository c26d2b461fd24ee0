//! The stand-in for the sandbox in a program that was built without it.

use domain::mall::Mall;
use provider_host::Permissions;
use provider_host::contract::ProviderInfo;
use std::io;
use std::path::{Path, PathBuf};

/// No sample orders: there is no gateway for them.
pub const SAMPLE_ORDERS: &[u8] = &[];
/// An id that no mall has.
pub const SAMPLE_MALL: &str = "";

/// Has no value.
pub enum Sandbox {}

impl Sandbox {
    /// Fails.
    ///
    /// # Errors
    ///
    /// Always: it tells how to build a program with the sandbox.
    pub async fn start(_: u16, _: &Path, _: &Path) -> io::Result<Self> {
        Err(io::Error::other("this program was built without the feature `sandbox`"))
    }

    /// Never called.
    pub fn lines(&self) -> Vec<String> {
        match *self {}
    }

    /// Never called.
    pub fn mall(&self, _: &ProviderInfo, _: &str) -> Option<Mall> {
        match *self {}
    }
}

/// Without a sandbox, all are.
pub fn is_for_real(_: &Permissions) -> bool {
    true
}

/// None: they are for the sandbox.
pub fn built_components() -> Option<PathBuf> {
    None
}
