//! The plugins of a process that works unattended, `serve` or `work`: everything in the directory that loads, as it is
//! now. Which of them the malls need changes while it runs, and so do the files.

use crate::providers::directory::PluginDirectory;
use crate::providers::watcher::PluginEvent;
use provider_host::Registry;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

/// Loads every plugin of the directory whose permission file is for its name; the errors of the others are logged.
pub async fn load_all(directory: &PluginDirectory, registry: &Registry) {
    for name in names(directory, &AtomicBool::default()) {
        match directory.load(&name).await {
            Ok(plugin) => drop(registry.put(plugin)),
            Err(error) => tracing::error!(%error, "a plugin was not loaded"),
        }
    }
}

/// Keeps `registry` in step with the directory for as long as it is polled: plugins that are added, replaced or given other
/// permissions by another process, by the command line or by hand.
pub async fn follow(directory: &PluginDirectory, registry: &Registry) -> Infallible {
    let tell = |name: &str, news: PluginEvent<'_>| match news {
        PluginEvent::Current(plugin) => {
            tracing::warn!(
                name,
                version = plugin.info().version,
                digest = plugin.facts().digest,
                "the plugin was replaced"
            );
        }
        PluginEvent::Kept(error) => {
            tracing::error!(name, %error, "a plugin on the directory does not load; the one before stays");
        }
        PluginEvent::Refused(error) => {
            tracing::error!(name, %error, "a plugin is granted nothing any more; it is asked no more");
        }
        PluginEvent::Withdrawn => tracing::warn!(name, "a plugin or its permissions were removed; it is asked no more"),
    };
    let said = AtomicBool::default();
    directory.follow(registry, || names(directory, &said), tell).await
}

/// The names of the plugins in the directory. That it cannot be read is logged once (`said`).
fn names(directory: &PluginDirectory, said: &AtomicBool) -> Vec<String> {
    let names = directory.names();
    let was_said = said.swap(names.is_err(), Ordering::Relaxed);
    names.unwrap_or_else(|error| {
        if !was_said {
            tracing::error!(%error, "the folder of plugins cannot be read; it is looked for until it is there");
        }
        Vec::new()
    })
}
