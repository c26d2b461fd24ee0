//! Answers of gateways, whatever is in them, to every call of each plugin.
//!
//! An input is three bytes that choose the call, the status and the media type, and the bodies of the answers with
//! [`BETWEEN`] between them; the last is repeated for every further request.

use clients::line::Line;
use clients::shop::{self, Shop, named};
use provider_sdk::http::{Request, Response, SendError, Transport};
use provider_sdk::samples::{NOW, registration, run, settings, shipment};
use provider_sdk::types::{Cancellation, Context, Decision, Failure, Registration, Setting, Standing, Verdict};
use provider_sdk::xml::{self, Element};
use provider_sdk::{Call, Provider, provider};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Stands between two bodies: no text of an answer has it.
const BETWEEN: u8 = 0x1e;
const CALLS: [Operation; 6] = [
    Operation::Credit(1),
    Operation::Credit(2),
    Operation::Check,
    Operation::Cancel,
    Operation::Track,
    Operation::TestConnection,
];
/// 200 more often: nothing else is read by most.
const STATUSES: [u16; 16] = [200, 200, 200, 200, 200, 200, 201, 400, 401, 403, 429, 204, 302, 404, 500, 503];
const MEDIA_TYPES: [Option<&str>; 8] = [
    None,
    Some("application/xml"),
    Some("text/xml; charset=utf-8"),
    Some("application/json; charset=UTF-8"),
    Some("text/xml; charset=iso-8859-1"),
    Some("text/xml; charset=Shift_JIS"),
    Some("text/html; charset=\""),
    Some(""),
];
/// What a row says is a few sentences of the plugin's and what the gateway said, which can be in it several times.
const TIMES_SAID: usize = 16;
const OWN_WORDS: usize = 4_096;
/// A reference that no answer to another names.
const UNASKED: &str = "Q-unasked-9";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Credit(usize),
    Check,
    Cancel,
    Track,
    TestConnection,
}

/// A provider: what is not the same for all of them.
pub(crate) struct Subject {
    shop: Shop,
    /// Statuses in which the gateway speaks for itself.
    statuses: &'static [u16],
    /// Words or codes of which an approval has one.
    approving: &'static [&'static str],
    /// The element that repeats the billed amount.
    amount: Option<&'static str>,
    /// That a cancel was done before is told by an error that need not name the transaction.
    cancelled_unnamed: bool,
    /// The answer to a tracking number need not name the transaction: whether it does is not publicly known.
    tracked_unnamed: bool,
}

impl Subject {
    /// One that names what it answers, and speaks with HTTP 200 alone.
    const fn of(shop: Shop, approving: &'static [&'static str]) -> Self {
        Self { shop, statuses: &[200], approving, amount: None, cancelled_unnamed: false, tracked_unnamed: false }
    }
}

pub(crate) const ATOBARAI_COM: Subject = Subject { tracked_unnamed: true, ..Subject::of(shop::ATOBARAI_COM, &["1"]) };
pub(crate) const NP: Subject =
    Subject { statuses: &[200, 201, 400, 401, 403], cancelled_unnamed: true, ..Subject::of(shop::NP, &["00"]) };
pub(crate) const ATODENE: Subject = Subject { cancelled_unnamed: true, ..Subject::of(shop::ATODENE, &["OK"]) };
pub(crate) const SCORE: Subject = Subject { amount: Some("billedAmount"), ..Subject::of(shop::SCORE, &["OK"]) };
pub(crate) const KURONEKO: Subject = Subject::of(shop::KURONEKO, &["0", "1"]);

/// A gateway that answers what the input says.
struct Scripted<'a> {
    bodies: Vec<&'a [u8]>,
    status: u16,
    content_type: Option<&'static str>,
    requests: Cell<usize>,
}

