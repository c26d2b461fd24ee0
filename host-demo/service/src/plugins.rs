//! Putting a component on the directory: one way for the page, the API and the command line.
//!
//! A component is loaded once, compared with what it would replace, written down in the audit log, and only then
//! put in its place. A component is given the credentials of every mall that uses its provider, so a change that
//! lets it send them elsewhere, or ask for others, has to be confirmed by an operator who sees it.

use crate::providers::capabilities::{imports, kind_name, permitted};
use crate::providers::directory::{PluginDirectory, ProviderError};
use crate::providers::files::PluginContent;
use crate::providers::plugin_contract::SettingField;
use crate::providers::registry::Pulled;
use crate::providers::{ComponentFile, Permissions, Plugin, Registry};
use domain::actor::Actor;
use domain::audit_event::{AuditEvent, PluginChange, UsedLimit};
use domain::credit_state::Action;
use domain::digest::digest;
use semver::Version;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use store::{LockedPlugin, Store, StoreError};

/// What the lock has as the origin of a component that was uploaded.
const UPLOADED: &str = "upload";

/// A component and its permission file, to be put into the directory.
#[derive(Debug, Clone)]
pub struct Files {
    /// What errors call the component; its permission file has the same name with `.toml`.
    pub name: PathBuf,
    /// Where it came from, for the lock.
    pub origin: String,
    /// The component and its permission file.
    pub content: PluginContent,
}

impl Files {
    /// The component at `path`, and the permission file and the signature beside it.
    pub fn read(directory: &PluginDirectory, path: &Path) -> Result<Self, ProviderError> {
        let permissions = Permissions::text_of(path.with_extension("toml"))?;
        let origin = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let content = PluginContent { component: directory.host().read(path)?, permissions };
        Ok(Self { name: path.to_owned(), origin, content })
    }
}

impl Files {
    /// A component that was pulled from a registry, under the permission file at `permissions`.
    ///
    /// # Errors
    ///
    /// The permission file cannot be read.
    pub fn pulled(pulled: Pulled, permissions: &Path) -> Result<Self, ProviderError> {
        let content = PluginContent { component: pulled.component, permissions: Permissions::text_of(permissions)? };
        Ok(Self { name: permissions.with_extension("wasm"), origin: pulled.origin.to_string(), content })
    }

    /// Files that were uploaded, and have no name of their own.
    pub fn uploaded(component: Vec<u8>, permissions: &[u8], signature: Option<&[u8]>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let component = ComponentFile { bytes: component, signature: signature.map(text) };
        let content = PluginContent { component, permissions: text(permissions) };
        Self { name: "component".into(), origin: UPLOADED.to_owned(), content }
    }

    /// Stands for the three files.
    fn fingerprint(&self) -> String {
        files_digest(&self.content)
    }
}

/// A component that serves, and what putting it into the directory would change.
pub struct Candidate {
    /// It, loaded from the place that it will have.
    pub plugin: Plugin,
    /// What has to be confirmed; empty if nothing but the code differs from the component before.
    pub changes: Vec<PluginChange>,
    /// The malls whose settings it is given: their names by their ids.
    pub malls: BTreeMap<String, String>,
    files: Files,
    replaces: Option<Plugin>,
    /// See [`fingerprint`].
    compared_with: String,
    /// What the lock had of the provider; 0 if nothing.
    revision: i64,
}

impl Candidate {
    /// Stands for what was shown: these files, in place of those. A confirmation names it.
    pub fn confirmation(&self) -> String {
        let shown = format!("{} {:?} {:?}", self.compared_with, self.changes, self.malls);
        digest(&[self.files.fingerprint().as_bytes(), shown.as_bytes()])
    }

    /// What the lock is to have of it, after the revision that it was compared with.
    fn locked(&self) -> LockedPlugin {
        let (info, facts, content) = (self.plugin.info(), self.plugin.facts(), &self.files.content);
        LockedPlugin {
            provider: info.id.clone(),
            revision: self.revision,
            origin: self.files.origin.clone(),
            version: info.version.clone(),
            digest: facts.digest.clone(),
            signature: content.component.signature.clone(),
            permissions: content.permissions.clone(),
            withdrawn: false,
        }
    }

    /// The version that it replaces, if there is one.
    pub fn version_before(&self) -> Option<&str> {
        self.replaces.as_ref().map(|plugin| plugin.info().version.as_str())
    }
}

/// Why nothing was put into the directory.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The files do not serve, or the folder does not.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Since it was compared, something else was put in the place.
    #[error(
        "another plugin was put in the place of {0} meanwhile; try again to see what changes \
         (その間に別のプラグインに入れ替わりました。もう一度読み込んでください)"
    )]
    Meanwhile(String),
    /// There is nothing to withdraw.
    #[error(
        "the lock has no plugin of the provider {0}, so there is none to withdraw on all machines; one that was put into \
         a folder by hand is withdrawn by removing its two files (取り下げるプラグインがありません)"
    )]
    NotLocked(String),
}

