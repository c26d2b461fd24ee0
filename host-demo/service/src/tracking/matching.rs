//! Files of tracking numbers: by which mapping one is read, and which orders its rows are about.
//!
//! A file is read by the mapping that is told with it, else by that of its mall's settings, else as the format that its
//! headings are of. It is of a carrier's account, so it may have orders of several malls. Where no mall is told, a
//! setting reads it only if all malls have the same one, or if every order that is found in it that way is of a mall that
//! has this setting: else columns of one mall would be read as another's.

use crate::computing::computing;
use crate::credit::CreditService;
use crate::csv::encoding::Charset;
use crate::csv::error::{FileError, RowError};
use crate::csv::row_result::{Entry as FileEntry, RowResult};
use crate::csv::tracking_file::{self, FormatChoice, TrackingFile, TrackingFileError, TrackingRow};
use crate::csv::tracking_format::{TrackingFormat, TrackingMapping};
use crate::providers::provider::Provider;
use domain::mall::MallSummary;
use domain::order::Order;
use domain::tracking::TrackingProblem;
use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::StoreError;
use time::Date;

/// What stands between the orders of one parcel in a cell.
const BETWEEN_ORDERS: [char; 7] = [',', '、', '，', ';', '；', '\n', '\t'];

/// A file of tracking numbers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TrackingImport {
    /// The id of the mall whose orders it is about, where it does not say so itself; absent: any.
    pub mall: Option<String>,
    /// How it is read; absent: as the settings of the orders' mall say, else by its headings.
    pub format: Option<FormatChoice>,
    /// The encoding that the operator named; absent: found out.
    pub encoding: Option<Charset>,
    /// The carrier of all parcels, whatever the file says: an id, or a name in Japanese or English.
    pub carrier: Option<String>,
    /// The day on which all parcels were handed over, whatever the file says.
    pub shipped_on: Option<Date>,
    /// The column that a format has for the order's number holds the store's own number of it (注文ID).
    pub by_id: bool,
    /// The content. It is no part of what is known of the file.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// Nothing of a file was taken in, or, where the store failed, not all of it.
#[derive(Debug, thiserror::Error)]
pub enum TrackingImportError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] TrackingFileError),
    /// There is no mall with this id.
    #[error("there is no mall {0}")]
    NoMall(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A file whose rows were matched with the orders of the store.
#[derive(Debug, Clone)]
pub struct MatchedFile {
    /// The format as which the file was read; none with a mapping.
    pub format: Option<&'static TrackingFormat>,
    /// The malls by whose setting it was read; none if it was read otherwise.
    pub by_setting_of: Vec<String>,
    /// Malls whose settings read it as well, and were not used: orders of other malls are in it, or nobody knows whose.
    pub unused_settings_of: Vec<String>,
    /// What the file is written in.
    pub encoding: &'static Encoding,
    /// Every row of it.
    pub rows: Vec<FileEntry<Matched>>,
}

/// A row and the orders of its parcel.
pub type Matched = (TrackingRow, Vec<Order>);

/// Reads a file and finds the orders that its rows are about; enters nothing.
pub async fn matched<P: Provider + Clone>(
    service: &CreditService<P>,
    file: &TrackingImport,
) -> Result<MatchedFile, TrackingImportError> {
    let malls = service.store.mall_summaries().await?;
    if let Some(mall) = file.mall.as_ref().filter(|id| malls.iter().all(|mall| mall.id != **id)) {
        return Err(TrackingImportError::NoMall(mall.clone()));
    }
    let reading = Reading { service, file, malls: &malls };
    match &file.format {
        Some(told) => reading.by(told).await,
        None => reading.by_settings_or_headings().await,
    }
}

/// The setting of one or several malls.
struct Setting {
    choice: FormatChoice,
    malls: Vec<String>,
}

/// A file, and the malls whose orders it may have.
struct Reading<'a, P: Provider> {
    service: &'a CreditService<P>,
    file: &'a TrackingImport,
    malls: &'a [MallSummary],
}