impl Transport for Scripted<'_> {
    async fn send(&self, _: Request) -> Result<Response, SendError> {
        let at = self.requests.replace(self.requests.get() + 1);
        let body = self.bodies.get(at).or(self.bodies.last()).copied().unwrap_or_default().to_vec();
        let content_type = self.content_type.map(str::to_owned);
        Ok(Response { status: self.status, content_type, retry_after: None, body })
    }
}

/// What a row of any call came to, as far as it decides anything.
#[derive(Debug, Clone, PartialEq)]
enum Said {
    Verdict(&'static str, Option<String>),
    Standing(&'static str),
    Done,
    Failed(&'static str),
}

/// A row, and how many bytes of text are in it.
struct Row {
    said: Said,
    text: usize,
}

impl Row {
    fn is_approval(&self) -> bool {
        matches!(self.said, Said::Verdict("approved", _))
    }

    fn is_done(&self) -> bool {
        matches!(self.said, Said::Verdict(..) | Said::Standing(_) | Said::Done)
    }

    /// Whether it says what became of the request.
    fn is_definite(&self) -> bool {
        !matches!(self.said, Said::Failed("outcome-unknown"))
    }
}

fn verdict(decision: &Decision) -> Said {
    let name = match decision.verdict {
        Verdict::Approved => "approved",
        Verdict::Rejected(_) => "rejected",
        Verdict::UnderReview => "under-review",
        Verdict::OnHold(_) => "on-hold",
        Verdict::Other(_) => "other",
    };
    Said::Verdict(name, decision.transaction_id.clone())
}

fn standing(standing: &Standing) -> Said {
    match standing {
        Standing::Decided(decision) => verdict(decision),
        Standing::NotFound => Said::Standing("not-found"),
        Standing::Cancelled => Said::Standing("cancelled"),
        Standing::TrackingRegistered => Said::Standing("tracking-registered"),
        Standing::Paid => Said::Standing("paid"),
        Standing::Other(_) => Said::Standing("other"),
    }
}

fn rows<T: std::fmt::Debug>(rows: &[Result<T, Failure>], said: impl Fn(&T) -> Said) -> Vec<Row> {
    let row = |row: &Result<T, Failure>| Row {
        said: row.as_ref().map_or_else(|_| Said::Failed(provider_sdk::samples::kind(row)), &said),
        text: format!("{row:?}").len(),
    };
    rows.iter().map(row).collect()
}

/// What is asked about: two registrations that the gateway has, the second asked about without its id. And what every
/// call is given, made once.
pub(crate) struct Known {
    /// With the described defaults, as the platform fills them in: a description in each call would be a third of it.
    settings: Vec<Setting>,
    registrations: Vec<Registration>,
}

const REFERENCES: [&str; 2] = ["R-1", "R-2"];

fn known<P: Provider>(subject: &Subject) -> Known {
    let line = Line::to(subject.shop.id).expect("there is a simulator for each provider");
    let base = line.base();
    let orders = REFERENCES.map(named);
    let settings = whole_settings::<P>(subject, &base);
    let registered = run(provider::credit::<P, _>(&call::<P, _>(&settings, &line), &orders));
    let ids = registered.into_iter().map(|row| row.expect("the simulator takes an ordinary order").transaction_id);
    let registrations = orders.iter().zip(ids).map(|(order, id)| registration(&order.reference, id.as_deref()));
    Known { settings, registrations: registrations.collect() }
}

/// The settings of the shop, with the defaults that the plugin describes.
fn whole_settings<P: Provider>(subject: &Subject, base: &str) -> Vec<Setting> {
    let mut whole = settings(&[subject.shop.credentials, &[("base-url", base)]].concat());
    let described = P::describe().settings.into_iter();
    let defaults = described.filter_map(|field| Some(Setting { key: field.key, value: field.default? }));
    let missing: Vec<_> = defaults.filter(|field| whole.iter().all(|known| known.key != field.key)).collect();
    whole.extend(missing);
    whole
}

fn call<'a, P: Provider, T: Transport>(settings: &[Setting], http: &'a T) -> Call<'a, T> {
    Call::new::<P>(Context { settings: settings.to_vec(), now: NOW }, http)
}

/// Has the plugin make `operation`, over `http`.
fn carry_out<P: Provider, T: Transport>(
    carrier: &str,
    known: &Known,
    (operation, references): (Operation, &[&str]),
    http: &T,
) -> Vec<Row> {
    let call = call::<P, _>(&known.settings, http);
    let registrations = &known.registrations;
    let first = |rows: &[Registration]| rows.iter().take(1).cloned().collect::<Vec<_>>();
    match operation {
        Operation::Credit(_) => {
            let orders: Vec<_> = references.iter().map(|reference| named(reference)).collect();
            rows(&run(provider::credit::<P, _>(&call, &orders)), verdict)
        }
        Operation::Check => {
            let mut asked = registrations.clone();
            asked.iter_mut().skip(1).for_each(|row| row.transaction_id = None);
            rows(&run(P::check_credit(&call, &asked)), standing)
        }
        Operation::Cancel => {
            let asked: Vec<_> = first(registrations)
                .into_iter()
                .map(|registration| Cancellation { registration, reason: None })
                .collect();
            rows(&run(provider::cancel::<P, _>(&call, &asked)), |()| Said::Done)
        }
        Operation::Track => {
            let asked: Vec<_> =
                first(registrations).into_iter().map(|row| shipment(row, carrier, "123456789013")).collect();
            rows(&run(provider::sync_tracking::<P, _>(&call, &asked)), |()| Said::Done)
        }
        Operation::TestConnection => rows(&[run(P::test_connection(&call))], |()| Said::Done),
    }
}

fn asked(operation: Operation) -> usize {
    match operation {
        Operation::Credit(rows) => rows,
        Operation::Check => REFERENCES.len(),
        Operation::Cancel | Operation::Track | Operation::TestConnection => 1,
    }
}

/// Every text in an answer, read without the plugin: of elements and attributes, or of strings and numbers.
fn texts(body: &[u8]) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    if let Ok(root) = xml::parse(body) {
        of_element(&root, &mut texts);
    }
    if let Ok(value) = serde_json::from_slice(body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body)) {
        of_value(&value, &mut texts);
    }
    texts
}

