//! `plugin`.

use crate::cli::session::Session;
use crate::cli::table::{pairs, table, yen};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use domain::audit_event::ImportKind;
use domain::lang::Lang;
use provider_host::contract::SettingKind;
use provider_host::{Permissions, Plugin};
use service::credit_pause::{self, PauseError};
use service::messages::localize::Localize;
use service::plugins::{Candidate, Confirmed, Files, Installer, LoadOutcome};
use service::providers::capabilities::{abilities, imports, kind_name};
use service::providers::registry::{self, Access, Credentials, Reference};
use std::path::{Path, PathBuf};
use store::Actor;

#[derive(Debug, Subcommand)]
pub(super) enum PluginCommand {
    /// プラグインの一覧 / list the folder's plugins
    List,
    /// プラグインを読み込む・入れ替える（実行中の処理も次の通信から新しい方を使う） / load or replace a plugin, also for work that is running
    Load {
        /// 許可ファイルNAME.tomlの隣にあるNAME.wasm / NAME.wasm beside its permissions NAME.toml
        file: PathBuf,
        /// 通信先や設定項目が変わることを確認した / the changes that it names are meant
        #[arg(long)]
        yes: bool,
    },
    /// レジストリからプラグインを取得して読み込む（認証は`HOST_DEMO_REGISTRY_USER`と`HOST_DEMO_REGISTRY_PASSWORD`） / pull a plugin from an OCI registry and load it; credentials are `HOST_DEMO_REGISTRY_USER` and `HOST_DEMO_REGISTRY_PASSWORD`
    Pull {
        /// レジストリ上の場所（REGISTRY/REPOSITORY:TAG や REGISTRY/REPOSITORY@sha256:DIGEST） / where it is
        reference: Reference,
        /// 許可ファイル / its permission file
        #[arg(long, value_name = "FILE.toml")]
        permissions: PathBuf,
        /// 通信先や設定項目が変わることを確認した / the changes that it names are meant
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        registry: RegistryOptions,
    },
    /// プラグインを署名と一緒にレジストリに送る / push a plugin with its signature to an OCI registry
    Push {
        /// 許可ファイルNAME.tomlの隣にあるNAME.wasm（署名はNAME.wasm.minisig） / NAME.wasm beside its permissions NAME.toml and its signature NAME.wasm.minisig
        file: PathBuf,
        /// レジストリ上の場所（REGISTRY/REPOSITORY:TAG） / where it is to be
        reference: Reference,
        #[command(flatten)]
        registry: RegistryOptions,
    },
    /// プラグインをすべての機器で取り下げる（注文はそのままの状態で待つ） / withdraw a plugin on all machines; orders keep their state and wait
    Withdraw {
        /// 後払い会社のid / the provider's id
        provider: String,
        /// 使っているモールがあることを確認した / that malls use it is known
        #[arg(long)]
        yes: bool,
    },
    /// 後払い会社への新しい与信を休止する（送信中のものは最後まで進み、確認・キャンセル・伝票は続く） / pause new credits at a provider; what is being sent ends, all else goes on
    Pause {
        /// 後払い会社 / the provider's id
        provider: String,
        /// 理由 / why
        #[arg(long)]
        reason: String,
    },
    /// 後払い会社への新しい与信を再開する / resume new credits at a provider
    Resume {
        /// 後払い会社 / the provider's id
        provider: String,
    },
    /// プラグインの説明・設定項目・許可を表示 / what a plugin is, needs, imports and may do
    Inspect {
        /// 許可ファイルNAME.tomlの隣にあるNAME.wasm / NAME.wasm beside its permissions NAME.toml
        file: PathBuf,
    },
}

/// As whom a registry is asked, and how.
#[derive(Debug, Args)]
pub(super) struct RegistryOptions {
    /// 利用者名（省略時は `docker login` の内容） / the user at the registry; what `docker login` keeps if none is given
    #[arg(long, env = "HOST_DEMO_REGISTRY_USER", value_name = "NAME")]
    registry_user: Option<String>,
    /// トークンを発行するサーバー（レジストリと別のとき） / the host of the token server, if it is not the registry
    #[arg(long, value_name = "HOST")]
    token_server: Option<String>,
    /// 独自の認証局の証明書（PEM） / certificates of an authority of your own, PEM
    #[arg(long, env = "HOST_DEMO_REGISTRY_CA", value_name = "FILE.pem")]
    registry_ca: Option<PathBuf>,
}

/// The variable with the password: on the command line, others could read it.
const PASSWORD: &str = "HOST_DEMO_REGISTRY_PASSWORD";

impl RegistryOptions {
    fn access(self, registry: &str) -> Result<Access> {
        Ok(Access {
            credentials: Credentials::find(self.registry_user, PASSWORD, registry)?,
            token_server: self.token_server,
            authority: self.registry_ca,
            ..Access::default()
        })
    }
}

/// Digits of a digest that are shown in a list: enough to tell versions apart.
const SHORT_DIGEST: usize = 12;

