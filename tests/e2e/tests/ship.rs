//! How a plugin gets from its author to every machine of a platform: signed, pushed to a registry, pulled once, and
//! loaded by all processes as the lock in the database says. What was changed on the way is refused.

use e2e::gateway::Gateway;
use e2e::platform::{Ended, Platform, digest, sample};
use e2e::program;
use e2e::registry::Registry;
use e2e::served::{ADMINISTRATOR, Served, add_user};
use e2e::visitor::{Page, Visitor};
use provider_distribution::{KeyPair, generate_key, sign};
use provider_host::SignedName;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use test_postgres::Cluster;

/// For what happens within a second on an idle machine.
const TIMEOUT: Duration = Duration::from_secs(90);
/// The key of the platform's secrets, which all its machines have.
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Waits until `is_so`.
fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < TIMEOUT, "{what}: that does not happen");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Two machines of a platform: each has a folder of its own, and they share a database.
struct Machines {
    _folders: [TempDir; 2],
    a: Platform,
    b: Platform,
}

impl Machines {
    fn start() -> Self {
        let database = Cluster::shared().database().unwrap();
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [a, b] =
            folders.each_ref().map(|folder| Platform::on(database.clone(), folder.path(), "en").unwrap().with_key(KEY));
        add_user(&a, ADMINISTRATOR, &["--administrator"]).unwrap();
        Self { _folders: folders, a, b }
    }
}

/// The author of NP's plugin.
struct Author {
    folder: TempDir,
    key: KeyPair,
}

impl Author {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), key: generate_key("").unwrap() }
    }

    /// The plugin as this version, signed with `key`, and what the author grants it to look at it.
    fn release(&self, version: &str, key: &KeyPair) -> PathBuf {
        let mut component = std::fs::read(program("plugins/np.wasm").unwrap()).unwrap();
        let described = b"NP Atobarai0.1.0";
        let at = component.windows(described.len()).position(|bytes| bytes == described).expect("its version");
        let version_at = at + described.len() - version.len();
        component[version_at..version_at + version.len()].copy_from_slice(version.as_bytes());
        let name = SignedName { provider: "np".to_owned(), version: version.parse().unwrap() };
        let path = self.folder.path().join("np.wasm");
        std::fs::write(&path, &component).unwrap();
        std::fs::write(path.with_extension("toml"), "provider = \"np\"\n").unwrap();
        std::fs::write(path.with_extension("wasm.minisig"), sign(&component, &name, &key.secret, "").unwrap()).unwrap();
        path
    }

    /// What a platform grants the plugin: whatever this author signs, of `min_version` and later.
    fn granted(&self, folder: &Path, min_version: &str) -> String {
        let key = self.key.public.lines().nth(1).unwrap();
        let path = folder.join("granted.toml");
        let text = format!(
            "provider = \"np\"\npublic-keys = [\"{key}\"]\nmin-version = \"{min_version}\"\n\
             origins = [\"https://cp.np-payment-gateway.com\"]\n"
        );
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }
}

fn push(platform: &Platform, file: &Path, reference: &str) -> String {
    platform.must(["plugin", "push", &file.to_string_lossy(), reference]).unwrap().trim().to_owned()
}

