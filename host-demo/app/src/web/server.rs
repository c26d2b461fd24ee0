//! Serving until the program is told to stop.

use crate::web::state::App;
use axum_server::Handle;
use service::providers::current;
use service::worker::{Worker, told_to_stop};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long open requests may take once the program is told to stop: longer than a call of a plugin.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(45);

impl App {
    /// Serves and runs the worker until the program is told to stop. Requests and calls that have begun are finished
    /// first.
    ///
    /// # Errors
    ///
    /// The listener cannot be used, or the worker panicked.
    pub async fn serve(&self, listener: std::net::TcpListener) -> std::io::Result<()> {
        let worker = Worker { service: self.credit.clone(), wake: Arc::clone(&self.wake) };
        let working = tokio::spawn(async move { worker.run().await });
        let app = self.clone();
        let following = tokio::spawn(async move { current::follow(&app.plugins, &app.registry).await });
        let handle = Handle::new();
        let (server, running, lease) = (handle.clone(), self.running.clone(), Arc::clone(&self.credit.lease));
        tokio::spawn(async move {
            told_to_stop().await;
            lease.stop();
            // Requests that begin from here on are still finished. Streams of progress end: the browser asks again.
            running.close();
            server.graceful_shutdown(Some(SHUTDOWN_TIMEOUT));
        });
        // HTTP/1 only: the detection of HTTP/2 would wait for an idle connection without a timeout.
        let mut server = axum_server::from_tcp(listener)?.handle(handle).http1_only();
        server.http_builder().http1().header_read_timeout(self.request_timeout);
        server.serve(self.router().into_make_service_with_connect_info::<SocketAddr>()).await?;
        following.abort();
        working.await.map_err(std::io::Error::other)?;
        self.running.wait().await;
        Ok(())
    }
}
