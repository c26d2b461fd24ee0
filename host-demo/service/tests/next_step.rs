//! The next step that is named fits the case: what it names is offered, and no sentence has a name of the program in it.
//! Walks every state, every ability of a provider, every action and every way in which that can end.

mod common;

use common::fake::reason;
use common::{Db, TestStore, on_both};
use domain::credit_state::{Action, ActionContext, Event, State, next};
use domain::issue::{Issue, ProviderMessage, SendFailure};
use domain::lang::Lang;
use domain::moment::Moment;
use domain::order::{Order, Registration};
use provider_host::contract::{Capability, Decision, Failure, FieldProblem, Standing, Verdict};
use provider_host::{CALL_ENDED, CALL_LIMIT, CallReport, ConnectionFailure, Progress, RequestReport};
use service::messages::issue::{sentence, what_and_next};
use service::messages::labels::Form;
use service::messages::localize::Localize;
use service::messages::next_step::Situation;
use service::providers::abilities::Abilities;
use service::providers::contract;
use service::providers::response::{Inquiry, to_cancel, to_check, to_credit, to_sync};
use std::collections::BTreeSet;
use std::time::Duration;
use store::{Change, ListQuery, Position};
use strum::VariantArray;

const LANGUAGES: [Lang; 2] = [Lang::Ja, Lang::En];
const IN_FLIGHT_WINDOW: Duration = Duration::from_secs(120);
const SENT_AT: i64 = 1_000_000;

/// A provider's own code.
const CODE: &str = "E00303";

/// Words with a hyphen or an underscore that are no names of the program.
const ORDINARY_WORDS: [&str; 1] = ["e-mail"];

fn moment(at: i64) -> Moment {
    Moment { at, clock: Some("shared".into()), uptime: None }
}

async fn an_order() -> Order {
    let mut order = TestStore::new(Db::Sqlite).await.orders(1).await.remove(0);
    order.sent = Some(moment(SENT_AT));
    order
}

/// `order` in `state`, sent `sends` times, under an id of the provider or without.
fn standing(order: &Order, state: State, is_registered: bool, sends: i64) -> Order {
    let transaction_id = is_registered.then(|| "T1".to_owned());
    let registration = Registration { reference: "R-1".into(), account: 1, sends, transaction_id };
    Order { state, registration: Some(registration), ..order.clone() }
}

fn every_ability() -> impl Iterator<Item = Abilities> {
    (0..64_u32).map(|bits| {
        let has = |bit: u32| bits & (1 << bit) != 0;
        Abilities {
            finds_by_reference: has(0),
            reports_cancel: has(1),
            reports_tracking: has(2),
            checks: has(3),
            cancels: has(4),
            syncs: has(5),
        }
    })
}

fn problem(field: &str) -> FieldProblem {
    FieldProblem { field: field.into(), reason: reason(CODE, &format!("{CODE} 請求金額が誤っています")) }
}

/// Every way in which a call can fail for an order.
fn failures() -> Vec<Failure> {
    let said = || reason(CODE, "請求金額が誤っています");
    let fields = [
        "items[11].name",
        "buyer.address.postal-code",
        "recipient.name-kana",
        "billed-amount",
        "tracking-number",
        "carrier",
        "registration.transaction-id",
        "settings.site-id",
        "fees.band[row 2]",
        "some-plugins.own-field",
        "",
    ];
    let mut all: Vec<Failure> = fields.iter().map(|field| Failure::Invalid(vec![problem(field)])).collect();
    all.push(Failure::Invalid(Vec::new()));
    all.push(Failure::Invalid(vec![problem("buyer.phone"), problem("tracking-number")]));
    all.extend([Failure::Unauthorized(said()), Failure::Already(said()), Failure::Refused(said())]);
    all.extend([Failure::Busy((said(), None)), Failure::Busy((said(), Some(3))), Failure::Unsupported]);
    for code in
        ["HttpRequestDenied", "DestinationIpProhibited", "ConnectionRefused", "DnsError(DnsErrorPayload { .. })"]
    {
        all.push(Failure::NotSent(reason("not-sent", &format!("ErrorCode::{code}"))));
    }
    for code in
        ["ConnectionTerminated", "HttpResponseTimeout", "TlsAlertReceived(..)", "InternalError(None)", "LoopDetected"]
    {
        all.push(Failure::OutcomeUnknown(reason("answer-lost", &format!("ErrorCode::{code}"))));
    }
    for code in [CALL_ENDED, CALL_LIMIT, "host-no-answer"] {
        all.push(Failure::NotSent(reason(code, "wasm trap: wasm `unreachable` instruction executed")));
        all.push(Failure::OutcomeUnknown(reason(code, "the guest met its limit: limit_of_fuel")));
    }
    all.push(Failure::OutcomeUnknown(reason("http-404", "後払い会社がHTTP 404を返しました")));
    all.push(Failure::OutcomeUnknown(reason("answer-unreadable", "回答を読めません")));
    all
}

