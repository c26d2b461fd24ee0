//! `user`: who may use the page.

use crate::cli::session::Session;
use crate::cli::table::table;
use anyhow::{Result, anyhow, bail};
use clap::Subcommand;
use domain::actor::Actor;
use domain::lang::Lang;
use domain::user::{MAX_PASSWORD, MIN_PASSWORD, Role, UserProblem};
use service::messages::localize::Localize;
use std::io::{IsTerminal, Read};
use store::StoreError;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// 利用者を加える。パスワードを尋ねる（端末でなければ標準入力から読む） / add a user; asks for the password, or reads it from standard input
    Add {
        /// 名前 / name
        name: String,
        /// 管理者にする / make the user an administrator
        #[arg(long, alias = "admin")]
        administrator: bool,
    },
    /// パスワードを変更する。同じく尋ねる / change a password; asks for the new one alike
    Password {
        /// 名前 / name
        name: String,
    },
    /// 利用者の一覧 / list users
    List,
}

pub(super) async fn run(session: &Session, command: UserCommand) -> Result<bool> {
    let lang = session.lang;
    match command {
        UserCommand::Add { name, administrator } => {
            let role = if administrator { Role::Administrator } else { Role::Operator };
            let added = session.store.add_user(&name, role, &password(lang)?, Actor::now(&session.operator)).await;
            let user = added.map_err(|error| explained(error, lang))?;
            println!("{} ({})", user.name, user.role.localized(lang));
        }
        UserCommand::Password { name } => {
            let user = session.store.users().await?.into_iter().find(|user| user.name == name);
            let Some(user) = user else { bail!(UserProblem::NoUser.localized(lang)) };
            let changed = session.store.set_password(user.id, &password(lang)?, Actor::now(&session.operator)).await;
            changed.map_err(|error| explained(error, lang))?;
        }
        UserCommand::List => {
            let headings = lang.pick(["名前", "役割", "状態"], ["name", "role", "state"]);
            let state = |disabled| if disabled { lang.pick("停止中", "disabled") } else { "" };
            let users = session.store.users().await?.into_iter();
            let rows =
                users.map(|user| [user.name, user.role.localized(lang).to_owned(), state(user.disabled).to_owned()]);
            println!("{}", table(headings, rows));
        }
    }
    Ok(true)
}

/// The error as an operator reads it.
fn explained(error: StoreError, lang: Lang) -> anyhow::Error {
    match error {
        StoreError::User(problem) => anyhow!(problem.localized(lang)),
        error => error.into(),
    }
}

/// What is typed unseen, or the first line of standard input: never an argument, which every process on the
/// machine can read.
fn password(lang: Lang) -> Result<String> {
    if std::io::stdin().is_terminal() {
        let hint = lang.pick(
            format!("パスワード（{MIN_PASSWORD}文字以上）: "),
            format!("Password ({MIN_PASSWORD} characters or more): "),
        );
        return Ok(rpassword::prompt_password(hint)?);
    }
    let mut text = String::new();
    std::io::stdin().take(4 * MAX_PASSWORD as u64 + 2).read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
