//! `provider explain`.

use super::print;
use anyhow::{Context, Result};
use clap::Args;
use conformance::{Lang, pages};

/// What to explain.
#[derive(Args)]
pub(super) struct Options {
    /// 検査項目のid（省略時は一覧） / the id of a check; the list of all if none is given
    id: Option<String>,
    /// 言語 / language: ja or en
    #[arg(long, default_value = "ja")]
    lang: Lang,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let Some(id) = &options.id else { return print(&pages::list(options.lang)) };
    let page = pages::page(id, options.lang);
    print(&page.with_context(|| format!("there is no check {id}; `provider explain` lists them"))?)
}
