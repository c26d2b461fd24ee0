//! A connector as an HTTP service of its own: the platform sends an order as JSON over loopback, the service runs
//! the provider's native code, and answers with JSON.

use crate::native::{Pool, credit};
use crate::samples;
use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use provider_host::contract::Order;
use std::io::Read;
use tokio::net::TcpListener;

/// Serves until standard input ends; prints the address first. The gateway is at `gateway`.
pub async fn serve(gateway: String) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let (pool, base) = (Pool::new(&gateway, None), format!("http://{gateway}"));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (pool, base) = (pool.clone(), base.clone());
        let service = service_fn(move |request| answer(pool.clone(), base.clone(), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(pool: Pool, base: String, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let order: Order = serde_json::from_slice(&request.into_body().collect().await?.to_bytes())?;
    credit(&pool, &base, samples::to_sdk(order)).await?;
    let body = serde_json::json!({ "verdict": "approved" }).to_string();
    Ok(Response::new(Full::new(body.into())))
}

/// Has the connector behind `pool` register `order`.
pub async fn ask(pool: &Pool, order: &Order) -> Result<()> {
    let request = Request::post("/credit").header("host", "connector").header("content-type", "application/json");
    let request = request.body(Full::new(serde_json::to_vec(order)?.into()))?;
    let answer = pool.send(request).await?;
    let answer: serde_json::Value = serde_json::from_slice(answer.body())?;
    anyhow::ensure!(answer["verdict"] == "approved", "the connector answered {answer}");
    Ok(())
}
