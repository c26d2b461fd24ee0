//! An OCI registry on loopback: the program of Debian's package `docker-registry`, which `cargo xtask test` installs.

use anyhow::{Context, Result, bail};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = "docker-registry";
/// For what takes some tens of milliseconds on an idle machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running registry; dropping it ends it.
pub struct Registry {
    process: Child,
    storage: PathBuf,
    /// Host and port.
    pub address: String,
}

/// Whether the program is there.
pub fn is_installed() -> bool {
    Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

impl Registry {
    /// Starts a registry with its storage in `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        Self::with(folder, "")
    }

    /// The same for those who are in `users`: lines as the program `htpasswd` writes them.
    pub fn for_users(folder: &Path, users: &str) -> Result<Self> {
        let file = folder.join("users");
        std::fs::write(&file, users)?;
        Self::with(folder, &format!("auth:\n  htpasswd:\n    realm: registry\n    path: {}\n", file.display()))
    }

    fn with(folder: &Path, more: &str) -> Result<Self> {
        let storage = folder.join("registry");
        // Free now; the registry cannot be given a listener, nor say which port it took.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let configuration = format!(
            "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    \
             rootdirectory: {}\nhttp:\n  addr: {address}\n{more}",
            storage.display()
        );
        let file = folder.join("registry.yml");
        std::fs::write(&file, configuration)?;
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn().context("docker-registry is not there; run `apt-get install docker-registry`")?;
        let mut registry = Self { process: started, storage, address };
        let began = Instant::now();
        let answers = |address: &str| {
            let asked = ureq::get(format!("http://{address}/v2/")).config().http_status_as_error(false).build().call();
            asked.is_ok_and(|answer| matches!(answer.status().as_u16(), 200 | 401))
        };
        while !answers(&registry.address) {
            if registry.process.try_wait()?.is_some() || began.elapsed() > START_TIMEOUT {
                bail!("the registry does not answer at {}", registry.address);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(registry)
    }

    /// The file in which the registry keeps the blob with this digest, in hex.
    pub fn blob(&self, digest: &str) -> PathBuf {
        let beginning: String = digest.chars().take(2).collect();
        self.storage.join("docker/registry/v2/blobs/sha256").join(beginning).join(digest).join("data")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
