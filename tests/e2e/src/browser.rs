//! A headless Chromium that is driven as a person would drive it, and asked what a screen reader would hear.

use anyhow::{Context, Result, bail};
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
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
        let options = json!({ "args": flags });
        let capabilities = [("goog:chromeOptions".to_owned(), options)].into_iter().collect();
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .context("the browser does not start")?;
        client.set_window_size(width, height).await?;
        Ok(Browser { client, driver, base: base.to_owned(), _profile: profile })
    }

    /// Opens a path of the platform.
    pub async fn open(&self, path: &str) -> Result<()> {
        Ok(self.client.goto(&format!("{}{path}", self.base)).await?)
    }

    /// The path that is open, with its query.
    pub async fn path(&self) -> Result<String> {
        let url = self.client.current_url().await?;
        Ok(url.as_str().trim_start_matches(&self.base).to_owned())
    }

    /// Changes the window's size.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        Ok(self.client.set_window_size(width, height).await?)
    }

    /// Opens another window beside those that are open, and goes on there.
    pub async fn open_window(&self) -> Result<()> {
        let opened = self.client.new_window(true).await?;
        Ok(self.client.switch_to_window(opened.handle).await?)
    }

    /// Goes on in the window that was open first.
    pub async fn first_window(&self) -> Result<()> {
        let windows = self.client.windows().await?;
        let first = windows.into_iter().next().context("no window is open")?;
        Ok(self.client.switch_to_window(first).await?)
    }

    /// The first element that fits, as soon as there is one.
    pub async fn find(&self, css: &str) -> Result<Element> {
        self.client
            .wait()
            .at_most(PATIENCE)
            .every(LOOK)
            .for_element(Locator::Css(css))
            .await
            .with_context(|| format!("no {css}"))
    }

    /// How many elements fit now.
    pub async fn count(&self, css: &str) -> Result<usize> {
        Ok(self.client.find_all(Locator::Css(css)).await?.len())
    }

    /// The text of the first element that fits.
    pub async fn text(&self, css: &str) -> Result<String> {
        Ok(self.find(css).await?.text().await?)
    }

    /// Waits until the text of an element has `part` in it; the whole text.
    pub async fn wait_for(&self, css: &str, part: &str) -> Result<String> {
        let began = Instant::now();
        let mut last = String::new();
        while began.elapsed() < PATIENCE {
            // The page may be replaced between finding and reading.
            if let Ok(found) = self.client.find(Locator::Css(css)).await
                && let Ok(text) = found.text().await
            {
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
        let argument = serde_json::to_value(&element)?;
        self.client.execute("arguments[0].scrollIntoView({block:'center'})", vec![argument]).await?;
        element.click().await.with_context(|| format!("cannot click {css}"))
    }

    /// Clicks what leads to another page, and waits until that is there.
    pub async fn follow(&self, css: &str) -> Result<()> {
        self.client.execute("window.olderPage = true", Vec::new()).await?;
        self.click(css).await?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let arrived = "return !window.olderPage && document.readyState === 'complete'";
            if self.client.execute(arrived, Vec::new()).await.is_ok_and(|arrived| arrived == Value::Bool(true)) {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("{css} led nowhere")
    }

    /// Types into a field, in place of what is there.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        let element = self.find(css).await?;
        element.clear().await?;
        Ok(element.send_keys(text).await?)
    }

    /// Gives a field a value that nobody can type in one language: dates, files, choices.
    pub async fn choose(&self, css: &str, value: &str) -> Result<()> {
        Ok(self.find(css).await?.select_by_value(value).await?)
    }

    /// Chooses a file to upload.
    pub async fn upload(&self, css: &str, path: &Path) -> Result<()> {
        Ok(self.find(css).await?.send_keys(&path.canonicalize()?.to_string_lossy()).await?)
    }

    /// Says yes to every question that the open page will ask.
    pub async fn accept_questions(&self) -> Result<()> {
        self.client.execute("window.confirm = () => true", Vec::new()).await?;
        Ok(())
    }

    /// What a script of ours finds out.
    pub async fn ask(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute(script, Vec::new()).await?)
    }

    /// Every serious or critical fault of accessibility of the page, with the elements that have it.
    pub async fn faults(&self) -> Result<Vec<String>> {
        self.client.execute(AXE, Vec::new()).await?;
        let run = "const done = arguments[arguments.length - 1]; axe.run(document).then(done, (e) => done({error: String(e)}))";
        let report = self.client.execute_async(run, Vec::new()).await?;
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
        Ok(std::fs::write(path, self.client.screenshot().await?)?)
    }

    /// Ends the session in order.
    pub async fn close(self) -> Result<()> {
        Ok(self.client.clone().close().await?)
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
