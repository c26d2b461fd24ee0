//! What the calls of one plugin share: connections, call permits, and its part of the host's memory.
//!
//! A connection belongs to one shop, and to one request at a time, which owns it: no background task
//! reads or writes it. So the number of written bytes is exact at any time, and a request that is dropped
//! writes nothing more.

use crate::budget::Shared;
use crate::connect::{ConnectError, Connector, HttpConnection, Lookups, Resolver};
use crate::lane::Lane;
use crate::limits::{Limits, MAX_POOLS, POOL_IDLE};
use crate::permissions::{Origin, Permissions};
use http::Uri;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How often idle connections are checked for age and for having been closed.
const SWEEP: Duration = Duration::from_secs(5);

/// How connections are made, for all plugins alike.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) tls: rustls::ClientConfig,
    pub(crate) resolver: Resolver,
}

/// What the calls of one loaded plugin share.
pub(crate) struct PluginResources {
    /// Bounds how many of its calls run at once.
    pub(crate) calls: Arc<Semaphore>,
    /// Computes those that are long.
    pub(crate) lane: Lane,
    /// Bodies that its calls hold, beyond their reservations.
    pub(crate) bytes: Arc<Shared>,
    /// Linear memory of its instances, beyond their reservations.
    pub(crate) memory: Arc<Shared>,
    network: Network,
    lookups: Lookups,
    connections: Arc<Connections>,
    pools: Mutex<HashMap<String, (Arc<ConnectionPool>, Instant)>>,
}

impl PluginResources {
    pub(crate) fn new(network: Network, limits: &Limits) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(limits.plugin_calls)),
            lane: Lane::new(),
            bytes: Shared::new(limits.plugin_bytes),
            memory: Shared::new(limits.plugin_memory),
            lookups: Lookups::new(network.resolver.clone()),
            network,
            connections: Arc::new(Connections {
                sockets: Arc::new(Semaphore::new(limits.plugin_connections)),
                idle: Mutex::default(),
            }),
            pools: Mutex::default(),
        }
    }

    /// New, empty resources on the same network.
    pub(crate) fn fresh(&self, limits: &Limits) -> Self {
        Self::new(self.network.clone(), limits)
    }

    /// The connections of `shop`.
    pub(crate) fn pool(&self, shop: &str, permissions: &Permissions, limits: &Limits) -> Arc<ConnectionPool> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((pool, used)) = pools.get_mut(shop) {
            *used = Instant::now();
            return Arc::clone(pool);
        }
        if pools.len() >= MAX_POOLS
            && let Some(unused) = pools.iter().min_by_key(|(_, (_, used))| *used).map(|(shop, _)| shop.clone())
        {
            pools.remove(&unused);
        }
        let pool = Arc::new(ConnectionPool::new(shop, permissions, limits, self));
        pools.insert(shop.to_owned(), (Arc::clone(&pool), Instant::now()));
        pool
    }
}

/// The connections of one shop through one plugin.
pub(crate) struct ConnectionPool {
    shop: Arc<str>,
    connector: Connector,
    connections: Arc<Connections>,
}

impl ConnectionPool {
    fn new(shop: &str, permissions: &Permissions, limits: &Limits, resources: &PluginResources) -> Self {
        let mut tls = resources.network.tls.clone();
        // A ticket from one shop's session must not resume another's.
        tls.resumption = rustls::client::Resumption::in_memory_sessions(permissions.origins.len().max(1) * 2);
        let connector = Connector {
            lookups: resources.lookups.clone(),
            private: permissions.private_addresses.clone().into(),
            tls: Arc::new(tls).into(),
            limit: limits.connect,
        };
        Self { shop: shop.into(), connector, connections: Arc::clone(&resources.connections) }
    }

    /// An idle connection to `origin`, or a new one to `url`, which is of that origin.
    pub(crate) async fn connection(&self, origin: &Origin, url: &Uri) -> Result<HttpConnection, ConnectError> {
        while let Some(mut connection) = self.connections.take(&self.shop, origin) {
            if connection.is_quiet() {
                return Ok(connection);
            }
        }
        self.open(url).await
    }

    /// A new connection to `url`, which is of `origin`. It takes the place of an idle one: else idle
    /// connections would pile up unused.
    pub(crate) async fn fresh_connection(&self, origin: &Origin, url: &Uri) -> Result<HttpConnection, ConnectError> {
        drop(self.connections.take(&self.shop, origin));
        self.open(url).await
    }

    async fn open(&self, url: &Uri) -> Result<HttpConnection, ConnectError> {
        let socket = self.connections.acquire_socket().await;
        self.connector.open(url, socket).await
    }

    /// Keeps `connection` for the next request of this shop to `origin`.
    pub(crate) fn keep(&self, origin: Origin, connection: HttpConnection) {
        self.connections.keep(Idle { shop: Arc::clone(&self.shop), origin, connection, since: Instant::now() });
    }
}

/// The connections of one plugin, all shops together.
struct Connections {
    sockets: Arc<Semaphore>,
    idle: Mutex<IdleConnections>,
}

/// Connections that no request uses, the one that is idle longest first.
#[derive(Default)]
struct IdleConnections {
    connections: Vec<Idle>,
    /// Whether the task that closes old ones is running.
    swept: bool,
}

struct Idle {
    shop: Arc<str>,
    origin: Origin,
    connection: HttpConnection,
    since: Instant,
}

impl Connections {
    /// The connection of `shop` to `origin` that was used last: it is the least likely to be closed.
    fn take(&self, shop: &str, origin: &Origin) -> Option<HttpConnection> {
        let mut idle = self.idle();
        let index = idle.connections.iter().rposition(|idle| &*idle.shop == shop && idle.origin == *origin)?;
        let idle = idle.connections.remove(index);
        (idle.since.elapsed() < POOL_IDLE).then_some(idle.connection)
    }

    /// A socket that may be opened. Where all are taken, the connection that was idle longest is closed.
    async fn acquire_socket(&self) -> OwnedSemaphorePermit {
        if let Ok(socket) = Arc::clone(&self.sockets).try_acquire_owned() {
            return socket;
        }
        drop(self.oldest());
        let socket = Arc::clone(&self.sockets).acquire_owned().await;
        #[expect(clippy::expect_used, reason = "the semaphore is never closed")]
        socket.expect("the semaphore is never closed")
    }

    fn oldest(&self) -> Option<Idle> {
        let mut idle = self.idle();
        (!idle.connections.is_empty()).then(|| idle.connections.remove(0))
    }

    fn keep(self: &Arc<Self>, connection: Idle) {
        // Where all sockets are taken a request may be waiting for one: close the connection that is idle
        // longest, or this one.
        if self.sockets.available_permits() == 0 && self.oldest().is_none() {
            return;
        }
        let mut idle = self.idle();
        idle.connections.push(connection);
        if !std::mem::replace(&mut idle.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    fn idle(&self) -> MutexGuard<'_, IdleConnections> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what is idle for too long, or was closed by the other side, until nothing is idle.
async fn sweep(connections: Weak<Connections>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(connections) = connections.upgrade() else { return };
        let mut idle = connections.idle();
        idle.connections.retain_mut(|idle| idle.since.elapsed() < POOL_IDLE && idle.connection.is_quiet());
        if idle.connections.is_empty() {
            idle.swept = false;
            return;
        }
    }
}
