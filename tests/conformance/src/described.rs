//! What a plugin says of itself: whole, in both languages, and true.

use crate::faults::EMPTY;
use crate::report::{Finding, Outcome};
use crate::session::{Operation, Rows, Session, shown};
use crate::words::{Words, say};
use provider_host::contract::{Capability, Label, ProviderInfo, SettingKind};
use provider_host::{Origin, RowOutcome};
use std::collections::HashSet;

/// The outcome of what `describe` says, by the `part` of it that was looked at.
fn outcome(reasons: impl IntoIterator<Item = Words>, part: &impl std::fmt::Debug) -> Outcome {
    Outcome::of(reasons.into_iter().map(|words| words.shown_by("describe", shown(part))))
}

/// No id, key or choice comes twice, and there is a choice where one has to be made.
pub async fn ids(session: &Session) -> Outcome {
    let info = session.plugin.info();
    let mut reasons = twice("settings", info.settings.iter().map(|field| field.key.as_str()));
    reasons.extend(twice("carriers", info.carriers.iter().map(|carrier| carrier.id.as_str())));
    for field in &info.settings {
        let SettingKind::Choice(options) = &field.kind else { continue };
        let place = format!("settings.{}", field.key);
        reasons.extend(twice(&place, options.iter().map(|(id, _)| id.as_str())));
        if options.iter().all(|(id, _)| id.is_empty()) {
            reasons.push(say!("{place}: 選択肢がない", "{place}: there is nothing to choose from"));
        }
    }
    outcome(reasons, &(&info.settings, &info.carriers))
}

fn twice<'a>(place: &str, ids: impl Iterator<Item = &'a str>) -> Vec<Words> {
    let mut seen = HashSet::new();
    ids.filter(|id| !seen.insert(*id)).map(|id| say!("{place}: {id} が二度ある", "{place}: {id} comes twice")).collect()
}

/// Every label is there in Japanese and in English. A help may be missing, but not in one language.
pub async fn languages(session: &Session) -> Outcome {
    let info = session.plugin.info();
    let mut labels = vec![("name".to_owned(), &info.name)];
    let mut helps = Vec::new();
    for field in &info.settings {
        labels.push((format!("settings.{}.label", field.key), &field.label));
        helps.push((format!("settings.{}.help", field.key), &field.help));
        if let SettingKind::Choice(options) = &field.kind {
            labels.extend(options.iter().map(|(id, label)| (format!("settings.{}.{id}", field.key), label)));
        }
    }
    labels.extend(info.carriers.iter().map(|carrier| (format!("carriers.{}", carrier.id), &carrier.name)));
    helps.retain(|(_, help)| !(blank(&help.ja) && blank(&help.en)));
    let labels: Vec<_> =
        labels.into_iter().chain(helps).filter_map(|(place, label)| Some((missing(&place, label)?, label))).collect();
    Outcome::of(labels.into_iter().map(|(words, label)| words.shown_by("describe", shown(label))))
}

fn blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn missing(place: &str, label: &Label) -> Option<Words> {
    match (blank(&label.ja), blank(&label.en)) {
        (false, false) => None,
        (true, _) => Some(say!("{place}: 日本語がない", "{place}: has no Japanese")),
        (false, true) => Some(say!("{place}: 英語がない", "{place}: has no English")),
    }
}

/// The contract, whose documentation lists the carriers that all plugins call alike.
const CONTRACT: &str = include_str!("../wit/provider.wit");

/// Id and Japanese name of each carrier that the contract lists.
fn known_carriers() -> impl Iterator<Item = (&'static str, &'static str)> {
    CONTRACT.lines().filter_map(|line| line.strip_prefix("  /// `")?.split_once("` "))
}

/// A carrier that the contract lists has its id, and its id means no other: a tracking number that was
/// entered under one plugin is sent by the next.
pub async fn carriers(session: &Session) -> Outcome {
    let plain = |name: &str| name.replace(char::is_whitespace, "");
    let wrong = |carrier: &provider_host::contract::Carrier| {
        let (id, name) = (carrier.id.as_str(), plain(&carrier.name.ja));
        let by_name = known_carriers().find(|(_, known)| *known == name);
        let by_id = known_carriers().find(|(known, _)| *known == id);
        match (by_name, by_id) {
            (Some((right, _)), _) if right != id => {
                Some(say!("{name} のidは {right} である（{id} になっている）", "{name} has the id {right}, not {id}"))
            }
            (_, Some((_, right))) if !name.contains(right) => Some(say!(
                "{id} は {right} のidである（{name} になっている）",
                "{id} is the id of {right}, not of {name}"
            )),
            _ => None,
        }
    };
    outcome(session.plugin.info().carriers.iter().filter_map(wrong), &session.plugin.info().carriers)
}

