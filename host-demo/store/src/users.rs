//! Users.

use crate::api_tokens::revoke_tokens_of;
use crate::database::Store;
use crate::error::{Result, StoreError};
use crate::passwords::hashed;
use crate::sessions::end_sessions_of;
use crate::sql::take_numbers;
use crate::{audit, rows};
use domain::actor::Actor;
use domain::audit_event::AuditEvent;
use domain::user::{Role, User, UserProblem, is_user_name};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

/// A user's columns; completed by a condition.
macro_rules! select_users {
    ($rest:literal) => {
        concat!("SELECT id, name, role, disabled, created_at FROM users ", $rest)
    };
}

impl Store {
    /// Adds a user.
    ///
    /// # Errors
    /// [`StoreError::User`] where name or password cannot be used, or another user has the name.
    pub async fn add_user(&self, name: &str, role: Role, password: &str, by: Actor<'_>) -> Result<User> {
        if !is_user_name(name) {
            return Err(StoreError::User(UserProblem::Name));
        }
        let hash = hashed(password).await?;
        let mut tx = self.write().await?;
        let id = take_numbers(&mut tx, "user", 1).await?;
        let written = sqlx::query(
            "INSERT INTO users (id, name, role, password, disabled, created_at) VALUES ($1, $2, $3, $4, 0, $5) \
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(id)
        .bind(name)
        .bind(role.to_string())
        .bind(hash)
        .bind(by.at)
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() == 0 {
            return Err(StoreError::User(UserProblem::NameTaken));
        }
        audit::record(&mut tx, by, &AuditEvent::UserAdded { user: name.to_owned(), role }).await?;
        tx.commit().await?;
        Ok(User { id, name: name.to_owned(), role, disabled: false, created_at: by.at })
    }

    /// All users, by name.
    pub async fn users(&self) -> Result<Vec<User>> {
        Ok(sqlx::query(select_users!("ORDER BY name")).try_map(user_of_row).fetch_all(self.pool()?).await?)
    }

    /// Gives a user another role, or disables or enables the user. A disabled user's sessions end, and tokens with a
    /// higher role than their issuer are revoked.
    ///
    /// # Errors
    /// [`StoreError::User`] where there is no such user, or no administrator would be left.
    pub async fn change_user(&self, id: i64, role: Role, disabled: bool, by: Actor<'_>) -> Result<()> {
        let mut tx = self.write().await?;
        // All administrators, so that of two concurrent changes the second sees the first.
        let sql =
            format!("SELECT id FROM users WHERE role = $1 AND disabled = 0 ORDER BY id{}", self.dialect.for_update());
        let administrators: Vec<i64> =
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(Role::Administrator.to_string()).fetch_all(&mut *tx).await?;
        if (disabled || role != Role::Administrator) && administrators == [id] {
            return Err(StoreError::User(UserProblem::LastAdministrator));
        }
        let name: Option<String> =
            sqlx::query_scalar("UPDATE users SET role = $1, disabled = $2 WHERE id = $3 RETURNING name")
                .bind(role.to_string())
                .bind(i64::from(disabled))
                .bind(id)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(user) = name else { return Err(StoreError::User(UserProblem::NoUser)) };
        if disabled {
            end_sessions_of(&mut tx, id).await?;
        }
        revoke_tokens_of(&mut tx, &user, role, disabled, by).await?;
        audit::record(&mut tx, by, &AuditEvent::UserChanged { user, role, disabled }).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives a user another password, and ends all sessions that began with the old one.
    ///
    /// # Errors
    /// [`StoreError::User`] where the password cannot be used, or there is no such user.
    pub async fn set_password(&self, id: i64, password: &str, by: Actor<'_>) -> Result<()> {
        let hash = hashed(password).await?;
        let mut tx = self.write().await?;
        let name: Option<String> = sqlx::query_scalar("UPDATE users SET password = $1 WHERE id = $2 RETURNING name")
            .bind(hash)
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(user) = name else { return Err(StoreError::User(UserProblem::NoUser)) };
        end_sessions_of(&mut tx, id).await?;
        audit::record(&mut tx, by, &AuditEvent::PasswordChanged { user }).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The user with this number.
    pub async fn user(&self, id: i64) -> Result<Option<User>> {
        let found = sqlx::query(select_users!("WHERE id = $1")).bind(id).try_map(user_of_row);
        Ok(found.fetch_optional(self.pool()?).await?)
    }
}

fn user_of_row(row: AnyRow) -> sqlx::Result<User> {
    rows::user(&row)
}
