//! The simulators take what real clients send, and answer as these expect.

use clients::recorded::play;
use gateways::providers::PROVIDERS;
use std::path::Path;

#[test]
fn every_recorded_session_goes_as_its_client_expects() {
    for (provider, make) in PROVIDERS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(provider);
        let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{provider} has no sessions: {error}"));
        let mut played = 0;
        for file in files {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            play(make().as_ref(), &text).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
            played += 1;
        }
        assert!(played > 0, "{provider} has no sessions");
    }
}

/// An expectation that is not met is found.
#[test]
fn a_session_that_goes_otherwise_is_found() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("np/app.http")).unwrap();
    let wire = || gateways::by_id("np").unwrap();
    assert!(play(wire().as_ref(), &text).is_ok());
    for (from, to, found) in [
        ("\n200\n", "\n201\n", "HTTP 200"),
        ("authori_result = 00", "authori_result = 10", "authori_result is Some(\"00\")"),
        ("authori_ng = -", "authori_ng = NG001", "authori_ng is None"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let problem = play(wire().as_ref(), &changed).unwrap_err();
        assert!(problem.contains(found), "{problem}");
    }
}
