//! The five plugins, built for this machine, with the contract's types on both sides: a call goes from the platform's
//! types to the plugin's and its rows come back.

use clients::shop;
use provider_host::contract as host;
use provider_sdk::http::Transport;
use provider_sdk::samples::run;
use provider_sdk::types as sdk;
use provider_sdk::{Call, Provider, contract, provider};

/// What the platform asks of a plugin in one call.
#[derive(Debug, Clone)]
pub enum Job {
    /// 与信を実行
    Credit(Vec<host::Order>),
    /// 与信結果確認
    Check(Vec<host::Registration>),
    /// 与信キャンセル
    Cancel(Vec<host::Cancellation>),
    /// 伝票番号同期
    Sync(Vec<host::Shipment>),
}

impl Job {
    /// The references that it is about, row by row.
    pub fn references(&self) -> Vec<&str> {
        match self {
            Self::Credit(rows) => rows.iter().map(|row| row.reference.as_str()).collect(),
            Self::Check(rows) => rows.iter().map(|row| row.reference.as_str()).collect(),
            Self::Cancel(rows) => rows.iter().map(|row| row.registration.reference.as_str()).collect(),
            Self::Sync(rows) => rows.iter().map(|row| row.registration.reference.as_str()).collect(),
        }
    }
}

/// What comes back.
#[derive(Debug, Clone)]
pub enum Rows {
    /// Of a credit.
    Credit(Vec<Result<host::Decision, host::Failure>>),
    /// Of a question.
    Check(Vec<Result<host::Standing, host::Failure>>),
    /// Of a cancel or a tracking number.
    Done(Vec<Result<(), host::Failure>>),
}

/// The provider `id` as the platform sees it; nothing where there is none.
pub fn describe(id: &str) -> Option<host::ProviderInfo> {
    let described = match id {
        "atobarai-com" => atobarai_com::AtobaraiCom::describe(),
        "np" => np::Np::describe(),
        "atodene" => atodene::Atodene::describe(),
        "score" => score::Score::describe(),
        "kuroneko" => kuroneko::Kuroneko::describe(),
        _ => return None,
    };
    Some(info(described))
}

/// The credentials of the simulators' merchant, as the plugin `id` calls them.
pub fn credentials(id: &str) -> &'static [(&'static str, &'static str)] {
    shop::SHOPS.iter().find(|shop| shop.id == id).map_or(&[], |shop| shop.credentials)
}

/// Has the plugin `id` do `job` over `line`; nothing where there is no such plugin.
pub fn carry_out(id: &str, job: &Job, context: (&[host::Setting], i64), line: &impl Transport) -> Option<Rows> {
    Some(match id {
        "atobarai-com" => call::<atobarai_com::AtobaraiCom>(job, context, line),
        "np" => call::<np::Np>(job, context, line),
        "atodene" => call::<atodene::Atodene>(job, context, line),
        "score" => call::<score::Score>(job, context, line),
        "kuroneko" => call::<kuroneko::Kuroneko>(job, context, line),
        _ => return None,
    })
}

fn call<P: Provider>(job: &Job, (settings, now): (&[host::Setting], i64), line: &impl Transport) -> Rows {
    let settings =
        settings.iter().map(|setting| sdk::Setting { key: setting.key.clone(), value: setting.value.clone() });
    let context = sdk::Context { settings: settings.collect(), now: now.unsigned_abs() };
    let call = Call::new::<P>(context, line);
    match job {
        Job::Credit(rows) => {
            let asked: Vec<_> = rows.iter().map(order).collect();
            Rows::Credit(all(run(provider::credit::<P, _>(&call, &asked)), decision))
        }
        Job::Check(rows) => {
            let asked: Vec<_> = rows.iter().map(registration).collect();
            Rows::Check(all(run(P::check_credit(&call, &asked)), standing))
        }
        Job::Cancel(rows) => {
            let cancellation = |row: &host::Cancellation| sdk::Cancellation {
                registration: registration(&row.registration),
                reason: row.reason.clone(),
            };
            let asked: Vec<_> = rows.iter().map(cancellation).collect();
            Rows::Done(all(run(provider::cancel::<P, _>(&call, &asked)), |()| ()))
        }
        Job::Sync(rows) => {
            let asked: Vec<_> = rows.iter().map(shipment).collect();
            Rows::Done(all(run(provider::sync_tracking::<P, _>(&call, &asked)), |()| ()))
        }
    }
}

fn all<T, U>(rows: Vec<Result<T, sdk::Failure>>, row: fn(T) -> U) -> Vec<Result<U, host::Failure>> {
    rows.into_iter().map(|answered| answered.map(row).map_err(failure)).collect()
}

fn date(date: host::Date) -> sdk::Date {
    sdk::Date { year: date.year, month: date.month, day: date.day }
}

fn party(party: &host::Party) -> sdk::Party {
    let host::Address { postal_code, prefecture, city, street } = party.address.clone();
    let host::Party { name, name_kana, company, department, phone, email, .. } = party.clone();
    let address = sdk::Address { postal_code, prefecture, city, street };
    sdk::Party { name, name_kana, company, department, address, phone, email }
}

