//! クロネコ代金後払い (Yamato).
//!
//! It has no transaction ids of its own: orders are known by the shop's `orderNo`, in the ledger
//! too.
//!
//! What its wire rules leave open is decided here, and is the simulator's own:
//!
//! * An operation is called as its error codes begin: kaara, kaars, kaast, kaasl, kaacl.
//! * An answer has one code, that of the first rule that is broken, in the order of the tables.
//! * Numbers are those of a public client's table. Where that has none for what is wrong, the nearest of
//!   the same parameter stands: 057 for a name that is missing behind the first line, 063 for a missing
//!   subtotal, 019 and 023 for a missing processDiv and shipYmd, 092 for a merchant who is not known.
//! * 990: not UTF-8. 991: a parameter that the call does not have. 994: one that is there twice. The real
//!   gateway may ignore them, but then a typing error would pass.
//! * Content-Type has to be a form's, and name UTF-8 or nothing; it is HTTP 415 otherwise.
//! * Full-width is what has two bytes in Windows-31J; what that does not have at all is refused for
//!   its characters. Kana are half-width ones and blanks. A 番地 is a full-width digit or the word.
//! * Of postal codes only 000-0000 is known not to exist.
//! * Numbers with eleven digits begin with 020, 050, 060, 070, 080 or 090.
//! * itemName1 to 10 run without a gap; each needs a name and a subtotal, which is not compared
//!   with count and price.
//! * shipYmd may be 90 days before and after the day of requestDate, which itself is compared with
//!   no clock. `returnDate` repeats it, for the same reason.
//! * The send fields are checked wherever they are there. A gift needs a name, a postal code and an
//!   address (102). There are up to ten destinations: sendName2, sendPostCode2, sendAddress12,
//!   sendAddress22, sendTelNum2 and so on.
//! * sendDiv 3 (SMS) is taken, and then as 0.
//! * Another carrier's slip has letters, digits and hyphens. Slip 000000000000 is usable by nobody.
//!   processDiv 1 is for Yamato's own, too, and the ledger's carrier is then 0.
//! * To change a slip, beforePaymentNo has to name the one that is registered (022). Without it, one of
//!   Yamato's own is another parcel, and the ledger keeps the last; another carrier's is there already
//!   (020). 020 is also for every other state.
//! * The answer to a registration carries `requestDate` besides `returnDate`: clients read either.
//! * A cancel is refused (009) for what is rejected or cancelled, or magic.
//! * Asking through kaast counts as a question about the verdict, as asking through kaars.
//! * In kaast, 2 is for what was cancelled after its approval and 31 before. A customer's payment is
//!   entered by hand, see [`Registration::paid`](crate::ledger::Registration::paid).
//! * A result of 7, and of 99 in kaast, is the unknown one. On hold is under review for ever.
//! * `err0001` is a system failure, `err0003` maintenance, `err0002` a full ledger.
//!
//! There is no KAAKK0010 (請求金額変更): nobody needs it yet.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use time::Duration;

use crate::fields::{
    self, FORM, Params, Rules, at_most, compact_day, digits_and_hyphens, digits_only, eleven_digit_phone, full_width,
    prefecture_first, windows_31j, without_hyphens,
};
use crate::ledger::{Ledger, NewRegistration, Refusal, Registration, Shipment};
use crate::verdicts::{self, Verdict};
use crate::wire::{Answer, Received, Trouble, Twist, TwistRule, Wire, twist};
use crate::xml::Element;

/// Lines of an order.
pub const MAX_ITEMS: usize = 10;

/// How far from the request a ship date may be.
const SHIP_WINDOW: Duration = Duration::days(90);

/// Orders that one slip can be for.
pub const MAX_ORDERS_ON_SLIP: usize = 3;

