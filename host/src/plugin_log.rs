//! A plugin's messages on their way to the platform's log: redacted, bounded in length and number.

use crate::bindings::deferred_payment::provider::log::Level;
use crate::redact::Redactor;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Writes a plugin's messages to the platform's log.
pub(crate) struct PluginLog {
    pub(crate) provider: Arc<str>,
    pub(crate) redactor: Arc<Redactor>,
    /// Lines that may still be written; the calls of one batch share them.
    pub(crate) lines: Arc<AtomicUsize>,
    pub(crate) line_length: usize,
    pub(crate) dropped: Arc<AtomicUsize>,
}

impl PluginLog {
    pub(crate) fn write(&self, level: Level, message: &str) {
        let left = self.lines.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let (provider, message) = (&*self.provider, self.redactor.redact(message, self.line_length));
        match level {
            Level::Debug => tracing::debug!(target: "provider_host::plugin", provider, "{message}"),
            Level::Info => tracing::info!(target: "provider_host::plugin", provider, "{message}"),
            Level::Warn => tracing::warn!(target: "provider_host::plugin", provider, "{message}"),
            Level::Error => tracing::error!(target: "provider_host::plugin", provider, "{message}"),
        }
    }
}

/// One of a plugin's output streams (stdout, stderr), cut into lines of its log.
pub(crate) struct LogStream {
    log: Arc<PluginLog>,
    level: Level,
    /// The current line, as far as the log could show or redact it; the rest of a longer line is dropped.
    line: Mutex<Vec<u8>>,
}

impl LogStream {
    pub(crate) fn new(log: Arc<PluginLog>, level: Level) -> Self {
        Self { log, level, line: Mutex::default() }
    }

    pub(crate) fn write(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        // A value that begins within the part that is shown has to be there whole, or it would not be redacted.
        let most = self.log.line_length.saturating_mul(char::MAX.len_utf8()) + self.log.redactor.longest();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            let room = most.saturating_sub(line.len());
            line.extend(text.iter().take(room));
            if ends {
                self.end(&mut line);
            }
        }
    }

    fn end(&self, line: &mut Vec<u8>) {
        self.log.write(self.level, &String::from_utf8_lossy(line));
        line.clear();
    }
}

impl Drop for LogStream {
    /// Writes a last line that was not ended.
    fn drop(&mut self) {
        let mut line = std::mem::take(self.line.get_mut().unwrap_or_else(PoisonError::into_inner));
        if !line.is_empty() {
            self.end(&mut line);
        }
    }
}
