//! No setting and no personal data in anything that the host writes, even if the plugin logs it.

mod common;

use common::{Does, Server, account, hostile, limits, listen, order};

#[tokio::test]
async fn secrets_and_people_are_masked_and_floods_are_cut() {
    let (kept, _guard) = listen();
    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    let told = plugin.credit(&account("tell-secrets", &server), vec![order()]).await;
    assert!(told.rows[0].is_ok());
    let flooded = plugin.credit(&account("flood-log", &server), vec![order()]).await;
    assert_eq!(flooded.calls[0].log_lines_dropped, 10_000 - limits().log_lines);
    let panicked = plugin.credit(&account("panic", &server), vec![order()]).await;

    let log = kept.text();
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

#[tokio::test]
async fn paths_and_hosts_are_masked_and_bounded_like_log_lines() {
    let (kept, _guard) = listen();
    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    let answer = plugin.credit(&account("tell-paths", &server), vec![order()]).await;
    let requests = &answer.calls[0].requests;
    assert_eq!((requests.len(), server.requests()), (4, 1), "each was tried, one was granted");
    let reports = format!("{requests:?}");
    assert!(reports.contains("/***/***/***"), "{reports}");
    assert!(reports.contains("http://***.example:80"), "{reports}");
    let log = kept.text();
    for secret in ["hunter2", "見本 花子", "六本木", "0312345678"] {
        assert!(
            !log.contains(secret),
            "{secret} was logged:\n{}",
            log.lines().filter(|line| line.contains(secret)).collect::<Vec<_>>().join("\n")
        );
        assert!(!reports.contains(secret), "{secret} is in a report: {reports}");
    }
    for request in requests {
        assert!(request.path.chars().count() <= 200 && request.origin.chars().count() <= 300, "{request:?}");
    }
}

#[tokio::test]
async fn a_secret_that_is_described_as_a_choice_stays_masked() {
    let (kept, _guard) = listen();
    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    // `behaviour` is described as a choice; this value is on no list.
    let shop = account("correct-horse-battery", &server);
    let settings = |key: &str, value: &str| provider_host::contract::Setting { key: key.into(), value: value.into() };
    let url = format!("{}/correct-horse-battery", server.origin());
    let shop_with_path = provider_host::Account::new(
        "shop",
        vec![settings("behaviour", "correct-horse-battery"), settings("url", &url)],
    );
    assert!(plugin.credit(&shop, vec![order()]).await.rows[0].is_ok());
    let answer = plugin.credit(&shop_with_path, vec![order()]).await;
    assert_eq!(answer.calls[0].requests.len(), 1);
    assert!(!format!("{answer:?}{}", kept.text()).contains("correct-horse"));
}

/// In halves, backwards and in other encodings: neither in the log nor in the plugin's rows and reports.
#[tokio::test]
async fn secrets_in_parts_are_masked_in_logs_and_rows() {
    const FORMS: [&str; 7] = [
        "hunter2",
        "2retnuh",
        "68756e74657232",
        "%68%75%6e%74%65%72%32",
        "ｈｕｎｔｅｒ２",
        "aHVudGVyMi1odW50ZXIy",
        "-hunter",
    ];
    let (kept, _guard) = listen();
    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    let told = plugin.credit(&account("tell-parts", &server), vec![order()]).await;
    assert_eq!(server.requests(), 1, "{:?}", told.calls);
    let (log, answer) = (kept.text(), format!("{told:?}"));
    assert!(log.matches("***").count() >= FORMS.len(), "the lines must have been written, masked:\n{log}");
    assert!(answer.contains("***"), "{answer}");
    for form in FORMS {
        for (place, text) in [("the log", &log), ("the answer", &answer)] {
            assert!(!text.to_lowercase().contains(&form.to_lowercase()), "{form} is in {place}:\n{text}");
        }
    }
}