/// The provider, as one merchant meets it.
#[derive(Debug, Clone)]
pub struct Kuroneko {
    /// What stands before the calls' names in the path. Begins with a slash, or is empty.
    pub prefix: String,
    /// `ycfStrCode`, 加盟店コード.
    pub merchant_code: String,
    /// `password`
    pub password: String,
    /// `result` of what is rejected: 1 ご利用不可 or 2 限度額超過.
    pub rejected: String,
    /// `result` of kaast for what has a slip: 3, 5, 6, 10 or 11, as its delivery goes on.
    pub shipped: String,
    /// `warning` of kaast.
    pub warning: String,
}

impl Default for Kuroneko {
    /// An invented merchant, whose deliveries never get under way.
    fn default() -> Self {
        Self {
            prefix: "/kuroneko-atobarai-api".to_owned(),
            merchant_code: "99000000001".to_owned(),
            password: "mihon123".to_owned(),
            rejected: "1".to_owned(),
            shipped: "3".to_owned(),
            warning: "0".to_owned(),
        }
    }
}

/// A code of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// Three digits in the family of the call.
    Own(u16),
    /// An internal failure.
    Internal(u16),
}

use Code::{Internal, Own};

/// What is wrong: its code, and the parameter for the ledger. The wire has no words.
#[derive(Debug)]
struct Problem {
    code: Code,
    about: String,
}

fn problem<T>(number: u16, about: &str) -> Result<T, Problem> {
    Err(Problem { code: Own(number), about: about.to_owned() })
}

const NOT_UNIQUE: u16 = 9;
const NO_SUCH_ORDER: u16 = 8;
const NOT_UTF8: u16 = 990;
const UNKNOWN_PARAMETER: u16 = 991;
const REPEATED_PARAMETER: u16 = 994;

/// A merchant who is not known, which kaara has no number for.
const OTHER_MERCHANT: u16 = 1_000;
const OTHER_PASSWORD: u16 = 92;
/// Of kaasl: what has to be empty for this processDiv.
const MUST_BE_EMPTY: u16 = 31;

/// Numbers of kaara's for the common parameters, and those of another call for the same.
type Numbers = &'static [(u16, u16)];

static OF_KAARA: Numbers = &[(OTHER_MERCHANT, OTHER_PASSWORD)];
static OF_QUESTIONS: Numbers = &[
    (OTHER_MERCHANT, 12),
    (6, 7),
    (7, 14),
    (8, 5),
    (86, 11),
    (87, 10),
    (88, 9),
    (89, 9),
    (90, 13),
    (91, 12),
    (OTHER_PASSWORD, 12),
];
static OF_CANCELS: Numbers = &[
    (OTHER_MERCHANT, 13),
    (6, 7),
    (7, 16),
    (8, 5),
    (86, 12),
    (87, 11),
    (88, 10),
    (89, 10),
    (90, 14),
    (91, 13),
    (OTHER_PASSWORD, 13),
];
static OF_SLIPS: Numbers = &[
    (OTHER_MERCHANT, 41),
    (6, 7),
    (7, 38),
    (8, 5),
    (86, 35),
    (87, 34),
    (88, 33),
    (89, 33),
    (90, 37),
    (91, 36),
    (OTHER_PASSWORD, 36),
];

/// A parameter and its rules.
struct Parameter {
    name: &'static str,
    rules: Rules<u16>,
}

const fn parameter(name: &'static str, missing: u16, checks: &'static [fields::Check<u16>]) -> Parameter {
    Parameter { name, rules: Rules { missing: Some(missing), checks } }
}

const fn optional(name: &'static str, checks: &'static [fields::Check<u16>]) -> Parameter {
    Parameter { name, rules: Rules { missing: None, checks } }
}

/// One call: where it is, what it takes, what it does.
struct Call {
    operation: &'static str,
    path: &'static str,
    /// Its numbers for the common parameters, where they are not kaara's.
    numbers: Numbers,
    parameters: &'static [Parameter],
    /// Parameters of this call that are looked at only together with others.
    others: &'static [Parameter],
    /// Parameters that are numbered from 1 to [`MAX_ITEMS`].
    numbered: &'static [Parameter],
    run: fn(&Kuroneko, &mut Ledger, &Params) -> Done,
}

