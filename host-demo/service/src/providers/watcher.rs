//! Keeping what serves as the plugin folder is: components and permission files that are put there, replaced, changed
//! by hand or removed, by whichever process or person.
//!
//! A grant that becomes narrower holds at once, even while others are loading: what serves is restricted to it before
//! anything is compiled. Loading goes on aside, so that no component waits for another one's.

use crate::providers::directory::PluginDirectory;
use crate::providers::error::ProviderError;
use crate::providers::files::Stamp;
use crate::providers::provider::Providers;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use provider_host::{LoadError, PermissionError, Plugin, Registry};
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::time::Duration;

/// How often a process that works on orders looks whether a plugin was replaced: often enough that an
/// operator sees it happen, rarely enough to cost nothing.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What [`PluginDirectory::follow`] saw.
#[derive(Debug)]
pub enum PluginEvent<'a> {
    /// A plugin serves from now on.
    Current(&'a Plugin),
    /// What is in the folder does not load, so what was current stays so, granted no more than the permission file says.
    Kept(ProviderError),
    /// The permission file does not serve, or not for what is current: that serves no more.
    Refused(ProviderError),
    /// The component or its permissions are gone, or the lock has it no more: it serves no more.
    Withdrawn,
}

/// What was loaded from files as they were: nothing if what serves was loaded from the same.
struct LoadResult {
    name: String,
    files: Stamp,
    plugin: Result<Option<Plugin>, ProviderError>,
}

/// What is known of the folder.
struct Follower<'a, Tell> {
    directory: &'a PluginDirectory,
    registry: &'a Registry,
    tell: Tell,
    /// As the files were when they were last looked at.
    seen: HashMap<String, Stamp>,
    /// What was last said of a plugin that does not load: once is enough.
    said: HashMap<String, String>,
    loading: FuturesUnordered<BoxFuture<'a, LoadResult>>,
}

impl PluginDirectory {
    /// Watches the files of `names`, and of what is in `registry`, for as long as it is polled. One that is new or was
    /// replaced becomes current: calls that have begun end on the old plugin. One whose component or permissions are
    /// gone, or whose permission file does not serve, is withdrawn. `tell` hears of each.
    pub async fn follow(
        &self,
        registry: &Registry,
        names: impl Fn() -> Vec<String>,
        tell: impl Fn(&str, PluginEvent<'_>),
    ) -> Infallible {
        // Nothing was seen yet: what changed since the registry was filled is news as well.
        let (seen, said, loading) = (HashMap::new(), HashMap::new(), FuturesUnordered::new());
        let mut follower = Follower { directory: self, registry, tell, seen, said, loading };
        let following = async {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => follower.look(names()),
                    Some(loaded) = follower.loading.next() => follower.loaded(loaded),
                }
            }
        };
        // Side by side: a database that does not answer must not keep a grant from being taken away.
        tokio::select! {
            never = following => never,
            never = self.keep_in_step() => never,
        }
    }
}

impl<Tell: Fn(&str, PluginEvent<'_>)> Follower<'_, Tell> {
    fn look(&mut self, names: Vec<String>) {
        let names: BTreeSet<String> = names.into_iter().chain(self.registry.ids()).collect();
        for name in names {
            // Whatever is in the folder: a file that cannot be removed serves no more either.
            if self.directory.is_withdrawn(&name) {
                self.withdraw(&name);
                continue;
            }
            let now = self.directory.stamp(&name);
            if self.seen.insert(name.clone(), now) != Some(now) {
                self.changed(name, now);
            }
        }
    }

    fn withdraw(&self, name: &str) {
        if self.registry.remove(name).is_some() {
            (self.tell)(name, PluginEvent::Withdrawn);
        }
    }

    fn changed(&mut self, name: String, files: Stamp) {
        if !files.is_plugin() {
            return self.withdraw(&name);
        }
        let current = self.registry.get(&name);
        match (self.directory.grant(&name), &current) {
            (Ok(granted), Some(plugin)) => drop(self.registry.put(plugin.restricted_to(&granted))),
            (Ok(_), None) => {}
            (Err(error), _) => return self.refused(&name, error),
        }
        let (directory, registry) = (self.directory, self.registry);
        self.loading.push(Box::pin(async move {
            let plugin = directory.load_other(&name, current, registry).await;
            LoadResult { name, files, plugin }
        }));
    }

    fn loaded(&mut self, LoadResult { name, files, plugin }: LoadResult) {
        let name = name.as_str();
        // Other files are in the place by now, and are looked at by themselves.
        if self.directory.stamp(name) != files {
            return;
        }
        let granted = match self.directory.grant(name) {
            Ok(granted) => granted,
            Err(error) => return self.refused(name, error),
        };
        match plugin {
            Ok(Some(plugin)) => {
                (self.tell)(name, PluginEvent::Current(&plugin));
                self.said.remove(name);
                self.registry.put(plugin);
            }
            // This process installed it, or the same file was written again.
            Ok(None) => {}
            Err(error) => match self.registry.get(name) {
                Some(current) if !current.facts().is_accepted_by(&granted) => self.refused(name, error),
                _ => self.failed(name, error, PluginEvent::Kept),
            },
        }
    }

    /// Nothing is granted any more.
    fn refused(&mut self, name: &str, error: ProviderError) {
        self.registry.remove(name);
        self.failed(name, error, PluginEvent::Refused);
    }

    fn failed(&mut self, name: &str, error: ProviderError, news: fn(ProviderError) -> PluginEvent<'static>) {
        if may_pass(&error) {
            self.seen.remove(name);
        }
        let words = error.to_string();
        if self.said.insert(name.to_owned(), words.clone()) != Some(words) {
            (self.tell)(name, news(error));
        }
    }
}

/// Whether it may be otherwise a moment later although the files stay as they are.
fn may_pass(error: &ProviderError) -> bool {
    matches!(
        error,
        ProviderError::Folder { .. }
            | ProviderError::NotLocked { .. }
            | ProviderError::Lock(_)
            | ProviderError::Permissions(PermissionError::Unreadable { .. })
            | ProviderError::Load(LoadError::Unreadable { .. } | LoadError::Compile { .. })
    )
}