/// Whether changes other than those of the code are confirmed.
#[derive(Debug, Clone, Copy)]
pub enum Confirmed<'a> {
    /// They are not: they were not shown yet.
    No,
    /// Those are that this [`Candidate::confirmation`] stands for.
    Shown(&'a str),
    /// All are.
    All,
}

/// What loading a plugin came to.
pub enum LoadOutcome {
    /// It serves.
    Installed {
        /// The plugin.
        plugin: Plugin,
        /// The version that it replaced, if there was one.
        replaced: Option<String>,
    },
    /// Nothing was changed: these changes have to be confirmed first.
    Unconfirmed(Box<Candidate>),
}

/// Installs plugins into a directory.
pub struct Installer<'a> {
    /// The directory.
    pub directory: &'a PluginDirectory,
    /// Where it is written down.
    pub store: &'a Store,
    /// What this process has loaded already; it need not be loaded to be compared.
    pub registry: &'a Registry,
}

impl Installer<'_> {
    /// Loads the plugin of `files` in place of the one that its provider has, if nothing but code changes or the changes
    /// are confirmed.
    pub async fn load(
        &self,
        files: Files,
        confirmed: Confirmed<'_>,
        by: Actor<'_>,
    ) -> Result<LoadOutcome, InstallError> {
        let candidate = self.examine(files).await?;
        let is_confirmed = match confirmed {
            Confirmed::No => false,
            Confirmed::Shown(shown) => shown == candidate.confirmation(),
            Confirmed::All => true,
        };
        if !candidate.changes.is_empty() && !is_confirmed {
            return Ok(LoadOutcome::Unconfirmed(Box::new(candidate)));
        }
        let plugin = self.install(&candidate, by).await?;
        Ok(LoadOutcome::Installed { plugin, replaced: candidate.version_before().map(str::to_owned) })
    }

    /// Loads the component of `files`, once, and compares it with what it would replace. Changes nothing.
    pub async fn examine(&self, files: Files) -> Result<Candidate, InstallError> {
        let described = files.name.with_extension("toml");
        let permissions =
            Permissions::from_text(&described, &files.content.permissions).map_err(ProviderError::from)?;
        let Some(id) = permissions.provider.clone() else {
            let name = files.name.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            return Err(ProviderError::Unnamed { path: described, name }.into());
        };
        let place = self.directory.path(&id)?;
        let loaded = self.directory.host().load_bytes(place, files.content.component.clone(), permissions).await;
        let plugin = loaded.map_err(|error| ProviderError::from(error.at(&files.name)))?;
        let compared_with = self.fingerprint(&id)?;
        let revision = self.store.locked_plugin(&id).await?.map_or(0, |locked| locked.revision);
        let replaces = self.present(&id).await;
        let malls = self.store.malls_of_provider(&id).await?;
        let changes = match &replaces {
            // Nothing is replaced, and no mall's settings are given to it.
            None if malls.is_empty() => Vec::new(),
            before => changes(before.as_ref(), &plugin),
        };
        Ok(Candidate { plugin, changes, malls, files, replaces, compared_with, revision })
    }

    /// Writes down that `candidate` is loaded, and puts it into the directory and into the registry: in this order, so
    /// that no component ever serves of which nobody knows who loaded it. What changes is confirmed by whoever
    /// calls this.
    pub async fn install(&self, candidate: &Candidate, by: Actor<'_>) -> Result<Plugin, InstallError> {
        let id = candidate.plugin.info().id.clone();
        let _held = self.directory.hold().await?;
        if self.fingerprint(&id)? != candidate.compared_with {
            return Err(InstallError::Meanwhile(id));
        }
        let event = loaded(&candidate.plugin, &candidate.changes);
        let (content, mut locked) = (&candidate.files.content, candidate.locked());
        if !self.store.lock_plugin(&locked, &content.component.bytes, by, &event).await? {
            return Err(InstallError::Meanwhile(id));
        }
        locked.revision += 1;
        // Before the files are there, or this process would take them for strangers.
        self.directory.learn(&locked);
        if let Err(error) = self.directory.place_locked(content, &locked) {
            self.store.note(by, &not_loaded(&candidate.plugin, error.to_string())).await?;
            return Err(error.into());
        }
        self.registry.put(candidate.plugin.clone());
        Ok(candidate.plugin.clone())
    }

    /// Withdraws the plugin of the provider `id`: writes down that it is, and takes it out of the lock, of this folder and
    /// of the registry. Processes on other machines follow. Calls that have begun end on it.
    pub async fn withdraw(&self, id: &str, by: Actor<'_>) -> Result<LockedPlugin, InstallError> {
        let _held = self.directory.hold().await?;
        let locked = self.store.locked_plugin(id).await?.filter(|locked| !locked.withdrawn);
        let Some(mut locked) = locked else { return Err(InstallError::NotLocked(id.to_owned())) };
        let (provider, version, digest) = (locked.provider.clone(), locked.version.clone(), locked.digest.clone());
        let event = AuditEvent::PluginWithdrawn { provider, version, digest };
        if !self.store.withdraw_plugin(id, locked.revision, by, &event).await? {
            return Err(InstallError::Meanwhile(id.to_owned()));
        }
        locked.revision += 1;
        locked.withdrawn = true;
        self.directory.learn(&locked);
        self.registry.remove(id);
        // It serves no more, whether the files can be removed or not; that is tried again like on other machines.
        if let Err(error) = self.directory.remove_withdrawn(&locked) {
            tracing::error!(%error, "the files of a plugin that was withdrawn are still there");
        }
        Ok(locked)
    }

    /// The plugin that serves the provider `id` now, as far as one does.
    async fn present(&self, id: &str) -> Option<Plugin> {
        let pair = self.directory.read(id).await.ok()?;
        match self.registry.get(id) {
            Some(current) if pair.is_of(&current) => Some(current),
            _ => self.directory.load_files(id, pair).await.ok(),
        }
    }

    /// Stands for the files that are in the place of the provider `id`, whether they serve or not.
    fn fingerprint(&self, id: &str) -> Result<String, ProviderError> {
        let path = self.directory.path(id)?;
        let component = self.directory.host().read(&path).unwrap_or_default();
        let permissions = Permissions::text_of(path.with_extension("toml")).unwrap_or_default();
        Ok(files_digest(&PluginContent { component, permissions }))
    }
}