/// What an answer has besides the common elements, or the first problem.
type Done = Result<Vec<Element>, Problem>;

static CALLS: [Call; 5] = [
    Call {
        operation: "kaara",
        path: "/KAARA0010APIAction_execute.action",
        numbers: OF_KAARA,
        parameters: &REGISTRATION,
        others: &DESTINATION,
        numbered: &ITEM,
        run: Kuroneko::register,
    },
    Call {
        operation: "kaars",
        path: "/KAARS0010APIAction_execute.action",
        numbers: OF_QUESTIONS,
        run: Kuroneko::result,
        ..NOTHING_MORE
    },
    Call {
        operation: "kaast",
        path: "/KAAST0010APIAction_execute.action",
        numbers: OF_QUESTIONS,
        run: Kuroneko::status,
        ..NOTHING_MORE
    },
    Call {
        operation: "kaasl",
        path: "/KAASL0010APIAction_execute.action",
        numbers: OF_SLIPS,
        parameters: &[PROCESS_DIV],
        others: &[SLIP, NEW_SHIP_DAY, BEFORE],
        run: Kuroneko::ship,
        ..NOTHING_MORE
    },
    Call {
        operation: "kaacl",
        path: "/KAACL0010APIAction_execute.action",
        numbers: OF_CANCELS,
        run: Kuroneko::cancel,
        ..NOTHING_MORE
    },
];

/// A call with the common parameters only.
const NOTHING_MORE: Call = Call {
    operation: "",
    path: "",
    numbers: &[],
    parameters: &[],
    others: &[],
    numbered: &[],
    run: |_, _, _| Ok(Vec::new()),
};

const MERCHANT: &str = "ycfStrCode";
const PASSWORD: &str = "password";
const ORDER: &str = "orderNo";
const REQUEST_DATE: &str = "requestDate";

/// What every call carries, with kaara's codes, see [`Call::common_code`].
static COMMON: [Parameter; 4] = [
    parameter(MERCHANT, 4, &[(digits_only, 3), (|code| code.len() == 11, 2)]),
    parameter(ORDER, 6, &[(order_characters, 7), (at_most::<20>, 8)]),
    parameter(REQUEST_DATE, 86, &[(digits_only, 87), (|date| date.len() == 14, 88), (moment, 89)]),
    parameter(PASSWORD, 90, &[(|word| word.len() <= 8 && word.chars().all(|c| c.is_ascii_alphanumeric()), 91)]),
];

static REGISTRATION: [Parameter; 12] = [
    parameter("orderYmd", 10, &[(digits_only, 11), (eight, 12), (real_day, 13)]),
    parameter("shipYmd", 14, &[(digits_only, 15), (eight, 16), (real_day, 17)]),
    parameter("name", 19, &[(full_width, 20), (at_most::<30>, 21), (windows_31j, 22)]),
    optional("nameKana", &[(half_width_kana, 23), (at_most::<80>, 24)]),
    parameter(
        "postCode",
        25,
        &[
            (digits_and_hyphens, 26),
            (one_hyphen, 27),
            (seven_digits, 28),
            (fields::postal, 105),
            (fields::postal_exists, 29),
        ],
    ),
    parameter("address1", 30, &[(full_width, 31), (at_most::<25>, 32), (windows_31j, 33), (prefecture_first, 34)]),
    optional("address2", &[(full_width, 35), (at_most::<25>, 36), (windows_31j, 37)]),
    parameter("telNum", 38, &[(digits_and_hyphens, 39), (zero_first, 93), (phone_digits, 40)]),
    optional("email", &[(str::is_ascii, 43), (at_most::<64>, 44), (fields::mail, 45)]),
    parameter("totalAmount", 46, &[(digits_only, 47), (at_most::<6>, 48), (|amount| yen(amount) > 0, 49)]),
    parameter("sendDiv", 50, &[(digits_only, 51), (|div| ["0", GIFT, ENCLOSED, SMS].contains(&div), 53)]),
    optional("cartCode", &[]),
];

