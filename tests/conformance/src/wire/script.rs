//! The ordinary work at a simulator, step by step, and whether its ledger agrees with the plugin.

use super::{Done, call, merchant, row, traffic};
use crate::report::Finding;
use crate::samples;
use crate::session::{Operation, Rows, Session};
use crate::words::{Words, say};
use gateways::ledger::{Ledger, Registration as Recorded};
use gateways::verdicts::{MAGIC, Verdict as Held};
use gateways::{Exchange, Gateway};
use provider_host::Account;
use provider_host::contract::{
    Capability, Failure, InvoiceDelivery, LineItem, Order, Party, Registration, Standing, Verdict,
};

/// Lines of an order that has more than any provider's form: those with a limit merge them.
const MANY_LINES: u32 = 20;
/// Rows of a call that carries several.
const TOGETHER: usize = 3;

/// One step and what came of it.
pub struct Scene {
    /// The operation: one golden file each.
    pub operation: Operation,
    /// What is done.
    pub title: String,
    /// What reached the simulator, in the order of the bytes: a plugin may send side by side.
    pub exchanges: Vec<Exchange>,
    /// What is wrong with it.
    pub complaints: Vec<Finding>,
}

/// What a step may meet.
#[derive(Clone, Copy, PartialEq)]
enum May {
    /// Nothing but success.
    Succeed,
    /// Some providers cannot take it, and say so before sending.
    BeInvalid,
    /// The simulator refuses it for its state, and the plugin has to say so.
    BeRefused,
    /// The simulator has it already, and the plugin has to say so, as far as the provider lets it know.
    BeThereAlready,
    /// What is cancelled is to be cancelled: a success, as far as the provider lets the plugin know.
    BeCancelledAlready,
    /// Asked for what is not there.
    FindNothing,
    /// Asked for what was cancelled, by a plugin that reports it.
    FindCancelled,
    /// Asked for what was shipped, by a plugin that reports it.
    FindTracking,
    /// The connection test, at which a simulator may grumble: it is asked for nothing that there is.
    Connect,
}

/// Does everything once.
pub async fn play(session: &Session, gateway: &Gateway) -> Vec<Scene> {
    let mut script = Script { session, gateway, shop: merchant(session, gateway), scenes: Vec::new() };
    if has(session, Operation::TestConnection) {
        script.step("", Rows::Test, May::Connect).await;
    }
    script.credit().await;
    if has(session, Operation::CheckCredit) {
        script.check().await;
    }
    if has(session, Operation::SyncTracking) {
        script.tracking().await;
    }
    if has(session, Operation::Cancel) {
        script.cancel().await;
    }
    script.scenes
}

fn has(session: &Session, operation: Operation) -> bool {
    operation.limit(session.plugin.info()) > 0
}

struct Script<'a> {
    session: &'a Session,
    gateway: &'a Gateway,
    shop: Account,
    scenes: Vec<Scene>,
}

