//! The report as a page.

use super::{Exchange, Outcome, Report, Row};
use crate::words::Lang;
use askama::Template;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    lang: Lang,
    report: &'a Report,
    rows: Vec<Line<'a>>,
    summary: String,
}

/// A check as the page shows it.
struct Line<'a> {
    row: &'a Row,
    class: &'static str,
    mark: &'a str,
    what: &'a str,
    advice: &'a str,
    reasons: Vec<&'a str>,
    request: String,
    answer: String,
    repeat: String,
}

pub(super) fn report(report: &Report, lang: Lang) -> Result<String, askama::Error> {
    let rows = report.rows.iter().map(|row| line(report, row, lang)).collect();
    Page { lang, report, rows, summary: report.summary(lang) }.render()
}

fn line<'a>(report: &Report, row: &'a Row, lang: Lang) -> Line<'a> {
    let (class, mark) = match row.outcome {
        Outcome::Passed => ("passed", lang.pick("合格", "passed")),
        Outcome::Failed(_) => ("failed", lang.pick("不合格", "FAILED")),
        Outcome::NotApplicable(_) => ("rest", lang.pick("対象外", "n/a")),
    };
    let text = |part: fn(&Exchange) -> &crate::words::Words| {
        row.outcome.exchange().map_or_else(String::new, |exchange| super::cut(part(exchange).in_lang(lang)))
    };
    Line {
        row,
        class,
        mark,
        what: row.what.in_lang(lang),
        advice: row.advice.in_lang(lang),
        reasons: row.outcome.reasons().iter().map(|words| words.in_lang(lang)).collect(),
        request: text(|exchange| &exchange.request),
        answer: text(|exchange| &exchange.answer),
        repeat: report.repeat(row),
    }
}