fn verdicts() -> Vec<Verdict> {
    let said = || reason(CODE, &format!("{CODE} 住所を確認できません"));
    vec![
        Verdict::Approved,
        Verdict::UnderReview,
        Verdict::Rejected(vec![said()]),
        Verdict::Rejected(Vec::new()),
        Verdict::OnHold(vec![said(), said()]),
        Verdict::Other(said()),
    ]
}

fn decisions() -> Vec<Decision> {
    let decision = |id: &str, verdict| Decision { transaction_id: Some(id.to_owned()), verdict };
    let own = verdicts().into_iter().map(|verdict| decision("T1", verdict));
    own.chain(verdicts().into_iter().map(|verdict| decision("T2", verdict))).collect()
}

/// What the host saw of a call whose connection failed like this.
fn report(failed: ConnectionFailure) -> CallReport {
    let request = RequestReport {
        origin: String::new(),
        path: String::new(),
        progress: Progress::NotSent,
        status: None,
        request_bytes: 0,
        response_bytes: 0,
        connect: None,
        head: None,
        body: None,
        error: None,
        no_connection: Some(failed),
    };
    CallReport {
        operation: "credit",
        rows: 1,
        elapsed: Duration::ZERO,
        dry_run: None,
        requests: vec![request],
        log_lines_dropped: 0,
        overruled: Vec::new(),
        error: None,
    }
}

const TLS: [ConnectionFailure; 5] = [
    ConnectionFailure::CertificateName,
    ConnectionFailure::CertificateExpired,
    ConnectionFailure::CertificateUntrusted,
    ConnectionFailure::CertificateInvalid,
    ConnectionFailure::Handshake,
];

