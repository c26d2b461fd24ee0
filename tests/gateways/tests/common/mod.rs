//! Valid requests to change one thing in, and a client that shows the bytes it gets.
#![allow(dead_code, reason = "no test file needs all of it")]

pub mod example_pay;
pub mod kuroneko;
pub mod np;

use bytes::Bytes;
use gateways::Received;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A form.
#[derive(Clone)]
pub struct Form(pub Vec<(String, String)>);

impl Form {
    pub fn new(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    /// With `name` once, as `value`.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.retain(|(key, _)| key != name);
        self.add(name, value)
    }

    /// With one more `name`.
    pub fn add(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        assert!(self.0.iter().any(|(key, _)| key == name), "{name} is not there to be left out");
        self.0.retain(|(key, _)| key != name);
        self
    }

    pub fn body(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// A valid registration, approved at once, of 1,232 yen.
pub fn order(reference: &str) -> Form {
    Form::new(&[
        ("O_ReceiptOrderDate", "2026-04-01"),
        ("O_EnterpriseId", "12345"),
        ("O_SiteId", "678"),
        ("O_ApiUserId", "90"),
        ("O_Ent_OrderId", reference),
        ("O_UseAmount", "1232"),
        ("O_AnotherDeliFlg", "0"),
        ("O_RtOrderStatus", "1"),
        ("C_PostalCode", "150-0001"),
        ("C_UnitingAddress", "東京都渋谷区神宮前9-99-99"),
        ("C_NameKj", "山田 花子"),
        ("C_NameKn", "ヤマダ ハナコ"),
        ("C_Phone", "090-0000-1234"),
        ("C_MailAddress", "hanako@example.jp"),
        ("C_SeparateShipment", "1"),
        ("I_ItemNameKj_1", "木綿のハンカチ"),
        ("I_UnitPrice_1", "300"),
        ("I_ItemNum_1", "2"),
        ("I_ItemNameKj_2", "値引き"),
        ("I_UnitPrice_2", "-100"),
        ("I_ItemNum_2", "1"),
        ("I_TaxRate_2", "10"),
        ("I_ItemCarriage", "500"),
        ("I_ItemCharge", "232"),
    ])
}

/// The ids of every call but registration.
pub fn ids() -> Form {
    Form::new(&[("EnterpriseId", "12345"), ("ApiUserId", "90")])
}

pub fn received(path: &str, body: impl Into<Bytes>) -> Received {
    Received {
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: body.into(),
    }
}

/// What came back until the connection ended, and how it ended.
#[derive(Debug)]
pub struct Seen {
    pub bytes: Vec<u8>,
    pub ended_well: bool,
}

impl Seen {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// 0 if there was no answer.
    pub fn status(&self) -> u16 {
        self.text().split(' ').nth(1).map_or(0, |status| status.parse().unwrap())
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let text = self.text();
        let (head, _) = text.split_once("\r\n\r\n")?;
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        line.split_once(": ").map(|(_, value)| value.to_owned())
    }

    pub fn body(&self) -> &[u8] {
        let end = self.bytes.windows(4).position(|window| window == b"\r\n\r\n");
        end.map_or(&[], |end| &self.bytes[end + 4..])
    }
}

fn head(request: &Received) -> String {
    let headers: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let Received { method, path, body, .. } = request;
    format!(
        "{method} {path} HTTP/1.1\r\nHost: gateway\r\nUser-Agent: tests/1\r\nAccept: */*\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    )
}

/// Connects to an origin.
pub async fn connect(origin: &str) -> std::io::Result<TcpStream> {
    TcpStream::connect(origin.strip_prefix("http://").unwrap()).await
}

/// Sends one request on a connection of its own and reads until it ends.
pub async fn request(origin: &str, request: &Received) -> Seen {
    let mut stream = connect(origin).await.unwrap();
    // Writing fails where the connection is closed unread; what is read then says so.
    let _ = stream.write_all(&[head(request).as_bytes(), &request.body].concat()).await;
    let mut bytes = Vec::new();
    let ended_well = stream.read_to_end(&mut bytes).await.is_ok();
    Seen { bytes, ended_well }
}

/// The same for a form.
pub async fn send(origin: &str, method: &str, path: &str, body: &str) -> Seen {
    request(origin, &Received { method: method.to_owned(), ..received(path, body.to_owned()) }).await
}

pub async fn post(origin: &str, path: &str, form: &Form) -> Seen {
    send(origin, "POST", path, &form.body()).await
}
