//! What people read of the audit log and of an order's history.

mod common;

use common::{Db, TestStore};
use domain::invoice::Invoice;
use domain::lang::Lang;
use service::messages::history;
use service::messages::localize::Localize;
use store::{AuditEvent, MallPart, Role};

#[test]
fn the_audit_log_says_what_was_changed() {
    let (user, token, role) = ("花子".to_owned(), "在庫連携".to_owned(), Role::Operator);
    let provider = MallPart::Provider { from: "fake".to_owned(), to: "other".to_owned() };
    let parts = vec![MallPart::Name, provider, MallPart::Setting { key: "password".to_owned() }];
    for (event, en) in [
        (AuditEvent::MallAdded { mall: "m".to_owned(), provider: "fake".to_owned() }, "added the mall m (fake)"),
        (AuditEvent::UserAdded { user: user.clone(), role }, "added the user 花子 (operator)"),
        (AuditEvent::UserChanged { user: user.clone(), role, disabled: true }, "disabled the user 花子"),
        (AuditEvent::PasswordChanged { user }, "changed the password of the user 花子"),
        (AuditEvent::TokenIssued { token: token.clone(), role }, "issued the API token 在庫連携 (operator)"),
        (AuditEvent::TokenRevoked { token }, "revoked the API token 在庫連携"),
        (
            AuditEvent::MallChanged { mall: "m".to_owned(), parts },
            "changed the mall m: name, provider fake → other, setting password",
        ),
    ] {
        assert_eq!(event.localized(Lang::En), en);
    }
}

#[tokio::test]
async fn history_says_how_the_invoice_goes_in_the_readers_language() {
    let test = TestStore::new(Db::Sqlite).await;
    let id = test.orders(1).await[0].id;
    for invoice in [Some(Invoice::Enclosed), None] {
        assert!(test.store.set_invoice(&test.order(id).await, invoice, "op", 1).await.unwrap());
    }
    assert!(test.store.set_order_status(&test.order(id).await, Some("enclosed"), "op", 1).await.unwrap());
    let lines = test.store.history(id).await.unwrap();
    let notes = |lang| lines.iter().map(|line| history::note(line, lang).unwrap()).collect::<Vec<_>>();
    assert_eq!(notes(Lang::En), ["enclosed", "", "enclosed"]);
    assert_eq!(notes(Lang::Ja), ["同梱", "", "enclosed"], "an order status stays as it was typed");
}
