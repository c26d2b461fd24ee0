//! A full disk and a store that cannot be written stop the work with a clear message, before anything is sent that is
//! not written down.

use e2e::gateway::Gateway;
use e2e::platform::{Order, Platform, SETTLE, sample};
use e2e::reconcile::compare;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use test_postgres::Cluster;

/// Far above what any step takes; a step that needs longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
const FULL: &str = "disk is full";
const READ_ONLY: &str = "the store is read-only";

struct System {
    folder: tempfile::TempDir,
    platform: Platform,
    gateway: Gateway,
}

impl System {
    /// A platform with 44 orders, its database in a folder of its own.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk");
        std::fs::create_dir(&disk).unwrap();
        Self::on(disk.join("orders.db").to_string_lossy().into_owned(), folder)
    }

    fn on(database: String, folder: tempfile::TempDir) -> Self {
        let platform = Platform::on(database, folder.path(), "en").unwrap();
        let gateway = Gateway::start("atobarai-com", folder.path()).unwrap();
        platform.open(&gateway, &sample("orders-sjis.csv")).unwrap();
        Self { folder, platform, gateway }
    }

    fn sent(&self) -> usize {
        self.gateway.ledger().unwrap().registrations.len()
    }

    fn count(&self, state: &str) -> usize {
        self.platform.orders().unwrap().iter().filter(|order| order.state == state).count()
    }

    /// Runs `credit --all` below a shell that says `before` first, with the folder of the database as `$disk`.
    fn credit_after(&self, shell: &[&str], before: &str) -> Output {
        self.run_in(shell, &["credit", "--all"], &format!("{before}\nexec \"$@\""))
    }

    /// Runs a script in a shell that has a command of the platform as its arguments, and the folder of the database as
    /// `$disk`.
    fn run_in(&self, shell: &[&str], arguments: &[&str], script: &str) -> Output {
        let credit = self.platform.command(arguments.iter().copied()).unwrap();
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg("-c").arg(script).arg("sh");
        command.arg(credit.get_program()).args(credit.get_args());
        command.current_dir(self.folder.path()).env("disk", self.folder.path().join("disk")).output().unwrap()
    }

    /// With room again, everything is sent that was never sent, what is in doubt is asked about, and all agrees with
    /// the ledger.
    fn must_recover(&self) {
        let began = Instant::now();
        loop {
            let orders = self.platform.orders().unwrap();
            let is_unsent = |order: &&Order| matches!(order.state.as_str(), "not_asked" | "not_sent");
            let unsent: Vec<&str> = orders.iter().filter(is_unsent).map(|order| order.number.as_str()).collect();
            let in_doubt = orders.iter().filter(|order| order.state == "unknown").count();
            if unsent.is_empty() && in_doubt == 0 {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{} are unsent and {in_doubt} in doubt", unsent.len());
            if !unsent.is_empty() {
                self.platform.must([&["credit"], &unsent[..]].concat()).unwrap();
            }
            if in_doubt > 0 {
                std::thread::sleep(SETTLE);
                self.platform.must(["check", "--all"]).unwrap();
            }
        }
        let rows = compare(&self.platform.orders().unwrap(), &[self.gateway.ledger().unwrap()]);
        let differing: Vec<_> = rows.iter().filter(|row| !row.differences.is_empty()).collect();
        assert!(differing.is_empty() && rows.len() == 44, "{differing:#?}");
    }
}

fn says(output: &Output, words: &str) {
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(words), "{said}");
}

#[test]
fn a_file_that_may_not_grow_stops_the_work_and_what_was_sent_is_written_down() {
    let system = System::start();
    // 768 KiB, in blocks of 512 bytes: room for what loading a plugin takes and for the claims of some orders. The signal
    // is ignored, so that the write fails.
    let output = system.credit_after(&["sh"], "trap '' XFSZ; ulimit -f 1536");
    says(&output, FULL);
    let (sent, never_asked) = (system.sent(), system.count("not_asked"));
    assert!(0 < sent && sent < 44, "{sent} were sent: the limit was met too early or never");
    assert!(never_asked <= 44 - sent && system.count("not_sent") == 0, "what was sent is written down as sent");
    system.must_recover();
}

/// Where there is no room at all, nothing is sent at all.
#[test]
fn without_any_room_nothing_is_sent() {
    let system = System::start();
    let output = system.credit_after(&["sh"], "trap '' XFSZ; ulimit -f 1");
    says(&output, FULL);
    assert_eq!((system.sent(), system.count("not_asked")), (0, 44));
    system.must_recover();
}