/// A version is three numbers, and whatever semver puts behind them.
pub async fn version(session: &Session) -> Outcome {
    let version = &session.plugin.info().version;
    let numbers: Vec<_> = version.split(['-', '+']).next().unwrap_or_default().split('.').collect();
    let right = numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok());
    outcome((!right).then(|| say!("{version} は 1.2.3 の形でない", "{version} is not of the form 1.2.3")), version)
}

/// Wanted origins are origins: scheme, host and port alone.
pub async fn origins(session: &Session) -> Outcome {
    let wrong = session.plugin.info().origins.iter().filter_map(|text| text.parse::<Origin>().err());
    outcome(wrong.map(|error| error.to_string().into()), &session.plugin.info().origins)
}

/// What only asking can show.
const BY_ASKING: [Capability; 3] =
    [Capability::FIND_BY_REFERENCE, Capability::REPORTS_CANCEL, Capability::REPORTS_TRACKING];

/// Limits and amounts make sense together.
pub async fn limits(session: &Session) -> Outcome {
    let info = session.plugin.info();
    let rules: [(bool, Words); 4] = [
        (info.batch_limits.credit > 0, Words::new("credit がない", "there is no credit")),
        (
            info.batch_limits.sync_tracking == 0 || !info.carriers.is_empty(),
            Words::new("sync-tracking があるのに配送業者がない", "there is sync-tracking and no carrier"),
        ),
        (
            info.batch_limits.check_credit > 0 || !BY_ASKING.iter().any(|one| info.capabilities.contains(*one)),
            Words::new(
                "check-credit がないのに、照会でわかるという能力がある",
                "it has capabilities of check-credit and no check-credit",
            ),
        ),
        (
            info.max_billed_amount.is_none_or(|yen| yen > 0),
            Words::new("max-billed-amount が0以下である", "its max-billed-amount is not above zero"),
        ),
    ];
    let part = (&info.batch_limits, &info.capabilities, info.max_billed_amount, info.carriers.len());
    outcome(rules.into_iter().filter_map(|(kept, reason)| (!kept).then_some(reason)), &part)
}

fn has(info: &ProviderInfo, capability: Capability) -> bool {
    info.capabilities.contains(capability)
}

/// A connection test that is described asks the gateway, one that is not is *unsupported*.
pub async fn connection_test(session: &Session) -> Outcome {
    let line = session.line(EMPTY);
    let told = session.ask(Rows::Test, line).await;
    let asked = told.requests().next().is_some();
    let unsupported = told.words == [RowOutcome::Unsupported];
    let said = told.said();
    let wrong = match has(session.plugin.info(), Capability::TEST_CONNECTION) {
        true if !asked => Some(say!("要求を送らずに答えた（{said}）", "it answered without having asked ({said})")),
        false if asked || !unsupported => Some(say!(
            "capabilities にないのに unsupported と言わない（{said}）",
            "it is not among the capabilities and does not say unsupported ({said})"
        )),
        _ => None,
    };
    Outcome::of(wrong.map(|words| Finding { words, exchange: Some(told.exchange(line)) }))
}

/// A plugin that finds by reference asks for the reference; another claims to know nothing.
pub async fn find_by_reference(session: &Session) -> Outcome {
    let info = session.plugin.info();
    if Operation::CheckCredit.limit(info) == 0 {
        return Outcome::NotApplicable(Words::new("check-credit がない", "there is no check-credit"));
    }
    let (line, reference) = (session.line(EMPTY), "KIT-lost-answer-1");
    let told = session.ask(Rows::Registrations(vec![crate::samples::registration(reference, None)]), line).await;
    let said = told.said();
    let wrong = if has(info, Capability::FIND_BY_REFERENCE) {
        (!line.received(reference)).then(|| {
            say!(
                "取引IDのない照会で {reference} が送られない（{said}）",
                "asked without a transaction id, it does not send {reference} ({said})"
            )
        })
    } else {
        (told.words == [RowOutcome::Success]).then(|| {
            say!(
                "番号で探せないのに状況を答えた（{said}）",
                "it cannot find by reference, and claims a standing ({said})"
            )
        })
    };
    Outcome::of(wrong.map(|words| Finding { words, exchange: Some(told.exchange(line)) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_lists_the_carriers_of_order_platforms() {
        let known: Vec<_> = known_carriers().collect();
        assert_eq!((known[0], known[14]), (("sagawa", "佐川急便"), ("tonami", "トナミ運輸")));
        assert_eq!(known.len(), 22, "fifteen, and those that some providers tell apart besides");
    }
}