impl Script<'_> {
    /// One call, and what the simulator made of it.
    async fn step(&mut self, title: impl Into<String>, rows: Rows, may: May) {
        let (before, seen) = (self.gateway.ledger(), self.gateway.exchanges().len());
        let operation = rows.operation();
        let said = call(self.session, &self.shop, rows.clone()).await;
        let mut exchanges = self.gateway.exchanges().split_off(seen);
        let order = |exchange: &Exchange| (exchange.request.path.clone(), exchange.request.body.clone());
        exchanges.sort_by_key(order);
        let (title, ledger) = (title.into(), self.gateway.ledger());
        let about =
            if title.is_empty() { operation.name().to_owned() } else { format!("{} ({title})", operation.name()) };
        let mut complaints: Vec<_> = refusals(&about, &before, &ledger).filter(|_| is_plain(may)).collect();
        let judged = rows.references().into_iter().zip(&said);
        complaints.extend(judged.filter_map(|(reference, said)| judge(&about, reference, said, &ledger, may)));
        // Without a request the plugin's own word, which is in the complaint, is all there is.
        let nothing = || Words::new(about.clone(), about.clone()).shown_by(about.as_str(), "-").exchange;
        let shown = traffic::last(&exchanges).or_else(nothing);
        let complaints = complaints.into_iter().map(|words| Finding { words, exchange: shown.clone() }).collect();
        self.scenes.push(Scene { operation, title, exchanges, complaints });
    }

    async fn credit(&mut self) {
        for (at, (title, may, order)) in self.orders().into_iter().enumerate() {
            let order = Order { reference: format!("KIT-C{at}"), ..order };
            self.step(title, Rows::Orders(vec![order]), may).await;
        }
        for magic in &MAGIC {
            self.step(magic.en, Rows::Orders(vec![magic_order(magic.digits)]), May::Succeed).await;
        }
        if self.can(Capability::UNIQUE_REFERENCE) {
            self.step("registered again", Rows::Orders(vec![samples::order("KIT-C0")]), May::BeThereAlready).await;
        }
        if Operation::Credit.limit(self.session.plugin.info()) as usize >= TOGETHER {
            let orders = (0..TOGETHER).map(|at| samples::order(&format!("KIT-T{at}"))).collect();
            self.step("several in one call", Rows::Orders(orders), May::Succeed).await;
        }
    }

    fn orders(&self) -> Vec<(&'static str, May, Order)> {
        let order = samples::order("");
        let party = |change: &dyn Fn(&mut Party)| {
            let mut party = samples::party("0312345678");
            change(&mut party);
            party
        };
        let recipient = party(&|party| {
            party.name = "贈答 花子".to_owned();
            party.name_kana = None;
            party.email = None;
            party.phone = "09012345678".to_owned();
            party.address.street = "赤坂9丁目7-1 見本ビル201号室".to_owned();
        });
        let company = party(&|party| {
            party.company = Some("株式会社見本商店".to_owned());
            party.department = Some("購買部".to_owned());
        });
        let bare = party(&|party| {
            party.name_kana = None;
            party.email = None;
            party.phone = "03-1234-5678".to_owned();
            party.address.postal_code = "106-0032".to_owned();
        });
        let half_width = party(&|party| {
            party.name = "ﾜｼｵ ｹﾝｼﾞﾛｳ".to_owned();
            party.address.street = "六本木1-2-34 ﾊｲﾂABC".to_owned();
        });
        let signs = samples::item("箸&<置き> \"50%\" = 1+1; '髙'", 1_000, 1);
        let enclosed = if self.can(Capability::ENCLOSED_INVOICE) { May::Succeed } else { May::BeInvalid };
        vec![
            ("an ordinary order", May::Succeed, order.clone()),
            ("to another recipient", May::Succeed, Order { recipient: Some(recipient.clone()), ..order.clone() }),
            ("a company's", May::Succeed, Order { buyer: company, note: Some("午前中に".to_owned()), ..order.clone() }),
            (
                "without kana, e-mail and shipping date",
                May::BeInvalid,
                Order { buyer: bare, ships_on: None, ..order.clone() },
            ),
            ("half-width letters and kana", May::BeInvalid, Order { buyer: half_width, ..order.clone() }),
            ("the invoice in the parcel", enclosed, Order { invoice: InvoiceDelivery::Enclosed, ..order.clone() }),
            (
                "the invoice in a parcel to another recipient",
                May::BeInvalid,
                Order { invoice: InvoiceDelivery::Enclosed, recipient: Some(recipient), ..order.clone() },
            ),
            (
                "a discount",
                May::Succeed,
                with_items(&order, [samples::item("手ぬぐい", 1_200, 2), samples::item("値引き", -300, 1)]),
            ),
            (
                "more lines than any form has",
                May::Succeed,
                with_items(
                    &order,
                    (1..=MANY_LINES).map(|at| samples::item(&format!("見本{at}"), 100 + i64::from(at), at % 3 + 1)),
                ),
            ),
            ("signs that a wire has to escape", May::BeInvalid, with_items(&order, [signs])),
        ]
    }

    async fn check(&mut self) {
        let ids: Vec<_> = self.gateway.ledger().registrations.values().map(registration).collect();
        for known in &ids {
            self.step(known.reference.as_str(), Rows::Registrations(vec![known.clone()]), May::Succeed).await;
        }
        // A second question decides what is under review.
        for known in ids.iter().filter(|known| known.reference.contains("900")) {
            let title = format!("{} again", known.reference);
            self.step(title, Rows::Registrations(vec![known.clone()]), May::Succeed).await;
        }
        if Operation::CheckCredit.limit(self.session.plugin.info()) as usize >= TOGETHER {
            let rows = ids.iter().take(TOGETHER).cloned().collect();
            self.step("several in one call", Rows::Registrations(rows), May::Succeed).await;
        }
        if self.can(Capability::FIND_BY_REFERENCE) {
            let lost = |reference: &str| Rows::Registrations(vec![samples::registration(reference, None)]);
            self.step("by reference alone", lost("KIT-C0"), May::Succeed).await;
            self.step("by a reference that nobody registered", lost("KIT-NOBODY"), May::FindNothing).await;
        }
    }

    async fn tracking(&mut self) {
        let carriers: Vec<_> = self.session.plugin.info().carriers.iter().map(|carrier| carrier.id.clone()).collect();
        for (at, carrier) in carriers.iter().enumerate() {
            let Some(known) = self.register(samples::order(&format!("KIT-S{at}"))).await else { continue };
            let shipment = samples::shipment_with(known, carrier, &samples::slip(at));
            self.step(carrier, Rows::Shipments(vec![shipment]), May::Succeed).await;
        }
        if let (Some(known), Some(carrier)) = (self.known("KIT-S0"), carriers.first()) {
            let shipment = samples::shipment_with(known.clone(), carrier, &samples::slip(0));
            self.step("reported again", Rows::Shipments(vec![shipment]), May::BeThereAlready).await;
            if self.can(Capability::REPORTS_TRACKING) {
                self.step("KIT-S0, shipped", Rows::Registrations(vec![known]), May::FindTracking).await;
            }
        }
        let refuses = MAGIC.iter().find(|magic| magic.script.refuses_tracking);
        let known = refuses.and_then(|magic| self.known(&magic_order(magic.digits).reference));
        if let (Some(known), Some(carrier)) = (known, carriers.first()) {
            let shipment = samples::shipment_with(known, carrier, &samples::slip(carriers.len()));
            self.step("refused for its state", Rows::Shipments(vec![shipment]), May::BeRefused).await;
        }
    }

    async fn cancel(&mut self) {
        let cancel = |known| Rows::Cancellations(vec![samples::cancellation(known)]);
        let Some(known) = self.register(samples::order("KIT-X0")).await else { return };
        self.step("", cancel(known.clone()), May::Succeed).await;
        self.step("cancelled again", cancel(known.clone()), May::BeCancelledAlready).await;
        if self.can(Capability::REPORTS_CANCEL) {
            self.step("KIT-X0, cancelled", Rows::Registrations(vec![known]), May::FindCancelled).await;
        }
        let refuses = MAGIC.iter().find(|magic| magic.script.refuses_cancel);
        if let Some(known) = refuses.and_then(|magic| self.known(&magic_order(magic.digits).reference)) {
            self.step("refused for its state", cancel(known), May::BeRefused).await;
        }
        if Operation::Cancel.limit(self.session.plugin.info()) as usize >= TOGETHER {
            let mut rows = Vec::new();
            for at in 0..TOGETHER {
                rows.extend(self.register(samples::order(&format!("KIT-Y{at}"))).await.map(samples::cancellation));
            }
            self.step("several in one call", Rows::Cancellations(rows), May::Succeed).await;
        }
    }

    /// Registers `order` outside of the script; nothing where that does not work, which the script
    /// has complained of already.
    async fn register(&self, order: Order) -> Option<Registration> {
        let reference = order.reference.clone();
        call(self.session, &self.shop, Rows::Orders(vec![order])).await;
        self.known(&reference)
    }

    fn can(&self, capability: Capability) -> bool {
        self.session.plugin.info().capabilities.contains(capability)
    }

    fn known(&self, reference: &str) -> Option<Registration> {
        self.gateway.ledger().by_reference(reference).next().map(registration)
    }
}