/// `sendDiv`: the parcel goes to somebody else.
const GIFT: &str = "1";

/// `sendDiv`: the invoice goes into the parcel.
const ENCLOSED: &str = "2";

/// `sendDiv`: the customer confirms by SMS.
const SMS: &str = "3";

/// Destinations of one order.
const MAX_DESTINATIONS: usize = 10;

/// What is missing of a gift.
const NO_DESTINATION: u16 = 102;

/// Where a gift goes.
static DESTINATION: [Parameter; 5] = [
    parameter("sendName", NO_DESTINATION, &[(full_width, 66), (at_most::<30>, 67), (windows_31j, 68)]),
    parameter(
        "sendPostCode",
        NO_DESTINATION,
        &[
            (digits_and_hyphens, 70),
            (one_hyphen, 71),
            (seven_digits, 72),
            (fields::postal, 106),
            (fields::postal_exists, 73),
        ],
    ),
    parameter(
        "sendAddress1",
        NO_DESTINATION,
        &[(full_width, 75), (at_most::<25>, 76), (windows_31j, 77), (prefecture_first, 78)],
    ),
    optional("sendAddress2", &[(full_width, 79), (at_most::<25>, 80), (windows_31j, 81)]),
    optional("sendTelNum", &[(digits_and_hyphens, 82), (two_hyphens, 83), (zero_first, 94), (phone_digits, 84)]),
];

static ITEM: [Parameter; 4] = [
    parameter("itemName", 57, &[(full_width, 54), (at_most::<30>, 55), (windows_31j, 56)]),
    optional("itemCount", &[(digits_only, 58), (at_most::<4>, 59)]),
    optional("unitPrice", &[(minus_in_front, 60), (not_above, 61), (not_below, 62)]),
    parameter("subTotal", 63, &[(minus_in_front, 63), (not_above, 64), (not_below, 65)]),
];

const PROCESS_DIV: Parameter =
    parameter("processDiv", 19, &[(|div| [YAMATO, NEW_DATE, OTHER_CARRIER, WITHDRAW].contains(&div), 19)]);

/// The slip that is to be changed.
const BEFORE: Parameter = optional("beforePaymentNo", &[(slip_characters, 44)]);

const YAMATO: &str = "0";
const NEW_DATE: &str = "1";
const OTHER_CARRIER: &str = "2";
const WITHDRAW: &str = "9";

const SLIP: Parameter = parameter("paymentNo", 11, &[(slip_characters, 12), (at_most::<12>, 10)]);

/// What a slip of Yamato's own has to be besides.
static YAMATO_SLIP: Rules<u16> =
    Rules { missing: None, checks: &[(digits_only, 12), (check_digit, 14), (|slip| yen(slip) > 0, 15)] };

const NEW_SHIP_DAY: Parameter = parameter("shipYmd", 23, &[(real_day, 23)]);

