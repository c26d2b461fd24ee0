//! Sizes and durations as pages show them.

use crate::web::texts::catalog::Texts;
use crate::web::texts::fill::fill;
use std::time::Duration;

/// A size in KiB, or in MiB from one MiB on.
pub(crate) fn size(bytes: u64, t: &Texts) -> String {
    match bytes >> 20 {
        0 => fill(t.kibibytes, &[&bytes.div_ceil(1024)]),
        mebibytes => fill(t.mebibytes, &[&mebibytes]),
    }
}

/// A duration in seconds, or in milliseconds below one second.
pub(crate) fn duration(time: Duration, t: &Texts) -> String {
    match time.as_secs() {
        0 => fill(t.milliseconds, &[&time.as_millis()]),
        _ => fill(t.seconds, &[&format!("{:.1}", time.as_secs_f64())]),
    }
}