impl<P: Provider + Clone> Reading<'_, P> {
    async fn by(&self, choice: &FormatChoice) -> Result<MatchedFile, TrackingImportError> {
        let TrackingFile { format, encoding, entries } =
            computing(|| tracking_file::parse(&self.file.bytes, self.file.encoding, choice, self.file.by_id))?;
        let known = Known::read(self.service, self.file, self.malls, &entries).await?;
        let rows = entries.into_iter().map(|entry| known.matched(entry)).collect();
        Ok(MatchedFile { format, by_setting_of: Vec::new(), unused_settings_of: Vec::new(), encoding, rows })
    }

    async fn by_settings_or_headings(&self) -> Result<MatchedFile, TrackingImportError> {
        let concerned = self.concerned().count();
        let (mut decided, mut fitting, mut misfit) = (Vec::new(), Vec::new(), None);
        for setting in self.settings()? {
            let is_of_all = setting.malls.len() == concerned;
            match self.by(&setting.choice).await {
                Ok(read) if is_of_all || is_about(&read, &setting.malls) => {
                    decided.push(MatchedFile { by_setting_of: setting.malls, ..read });
                }
                Ok(_) => fitting.extend(setting.malls),
                Err(TrackingImportError::File(error)) => misfit = Some(error).filter(|_| is_of_all),
                Err(error) => return Err(error),
            }
        }
        if decided.len() > 1 {
            fitting.extend(decided.drain(..).flat_map(|read| read.by_setting_of));
        }
        if let Some(read) = decided.pop() {
            return Ok(read);
        }
        match self.by(&FormatChoice::Recognised).await {
            Ok(read) => Ok(MatchedFile { unused_settings_of: fitting, ..read }),
            Err(TrackingImportError::File(TrackingFileError::NotRecognised(headings))) => {
                let error = match misfit {
                    Some(error) => error,
                    None if fitting.is_empty() => TrackingFileError::NotRecognised(headings),
                    None => TrackingFileError::WhichMall(fitting),
                };
                Err(error.into())
            }
            Err(error) => Err(error),
        }
    }

    /// The malls whose orders the file may have.
    fn concerned(&self) -> impl Iterator<Item = &MallSummary> {
        self.malls.iter().filter(|mall| self.file.mall.as_ref().is_none_or(|told| mall.id == *told))
    }

    /// Each different setting of these malls that may read the file. One for files without headings does not where the
    /// headings of a format stand in it.
    fn settings(&self) -> Result<Vec<Setting>, TrackingFileError> {
        let mut malls: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for mall in self.concerned() {
            malls.entry(mall.tracking_mapping.trim()).or_default().push(mall.id.clone());
        }
        let is_recognised = computing(|| tracking_file::is_recognised(&self.file.bytes, self.file.encoding));
        let mut settings = Vec::new();
        for (text, malls) in malls {
            let mapping = TrackingMapping::of_setting(text).map_err(FileError::Mapping)?;
            if let Some(mapping) = mapping.filter(|mapping| !(mapping.file.no_headings && is_recognised)) {
                settings.push(Setting { choice: FormatChoice::Mapping(Box::new(mapping)), malls });
            }
        }
        Ok(settings)
    }
}

/// Whether orders of these malls were found in a file, and none of any other.
fn is_about(file: &MatchedFile, malls: &[String]) -> bool {
    let orders = file.rows.iter().flat_map(|entry| match &entry.result {
        RowResult::Taken((_, orders)) => orders.as_slice(),
        _ => &[],
    });
    let mut orders = orders.peekable();
    orders.peek().is_some() && orders.all(|order| malls.contains(&order.mall))
}

/// A row that is refused, for each of its orders or as a whole.
pub(super) fn refused<T>(problems: impl IntoIterator<Item = (Option<String>, TrackingProblem)>) -> RowResult<T> {
    RowResult::Refused(problems.into_iter().map(|(order, problem)| RowError::Tracking(order, problem)).collect())
}

/// The orders that a file can mean.
struct Known<'a> {
    malls: &'a [MallSummary],
    told: Option<&'a str>,
    /// By number, of all malls.
    by_number: HashMap<String, Vec<Order>>,
    by_id: HashMap<i64, Order>,
}

