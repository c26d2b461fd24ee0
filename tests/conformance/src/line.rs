//! The kit's own gateways: bare servers on loopback, one for each way to answer or to fail.
//!
//! Each has a port of its own, so that every fault can be tried at once and what arrives at one is
//! known to belong to it. They speak no provider's language: whatever a plugin makes of them, a
//! success it cannot be.

use crate::words::Words;
use provider_host::Origin;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// Most bytes of a request that are read: more than the host lets out.
const MAX_REQUEST: usize = 8 << 20;
/// Bytes of requests that one line keeps; the checks look for one of a few requests.
const MAX_KEPT: usize = 1 << 20;
/// Between two bytes of a body that drips: far below any limit on silence.
const DRIP: Duration = Duration::from_millis(50);
/// What a body that floods amounts to; see [`crate::limits`].
const FLOOD: usize = 4 << 20;

/// What a line does with every connection or request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// There is nobody on the port.
    Refuses,
    /// Accepts, and closes before reading.
    Closes,
    /// Reads the request, and closes.
    ReadsAndCloses,
    /// Reads the request, and never answers.
    ReadsAndWaits,
    /// Answers 200 with this body, half of it, and closes.
    Cuts(&'static str),
    /// Answers 200 with a body that never ends, byte by byte.
    Drips,
    /// Answers 200 with a body of [`FLOOD`] blanks.
    Floods,
    /// Answers with this status, these further headers and this body.
    Answers(&'static str, &'static [&'static str], &'static [u8]),
}

/// A running line. Dropping it ends it.
pub struct Line {
    name: &'static str,
    does: Does,
    origin: Origin,
    kept: Arc<Mutex<Kept>>,
    open: Open,
}

/// Requests that arrived, the first [`MAX_KEPT`] bytes of them.
#[derive(Default)]
struct Kept {
    requests: Vec<Vec<u8>>,
    bytes: usize,
}

enum Open {
    /// Bound and not listening: the port stays ours, and connections to it are refused.
    Refusing(#[expect(dead_code, reason = "held for its port")] TcpSocket),
    Accepting(JoinHandle<()>),
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Open::Accepting(task) = &self.open {
            task.abort();
        }
    }
}

impl Line {
    /// Opens a line on a free port, for the fault `name`.
    pub async fn open(name: &'static str, does: Does) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let origin = format!("http://{}", socket.local_addr()?).parse().map_err(io::Error::other)?;
        let kept = Arc::new(Mutex::default());
        let open = match does {
            Does::Refuses => Open::Refusing(socket),
            // Room for a batch of a thousand that all connect at once.
            _ => Open::Accepting(tokio::spawn(accept(socket.listen(1024)?, does, Arc::clone(&kept)))),
        };
        Ok(Self { name, does, origin, kept, open })
    }

    /// The fault that it shows.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it answers, for people.
    pub fn answer(&self) -> Words {
        self.does.shown()
    }

    /// Where it is.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether `text` stands in what was received.
    pub fn received(&self, text: &str) -> bool {
        lock(&self.kept).requests.iter().any(|request| contains(request, text))
    }

    /// A request to `path` with a body of `length` bytes as it arrived, if one did. Calls go on side by side: one
    /// that names `reference` is preferred.
    pub fn request(&self, path: &str, length: usize, reference: &str) -> Option<String> {
        let kept = lock(&self.kept);
        let fits = |request: &&Vec<u8>| {
            target(request) == path && whole_length(request) == Some(head_length(request) + length)
        };
        let fitting: Vec<_> = kept.requests.iter().filter(fits).collect();
        let named = fitting.iter().find(|request| !reference.is_empty() && contains(request, reference));
        named.or(fitting.last()).map(|request| String::from_utf8_lossy(request).replace("\r\n", "\n"))
    }
}

fn contains(request: &[u8], text: &str) -> bool {
    request.windows(text.len()).any(|part| part == text.as_bytes())
}

/// The path of a request, without the query.
fn target(request: &[u8]) -> String {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    String::from_utf8_lossy(path).into_owned()
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, does: Does, kept: Arc<Mutex<Kept>>) {
    while let Ok((stream, _)) = listener.accept().await {
        if does != Does::Closes {
            tokio::spawn(serve(stream, does, Arc::clone(&kept)));
        }
    }
}

/// Serves one connection; an error is a client that left, or a line that cut it.
async fn serve(mut stream: TcpStream, does: Does, kept: Arc<Mutex<Kept>>) {
    let _ = stream.set_nodelay(true);
    while let Ok(request) = read_request(&mut stream).await {
        keep(&kept, request);
        if answer(&mut stream, does).await.is_err() {
            return;
        }
    }
}

fn keep(kept: &Mutex<Kept>, request: Vec<u8>) {
    let mut kept = lock(kept);
    if kept.bytes + request.len() <= MAX_KEPT {
        kept.bytes += request.len();
        kept.requests.push(request);
    }
}

/// Head and body of one request, as they came.
async fn read_request(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        if let Some(length) = whole_length(&request)
            && request.len() >= length
        {
            return Ok(request);
        }
        if request.len() > MAX_REQUEST || stream.read_buf(&mut request).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Length of head and body together, once the head is there. The host always says how long a body is.
fn whole_length(request: &[u8]) -> Option<usize> {
    let head = head_length(request);
    if head == 0 {
        return None;
    }
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Some(head + body.unwrap_or(0))
}

/// Length of the head with the blank line behind it; 0 while it is not all there.
fn head_length(request: &[u8]) -> usize {
    request.windows(4).position(|part| part == b"\r\n\r\n").map_or(0, |at| at + 4)
}

impl Does {
    fn shown(self) -> Words {
        let after = |head: Vec<u8>, ja: &str, en: &str| {
            let head = String::from_utf8_lossy(&head).replace("\r\n", "\n");
            Words::new(format!("{head}（{ja}）"), format!("{head}({en})"))
        };
        match self {
            Self::Refuses => after(Vec::new(), "接続を拒否した", "refused the connection"),
            Self::Closes => after(Vec::new(), "要求を読まずに切った", "closed without reading"),
            Self::ReadsAndCloses => {
                after(Vec::new(), "要求を読み、応答せずに切った", "read it and closed without an answer")
            }
            Self::ReadsAndWaits => after(Vec::new(), "要求を読み、応答しなかった", "read it and never answered"),
            Self::Cuts(body) => {
                let part = [&cut_head(body), &body.as_bytes()[..body.len() / 2]].concat();
                after(part, "ここで切った", "cut here")
            }
            Self::Drips => after(head("200 OK", &[], FLOOD), "1バイトずつ続く", "goes on byte by byte"),
            Self::Floods => after(head("200 OK", &[], FLOOD), "空白が続く", "that many blanks"),
            Self::Answers(status, headers, body) => {
                let whole = [&head(status, headers, body.len()), body].concat();
                Words::same(String::from_utf8_lossy(&whole).replace("\r\n", "\n"))
            }
        }
    }
}

fn cut_head(body: &str) -> Vec<u8> {
    head("200 OK", &["content-type: text/xml"], body.len())
}

async fn answer(stream: &mut TcpStream, does: Does) -> io::Result<()> {
    let end = || Err(io::ErrorKind::ConnectionAborted.into());
    match does {
        Does::Refuses | Does::Closes | Does::ReadsAndCloses => end(),
        Does::ReadsAndWaits => stream.read_u8().await.map(|_| ()),
        Does::Cuts(body) => {
            stream.write_all(&cut_head(body)).await?;
            stream.write_all(&body.as_bytes()[..body.len() / 2]).await?;
            end()
        }
        Does::Drips => {
            stream.write_all(&head("200 OK", &[], FLOOD)).await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(DRIP).await;
            }
        }
        Does::Floods => {
            stream.write_all(&head("200 OK", &[], FLOOD)).await?;
            stream.write_all(&vec![b' '; FLOOD]).await
        }
        Does::Answers(status, headers, body) => {
            stream.write_all(&[&head(status, headers, body.len()), body].concat()).await
        }
    }
}

fn head(status: &str, headers: &[&str], length: usize) -> Vec<u8> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n").into_bytes()
}
