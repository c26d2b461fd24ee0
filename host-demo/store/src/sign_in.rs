//! Sign-ins, and the limit on guessing passwords.

use crate::database::Store;
use crate::error::Result;
use crate::passwords::{ABSENT_USER_HASH, verified};
use domain::user::{MAX_USER_NAME, User};
use std::time::Duration;

/// How far back failed sign-ins count.
pub const SIGN_IN_WINDOW: Duration = Duration::from_secs(15 * 60);
/// Failed sign-ins with one name in the window before the next is refused without a look at it: a person who
/// mistypes needs a handful, a machine that guesses thousands.
pub const MAX_FAILURES_OF_A_NAME: i64 = 10;
/// The same from one address, behind which a whole office may be.
pub const MAX_FAILURES_OF_AN_ADDRESS: i64 = 50;

/// How a sign-in ended.
#[derive(Debug, Clone, PartialEq)]
pub enum SignIn {
    /// Name and password are right.
    Welcome(User),
    /// They are not, or the user is disabled: the caller cannot tell which.
    Wrong,
    /// Too many failed; milliseconds since 1970 from when on the next is checked.
    TooMany {
        /// When to try again.
        until: i64,
    },
}

impl Store {
    /// Checks a name and a password that came from `address`. A failure counts against both.
    pub async fn sign_in(&self, name: &str, password: &str, address: &str, now: i64) -> Result<SignIn> {
        if let Some(until) = self.count_sign_in(name, address, now).await? {
            return Ok(SignIn::TooMany { until });
        }
        let found: Option<(i64, String)> = sqlx::query_as("SELECT id, password FROM users WHERE name = $1")
            .bind(name)
            .fetch_optional(self.pool()?)
            .await?;
        let (id, hash) = found.map_or((None, ABSENT_USER_HASH.clone()), |(id, hash)| (Some(id), hash));
        let right = verified(password, hash).await?;
        let user = match id.filter(|_| right) {
            Some(id) => self.user(id).await?.filter(|user| !user.disabled),
            None => None,
        };
        let Some(user) = user else { return Ok(SignIn::Wrong) };
        // It was counted as failed under both before it was checked.
        sqlx::query("DELETE FROM failed_sign_ins WHERE subject = $1 OR (subject = $2 AND at = $3)")
            .bind(subject_name(name))
            .bind(subject_address(address))
            .bind(now)
            .execute(self.pool()?)
            .await?;
        Ok(SignIn::Welcome(user))
    }

    /// Counts a sign-in as failed before it is checked, so that concurrent ones cannot pass the limit; or returns until
    /// when none is checked.
    async fn count_sign_in(&self, name: &str, address: &str, now: i64) -> Result<Option<i64>> {
        let subjects =
            [(subject_name(name), MAX_FAILURES_OF_A_NAME), (subject_address(address), MAX_FAILURES_OF_AN_ADDRESS)];
        let begin = now - SIGN_IN_WINDOW.as_millis() as i64;
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM failed_sign_ins WHERE at <= $1").bind(begin).execute(&mut *tx).await?;
        for (subject, max) in &subjects {
            // The failure that has to leave the window before another attempt is allowed.
            let barrier: Option<i64> = sqlx::query_scalar(
                "SELECT at FROM failed_sign_ins WHERE subject = $1 ORDER BY at DESC LIMIT 1 OFFSET $2",
            )
            .bind(subject)
            .bind(max - 1)
            .fetch_optional(&mut *tx)
            .await?;
            if let Some(at) = barrier {
                return Ok(Some(at + SIGN_IN_WINDOW.as_millis() as i64));
            }
        }
        for (subject, _) in subjects {
            sqlx::query("INSERT INTO failed_sign_ins (subject, at) VALUES ($1, $2)")
                .bind(subject)
                .bind(now)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(None)
    }
}

fn subject_name(name: &str) -> String {
    format!("name {}", name.chars().take(MAX_USER_NAME).collect::<String>())
}

fn subject_address(address: &str) -> String {
    format!("address {address}")
}