pub(super) async fn run(session: &Session, command: PluginCommand) -> Result<bool> {
    match command {
        PluginCommand::List => list(session).await,
        PluginCommand::Load { file, yes } => install(session, Files::read(&session.plugins, &file)?, yes).await,
        PluginCommand::Pull { reference, permissions, yes, registry } => {
            pull(session, reference, &permissions, yes, registry).await
        }
        PluginCommand::Push { file, reference, registry } => push(session, &file, reference, registry).await,
        PluginCommand::Withdraw { provider, yes } => withdraw(session, &provider, yes).await,
        PluginCommand::Inspect { file } => inspect(session, &file).await,
        PluginCommand::Pause { provider, reason } => {
            let loaded = session.plugins.names()?;
            let by = Actor::now(&session.operator);
            answer(session, credit_pause::pause(&session.store, &loaded, &provider, &reason, by).await)
        }
        PluginCommand::Resume { provider } => {
            answer(session, credit_pause::resume(&session.store, &provider, Actor::now(&session.operator)).await)
        }
    }
}

/// What came of pausing or resuming.
fn answer(session: &Session, done: Result<(), PauseError>) -> Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(PauseError::Store(error)) => Err(error.into()),
        Err(problem) => bail!(problem.localized(session.lang)),
    }
}

async fn pull(
    session: &Session,
    reference: Reference,
    permissions: &Path,
    yes: bool,
    registry: RegistryOptions,
) -> Result<bool> {
    let granted = Permissions::from_file(permissions)?;
    if reference.digest().is_none() && granted.sha256.is_none() && granted.public_keys.is_empty() {
        bail!(session.say(
            "どのファイルを取得するかをレジストリ任せにはできません。場所に@sha256:…を付けるか、許可ファイルにsha256またはpublic-keysを書いてください",
            "The registry must not decide which file this is: write @sha256:… behind its address, or name sha256 or \
             public-keys in the permission file",
        ));
    }
    let access = registry.access(reference.registry())?;
    let pulled = registry::pull(session.plugins.host(), reference, access).await?;
    println!("{}", pulled.origin);
    install(session, Files::pulled(pulled, permissions)?, yes).await
}

async fn push(session: &Session, file: &Path, reference: Reference, registry: RegistryOptions) -> Result<bool> {
    let plugin = session.plugins.load_file(file).await?;
    let component = session.plugins.host().read(file)?;
    let access = registry.access(reference.registry())?;
    println!("{}", registry::push(&plugin, component, reference, access).await?);
    Ok(true)
}

async fn withdraw(session: &Session, provider: &str, yes: bool) -> Result<bool> {
    let malls = session.store.malls_of_provider(provider).await?;
    if !malls.is_empty() && !yes {
        let malls: Vec<_> = malls.iter().map(|(id, name)| format!("{id} {name}")).collect();
        bail!(session.say(
            format!(
                "何も変えていません。次のモールの注文は、再びプラグインを読み込むまで待つことになります。よければ --yes を付けて実行してください: {}",
                malls.join("、")
            ),
            format!(
                "Nothing was changed. The orders of these malls will wait until a plugin is loaded again; if this is \
                 meant, say --yes: {}",
                malls.join(", ")
            ),
        ));
    }
    let (directory, store, registry) = (&session.plugins, &session.store, &session.registry);
    let withdrawn = Installer { directory, store, registry }.withdraw(provider, Actor::now(&session.operator)).await?;
    println!("{} {} {} → –", withdrawn.provider, withdrawn.version, withdrawn.digest);
    Ok(true)
}

async fn install(session: &Session, files: Files, yes: bool) -> Result<bool> {
    let (directory, store, registry) = (&session.plugins, &session.store, &session.registry);
    let installer = Installer { directory, store, registry };
    let confirmed = if yes { Confirmed::All } else { Confirmed::No };
    let plugin = match installer.load(files, confirmed, Actor::now(&session.operator)).await? {
        LoadOutcome::Installed { plugin, .. } => plugin,
        LoadOutcome::Unconfirmed(candidate) => {
            println!("{}", question(&candidate, session.lang));
            bail!(session.say(
                "何も変えていません。変更してよければ --yes を付けて実行してください",
                "Nothing was changed; if this is meant, say --yes",
            ));
        }
    };
    let (info, facts) = (plugin.info(), plugin.facts());
    println!("{} {} {} → {}", info.id, info.version, facts.digest, facts.path.display());
    Ok(true)
}

/// What has to be confirmed before `candidate` is put in its place.
fn question(candidate: &Candidate, lang: Lang) -> String {
    let (info, facts) = (candidate.plugin.info(), candidate.plugin.facts());
    let lines = |lines: Vec<String>| lines.join("\n");
    pairs([
        (
            lang.pick("後払い会社", "provider"),
            format!("{} {} → {}", info.id, candidate.version_before().unwrap_or("–"), info.version),
        ),
        ("sha256", facts.digest.clone()),
        (
            lang.pick("変わること", "what changes"),
            lines(candidate.changes.iter().map(|change| change.localized(lang)).collect()),
        ),
        (
            lang.pick("影響するモール", "malls concerned"),
            lines(candidate.malls.iter().map(|(id, name)| format!("{id} {name}")).collect()),
        ),
    ])
}

