//! What the import of a file did, in the texts that page and API share.

use crate::web::http::page::texts;
use crate::web::http::refusal::Refusal;
use crate::web::state::App;
use crate::web::texts::fill;
use domain::issue::Issue;
use domain::lang::Lang;
use service::csv::error::{FileError, InvalidOrder};
use service::csv::mapping::preset::{self, Preset};
use service::csv::row_result::{FileReport, RowCounts};
use service::csv::selection::Question;
use service::import::{Follow, ImportedOrder};
use service::messages::format::yen;
use service::messages::issue::sentence;
use service::messages::localize::Localize;
use service::messages::next_step::Situation;
use service::results::ResultsError;
use service::transfer::{self, FileImport, ImportReport, TransferError};

/// What an import did, or would do.
pub(crate) struct ImportOutcome {
    /// How many rows had which result.
    pub counts: RowCounts,
    /// Orders that were gathered from rows between which other orders stand.
    pub gathered: usize,
    /// New orders that may be others that are there.
    pub similar: usize,
    /// The first ones: the line, the number of the order, what happens to it.
    pub taken: Vec<(u64, String, String)>,
    /// Those that are refused.
    pub bad: Vec<InvalidOrder>,
}

impl ImportOutcome {
    fn new(report: &ImportReport, lang: Lang) -> Self {
        let t = texts(lang);
        let order = |imported: &ImportedOrder| {
            let amounts = &imported.order.amounts;
            let text = if imported.corrected { t.order_corrected } else { t.order_taken };
            fill(text, &[&yen(amounts.billed), &yen(amounts.payment_fee)])
        };
        let taken = match report {
            ImportReport::Orders { report, .. } => lines(report, order),
            ImportReport::States(report) => lines(report, |state| state.localized(lang).to_owned()),
        };
        Self {
            counts: report.counts(),
            gathered: report.gathered(),
            similar: report.similar(),
            taken,
            bad: report.refused(),
        }
    }
}

fn lines<T>(report: &FileReport<T>, text: impl Fn(&T) -> String) -> Vec<(u64, String, String)> {
    report.taken().map(|(line, number, taken)| (line, number.to_owned(), text(taken))).collect()
}

/// Why nothing of a file was imported.
pub(crate) enum FileRefusal {
    /// The file cannot be imported; the text says why.
    Unfit(String),
    /// The operator has to say which of its orders are taken.
    ChoiceNeeded(Question),
    /// The mall's mapping does not read it, and these presets do; the text says so.
    Recognised(String, Vec<&'static Preset>),
}

/// Imports a file for the user or token `who`, or says what that would do. `follow` is told how far it is.
pub(crate) async fn import_file(
    app: &App,
    file: &FileImport,
    who: &str,
    dry_run: bool,
    lang: Lang,
    follow: &Follow<'_>,
) -> Result<Result<ImportOutcome, FileRefusal>, Refusal> {
    let report = transfer::import_file(&app.credit.of(who), file, dry_run, follow).await;
    if !dry_run {
        app.wake.notify_one();
    }
    let text = match report {
        Ok(report) => return Ok(Ok(ImportOutcome::new(&report, lang))),
        Err(TransferError::ChoiceNeeded(question)) => return Ok(Err(FileRefusal::ChoiceNeeded(question))),
        Err(TransferError::NoMall(id)) => return Err(Refusal::no_mall(&id)),
        Err(TransferError::File(error)) => match &error {
            FileError::Recognised(ids) => {
                let presets = ids.iter().filter_map(|id| preset::find(id)).collect();
                return Ok(Err(FileRefusal::Recognised(error.localized(lang), presets)));
            }
            _ => error.localized(lang),
        },
        Err(TransferError::NotByCsv(mall)) => ResultsError::NotByCsv(mall).localized(lang),
        Err(TransferError::ProviderMissing(provider)) => {
            sentence(&Issue::ProviderMissing { provider }, &Situation::without_order(), lang)
        }
        Err(error @ (TransferError::Fee { .. } | TransferError::Credit(_) | TransferError::Store(_))) => {
            return Err(Refusal::failed(&error));
        }
    };
    Ok(Err(FileRefusal::Unfit(text)))
}
