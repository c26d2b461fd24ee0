//! The plugins of this project keep the contract.

mod common;

use common::component;
use conformance::words::Lang;
use conformance::{Options, judge};

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
