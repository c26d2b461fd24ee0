//! `provider inspect`.

use super::{component_file, print};
use anyhow::{Result, anyhow};
use clap::Args;
use conformance::Lang;
use provider_host::contract::SettingKind;
use provider_host::{Compiler, Host, ImportGroup, Permissions, Plugin};
use std::fmt::Write;
use std::path::PathBuf;

/// What to look at.
#[derive(Args)]
pub(super) struct Options {
    /// コンポーネントかプラグインのフォルダー（省略時はこのフォルダー） / the component, or the folder of its plugin; this
    /// folder if none is given
    file: Option<PathBuf>,
    /// 言語 / language: ja or en
    #[arg(long, default_value = "ja")]
    lang: Lang,
}

#[tokio::main]
pub(super) async fn run(options: &Options, compiler: Compiler) -> Result<()> {
    let host = Host::builder().compile_in(compiler).build()?;
    // Its words have the cause in them already.
    let plugin = host
        .load(component_file(options.file.as_ref())?, Permissions::default())
        .await
        .map_err(|error| anyhow!("{error}"))?;
    print(&describe(&plugin, options.lang))
}

fn describe(plugin: &Plugin, lang: Lang) -> String {
    let (info, facts, limits) = (plugin.info(), plugin.facts(), &plugin.info().batch_limits);
    let mut text = format!("{} {} ({})\n", info.id, info.version, lang.pick(&info.name.ja, &info.name.en));
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{label}: {value}");
    };
    line("sha256", &facts.digest);
    line(lang.pick("大きさ", "size"), &format!("{} bytes", facts.size));
    for (group, ja, en) in [
        (ImportGroup::Contract, "import（契約）", "imports: the contract"),
        (ImportGroup::Http, "import（WASI HTTP）", "imports: WASI HTTP"),
        (ImportGroup::EmptyWasi, "import（中身のないWASI）", "imports: empty WASI"),
    ] {
        line(lang.pick(ja, en), &facts.imports_of(group).join(", "));
    }
    line(lang.pick("通信したい先", "origins that it wants"), &info.origins.join(", "));
    let rows = format!(
        "credit {}, check-credit {}, cancel {}, sync-tracking {}",
        limits.credit, limits.check_credit, limits.cancel, limits.sync_tracking
    );
    line(lang.pick("一度に扱う件数", "rows in a call"), &rows);
    line(lang.pick("能力", "capabilities"), &format!("{:?}", info.capabilities));
    let most = info.max_billed_amount.map_or_else(|| "-".to_owned(), |yen| yen.to_string());
    line(lang.pick("請求額の上限", "most billed"), &most);
    let carriers: Vec<_> = info.carriers.iter().map(|carrier| carrier.id.as_str()).collect();
    line(lang.pick("配送業者", "carriers"), &carriers.join(", "));
    for field in &info.settings {
        let kind = match &field.kind {
            SettingKind::Choice(choices) => choices.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(" | "),
            SettingKind::Text => "text".to_owned(),
            SettingKind::Digits => "digits".to_owned(),
            SettingKind::Secret => "secret".to_owned(),
            SettingKind::Url => "url".to_owned(),
        };
        let needed = if field.required { lang.pick("必須", "required") } else { lang.pick("任意", "optional") };
        let label = lang.pick(&field.label.ja, &field.label.en);
        line(lang.pick("設定", "setting"), &format!("{} ({label}) {kind}, {needed}", field.key));
    }
    text
}
