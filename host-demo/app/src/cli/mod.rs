//! The command line: parses the arguments, runs the use case, prints its result.

mod arguments;
mod batches;
mod decisions;
mod files;
mod key;
pub mod mall_file;
mod malls;
mod orders;
mod plugins;
mod results;
mod serve;
mod session;
pub mod table;
mod tracking;
mod users;
pub mod view;

use crate::cli::arguments::{CsvFile, GlobalOptions, Targets};
use crate::cli::session::Session;
use anyhow::Result;
use clap::{Parser, Subcommand};
use domain::credit_state::Action;
use provider_host::Compiler;

/// 後払いの受注管理デモ / a demo order platform for deferred payment.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(flatten)]
    options: GlobalOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// モールの設定 / settings of a mall
    #[command(subcommand)]
    Mall(malls::MallCommand),
    /// 受注の取込と一覧 / import and list orders
    #[command(subcommand)]
    Orders(orders::OrdersCommand),
    /// 与信を実行 / run credit checks
    Credit(Targets),
    /// 与信結果確認 / ask where orders stand
    Check(orders::CheckOptions),
    /// 与信キャンセル / cancel credits
    Cancel(Targets),
    /// 伝票番号の入力 / tracking numbers
    #[command(subcommand)]
    Tracking(tracking::TrackingCommand),
    /// 伝票番号同期 / report tracking numbers
    Sync(Targets),
    /// 結果不明の注文について確かめた結果を記録 / record what was found about an unknown outcome
    Decide(decisions::Decision),
    /// プラグインの確認 / look at a plugin
    #[command(subcommand)]
    Plugin(plugins::PluginCommand),
    /// 手数料の試算 / try the fee rule
    #[command(subcommand)]
    Fees(malls::FeesCommand),
    /// まとめて処理（処理パネル） / batches
    #[command(subcommand)]
    Batch(batches::BatchCommand),
    /// まとめて処理と自動処理を、止めるまで続ける / do batches and what happens by itself, until stopped
    Work,
    /// 受注管理の画面とAPIを開く / serve the page and the API
    Serve(serve::ServeOptions),
    /// 結果不明の注文について確かめた結果を、CSVでまとめて記録 / record what was found about many unknown outcomes, from a CSV
    #[command(long_about = decisions::DECISIONS_HELP)]
    Decisions(CsvFile),
    /// CSVの与信結果 / credit results by CSV
    #[command(subcommand)]
    Results(results::ResultsCommand),
    /// 利用者 / users of the page
    #[command(subcommand)]
    User(users::UserCommand),
    /// 秘密を暗号化する鍵 / the key under which secrets are encrypted
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// 試用の受注を大量に作る / make many orders to try the platform with
    Seed {
        /// 件数 / how many
        count: usize,
        /// モール / the mall
        #[arg(long)]
        mall: String,
    },
    /// すべての注文を書き出す / every order with every reference ever used
    Export {
        /// JSON（唯一の形式） / JSON, the only format so far
        #[arg(long, required = true)]
        json: bool,
    },
}

impl Cli {
    /// Runs the command; false if an order failed or its outcome is unknown.
    /// Plugins are compiled in processes of `compiler`.
    pub async fn run(self, compiler: Compiler) -> Result<bool> {
        let session = Session::open(self.options, compiler).await?;
        match self.command {
            Command::Mall(command) => malls::run(&session, command).await,
            Command::Orders(command) => orders::run(&session, command).await,
            Command::Credit(targets) => orders::act(&session, Action::Credit, &targets).await,
            Command::Check(check) => orders::check(&session, &check).await,
            Command::Cancel(targets) => orders::act(&session, Action::Cancel, &targets).await,
            Command::Tracking(command) => tracking::run(&session, command).await,
            Command::Sync(targets) => orders::act(&session, Action::Sync, &targets).await,
            Command::Decide(decision) => decisions::decide(&session, decision).await,
            Command::Plugin(command) => plugins::run(&session, command).await,
            Command::Fees(command) => malls::fees(&session, command).await,
            Command::Batch(command) => batches::run(&session, command).await,
            Command::Work => batches::work(&session).await,
            Command::Serve(options) => serve::run(session, options).await,
            Command::Decisions(file) => decisions::import(&session, file).await,
            Command::Results(command) => results::run(&session, command).await,
            Command::User(command) => users::run(&session, command).await,
            Command::Key(command) => key::run(&session, command).await,
            Command::Seed { count, mall } => orders::seed(&session, count, &mall).await,
            Command::Export { json: _ } => orders::export(&session).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_the_arguments_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Scripts that were written for the flag's old name go on working; the help names the new one alone.
    #[test]
    fn the_in_flight_window_has_its_old_name_as_an_alias() {
        for flag in ["--in-flight-window", "--settle"] {
            let cli = Cli::try_parse_from(["host-demo", flag, "7", "work"]).unwrap();
            assert_eq!(cli.options.in_flight_window, 7, "{flag}");
        }
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains("--in-flight-window") && !help.contains("settle"), "{help}");
    }

    #[test]
    fn arguments_are_refused_with_what_would_be_accepted() {
        for (arguments, expected) in [
            (&["host-demo", "--concurrency", "0", "work"][..], "must be 1 or more"),
            (&["host-demo", "orders", "list", "--state", "fly"], "not_asked, sending"),
            (&["host-demo", "tracking", "set", "A-1", "yamato", "1", "--shipped-on", "soon"], "like 2026-07-01"),
        ] {
            let error = Cli::try_parse_from(arguments).expect_err("an invalid argument").to_string();
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }
}