/// Every issue that can be left by `action` on an order in `from`, and where the order stands then.
fn ends(order: &Order, from: State, action: Action, is_registered: bool, abilities: Abilities) -> Vec<(Issue, Order)> {
    let started = match action {
        Action::Credit => Event::CreditStarted,
        Action::Cancel => Event::CancelStarted,
        Action::Sync => Event::SyncStarted,
        Action::Check | Action::Decide => Event::CheckNoNews,
    };
    let claimed = next(from, started).expect("the state offers the action");
    let mut found = Vec::new();
    for sends in [1, 2] {
        let claimed = standing(order, claimed, is_registered, sends);
        let mut outcomes = Vec::new();
        for failure in failures() {
            outcomes.push(match action {
                Action::Credit => to_credit(&claimed, Err(failure)),
                Action::Cancel => to_cancel(Err(failure)),
                Action::Sync => to_sync(&claimed, Err(failure)),
                Action::Check | Action::Decide => to_check(&claimed, Err(failure), &question(abilities, i64::MAX / 2)),
            });
        }
        if action == Action::Credit {
            outcomes.extend(decisions().into_iter().map(|decision| to_credit(&claimed, Ok(decision))));
        }
        if action == Action::Check {
            let other = Standing::Other(reason(CODE, "知らない状態"));
            let mut standings = vec![Standing::NotFound, Standing::Cancelled, Standing::TrackingRegistered];
            standings.extend([Standing::Paid, other]);
            standings.extend(decisions().into_iter().map(Standing::Decided));
            for (answer, at) in
                standings.into_iter().flat_map(|answer| [(answer.clone(), SENT_AT + 1), (answer, i64::MAX / 2)])
            {
                outcomes.push(to_check(&claimed, Ok(answer), &question(abilities, at)));
            }
        }
        for outcome in outcomes {
            // That a registration which was acknowledged turns out not to exist is not believed.
            let Some(state) = next(claimed.state, outcome.event) else { continue };
            let is_registered = is_registered || outcome.transaction_id.is_some();
            let left = Order { tried: Some(action), ..standing(order, state, is_registered, sends) };
            let Some(issue) = outcome.problem else { continue };
            for failed in TLS {
                let seen = contract::with_connection(issue.clone(), &[report(failed)]);
                if seen != issue {
                    found.push((seen, left.clone()));
                }
            }
            found.push((issue, left));
        }
    }
    if let Some(state) = next(claimed, Event::ProcessDied) {
        let left = Order { tried: Some(action), ..standing(order, state, is_registered, 1) };
        found.push((Issue::ProcessDied, left.clone()));
        found.push((Issue::NotRecorded { why: "the database is full".into() }, left.clone()));
        found.push((Issue::IdTaken { transaction_id: "T1".into(), reference: "R-2".into() }, left));
    }
    // What is found before a call is made leaves the order where it was.
    let stays = Order { tried: Some(action), ..standing(order, from, is_registered, 1) };
    let mut before = vec![
        Issue::unsupported(action),
        Issue::ProviderMissing { provider: "np".into() },
        Issue::ShuttingDown,
        Issue::Unusable { why: "a name is too long".into() },
        Issue::Changed,
        Issue::Stopped { who: "花子".into() },
    ];
    match action {
        Action::Credit => before.extend([
            Issue::TooLarge { billed: 300_000, max: 250_000 },
            Issue::NoEnclosedInvoice,
            Issue::NothingToBill,
            Issue::ResultsByCsv,
            Issue::PossiblyByFile,
            Issue::PossibleDuplicate { mall: "m".into(), number: "A-1".into() },
            Issue::CreditPaused { provider: "np".into() },
        ]),
        Action::Check if !is_registered && !abilities.finds_by_reference => {
            before.push(Issue::CannotAsk { reference: "R-1".into() });
        }
        Action::Sync => before.push(Issue::CarrierUnsupported {
            carrier: "飛脚".into(),
            supported_ja: "佐川急便".into(),
            supported_en: "Sagawa".into(),
        }),
        _ => {}
    }
    found.extend(before.into_iter().map(|issue| (issue, stays.clone())));
    found
}

fn question(abilities: Abilities, at: i64) -> Inquiry {
    let mut provider = Capability::empty();
    for (has, capability) in [
        (abilities.finds_by_reference, Capability::FIND_BY_REFERENCE),
        (abilities.reports_cancel, Capability::REPORTS_CANCEL),
        (abilities.reports_tracking, Capability::REPORTS_TRACKING),
    ] {
        provider |= if has { capability } else { Capability::empty() };
    }
    Inquiry { at: moment(at), in_flight_window: IN_FLIGHT_WINDOW, provider }
}

/// What the brackets of `text` name.
fn named(text: &str) -> Vec<&str> {
    text.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(name, _)| name).collect()
}

