//! Lists in, lists out, on inputs that nobody planned for: as many rows as were asked, in the same
//! order, and no call that breaks off.

use crate::faults::{EMPTY, LOSES};
use crate::odd::{self, hunt};
use crate::report::{Finding, Outcome};
use crate::samples::{self, NO_CARRIER};
use crate::session::{Operation, Rows, Session, Told, broke_off, shown};
use crate::words::{Words, say};
use futures::future::join_all;
use proptest::strategy::Strategy;
use provider_host::{CallError, RowOutcome};

/// Rows of a large list: the most that any provider takes in one request.
const MANY: usize = 1_000;

/// Every generated list of `operation` is answered.
#[expect(clippy::result_large_err, reason = "an objection is rare, so its size costs nothing")]
async fn answered<S: Strategy>(
    session: &Session,
    operation: Operation,
    strategy: S,
    rows: fn(S::Value) -> Rows,
) -> Outcome
where
    S::Value: Clone,
{
    if operation.limit(session.plugin.info()) == 0 {
        let name = operation.name();
        return Outcome::NotApplicable(say!("{name} がない", "there is no {name}"));
    }
    let test = async |input: S::Value| {
        let told = session.ask(rows(input.clone()), session.line(LOSES)).await;
        told.broke_off().map_or(Ok(()), |error| Err(broke_at(operation.name(), error, &input)))
    };
    Outcome::of(hunt(session.seed, strategy, test).await.err())
}

fn broke_at(operation: &str, error: &CallError, input: &impl std::fmt::Debug) -> Finding {
    broke_off(operation, error).shown_by(format!("{operation} {}", shown(input)), error.to_string())
}

/// No list of orders ends a call.
pub async fn orders(session: &Session) -> Outcome {
    answered(session, Operation::Credit, odd::orders(), Rows::Orders).await
}

/// No list of registrations ends a call.
pub async fn registrations(session: &Session) -> Outcome {
    answered(session, Operation::CheckCredit, odd::registrations(), Rows::Registrations).await
}

/// No list of cancels ends a call.
pub async fn cancellations(session: &Session) -> Outcome {
    answered(session, Operation::Cancel, odd::cancellations(), Rows::Cancellations).await
}

/// No list of shipments ends a call.
pub async fn shipments(session: &Session) -> Outcome {
    let carriers = session.plugin.info().carriers.iter().map(|carrier| carrier.id.clone()).collect();
    answered(session, Operation::SyncTracking, odd::shipments(carriers), Rows::Shipments).await
}

/// No settings end `check-settings`.
pub async fn settings(session: &Session) -> Outcome {
    let keys = session.plugin.info().settings.iter().map(|field| field.key.clone()).collect();
    let test = async |input: Vec<_>| {
        let asked = session.plugin.check_settings(input.clone()).await;
        asked.map(|_| ()).map_err(|error| broke_at("check-settings", &error, &input))
    };
    Outcome::of(hunt(session.seed, odd::settings(keys), test).await.err())
}

/// No rule and no bill end `fee-adjust`.
pub async fn fees(session: &Session) -> Outcome {
    let test = async |input: (_, _)| {
        let asked = session.plugin.fee_adjust(&input.0, &input.1).await;
        asked.map(|_| ()).map_err(|error| broke_at("fee-adjust", &error, &input))
    };
    Outcome::of(hunt(session.seed, odd::fees(), test).await.err())
}

/// Operations that take more than one row in a call.
fn lists(session: &Session) -> Vec<Operation> {
    let info = session.plugin.info();
    session.operations().filter(|operation| operation.limit(info) > 1).collect()
}

fn one_at_a_time() -> Words {
    Words::new("どの操作も1行ずつ受ける", "every operation takes one row at a time")
}

/// A row says the same among others as it does alone. Rows that differ in what is said of them also
/// show that the answers stand in the order of the questions.
pub async fn apart(session: &Session) -> Outcome {
    const PATTERN: [bool; 5] = [true, false, true, false, false];
    let operations = lists(session);
    if operations.is_empty() {
        return Outcome::NotApplicable(one_at_a_time());
    }
    let line = session.line(EMPTY);
    let mut reasons = Vec::new();
    for operation in operations {
        let rows = |pattern: &[bool]| samples::rows(operation, pattern, session.carrier());
        let alone = [true, false].map(|good| session.ask(rows(&[good]), line));
        let [good, bad] = <[_; 2]>::try_from(join_all(alone).await).unwrap_or_else(|_| unreachable!("two calls"));
        let together = session.ask(rows(&PATTERN), line).await;
        let name = operation.name();
        // Without an answer for each row there is nothing to compare; other checks are about that.
        if together.error().is_some() {
            continue;
        }
        let expected: Vec<_> =
            PATTERN.iter().flat_map(|is_good| if *is_good { &good.words } else { &bad.words }).collect();
        if expected != together.words.iter().collect::<Vec<_>>() {
            let words = &together.words;
            let reason = say!(
                "{name}: 行ごとの回答は {expected:?} のはずが {words:?} だった",
                "{name}: asked one by one the rows are {expected:?}, together {words:?}"
            );
            reasons.push(Finding { words: reason, exchange: Some(together.exchange(line)) });
        }
    }
    Outcome::of(reasons)
}

/// As many rows as the plugin says that it takes, at most [`MANY`].
pub async fn many(session: &Session) -> Outcome {
    let operations = lists(session);
    if operations.is_empty() {
        return Outcome::NotApplicable(one_at_a_time());
    }
    let told = operations.into_iter().map(async |operation| {
        let count = MANY.min(operation.limit(session.plugin.info()) as usize);
        let rows = samples::rows(operation, &vec![true; count], session.carrier());
        (count, session.ask(rows, session.line(EMPTY)).await)
    });
    let broken = |(count, told): &(usize, Told)| {
        let (name, error) = (told.operation.name(), told.broke_off()?);
        let words = say!("{name} {count}行: {error}", "{name}, {count} rows: {error}");
        Some(Finding { words, exchange: Some(told.exchange(session.line(EMPTY))) })
    };
    Outcome::of(join_all(told).await.iter().filter_map(broken))
}

/// A carrier that is not described is refused before anything is sent.
pub async fn unknown_carrier(session: &Session) -> Outcome {
    if Operation::SyncTracking.limit(session.plugin.info()) == 0 {
        return Outcome::NotApplicable(Words::new("sync-tracking がない", "there is no sync-tracking"));
    }
    let shipment = samples::shipment(samples::registration("KIT-1", Some("10000000001")), NO_CARRIER);
    let line = session.line(EMPTY);
    let told = session.ask(Rows::Shipments(vec![shipment]), line).await;
    let (said, sent) = (told.said(), told.requests().count());
    let refused = told.words == [RowOutcome::Invalid] && sent == 0;
    let reason = || Finding {
        words: say!(
            "配送業者 {NO_CARRIER} を invalid と言わない、または送った（要求 {sent}件、回答 {said}）",
            "carrier {NO_CARRIER} is not invalid before sending ({sent} requests, it said {said})"
        ),
        exchange: Some(told.exchange(line)),
    };
    Outcome::of((!refused).then(reason))
}