/// Stands for a component with its signature and its permission file.
fn files_digest(content: &PluginContent) -> String {
    let PluginContent { component: ComponentFile { bytes, signature }, permissions } = content;
    let signature = signature.as_deref().unwrap_or_default();
    let parts = [bytes, permissions.as_bytes(), signature.as_bytes()].map(|part| digest(&[part]));
    digest(&parts.each_ref().map(String::as_bytes))
}

/// That `plugin` is loaded, and that `confirmed` changes with it.
fn loaded(plugin: &Plugin, confirmed: &[PluginChange]) -> AuditEvent {
    let (info, facts) = (plugin.info(), plugin.facts());
    AuditEvent::PluginLoaded {
        provider: info.id.clone(),
        version: info.version.clone(),
        digest: facts.digest.clone(),
        permissions: permitted(plugin),
        confirmed: confirmed.to_vec(),
    }
}

/// That the files of `plugin`, which was to be loaded, could not be written.
fn not_loaded(plugin: &Plugin, reason: String) -> AuditEvent {
    AuditEvent::PluginNotLoaded { provider: plugin.info().id.clone(), digest: plugin.facts().digest.clone(), reason }
}

/// What changes from `before` to `after` besides the code; everything where there is nothing before.
fn changes(before: Option<&Plugin>, after: &Plugin) -> Vec<PluginChange> {
    let nothing = before.is_none().then_some(PluginChange::NothingToCompare);
    let settings = setting_changes(before.map_or(&[], |plugin| &plugin.info().settings), &after.info().settings);
    let older = before.and_then(|before| older(&before.info().version, &after.info().version));
    let parts = [granted_changes(before, after), wanted_changes(before, after), settings];
    nothing.into_iter().chain(older).chain(parts.into_iter().flatten()).collect()
}

/// That `to` is an older version than `from`, where both can be compared.
fn older(from: &str, to: &str) -> Option<PluginChange> {
    let is_older = to.parse::<Version>().ok()? < from.parse::<Version>().ok()?;
    is_older.then(|| PluginChange::VersionLowered { from: from.to_owned(), to: to.to_owned() })
}

