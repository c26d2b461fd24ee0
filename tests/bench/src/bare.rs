//! wasmtime without the host around it: the same component, and a choice of transports. It tells what of a call's
//! cost is wasmtime's and what is ours, and what wasmtime's own transport would cost.

use crate::native::{Pool, dial};
use crate::samples;
use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use provider_host::bindings::HostView;
use provider_host::bindings::deferred_payment::provider::{fees, log, types};
use provider_host::bindings::exports::deferred_payment::provider::payment_provider::{Guest, GuestIndices};
use provider_host::contract::{Bill, FeeRule};
use std::path::Path;
use tokio_rustls::TlsConnector;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

/// More than any measured call takes; what is consumed is the difference.
const FUEL: u64 = 1 << 40;

/// How a request leaves.
#[derive(Clone)]
pub enum Transport {
    /// Over the native floor's pool.
    Pooled(Pool),
    /// As wasmtime-wasi-http sends by default.
    #[cfg(feature = "peers")]
    Default,
    /// The same steps with the gateway's certificate for root instead of the web's: a connection and a handshake
    /// under a configuration of its own for each request.
    DefaultTls {
        /// `127.0.0.1:PORT`.
        address: String,
        /// Whom to trust.
        roots: rustls::RootCertStore,
    },
}

/// How an engine is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// As the host's for components without a place in its pool: each instance's memory comes from the system.
    OnDemand,
    /// Instructions are counted.
    Fueled,
    /// Memories, tables and stacks come out of a pool and keep their pages.
    #[cfg(feature = "peers")]
    Pooling,
}

impl Setup {
    fn config(self) -> Config {
        let mut config = Config::new();
        config.epoch_interruption(self != Self::Fueled).consume_fuel(self == Self::Fueled);
        #[cfg(feature = "peers")]
        if self == Self::Pooling {
            config.allocation_strategy(wasmtime::InstanceAllocationStrategy::Pooling(pool()));
        }
        config
    }
}

/// Bytes of a memory and of a stack that keep their pages: as many as a credit touches.
#[cfg(feature = "peers")]
const RESIDENT: usize = 256 << 10;

#[cfg(feature = "peers")]
fn pool() -> wasmtime::PoolingAllocationConfig {
    let mut pool = wasmtime::PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(RESIDENT).table_keep_resident(RESIDENT).async_stack_keep_resident(RESIDENT);
    pool.pagemap_scan(wasmtime::Enabled::Auto);
    pool
}

/// A compiled component.
pub struct Bare {
    engine: Engine,
    ready: InstancePre<State>,
    provider: GuestIndices,
    setup: Setup,
}

/// An instance that is kept.
pub struct Warm {
    store: Store<State>,
    provider: Guest,
}

impl Bare {
    /// Compiles the component at `path`.
    pub fn load(path: &Path, setup: Setup) -> Result<Self> {
        Self::compile(path, setup).map_err(words)
    }

    fn compile(path: &Path, setup: Setup) -> wasmtime::Result<Self> {
        let engine = Engine::new(&setup.config())?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        HostView::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
        let component = Component::from_file(&engine, path)?;
        let ready = linker.instantiate_pre(&component)?;
        let provider = GuestIndices::new(&ready)?;
        Ok(Self { engine, ready, provider, setup })
    }

    /// A fresh instance.
    pub async fn instance(&self, transport: &Transport) -> Result<Warm> {
        let state = State { table: ResourceTable::new(), http: WasiHttpCtx::new(), hooks: Hooks(transport.clone()) };
        let mut store = Store::new(&self.engine, state);
        if self.setup == Setup::Fueled {
            store.set_fuel(FUEL).map_err(words)?;
        } else {
            store.set_epoch_deadline(u64::MAX / 2);
        }
        let instance = self.ready.instantiate_async(&mut store).await.map_err(words)?;
        let provider = self.provider.load(&mut store, &instance).map_err(words)?;
        Ok(Warm { store, provider })
    }
}

impl Warm {
    /// 与信を実行 for one order at the gateway `base`.
    pub async fn credit(&mut self, base: &str, order: types::Order) -> Result<()> {
        let provider = &self.provider;
        let context = samples::host_context(base);
        let call = async |accessor: &_| provider.call_credit(accessor, context, vec![order]).await;
        let mut rows = self.store.run_concurrent(call).await.flatten().map_err(words)?;
        match rows.pop().context("no row was answered")? {
            Ok(_) => Ok(()),
            Err(failure) => anyhow::bail!("a credit failed: {failure:?}"),
        }
    }

    /// 手数料設定 for one bill.
    pub async fn fee_adjust(&mut self, rule: &FeeRule, bill: &Bill) -> Result<()> {
        let provider = &self.provider;
        let adjusted = provider.call_fee_adjust(&mut self.store, rule, *bill).await.map_err(words)?;
        anyhow::ensure!(adjusted.is_ok_and(|adjusted| adjusted.billed_amount == 1_830), "a wrong fee");
        Ok(())
    }

    /// Instructions of the component so far, where they are counted.
    pub fn fuel(&self) -> Result<u64> {
        Ok(FUEL - self.store.get_fuel().map_err(words)?)
    }
}

/// wasmtime's errors are no standard ones.
fn words(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}

/// What an instance has.
pub struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: Hooks,
}

impl types::Host for State {}
impl fees::Host for State {}
impl log::Host for State {
    fn write(&mut self, _: log::Level, _: String) {}
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

struct Hooks(Transport);

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Result<(hyper::Response<WasiBody>, Io), Error>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: hyper::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        #[cfg(not(feature = "peers"))]
        let _ = options;
        match self.0.clone() {
            Transport::Pooled(pool) => Box::new(pooled(pool, request)),
            #[cfg(feature = "peers")]
            Transport::Default => Box::new(async move {
                let (answer, io) = wasmtime_wasi_http::default_send_request(request, options).await?;
                Ok((answer.map(BodyExt::boxed_unsync), Box::new(io) as Io))
            }),
            Transport::DefaultTls { address, roots } => Box::new(over_tls(address, roots, request)),
        }
    }
}

async fn pooled(pool: Pool, request: hyper::Request<WasiBody>) -> Answer {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let answer = pool.send(hyper::Request::from_parts(head, Full::new(body))).await.map_err(internal)?;
    Ok((answer.map(whole), Box::new(std::future::ready(Ok(())))))
}

fn whole(body: Bytes) -> WasiBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

async fn over_tls(address: String, roots: rustls::RootCertStore, request: hyper::Request<WasiBody>) -> Answer {
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let tls = TlsConnector::from(std::sync::Arc::new(config));
    let stream = dial(&address, Some(&tls)).await.map_err(internal)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = Box::pin(connection);
    let answer = tokio::select! {
        answer = sender.send_request(request) => answer?,
        ended = connection.as_mut() => {
            ended?;
            return Err(Error::ConnectionTerminated);
        }
    };
    let io: Io = Box::new(async move { Ok(connection.await?) });
    Ok((answer.map(|body| body.map_err(Error::from).boxed_unsync()), io))
}

fn internal(error: anyhow::Error) -> Error {
    Error::InternalError(Some(format!("{error:#}")))
}
