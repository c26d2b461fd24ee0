//! What a new folder is made of. The templates are the examples of this project, under another name.

use anyhow::{Context, Result};
use include_dir::{Dir, DirEntry, include_dir};
use std::path::{Path, PathBuf};

/// Templates, the contract and the SDK: links into the project, so that each has one source.
static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/embedded");

/// The name that the examples have, in each way of writing it.
const EXAMPLE: [&str; 4] = ["example-pay", "example_pay", "ExamplePay", "Example Pay"];

/// The name of a new plugin: its provider's id, and the name of its package.
#[derive(Debug, Clone)]
pub struct Name(String);

impl std::str::FromStr for Name {
    type Err = String;

    /// Ids are of the letters that the contract allows; packages begin with a letter.
    fn from_str(text: &str) -> Result<Self, String> {
        let fits = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !text.ends_with('-');
        fits.then(|| Self(text.to_owned()))
            .ok_or_else(|| "a name is 1 to 64 of a-z, 0-9 and -, and begins with a letter: my-provider".to_owned())
    }
}

impl Name {
    /// As the folder and the package are called.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In each way of [`EXAMPLE`].
    fn ways(&self) -> [String; 4] {
        let words: Vec<String> = self.0.split('-').map(capital).collect();
        [self.0.clone(), self.0.replace('-', "_"), words.concat(), words.join(" ")]
    }

    /// `text` of an example, under this name.
    fn put_into(&self, text: &str) -> String {
        let ways = self.ways();
        EXAMPLE.iter().zip(&ways).fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// Writes the template `name` into `folder`.
pub fn write_template(template: &str, folder: &Path, name: &Name) -> Result<()> {
    for (path, bytes) in files(template)? {
        let text = std::str::from_utf8(bytes).context("templates are texts")?;
        write(&folder.join(own_path(&path)), name.put_into(text).as_bytes())?;
    }
    Ok(())
}

/// Where the template `path` belongs. Among the templates, Git would obey an ignore file, and cargo would take the
/// folder of a manifest for another package and leave it out; so they have other names there.
fn own_path(path: &Path) -> PathBuf {
    let own = |part: &str| match part {
        "manifest.toml" => "Cargo.toml".to_owned(),
        part => part.strip_prefix("dot-").map_or_else(|| part.to_owned(), |rest| format!(".{rest}")),
    };
    path.iter().map(|part| own(&part.to_string_lossy())).collect()
}

/// Writes the contract into `folder`: the present version, and the WASI interfaces that it uses.
pub fn write_contract(folder: &Path) -> Result<()> {
    for (path, bytes) in files("wit")? {
        // Released versions are for those who keep the contract.
        if path.starts_with("deps") || path.parent() == Some(Path::new("")) {
            write(&folder.join(path), bytes)?;
        }
    }
    Ok(())
}

/// Writes the embedded folder `from` into `folder` as it is.
pub fn write_folder(from: &str, folder: &Path) -> Result<()> {
    files(from)?.iter().try_for_each(|(path, bytes)| write(&folder.join(path), bytes))
}

/// The embedded text file `path`.
pub fn text(path: &str) -> Result<&'static str> {
    EMBEDDED.get_file(path).and_then(|file| file.contents_utf8()).with_context(|| format!("{path} is not embedded"))
}

/// All files below the embedded `folder`, with their paths in it.
fn files(folder: &str) -> Result<Vec<(PathBuf, &'static [u8])>> {
    let from = EMBEDDED.get_dir(folder).with_context(|| format!("{folder} is not embedded"))?;
    let (mut found, mut open) = (Vec::new(), vec![from]);
    while let Some(folder) = open.pop() {
        for entry in folder.entries() {
            match entry {
                DirEntry::Dir(folder) => open.push(folder),
                DirEntry::File(file) => {
                    found.push((file.path().strip_prefix(from.path())?.to_owned(), file.contents()))
                }
            }
        }
    }
    Ok(found)
}

/// Writes a file, with its folders.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    make_parent(path)?;
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Makes the folder that `path` is in.
pub fn make_parent(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(|| format!("cannot make the folder {}", parent.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_in_each_way() {
        let name: Name = "my-shop-2-pay".parse().unwrap();
        let text = name.put_into("example-pay example_pay ExamplePay Example Pay");
        assert_eq!(text, "my-shop-2-pay my_shop_2_pay MyShop2Pay My Shop 2 Pay");
        for wrong in ["", "-a", "a-", "Shop", "2pay", "a_b", "../a"] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
    }
}
