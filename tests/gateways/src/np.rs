//! NP後払い.
//!
//! What its wire rules leave open is decided here, and is the simulator's own:
//!
//! * The status is 400 as soon as one row is refused, also where others of the same answer are
//!   done, see [`Np::partial`]. Rows are answered in the order of the request.
//! * Wrong user or password: 401. Wrong or missing terminal: 403. Neither has a body of JSON.
//! * The codes EPRO0101 to 0107 refuse the whole request, whichever row is to blame. EPRO0107
//!   covers what is not JSON, and every member that is unknown, twice there, null or of another
//!   type. Amounts and quantities are JSON numbers, all else is text.
//! * E0100002 and 003 are both for an id of another form: its characters, its length.
//! * Codes from E0100901 on are for members whose codes are not known: order date 901, settlement
//!   type 902, site name and URL 903 and 904, billed amount 905, goods missing 906, name 907,
//!   price 908, quantity 909. E0100999: nothing more can be recorded.
//! * The five codes of the bill date: EPRO0109 another form, E0100111 no such day, 124 before the
//!   order, 126 more than a year after it, 143 not an enclosed invoice. It may be left out.
//! * Lengths count characters, half-width ones too, and those may be half-width. Name, kana,
//!   company, department, address and goods take what is in Windows-31J.
//! * Of postal codes only 000-0000 is known not to belong to an address. A phone number of the
//!   wrong format is one that does not begin with 0, or has hyphens at an end or side by side.
//! * A quantity is at least 1. A recipient who is the buyer again is not refused.
//! * A verdict under review is 40 at registration and 50 when asked for. 77 is the unknown one.
//! * A cancelled transaction answers every call with E0100114. What is rejected or held can be
//!   cancelled. A magic "refused for its state" is E0100131, for the tracking of an enclosed
//!   invoice E0100121.
//! * Carrier 55555 needs no slip number.
//! * `authori_required_date` is noon of the day of the order in Japan: the simulator has no clock. A code of
//!   rejection or hold is there only where there is one.
//! * A registration under a reference and of an amount that are there already is one more registration,
//!   and its row stands in the errors too, as a warning: E0100998. A month has no meaning here.
//! * A change (取引変更) names the transaction and what is changed; the amount and the goods change together,
//!   and the rules are those of a registration. It is judged again, under the script of the new number.
//! * Cancel and shipments answer the id of what they did and nothing else.
//!
//! A customer's payment is entered by hand, see [`Registration::paid`].

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use time::Duration;

use crate::fields::{self, Rules, at_most, day, digits_and_hyphens, digits_only, eleven_digit_phone, windows_31j};
use crate::ledger::{Ledger, NewRegistration, Refusal, Registration, Shipment};
use crate::verdicts::{self, Verdict};
use crate::wire::{Answer, Received, Trouble, Twist, TwistRule, Wire, twist};

/// Transactions that one request takes.
pub const MAX_TRANSACTIONS: usize = 1_000;

/// How long after the order an invoice can be dated.
const MAX_BILL_AGE: Duration = Duration::days(366);

/// The carrier of deliveries that have no slip number.
const WITHOUT_SLIP: &str = "55555";

/// `pd_company_code`
const CARRIERS: [&str; 18] = [
    "50000",
    "59010",
    "59020",
    "59030",
    "59040",
    "59041",
    "59042",
    "59043",
    "59050",
    "59060",
    "59080",
    "59090",
    "59100",
    "59110",
    "59140",
    "59150",
    "59160",
    WITHOUT_SLIP,
];

/// The provider, as one merchant meets it.
#[derive(Debug, Clone)]
pub struct Np {
    /// What stands before the calls' paths. Begins with a slash, or is empty.
    pub prefix: String,
    /// 加盟店コード, the user of Basic authentication.
    pub merchant_code: String,
    /// SPコード, its password.
    pub sp_code: String,
    /// 端末ID, in `X-NP-Terminal-Id`.
    pub terminal_id: String,
    /// Whether the merchant has to send the buyer's mail address.
    pub email_required: bool,
    /// HTTP status of an answer in which some rows are done and some refused.
    pub partial: u16,
    /// Whether it answers a registration as some clients have seen it: HTTP 201, ids as numbers, a byte
    /// order mark before the JSON.
    pub loose: bool,
    /// `authori_ng` of what is rejected.
    pub ng: String,
    /// `authori_hold` of what is held.
    pub hold: Vec<String>,
}

