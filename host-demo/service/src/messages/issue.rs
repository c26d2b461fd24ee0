//! An issue of an order as people read it: what happened, the provider's own code and message, and what to do.

use super::happened::happened;
use super::localize::Localize;
use super::next_step::next_step;
use domain::issue::{Field, Issue, ProviderMessage};
use domain::lang::Lang;

/// What happened, the provider's message, what to do next: one line.
impl Localize for Issue {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let next = next_step(self, lang);
        format!("{}{}{next}", summary(self, lang), lang.pick("", if next.is_empty() { "" } else { " " }))
    }
}

/// What happened and the provider's message, without what to do.
pub fn summary(issue: &Issue, lang: Lang) -> String {
    let (what, message) = (happened(issue, lang), provider_message(issue, lang));
    match message.is_empty() {
        true => lang.pick(format!("{what}。"), format!("{what}.")),
        false => lang.pick(format!("{what}。「{message}」"), format!("{what}: \"{message}\"")),
    }
}

/// What happened, and what to do, apart from each other.
pub fn what_and_next(issue: &Issue, lang: Lang) -> (String, String) {
    (happened(issue, lang).into_owned(), next_step(issue, lang).to_owned())
}

/// The provider's own code and message; empty where it answered none.
pub fn provider_message(issue: &Issue, lang: Lang) -> String {
    match issue {
        Issue::Rejected { said } | Issue::OnHold { said } => joined(said.iter().map(ProviderMessage::to_string)),
        Issue::Invalid { fields } => joined(fields.iter().map(|field| field.localized(lang))),
        Issue::Unauthorized { said }
        | Issue::Already { said }
        | Issue::Refused { said }
        | Issue::NotSent { said, .. }
        | Issue::Busy { said, .. }
        | Issue::AnswerLost { said }
        | Issue::NeedsPerson { said }
        | Issue::RefusedAndNothingThere { said }
        | Issue::ByCsv { said } => said.to_string(),
        Issue::Unsupported { .. }
        | Issue::ProcessDied
        | Issue::TooEarly { .. }
        | Issue::NothingThere
        | Issue::Vanished { .. }
        | Issue::AnotherId { .. }
        | Issue::IdTaken { .. }
        | Issue::CannotAsk { .. }
        | Issue::CannotTell { .. }
        | Issue::IdMissing
        | Issue::ProviderMissing { .. }
        | Issue::ShuttingDown
        | Issue::Unusable { .. }
        | Issue::NotRecorded { .. }
        | Issue::TooLarge { .. }
        | Issue::NothingToBill
        | Issue::NoEnclosedInvoice
        | Issue::CarrierUnsupported { .. }
        | Issue::NotOffered { .. }
        | Issue::Changed
        | Issue::Stopped { .. }
        | Issue::ResultsByCsv
        | Issue::Recorded { .. } => String::new(),
    }
}

fn joined(messages: impl Iterator<Item = String>) -> String {
    messages.collect::<Vec<_>>().join(" / ")
}

/// A field's name and what is wrong with it. The plugins' messages are Japanese; in English the codes that all plugins
/// share are translated, and any other is shown with its message as it came.
impl Localize for Field {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let Self { field: name, said } = self;
        let code = said.code.as_deref().unwrap_or_default();
        let english = SHARED_CODES.iter().find(|(known, _)| *known == code).map(|(_, message)| *message);
        match (lang, english) {
            (Lang::En, Some(message)) => format!("{name}: {message} ({code})"),
            _ if code.is_empty() => format!("{name}: {}", said.message),
            _ => format!("{name}: {} ({code})", said.message),
        }
    }
}

/// The codes with which every plugin built on the SDK names what is wrong with a field.
const SHARED_CODES: &[(&str, &str)] = &[
    ("unknown-setting", "there is no setting of this name"),
    ("setting-twice", "this setting is there twice"),
    ("required", "a value is required"),
    ("too-long", "the value is too long"),
    ("not-digits", "only ASCII digits are allowed"),
    ("not-a-url", "must be a URL that begins with http:// or https://"),
    ("not-a-choice", "must be one of the listed values"),
    ("too-many-bands", "too many fee bands"),
    ("negative-fee", "a fee must not be negative"),
    ("amount-range", "the amount is out of range"),
    ("backwards", "the band runs backwards, or lies below the one before it"),
    ("open-band", "only the last band may be open"),
    ("overlap", "the band overlaps the one before it"),
    ("gap", "there is a gap between this band and the one before it"),
];
