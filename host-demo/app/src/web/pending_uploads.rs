//! Uploads that were examined and wait for the confirmation of the user who sent them: one of a kind for each user.

use crate::web::state::App;
use domain::clock;
use provider_host::ComponentFile;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use service::mapping_preview::Sample;
use service::plugins::Files;
use service::tracking::matching::TrackingImport;
use service::transfer::FileImport;
use store::{PendingUpload, StoreError};

/// An upload that can wait.
pub(crate) trait Pending: Sized {
    /// Tells it from uploads of other kinds.
    const KIND: &'static str;
    /// How many may wait, of all users: some MiB each. Beyond it the oldest are discarded.
    const MAX: usize;

    /// What is known of it, as JSON, and the file.
    fn into_parts(self) -> serde_json::Result<(String, Vec<u8>)>;
    /// It again.
    fn from_parts(description: &str, content: Vec<u8>) -> serde_json::Result<Self>;
}

/// What is known of an upload, and its file, which is where `file` says and is no part of the description.
fn split<T: Serialize>(mut upload: T, file: fn(&mut T) -> &mut Vec<u8>) -> serde_json::Result<(String, Vec<u8>)> {
    let content = std::mem::take(file(&mut upload));
    Ok((serde_json::to_string(&upload)?, content))
}

fn join<T: DeserializeOwned>(
    description: &str,
    content: Vec<u8>,
    file: fn(&mut T) -> &mut Vec<u8>,
) -> serde_json::Result<T> {
    let mut upload = serde_json::from_str(description)?;
    *file(&mut upload) = content;
    Ok(upload)
}

/// CSV files that wait after a dry run.
impl Pending for FileImport {
    const KIND: &'static str = "import";
    const MAX: usize = 8;

    fn into_parts(self) -> serde_json::Result<(String, Vec<u8>)> {
        split(self, |upload| &mut upload.bytes)
    }

    fn from_parts(description: &str, content: Vec<u8>) -> serde_json::Result<Self> {
        join(description, content, |upload: &mut Self| &mut upload.bytes)
    }
}

/// Files of tracking numbers that wait after a dry run.
impl Pending for TrackingImport {
    const KIND: &'static str = "tracking";
    const MAX: usize = 8;

    fn into_parts(self) -> serde_json::Result<(String, Vec<u8>)> {
        split(self, |upload| &mut upload.bytes)
    }

    fn from_parts(description: &str, content: Vec<u8>) -> serde_json::Result<Self> {
        join(description, content, |upload: &mut Self| &mut upload.bytes)
    }
}

/// Files on which mappings are tried.
impl Pending for Sample {
    const KIND: &'static str = "sample";
    const MAX: usize = 16;

    fn into_parts(self) -> serde_json::Result<(String, Vec<u8>)> {
        split(self, |upload| &mut upload.bytes)
    }

    fn from_parts(description: &str, content: Vec<u8>) -> serde_json::Result<Self> {
        join(description, content, |upload: &mut Self| &mut upload.bytes)
    }
}

/// The files that come with a component.
#[derive(Serialize, Deserialize)]
struct BesideComponent {
    permissions: String,
    signature: Option<String>,
}

/// Components whose changes were shown.
impl Pending for Files {
    const KIND: &'static str = "plugin";
    const MAX: usize = 4;

    fn into_parts(self) -> serde_json::Result<(String, Vec<u8>)> {
        let ComponentFile { bytes, signature } = self.content.component;
        let beside = BesideComponent { permissions: self.content.permissions, signature };
        Ok((serde_json::to_string(&beside)?, bytes))
    }

    fn from_parts(description: &str, content: Vec<u8>) -> serde_json::Result<Self> {
        let BesideComponent { permissions, signature } = serde_json::from_str(description)?;
        Ok(Self::uploaded(content, permissions.as_bytes(), signature.as_deref().map(str::as_bytes)))
    }
}

impl App {
    /// Keeps `upload` under `name` for `user`, instead of the user's last one of its kind.
    pub(crate) async fn keep_upload<T: Pending>(&self, user: i64, name: &str, upload: T) -> Result<(), StoreError> {
        let (description, content) = upload.into_parts().map_err(std::io::Error::other)?;
        let upload = PendingUpload { name: name.to_owned(), description, content };
        self.store.keep_upload(T::KIND, user, &upload, T::MAX, clock::now()).await
    }

    /// What `user` sent under `name`, which goes on waiting; `None` as with [`App::take_upload`].
    pub(crate) async fn look_at_upload<T: Pending>(&self, user: i64, name: &str) -> Result<Option<T>, StoreError> {
        let upload = self.store.look_at_upload(T::KIND, user, name, clock::now()).await?;
        Ok(upload.and_then(|upload| T::from_parts(&upload.description, upload.content).ok()))
    }

    /// Removes and returns what `user` sent under `name`; `None` if it has been replaced, discarded or taken, or is of
    /// another version of the program.
    pub(crate) async fn take_upload<T: Pending>(&self, user: i64, name: &str) -> Result<Option<T>, StoreError> {
        let taken = self.store.take_upload(T::KIND, user, name, clock::now()).await?;
        Ok(taken.and_then(|upload| T::from_parts(&upload.description, upload.content).ok()))
    }
}
