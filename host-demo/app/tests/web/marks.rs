//! Where secrets and personal data are after a whole job: everything that it wrote is searched for them.

use super::*;
use service::plugins::{Confirmed, Files};
use sqlx::Row;
use sqlx::sqlite::SqlitePool;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The sample orders of NP's shop; the people in them are invented.
const ORDERS: &str = include_str!("../../../samples/orders-np.csv");
/// Columns of that file whose values are personal.
const PERSONAL: [&str; 5] = ["注文者氏名", "注文者氏名カナ", "注文者住所", "注文者電話番号", "注文者メールアドレス"];
/// Where the store may have a buyer's data: the order's own columns.
const COLUMNS_OF_ORDERS: [&str; 3] = ["orders.data", "orders.buyer", "orders.buyer_key"];

/// Everything that was logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The values of the personal columns of [`ORDERS`], as they are and as the platform writes them.
fn people() -> BTreeSet<String> {
    let mut rows = ORDERS.trim_start_matches('\u{feff}').lines().map(|line| line.split(',').collect::<Vec<_>>());
    let headings = rows.next().unwrap();
    let columns: Vec<_> = PERSONAL.map(|name| headings.iter().position(|heading| *heading == name).expect(name)).into();
    let cells = rows.flat_map(|row| columns.iter().map(|column| row[*column].to_owned()).collect::<Vec<_>>());
    let both = |cell: String| [cell.replace('-', ""), cell];
    // Shorter ones are parts of other words.
    cells.flat_map(both).filter(|cell| cell.chars().count() > 3).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Files below `folder`, but for components: a compiled one is what was there before.
fn written(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|file| file.extension().is_none_or(|extension| extension != "wasm"));
    files.chain(folders.iter().flat_map(|folder| written(folder))).collect()
}

/// `table.column` wherever one of `marks` is in the database.
async fn columns_with(database: &SqlitePool, marks: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let columns =
        sqlx::query("SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'");
    for row in columns.fetch_all(database).await.unwrap() {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        for mark in marks {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE instr(CAST({column} AS BLOB), CAST($1 AS BLOB)) > 0");
            let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(mark).fetch_one(database).await.unwrap();
            if count > 0 {
                found.insert(format!("{table}.{column}"));
            }
        }
    }
    found
}

/// A mall at a plugin that puts its secrets and its orders wherever it can: a row of an order for each of its ways.
async fn tells_everything(platform: &Platform, token: &str) -> Vec<String> {
    const WAYS: [&str; 8] =
        ["tell-secrets", "tell-parts", "tell-rows", "tell-paths", "long-words", "panic", "panic-after", "recurse"];
    let component = std::fs::read(built_components().unwrap().join("hostile.wasm")).unwrap();
    let files = Files::uploaded(component, b"provider = \"hostile\"\norigins = [\"http://127.0.0.1:1\"]\n", None);
    platform.app.installer().load(files, Confirmed::All, Actor::now("kanri")).await.unwrap();
    let (mut told, mut ways) = (Vec::new(), WAYS.iter().cycle());
    let settings = |way: &str| {
        let settings = [("behaviour", way), ("url", "http://127.0.0.1:1/"), ("password", SECRET)];
        settings.map(|(key, value)| (key.to_owned(), value.into())).into()
    };
    // Imported for another provider: the plugin computes for ever where it is asked for a fee.
    let np = platform.test.store.mall("mihon").await.unwrap().unwrap();
    let mall = Mall { id: "tells".into(), name: "tells".into(), ..np };
    platform.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
    let request = Request::post("/api/v1/imports?what=orders&mall=tells")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "text/csv")
        .header("idempotency-key", "tells");
    let answer = platform.send(request.body(Body::from(ORDERS)).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    for order in platform.test.all().await.into_iter().filter(|order| order.mall == "tells") {
        let way = ways.next().unwrap();
        let mall = platform.test.store.mall("tells").await.unwrap().unwrap();
        let mall = Mall { provider: "hostile".into(), settings: settings(way), ..mall };
        platform.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
        let path = format!("/api/v1/orders/{}/actions", order.id);
        let body = json!({ "action": "credit", "version": platform.test.order(order.id).await.version });
        told.push(
            platform.call(Method::POST, &path, token, Some(&format!("tells-{}", order.id)), Some(body)).await.text,
        );
    }
    assert!(told.len() >= WAYS.len(), "{}", told.len());
    told
}

