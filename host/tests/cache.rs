//! Compiled plugins on disk: used again, never trusted from a folder that others may write.

mod common;

use common::component;
use provider_host::{BuildError, Host, Permissions};
use std::fs::{copy, rename, set_permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

async fn load(folder: &Path) -> String {
    let host = Host::builder().cache_dir(folder).build().unwrap();
    host.load(component("hostile"), Permissions::default()).await.unwrap().info().id.clone()
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_plugin_is_compiled_once_and_a_broken_entry_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("compiled");
    assert_eq!(load(&folder).await, "hostile");
    let [entry] = &files(&folder)[..] else { panic!("one entry, nothing half-written") };
    let written = std::fs::metadata(entry).unwrap().modified().unwrap();
    assert_eq!(load(&folder).await, "hostile");
    assert_eq!(std::fs::metadata(entry).unwrap().modified().unwrap(), written, "compiled again");

    std::fs::write(entry, b"broken").unwrap();
    assert_eq!(load(&folder).await, "hostile");
    assert!(std::fs::metadata(entry).unwrap().len() > 1_000, "the broken entry was not replaced");
}

/// wasmtime looks at the head of compiled code only; what follows is run as the disk has it.
#[tokio::test]
async fn an_entry_with_a_flipped_bit_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(load(folder.path()).await, "hostile");
    let [entry] = &files(folder.path())[..] else { panic!("one entry") };
    let genuine = std::fs::read(entry).unwrap();
    for part in 0..16 {
        let mut flipped = genuine.clone();
        let at = genuine.len() * part / 16;
        flipped[at] ^= 0x40;
        std::fs::write(entry, &flipped).unwrap();
        assert_eq!(load(folder.path()).await, "hostile");
        assert_ne!(std::fs::read(entry).unwrap(), flipped, "the entry that was changed at {at} was not replaced");
    }
}

#[test]
fn a_folder_that_others_may_write_or_a_link_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    for bad in [&open, &link] {
        let error = Host::builder().cache_dir(bad).build().err();
        assert!(matches!(&error, Some(BuildError::Cache { path, .. }) if path == bad), "{error:?}");
    }
}

#[test]
fn a_folder_in_one_that_everybody_may_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let parent = folder.path().join("open");
    let compiled = parent.join("compiled");
    std::fs::create_dir_all(&compiled).unwrap();
    set_permissions(&parent, std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = Host::builder().cache_dir(&compiled).build().err().expect("a folder that anybody can replace");
    assert!(matches!(error, BuildError::Cache { .. }) && error.to_string().contains("open above it"), "{error}");
    // Where only the owner of a folder can rename it, as in /tmp, it is taken.
    set_permissions(&parent, std::fs::Permissions::from_mode(0o1777)).unwrap();
    assert!(Host::builder().cache_dir(&compiled).build().is_ok());
}

/// A cache with one entry, and the compiled form of another component under that entry's name.
async fn entry_and_another(folder: &Path) -> (PathBuf, PathBuf) {
    let (genuine, other) = (folder.join("genuine"), folder.join("other"));
    assert_eq!(load(&genuine).await, "hostile");
    let host = Host::builder().cache_dir(&other).build().unwrap();
    let np = host.load(component("np"), Permissions::default()).await.unwrap();
    assert_eq!(np.info().id, "np");
    let ([entry], [another]) = (&files(&genuine)[..], &files(&other)[..]) else { panic!("one entry in each") };
    // As the host itself would have written it there.
    let (named, name) = (other.join(entry.file_name().unwrap()), entry.file_name().unwrap().to_str().unwrap());
    let code = &std::fs::read(another).unwrap()[4..];
    let checksum = crc32fast::hash(&[name.as_bytes(), code].concat()).to_le_bytes();
    std::fs::write(another, [&checksum[..], code].concat()).unwrap();
    rename(another, &named).unwrap();
    (entry.clone(), named)
}

/// What follows is about a swap that would work: an entry of this user's, with the checksum of its place, is run as it is.
#[tokio::test]
async fn an_entry_is_run_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (entry, another) = entry_and_another(folder.path()).await;
    copy(&another, &entry).unwrap();
    assert_eq!(load(&folder.path().join("genuine")).await, "np");
}

#[tokio::test]
async fn a_folder_that_is_swapped_at_run_time_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (_, another) = entry_and_another(folder.path()).await;
    let genuine = folder.path().join("genuine");
    let host = Host::builder().cache_dir(&genuine).build().unwrap();
    rename(&genuine, folder.path().join("aside")).unwrap();
    rename(another.parent().unwrap(), &genuine).unwrap();
    assert_eq!(host.load(component("hostile"), Permissions::default()).await.unwrap().info().id, "hostile");
}

#[tokio::test]
async fn an_entry_that_somebody_else_can_have_written_is_not_run() {
    /// Puts an entry that is not to be run in the place of the genuine one.
    type Swap = fn(&Path, &Path);
    let swaps: [(&str, Swap); 4] = [
        ("written by the group", |entry, another| {
            copy(another, entry).unwrap();
            set_permissions(entry, std::fs::Permissions::from_mode(0o660)).unwrap();
        }),
        ("written by others", |entry, another| {
            copy(another, entry).unwrap();
            set_permissions(entry, std::fs::Permissions::from_mode(0o606)).unwrap();
        }),
        ("a link", |entry, another| {
            std::fs::remove_file(entry).unwrap();
            symlink(another, entry).unwrap();
        }),
        ("of another user", |entry, another| {
            copy(another, entry).unwrap();
            // Only root can give a file away; for anybody else the group may write it.
            if chown(entry, Some(12_345), None).is_err() {
                set_permissions(entry, std::fs::Permissions::from_mode(0o660)).unwrap();
            }
        }),
    ];
    for (what, swap) in swaps {
        let folder = tempfile::tempdir().unwrap();
        let (entry, another) = entry_and_another(folder.path()).await;
        let host = Host::builder().cache_dir(entry.parent().unwrap()).build().unwrap();
        // At run time: the host has looked at the folder already.
        swap(&entry, &another);
        let found = host.load(component("hostile"), Permissions::default()).await.unwrap().info().id.clone();
        assert_eq!(found, "hostile", "{what}");
        assert_eq!(entry.symlink_metadata().unwrap().permissions().mode() & 0o777, 0o600, "{what}: not replaced");
    }
}

#[tokio::test]
async fn a_folder_that_others_may_write_since_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (entry, another) = entry_and_another(folder.path()).await;
    let host = Host::builder().cache_dir(entry.parent().unwrap()).build().unwrap();
    copy(&another, &entry).unwrap();
    set_permissions(entry.parent().unwrap(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(host.load(component("hostile"), Permissions::default()).await.unwrap().info().id, "hostile");
}
