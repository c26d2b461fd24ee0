//! What the kit found: a row for each check, for people and for machines.

//!
//! | module | holds |
//! |---|---|
//! | [`junit`] | as test results of a build server |
//! | [`html`] | as a page |

mod html;
mod junit;

use crate::masks::Masks;
use crate::words::{Lang, Words};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// Reasons shown for one check; the first few say what is wrong, a hundred hide it.
const MAX_REASONS: usize = 8;
/// Characters of a request or an answer that are shown: a head and a form of some twenty fields.
const MAX_EXCHANGE: usize = 2_000;
/// Columns of a report for people: what a terminal and a mail show without wrapping.
const COLUMNS: usize = 100;
/// Where the reasons of a check begin: behind its mark.
const INDENT: &str = "       ";

/// What came of a check.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The plugin keeps the rule.
    Passed,
    /// It does not, for these reasons.
    Failed(Vec<Finding>),
    /// The rule is not about this plugin, or could not be tried; why.
    NotApplicable(Words),
}

impl Outcome {
    /// Passed if there is no reason against it.
    pub fn of<F: Into<Finding>>(reasons: impl IntoIterator<Item = F>) -> Self {
        let mut reasons: Vec<Finding> = reasons.into_iter().map(Into::into).collect();
        reasons.dedup_by(|a, b| a.words == b.words);
        if reasons.is_empty() { Self::Passed } else { Self::Failed(reasons) }
    }

    /// Mark for people and name for machines.
    fn names(&self) -> (Words, &'static str) {
        match self {
            // The Japanese marks are equally wide, so the columns behind them stand in line.
            Self::Passed => (Words::new("合格　", "passed"), "passed"),
            Self::Failed(_) => (Words::new("不合格", "FAILED"), "failed"),
            Self::NotApplicable(_) => (Words::new("対象外", "n/a   "), "not-applicable"),
        }
    }

    fn reasons(&self) -> Vec<&Words> {
        match self {
            Self::Passed => Vec::new(),
            Self::Failed(reasons) => reasons.iter().map(|finding| &finding.words).collect(),
            Self::NotApplicable(reason) => vec![reason],
        }
    }

    /// The first request and answer that showed the failure.
    fn exchange(&self) -> Option<&Exchange> {
        let Self::Failed(findings) = self else { return None };
        findings.iter().find_map(|finding| finding.exchange.as_ref())
    }

    /// Without the values that `masks` hides.
    pub fn masked(self, masks: &Masks) -> Self {
        match self {
            Self::Failed(findings) => Self::Failed(findings.into_iter().map(|finding| finding.masked(masks)).collect()),
            other => other,
        }
    }
}

/// Why a check failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The reason.
    pub words: Words,
    /// What showed it; absent where a component was not loaded, so that it was asked nothing.
    pub exchange: Option<Exchange>,
}

impl From<Words> for Finding {
    fn from(words: Words) -> Self {
        Self { words, exchange: None }
    }
}

impl Finding {
    fn masked(self, masks: &Masks) -> Self {
        let hide = |words: &Words| words.map(|text| masks.hide(text));
        let exchange = self
            .exchange
            .map(|Exchange { request, answer }| Exchange { request: hide(&request), answer: hide(&answer) });
        Self { words: hide(&self.words), exchange }
    }
}

/// A request of the plugin with its answer; where no request is involved, the call and what the plugin answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// What was sent, or asked of the plugin.
    pub request: Words,
    /// What came back.
    pub answer: Words,
}

/// A check and its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Stable: `fault.read-close`.
    pub id: String,
    /// What is checked.
    pub what: Words,
    /// What to do where it fails.
    pub advice: Words,
    /// What came of it.
    pub outcome: Outcome,
}

/// Everything that the kit found out about one plugin.
#[derive(Debug, Clone)]
pub struct Report {
    /// The plugin: its id and version, or the file's name where it could not be loaded.
    pub subject: String,
    /// Every check, in the order of the table.
    pub rows: Vec<Row>,
    /// Where the generator of odd inputs started.
    pub seed: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// The command that judges again; with `--only ID` behind it, one check.
    pub command: String,
}

