//! The plugins of this project keep the contract.

mod common;

use common::{component, failed};
use conformance::wire::golden::Golden;
use conformance::{Lang, Options, judge};
use std::path::Path;

async fn passes(name: &str) {
    let report = judge(&component(name), &Options::default()).await.unwrap();
    assert!(report.passed(), "{}", report.text(Lang::En));
}

macro_rules! passes {
    ($($test:ident $name:literal)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                passes($name).await;
            }
        )*
    };
}

passes! {
    atobarai_com "atobarai-com"
    np "np"
    atodene "atodene"
    score "score"
    kuroneko "kuroneko"
}

#[tokio::test(flavor = "multi_thread")]
async fn golden_requests_are_written_on_demand_and_missed_where_they_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options { golden: Golden::Read(folder.path().to_owned()), ..Options::default() };
    let missed = judge(&component("kuroneko"), &options).await.unwrap();
    assert_eq!(failed(&missed), ["wire.golden"]);
    options.golden = Golden::Write(folder.path().to_owned());
    assert!(judge(&component("kuroneko"), &options).await.unwrap().passed());
    for file in ["credit.txt", "check-credit.txt", "cancel.txt", "sync-tracking.txt", "test-connection.txt"] {
        let read = |folder: &Path| std::fs::read(folder.join("kuroneko").join(file)).unwrap();
        assert_eq!(read(folder.path()), read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")), "{file}");
    }
}
