//! What serves follows the plugin folder: a grant that is taken away holds at once, whatever else happens there.

use domain::digest::digest;
use provider_distribution::{KeyPair, SigningKey, generate_key};
use provider_host::{Host, Limits, Permissions, Registry, SignedName};
use service::providers::directory::PluginDirectory;
use service::providers::watcher::PluginEvent;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

/// For what happens within a second on an idle machine.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
const GRANTED: &str = "provider = \"np\"\norigins = [\"https://np.example.jp\"]\n";

/// A folder with NP's plugin, which serves and is followed.
struct Followed {
    folder: TempDir,
    host: Host,
    registry: Arc<Registry>,
    news: UnboundedReceiver<&'static str>,
    following: JoinHandle<()>,
}

impl Followed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins/np.wasm");
        fs::copy(built, folder.path().join("np.wasm")).expect("run `cargo xtask plugins` first");
        fs::write(folder.path().join("np.toml"), GRANTED).unwrap();
        let limits = Limits { concurrent_loads: 1, ..Limits::default() };
        let host = Host::builder().limits(limits).build().unwrap();
        let directory = PluginDirectory::new(host.clone(), folder.path().to_owned());
        let registry = Arc::new(Registry::default());
        registry.put(directory.load("np").await.unwrap());
        let (says, news) = unbounded_channel();
        let followed = Arc::clone(&registry);
        let following = tokio::spawn(async move {
            let tell = |_: &str, news: PluginEvent<'_>| {
                let name = match news {
                    PluginEvent::Current(_) => "Current",
                    PluginEvent::Kept(_) => "Kept",
                    PluginEvent::Refused(_) => "Refused",
                    PluginEvent::Withdrawn => "Withdrawn",
                };
                let _ = says.send(name);
            };
            directory.follow(&followed, || vec!["np".to_owned()], tell).await;
        });
        Self { folder, host, registry, news, following }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The origins that NP's plugin may reach; none where there is no plugin.
    fn origins(&self) -> usize {
        self.registry.get("np").map_or(0, |plugin| plugin.facts().permissions.origins.len())
    }

    async fn wait_until_granted(&self, what: &str) {
        let began = Instant::now();
        while self.origins() == 0 {
            assert!(began.elapsed() < REQUEST_TIMEOUT, "{what}: nothing is granted again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn wait_until_nothing_is_granted(&self, what: &str) {
        let began = Instant::now();
        while self.origins() > 0 {
            assert!(began.elapsed() < REQUEST_TIMEOUT, "{what}: the old grant holds");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.following.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_file_that_does_not_serve_grants_nothing() {
    let digest = "0".repeat(64);
    for (what, text) in [
        ("emptied", String::new()),
        ("without its provider", "origins = []\n".to_owned()),
        ("misspelt", "provider = \"np\"\norigins = [\n".to_owned()),
        ("another provider's", GRANTED.replace("\"np\"", "\"score\"")),
        ("for another digest", format!("{GRANTED}sha256 = \"{digest}\"\n")),
    ] {
        let mut followed = Followed::new().await;
        assert_eq!(followed.origins(), 1, "{what}");
        fs::write(followed.file("np.toml"), text).unwrap();
        followed.wait_until_nothing_is_granted(what).await;
        // A load that had begun before may still end meanwhile; it gives nothing back.
        while followed.news.recv().await.expect("the directory is followed") != "Refused" {}
        // One that serves again gives it back.
        fs::write(followed.file("np.toml"), GRANTED).unwrap();
        followed.wait_until_granted(what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_does_not_load_leaves_the_one_before_within_the_grant_of_now() {
    let mut followed = Followed::new().await;
    fs::write(followed.file("np.wasm"), "no component").unwrap();
    fs::write(followed.file("np.toml"), "provider = \"np\"\norigins = []\n").unwrap();
    followed.wait_until_nothing_is_granted("a component that does not load").await;
    assert_eq!(followed.news.recv().await, Some("Kept"));
    assert!(followed.registry.get("np").is_some(), "what served goes on, without a grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_taken_away_while_another_component_is_being_loaded() {
    let followed = Followed::new().await;
    // Its load does not end before somebody writes to it, and it has the only turn.
    let slow = followed.file("slow");
    assert!(Command::new("mkfifo").arg(&slow).status().unwrap().success());
    let (host, path) = (followed.host.clone(), slow.clone());
    let loading = tokio::spawn(async move { host.load(path, Permissions::default()).await.map(drop) });
    let writer = tokio::task::spawn_blocking(move || fs::File::options().write(true).open(slow).unwrap());
    let writer = writer.await.unwrap();
    assert!(!loading.is_finished());

    fs::write(followed.file("np.toml"), "provider = \"np\"\norigins = []\n").unwrap();
    followed.wait_until_nothing_is_granted("while another component is being loaded").await;
    assert!(!loading.is_finished(), "it was being loaded all the time");
    drop(writer);
    assert!(loading.await.unwrap().is_err(), "it was no component");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_signed_takes_the_place_of_what_is_signed() {
    let mut followed = Followed::new().await;
    let (key, stranger) = (generate_key("").unwrap(), generate_key("").unwrap());
    let granted = |key: &KeyPair| format!("{GRANTED}public-keys = [\"{}\"]\n", key.public.lines().nth(1).unwrap());
    let served = fs::read(followed.file("np.wasm")).unwrap();
    let name = SignedName { provider: "np".to_owned(), version: "0.1.0".parse().unwrap() };
    let signature =
        |component: &[u8], key: &KeyPair| SigningKey::open(&key.secret, "").unwrap().sign(component, &name).unwrap();
    fs::write(followed.file("np.wasm.minisig"), signature(&served, &key)).unwrap();
    fs::write(followed.file("np.toml"), granted(&key)).unwrap();
    while followed.news.recv().await.expect("the directory is followed") != "Current" {}

    // Another build, signed by somebody else: a section without a meaning makes it another file.
    let other = [&served[..], b"\x00\x02\x01v"].concat();
    fs::write(followed.file("np.wasm.minisig"), signature(&other, &stranger)).unwrap();
    assert_eq!(followed.news.recv().await, Some("Kept"), "the signature is another one");
    fs::write(followed.file("np.wasm"), &other).unwrap();
    let registry = Arc::clone(&followed.registry);
    let is_served = |component: &[u8]| registry.get("np").unwrap().facts().digest == digest(&[component]);
    assert!(is_served(&served));
    fs::write(followed.file("np.wasm.minisig"), signature(&other, &key)).unwrap();
    while followed.news.recv().await.expect("the directory is followed") != "Current" {}
    assert!(is_served(&other));
    // A key that is trusted no more takes the plugin with it.
    fs::write(followed.file("np.toml"), granted(&stranger)).unwrap();
    while followed.news.recv().await.expect("the directory is followed") != "Refused" {}
    assert!(followed.registry.get("np").is_none());
}
