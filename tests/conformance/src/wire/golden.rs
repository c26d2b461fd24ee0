//! Requests as they left, byte by byte, against files that were reviewed.

use super::script::Scene;
use crate::session::{Operation, shown};
use crate::words::{Words, say};
use gateways::Received;
use std::fmt::Write;
use std::path::Path;

/// Stands for the simulator's port, which is another in each run.
const PORT: &str = "PORT";

/// Where the requests of `scenes` differ from the files in `folder`. With `bless` the files are written.
pub fn compare(id: &str, scenes: &[Scene], folder: &Path, bless: bool) -> Vec<Words> {
    let operations = Operation::ALL.into_iter().filter(|operation| of(scenes, *operation).next().is_some());
    operations.filter_map(|operation| compare_one(id, operation, scenes, folder, bless)).collect()
}

fn of(scenes: &[Scene], operation: Operation) -> impl Iterator<Item = &Scene> {
    scenes.iter().filter(move |scene| scene.operation == operation)
}

fn compare_one(id: &str, operation: Operation, scenes: &[Scene], folder: &Path, bless: bool) -> Option<Words> {
    let name = operation.name();
    let (path, is) = (folder.join(format!("{name}.txt")), text(id, operation, scenes));
    if bless {
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, &is));
        return written
            .err()
            .map(|error| say!("{id}/{name}.txt: 書けない（{error}）", "{id}/{name}.txt: not written ({error})"));
    }
    match std::fs::read_to_string(&path) {
        Ok(golden) => difference(&golden, &is).map(|(line, golden, is)| {
            say!(
                "{id}/{name}.txt {line}行目: {golden} のはずが {is}",
                "{id}/{name}.txt, line {line}: it should be {golden} and is {is}"
            )
        }),
        Err(error) => {
            Some(say!("{id}/{name}.txt: 手本を読めない（{error}）", "{id}/{name}.txt: cannot be read ({error})"))
        }
    }
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
        if scene.requests.is_empty() {
            text += "(refused before anything was sent)\n";
        }
        scene.requests.iter().for_each(|request| write_request(&mut text, request));
    }
    text
}

fn write_request(text: &mut String, request: &Received) {
    let _ = writeln!(text, "{} {}", request.method, request.path);
    for (name, value) in &request.headers {
        let port = value.rsplit_once(':').filter(|_| name == "host");
        let value = port.map_or_else(|| value.clone(), |(host, _)| format!("{host}:{PORT}"));
        let _ = writeln!(text, "{name}: {value}");
    }
    // Bytes that are not UTF-8 would be escaped; the content-length above tells them apart.
    let _ = writeln!(text, "\n{}", String::from_utf8_lossy(&request.body));
}