fn of_element(element: &Element, texts: &mut BTreeSet<String>) {
    texts.insert(element.text.clone());
    texts.extend(element.attributes.iter().map(|(_, value)| value.clone()));
    element.children.iter().for_each(|child| of_element(child, texts));
}

fn of_value(value: &serde_json::Value, texts: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::String(text) => _ = texts.insert(text.clone()),
        serde_json::Value::Number(number) => _ = texts.insert(number.to_string()),
        serde_json::Value::Array(list) => list.iter().for_each(|value| of_value(value, texts)),
        serde_json::Value::Object(object) => object.values().for_each(|value| of_value(value, texts)),
        _ => {}
    }
}

/// A document in JSON, with every member that its objects have, as often as they have it.
enum Json {
    Object(Vec<(String, Self)>),
    List(Vec<Self>),
    Plain(serde_json::Value),
}

impl Json {
    fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body)).ok()
    }

    /// The same with its members and items in the opposite order.
    fn reversed(self) -> Self {
        match self {
            Self::Object(members) => {
                Self::Object(members.into_iter().rev().map(|(name, value)| (name, value.reversed())).collect())
            }
            Self::List(items) => Self::List(items.into_iter().rev().map(Self::reversed).collect()),
            plain => plain,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Plain(serde_json::Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Plain(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Plain(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Plain(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Plain(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Plain(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Json::Object(object))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(members) => writer.collect_map(members.iter().map(|(name, value)| (name, value))),
            Self::List(items) => writer.collect_seq(items),
            Self::Plain(value) => value.serialize(writer),
        }
    }
}

/// The same document with its elements in the opposite order: what it says does not depend on that.
fn reversed(element: &Element) -> Element {
    Element { children: element.children.iter().rev().map(reversed).collect(), ..element.clone() }
}

/// The answers of `input` to a call of the plugin `P`.
pub(crate) fn decode<P: Provider>(subject: &'static Subject, cell: &'static OnceLock<Known>, input: &[u8]) {
    let [operation, status, media_type, bodies @ ..] = input else { return };
    let known = cell.get_or_init(|| known::<P>(subject));
    let one = |at: u8, of: usize| usize::from(at) % of;
    let operation = CALLS[one(*operation, CALLS.len())];
    let status = STATUSES[one(*status, STATUSES.len())];
    let bodies: Vec<&[u8]> = bodies.split(|byte| *byte == BETWEEN).collect();
    let answering = |bodies: Vec<&[u8]>, references: &[&str]| {
        let content_type = MEDIA_TYPES[one(*media_type, MEDIA_TYPES.len())];
        let gateway = Scripted { bodies, status, content_type, requests: Cell::new(0) };
        let rows = carry_out::<P, _>(subject.shop.carrier, known, (operation, references), &gateway);
        (rows, gateway.requests.get())
    };
    let references = &REFERENCES[..asked(operation).min(REFERENCES.len())];
    let (rows, requests) = answering(bodies.clone(), references);

    assert_eq!(rows.len(), asked(operation), "a row for each row");
    let said = bodies.iter().map(|body| body.len()).sum::<usize>();
    let most = TIMES_SAID * said + OWN_WORDS;
    for row in &rows {
        assert!(row.text <= most, "a row of {} bytes from answers of {said}", row.text);
    }
    if requests == 0 {
        assert!(rows.iter().all(|row| !row.is_done()), "something was done without a request");
        return;
    }
    for row in &rows {
        assert_ne!(row.said, Said::Failed("not-sent"), "an answer came, so it was sent");
    }
    if !subject.statuses.contains(&status) {
        let is_wait = |row: &Row| status == 429 && row.said == Said::Failed("busy");
        // What could not be asked was not in a request.
        let own = |row: &Row| matches!(row.said, Said::Failed("unsupported" | "invalid"));
        assert!(
            rows.iter().all(|row| !row.is_definite() || is_wait(row) || operation == Operation::Check && own(row)),
            "status {status} decides nothing: {:?}",
            rows.iter().map(|row| &row.said).collect::<Vec<_>>()
        );
        return;
    }
    // Most answers are good for nothing, and need not be read a second time.
    let is_read = rows.iter().any(Row::is_done);
    let all: Vec<BTreeSet<String>> = bodies.iter().filter(|_| is_read).map(|body| texts(body)).collect();
    let has = |text: &str| all.iter().any(|texts| texts.contains(text));
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.is_done()) {
        let registration = &known.registrations[at];
        let is_named = has(&registration.reference) || registration.transaction_id.as_deref().is_some_and(has);
        let needs_none = match operation {
            Operation::TestConnection => true,
            Operation::Cancel => subject.cancelled_unnamed,
            Operation::Track => subject.tracked_unnamed,
            // A standing that is no verdict is told by the code of an error at some.
            _ => matches!(row.said, Said::Standing(_)),
        };
        assert!(is_named || needs_none, "{:?} from an answer that does not name it", row.said);
        let is_approving = subject.approving.iter().any(|word| has(word));
        assert!(!row.is_approval() || is_named && is_approving, "approved without a word of approval");
    }
    check_again(subject, (operation, &rows, requests), &bodies, &answering);
}

type Answers<'a> = dyn Fn(Vec<&[u8]>, &[&str]) -> (Vec<Row>, usize) + 'a;

/// What must hold between the answer and others that differ from it in one way.
fn check_again(
    subject: &Subject,
    (operation, rows, requests): (Operation, &[Row], usize),
    bodies: &[&[u8]],
    answering: &Answers<'_>,
) {
    // With more requests than one nobody knows here which of them a row is of.
    let Some(body) = bodies.first().filter(|_| requests == 1) else { return };
    if !rows.iter().any(Row::is_definite) {
        return;
    }
    if let Operation::Credit(_) = operation
        && !texts(body).contains(UNASKED)
        && rows.iter().any(Row::is_done)
    {
        let (rows, _) = answering(vec![body], &[UNASKED]);
        assert!(rows.iter().all(|row| !row.is_done()), "the answer to another registration is taken for this one's");
    }
    let trimmed = body.trim_ascii_end();
    if rows.iter().any(Row::is_done) && operation != Operation::TestConnection {
        let cut = &trimmed[..trimmed.len().saturating_sub(1)];
        let (cut, _) = answering(vec![cut], &REFERENCES[..rows.len()]);
        assert!(cut.iter().all(|row| !row.is_done()), "an answer without its end is read as a success");
    }
    // What XML does not allow would not be written again.
    let is_allowed = |byte: &u8| *byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r');
    let root = xml::parse(body).ok().filter(|_| body.iter().all(is_allowed));
    let turned = root.as_ref().map(|root| xml::write(&reversed(root)));
    let json = || serde_json::to_vec(&Json::read(body)?.reversed()).ok();
    let Some(turned) = turned.or_else(json) else { return };
    let (turned, _) = answering(vec![&turned], &REFERENCES[..rows.len()]);
    for (row, turned) in rows.iter().zip(&turned) {
        let both = row.is_definite() && turned.is_definite();
        assert!(
            !both || row.said == turned.said,
            "{}: an answer that contradicts itself is read as {:?}, and turned round as {:?}",
            subject.shop.id,
            row.said,
            turned.said
        );
    }
    if let Some(amount) = subject.amount.filter(|_| rows.iter().any(Row::is_done)) {
        let billed = named(UNASKED).billed_amount.to_string();
        let mut transactions = root.iter().flat_map(|root| &root.children).flat_map(|child| &child.children);
        assert!(
            transactions.all(|child| child.name != amount || child.text.is_empty() || child.text == billed),
            "an answer about another amount is taken for this one's"
        );
    }
}

/// True answers of the simulator to each call, as inputs.
pub(crate) fn seeds<P: Provider>(subject: &'static Subject) -> Vec<Vec<u8>> {
    let known = known::<P>(subject);
    let mut seeds = Vec::new();
    for (at, operation) in CALLS.into_iter().enumerate() {
        let line = Line::to(subject.shop.id).expect("there is a simulator for each provider");
        if !matches!(operation, Operation::Credit(_)) {
            run(provider::credit::<P, _>(&call::<P, _>(&known.settings, &line), &REFERENCES.map(named)));
        }
        let tap = Tap { line, answers: RefCell::default(), status: Cell::new(200) };
        let references = &REFERENCES[..asked(operation).min(REFERENCES.len())];
        // The second time it was done before.
        for _ in 0..2 {
            tap.answers.borrow_mut().clear();
            carry_out::<P, _>(subject.shop.carrier, &known, (operation, references), &tap);
            let status = STATUSES.iter().position(|status| *status == tap.status.get()).unwrap_or_default();
            let bodies = tap.answers.borrow().join(&BETWEEN);
            seeds.push([&[at as u8, status as u8, 0][..], &bodies].concat());
        }
    }
    seeds
}

/// Keeps what the simulator answers.
struct Tap {
    line: Line,
    answers: RefCell<Vec<Vec<u8>>>,
    status: Cell<u16>,
}

impl Transport for Tap {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let response = self.line.send(request).await?;
        self.answers.borrow_mut().push(response.body.clone());
        self.status.set(response.status);
        Ok(response)
    }
}
