//! What a visitor's browser or program sends, without a browser: pages, forms and calls of the API.

use crate::served::{ADMINISTRATOR, PASSWORD, Served};
use serde_json::Value;

/// A visitor, who follows no redirect.
pub struct Visitor {
    agent: ureq::Agent,
    /// Where the platform answers; the same visitor may go to another process of it.
    pub url: String,
    cookies: Vec<String>,
}

/// An answer.
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// Where it leads, without the place within that page.
    pub location: String,
    /// The body.
    pub text: String,
}

impl Page {
    /// The value of the form's field `name`.
    pub fn field(&self, name: &str) -> String {
        let marked = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&marked).unwrap_or_else(|| panic!("no {name}: {}", self.text));
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

impl Visitor {
    /// A visitor of `served` who has not signed in.
    pub fn of(served: &Served) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        Self { agent: config.into(), url: served.url.clone(), cookies: Vec::new() }
    }

    fn answer(&mut self, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Page {
        let mut response = response.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            let name = format!("{}=", cookie.split('=').next().unwrap());
            self.cookies.retain(|known| !known.starts_with(&name));
            self.cookies.push(cookie);
        }
        let location = response.headers().get("location").map_or("", |location| location.to_str().unwrap());
        let location = location.split('#').next().unwrap_or_default().to_owned();
        Page { status: response.status().as_u16(), location, text: response.body_mut().read_to_string().unwrap() }
    }

    /// The page at `path`.
    pub fn get(&mut self, path: &str) -> Page {
        let request = self.agent.get(format!("{}{path}", self.url)).header("cookie", self.cookies.join("; "));
        let response = request.header("accept-language", "ja").call();
        self.answer(response)
    }

    /// Sends a form.
    pub fn post(&mut self, path: &str, kind: &str, body: &[u8]) -> Page {
        let request = self.agent.post(format!("{}{path}", self.url)).header("cookie", self.cookies.join("; "));
        let response = request.header("accept-language", "ja").header("content-type", kind).send(body);
        self.answer(response)
    }

    /// Signs in as the administrator.
    pub fn sign_in(&mut self) {
        let csrf = self.get("/signin").field("csrf");
        let form = format!("csrf={csrf}&name={ADMINISTRATOR}&password={PASSWORD}&next=%2F");
        assert_eq!(self.post("/signin", "application/x-www-form-urlencoded", form.as_bytes()).status, 303);
    }

    /// Sends the form of the import page.
    pub fn import(&mut self, fields: &[(&str, &str)], file: Option<&[u8]>) -> Page {
        let csrf = self.get("/import").field("csrf");
        let part = |name: &str| format!("--limit\r\ncontent-disposition: form-data; name=\"{name}\"");
        let mut body = format!("{}\r\n\r\n{csrf}\r\n", part("csrf")).into_bytes();
        for (name, value) in fields {
            body.extend(format!("{}\r\n\r\n{value}\r\n", part(name)).into_bytes());
        }
        if let Some(bytes) = file {
            body.extend(format!("{}; filename=\"orders.csv\"\r\n\r\n", part("file")).into_bytes());
            body.extend([bytes, b"\r\n"].concat());
        }
        body.extend(b"--limit--\r\n");
        self.post("/import", "multipart/form-data; boundary=limit", &body)
    }

    /// A new token of the API with this role.
    pub fn token(&mut self, role: &str) -> String {
        let csrf = self.get("/users").field("csrf");
        let form = format!("csrf={csrf}&name=files&role={role}");
        let issued = self.post("/tokens", "application/x-www-form-urlencoded", form.as_bytes());
        let page = self.get(&issued.location);
        let (_, rest) = page.text.split_once("<code>").expect("the token");
        rest.split('<').next().unwrap_or_default().to_owned()
    }

    /// What the API has at `path`.
    pub fn read(&self, token: &str, path: &str) -> Value {
        let request = self.agent.get(format!("{}/api/v1/{path}", self.url));
        let mut response = request.header("authorization", format!("Bearer {token}")).call().unwrap();
        serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// The API's answer to `body` at `path`.
    pub fn write(&self, token: &str, path: &str, body: &Value) -> Value {
        let request = self.agent.post(format!("{}/api/v1/{path}", self.url));
        let request = request.header("authorization", format!("Bearer {token}")).header("idempotency-key", "one");
        let mut response = request.header("content-type", "application/json").send(body.to_string()).unwrap();
        serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// A call of the API that takes a file in.
    pub fn call(&self, token: &str, query: &str, key: &str, bytes: &[u8]) -> (u16, Value) {
        let request = self.agent.post(format!("{}/api/v1/imports?mall=honten&{query}", self.url));
        let request = request.header("authorization", format!("Bearer {token}")).header("idempotency-key", key);
        let mut response =
            request.header("accept-language", "en").header("content-type", "text/csv").send(bytes).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}")))
    }
}
