//! Putting a component on the shelf: one way for the page, the API and the command line.
//!
//! A component is loaded once, compared with what it would replace, written down in the audit log, and only then
//! put in its place. A component is given the credentials of every mall that uses its provider, so whatever lets
//! it send them elsewhere, or ask for others, has to be confirmed by somebody who sees what changes.

use crate::domain::digest::digest;
use crate::domain::issue::Lang;
use crate::service::providers::directory::{Access, PluginDirectory, ProviderError, kind_name};
use crate::store::{Actor, AuditEvent, Store, StoreError};
use provider_host::contract::SettingField;
use provider_host::{Permissions, Plugin, Registry};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A component and its permission file, to be put on the shelf.
pub struct Files {
    /// What errors call the component; its permission file has the same name with `.toml`.
    pub name: PathBuf,
    /// The component.
    pub component: Vec<u8>,
    /// The text of the permission file.
    pub permissions: String,
}

impl Files {
    /// The component at `path` and the permission file beside it.
    pub fn read(shelf: &PluginDirectory, path: &Path) -> Result<Self, ProviderError> {
        let permissions = Permissions::text_of(path.with_extension("toml"))?;
        Ok(Files { name: path.to_owned(), component: shelf.host().read(path)?, permissions })
    }
}

/// Something about a provider that changes with its component, and that somebody has to know of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Change {
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

impl Change {
    /// What changes, in a line.
    pub fn words(&self, lang: Lang) -> String {
        let line = |ja: &str, en: &str, what: &str| format!("{}: {what}", lang.pick(ja, en));
        match self {
            Change::OriginAdded { origin } => line("通信先を追加", "may also send to", origin),
            Change::OriginRemoved { origin } => line("通信先を削除", "may no longer send to", origin),
            Change::AddressesAdded { range } => line("内部アドレスを追加", "may also reach", range),
            Change::AddressesRemoved { range } => line("内部アドレスを削除", "may no longer reach", range),
            Change::PinRemoved { sha256 } => line(
                "プラグインのチェックサム（sha256）の指定を削除",
                "is no longer pinned to a checksum (sha256)",
                sha256,
            ),
            Change::SettingAdded { key, kind } => {
                line("設定項目を追加", "has another setting", &format!("{key} ({kind})"))
            }
            Change::SettingRemoved { key } => line("設定項目を削除", "has no setting any more", key),
            Change::SettingKind { key, from, to } => {
                line("設定項目の種類を変更", "has a setting of another kind", &format!("{key} ({from} → {to})"))
            }
            Change::NothingToCompare => lang
                .pick("比べられる元のプラグインがありません", "there is no plugin that serves to compare it with")
                .to_owned(),
        }
    }
}

/// A component that serves, and what putting it on the shelf would change.
pub struct Candidate {
    /// It, loaded from the place that it will have.
    pub plugin: Plugin,
    /// What somebody has to confirm; nothing if it differs from the one before in nothing but its code.
    pub changes: Vec<Change>,
    /// The malls whose settings it is given: their names by their ids.
    pub malls: BTreeMap<String, String>,
    files: Files,
    replaces: Option<Plugin>,
    /// See [`fingerprint`].
    compared_with: String,
}

impl Candidate {
    /// Stands for what was shown: these files, in place of those. A confirmation names it.
    pub fn confirmation(&self) -> String {
        let shown = format!("{} {:?} {:?}", self.compared_with, self.changes, self.malls);
        let Files { component, permissions, .. } = &self.files;
        digest(&[digest(&[component]).as_bytes(), digest(&[permissions.as_bytes()]).as_bytes(), shown.as_bytes()])
    }

    /// The version that it replaces, if there is one.
    pub fn version_before(&self) -> Option<&str> {
        self.replaces.as_ref().map(|plugin| plugin.info().version.as_str())
    }
}

/// Why nothing was put on the shelf.
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
}

/// Puts components on a shelf.
pub struct Installer<'a> {
    /// The shelf.
    pub shelf: &'a PluginDirectory,
    /// Where it is written down.
    pub store: &'a Store,
    /// What this process has loaded already; it need not be loaded to be compared.
    pub registry: &'a Registry,
}

