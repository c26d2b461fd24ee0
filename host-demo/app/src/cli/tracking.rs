//! `tracking`: carriers and tracking numbers.

use crate::cli::arguments::{Encoding, date};
use crate::cli::files::{print_counts, read};
use crate::cli::orders::act_on;
use crate::cli::session::{Session, Target};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use domain::clock;
use domain::credit_state::Action;
use domain::lang::Lang;
use provider_host::Plugin;
use service::credit::CreditService;
use service::csv::limits::MAX_FILE_BYTES;
use service::csv::mapping::error_text::definition_error;
use service::csv::mapping::text::{Definition, MAX_MAPPING_BYTES};
use service::csv::tracking_file::FormatChoice;
use service::csv::tracking_format::{self, TrackingMapping};
use service::messages::localize::Localize;
use service::messages::tracking::{doubt_warning, entered_text, read_by_text};
use service::providers::capabilities::find_carrier;
use service::providers::current;
use service::tracking::entry::{self, Entry, TrackingError};
use service::tracking::import;
use service::tracking::matching::{TrackingImport, TrackingImportError};
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum TrackingCommand {
    /// 配送業者と伝票番号を入力 / enter carrier and tracking number
    Set {
        /// 注文番号 / order number
        order: String,
        /// 配送業者の名前かID / a carrier's name or id
        carrier: String,
        /// 伝票番号 / tracking number
        number: String,
        /// 出荷日（省くと今日） / day of shipping; today if left out
        #[arg(long, value_parser = date)]
        shipped_on: Option<time::Date>,
        /// モール / the mall
        #[arg(long)]
        mall: Option<String>,
    },
    /// 送り状ソフトの出荷CSVから伝票番号を取り込む / take tracking numbers in from the file of a carrier's program
    Import(ImportOptions),
    /// 読める出荷CSVの形式 / the formats of files that are known
    Formats,
}

#[derive(Debug, Args)]
pub(super) struct ImportOptions {
    /// 出荷CSV / the file
    file: PathBuf,
    /// 形式（省くとモールの設定、なければ見出しで決まる。一覧は tracking formats） / format; if left out the mall's setting, else recognised by the headings; see `tracking formats`
    #[arg(long, conflicts_with = "mapping")]
    format: Option<String>,
    /// 列の対応のTOML / a mapping of columns as TOML, for other files
    #[arg(long, value_name = "TOML")]
    mapping: Option<PathBuf>,
    /// ファイル全体の配送業者（名前かID） / carrier of all parcels, by name or id
    #[arg(long)]
    carrier: Option<String>,
    /// ファイル全体の出荷日（省くと列、列がなければ今日） / day of shipping of all parcels; else the column's, else today
    #[arg(long, value_parser = date)]
    shipped_on: Option<time::Date>,
    /// 注文番号の列に注文IDが入っている / the column of order numbers has the store's own numbers (注文ID)
    #[arg(long)]
    by_id: bool,
    /// このモールの注文だけ / orders of this mall alone
    #[arg(long)]
    mall: Option<String>,
    /// 文字コード（省くと見分ける） / encoding; found out if left out
    #[arg(long, value_enum)]
    encoding: Option<Encoding>,
    /// 何が起きるかだけを表示 / say what would happen, and do nothing
    #[arg(long, conflicts_with = "sync")]
    dry_run: bool,
    /// 入力した注文の伝票番号同期まで続けて行う / report the numbers that were entered at once
    #[arg(long)]
    sync: bool,
}