impl Default for Np {
    /// An invented merchant who need not send mail addresses.
    fn default() -> Self {
        Self {
            prefix: "/v1".to_owned(),
            merchant_code: "9900001".to_owned(),
            sp_code: "sp9900001".to_owned(),
            terminal_id: "9000000001".to_owned(),
            email_required: false,
            partial: 400,
            loose: false,
            ng: "NG001".to_owned(),
            hold: ["RE009", "RE021"].map(str::to_owned).to_vec(),
        }
    }
}

/// A code of an error: `E01` and five digits, or `EPRO` and four.
#[derive(Debug, Clone, Copy)]
enum Code {
    E(u16),
    Pro(u16),
}

use Code::{E, Pro};

const EMPTY: Code = Pro(101);
const TOO_MANY: Code = Pro(102);
const NO_ID: Code = Pro(105);
const ID_TWICE: Code = Pro(106);
const WRONG_KIND: Code = Pro(107);
const ID_CHARACTERS: Code = E(2);
const ID_LENGTH: Code = E(3);
const EMAIL_MISSING: Code = E(68);
const NO_SUCH_TRANSACTION: Code = E(113);
const CANCELLED: Code = E(114);
const SHIPPED: Code = E(115);
const PAID: Code = E(118);
const NOT_APPROVED: Code = E(120);
const NOT_PRINTED: Code = E(121);
const RETURNED: Code = E(131);
const AMOUNT_WRONG: Code = E(2004);
const REPEATED: Code = E(998);
const FULL: Code = E(999);

impl Code {
    fn text(self) -> String {
        match self {
            E(number) => format!("E01{number:05}"),
            Pro(number) => format!("EPRO{number:04}"),
        }
    }
}

/// A request's body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch<T> {
    transactions: Vec<T>,
}

