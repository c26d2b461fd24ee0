//! What can be wrong between a mapping and a file: with the file as a whole, and with an order's rows.

use crate::csv::mapping::form_error::FormError;

/// What is wrong with a mapping itself, whatever the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefinitionError {
    /// It has too many bytes.
    TooLarge,
    /// No TOML, or keys and values that a mapping does not have.
    Form(FormError),
    /// There is no preset of this name.
    NoPreset {
        /// The line that names it, counted from 1.
        line: Option<usize>,
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<&'static str>,
    },
    /// A part of it breaks a limit or makes no sense.
    Part {
        /// The line, counted from 1, as far as it is known.
        line: Option<usize>,
        /// Where: a column, or a key.
        at: String,
        /// What is wrong there.
        wrong: Wrong,
    },
}

/// What is wrong with a part of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Values stand too deep in one another.
    TooDeep,
    /// A value has no parts, or too many.
    Parts,
    /// A text is too long.
    TextTooLong,
    /// A heading is empty or too long.
    Heading,
    /// A place does not count from 1, or is beyond every file.
    Place,
    /// A table of words is too long.
    WordsTooLong,
    /// There is no table of words with this name.
    NoWords,
    /// How often a value counts is said where it is no amount of the order.
    Per,
    /// There are too many of them.
    TooMany(usize),
    /// A name is empty or too long.
    Name,
    /// More than 100 percent.
    Rate,
}

/// A mapping that does not fit a file's headings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MappingError {
    /// No row has the headings that the mapping reads.
    NoHeadings,
    /// The file has no such heading.
    Missing {
        /// The heading.
        heading: String,
        /// The column that needs it.
        column: String,
    },
    /// The heading comes several times, and the mapping does not say which is meant.
    Several {
        /// The heading.
        heading: String,
        /// How often it comes.
        count: usize,
    },
    /// The heading does not come as often as the mapping says.
    NotSoMany {
        /// The heading.
        heading: String,
        /// Which of them is meant.
        nth: usize,
        /// How often it comes.
        count: usize,
    },
    /// The rows are not so wide.
    Beyond {
        /// The position.
        position: usize,
        /// How many columns there are.
        width: usize,
    },
    /// Nothing says where the value of this column comes from.
    NoSource(String),
}

/// Something wrong with an order's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line of the file, from 1.
    pub line: u64,
    /// The heading as the file has it; several where a value is joined from several.
    pub heading: String,
    /// What is wrong there.
    pub kind: ProblemKind,
}

/// What is wrong with a value. Values that are repeated are cut to [`MAX_SHOWN`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// Nothing stands there.
    Empty,
    /// It is none of the words of its table.
    NoWord(String),
    /// Its prefecture and municipality cannot be told apart.
    Address(String),
    /// It is no date, or one whose year has two digits.
    Date(String),
    /// It is no amount within reason.
    Amount(String),
    /// It has a fraction of a yen.
    Fraction(String),
    /// It is less than nothing.
    Negative(String),
    /// A spreadsheet made a number of it: its digits may be gone.
    Mangled(String),
    /// A leading 0 is missing: a spreadsheet took the digits for a number.
    LostZero(String),
    /// It is no Japanese telephone number.
    Phone(String),
    /// It is no postal code.
    PostalCode(String),
    /// It is none of the 47 prefectures.
    Prefecture(String),
    /// A spreadsheet took a house number for a date.
    BecameDate(String),
    /// It is no text that can be kept.
    Text(String),
    /// It has characters that cannot be seen.
    ControlCharacters,
    /// It is no way to send an invoice.
    Invoice(String),
    /// The order goes to this many places.
    Destinations(usize),
    /// It is no quantity within reason.
    Quantity(String),
    /// It is no tax rate.
    TaxRate(String),
    /// A price without tax has no rate.
    NoTaxRate,
    /// The rows of the order have different values.
    RowsDiffer,
    /// The row comes twice, at this line before, and no total tells whether it is meant twice.
    Repeated(u64),
    /// The row has cells beyond the headings.
    Cells {
        /// How many the headings have.
        expected: usize,
        /// How many the row has.
        found: usize,
    },
    /// The order has no item.
    NoItems,
    /// The bill does not add up to the total.
    Total {
        /// The total of the file, yen.
        total: i64,
        /// What the rows, fees and adjustments add up to, yen.
        sum: i64,
    },
}

/// Characters of a value that a problem repeats: enough to find it in the file.
pub const MAX_SHOWN: usize = 40;

/// Most problems of one order; who mends these finds the rest at the next import.
pub const MAX_PROBLEMS: usize = 20;

/// The beginning of a value, as a problem repeats it.
pub fn shown(value: &str) -> String {
    value.chars().take(MAX_SHOWN).collect()
}