fn slip_characters(slip: &str) -> bool {
    slip.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn order_characters(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn eight(value: &str) -> bool {
    value.len() == 8
}

fn real_day(value: &str) -> bool {
    compact_day(value).is_some()
}

/// A time of a day, from fourteen digits.
fn moment(value: &str) -> bool {
    let (day, time) = value.split_at(8);
    let number = |at: usize| time[at..at + 2].parse::<u8>().expect("two digits");
    real_day(day) && number(0) < 24 && number(2) < 60 && number(4) < 60
}

fn half_width_kana(value: &str) -> bool {
    value.chars().all(|c| matches!(c, '\u{ff61}'..='\u{ff9f}' | ' '))
}

fn seven_digits(value: &str) -> bool {
    without_hyphens(value).len() == 7
}

fn zero_first(value: &str) -> bool {
    value.starts_with('0')
}

fn phone_digits(value: &str) -> bool {
    without_hyphens(value).len() == if eleven_digit_phone(value) { 11 } else { 10 }
}

fn minus_in_front(value: &str) -> bool {
    digits_only(value.strip_prefix('-').unwrap_or(value))
}

fn not_above(value: &str) -> bool {
    value.starts_with('-') || value.len() <= 6
}

fn not_below(value: &str) -> bool {
    value.len() <= 7
}

fn one_hyphen(value: &str) -> bool {
    value.matches('-').count() <= 1
}

fn two_hyphens(value: &str) -> bool {
    value.matches('-').count() <= 2
}

/// The last of twelve digits is the first eleven, as one number, modulo 7.
fn check_digit(slip: &str) -> bool {
    let Some((number, digit)) = slip.split_at_checked(11) else { return false };
    number.parse::<u64>().is_ok_and(|number| (number % 7).to_string() == digit)
}

/// Where a house is, as far as can be seen from here.
fn has_house_number(address: &str) -> bool {
    address.contains("番地") || address.chars().any(|c| matches!(c, '０'..='９'))
}

/// An amount that its parameter's rules have let through; an absent one is 0.
fn yen(value: &str) -> i64 {
    value.parse().unwrap_or(0)
}

static TWISTS: [TwistRule; 10] = [
    twist(Twist::OtherReference, "kaara", &["<orderNo>"], "<", OTHER_ORDER),
    twist(Twist::OtherReference, "kaars", &["<orderNo>"], "<", OTHER_ORDER),
    twist(Twist::OtherReference, "kaast", &["<orderNo>"], "<", OTHER_ORDER),
    twist(Twist::OtherReference, "kaasl", &["<orderNo>"], "<", OTHER_ORDER),
    twist(Twist::OtherReference, "kaacl", &["<orderNo>"], "<", OTHER_ORDER),
    twist(Twist::UnknownCode, "kaara", &["<result>"], "<", "8"),
    twist(Twist::UnknownCode, "kaars", &["<result>"], "<", "8"),
    twist(Twist::UnknownCode, "kaast", &["<result>"], "<", "88"),
    twist(Twist::UnknownCode, "kaasl", &["<returnCode>"], "<", "8"),
    twist(Twist::UnknownCode, "kaacl", &["<returnCode>"], "<", "8"),
];

const OTHER_ORDER: &str = "OTHER-REFERENCE";

impl Wire for Kuroneko {
    fn name(&self) -> &'static str {
        "クロネコ代金後払い"
    }

    fn merchant(&self) -> Vec<(&'static str, String)> {
        vec![("加盟店コード", self.merchant_code.clone()), ("パスワード", self.password.clone())]
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
        let params = Params::parse(&request.body);
        params.all(ORDER).filter(|order| !order.is_empty()).map(str::to_owned).collect()
    }

    fn answer(&self, ledger: &mut Ledger, request: &Received) -> Answer {
        let Some(call) = self.call(request) else { return Answer::page(404, "Not Found") };
        if request.method != "POST" {
            return Answer::page(405, "Method Not Allowed");
        }
        if !matches!(request.charset(FORM).as_deref(), Some("" | "utf-8")) {
            return Answer::page(415, "Unsupported Media Type");
        }
        let params = Params::parse(&request.body);
        match self.check(call, &params).and_then(|()| (call.run)(self, ledger, &params)) {
            Ok(elements) => answer(&params, "0", elements),
            Err(problem) => {
                let code = call.code(problem.code);
                ledger.refuse(Refusal {
                    operation: call.operation.to_owned(),
                    about: params.get(ORDER).to_owned(),
                    code: code.clone(),
                    message: problem.about,
                });
                refusal(&params, code)
            }
        }
    }

    fn trouble(&self, operation: &str, trouble: Trouble) -> Option<Answer> {
        let call = CALLS.iter().find(|call| call.operation == operation)?;
        let code = match trouble {
            Trouble::AddressRefused => return None,
            Trouble::SystemFailure => Internal(1),
            Trouble::Maintenance => Internal(3),
        };
        Some(refusal(&Params::parse(b""), call.code(code)))
    }

    fn twists(&self) -> &'static [TwistRule] {
        &TWISTS
    }
}

