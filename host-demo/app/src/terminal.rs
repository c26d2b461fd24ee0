//! The one place where the command line prints.
//!
//! Texts of plugins, providers and files are shown to the operator, and a terminal executes control sequences that are
//! hidden in them: they move the cursor, erase, change the title, or reverse the direction of text. So everything that
//! is printed goes through [`visible`]: this crate's `println!` and `eprintln!` are those of this module.

use provider_host::is_control;
use std::fmt::{Arguments, Write as _};
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

/// The first write error other than a closed pipe, a full disk for instance.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// `text` with every character that steers a terminal as an escape, `\u001b`. Line ends and tabs are kept. In
/// JSON, where such characters stand only within strings, the escape means the same character.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_control(c) && !matches!(c, '\n' | '\t') {
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Prints a line.
pub fn print(line: Arguments<'_>) {
    put(&mut io::stdout().lock(), line);
}

/// Prints a line to the error stream.
pub fn print_error(line: Arguments<'_>) {
    put(&mut io::stderr().lock(), line);
}

/// Why output is missing although its reader is there: the first write error other than a closed pipe.
pub fn lost() -> Option<&'static io::Error> {
    LOST.get()
}

/// Writes a line. A pipe that its reader closed, as in `… | head -1`, is no error: the command completes its work.
fn put(stream: &mut impl Write, line: Arguments<'_>) {
    if let Err(error) = stream.write_all((visible(&line.to_string()) + "\n").as_bytes())
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error);
    }
}

macro_rules! println {
    ($($line:tt)*) => { $crate::terminal::print(format_args!($($line)*)) };
}

macro_rules! eprintln {
    ($($line:tt)*) => { $crate::terminal::print_error(format_args!($($line)*)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        let hostile = "\u{1b}]0;title\u{7}a\u{9b}2Jb\u{202e}c\r\u{8}d\u{2066}\ne\tf";
        let shown = visible(hostile);
        assert_eq!(shown, "\\u001b]0;title\\u0007a\\u009b2Jb\\u202ec\\u000d\\u0008d\\u2066\ne\tf");
        assert_eq!(visible("後払い 与信OK"), "後払い 与信OK");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({ "name": "a\u{9b}b\u{202e}c\u{7f}" });
        let shown = visible(&serde_json::to_string_pretty(&value).unwrap());
        assert!(shown.chars().all(|c| !is_control(c) || c == '\n'), "{shown:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
