//! Imports that go on by themselves: how far each is, and what came of it. Page and API begin them and follow them alike.

use crate::web::http::form::idempotency_key;
use crate::web::http::refusal::Refusal;
use crate::web::state::App;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::import::ImportProgress;
use service::transfer::FileKind;
use std::time::Duration;
use store::{StoreError, StoredRun};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};

/// How often progress is written, and read again: as often as an eye can follow, and rarely beside the import's own
/// writes.
pub(crate) const WRITE_INTERVAL: Duration = Duration::from_millis(500);
/// An import that was not heard of for so long has ended with its process. Pieces take a second; a store that others
/// keep busy, some more.
const SILENT_AFTER: Duration = Duration::from_secs(60);

/// An import that goes on, or has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImportRun {
    /// The mall whose file it is.
    pub mall: String,
    /// What the file has.
    pub kind: FileKind,
    /// Nothing is written.
    pub dry_run: bool,
    /// Who began it, as histories name them.
    pub who: String,
    /// How far it is.
    pub progress: ImportProgress,
    /// What came of it.
    pub ended: Option<Ended>,
}

/// What came of an import, in the shape of the one who began it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// What its page shows.
    Page(Value),
    /// The answer of the API.
    Answer(Value),
    /// The problem that the API answers.
    Problem(Value),
}

/// A run as it was read.
pub(crate) struct KnownRun {
    /// Names it.
    pub name: String,
    /// Who may see it on the page, such as `user:3`.
    pub owner: String,
    /// When it began, in milliseconds since 1970.
    pub began_at: i64,
    /// What is known of it.
    pub run: ImportRun,
    /// Nothing was heard of it for so long that its process must have ended.
    pub is_silent: bool,
}

impl KnownRun {
    /// Nothing where it is of another version of the program.
    fn of(stored: StoredRun, now: i64) -> Option<Self> {
        let StoredRun { name, owner, began_at, heard_at, description } = stored;
        let run: ImportRun = serde_json::from_str(&description).ok()?;
        let is_silent = run.ended.is_none() && now - heard_at > SILENT_AFTER.as_millis() as i64;
        Some(Self { name, owner, began_at, run, is_silent })
    }
}

impl App {
    /// The import `name`, if it is kept.
    pub(crate) async fn import_run(&self, name: &str) -> Result<Option<KnownRun>, StoreError> {
        let now = self.store.now();
        Ok(self.store.run(name, now).await?.and_then(|stored| KnownRun::of(stored, now)))
    }

    /// The latest imports, the one that began last first.
    pub(crate) async fn import_runs(&self, limit: usize) -> Result<Vec<KnownRun>, StoreError> {
        let now = self.store.now();
        let stored = self.store.runs(limit, now).await?.into_iter();
        Ok(stored.filter_map(|stored| KnownRun::of(stored, now)).collect())
    }
}

/// Writes down how far `work` is, and as what it ended, without anybody who waits; the name under which it is found.
pub(crate) async fn go_on<T: Send + 'static>(
    app: &App,
    owner: &str,
    run: ImportRun,
    told: watch::Receiver<ImportProgress>,
    mut work: JoinHandle<T>,
    end: impl FnOnce(Result<T, JoinError>) -> Ended + Send + 'static,
) -> Result<String, Refusal> {
    let name = idempotency_key()?;
    app.store.begin_run(&name, owner, &written(&run)?, app.store.now()).await?;
    let going_on = {
        let (app, name) = (app.clone(), name.clone());
        async move {
            let ended = loop {
                if let Ok(ended) = tokio::time::timeout(WRITE_INTERVAL, &mut work).await {
                    break ended;
                }
                // What cannot be written now may be later; the import itself says what stops it.
                let now = ImportRun { progress: *told.borrow(), ..run.clone() };
                if let Err(error) = write(&app, &name, &now).await {
                    tracing::warn!(%error, "the progress of an import cannot be written");
                }
            };
            let ended = ImportRun { progress: *told.borrow(), ended: Some(end(ended)), ..run };
            if let Err(error) = write(&app, &name, &ended).await {
                tracing::error!(%error, "the result of an import cannot be written");
            }
        }
    };
    app.begin(going_on);
    Ok(name)
}

fn written(run: &ImportRun) -> Result<String, StoreError> {
    Ok(serde_json::to_string(run).map_err(std::io::Error::other)?)
}

async fn write(app: &App, name: &str, run: &ImportRun) -> Result<bool, StoreError> {
    app.store.write_run(name, &written(run)?, app.store.now()).await
}
