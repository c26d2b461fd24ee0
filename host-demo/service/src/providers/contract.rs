//! Between the platform's own types and those of the provider contract, in both directions. What the store holds does
//! not change with a new version of the contract: only this file does.

use domain::credit_state::Action;
use domain::invoice::Invoice;
use domain::issue::{Field, Issue, ProviderMessage, SendFailure};
use domain::mall::{Band, Fees, Mall, Mode, ShopAccount};
use domain::order::{Item, Order, Person};
use domain::settings::Settings;
use provider_host::contract::{
    Address, Date, Failure, FeeBand, FeeMode, FeeRule, FieldProblem, InvoiceDelivery, LineItem, Order as CreditOrder,
    Party, Reason, Registration, Setting, Shipment,
};
use provider_host::{Account, CALL_ENDED, CALL_LIMIT, CallReport, ConnectionFailure};

/// Characters of a provider's code that are kept: far more than any has.
const MAX_CODE: usize = 64;
/// Characters of a provider's message that are kept: more than any has, and little enough to stand in a list.
const MAX_MESSAGE: usize = 1_000;

/// What `wasi:http` calls a request that the host did not let out. Trying again does not help.
const FORBIDDEN: [&str; 2] = ["HttpRequestDenied", "DestinationIpProhibited"];

/// `order`, of `mall`, as a provider is asked to judge it.
pub fn credit_order<S>(order: &Order, mall: &Mall<S>) -> CreditOrder {
    CreditOrder {
        reference: order.reference().to_owned(),
        ordered_on: date(order.data.ordered_at.date()),
        ships_on: order.tracking.as_ref().map(|tracking| date(tracking.shipped_on)),
        buyer: party(&order.data.buyer),
        recipient: order.data.recipient.as_ref().map(party),
        items: order.data.items.iter().map(line_item).collect(),
        shipping_fee: order.amounts.shipping_fee,
        payment_fee: order.amounts.payment_fee,
        billed_amount: order.amounts.billed,
        invoice: match order.invoice(mall) {
            Invoice::Separate => InvoiceDelivery::Separate,
            Invoice::Enclosed => InvoiceDelivery::Enclosed,
        },
        note: order.data.note.clone(),
    }
}

/// How a provider is told which registration is meant.
pub fn registration(order: &Order) -> Registration {
    Registration {
        reference: order.reference().to_owned(),
        transaction_id: order.transaction_id().map(str::to_owned),
        billed_amount: order.amounts.billed,
    }
}

/// The shipment to report, if a tracking number was entered.
pub fn shipment(order: &Order) -> Option<Shipment> {
    let tracking = order.tracking.as_ref()?;
    Some(Shipment {
        registration: registration(order),
        carrier: tracking.carrier.clone(),
        tracking_number: tracking.number.clone(),
        shipped_on: date(tracking.shipped_on),
    })
}

fn date(date: time::Date) -> Date {
    Date { year: u16::try_from(date.year()).unwrap_or_default(), month: date.month().into(), day: date.day() }
}

fn party(person: &Person) -> Party {
    Party {
        name: person.name.clone(),
        name_kana: person.kana.clone(),
        company: person.company.clone(),
        department: person.department.clone(),
        address: Address {
            postal_code: person.postal_code.clone(),
            prefecture: person.prefecture.clone(),
            city: person.city.clone(),
            street: person.street.clone(),
        },
        phone: person.phone.clone(),
        email: person.email.clone(),
    }
}

fn line_item(item: &Item) -> LineItem {
    LineItem { name: item.name.clone(), unit_price: item.unit_price, quantity: item.quantity, tax_rate: item.tax_rate }
}

/// The account under which orders are registered. Accounts of one mall share no connections.
pub fn shop_account(account: &ShopAccount) -> Account {
    Account::new(format!("{}/{}", account.mall, account.id), settings(&account.settings))
}

/// A mall as the provider's customer with the settings as they are in `mall`, saved or not: for trying them.
pub fn trial_account(mall: &Mall) -> Account {
    Account::new(&mall.id, settings(&mall.settings))
}

/// A provider's settings.
pub fn settings(settings: &Settings) -> Vec<Setting> {
    settings.iter().map(|(key, value)| Setting { key: key.clone(), value: value.expose().to_owned() }).collect()
}

/// A fee rule (手数料設定).
pub fn fee_rule(fees: &Fees) -> FeeRule {
    let mode = match fees.mode {
        Mode::Keep => FeeMode::Keep,
        Mode::Replace => FeeMode::Replace,
        Mode::Add => FeeMode::Add,
    };
    let band = |band: &Band| FeeBand { lower: band.lower, upper: band.upper, fee: band.fee };
    FeeRule { mode, bands: fees.bands.iter().map(band).collect() }
}

/// What a failed call of `action` means for one order.
pub fn issue(failure: Failure, action: Action) -> Issue {
    match failure {
        Failure::Invalid(fields) => Issue::Invalid { fields: fields.into_iter().map(field).collect() },
        Failure::Unauthorized(reason) => Issue::Unauthorized { said: message(reason) },
        Failure::Already(reason) => Issue::Already { said: message(reason) },
        Failure::Refused(reason) => Issue::Refused { said: message(reason) },
        Failure::NotSent(reason) => Issue::NotSent { cause: send_failure(&reason), said: message(reason) },
        Failure::Busy((reason, wait)) => Issue::Busy { said: message(reason), wait },
        Failure::OutcomeUnknown(reason) => Issue::AnswerLost { said: message(reason) },
        Failure::Unsupported => Issue::unsupported(action),
    }
}

