//! Who may do what: users and their sessions, tokens of programs, sign-ins that failed, and answers that
//! are kept so that a call that is repeated does not act twice.
//!
//! Nothing here can be used by whoever reads the database: passwords are hashed with Argon2, and of
//! tokens, which are random, only the SHA-256 is kept.

use crate::domain::issue::Lang;
use crate::domain::name::is_text;
use crate::service::automation::AUTOMATION;
use crate::store::audit::{self, Actor, AuditEvent};
use crate::store::lease::RECOVERY;
use crate::store::rows::parse;
use crate::store::{Result, Store, StoreError, Writing, take_numbers};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, FromRow, Row};
use std::sync::LazyLock;
use std::time::Duration;
use strum::{Display, EnumString, VariantArray};
use tokio::sync::Semaphore;

/// Shortest password, in characters: long enough that guessing through the rate limit is hopeless.
pub const MIN_PASSWORD: usize = 12;
/// Longest password and longest name, in characters: what is hashed must be bounded.
pub const MAX_PASSWORD: usize = 256;
/// Longest name of a user or a token, in characters: it stands in table columns.
pub const MAX_USER_NAME: usize = 64;
/// A session ends after this long: a working day, so that nobody signs in twice a day.
pub const SESSION: Duration = Duration::from_secs(12 * 60 * 60);
/// How far back failed sign-ins count.
pub const SIGN_IN_WINDOW: Duration = Duration::from_secs(15 * 60);
/// Failed sign-ins with one name in the window before the next is refused unseen: a person who mistypes
/// needs a handful, a machine that guesses thousands.
pub const MAX_FAILURES_OF_A_NAME: i64 = 10;
/// The same from one address, behind which a whole office may be.
pub const MAX_FAILURES_OF_AN_ADDRESS: i64 = 50;
/// How long an answer is kept for a call that is repeated.
pub const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes of a token: not to be guessed by anyone, ever.
const TOKEN_BYTES: usize = 32;
/// What a program's token begins with, so that one that leaked is recognised.
const API_TOKEN_PREFIX: &str = "hostdemo_";

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
            Role::Operator => Role::Administrator,
            Role::Administrator => Role::Operator,
        }
    }

    /// 担当者 or 管理者.
    pub fn label(self, lang: Lang) -> &'static str {
        match self {
            Role::Operator => lang.pick("担当者", "operator"),
            Role::Administrator => lang.pick("管理者", "administrator"),
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
    /// Signed out for good.
    pub disabled: bool,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// What a name, a password or a change is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserProblem {
    /// Empty, longer than [`MAX_USER_NAME`], or with characters that cannot be seen.
    Name,
    /// Somebody has it.
    NameTaken,
    /// Shorter than [`MIN_PASSWORD`] or longer than [`MAX_PASSWORD`].
    Password,
    /// Nobody could administer the platform after it.
    LastAdministrator,
    /// There is no such user.
    NoUser,
}

impl UserProblem {
    /// What is wrong, and what to do.
    pub fn words(self, lang: Lang) -> String {
        match self {
            UserProblem::Name => lang.pick(
                format!("名前は1文字以上{MAX_USER_NAME}文字以内で、前後に空白を入れないでください"),
                format!("A name has 1 to {MAX_USER_NAME} characters and no space around it"),
            ),
            UserProblem::NameTaken => {
                lang.pick("この名前は使われています".into(), "Somebody has this name; choose another".into())
            }
            UserProblem::Password => lang.pick(
                format!("パスワードは{MIN_PASSWORD}文字以上{MAX_PASSWORD}文字以内にしてください"),
                format!("A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters"),
            ),
            UserProblem::LastAdministrator => lang.pick(
                "管理者がいなくなります。先にほかの人を管理者にしてください".into(),
                "Nobody would be an administrator; make somebody else one first".into(),
            ),
            UserProblem::NoUser => lang.pick("この利用者はいません".into(), "There is no such user".into()),
        }
    }
}

/// How a sign-in ended.
#[derive(Debug, Clone, PartialEq)]
pub enum SignIn {
    /// Name and password are right.
    Welcome(User),
    /// They are not, or the user is disabled: which of these is not told.
    Wrong,
    /// Too many failed; milliseconds since 1970 from when on the next is looked at.
    TooMany {
        /// When to try again.
        until: i64,
    },
}

/// A session as it begins: the only time that its token can be read.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// For the cookie.
    pub token: String,
    /// For forms: a page of somebody else does not know it.
    pub csrf: String,
    /// Milliseconds since 1970.
    pub expires_at: i64,
}

