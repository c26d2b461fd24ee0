//! No setting and nobody's data in anything the host writes, whatever a plugin says.

mod common;

use common::{Does, Server, account, hostile, limits, order};
use std::io::Write;
use std::sync::{Arc, Mutex};

/// Keeps everything that is written to it.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn secrets_and_people_are_masked_and_floods_are_cut() {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    let told = plugin.credit(&account("tell-secrets", &server), vec![order()]).await;
    assert!(told.rows[0].is_ok());
    let flooded = plugin.credit(&account("flood-log", &server), vec![order()]).await;
    assert_eq!(flooded.calls[0].log_lines_dropped, 10_000 - limits().log_lines);
    let panicked = plugin.credit(&account("panic", &server), vec![order()]).await;

    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("password=***"), "the plugin's line must have been written, masked:\n{log}");
    assert!(log.contains("on purpose at "), "a panic's words must reach the log");
    let reports = format!("{:?}{:?}{:?}", told.calls, flooded.calls, panicked.calls);
    let buyer = order().buyer;
    for secret in ["hunter2", "見本 花子", "ミホン", "六本木", "0312345678", "hanako@example.jp", "1060032"] {
        assert!(!log.contains(secret), "{secret} was logged");
        assert!(!reports.contains(secret), "{secret} is in a report");
    }
    assert!(!log.contains(&buyer.name));
    let longest = log.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    assert!(longest < 2 * limits().log_line_length, "a line of {longest} characters");
}
