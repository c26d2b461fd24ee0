//! The import of a mall's orders: the file is read, the fees are adjusted by the mall's fee rule, new orders are
//! inserted and, where asked for, known orders are corrected. Every row of the file is accounted for.
//!
//! Orders are read, checked and written in pieces, so that memory does not grow with the file but for its index. All of
//! them are checked before the first is written; what is kept of an order in between are its amounts.

use crate::computing::computing;
use crate::csv::error::{FileError, RowError};
use crate::csv::mapping::setting;
use crate::csv::order_file::{FileOrder, OrderFile, OrderFileError, Reading};
use crate::csv::row_result::{Entry, FileReport, RowResult, SkipReason};
use crate::csv::selection::{Choice, Question};
use crate::csv::sheet::Source;
use crate::providers::plugin_contract::{AdjustedFee, Bill, FeeRule, FieldProblem};
use crate::providers::provider::{FeeError, Provider};
use crate::providers::{CallError, contract};
use domain::correction::CorrectedBy;
use domain::issue::Issue;
use domain::mall::Mall;
use domain::order::{Amounts, Order};
use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use store::{NewOrder, SimilarOrder, Store, StoreError};

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

/// Orders that are read, checked and written together: enough that a transaction and an instance of the plugin for each
/// piece cost little, and few enough that others need not wait long and progress is steady.
const ORDERS_AT_ONCE: usize = 500;

/// What an import is doing. Each step has all rows of the file, one step after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportStep {
    /// Its rows are gathered into orders.
    Reading,
    /// Its orders are checked.
    Checking,
    /// Its orders are written.
    Writing,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImportProgress {
    /// What it is doing.
    pub step: ImportStep,
    /// Rows with which that is done.
    pub done: usize,
    /// Rows of the file; 0 as long as that is not known.
    pub total: usize,
}

impl ImportProgress {
    /// Of a file of which nothing was read yet.
    pub const UNREAD: Self = Self { step: ImportStep::Reading, done: 0, total: 0 };
}

/// Who is told how far an import is.
pub type Follow<'a> = dyn Fn(ImportProgress) + Send + Sync + 'a;

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
    /// Orders that were taken with a fee that a band decided.
    pub banded: usize,
    /// New orders that may be others that are there.
    pub similar: usize,
    /// Every row of it.
    pub imported: Imported,
}

/// Takes a mall's file of orders in, or says what that would do: the one way in, for the command line, the page and
/// the API. `follow` is told how far it is.
pub async fn run(
    store: &Store,
    mall: &Mall,
    provider: &impl Provider,
    file: Incoming<'_>,
    follow: &Follow<'_>,
) -> Result<OrderImport, ImportError> {
    let take = Choice { told: file.take, setting: &mall.take };
    let once = file.preset.map(setting::of_preset);
    let mapping = setting::mapping(once.as_ref().unwrap_or(&mall.mapping)).map_err(FileError::Mapping)?;
    follow(ImportProgress::UNREAD);
    let open = || Source::open(file.bytes, file.encoding, mapping.file.separator);
    let source = computing(open).map_err(ImportError::File)?;
    let mut imported = Imported::default();
    let reading = Reading { encoding: file.encoding, mapping: &mapping, take };
    let orders = computing(|| OrderFile::open(&source, reading, &mut |passed| imported.add(passed.entry())))?;
    let total = imported.counts().read() + orders.order_rows();
    let rule = contract::fee_rule(&mall.fees);
    let mut import = Import {
        store,
        mall,
        provider,
        rule,
        known: file.known,
        orders: &orders,
        follow,
        total,
        imported,
        banded: 0,
        similar: 0,
    };
    let checked = import.check(file.dry_run).await?;
    if !file.dry_run {
        import.write(&checked).await?;
    }
    let Import { mut imported, banded, similar, .. } = import;
    imported.entries.sort_by_key(|entry| entry.line);
    Ok(OrderImport { encoding: orders.encoding(), gathered: orders.gathered(), banded, similar, imported })
}

/// An order with its fee adjusted, and why it is not taken if it is new.
type Priced = (NewOrder, Option<SkipReason>);

/// An order of the file that was checked: which of them it is, and its amounts, so that no fee is worked out twice.
struct Checked {
    order: usize,
    amounts: Amounts,
}

/// An import on its way.
struct Import<'a, P> {
    store: &'a Store,
    mall: &'a Mall,
    provider: &'a P,
    rule: FeeRule,
    known: Known<'a>,
    orders: &'a OrderFile<'a>,
    follow: &'a Follow<'a>,
    /// Rows of the file.
    total: usize,
    /// What became of the rows that are done with.
    imported: Imported,
    banded: usize,
    similar: usize,
}

