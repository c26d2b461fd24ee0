//! `provider keygen`.

use super::keys::{KeyOptions, new_password, public_beside, write_secret};
use super::print;
use crate::templates;
use anyhow::{Result, bail};
use clap::Args;
use conformance::Lang;
use provider_distribution::generate_key;

/// Which key to make.
#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    key: KeyOptions,
    /// パスワードを付けない（自分で秘密を守るビルドサーバー用） / no password: for a build server that keeps its secrets itself
    #[arg(long)]
    no_password: bool,
    /// 言語 / language: ja or en
    #[arg(long, default_value = "ja")]
    lang: Lang,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let (secret, lang) = (options.key.secret()?, options.lang);
    let public = public_beside(&secret);
    if public == secret {
        bail!("{} is the name of a public key; give the secret one another extension, like .key", secret.display());
    }
    // Looked at before anybody types a password; the writing of the secret itself replaces nothing either.
    for file in [&secret, &public] {
        if file.exists() {
            bail!("{} is there already, and is kept; --key FILE makes another key", file.display());
        }
    }
    let password = if options.no_password { String::new() } else { new_password()? };
    let key = generate_key(&password)?;
    write_secret(&secret, &key.secret)?;
    templates::write(&public, key.public.as_bytes())?;
    let line = key.public.lines().nth(1).unwrap_or_default();
    print(&format!(
        "{}: {}\n{}: {}\n\n{}\n  public-keys = [\"{line}\"]\n",
        lang.pick("秘密鍵", "secret key"),
        secret.display(),
        lang.pick("公開鍵", "public key"),
        public.display(),
        lang.pick(
            "秘密鍵は控えを安全な場所に置き、誰にも渡さないでください。プラットフォームは許可ファイルに次の行を書きます:",
            "Keep a copy of the secret key in a safe place, and give it to nobody. A platform's permission file says:"
        ),
    ))
}