fn answer(params: &Params, return_code: &'static str, elements: Vec<Element>) -> Answer {
    let mut children = vec![
        Element::text(MERCHANT, params.get(MERCHANT)),
        Element::text(ORDER, params.get(ORDER)),
        Element::text("returnCode", return_code),
    ];
    children.extend(elements);
    children.push(Element::text("returnDate", params.get(REQUEST_DATE)));
    let body = Element::parent("return", children).document();
    Answer { status: 200, content_type: "text/xml; charset=utf-8", retry_after: None, body }
}

fn refusal(params: &Params, code: String) -> Answer {
    answer(params, "1", vec![Element::text("errorCode", code)])
}

impl Call {
    fn code(&self, code: Code) -> String {
        match code {
            Own(number) => format!("{}{number:03}E", self.operation),
            Internal(number) => format!("err{number:04}"),
        }
    }

    /// The number of this call for what is `number` at kaara.
    fn common_code(&self, number: u16) -> u16 {
        self.numbers.iter().find(|(kaara, _)| *kaara == number).map_or(number, |(_, own)| *own)
    }

    fn has(&self, name: &str) -> bool {
        let mut all = COMMON.iter().chain(self.parameters).chain(self.others);
        let destinations = if self.numbered.is_empty() { [].as_slice() } else { &DESTINATION };
        all.any(|parameter| parameter.name == name)
            || self.numbered.iter().any(|item| is_numbered(name, item.name, 1..=MAX_ITEMS))
            || destinations.iter().any(|field| is_numbered(name, field.name, 2..=MAX_DESTINATIONS))
    }
}

/// Whether a name is that of a numbered parameter, with its number written without leading zeros.
fn is_numbered(name: &str, stem: &str, mut numbers: RangeInclusive<usize>) -> bool {
    let number = name.strip_prefix(stem).unwrap_or_default();
    numbers.any(|known| known.to_string() == number)
}

/// What is checked before a call does anything.
impl Kuroneko {
    fn call(&self, request: &Received) -> Option<&'static Call> {
        let path = request.path.strip_prefix(&self.prefix)?;
        CALLS.iter().find(|call| call.path == path)
    }

    fn check(&self, call: &Call, params: &Params) -> Result<(), Problem> {
        if params.not_utf8() {
            return problem(NOT_UTF8, "");
        }
        no_strangers(call, params)?;
        for parameter in &COMMON {
            if let Some(number) = parameter.rules.broken(params.get(parameter.name)) {
                return problem(call.common_code(number), parameter.name);
            }
        }
        if params.get(MERCHANT) != self.merchant_code {
            return problem(call.common_code(OTHER_MERCHANT), MERCHANT);
        }
        if params.get(PASSWORD) != self.password {
            return problem(call.common_code(OTHER_PASSWORD), PASSWORD);
        }
        call.parameters.iter().try_for_each(|parameter| follows(parameter, parameter.name, params))
    }
}

fn no_strangers(call: &Call, params: &Params) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    for (name, _) in params.iter() {
        if !call.has(name) {
            return problem(UNKNOWN_PARAMETER, name);
        }
        if !seen.insert(name) {
            return problem(REPEATED_PARAMETER, name);
        }
    }
    Ok(())
}

/// Whether what is there under `name` follows the rules of a parameter.
fn follows(parameter: &Parameter, name: &str, params: &Params) -> Result<(), Problem> {
    parameter.rules.broken(params.get(name)).map_or(Ok(()), |number| problem(number, name))
}