#[test]
fn a_plugin_is_pulled_once_and_loaded_everywhere_and_nothing_else_is() {
    let (machines, author) = (Machines::start(), Author::new());
    let registry_folder = tempfile::tempdir().unwrap();
    let registry = Registry::start(registry_folder.path()).unwrap();
    let Machines { a, b, .. } = &machines;
    let tagged = |tag: &str| format!("{}/providers/np:{tag}", registry.address);
    let file = author.release("0.1.0", &author.key);
    let first = std::fs::read(&file).unwrap();
    let pushed = push(a, &file, &tagged("0.1.0"));
    assert!(pushed.starts_with(&format!("{}@sha256:", tagged("0.1.0"))), "{pushed}");
    assert_eq!(push(a, &file, &tagged("0.1.0")), pushed, "the same plugin is the same artifact");

    // A process on the other machine serves before anything is pulled.
    let served = Served::serve(b.clone(), &[]).unwrap();
    let mut visitor = Visitor::of(&served);
    visitor.sign_in();
    let token = visitor.token("operator");
    let served_digest = || {
        let providers = visitor.read(&token, "providers");
        providers
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["id"] == "np")
            .map(|one| one["sha256"].as_str().unwrap().to_owned())
    };
    assert_eq!(served_digest(), None);

    let granted = author.granted(a.folder(), "0.1.0");
    let pull = |reference: &str, more: &[&str]| -> Ended {
        a.run(["plugin", "pull", reference, "--permissions", &granted].into_iter().chain(more.iter().copied())).unwrap()
    };
    let pulled = pull(&tagged("0.1.0"), &[]);
    assert_eq!(pulled.code, 0, "{pulled:?}");
    assert!(pulled.stdout.contains(&pushed), "what was pulled is pinned: {pulled:?}");
    wait("the other machine loads it", || served_digest() == Some(digest(&first)));
    for platform in [a, b] {
        let lock = std::fs::read_to_string(platform.folder().join("plugins/plugins.lock")).unwrap();
        for part in [
            pushed.as_str(),
            "version = \"0.1.0\"",
            &digest(&first),
            "trusted comment: deferred-payment-provider np 0.1.0",
        ] {
            assert!(lock.contains(part), "{part}: {lock}");
        }
    }

    // Somebody replaces the file on one machine: it is not loaded, and written again.
    let cached = b.folder().join("plugins/np.wasm");
    std::fs::write(&cached, [&first[..], b"\x00\x02\x01v"].concat()).unwrap();
    wait("the folder is a cache of the lock", || {
        assert_eq!(served_digest(), Some(digest(&first)), "what somebody put there serves");
        std::fs::read(&cached).unwrap() == first
    });

    // A registry that sends another file under the digest.
    let blob = registry.blob(&digest(&first));
    let mut changed = std::fs::read(&blob).unwrap();
    changed[1_000] ^= 1;
    std::fs::write(&blob, &changed).unwrap();
    let tampered = pull(&pushed, &["--yes"]);
    assert!(tampered.code == 2 && tampered.stderr.contains("the registry sends another file"), "{tampered:?}");
    std::fs::write(&blob, &first).unwrap();

    // Somebody else's signature, and a file that its signature is not for.
    let stranger = generate_key("").unwrap();
    push(a, &author.release("0.1.2", &stranger), &tagged("0.1.2"));
    let resigned = pull(&tagged("0.1.2"), &["--yes"]);
    assert!(resigned.code == 2 && resigned.stderr.contains("another key"), "{resigned:?}");

    // The next version is locked, and the first one has had its time.
    push(a, &author.release("0.1.1", &author.key), &tagged("0.1.1"));
    let next = pull(&tagged("0.1.1"), &[]);
    assert_eq!(next.code, 0, "only the code changes: {next:?}");
    let second = std::fs::read(author.folder.path().join("np.wasm")).unwrap();
    wait("the next version is loaded", || served_digest() == Some(digest(&second)));
    let back = pull(&tagged("0.1.0"), &[]);
    assert!(back.code == 2 && back.stdout.contains("0.1.1 → 0.1.0"), "{back:?}");
    let granted = author.granted(a.folder(), "0.1.1");
    let downgraded = a.run(["plugin", "pull", &tagged("0.1.0"), "--permissions", &granted, "--yes"]).unwrap();
    assert!(downgraded.code == 2 && downgraded.stderr.contains("min-version"), "{downgraded:?}");

    // What neither a digest nor a key names is the registry's choice.
    let loose = a.write("loose.toml", "provider = \"np\"\n").unwrap().to_string_lossy().into_owned();
    let unpinned = a.run(["plugin", "pull", &tagged("0.1.1"), "--permissions", &loose]).unwrap();
    assert!(unpinned.code == 2 && unpinned.stderr.contains("@sha256:"), "{unpinned:?}");
    assert_eq!(served_digest(), Some(digest(&second)), "nothing of this changed what serves");
}