/// A transaction as one of the calls takes it. Texts that are left out are empty.
trait Row: DeserializeOwned {
    /// What names it in this call.
    fn id(&self) -> &str;
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct New {
    shop_transaction_id: String,
    shop_order_date: String,
    settlement_type: String,
    site_name: String,
    site_url: String,
    #[serde(deserialize_with = "present")]
    billed_amount: Option<i64>,
    customer: Person,
    #[serde(deserialize_with = "present")]
    dest_customer: Option<Person>,
    goods: Vec<Goods>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Person {
    customer_name: String,
    customer_name_kana: String,
    company_name: String,
    department_name: String,
    zip_code: String,
    address: String,
    tel: String,
    /// Only of the buyer.
    #[serde(deserialize_with = "present")]
    email: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Goods {
    goods_name: String,
    #[serde(deserialize_with = "present")]
    goods_price: Option<i64>,
    #[serde(deserialize_with = "present")]
    quantity: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Named {
    np_transaction_id: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Shipping {
    np_transaction_id: String,
    pd_company_code: String,
    slip_no: String,
    bill_issued_date: String,
}

/// A change. What is left out stays; amount and goods come together.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Change {
    np_transaction_id: String,
    #[serde(deserialize_with = "present")]
    shop_transaction_id: Option<String>,
    #[serde(deserialize_with = "present")]
    shop_order_date: Option<String>,
    #[serde(deserialize_with = "present")]
    settlement_type: Option<String>,
    #[serde(deserialize_with = "present")]
    site_name: Option<String>,
    #[serde(deserialize_with = "present")]
    site_url: Option<String>,
    #[serde(deserialize_with = "present")]
    billed_amount: Option<i64>,
    #[serde(deserialize_with = "present")]
    customer: Option<Person>,
    #[serde(deserialize_with = "present")]
    dest_customer: Option<Person>,
    #[serde(deserialize_with = "present")]
    goods: Option<Vec<Goods>>,
}

/// What is there is not null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Row for New {
    fn id(&self) -> &str {
        &self.shop_transaction_id
    }
}

impl Row for Named {
    fn id(&self) -> &str {
        &self.np_transaction_id
    }
}

impl Row for Change {
    fn id(&self) -> &str {
        &self.np_transaction_id
    }
}

impl Row for Shipping {
    fn id(&self) -> &str {
        &self.np_transaction_id
    }
}

/// A member, where it is, and its rules.
struct Member<T, C: 'static> {
    name: &'static str,
    of: fn(&T) -> &str,
    rules: Rules<C>,
}

impl<T, C: Copy> Member<T, C> {
    const fn new(
        name: &'static str,
        of: fn(&T) -> &str,
        missing: Option<C>,
        checks: &'static [fields::Check<C>],
    ) -> Self {
        Self { name, of, rules: Rules { missing, checks } }
    }

    fn broken(&self, from: &T) -> Option<C> {
        self.rules.broken((self.of)(from))
    }
}

/// The id's own absence is the request's problem.
static NEW: [Member<New, Code>; 5] = [
    Member::new(
        "shop_transaction_id",
        |new| &new.shop_transaction_id,
        None,
        &[(windows_31j, ID_CHARACTERS), (at_most::<40>, ID_LENGTH)],
    ),
    Member::new(
        "shop_order_date",
        |new| &new.shop_order_date,
        Some(E(901)),
        &[(|day| fields::day(day).is_some(), E(901))],
    ),
    Member::new(
        "settlement_type",
        |new| &new.settlement_type,
        Some(E(902)),
        &[(|kind| ["02", ENCLOSED].contains(&kind), E(902))],
    ),
    Member::new("site_name", |new| &new.site_name, None, &[(windows_31j, E(903)), (at_most::<50>, E(903))]),
    Member::new("site_url", |new| &new.site_url, None, &[(str::is_ascii, E(904)), (at_most::<100>, E(904))]),
];

/// `settlement_type` wiz: the invoice goes into the parcel.
const ENCLOSED: &str = "03";

/// The codes of each rule are the buyer's and the recipient's.
static PERSON: [Member<Person, [u16; 2]>; 7] = [
    Member::new(
        "customer_name",
        |person| &person.customer_name,
        Some([48, 72]),
        &[(windows_31j, [49, 73]), (at_most::<21>, [50, 74])],
    ),
    Member::new(
        "customer_name_kana",
        |person| &person.customer_name_kana,
        None,
        &[(windows_31j, [51, 75]), (at_most::<25>, [52, 76])],
    ),
    Member::new(
        "company_name",
        |person| &person.company_name,
        None,
        &[(windows_31j, [53, 77]), (at_most::<30>, [54, 78])],
    ),
    Member::new(
        "department_name",
        |person| &person.department_name,
        None,
        &[(windows_31j, [55, 79]), (at_most::<30>, [56, 80])],
    ),
    Member::new(
        "zip_code",
        |person| &person.zip_code,
        Some([57, 81]),
        &[(digits_and_hyphens, [58, 82]), (fields::postal, [136, 137]), (fields::postal_exists, [59, 83])],
    ),
    Member::new(
        "address",
        |person| &person.address,
        Some([60, 84]),
        &[(windows_31j, [61, 85]), (at_most::<55>, [62, 86])],
    ),
    Member::new(
        "tel",
        |person| &person.tel,
        Some([63, 87]),
        &[
            (digits_and_hyphens, [64, 88]),
            (|tel| tel.starts_with('0') && !tel.ends_with('-') && !tel.contains("--"), [65, 89]),
            (|tel| !eleven_digit_phone(tel) || fields::without_hyphens(tel).len() == 11, [66, 90]),
            (|tel| eleven_digit_phone(tel) || fields::without_hyphens(tel).len() == 10, [67, 91]),
        ],
    ),
];

/// Whether it has to be there is a matter of the merchant.
static EMAIL: Rules<Code> =
    Rules { missing: None, checks: &[(str::is_ascii, E(69)), (at_most::<100>, E(70)), (fields::mail, E(71))] };

static GOODS_NAME: Rules<Code> =
    Rules { missing: Some(E(907)), checks: &[(windows_31j, E(907)), (at_most::<150>, E(907))] };

static TRANSACTION_ID: Rules<Code> =
    Rules { missing: None, checks: &[(digits_only, ID_CHARACTERS), (|id| id.len() == 11, ID_LENGTH)] };

static SHIPPING: [Member<Shipping, Code>; 3] = [
    Member::new(
        "pd_company_code",
        |shipping| &shipping.pd_company_code,
        Some(E(105)),
        &[(digits_only, E(106)), (|code| code.len() == 5, E(107)), (|code| CARRIERS.contains(&code), E(108))],
    ),
    Member::new(
        "slip_no",
        |shipping| {
            if shipping.pd_company_code == WITHOUT_SLIP && shipping.slip_no.is_empty() {
                "-"
            } else {
                &shipping.slip_no
            }
        },
        Some(E(109)),
        &[(at_most::<20>, E(110)), (|slip| slip.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), E(110))],
    ),
    Member::new(
        "bill_issued_date",
        |shipping| &shipping.bill_issued_date,
        None,
        &[(day_shaped, Pro(109)), (|date| day(date).is_some(), E(111))],
    ),
];

fn day_shaped(value: &str) -> bool {
    value.len() == 10
        && value.char_indices().all(|(at, c)| if at == 4 || at == 7 { c == '-' } else { c.is_ascii_digit() })
}

/// One call: where it is and what it does.
struct Call {
    operation: &'static str,
    method: &'static str,
    path: &'static str,
    run: fn(&Np, &mut Ledger, &[u8]) -> Done,
}

static CALLS: [Call; 6] = [
    Call {
        operation: "transactions",
        method: "POST",
        path: "/transactions",
        run: |np, ledger, body| {
            let warned = repeated(ledger, body);
            let mut done = Done { warned, ..np.each(ledger, body, Np::register) };
            done.loosely = np.loose;
            done
        },
    },
    Call {
        operation: "find",
        method: "POST",
        path: "/authorizations/find",
        run: |np, ledger, body| np.each(ledger, body, Np::find),
    },
    Call {
        operation: "cancel",
        method: "PATCH",
        path: "/transactions/cancel",
        run: |np, ledger, body| np.each(ledger, body, Np::cancel),
    },
    Call {
        operation: "update",
        method: "PATCH",
        path: "/transactions/update",
        run: |np, ledger, body| np.each(ledger, body, Np::update),
    },
    Call {
        operation: "shipments",
        method: "POST",
        path: "/shipments",
        run: |np, ledger, body| np.each(ledger, body, Np::ship),
    },
    Call {
        operation: "payments",
        method: "POST",
        path: "/transactions/payments/find",
        run: |np, ledger, body| np.each(ledger, body, Np::payment),
    },
];

static TWISTS: [TwistRule; 10] = [
    twist(Twist::OtherReference, "transactions", &["\"shop_transaction_id\":\""], "\"", "OTHER-REFERENCE"),
    twist(Twist::OtherReference, "find", TRANSACTION, "\"", OTHER_TRANSACTION),
    twist(Twist::OtherReference, "cancel", TRANSACTION, "\"", OTHER_TRANSACTION),
    twist(Twist::OtherReference, "update", TRANSACTION, "\"", OTHER_TRANSACTION),
    twist(Twist::UnknownCode, "update", &["\"authori_result\":\""], "\"", "88"),
    twist(Twist::OtherReference, "shipments", TRANSACTION, "\"", OTHER_TRANSACTION),
    twist(Twist::OtherReference, "payments", TRANSACTION, "\"", OTHER_TRANSACTION),
    twist(Twist::UnknownCode, "transactions", &["\"authori_result\":\""], "\"", "88"),
    twist(Twist::UnknownCode, "find", &["\"authori_result\":\""], "\"", "88"),
    twist(Twist::UnknownCode, "payments", &["\"payment_status\":\""], "\"", "88"),
];

const TRANSACTION: &[&str] = &["\"np_transaction_id\":\""];
const OTHER_TRANSACTION: &str = "99999999999";

/// What came of a request's rows.
#[derive(Default)]
struct Done {
    results: Vec<Value>,
    refused: Vec<Refused>,
    /// Errors beside rows that were done.
    warned: Vec<Refused>,
    /// See [`Np::loose`].
    loosely: bool,
}

/// A row that was refused, or the whole request, which may have no id.
struct Refused {
    id: String,
    problems: Vec<Problem>,
}

#[derive(Debug)]
struct Problem {
    code: Code,
    /// The member it is about, or other words for the ledger: the wire has none.
    about: String,
}

/// The result of one row.
type RowDone = Result<Value, Vec<Problem>>;

impl Problem {
    fn new(code: Code, about: impl Into<String>) -> Self {
        Self { code, about: about.into() }
    }
}

impl Refused {
    fn whole(code: Code, about: impl Into<String>) -> Self {
        Self { id: String::new(), problems: vec![Problem::new(code, about)] }
    }

