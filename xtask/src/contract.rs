//! The contract's released versions bind: a plugin built for one of them keeps working.

use std::path::{Path, PathBuf};
use wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};

const PACKAGE: &str = "package deferred-payment:provider@";

/// The world of `text`, a version of the contract, in `resolve`, as if it were `version`: two of one
/// version do not fit into one `Resolve`.
fn world(resolve: &mut Resolve, text: &str, version: &str) -> WorldId {
    let (_, rest) = text.split_once(PACKAGE).expect("begins with the package's name");
    let (_, rest) = rest.split_once(';').expect("the version ends");
    let group = UnresolvedPackageGroup::parse("provider.wit", &format!("{PACKAGE}{version};{rest}")).unwrap();
    let package = resolve.push_group(group).unwrap();
    resolve.select_world(&[package], Some("provider-plugin")).unwrap()
}

/// Whether a plugin for `released` can be loaded by a host of `present`.
fn compatible(released: &str, present: &str) -> Result<(), String> {
    let mut resolve = Resolve::default();
    resolve.push_dir(wit()).expect("the WASI interfaces come with the contract");
    let (old, new) = (world(&mut resolve, released, "9.0.0"), world(&mut resolve, present, "9.0.1"));
    wit_component::semver_check(resolve, old, new).map_err(|error| format!("{error:#}"))
}

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

fn present() -> String {
    std::fs::read_to_string(wit().join("provider.wit")).unwrap()
}

#[test]
fn every_released_contract_still_holds() {
    let folders = std::fs::read_dir(wit()).unwrap().map(|entry| entry.unwrap().path());
    let released: Vec<_> = folders.map(|folder| folder.join("provider.wit")).filter(|file| file.exists()).collect();
    assert!(!released.is_empty(), "no released version in {}", wit().display());
    for file in released {
        let text = std::fs::read_to_string(&file).unwrap();
        compatible(&text, &present()).unwrap_or_else(|error| panic!("{} is broken: {error}", file.display()));
    }
}

#[test]
fn a_change_that_breaks_plugins_is_found() {
    let present = present();
    for (what, from, to) in [
        ("a type", "billed-amount: yen,", "billed-amount: u32,"),
        ("a field that is gone", "    tax-rate: option<u8>,\n", ""),
        ("a case more", "    unsupported,\n", "    unsupported,\n    another,\n"),
        ("a call more", "  /// 与信を実行\n", "  another: func();\n"),
    ] {
        assert!(present.contains(from), "{from:?} is not in the contract");
        let changed = present.replacen(from, to, 1);
        assert!(compatible(&present, &changed).is_err(), "{what} is not noticed");
    }
    assert_eq!(compatible(&present, &present), Ok(()));
}
