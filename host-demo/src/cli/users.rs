//! Users of the page. The first administrator is made here: the page has nobody yet who could.

use super::Session;
use crate::clock;
use crate::store::{MAX_PASSWORD, MIN_PASSWORD, Role, UserProblem};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, IsTerminal, Write};

/// What can be done with users.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// 利用者を追加（パスワードは標準入力から） / add a user; the password comes from standard input
    Add {
        /// 利用者名 / name
        name: String,
        /// 管理者にする / an administrator
        #[arg(long)]
        admin: bool,
    },
}

/// Does what was typed.
pub async fn run(session: &Session, command: Command) -> Result<bool> {
    let Command::Add { name, admin } = command;
    let role = if admin { Role::Administrator } else { Role::Operator };
    let password = password(session)?;
    match session.store.add_user(&name, role, &password, clock::now()).await? {
        Ok(user) => {
            println!(
                "{}",
                session.say(format!("利用者 {} を追加しました", user.name), format!("user {} was added", user.name))
            );
            Ok(true)
        }
        Err(problem) => bail!(words(session, problem)),
    }
}

/// A line of standard input, so that the password stands in no history and no list of processes.
fn password(session: &Session) -> Result<String> {
    if std::io::stdin().is_terminal() {
        let asked = format!("パスワード（{MIN_PASSWORD}文字以上。画面に表示されます）: ");
        let english = format!("password ({MIN_PASSWORD} characters or more; it shows as you type): ");
        eprint!("{}", session.say(asked, english));
        std::io::stderr().flush()?;
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn words(session: &Session, problem: UserProblem) -> String {
    let (ja, en) = match problem {
        UserProblem::NameTaken => {
            ("この利用者名はすでに使われています".to_owned(), "somebody has this name".to_owned())
        }
        UserProblem::Password => (
            format!("パスワードは{MIN_PASSWORD}文字以上{MAX_PASSWORD}文字以内にしてください"),
            format!("a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters"),
        ),
        _ => ("この利用者名は使えません".to_owned(), "this name cannot be used".to_owned()),
    };
    session.say(ja, en)
}
