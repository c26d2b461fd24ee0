//! An issue of an order as people read it: what happened, the provider's own code and message, and what to do.

use super::field_name::{field_name, is_of_program};
use super::happened::happened;
use super::localize::Localize;
use super::next_step::{Situation, next_step};
use super::transport;
use domain::issue::{Field, Issue, ProviderMessage, SendFailure};
use domain::lang::Lang;

/// What happened, the provider's message, what to do next: one line.
pub fn sentence(issue: &Issue, situation: &Situation, lang: Lang) -> String {
    let next = next_step(issue, situation, lang);
    format!("{}{}{next}", summary(issue, lang), lang.pick("", if next.is_empty() { "" } else { " " }))
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
pub fn what_and_next(issue: &Issue, situation: &Situation, lang: Lang) -> (String, String) {
    (happened(issue, lang).into_owned(), next_step(issue, situation, lang))
}

/// The provider's own code and message; empty where it answered none.
pub fn provider_message(issue: &Issue, lang: Lang) -> String {
    match issue {
        Issue::Rejected { said } | Issue::OnHold { said } => joined(said.iter().map(|said| message(said, lang))),
        Issue::Invalid { fields } => joined(fields.iter().map(|field| field.localized(lang))),
        // The platform's own words say it all.
        Issue::NotSent { cause, .. }
            if cause.is_of_tls() || matches!(cause, SendFailure::DestinationForbidden | SendFailure::ClaimTooOld) =>
        {
            String::new()
        }
        Issue::Unauthorized { said }
        | Issue::Already { said }
        | Issue::Refused { said }
        | Issue::NotSent { said, .. }
        | Issue::Busy { said, .. }
        | Issue::AnswerLost { said }
        | Issue::NeedsPerson { said }
        | Issue::RefusedAndNothingThere { said }
        | Issue::ByCsv { said } => message(said, lang),
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
        | Issue::CreditPaused { .. }
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
        | Issue::PossiblyByFile
        | Issue::PossibleDuplicate { .. }
        | Issue::Recorded { .. } => String::new(),
    }
}

fn joined(messages: impl Iterator<Item = String>) -> String {
    messages.collect::<Vec<_>>().join(" / ")
}

/// A code and a message as they are shown: a provider's code once, and none of the program's.
fn message(said: &ProviderMessage, lang: Lang) -> String {
    if let Some(words) = transport::words(said, lang) {
        return words.to_owned();
    }
    match said.code.as_deref() {
        Some(code) if !code.is_empty() && !is_of_program(code) && !said.message.contains(code) => {
            format!("{code} {}", said.message)
        }
        _ => said.message.clone(),
    }
}

/// A field's name and what is wrong with it.
impl Localize for Field {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let wrong = what_is_wrong(&self.said, lang);
        field_name(&self.field, lang).map_or_else(|| wrong.clone(), |name| format!("{name}: {wrong}"))
    }
}

/// What is wrong with a field. The plugins' messages are Japanese; in English the codes that all plugins share are
/// translated, and any other is shown with its message as it came.
pub fn what_is_wrong(said: &ProviderMessage, lang: Lang) -> String {
    let code = said.code.as_deref().unwrap_or_default();
    let english = SHARED_CODES.iter().find(|(known, _)| *known == code).map(|(_, message)| (*message).to_owned());
    english.filter(|_| lang == Lang::En).unwrap_or_else(|| message(said, lang))
}

/// The codes with which every plugin built on the SDK names what is wrong with a field.
const SHARED_CODES: &[(&str, &str)] = &[
    ("unknown-setting", "there is no setting of this name"),
    ("setting-twice", "this setting is there twice"),
    ("required", "a value is required"),
    ("too-long", "the value is too long"),
    ("too-short", "the value is too short"),
    ("characters", "the value has characters that the provider does not know"),
    ("prefecture", "must be one of the 47 prefectures, in Japanese"),
    ("postal-code", "must have seven digits"),
    ("phone", "must be a telephone number of Japan"),
    ("email", "must be an e-mail address such as name@example.jp"),
    ("kana", "must be in kana"),
    ("out-of-range", "the number is out of the provider's range"),
    ("not-a-date", "there is no such day"),
    ("not-the-sum", "is not the sum of lines, shipping and fee"),
    ("tax-rate", "the provider does not know this tax rate"),
    ("carrier", "the provider does not report this carrier"),
    ("slip", "must have ASCII letters, digits and hyphens only"),
    ("check-digit", "the check digit is wrong: a digit was mistyped"),
    ("no-transaction-id", "the provider's transaction id is not known"),
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
