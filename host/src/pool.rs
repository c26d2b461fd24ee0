//! What one plugin shares among its calls: connections, turns, and its part of the host's memory.
//!
//! A connection belongs to one shop, and to one request at a time, which owns it whole: no task in the
//! background reads or writes it. So it is known at any time what a request has written, and a request
//! that is dropped writes nothing more.

use crate::budget::Shared;
use crate::dial::{DialError, Dialer, Line};
use crate::limits::{Limits, MAX_POOLS, POOL_IDLE};
use crate::permissions::{Origin, Permissions};
use http::Uri;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How often idle connections are looked through for those that are old or were closed.
const SWEEP: Duration = Duration::from_secs(5);

/// What one loaded plugin shares among its calls.
pub(crate) struct Share {
    /// Turns of its calls.
    pub(crate) calls: Semaphore,
    /// Bodies that its calls hold, beyond their reservations.
    pub(crate) bytes: Arc<Shared>,
    /// Linear memory of its instances, beyond their reservations.
    pub(crate) memory: Arc<Shared>,
    tls: rustls::ClientConfig,
    connections: Arc<Connections>,
    of_shop: Mutex<HashMap<String, (Arc<Pool>, Instant)>>,
}

impl Share {
    pub(crate) fn new(tls: rustls::ClientConfig, limits: &Limits) -> Self {
        Share {
            calls: Semaphore::new(limits.plugin_calls),
            bytes: Shared::new(limits.plugin_bytes),
            memory: Shared::new(limits.plugin_memory),
            tls,
            connections: Arc::new(Connections {
                sockets: Arc::new(Semaphore::new(limits.plugin_connections)),
                idle: Mutex::default(),
            }),
            of_shop: Mutex::default(),
        }
    }

    /// Another one with nothing in it, under the same roots.
    pub(crate) fn anew(&self, limits: &Limits) -> Self {
        Share::new(self.tls.clone(), limits)
    }

    /// The connections of `shop`.
    pub(crate) fn pool(&self, shop: &str, permissions: &Permissions, limits: &Limits) -> Arc<Pool> {
        let mut pools = self.of_shop.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((pool, used)) = pools.get_mut(shop) {
            *used = Instant::now();
            return Arc::clone(pool);
        }
        if pools.len() >= MAX_POOLS
            && let Some(unused) = pools.iter().min_by_key(|(_, (_, used))| *used).map(|(shop, _)| shop.clone())
        {
            pools.remove(&unused);
        }
        let pool = Arc::new(Pool::new(shop, permissions, limits, &self.tls, &self.connections));
        pools.insert(shop.to_owned(), (Arc::clone(&pool), Instant::now()));
        pool
    }
}

/// The connections of one shop through one plugin.
pub(crate) struct Pool {
    shop: Arc<str>,
    dialer: Dialer,
    connections: Arc<Connections>,
}

impl Pool {
    fn new(
        shop: &str,
        permissions: &Permissions,
        limits: &Limits,
        tls: &rustls::ClientConfig,
        connections: &Arc<Connections>,
    ) -> Self {
        let mut tls = tls.clone();
        // A ticket from one shop's session must not resume another's.
        tls.resumption = rustls::client::Resumption::in_memory_sessions(permissions.origins.len().max(1) * 2);
        let dialer = Dialer {
            private: permissions.private_addresses.clone().into(),
            tls: Arc::new(tls).into(),
            limit: limits.connect,
        };
        Pool { shop: shop.into(), dialer, connections: Arc::clone(connections) }
    }

    /// An idle connection to `origin`, or a new one to `url`, which is of that origin.
    pub(crate) async fn connection(&self, origin: &Origin, url: &Uri) -> Result<Line, DialError> {
        while let Some(mut line) = self.connections.take(&self.shop, origin) {
            if line.is_quiet() {
                return Ok(line);
            }
        }
        self.open(url).await
    }

    /// A new connection to `url`, which is of `origin`. It takes the place of an idle one: else those that
    /// answered would pile up unused.
    pub(crate) async fn fresh_connection(&self, origin: &Origin, url: &Uri) -> Result<Line, DialError> {
        drop(self.connections.take(&self.shop, origin));
        self.open(url).await
    }

    async fn open(&self, url: &Uri) -> Result<Line, DialError> {
        let socket = self.connections.socket().await;
        self.dialer.open(url, socket).await
    }

    /// Keeps `line` for the next request of this shop to `origin`.
    pub(crate) fn keep(&self, origin: Origin, line: Line) {
        self.connections.keep(Idle { shop: Arc::clone(&self.shop), origin, line, since: Instant::now() });
    }
}

/// The connections of one plugin, all shops together.
struct Connections {
    sockets: Arc<Semaphore>,
    idle: Mutex<IdleLines>,
}

/// Connections that no request uses, the one that is idle longest first.
#[derive(Default)]
struct IdleLines {
    lines: Vec<Idle>,
    /// A task looks through them now and then.
    swept: bool,
}

struct Idle {
    shop: Arc<str>,
    origin: Origin,
    line: Line,
    since: Instant,
}

impl Connections {
    /// The connection of `shop` to `origin` that was used last: it is the least likely to be closed.
    fn take(&self, shop: &str, origin: &Origin) -> Option<Line> {
        let mut idle = self.idle();
        let place = idle.lines.iter().rposition(|idle| &*idle.shop == shop && idle.origin == *origin)?;
        let idle = idle.lines.remove(place);
        (idle.since.elapsed() < POOL_IDLE).then_some(idle.line)
    }

    /// A socket that may be opened. Where all are taken, the connection that was idle longest is closed.
    async fn socket(&self) -> OwnedSemaphorePermit {
        if let Ok(socket) = Arc::clone(&self.sockets).try_acquire_owned() {
            return socket;
        }
        drop(self.oldest());
        let socket = Arc::clone(&self.sockets).acquire_owned().await;
        socket.expect("the semaphore is never closed")
    }

    fn oldest(&self) -> Option<Idle> {
        let mut idle = self.idle();
        (!idle.lines.is_empty()).then(|| idle.lines.remove(0))
    }

    fn keep(self: &Arc<Self>, line: Idle) {
        // Where all sockets are taken somebody may be waiting for one: the one that is idle longest, or this.
        if self.sockets.available_permits() == 0 && self.oldest().is_none() {
            return;
        }
        let mut idle = self.idle();
        idle.lines.push(line);
        if !std::mem::replace(&mut idle.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    fn idle(&self) -> MutexGuard<'_, IdleLines> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what is idle for too long, or was closed by the other side, until nothing is idle.
async fn sweep(connections: Weak<Connections>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(connections) = connections.upgrade() else { return };
        let mut idle = connections.idle();
        idle.lines.retain_mut(|idle| idle.since.elapsed() < POOL_IDLE && idle.line.is_quiet());
        if idle.lines.is_empty() {
            idle.swept = false;
            return;
        }
    }
}
