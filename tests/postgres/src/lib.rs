//! A private PostgreSQL server for tests: its data in a folder that goes away, reached by a socket in
//! that folder alone, nothing of it synced to disk. The programs are those of Debian's package
//! `postgresql`, which `cargo xtask test` installs.

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
/// however that ends. `$1` is the folder of the programs.
const SERVE: &str = r#"
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1/initdb" --pgdata "$folder/data" --username postgres --auth trust --encoding UTF8 --locale C \
    --no-sync --no-instructions > "$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
"$1/pg_ctl" start --pgdata "$folder/data" --log "$folder/log" --silent --wait --options "\
    -c listen_addresses= -c unix_socket_directories=$folder -c max_connections=400 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off" >&2 || { cat "$folder/log" >&2; exit 1; }
echo "$folder"
cat > /dev/null
"$1/pg_ctl" stop --pgdata "$folder/data" --mode immediate --silent
"#;

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
    pub fn shared() -> &'static Cluster {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match Cluster::start() {
            Ok(cluster) => cluster,
            Err(error) => panic!("PostgreSQL cannot be tested: {error:#}"),
        })
    }

    /// Starts a server of its own.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let mut command = as_nobody_special()?;
        command.args(["sh", "-c", SERVE, "sh"]).arg(&programs).current_dir("/");
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot run sh")?;
        let mut folder = String::new();
        BufReader::new(server.stdout.take().context("no output")?).read_line(&mut folder)?;
        if folder.is_empty() {
            bail!("the server did not start; what it said stands above");
        }
        Ok(Cluster { _server: server, programs, folder: folder.trim().into(), databases: AtomicUsize::new(0) })
    }

    /// A new, empty database; its URL.
    pub fn database(&self) -> Result<String> {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run("createdb", &[&name])?;
        Ok(format!("postgres://{USER}@localhost/{name}?host={}", self.folder.display()))
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