fn order(order: &host::Order) -> sdk::Order {
    let item = |item: &host::LineItem| sdk::LineItem {
        name: item.name.clone(),
        unit_price: item.unit_price,
        quantity: item.quantity,
        tax_rate: item.tax_rate,
    };
    sdk::Order {
        reference: order.reference.clone(),
        ordered_on: date(order.ordered_on),
        ships_on: order.ships_on.map(date),
        buyer: party(&order.buyer),
        recipient: order.recipient.as_ref().map(party),
        items: order.items.iter().map(item).collect(),
        shipping_fee: order.shipping_fee,
        payment_fee: order.payment_fee,
        billed_amount: order.billed_amount,
        invoice: match order.invoice {
            host::InvoiceDelivery::Separate => sdk::InvoiceDelivery::Separate,
            host::InvoiceDelivery::Enclosed => sdk::InvoiceDelivery::Enclosed,
        },
        note: order.note.clone(),
    }
}

fn registration(registration: &host::Registration) -> sdk::Registration {
    let host::Registration { reference, transaction_id, billed_amount } = registration.clone();
    sdk::Registration { reference, transaction_id, billed_amount }
}

fn shipment(shipment: &host::Shipment) -> sdk::Shipment {
    sdk::Shipment {
        registration: registration(&shipment.registration),
        carrier: shipment.carrier.clone(),
        tracking_number: shipment.tracking_number.clone(),
        shipped_on: date(shipment.shipped_on),
    }
}

fn reason(reason: sdk::Reason) -> host::Reason {
    host::Reason { code: reason.code, message: reason.message }
}

fn decision(decision: sdk::Decision) -> host::Decision {
    let all = |said: Vec<sdk::Reason>| said.into_iter().map(reason).collect();
    let verdict = match decision.verdict {
        sdk::Verdict::Approved => host::Verdict::Approved,
        sdk::Verdict::Rejected(said) => host::Verdict::Rejected(all(said)),
        sdk::Verdict::UnderReview => host::Verdict::UnderReview,
        sdk::Verdict::OnHold(said) => host::Verdict::OnHold(all(said)),
        sdk::Verdict::Other(said) => host::Verdict::Other(reason(said)),
    };
    host::Decision { transaction_id: decision.transaction_id, verdict }
}

fn standing(standing: sdk::Standing) -> host::Standing {
    match standing {
        sdk::Standing::NotFound => host::Standing::NotFound,
        sdk::Standing::Decided(decided) => host::Standing::Decided(decision(decided)),
        sdk::Standing::Cancelled => host::Standing::Cancelled,
        sdk::Standing::TrackingRegistered => host::Standing::TrackingRegistered,
        sdk::Standing::Paid => host::Standing::Paid,
        sdk::Standing::Other(said) => host::Standing::Other(reason(said)),
    }
}

fn failure(failure: sdk::Failure) -> host::Failure {
    let field =
        |problem: sdk::FieldProblem| host::FieldProblem { field: problem.field, reason: reason(problem.reason) };
    match failure {
        sdk::Failure::Invalid(fields) => host::Failure::Invalid(fields.into_iter().map(field).collect()),
        sdk::Failure::Unauthorized(said) => host::Failure::Unauthorized(reason(said)),
        sdk::Failure::Already(said) => host::Failure::Already(reason(said)),
        sdk::Failure::Refused(said) => host::Failure::Refused(reason(said)),
        sdk::Failure::NotSent(said) => host::Failure::NotSent(reason(said)),
        sdk::Failure::Busy((said, wait)) => host::Failure::Busy((reason(said), wait)),
        sdk::Failure::OutcomeUnknown(said) => host::Failure::OutcomeUnknown(reason(said)),
        sdk::Failure::Unsupported => host::Failure::Unsupported,
    }
}

/// Without settings and origins, which nothing here asks for.
fn info(info: contract::ProviderInfo) -> host::ProviderInfo {
    let label = |label: sdk::Label| host::Label { ja: label.ja, en: label.en };
    let limits = info.batch_limits;
    let capabilities = [
        (sdk::Capability::FIND_BY_REFERENCE, host::Capability::FIND_BY_REFERENCE),
        (sdk::Capability::UNIQUE_REFERENCE, host::Capability::UNIQUE_REFERENCE),
        (sdk::Capability::ENCLOSED_INVOICE, host::Capability::ENCLOSED_INVOICE),
        (sdk::Capability::TEST_CONNECTION, host::Capability::TEST_CONNECTION),
        (sdk::Capability::REPORTS_CANCEL, host::Capability::REPORTS_CANCEL),
        (sdk::Capability::REPORTS_TRACKING, host::Capability::REPORTS_TRACKING),
    ];
    let described = |of: &&(sdk::Capability, host::Capability)| info.capabilities.contains(of.0);
    host::ProviderInfo {
        id: info.id,
        name: label(info.name),
        version: info.version,
        settings: Vec::new(),
        carriers: info
            .carriers
            .into_iter()
            .map(|carrier| host::Carrier { id: carrier.id, name: label(carrier.name) })
            .collect(),
        batch_limits: host::BatchLimits {
            credit: limits.credit,
            check_credit: limits.check_credit,
            cancel: limits.cancel,
            sync_tracking: limits.sync_tracking,
        },
        capabilities: capabilities
            .iter()
            .filter(described)
            .fold(host::Capability::default(), |all, (_, capability)| all | *capability),
        origins: Vec::new(),
        max_billed_amount: info.max_billed_amount,
    }
}
