//! Who acts: users, programs with a token, operators of the command line, and the platform itself.

use crate::clock;

/// Who is recorded for what the automation did.
pub const AUTOMATION: &str = "automation";
/// Who is recorded for what the recovery of a dead process's claims did.
pub const RECOVERY: &str = "recovery";
/// The names that no user and no token can have.
pub const RESERVED: [&str; 2] = [AUTOMATION, RECOVERY];

/// Who changes something, and when.
#[derive(Debug, Clone, Copy, Default)]
pub struct Actor<'a> {
    /// A user, a token or an operator of the command line.
    pub who: &'a str,
    /// Milliseconds since 1970.
    pub at: i64,
}

impl<'a> Actor<'a> {
    /// `who`, just now.
    pub fn now(who: &'a str) -> Self {
        Self { who, at: clock::now() }
    }
}
