//! The page: serving it with simulated gateways, pictures of it, and its API under thousands of calls.

use crate::{apt, build_programs, plugins, root, run};
use anyhow::{Context, Result, bail};
use clap::Args;
use e2e::browser::Browser;
use e2e::platform::{Platform, sample};
use e2e::served::{ADMINISTRATOR, PASSWORD, Served};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's browser, what drives it, and letters for Japanese.
const BROWSER_PACKAGES: [&str; 3] = ["chromium", "chromium-driver", "fonts-noto-cjk"];
const DRIVER: &str = "/usr/bin/chromedriver";
/// Python's environment for the fuzzer: it touches nothing of the machine's own.
const FUZZER: &str = "target/schemathesis";
/// The fuzzer's package and version: another one may call other things faults.
const FUZZER_PACKAGE: &str = "schemathesis==4.32.5";
/// What is asserted of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,unsupported_method,missing_required_header,ignored_auth,\
                      negative_data_rejection";

/// Makes sure that the tests find a browser.
pub fn install_browser() -> Result<()> {
    let there = || Path::new(DRIVER).exists();
    if there() || (apt::install(&BROWSER_PACKAGES) && there()) {
        return Ok(());
    }
    bail!("the tests need a browser; run `apt-get install {}` as root and try again", BROWSER_PACKAGES.join(" "))
}

