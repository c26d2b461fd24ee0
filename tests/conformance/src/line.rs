//! The kit's own gateways: bare servers on loopback, one for each way to answer or to fail.
//!
//! Each has a port of its own, so that every fault can be tried at once and what arrives at one is
//! known to belong to it. They speak no provider's language: whatever a plugin makes of them, a
//! success it cannot be.

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
    origin: Origin,
    kept: Arc<Mutex<Vec<u8>>>,
    open: Open,
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
    /// Opens a line on a free port.
    pub async fn open(does: Does) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let origin = format!("http://{}", socket.local_addr()?).parse().map_err(io::Error::other)?;
        let kept = Arc::new(Mutex::default());
        let open = match does {
            Does::Refuses => Open::Refusing(socket),
            // Room for a batch of a thousand that all connect at once.
            _ => Open::Accepting(tokio::spawn(accept(socket.listen(1024)?, does, Arc::clone(&kept)))),
        };
        Ok(Self { origin, kept, open })
    }

    /// Where it is.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether `text` stands in what was received.
    pub fn received(&self, text: &str) -> bool {
        lock(&self.kept).windows(text.len()).any(|part| part == text.as_bytes())
    }
}

fn lock(kept: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, does: Does, kept: Arc<Mutex<Vec<u8>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        if does != Does::Closes {
            tokio::spawn(serve(stream, does, Arc::clone(&kept)));
        }
    }
}

/// Serves one connection; an error is a client that left, or a line that cut it.
async fn serve(mut stream: TcpStream, does: Does, kept: Arc<Mutex<Vec<u8>>>) {
    let _ = stream.set_nodelay(true);
    while let Ok(request) = read_request(&mut stream).await {
        keep(&kept, &request);
        if answer(&mut stream, does).await.is_err() {
            return;
        }
    }
}

fn keep(kept: &Mutex<Vec<u8>>, request: &[u8]) {
    let mut kept = lock(kept);
    let room = MAX_KEPT.saturating_sub(kept.len());
    kept.extend(request.iter().take(room));
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
    let head = request.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Some(head + body.unwrap_or(0))
}

async fn answer(stream: &mut TcpStream, does: Does) -> io::Result<()> {
    let end = || Err(io::ErrorKind::ConnectionAborted.into());
    match does {
        Does::Refuses | Does::Closes | Does::ReadsAndCloses => end(),
        Does::ReadsAndWaits => stream.read_u8().await.map(|_| ()),
        Does::Cuts(body) => {
            stream.write_all(&head("200 OK", &["content-type: text/xml"], body.len())).await?;
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
