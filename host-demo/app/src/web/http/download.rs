//! Files as downloads.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::clock;
use service::csv::encoding::Charset;
use std::fmt::Display;

/// A CSV file as a download, named after `what` and today.
pub(crate) fn csv_file(what: impl Display, charset: Charset, bytes: Vec<u8>) -> Response {
    let charset = match charset {
        Charset::Utf8 => "utf-8",
        Charset::ShiftJis => "Shift_JIS",
    };
    let name = format!("attachment; filename=\"{what}-{}.csv\"", clock::today());
    let media_type = format!("text/csv; charset={charset}");
    ([(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, name)], bytes).into_response()
}