/// What is wrong with the step that is named for `issue` of `order`; nothing if it can be taken.
fn misfit(issue: &Issue, order: &Order, abilities: Abilities, lang: Lang) -> Option<String> {
    let situation = Situation::of_order(order, abilities);
    let text = sentence(issue, &situation, lang);
    if let Some(name) = identifier(&text) {
        return Some(format!("{name} in {text}"));
    }
    if text.matches(CODE).count() > issue_codes(issue) {
        return Some(format!("a code twice in {text}"));
    }
    let (_, step) = what_and_next(issue, &situation, lang);
    if step.is_empty() {
        return Some("no step".into());
    }
    let context = ActionContext { tracking_entered: order.tracking.is_some(), problem: true, results_by_csv: false };
    let mut is_cancelled = false;
    for name in named(&step) {
        let action = Action::VARIANTS.iter().find(|action| action.localized(lang) == name);
        let is_offered = match action {
            Some(Action::Credit) if is_cancelled => true,
            Some(action) => {
                let serves = match action {
                    Action::Check => {
                        abilities.checks
                            && (order.transaction_id().is_some() || abilities.finds_by_reference)
                            && (order.state != State::CancelUnknown || abilities.reports_cancel)
                            && (order.state != State::SyncUnknown || abilities.reports_tracking)
                    }
                    Action::Cancel => abilities.cancels,
                    Action::Sync => abilities.syncs,
                    Action::Credit | Action::Decide => true,
                };
                serves && order.state.actions(context).any(|offered| offered == *action)
            }
            None if name == Form::Correct.localized(lang) => {
                is_cancelled || next(order.state, Event::CreditStarted).is_some()
            }
            None if name == Form::Tracking.localized(lang) => order.state.tracking_open(),
            None => return Some(format!("[{name}] is nothing that can be pressed: {step}")),
        };
        if !is_offered {
            return Some(format!("[{name}] is not offered: {step}"));
        }
        is_cancelled |= action == Some(&Action::Cancel);
    }
    None
}

/// What of `text` only the program knows; nothing if an operator can read it all.
fn identifier(text: &str) -> Option<String> {
    if let Some(bad) = ["::", "items[", "ErrorCode", "{", "}", "wasm", "http-"].iter().find(|bad| text.contains(*bad)) {
        return Some((*bad).to_owned());
    }
    let words =
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).filter(|word| !word.is_empty());
    let is_joined = |word: &str| {
        let inner = word.trim_matches(['-', '_']);
        inner.contains(['-', '_']) && inner.starts_with(|c: char| c.is_ascii_lowercase())
    };
    let is_camel = |word: &str| {
        word.as_bytes().windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
    };
    let mut odd = words.filter(|word| !ORDINARY_WORDS.contains(word) && (is_joined(word) || is_camel(word)));
    odd.next().map(str::to_owned)
}

#[tokio::test]
async fn every_step_that_is_named_is_offered_and_no_sentence_names_the_program() {
    let mut order = an_order().await;
    order.tracking = Some(domain::order::Tracking {
        carrier: "sagawa".into(),
        number: "123456789012".into(),
        shipped_on: domain::clock::parse_date("2026-11-20").unwrap(),
    });
    let (mut bad, mut walked) = (BTreeSet::new(), 0_usize);
    for from in State::VARIANTS {
        for problem in [true, false] {
            let context = ActionContext { tracking_entered: true, problem, results_by_csv: false };
            for action in from.actions(context).filter(|action| *action != Action::Decide) {
                for (is_registered, abilities) in every_ability().flat_map(|can| [(true, can), (false, can)]) {
                    let mut seen = Vec::new();
                    for (issue, left) in ends(&order, *from, action, is_registered, abilities) {
                        if seen.contains(&(issue.clone(), left.state)) {
                            continue;
                        }
                        for lang in LANGUAGES {
                            walked += 1;
                            if let Some(why) = misfit(&issue, &left, abilities, lang) {
                                bad.insert(format!("{from} {action} → {} {issue:?}: {why}", left.state));
                            }
                        }
                        seen.push((issue, left.state));
                    }
                }
            }
        }
    }
    assert!(walked > 50_000, "{walked} combinations");
    let shown: Vec<_> = bad.iter().take(20).map(String::as_str).collect();
    assert!(bad.is_empty(), "{} misfits:\n{}", bad.len(), shown.join("\n"));
}

/// How often the provider itself gave its code.
fn issue_codes(issue: &Issue) -> usize {
    match issue {
        Issue::Rejected { said } | Issue::OnHold { said } => said.len(),
        Issue::Invalid { fields } => fields.len(),
        _ => 1,
    }
}

