//! Use cases that pages and API share: import and export of CSV files, what a valid mall is, the rest of a batch.

use crate::domain::clock;
use crate::domain::credit_state::{self, State};
use crate::domain::issue::Issue;
use crate::domain::lang::Lang;
use crate::domain::mall::Mall;
use crate::domain::validation::{MallProblem, shape_problems};
use crate::service::csv::error::InvalidOrder;
use crate::service::csv::row_result::{Counts, FileReport};
use crate::service::csv::selection::Question;
use crate::service::csv::table::{self, Charset};
use crate::service::decisions::{self, DecisionsError};
use crate::service::import::{self, ImportError, Known, Taken};
use crate::service::messages::format::yen;
use crate::service::messages::localize::Localize;
use crate::service::results::{self, ResultsError};
use crate::store::{BatchRow, ListQuery, MAX_BATCH, MAX_PAGE, Position};
use crate::web::csv_upload::{FileImport, FileKind};
use crate::web::http::page::texts;
use crate::web::http::refusal::Refusal;
use crate::web::parts::display_names::DisplayNames;
use crate::web::state::App;
use crate::web::texts::fill;
use std::collections::BTreeSet;

/// Orders in one exported file: what Excel still opens with ease.
pub const MAX_EXPORT: usize = table::MAX_LINES;

/// What taking a file in did, or would do.
pub struct Outcome {
    /// How many rows became what.
    pub counts: Counts,
    /// The line, the order's number, what happens to it.
    pub taken: Vec<(u64, String, String)>,
    /// Those that are not taken in.
    pub bad: Vec<InvalidOrder>,
}

impl Outcome {
    fn new<T>(intake: &FileReport<T>, words: impl Fn(&T) -> String) -> Self {
        let taken = intake.taken().map(|(line, number, taken)| (line, number.to_owned(), words(taken)));
        Self { counts: intake.counts(), taken: taken.collect(), bad: intake.bad().collect() }
    }
}

/// Why nothing of a file was taken in.
pub enum NotTaken {
    /// The file does not serve, in words.
    Unfit(String),
    /// It has to be said which of its orders are taken.
    Asks(Question),
}

/// Takes a file in, or says what that would do.
pub async fn take_in(
    app: &App,
    file: &FileImport,
    mall: &Mall,
    who: &str,
    dry_run: bool,
    lang: Lang,
) -> Result<Result<Outcome, NotTaken>, Refusal> {
    let state = |state: &State| state.localized(lang).to_owned();
    let taken = match file.kind {
        FileKind::Orders => orders(app, file, mall, who, dry_run, lang).await?,
        FileKind::Results => match results::take_in(&app.store, mall, &file.bytes, file.encoding, who, dry_run).await {
            Ok(taken) => Ok(Outcome::new(&taken, state)),
            Err(ResultsError::Store(error)) => return Err(Refusal::failed(&error)),
            Err(error) => Err(NotTaken::Unfit(error.localized(lang))),
        },
        FileKind::Decisions => {
            let desk = app.credit.of(who);
            match decisions::take_in(&desk, mall, &file.bytes, file.encoding, dry_run).await {
                Ok(decided) => Ok(Outcome::new(&decided, state)),
                Err(DecisionsError::File(problem)) => Err(NotTaken::Unfit(problem.localized(lang))),
                Err(error) => return Err(Refusal::failed(&error)),
            }
        }
    };
    if !dry_run {
        app.wake.notify_one();
    }
    Ok(taken)
}

async fn orders(
    app: &App,
    file: &FileImport,
    mall: &Mall,
    who: &str,
    dry_run: bool,
    lang: Lang,
) -> Result<Result<Outcome, NotTaken>, Refusal> {
    let t = texts(lang);
    let Some(plugin) = app.registry.get(&mall.provider) else {
        let missing = Issue::ProviderMissing { provider: mall.provider.clone() };
        return Ok(Err(NotTaken::Unfit(missing.localized(lang))));
    };
    let known = if file.correct { Known::Corrected { who } } else { Known::Kept };
    let FileImport { bytes, encoding, take, .. } = file;
    let incoming = import::Incoming { bytes, encoding: *encoding, take, known, dry_run };
    let words = |taken: &Taken| {
        let amounts = &taken.order.amounts;
        let text = if taken.corrected { t.order_corrected } else { t.order_taken };
        fill(text, &[&yen(amounts.billed), &yen(amounts.payment_fee)])
    };
    match import::run(&app.store, mall, &plugin, incoming).await {
        Ok(done) => Ok(Ok(Outcome::new(&done.imported, words))),
        Err(ImportError::Asks(question)) => Ok(Err(NotTaken::Asks(question))),
        Err(ImportError::File(problem)) => Ok(Err(NotTaken::Unfit(problem.localized(lang)))),
        Err(error) => Err(Refusal::failed(&error)),
    }
}

