//! `wasi:http` 0.2, through the same egress as 0.3.
//!
//! wasmtime's implementation of 0.2 sends each request from a task of its own. Such a task can still write when
//! the call that began it has ended, and then the host would report a request as not sent that is sent a moment
//! later. So the task only waits: the request itself is sent by the future of its call ([`Requests::send`]),
//! beside the plugin, and is dropped with it.

use crate::egress::Egress;
use crate::limits::HTTP_02_CHUNK;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use std::convert::Infallible;
use tokio::sync::{mpsc, oneshot};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// The requests of one call that are to be sent.
pub(crate) struct Requests(mpsc::UnboundedReceiver<BoxFuture<'static, ()>>);

impl Requests {
    /// Sends every request that the call begins. Never ends; dropped with the call.
    pub(crate) async fn send(mut self) -> Infallible {
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(request) = self.0.recv() => running.push(request),
                Some(()) = running.next() => {}
                else => std::future::pending().await,
            }
        }
    }
}

/// The egress of one call, for `wasi:http` 0.2.
pub(crate) struct QueuedEgress {
    egress: Egress,
    /// Requests that were put into the queue: at most as many as a call may make. The handles of a plugin do not bound
    /// them, for it can drop the handle of a request that still waits here.
    begun: usize,
    queue: mpsc::UnboundedSender<BoxFuture<'static, ()>>,
}

impl QueuedEgress {
    pub(crate) fn new(egress: Egress) -> (Self, Requests) {
        let (queue, requests) = mpsc::unbounded_channel();
        (Self { egress, begun: 0, queue }, Requests(requests))
    }
}

type Response = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for QueuedEgress {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_read: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Response, Error>> + Send> {
        if self.begun >= self.egress.limits.requests {
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        self.begun += 1;
        let response = self.egress.send(request, options);
        let (mut sender, receiver) = oneshot::channel();
        let sending = async move {
            let response = tokio::select! {
                response = response => response,
                // The plugin has dropped its request.
                () = sender.closed() => return,
            };
            // Where nobody receives it any more the plugin has dropped it.
            let _ = sender.send(response);
        };
        // The receiver lives as long as the call.
        let _ = self.queue.send(Box::pin(sending));
        Box::new(async move {
            let response = receiver.await.unwrap_or(Err(Error::HttpRequestDenied))?;
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(async { Ok(()) });
            Ok((response, done))
        })
    }

    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        1
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        HTTP_02_CHUNK
    }
}