/// One thread, for the subscriber is a thread's.
#[tokio::test]
async fn secrets_are_nowhere_and_people_only_in_their_orders() {
    let _alone = LISTENING.lock().await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let (platform, right) = platform_with_a_wrong_secret().await;
    let mut browser = platform.signed_in("kanri").await;
    let token = platform.token(Role::Administrator).await;
    let mut key = 0;
    let mut call = async |method: Method, path: String, body: Value| {
        key += 1;
        platform.call(method, &path, &token, Some(&key.to_string()), Some(body)).await
    };
    // A good file, and the same with a row that cannot be read: what is wrong with it is said, and kept nowhere.
    let broken = ORDERS.replacen(",1320,3,", ",1.3E+11,x,", 1);
    for file in [&broken, ORDERS] {
        let request = Request::post("/api/v1/imports?what=orders&mall=mihon")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "text/csv")
            .header("idempotency-key", file.len().to_string());
        let answer = platform.send(request.body(Body::from(file.to_owned())).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    let orders: Vec<_> = platform.test.all().await.into_iter().filter(|order| order.mall == "mihon").collect();
    assert!(orders.len() > 3, "{}", orders.len());

    // With the wrong secret, so that the gateway refuses and says why; then with the right one, to the end.
    let mut states = BTreeSet::new();
    for secret in [SECRET, right.as_str()] {
        let mut mall = platform.test.store.mall("mihon").await.unwrap().unwrap();
        mall.settings.insert(SECRET_KEY.to_owned(), secret.into());
        platform.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
        for action in ["credit", "check", "cancel", "check"] {
            for order in &orders {
                let version = platform.test.order(order.id).await.version;
                let path = format!("/api/v1/orders/{}/actions", order.id);
                // One is kept, so that there is something to cancel and something that was not.
                if action != "cancel" || order.id % 2 == 0 {
                    call(Method::POST, path, json!({ "action": action, "version": version })).await;
                }
                states.insert(platform.test.order(order.id).await.state.to_string());
            }
        }
    }
    assert!(states.len() >= 3, "the job came to too few ends to show anything: {states:?}");
    // Tracking numbers, one by one and from a file, reported; and a plugin that tells what it can and breaks off.
    let approved: Vec<_> =
        platform.test.all().await.into_iter().filter(|order| order.state == State::Approved).collect();
    assert!(!approved.is_empty(), "there is nothing to report");
    let mut file = "注文番号,モール,配送業者,伝票番号,出荷日\n".to_owned();
    for order in &approved {
        file += &format!("{},mihon,yamato,{:012},{}\n", order.number, 400_000_000_000 + order.id, clock::today());
    }
    let request = Request::post("/api/v1/tracking-imports")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "text/csv")
        .header("idempotency-key", "tracking");
    let answer = platform.send(request.body(Body::from(file)).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    for order in &approved {
        let version = platform.test.order(order.id).await.version;
        let body = json!({ "action": "sync", "version": version });
        call(Method::POST, format!("/api/v1/orders/{}/actions", order.id), body).await;
    }
    assert!(platform.test.all().await.iter().any(|order| order.tracking.is_some()), "no number was entered");
    let told = tells_everything(&platform, &token).await;
    assert!(told.iter().any(|row| row.contains("***")), "nothing was told that could have been masked: {told:?}");

    // Errors: a form that is refused, a page that is not there, an id with a person in it.
    let person = people().into_iter().next().unwrap();
    let query = serde_html_form::to_string([("q", person.as_str())]).unwrap();
    let mut errors = Vec::new();
    for path in ["/nothing", "/orders/99", "/malls/zz", "/orders/x"] {
        errors.push(browser.get(&format!("{path}?{query}")).await);
    }
    let body = json!({ "carrier": person, "number": right });
    errors.push(call(Method::PUT, format!("/api/v1/orders/{}/tracking", orders[0].id), body).await);
    errors.push(
        call(Method::POST, format!("/api/v1/orders/99/actions?{query}"), json!({ "action": "credit", "version": 1 }))
            .await,
    );

    let session = browser.cookies["session"].clone();
    let secrets: BTreeSet<_> = [SECRET, &right, PASSWORD, &token, &session].map(str::to_owned).into();
    let people = people();
    let logged = log.0.lock().unwrap().clone();
    assert!(logged.len() > 1_000, "nothing was logged");
    for mark in secrets.iter().chain(&people) {
        let line =
            String::from_utf8_lossy(&logged).lines().find(|line| line.contains(mark.as_str())).map(str::to_owned);
        assert_eq!(line, None, "{mark} was logged");
    }
    // The database's own files hold people, in the columns that are looked at below; no file holds a secret.
    for file in written(platform.test.folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let is_database = file.file_name().unwrap().to_string_lossy().starts_with("orders.db");
        for mark in secrets.iter().chain(people.iter().filter(|_| !is_database)) {
            assert!(!holds(&bytes, mark), "{mark} is in {}", file.display());
        }
    }
    let path = platform.test.folder.path().join("orders.db");
    let database = SqlitePool::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    assert_eq!(columns_with(&database, &secrets).await, BTreeSet::new(), "a secret is in the clear");
    let found = columns_with(&database, &people).await;
    assert!(!found.is_empty(), "the search finds nothing at all");
    let elsewhere: Vec<_> = found.iter().filter(|column| !COLUMNS_OF_ORDERS.contains(&column.as_str())).collect();
    assert!(elsewhere.is_empty(), "personal data in {elsewhere:?}");
    for error in &errors {
        assert!(error.status.is_client_error(), "{}", error.status);
        // The way back to this very page, in another language, has its address.
        let text = error.text.replace(&query, "");
        let told = secrets.iter().chain(&people).find(|mark| text.contains(mark.as_str()));
        assert_eq!(told, None, "an error tells what it was asked: {text}");
    }
    let providers = browser.get("/providers").await.text;
    assert!(providers.contains("最後のエラー"), "no call has failed, so nothing is shown of its error");
    // Pages that are not about orders.
    for page in pages().into_iter().filter(|page| !page.contains("/orders") && !page.contains("/batches")) {
        let text = browser.get(&page).await.text;
        let told = secrets.iter().chain(&people).find(|mark| text.contains(mark.as_str()));
        assert_eq!(told, None, "on {page}");
    }
}
