//! Users, sessions, tokens, the limit on guessing, and calls that are repeated.

use domain::actor::Actor;
use domain::credit_state::Action;
use domain::mall::Mall;
use domain::user::{MIN_PASSWORD, Role, UserProblem};
use fixtures::{TestStore, mall, on_both};
use store::lease::ProcessLease;
use store::{
    AuditEvent, DRAFTS_KEPT, IdempotencyCheck, IdempotentRequest, MAX_DRAFTS, MallPart, MallUpdate, NewBatch, SESSION,
    SignIn, StoreError,
};

const GOOD: &str = "correct horse battery";

/// What a change was refused for, if it was refused.
fn refusal<T: std::fmt::Debug>(done: Result<T, StoreError>) -> Option<UserProblem> {
    match done {
        Ok(_) => None,
        Err(StoreError::User(problem)) => Some(problem),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_store_gives_away_no_answer_that_it_keeps() {
    let test = TestStore::new(fixtures::Db::Sqlite).await;
    let call = IdempotentRequest { caller: "token:1", key: "k", digest: "d", owner: "w" };
    test.store.begin_call(call, 1).await.unwrap();
    test.store.end_call(call, 201, "hostdemo_geheim").await.unwrap();
    let draft = test.store.keep_draft("session", "token", "hostdemo_geheim", 1).await.unwrap();
    let files = std::fs::read_dir(test.folder.path()).unwrap().flatten().filter(|entry| entry.path().is_file());
    let bytes: Vec<u8> = files.flat_map(|entry| std::fs::read(entry.path()).unwrap()).collect();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("token:1") && !holds("hostdemo_geheim") && !holds(&draft));
    let again = IdempotencyCheck::Answered { status: 201, answer: "hostdemo_geheim".into() };
    assert_eq!(test.store.begin_call(call, 2).await.unwrap(), again);
}

on_both! {
    async fn a_user_signs_in_with_the_right_password_alone(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        let user = store.add_user("花子", Role::Operator, GOOD, Actor::default()).await.unwrap();
        assert_eq!(store.sign_in("花子", GOOD, "127.0.0.1", 2).await.unwrap(), SignIn::Welcome(user.clone()));
        for (name, password) in [("花子", "correct horse batterx"), ("太郎", GOOD), ("花子", "")] {
            assert_eq!(store.sign_in(name, password, "127.0.0.1", 3).await.unwrap(), SignIn::Wrong);
        }
        store.set_password(user.id, "another password", Actor::default()).await.unwrap();
        assert_eq!(store.sign_in("花子", GOOD, "127.0.0.1", 4).await.unwrap(), SignIn::Wrong);
        store.change_user(user.id, Role::Operator, true, Actor::default()).await.unwrap();
        assert_eq!(store.sign_in("花子", "another password", "127.0.0.1", 5).await.unwrap(), SignIn::Wrong, "disabled");
    }

    async fn what_a_user_is_refused_for(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        let short = "x".repeat(MIN_PASSWORD - 1);
        for (name, password, problem) in [
            ("", GOOD, UserProblem::Name),
            (" 花子", GOOD, UserProblem::Name),
            ("花\n子", GOOD, UserProblem::Name),
            ("花子", &short, UserProblem::Password),
        ] {
            assert_eq!(refusal(store.add_user(name, Role::Operator, password, Actor::default()).await), Some(problem));
        }
        let boss = store.add_user("社長", Role::Administrator, GOOD, Actor::default()).await.unwrap();
        assert_eq!(refusal(store.add_user("社長", Role::Operator, GOOD, Actor::default()).await), Some(UserProblem::NameTaken));
        let last = Some(UserProblem::LastAdministrator);
        assert_eq!(refusal(store.change_user(boss.id, Role::Administrator, true, Actor::default()).await), last);
        assert_eq!(refusal(store.change_user(boss.id, Role::Operator, false, Actor::default()).await), last);
        store.add_user("専務", Role::Administrator, GOOD, Actor::default()).await.unwrap();
        assert_eq!(refusal(store.change_user(boss.id, Role::Operator, false, Actor::default()).await), None);
        assert_eq!(refusal(store.change_user(99, Role::Operator, false, Actor::default()).await), Some(UserProblem::NoUser));
        assert_eq!(store.users().await.unwrap().len(), 2);
    }

    async fn guessing_comes_to_an_end(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        store.add_user("花子", Role::Operator, GOOD, Actor::default()).await.unwrap();
        for at in 0..10 {
            assert_eq!(store.sign_in("花子", "wrong", "203.0.113.1", 100 + at).await.unwrap(), SignIn::Wrong);
        }
        let until = 100 + 15 * 60_000;
        assert_eq!(store.sign_in("花子", GOOD, "203.0.113.2", 200).await.unwrap(), SignIn::TooMany { until });
        assert!(matches!(store.sign_in("花子", GOOD, "203.0.113.2", until).await.unwrap(), SignIn::Welcome(_)));
        for at in 0..50 {
            store.sign_in(&format!("name {at}"), "", "203.0.113.9", until + 1).await.unwrap();
        }
        assert!(matches!(store.sign_in("花子", GOOD, "203.0.113.9", until + 2).await.unwrap(), SignIn::TooMany { .. }));
        assert!(matches!(store.sign_in("花子", GOOD, "203.0.113.3", until + 2).await.unwrap(), SignIn::Welcome(_)));
    }

    async fn a_session_ends(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        let user = store.add_user("花子", Role::Operator, GOOD, Actor::default()).await.unwrap();
        let begun = store.begin_session(user.id, 10).await.unwrap();
        let session = store.session(&begun.token, 11).await.unwrap().unwrap();
        assert_eq!((session.user, session.csrf), (user.clone(), begun.csrf));
        assert_eq!(begun.expires_at, 10 + SESSION.as_millis() as i64);
        assert!(store.session(&begun.token, begun.expires_at).await.unwrap().is_none(), "by time");
        assert!(store.session("guess", 11).await.unwrap().is_none());
        store.end_session(&begun.token).await.unwrap();
        assert!(store.session(&begun.token, 11).await.unwrap().is_none(), "by signing out");
        let (first, second) = (store.begin_session(user.id, 10).await.unwrap(), store.begin_session(user.id, 10).await.unwrap());
        store.set_password(user.id, "another password", Actor::default()).await.unwrap();
        assert!(store.session(&first.token, 11).await.unwrap().is_none(), "by another password");
        assert!(store.session(&second.token, 11).await.unwrap().is_none());
    }

    async fn a_token_works_until_it_is_revoked_or_expires(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        let (kept, token) = store.add_api_token("在庫連携", Role::Operator, Some(100), Actor { who: "社長", at: 1 }).await.unwrap();
        assert_eq!(store.api_token(&token, 99).await.unwrap().as_ref(), Some(&kept));
        assert!(store.api_token(&token, 100).await.unwrap().is_none());
        assert!(store.api_token("hostdemo_guess", 2).await.unwrap().is_none());
        assert!(store.revoke_api_token(kept.id, Actor { who: "社長", at: 3 }).await.unwrap());
        assert!(!store.revoke_api_token(kept.id, Actor { who: "社長", at: 3 }).await.unwrap());
        assert!(store.api_token(&token, 4).await.unwrap().is_none());
        assert_eq!(store.api_tokens().await.unwrap()[0].revoked_at, Some(3));
    }

    async fn what_changes_the_platform_is_in_the_audit_log(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        let by = |at| Actor { who: "社長", at };
        let user = store.add_user("花子", Role::Operator, GOOD, by(1)).await.unwrap();
        store.add_user("花子", Role::Operator, GOOD, by(2)).await.unwrap_err();
        store.change_user(user.id, Role::Operator, true, by(3)).await.unwrap();
        store.set_password(user.id, "another password", by(4)).await.unwrap();
        let (token, _) = store.add_api_token("在庫連携", Role::Operator, None, by(5)).await.unwrap();
        assert!(store.revoke_api_token(token.id, by(6)).await.unwrap());
        assert!(!store.revoke_api_token(token.id, by(7)).await.unwrap());
        let settings = [("password".to_owned(), "himitsu".into())].into();
        let changed = Mall { name: "新店".into(), provider: "other".into(), settings, ..mall() };
        for at in [8, 9] {
            store.put_mall(&changed, MallUpdate { by: by(at), ..MallUpdate::default() }).await.unwrap();
        }
        let log = store.audit(None, 100).await.unwrap();
        let seen: Vec<_> = log.iter().rev().map(|line| (line.at, line.event.clone())).collect();
        let (user, token) = ("花子".to_owned(), "在庫連携".to_owned());
        let provider = MallPart::Provider { from: "fake".to_owned(), to: "other".to_owned() };
        let parts = vec![MallPart::Name, provider, MallPart::Setting { key: "password".to_owned() }];
        let role = Role::Operator;
        let expected = [
            (0, AuditEvent::MallAdded { mall: "m".to_owned(), provider: "fake".to_owned() }),
            (1, AuditEvent::UserAdded { user: user.clone(), role }),
            (3, AuditEvent::UserChanged { user: user.clone(), role, disabled: true }),
            (4, AuditEvent::PasswordChanged { user }),
            (5, AuditEvent::TokenIssued { token: token.clone(), role }),
            (6, AuditEvent::TokenRevoked { token }),
            (8, AuditEvent::MallChanged { mall: "m".to_owned(), parts }),
        ];
        assert_eq!(seen, expected);
        assert!(log[..6].iter().all(|line| line.who == "社長"));
        let older = store.audit(Some(log[4].id), 2).await.unwrap();
        assert_eq!(older, log[5..7]);
    }

    async fn tokens_do_not_reach_further_than_their_maker(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        store.add_user("社長", Role::Administrator, GOOD, Actor::default()).await.unwrap();
        let user = store.add_user("専務", Role::Administrator, GOOD, Actor::default()).await.unwrap();
        let by = Actor { who: "専務", at: 1 };
        let mut tokens = Vec::new();
        for role in [Role::Administrator, Role::Operator] {
            tokens.push(store.add_api_token("在庫連携", role, None, by).await.unwrap().1);
        }
        let good = async |token: &String| store.api_token(token, 9).await.unwrap().is_some();
        store.change_user(user.id, Role::Operator, false, Actor::default()).await.unwrap();
        assert_eq!([good(&tokens[0]).await, good(&tokens[1]).await], [false, true]);
        store.change_user(user.id, Role::Operator, true, Actor::default()).await.unwrap();
        assert!(!good(&tokens[1]).await);
    }

    async fn who_signs_in_rightly_does_not_use_up_the_tries_of_an_address(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        let user = store.add_user("花子", Role::Operator, GOOD, Actor::default()).await.unwrap();
        for at in 1..=60 {
            assert_eq!(store.sign_in("花子", GOOD, "10.0.0.1", at).await.unwrap(), SignIn::Welcome(user.clone()), "{at}");
        }
    }

    async fn a_call_that_is_repeated_acts_once(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        let call = IdempotentRequest { caller: "user:1", key: "k", digest: "d", owner: "w" };
        assert_eq!(store.begin_call(call, 1).await.unwrap(), IdempotencyCheck::New);
        assert_eq!(store.begin_call(call, 2).await.unwrap(), IdempotencyCheck::InProgress);
        let another = IdempotentRequest { digest: "other", ..call };
        assert_eq!(store.begin_call(another, 2).await.unwrap(), IdempotencyCheck::KeyReused);
        store.end_call(call, 202, "{}").await.unwrap();
        let answered = IdempotencyCheck::Answered { status: 202, answer: "{}".into() };
        assert_eq!(store.begin_call(call, 3).await.unwrap(), answered);
        assert_eq!(store.begin_call(IdempotentRequest { caller: "user:2", ..call }, 3).await.unwrap(), IdempotencyCheck::New);
        assert_eq!(store.begin_call(call, 2 * 86_400_000).await.unwrap(), IdempotencyCheck::New, "a day later");

        let refused = IdempotentRequest { key: "refused", ..call };
        store.begin_call(refused, 1).await.unwrap();
        store.forget_call(refused).await.unwrap();
        assert_eq!(store.begin_call(IdempotentRequest { owner: "a process that died", ..refused }, 1).await.unwrap(), IdempotencyCheck::New);
        ProcessLease::start(store).await.unwrap().recover(store).await.unwrap();
        assert_eq!(store.begin_call(refused, 1).await.unwrap(), IdempotencyCheck::New);
        // A request that has made its batch makes no other, whoever forgets it; one that was begun anew makes none.
        let ids: Vec<i64> = test.orders(1).await.iter().map(|order| order.id).collect();
        let batch = async |request| {
            let new = NewBatch { request: Some(request), ..NewBatch::new(Action::Credit, "op") };
            store.add_batch(new, &ids, 1).await
        };
        let late = IdempotentRequest { owner: "a process that died", ..refused };
        assert!(matches!(batch(late).await, Err(StoreError::RequestForgotten)));
        let made = batch(refused).await.unwrap();
        assert!(matches!(batch(refused).await, Err(StoreError::RequestForgotten)));
        store.forget_call(refused).await.unwrap();
        store.forget_calls_of(refused.owner).await.unwrap();
        assert_eq!(store.begin_call(refused, 1).await.unwrap(), IdempotencyCheck::Begun(made));
        assert_eq!(store.batches(9).await.unwrap().len(), 1);
    }

    async fn a_draft_is_its_sessions_alone_soon_gone_and_one_of_few(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        let kept = DRAFTS_KEPT.as_millis() as i64;
        let name = store.keep_draft("one", "mall\nm", "himitsu", 1).await.unwrap();
        let found = async |session, what, name: &str, now| store.draft(session, what, name, now).await.unwrap();
        assert_eq!(found("one", "mall\nm", &name, kept).await.as_deref(), Some("himitsu"));
        for (session, what, name, now) in [
            ("two", "mall\nm", name.as_str(), 1),
            ("one", "mall\nn", &name, 1),
            ("one", "token", &name, 1),
            ("one", "mall\nm", "guess", 1),
            ("one", "mall\nm", &name, kept + 1),
        ] {
            assert_eq!(found(session, what, name, now).await, None, "{session} {what:?} {name} {now}");
        }
        for at in 0..MAX_DRAFTS as i64 {
            store.keep_draft("one", "mall\nm", "another", 2 + at).await.unwrap();
        }
        assert_eq!(found("one", "mall\nm", &name, 2).await, None, "the oldest is forgotten");
        let other = store.keep_draft("two", "token", "x", 3).await.unwrap();
        assert_eq!(found("two", "token", &other, 3).await.as_deref(), Some("x"), "others are not");
        assert!(!store.forget_draft("one", &other).await.unwrap());
        assert!(store.forget_draft("two", &other).await.unwrap());
        assert!(!store.forget_draft("two", &other).await.unwrap(), "once");
    }
}
