//! The import of a mall's orders: the file is read, the fees are adjusted by the mall's fee rule, new orders are
//! inserted and, where asked for, known orders are corrected. Every row of the file is accounted for.

use crate::csv::error::{FileError, RowError};
use crate::csv::mapping::setting;
use crate::csv::order_file::{FileOrder, OrderFileError, Reading, parse};
use crate::csv::row_result::{Entry, FileReport, RowResult, SkipReason};
use crate::csv::selection::{Choice, Question};
use crate::providers::plugin_contract::{Bill, FeeRule};
use crate::providers::provider::{FeeError, Provider};
use crate::providers::{CallError, contract};
use domain::correction::CorrectedBy;
use domain::mall::Mall;
use domain::order::{Amounts, Order};
use encoding_rs::Encoding;
use std::collections::HashMap;
use store::{NewOrder, Store, StoreError};

/// An order of a file that is in the store now, or would be.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedOrder {
    /// As the file has it, its fee adjusted.
    pub order: NewOrder,
    /// It was there already, and is as the file has it now.
    pub corrected: bool,
}

/// What an import did, or would do.
pub type Imported = FileReport<ImportedOrder>;

impl Imported {
    /// How many of the orders have a fee that a band decided.
    pub fn banded(&self) -> usize {
        self.taken().filter(|(.., taken)| taken.order.amounts.fee_band.is_some()).count()
    }
}

/// What becomes of orders of a file that the store has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known<'a> {
    /// They stay as they are. Those that the file has otherwise are named.
    #[default]
    Kept,
    /// Those that may still be credited become what the file says, by this operator's wish; 受注ステータス is the
    /// shop's own, and changes in every state.
    Corrected {
        /// The operator.
        who: &'a str,
    },
}

/// A file that an operator brings.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// What it is written in; absent: found out.
    pub encoding: Option<&'static Encoding>,
    /// Which of its orders are taken, as [`Choice::told`] has it.
    pub take: &'a [String],
    /// The preset by which it is read this once, in place of the mall's mapping.
    pub preset: Option<&'a str>,
    /// What becomes of orders that are there already.
    pub known: Known<'a>,
    /// Says what would happen, and does nothing.
    pub dry_run: bool,
}

/// The import could not go on; nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It has to be said which of its orders are taken.
    #[error("it has to be said which orders of the file are taken")]
    ChoiceNeeded(Question),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The provider's plugin failed while it calculated a fee.
    #[error("the fee of order {number} cannot be worked out: {source}")]
    Fee {
        /// 注文番号
        number: String,
        /// What the plugin did.
        source: CallError,
    },
}

impl From<OrderFileError> for ImportError {
    fn from(unread: OrderFileError) -> Self {
        match unread {
            OrderFileError::File(problem) => Self::File(problem),
            OrderFileError::ChoiceNeeded(question) => Self::ChoiceNeeded(question),
        }
    }
}

/// What an import did, and what its file was written in.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderImport {
    /// What the file turned out to be written in.
    pub encoding: &'static Encoding,
    /// Orders that were gathered from rows between which other orders stand.
    pub gathered: usize,
    /// Every row of it.
    pub imported: Imported,
}

/// Takes a mall's file of orders in, or says what that would do: the one way in, for the command line, the page and
/// the API.
pub async fn run(
    store: &Store,
    mall: &Mall,
    provider: &impl Provider,
    file: Incoming<'_>,
) -> Result<OrderImport, ImportError> {
    let take = Choice { told: file.take, setting: &mall.take };
    let once = file.preset.map(setting::of_preset);
    let mapping = setting::mapping(once.as_ref().unwrap_or(&mall.mapping)).map_err(FileError::Mapping)?;
    let parsed = parse(file.bytes, Reading { encoding: file.encoding, mapping: &mapping, take })?;
    let steps = plan(store, mall, priced(mall, provider, parsed.intake).await?, file.known).await?;
    let entries = if file.dry_run { tried(steps) } else { carried_out(store, mall, steps, file.known).await? };
    Ok(OrderImport { encoding: parsed.encoding, gathered: parsed.gathered, imported: FileReport { entries } })
}

/// An order with its fee adjusted, and why it is not taken if it is new.
type Priced = (NewOrder, Option<SkipReason>);

