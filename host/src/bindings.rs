//! The host's side of the contract, generated from `wit/`: one of the two provider interfaces is exported by a
//! plugin (see `exports`), the log is imported by it. `wasi:http` is linked separately, by `sandbox`.
#![allow(missing_docs, clippy::all)]

wasmtime::component::bindgen!({
    path: "wit",
    inline: "
        package provider-host:view;
        world host-view {
            import deferred-payment:provider/log@0.1.1;
            export deferred-payment:provider/payment-provider@0.1.1;
            export deferred-payment:provider/payment-provider-sync@0.1.1;
            export deferred-payment:provider/fee-adjustment@0.1.1;
        }
    ",
    world: "provider-host:view/host-view",
    exports: { default: async },
    additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
});

/// The macro derives nothing for flags, so these are by their names.
mod capability_names {
    use super::deferred_payment::provider::types::Capability;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    const NAMES: [(&str, Capability); 6] = [
        ("find-by-reference", Capability::FIND_BY_REFERENCE),
        ("unique-reference", Capability::UNIQUE_REFERENCE),
        ("enclosed-invoice", Capability::ENCLOSED_INVOICE),
        ("test-connection", Capability::TEST_CONNECTION),
        ("reports-cancel", Capability::REPORTS_CANCEL),
        ("reports-tracking", Capability::REPORTS_TRACKING),
    ];

    impl Serialize for Capability {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(NAMES.iter().filter(|(_, flag)| *self & *flag == *flag).map(|(name, _)| name))
        }
    }

    impl<'de> Deserialize<'de> for Capability {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let names = Vec::<String>::deserialize(deserializer)?;
            let known = NAMES.iter().filter(|(name, _)| names.iter().any(|found| found == name));
            Ok(known.fold(Self::default(), |all, (_, flag)| all | *flag))
        }
    }
}
