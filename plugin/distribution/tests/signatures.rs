//! A component is loaded only as whoever signed it says, by a key that the permission file names.

use provider_distribution::{KeyPair, SigningKey, generate_key, is_encrypted};
use provider_host::{ComponentFile, Host, LoadError, Permissions, SignatureError, SignedName};
use std::path::Path;

/// What the plugin describes.
const VERSION: &str = "0.1.0";

fn component() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins/np.wasm");
    std::fs::read(path).expect("run `cargo xtask plugins` first")
}

fn name(provider: &str, version: &str) -> SignedName {
    SignedName { provider: provider.to_owned(), version: version.parse().unwrap() }
}

fn public(key: &KeyPair) -> &str {
    key.public.lines().nth(1).unwrap()
}

fn permissions(key: &KeyPair, more: &str) -> Permissions {
    let text = format!("provider = \"np\"\npublic-keys = [\"{}\"]\n{more}", public(key));
    Permissions::from_text("np.toml", &text).unwrap()
}

fn signed(bytes: &[u8], name: &SignedName, key: &KeyPair) -> ComponentFile {
    ComponentFile {
        bytes: bytes.to_vec(),
        signature: Some(SigningKey::open(&key.secret, "").unwrap().sign(bytes, name).unwrap()),
    }
}

async fn refusal(component: ComponentFile, permissions: Permissions) -> SignatureError {
    let host = Host::builder().build().unwrap();
    match host.load_bytes("np.wasm", component, permissions).await {
        Err(LoadError::Signature { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_signed_component_is_loaded_and_says_by_whom() {
    let (key, bytes) = (generate_key("").unwrap(), component());
    let host = Host::builder().build().unwrap();
    let file = signed(&bytes, &name("np", VERSION), &key);
    let permissions = permissions(&key, &format!("min-version = \"{VERSION}\"\n"));
    let plugin = host.load_bytes("np.wasm", file, permissions.clone()).await.unwrap();
    let signature = plugin.facts().signature.as_ref().unwrap();
    assert_eq!((signature.key.to_string().as_str(), &signature.name), (public(&key), &name("np", VERSION)));
    assert!(plugin.facts().is_accepted_by(&permissions));
    let newer = Permissions { min_version: Some("0.2.0".parse().unwrap()), ..permissions.clone() };
    assert!(!plugin.facts().is_accepted_by(&newer));
    let other = Permissions { public_keys: vec![public(&generate_key("").unwrap()).parse().unwrap()], ..permissions };
    assert!(!plugin.facts().is_accepted_by(&other));
}

#[tokio::test]
async fn what_is_not_signed_as_it_should_be_is_refused_with_the_reason() {
    let (key, bytes) = (generate_key("").unwrap(), component());
    let good = signed(&bytes, &name("np", VERSION), &key);

    let unsigned = ComponentFile::from(bytes.clone());
    assert_eq!(refusal(unsigned, permissions(&key, "")).await, SignatureError::Missing);
    let stranger = generate_key("").unwrap();
    let resigned = signed(&bytes, &name("np", VERSION), &stranger);
    assert_eq!(refusal(resigned, permissions(&key, "")).await, SignatureError::OtherKey);
    let mut replaced = good.clone();
    replaced.bytes[100] ^= 1;
    assert_eq!(refusal(replaced, permissions(&key, "")).await, SignatureError::Mismatch);
    // The version is signed as well: writing another one over it breaks the signature.
    let mut raised = good.clone();
    raised.signature = raised.signature.map(|text| text.replace(VERSION, "9.9.9"));
    assert_eq!(refusal(raised, permissions(&key, "")).await, SignatureError::Mismatch);
    let downgraded = refusal(good.clone(), permissions(&key, "min-version = \"0.1.1\"\n")).await;
    assert!(matches!(&downgraded, SignatureError::Downgraded { lowest, .. } if lowest.to_string() == "0.1.1"));
    let of_another = signed(&bytes, &name("score", VERSION), &key);
    assert!(matches!(refusal(of_another, permissions(&key, "")).await, SignatureError::Provider { .. }));
    let misnamed = signed(&bytes, &name("np", "0.2.0"), &key);
    assert!(matches!(refusal(misnamed, permissions(&key, "")).await, SignatureError::Version { .. }));
    for text in ["", "untrusted comment: x\nRW\ntrusted comment: y\nz", "\u{1b}"] {
        let broken = ComponentFile { signature: Some(text.to_owned()), ..good.clone() };
        assert!(matches!(refusal(broken, permissions(&key, "")).await, SignatureError::Unreadable(_)), "{text:?}");
    }
}

#[tokio::test]
async fn nothing_is_parsed_before_its_signature_is_verified() {
    let (key, stranger) = (generate_key("").unwrap(), generate_key("").unwrap());
    let rubbish = signed(b"no component", &name("np", VERSION), &stranger);
    assert_eq!(refusal(rubbish, permissions(&key, "")).await, SignatureError::OtherKey);
    let host = Host::builder().build().unwrap();
    let rubbish = signed(b"no component", &name("np", VERSION), &key);
    let error = host.load_bytes("np.wasm", rubbish, permissions(&key, "")).await.unwrap_err();
    assert!(matches!(error, LoadError::NotAComponent { .. }), "{error}");
}

#[tokio::test]
async fn a_signature_is_read_from_the_file_that_minisign_writes() {
    let (folder, key, bytes) = (tempfile::tempdir().unwrap(), generate_key("").unwrap(), component());
    let path = folder.path().join("np.wasm");
    let file = signed(&bytes, &name("np", VERSION), &key);
    std::fs::write(&path, &bytes).unwrap();
    std::fs::write(folder.path().join("np.wasm.minisig"), file.signature.unwrap()).unwrap();
    let host = Host::builder().build().unwrap();
    assert!(host.load(&path, permissions(&key, "")).await.unwrap().facts().signature.is_some());
    std::fs::write(folder.path().join("np.wasm.minisig"), vec![b'x'; 5_000]).unwrap();
    let error = host.load(&path, permissions(&key, "")).await.unwrap_err();
    assert!(error.to_string().contains("5000 bytes"), "{error}");
}

#[test]
fn a_secret_key_is_opened_by_its_password_alone() {
    let key = generate_key("tsuki to hoshi").unwrap();
    assert!(is_encrypted(&key.secret).unwrap());
    let opened = SigningKey::open(&key.secret, "tsuki to hoshi").unwrap();
    assert_eq!(opened.public().unwrap(), public(&key));
    for wrong in ["hoshi", ""] {
        assert!(SigningKey::open(&key.secret, wrong).is_err(), "{wrong:?}");
    }
    let plain = generate_key("").unwrap();
    assert!(!is_encrypted(&plain.secret).unwrap());
    assert_eq!(SigningKey::open(&plain.secret, "not looked at").unwrap().public().unwrap(), public(&plain));
    for text in ["", "no key", "comment\nno base64", "comment\nAAAA"] {
        assert!(SigningKey::open(text, "").is_err() && is_encrypted(text).is_err(), "{text:?}");
    }
    assert!(SigningKey::open(&plain.public, "").is_err(), "a public key signs nothing");
}

#[test]
fn an_oldest_version_needs_a_key() {
    let error = Permissions::from_text("np.toml", "min-version = \"1.0.0\"\n").unwrap_err();
    assert!(error.to_string().contains("public-keys"), "{error}");
    assert!(Permissions::from_text("np.toml", "public-keys = [\"RWx\"]\n").is_err());
}