/// The step for an order in `state` after `tried`, of which the provider has acknowledged something.
fn step(issue: &Issue, tried: Action, state: State, abilities: Abilities, lang: Lang) -> String {
    what_and_next(issue, &Situation::after(Some(tried), state, true, abilities), lang).1
}

/// A provider that finds nothing by our reference and tells of no cancel and no tracking number.
const SILENT: Abilities =
    Abilities { finds_by_reference: false, reports_cancel: false, reports_tracking: false, ..Abilities::ALL };

#[test]
fn a_refused_tracking_number_is_corrected_where_it_is_entered() {
    for failure in [Failure::Invalid(vec![problem("tracking-number")]), Failure::Invalid(vec![problem("")])] {
        let issue = contract::issue(failure, Action::Sync);
        let ja = step(&issue, Action::Sync, State::Approved, Abilities::ALL, Lang::Ja);
        assert!(ja.contains("[伝票番号を保存]") && ja.contains("[伝票番号同期]") && !ja.contains("CSV"), "{ja}");
    }
    let refused = contract::issue(Failure::Refused(reason(CODE, "伝票番号が不正です")), Action::Sync);
    let ja = step(&refused, Action::Sync, State::Approved, Abilities::ALL, Lang::Ja);
    assert!(ja.contains("[伝票番号を保存]"), "{ja}");
}

#[test]
fn content_that_is_refused_is_corrected_and_not_asked_about() {
    let refusals = [
        contract::issue(Failure::Refused(reason(CODE, "住所が不正です")), Action::Credit),
        contract::issue(Failure::Invalid(vec![problem("buyer.phone")]), Action::Credit),
        Issue::Rejected { said: Vec::new() },
    ];
    for (issue, state) in refusals.iter().zip([State::NotSent, State::NotSent, State::Rejected]) {
        for abilities in [Abilities::ALL, SILENT] {
            let ja = step(issue, Action::Credit, state, abilities, Lang::Ja);
            assert!(ja.contains("[注文を直す]") && ja.contains("[与信を実行]"), "{ja}");
            assert!(!ja.contains("[与信結果確認]") && !ja.contains("CSV"), "{ja}");
        }
    }
    let held = step(&Issue::OnHold { said: Vec::new() }, Action::Credit, State::OnHold, Abilities::ALL, Lang::Ja);
    assert!(held.contains("[注文を直す]") && held.contains("[与信キャンセル]"), "{held}");
}

#[test]
fn where_nobody_can_ask_the_step_says_what_to_look_up_and_to_record_it() {
    let lost = || {
        contract::issue(
            Failure::OutcomeUnknown(reason("answer-lost", "ErrorCode::ConnectionTerminated")),
            Action::Credit,
        )
    };
    for issue in [lost(), Issue::ProcessDied] {
        let blind = Situation::after(Some(Action::Credit), State::Unknown, false, SILENT);
        let ja = what_and_next(&issue, &blind, Lang::Ja).1;
        assert!(ja.contains("登録番号") && ja.contains("[結果を記録]") && !ja.contains("[与信結果確認]"), "{ja}");
        let ja = step(&issue, Action::Cancel, State::CancelUnknown, SILENT, Lang::Ja);
        assert!(
            ja.contains("キャンセルされているか") && ja.contains("[与信キャンセル]") && ja.contains("[結果を記録]"),
            "{ja}"
        );
        let ja = step(&issue, Action::Sync, State::SyncUnknown, SILENT, Lang::Ja);
        assert!(ja.contains("伝票番号が登録されているか") && ja.contains("[伝票番号同期]"), "{ja}");
        let ja = step(&issue, Action::Credit, State::Unknown, Abilities::ALL, Lang::Ja);
        assert!(ja.contains("[与信結果確認]"), "{ja}");
    }
}

