//! What was tried and waits for a yes.

use crate::domain::clock;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What waits for a yes, by the user: one each, and a few in all; beyond that the oldest is forgotten.
pub struct Held<T> {
    most: usize,
    waiting: Mutex<BTreeMap<i64, Waiting<T>>>,
}

struct Waiting<T> {
    since: i64,
    /// What the yes has to name: another window may have tried something else meanwhile.
    name: String,
    what: T,
}

impl<T> Held<T> {
    /// For `most` users at once.
    pub fn new(most: usize) -> Self {
        Held { most, waiting: Mutex::default() }
    }

    /// Keeps `what` under `name` for `user`.
    pub fn keep(&self, user: i64, name: String, what: T) {
        let mut held = self.lock();
        held.insert(user, Waiting { since: clock::now(), name, what });
        while held.len() > self.most
            && let Some(oldest) = held.iter().min_by_key(|(_, waiting)| waiting.since).map(|(user, _)| *user)
        {
            held.remove(&oldest);
        }
    }

    /// Hands out what `user` tried under `name`.
    pub fn take(&self, user: i64, name: &str) -> Option<T> {
        let mut held = self.lock();
        let is_meant = held.get(&user).is_some_and(|waiting| waiting.name == name);
        is_meant.then(|| held.remove(&user)).flatten().map(|waiting| waiting.what)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, Waiting<T>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
