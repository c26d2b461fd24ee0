//! How a plugin gets from its author to every machine of a platform: signed, pushed to a registry, pulled once, and
//! loaded by all processes as the lock in the database says. What was changed on the way is refused.

use anyhow::{Result, ensure};
use e2e::author::{Author, run};
use e2e::balancer::Balancer;
use e2e::browser::Browser;
use e2e::gateway::Gateway;
use e2e::platform::{Ended, Platform, digest, sample};
use e2e::program;
use e2e::registry::Registry;
use e2e::relay::Relay;
use e2e::served::{ADMINISTRATOR, PASSWORD, Served, add_user};
use e2e::visitor::{Page, Visitor};
use std::path::PathBuf;
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

/// NP's plugin as this version, in the author's folder.
fn np(author: &Author, version: &str) -> PathBuf {
    let mut component = std::fs::read(program("plugins/np.wasm").unwrap()).unwrap();
    let described = b"NP Atobarai0.1.0";
    let at = component.windows(described.len()).position(|bytes| bytes == described).expect("its version");
    let version_at = at + described.len() - version.len();
    component[version_at..version_at + version.len()].copy_from_slice(version.as_bytes());
    let path = author.folder().join("np.wasm");
    std::fs::write(&path, &component).unwrap();
    path
}

#[test]
fn a_plugin_is_pulled_once_and_loaded_everywhere_and_nothing_else_is() {
    let (machines, author) = (Machines::start(), Author::new().unwrap());
    let registry_folder = tempfile::tempdir().unwrap();
    let registry = Registry::start(registry_folder.path()).unwrap();
    let Machines { a, b, .. } = &machines;
    let tagged = |tag: &str| format!("{}/providers/np:{tag}", registry.address);
    let file = np(&author, "0.1.0");
    let first = std::fs::read(&file).unwrap();
    let pushed = author.ship(&file, &tagged("0.1.0")).unwrap();
    assert!(pushed.starts_with(&format!("{}@sha256:", tagged("0.1.0"))), "{pushed}");
    assert_eq!(author.push(&file, &tagged("0.1.0")).unwrap(), pushed, "the same plugin is the same artifact");
    // A platform pushes what it has as well, with the signature that it came with.
    std::fs::write(file.with_extension("toml"), "provider = \"np\"\n").unwrap();
    let by_platform = a.must(["plugin", "push", &file.to_string_lossy(), &tagged("0.1.0")]).unwrap();
    assert_eq!(by_platform.trim(), pushed);

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

    let origins = ["https://cp.np-payment-gateway.com"];
    let grant = |min_version: &str| {
        author.granted(a.folder(), "np", min_version, &origins).unwrap().to_string_lossy().into_owned()
    };
    let granted = grant("0.1.0");
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
    let stranger = Author::new().unwrap();
    stranger.ship(&np(&stranger, "0.1.2"), &tagged("0.1.2")).unwrap();
    let resigned = pull(&tagged("0.1.2"), &["--yes"]);
    assert!(resigned.code == 2 && resigned.stderr.contains("another key"), "{resigned:?}");

    // The next version is locked, and the first one has had its time.
    author.ship(&np(&author, "0.1.1"), &tagged("0.1.1")).unwrap();
    let next = pull(&tagged("0.1.1"), &[]);
    assert_eq!(next.code, 0, "only the code changes: {next:?}");
    let second = std::fs::read(author.folder().join("np.wasm")).unwrap();
    wait("the next version is loaded", || served_digest() == Some(digest(&second)));
    let back = pull(&tagged("0.1.0"), &[]);
    assert!(back.code == 2 && back.stdout.contains("0.1.1 → 0.1.0"), "{back:?}");
    let granted = grant("0.1.1");
    let downgraded = a.run(["plugin", "pull", &tagged("0.1.0"), "--permissions", &granted, "--yes"]).unwrap();
    assert!(downgraded.code == 2 && downgraded.stderr.contains("min-version"), "{downgraded:?}");

    // What neither a digest nor a key names is the registry's choice.
    let loose = a.write("loose.toml", "provider = \"np\"\n").unwrap().to_string_lossy().into_owned();
    let unpinned = a.run(["plugin", "pull", &tagged("0.1.1"), "--permissions", &loose]).unwrap();
    assert!(unpinned.code == 2 && unpinned.stderr.contains("@sha256:"), "{unpinned:?}");
    assert_eq!(served_digest(), Some(digest(&second)), "nothing of this changed what serves");
}

