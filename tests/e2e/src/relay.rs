//! A line between platform and gateway on which one request stays for as long as a test wants.

use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// A request that has not arrived on a loopback line after this long is no request.
const PATIENCE: Duration = Duration::from_secs(60);

/// What becomes of the request that is held.
enum Fate {
    Delivered,
    Lost,
}

/// A line that holds the first request that comes over it, whole, and lets all others pass.
pub struct Relay {
    /// Where the platform finds it.
    pub origin: String,
    held: Receiver<()>,
    fate: Sender<Fate>,
    delivered: Receiver<()>,
}

impl Relay {
    /// A line to the gateway at `origin`.
    pub fn to(origin: &str) -> Result<Self> {
        let gateway = origin.strip_prefix("http://").context("a gateway of a test speaks HTTP")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let own = format!("http://{}", listener.local_addr()?);
        let ((is_held, held), (fate, fates), (is_delivered, delivered)) = (channel(), channel(), channel());
        thread::spawn(move || {
            let mut first = Some((is_held, fates, is_delivered));
            for client in listener.incoming().flatten() {
                let (gateway, first) = (gateway.clone(), first.take());
                thread::spawn(move || {
                    let _ = match first {
                        Some((is_held, fates, is_delivered)) => hold(client, &gateway, &is_held, &fates, &is_delivered),
                        None => pass(client, &gateway),
                    };
                });
            }
        });
        Ok(Self { origin: own, held, fate, delivered })
    }

    /// Waits until the request has left the platform.
    pub fn wait_until_held(&self) -> Result<()> {
        self.held.recv_timeout(PATIENCE).context("no request came")
    }

    /// Lets the request arrive, and waits until the gateway has answered it.
    pub fn deliver(&self) -> Result<()> {
        self.fate.send(Fate::Delivered)?;
        self.delivered.recv_timeout(PATIENCE).context("the request was not answered")
    }

    /// Loses the request.
    pub fn lose(&self) -> Result<()> {
        Ok(self.fate.send(Fate::Lost)?)
    }
}

fn hold(
    mut client: TcpStream,
    gateway: &str,
    is_held: &Sender<()>,
    fates: &Receiver<Fate>,
    is_delivered: &Sender<()>,
) -> Result<()> {
    let request = request(&mut client)?;
    is_held.send(())?;
    if let Fate::Delivered = fates.recv()? {
        let mut gateway = TcpStream::connect(gateway)?;
        gateway.write_all(&request)?;
        // The first part of the answer comes when the request is carried out.
        let mut answer = [0; 1024];
        let count = gateway.read(&mut answer)?;
        is_delivered.send(())?;
        client.write_all(&answer[..count])?;
    }
    Ok(())
}

/// A whole request: its head, and the body that the head promises.
pub(crate) fn request(client: &mut TcpStream) -> Result<Vec<u8>> {
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(Ok(0), |length| length.trim().parse())?;
            if request.len() >= head.len() + 4 + length {
                return Ok(request);
            }
        }
        let count = client.read(&mut part)?;
        anyhow::ensure!(count > 0, "the request ended early");
        request.extend_from_slice(&part[..count]);
    }
}

fn pass(client: TcpStream, gateway: &str) -> Result<()> {
    let gateway = TcpStream::connect(gateway)?;
    let (mut from, mut to) = (client.try_clone()?, gateway.try_clone()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (gateway, client);
    std::io::copy(&mut from, &mut to)?;
    let _ = to.shutdown(Shutdown::Write);
    Ok(())
}
