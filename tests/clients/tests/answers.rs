//! Answers of the simulated gateways with something wrong in them, thousands of times, to every call of each plugin:
//! none may panic, answer another number of rows, or take back what is recorded.
//!
//! `ANSWERS_RUNS=100000 ANSWERS_SEED=7 cargo test --workspace --test answers` tries more of them, or others. A failure
//! says the seed and the run, which make the same answer again.

use clients::line::Line;
use clients::shop::{self, Shop, named};
use provider_sdk::http::{Request, Response, SendError, Transport};
use provider_sdk::samples::{NOW, registration, run, settings, shipment};
use provider_sdk::types::{Cancellation, Context, Order, Registration};
use provider_sdk::{Call, Provider, provider};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

const SEED: u64 = 20_261_126;
/// For each call of each plugin: some seconds in all.
const RUNS: usize = 500;

/// Pieces that decoders stumble over.
const PIECES: [&str; 22] = [
    "",
    "\0",
    "\u{feff}",
    "<",
    "</",
    "<![CDATA[",
    "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\">]>",
    "&a;",
    "&#xD800;",
    "&#x110000;",
    "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
    "<response>",
    "[",
    "]",
    "{\"",
    "\"",
    "\\ud800",
    "null",
    "-1",
    "1e999",
    "99999999999999999999999999",
    "あ",
];
const MEDIA_TYPES: [&str; 6] = [
    "",
    "text/html",
    "application/json; charset=utf-16",
    "application/xml; charset=Shift_JIS",
    "text/xml; charset=\"",
    "application/octet-stream",
];
const STATUSES: [u16; 10] = [100, 200, 201, 204, 302, 400, 401, 429, 500, 599];

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Numbers(Cell<u64>);

impl Numbers {
    fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    fn below(&self, end: usize) -> usize {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut mixed = self.0.get();
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn one<T: Copy>(&self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// The simulator, with something wrong in each of its answers.
struct Wrong {
    line: Line,
    numbers: Numbers,
    /// Nothing is wrong with what comes while this is set.
    honest: Cell<bool>,
    answered: RefCell<Vec<u8>>,
}

impl Wrong {
    fn spoil(&self, mut answer: Response) -> Response {
        let numbers = &self.numbers;
        for _ in 0..=numbers.below(3) {
            let body = &mut answer.body;
            let at = numbers.below(body.len() + 1);
            let until = (at + numbers.below(20)).min(body.len());
            match numbers.below(9) {
                0 => body.truncate(at),
                1 if at < body.len() => body[at] ^= 1 << numbers.below(8),
                2 => drop(body.splice(at..at, numbers.one(&PIECES).bytes())),
                3 => drop(body.splice(at..until, numbers.one(&PIECES).bytes())),
                4 => {
                    let again = body[at..until].repeat(1 + numbers.below(2_000));
                    body.splice(at..at, again);
                }
                5 => *body = numbers.one(&PIECES).repeat(1 + numbers.below(10_000)).into_bytes(),
                6 => *body = (0..numbers.below(500)).map(|_| numbers.below(256) as u8).collect(),
                7 => answer.status = numbers.one(&STATUSES),
                _ => answer.content_type = Some(numbers.one(&MEDIA_TYPES).to_owned()),
            }
        }
        answer
    }
}

impl Transport for Wrong {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let answer = self.line.send(request).await?;
        let answer = if self.honest.get() { answer } else { self.spoil(answer) };
        self.answered.borrow_mut().clone_from(&answer.body);
        Ok(answer)
    }
}

/// Tries `RUNS` answers to each call of the plugin.
fn try_answers<P: Provider>(shop: &Shop) {
    let Shop { id, credentials, carrier } = *shop;
    let (seed, runs) = (number("ANSWERS_SEED", SEED), number("ANSWERS_RUNS", RUNS as u64));
    for at in 0..runs {
        let wrong = Wrong {
            line: Line::to(id).unwrap(),
            numbers: Numbers::new(seed.wrapping_add(at)),
            honest: Cell::new(true),
            answered: RefCell::default(),
        };
        let base = wrong.line.base();
        let pairs = [credentials, &[("base-url", &base)]].concat();
        let call = Call::new::<P>(Context { settings: settings(&pairs), now: NOW }, &wrong);
        // Every other time two rows, so that answers name more than one.
        let orders: Vec<Order> =
            ["R-1", "R-2"][..1 + (at % 2) as usize].iter().map(|reference| named(reference)).collect();
        let ids = run(provider::credit::<P, _>(&call, &orders));
        let known: Vec<Registration> = orders
            .iter()
            .zip(&ids)
            .map(|(order, row)| {
                let decision =
                    row.as_ref().unwrap_or_else(|failure| panic!("{id}: the true answer is refused: {failure:?}"));
                registration(&order.reference, decision.transaction_id.as_deref())
            })
            .collect();
        let recorded = wrong.line.ledger().live().count();
        wrong.honest.set(false);

        let new: Vec<Order> = orders.iter().map(|order| named(&format!("{}-new", order.reference))).collect();
        let shipments: Vec<_> = known.iter().map(|known| shipment(known.clone(), carrier, "123456789013")).collect();
        let cancellations: Vec<_> =
            known.iter().map(|known| Cancellation { registration: known.clone(), reason: None }).collect();
        let tried = |operation: &str, rows: &mut dyn FnMut() -> usize| {
            let rows = catch_unwind(AssertUnwindSafe(rows));
            let told = || {
                format!(
                    "{id} {operation}, seed {seed}, run {at}: {:?}",
                    String::from_utf8_lossy(&wrong.answered.borrow())
                )
            };
            assert_eq!(rows.unwrap_or_else(|_| panic!("{}", told())), orders.len(), "{}", told());
        };
        tried("credit", &mut || run(provider::credit::<P, _>(&call, &new)).len());
        tried("check-credit", &mut || run(P::check_credit(&call, &known)).len());
        tried("sync-tracking", &mut || run(provider::sync_tracking::<P, _>(&call, &shipments)).len());
        // Whatever was answered, the gateway has what it had, and at most one new registration for each order.
        let live = wrong.line.ledger().live().count();
        assert!((recorded..=recorded + new.len()).contains(&live), "{id}, seed {seed}, run {at}: {live}");
        assert_eq!(wrong.line.ledger().doubled().len(), 0, "{id}, seed {seed}, run {at}");
        tried("cancel", &mut || run(provider::cancel::<P, _>(&call, &cancellations)).len());
        tried("test-connection", &mut || {
            let _ = run(P::test_connection(&call));
            orders.len()
        });
    }
}

#[test]
fn wrong_answers_of_atobarai_com() {
    try_answers::<atobarai_com::AtobaraiCom>(&shop::ATOBARAI_COM);
}

#[test]
fn wrong_answers_of_np() {
    try_answers::<np::Np>(&shop::NP);
}

#[test]
fn wrong_answers_of_atodene() {
    try_answers::<atodene::Atodene>(&shop::ATODENE);
}

#[test]
fn wrong_answers_of_score() {
    try_answers::<score::Score>(&shop::SCORE);
}

#[test]
fn wrong_answers_of_kuroneko() {
    try_answers::<kuroneko::Kuroneko>(&shop::KURONEKO);
}
