//! What the kit found: a row for each check, for people and for machines.

use crate::words::{Lang, Words};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// Reasons shown for one check; the first few say what is wrong, a hundred hide it.
const MAX_REASONS: usize = 8;
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
    Failed(Vec<Words>),
    /// The rule is not about this plugin, or could not be tried; why.
    NotApplicable(Words),
}

impl Outcome {
    /// Passed if there is no reason against it.
    pub fn of(mut reasons: Vec<Words>) -> Self {
        reasons.dedup();
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

    fn reasons(&self) -> &[Words] {
        match self {
            Self::Passed => &[],
            Self::Failed(reasons) => reasons,
            Self::NotApplicable(reason) => std::slice::from_ref(reason),
        }
    }
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
            reasons(&mut text, row, lang);
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
            json!({
                "id": row.id,
                "what": row.what.in_lang(lang),
                "outcome": row.outcome.names().1,
                "reasons": reasons,
                "advice": row.advice.in_lang(lang),
            })
        };
        json!({
            "subject": self.subject,
            "passed": self.passed(),
            "seconds": self.elapsed.as_secs_f64(),
            "seed": self.seed,
            "checks": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

fn reasons(text: &mut String, row: &Row, lang: Lang) {
    let point = format!("{INDENT}- ");
    let reasons = row.outcome.reasons();
    for reason in reasons.iter().take(MAX_REASONS) {
        let _ = writeln!(text, "{}", filled(&point, reason.in_lang(lang)));
    }
    if let Some(more) = reasons.len().checked_sub(MAX_REASONS).filter(|more| *more > 0) {
        let words = Words::new(format!("ほか{more}件"), format!("{more} more"));
        let _ = writeln!(text, "{point}{}", words.in_lang(lang));
    }
    if matches!(row.outcome, Outcome::Failed(_)) {
        let label = Words::new("対処", "to do");
        let label = format!("{INDENT}→ {}: ", label.in_lang(lang));
        let _ = writeln!(text, "{}", filled(&label, row.advice.in_lang(lang)));
    }
}

/// `words` behind `head`, in lines of at most [`COLUMNS`], the further ones under the first.
fn filled(head: &str, words: &str) -> String {
    let below = " ".repeat(textwrap::core::display_width(head));
    let options = textwrap::Options::new(COLUMNS).initial_indent(head).subsequent_indent(&below);
    // A name like outcome-unknown is searched for whole.
    textwrap::fill(words, options.word_splitter(textwrap::WordSplitter::NoHyphenation))
}
