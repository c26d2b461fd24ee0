//! `serve`: the page and the API.

use crate::cli::session::Session;
use crate::web::{App, REQUEST_TIMEOUT, Sandbox, Setup, built_components, is_for_real};
use anyhow::{Context, Result, bail};
use clap::Args;
use provider_host::{Limits, Permissions};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

/// Only this machine reaches the page unless `--listen` says otherwise.
const LOOPBACK: &str = "127.0.0.1:8080";

/// How the page is served.
#[derive(Debug, Args)]
pub(super) struct ServeOptions {
    /// 待ち受けるアドレス（既定はこの端末だけ） / where to listen; only this machine unless told otherwise
    #[arg(long, default_value = LOOPBACK, value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// HTTPSの中継を通して公開する / reached through an HTTPS proxy
    #[arg(long)]
    https: bool,
    /// 模擬の後払い会社を動かす / start simulated gateways
    #[arg(long)]
    sandbox: bool,
    /// 模擬の後払い会社用のプラグインのフォルダ / components for the simulated gateways
    #[arg(long, value_name = "DIR", requires = "sandbox")]
    components: Option<PathBuf>,
}

/// Serves until it is stopped.
pub(super) async fn run(session: Session, options: ServeOptions) -> Result<bool> {
    session.write_log();
    session.warn_of_risks().await?;
    let failed = || format!("{}", options.listen);
    let listener = TcpListener::bind(options.listen).with_context(failed)?;
    let address = listener.local_addr()?;
    let sandbox = match options.sandbox {
        true => Some(start_sandbox(&session, &options).await?),
        false => None,
    };
    for line in sandbox.iter().flat_map(Sandbox::lines) {
        println!("{line}");
    }
    let app = App::new(Setup {
        plugins: session.plugins.clone(),
        limits: Limits::default(),
        lang: session.lang,
        https: options.https,
        concurrency: session.concurrency,
        in_flight_window: session.in_flight_window,
        request_timeout: REQUEST_TIMEOUT,
        sandbox,
        store: session.store.clone(),
    })
    .await?;
    println!("{} http://{address}/", session.lang.pick("受注管理:", "Order platform:"));
    app.serve(listener).await?;
    Ok(true)
}

async fn start_sandbox(session: &Session, options: &ServeOptions) -> Result<Sandbox> {
    let components = options.components.clone().or_else(built_components);
    let components = components.context(session.say(
        "プラグインがありません。先に`cargo xtask plugins`を実行してください",
        "there are no components; run `cargo xtask plugins` first",
    ))?;
    // In whatever folder, the lock would write its own over the sandbox's.
    for locked in session.store.plugin_lock().await? {
        let granted = Permissions::from_text("lock", &locked.permissions);
        if locked.withdrawn || granted.is_ok_and(|granted| is_for_real(&granted)) {
            bail!(session.say(
                format!(
                    "このデータベースでは後払い会社「{}」に実際の接続先のプラグインを使っているか、取り下げています。模擬の後払い会社は、--db で別のデータベースを指定して使ってください",
                    locked.provider
                ),
                format!(
                    "in this database the plugin of the provider {} is one for a real gateway, or withdrawn; give the \
                     simulated gateways a database of their own with --db",
                    locked.provider
                ),
            ));
        }
    }
    // Next to the page's own port, so that a mall that was set up finds its gateway again.
    let first_port = options.listen.port().checked_add(1).filter(|port| *port > 1).unwrap_or(0);
    Ok(Sandbox::start(first_port, &components, session.plugins.folder()).await?)
}
