//! The real providers' plugins and what their simulated gateways answer, byte by byte.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use crate::common::{load_at, order, read_message};
use gateways::{Gateway, Options};
use provider_host::contract::{Decision, Setting, Verdict};
use provider_host::{Account, Answer, Host, Limits};
use std::path::Path;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// A shop of the sample files at the provider `id`, whose gateway is at `base`.
pub(crate) fn shop(id: &str, base: &str) -> Account {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../host-demo/samples/mall-{id}.toml"));
    let mall: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let settings = mall["settings"].as_table().unwrap().iter();
    let setting = |(key, value): (&String, &toml::Value)| Setting {
        key: key.clone(),
        value: if key == "base-url" { base.to_owned() } else { value.as_str().unwrap().to_owned() },
    };
    // A shop for each gateway, as in a platform: no connection is another's.
    Account::new(base, settings.map(setting).collect())
}

/// What the simulated gateway of the provider answers to [`order`]: the bytes, as they came.
pub(crate) async fn approval(id: &str, limits: Limits) -> Vec<u8> {
    let gateway = Gateway::start(gateways::by_id(id).unwrap(), Options::default()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let address = gateway.origin().trim_start_matches("http://").to_owned();
    let relay = tokio::spawn(async move {
        let mut client = listener.accept().await.unwrap().0;
        let request = read_message(&mut client).await.unwrap();
        let mut server = TcpStream::connect(address).await.unwrap();
        server.write_all(&request).await.unwrap();
        let answer = read_message(&mut server).await.unwrap();
        client.write_all(&answer).await.unwrap();
        answer
    });
    let base = gateway.base().replace(&gateway.origin(), &origin);
    let host = Host::builder().limits(limits).build().unwrap();
    let answer = load_at(&host, id, &[origin]).await.credit(&shop(id, &base), vec![order()]).await;
    assert!(is_approved(&answer), "{id}: {:?}", answer.rows);
    relay.await.unwrap()
}

pub(crate) fn is_approved(answer: &Answer<Decision>) -> bool {
    matches!(&answer.rows[..], [Ok(Decision { verdict: Verdict::Approved, .. })])
}
