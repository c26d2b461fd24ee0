//! A platform that was built without simulated gateways.

use crate::domain::mall::Mall;
use provider_host::contract::ProviderInfo;
use std::io;
use std::path::{Path, PathBuf};

/// No orders: nobody could judge them.
pub const SAMPLE_ORDERS: &[u8] = &[];
/// The id that no mall has.
pub const SAMPLE_MALL: &str = "";

/// Never there.
pub enum Sandbox {}

impl Sandbox {
    /// Says how to build a platform that has it.
    pub async fn start(_: u16, _: &Path, _: &Path) -> io::Result<Self> {
        Err(io::Error::other("this program was built without the feature `sandbox`"))
    }

    /// Never asked.
    pub fn lines(&self) -> Vec<String> {
        match *self {}
    }

    /// Never asked.
    pub fn mall(&self, _: &ProviderInfo, _: &str) -> Option<Mall> {
        match *self {}
    }
}

/// None are needed.
pub fn built_components() -> Option<PathBuf> {
    None
}