    fn json(&self) -> Value {
        let codes: Vec<String> = self.problems.iter().map(|problem| problem.code.text()).collect();
        if self.id.is_empty() { json!({ "codes": codes }) } else { json!({ "codes": codes, "id": self.id }) }
    }
}

impl Wire for Np {
    fn name(&self) -> &'static str {
        "NP後払い"
    }

    fn merchant(&self) -> Vec<(&'static str, String)> {
        vec![
            ("加盟店コード", self.merchant_code.clone()),
            ("SPコード", self.sp_code.clone()),
            ("端末ID", self.terminal_id.clone()),
        ]
    }

    fn base(&self) -> &str {
        &self.prefix
    }

    fn speaks_japanese(&self) -> bool {
        false
    }

    fn operations(&self) -> Vec<&'static str> {
        CALLS.iter().map(|call| call.operation).collect()
    }

    fn operation(&self, request: &Received) -> Option<&'static str> {
        self.call(request).map(|call| call.operation)
    }

    fn names(&self, request: &Received) -> Vec<String> {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let rows = body["transactions"].as_array().map_or(&[][..], Vec::as_slice);
        let names = rows.iter().flat_map(|row| [&row["shop_transaction_id"], &row["np_transaction_id"]]);
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn answer(&self, ledger: &mut Ledger, request: &Received) -> Answer {
        let Some(call) = self.call(request) else { return Answer::page(404, "Not Found") };
        if request.method != call.method {
            return Answer::page(405, "Method Not Allowed");
        }
        if !self.knows(request) {
            return Answer::page(401, "Unauthorized");
        }
        if request.header("x-np-terminal-id") != Some(&self.terminal_id) {
            return Answer::page(403, FORBIDDEN);
        }
        if !matches!(request.charset("application/json").as_deref(), Some("" | "utf-8")) {
            return Answer::page(415, "Unsupported Media Type");
        }
        let done = (call.run)(self, ledger, &request.body);
        record(ledger, call, &done.refused);
        self.in_json(&done)
    }

    /// Only a refused address has words, and those are the status; for the others it is down.
    fn trouble(&self, _: &str, trouble: Trouble) -> Option<Answer> {
        (trouble == Trouble::AddressRefused).then(|| Answer::page(403, FORBIDDEN))
    }

    fn twists(&self) -> &'static [TwistRule] {
        &TWISTS
    }
}

