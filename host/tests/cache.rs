//! Compiled plugins on disk: used again, never trusted from a folder that others may write.

mod common;

use common::component;
use provider_host::{BuildError, Host, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

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