/// The orders with their fees adjusted by the mall's rule: once, here.
async fn priced(
    mall: &Mall,
    provider: &impl Provider,
    intake: FileReport<FileOrder>,
) -> Result<Vec<Entry<Priced>>, ImportError> {
    let rule = contract::fee_rule(&mall.fees);
    let mut priced = Vec::with_capacity(intake.entries.len());
    for entry in intake.entries {
        priced.push(match entry.open() {
            Ok((entry, order)) => entry.with(price(provider, &rule, order).await?),
            Err(settled) => settled,
        });
    }
    Ok(priced)
}

async fn price(provider: &impl Provider, rule: &FeeRule, order: FileOrder) -> Result<RowResult<Priced>, ImportError> {
    let bill = Bill { items: order.data.goods(), shipping_fee: order.shipping_fee, payment_fee: order.payment_fee };
    let FileOrder { number, data, order_status, not_taken, .. } = order;
    Ok(match adjusted_amounts(provider, rule, &bill).await {
        Ok(amounts) => {
            let is_unbilled = amounts.billed <= 0;
            let not_taken = if is_unbilled { Some(SkipReason::NothingToBill) } else { not_taken };
            RowResult::Taken((NewOrder { number, data, amounts, order_status }, not_taken))
        }
        Err(FeeError::Refused(problems)) => {
            RowResult::Refused(vec![RowError::Fee(problems.into_iter().map(contract::field).collect())])
        }
        Err(FeeError::Call(source)) => return Err(ImportError::Fee { number, source }),
    })
}

/// What `bill` comes to by the mall's fee rule. No fee makes a bill of what is none.
pub(crate) async fn adjusted_amounts(
    provider: &impl Provider,
    rule: &FeeRule,
    bill: &Bill,
) -> Result<Amounts, FeeError> {
    let total = bill.items + bill.shipping_fee + bill.payment_fee;
    let (payment_fee, billed, fee_band) = match total {
        ..=0 => (bill.payment_fee, total, None),
        _ => {
            let adjusted = provider.fee_adjust(rule, bill).await?;
            (adjusted.payment_fee, adjusted.billed_amount, adjusted.band)
        }
    };
    Ok(Amounts {
        goods: bill.items,
        shipping_fee: bill.shipping_fee,
        imported_fee: bill.payment_fee,
        payment_fee,
        billed,
        fee_band,
    })
}

/// What is to be done with an order of a file.
enum ImportStep {
    /// It is new.
    Insert(NewOrder),
    /// It is there, and becomes what the file says.
    Correct { before: Box<Order>, file: NewOrder, correction: Correction },
}

/// How an order that is there changes.
enum Correction {
    /// The shop moved it in its own words.
    Status(String),
    /// Something that goes to the provider differs.
    Content(Box<NewOrder>),
}

impl ImportStep {
    fn done(self) -> ImportedOrder {
        match self {
            Self::Insert(order) => ImportedOrder { order, corrected: false },
            Self::Correct { file, .. } => ImportedOrder { order: file, corrected: true },
        }
    }
}

/// What is to be done with each order, by what the store has.
async fn plan(
    store: &Store,
    mall: &Mall,
    priced: Vec<Entry<Priced>>,
    known: Known<'_>,
) -> Result<Vec<Entry<ImportStep>>, StoreError> {
    let numbers = priced.iter().filter_map(|entry| match &entry.result {
        RowResult::Taken((order, _)) => Some(order.number.as_str()),
        _ => None,
    });
    let stored = store.orders_numbered(&mall.id, numbers).await?;
    let mut stored: HashMap<String, Order> = stored.into_iter().map(|order| (order.number.clone(), order)).collect();
    let step = |entry: Entry<Priced>| match entry.open() {
        Ok((entry, (file, not_taken))) => match stored.remove(&file.number) {
            Some(before) => entry.with(plan_known_order(before, file, not_taken, known)),
            None => entry.with(not_taken.map_or(RowResult::Taken(ImportStep::Insert(file)), RowResult::Skipped)),
        },
        Err(settled) => settled,
    };
    Ok(priced.into_iter().map(step).collect())
}

