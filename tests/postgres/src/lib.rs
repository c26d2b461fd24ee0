//! A private PostgreSQL server for tests: its data in a folder that goes away, reached by a socket in
//! that folder alone, nothing of it synced to disk unless a test is about that. The programs are those of Debian's package
//! `postgresql`, which `cargo xtask test` installs.

#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where Debian puts one folder for each version.
const PROGRAMS: &str = "/usr/lib/postgresql";
/// The user that Debian's package makes. `initdb` refuses to run as root.
const USER: &str = "postgres";

/// Makes a cluster, says where it is, and serves it until its own input ends: with the test process,
/// however that ends. `$1` is the folder of the programs, `$2` what is said in the server's configuration.
const SERVE: &str = r#"
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1/initdb" --pgdata "$folder/data" --username postgres --auth trust --encoding UTF8 --locale C \
    --no-sync --no-instructions > "$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
printf "listen_addresses = ''\nunix_socket_directories = '%s'\nmax_connections = 400\n%s\n" "$folder" "$2" \
    >> "$folder/data/postgresql.conf"
"$1/pg_ctl" start --pgdata "$folder/data" --log "$folder/log" --silent --wait >&2 || { cat "$folder/log" >&2; exit 1; }
echo "$folder"
cat > /dev/null
"$1/pg_ctl" stop --pgdata "$folder/data" --mode immediate --silent
"#;

/// Nothing is synced to disk: a test is over before its machine is.
const FAST: &str = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off";

/// Everything is kept, but what is acknowledged without having been written: that stays in the server's memory for as
/// long as it can. (A page that is written takes the log before it along.)
const FORGETFUL: &str = "fsync = on\nsynchronous_commit = off\nwal_writer_delay = 10s\nbgwriter_lru_maxpages = 0\n\
    wal_writer_flush_after = 1GB\nwal_buffers = 64MB";

/// Lets the platform work on a server that does not sync.
const ONLY_A_TEST: &str = "&options[host_demo.only_a_test]=yes";

/// A running server; dropping it ends it.
pub struct Cluster {
    _server: Child,
    programs: PathBuf,
    folder: PathBuf,
    databases: AtomicUsize,
}

/// Whether the programs are there.
pub fn is_installed() -> bool {
    programs().is_ok()
}

impl Cluster {
    /// The server of this process, started when it is first asked for.
    ///
    /// # Panics
    /// If PostgreSQL is not there or does not start: a test that needs it has failed.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match Self::start() {
            Ok(cluster) => cluster,
            Err(error) => panic!("PostgreSQL cannot be tested: {error:#}"),
        })
    }

    /// Starts a server of its own.
    pub fn start() -> Result<Self> {
        Self::start_with(FAST)
    }

    /// Starts a server that acknowledges a commit before it is written, unless it is told otherwise, and syncs all
    /// that is written: what [`Cluster::crash`] takes from it was not durable.
    pub fn start_forgetful() -> Result<Self> {
        Self::start_with(FORGETFUL)
    }

    fn start_with(configuration: &str) -> Result<Self> {
        let programs = programs()?;
        let mut command = as_nobody_special()?;
        command.args(["sh", "-c", SERVE, "sh"]).arg(&programs).arg(configuration).current_dir("/");
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot run sh")?;
        let mut folder = String::new();
        BufReader::new(server.stdout.take().context("no output")?).read_line(&mut folder)?;
        if folder.is_empty() {
            bail!("the server did not start; what it said stands above");
        }
        Ok(Self { _server: server, programs, folder: folder.trim().into(), databases: AtomicUsize::new(0) })
    }

    /// A new, empty database; its URL, with which the platform works on it though the server does not sync.
    pub fn database(&self) -> Result<String> {
        Ok(self.plain_database()? + ONLY_A_TEST)
    }

    /// A new, empty database; its URL, as an operator would write it.
    pub fn plain_database(&self) -> Result<String> {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run("createdb", &[&name])?;
        Ok(format!("postgres://{USER}@localhost/{name}?host={}", self.folder.display()))
    }

    /// Runs statements as the server's administrator.
    pub fn administer(&self, statements: &str) -> Result<()> {
        self.run("psql", &["--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", "postgres", "--command", statements])
    }

    /// Ends the server as a crash does, without a word to its clients or its disk, and starts it again.
    pub fn crash(&self) -> Result<()> {
        self.control(&["stop", "--mode", "immediate"])?;
        let log = self.folder.join("log");
        self.control(&["start", "--log", &log.to_string_lossy()])
    }

    /// A client that receives the server's log as an asynchronous standby does, until it is killed. What it receives is
    /// in the cluster's folder.
    pub fn standby(&self) -> Result<Child> {
        let mut command = as_nobody_special()?;
        command.arg(self.programs.join("pg_receivewal")).arg("--host").arg(&self.folder);
        command.args(["--username", USER, "--directory"]).arg(&self.folder).current_dir("/");
        command.stderr(Stdio::null()).spawn().context("cannot run pg_receivewal")
    }

    fn control(&self, arguments: &[&str]) -> Result<()> {
        let mut command = as_nobody_special()?;
        command.arg(self.programs.join("pg_ctl")).args(arguments).args(["--silent", "--wait", "--pgdata"]);
        let ended = command.arg(self.folder.join("data")).current_dir("/").stdout(Stdio::null()).status();
        let ended = ended.context("cannot run pg_ctl")?;
        if !ended.success() {
            bail!("pg_ctl {arguments:?} ended with {ended}");
        }
        Ok(())
    }

    /// Clears all databases of what deleted and changed rows left, and counts what is in them for the planner.
    pub fn vacuum(&self) -> Result<()> {
        self.run("vacuumdb", &["--all", "--analyze", "--quiet"])
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(self.programs.join(program));
        command.arg("--host").arg(&self.folder).args(["--username", USER]).args(arguments);
        let ended = command.status().with_context(|| format!("cannot run {program}"))?;
        if !ended.success() {
            bail!("{program} ended with {ended}");
        }
        Ok(())
    }
}

/// The programs of the newest version that is installed.
fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir(PROGRAMS).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let found = versions.filter(|folder| folder.join("initdb").exists()).max_by_key(|folder| version(folder));
    found.with_context(|| format!("{PROGRAMS}/*/bin/initdb is not there; run `apt-get install postgresql` as root"))
}

fn version(programs: &Path) -> u32 {
    let name = programs.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or_default()
}

/// Runs what follows as the package's user where we are root, else as we are.
fn as_nobody_special() -> Result<Command> {
    let id = Command::new("id").arg("-u").output().context("cannot run id")?;
    if id.stdout != b"0\n" {
        return Ok(Command::new("env"));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]);
    Ok(command)
}