/// A session that is on.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub user: User,
    /// What a form must carry.
    pub csrf: String,
    /// Milliseconds since 1970.
    pub expires_at: i64,
}

/// A program's token, without the token.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct ApiToken {
    /// The store's number.
    pub id: i64,
    /// What it is for; stands in histories.
    pub name: String,
    /// What it may do.
    #[sqlx(try_from = "String")]
    pub role: Role,
    /// Who made it.
    pub created_by: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970; absent: never.
    pub expires_at: Option<i64>,
    /// Milliseconds since 1970; absent: it is good.
    pub revoked_at: Option<i64>,
}

impl TryFrom<String> for Role {
    type Error = strum::ParseError;
    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        text.parse()
    }
}

/// Whether a call that acts is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is: act, then [`Store::end_call`].
    New,
    /// It was answered before: give the same answer.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The body.
        answer: String,
    },
    /// It is being answered right now.
    Running,
    /// The caller used the key for another request.
    Another,
}

/// A call that acts: who makes it, under which key, and what it says.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Who, such as `user:3`.
    pub caller: &'a str,
    /// The key that the caller chose.
    pub key: &'a str,
    /// A digest of the request.
    pub digest: &'a str,
}

/// A user's columns; completed by a condition.
macro_rules! select_users {
    ($rest:literal) => {
        concat!("SELECT id, name, role, disabled, created_at FROM users ", $rest)
    };
}