const FORBIDDEN: &str = "Forbidden";

fn record(ledger: &mut Ledger, call: &Call, refused: &[Refused]) {
    for Refused { id, problems } in refused {
        for problem in problems {
            ledger.refuse(Refusal {
                operation: call.operation.to_owned(),
                about: id.clone(),
                code: problem.code.text(),
                message: problem.about.clone(),
            });
        }
    }
}

/// What is the same for every call.
impl Np {
    fn call(&self, request: &Received) -> Option<&'static Call> {
        let path = request.path.strip_prefix(&self.prefix)?;
        CALLS.iter().find(|call| call.path == path)
    }

    /// Whether the request has the merchant's user and password.
    fn knows(&self, request: &Received) -> bool {
        let own = STANDARD.encode(format!("{}:{}", self.merchant_code, self.sp_code));
        let given = request.header("authorization").and_then(|value| value.split_once(' '));
        given.is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("basic") && token == own)
    }

    fn each<T: Row>(&self, ledger: &mut Ledger, body: &[u8], row: fn(&Self, &mut Ledger, &T) -> RowDone) -> Done {
        let mut done = Done::default();
        let transactions = match batch::<T>(body) {
            Ok(transactions) => transactions,
            Err(refused) => return Done { refused: vec![refused], ..done },
        };
        for transaction in transactions {
            match row(self, ledger, &transaction) {
                Ok(result) => done.results.push(result),
                Err(problems) => done.refused.push(Refused { id: transaction.id().to_owned(), problems }),
            }
        }
        done
    }

    fn in_json(&self, done: &Done) -> Answer {
        let errors: Vec<Value> = done.refused.iter().chain(&done.warned).map(Refused::json).collect();
        let (status, body) = match (done.results.is_empty(), done.refused.is_empty(), errors.is_empty()) {
            (_, _, true) => (200, json!({ "results": done.results })),
            // Warnings refuse nothing.
            (_, true, false) => (200, json!({ "results": done.results, "errors": errors })),
            (true, false, false) => (400, json!({ "results": [], "errors": errors })),
            (false, false, false) => (self.partial, json!({ "results": done.results, "errors": errors })),
        };
        let (status, body) = match (done.loosely, status) {
            (false, _) => (status, body.to_string()),
            (true, 200) => (201, format!("\u{feff}{}", with_numbers(body))),
            (true, _) => (status, format!("\u{feff}{}", with_numbers(body))),
        };
        Answer { status, content_type: "application/json; charset=utf-8", retry_after: None, body }
    }
}