/// The registration of `recorded`, as the platform knows it.
pub fn registration(recorded: &Recorded) -> Registration {
    Registration {
        reference: recorded.reference.clone(),
        transaction_id: Some(recorded.transaction_id.clone()),
        billed_amount: recorded.billed_amount,
    }
}

fn magic_order(digits: &str) -> Order {
    let order = samples::order(&format!("KIT-{digits}"));
    Order { buyer: samples::party(&format!("031234{digits}")), ..order }
}

fn with_items(order: &Order, items: impl IntoIterator<Item = LineItem>) -> Order {
    let items: Vec<_> = items.into_iter().collect();
    let goods: i64 = items.iter().map(|item| item.unit_price * i64::from(item.quantity)).sum();
    Order { items, billed_amount: goods + order.shipping_fee + order.payment_fee, ..order.clone() }
}

fn is_plain(may: May) -> bool {
    matches!(may, May::Succeed | May::BeInvalid)
}

/// What the simulator refused since `before`.
fn refusals(about: &str, before: &Ledger, after: &Ledger) -> impl Iterator<Item = Words> {
    let new = after.refusals.iter().skip(before.refusals.len());
    new.map(move |refusal| {
        let (code, message) = (&refusal.code, &refusal.message);
        say!("{about}: 断られた（{code} {message}）", "{about}: the simulator refused it ({code} {message})")
    })
}

