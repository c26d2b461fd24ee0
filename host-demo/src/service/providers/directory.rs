//! The only room that knows the host library's calls: providers loaded from a folder, and the trait
//! that the rest of the platform asks them through. Tests put a scripted provider behind it.

use crate::domain::digest::digest;
use crate::domain::name::{MAX_NAME, is_name};
use provider_host::contract::{
    AdjustedFee, Bill, Cancellation, Capability, Carrier, Decision, FeeRule, FieldProblem, Order, ProviderInfo,
    Registration, Setting, SettingKind, Shipment, Standing,
};
use provider_host::{Account, Answer, CallError, Host, LoadError, PermissionError, Permissions, Plugin, Registry};
use std::collections::HashMap;
use std::fs::{self, File};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a loaded provider can be asked; the rows of every answer are as many as were asked.
pub trait Provider: Send + Sync {
    /// What it is and needs.
    fn info(&self) -> &ProviderInfo;
    /// Every problem with a shop's settings.
    fn check_settings(
        &self,
        settings: Vec<Setting>,
    ) -> impl Future<Output = Result<Vec<FieldProblem>, CallError>> + Send;
    /// 手数料設定 for one bill.
    fn fee_adjust(
        &self,
        rule: &FeeRule,
        bill: &Bill,
    ) -> impl Future<Output = Result<Result<AdjustedFee, Vec<FieldProblem>>, CallError>> + Send;
    /// Whether the settings work; one row.
    fn test_connection(&self, shop: &Account) -> impl Future<Output = Answer<()>> + Send;
    /// 与信を実行
    fn credit(&self, shop: &Account, orders: Vec<Order>) -> impl Future<Output = Answer<Decision>> + Send;
    /// 与信結果確認
    fn check_credit(&self, shop: &Account, asked: Vec<Registration>) -> impl Future<Output = Answer<Standing>> + Send;
    /// 与信キャンセル
    fn cancel(&self, shop: &Account, cancelled: Vec<Cancellation>) -> impl Future<Output = Answer<()>> + Send;
    /// 伝票番号同期
    fn sync_tracking(&self, shop: &Account, shipped: Vec<Shipment>) -> impl Future<Output = Answer<()>> + Send;
}

impl Provider for Plugin {
    fn info(&self) -> &ProviderInfo {
        self.info()
    }
    async fn check_settings(&self, settings: Vec<Setting>) -> Result<Vec<FieldProblem>, CallError> {
        self.check_settings(settings).await
    }
    async fn fee_adjust(
        &self,
        rule: &FeeRule,
        bill: &Bill,
    ) -> Result<Result<AdjustedFee, Vec<FieldProblem>>, CallError> {
        self.fee_adjust(rule, bill).await
    }
    async fn test_connection(&self, shop: &Account) -> Answer<()> {
        self.test_connection(shop).await
    }
    async fn credit(&self, shop: &Account, orders: Vec<Order>) -> Answer<Decision> {
        self.credit(shop, orders).await
    }
    async fn check_credit(&self, shop: &Account, asked: Vec<Registration>) -> Answer<Standing> {
        self.check_credit(shop, asked).await
    }
    async fn cancel(&self, shop: &Account, cancelled: Vec<Cancellation>) -> Answer<()> {
        self.cancel(shop, cancelled).await
    }
    async fn sync_tracking(&self, shop: &Account, shipped: Vec<Shipment>) -> Answer<()> {
        self.sync_tracking(shop, shipped).await
    }
}

/// Where loaded providers are found. What is found serves a call to its end, whatever is loaded meanwhile.
pub trait Providers<P>: Send + Sync {
    /// The provider `id`, if it is loaded.
    fn get(&self, id: &str) -> Option<P>;

    /// The ids of all that are loaded.
    fn ids(&self) -> Vec<String>;
}

impl<P: Clone + Send + Sync> Providers<P> for HashMap<String, P> {
    fn get(&self, id: &str) -> Option<P> {
        self.get(id).cloned()
    }

