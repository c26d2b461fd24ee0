//! A registry that answers as a test tells it, over TLS or without.
#![allow(dead_code, missing_docs, reason = "each test binary uses a part of it")]

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// For a client that waits for more than it gets. Longer than any test.
const STALL: Duration = Duration::from_secs(600);

/// What came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// With the query.
    pub path: String,
    pub authorization: Option<String>,
    pub body: Vec<u8>,
}

/// What is answered.
pub enum Answer {
    /// A status, headers and a body.
    Whole(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The first bytes as they are, then `repeated` for ever.
    Endless { first: &'static str, repeated: &'static str },
    /// These bytes, and the end of the connection.
    Cut(String),
    /// These bytes, and nothing more.
    Stalled(&'static str),
}

impl Answer {
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::Whole(200, Vec::new(), body.into())
    }

    pub fn status(status: u16) -> Self {
        Self::Whole(status, Vec::new(), Vec::new())
    }

    /// 401 with `challenge`.
    pub fn asks(challenge: String) -> Self {
        Self::Whole(401, vec![("www-authenticate", challenge)], Vec::new())
    }

    pub fn redirect(to: String) -> Self {
        Self::Whole(307, vec![("location", to)], Vec::new())
    }
}

/// A server on a port of loopback; it goes on until the test program ends.
pub struct Server {
    /// Host and port.
    pub address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// A server without TLS.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::serve(None, answer)
    }

    /// A server with the certificate of `authority`.
    pub fn start_tls(authority: &Authority, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::serve(Some(authority.server()), answer)
    }

    fn serve(tls: Option<Arc<ServerConfig>>, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("localhost:{}", listener.local_addr().unwrap().port());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, log, answer) = (tls.clone(), Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || match tls {
                    None => converse(stream, &log, &*answer),
                    Some(config) => {
                        converse(StreamOwned::new(ServerConnection::new(config).unwrap(), stream), &log, &*answer);
                    }
                });
            }
        });
        Self { address, seen }
    }

    /// What came so far.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

/// Answers requests until the client leaves.
fn converse(stream: impl Read + Write, log: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Answer) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream) {
        log.lock().unwrap().push(request.clone());
        if write(stream.get_mut(), answer(&request)).is_none() {
            return;
        }
    }
}

fn read(stream: &mut impl BufRead) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        let find = |line: &String| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        lines.iter().find_map(find)
    };
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    let mut words = lines[0].split(' ').map(str::to_owned);
    Some(Request { method: words.next()?, path: words.next()?, authorization: header("authorization"), body })
}

/// Nothing if the connection has had its time.
fn write(stream: &mut impl Write, answer: Answer) -> Option<()> {
    match answer {
        Answer::Whole(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n", body.len());
            headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
            stream.write_all(&[head.as_bytes(), b"\r\n", &body].concat()).ok()?;
            stream.flush().ok()
        }
        Answer::Cut(text) => {
            let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
            None
        }
        Answer::Endless { first, repeated } => {
            stream.write_all(first.as_bytes()).ok()?;
            // Until the client has had enough.
            loop {
                stream.write_all(repeated.as_bytes()).ok()?;
            }
        }
        Answer::Stalled(text) => {
            stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).ok()?;
            std::thread::sleep(STALL);
            None
        }
    }
}

/// An authority that no system trusts, and its certificate for `localhost`.
pub struct Authority {
    folder: tempfile::TempDir,
    key: rcgen::KeyPair,
    certificate: rcgen::Certificate,
}

impl Authority {
    pub fn new(host: &str) -> Self {
        let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), cert.pem()).unwrap();
        Self { folder, key: signing_key, certificate: cert }
    }

    /// The file that names it.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn server(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        Arc::new(builder.with_no_client_auth().with_single_cert(vec![self.certificate.der().clone()], key).unwrap())
    }
}
