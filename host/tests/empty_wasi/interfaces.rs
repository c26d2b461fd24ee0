//! Every interface of WASI, read from the WIT files themselves: it comes with HTTP, is refused by its name, or has nothing
//! behind it, and then each of its functions is called.

use provider_host::{Host, ImportGroup, LoadError, Permissions};
use std::collections::BTreeSet;
use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{
    Function, InterfaceId, LiftLowerAbi, ManglingAndAbi, Resolve, WasmExport, WasmExportKind, WasmImport, WorldItem,
};

/// Names of the core functions of a component, as wit-bindgen writes them.
const NAMES: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);

/// The functions that answer a plugin that has nothing but its own memory. What they answer is in
/// `each_interface_answers_as_if_there_were_no_machine`, `random_numbers_come_from_the_seed_of_the_host` and
/// `standard_streams_are_the_plugins_log_redacted_and_bounded`: a function that is new here needs its answer there.
const ANSWERING: [&str; 20] = [
    "wasi:cli/environment#get-arguments",
    "wasi:cli/environment#get-environment",
    "wasi:cli/environment#initial-cwd",
    "wasi:cli/stderr#get-stderr",
    "wasi:cli/stdin#get-stdin",
    "wasi:cli/stdout#get-stdout",
    "wasi:cli/terminal-stderr#get-terminal-stderr",
    "wasi:cli/terminal-stdin#get-terminal-stdin",
    "wasi:cli/terminal-stdout#get-terminal-stdout",
    "wasi:clocks/wall-clock#now",
    "wasi:clocks/wall-clock#resolution",
    "wasi:filesystem/preopens#get-directories",
    "wasi:random/insecure#get-insecure-random-bytes",
    "wasi:random/insecure#get-insecure-random-u64",
    "wasi:random/insecure-seed#insecure-seed",
    "wasi:random/random#get-random-bytes",
    "wasi:random/random#get-random-u64",
    "wasi:sockets/instance-network#instance-network",
    "wasi:sockets/tcp-create-socket#create-tcp-socket",
    "wasi:sockets/udp-create-socket#create-udp-socket",
];

/// WASI 0.2 and 0.3 and the contract, as plugins are written with them.
fn wit() -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("wit")).unwrap();
    resolve
}

/// Every interface of WASI by its name.
fn interfaces(resolve: &Resolve) -> Vec<(String, InterfaceId)> {
    let named = resolve.interfaces.iter().filter_map(|(id, _)| Some((resolve.id_of(id)?, id)));
    named.filter(|(name, _)| name.starts_with("wasi:")).collect()
}

/// A core module that calls `called` of `interface` with zeros where it is asked for its description, and that ends with
/// `unreachable` when it got an answer.
fn module(resolve: &Resolve, world: wit_parser::WorldId, interface: InterfaceId, called: &Function) -> String {
    let kind = |kind: &WasmType| match kind {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
    };
    let kinds = |kinds: &[WasmType]| kinds.iter().map(kind).collect::<Vec<_>>().join(" ");
    let world = &resolve.worlds[world];
    let (key, _) = world
        .imports
        .iter()
        .find(|(_, item)| matches!(item, WorldItem::Interface { id, .. } if *id == interface))
        .unwrap();
    let import = WasmImport::Func { interface: Some(key), func: called };
    let (from, name) = resolve.wasm_import_name(NAMES, import);
    let signature = resolve.wasm_signature(AbiVariant::GuestImport, called);
    let (params, results) = (kinds(&signature.params), kinds(&signature.results));
    let mut text = format!("(module (import {from:?} {name:?} (func $called (param {params}) (result {results})))\n");
    for (key, item) in &world.exports {
        let WorldItem::Interface { id, .. } = item else { continue };
        for func in resolve.interfaces[*id].functions.values() {
            let export = WasmExport::Func { interface: Some(key), func, kind: WasmExportKind::Normal };
            let name = resolve.wasm_export_name(NAMES, export);
            let own = resolve.wasm_signature(AbiVariant::GuestExport, func);
            let zeros: String = signature.params.iter().map(|param| format!("{}.const 0 ", kind(param))).collect();
            let body = if func.name == "describe" { format!("{zeros} call $called") } else { String::new() };
            let (params, results) = (kinds(&own.params), kinds(&own.results));
            text += &format!("(func (export {name:?}) (param {params}) (result {results}) {body} unreachable)\n");
        }
    }
    let memory = resolve.wasm_export_name(NAMES, WasmExport::Memory);
    let realloc = resolve.wasm_export_name(NAMES, WasmExport::Realloc);
    // Whatever is written into the plugin's memory stands behind what it is told by an address of 0.
    text + &format!(
        "(memory (export {memory:?}) 1)\n\
         (func (export {realloc:?}) (param i32 i32 i32 i32) (result i32) i32.const 1024))"
    )
}

