//! CSV files in and out: orders, credit results and operator findings. One function for each direction, called by the
//! page, the API and the command line.

use crate::credit::{CreditError, CreditService};
use crate::csv::encoding::Charset;
use crate::csv::error::{FileError, InvalidOrder};
use crate::csv::limits::MAX_LINES;
use crate::csv::row_result::{FileReport, RowCounts};
use crate::csv::selection::Question;
use crate::csv::writer;
use crate::decisions::{self, DecisionsError};
use crate::import::{self, Follow, ImportError, Imported, Known, OrderImport};
use crate::messages::localize::Localize;
use crate::providers::CallError;
use crate::providers::provider::{Provider, Providers};
use crate::results::{self, ResultsError};
use domain::clock;
use domain::credit_state::State;
use domain::lang::Lang;
use domain::mall::Mall;
use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};
use store::{ListOrder, ListQuery, MAX_PAGE, Position, StoreError};

/// Most orders in one exported file that a person opens: what Excel handles with ease.
pub const MAX_EXPORT: usize = MAX_LINES;

/// What a file contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FileKind {
    /// Orders (注文).
    Orders,
    /// Credit results (与信結果).
    Results,
    /// What operators found at the provider about unknown outcomes.
    Decisions,
}

/// A file to import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileImport {
    /// The id of the mall whose orders the file is about.
    pub mall: String,
    /// What the file contains.
    pub kind: FileKind,
    /// The encoding that the operator named; `None`: detected.
    pub encoding: Option<Charset>,
    /// For orders: those that are in the store already are corrected.
    pub correct: bool,
    /// For orders: which are taken; see [`Choice::told`](crate::csv::selection::Choice::told).
    pub take: Vec<String>,
    /// For orders: the preset by which the file is read this once, in place of the mall's mapping.
    pub preset: Option<String>,
    /// The content. It is no part of what is known of the file.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportReport {
    /// Of a file of orders.
    Orders {
        /// The encoding that was detected or named.
        encoding: &'static Encoding,
        /// Orders that were gathered from rows between which other orders stand.
        gathered: usize,
        /// Orders that were taken with a fee that a band decided.
        banded: usize,
        /// New orders that may be others that are there.
        similar: usize,
        /// Every row of the file.
        report: Imported,
    },
    /// Of a file of results or findings: the state that each order has now, or would have.
    States(FileReport<State>),
}

impl ImportReport {
    /// Orders that were gathered from rows between which other orders stand.
    pub fn gathered(&self) -> usize {
        match self {
            Self::Orders { gathered, .. } => *gathered,
            Self::States(_) => 0,
        }
    }

    /// New orders that may be others that are there.
    pub fn similar(&self) -> usize {
        match self {
            Self::Orders { similar, .. } => *similar,
            Self::States(_) => 0,
        }
    }

    /// How many rows were taken, refused and skipped.
    pub fn counts(&self) -> RowCounts {
        match self {
            Self::Orders { report, .. } => report.counts(),
            Self::States(report) => report.counts(),
        }
    }

    /// The orders that were refused, in the order of the file.
    pub fn refused(&self) -> Vec<InvalidOrder> {
        match self {
            Self::Orders { report, .. } => report.bad().collect(),
            Self::States(report) => report.bad().collect(),
        }
    }
}

/// Nothing of a file was imported, or, where it is [`TransferError::Credit`] or [`TransferError::Store`], not all of it.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// There is no mall with this id.
    #[error("there is no mall {0}")]
    NoMall(String),
    /// The plugin of the mall's provider is not loaded, so that no fee can be calculated.
    #[error("the plugin of the provider {0} is not loaded")]
    ProviderMissing(String),
    /// The mall's results come through the API, as its settings say.
    #[error("the results of the mall {0} do not come by CSV; its settings say so")]
    NotByCsv(String),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It has to be said which of the file's orders are taken.
    #[error("it has to be said which orders of the file are taken")]
    ChoiceNeeded(Question),
    /// The plugin failed while it calculated a fee.
    #[error("the fee of order {number} cannot be calculated: {source}")]
    Fee {
        /// 注文番号
        number: String,
        /// How the plugin failed.
        source: CallError,
    },
    /// Recording a finding failed; those of the rows before it are recorded.
    #[error(transparent)]
    Credit(#[from] CreditError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ImportError> for TransferError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::File(error) => Self::File(error),
            ImportError::ChoiceNeeded(question) => Self::ChoiceNeeded(question),
            ImportError::Store(error) => Self::Store(error),
            ImportError::Fee { number, source } => Self::Fee { number, source },
        }
    }
}

impl From<ResultsError> for TransferError {
    fn from(error: ResultsError) -> Self {
        match error {
            ResultsError::NotByCsv(mall) => Self::NotByCsv(mall),
            ResultsError::File(error) => Self::File(error),
            ResultsError::Store(error) => Self::Store(error),
        }
    }
}

impl From<DecisionsError> for TransferError {
    fn from(error: DecisionsError) -> Self {
        match error {
            DecisionsError::File(error) => Self::File(error),
            DecisionsError::Credit(error) => Self::Credit(error),
        }
    }
}

