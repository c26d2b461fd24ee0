//! Requests as they left, byte by byte, against files that were reviewed.

use super::script::Scene;
use super::traffic;
use crate::report::Finding;
use crate::session::{Operation, shown};
use crate::words::say;
use gateways::{Exchange, Received};
use include_dir::{Dir, include_dir};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Stands for the simulator's port, which is another in each run.
const PORT: &str = "PORT";

/// The golden requests of this project's own plugins, a folder for each provider.
static OWN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/golden");

/// Where the golden requests are.
#[derive(Debug, Clone, Default)]
pub enum Golden {
    /// Those that the kit brings.
    #[default]
    Own,
    /// In the files of this folder.
    Read(PathBuf),
    /// The files of this folder are to be written.
    Write(PathBuf),
}

/// Where the requests of `scenes` differ from the `golden` ones of the provider `id`.
pub fn compare(id: &str, scenes: &[Scene], golden: &Golden) -> Vec<Finding> {
    let operations = Operation::ALL.into_iter().filter(|operation| of(scenes, *operation).next().is_some());
    operations.filter_map(|operation| compare_one(id, operation, scenes, golden)).collect()
}

fn of(scenes: &[Scene], operation: Operation) -> impl Iterator<Item = &Scene> {
    scenes.iter().filter(move |scene| scene.operation == operation)
}

fn compare_one(id: &str, operation: Operation, scenes: &[Scene], golden: &Golden) -> Option<Finding> {
    let (name, is) = (format!("{id}/{}.txt", operation.name()), text(id, operation, scenes));
    let requests = || of(scenes, operation).flat_map(|scene| &scene.exchanges);
    let finding = |words, shown: Option<&Exchange>| Finding {
        words,
        exchange: shown.map(|e| traffic::shown(&e.request, e.answer.as_ref())),
    };
    let golden = match golden {
        Golden::Own => OWN
            .get_file(&name)
            .and_then(|file| file.contents_utf8())
            .map(str::to_owned)
            .ok_or_else(|| say!("{name}: この手本はない", "{name}: there is no such file")),
        Golden::Read(folder) => std::fs::read_to_string(folder.join(&name))
            .map_err(|error| say!("{name}: 手本を読めない（{error}）", "{name}: cannot be read ({error})")),
        Golden::Write(folder) => {
            let error = write(&folder.join(&name), &is).err()?;
            return Some(finding(
                say!("{name}: 書けない（{error}）", "{name}: not written ({error})"),
                requests().last(),
            ));
        }
    };
    match golden {
        Ok(golden) => difference(&golden, &is).map(|(line, golden, is)| {
            let words = say!(
                "{name} {line}行目: {golden} のはずが {is}",
                "{name}, line {line}: it should be {golden} and is {is}"
            );
            // The request whose text has reached that line.
            let differing =
                requests().find(|exchange| traffic::text(&exchange.request).contains(is.trim_matches(['"', '…'])));
            finding(words, differing.or(requests().last()))
        }),
        Err(words) => Some(finding(words, requests().last())),
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::write(path, text)
}

/// The first line in which two texts differ, counted from 1.
fn difference(golden: &str, is: &str) -> Option<(usize, String, String)> {
    if golden == is {
        return None;
    }
    let (mut golden, mut is) = (golden.split('\n'), is.split('\n'));
    (1..).find_map(|line| match (golden.next(), is.next()) {
        (Some(a), Some(b)) if a == b => None,
        (a, b) => Some((line, shown(&a.unwrap_or_default()), shown(&b.unwrap_or_default()))),
    })
}

fn text(id: &str, operation: Operation, scenes: &[Scene]) -> String {
    let mut text =
        format!("{id} {}: requests byte for byte; {PORT} stands for the simulator's own.\n", operation.name());
    for scene in of(scenes, operation) {
        let _ = write!(text, "\n## {}\n", scene.title);
        if scene.exchanges.is_empty() {
            text += "(refused before anything was sent)\n";
        }
        scene.exchanges.iter().for_each(|exchange| write_request(&mut text, &exchange.request));
    }
    text
}

fn write_request(text: &mut String, request: &Received) {
    let mut request = request.clone();
    for (name, value) in &mut request.headers {
        if let Some((host, _)) = value.rsplit_once(':').filter(|_| name == "host") {
            *value = format!("{host}:{PORT}");
        }
    }
    // The host writes it, and where depends on the WASI through which the request came.
    request.headers.sort_by_key(|(name, _)| name == "host");
    *text += &traffic::text(&request);
}
