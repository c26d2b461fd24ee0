//! The report as test results of a build server.

use super::{Exchange, Outcome, Report, Row};
use crate::words::Lang;
use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite};

pub(super) fn report(report: &Report, lang: Lang) -> Result<String, SerializeError> {
    let mut suite = TestSuite::new(report.subject.clone());
    suite.set_time(report.elapsed);
    suite.add_test_cases(report.rows.iter().map(|row| case(report, row, lang)));
    let mut results = quick_junit::Report::new("provider check");
    results.set_time(report.elapsed);
    results.add_test_suite(suite);
    results.to_string()
}

fn case(report: &Report, row: &Row, lang: Lang) -> TestCase {
    let reasons = || row.outcome.reasons().iter().map(|words| words.in_lang(lang)).collect::<Vec<_>>().join("\n");
    let status = match &row.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::NotApplicable(_) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reasons());
            status
        }
        Outcome::Failed(_) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(reasons());
            let mut body = format!("{}\n→ {}\n", reasons(), row.advice.in_lang(lang));
            if let Some(Exchange { request, answer }) = row.outcome.exchange() {
                body += &format!("\n{}\n\n{}\n", super::cut(request.in_lang(lang)), super::cut(answer.in_lang(lang)));
            }
            status.set_description(body + "\n" + &report.repeat(row) + "\n");
            status
        }
    };
    // The group is the class, so that build servers sort by it.
    let mut case = TestCase::new(row.id.clone(), status);
    case.set_classname(row.id.split('.').next().unwrap_or_default());
    case
}