impl Installer<'_> {
    /// Loads the component of `files`, once, and compares it with what it would replace. Changes nothing.
    pub async fn examine(&self, files: Files) -> Result<Candidate, InstallError> {
        let described = files.name.with_extension("toml");
        let permissions = Permissions::from_text(&described, &files.permissions).map_err(ProviderError::from)?;
        let Some(id) = permissions.provider.clone() else {
            let name = files.name.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            return Err(ProviderError::Unnamed { path: described, name }.into());
        };
        let place = self.shelf.path(&id)?;
        let loaded = self.shelf.host().load_bytes(place, files.component.clone(), permissions).await;
        let plugin = loaded.map_err(|error| ProviderError::from(error.at(&files.name)))?;
        let compared_with = self.fingerprint(&id)?;
        let replaces = self.present(&id).await;
        let malls = self.malls(&id).await?;
        let changes = match &replaces {
            // Nothing is replaced, and nobody's settings are given away.
            None if malls.is_empty() => Vec::new(),
            before => changes(before.as_ref(), &plugin),
        };
        Ok(Candidate { plugin, changes, malls, files, replaces, compared_with })
    }

    /// Writes down that `candidate` is loaded, and puts it on the shelf and into the registry: in this order, so
    /// that no component ever serves of which nobody knows who loaded it. What changes is confirmed by whoever
    /// calls this.
    pub async fn install(&self, candidate: &Candidate, by: Actor<'_>) -> Result<Plugin, InstallError> {
        let id = candidate.plugin.info().id.clone();
        let (folder, shelf) = (self.shelf.folder().to_owned(), self.shelf.clone());
        let locked = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder).map_err(|source| shelf.failed(source))?;
            shelf.lock(Access::Replacing)
        });
        let _lock = locked.await.map_err(|error| self.shelf.failed(io::Error::other(error)))??;
        if self.fingerprint(&id)? != candidate.compared_with {
            return Err(InstallError::Meanwhile(id));
        }
        self.store.note(by, &AuditEvent::loaded(&candidate.plugin, &candidate.changes)).await?;
        if let Err(source) = place(&self.shelf.path(&id)?, &candidate.files) {
            let reason = source.to_string();
            self.store.note(by, &AuditEvent::not_placed(&candidate.plugin, reason)).await?;
            return Err(self.shelf.failed(source).into());
        }
        self.registry.put(candidate.plugin.clone());
        Ok(candidate.plugin.clone())
    }

    /// The plugin that serves the provider `id` now, as far as one does.
    async fn present(&self, id: &str) -> Option<Plugin> {
        let pair = self.shelf.read(id).await.ok()?;
        match self.registry.get(id) {
            Some(current) if pair.is_of(&current) => Some(current),
            _ => self.shelf.load(id).await.ok(),
        }
    }

    /// Stands for the two files that are in the place of the provider `id`, whether they serve or not.
    fn fingerprint(&self, id: &str) -> Result<String, ProviderError> {
        let path = self.shelf.path(id)?;
        let component = self.shelf.host().read(&path).unwrap_or_default();
        let permissions = Permissions::text_of(path.with_extension("toml")).unwrap_or_default();
        Ok(digest(&[digest(&[&component]).as_bytes(), digest(&[permissions.as_bytes()]).as_bytes()]))
    }

    /// The malls that have settings for the provider `id`.
    async fn malls(&self, id: &str) -> Result<BTreeMap<String, String>, StoreError> {
        let accounts = self.store.accounts().await?.into_values();
        let concerned: BTreeSet<_> = accounts.filter(|one| one.provider == id).map(|one| one.mall).collect();
        let malls = self.store.malls().await?.into_iter();
        let malls = malls.filter(|mall| mall.provider == id || concerned.contains(&mall.id));
        Ok(malls.map(|mall| (mall.id, mall.name)).collect())
    }
}

/// What changes from `before` to `after` besides the code; everything where there is nothing before.
fn changes(before: Option<&Plugin>, after: &Plugin) -> Vec<Change> {
    let granted = |plugin: &Plugin| {
        let Permissions { origins, private_addresses, .. } = &plugin.facts().permissions;
        let origins: BTreeSet<_> = origins.iter().map(ToString::to_string).collect();
        let ranges: BTreeSet<_> = private_addresses.iter().map(ToString::to_string).collect();
        (origins, ranges)
    };
    let ((origins, ranges), (new_origins, new_ranges)) = (before.map(granted).unwrap_or_default(), granted(after));
    let nothing = before.is_none().then_some(Change::NothingToCompare);
    let added = new_origins.difference(&origins).map(|origin| Change::OriginAdded { origin: origin.clone() });
    let removed = origins.difference(&new_origins).map(|origin| Change::OriginRemoved { origin: origin.clone() });
    let opened = new_ranges.difference(&ranges).map(|range| Change::AddressesAdded { range: range.clone() });
    let closed = ranges.difference(&new_ranges).map(|range| Change::AddressesRemoved { range: range.clone() });
    let pin = |plugin: &Plugin| plugin.facts().permissions.sha256.clone();
    let pin = before.and_then(pin).filter(|_| pin(after).is_none()).map(|sha256| Change::PinRemoved { sha256 });
    let settings = setting_changes(before.map_or(&[], |plugin| &plugin.info().settings), &after.info().settings);
    nothing.into_iter().chain(added).chain(removed).chain(opened).chain(closed).chain(pin).chain(settings).collect()
}

fn setting_changes(before: &[SettingField], after: &[SettingField]) -> Vec<Change> {
    let kinds = |fields: &[SettingField]| -> BTreeMap<String, String> {
        fields.iter().map(|field| (field.key.clone(), kind_name(&field.kind).to_owned())).collect()
    };
    let (before, after) = (kinds(before), kinds(after));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    let change = |key: String| match (before.get(&key), after.get(&key)) {
        (None, Some(kind)) => Some(Change::SettingAdded { kind: kind.clone(), key }),
        (Some(_), None) => Some(Change::SettingRemoved { key }),
        (Some(from), Some(to)) if from != to => Some(Change::SettingKind { from: from.clone(), to: to.clone(), key }),
        _ => None,
    };
    keys.into_iter().filter_map(change).collect()
}

/// Puts `files` at `path`, each as a whole. The component last: its change is what other processes look for.
fn place(path: &Path, files: &Files) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    for (extension, content) in [("toml", files.permissions.as_bytes()), ("wasm", &files.component)] {
        let mut unfinished = tempfile::Builder::new().permissions(readable()).tempfile_in(folder)?;
        unfinished.write_all(content)?;
        unfinished.as_file().sync_all()?;
        unfinished.persist(path.with_extension(extension))?;
    }
    Ok(())
}

/// For other processes of the platform, which may run as other users, as far as the system's mask allows.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}