impl Report {
    /// Whether no check failed.
    pub fn passed(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| matches!(row.outcome, Outcome::Failed(_)))
    }

    /// The report for people.
    pub fn text(&self, lang: Lang) -> String {
        let mut text = format!("{}\n\n", self.subject);
        let widest = self.rows.iter().map(|row| row.id.len()).max().unwrap_or_default();
        for row in &self.rows {
            let head = format!("{} {:widest$}  ", row.outcome.names().0.in_lang(lang), row.id);
            let _ = writeln!(text, "{}", filled(&head, row.what.in_lang(lang)));
            self.reasons(&mut text, row, lang);
        }
        text + &self.summary(lang)
    }

    fn summary(&self, lang: Lang) -> String {
        let count = |name| self.rows.iter().filter(|row| row.outcome.names().1 == name).count();
        let (passed, failed, rest) = (count("passed"), count("failed"), count("not-applicable"));
        let (seed, seconds) = (self.seed, self.elapsed.as_secs_f64());
        let words = Words::new(
            format!("\n合格 {passed}  不合格 {failed}  対象外 {rest}  （{seconds:.1}秒、乱数の種 {seed}）\n"),
            format!("\n{passed} passed, {failed} failed, {rest} not applicable  ({seconds:.1} s, seed {seed})\n"),
        );
        words.in_lang(lang).to_owned()
    }

    /// The report for machines.
    pub fn json(&self, lang: Lang) -> Value {
        let row = |row: &Row| {
            let reasons: Vec<_> = row.outcome.reasons().iter().map(|words| words.in_lang(lang)).collect();
            let mut value = json!({
                "id": row.id,
                "what": row.what.in_lang(lang),
                "outcome": row.outcome.names().1,
                "reasons": reasons,
                "advice": row.advice.in_lang(lang),
            });
            if matches!(row.outcome, Outcome::Failed(_)) {
                value["repeat"] = self.repeat(row).into();
            }
            if let Some(Exchange { request, answer }) = row.outcome.exchange() {
                value["request"] = request.in_lang(lang).into();
                value["answer"] = answer.in_lang(lang).into();
            }
            value
        };
        json!({
            "subject": self.subject,
            "passed": self.passed(),
            "seconds": self.elapsed.as_secs_f64(),
            "seed": self.seed,
            "checks": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }

    /// The report as test results of a build server, in the form of `JUnit`.
    pub fn junit(&self, lang: Lang) -> Result<String, CannotWrite> {
        junit::report(self, lang).map_err(|error| CannotWrite(error.to_string()))
    }

    /// The report as a page that needs no other file.
    pub fn html(&self, lang: Lang) -> Result<String, CannotWrite> {
        html::report(self, lang).map_err(|error| CannotWrite(error.to_string()))
    }

    /// The command that judges by the check of `row` alone.
    fn repeat(&self, row: &Row) -> String {
        format!("{} --only {}", self.command, row.id)
    }

    fn reasons(&self, text: &mut String, row: &Row, lang: Lang) {
        let point = format!("{INDENT}- ");
        let reasons = row.outcome.reasons();
        for reason in reasons.iter().take(MAX_REASONS) {
            let _ = writeln!(text, "{}", filled(&point, reason.in_lang(lang)));
        }
        if let Some(more) = reasons.len().checked_sub(MAX_REASONS).filter(|more| *more > 0) {
            let words = Words::new(format!("ほか{more}件"), format!("{more} more"));
            let _ = writeln!(text, "{point}{}", words.in_lang(lang));
        }
        if !matches!(row.outcome, Outcome::Failed(_)) {
            return;
        }
        let label = format!("{INDENT}→ {}: ", lang.pick("対処", "to do"));
        let _ = writeln!(text, "{}", filled(&label, row.advice.in_lang(lang)));
        if let Some(Exchange { request, answer }) = row.outcome.exchange() {
            block(text, lang.pick("要求　", "request"), request.in_lang(lang));
            block(text, lang.pick("応答　", "answer "), answer.in_lang(lang));
        }
        block(text, lang.pick("再実行", "repeat "), &self.repeat(row));
    }
}

/// A report could not be put into its form; why.
#[derive(Debug, thiserror::Error)]
#[error("the report cannot be written: {0}")]
pub struct CannotWrite(String);

/// `body` line by line under `label`, cut where it is long.
fn block(text: &mut String, label: &str, body: &str) {
    let mut head = format!("{INDENT}  {label}  ");
    for line in cut(body).trim_end().lines() {
        let _ = writeln!(text, "{}", filled(&head, line).trim_end());
        head = " ".repeat(textwrap::core::display_width(&head));
    }
}

/// `text` without what is behind [`MAX_EXCHANGE`] characters, and without the characters that terminals obey.
fn cut(text: &str) -> String {
    let readable = |c: char| if c.is_control() && c != '\n' { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().take(MAX_EXCHANGE).map(readable).collect();
    if text.chars().nth(MAX_EXCHANGE).is_some() {
        shown.push('…');
    }
    shown
}

/// `words` behind `head`, in lines of at most [`COLUMNS`], the further ones under the first.
fn filled(head: &str, words: &str) -> String {
    let below = " ".repeat(textwrap::core::display_width(head));
    let options = textwrap::Options::new(COLUMNS).initial_indent(head).subsequent_indent(&below);
    // A name like outcome-unknown is searched for whole.
    textwrap::fill(words, options.word_splitter(textwrap::WordSplitter::NoHyphenation))
}
