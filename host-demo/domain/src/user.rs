//! Users, and the rules for their names and passwords.

use crate::actor::RESERVED;
use crate::name::is_text;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantArray};

/// Shortest password, in characters: long enough that guessing through the rate limit is hopeless.
pub const MIN_PASSWORD: usize = 12;
/// Longest password, in characters: the input of the hash must be bounded.
pub const MAX_PASSWORD: usize = 256;
/// Longest name of a user or a token, in characters: it stands in table columns.
pub const MAX_USER_NAME: usize = 64;

/// What a user or a token may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Display, EnumString, VariantArray, Serialize, Deserialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 担当者: orders.
    Operator,
    /// 管理者: orders, settings, providers, users.
    Administrator,
}

impl Role {
    /// The one that this is not.
    pub fn other(self) -> Self {
        match self {
            Self::Operator => Self::Administrator,
            Self::Administrator => Self::Operator,
        }
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// The store's number.
    pub id: i64,
    /// What the person signs in as, and what stands in histories.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Cannot sign in.
    pub disabled: bool,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// Why a name, a password or a change is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserProblem {
    /// Empty, longer than [`MAX_USER_NAME`], or with characters that cannot be seen.
    Name,
    /// Another user has it.
    NameTaken,
    /// Shorter than [`MIN_PASSWORD`] or longer than [`MAX_PASSWORD`].
    Password,
    /// It would leave no administrator.
    LastAdministrator,
    /// There is no such user.
    NoUser,
}

/// Whether a user or a token can have this name.
pub fn is_user_name(name: &str) -> bool {
    is_text(name, MAX_USER_NAME) && !RESERVED.contains(&name)
}

/// Whether a password is neither too short nor too long.
pub fn is_password(password: &str) -> bool {
    (MIN_PASSWORD..=MAX_PASSWORD).contains(&password.chars().count())
}
