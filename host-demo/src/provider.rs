//! The only room that knows the host library's calls: providers loaded from a folder, and the trait
//! that the rest of the platform asks them through. Tests put a scripted provider behind it.

use provider_host::contract::{
    AdjustedFee, Bill, Cancellation, Capability, Carrier, Decision, FeeRule, FieldProblem, Order, ProviderInfo,
    Registration, Setting, Shipment, Standing,
};
use provider_host::{Account, Answer, CallError, Host, LoadError, PermissionError, Permissions, Plugin, Registry};
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often a process that works on orders looks whether a plugin was replaced: often enough that an
/// operator sees it happen, rarely enough to cost nothing.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longest name of a provider. It becomes a file name.
const MAX_NAME: usize = 64;

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
    /// The file describes another provider than its name says.
    #[error("{} describes the provider {found:?}, but is asked for as {asked:?}; rename the file", path.display())]
    Another {
        /// The file.
        path: PathBuf,
        /// The name it was asked for by.
        asked: String,
        /// The id that it describes.
        found: String,
    },
    /// The permission file does not serve.
    #[error(transparent)]
    Permissions(#[from] PermissionError),
    /// The component does not serve.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The folder cannot be written.
    #[error("the folder of plugins: {0}")]
    Folder(#[from] std::io::Error),
}

/// What [`Shelf::follow`] saw.
#[derive(Debug)]
pub enum News<'a> {
    /// A plugin serves from now on.
    Current(&'a Plugin),
    /// What is on the shelf does not load, so what was current stays so.
    Kept(ProviderError),
    /// The component or its permissions are gone: it serves no more.
    Withdrawn,
}

/// Whether both are the same file under the same permissions.
fn is_same(one: &Plugin, other: &Plugin) -> bool {
    let (one, other) = (one.facts(), other.facts());
    one.digest == other.digest && one.permissions == other.permissions
}

/// A folder of plugins: `NAME.wasm` beside its permissions in `NAME.toml`.
#[derive(Clone)]
pub struct Shelf {
    host: Host,
    folder: PathBuf,
}

impl Shelf {
    /// The plugins in `folder`, loaded by `host` when asked for.
    pub fn new(host: Host, folder: PathBuf) -> Self {
        Shelf { host, folder }
    }

    /// Where the plugins are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Loads the provider `name`.
    pub async fn load(&self, name: &str) -> Result<Plugin, ProviderError> {
        let path = self.path(name)?;
        let plugin = self.load_file(&path).await?;
        let found = plugin.info().id.clone();
        if found == name { Ok(plugin) } else { Err(ProviderError::Another { path, asked: name.to_owned(), found }) }
    }

    /// The names of the components in the folder that can be a provider's.
    pub fn names(&self) -> std::io::Result<Vec<String>> {
        let entries = std::fs::read_dir(&self.folder)?.collect::<Result<Vec<_>, _>>()?;
        let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
        let names = files.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()));
        let mut names: Vec<_> = names.filter(|name| is_name(name)).collect();
        names.sort();
        Ok(names)
    }

    /// Puts the component at `file`, with the permissions beside it, into the folder, where it replaces
    /// the one of the same provider. One that does not load leaves everything as it was.
    pub async fn take(&self, file: &Path) -> Result<Plugin, ProviderError> {
        let plugin = self.load_file(file).await?;
        let place = self.path(&plugin.info().id)?;
        // The component last: its change is what other processes look for.
        for extension in ["toml", "wasm"] {
            let unfinished = place.with_extension(format!("{extension}.unfinished"));
            fs::copy(file.with_extension(extension), &unfinished)?;
            fs::rename(unfinished, place.with_extension(extension))?;
        }
        self.load(&plugin.info().id).await
    }

    /// Watches the files of `names`, and of what is in `registry`, for as long as it is polled. One that is new or was
    /// replaced becomes current: calls that have begun end on the old plugin. One whose component or permissions are
    /// gone is withdrawn. `tell` hears of each, and of one that does not load; then the old one stays.
    pub async fn follow(
        &self,
        registry: &Registry,
        names: impl Fn() -> Vec<String>,
        tell: impl Fn(&str, News<'_>),
    ) -> Infallible {
        // Nothing was seen yet: what changed since the registry was filled is news as well.
        let mut seen = HashMap::new();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let names: BTreeSet<String> = names().into_iter().chain(registry.ids()).collect();
            for name in names {
                let now = self.stamp(&name);
                if seen.insert(name.clone(), now) == Some(now) {
                    continue;
                }
                if now.contains(&None) {
                    if registry.remove(&name).is_some() {
                        tell(&name, News::Withdrawn);
                    }
                    continue;
                }
                match self.load(&name).await {
                    Ok(plugin) if registry.get(&name).is_some_and(|current| is_same(&current, &plugin)) => {}
                    Ok(plugin) => {
                        tell(&name, News::Current(&plugin));
                        registry.put(plugin);
                    }
                    Err(error) => tell(&name, News::Kept(error)),
                }
            }
        }
    }

    /// What changes when a component or its permissions are replaced.
    fn stamp(&self, name: &str) -> [Option<(SystemTime, u64)>; 2] {
        ["wasm", "toml"].map(|extension| {
            let facts = fs::metadata(self.folder.join(name).with_extension(extension)).ok()?;
            Some((facts.modified().ok()?, facts.len()))
        })
    }

    fn path(&self, name: &str) -> Result<PathBuf, ProviderError> {
        let named = is_name(name).then(|| self.folder.join(name).with_extension("wasm"));
        named.ok_or_else(|| ProviderError::Name(name.to_owned()))
    }

    /// Loads the component at `path` under the permissions beside it.
    pub async fn load_file(&self, path: &Path) -> Result<Plugin, ProviderError> {
        let permissions = Permissions::from_file(path.with_extension("toml"))?;
        Ok(self.host.load(path, permissions).await?)
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

/// Whether `name` can be a provider's id and thereby a file's name.
pub fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(allowed)
}

/// The carrier that `name` means: an id, or a name in Japanese or English.
pub fn find_carrier<'a>(info: &'a ProviderInfo, name: &str) -> Option<&'a Carrier> {
    info.carriers.iter().find(|c| c.id == name || c.name.ja == name || c.name.en.eq_ignore_ascii_case(name))
}