    fn ids(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

impl Providers<Plugin> for Registry {
    fn get(&self, id: &str) -> Option<Plugin> {
        self.get(id)
    }

    fn ids(&self) -> Vec<String> {
        self.all().iter().map(|plugin| plugin.info().id.clone()).collect()
    }
}

/// A provider could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The name cannot be a provider's.
    #[error(
        "{0:?} is not the name of a provider: at most {MAX_NAME} of a to z, 0 to 9 and - \
         (後払い会社の名前は半角英小文字・数字・ハイフンです)"
    )]
    Name(String),
    /// The permission file does not say which provider it is for.
    #[error(
        "the permission file {} does not say which provider it is for; add a line such as: provider = {name:?} \
         (許可ファイルに後払い会社のIDの行がありません)",
        path.display()
    )]
    Unnamed {
        /// The permission file.
        path: PathBuf,
        /// The name by which its component was asked for, or describes itself.
        name: String,
    },
    /// The permission file is for another provider than its name says.
    #[error(
        "the permission file {} is for the provider {found:?}, but {asked:?} is asked for; rename the two files",
        path.display()
    )]
    Another {
        /// The permission file.
        path: PathBuf,
        /// The name that was asked for.
        asked: String,
        /// The provider that it is for.
        found: String,
    },
    /// The permission file does not serve.
    #[error(transparent)]
    Permissions(#[from] PermissionError),
    /// The component does not serve.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The folder cannot be read or written.
    #[error("the folder of plugins {} cannot be used: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// When the component and its permissions were written, and their sizes; nothing for a file that is not there.
pub(crate) type Stamp = [Option<(SystemTime, u64)>; 2];

/// A folder of plugins: `NAME.wasm` beside its permissions in `NAME.toml`.
#[derive(Clone)]
pub struct PluginDirectory {
    host: Host,
    folder: PathBuf,
}

/// A component and its permissions, as they were read together.
pub struct PluginFiles {
    /// The component.
    pub component: Vec<u8>,
    /// What it is granted.
    pub permissions: Permissions,
}

impl PluginFiles {
    /// Whether `plugin` was loaded from the same.
    pub fn is_of(&self, plugin: &Plugin) -> bool {
        let facts = plugin.facts();
        facts.permissions == self.permissions && facts.digest == digest(&[&self.component])
    }
}

impl PluginDirectory {
    /// The plugins in `folder`, loaded by `host` when asked for.
    pub fn new(host: Host, folder: PathBuf) -> Self {
        PluginDirectory { host, folder }
    }

    /// Where the plugins are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What loads the plugins.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Loads the provider `name`. Only a component whose permission file is for that provider is given the name,
    /// and with it the credentials of the malls.
    pub async fn load(&self, name: &str) -> Result<Plugin, ProviderError> {
        self.load_pair(name, self.read(name).await?).await
    }

    async fn load_pair(&self, name: &str, pair: PluginFiles) -> Result<Plugin, ProviderError> {
        let path = self.path(name)?;
        named(&path.with_extension("toml"), &pair.permissions, name)?;
        Ok(self.host.load_bytes(path, pair.component, pair.permissions).await?)
    }

    /// The files of the provider `name`, which belong together: nobody puts others in their place meanwhile.
    pub async fn read(&self, name: &str) -> Result<PluginFiles, ProviderError> {
        let (path, shelf) = (self.path(name)?, self.clone());
        let read = move || {
            let permissions = path.with_extension("toml");
            let _lock = shelf.lock(Access::Reading)?;
            Ok(PluginFiles { permissions: Permissions::from_file(permissions)?, component: shelf.host.read(&path)? })
        };
        tokio::task::spawn_blocking(read).await.map_err(|error| self.failed(io::Error::other(error)))?
    }

    /// Keeps others from replacing files, or from reading them, for as long as the lock is held.
    pub fn lock(&self, access: Access) -> Result<File, ProviderError> {
        let folder = File::open(&self.folder).map_err(|source| self.failed(source))?;
        let locked = match access {
            Access::Reading => folder.lock_shared(),
            Access::Replacing => folder.lock(),
        };
        match locked {
            // A file system without locks: its files are still replaced one by one, each as a whole.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(folder),
            other => other.map(|()| folder).map_err(|source| self.failed(source)),
        }
    }

    /// The names of the components in the folder that can be a provider's.
    pub fn names(&self) -> Result<Vec<String>, ProviderError> {
        let entries = fs::read_dir(&self.folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(|source| self.failed(source))?;
        let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
        let names = files.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()));
        let mut names: Vec<_> = names.filter(|name| is_name(name)).collect();
        names.sort();
        Ok(names)
    }

    /// Loads the provider `name`, unless `current` was loaded from what there is.
    pub(crate) async fn load_other(
        &self,
        name: &str,
        current: Option<Plugin>,
    ) -> Result<Option<Plugin>, ProviderError> {
        let pair = self.read(name).await?;
        match current {
            Some(plugin) if pair.is_of(&plugin) => Ok(None),
            _ => self.load_pair(name, pair).await.map(Some),
        }
    }

    /// What the permission file of the provider `name` grants.
    pub(crate) fn grant(&self, name: &str) -> Result<Permissions, ProviderError> {
        let path = self.path(name)?.with_extension("toml");
        let permissions = Permissions::from_file(&path)?;
        named(&path, &permissions, name)?;
        Ok(permissions)
    }

    /// What changes when a component or its permissions are replaced.
    pub(crate) fn stamp(&self, name: &str) -> Stamp {
        ["wasm", "toml"].map(|extension| {
            let facts = fs::metadata(self.folder.join(name).with_extension(extension)).ok()?;
            Some((facts.modified().ok()?, facts.len()))
        })
    }

    /// Where the component of the provider `name` is.
    pub fn path(&self, name: &str) -> Result<PathBuf, ProviderError> {
        let named = is_name(name).then(|| self.folder.join(name).with_extension("wasm"));
        named.ok_or_else(|| ProviderError::Name(name.to_owned()))
    }

    /// Loads the component at `path` under the permissions beside it, to look at it.
    pub async fn load_file(&self, path: &Path) -> Result<Plugin, ProviderError> {
        let permissions = Permissions::from_file(path.with_extension("toml"))?;
        Ok(self.host.load(path, permissions).await?)
    }

    /// The folder did not serve.
    pub fn failed(&self, source: io::Error) -> ProviderError {
        ProviderError::Folder { path: self.folder.clone(), source }
    }
}