/// The calls themselves.
impl Kuroneko {
    fn register(&self, ledger: &mut Ledger, params: &Params) -> Done {
        let items = items(params)?;
        destination(params)?;
        ship_day(params, params.get("orderYmd"), [100, 18])?;
        addresses(params)?;
        let total = yen(params.get("totalAmount"));
        if items != total {
            return problem(101, "totalAmount");
        }
        let order = params.get(ORDER);
        if ledger.find(order).is_some() {
            return problem(NOT_UNIQUE, ORDER);
        }
        let new = NewRegistration {
            reference: order.to_owned(),
            billed_amount: total,
            buyer: params.get("name").to_owned(),
            ordered: params.get("orderYmd").to_owned(),
            enclosed: params.get("sendDiv") == ENCLOSED,
            script: verdicts::script(params.get("telNum")),
        };
        let registration = ledger.register(|_| order.to_owned(), new);
        let full = || Problem { code: Internal(2), about: "ledger".to_owned() };
        let requested = Element::text(REQUEST_DATE, params.get(REQUEST_DATE));
        registration.map(|registration| vec![self.judged(registration), requested]).ok_or_else(full)
    }

    fn result(&self, ledger: &mut Ledger, params: &Params) -> Done {
        let found = found(ledger, params)?;
        if found.cancelled {
            return problem(NO_SUCH_ORDER, ORDER);
        }
        found.ask();
        Ok(vec![self.judged(found)])
    }

    fn status(&self, ledger: &mut Ledger, params: &Params) -> Done {
        let found = found(ledger, params)?;
        if !found.cancelled {
            found.ask();
        }
        Ok(vec![Element::text("result", self.standing(found)), Element::text("warning", &self.warning)])
    }

    fn cancel(&self, ledger: &mut Ledger, params: &Params) -> Done {
        let found = found(ledger, params)?;
        if found.paid.is_some() {
            return problem(15, ORDER);
        }
        if found.cancelled || found.verdict == Verdict::Rejected || found.script.refuses_cancel {
            return problem(9, ORDER);
        }
        found.cancelled = true;
        Ok(Vec::new())
    }

    fn ship(&self, ledger: &mut Ledger, params: &Params) -> Done {
        let div = params.get("processDiv");
        let slip = slip(params, div)?;
        let uses = |other: &&Registration| other.shipment.as_ref().is_some_and(|shipment| shipment.slip == slip);
        let others = ledger.registrations.values().filter(|other| other.transaction_id != params.get(ORDER));
        let full = others.filter(uses).count() >= MAX_ORDERS_ON_SLIP;
        let found = found(ledger, params)?;
        may_ship(found, div, params.get("beforePaymentNo"))?;
        if div == NEW_DATE {
            ship_day(params, &found.ordered, [27, 42])?;
        }
        if full {
            return problem(45, "paymentNo");
        }
        let carrier = if div == OTHER_CARRIER { OTHER_CARRIER } else { YAMATO };
        let shipment = Shipment { carrier: carrier.to_owned(), slip: slip.to_owned() };
        found.shipment = (div != WITHDRAW).then_some(shipment);
        Ok(Vec::new())
    }

    fn judged(&self, found: &Registration) -> Element {
        let result = match found.verdict {
            Verdict::Approved => "0",
            Verdict::Rejected => &self.rejected,
            Verdict::UnderReview | Verdict::OnHold => "3",
            Verdict::Unknown => "7",
        };
        Element::text("result", result)
    }

    fn standing(&self, found: &Registration) -> &str {
        match found.verdict {
            Verdict::Approved if found.cancelled => "2",
            _ if found.cancelled => "31",
            _ if found.paid.is_some() => "12",
            _ if found.shipment.is_some() => &self.shipped,
            Verdict::Approved => "1",
            Verdict::Rejected => "32",
            Verdict::UnderReview | Verdict::OnHold => "30",
            Verdict::Unknown => "99",
        }
    }
}

fn found<'a>(ledger: &'a mut Ledger, params: &Params) -> Result<&'a mut Registration, Problem> {
    ledger.registrations.get_mut(params.get(ORDER)).map_or_else(|| problem(NO_SUCH_ORDER, ORDER), Ok)
}

