//! Claims, references, and what becomes of a process that was killed.

use domain::credit_state::{Event, State};
use domain::invoice::Invoice;
use domain::issue::Issue;
use domain::mall::Mall;
use domain::order::Tracking;
use fixtures::{Db, TestStore, claim, mall, on_both, told_location};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use store::lease::ProcessLease;
use store::{
    AccountChange, Change, DatabaseLocation, IdempotencyCheck, IdempotentRequest, MAX_RUNS, MallUpdate,
    MallUpdateOutcome, RUNS_KEPT, RotatedKey, Store, StoreError,
};
use time::macros::date;

on_both! {
    async fn each_import_that_goes_on_has_a_record_of_its_own(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        let kept = RUNS_KEPT.as_millis() as i64;
        for (name, owner, at) in [("a", "user:1", 1), ("b", "user:1", 2), ("c", "token:1", 3)] {
            store.begin_run(name, owner, "{}", at).await.unwrap();
        }
        assert!(store.write_run("a", "{\"done\":1}", 4).await.unwrap());
        let descriptions = async |now| -> Vec<(String, String)> {
            let runs = store.runs(10, now).await.unwrap().into_iter();
            runs.map(|run| (run.name, run.description)).collect()
        };
        let expected = [("c", "{}"), ("b", "{}"), ("a", "{\"done\":1}")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(descriptions(5).await, expected, "the one that began last first");
        let a = store.run("a", 5).await.unwrap().unwrap();
        assert_eq!((a.owner.as_str(), a.began_at, a.heard_at), ("user:1", 1, 4));
        // As many as are kept of one owner, of which the ones that are heard of stay.
        for at in 0..MAX_RUNS as i64 {
            store.begin_run(&format!("n{at}"), "user:1", "{}", 10 + at).await.unwrap();
            store.write_run("a", "{}", 11 + at).await.unwrap();
        }
        assert!(store.run("a", 50).await.unwrap().is_some() && store.run("c", 50).await.unwrap().is_some());
        assert!(store.run("b", 50).await.unwrap().is_none() && store.run("n0", 50).await.unwrap().is_none());
        assert!(!store.write_run("b", "{}", 50).await.unwrap(), "one that is gone does not come back");
        assert_eq!(store.runs(100, 50).await.unwrap().len(), MAX_RUNS + 1);
        // A day after it was last heard of.
        assert!(store.run("c", 3 + kept - 1).await.unwrap().is_some());
        assert!(store.run("c", 3 + kept).await.unwrap().is_none());
        store.begin_run("late", "user:2", "{}", 100 + kept).await.unwrap();
        assert_eq!(store.runs(100, 5).await.unwrap().len(), 1, "the others are deleted");
    }

    async fn of_many_claims_at_once_exactly_one_wins(db) {
        let test = TestStore::new(db).await;
        let orders = test.orders(5).await;
        let mut claims = Vec::new();
        for claimer in 0..8 {
            // Each with connections of its own, as another process would have.
            let store = test.again().await;
            let mut orders = orders.clone();
            if claimer % 2 == 0 {
                orders.reverse();
            }
            claims.push(tokio::spawn(async move { claim(&store, &orders, &format!("w{claimer}")).await }));
        }
        let mut won = Vec::new();
        for claim in claims {
            won.extend(claim.await.unwrap().into_iter().flatten().map(|order| order.id));
        }
        won.sort_unstable();
        assert_eq!(won, orders.iter().map(|order| order.id).collect::<Vec<_>>());
        for order in test.all().await {
            assert_eq!((order.state, order.version), (State::Sending, 1));
            assert_eq!(order.registration.unwrap().sends, 1);
        }
    }

    async fn an_answer_to_an_order_that_moved_on_changes_nothing(db) {
        let test = TestStore::new(db).await;
        let order = test.orders(1).await.remove(0);
        let claimed = test.claim(std::slice::from_ref(&order), "w").await.remove(0).unwrap();
        let died = Change::new(&claimed, Event::ProcessDied);
        assert!(test.store.apply(&[died], "recovery", 2).await.unwrap()[0].is_some());
        let late = Change::new(&claimed, Event::CreditApproved);
        assert!(test.store.apply(&[late], "op", 3).await.unwrap()[0].is_none());
        assert_eq!(test.order(order.id).await.state, State::Unknown);
        let events: Vec<_> = test.store.history(order.id).await.unwrap().into_iter().map(|line| line.event).collect();
        assert_eq!(events, ["credit_started", "process_died"]);
    }

    async fn references_are_kept_while_nothing_is_recorded_and_new_after_a_rejection(db) {
        let test = TestStore::new(db).await;
        let id = test.orders(1).await[0].id;
        let mut seen = Vec::new();
        for event in [Event::CreditNotSent, Event::CreditNotSent, Event::CreditRejected, Event::CreditApproved] {
            let order = test.order(id).await;
            let claimed = test.claim(&[order], "w").await.remove(0).unwrap();
            let registration = claimed.registration.clone().unwrap();
            assert!(registration.reference.len() <= 20);
            assert!(registration.reference.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            seen.push((registration.reference, registration.sends));
            test.store.apply(&[Change::new(&claimed, event)], "op", 2).await.unwrap();
        }
        assert_eq!(seen[0].0, seen[1].0);
        assert_eq!(seen[0].0, seen[2].0);
        assert_ne!(seen[0].0, seen[3].0);
        assert_eq!(seen.iter().map(|(_, sends)| *sends).collect::<Vec<_>>(), [1, 2, 3, 1]);
        let used = test.store.references().await.unwrap();
        assert_eq!(used.iter().map(|used| used.attempt).collect::<Vec<_>>(), [1, 2]);
    }

    async fn several_processes_open_a_new_store_at_once(db) {
        let folder = tempfile::tempdir().unwrap();
        let database = match db {
            Db::Sqlite => folder.path().join("orders.db").to_str().unwrap().to_owned(),
            Db::Postgres => test_postgres::Cluster::shared().database().unwrap(),
        };
        let location = DatabaseLocation::new(&database).with_files(folder.path().join("orders.db"));
        let opened = futures::future::join_all((0..8).map(|_| Store::open(&location))).await;
        for store in opened {
            store.unwrap();
        }
    }

    async fn two_stores_never_mint_the_same_reference(db) {
        let (one, two) = (TestStore::new(db).await, TestStore::new(db).await);
        let mut minted = Vec::new();
        for test in [&one, &two] {
            let orders = test.orders(3).await;
            let claimed = test.claim(&orders, "w").await;
            minted.extend(claimed.into_iter().map(|order| order.unwrap().registration.unwrap().reference));
        }
        minted.sort();
        minted.dedup();
        assert_eq!(minted.len(), 6);
    }

    async fn an_id_that_another_order_has_proves_nothing(db) {
        let test = TestStore::new(db).await;
        let orders = test.orders(2).await;
        let claimed = test.claim(&orders, "w").await;
        let claimed: Vec<_> = claimed.into_iter().map(Option::unwrap).collect();
        let approve = |order| Change { transaction_id: Some("T1".into()), ..Change::new(order, Event::CreditApproved) };
        let applied = test.store.apply(&[approve(&claimed[0]), approve(&claimed[1])], "op", 2).await.unwrap();
        let states: Vec<_> = applied.iter().map(|applied| applied.as_ref().unwrap().order.state).collect();
        assert_eq!(states, [State::Approved, State::Unknown]);
        let doubted = test.order(orders[1].id).await;
        assert_eq!(doubted.transaction_id(), None);
        assert!(matches!(doubted.problem, Some(Issue::IdTaken { .. })), "{:?}", doubted.problem);
    }

    async fn an_account_is_corrected_only_while_no_outcome_under_it_is_in_doubt(db) {
        let test = TestStore::new(db).await;
        let orders = test.orders(2).await;
        let corrected = Mall { settings: [("id".to_owned(), "1".into())].into(), ..mall() };
        let claimed = test.claim(&orders[..1], "w").await.remove(0).unwrap();
        let unknown = MallUpdateOutcome::OutcomesUnknown(vec!["A-1".to_owned()]);
        assert_eq!(test.store.put_mall(&corrected, MallUpdate::default()).await.unwrap(), unknown);
        assert_eq!(test.mall().await.settings, mall().settings, "nothing was written");
        test.store.apply(&[Change::new(&claimed, Event::CreditApproved)], "op", 2).await.unwrap();
        let read_before = test.store.accounts([1]).await.unwrap();
        assert_eq!(test.store.put_mall(&corrected, MallUpdate::default()).await.unwrap(), MallUpdateOutcome::Saved { elsewhere: 0 });
        assert_eq!(test.store.accounts([1]).await.unwrap()[&1].settings, corrected.settings);
        // Whoever read the account before it was corrected sends nothing with what he read.
        let (event, owner, who, now) = (Event::CreditStarted, "w", "op", 3);
        let claim = store::Claim { event, account: &read_before[&1], owner, rows: &[], who, now, work: None };
        assert_eq!(test.store.claim(&orders[1..], claim).await.unwrap(), [None]);
    }

    async fn orders_stay_with_the_account_under_which_they_are_registered(db) {
        let test = TestStore::new(db).await;
        let orders = test.orders(3).await;
        let claimed = test.claim(&orders[..1], "w").await.remove(0).unwrap();
        let other = Mall { provider: "other".into(), ..mall() };
        let before = test.store.open_orders("m").await.unwrap();
        assert_eq!((before.staying["fake"], before.not_asked), (1, 2));
        assert_eq!(test.store.put_mall(&other, MallUpdate::default()).await.unwrap(), MallUpdateOutcome::Saved { elsewhere: 1 });
        let rejected = test.store.apply(&[Change::new(&claimed, Event::CreditRejected)], "op", 2).await.unwrap();
        let first = rejected[0].as_ref().unwrap().order.clone();
        assert_eq!((first.provider.as_str(), first.registration.as_ref().unwrap().account), ("fake", 1));
        let again = test.claim(&[first], "w").await.remove(0).unwrap();
        assert_eq!((again.provider.as_str(), again.registration.unwrap().account), ("other", 2));
        let unasked = test.order(orders[1].id).await;
        assert_eq!(unasked.provider, "other", "what was never asked about goes to the new provider");
        assert_eq!(test.claim(&orders[1..2], "w").await, [None], "as it was read, it was the old one's");
        assert!(test.claim(&[unasked], "w").await[0].is_some());
        let account = AccountChange::Replaced;
        let same_provider = Mall { settings: [("id".to_owned(), "9".into())].into(), ..other };
        let saved = test.store.put_mall(&same_provider, MallUpdate { account, ..MallUpdate::default() }).await.unwrap();
        assert_eq!(saved, MallUpdateOutcome::Saved { elsewhere: 2 }, "another account at the same provider");
    }

    async fn a_reference_that_was_kept_is_not_taken_to_another_account(db) {
        let test = TestStore::new(db).await;
        let claimed = test.claim(&test.orders(1).await, "w").await.remove(0).unwrap();
        let reference = claimed.reference().to_owned();
        test.store.apply(&[Change::new(&claimed, Event::CreditNotSent)], "op", 2).await.unwrap();
        test.store.put_mall(&Mall { provider: "other".into(), ..mall() }, MallUpdate::default()).await.unwrap();
        let again = test.claim(&test.all().await, "w").await.remove(0).unwrap();
        assert_ne!(again.reference(), reference);
    }

    async fn a_mall_that_somebody_else_saved_meanwhile_is_not_written_over(db) {
        let test = TestStore::new(db).await;
        let read = test.mall().await;
        let stale = MallUpdate { version: Some(read.version), ..MallUpdate::default() };
        assert!(matches!(test.store.put_mall(&read, stale).await.unwrap(), MallUpdateOutcome::Saved { .. }));
        assert_eq!(test.store.put_mall(&read, stale).await.unwrap(), MallUpdateOutcome::Changed);
        assert_eq!(test.mall().await.version, read.version + 1);
    }

    async fn settings_cannot_be_read_without_the_key(db) {
        let test = TestStore::new(db).await;
        let secret = Mall { settings: [("password".to_owned(), "himitsu-1".into())].into(), ..mall() };
        test.store.put_mall(&secret, MallUpdate::default()).await.unwrap();
        assert_eq!(test.mall().await.settings["password"].expose(), "himitsu-1");
        if db == Db::Sqlite {
            for file in ["orders.db", "orders.db-wal"] {
                let bytes = std::fs::read(test.folder.path().join(file)).unwrap_or_default();
                assert!(!bytes.windows(9).any(|window| window == b"himitsu-1"), "{file}");
            }
        }
        std::fs::remove_file(test.folder.path().join("orders.db.key")).unwrap();
        assert!(matches!(Store::open(test.store.location()).await, Err(StoreError::Secret(_))), "a new key is a wrong key");
    }

    async fn another_key_takes_the_place_of_the_first_for_everything_that_is_encrypted(db) {
        let test = TestStore::new(db).await;
        let secret = Mall { settings: [("password".to_owned(), "himitsu-1".into())].into(), ..mall() };
        test.store.put_mall(&secret, MallUpdate::default()).await.unwrap();
        let call = IdempotentRequest { caller: "token:1", key: "k", digest: "d", owner: "w" };
        test.store.begin_call(call, 1).await.unwrap();
        test.store.end_call(call, 201, "himitsu-2").await.unwrap();
        let file = test.store.location().beside("key");
        let (first, before) = (std::fs::read(&file).unwrap(), test.again().await);
        let rotated = test.store.rotate_key().await.unwrap();
        assert_eq!(rotated, RotatedKey { values: 2, in_file: true });
        let second = std::fs::read(&file).unwrap();
        assert_ne!(first, second);

        let reads = async |store: &Store| {
            let settings = store.mall("m").await.unwrap().unwrap().settings;
            assert_eq!(settings["password"].expose(), "himitsu-1");
            let answered = IdempotencyCheck::Answered { status: 201, answer: "himitsu-2".into() };
            assert_eq!(store.begin_call(call, 2).await.unwrap(), answered);
        };
        reads(&test.again().await).await;
        // A process that has the first key reads no secret, and writes none that nobody could read.
        assert!(matches!(before.mall("m").await, Err(StoreError::Secret(_))));
        assert!(matches!(before.put_mall(&secret, MallUpdate::default()).await, Err(StoreError::Secret(_))));
        assert!(matches!(before.rotate_key().await, Err(StoreError::Secret(_))));
        std::fs::remove_file(file.with_extension("key.new")).unwrap();

        // Killed between the commit and the change of the files, the change is brought to its end by whoever comes next.
        std::fs::write(&file, &first).unwrap();
        assert!(matches!(Store::open(test.store.location()).await, Err(StoreError::Secret(_))), "the first key is of no use");
        std::fs::write(file.with_extension("key.new"), &second).unwrap();
        reads(&test.again().await).await;
        assert_eq!(std::fs::read(&file).unwrap(), second);
        assert!(!file.with_extension("key.new").exists());
        // Killed before the commit, the first key still fits, and the change begins again.
        std::fs::write(file.with_extension("key.new"), &first).unwrap();
        reads(&test.again().await).await;
        assert_eq!(std::fs::read(&file).unwrap(), second);
        assert_eq!(test.again().await.rotate_key().await.unwrap().values, 2);
        reads(&test.again().await).await;
    }

    async fn tracking_is_entered_only_in_an_order_as_it_was_read(db) {
        let test = TestStore::new(db).await;
        let order = test.orders(1).await.remove(0);
        let tracking = Tracking { carrier: "yamato".into(), number: "12".into(), shipped_on: date!(2026 - 07 - 01) };
        assert!(test.store.set_tracking(&order, &tracking, "op", 1).await.unwrap());
        assert!(!test.store.set_tracking(&order, &tracking, "op", 1).await.unwrap(), "the version has moved on");
        assert_eq!(test.order(order.id).await.tracking, Some(tracking));
        assert_eq!(test.store.history(order.id).await.unwrap()[0].event, "tracking_entered");
    }

    async fn a_mall_whose_settings_cannot_be_decrypted_is_still_listed(db) {
        let test = TestStore::new(db).await;
        let secret = Mall { settings: [("password".to_owned(), "himitsu-1".into())].into(), ..mall() };
        test.store.put_mall(&secret, MallUpdate::default()).await.unwrap();
        let known = test.mall().await.into_summary().0;
        test.execute(r#"UPDATE accounts SET settings = '{"password":"broken"}'"#).await;
        assert!(matches!(test.store.mall("m").await, Err(StoreError::Secret(_))), "the settings are broken");
        assert!(matches!(test.store.accounts([known.account]).await, Err(StoreError::Secret(_))));
        assert_eq!(test.store.mall_summaries().await.unwrap(), std::slice::from_ref(&known));
        assert_eq!(test.store.mall_summary("m").await.unwrap().as_ref(), Some(&known));
        let listed = test.store.malls_with_settings(|_, _| false).await.unwrap().remove(0);
        assert_eq!((listed.mall, listed.settings.len(), listed.unread), (known, 0, vec!["password".to_owned()]));
        assert!(test.store.malls_with_settings(|provider, _| provider == "fake").await.is_err());
        let named = [("m".to_owned(), "本店".to_owned())].into();
        assert_eq!(test.store.malls_of_provider("fake").await.unwrap(), named);
        assert!(test.store.malls_of_provider("other").await.unwrap().is_empty());
    }

    async fn history_names_the_way_of_an_invoice_by_its_code_in_old_rows_too(db) {
        let test = TestStore::new(db).await;
        let id = test.orders(1).await[0].id;
        for invoice in [Some(Invoice::Separate), Some(Invoice::Enclosed), None] {
            assert!(test.store.set_invoice(&test.order(id).await, invoice, "op", 1).await.unwrap());
        }
        assert!(test.store.set_order_status(&test.order(id).await, Some("別送"), "op", 1).await.unwrap());
        let notes = async || test.store.history(id).await.unwrap().into_iter().map(|line| line.note.unwrap());
        let codes = ["separate", "enclosed", "", "別送"];
        assert_eq!(notes().await.collect::<Vec<_>>(), codes);
        // As it was written before the sixth migration.
        test.execute("UPDATE events SET note = '別送' WHERE note = 'separate'").await;
        test.execute("UPDATE events SET note = '同梱' WHERE note = 'enclosed'").await;
        assert_eq!(notes().await.collect::<Vec<_>>(), ["別送", "同梱", "", "別送"]);
        test.execute("DELETE FROM _sqlx_migrations WHERE version = 6").await;
        test.again().await;
        assert_eq!(notes().await.collect::<Vec<_>>(), codes, "only what the edit of an invoice says is translated");
    }

    #[cfg(unix)]
    async fn only_its_owner_can_read_the_files_of_the_store(db) {
        use std::os::unix::fs::PermissionsExt;
        let test = TestStore::new(db).await;
        test.orders(1).await;
        for file in std::fs::read_dir(test.folder.path()).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.file_name());
        }
    }
}

/// Names the database for the child, and thereby tells it that it is the child.
const CHILD: &str = "HOST_DEMO_TEST_CHILD_DATABASE";

/// A process that claims every order and then waits to be killed. Alone, it has nothing to do.
#[tokio::test]
async fn child_that_claims_and_waits() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let store = Store::open(&told_location(&told)).await.unwrap();
    let worker = ProcessLease::start(&store).await.unwrap();
    claim(&store, &store.orders(&Default::default()).await.unwrap(), &worker.name()).await;
    println!("claimed");
    std::thread::park();
}

