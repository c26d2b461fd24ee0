//! A load balancer in front of processes of a platform: each request goes to another one than the request before.

use crate::relay::request;
use anyhow::{Context, Result};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A balancer; it goes on until the test program ends.
pub struct Balancer {
    /// Where it answers, without a slash at the end.
    pub url: String,
    passed: Arc<[AtomicUsize]>,
}

impl Balancer {
    /// In front of the processes that answer at `urls`.
    pub fn before(urls: &[&str]) -> Result<Self> {
        let addresses = urls.iter().map(|url| url.strip_prefix("http://").context("a platform of a test speaks HTTP"));
        let addresses: Vec<_> = addresses.map(|address| address.map(str::to_owned)).collect::<Result<_>>()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let passed: Arc<[AtomicUsize]> = urls.iter().map(|_| AtomicUsize::new(0)).collect();
        let (counts, turn) = (Arc::clone(&passed), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (addresses, counts, turn) = (addresses.clone(), Arc::clone(&counts), Arc::clone(&turn));
                // A browser opens connections that it may not use, so whose turn it is shows when a request comes.
                thread::spawn(move || {
                    let mut client = client;
                    let request = request(&mut client)?;
                    let turn = turn.fetch_add(1, Ordering::Relaxed) % addresses.len();
                    if let (Some(address), Some(count)) = (addresses.get(turn), counts.get(turn)) {
                        count.fetch_add(1, Ordering::Relaxed);
                        pass(&mut client, &request, address)?;
                    }
                    anyhow::Ok(())
                });
            }
        });
        Ok(Self { url, passed })
    }

    /// How many requests each process was given.
    pub fn passed(&self) -> Vec<usize> {
        self.passed.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

/// Sends `request` on a connection of its own, and hands on the answer as it comes, to its end.
fn pass(client: &mut TcpStream, request: &[u8], address: &str) -> Result<()> {
    let head = request.windows(4).position(|bytes| bytes == b"\r\n\r\n").context("a request has a head")?;
    let (head, body) = request.split_at(head);
    let head = String::from_utf8_lossy(head);
    let kept = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let head: String = kept.map(|line| format!("{line}\r\n")).collect();
    let mut process = TcpStream::connect(address)?;
    process.write_all(&[format!("{head}connection: close").as_bytes(), body].concat())?;
    std::io::copy(&mut process, client)?;
    Ok(())
}
