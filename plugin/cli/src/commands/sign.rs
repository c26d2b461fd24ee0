//! `provider sign`.

use super::keys::KeyOptions;
use super::{component_file, print};
use crate::templates;
use anyhow::{Context, Result, anyhow};
use clap::Args;
use conformance::Lang;
use provider_host::{Compiler, ComponentFile, Host, Permissions, SignedName};
use std::path::PathBuf;

/// What to sign.
#[derive(Args)]
pub(super) struct Options {
    /// コンポーネントかプラグインのフォルダー（省略時はこのフォルダー） / the component, or the folder of its plugin; this folder if none is given
    file: Option<PathBuf>,
    #[command(flatten)]
    key: KeyOptions,
    /// 言語 / language: ja or en
    #[arg(long, default_value = "ja")]
    lang: Lang,
}

#[tokio::main]
pub(super) async fn run(options: &Options, compiler: Compiler) -> Result<()> {
    let (file, lang) = (component_file(options.file.as_ref())?, options.lang);
    let host = Host::builder().compile_in(compiler).build()?;
    // What is described, signed and written down are the same bytes. A signature that is there is replaced.
    let bytes = host.read(&file).map_err(|error| anyhow!("{error}"))?.bytes;
    let component = ComponentFile::from(bytes.clone());
    // Its words have the cause in them already.
    let plugin = host.load_bytes(&file, component, Permissions::default()).await.map_err(|error| anyhow!("{error}"))?;
    let info = plugin.info();
    let version = info.version.parse().with_context(|| {
        format!(
            "`describe` gives the version {:?}; signed is one like 1.2.0, so that versions can be compared",
            info.version
        )
    })?;
    let name = SignedName { provider: info.id.clone(), version };
    let key = options.key.open()?;
    let signature = ComponentFile::signature_path(&file);
    templates::write(&signature, key.sign(&bytes, &name)?.as_bytes())?;
    print(&format!(
        "{}: {}\n{}: {name}\n{}: {}\n",
        lang.pick("署名", "signature"),
        signature.display(),
        lang.pick("署名した内容", "signed as"),
        lang.pick("公開鍵", "public key"),
        key.public()?
    ))
}