/// A disk of its own needs the rights to mount one, in a namespace that goes away with the process.
const NAMESPACE: [&str; 3] = ["unshare", "--mount", "sh"];

fn may_mount() -> bool {
    let mounted = Command::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    mounted.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_disk_and_a_disk_that_is_mounted_read_only_stop_the_work_and_nothing_is_sent_without_its_claim() {
    if !may_mount() {
        println!("no right to mount a disk: shown by the limit of a file's size alone");
        return;
    }
    let system = System::start();
    let small = "set -e; cp -a \"$disk\" \"$disk.kept\"; mount -t tmpfs -o size=64m none \"$disk\"\n\
        cp -a \"$disk.kept/.\" \"$disk\"; rm -rf \"$disk.kept\"";
    // A claim may still fit into what is left, and is then sent as it should be; so what the disk holds afterwards is
    // what the platform goes on with.
    let full = format!(
        "{small}\ndd if=/dev/zero of=\"$disk/filler\" bs=4k 2> /dev/null || true\n\
         set +e; \"$@\"; code=$?; set -e; rm \"$disk/filler\"; cp -a \"$disk\" \"$disk.kept\"; umount \"$disk\"\n\
         rm -rf \"$disk\"; mv \"$disk.kept\" \"$disk\"; exit $code"
    );
    says(&system.credit_after(&NAMESPACE, &full), FULL);
    let sent = system.sent();
    assert!(sent < 44, "the disk had room for all");
    assert_eq!(system.count("not_asked"), 44 - sent, "nothing is sent without its claim");
    says(&system.credit_after(&NAMESPACE, &format!("{small}\nmount -o remount,ro \"$disk\"")), READ_ONLY);
    assert_eq!((system.sent(), system.count("not_asked")), (sent, 44 - sent));
    system.must_recover();
}

/// The disk becomes full between a claim and its result: what a claim leaves free is less and less, so that some claims
/// fit without their result.
#[test]
fn a_result_has_its_room_on_a_disk_that_became_full_after_its_claim() {
    if !may_mount() {
        println!("no right to mount a disk: not shown here");
        return;
    }
    let system = System::start();
    let numbers: Vec<String> = system.platform.orders().unwrap().into_iter().map(|order| order.number).collect();
    // Of two orders the first is sent while there is room, so that the room for results is held again; then the disk is
    // filled up to some blocks, and the second is sent.
    let pairs: Vec<String> = numbers.chunks_exact(2).map(|pair| pair.join(",")).collect();
    let script = format!(
        "set -e; cp -a \"$disk\" \"$disk.kept\"; mount -t tmpfs -o size=64m none \"$disk\"\n\
         cp -a \"$disk.kept/.\" \"$disk\"; rm -rf \"$disk.kept\"; set +e\n\
         left=0; for pair in {pairs}; do\n\
           \"$@\" ${{pair%,*}}; dd if=/dev/zero of=\"$disk/filler\" bs=4k 2> /dev/null\n\
           truncate -s -${{left}}K \"$disk/filler\"; left=$((left + 8))\n\
           \"$@\" ${{pair#*,}}; rm \"$disk/filler\"\n\
           test -e \"$disk/orders.db.reserve\" || echo the reserve was used\n\
         done\n\
         set -e; cp -a \"$disk\" \"$disk.kept\"; umount \"$disk\"; rm -rf \"$disk\"; mv \"$disk.kept\" \"$disk\"",
        pairs = pairs.join(" "),
    );
    let output = system.run_in(&NAMESPACE, &["credit"], &script);
    let said = String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains(FULL), "the disk was never full: {said}");
    assert!(said.contains("the reserve was used"), "no result was without room: {said}");
    let (sent, never_asked) = (system.sent(), system.count("not_asked"));
    assert_eq!((system.count("unknown"), sent + never_asked), (0, 44), "an answer that was there is in doubt: {said}");
    assert!(22 < sent && sent < 44, "{sent} were sent: the disk was full too early or never");
    system.must_recover();
}

#[test]
fn a_database_that_is_read_only_stops_the_work_before_anything_is_sent() {
    let url = Cluster::shared().database().unwrap();
    let system = System::on(url.clone(), tempfile::tempdir().unwrap());
    let name = Path::new(url.split('?').next().unwrap()).file_name().unwrap().to_string_lossy().into_owned();
    let set = |value: &str| {
        let statement = format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}");
        Cluster::shared().administer(&statement).unwrap();
    };
    set("on");
    says(&system.platform.command(["credit", "--all"]).unwrap().output().unwrap(), READ_ONLY);
    assert_eq!(system.sent(), 0);
    set("off");
    assert_eq!(system.count("not_asked"), 44);
    system.must_recover();
}
