//! The platform's command line, in a folder of its own.

use crate::gateway::Gateway;
use crate::program;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long after a sending "no such registration" is believed. The simulators answer or are gone at
/// once: nothing can still be on its way after a second.
pub const SETTLE: Duration = Duration::from_secs(1);

/// A custom section named `v`: another file and another digest, and the same plugin.
const SECTION: [u8; 4] = [0, 2, 1, b'v'];

/// The setting that every provider has.
const BASE_URL: &str = "base-url";

/// A file of the platform's samples: settings of malls, and what they exported.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host-demo/samples").join(name)
}

/// A store and a shelf of plugins.
#[derive(Clone)]
pub struct Platform {
    folder: PathBuf,
    database: String,
    lang: String,
    settle: Duration,
    key: Option<String>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// 0: all well; 1: some orders failed or are unknown; 2: bad input.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// One order, as `export` tells it.
#[derive(Debug, Clone, Deserialize)]
pub struct Order {
    /// The mall's order number.
    pub number: String,
    /// The mall's id.
    pub mall: String,
    /// The id of the provider that holds it, or would be asked.
    pub provider: String,
    /// The state's stable name.
    pub state: String,
    /// The reference in use.
    pub reference: Option<String>,
    /// Every reference that was ever used.
    pub references: Vec<String>,
    /// The provider's id.
    pub transaction_id: Option<String>,
    /// Yen.
    pub billed: i64,
    /// The carrier's id.
    pub carrier: Option<String>,
    /// 伝票番号
    pub tracking_number: Option<String>,
}

impl Order {
    /// Whether `reference` was ever this order's.
    pub fn owns(&self, reference: &str) -> bool {
        self.references.iter().any(|own| own == reference)
    }
}

impl Platform {
    /// An empty platform in `folder`, on SQLite, speaking `lang`.
    pub fn new(folder: &Path, lang: &str) -> Result<Self> {
        Self::on(folder.join("orders.db").to_string_lossy().into_owned(), folder, lang)
    }

    /// The same on the database with this path or URL.
    pub fn on(database: String, folder: &Path, lang: &str) -> Result<Self> {
        std::fs::create_dir_all(folder.join("plugins"))?;
        Ok(Self { folder: folder.to_owned(), database, lang: lang.to_owned(), settle: SETTLE, key: None })
    }

    /// The same with another in-flight window than [`SETTLE`].
    pub fn settling(self, settle: Duration) -> Self {
        Self { settle, ..self }
    }

    /// The same with this key for secrets, as all machines of a platform have it, instead of one in its folder.
    pub fn with_key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    /// The folder of everything that this platform writes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts the component of `gateway`'s provider on the shelf, with a permission for that one gateway
    /// and that one file.
    pub fn install(&self, gateway: &Gateway) -> Result<PathBuf> {
        let built = program(&format!("plugins/{}.wasm", gateway.provider));
        self.install_component(gateway, &built.context("run `cargo xtask plugins` first")?)
    }

    /// The same with the component in the file `built`.
    pub fn install_component(&self, gateway: &Gateway, built: &Path) -> Result<PathBuf> {
        let name = &gateway.provider;
        let component = std::fs::read(built).with_context(|| format!("cannot read {}", built.display()))?;
        let path = self.folder.join("plugins").join(name).with_extension("wasm");
        std::fs::write(&path, &component)?;
        let digest = digest(&component);
        let permissions = format!(
            "provider = \"{name}\"\nsha256 = \"{digest}\"\norigins = [\"{}\"]\nprivate-addresses = [\"127.0.0.1/32\"]\n",
            gateway.origin
        );
        std::fs::write(path.with_extension("toml"), permissions)?;
        Ok(path)
    }

    /// A copy of the component at `path` under another digest, with the same permissions for it beside it.
    pub fn another_build(&self, path: &Path) -> Result<PathBuf> {
        let component = std::fs::read(path)?;
        let copy = [component.as_slice(), &SECTION].concat();
        let permissions = std::fs::read_to_string(path.with_extension("toml"))?;
        self.write("next.toml", permissions.replace(&digest(&component), &digest(&copy)))?;
        self.write("next.wasm", copy)
    }

    /// Writes `text` to a file in the platform's folder.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// A mall `honten` of `gateway`'s provider at `gateway`, with its plugin, and the `orders` that it exported. The
    /// component's path on the shelf.
    pub fn open(&self, gateway: &Gateway, orders: &Path) -> Result<PathBuf> {
        let component = self.install(gateway)?;
        let settings = self.settings(&format!("mall-{}.toml", gateway.provider), gateway)?;
        self.must(["mall", "set", "honten", &settings.to_string_lossy()])?;
        self.must(["orders", "import", "--mall", "honten", &orders.to_string_lossy()])?;
        Ok(component)
    }

    /// The settings file `name`, pointed at `gateway` instead of the real one.
    pub fn settings(&self, name: &str, gateway: &Gateway) -> Result<PathBuf> {
        let text = std::fs::read_to_string(sample(name))?;
        let pointed = |line: &str| match line.starts_with(BASE_URL) {
            true => format!("{BASE_URL} = \"{}\"", gateway.base),
            false => line.to_owned(),
        };
        self.write(name, text.lines().map(pointed).collect::<Vec<_>>().join("\n"))
    }

    /// A command of the platform, ready to run.
    pub fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Command> {
        let mut command = Command::new(program("host-demo")?);
        // What goes with a database on a server is kept below the folder in which the program runs.
        command.arg("--db").arg(&self.database).current_dir(&self.folder);
        // No credentials of whoever runs the tests.
        command.env("DOCKER_CONFIG", &self.folder);
        command.arg("--plugins").arg(self.folder.join("plugins"));
        command.envs(self.key.iter().map(|key| ("HOST_DEMO_KEY", key)));
        command
            .args(["--in-flight-window", &self.settle.as_secs().to_string(), "--lang", &self.lang])
            .args(arguments)
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Runs a command and keeps what it printed.
    pub fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Ended> {
        let output = self.command(arguments)?.output()?;
        Ok(Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a command that has to go well, or partly well.
    pub fn must<'a>(&self, arguments: impl IntoIterator<Item = &'a str> + Clone) -> Result<String> {
        let ended = self.run(arguments.clone())?;
        if !matches!(ended.code, 0 | 1) {
            let words: Vec<_> = arguments.into_iter().collect();
            bail!("host-demo {} ended with {}:\n{}{}", words.join(" "), ended.code, ended.stdout, ended.stderr);
        }
        Ok(ended.stdout)
    }

    /// Every order, as the store has it.
    pub fn orders(&self) -> Result<Vec<Order>> {
        serde_json::from_str(&self.must(["export", "--json"])?).context("the platform's export cannot be read")
    }
}

/// Hex SHA-256, as permission files have it.
pub fn digest(component: &[u8]) -> String {
    Sha256::digest(component).iter().map(|byte| format!("{byte:02x}")).collect()
}
