//! The plugins of a process that works unattended, `serve` or `work`: everything on the shelf that loads, as it is
//! now. Which of them the malls need changes while it runs, and so do the files.

use crate::provider::{News, Shelf};
use provider_host::Registry;
use std::convert::Infallible;

/// Loads every plugin of the shelf that is what its name says; the others are in the log.
pub async fn load_all(shelf: &Shelf, registry: &Registry) {
    for name in names(shelf) {
        match shelf.load(&name).await {
            Ok(plugin) => drop(registry.put(plugin)),
            Err(error) => tracing::error!(%error, "a plugin was not loaded"),
        }
    }
}

/// Keeps `registry` as the shelf is, for as long as it is polled: plugins that are put there, replaced or given other
/// permissions by another process, by the command line or by hand.
pub async fn follow(shelf: &Shelf, registry: &Registry) -> Infallible {
    let tell = |name: &str, news: News<'_>| match news {
        News::Current(plugin) => {
            tracing::warn!(
                name,
                version = plugin.info().version,
                digest = plugin.facts().digest,
                "the plugin was replaced"
            );
        }
        News::Kept(error) => {
            tracing::error!(name, %error, "a plugin on the shelf does not load; the one before stays");
        }
        News::Withdrawn => tracing::warn!(name, "a plugin or its permissions were removed; it is asked no more"),
    };
    shelf.follow(registry, || names(shelf), tell).await
}

/// The names of the plugins on the shelf.
fn names(shelf: &Shelf) -> Vec<String> {
    shelf.names().unwrap_or_else(|error| {
        tracing::error!(%error, "the folder of plugins cannot be read");
        Vec::new()
    })
}
