//! `provider check`: the kit.

use super::{component_file, print};
use crate::templates;
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use conformance::report::Report;
use conformance::wire::golden::Golden;
use conformance::{Lang, judge, odd};
use provider_host::Compiler;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A settings file is a few lines; more than this is some other file.
const MAX_SETTINGS_BYTES: u64 = 64 << 10;

/// What to judge, and how.
#[derive(Args)]
pub(super) struct Options {
    /// コンポーネントかプラグインのフォルダー（省略時はこのフォルダー） / the component, or the folder of its plugin; this folder if none is given
    file: Option<PathBuf>,
    /// このidの検査だけ（何度でも） / only the check of this id; may be given several times
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// 結果をファイルにも書く（.json・.xml〔JUnit〕・.html、何度でも） / write the report into a file as well: .json, .xml
    /// (`JUnit`) or .html; may be given several times
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    /// 結果をJSONで出力する / print the report as JSON
    #[arg(long)]
    json: bool,
    /// 言語 / language of the report: ja or en
    #[arg(long, default_value = "ja")]
    lang: Lang,
    /// describeから推測できない設定値（key = "value" のTOML） / settings that cannot be guessed from the description: a
    /// TOML file of `key = "value"` lines
    #[arg(long, value_name = "FILE.toml")]
    settings: Option<PathBuf>,
    /// 乱数の種 / where the generator of odd inputs starts
    #[arg(long, default_value_t = odd::SEED)]
    seed: u64,
    /// 手本の要求のフォルダー（BLESS=1 で書き直す） / the folder of golden requests, instead of those in this program; with
    /// BLESS=1 they are written
    #[arg(long, value_name = "FOLDER")]
    golden: Option<PathBuf>,
}

#[tokio::main]
pub(super) async fn run(options: &Options, compiler: Compiler) -> Result<bool> {
    let file = component_file(options.file.as_ref())?;
    let formats = options.report.iter().map(|path| Format::of(path)).collect::<Result<Vec<_>>>()?;
    let kit = conformance::Options {
        settings: options.settings.as_deref().map(read_settings).transpose()?.unwrap_or_default(),
        seed: options.seed,
        golden: golden(options.golden.clone())?,
        only: options.only.clone(),
        command: Some(command(&file, options)?),
        compiler: Some(compiler),
    };
    // Its words have the cause in them already.
    let report = judge(&file, &kit).await.map_err(|error| anyhow!("{error}"))?;
    for (path, format) in options.report.iter().zip(formats) {
        templates::write(path, format.text(&report, options.lang)?.as_bytes())?;
    }
    print(&match options.json {
        true => format!("{:#}\n", report.json(options.lang)),
        false => report.text(options.lang),
    })?;
    Ok(report.passed())
}

/// The command that judges `file` again.
fn command(file: &Path, options: &Options) -> Result<String> {
    let mut words = vec!["provider".to_owned(), "check".to_owned(), file.display().to_string()];
    if let Some(settings) = &options.settings {
        words.extend(["--settings".to_owned(), settings.display().to_string()]);
    }
    if options.seed != odd::SEED {
        words.extend(["--seed".to_owned(), options.seed.to_string()]);
    }
    if let Some(golden) = &options.golden {
        words.extend(["--golden".to_owned(), golden.display().to_string()]);
    }
    Ok(shlex::try_join(words.iter().map(String::as_str))?)
}

fn golden(folder: Option<PathBuf>) -> Result<Golden> {
    let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    match (folder, bless) {
        (None, true) => bail!("BLESS=1 writes golden requests into a folder; name it with --golden FOLDER"),
        (None, false) => Ok(Golden::Own),
        (Some(folder), true) => Ok(Golden::Write(folder)),
        (Some(folder), false) => Ok(Golden::Read(folder)),
    }
}

/// What a report is written as.
#[derive(Clone, Copy)]
enum Format {
    Json,
    Junit,
    Html,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Ok(Self::Json),
            Some("xml") => Ok(Self::Junit),
            Some("html") => Ok(Self::Html),
            _ => bail!("--report {}: a report is a file .json, .xml (JUnit) or .html", path.display()),
        }
    }

    fn text(self, report: &Report, lang: Lang) -> Result<String> {
        Ok(match self {
            Self::Json => format!("{:#}\n", report.json(lang)),
            Self::Junit => report.junit(lang)?,
            Self::Html => report.html(lang)?,
        })
    }
}

fn read_settings(path: &Path) -> Result<BTreeMap<String, String>> {
    let read = || {
        let size = std::fs::metadata(path)?.len();
        if size > MAX_SETTINGS_BYTES {
            bail!("it has {size} bytes, and {MAX_SETTINGS_BYTES} are allowed");
        }
        Ok(toml::from_str(&std::fs::read_to_string(path)?)?)
    };
    read().with_context(|| format!("the settings file {} cannot be used", path.display()))
}
