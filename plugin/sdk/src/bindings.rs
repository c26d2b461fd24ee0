//! The contract's types and exports, generated from `wit/`.
#![allow(missing_docs, unsafe_code, clippy::all)]

wit_bindgen::generate!({
    path: "wit",
    world: "provider-plugin",
    pub_export_macro: true,
    default_bindings_module: "provider_sdk::bindings",
    additional_derives: [PartialEq, Clone],
    with: {
        "wasi:clocks/types@0.3.2": wasip3::clocks::types,
        "wasi:http/types@0.3.2": wasip3::http::types,
        "wasi:http/client@0.3.2": wasip3::http::client,
    },
});
