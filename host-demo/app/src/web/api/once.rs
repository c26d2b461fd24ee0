//! A call that acts is carried out once, however often it is sent.

use crate::web::App;
use crate::web::api::batches;
use crate::web::api::begun_call::BegunCall;
use crate::web::api::caller::Caller;
use crate::web::api::problem::{Kind, MEDIA_TYPE, Problem};
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::lang::Lang;
use service::csv::limits::MAX_FILE_BYTES;
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{IdempotencyCheck, IdempotentRequest};
use utoipa::openapi::{OpenApi, PathItem};

/// The header that names a call.
const KEY: &str = "idempotency-key";
/// Says that an answer is one that was given before.
const REPLAYED: &str = "idempotency-replayed";
/// Longest key: callers use UUIDs.
const MAX_KEY: usize = 128;
/// Largest request: a CSV file, the largest thing that is sent here.
const MAX_REQUEST: usize = MAX_FILE_BYTES as usize;

/// The calls that act: methods and paths. Any other method of a path acts on nothing.
pub(super) type Acting = Arc<BTreeSet<(String, String)>>;

/// Every call of the document that is more than reading.
pub(super) fn acting(document: &OpenApi) -> Acting {
    let of_path = |(path, item): (&String, &PathItem)| {
        let methods = [("POST", &item.post), ("PUT", &item.put), ("DELETE", &item.delete), ("PATCH", &item.patch)];
        let there = methods.into_iter().filter(|(_, call)| call.is_some());
        there.map(|(method, _)| (method.to_owned(), path.clone())).collect::<Vec<_>>()
    };
    Arc::new(document.paths.paths.iter().flat_map(of_path).collect())
}

/// Lets reading calls pass, and each acting one once for its key.
pub(super) async fn once(
    State((app, acting)): State<(App, Acting)>,
    caller: Caller,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let path = path.as_ref().map_or("", |path| path.as_str().trim_start_matches("/api"));
    if !acting.contains(&(request.method().to_string(), path.to_owned())) {
        return Ok(next.run(request).await);
    }
    let key = key(request.headers())?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_REQUEST)
        .await
        .map_err(|_| Problem::new(Kind::TooLarge, format!("A request may have {MAX_REQUEST} bytes at most.")))?;
    let line = format!("{} {}\n", parts.method, parts.uri);
    let digest = app.store.digest("call", &[line.as_bytes(), &body]);
    let call = BegunCall { caller: caller.id.clone(), key, digest, owner: app.credit.lease.name() };
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(call.clone());
    // Begun and carried out to its end even if the caller goes away: a response that is not stored would let the same key
    // act again.
    let (running, begun) = (app.clone(), call.clone());
    let answered = app.begin(async move { answer(&running, &begun, caller.lang, request, next).await }).await;
    match answered {
        Ok(answer) => answer,
        Err(error) => {
            app.store.forget_call(call.request()).await?;
            Err(Problem::failed(&error))
        }
    }
}

/// The answer to `call`: the one that was given, or that of `next`.
async fn answer(app: &App, call: &BegunCall, lang: Lang, request: Request, next: Next) -> Result<Response, Problem> {
    match app.store.begin_call(call.request(), app.store.now()).await? {
        IdempotencyCheck::New => keep(app, call.request(), next.run(request).await).await,
        IdempotencyCheck::Answered { status, answer } => Ok(replayed(status, answer)),
        IdempotencyCheck::Begun(batch) => {
            let mut response = batches::accepted(app, batch, lang).await?.into_response();
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
        IdempotencyCheck::InProgress => {
            Err(Problem::new(Kind::InProgress, "Wait for the answer to the first one, then ask again."))
        }
        IdempotencyCheck::KeyReused => Err(Problem::new(Kind::KeyReused, "Choose a new key for a new call.")),
    }
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut keys = headers.get_all(KEY).iter();
    let key = keys.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    if keys.next().is_none() && (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(key.to_owned());
    }
    let words =
        format!("Send one Idempotency-Key of 1 to {MAX_KEY} visible ASCII characters, a new one for each call.");
    Err(Problem::new(Kind::KeyMissing, words))
}

/// Keeps the answer. A call that the platform failed to carry out, or that was refused unread, may be made again; if it
/// made its batch before it failed, it is answered with that.
async fn keep(app: &App, call: IdempotentRequest<'_>, answer: Response) -> Result<Response, Problem> {
    let status = answer.status();
    if status.is_server_error() || status.is_client_error() {
        app.store.forget_call(call).await?;
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    // Our own answers are bounded where they are made.
    let body = to_bytes(body, usize::MAX).await.map_err(|error| Problem::failed(&error))?;
    app.store.end_call(call, status.as_u16(), &String::from_utf8_lossy(&body)).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replayed(status: u16, answer: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let media_type = if status.is_success() { "application/json" } else { MEDIA_TYPE };
    let mut response = (status, answer).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
