//! A headless Chromium that is driven as a person would drive it, and asked what a screen reader would hear.

use crate::webdriver::{Client, Element};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Debian's program that speaks WebDriver for Chromium.
const DRIVER: &str = "chromedriver";
/// No window, no sandbox of its own (tests run as root), no traffic but ours.
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
/// Something that does not show after this long never will.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a page.
const LOOK: Duration = Duration::from_millis(50);
/// Finds faults of accessibility.
const AXE: &str = include_str!("../vendor/axe.min.js");

/// A browser with a profile of its own; both are gone when it is dropped.
pub struct Browser {
    client: Client,
    driver: Child,
    base: String,
    _profile: TempDir,
}

impl Browser {
    /// A browser that asks for pages of `base` in `lang`, in a window of this size.
    pub async fn start(base: &str, lang: &str, width: u32, height: u32) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let mut driver = Command::new(DRIVER)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {DRIVER}; install the packages chromium and chromium-driver"))?;
        let port = port_of(&mut driver)?;
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        flags.push(format!("--window-size={width},{height}"));
        flags.push(format!("--accept-lang={lang}"));
        let capabilities = json!({ "goog:chromeOptions": { "args": flags } });
        let client =
            Client::connect(&format!("http://127.0.0.1:{port}"), capabilities).context("the browser does not start")?;
        client.set_window_size(width, height)?;
        Ok(Self { client, driver, base: base.to_owned(), _profile: profile })
    }

    /// Opens a path of the platform.
    pub async fn open(&self, path: &str) -> Result<()> {
        self.client.goto(&format!("{}{path}", self.base))
    }

    /// The path that is open, with its query.
    pub async fn path(&self) -> Result<String> {
        Ok(self.client.current_url()?.trim_start_matches(&self.base).to_owned())
    }

    /// Changes the window's size.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.client.set_window_size(width, height)
    }

    /// Opens another window beside those that are open, and goes on there.
    pub async fn open_window(&self) -> Result<()> {
        self.client.switch_to_window(&self.client.new_window()?)
    }

    /// Goes on in the window that was open first.
    pub async fn first_window(&self) -> Result<()> {
        let windows = self.client.windows()?;
        self.client.switch_to_window(windows.first().context("no window is open")?)
    }

    /// The first element that fits, as soon as there is one.
    pub async fn find(&self, css: &str) -> Result<Element> {
        let began = Instant::now();
        loop {
            match self.client.find(css) {
                Ok(found) => return Ok(found),
                Err(error) if began.elapsed() > PATIENCE => return Err(error.context(format!("no {css}"))),
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// How many elements fit now.
    pub async fn count(&self, css: &str) -> Result<usize> {
        self.client.count(css)
    }

    /// The text of the first element that fits.
    pub async fn text(&self, css: &str) -> Result<String> {
        self.find(css).await?.text()
    }

    /// Waits until the text of an element has `part` in it; the whole text.
    pub async fn wait_for(&self, css: &str, part: &str) -> Result<String> {
        let began = Instant::now();
        let mut last = String::new();
        while began.elapsed() < PATIENCE {
            // The page may be replaced between finding and reading.
            if let Ok(text) = self.client.find(css).and_then(|found| found.text()) {
                if text.contains(part) {
                    return Ok(text);
                }
                last = text;
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("{css} never said {part:?}; the last was {last:?} at {}", self.path().await?)
    }

    /// Clicks the first element that fits, scrolled to the middle: panels stick to the edges.
    pub async fn click(&self, css: &str) -> Result<()> {
        let element = self.find(css).await?;
        self.client.execute("arguments[0].scrollIntoView({block:'center'})", vec![element.argument()])?;
        element.click().with_context(|| format!("cannot click {css}"))
    }

    /// Clicks what leads to another page, and waits until that is there.
    pub async fn follow(&self, css: &str) -> Result<()> {
        self.client.execute("window.olderPage = true", Vec::new())?;
        self.click(css).await?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let arrived = "return !window.olderPage && document.readyState === 'complete'";
            if self.client.execute(arrived, Vec::new()).is_ok_and(|arrived| arrived == Value::Bool(true)) {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("{css} led nowhere")
    }

    /// Types into a field, in place of what is there.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        let element = self.find(css).await?;
        element.clear()?;
        element.send_keys(text)
    }

    /// Gives a field a value that nobody can type in one language: dates, files, choices.
    pub async fn choose(&self, css: &str, value: &str) -> Result<()> {
        self.find(css).await?.select_by_value(value)
    }

    /// Chooses a file to upload.
    pub async fn upload(&self, css: &str, path: &Path) -> Result<()> {
        self.find(css).await?.send_keys(&path.canonicalize()?.to_string_lossy())
    }

    /// Says yes to every question that the open page will ask.
    pub async fn accept_questions(&self) -> Result<()> {
        self.client.execute("window.confirm = () => true", Vec::new()).map(drop)
    }

    /// What a script of ours finds out.
    pub async fn ask(&self, script: &str) -> Result<Value> {
        self.client.execute(script, Vec::new())
    }

    /// Every serious or critical fault of accessibility of the page, with the elements that have it.
    pub async fn faults(&self) -> Result<Vec<String>> {
        self.client.execute(AXE, Vec::new())?;
        let run = "const done = arguments[arguments.length - 1]; axe.run(document).then(done, (e) => done({error: String(e)}))";
        let report = self.client.execute_async(run)?;
        if let Some(error) = report.get("error") {
            bail!("axe failed: {error}");
        }
        let serious = |violation: &&Value| matches!(violation["impact"].as_str(), Some("serious" | "critical"));
        let words = |violation: &Value| {
            let nodes = violation["nodes"].as_array().into_iter().flatten();
            let nodes: Vec<_> = nodes.map(|node| node["target"].to_string()).collect();
            format!("{}: {} at {}", violation["id"], violation["help"], nodes.join(" "))
        };
        let violations = report["violations"].as_array().context("axe reports no list")?;
        Ok(violations.iter().filter(serious).map(words).collect())
    }

    /// The page as a PNG: as high as it is, but not higher than `max_height`.
    pub async fn picture(&self, path: &Path, max_height: u32) -> Result<()> {
        let size =
            self.ask("return [innerWidth, document.documentElement.scrollHeight, outerHeight - innerHeight]").await?;
        let [width, height, frame] = [0, 1, 2].map(|at| size[at].as_u64().unwrap_or(0) as u32);
        self.resize(width, height.min(max_height) + frame).await?;
        Ok(std::fs::write(path, self.client.screenshot()?)?)
    }

    /// Ends the session in order.
    pub async fn close(self) -> Result<()> {
        self.client.close()
    }
}

/// The driver says on which port it listens.
fn port_of(driver: &mut Child) -> Result<u16> {
    let stdout = driver.stdout.take().context("the driver has no output")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        let port = line.rsplit_once("successfully on port ").map(|(_, port)| port.trim_end_matches('.'));
        if let Some(port) = port.and_then(|port| port.parse().ok()) {
            return Ok(port);
        }
    }
    bail!("the driver ended before it listened")
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
