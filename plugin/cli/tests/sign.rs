//! `provider keygen`, `sign` and what `push` refuses before it reaches a registry.

mod common;

use common::{component, provider};
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// No registry is there.
const NOWHERE: &str = "127.0.0.1:1/np:0.1.0";

/// An author's folder with a component in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(component("np"), folder.path().join("np.wasm")).unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&str], password: Option<&str>) -> Output {
    let mut command = provider(folder);
    command.args(arguments).env("MINISIGN_CONFIG_DIR", folder.join("keys")).env_remove("PROVIDER_KEY");
    match password {
        Some(password) => command.env("PROVIDER_KEY_PASSWORD", password),
        None => command.env_remove("PROVIDER_KEY_PASSWORD"),
    };
    command.output().unwrap()
}

/// What a command that has to end with `code` wrote.
fn words(output: &Output, code: i32) -> String {
    let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words}");
    words
}

#[test]
fn a_key_is_made_once_and_its_secret_half_is_for_its_owner_alone() {
    let folder = folder();
    let made = words(&run(folder.path(), &["keygen", "--no-password", "--lang", "en"], None), 0);
    let [secret, public] = ["minisign.key", "minisign.pub"].map(|name| folder.path().join("keys").join(name));
    let line = std::fs::read_to_string(&public).unwrap().lines().nth(1).unwrap().to_owned();
    assert!(made.contains(&format!("public-keys = [\"{line}\"]")), "{made}");
    let kept = std::fs::read_to_string(&secret).unwrap();
    assert!(!made.contains(kept.lines().nth(1).unwrap()), "the secret is printed: {made}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    }
    for again in [&["keygen", "--no-password"][..], &["keygen", "--no-password", "--key", "keys/minisign.key"]] {
        assert!(words(&run(folder.path(), again, None), 2).contains("is there already"));
    }
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), kept);
    let empty = words(&run(folder.path(), &["keygen", "--key", "other.key"], Some("")), 2);
    assert!(empty.contains("--no-password") && !folder.path().join("other.key").exists(), "{empty}");
}

#[test]
fn a_component_is_signed_by_whoever_has_the_password() {
    let folder = folder();
    words(&run(folder.path(), &["keygen"], Some("tsuki to hoshi")), 0);
    let signature = folder.path().join("np.wasm.minisig");
    let wrong = words(&run(folder.path(), &["sign", "np.wasm"], Some("hoshi")), 2);
    assert!(wrong.contains("check the file and its password") && !signature.exists(), "{wrong}");
    let signed = words(&run(folder.path(), &["sign", "np.wasm", "--lang", "en"], Some("tsuki to hoshi")), 0);
    assert!(signed.contains("signed as: deferred-payment-provider np 0.1.0"), "{signed}");
    let text = std::fs::read_to_string(&signature).unwrap();
    assert!(text.contains("\ntrusted comment: deferred-payment-provider np 0.1.0\n"), "{text}");
    // It is pushed as it was signed: here only the registry is missing.
    let unreachable = words(&run(folder.path(), &["push", NOWHERE, "np.wasm"], None), 2);
    assert!(unreachable.contains("127.0.0.1:1 cannot be reached"), "{unreachable}");
}

#[test]
fn what_is_not_signed_as_it_is_now_is_not_pushed() {
    let folder = folder();
    let file = folder.path().join("np.wasm");
    let refused = |arguments: &[&str]| words(&run(folder.path(), arguments, None), 2);
    let no_key = refused(&["sign", "np.wasm"]);
    assert!(no_key.contains("`provider keygen` makes one"), "{no_key}");
    words(&run(folder.path(), &["keygen", "--no-password"], None), 0);
    let unsigned = refused(&["push", NOWHERE, "np.wasm"]);
    assert!(unsigned.contains("`provider sign` makes it"), "{unsigned}");
    assert!(refused(&["push", NOWHERE, "np.wasm", "--unsigned"]).contains("cannot be reached"));
    words(&run(folder.path(), &["sign", "np.wasm"], None), 0);
    // Built anew after it was signed.
    let built = [std::fs::read(&file).unwrap().as_slice(), b"\x00\x02\x01v"].concat();
    std::fs::write(&file, built).unwrap();
    let stale = refused(&["push", NOWHERE, "np.wasm"]);
    assert!(stale.contains("is not the file that was signed") && stale.contains("`provider sign`"), "{stale}");
    words(&run(folder.path(), &["keygen", "--no-password", "--key", "other.key"], None), 0);
    let other = refused(&["push", NOWHERE, "np.wasm", "--key", "other.key"]);
    assert!(other.contains("another key"), "{other}");
    std::fs::write(&file, "words").unwrap();
    let words = refused(&["sign", "np.wasm"]);
    assert!(words.contains("np.wasm") && words.contains("not a WebAssembly component"), "{words}");
}
