//! `provider push`.

use super::keys::{self, KeyOptions, public_beside};
use super::{component_file, print};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use conformance::Lang;
use provider_distribution::{Access, Credentials, Metadata, Reference};
use provider_host::{Compiler, ComponentFile, Host, Permissions, Plugin, PublicKey};
use std::path::{Path, PathBuf};

/// The variable with the password at the registry: on the command line, others could read it.
const PASSWORD: &str = "PROVIDER_REGISTRY_PASSWORD";

/// What to push, and where to.
#[derive(Args)]
pub(super) struct Options {
    /// レジストリ上の場所（REGISTRY/REPOSITORY:TAG） / where it is to be: REGISTRY/REPOSITORY:TAG
    reference: Reference,
    /// コンポーネントかプラグインのフォルダー（省略時はこのフォルダー。署名は NAME.wasm.minisig） / the component, or
    /// the plugin's folder, with its signature in NAME.wasm.minisig; this folder if none is given
    file: Option<PathBuf>,
    #[command(flatten)]
    key: KeyOptions,
    /// 署名なしで送る（受け取る側はダイジェストで指定する） / without a signature: platforms have to name its digest
    #[arg(long)]
    unsigned: bool,
    #[command(flatten)]
    registry: RegistryOptions,
    /// 言語 / language: ja or en
    #[arg(long, default_value = "ja")]
    lang: Lang,
}

/// As whom a registry is asked, and how.
#[derive(Args)]
struct RegistryOptions {
    /// レジストリの利用者名（パスワードは変数 `PROVIDER_REGISTRY_PASSWORD`。省略時は `docker login` の内容） / the user at the
    /// registry, with the password in the variable `PROVIDER_REGISTRY_PASSWORD`; what `docker login` keeps if none is given
    #[arg(long, env = "PROVIDER_REGISTRY_USER", value_name = "NAME")]
    registry_user: Option<String>,
    /// トークンを発行するサーバー（レジストリと別のとき） / the host of the token server, if it is not the registry
    #[arg(long, value_name = "HOST")]
    token_server: Option<String>,
    /// 独自の認証局の証明書（PEM） / certificates of an authority of your own, PEM
    #[arg(long, env = "PROVIDER_REGISTRY_CA", value_name = "FILE.pem")]
    registry_ca: Option<PathBuf>,
}

impl RegistryOptions {
    fn access(&self, registry: &str) -> Result<Access> {
        Ok(Access {
            credentials: Credentials::find(self.registry_user.clone(), PASSWORD, registry)?,
            token_server: self.token_server.clone(),
            authority: self.registry_ca.clone(),
            ..Access::default()
        })
    }
}

pub(super) fn run(options: &Options, compiler: Compiler) -> Result<()> {
    let file = component_file(options.file.as_ref())?;
    let access = options.registry.access(options.reference.registry())?;
    let (plugin, component) = load(options, &file, compiler)?;
    let pushed = provider_distribution::push(&options.reference, &component, &Metadata::of(&plugin), access)?;
    let (info, lang) = (plugin.info(), options.lang);
    print(&format!(
        "{} {}\n{}: {pushed}\nsha256: {}\n",
        info.id,
        info.version,
        lang.pick("送った先", "pushed to"),
        plugin.facts().digest
    ))
}

/// The component as a platform would load it: with the signature that it is pushed with, if it has to have one.
#[tokio::main]
async fn load(options: &Options, file: &Path, compiler: Compiler) -> Result<(Plugin, ComponentFile)> {
    let host = Host::builder().compile_in(compiler).build()?;
    // The words of the host have the cause in them already.
    let mut component = host.read(file).map_err(|error| anyhow!("{error}"))?;
    let public_keys = match options.unsigned {
        true => {
            component.signature = None;
            Vec::new()
        }
        false if component.signature.is_none() => {
            bail!("{} has no signature; `provider sign` makes it, or push it with --unsigned", file.display())
        }
        false => vec![public_key(&options.key.secret()?)?],
    };
    let permissions = Permissions { public_keys, ..Permissions::default() };
    // Only a signature can be mended by signing.
    let next = if options.unsigned { "" } else { "; `provider sign` signs what is there now" };
    let plugin = host.load_bytes(file, component.clone(), permissions).await;
    Ok((plugin.map_err(|error| anyhow!("{error}\nNothing was pushed{next}"))?, component))
}

/// The public key beside the secret one in `secret`.
fn public_key(secret: &Path) -> Result<PublicKey> {
    let path = public_beside(secret);
    let text = keys::read(&path)?;
    let key = text.lines().nth(1).unwrap_or_default().parse();
    key.with_context(|| format!("the key {}", path.display()))
}
