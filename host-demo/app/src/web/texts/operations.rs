//! Operations of the plugins.

use crate::web::texts::catalog::Texts;

/// The name of an operation of the plugin contract; an unknown one is shown as it is.
pub(crate) fn operation_name<'a>(name: &'a str, t: &Texts) -> &'a str {
    match name {
        "credit" => t.op_credit,
        "check-credit" => t.op_check,
        "cancel" => t.op_cancel,
        "sync-tracking" => t.op_sync,
        "test-connection" => t.op_test,
        other => other,
    }
}