/// The same answer with its ids as numbers.
fn with_numbers(mut body: Value) -> Value {
    for row in body["results"].as_array_mut().into_iter().flatten() {
        let id = row["np_transaction_id"].as_str().and_then(|id| id.parse::<u64>().ok());
        row["np_transaction_id"] = id.into();
    }
    body
}

/// The warnings that a registration gets for rows that are there already.
fn repeated(ledger: &Ledger, body: &[u8]) -> Vec<Refused> {
    let again = |new: &New| {
        let same = |other: &Registration| Some(other.billed_amount) == new.billed_amount;
        ledger.by_reference(&new.shop_transaction_id).any(same)
    };
    let warning = |new: New| Refused { id: new.shop_transaction_id, ..Refused::whole(REPEATED, "shop_transaction_id") };
    batch::<New>(body).unwrap_or_default().into_iter().filter(again).map(warning).collect()
}

/// The transactions of a request, if it can be looked at row by row.
fn batch<T: Row>(body: &[u8]) -> Result<Vec<T>, Refused> {
    let read = serde_json::from_slice(body).map_err(|error| Refused::whole(WRONG_KIND, error.to_string()));
    let Batch::<T> { transactions } = read?;
    if transactions.is_empty() {
        return Err(Refused::whole(EMPTY, "transactions"));
    }
    if transactions.len() > MAX_TRANSACTIONS {
        return Err(Refused::whole(TOO_MANY, "transactions"));
    }
    if transactions.iter().any(|transaction| transaction.id().is_empty()) {
        return Err(Refused::whole(NO_ID, "transactions"));
    }
    let mut seen = BTreeSet::new();
    match transactions.iter().find(|transaction| !seen.insert(transaction.id())) {
        Some(twice) => Err(Refused { id: twice.id().to_owned(), ..Refused::whole(ID_TWICE, "transactions") }),
        None => Ok(transactions),
    }
}

/// The calls themselves, for one transaction each.
impl Np {
    fn register(&self, ledger: &mut Ledger, new: &New) -> RowDone {
        let problems = self.problems(new);
        if !problems.is_empty() {
            return Err(problems);
        }
        let new = NewRegistration {
            reference: new.shop_transaction_id.clone(),
            billed_amount: new.billed_amount.unwrap_or_default(),
            buyer: new.customer.customer_name.clone(),
            ordered: new.shop_order_date.clone(),
            enclosed: new.settlement_type == ENCLOSED,
            script: verdicts::script(&new.customer.tel),
        };
        let registration = ledger.register(|number| format!("26{number:09}"), new);
        registration.map(|registration| self.judged(registration)).ok_or_else(|| vec![Problem::new(FULL, "ledger")])
    }

    fn find(&self, ledger: &mut Ledger, named: &Named) -> RowDone {
        let found = open(ledger, &named.np_transaction_id)?;
        found.ask();
        Ok(self.judged(found))
    }

    fn cancel(&self, ledger: &mut Ledger, named: &Named) -> RowDone {
        let found = open(ledger, &named.np_transaction_id)?;
        if found.paid.is_some() {
            return state(PAID);
        }
        if found.script.refuses_cancel {
            return state(RETURNED);
        }
        found.cancelled = true;
        Ok(done(found))
    }