/// Sends a form with files.
fn send(visitor: &mut Visitor, path: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Page {
    let csrf = visitor.get(path).field("csrf");
    let mut body = Vec::new();
    for (name, value) in [("csrf", csrf.as_str())].iter().chain(fields) {
        body.extend(
            format!("--limit\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes(),
        );
    }
    for (name, content) in files {
        body.extend(
            format!("--limit\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n").into_bytes(),
        );
        body.extend([*content, b"\r\n"].concat());
    }
    body.extend(b"--limit--\r\n");
    visitor.post(path, "multipart/form-data; boundary=limit", &body)
}

#[test]
fn a_visitor_may_go_to_another_process_with_every_request() {
    let Machines { _folders: folders, a, b } = Machines::start();
    let gateway = Gateway::start("atobarai-com", folders[0].path()).unwrap();
    let next = a.another_build(&a.install(&gateway).unwrap()).unwrap();
    a.must(["plugin", "load", "--yes", &next.to_string_lossy()]).unwrap();
    let settings = a.settings("mall-atobarai-com.toml", &gateway).unwrap();
    a.must(["mall", "set", "honten", &settings.to_string_lossy()]).unwrap();
    let [a, b] = [a, b].map(|platform| Served::serve(platform, &[]).unwrap());
    let mut visitor = Visitor::of(&a);
    visitor.sign_in();
    let to = |visitor: &mut Visitor, served: &Served| visitor.url.clone_from(&served.url);

    // A plugin is uploaded to one process, and its question answered at the other. It is pinned no more.
    let component = std::fs::read(program("plugins/atobarai-com.wasm").unwrap()).unwrap();
    let permissions = format!(
        "provider = \"atobarai-com\"\norigins = [\"{}\"]\nprivate-addresses = [\"127.0.0.1/32\"]\n",
        gateway.origin
    );
    let files = [("component", component.as_slice()), ("permissions", permissions.as_bytes())];
    let asked = send(&mut visitor, "/providers", &[], &files);
    assert_eq!(asked.status, 200, "{}", asked.text);
    let confirmed = asked.field("confirmed");
    to(&mut visitor, &b);
    let loaded = send(&mut visitor, "/providers", &[("confirmed", &confirmed)], &[]);
    assert_eq!(loaded.status, 303, "{}", loaded.text);
    to(&mut visitor, &a);
    wait("the first process has it as well", || visitor.get("/providers").text.contains(&digest(&component)));

    // A file is tried at one process, and imported at the other.
    let orders = std::fs::read(sample("orders-sjis.csv")).unwrap();
    let fields = [("mall", "honten"), ("what", "orders"), ("encoding", ""), ("do", "try")];
    let tried = send(&mut visitor, "/import", &fields, &[("file", orders.as_slice())]);
    assert_eq!(tried.status, 200, "{}", tried.text);
    let held = tried.field("held");
    to(&mut visitor, &b);
    let imported = send(&mut visitor, "/import", &[("held", &held), ("do", "held")], &[]);
    assert_eq!(imported.status, 200, "{}", imported.text);
    let again = send(&mut visitor, "/import", &[("held", &held), ("do", "held")], &[]);
    assert_eq!(again.status, 422, "it was taken: {}", again.text);
    let known = b.platform.orders().unwrap();
    assert!(!known.is_empty());

    // A token of one process is the other's, a batch that one begins is followed at the other.
    let token = visitor.token("operator");
    to(&mut visitor, &a);
    let ids = visitor.read(&token, "orders?limit=500")["orders"].clone();
    let ids: Vec<i64> = ids.as_array().unwrap().iter().map(|order| order["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), known.len());
    let batch = visitor.write(&token, "batches", &serde_json::json!({ "action": "credit", "orders": ids }));
    let id = batch["id"].as_i64().unwrap_or_else(|| panic!("{batch}"));
    to(&mut visitor, &b);
    let events = visitor.get(&format!("/batches/{id}/events"));
    assert!(events.text.contains("event: progress") && events.text.contains("event: finished"), "{}", events.text);
    let states: Vec<_> = b.platform.orders().unwrap().into_iter().map(|order| order.state).collect();
    assert!(states.iter().all(|state| !matches!(state.as_str(), "not_asked" | "sending")), "{states:?}");
    let references = gateway.ledger().unwrap().registrations.len();
    assert!(references > 0 && references <= known.len(), "each order is registered once: {references}");
}
