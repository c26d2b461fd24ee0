//! Components and what comes with them: their structure before anything is compiled, signatures, manifests of registries.

use provider_distribution::Layer;
use provider_host::{
    ComponentFile, Host, LoadError, Permissions, SignedName, Structure, StructureError, structure_limits,
};
use std::sync::LazyLock;
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

/// A component's structure, compared with what the validator of the same parser says of it.
pub(crate) fn structure(input: &[u8]) {
    let read = Structure::read(input);
    assert_eq!(read, Structure::read(input), "the same file has another structure");
    match read {
        Ok(structure) => {
            // A name takes a byte at least, and a section is no larger than the file.
            let names = structure.imports.iter().chain(&structure.exports);
            let bytes: usize = names.map(String::len).sum();
            assert!(bytes <= input.len(), "{bytes} bytes of names in {}", input.len());
            assert!(structure.core_instances <= input.len() as u64 && structure.memories <= input.len() as u64);
        }
        Err(StructureError::Excess { part, found, limit }) => {
            assert!(found > limit, "{found} {part} are within {limit}");
            assert!(structure_limits().any(|known| known == (part, limit)), "{part} is no part");
        }
        Err(StructureError::NotAComponent(reason)) => {
            assert!(!reason.is_empty(), "refused for nothing");
            assert!(!is_valid_component(input), "a valid component is refused: {reason}");
        }
        Err(other) => panic!("{other:?} has no words"),
    }
}

fn is_valid_component(input: &[u8]) -> bool {
    let first = Parser::new(0).parse_all(input).next();
    let is_component = matches!(first, Some(Ok(Payload::Version { encoding: Encoding::Component, .. })));
    is_component && Validator::new_with_features(WasmFeatures::all()).validate_all(input).is_ok()
}

/// Small components of every kind of section.
pub(crate) fn structure_seeds() -> Vec<Vec<u8>> {
    let texts = [
        "(component)",
        "(component (core module (func (export \"f\") (result i32) i32.const 1)))",
        "(component (core module $m (memory (export \"memory\") 1) (global i32 (i32.const 0)) (table 1 funcref) (func $f \
         (local i32 i64) block loop br 1 end end) (elem (i32.const 0) $f) (data (i32.const 0) \"x\")) \
         (core instance (instantiate $m)) (core instance (instantiate $m)))",
        "(component (import \"wasi:http/types@0.3.2\" (instance (export \"fields\" (type (sub resource))))) \
         (type (record (field \"a\" string) (field \"b\" (list u8)))) (type (func (param \"x\" u32) (result string))))",
        "(component (component $c (component)) (instance $i (instantiate $c)) (export \"i\" (instance $i)))",
        "(component (type (component (type (instance (type (component)) (export \"f\" (func)))))) (core type (func (param \
         i32 i64) (result f32))))",
        "(component (core module $m (func (export \"f\") (param i32) local.get 0 br_table 0 0 0)) (core instance $i \
         (instantiate $m)) (func $f (param \"x\" u32) (canon lift (core func $i \"f\"))) (export \"f\" (func $f)))",
    ];
    texts.iter().map(|text| wat::parse_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))).collect()
}

/// What was signed: no component, so that nothing is compiled where the signature is accepted.
const SIGNED: &[u8] = b"not a component";
/// Made once, and of no other use; its secret half was not kept.
const PUBLIC_KEY: &str = include_str!("signed/fuzz.pub");
const SIGNATURE: &str = include_str!("signed/fuzz.minisig");

static HOST: LazyLock<(Host, tokio::runtime::Runtime, Permissions)> = LazyLock::new(|| {
    let key = PUBLIC_KEY.lines().nth(1).expect("the second line has the key");
    let permissions = format!("provider = \"np\"\npublic-keys = [\"{key}\"]\nmin-version = \"1.2.0\"\n");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let permissions = Permissions::from_text("np.toml", &permissions).expect("a permission file");
    (Host::builder().build().expect("a host"), runtime, permissions)
});

/// A signature: nothing but the one that was made is accepted, and only as what it was made for.
pub(crate) fn signatures(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(name) = text.parse::<SignedName>() {
        assert_eq!(name.to_string().parse::<SignedName>().as_ref(), Ok(&name), "it is shown otherwise than it is read");
    }
    let (host, runtime, permissions) = &*HOST;
    let component = ComponentFile { bytes: SIGNED.to_vec(), signature: Some(text.to_owned()) };
    match runtime.block_on(host.load_bytes("np.wasm", component, permissions.clone())) {
        Err(LoadError::Signature { reason, .. }) => {
            assert!(!reason.to_string().contains(char::is_control), "{reason}");
        }
        Err(LoadError::NotAComponent { .. }) => {
            // The first line is for people, and nobody signs it.
            let signed =
                |text: &str| text.lines().skip(1).take(3).map(|line| line.trim().to_owned()).collect::<Vec<_>>();
            let (made, accepted) = (signed(SIGNATURE), signed(text));
            assert_eq!(accepted, made, "a signature that nobody made is accepted");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("what is no component was loaded"),
    }
}

pub(crate) fn signatures_seeds() -> Vec<Vec<u8>> {
    [SIGNATURE, "deferred-payment-provider np 1.2.0"].map(|text| text.as_bytes().to_vec()).to_vec()
}

/// Largest component that is pulled.
const MOST_PULLED: u64 = 32 << 20;

/// A registry's manifest: it has one component of a bounded size, whose digest can be part of an address.
pub(crate) fn manifests(input: &[u8]) {
    match Layer::read(input, MOST_PULLED) {
        Err(reason) => assert!(!reason.is_empty(), "refused for nothing"),
        Ok(Layer { digest, size, signature }) => {
            assert!(size <= MOST_PULLED, "{size} bytes are pulled");
            let digits = digest.strip_prefix("sha256:").unwrap_or_default();
            assert!(digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest:?}");
            assert!(signature.is_none_or(|signature| signature.len() <= input.len()));
            // The same without types. What nobody reads may be text that no other reader accepts.
            let Ok(manifest) = serde_json::from_slice::<serde_json::Value>(input) else { return };
            let layers = manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
            assert!(matches!(layers, [layer] if layer["digest"] == digest), "another layer than the one that is there");
        }
    }
}

pub(crate) fn manifests_seeds() -> Vec<Vec<u8>> {
    let digest = "a".repeat(64);
    let descriptor =
        |kind: &str| format!("{{\"mediaType\":\"{kind}\",\"digest\":\"sha256:{digest}\",\"size\":404284}}");
    let (config, layer) = (descriptor("application/vnd.wasm.config.v0+json"), descriptor("application/wasm"));
    let manifest = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{config},\
         \"layers\":[{layer}],\"annotations\":{{\"deferred-payment.provider.minisig\":\"x\"}}}}"
    );
    vec![manifest.into_bytes()]
}