impl<P: Provider> Import<'_, P> {
    fn report(&mut self, entry: Entry<ImportedOrder>) {
        let is_banded = matches!(&entry.result, RowResult::Taken(taken) if taken.order.amounts.fee_band.is_some());
        self.banded += usize::from(is_banded);
        let is_similar = matches!(&entry.result, RowResult::Taken(taken) if taken.order.problem.is_some());
        self.similar += usize::from(is_similar);
        self.imported.add(entry);
    }

    fn tell(&self, step: ImportStep, done: usize) {
        (self.follow)(ImportProgress { step, done, total: self.total });
    }

    /// Checks all orders, and adjusts the fees of those that are good. A dry run goes on to say what would become of
    /// each; else the good ones are returned.
    async fn check(&mut self, dry_run: bool) -> Result<Vec<Checked>, ImportError> {
        let mut checked = Vec::new();
        let mut done = self.total - self.orders.order_rows();
        let numbers: Vec<usize> = (0..self.orders.orders()).collect();
        for numbers in numbers.chunks(ORDERS_AT_ONCE) {
            self.tell(ImportStep::Checking, done);
            let (mut good, mut read) = (Vec::new(), Vec::new());
            for number in numbers {
                self.orders.read(*number, &mut read);
                for entry in read.drain(..) {
                    done += entry.rows;
                    match entry.open() {
                        Ok((entry, order)) => good.push((*number, entry, order)),
                        Err(settled) => self.report(settled),
                    }
                }
            }
            let priced = self.priced(good).await?;
            if !dry_run {
                checked.extend(priced.into_iter().map(|(order, _, (new, _))| Checked { order, amounts: new.amounts }));
                continue;
            }
            let priced = priced.into_iter().map(|(_, entry, priced)| entry.with(RowResult::Taken(priced)));
            let steps = plan(self.store, self.mall, priced.collect(), self.known).await?;
            tried(steps).into_iter().for_each(|entry| self.report(entry));
        }
        self.tell(ImportStep::Checking, self.total);
        Ok(checked)
    }

    /// Writes the orders that were checked.
    async fn write(&mut self, checked: &[Checked]) -> Result<(), StoreError> {
        let mut done = self.imported.counts().read();
        for piece in checked.chunks(ORDERS_AT_ONCE) {
            self.tell(ImportStep::Writing, done);
            let (mut priced, mut read) = (Vec::with_capacity(piece.len()), Vec::new());
            for Checked { order, amounts } in piece {
                self.orders.read(*order, &mut read);
                // What else the rows are was reported when they were checked.
                let good = read.drain(..).find_map(|entry| entry.open::<()>().ok());
                priced.extend(good.map(|(entry, order)| entry.with(RowResult::Taken(with_amounts(order, *amounts)))));
            }
            let steps = plan(self.store, self.mall, priced, self.known).await?;
            for entry in carried_out(self.store, self.mall, steps, self.known).await? {
                done += entry.rows;
                self.report(entry);
            }
        }
        self.tell(ImportStep::Writing, self.total);
        Ok(())
    }

    /// The orders with their fees adjusted by the mall's rule: once, here. Those whose fee is refused are reported.
    async fn priced(&mut self, good: Vec<GoodOrder>) -> Result<Vec<(usize, Entry<()>, Priced)>, ImportError> {
        let bills: Vec<Bill> = good.iter().map(|(.., order)| bill(order)).collect();
        let adjusted = match all_adjusted(self.provider, &self.rule, &bills).await {
            Ok(adjusted) => adjusted,
            // It is said over which of them the plugin fails; one by one it may not.
            Err(_) => self.adjusted_singly(&good, &bills).await?,
        };
        let mut priced = Vec::with_capacity(good.len());
        for ((number, entry, order), adjusted) in good.into_iter().zip(adjusted) {
            match adjusted {
                Ok(amounts) => priced.push((number, entry, with_amounts(order, amounts))),
                Err(problems) => {
                    let problems = problems.into_iter().map(contract::field).collect();
                    self.report(entry.with(RowResult::Refused(vec![RowError::Fee(problems)])));
                }
            }
        }
        Ok(priced)
    }

    async fn adjusted_singly(&self, good: &[GoodOrder], bills: &[Bill]) -> Result<Vec<Adjusted>, ImportError> {
        let mut all = Vec::with_capacity(bills.len());
        for ((.., order), bill) in good.iter().zip(bills) {
            let one = all_adjusted(self.provider, &self.rule, std::slice::from_ref(bill)).await;
            all.extend(one.map_err(|source| ImportError::Fee { number: order.number.clone(), source })?);
        }
        Ok(all)
    }
}

/// Which order of the file it is, its rows, and what it says.
type GoodOrder = (usize, Entry<()>, FileOrder);

/// What a bill comes to, or what is wrong with the fee rule for it.
type Adjusted = Result<Amounts, Vec<FieldProblem>>;

fn bill(order: &FileOrder) -> Bill {
    Bill { items: order.data.goods(), shipping_fee: order.shipping_fee, payment_fee: order.payment_fee }
}

fn with_amounts(order: FileOrder, amounts: Amounts) -> Priced {
    let FileOrder { number, data, order_status, not_taken, .. } = order;
    let not_taken = if amounts.billed <= 0 { Some(SkipReason::NothingToBill) } else { not_taken };
    (NewOrder { number, data, amounts, order_status, problem: None }, not_taken)
}

