//! Uploads that were examined and wait for the confirmation of the user who sent them.

use domain::clock;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// CSV files that wait after a dry run: some MiB each at most. Beyond it the oldest are discarded.
pub(super) const MAX_PENDING_IMPORTS: usize = 8;
/// Components that wait for a confirmation: some MiB each. Beyond it the oldest are discarded.
pub(super) const MAX_PENDING_PLUGINS: usize = 4;

/// Samples on which mappings are tried: 1 MiB each at most. Beyond it the oldest are discarded.
pub(super) const MAX_SAMPLES: usize = 16;

/// Uploads that wait for a confirmation: one for each user, and a limited number in all.
pub(crate) struct PendingUploads<T> {
    max: usize,
    uploads: Mutex<BTreeMap<i64, PendingUpload<T>>>,
}

struct PendingUpload<T> {
    since: i64,
    /// What the confirmation has to name: the user may have sent another file from another window meanwhile.
    name: String,
    content: T,
}

impl<T> PendingUploads<T> {
    /// For at most `max` users at a time.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, uploads: Mutex::default() }
    }

    /// Keeps `content` under `name` for `user`, instead of the user's last one.
    pub(crate) fn keep(&self, user: i64, name: String, content: T) {
        let mut uploads = self.lock();
        uploads.insert(user, PendingUpload { since: clock::now(), name, content });
        while uploads.len() > self.max
            && let Some(oldest) = uploads.iter().min_by_key(|(_, upload)| upload.since).map(|(user, _)| *user)
        {
            uploads.remove(&oldest);
        }
    }

    /// Removes and returns what `user` sent under `name`; `None` if it has been replaced, discarded or taken.
    pub(crate) fn take(&self, user: i64, name: &str) -> Option<T> {
        let mut uploads = self.lock();
        let is_meant = uploads.get(&user).is_some_and(|upload| upload.name == name);
        is_meant.then(|| uploads.remove(&user)).flatten().map(|upload| upload.content)
    }

    /// What `user` sent under `name`, which stays; `None` if it has been replaced or discarded.
    pub(crate) fn look(&self, user: i64, name: &str) -> Option<T>
    where
        T: Clone,
    {
        let uploads = self.lock();
        uploads.get(&user).filter(|upload| upload.name == name).map(|upload| upload.content.clone())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, PendingUpload<T>>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
