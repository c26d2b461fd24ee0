//! `cargo xtask packages`: what others build on, as packages: crates for a registry, and the contract.

use crate::{cargo, root, run};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;
use wit_parser::{PackageId, Resolve};

/// The crates that others build on, those first that the others need.
const CRATES: [&str; 8] = [
    "deferred-payment-fees",
    "deferred-payment-provider-sdk",
    "deferred-payment-provider-host",
    "deferred-payment-provider-distribution",
    "deferred-payment-gateways",
    "deferred-payment-provider-kit",
    "deferred-payment-provider-build",
    "deferred-payment-provider-cli",
];

/// Packs the crates and the contract into `target/package`. Each crate is unpacked and built as a registry's users
/// would, which takes some minutes.
pub fn packages() -> Result<()> {
    run(&mut pack())?;
    let folder = root().join("target/package");
    let contract = folder.join(contract_name()?);
    std::fs::write(&contract, contract_package()?).with_context(|| format!("cannot write {}", contract.display()))?;
    eprintln!("[xtask] {}", contract.display());
    Ok(())
}

fn pack() -> Command {
    let mut command = cargo();
    command.arg("package");
    for name in CRATES {
        command.args(["--package", name]);
    }
    command
}

fn contract() -> Result<(Resolve, PackageId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit"))?;
    Ok((resolve, package))
}

/// `deferred-payment-provider-0.1.1.wasm`.
fn contract_name() -> Result<PathBuf> {
    let (resolve, package) = contract()?;
    let name = &resolve.packages.get(package).context("the package was just read")?.name;
    let version = name.version.as_ref().context("the contract has a version")?;
    Ok(PathBuf::from(format!("{}-{}-{version}.wasm", name.namespace, name.name)))
}

/// The contract as the component model packs interfaces: with its documentation, and with the version since which
/// there is each.
fn contract_package() -> Result<Vec<u8>> {
    let (resolve, package) = contract()?;
    wit_component::encode(&resolve, package, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::path::Path;
    use wit_component::{DecodedWasm, decode};
    use wit_parser::Stability;

    /// The files below `folder`, by their paths in it.
    fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut found, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
        while let Some(inner) = open.pop() {
            for entry in std::fs::read_dir(&inner).unwrap_or_else(|error| panic!("{}: {error}", inner.display())) {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => open.push(path),
                    false => {
                        drop(found.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap()))
                    }
                }
            }
        }
        found
    }

    /// Packs the crates without building them, and unpacks them into `folder`. What they need is there already.
    fn unpacked(folder: &Path) {
        let target = folder.join("target");
        let packed = pack().args(["--no-verify", "--offline", "--allow-dirty", "--target-dir"]).arg(&target).output();
        let packed = packed.unwrap();
        assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
        for name in CRATES {
            let file = target.join("package").join(format!("{name}-0.1.0.crate"));
            run(Command::new("tar").arg("-xzf").arg(file).arg("-C").arg(folder)).unwrap();
        }
    }

    #[test]
    fn packages_have_the_contract_and_the_sdk_as_they_are_here() {
        let folder = tempfile::tempdir().unwrap();
        unpacked(folder.path());
        for (package, from, to) in [
            ("deferred-payment-provider-sdk", "wit", "wit"),
            ("deferred-payment-provider-host", "wit", "wit"),
            ("deferred-payment-provider-kit", "wit", "wit"),
            ("deferred-payment-provider-kit", "tests/conformance/golden", "golden"),
            ("deferred-payment-provider-cli", "wit", "embedded/wit"),
            ("deferred-payment-provider-cli", "plugin/sdk/src", "embedded/sdk/src"),
            ("deferred-payment-provider-cli", "plugin/fees/src", "embedded/fees/src"),
            ("deferred-payment-provider-cli", "examples/provider-rust/src", "embedded/rust/src"),
            ("deferred-payment-provider-build", "plugin/build/go-runtime", "go-runtime"),
        ] {
            let packed = files(&folder.path().join(format!("{package}-0.1.0")).join(to));
            let here = files(&root().join(from));
            assert!(!here.is_empty() && packed == here, "{package}: {to} is not {from}");
        }
    }

    #[test]
    fn the_packed_contract_is_read_back_with_documentation_and_versions() {
        let bytes = contract_package().unwrap();
        let DecodedWasm::WitPackage(resolve, package) = decode(&bytes).unwrap() else { panic!("it is no package") };
        let packed = &resolve.packages[package];
        assert_eq!(packed.name.to_string(), "deferred-payment:provider@0.1.1");
        let worlds: Vec<_> = packed.worlds.keys().map(String::as_str).collect();
        assert_eq!(worlds, ["provider-plugin", "provider-plugin-sync"]);
        for (interface, since) in
            [("payment-provider", "0.1.0"), ("payment-provider-sync", "0.1.1"), ("types", "0.1.0")]
        {
            let interface = &resolve.interfaces[packed.interfaces[interface]];
            assert!(interface.docs.contents.is_some());
            let Stability::Stable { since: found, .. } = &interface.stability else { panic!("it says no version") };
            assert_eq!(found.to_string(), since);
        }
        assert_eq!(wit_component::encode(&resolve, package, false).unwrap(), bytes, "nothing is lost");
        assert_eq!(contract_name().unwrap(), Path::new("deferred-payment-provider-0.1.1.wasm"));
    }
}
