//! What can be wrong with a CSV file, its lines and its orders, and the words for it: one message for each
//! order, which names file, line and order and says what to do.

use crate::csv::limits::{MAX_FILE_BYTES, MAX_LINES};
use crate::csv::mapping::error::{DefinitionError, MappingError, Problem};
use crate::csv::records::Fault;
use domain::credit_state::State;
use domain::issue::{Field, Issue};
use domain::tracking::TrackingProblem;

/// A file that cannot be read at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FileError {
    /// There is no heading line.
    #[error("the file is empty")]
    Empty,
    /// Larger than [`MAX_FILE_BYTES`].
    #[error("the file is larger than {MAX_FILE_BYTES} bytes")]
    TooLarge,
    /// More than [`MAX_LINES`].
    #[error("the file has more than {MAX_LINES} lines")]
    TooManyLines,
    /// The mall's mapping is none: a preset that it names is no longer there.
    #[error("the mall's mapping cannot be read: {0:?}")]
    Mapping(DefinitionError),
    /// Headings that are missing.
    #[error("headings are missing: {0:?}")]
    MissingHeadings(Vec<String>),
    /// Headings that are there twice.
    #[error("headings are there twice: {0:?}")]
    HeadingsTwice(Vec<String>),
    /// Columns of the mapping are not in the file as the mapping says.
    #[error("the mapping does not fit the file: {0:?}")]
    Columns(Vec<MappingError>),
    /// The file is a known mall's export, and the mapping is not for it: the presets that are.
    #[error("the file is to be read by a preset: {0:?}")]
    Recognised(Vec<String>),
    /// It begins like UTF-16, and is none.
    #[error("the file cannot be read as UTF-16")]
    Utf16,
    /// It is no text with commas or tabs, whatever its name says.
    #[error("the file is {0:?}")]
    OtherKind(OtherKind),
    /// A quote in the heading line takes other lines in.
    #[error("a quotation mark in the heading line takes other lines in: {fault:?}")]
    Quote {
        /// What is wrong, and where.
        fault: Fault,
        /// Lines from there on that belong to it.
        span: u64,
    },
    /// No column says of the orders what was told to take.
    #[error("no column tells which orders are {0:?}")]
    NothingToTakeBy(Vec<String>),
}

/// What a file is that is sent as a CSV and is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherKind {
    /// A spreadsheet's own file, or an archive: both begin alike.
    Workbook,
    /// A PDF.
    Pdf,
    /// A page of a website: what a browser keeps where the session had ended.
    WebPage,
    /// Its cells are parted by semicolons.
    Semicolons,
}

/// An order that was not taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct InvalidOrder {
    /// The first line of the order, counted from 1.
    pub line: u64,
    /// 注文番号, as far as it can be read.
    pub number: String,
    /// Everything that is wrong.
    pub errors: Vec<RowError>,
}

/// Something wrong with an order.
#[derive(Debug, Clone, PartialEq)]
pub enum RowError {
    /// The quoting of the row may hide other rows.
    Quote {
        /// What is wrong, and where.
        fault: Fault,
        /// Lines from there on that belong to it.
        span: u64,
    },
    /// Another part of the order is among lines that cannot be read, from this one on.
    PartUnread(u64),
    /// A cell has several lines and the row next to it, at this line, cannot be read: they may be parts of other rows.
    BesideUnread(u64),
    /// An identifier that a spreadsheet made a number of: the heading, the cell.
    Mangled(String, String),
    /// The line has another number of cells than the heading line.
    Cells {
        /// In the heading line.
        expected: usize,
        /// In this line.
        found: usize,
    },
    /// A cell is not text in the file's encoding.
    Encoding(String),
    /// A cell is longer than [`MAX_CELL`](crate::csv::table::MAX_CELL).
    TooLong(String),
    /// A cell has characters that cannot be seen.
    Unseen(String),
    /// The order has more than [`MAX_ITEMS`](crate::import::MAX_ITEMS) lines.
    TooManyItems,
    /// A cell that is needed is empty.
    Empty(String),
    /// A value of the order, or several together, are not what they must be.
    Value(Problem),
    /// There is nothing to bill, which the order in the store has.
    NothingToBill,
    /// The order's number came up before, at this line.
    TwiceInFile(u64),
    /// The store has it already, with another content.
    Differs,
    /// The store has it, and its provider may have it as well: it can no longer be corrected.
    Registered(State),
    /// The provider refused to adjust the fee.
    Fee(Vec<Field>),
    /// The mall has no order under the number.
    NoOrder,
    /// The order was judged through the provider's API: its result does not come by CSV.
    JudgedByApi(State),
    /// Not a credit result: the cell.
    Result(String),
    /// Not something that can be found at a provider: the cell.
    Finding(String),
    /// Neither 注文番号 nor 登録番号.
    WhichOrder,
    /// The order is registered under another 登録番号 by now.
    OtherReference,
    /// The outcome of the order is unknown for the nth time, and the file is not about this time.
    OtherDoubt(i64),
    /// A cell has more characters than this: the heading.
    Longer(String, usize),
    /// What was found cannot be recorded.
    NotRecorded(Issue),
    /// Somebody else changed the order meanwhile.
    Changed,
    /// A cell is none of the words that the mapping knows: the heading.
    NoWord(String),
    /// The tracking number is not entered for the order, which is named where the row has several.
    Tracking(Option<String>, TrackingProblem),
}