/// What the permission file grants otherwise.
fn granted_changes(before: Option<&Plugin>, after: &Plugin) -> Vec<PluginChange> {
    let none = Permissions::default();
    let (old, new) = (before.map_or(&none, |plugin| &plugin.facts().permissions), &after.facts().permissions);
    let origins = |granted: &Permissions| -> BTreeSet<_> { granted.origins.iter().map(ToString::to_string).collect() };
    let ranges =
        |granted: &Permissions| -> BTreeSet<_> { granted.private_addresses.iter().map(ToString::to_string).collect() };
    let (new_origins, old_origins, new_ranges, old_ranges) = (origins(new), origins(old), ranges(new), ranges(old));
    let added = new_origins.difference(&old_origins).map(|origin| PluginChange::OriginAdded { origin: origin.clone() });
    let removed =
        old_origins.difference(&new_origins).map(|origin| PluginChange::OriginRemoved { origin: origin.clone() });
    let opened = new_ranges.difference(&old_ranges).map(|range| PluginChange::AddressesAdded { range: range.clone() });
    let closed =
        old_ranges.difference(&new_ranges).map(|range| PluginChange::AddressesRemoved { range: range.clone() });
    let pin = old.sha256.clone().filter(|_| new.sha256.is_none()).map(|sha256| PluginChange::PinRemoved { sha256 });
    let keys = |granted: &Permissions| -> BTreeSet<_> { granted.public_keys.iter().map(ToString::to_string).collect() };
    let (new_keys, old_keys) = (keys(new), keys(old));
    let trusted = new_keys.difference(&old_keys).map(|key| PluginChange::KeyAdded { key: key.clone() });
    let distrusted = old_keys.difference(&new_keys).map(|key| PluginChange::KeyRemoved { key: key.clone() });
    let text = |version: &Option<_>| version.as_ref().map(ToString::to_string);
    let lowest = (old.min_version.is_some() && new.min_version < old.min_version).then(|| {
        PluginChange::MinVersionLowered { from: text(&old.min_version).unwrap_or_default(), to: text(&new.min_version) }
    });
    let wasi = (old.refuse_empty_wasi && !new.refuse_empty_wasi).then_some(PluginChange::EmptyWasiAllowed);
    let reach = added.chain(removed).chain(opened).chain(closed);
    reach.chain(pin).chain(trusted).chain(distrusted).chain(lowest).chain(wasi).collect()
}

/// What the component wants more of than the one before. What it is granted is told by [`granted_changes`].
fn wanted_changes(before: Option<&Plugin>, after: &Plugin) -> Vec<PluginChange> {
    let described = |plugin: &Plugin| plugin.info().origins.clone();
    let (old_origins, granted) = (before.map(described).unwrap_or_default(), &after.facts().permissions.origins);
    // A wish that cannot be read as an origin cannot be granted either.
    let is_granted = |wish: &str| wish.parse().is_ok_and(|origin| granted.contains(&origin));
    let wishes = described(after).into_iter().filter(|origin| !old_origins.contains(origin) && !is_granted(origin));
    let wishes = wishes.map(|origin| PluginChange::OriginWanted { origin });

    let old_imports: BTreeSet<_> =
        before.into_iter().flat_map(|plugin| &plugin.facts().imports).map(|name| release(name)).collect();
    let new_imports =
        imports(after).into_iter().flat_map(|(group, names)| names.into_iter().map(move |name| (group, name)));
    let new_imports = new_imports.filter(|(_, name)| !old_imports.contains(release(name)));
    let new_imports = new_imports.map(|(group, interface)| PluginChange::ImportAdded { group, interface });

    let used = |plugin: &Plugin| [plugin.facts().core_instances, plugin.facts().memories];
    let used =
        [UsedLimit::CoreInstances, UsedLimit::Memories].into_iter().zip(before.map_or([0; 2], used)).zip(used(after));
    let used =
        used.filter(|((_, from), to)| to > from).map(|((limit, from), to)| PluginChange::LimitUsed { limit, from, to });

    let batches = |plugin: &Plugin| {
        let limits = &plugin.info().batch_limits;
        [limits.credit, limits.check_credit, limits.cancel, limits.sync_tracking]
    };
    let operations = [Action::Credit, Action::Check, Action::Cancel, Action::Sync];
    let raised = operations.into_iter().zip(before.map_or([0; 4], batches)).zip(batches(after));
    let raised = raised.filter(|((_, from), to)| to > from);
    let raised = raised.map(|((operation, from), to)| PluginChange::BatchRaised { operation, from, to });
    wishes.chain(new_imports).chain(used).chain(raised).collect()
}

/// An interface without the last number of its version: releases that are compatible give access to the same.
fn release(interface: &str) -> &str {
    interface.rsplit_once('.').map_or(interface, |(release, _)| release)
}

fn setting_changes(before: &[SettingField], after: &[SettingField]) -> Vec<PluginChange> {
    let kinds = |fields: &[SettingField]| -> BTreeMap<String, String> {
        fields.iter().map(|field| (field.key.clone(), kind_name(&field.kind).to_owned())).collect()
    };
    let (before, after) = (kinds(before), kinds(after));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    let change = |key: String| match (before.get(&key), after.get(&key)) {
        (None, Some(kind)) => Some(PluginChange::SettingAdded { kind: kind.clone(), key }),
        (Some(_), None) => Some(PluginChange::SettingRemoved { key }),
        (Some(from), Some(to)) if from != to => {
            Some(PluginChange::SettingKind { from: from.clone(), to: to.clone(), key })
        }
        _ => None,
    };
    keys.into_iter().filter_map(change).collect()
}