/// From an empty folder to a platform that serves, with nothing but the command and Rust.
#[test]
fn an_author_who_has_only_the_command_ships_to_a_platform() {
    let (author, folder) = (Author::new().unwrap(), tempfile::tempdir().unwrap());
    let registry = Registry::start(folder.path()).unwrap();
    let platform = Platform::new(&folder.path().join("platform"), "en").unwrap();
    author.must(["new", "my-pay"]).unwrap();
    let plugin = author.folder().join("my-pay");
    // The standard library is compiled once for all tests.
    let target = program("plugins/np.wasm").unwrap().parent().unwrap().with_file_name("new-plugins");
    let must = |arguments: &[&str]| {
        let mut command = author.command(arguments.iter().copied()).unwrap();
        run(command.current_dir(&plugin).env("CARGO_TARGET_DIR", &target)).unwrap()
    };
    must(&["build"]);
    let report = must(&["check", "--lang", "en"]);
    assert!(report.contains(" 0 failed"), "{report}");
    let reference = format!("{}/my-pay:0.1.0", registry.address);
    let refused = author.command(["push", &reference]).unwrap().current_dir(&plugin).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`provider sign` makes it"), "{refused:?}");
    let signed = must(&["sign", "--lang", "en"]);
    assert!(signed.contains("signed as: deferred-payment-provider my-pay 0.1.0"), "{signed}");
    let pushed = must(&["push", &reference, "--lang", "en"]);
    let component = std::fs::read(plugin.join("my-pay.wasm")).unwrap();
    assert!(pushed.contains(&digest(&component)), "{pushed}");

    let granted = author.granted(platform.folder(), "my-pay", "0.1.0", &["https://api.example.jp"]).unwrap();
    platform.must(["plugin", "pull", &reference, "--permissions", &granted.to_string_lossy()]).unwrap();
    let listed = platform.must(["plugin", "list"]).unwrap();
    assert!(listed.contains("my-pay") && listed.contains(&digest(&component)[..12]), "{listed}");
}

#[test]
fn a_withdrawn_plugin_serves_on_no_machine_and_the_call_in_flight_ends_on_it() {
    let Machines { _folders: folders, a, b } = Machines::start();
    let mut gateway = Gateway::start("atobarai-com", folders[0].path()).unwrap();
    let relay = Relay::to(&gateway.origin).unwrap();
    gateway.base = gateway.base.replace(&gateway.origin, &relay.origin);
    gateway.origin.clone_from(&relay.origin);
    let plugin = a.another_build(&a.install(&gateway).unwrap()).unwrap();
    let load = || a.must(["plugin", "load", "--yes", &plugin.to_string_lossy()]).unwrap();
    load();
    let settings = a.settings("mall-atobarai-com.toml", &gateway).unwrap();
    a.must(["mall", "set", "honten", &settings.to_string_lossy()]).unwrap();
    a.must(["orders", "import", "--mall", "honten", &sample("orders-sjis.csv").to_string_lossy()]).unwrap();
    let [served_a, served_b] = [&a, &b].map(|platform| Served::serve(platform.clone(), &[]).unwrap());
    let mut visitor = Visitor::of(&served_a);
    visitor.sign_in();
    let token = visitor.token("operator");
    let mut is_served = |served: &Served| {
        visitor.url.clone_from(&served.url);
        let providers = visitor.read(&token, "providers");
        providers.as_array().unwrap().iter().any(|one| one["id"] == "atobarai-com")
    };
    for served in [&served_a, &served_b] {
        wait("the plugin serves on both machines", || is_served(served));
    }

    // A request is on its way from a third process when the plugin is withdrawn at a fourth.
    let mut sending = b.command(["credit", "G20261101-001"]).unwrap().spawn().unwrap();
    relay.wait_until_held().unwrap();
    let asked = a.run(["plugin", "withdraw", "atobarai-com"]).unwrap();
    assert!(asked.code == 2 && asked.stderr.contains("honten"), "a mall uses it: {asked:?}");
    assert!(is_served(&served_a), "nothing was changed");
    a.must(["plugin", "withdraw", "atobarai-com", "--yes"]).unwrap();
    for (served, platform) in [(&served_a, &a), (&served_b, &b)] {
        wait("it serves on no machine", || !is_served(served));
        wait("its files are gone", || !platform.folder().join("plugins/atobarai-com.wasm").exists());
    }
    relay.deliver().unwrap();
    assert!(sending.wait().unwrap().success(), "the call ends on the plugin on which it began");
    let state = |number: &str| b.orders().unwrap().into_iter().find(|order| order.number == number).unwrap().state;
    assert_eq!(state("G20261101-001"), "approved");

    // The simulated gateways are for another database: here the lock has the last word.
    let sandbox = a.run(["serve", "--sandbox", "--listen", "127.0.0.1:0"]).unwrap();
    assert!(sandbox.code == 2 && sandbox.stderr.contains("a database of their own"), "{sandbox:?}");

    // Another order keeps its state and says why; a file that somebody puts there is not loaded.
    for (from, to) in [("next.wasm", "atobarai-com.wasm"), ("next.toml", "atobarai-com.toml")] {
        std::fs::copy(a.folder().join(from), b.folder().join("plugins").join(to)).unwrap();
    }
    let refused = b.run(["credit", "G20261101-002"]).unwrap();
    let words = format!("{}{}", refused.stdout, refused.stderr);
    assert!(refused.code == 2 && words.contains("was withdrawn") && words.contains("load"), "{refused:?}");
    assert_eq!(state("G20261101-002"), "not_asked");
    assert!(!is_served(&served_b), "what somebody puts there serves");
    assert_eq!(gateway.ledger().unwrap().registrations.len(), 1);

    load();
    for served in [&served_a, &served_b] {
        wait("it serves again", || is_served(served));
    }
    b.must(["credit", "G20261101-002"]).unwrap();
    assert_eq!(gateway.ledger().unwrap().registrations.len(), 2);
}