async fn list(session: &Session) -> Result<bool> {
    let lang = session.lang;
    let (mut rows, mut all_serve) = (Vec::new(), true);
    for name in session.plugins.names()? {
        let plugin = match session.plugins.load(&name).await {
            Ok(plugin) => plugin,
            Err(error) => {
                all_serve = false;
                eprintln!("{name}: {error}");
                continue;
            }
        };
        let (info, facts) = (plugin.info(), plugin.facts());
        let origins = facts.permissions.origins.iter().map(ToString::to_string);
        rows.push([
            format!("{}\n{}", info.id, lang.pick(&info.name.ja, &info.name.en)),
            info.version.clone(),
            format!("{} KiB", facts.size.div_ceil(1024)),
            facts.digest.chars().take(SHORT_DIGEST).collect(),
            origins.collect::<Vec<_>>().join("\n"),
        ]);
    }
    let headings = lang.pick(
        ["後払い会社", "版", "大きさ", "sha256", "通信先の許可"],
        ["provider", "version", "size", "sha256", "may reach"],
    );
    println!("{}", table(headings, rows));
    Ok(all_serve)
}

async fn inspect(session: &Session, file: &Path) -> Result<bool> {
    let lang = session.lang;
    let plugin = session.plugins.load_file(file).await?;
    let (info, facts) = (plugin.info(), plugin.facts());
    let limits = &info.batch_limits;
    let list = |items: &[String]| items.join("\n");
    let permissions = &facts.permissions;
    println!(
        "{}",
        pairs([
            (
                lang.pick("後払い会社", "provider"),
                format!("{} ({}) {}", lang.pick(&info.name.ja, &info.name.en), info.id, info.version)
            ),
            (lang.pick("ファイル", "file"), facts.path.display().to_string()),
            (lang.pick("大きさ", "size"), format!("{} bytes", yen(i64::try_from(facts.size).unwrap_or(i64::MAX)))),
            ("sha256", facts.digest.clone()),
            (
                lang.pick("署名した鍵", "signed with"),
                facts.signature.as_ref().map_or("–".to_owned(), |signature| signature.key.to_string()),
            ),
            (lang.pick("取り込む機能", "imports"), import_lines(&plugin, lang)),
            (
                lang.pick("中身のないWASIの許可", "empty WASI permitted"),
                match permissions.refuse_empty_wasi {
                    true => lang.pick("しない", "no"),
                    false => lang.pick("する", "yes"),
                }
                .to_owned(),
            ),
            (
                lang.pick("許可ファイルの後払い会社", "permitted provider"),
                permissions.provider.clone().unwrap_or_else(|| "–".to_owned()),
            ),
            (
                lang.pick("通信先の許可", "may reach"),
                list(&permissions.origins.iter().map(ToString::to_string).collect::<Vec<_>>()),
            ),
            (
                lang.pick("内部アドレスの許可", "private addresses"),
                list(&permissions.private_addresses.iter().map(ToString::to_string).collect::<Vec<_>>()),
            ),
            (
                lang.pick("一度に扱える件数", "rows in a call"),
                format!(
                    "credit {}, check {}, cancel {}, sync {}",
                    limits.credit, limits.check_credit, limits.cancel, limits.sync_tracking
                ),
            ),
            (
                lang.pick("できること", "can"),
                list(&abilities(info).map(|(_, [ja, en])| lang.pick(ja, en).to_owned()).collect::<Vec<_>>())
            ),
            (lang.pick("請求額の上限", "most billed"), info.max_billed_amount.map_or("–".to_owned(), yen),),
            (
                lang.pick("配送業者", "carriers"),
                info.carriers
                    .iter()
                    .map(|c| lang.pick(c.name.ja.as_str(), &c.name.en))
                    .collect::<Vec<_>>()
                    .join(lang.pick("、", ", ")),
            ),
        ])
    );
    let headings =
        lang.pick(["設定項目", "名前", "種類", "必須", "既定値"], ["setting", "name", "kind", "required", "default"]);
    let rows = info.settings.iter().map(|field| {
        [
            field.key.clone(),
            lang.pick(&field.label.ja, &field.label.en).clone(),
            kind(&field.kind),
            if field.required { lang.pick("必須", "yes") } else { "" }.to_owned(),
            field.default.clone().unwrap_or_default(),
        ]
    });
    println!("{}", table(headings, rows));
    Ok(true)
}

/// The interfaces that `plugin` imports, under what they are for.
fn import_lines(plugin: &Plugin, lang: Lang) -> String {
    let group = |(kind, names): (ImportKind, Vec<String>)| {
        let names = if names.is_empty() { vec!["–".to_owned()] } else { names };
        format!("{}:\n  {}", kind.localized(lang), names.join("\n  "))
    };
    imports(plugin).map(group).join("\n")
}

fn kind(kind: &SettingKind) -> String {
    match kind {
        SettingKind::Choice(choices) => choices.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(" | "),
        other => kind_name(other).to_owned(),
    }
}
