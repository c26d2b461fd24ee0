//! WebDriver, as much of it as the tests use: JSON over plain HTTP to a program on loopback.
//!
//! A client library would bring a URL parser, two sets of Unicode tables and cookies, and with them features of
//! crates that wasmtime is built with: the demo and the tests would each compile it. This needs nothing that is not
//! here already. Requests block; each is answered at once, and a page is waited for by looking again.

use anyhow::{Context, Result, bail};
use base64::Engine;
use serde_json::{Value, json};
use std::sync::Arc;

/// The name under which an element's id is passed, from the standard.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Largest answer: a picture of a long page.
const MAX_ANSWER: u64 = 64 << 20;

/// A browser's session.
#[derive(Clone)]
pub struct Client(Arc<Session>);

struct Session {
    agent: ureq::Agent,
    /// `http://…/session/ID`, or `http://…/session` before there is one.
    url: String,
}

/// An element of the open page.
pub struct Element {
    client: Client,
    id: String,
}

impl Client {
    /// A new session of the driver at `url`, with what the browser is to be capable of.
    pub fn connect(url: &str, capabilities: Value) -> Result<Self> {
        // Errors come as JSON with a status; their words are wanted.
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let none = Self(Arc::new(Session { agent: agent.clone(), url: format!("{url}/session") }));
        let opened = none.post("", json!({ "capabilities": { "alwaysMatch": capabilities } }))?;
        let id = opened["sessionId"].as_str().context("the driver names no session")?;
        Ok(Self(Arc::new(Session { agent, url: format!("{url}/session/{id}") })))
    }

    /// Opens a page.
    pub fn goto(&self, url: &str) -> Result<()> {
        self.post("/url", json!({ "url": url })).map(drop)
    }

    /// The page that is open.
    pub fn current_url(&self) -> Result<String> {
        string(self.get("/url")?)
    }

    /// Changes the window's size.
    pub fn set_window_size(&self, width: u32, height: u32) -> Result<()> {
        self.post("/window/rect", json!({ "width": width, "height": height })).map(drop)
    }

    /// Opens another window; its handle.
    pub fn new_window(&self) -> Result<String> {
        string(self.post("/window/new", json!({ "type": "tab" }))?["handle"].take())
    }

    /// Goes on in the window with this handle.
    pub fn switch_to_window(&self, handle: &str) -> Result<()> {
        self.post("/window", json!({ "handle": handle })).map(drop)
    }

    /// The handles of all windows.
    pub fn windows(&self) -> Result<Vec<String>> {
        Ok(serde_json::from_value(self.get("/window/handles")?)?)
    }

    /// The first element that fits; an error if there is none.
    pub fn find(&self, css: &str) -> Result<Element> {
        self.element(self.post("/element", by(css))?)
    }

    /// How many elements fit.
    pub fn count(&self, css: &str) -> Result<usize> {
        Ok(self.post("/elements", by(css))?.as_array().context("the driver lists no elements")?.len())
    }

    /// What `script` returns.
    pub fn execute(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        self.post("/execute/sync", json!({ "script": script, "args": arguments }))
    }

    /// What `script` gives to the function that is its last argument.
    pub fn execute_async(&self, script: &str) -> Result<Value> {
        self.post("/execute/async", json!({ "script": script, "args": [] }))
    }

    /// The window's content as a PNG.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        Ok(base64::engine::general_purpose::STANDARD.decode(string(self.get("/screenshot")?)?)?)
    }

    /// Ends the session.
    pub fn close(&self) -> Result<()> {
        value(self.0.agent.delete(&self.0.url).call()?).map(drop)
    }

    fn element(&self, found: Value) -> Result<Element> {
        let id = found[ELEMENT].as_str().context("the driver names no element")?.to_owned();
        Ok(Element { client: self.clone(), id })
    }

    fn get(&self, path: &str) -> Result<Value> {
        value(self.0.agent.get(format!("{}{path}", self.0.url)).call()?)
    }

    fn post(&self, path: &str, body: Value) -> Result<Value> {
        let request = self.0.agent.post(format!("{}{path}", self.0.url));
        value(request.content_type("application/json").send(body.to_string())?)
    }
}

impl Element {
    /// Its text, as it shows.
    pub fn text(&self) -> Result<String> {
        string(self.get("text")?)
    }

    /// An attribute, as the page was sent.
    pub async fn attr(&self, name: &str) -> Result<Option<String>> {
        Ok(self.get(&format!("attribute/{name}"))?.as_str().map(str::to_owned))
    }

    /// A property, as it is now.
    pub async fn prop(&self, name: &str) -> Result<Option<String>> {
        Ok(match self.get(&format!("property/{name}"))? {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        })
    }

    /// Clicks it.
    pub fn click(&self) -> Result<()> {
        self.post("click", json!({})).map(drop)
    }

    /// Empties it.
    pub fn clear(&self) -> Result<()> {
        self.post("clear", json!({})).map(drop)
    }

    /// Types into it.
    pub fn send_keys(&self, text: &str) -> Result<()> {
        self.post("value", json!({ "text": text })).map(drop)
    }

    /// Chooses the option of this value.
    pub fn select_by_value(&self, value: &str) -> Result<()> {
        let option = self.post("element", by(&format!("option[value={}]", json!(value))))?;
        self.client.element(option)?.click()
    }

    /// As an argument of a script.
    pub fn argument(&self) -> Value {
        json!({ ELEMENT: self.id })
    }

    fn get(&self, what: &str) -> Result<Value> {
        self.client.get(&format!("/element/{}/{what}", self.id))
    }

    fn post(&self, what: &str, body: Value) -> Result<Value> {
        self.client.post(&format!("/element/{}/{what}", self.id), body)
    }
}

fn by(css: &str) -> Value {
    json!({ "using": "css selector", "value": css })
}

fn string(value: Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("the driver answered {value} instead of text"))
}

/// What an answer carries, or the driver's words.
fn value(mut answer: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let text = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string()?;
    let mut answered: Value = serde_json::from_str(&text).context("the driver's answer is no JSON")?;
    let value = answered["value"].take();
    match value["error"].as_str() {
        Some(error) if !answer.status().is_success() => {
            bail!("{error}: {}", value["message"].as_str().unwrap_or_default())
        }
        _ => Ok(value),
    }
}