/// What is to be done with an order that is there.
fn plan_known_order(
    before: Order,
    file: NewOrder,
    not_taken: Option<SkipReason>,
    known: Known<'_>,
) -> RowResult<ImportStep> {
    if file.amounts.billed <= 0 {
        let is_same = has_content(&before, &file);
        return match is_same {
            true => RowResult::Skipped(SkipReason::Unchanged),
            false => RowResult::Refused(vec![RowError::NothingToBill]),
        };
    }
    if known == Known::Kept {
        return match not_taken {
            Some(reason) => RowResult::Skipped(reason),
            None if has_content(&before, &file) => RowResult::Skipped(SkipReason::Unchanged),
            None if before.state.content_open() => RowResult::Refused(vec![RowError::Differs]),
            None => RowResult::Refused(vec![RowError::Registered(before.state)]),
        };
    }
    match correction(&before, &file) {
        Ok(Some(correction)) => RowResult::Taken(ImportStep::Correct { before: Box::new(before), file, correction }),
        Ok(None) => RowResult::Skipped(not_taken.unwrap_or(SkipReason::Unchanged)),
        Err(error) => RowResult::Refused(vec![error]),
    }
}

/// Whether the order has the content that the file has. What a fee rule made of it, and where the shop says it
/// stands, may have moved since.
fn has_content(order: &Order, file: &NewOrder) -> bool {
    let fees = |amounts: &Amounts| (amounts.goods, amounts.shipping_fee, amounts.imported_fee);
    with_invoice_of(file, order).data == order.data && fees(&order.amounts) == fees(&file.amounts)
}

/// An operator's own choice of the invoice stays where the file has none.
fn with_invoice_of(file: &NewOrder, order: &Order) -> NewOrder {
    let mut after = file.clone();
    after.data.invoice = after.data.invoice.or(order.data.invoice);
    after
}

/// How the order becomes what the file says; nothing if it is so already.
fn correction(before: &Order, file: &NewOrder) -> Result<Option<Correction>, RowError> {
    let after = with_invoice_of(file, before);
    let is_same = has_content(before, file);
    if before.state.content_open() && (!is_same || after.amounts != before.amounts) {
        return Ok(Some(Correction::Content(Box::new(after))));
    }
    if !is_same {
        return Err(RowError::Registered(before.state));
    }
    let moved = after.order_status.filter(|status| Some(status) != before.order_status.as_ref());
    Ok(moved.map(Correction::Status))
}

/// What would become of each order.
fn tried(steps: Vec<Entry<ImportStep>>) -> Vec<Entry<ImportedOrder>> {
    let tried = |entry: Entry<ImportStep>| match entry.open() {
        Ok((entry, step)) => entry.with(RowResult::Taken(step.done())),
        Err(settled) => settled,
    };
    steps.into_iter().map(tried).collect()
}

/// Does with each order what is plan.
async fn carried_out(
    store: &Store,
    mall: &Mall,
    steps: Vec<Entry<ImportStep>>,
    known: Known<'_>,
) -> Result<Vec<Entry<ImportedOrder>>, StoreError> {
    let new = steps.iter().filter_map(|entry| match &entry.result {
        RowResult::Taken(ImportStep::Insert(order)) => Some(order.clone()),
        _ => None,
    });
    let new: Vec<NewOrder> = new.collect();
    let mut inserted = store.insert_orders(mall, &new, store.now()).await?.into_iter();
    let mut done = Vec::with_capacity(steps.len());
    for entry in steps {
        let (entry, step) = match entry.open() {
            Ok(opened) => opened,
            Err(settled) => {
                done.push(settled);
                continue;
            }
        };
        let is_done = match &step {
            ImportStep::Insert(_) => inserted.next() == Some(true),
            ImportStep::Correct { before, correction, .. } => correct(store, before, correction, known).await?,
        };
        let changed = || RowResult::Refused(vec![RowError::Changed]);
        done.push(entry.with(if is_done { RowResult::Taken(step.done()) } else { changed() }));
    }
    Ok(done)
}

/// Changes an order that is there, if it is still as it was read.
async fn correct(store: &Store, before: &Order, correction: &Correction, known: Known<'_>) -> Result<bool, StoreError> {
    let Known::Corrected { who } = known else { return Ok(false) };
    match correction {
        Correction::Status(status) => store.set_order_status(before, Some(status), who, store.now()).await,
        Correction::Content(after) => store.correct_order(before, after, CorrectedBy::File, who, store.now()).await,
    }
}