#[test]
fn faults_of_tls_are_told_apart_in_words() {
    let not_sent =
        || contract::issue(Failure::NotSent(reason("not-sent", "ErrorCode::TlsCertificateError")), Action::Credit);
    for lang in LANGUAGES {
        let texts: BTreeSet<String> = TLS
            .iter()
            .map(|failed| {
                let issue = contract::with_connection(not_sent(), &[report(*failed)]);
                sentence(&issue, &Situation::after(Some(Action::Credit), State::NotSent, false, Abilities::ALL), lang)
            })
            .collect();
        assert_eq!(texts.len(), TLS.len(), "{texts:?}");
        assert!(texts.iter().all(|text| identifier(text).is_none()), "{texts:?}");
    }
    let unreached = contract::with_connection(not_sent(), &[report(ConnectionFailure::Connect)]);
    assert!(matches!(unreached, Issue::NotSent { cause: SendFailure::Unreachable, .. }));
}

#[test]
fn fields_have_the_names_that_operators_know() {
    let shown = |path: &str, lang| {
        let issue = contract::issue(Failure::Invalid(vec![problem(path)]), Action::Credit);
        service::messages::issue::provider_message(&issue, lang)
    };
    for (path, ja, en) in [
        ("items[11].name", "明細12行目の商品名: ", "name in line 12: "),
        ("items[0].unit-price", "明細1行目の単価: ", "unit price in line 1: "),
        ("buyer.address.postal-code", "注文者の郵便番号: ", "buyer's postal code: "),
        ("recipient.name-kana", "送付先の氏名カナ: ", "recipient's name in kana: "),
        ("billed-amount", "請求額: ", "billed amount: "),
        ("some-plugins.own-field", "", ""),
        ("O_ReceiptOrderDate", "O_ReceiptOrderDate: ", "O_ReceiptOrderDate: "),
    ] {
        let message = format!("{CODE} 請求金額が誤っています");
        assert_eq!(shown(path, Lang::Ja), format!("{ja}{message}"));
        assert_eq!(shown(path, Lang::En), format!("{en}{message}"));
    }
}

#[test]
fn what_earlier_versions_stored_has_words_as_well() {
    let said = ProviderMessage { code: Some("answer-lost".into()), message: "ErrorCode::ConnectionTerminated".into() };
    let lost = Issue::AnswerLost { said };
    let unknown = Situation::after(None, State::Unknown, true, Abilities::ALL);
    assert_eq!(
        sentence(&lost, &unknown, Lang::Ja),
        "送信しましたが、結果がわかりません。「接続が途中で切れました」ほかの操作の前に、[与信結果確認]で確かめてください。"
    );
}

on_both! {
    async fn what_was_tried_is_kept_with_the_issue_and_decides_the_step(db) {
        let test = TestStore::new(db).await;
        let claimed = test.claim(&test.orders(1).await, "w").await.remove(0).unwrap();
        let refused = Issue::Refused { said: ProviderMessage { code: None, message: "住所が不正です".into() } };
        let change = Change { problem: Some(refused.clone()), ..Change::new(&claimed, Event::CreditNotSent) };
        let applied = test.store.apply(&[change], "w", 1).await.unwrap().remove(0).unwrap();
        let order = test.order(claimed.id).await;
        assert_eq!((&order.problem, order.tried), (&Some(refused.clone()), Some(Action::Credit)));
        assert_eq!(applied.order.tried, order.tried);
        let page = test.store.page(&ListQuery::default(), Position::First, 10).await.unwrap();
        for situation in [
            Situation::of_order(&order, Abilities::ALL),
            Situation::of_line(&page.orders[0], Abilities::ALL),
        ] {
            let ja = what_and_next(&refused, &situation, Lang::Ja).1;
            assert!(ja.contains("[注文を直す]"), "{ja}");
        }
        // A process that dies leaves what it was trying.
        for (state, tried) in
            [("sending", Action::Credit), ("cancelling_approved", Action::Cancel), ("syncing", Action::Sync)]
        {
            let state: State = state.parse().unwrap();
            assert_eq!(Event::ProcessDied.action(state), Some(tried));
        }
    }
}