/// What a lock on a folder of plugins is for.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Others may read meanwhile.
    Reading,
    /// Nobody else may.
    Replacing,
}

/// Refuses permissions, read from `path`, that are not for the provider `name`.
fn named(path: &Path, permissions: &Permissions, name: &str) -> Result<(), ProviderError> {
    let (path, name) = (path.to_owned(), name.to_owned());
    match &permissions.provider {
        None => Err(ProviderError::Unnamed { path, name }),
        Some(found) if *found != name => Err(ProviderError::Another { path, asked: name, found: found.clone() }),
        Some(_) => Ok(()),
    }
}

/// The contract's name of a kind of setting.
pub fn kind_name(kind: &SettingKind) -> &'static str {
    match kind {
        SettingKind::Text => "text",
        SettingKind::Digits => "digits",
        SettingKind::Secret => "secret",
        SettingKind::Url => "url",
        SettingKind::Choice(_) => "choice",
    }
}

/// What `plugin` may reach: origins, then ranges of private addresses.
pub fn permitted(plugin: &Plugin) -> Vec<String> {
    let Permissions { origins, private_addresses, .. } = &plugin.facts().permissions;
    origins.iter().map(ToString::to_string).chain(private_addresses.iter().map(ToString::to_string)).collect()
}

/// What a provider can do beyond crediting: the contract's name of it, and in words.
const ABILITIES: [(Capability, &str, [&str; 2]); 6] = [
    (
        Capability::FIND_BY_REFERENCE,
        "find-by-reference",
        ["登録番号で照会できる", "finds a registration by our reference"],
    ),
    (
        Capability::UNIQUE_REFERENCE,
        "unique-reference",
        ["同じ登録番号の二重登録を断る", "refuses a reference that exists"],
    ),
    (Capability::ENCLOSED_INVOICE, "enclosed-invoice", ["請求書の同梱", "encloses the invoice"]),
    (Capability::TEST_CONNECTION, "test-connection", ["接続テスト", "connection test"]),
    (Capability::REPORTS_CANCEL, "reports-cancel", ["照会でキャンセル済とわかる", "tells what was cancelled"]),
    (
        Capability::REPORTS_TRACKING,
        "reports-tracking",
        ["照会で伝票番号の登録がわかる", "tells what has a tracking number"],
    ),
];

/// What `info` says that the provider can do: the contract's name of it, and the words in Japanese and English.
pub fn abilities(info: &ProviderInfo) -> impl Iterator<Item = (&'static str, [&'static str; 2])> {
    let has = info.capabilities;
    ABILITIES.into_iter().filter(move |(one, ..)| has.contains(*one)).map(|(_, name, words)| (name, words))
}

/// The carrier that `name` means: an id, or a name in Japanese or English.
pub fn find_carrier<'a>(info: &'a ProviderInfo, name: &str) -> Option<&'a Carrier> {
    info.carriers.iter().find(|c| c.id == name || c.name.ja == name || c.name.en.eq_ignore_ascii_case(name))
}
