//! Tables and progress in a terminal.

use crate::terminal::visible;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use domain::credit_state::Outcome;
use domain::lang::Lang;
use indicatif::{ProgressBar, ProgressStyle};
use service::credit::CreditRow;
use service::import::ImportProgress;
use service::messages::localize::Localize;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Columns of the terminal that the output is made for; Japanese characters take two.
const WIDTH: u16 = 100;
/// Where there is no terminal to draw a bar in, a line is written this often.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Lines above, below and under the headings; none between rows, for there are many of them.
const RULED: TableStyle = TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE);
const RULE: LineStyle = LineStyle::none().fill('─').junction('─');

/// A table of at most [`WIDTH`] columns.
pub fn table<const N: usize>(headings: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table
        .load_style(RULED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(headings)
        // Before it is laid out: what is not shown takes no column.
        .add_rows(rows.into_iter().map(|row| row.map(|cell| visible(&cell))));
    table.trim_fmt()
}

/// Names and values, one under the other.
pub fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .add_rows(pairs.into_iter().map(|(name, value)| [name.to_owned(), visible(&value)]));
    table.trim_fmt()
}

/// `¥1,590` without the sign.
pub fn yen(yen: i64) -> String {
    let digits = yen.unsigned_abs().to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    format!("{}{}", if yen < 0 { "-" } else { "" }, groups.join(","))
}

/// How many rows succeeded, failed and are unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    success: usize,
    failure: usize,
    unknown: usize,
}

impl Counts {
    /// Of `rows`.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a CreditRow>) -> Self {
        let mut counts = Self::default();
        rows.into_iter().for_each(|row| counts.add(row.outcome));
        counts
    }

    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Success => self.success += 1,
            Outcome::Failure => self.failure += 1,
            Outcome::Unknown => self.unknown += 1,
        }
    }

    /// Whether every row succeeded.
    pub fn all_well(self) -> bool {
        self.failure + self.unknown == 0
    }

    /// `成功 40 / 失敗 3 / 不明 1`.
    pub fn text(self, lang: Lang) -> String {
        [(Outcome::Success, self.success), (Outcome::Failure, self.failure), (Outcome::Unknown, self.unknown)]
            .map(|(outcome, count)| format!("{} {count}", outcome.localized(lang)))
            .join(" / ")
    }
}

/// A bar, where there is a terminal to draw it in.
fn bar(template: &str) -> Option<ProgressBar> {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    std::io::stderr().is_terminal().then(|| ProgressBar::no_length().with_style(style.progress_chars("=> ")))
}

/// Progress of a long operation, on the error stream: a bar in a terminal, a line now and then elsewhere.
pub struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    lang: Lang,
    so_far: Mutex<(Counts, Instant)>,
}

impl Progress {
    /// Of `total` orders.
    pub fn new(what: &str, total: usize, lang: Lang) -> Self {
        let bar = bar("{prefix} [{bar:30}] {pos}/{len} {msg}").map(|bar| {
            bar.set_length(total as u64);
            bar.with_prefix(what.to_owned())
        });
        Self { bar, total, lang, so_far: Mutex::new((Counts::default(), Instant::now())) }
    }

    /// One more row. A row that is asked about again counts again.
    pub fn row(&self, row: &CreditRow) {
        let Ok(mut so_far) = self.so_far.lock() else { return };
        let (counts, last_line) = &mut *so_far;
        counts.add(row.outcome);
        let words = counts.text(self.lang);
        match &self.bar {
            Some(bar) => {
                bar.set_message(words);
                bar.inc(1);
            }
            None if last_line.elapsed() >= LINE_EVERY => {
                *last_line = Instant::now();
                let done = counts.success + counts.failure + counts.unknown;
                eprintln!("{done}/{} {words}", self.total);
            }
            None => {}
        }
    }

    /// Takes the bar away; the table of results says it all.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Progress of an import, on the error stream as [`Progress`] is.
pub struct RowProgress {
    bar: Option<ProgressBar>,
    lang: Lang,
    last_line: Mutex<Instant>,
}

impl RowProgress {
    /// Of a file that was not read yet.
    pub fn new(lang: Lang) -> Self {
        let bar = bar("{prefix} [{bar:30}] {pos}/{len}");
        Self { bar, lang, last_line: Mutex::new(Instant::now()) }
    }

    /// How far it is now.
    pub fn show(&self, now: ImportProgress) {
        let Some(bar) = &self.bar else {
            let Ok(mut last_line) = self.last_line.lock() else { return };
            if last_line.elapsed() >= LINE_EVERY {
                *last_line = Instant::now();
                eprintln!("{}", now.localized(self.lang));
            }
            return;
        };
        bar.set_prefix(now.step.localized(self.lang));
        bar.set_length(now.total as u64);
        bar.set_position(now.done as u64);
    }

    /// Takes the bar away; the counts say it all.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped() {
        assert_eq!([0, 1590, -45015, 1234567].map(yen), ["0", "1,590", "-45,015", "1,234,567"]);
    }

    #[test]
    fn a_table_keeps_to_its_width_and_aligns_double_width_characters() {
        let table = table(["注文番号", "状態"], [["A-1".into(), "[与信OK]".into()], ["A-2".into(), "長".repeat(90)]]);
        let widths: Vec<_> = table.lines().map(unicode_width::UnicodeWidthStr::width).collect();
        assert!(widths.iter().all(|width| *width <= usize::from(WIDTH)), "{table}");
    }
}