/// A provider that does nothing but call `called`.
fn component(resolve: &Resolve, interface: InterfaceId, called: &Function) -> Vec<u8> {
    let mut resolve = resolve.clone();
    let name = resolve.id_of(interface).unwrap();
    let provider = resolve.packages.iter().find(|(_, package)| package.name.name == "provider").unwrap().1.name.clone();
    let export = provider.interface_id("payment-provider-sync");
    let text = format!("package test:calls; world calls {{ import {name}; export {export}; }}");
    let package = resolve.push_str("calls.wit", &text).unwrap();
    let world = resolve.packages[package].worlds["calls"];
    let mut module = wat::parse_str(module(&resolve, world, interface, called)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

async fn refusal(host: &Host, component: Vec<u8>) -> LoadError {
    host.load_bytes("calls.wasm", component, Permissions::default()).await.expect_err("it describes nothing")
}

#[tokio::test]
async fn every_interface_of_wasi_is_refused_by_its_name_or_has_nothing_behind_it() {
    let (resolve, host) = (wit(), Host::builder().build().unwrap());
    let (mut refused, mut without_handle, mut forbidden) = (0, 0, 0);
    let mut answering = BTreeSet::new();
    for (name, interface) in interfaces(&resolve) {
        match ImportGroup::of(&name) {
            // What the plugin was granted: no other way leads out, which is shown by the tests of origins.
            Some(ImportGroup::Http) => {}
            Some(ImportGroup::EmptyWasi) => {
                for function in resolve.interfaces[interface].functions.values() {
                    let error = refusal(&host, component(&resolve, interface, function)).await.to_string();
                    let of = format!("{}#{}", name.split('@').next().unwrap(), function.name);
                    if error.contains(&format!("it called {of}, which plugins may not")) {
                        forbidden += 1;
                    } else if error.contains("unknown handle index 0") {
                        // A plugin can have no such handle, for nothing gives it one.
                        without_handle += 1;
                    } else {
                        assert!(error.contains("unreachable"), "{of}: {error}");
                        answering.insert(of);
                    }
                }
            }
            _ => {
                let bytes = wat::parse_str(format!("(component (import {name:?} (instance)))")).unwrap();
                let error = refusal(&host, bytes).await;
                let is_named =
                    matches!(&error, LoadError::Refused { reason, .. } if reason.to_string().contains(&name));
                assert!(is_named, "{name}: {error}");
                refused += 1;
            }
        }
    }
    assert_eq!(answering, ANSWERING.map(str::to_owned).into(), "another function answers than is known here");
    assert!(refused >= 20 && without_handle >= 50 && forbidden >= 1, "{refused} {without_handle} {forbidden}");
}

/// Interfaces under a version that nobody has written yet are refused like those that there are.
#[tokio::test]
async fn an_interface_of_a_later_version_is_refused_by_its_name() {
    let host = Host::builder().build().unwrap();
    for (name, _) in interfaces(&wit()) {
        let later = format!("{}@0.4.0", name.split('@').next().unwrap());
        let bytes = wat::parse_str(format!("(component (import {later:?} (instance)))")).unwrap();
        let error = refusal(&host, bytes).await;
        assert!(
            matches!(&error, LoadError::Refused { reason, .. } if reason.to_string().contains(&later)),
            "{later}: {error}"
        );
    }
}