#[test]
fn a_registry_that_asks_who_you_are_is_told_by_settings_by_docker_and_by_its_helpers() {
    const PASSWORD: &str = "hoshi";
    const USERS: &str = "author:$2y$05$abcdefghijklmnopqrstuucHoC3gpbjU.z/kUwRiSu5b8OSN2E58G\n";
    let (author, folder) = (Author::new().unwrap(), tempfile::tempdir().unwrap());
    let registry = Registry::for_users(folder.path(), USERS).unwrap();
    let platform = Platform::new(&folder.path().join("platform"), "en").unwrap();
    let (file, reference) = (np(&author, "0.1.0"), format!("{}/np:0.1.0", registry.address));
    author.must(["sign", "np.wasm"]).unwrap();
    let push = |more: &[&str], password: Option<&str>| {
        let mut command = author.command(["push", &reference, "np.wasm", "--lang", "en"]).unwrap();
        command.args(more).envs(password.map(|password| ("PROVIDER_REGISTRY_PASSWORD", password)));
        let ended = command.output().unwrap();
        let words = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
        assert!(!words.contains(PASSWORD), "{words}");
        (ended.status.code(), words)
    };
    let user = ["--registry-user", "author"];
    for (more, password, why) in [
        (&[][..], None, "401"),
        (&user, Some("tsuki"), "401"),
        (&user, None, "put it into the variable PROVIDER_REGISTRY_PASSWORD"),
    ] {
        let (code, words) = push(more, password);
        assert!(code == Some(2) && words.contains(why), "{words}");
    }
    assert_eq!(push(&user, Some(PASSWORD)).0, Some(0));

    // As `docker login` keeps it.
    let login = format!("{{\"auths\": {{\"{}\": {{\"auth\": \"YXV0aG9yOmhvc2hp\"}}}}}}", registry.address);
    std::fs::write(author.folder().join("config.json"), &login).unwrap();
    let (code, words) = push(&[], None);
    assert_eq!(code, Some(0), "{words}");

    // As a helper keeps it for a platform.
    let granted = author.granted(platform.folder(), "np", "0.1.0", &[]).unwrap();
    let programs = folder.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let helper = programs.join("docker-credential-kept");
    let answer = "#!/bin/sh\nread asked\n[ \"$1 $asked\" = \"get $REGISTRY\" ] || exit 1\n\
                  echo '{\"Username\": \"author\", \"Secret\": \"hoshi\"}'\n";
    std::fs::write(&helper, answer).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&helper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    platform
        .write(
            "config.json",
            "{\"credsStore\": \"kept\", \"auths\": {\"REGISTRY\": {}}}".replace("REGISTRY", &registry.address),
        )
        .unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path))).unwrap();
    let pull = ["plugin", "pull", &reference, "--permissions", &granted.to_string_lossy()];
    let mut command = platform.command(pull).unwrap();
    let ended = command.env("PATH", path).env("REGISTRY", &registry.address).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert!(platform.must(["plugin", "list"]).unwrap().contains(&digest(&std::fs::read(&file).unwrap())[..12]));
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

