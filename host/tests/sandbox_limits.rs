//! Each limit of the sandbox, met by a plugin that tries to exceed it through `wasi:http` 0.3; and files that are no
//! plugins.

#[path = "common/sandbox_cases.rs"]
mod cases;
mod common;

use common::{Does, FOR_EVER, Server, component, hostile, limits, within};
use provider_host::contract::{Bill, FeeMode, FeeRule};
use provider_host::{Host, Limits, LoadError, Permissions};

const PLUGIN: &str = "hostile";

#[test]
fn a_call_without_requests_is_stopped_too() {
    within(FOR_EVER, computing_without_requests_is_bounded());
}

async fn computing_without_requests_is_bounded() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    let rule = FeeRule { mode: FeeMode::Keep, bands: vec![] };
    let error = plugin.fee_adjust(&rule, &Bill { items: 1, shipping_fee: 0, payment_fee: 0 }).await.unwrap_err();
    assert!(error.to_string().contains("without a pause"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_provider_is_refused_with_its_reason() {
    let host = Host::builder().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let load = async |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        host.load(path, Permissions::default()).await.unwrap_err()
    };
    let error = load("text.wasm", b"hello").await;
    assert!(matches!(&error, LoadError::NotAComponent { .. }) && error.to_string().contains("text.wasm"), "{error}");
    let module = wat::parse_str("(module)").unwrap();
    assert!(matches!(load("module.wasm", &module).await, LoadError::NotAComponent { .. }));

    let files = wat::parse_str(
        r#"(component (import "wasi:filesystem/preopens@0.3.0" (instance)) (import "wasi:nn/graph@0.2.0" (instance)))"#,
    );
    let error = load("files.wasm", &files.unwrap()).await.to_string();
    assert!(error.contains("wasi:filesystem/preopens@0.3.0") && error.contains("wasi:nn/graph@0.2.0"), "{error}");

    let empty = load("empty.wasm", &wat::parse_str("(component)").unwrap()).await.to_string();
    assert!(empty.contains("not a provider"), "{empty}");
    let missing = host.load(folder.path().join("missing.wasm"), Permissions::default()).await.unwrap_err();
    assert!(matches!(missing, LoadError::Unreadable { .. }));
}

#[tokio::test]
async fn a_permission_for_another_digest_is_refused_and_a_large_file_too() {
    let host = Host::builder().limits(Limits { component_bytes: 1_000, ..limits() }).build().unwrap();
    let error = host.load(component("hostile"), Permissions::default()).await.unwrap_err();
    let size = std::fs::metadata(component("hostile")).unwrap().len();
    let message = error.to_string();
    assert!(matches!(error, LoadError::TooLarge { .. }), "{message}");
    assert!(message.contains(&format!("has {size} bytes; at most 1000 are allowed")), "{message}");
    let host = Host::builder().build().unwrap();
    let permissions = Permissions { sha256: Some("00".repeat(32)), ..Permissions::default() };
    let error = host.load(component("hostile"), permissions).await.unwrap_err().to_string();
    assert!(error.contains(&"00".repeat(32)) && error.contains("hostile.wasm"), "{error}");
}