/// The file; nothing if it had more than [`MAX_EXPORT`] orders.
pub async fn write(app: &App, what: FileKind, query: &ListQuery, charset: Charset) -> Result<Option<Vec<u8>>, Refusal> {
    if app.store.matching(query, MAX_EXPORT + 1).await?.len() > MAX_EXPORT {
        return Ok(None);
    }
    Ok(Some(match what {
        FileKind::Results => results::write_out(&app.store, query, charset).await?.bytes,
        FileKind::Decisions => decisions::write_out(&app.store, query, charset).await?,
        FileKind::Orders => table::write(ORDER_COLUMNS, order_lines(app, query).await?, charset),
    }))
}

/// The columns of exported orders. The mall's own words, as its people know no others.
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

async fn order_lines(app: &App, query: &ListQuery) -> Result<Vec<[String; 14]>, Refusal> {
    let names = DisplayNames::of(app, Lang::Ja).await?;
    let (mut lines, mut position) = (Vec::new(), Position::First);
    loop {
        let page = app.store.page(query, position, MAX_PAGE).await?;
        lines.extend(page.orders.into_iter().map(|order| {
            [
                order.mall.clone(),
                order.number.clone(),
                clock::timestamp(order.ordered_at),
                order.order_status.clone().unwrap_or_default(),
                order.buyer.clone(),
                names.provider(&order.provider),
                order.state.localized(Lang::Ja).to_owned(),
                order.total().to_string(),
                order.amounts.payment_fee.to_string(),
                order.amounts.billed.to_string(),
                order.transaction_id.clone().unwrap_or_default(),
                order.carrier.as_ref().map(|id| names.carrier(&order.provider, id)).unwrap_or_default(),
                order.tracking_number.clone().unwrap_or_default(),
                order.shipped_on.clone().unwrap_or_default(),
            ]
        }));
        match page.older {
            Some(key) => position = Position::After(key),
            None => return Ok(lines),
        }
    }
}

/// The orders of a batch that did not go well: they stay ticked.
pub async fn left_over(app: &App, batch: i64) -> Result<BTreeSet<i64>, Refusal> {
    let rows = app.store.batch_rows(batch, 0, MAX_BATCH as i64).await?;
    let failed = |row: &&BatchRow| row.outcome.is_some_and(|outcome| outcome != credit_state::Outcome::Success);
    Ok(rows.iter().filter(failed).map(|row| row.order).collect())
}

/// What is wrong with a mall apart from what its provider says: the field, the words. A field of several rows has the
/// words of all of them.
pub fn name_problems(mall: &Mall, provider_is_loaded: bool, lang: Lang) -> Vec<(String, String)> {
    let mut problems: Vec<(String, String)> = Vec::new();
    for MallProblem { key, wrong } in shape_problems(mall) {
        let (field, words) = match key.split_once('.') {
            Some((field @ ("headings" | "take"), row)) => {
                (field.to_owned(), format!("{row}: {}", wrong.localized(lang)))
            }
            _ => (key, wrong.localized(lang)),
        };
        match problems.iter_mut().find(|(known, _)| *known == field) {
            Some((_, known)) => *known = format!("{known} / {words}"),
            None => problems.push((field, words)),
        }
    }
    let is_named = problems.iter().any(|(field, _)| field == "provider");
    let unknown =
        (!provider_is_loaded && !is_named).then(|| ("provider".to_owned(), texts(lang).provider_wrong.to_owned()));
    problems.extend(unknown);
    problems
}