pub(super) async fn run(session: &Session, command: TrackingCommand) -> Result<bool> {
    match command {
        TrackingCommand::Set { order, carrier, number, shipped_on, mall } => {
            session.recover().await?;
            let order = session.order(&order, mall.as_deref()).await?;
            let service = session.credit_service_with(BTreeSet::from([order.provider.clone()])).await?;
            let shipped_on = shipped_on.unwrap_or_else(clock::today);
            let entered = Entry { carrier: &carrier, number: &number, shipped_on };
            let entered = match entry::enter(&service, &order, entered).await {
                Ok(entered) => entered,
                Err(TrackingError::Store(error)) => return Err(error.into()),
                Err(TrackingError::Refused(problem)) => bail!("{}: {}", order.number, problem.localized(session.lang)),
            };
            let tracking = entered.tracking;
            println!("{}: {} {} ({})", order.number, tracking.carrier, tracking.number, tracking.shipped_on);
            if let Some(doubt) = entered.doubt {
                eprintln!("{}: {}", order.number, doubt_warning(doubt, session.lang));
            }
            Ok(true)
        }
        TrackingCommand::Import(options) => take_in(session, options).await,
        TrackingCommand::Formats => {
            for format in tracking_format::all() {
                println!("{}  {}", format.id, format.name);
            }
            Ok(true)
        }
    }
}

async fn take_in(session: &Session, options: ImportOptions) -> Result<bool> {
    session.recover().await?;
    let lang = session.lang;
    let name = options.file.display().to_string();
    let file = TrackingImport {
        mall: options.mall.clone(),
        format: format_choice(session, &options)?,
        encoding: options.encoding.map(Into::into),
        carrier: options.carrier,
        shipped_on: options.shipped_on,
        by_id: options.by_id,
        bytes: read(&options.file, MAX_FILE_BYTES, lang)?,
    };
    // An order's carriers are told by the plugin of its provider, which its mall may have left: any may be needed.
    current::load_all(&session.plugins, &session.registry).await;
    let service = session.credit_service_with(BTreeSet::new()).await?;
    let report = match import::import(&service, &file, options.dry_run).await {
        Ok(report) => report,
        Err(TrackingImportError::File(error)) => bail!("{name}: {}", error.localized(lang)),
        Err(error) => return Err(error.into()),
    };
    for line in read_by_text(&report, str::to_owned, lang) {
        println!("{line}");
    }
    for (line, _, entered) in report.report.taken() {
        for entered in entered {
            let name = |id: &str| carrier_name(&service, &entered.provider, id, lang);
            println!("{line} {} {}", entered.number, entered_text(entered, name, lang));
        }
    }
    let refused: Vec<_> = report.report.bad().collect();
    print_counts(session, &options.file, &refused, &report.report.counts());
    let is_all_synced = match options.sync {
        true => {
            let orders = session.store.orders_by_id(&report.syncable()).await?;
            act_on(session, Action::Sync, &orders.iter().map(Target::of).collect::<Vec<_>>()).await?
        }
        false => true,
    };
    Ok(refused.is_empty() && is_all_synced)
}

/// The carrier's name; its id where the provider is not loaded or does not know it.
fn carrier_name(service: &CreditService<Plugin>, provider: &str, id: &str, lang: Lang) -> String {
    let provider = service.providers.get(provider);
    let known = provider.as_ref().and_then(|provider| find_carrier(provider.info(), id));
    known.map_or(id, |carrier| lang.pick(&carrier.name.ja, &carrier.name.en)).to_owned()
}

fn format_choice(session: &Session, options: &ImportOptions) -> Result<Option<FormatChoice>> {
    let lang = session.lang;
    if let Some(id) = &options.format {
        let known = || tracking_format::all().iter().map(|format| format.id.as_str()).collect::<Vec<_>>().join(", ");
        let words = lang.pick("形式がありません。次のどれかです", "no such format; there are");
        return tracking_format::find(id)
            .map(|format| Some(FormatChoice::Format(format)))
            .with_context(|| format!("{id}: {words}: {}", known()));
    }
    let Some(path) = &options.mapping else { return Ok(None) };
    let text = String::from_utf8(read(path, MAX_MAPPING_BYTES as u64, lang)?)
        .with_context(|| format!("{}: UTF-8", path.display()))?;
    match TrackingMapping::parse(&text) {
        Ok(mapping) => Ok(Some(FormatChoice::Mapping(Box::new(mapping)))),
        Err(error) => bail!("{}: {}", path.display(), definition_error(&error, lang)),
    }
}
