//! Tokens of programs.

use crate::audit;
use crate::database::{Store, WriteTransaction};
use crate::error::{Result, StoreError};
use crate::rows::parse;
use crate::sql::take_numbers;
use crate::tokens::{random_token, token_digest};
use domain::actor::Actor;
use domain::audit_event::AuditEvent;
use domain::user::{Role, UserProblem, is_user_name};
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};
use strum::VariantArray;

/// What a program's token begins with, so that one that leaked is recognised.
const API_TOKEN_PREFIX: &str = "hostdemo_";

/// A program's token, without the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    /// The store's number.
    pub id: i64,
    /// What it is for; stands in histories.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Who made it.
    pub created_by: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970; absent: never.
    pub expires_at: Option<i64>,
    /// Milliseconds since 1970; absent: it is valid.
    pub revoked_at: Option<i64>,
}

impl Store {
    /// Issues a token for a program; returns it with the token itself, which can be read only now.
    ///
    /// # Errors
    /// [`StoreError::User`] where a token cannot have this name.
    pub async fn add_api_token(
        &self,
        name: &str,
        role: Role,
        expires_at: Option<i64>,
        by: Actor<'_>,
    ) -> Result<(ApiToken, String)> {
        if !is_user_name(name) {
            return Err(StoreError::User(UserProblem::Name));
        }
        let token = format!("{API_TOKEN_PREFIX}{}", random_token()?);
        let mut tx = self.write().await?;
        let id = take_numbers(&mut tx, "token", 1).await?;
        sqlx::query(
            "INSERT INTO api_tokens (id, name, role, token, created_by, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id)
        .bind(name)
        .bind(role.to_string())
        .bind(token_digest(&token))
        .bind(by.who)
        .bind(by.at)
        .bind(expires_at)
        .execute(&mut *tx)
        .await?;
        audit::record(&mut tx, by, &AuditEvent::TokenIssued { token: name.to_owned(), role }).await?;
        tx.commit().await?;
        let (name, created_by) = (name.to_owned(), by.who.to_owned());
        Ok((ApiToken { id, name, role, created_by, created_at: by.at, expires_at, revoked_at: None }, token))
    }

    /// All tokens, newest first.
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>> {
        Ok(sqlx::query_as("SELECT * FROM api_tokens ORDER BY id DESC").fetch_all(self.pool()?).await?)
    }

    /// The token that `token` is, if it is valid.
    pub async fn api_token(&self, token: &str, now: i64) -> Result<Option<ApiToken>> {
        let found = sqlx::query_as(
            "SELECT * FROM api_tokens WHERE token = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
        )
        .bind(token_digest(token))
        .bind(now);
        Ok(found.fetch_optional(self.pool()?).await?)
    }

    /// Revokes a token; whether it was valid until now.
    pub async fn revoke_api_token(&self, id: i64, by: Actor<'_>) -> Result<bool> {
        let mut tx = self.write().await?;
        let name: Option<String> = sqlx::query_scalar(
            "UPDATE api_tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL RETURNING name",
        )
        .bind(by.at)
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(token) = name else { return Ok(false) };
        audit::record(&mut tx, by, &AuditEvent::TokenRevoked { token }).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Revokes what a user has issued beyond what the user may do now: all of it, or administrators' tokens.
pub(super) async fn revoke_tokens_of(
    tx: &mut WriteTransaction,
    user: &str,
    role: Role,
    disabled: bool,
    by: Actor<'_>,
) -> Result<()> {
    let excessive = Role::VARIANTS.iter().filter(|of_token| disabled || **of_token > role);
    for of_token in excessive {
        let tokens: Vec<String> = sqlx::query_scalar(
            "UPDATE api_tokens SET revoked_at = $1 WHERE created_by = $2 AND role = $3 AND revoked_at IS NULL \
             RETURNING name",
        )
        .bind(by.at)
        .bind(user)
        .bind(of_token.to_string())
        .fetch_all(&mut **tx)
        .await?;
        for token in tokens {
            audit::record(tx, by, &AuditEvent::TokenRevoked { token }).await?;
        }
    }
    Ok(())
}

impl FromRow<'_, AnyRow> for ApiToken {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            role: parse(row.try_get("role")?)?,
            created_by: row.try_get("created_by")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            revoked_at: row.try_get("revoked_at")?,
        })
    }
}