/// The sum of the lines. There is one at least, and none is left out before the last.
fn items(params: &Params) -> Result<i64, Problem> {
    let given = |number: &usize| ITEM.iter().any(|item| !params.get(&format!("{}{number}", item.name)).is_empty());
    let last = (1..=MAX_ITEMS).rev().find(given).unwrap_or(1);
    for number in 1..=last {
        ITEM.iter().try_for_each(|item| follows(item, &format!("{}{number}", item.name), params))?;
    }
    Ok((1..=last).map(|number| yen(params.get(&format!("subTotal{number}")))).sum())
}

/// The first is needed for a gift; the others, and it where it does not apply, are looked at if they are
/// there.
fn destination(params: &Params) -> Result<(), Problem> {
    let gift = params.get("sendDiv") == GIFT;
    for parameter in &DESTINATION {
        let others = (2..=MAX_DESTINATIONS).map(|number| format!("{}{number}", parameter.name));
        for name in [parameter.name.to_owned()].into_iter().chain(others) {
            let needed = gift && name == parameter.name;
            if needed || !params.get(&name).is_empty() {
                follows(parameter, &name, params)?;
            }
        }
    }
    Ok(())
}

/// The ship date is not before the order's and not far from the request; the codes for either.
fn ship_day(params: &Params, ordered: &str, [before, far]: [u16; 2]) -> Result<(), Problem> {
    let ship = compact_day(params.get("shipYmd"));
    if ship < compact_day(ordered) {
        return problem(before, "shipYmd");
    }
    let request = compact_day(&params.get(REQUEST_DATE)[..8]);
    match (ship, request) {
        (Some(ship), Some(request)) if (ship - request).abs() <= SHIP_WINDOW => Ok(()),
        _ => problem(far, "shipYmd"),
    }
}

/// Each address has a 番地 in one of its halves.
fn addresses(params: &Params) -> Result<(), Problem> {
    let whole = |first: &str, second: &str| [params.get(first), params.get(second)].concat();
    if !has_house_number(&whole("address1", "address2")) {
        return problem(103, "address1");
    }
    if params.get("sendDiv") == GIFT && !has_house_number(&whole("sendAddress1", "sendAddress2")) {
        return problem(104, "sendAddress1");
    }
    Ok(())
}

/// The slip of a request, empty if it is to be withdrawn, and the date that belongs to it.
fn slip<'a>(params: &'a Params, div: &str) -> Result<&'a str, Problem> {
    let slip = params.get(SLIP.name);
    follows(&BEFORE, BEFORE.name, params)?;
    match div {
        WITHDRAW if !slip.is_empty() => return problem(13, SLIP.name),
        WITHDRAW => {}
        _ => follows(&SLIP, SLIP.name, params)?,
    }
    if [YAMATO, NEW_DATE].contains(&div)
        && let Some(number) = YAMATO_SLIP.broken(slip)
    {
        return problem(number, SLIP.name);
    }
    match div {
        NEW_DATE => follows(&NEW_SHIP_DAY, NEW_SHIP_DAY.name, params)?,
        _ if !params.get(NEW_SHIP_DAY.name).is_empty() => return problem(MUST_BE_EMPTY, NEW_SHIP_DAY.name),
        _ => {}
    }
    Ok(slip)
}

/// A slip is registered after an approval. What is changed or withdrawn has to be there.
fn may_ship(found: &Registration, div: &str, before: &str) -> Result<(), Problem> {
    if found.cancelled || found.verdict != Verdict::Approved || found.script.refuses_tracking {
        return problem(20, ORDER);
    }
    let current = found.shipment.as_ref().map(|shipment| shipment.slip.as_str());
    let named = current == Some(before);
    match div {
        WITHDRAW if current.is_some() && (before.is_empty() || named) => Ok(()),
        // One more parcel of the same order.
        YAMATO if before.is_empty() => Ok(()),
        OTHER_CARRIER if current.is_none() && before.is_empty() => Ok(()),
        OTHER_CARRIER if before.is_empty() => problem(20, ORDER),
        YAMATO | OTHER_CARRIER | NEW_DATE if named => Ok(()),
        _ => problem(22, "beforePaymentNo"),
    }
}
