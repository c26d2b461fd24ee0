//! Forms: bounded in size, and parsed only with the CSRF token of the visitor.

use crate::web::http::nul;
use crate::web::http::refusal::{Missing, Refusal};
use crate::web::http::session::Visitor;
use axum::RequestPartsExt;
use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use subtle::ConstantTimeEq;

/// Largest form without files: ticks of the largest page and a settings form stay far below.
pub(crate) const MAX_FORM: usize = 256 << 10;

/// Extractor: a form with the CSRF token of this visitor.
pub(crate) struct Signed<T>(pub T);

/// A form without fields: only the request itself counts.
#[derive(Deserialize)]
pub(crate) struct NoFields {}

#[derive(Deserialize)]
struct CsrfToken {
    csrf: Option<String>,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Signed<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let visitor: Visitor = parts.extract().await?;
        let body = Bytes::from_request(Request::from_parts(parts, body), state)
            .await
            .map_err(|error| unread(error.status(), MAX_FORM))?;
        if nul::is_in_encoded(&body) {
            return Err(Refusal::Unreadable);
        }
        let token: CsrfToken = serde_html_form::from_bytes(&body).map_err(|_| Refusal::Unreadable)?;
        check_csrf(&visitor, token.csrf.as_deref())?;
        serde_html_form::from_bytes(&body).map(Signed).map_err(|error| {
            tracing::info!(%error, "a form cannot be read");
            Refusal::Unreadable
        })
    }
}

/// All fields of a form, for one whose fields are not known at compile time.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct FormFields(Vec<(String, String)>);

impl FormFields {
    /// The first value of the field `name`, trimmed; empty if it is missing.
    pub(crate) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// Every value of the field `name`, trimmed.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// The first value of the field `name`, trimmed; `None` if it is missing or empty.
    pub(crate) fn given(&self, name: &str) -> Option<String> {
        Some(self.one(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Every name and value, as they were sent.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter()
    }
}

/// A random key for a form that must be carried out once: sending the form again finds what the first request did.
pub(crate) fn idempotency_key() -> Result<String, Refusal> {
    getrandom::u64().map(|drawn| format!("{drawn:016x}")).map_err(|error| Refusal::failed(&error))
}

/// Compares the token of the form with the visitor's, in a time that does not depend on where they differ.
fn check_csrf(visitor: &Visitor, token: Option<&str>) -> Result<(), Refusal> {
    let is_valid = visitor.csrf.as_bytes().ct_eq(token.unwrap_or_default().as_bytes());
    if is_valid.into() { Ok(()) } else { Err(Refusal::Expired) }
}

/// A form with files and the CSRF token of this visitor.
pub(crate) struct Upload {
    texts: HashMap<String, String>,
    files: HashMap<String, Vec<u8>>,
}

impl Upload {
    /// The text field `name`; empty if it is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// The text field `name`, empty or not; `None` if it was not sent.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// The text fields whose names begin with `prefix`, in any order.
    pub(crate) fn texts(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.texts.iter().filter(move |(name, _)| name.starts_with(prefix)).map(|(_, text)| text.as_str())
    }

    /// The content of the file `name`; `None` if no file was chosen, or an empty one.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice).filter(|content| !content.is_empty())
    }

    /// Reads a form whose files have `limit` bytes at most. The CSRF token is the first field on our pages; nothing after
    /// it is read unless it is valid.
    pub(crate) async fn read(visitor: &Visitor, mut form: Multipart, limit: usize) -> Result<Self, Refusal> {
        let mut upload = Self { texts: HashMap::new(), files: HashMap::new() };
        let mut signed = false;
        while let Some(field) = form.next_field().await.map_err(|error| unread(error.status(), limit))? {
            let name = field.name().unwrap_or_default().to_owned();
            let is_file = field.file_name().is_some();
            let content = bounded(field, if is_file { limit } else { MAX_FORM }).await?;
            if !signed {
                let token = std::str::from_utf8(&content).ok().filter(|_| name == "csrf");
                check_csrf(visitor, token)?;
                signed = true;
            } else if is_file {
                upload.files.insert(name, content);
            } else {
                let text = String::from_utf8(content).ok().filter(|text| !text.contains('\0'));
                upload.texts.insert(name, text.ok_or(Refusal::Unreadable)?);
            }
        }
        if signed { Ok(upload) } else { Err(Refusal::Expired) }
    }
}

/// Why a body was not read to its end: it is longer than `limit`, or broken.
fn unread(status: StatusCode, limit: usize) -> Refusal {
    if status == StatusCode::PAYLOAD_TOO_LARGE { Refusal::TooLarge(limit) } else { Refusal::Unreadable }
}

async fn bounded(mut field: Field<'_>, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut content = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| unread(error.status(), limit))? {
        if content.len() + chunk.len() > limit {
            return Err(Refusal::TooLarge(limit));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content)
}

/// The response where no route matches.
pub(crate) async fn no_page() -> Refusal {
    Refusal::NotFound(Missing::Page)
}
