//! The order platform as a page and as a JSON API.

mod assets;
mod headers;
mod texts;