/// `issue` with what the host saw in `calls`: the plugin is told only that there was no connection.
pub fn with_connection(issue: Issue, calls: &[CallReport]) -> Issue {
    let failed =
        calls.iter().rev().flat_map(|call| call.requests.iter().rev()).find_map(|request| request.no_connection);
    match (issue, failed.and_then(tls_failure)) {
        (Issue::NotSent { said, cause: SendFailure::Unreachable }, Some(cause)) => Issue::NotSent { said, cause },
        (issue, _) => issue,
    }
}

/// What of a connection that failed has words of its own.
fn tls_failure(failed: ConnectionFailure) -> Option<SendFailure> {
    Some(match failed {
        ConnectionFailure::CertificateName => SendFailure::CertificateName,
        ConnectionFailure::CertificateExpired => SendFailure::CertificateExpired,
        ConnectionFailure::CertificateUntrusted => SendFailure::CertificateUntrusted,
        ConnectionFailure::CertificateInvalid => SendFailure::CertificateInvalid,
        ConnectionFailure::Handshake => SendFailure::HandshakeFailed,
        ConnectionFailure::Dns
        | ConnectionFailure::Prohibited
        | ConnectionFailure::Connect
        | ConnectionFailure::TimedOut => return None,
    })
}

fn send_failure(reason: &Reason) -> SendFailure {
    if reason.code.as_deref().is_some_and(|code| [CALL_ENDED, CALL_LIMIT].contains(&code)) {
        SendFailure::PluginFailed
    } else if FORBIDDEN.iter().any(|denied| reason.message.contains(denied)) {
        SendFailure::DestinationForbidden
    } else {
        SendFailure::Unreachable
    }
}

/// A provider's own code and message, as much of them as is kept.
pub fn message(reason: Reason) -> ProviderMessage {
    let code = reason.code.map(|code| beginning(&code, MAX_CODE));
    ProviderMessage { code, message: beginning(&reason.message, MAX_MESSAGE) }
}

/// A field that was refused.
pub fn field(problem: FieldProblem) -> Field {
    Field { field: beginning(&problem.field, MAX_CODE), said: message(problem.reason) }
}

fn beginning(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.split_at(end).0),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::connection::connection_error;
    use crate::messages::issue::sentence;
    use crate::messages::next_step::Situation;
    use crate::providers::abilities::Abilities;
    use domain::credit_state::State;
    use domain::lang::Lang;

    fn reason(code: Option<&str>, message: &str) -> Reason {
        Reason { code: code.map(str::to_owned), message: message.to_owned() }
    }

    #[test]
    fn a_plugin_that_met_a_limit_is_held_responsible_like_one_that_broke_off() {
        let not_sent = |code: &str| issue(Failure::NotSent(reason(Some(code), "x")), Action::Credit);
        for code in [CALL_ENDED, CALL_LIMIT] {
            assert!(not_sent(code).is_the_plugins() && !not_sent(code).is_the_providers(), "{code}");
        }
        assert!(!not_sent("ConnectionRefused").is_the_plugins() && not_sent("ConnectionRefused").is_the_providers());
    }

    #[test]
    fn the_providers_code_and_message_stand_beside_plain_words_and_the_next_step() {
        let problem = issue(Failure::Refused(reason(Some("E00303"), "請求金額が誤っています")), Action::Credit);
        let situation = Situation::after(Some(Action::Credit), State::NotSent, false, Abilities::ALL);
        assert_eq!(
            sentence(&problem, &situation, Lang::Ja),
            "後払い会社に断られました。「E00303 請求金額が誤っています」[注文を直す]で注文の内容を直し、もう一度[与信を実行]を押してください。"
        );
        assert_eq!(
            sentence(&problem, &situation, Lang::En),
            "The provider refused it: \"E00303 請求金額が誤っています\" Use [Correct the order], then press [Run credit check] again."
        );
    }

    #[test]
    fn a_connection_test_leaves_no_order_in_doubt() {
        let text = |failure| connection_error(&issue(failure, Action::Check), Lang::Ja);
        let not_found = "後払い.comがHTTP 404を返しました。処理されたかどうかはわかりません";
        let shown = text(Failure::OutcomeUnknown(reason(Some("http-404"), not_found)));
        assert!(shown.contains("HTTP 404") && shown.contains("接続先URL") && !shown.contains("処理された"), "{shown}");
        let shown = text(Failure::OutcomeUnknown(reason(Some("answer-lost"), "ErrorCode::ConnectionTerminated")));
        assert!(shown.contains("接続が途中で切れました") && !shown.contains("ErrorCode"), "{shown}");
        let forbidden = Failure::NotSent(reason(None, "ErrorCode::HttpRequestDenied"));
        assert!(text(forbidden).contains("許可ファイルを直してください"));
        assert!(text(Failure::Unauthorized(reason(None, "E1"))).contains("モールの設定を確かめ"));
    }

    #[test]
    fn debug_of_an_account_shows_no_setting() {
        let settings = || Settings::from([("password".to_owned(), "himitsu-1".into())]);
        let mall = Mall { settings: settings(), ..Mall::default() };
        let account = ShopAccount { id: 1, mall: "a".into(), provider: "b".into(), settings: settings(), version: 1 };
        for shown in [format!("{:?}", trial_account(&mall)), format!("{:?}", shop_account(&account))] {
            assert!(shown.contains("password") && !shown.contains("himitsu"), "{shown}");
        }
    }

    #[test]
    fn of_a_providers_message_the_beginning_is_kept() {
        let long = message(reason(Some(&"E".repeat(100_000)), &"理".repeat(100_000)));
        assert_eq!(long.to_string().chars().count(), MAX_CODE + MAX_MESSAGE + 3);
        assert_eq!(message(reason(None, "理由")).message, "理由");
    }
}
