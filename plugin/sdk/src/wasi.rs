//! The HTTP client of a plugin in its sandbox: `wasi:http`, one request, one whole answer.

use crate::http::{ANSWER_TIMEOUT, Request, Response, SendError, Transport};
use wasip3::http::client;
use wasip3::http::types::{
    ErrorCode, Fields, Method, Request as WasiRequest, RequestOptions, Response as WasiResponse, Scheme,
};
use wasip3::{wit_future, wit_stream};

/// Sends through the host.
pub struct WasiHttp;

impl Transport for WasiHttp {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let (outgoing, mut contents, trailers) = open(&request)?;
        let body = request.body;
        let write_body = async move {
            // What the host does not take it has refused; the answer of `send` says why.
            contents.write_all(body).await;
            drop(contents);
            let _ = trailers.write(Ok(None)).await;
        };
        let (answer, ()) = futures::join!(client::send(outgoing), write_body);
        read(answer?).await
    }
}

type Contents = wasip3::wit_bindgen::StreamWriter<u8>;
type Trailers = wasip3::wit_bindgen::FutureWriter<Result<Option<Fields>, ErrorCode>>;

fn open(request: &Request) -> Result<(WasiRequest, Contents, Trailers), SendError> {
    let refused = |what: &str| SendError::NotSent(format!("the host refused the request's {what}"));
    let url: ::http::Uri = request.url.parse().map_err(|_| refused("URL"))?;
    let headers = request.all_headers().into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes()));
    let headers: Vec<(String, Vec<u8>)> = headers.collect();
    let headers = Fields::from_list(&headers).map_err(|_| refused("headers"))?;
    let (contents, contents_rx) = wit_stream::new();
    let (trailers, trailers_rx) = wit_future::new(|| Ok(None));
    let (outgoing, _transmitted) = WasiRequest::new(headers, Some(contents_rx), trailers_rx, Some(timeouts()));
    let method = match request.method {
        "POST" => Method::Post,
        "GET" => Method::Get,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    };
    let scheme = if url.scheme_str() == Some("http") { Scheme::Http } else { Scheme::Https };
    outgoing.set_method(&method).map_err(|()| refused("method"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| refused("scheme"))?;
    outgoing.set_authority(url.authority().map(|a| a.as_str())).map_err(|()| refused("host"))?;
    outgoing.set_path_with_query(url.path_and_query().map(|p| p.as_str())).map_err(|()| refused("path"))?;
    Ok((outgoing, contents, trailers))
}

/// A host may refuse to take timeouts; its own deadline holds either way.
fn timeouts() -> RequestOptions {
    let limit = u64::try_from(ANSWER_TIMEOUT.as_nanos()).unwrap_or(u64::MAX);
    let options = RequestOptions::new();
    let _ = options.set_connect_timeout(Some(limit));
    let _ = options.set_first_byte_timeout(Some(limit));
    let _ = options.set_between_bytes_timeout(Some(limit));
    options
}

async fn read(answer: WasiResponse) -> Result<Response, SendError> {
    let status = answer.get_status_code();
    let headers = answer.get_headers();
    let header = |name: &str| headers.get(name).into_iter().next().and_then(|value| String::from_utf8(value).ok());
    let content_type = header("content-type");
    let retry_after = header("retry-after").and_then(|value| value.trim().parse().ok());
    drop(headers);
    let (_, received) = wit_future::new(|| Ok(()));
    let (contents, trailers) = WasiResponse::consume_body(answer, received);
    let body = contents.collect().await;
    // The stream also ends when the connection breaks; only the trailers tell the two apart.
    trailers.await.map_err(|code| match SendError::from(code) {
        SendError::NotSent(words) | SendError::OutcomeUnknown(words) => SendError::OutcomeUnknown(words),
    })?;
    Ok(Response { status, content_type, retry_after, body })
}