    /// Before the shipment is reported, and judged again.
    fn update(&self, ledger: &mut Ledger, change: &Change) -> RowDone {
        let problems = self.change_problems(change);
        if !problems.is_empty() {
            return Err(problems);
        }
        let found = open(ledger, &change.np_transaction_id)?;
        if found.shipment.is_some() {
            return state(SHIPPED);
        }
        if let Some(amount) = change.billed_amount {
            found.billed_amount = amount;
        }
        if let Some(customer) = &change.customer {
            found.buyer = customer.customer_name.clone();
            found.script = verdicts::script(&customer.tel);
        }
        found.verdict = found.script.verdict(0);
        found.asks = 0;
        Ok(self.judged(found))
    }

    fn ship(&self, ledger: &mut Ledger, shipping: &Shipping) -> RowDone {
        let problem = |member: &Member<Shipping, Code>| Some(Problem::new(member.broken(shipping)?, member.name));
        let problems: Vec<Problem> = SHIPPING.iter().filter_map(problem).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let found = open(ledger, &shipping.np_transaction_id)?;
        if let Some(code) = bill_date_problem(found, &shipping.bill_issued_date).or_else(|| shipping_problem(found)) {
            return state(code);
        }
        found.shipment = Some(Shipment { carrier: shipping.pd_company_code.clone(), slip: shipping.slip_no.clone() });
        Ok(done(found))
    }

    fn payment(&self, ledger: &mut Ledger, named: &Named) -> RowDone {
        let found = open(ledger, &named.np_transaction_id)?;
        Ok(json!({
            "np_transaction_id": found.transaction_id,
            "payment_status": if found.paid.is_some() { "20" } else { "10" },
            "customer_payment_date": found.paid.as_deref().unwrap_or_default(),
        }))
    }

    fn judged(&self, found: &Registration) -> Value {
        let (result, ng, hold): (&str, &str, &[String]) = match found.verdict {
            Verdict::Approved => ("00", "", &[]),
            Verdict::OnHold => ("10", "", &self.hold),
            Verdict::Rejected => ("20", &self.ng, &[]),
            Verdict::UnderReview if found.asks == 0 => ("40", "", &[]),
            Verdict::UnderReview => ("50", "", &[]),
            Verdict::Unknown => ("77", "", &[]),
        };
        let mut row = json!({
            "shop_transaction_id": found.reference,
            "np_transaction_id": found.transaction_id,
            "authori_result": result,
            "authori_required_date": format!("{}T12:00:00+09:00", found.ordered),
        });
        if !ng.is_empty() {
            row["authori_ng"] = ng.into();
        }
        if !hold.is_empty() {
            row["authori_hold"] = hold.into();
        }
        row
    }
}

fn done(found: &Registration) -> Value {
    json!({ "np_transaction_id": found.transaction_id })
}

fn state(code: Code) -> RowDone {
    Err(vec![Problem::new(code, "np_transaction_id")])
}

/// The transaction with this id, if it is there and not cancelled.
fn open<'a>(ledger: &'a mut Ledger, id: &str) -> Result<&'a mut Registration, Vec<Problem>> {
    let found = match TRANSACTION_ID.broken(id) {
        Some(code) => Err(code),
        None => ledger.registrations.get_mut(id).ok_or(NO_SUCH_TRANSACTION),
    };
    let open = found.and_then(|found| if found.cancelled { Err(CANCELLED) } else { Ok(found) });
    open.map_err(|code| vec![Problem::new(code, "np_transaction_id")])
}

/// Tracking is reported only after an approval, and once.
fn shipping_problem(found: &Registration) -> Option<Code> {
    if found.shipment.is_some() {
        return Some(SHIPPED);
    }
    if found.verdict != Verdict::Approved {
        return Some(NOT_APPROVED);
    }
    found.script.refuses_tracking.then_some(if found.enclosed { NOT_PRINTED } else { RETURNED })
}

/// Only an enclosed invoice has a date of the shop's, near the order's.
fn bill_date_problem(found: &Registration, date: &str) -> Option<Code> {
    let age = day(date)? - day(&found.ordered)?;
    if !found.enclosed {
        return Some(E(143));
    }
    if age.is_negative() {
        return Some(E(124));
    }
    (age > MAX_BILL_AGE).then_some(E(126))
}