/// A browser whose every request goes to the other of two processes, which share nothing but the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_does_an_operator_s_work_through_two_processes_in_turn() -> Result<()> {
    let Machines { _folders: folders, a, b } = Machines::start();
    let gateway = Gateway::start_with("atobarai-com", folders[0].path(), &["--latency-ms", "300"])?;
    let component = program("plugins/atobarai-com.wasm")?;
    let permissions = format!(
        "provider = \"atobarai-com\"\norigins = [\"{}\"]\nprivate-addresses = [\"127.0.0.1/32\"]\n",
        gateway.origin
    );
    let permissions = a.write("granted.toml", permissions)?;
    let settings = a.settings("mall-atobarai-com.toml", &gateway)?;
    let [a, b] = [a, b].map(|platform| Served::serve(platform, &[]).unwrap());
    let balancer = Balancer::before(&[&a.url, &b.url])?;
    let browser = Browser::start(&balancer.url, "ja", 1440, 900).await?;

    // Signed in by one, known to both.
    browser.open("/signin").await?;
    browser.fill("#name", ADMINISTRATOR).await?;
    browser.fill("#password", PASSWORD).await?;
    browser.follow("main button.main").await?;
    for path in ["/orders", "/orders", "/malls", "/malls"] {
        browser.open(path).await?;
        ensure!(browser.path().await? == path, "signed out at {path}");
    }

    // A plugin is uploaded to one, and serves at the other.
    browser.open("/providers").await?;
    browser.upload("#component", &component).await?;
    browser.upload("#permissions", &permissions).await?;
    browser.follow("#load button.main").await?;
    browser.wait_for("#notices", "atobarai-com").await?;
    let mut visitor = Visitor::of(&a);
    visitor.sign_in();
    let token = visitor.token("operator");
    for served in [&a, &b] {
        visitor.url.clone_from(&served.url);
        let serves =
            || visitor.read(&token, "providers").as_array().unwrap().iter().any(|one| one["id"] == "atobarai-com");
        wait("both serve it", serves);
    }
    // The settings are typed by the command line: what is under test is the trial that the page makes of them.
    a.platform.must(["mall", "set", "honten", &settings.to_string_lossy()])?;
    for _ in 0..2 {
        browser.open("/malls/honten").await?;
        browser.follow("button[value=test]").await?;
        browser.wait_for("#test-result", "接続できました").await?;
    }

    // Tried at one, imported at the other.
    browser.open("/import").await?;
    browser.choose("#i-mall", "honten").await?;
    browser.upload("#i-file", &sample("orders-sjis.csv")).await?;
    browser.follow("button[value=try]").await?;
    browser.follow("button[value=held]").await?;
    let known = b.platform.orders()?.len();
    ensure!(known > 0, "nothing was imported: {}", browser.text("main").await?);

    // Begun at one, followed at the other while it runs, and done.
    browser.open("/orders").await?;
    browser.click("input[name=scope][value=match]").await?;
    browser.follow("#panel button[value=credit]").await?;
    browser.wait_for("main", &format!("{known}件の処理が終わりました")).await?;
    // The page goes over from progress to results by itself.
    browser.find("#panel").await?;
    let states: Vec<_> = b.platform.orders()?.into_iter().map(|order| order.state).collect();
    ensure!(states.iter().all(|state| !matches!(state.as_str(), "not_asked" | "sending")), "{states:?}");
    ensure!(gateway.ledger()?.registrations.len() <= known, "an order was registered twice");
    let passed = balancer.passed();
    ensure!(passed.iter().all(|count| *count > 10), "one of them did it all: {passed:?}");
    browser.close().await
}
