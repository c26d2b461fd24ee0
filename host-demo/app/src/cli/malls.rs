//! `mall` and `fees`.

use crate::cli::files::read;
use crate::cli::mall_file::{self, MAX_FILE_BYTES};
use crate::cli::session::Session;
use crate::cli::table::{pairs, table, yen};
use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use domain::automation;
use domain::credit_state::Action;
use domain::issue::Issue;
use domain::mall::{Mall, Start};
use domain::name::is_name;
use domain::validation::MallProblem;
use provider_host::contract::SettingKind;
use service::malls::{self, ConnectionError, FeeTrialError, MAPPING, SaveMallError, SavedMall, TRACKING_MAPPING};
use service::messages::connection::connection_error;
use service::messages::localize::Localize;
use service::providers::contract;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use store::{AccountChange, Actor, Backlog, MallUpdate, OnBacklog};

#[derive(Debug, Subcommand)]
pub(super) enum MallCommand {
    /// 設定ファイルからモールを登録・変更 / make or change a mall from its settings file
    Set {
        /// 各コマンドでモールを指す名前 / names the mall in every command
        mall: String,
        /// TOMLファイル / a TOML file
        file: PathBuf,
        #[command(flatten)]
        choice: SaveChoice,
    },
    /// モールの設定を表示 / show a mall; secrets are masked
    Show {
        /// モール / the mall
        mall: String,
    },
    /// モールの一覧 / list all malls
    List,
    /// 接続テスト / ask the provider whether the settings work
    Test {
        /// モール / the mall
        mall: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum FeesCommand {
    /// 請求額がいくらになるか / what a bill would become
    Try {
        /// 請求金額（税込） / yen, tax included
        amount: i64,
        /// モール / the mall
        #[arg(long)]
        mall: Option<String>,
    },
}

/// What saving means for orders that are there.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct SaveChoice {
    /// 自動化の対象に、待っている注文も含めてすぐ送信（省くと、これから来る注文だけ） / have the automation begin with orders that wait as well; otherwise with orders to come
    #[arg(long)]
    send_waiting: bool,
    /// 後払い会社は同じで、契約（加盟店）が別になる。登録済みの注文は前の契約のまま扱う（省くと、同じ契約の設定の訂正） / another account at the same provider: registered orders stay with the old one; otherwise the settings of the same account are corrected
    #[arg(long)]
    another_account: bool,
}

pub(super) async fn run(session: &Session, command: MallCommand) -> Result<bool> {
    match command {
        MallCommand::Set { mall, file, choice } => set(session, &mall, &file, choice).await,
        MallCommand::Show { mall } => show(session, &mall).await,
        MallCommand::List => list(session).await,
        MallCommand::Test { mall } => test(session, &mall).await,
    }
}

/// Saves the file's settings, or reports every validation error of the file at once and saves nothing.
async fn set(session: &Session, id: &str, file: &Path, choice: SaveChoice) -> Result<bool> {
    let lang = session.lang;
    let shown = file.display();
    let text = String::from_utf8(read(file, MAX_FILE_BYTES, lang)?).with_context(|| {
        session.say(format!("{shown}: UTF-8で保存してください"), format!("{shown}: must be saved as UTF-8"))
    })?;
    let (mall, mut problems) = mall_file::parse(id, &text)
        .with_context(|| session.say(format!("{shown}: TOMLとして読めません"), format!("{shown}: not TOML")))?;
    let needed = Some(mall.provider.clone()).filter(|provider| is_name(provider));
    let service = session.credit_service_with(needed.into_iter().collect()).await?;
    let refused = |problems: &[MallProblem]| {
        let lines: Vec<_> = problems.iter().map(|problem| format!("{shown}: {}", problem.localized(lang))).collect();
        anyhow!(lines.join("\n"))
    };
    if !problems.is_empty() {
        // The settings that could be read are validated as well, so that every problem is named at once.
        let found = malls::validate(&mall, service.providers.get(&mall.provider).as_ref()).await?;
        problems.extend(found.own.into_iter().filter(|new| matches!(new.key.as_str(), MAPPING | TRACKING_MAPPING)));
        problems.extend(found.of_provider.unwrap_or_default());
        return Err(refused(&problems));
    }
    let backlog = if choice.send_waiting { OnBacklog::Send(None) } else { OnBacklog::Hold };
    let account = if choice.another_account { AccountChange::Replaced } else { AccountChange::Corrected };
    let update = MallUpdate { backlog, account, by: Actor::now(&session.operator), ..MallUpdate::default() };
    let SavedMall { elsewhere, held } = match malls::save(&service, &mall, update).await {
        Ok(saved) => saved,
        Err(SaveMallError::Invalid(found)) => {
            let all: Vec<_> = found.own.into_iter().chain(found.of_provider.unwrap_or_default()).collect();
            return Err(refused(&all));
        }
        Err(SaveMallError::BacklogUnconfirmed(_) | SaveMallError::Changed) => {
            bail!(session.say("ほかの人が変更しました", "Somebody else changed it"))
        }
        Err(SaveMallError::UnknownOutcomes(orders)) => {
            let orders = orders.join(", ");
            bail!(session.say(
                format!("{shown}: 結果不明の注文があるため、接続の設定を変えられません。先に結果を確かめてください: {orders}"),
                format!("{shown}: orders of unknown outcome hold the mall to its settings; check them first: {orders}"),
            ))
        }
        Err(error @ (SaveMallError::Call(_) | SaveMallError::Store(_))) => return Err(error.into()),
    };
    if elsewhere > 0 {
        println!(
            "{}",
            session.say(
                format!("登録済みの{elsewhere}件は、終わるまで前の後払い会社のまま扱います"),
                format!("{elsewhere} orders that are registered stay with the provider before until they are done"),
            )
        );
    }
    println!("{}", session.say(format!("モール「{id}」の設定を保存しました"), format!("Saved the mall {id}")));
    print_held(session, &mall, held);
    show(session, id).await
}

/// Reports the orders that the automation leaves to an operator.
fn print_held(session: &Session, mall: &Mall, Backlog { credit, sync }: Backlog) {
    for (action, held) in [(Action::Credit, credit), (Action::Sync, sync)] {
        if held.orders == 0 || automation::start(mall, action) == Start::Never {
            continue;
        }
        let (label, orders, billed) = (action.localized(session.lang), held.orders, yen(held.billed));
        println!(
            "{}",
            session.say(
                format!("待っていた{orders}件（請求額 {billed}円）は自動では送りません（{label}）。送るには、同じコマンドに --send-waiting を付けるか、注文ごとに実行してください"),
                format!("{orders} orders that were waiting (billed {billed} yen) are not sent by themselves ({label}); send them with --send-waiting or one by one"),
            )
        );
    }
}

async fn show(session: &Session, id: &str) -> Result<bool> {
    let lang = session.lang;
    let mall = session.mall(id).await?;
    let provider = session.plugins.load(&mall.provider).await?;
    let secret = |key: &str| {
        provider.info().settings.iter().any(|field| field.key == key && matches!(field.kind, SettingKind::Secret))
    };
    let settings = mall
        .settings
        .iter()
        .map(|(key, value)| (key.as_str(), if secret(key) { "***".into() } else { value.expose().to_owned() }));
    let head = [
        (lang.pick("モール", "mall"), mall.id.clone()),
        (lang.pick("名前", "name"), mall.name.clone()),
        (lang.pick("後払い会社", "provider"), mall.provider.clone()),
        (lang.pick("請求書", "invoice"), mall.invoice.localized(lang).to_owned()),
        (lang.pick("一度に送る件数", "rows per request"), mall.rows_per_request.to_string()),
    ];
    let take = mall
        .take
        .iter()
        .map(|(column, values)| (lang.pick("取り込む注文", "orders taken"), selection_text(column, values)));
    let fees = (lang.pick("手数料", "fees"), mall.fees.mode.localized(lang).to_owned());
    println!("{}", pairs(head.into_iter().chain(take).chain(settings).chain([fees])));
    println!("{}", bands(session, &mall));
    Ok(true)
}

fn selection_text(column: &str, values: &[String]) -> String {
    format!("{column} = {}", values.join(" | "))
}

fn bands(session: &Session, mall: &Mall) -> String {
    let headings = session.lang.pick(["行", "請求金額から", "まで", "手数料"], ["row", "billed from", "to", "fee"]);
    let rows = mall.fees.bands.iter().enumerate().map(|(at, band)| {
        [(at + 1).to_string(), yen(band.lower), band.upper.map_or("–".to_owned(), yen), yen(band.fee)]
    });
    table(headings, rows)
}

async fn list(session: &Session) -> Result<bool> {
    let lang = session.lang;
    let headings = lang.pick(["モール", "名前", "後払い会社", "手数料"], ["mall", "name", "provider", "fees"]);
    let malls = session.store.mall_summaries().await?;
    let rows =
        malls.into_iter().map(|mall| [mall.id, mall.name, mall.provider, mall.fees.mode.localized(lang).to_owned()]);
    println!("{}", table(headings, rows));
    Ok(true)
}

async fn test(session: &Session, id: &str) -> Result<bool> {
    let mall = session.mall(id).await?;
    let service = session.credit_service_with(BTreeSet::from([mall.provider.clone()])).await?;
    let issue = match malls::test_connection(&*service.providers, &mall).await {
        Ok(()) => {
            println!("{}", session.say("接続できました", "The connection works"));
            return Ok(true);
        }
        Err(ConnectionError::Failed(issue)) => issue,
        Err(ConnectionError::Unsupported(_)) => Issue::unsupported(Action::Check),
        Err(error @ (ConnectionError::ProviderMissing(_) | ConnectionError::NoResponse)) => return Err(error.into()),
    };
    println!("{}", connection_error(&issue, session.lang));
    Ok(false)
}

pub(super) async fn fees(session: &Session, FeesCommand::Try { amount, mall }: FeesCommand) -> Result<bool> {
    let lang = session.lang;
    let mall = match mall {
        Some(id) => session.mall(&id).await?,
        None => match session.store.mall_summaries().await?.as_slice() {
            [mall] => session.mall(&mall.id).await?,
            _ => bail!(session.say("--mall でモールを選んでください", "Choose a mall with --mall")),
        },
    };
    let service = session.credit_service_with(BTreeSet::from([mall.provider.clone()])).await?;
    match malls::try_fee(&*service.providers, &mall, amount).await {
        Ok(adjusted) => {
            let band = adjusted.band.map_or("–".to_owned(), |band| (band + 1).to_string());
            println!(
                "{}",
                pairs([
                    (lang.pick("請求金額", "billed before"), yen(amount)),
                    (lang.pick("当てはまる行", "band"), band),
                    (lang.pick("手数料", "fee"), yen(adjusted.payment_fee)),
                    (lang.pick("請求額", "billed after"), yen(adjusted.billed_amount)),
                ])
            );
            Ok(true)
        }
        Err(FeeTrialError::Refused(problems)) => {
            let text = |problem| contract::field(problem).localized(lang);
            bail!(problems.into_iter().map(text).collect::<Vec<_>>().join("\n"))
        }
        Err(error @ (FeeTrialError::ProviderMissing(_) | FeeTrialError::Call(_))) => Err(error.into()),
    }
}
