//! Simulated gateways in this process, and plugins that are permitted to reach them and nothing else: for trying the
//! platform without a contract, and for its tests.

use domain::clock;
use domain::digest::digest;
use domain::mall::Mall;
use gateways::control::Control;
use gateways::providers::PROVIDERS;
use gateways::{Gateway, Options, by_id};
use provider_host::contract::{ProviderInfo, SettingKind};
use provider_host::{Origin, Permissions};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The sample orders that a first run imports.
pub(super) const SAMPLE_ORDERS: &[u8] = include_bytes!("../../../samples/orders-sjis.csv");
/// The id of the sample mall.
pub(super) const SAMPLE_MALL: &str = "mihon";

/// Running gateways by the id of their provider. They stop when it is dropped.
pub struct Sandbox {
    gateways: BTreeMap<&'static str, (Arc<Gateway>, Control)>,
}

impl Sandbox {
    /// Starts every gateway on loopback, at the ports from `first_port` on (free ones if 0), and copies the components in
    /// `components` to the folder `plugins`, each with a permission file for its gateway only.
    ///
    /// # Errors
    ///
    /// A port is taken, a file cannot be read or written, or `plugins` has a plugin for a real gateway.
    pub async fn start(first_port: u16, components: &Path, plugins: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(plugins)?;
        let mut gateways = BTreeMap::new();
        for (at, (id, _)) in (0u16..).zip(PROVIDERS) {
            let Some(wire) = by_id(id) else { continue };
            let port = if first_port == 0 { 0 } else { first_port.saturating_add(at) };
            let gateway = Gateway::start(wire, Options { port, ..Options::default() })
                .await
                .map_err(|error| io::Error::new(error.kind(), format!("127.0.0.1:{port}: {error}")))?;
            write_plugin(id, &gateway, components, plugins)?;
            let gateway = Arc::new(gateway);
            let control = Control::start(Arc::clone(&gateway), 0).await?;
            gateways.insert(id, (gateway, control));
        }
        Ok(Self { gateways })
    }

    /// A line for each gateway: its origin, and the address at which its ledger is read and faults are injected.
    pub fn lines(&self) -> Vec<String> {
        let line = |(id, (gateway, control)): (&&str, &(Arc<Gateway>, Control))| {
            format!("{id}: {} (ledger, faults: {})", gateway.origin(), control.origin())
        };
        self.gateways.iter().map(line).collect()
    }

    /// The sample mall, with ids that the gateway of `info` accepts.
    pub fn mall(&self, info: &ProviderInfo, name: &str) -> Option<Mall> {
        let (gateway, _) = self.gateways.get(info.id.as_str())?;
        let (_, merchant) = gateway.merchant();
        let value = |field: &provider_host::contract::SettingField| match field.kind {
            SettingKind::Url => Some(gateway.base()),
            // The gateway names an id as the label of the plugin does.
            _ => merchant.iter().find(|(label, _)| *label == field.label.ja).map(|(_, id)| id.clone()),
        };
        let settings = info.settings.iter().filter_map(|field| Some((field.key.clone(), value(field)?.into())));
        Some(Mall {
            id: SAMPLE_MALL.to_owned(),
            name: name.to_owned(),
            provider: info.id.clone(),
            settings: settings.collect(),
            ..Mall::default()
        })
    }
}

/// Writes the component of the provider `id` with its permission file. Without a component, the gateway waits for one
/// that is loaded later.
fn write_plugin(id: &str, gateway: &Gateway, components: &Path, plugins: &Path) -> io::Result<()> {
    let component = match std::fs::read(components.join(id).with_extension("wasm")) {
        Ok(component) => component,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tracing::warn!(provider = id, "there is no component; build them with `cargo xtask plugins`");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let path = plugins.join(id).with_extension("wasm");
    if Permissions::from_file(path.with_extension("toml")).is_ok_and(|granted| is_for_real(&granted)) {
        let message = format!("{} is not the sandbox's; give it a folder of its own with --plugins", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    std::fs::write(path.with_extension("toml"), permission(id, &component, gateway))?;
    std::fs::write(path, component)
}

/// Whether permissions are for a gateway outside of the sandbox, for which malls have real credentials.
pub fn is_for_real(granted: &Permissions) -> bool {
    let ours = |origin: &Origin| origin.to_string().starts_with("http://127.0.0.1:");
    !granted.origins.iter().all(ours)
}

fn permission(id: &str, component: &[u8], gateway: &Gateway) -> String {
    let digest = digest(&[component]);
    format!(
        "# The sandbox, {}\nprovider = \"{id}\"\nsha256 = \"{digest}\"\norigins = [\"{}\"]\nprivate-addresses = [\"127.0.0.1/32\"]\n",
        clock::today(),
        gateway.origin()
    )
}

/// The folder that `cargo xtask plugins` writes components to: beside the program, or beside a folder above it.
pub fn built_components() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    program.ancestors().skip(1).map(|folder| folder.join("plugins")).find(|folder| folder.join("np.wasm").is_file())
}