/// What is wrong with what the plugin `said` of the registration `reference`.
fn judge(about: &str, reference: &str, said: &Result<Done, Failure>, ledger: &Ledger, may: May) -> Option<Words> {
    let recorded = ledger.by_reference(reference).next();
    let fits = match (may, said) {
        (May::BeInvalid, Err(Failure::Invalid(_))) => recorded.is_none(),
        (May::BeRefused, said) => matches!(said, Err(Failure::Refused(_))),
        (May::BeThereAlready, said) => matches!(said, Err(Failure::Already(_) | Failure::Refused(_))),
        (May::BeCancelledAlready, said) => matches!(said, Ok(Done::Nothing) | Err(Failure::Refused(_))),
        (May::FindCancelled, said) => *said == Ok(Done::Stands(Standing::Cancelled)),
        (May::FindTracking, said) => *said == Ok(Done::Stands(Standing::TrackingRegistered)),
        (May::FindNothing, said) => finds_nothing(said),
        (May::Connect, said) => said.is_ok(),
        (_, Ok(done)) => agrees(done, recorded),
        (_, Err(_)) => false,
    };
    let (said, recorded) = (row(said), recorded.map_or_else(|| "-".to_owned(), state));
    (!fits).then(|| {
        say!("{about}: 回答 {said}、台帳 {recorded}", "{about}: it said {said}, and the ledger holds {recorded}")
    })
}

/// The question for a stranger: anything but a claim that there is a registration.
fn finds_nothing(said: &Result<Done, Failure>) -> bool {
    match said {
        Ok(Done::Stands(standing)) => !matches!(standing, Standing::Decided(_)),
        Ok(_) => false,
        Err(failure) => matches!(failure, Failure::Refused(_)),
    }
}

fn agrees(done: &Done, recorded: Option<&Recorded>) -> bool {
    let Some(recorded) = recorded else { return false };
    let is = |id: &Option<String>| id.as_ref() == Some(&recorded.transaction_id);
    match done {
        Done::Decided(decision) | Done::Stands(Standing::Decided(decision)) => {
            is(&decision.transaction_id) && same(&decision.verdict, recorded.verdict)
        }
        Done::Stands(Standing::Other(_)) => recorded.verdict == Held::Unknown,
        Done::Stands(_) => false,
        Done::Nothing => recorded.cancelled || recorded.shipment.is_some(),
    }
}

fn same(said: &Verdict, held: Held) -> bool {
    match held {
        Held::Approved => matches!(said, Verdict::Approved),
        Held::Rejected => matches!(said, Verdict::Rejected(_)),
        Held::UnderReview => matches!(said, Verdict::UnderReview),
        // Providers without the state keep such an order under review.
        Held::OnHold => matches!(said, Verdict::OnHold(_) | Verdict::UnderReview),
        Held::Unknown => matches!(said, Verdict::Other(_)),
    }
}

/// A registration as the simulator has it, for people.
pub fn state(recorded: &Recorded) -> String {
    let Recorded { transaction_id, verdict, cancelled, shipment, .. } = recorded;
    let cancelled = if *cancelled { ", cancelled" } else { "" };
    let shipped = shipment.as_ref().map_or_else(String::new, |s| format!(", shipped {}", s.slip));
    format!("{transaction_id} {verdict:?}{cancelled}{shipped}")
}