impl<'a> Known<'a> {
    async fn read<P: Provider + Clone>(
        service: &CreditService<P>,
        file: &'a TrackingImport,
        malls: &'a [MallSummary],
        entries: &[FileEntry<TrackingRow>],
    ) -> Result<Self, StoreError> {
        let rows = || {
            entries.iter().filter_map(|entry| match &entry.result {
                RowResult::Taken(row) => Some(row),
                _ => None,
            })
        };
        let numbers: BTreeSet<&str> = rows()
            .flat_map(|row| std::iter::once(row.number.as_str()).chain(parts(&row.number)))
            .filter(|number| !number.is_empty())
            .collect();
        let mut by_number: HashMap<String, Vec<Order>> = HashMap::new();
        for mall in malls.iter().filter(|mall| file.mall.as_ref().is_none_or(|told| mall.id == *told)) {
            for order in service.store.orders_numbered(&mall.id, numbers.iter().copied()).await? {
                by_number.entry(order.number.clone()).or_default().push(order);
            }
        }
        let ids: BTreeSet<i64> = rows().flat_map(|row| parts(&row.id).filter_map(|id| id.parse().ok())).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let by_id = service.store.orders_by_id(&ids).await?.into_iter().map(|order| (order.id, order)).collect();
        Ok(Self { malls, told: file.mall.as_deref(), by_number, by_id })
    }

    fn matched(&self, entry: FileEntry<TrackingRow>) -> FileEntry<Matched> {
        match entry.open() {
            Ok((entry, row)) => match self.orders_of(&row) {
                Ok(orders) => entry.with(RowResult::Taken((row, orders))),
                Err(problem) => entry.with(refused([(None, problem)])),
            },
            Err(settled) => settled,
        }
    }

    /// The orders of a row's parcel, each once.
    fn orders_of(&self, row: &TrackingRow) -> Result<Vec<Order>, TrackingProblem> {
        let mall = self.mall(row)?;
        let mut orders: Vec<Order> = Vec::new();
        if !row.id.is_empty() {
            for id in parts(&row.id) {
                let number = id.parse().map_err(|_| TrackingProblem::NotAnId(id.to_owned()))?;
                let found = self.by_id.get(&number).filter(|order| mall.is_none_or(|mall| order.mall == mall));
                orders.push(found.ok_or(TrackingProblem::NoOrder)?.clone());
            }
            let names_another = |order: &&Order| {
                !row.number.is_empty() && row.number != order.number && parts(&row.number).all(|n| n != order.number)
            };
            if let Some(other) = orders.iter().find(names_another) {
                return Err(TrackingProblem::OtherOrder(other.number.clone()));
            }
        } else if self.by_number.contains_key(&row.number) {
            orders.push(self.order(&row.number, mall)?);
        } else {
            // No order has the whole cell as its number: it may have several.
            for number in parts(&row.number) {
                orders.push(self.order(number, mall)?);
            }
        }
        let mut seen = BTreeSet::new();
        orders.retain(|order| seen.insert(order.id));
        if orders.is_empty() { Err(TrackingProblem::NoOrder) } else { Ok(orders) }
    }

    fn order(&self, number: &str, mall: Option<&str>) -> Result<Order, TrackingProblem> {
        let known = self.by_number.get(number).into_iter().flatten();
        let found: Vec<&Order> = known.filter(|order| mall.is_none_or(|mall| order.mall == mall)).collect();
        match found.as_slice() {
            [] => Err(TrackingProblem::NoOrder),
            [only] => Ok((*only).clone()),
            several => Err(TrackingProblem::InSeveralMalls(several.iter().map(|order| order.mall.clone()).collect())),
        }
    }

    /// The mall that a row names, else the one that was told.
    fn mall(&self, row: &TrackingRow) -> Result<Option<&'a str>, TrackingProblem> {
        if row.mall.is_empty() {
            return Ok(self.told);
        }
        let named = self.malls.iter().find(|mall| mall.id == row.mall || mall.name == row.mall);
        named.map(|mall| Some(mall.id.as_str())).ok_or_else(|| TrackingProblem::NoMall(row.mall.clone()))
    }
}

/// The names in a cell that has several.
fn parts(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(BETWEEN_ORDERS).map(str::trim).filter(|part| !part.is_empty())
}