/// Builds what the page needs besides itself, and serves it from `var/`.
#[derive(Args)]
pub struct ServeOptions {
    /// Arguments of `host-demo serve`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// The platform with simulated gateways, until it is stopped.
pub fn serve(options: &ServeOptions) -> Result<()> {
    plugins::build()?;
    run(host_demo()?.args(["serve", "--sandbox"]).args(&options.arguments))
}

/// Builds the platform, and runs a command of it.
#[derive(Args)]
pub struct PlatformOptions {
    /// Command and arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    arguments: Vec<String>,
}

/// A command of the platform on the store that [`serve`] serves.
pub fn platform(options: &PlatformOptions) -> Result<()> {
    run(host_demo()?.args(&options.arguments))
}

fn host_demo() -> Result<Command> {
    build_programs()?;
    let mut platform = Command::new(e2e::program("host-demo")?);
    platform.current_dir(root());
    Ok(platform)
}

fn build() -> Result<()> {
    plugins::build()?;
    build_programs()
}

/// Pages that have pictures: the file's name and the address.
const PICTURES: [(&str, &str); 7] = [
    ("orders", "/orders"),
    ("batch", "/batches/1"),
    ("order", "/orders/14"),
    ("correct", "/orders/14/edit"),
    ("mall", "/malls/mihon"),
    ("providers", "/providers"),
    ("audit", "/audit"),
];
/// The window: what an operator's screen shows at least.
const WINDOW: (u32, u32) = (1440, 900);
/// A window of a telephone's width.
const NARROW: (u32, u32) = (480, 900);
/// Pictures of a long page end here.
const MAX_HEIGHT: u32 = 1_500;

/// Pictures of the main pages in both languages, into `docs/pictures`.
pub fn screenshots() -> Result<()> {
    install_browser()?;
    build()?;
    let folder = root().join("docs/pictures");
    std::fs::create_dir_all(&folder)?;
    let served = Served::start(Platform::new(&fresh("target/screenshots")?, "ja")?)?;
    block_on(async {
        for lang in ["ja", "en"] {
            let browser = Browser::start(&served.url, lang, WINDOW.0, WINDOW.1).await?;
            sign_in(&browser).await?;
            if lang == "ja" {
                first_day(&browser, &folder).await?;
            }
            for (name, path) in PICTURES {
                browser.resize(WINDOW.0, WINDOW.1).await?;
                browser.open(path).await?;
                browser.picture(&folder.join(format!("{name}-{lang}.png")), MAX_HEIGHT).await?;
            }
            for (suffix, (width, height)) in [("", WINDOW), ("-narrow", NARROW)] {
                browser.resize(width, height).await?;
                mapping(&browser).await?;
                browser.picture(&folder.join(format!("mapping{suffix}-{lang}.png")), MAX_HEIGHT).await?;
                browser.resize(width, height).await?;
                tracking(&browser).await?;
                browser.picture(&folder.join(format!("tracking{suffix}-{lang}.png")), MAX_HEIGHT).await?;
            }
            browser.resize(NARROW.0, NARROW.1).await?;
            browser.open("/orders/14/edit").await?;
            browser.picture(&folder.join(format!("correct-narrow-{lang}.png")), MAX_HEIGHT).await?;
            browser.close().await?;
        }
        Ok(())
    })?;
    eprintln!("[xtask] pictures in {}", folder.display());
    Ok(())
}

async fn sign_in(browser: &Browser) -> Result<()> {
    browser.open("/signin").await?;
    browser.fill("#name", ADMINISTRATOR).await?;
    browser.fill("#password", PASSWORD).await?;
    browser.follow("main button.main").await
}

/// First steps, a batch of everything, a tracking number.
async fn first_day(browser: &Browser, folder: &Path) -> Result<()> {
    browser.open("/start").await?;
    for lang in ["ja", "en"] {
        browser.picture(&folder.join(format!("start-{lang}.png")), MAX_HEIGHT).await?;
        browser.follow("form[action='/language'] button").await?;
    }
    for _ in 0..3 {
        browser.follow(".steps form button").await?;
    }
    browser.open("/orders").await?;
    browser.click("input[name=scope][value=match]").await?;
    browser.follow("#panel button[value=credit]").await?;
    browser.find("#panel").await?;
    browser.open("/orders/43").await?;
    browser.choose("#t-carrier", "yamato").await?;
    browser.fill("#t-number", "1234-5678-9012").await?;
    browser.follow("#tracking button").await
}

/// A mapping with a sample that was recognised, and what its preset makes of it.
async fn mapping(browser: &Browser) -> Result<()> {
    browser.open("/malls/mihon/mapping").await?;
    browser.upload("#sample", &sample("../service/tests/presets/rakuten.csv")).await?;
    browser.follow(".offer button").await
}

/// What a carrier's file would do, and its rows that are refused.
async fn tracking(browser: &Browser) -> Result<()> {
    browser.open("/import/tracking").await?;
    browser.upload("input[name=file]", &sample("tracking-b2.csv")).await?;
    browser.follow("button[name=do][value=try]").await
}

/// The API against its own document: no server error, no answer that it does not describe.
pub fn api_fuzz() -> Result<()> {
    install_browser()?;
    build()?;
    let python = root().join(FUZZER).join("bin");
    if !python.join("schemathesis").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(root().join(FUZZER)))?;
        run(Command::new(python.join("pip")).args(["install", "--quiet", FUZZER_PACKAGE]))?;
    }
    let folder = fresh("target/api-fuzz")?;
    let served = Served::start(Platform::new(&folder, "en")?)?;
    let token = block_on(async {
        let browser = Browser::start(&served.url, "en", WINDOW.0, WINDOW.1).await?;
        sign_in(&browser).await?;
        for _ in 0..3 {
            browser.follow(".steps form button").await?;
        }
        browser.open("/users").await?;
        browser.fill("#k-name", "fuzzer").await?;
        browser.choose("#k-role", "administrator").await?;
        browser.follow("form[action='/tokens'] button").await?;
        let token = browser.text(".notice code").await?;
        browser.close().await?;
        Ok(token)
    })?;
    let mut fuzzer = Command::new(python.join("schemathesis"));
    fuzzer
        .args(["run", &format!("{}/api/openapi.json", served.url), "--checks", CHECKS])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "50", "--seed", "1"])
        .args(["--continue-on-failure", "--no-color", "--warnings", "off"])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .current_dir(&folder);
    run(&mut fuzzer).context("the API and its document do not agree")
}

fn fresh(folder: &str) -> Result<PathBuf> {
    let folder = root().join(folder);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}
