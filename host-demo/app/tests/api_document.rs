//! The document that the API publishes of itself: callers generate clients from it, so it changes only on purpose.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// The document as it was reviewed; rewritten with `BLESS=1`.
fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/openapi.json")
}

fn document() -> Value {
    serde_json::to_value(app::web::api::document()).unwrap()
}

#[test]
fn the_document_is_the_one_that_was_reviewed() {
    let document = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(golden(), &document).unwrap();
    }
    let reviewed = std::fs::read_to_string(golden()).unwrap();
    let first = reviewed.lines().zip(document.lines()).enumerate().find(|(_, (before, now))| before != now);
    if let Some((line, (before, now))) = first {
        panic!("line {}: {before:?} became {now:?}; if it is meant, run this test with BLESS=1", line + 1);
    }
    assert_eq!(reviewed.len(), document.len(), "the document became longer or shorter at its end");
}

/// The names under which callers know the API's shapes: each says what it is to somebody who has read nothing but the
/// document. A name is added here after it was reviewed for that, and never changed.
const SCHEMAS: &[&str] = &[
    "ActionOutcome",
    "ApiToken",
    "AuditEntry",
    "AuditEvent",
    "AutomationStart",
    "Batch",
    "BatchProgress",
    "BatchRow",
    "CallStatistics",
    "ChangedMallSetting",
    "CircuitBreaker",
    "ConnectionTestResult",
    "CreditPause",
    "CsvContent",
    "CsvEncoding",
    "CsvSeparator",
    "DecisionRequest",
    "EnteredTracking",
    "FeeBand",
    "FeeMode",
    "FeeRules",
    "FeeTrialRequest",
    "FeeTrialResult",
    "FieldError",
    "FileOrder",
    "HeldOrders",
    "ImportResult",
    "ImportRowCounts",
    "ImportRun",
    "ImportRunProgress",
    "ImportRunState",
    "ImportRunStep",
    "InvoiceDelivery",
    "InvoiceUpdate",
    "IssuedApiToken",
    "ItemCorrection",
    "Mall",
    "MallAutomation",
    "MallUpdate",
    "MappingPreset",
    "MappingPreview",
    "NewApiToken",
    "NewBatch",
    "NewCreditPause",
    "NewUser",
    "Order",
    "OrderAction",
    "OrderActionRequest",
    "OrderActionResult",
    "OrderAmounts",
    "OrderCorrection",
    "OrderEvent",
    "OrderFilter",
    "OrderIssue",
    "OrderItem",
    "OrderPage",
    "OrderSelection",
    "OrderState",
    "OrderStatusUpdate",
    "OrderSummary",
    "OrderTotals",
    "Person",
    "PersonCorrection",
    "PreviewedOrder",
    "Problem",
    "Provider",
    "ProviderBatchLimits",
    "ProviderCarrier",
    "ProviderChange",
    "ProviderFiles",
    "ProviderImportKind",
    "ProviderImports",
    "ProviderLimit",
    "ProviderSetting",
    "ProviderSignature",
    "RequiredConfirmation",
    "SavedMall",
    "SkippedRows",
    "TrackingFileFormat",
    "TrackingImportResult",
    "TrackingUpdate",
    "User",
    "UserAccess",
    "UserRole",
    "WaitingOrders",
];

#[test]
fn every_schema_has_a_name_that_was_reviewed() {
    let document = document();
    let names: Vec<_> = document["components"]["schemas"].as_object().unwrap().keys().map(String::as_str).collect();
    let unknown: Vec<_> = names.iter().filter(|name| !SCHEMAS.contains(name)).collect();
    assert!(unknown.is_empty(), "schemas without a reviewed name: {unknown:?}");
    let gone: Vec<_> = SCHEMAS.iter().filter(|name| !names.contains(name)).collect();
    assert!(gone.is_empty(), "callers have generated code for schemas that are gone: {gone:?}");
}