impl Store {
    /// Adds a user.
    pub async fn add_user(
        &self,
        name: &str,
        role: Role,
        password: &str,
        by: Actor<'_>,
    ) -> Result<std::result::Result<User, UserProblem>> {
        if !is_user_name(name) {
            return Ok(Err(UserProblem::Name));
        }
        let Some(hash) = hashed(password).await? else { return Ok(Err(UserProblem::Password)) };
        let mut writing = self.write().await?;
        let id = take_numbers(&mut writing, "user", 1).await?;
        let written = sqlx::query(
            "INSERT INTO users (id, name, role, password, disabled, created_at) VALUES ($1, $2, $3, $4, 0, $5) \
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(id)
        .bind(name)
        .bind(role.to_string())
        .bind(hash)
        .bind(by.at)
        .execute(&mut *writing)
        .await?;
        if written.rows_affected() == 0 {
            return Ok(Err(UserProblem::NameTaken));
        }
        audit::note(&mut writing, by, &AuditEvent::UserAdded { user: name.to_owned(), role }).await?;
        writing.commit().await?;
        Ok(Ok(User { id, name: name.to_owned(), role, disabled: false, created_at: by.at }))
    }

    /// All users, by name.
    pub async fn users(&self) -> Result<Vec<User>> {
        Ok(sqlx::query_as(select_users!("ORDER BY name")).fetch_all(&self.pool).await?)
    }

    /// Gives a user another role, or shuts the user out or lets in again. Whoever is shut out has no
    /// session from then on, and tokens that reach further than their maker are revoked.
    pub async fn change_user(
        &self,
        id: i64,
        role: Role,
        disabled: bool,
        by: Actor<'_>,
    ) -> Result<std::result::Result<(), UserProblem>> {
        let mut writing = self.write().await?;
        // All administrators, so that of two changes at once the second sees the first.
        let sql =
            format!("SELECT id FROM users WHERE role = $1 AND disabled = 0 ORDER BY id{}", self.dialect.for_update());
        let administrators: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(Role::Administrator.to_string())
            .fetch_all(&mut *writing)
            .await?;
        if (disabled || role != Role::Administrator) && administrators == [id] {
            return Ok(Err(UserProblem::LastAdministrator));
        }
        let name: Option<String> =
            sqlx::query_scalar("UPDATE users SET role = $1, disabled = $2 WHERE id = $3 RETURNING name")
                .bind(role.to_string())
                .bind(i64::from(disabled))
                .bind(id)
                .fetch_optional(&mut *writing)
                .await?;
        let Some(user) = name else { return Ok(Err(UserProblem::NoUser)) };
        if disabled {
            end_sessions_of(&mut writing, id).await?;
        }
        revoke_tokens_of(&mut writing, &user, role, disabled, by).await?;
        audit::note(&mut writing, by, &AuditEvent::UserChanged { user, role, disabled }).await?;
        writing.commit().await?;
        Ok(Ok(()))
    }

    /// Gives a user another password, and ends all sessions that began with the old one.
    pub async fn set_password(
        &self,
        id: i64,
        password: &str,
        by: Actor<'_>,
    ) -> Result<std::result::Result<(), UserProblem>> {
        let Some(hash) = hashed(password).await? else { return Ok(Err(UserProblem::Password)) };
        let mut writing = self.write().await?;
        let name: Option<String> = sqlx::query_scalar("UPDATE users SET password = $1 WHERE id = $2 RETURNING name")
            .bind(hash)
            .bind(id)
            .fetch_optional(&mut *writing)
            .await?;
        let Some(user) = name else { return Ok(Err(UserProblem::NoUser)) };
        end_sessions_of(&mut writing, id).await?;
        audit::note(&mut writing, by, &AuditEvent::PasswordChanged { user }).await?;
        writing.commit().await?;
        Ok(Ok(()))
    }

    /// Looks at a name and a password that came from `address`. A failure counts against both.
    pub async fn sign_in(&self, name: &str, password: &str, address: &str, now: i64) -> Result<SignIn> {
        if let Some(until) = self.count_sign_in(name, address, now).await? {
            return Ok(SignIn::TooMany { until });
        }
        let found: Option<(i64, String)> = sqlx::query_as("SELECT id, password FROM users WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        let (id, hash) = found.map_or((None, NOBODYS_HASH.clone()), |(id, hash)| (Some(id), hash));
        let right = verified(password, hash).await?;
        let user = match id.filter(|_| right) {
            Some(id) => self.user(id).await?.filter(|user| !user.disabled),
            None => None,
        };
        let Some(user) = user else { return Ok(SignIn::Wrong) };
        // It was counted as failed at both before it was looked at.
        sqlx::query("DELETE FROM failed_sign_ins WHERE subject = $1 OR (subject = $2 AND at = $3)")
            .bind(subject_name(name))
            .bind(subject_address(address))
            .bind(now)
            .execute(&self.pool)
            .await?;
        Ok(SignIn::Welcome(user))
    }

    /// Counts a sign-in as failed before it is looked at, so that many at once cannot pass the limit; or
    /// says until when none is looked at.
    async fn count_sign_in(&self, name: &str, address: &str, now: i64) -> Result<Option<i64>> {
        let subjects =
            [(subject_name(name), MAX_FAILURES_OF_A_NAME), (subject_address(address), MAX_FAILURES_OF_AN_ADDRESS)];
        let begin = now - SIGN_IN_WINDOW.as_millis() as i64;
        let mut writing = self.write().await?;
        sqlx::query("DELETE FROM failed_sign_ins WHERE at <= $1").bind(begin).execute(&mut *writing).await?;
        for (subject, max) in &subjects {
            // The one that has to leave the window before there is room again.
            let barrier: Option<i64> = sqlx::query_scalar(
                "SELECT at FROM failed_sign_ins WHERE subject = $1 ORDER BY at DESC LIMIT 1 OFFSET $2",
            )
            .bind(subject)
            .bind(max - 1)
            .fetch_optional(&mut *writing)
            .await?;
            if let Some(at) = barrier {
                return Ok(Some(at + SIGN_IN_WINDOW.as_millis() as i64));
            }
        }
        for (subject, _) in subjects {
            sqlx::query("INSERT INTO failed_sign_ins (subject, at) VALUES ($1, $2)")
                .bind(subject)
                .bind(now)
                .execute(&mut *writing)
                .await?;
        }
        writing.commit().await?;
        Ok(None)
    }

    /// The user with this number.
    pub async fn user(&self, id: i64) -> Result<Option<User>> {
        Ok(sqlx::query_as(select_users!("WHERE id = $1")).bind(id).fetch_optional(&self.pool).await?)
    }

    /// Begins a session.
    pub async fn begin_session(&self, user: i64, now: i64) -> Result<NewSession> {
        let (token, csrf, expires_at) = (random_token()?, random_token()?, now + SESSION.as_millis() as i64);
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(&self.pool).await?;
        sqlx::query("INSERT INTO sessions (token, user_id, csrf, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(digest(&token))
            .bind(user)
            .bind(&csrf)
            .bind(now)
            .bind(expires_at)
            .execute(&self.pool)
            .await?;
        Ok(NewSession { token, csrf, expires_at })
    }

    /// The session that `token` is for, if it is on.
    pub async fn session(&self, token: &str, now: i64) -> Result<Option<Session>> {
        let row = sqlx::query(
            "SELECT u.id, u.name, u.role, u.disabled, u.created_at, s.csrf, s.expires_at FROM sessions s \
             JOIN users u ON u.id = s.user_id WHERE s.token = $1 AND s.expires_at > $2 AND u.disabled = 0",
        )
        .bind(digest(token))
        .bind(now)
        .fetch_optional(&self.pool)
        .await?;
        let session = |row: AnyRow| {
            Ok(Session {
                user: User::from_row(&row)?,
                csrf: row.try_get("csrf")?,
                expires_at: row.try_get("expires_at")?,
            })
        };
        row.map(session).transpose()
    }

    /// Ends the session that `token` is for.
    pub async fn end_session(&self, token: &str) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE token = $1").bind(digest(token)).execute(&self.pool).await?;
        sqlx::query("DELETE FROM drafts WHERE session = $1").bind(digest(token)).execute(&self.pool).await?;
        Ok(())
    }

    /// Makes a token for a program; the token itself can be read only now.
    pub async fn add_api_token(
        &self,
        name: &str,
        role: Role,
        expires_at: Option<i64>,
        by: Actor<'_>,
    ) -> Result<std::result::Result<(ApiToken, String), UserProblem>> {
        if !is_user_name(name) {
            return Ok(Err(UserProblem::Name));
        }
        let token = format!("{API_TOKEN_PREFIX}{}", random_token()?);
        let mut writing = self.write().await?;
        let id = take_numbers(&mut writing, "token", 1).await?;
        sqlx::query(
            "INSERT INTO api_tokens (id, name, role, token, created_by, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id)
        .bind(name)
        .bind(role.to_string())
        .bind(digest(&token))
        .bind(by.who)
        .bind(by.at)
        .bind(expires_at)
        .execute(&mut *writing)
        .await?;
        audit::note(&mut writing, by, &AuditEvent::TokenIssued { token: name.to_owned(), role }).await?;
        writing.commit().await?;
        let (name, created_by) = (name.to_owned(), by.who.to_owned());
        Ok(Ok((ApiToken { id, name, role, created_by, created_at: by.at, expires_at, revoked_at: None }, token)))
    }

    /// All tokens, newest first.
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>> {
        Ok(sqlx::query_as("SELECT * FROM api_tokens ORDER BY id DESC").fetch_all(&self.pool).await?)
    }

    /// The token that `token` is, if it is good.
    pub async fn api_token(&self, token: &str, now: i64) -> Result<Option<ApiToken>> {
        let found = sqlx::query_as(
            "SELECT * FROM api_tokens WHERE token = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
        )
        .bind(digest(token))
        .bind(now);
        Ok(found.fetch_optional(&self.pool).await?)
    }

    /// Makes a token worthless; whether it was good until now.
    pub async fn revoke_api_token(&self, id: i64, by: Actor<'_>) -> Result<bool> {
        let mut writing = self.write().await?;
        let name: Option<String> = sqlx::query_scalar(
            "UPDATE api_tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL RETURNING name",
        )
        .bind(by.at)
        .bind(id)
        .fetch_optional(&mut *writing)
        .await?;
        let Some(token) = name else { return Ok(false) };
        audit::note(&mut writing, by, &AuditEvent::TokenRevoked { token }).await?;
        writing.commit().await?;
        Ok(true)
    }

    /// Begins a call that acts, in the process `owner`. If that process dies, the call can begin again:
    /// what it did to orders stands with the orders and is not done twice.
    pub async fn begin_call(&self, call: Call<'_>, owner: &str, now: i64) -> Result<Begun> {
        sqlx::query("DELETE FROM idempotency WHERE expires_at <= $1").bind(now).execute(&self.pool).await?;
        let written = sqlx::query(
            "INSERT INTO idempotency (caller, name, digest, owner, expires_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (caller, name) DO NOTHING",
        )
        .bind(call.caller)
        .bind(call.key)
        .bind(call.digest)
        .bind(owner)
        .bind(now + ANSWERS_KEPT.as_millis() as i64)
        .execute(&self.pool)
        .await?;
        if written.rows_affected() == 1 {
            return Ok(Begun::New);
        }
        let earlier: Option<(String, Option<i64>, Option<String>)> =
            sqlx::query_as("SELECT digest, status, answer FROM idempotency WHERE caller = $1 AND name = $2")
                .bind(call.caller)
                .bind(call.key)
                .fetch_optional(&self.pool)
                .await?;
        Ok(match earlier {
            Some((digest, ..)) if digest != call.digest => Begun::Another,
            Some((_, Some(status), Some(answer))) => {
                let answer = self.secrets.open(&answer_name(call), &answer)?;
                Begun::Answered { status: u16::try_from(status).unwrap_or_default(), answer }
            }
            _ => Begun::Running,
        })
    }

    /// A digest of `parts` as `what` that cannot be made, or guessed from, without the store's key.
    pub fn digest(&self, what: &str, parts: &[&[u8]]) -> String {
        self.secrets.digest(what, parts)
    }

    /// Keeps the answer to a call, encrypted: it can be a new token.
    pub async fn end_call(&self, call: Call<'_>, status: u16, answer: &str) -> Result<()> {
        sqlx::query("UPDATE idempotency SET status = $1, answer = $2, owner = NULL WHERE caller = $3 AND name = $4")
            .bind(i64::from(status))
            .bind(self.secrets.seal(&answer_name(call), answer)?)
            .bind(call.caller)
            .bind(call.key)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets a call that did not act: it may be made again.
    pub async fn forget_call(&self, call: Call<'_>) -> Result<()> {
        sqlx::query("DELETE FROM idempotency WHERE caller = $1 AND name = $2 AND status IS NULL")
            .bind(call.caller)
            .bind(call.key)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets the calls that `owner` was answering.
    pub async fn forget_calls_of(&self, owner: &str) -> Result<()> {
        sqlx::query("DELETE FROM idempotency WHERE owner = $1").bind(owner).execute(&self.pool).await?;
        Ok(())
    }
}

/// Revokes what a user has issued beyond what the user may do now: all of it, or administrators' tokens.
async fn revoke_tokens_of(writing: &mut Writing, user: &str, role: Role, disabled: bool, by: Actor<'_>) -> Result<()> {
    let beyond = Role::VARIANTS.iter().filter(|of_token| disabled || **of_token > role);
    for of_token in beyond {
        let tokens: Vec<String> = sqlx::query_scalar(
            "UPDATE api_tokens SET revoked_at = $1 WHERE created_by = $2 AND role = $3 AND revoked_at IS NULL \
             RETURNING name",
        )
        .bind(by.at)
        .bind(user)
        .bind(of_token.to_string())
        .fetch_all(&mut **writing)
        .await?;
        for token in tokens {
            audit::note(writing, by, &AuditEvent::TokenRevoked { token }).await?;
        }
    }
    Ok(())
}

async fn end_sessions_of(writing: &mut Writing, user: i64) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(user).execute(&mut **writing).await?;
    Ok(())
}

/// What an encrypted answer is bound to. No caller's name holds a line break.
fn answer_name(call: Call<'_>) -> String {
    format!("answer\n{}\n{}", call.caller, call.key)
}

fn subject_name(name: &str) -> String {
    format!("name {}", name.chars().take(MAX_USER_NAME).collect::<String>())
}

fn subject_address(address: &str) -> String {
    format!("address {address}")
}

fn is_user_name(name: &str) -> bool {
    is_text(name, MAX_USER_NAME) && ![AUTOMATION, RECOVERY].contains(&name)
}

impl FromRow<'_, AnyRow> for User {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(User {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            role: parse(row.try_get("role")?)?,
            disabled: row.try_get::<i64, _>("disabled")? != 0,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// The hash that a password is compared with where there is no such user, so that both take as long.
static NOBODYS_HASH: LazyLock<String> = LazyLock::new(|| hash("nobody's password").unwrap_or_default());

fn hash(password: &str) -> Option<String> {
    let hashed: PasswordHash = Argon2::default().hash_password(password.as_bytes()).ok()?;
    Some(hashed.to_string())
}

/// The hash of a password; nothing for one that is too short or too long. On a thread of its own: it
/// takes tens of milliseconds on purpose.
async fn hashed(password: &str) -> Result<Option<String>> {
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&password.chars().count()) {
        return Ok(None);
    }
    let password = password.to_owned();
    in_turn(move || hash(&password))
        .await?
        .map(Some)
        .ok_or_else(|| StoreError::File(std::io::Error::other("the password could not be hashed")))
}

/// Passwords that are hashed at once: each takes 19 MiB and a core.
static HASHING: Semaphore = Semaphore::const_new(4);

/// Does `work` on a thread of its own when its turn comes.
async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _turn = HASHING.acquire().await.map_err(std::io::Error::other)?;
    Ok(tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?)
}

async fn verified(password: &str, hash: String) -> Result<bool> {
    if password.chars().count() > MAX_PASSWORD {
        return Ok(false);
    }
    let password = password.to_owned();
    let verify = move || {
        let hash = PasswordHash::new(&hash).ok()?;
        Argon2::default().verify_password(password.as_bytes(), &hash).ok()
    };
    Ok(in_turn(verify).await?.is_some())
}

pub(super) fn random_token() -> Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

pub(super) fn digest(token: &str) -> String {
    crate::domain::digest::digest(&[token.as_bytes()])
}
