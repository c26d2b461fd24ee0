//! What is wrong with the settings of a mall, at the fields that page and API share.

use crate::web::http::page::texts;
use domain::lang::Lang;
use domain::validation::MallProblem;
use service::malls::MallProblems;
use service::messages::localize::Localize;

/// What is wrong with a mall apart from what its provider says: the field and the message. A field of several rows has
/// the messages of all of them.
pub(crate) fn own_problems(found: &MallProblems, lang: Lang) -> Vec<(String, String)> {
    let mut problems: Vec<(String, String)> = Vec::new();
    for MallProblem { key, wrong } in &found.own {
        let (field, message) = match key.split_once('.') {
            Some((field @ "take", row)) => (field.to_owned(), format!("{row}: {}", wrong.localized(lang))),
            _ => (key.clone(), wrong.localized(lang)),
        };
        match problems.iter_mut().find(|(known, _)| *known == field) {
            Some((_, all)) => *all = format!("{all} / {message}"),
            None => problems.push((field, message)),
        }
    }
    let is_named = problems.iter().any(|(field, _)| field == "provider");
    if found.of_provider.is_none() && !is_named {
        problems.push(("provider".to_owned(), texts(lang).provider_wrong.to_owned()));
    }
    problems
}
