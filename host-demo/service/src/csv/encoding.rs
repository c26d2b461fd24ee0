//! The encodings that CSV files are read and written in.

use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};
use serde::{Deserialize, Serialize};

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, strum::Display, strum::EnumString)]
pub enum Charset {
    /// UTF-8. Files are written with a byte order mark, without which Excel does not recognize UTF-8, and read with or
    /// without one.
    #[default]
    #[strum(serialize = "utf-8")]
    Utf8,
    /// The `Shift_JIS` of Windows.
    #[strum(serialize = "shift_jis")]
    ShiftJis,
}

impl Charset {
    /// What decodes it.
    pub fn encoding(self) -> &'static Encoding {
        match self {
            Self::Utf8 => UTF_8,
            Self::ShiftJis => SHIFT_JIS,
        }
    }
}
