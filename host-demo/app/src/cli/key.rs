//! `key`: the key under which secrets are encrypted.

use crate::cli::session::Session;
use anyhow::{Result, bail};
use clap::Subcommand;
use store::encryption::{KEY_VARIABLE, NEW_KEY_VARIABLE};
use store::lease::ProcessLease;

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// 新しい鍵で暗号化し直す。先に`serve`と`work`を止める。鍵が環境変数`HOST_DEMO_KEY`にあるときは、新しい鍵を`HOST_DEMO_NEW_KEY`に入れておく / encrypt everything under a new key; stop `serve` and `work` first; where the key is in `HOST_DEMO_KEY`, have the new one in `HOST_DEMO_NEW_KEY`
    Rotate,
}

pub(super) async fn run(session: &Session, command: KeyCommand) -> Result<bool> {
    match command {
        KeyCommand::Rotate => rotate(session).await,
    }
}

async fn rotate(session: &Session) -> Result<bool> {
    // Processes that were killed are not at work.
    ProcessLease::start(&session.store).await?.recover(&session.store).await?;
    if session.store.served().await?.is_some() {
        bail!(session.say(
            "`serve`か`work`が動いています。すべて止めてから実行してください。鍵は変わっていません",
            "`serve` or `work` is running; stop all of them first. The key was not changed",
        ));
    }
    let rotated = session.store.rotate_key().await?;
    let file = session.store.location().beside("key");
    println!(
        "{}",
        match rotated.in_file {
            true => session.lang.pick(
                format!("{}件を新しい鍵で暗号化しました。新しい鍵: {}（控えも取り直してください）", rotated.values, file.display()),
                format!("{} values are encrypted under the new key, which is in {}; back it up anew", rotated.values, file.display()),
            ),
            false => session.lang.pick(
                format!("{}件を新しい鍵で暗号化しました。これからは{KEY_VARIABLE}に{NEW_KEY_VARIABLE}の値を入れてください", rotated.values),
                format!("{} values are encrypted under the new key; from now on {KEY_VARIABLE} has to be what {NEW_KEY_VARIABLE} is", rotated.values),
            ),
        }
    );
    Ok(true)
}