/// What `bill` comes to by the mall's fee rule.
pub(crate) async fn adjusted_amounts(
    provider: &impl Provider,
    rule: &FeeRule,
    bill: &Bill,
) -> Result<Amounts, FeeError> {
    let adjusted = all_adjusted(provider, rule, std::slice::from_ref(bill)).await?.pop();
    adjusted.unwrap_or_else(|| Err(Vec::new())).map_err(FeeError::Refused)
}

/// What each of `bills` comes to by the mall's fee rule. No fee makes a bill of what is none.
async fn all_adjusted(provider: &impl Provider, rule: &FeeRule, bills: &[Bill]) -> Result<Vec<Adjusted>, CallError> {
    let total = |bill: &Bill| bill.items + bill.shipping_fee + bill.payment_fee;
    let billed: Vec<Bill> = bills.iter().filter(|bill| total(bill) > 0).copied().collect();
    let mut adjusted = provider.fees_adjust(rule, &billed).await?.into_iter();
    let amounts = |bill: &Bill| {
        let fee = match total(bill) {
            total @ ..=0 => Ok(AdjustedFee { payment_fee: bill.payment_fee, billed_amount: total, band: None }),
            _ => adjusted.next().unwrap_or_else(|| Err(Vec::new())),
        };
        fee.map(|fee| Amounts {
            goods: bill.items,
            shipping_fee: bill.shipping_fee,
            imported_fee: bill.payment_fee,
            payment_fee: fee.payment_fee,
            billed: fee.billed_amount,
            fee_band: fee.band,
        })
    };
    Ok(bills.iter().map(amounts).collect())
}

/// What is to be done with an order of a file.
enum OrderStep {
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

impl OrderStep {
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
) -> Result<Vec<Entry<OrderStep>>, StoreError> {
    let numbers = priced.iter().filter_map(|entry| match &entry.result {
        RowResult::Taken((order, _)) => Some(order.number.as_str()),
        _ => None,
    });
    let stored = store.orders_numbered(&mall.id, numbers).await?;
    let mut stored: HashMap<String, Order> = stored.into_iter().map(|order| (order.number.clone(), order)).collect();
    let priced = with_similar(store, mall, priced, &stored).await?;
    let step = |entry: Entry<Priced>| match entry.open() {
        Ok((entry, (file, not_taken))) => match stored.remove(&file.number) {
            Some(before) => entry.with(plan_known_order(before, file, not_taken, known)),
            None => entry.with(not_taken.map_or(RowResult::Taken(OrderStep::Insert(file)), RowResult::Skipped)),
        },
        Err(settled) => settled,
    };
    Ok(priced.into_iter().map(step).collect())
}

/// The same orders; those of them that are new and seem to be in the store already say as which order. A mistake in the
/// choice of the mall, or a number that a spreadsheet or another program writes otherwise, would make a second credit.
async fn with_similar(
    store: &Store,
    mall: &Mall,
    mut priced: Vec<Entry<Priced>>,
    stored: &HashMap<String, Order>,
) -> Result<Vec<Entry<Priced>>, StoreError> {
    let new: Vec<&mut NewOrder> = priced
        .iter_mut()
        .filter_map(|entry| match &mut entry.result {
            RowResult::Taken((order, None)) if !stored.contains_key(&order.number) => Some(order),
            _ => None,
        })
        .collect();
    let similar = store.similar_orders(mall, &new.iter().map(|order| &**order).collect::<Vec<_>>()).await?;
    for (order, similar) in new.into_iter().zip(similar) {
        order.problem = similar.map(|SimilarOrder { mall, number }| Issue::PossibleDuplicate { mall, number });
    }
    Ok(priced)
}

/// What is to be done with an order that is there.
fn plan_known_order(
    before: Order,
    file: NewOrder,
    not_taken: Option<SkipReason>,
    known: Known<'_>,
) -> RowResult<OrderStep> {
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
        Ok(Some(correction)) => RowResult::Taken(OrderStep::Correct { before: Box::new(before), file, correction }),
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
fn tried(steps: Vec<Entry<OrderStep>>) -> Vec<Entry<ImportedOrder>> {
    let tried = |entry: Entry<OrderStep>| match entry.open() {
        Ok((entry, step)) => entry.with(RowResult::Taken(step.done())),
        Err(settled) => settled,
    };
    steps.into_iter().map(tried).collect()
}

/// Does with each order what is plan.
async fn carried_out(
    store: &Store,
    mall: &Mall,
    steps: Vec<Entry<OrderStep>>,
    known: Known<'_>,
) -> Result<Vec<Entry<ImportedOrder>>, StoreError> {
    let new = steps.iter().filter_map(|entry| match &entry.result {
        RowResult::Taken(OrderStep::Insert(order)) => Some(order.clone()),
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
            OrderStep::Insert(_) => inserted.next() == Some(true),
            OrderStep::Correct { before, correction, .. } => correct(store, before, correction, known).await?,
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