on_both! {
    async fn the_claim_of_a_killed_process_becomes_unknown_and_that_of_a_live_one_is_left_alone(db) {
        let test = TestStore::new(db).await;
        let id = test.orders(1).await[0].id;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_claims_and_waits", "--nocapture"])
            .env(CHILD, test.tell())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("claimed")), "the child ended early");

        let worker = ProcessLease::start(&test.store).await.unwrap();
        assert_eq!(worker.recover(&test.store).await.unwrap(), 0);
        assert_eq!(test.order(id).await.state, State::Sending, "its process is alive");

        child.kill().unwrap();
        child.wait().unwrap();
        while worker.recover(&test.store).await.unwrap() == 0 {
            // The system has yet to drop its lock.
            tokio::task::yield_now().await;
        }
        let order = test.order(id).await;
        assert_eq!((order.state, order.owner), (State::Unknown, None));
        assert_eq!(order.problem, Some(Issue::ProcessDied));
        assert_eq!(worker.recover(&test.store).await.unwrap(), 0, "once");
        if db == Db::Sqlite {
            let locks = std::fs::read_dir(test.folder.path().join("orders.db.workers")).unwrap().count();
            assert_eq!(locks, 1, "the dead process's lock is cleared away, ours is not");
        }
    }

    async fn a_worker_that_ends_in_order_leaves_nothing_behind(db) {
        let test = TestStore::new(db).await;
        let orders = test.orders(1).await;
        let worker = ProcessLease::start(&test.store).await.unwrap();
        test.claim(&orders, &worker.name()).await;
        drop(worker);
        if db == Db::Sqlite {
            assert_eq!(std::fs::read_dir(test.folder.path().join("orders.db.workers")).unwrap().count(), 0);
        }
        let next = ProcessLease::start(&test.store).await.unwrap();
        while next.recover(&test.store).await.unwrap() == 0 {
            // The server has yet to see that the connection is gone.
            tokio::task::yield_now().await;
        }
        assert_eq!(test.order(orders[0].id).await.state, State::Unknown, "its lock is free: its process is dead");
    }
}

#[test]
fn the_location_of_a_server_is_shown_without_its_password() {
    let location = DatabaseLocation::new("postgres://shop:himitsu@db.example/orders?sslmode=require");
    assert_eq!(format!("{location} {location:?}"), "PostgreSQL db.example/orders PostgreSQL db.example/orders");
    assert!(location.is_shared() && !DatabaseLocation::new("var/orders.db").is_shared());
}