/// What is wrong with a registration.
impl Np {
    fn problems(&self, new: &New) -> Vec<Problem> {
        let problem = |member: &Member<New, Code>| Some(Problem::new(member.broken(new)?, member.name));
        let mut problems: Vec<Problem> = NEW.iter().filter_map(problem).collect();
        problems.extend(person_problems(&new.customer, "customer", 0));
        problems.extend(self.email_problem(&new.customer));
        if let Some(recipient) = &new.dest_customer {
            problems.extend(person_problems(recipient, "dest_customer", 1));
            problems.extend(recipient.email.as_ref().map(|_| Problem::new(WRONG_KIND, "dest_customer.email")));
        }
        problems.extend(amount_problems(&new.goods, new.billed_amount));
        problems
    }

    fn change_problems(&self, change: &Change) -> Vec<Problem> {
        let mut problems = Vec::new();
        let texts = [
            ("shop_transaction_id", &change.shop_transaction_id),
            ("shop_order_date", &change.shop_order_date),
            ("settlement_type", &change.settlement_type),
            ("site_name", &change.site_name),
            ("site_url", &change.site_url),
        ];
        for (member, value) in NEW.iter().zip(texts) {
            let code = value.1.as_deref().and_then(|value| member.rules.broken(value));
            problems.extend(code.map(|code| Problem::new(code, value.0)));
        }
        if let Some(customer) = &change.customer {
            problems.extend(person_problems(customer, "customer", 0));
            problems.extend(self.email_problem(customer));
        }
        problems
            .extend(change.dest_customer.iter().flat_map(|recipient| person_problems(recipient, "dest_customer", 1)));
        if change.billed_amount.is_some() || change.goods.is_some() {
            problems.extend(amount_problems(change.goods.as_deref().unwrap_or_default(), change.billed_amount));
        }
        problems
    }

    fn email_problem(&self, buyer: &Person) -> Option<Problem> {
        let email = buyer.email.as_deref().unwrap_or_default();
        let missing = self.email_required && email.is_empty();
        let code = if missing { Some(EMAIL_MISSING) } else { EMAIL.broken(email) };
        code.map(|code| Problem::new(code, "customer.email"))
    }
}

/// `whose`: 0 the buyer's, 1 the recipient's codes.
fn person_problems(person: &Person, name: &str, whose: usize) -> impl Iterator<Item = Problem> {
    PERSON.iter().filter_map(move |member| {
        let codes = member.broken(person)?;
        Some(Problem::new(E(codes[whose]), format!("{name}.{}", member.name)))
    })
}

/// The sum is looked at only where there are numbers to add.
fn amount_problems(goods: &[Goods], billed: Option<i64>) -> Vec<Problem> {
    let mut problems: Vec<Problem> = goods.iter().enumerate().flat_map(goods_problems).collect();
    if goods.is_empty() {
        problems.push(Problem::new(E(906), "goods"));
    }
    if billed.is_none_or(|amount| amount <= 0) {
        problems.push(Problem::new(E(905), "billed_amount"));
    }
    if problems.is_empty() && goods_total(goods) != billed.map(i128::from) {
        problems.push(Problem::new(AMOUNT_WRONG, "billed_amount"));
    }
    problems
}

/// Price × quantity of every line. Where it is too much for any number, it is no amount either.
fn goods_total(goods: &[Goods]) -> Option<i128> {
    goods.iter().try_fold(0_i128, |sum, line| {
        let line = i128::from(line.goods_price?) * i128::from(line.quantity?);
        sum.checked_add(line)
    })
}

fn goods_problems((number, goods): (usize, &Goods)) -> impl Iterator<Item = Problem> {
    let name = GOODS_NAME.broken(&goods.goods_name).map(|code| (code, "goods_name"));
    let price = goods.goods_price.is_none().then_some((E(908), "goods_price"));
    let quantity = goods.quantity.is_none_or(|quantity| quantity < 1).then_some((E(909), "quantity"));
    let problems = [name, price, quantity].into_iter().flatten();
    problems.map(move |(code, member)| Problem::new(code, format!("goods[{number}].{member}")))
}