/// Imports a file, or, with `dry_run`, says what that would do. `follow` is told how far a file of orders is.
pub async fn import_file<P: Provider + Clone>(
    service: &CreditService<P>,
    file: &FileImport,
    dry_run: bool,
    follow: &Follow<'_>,
) -> Result<ImportReport, TransferError> {
    let mall = service.store.mall(&file.mall).await?.ok_or_else(|| TransferError::NoMall(file.mall.clone()))?;
    let encoding = file.encoding.map(Charset::encoding);
    let (store, who) = (&service.store, &service.who);
    match file.kind {
        FileKind::Orders => import_orders(service, &mall, file, dry_run, follow).await,
        FileKind::Results => {
            let taken = results::take_in(store, &mall, &file.bytes, encoding, who, dry_run).await?;
            Ok(ImportReport::States(taken))
        }
        FileKind::Decisions => {
            let decided = decisions::take_in(service, &mall, &file.bytes, encoding, dry_run).await?;
            Ok(ImportReport::States(decided))
        }
    }
}

async fn import_orders<P: Provider + Clone>(
    service: &CreditService<P>,
    mall: &Mall,
    file: &FileImport,
    dry_run: bool,
    follow: &Follow<'_>,
) -> Result<ImportReport, TransferError> {
    let missing = || TransferError::ProviderMissing(mall.provider.clone());
    let provider = service.providers.get(&mall.provider).ok_or_else(missing)?;
    let known = if file.correct { Known::Corrected { who: &service.who } } else { Known::Kept };
    let encoding = file.encoding.map(Charset::encoding);
    let incoming = import::Incoming {
        bytes: &file.bytes,
        encoding,
        take: &file.take,
        preset: file.preset.as_deref(),
        known,
        dry_run,
    };
    let done = import::run(&service.store, mall, &provider, incoming, follow).await?;
    let OrderImport { encoding, gathered, banded, similar, imported } = done;
    Ok(ImportReport::Orders { encoding, gathered, banded, similar, report: imported })
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedFile {
    /// The content.
    pub bytes: Vec<u8>,
    /// For results: orders that were judged through the API and left out, by number, with their states.
    pub left_out: Vec<(String, State)>,
}

/// No file was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file would have more orders than this limit.
    #[error("the file would have more than {0} orders")]
    TooMany(usize),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes a file about the orders that match `query`; an error if they are more than `limit`.
pub async fn export<P: Provider + Clone>(
    service: &CreditService<P>,
    kind: FileKind,
    query: &ListQuery,
    charset: Charset,
    limit: usize,
) -> Result<ExportedFile, ExportError> {
    let store = &service.store;
    if store.matching(query, limit.saturating_add(1)).await?.len() > limit {
        return Err(ExportError::TooMany(limit));
    }
    let whole = |bytes| ExportedFile { bytes, left_out: Vec::new() };
    Ok(match kind {
        FileKind::Results => {
            let results::ResultsFile { bytes, left_out } = results::write_out(store, query, charset).await?;
            ExportedFile { bytes, left_out }
        }
        FileKind::Decisions => whole(decisions::write_out(store, query, charset).await?),
        FileKind::Orders => whole(writer::write(ORDER_COLUMNS, order_lines(service, query).await?, charset)),
    })
}

/// The columns of exported orders: the Japanese terms of the shop's own business.
const ORDER_COLUMNS: [&str; 14] = [
    "モール",
    "注文番号",
    "注文日時",
    "受注ステータス",
    "注文者氏名",
    "後払い会社",
    "与信",
    "合計金額",
    "手数料",
    "請求額",
    "取引ID",
    "配送業者",
    "伝票番号",
    "出荷日",
];

type OrderLine = [String; ORDER_COLUMNS.len()];

async fn order_lines<P: Provider + Clone>(
    service: &CreditService<P>,
    query: &ListQuery,
) -> Result<Vec<OrderLine>, StoreError> {
    let (mut lines, mut position) = (Vec::new(), Position::First);
    loop {
        let page = service.store.page(query, position, MAX_PAGE).await?;
        lines.extend(page.orders.iter().map(|order| order_line(order, &*service.providers)));
        match page.older {
            Some(key) => position = Position::After(key),
            None => return Ok(lines),
        }
    }
}

/// Ids of a provider that is not loaded stand for its names.
fn order_line<P: Provider>(order: &ListOrder, providers: &dyn Providers<P>) -> OrderLine {
    let provider = providers.get(&order.provider);
    let info = provider.as_ref().map(Provider::info);
    let carrier_name = |id: &String| {
        let known = info.and_then(|info| info.carriers.iter().find(|carrier| carrier.id == *id));
        known.map_or(id, |carrier| &carrier.name.ja).clone()
    };
    [
        order.mall.clone(),
        order.number.clone(),
        clock::timestamp(order.ordered_at),
        order.order_status.clone().unwrap_or_default(),
        order.buyer.clone(),
        info.map_or(&order.provider, |info| &info.name.ja).clone(),
        order.state.localized(Lang::Ja).to_owned(),
        order.total().to_string(),
        order.amounts.payment_fee.to_string(),
        order.amounts.billed.to_string(),
        order.transaction_id.clone().unwrap_or_default(),
        order.carrier.as_ref().map(carrier_name).unwrap_or_default(),
        order.tracking_number.clone().unwrap_or_default(),
        order.shipped_on.clone().unwrap_or_default(),
    ]
}
