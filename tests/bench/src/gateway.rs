//! A gateway that does as little as one can: it answers every registration with the same verdict and the
//! registration's own reference, at once or after a fixed time, in a process of its own.
//!
//! What is measured against it is the caller's own work. The simulators of `tests/gateways` check, record and
//! answer as strictly as the companies do, which takes longer than a whole confined call.

use anyhow::{Context, Result};
use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The field that carries the reference.
const REFERENCE: &[u8] = b"O_Ent_OrderId=";
/// The path that tells [`Stats`] instead of registering.
const STATS: &[u8] = b"GET /stats ";

/// What the gateway has seen.
#[derive(Debug, Clone, Copy)]
pub struct Stats {
    /// Connections accepted so far, without that of this question.
    pub connections: usize,
    /// Registrations read so far.
    pub requests: usize,
}

#[derive(Default)]
struct Counters {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

/// Serves until its standard input ends, so that it never outlives the program that started it. Prints the
/// address first. With `latency` each answer comes that much later; with `certificate_to` it speaks TLS and writes
/// there whom to trust.
pub async fn serve(latency: Duration, certificate_to: Option<PathBuf>) -> Result<()> {
    let tls = certificate_to.map(|path| acceptor(&path)).transpose()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    // Ends the process, for the read cannot be cancelled.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let counters = Arc::new(Counters::default());
    loop {
        let (stream, _) = listener.accept().await?;
        counters.connections.fetch_add(1, Ordering::Relaxed);
        stream.set_nodelay(true)?;
        let (counters, tls) = (counters.clone(), tls.clone());
        tokio::spawn(async move {
            // A caller that leaves is no fault of the gateway's.
            let _ = match tls {
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => answer_all(stream, latency, &counters).await,
                    Err(error) => Err(error),
                },
                None => answer_all(stream, latency, &counters).await,
            };
        });
    }
}

fn acceptor(certificate_to: &Path) -> Result<TlsAcceptor> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    std::fs::write(certificate_to, made.cert.pem())?;
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok(Arc::new(config).into())
}

async fn answer_all<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    latency: Duration,
    counters: &Counters,
) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        let Some(end) = request_end(&buffer) else {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let request = &buffer[..end];
        let answer = if request.starts_with(STATS) {
            let connections = counters.connections.load(Ordering::Relaxed) - 1;
            response("text/plain", &format!("{connections} {}", counters.requests.load(Ordering::Relaxed)))
        } else {
            counters.requests.fetch_add(1, Ordering::Relaxed);
            approved(reference(request))
        };
        if !latency.is_zero() && !request.starts_with(STATS) {
            tokio::time::sleep(latency).await;
        }
        buffer.drain(..end);
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

/// How many bytes the first request of `buffer` has, if it is there whole.
fn request_end(buffer: &[u8]) -> Option<usize> {
    let head = find(buffer, b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let end = head + length.unwrap_or(0);
    (buffer.len() >= end).then_some(end)
}

fn reference(request: &[u8]) -> &str {
    let Some(at) = find(request, REFERENCE) else { return "" };
    let value = &request[at + REFERENCE.len()..];
    let end = value.iter().position(|byte| *byte == b'&').unwrap_or(value.len());
    std::str::from_utf8(&value[..end]).unwrap_or_default()
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// What 後払い.com answers to a registration that it approves at once.
fn approved(reference: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><response><status>success</status><orderId>{reference}</orderId>\
         <systemOrderId>AK0000001</systemOrderId><messages/><orderStatus cd=\"1\">与信OK</orderStatus></response>"
    );
    response("text/xml; charset=utf-8", &body)
}

fn response(content_type: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A child process of this program that prints its address; it ends when this is dropped.
pub struct Process {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
}

impl Process {
    /// Starts this program with `arguments` and waits until it listens.
    pub fn start(arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the gateway")?;
        let mut address = String::new();
        let output = child.stdout.take().context("the gateway has no output")?;
        std::io::BufReader::new(output).read_line(&mut address)?;
        anyhow::ensure!(!address.is_empty(), "the gateway ended before it listened");
        Ok(Self { child, address: address.trim().to_owned() })
    }

    /// The gateway, answering after `latency_ms`.
    pub fn gateway(latency_ms: u64) -> Result<Self> {
        Self::start(&["gateway", "--latency-ms", &latency_ms.to_string()])
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Processor time of the process so far.
    pub fn cpu(&self) -> Result<Duration> {
        crate::measure::cpu_of(self.child.id())
    }

    /// What it has seen so far.
    pub fn stats(&self) -> Result<Stats> {
        let mut stream = std::net::TcpStream::connect(&self.address)?;
        stream.write_all(b"GET /stats HTTP/1.1\r\n\r\n")?;
        let mut answer = Vec::new();
        let mut buffer = [0; 512];
        while request_end(&answer).is_none() {
            let read = stream.read(&mut buffer)?;
            anyhow::ensure!(read > 0, "the gateway tells nothing");
            answer.extend_from_slice(&buffer[..read]);
        }
        let text = String::from_utf8(answer)?;
        let (_, body) = text.split_once("\r\n\r\n").context("the gateway's answer has no body")?;
        let (connections, requests) = body.split_once(' ').context("two numbers were expected")?;
        // Questions come over connections of their own, one for each; they are few, and taken off where it matters.
        Ok(Stats { connections: connections.parse()?, requests: requests.parse()? })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a request costs that carries no meaning: as many bytes as a registration and its answer have, over one
/// kept connection, between two threads that do nothing else.
pub struct Echo {
    stream: std::net::TcpStream,
}

/// Bytes of a registration with its head, and of its answer.
const ECHO: (usize, usize) = (1_100, 330);

impl Echo {
    /// Both ends.
    pub fn start() -> Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let stream = std::net::TcpStream::connect(listener.local_addr()?)?;
        stream.set_nodelay(true)?;
        let (mut other, _) = listener.accept()?;
        other.set_nodelay(true)?;
        std::thread::spawn(move || {
            let mut asked = vec![0; ECHO.0];
            while other.read_exact(&mut asked).is_ok() && other.write_all(&asked[..ECHO.1]).is_ok() {}
        });
        Ok(Self { stream })
    }

    /// There and back once.
    pub fn once(&mut self) -> Result<()> {
        self.stream.write_all(&[b'x'; ECHO.0])?;
        self.stream.read_exact(&mut [0; ECHO.1])?;
        Ok(())
    }
}
