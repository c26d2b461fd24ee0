//! Each kind of value has one form, into which it is brought where it enters: before it is stored, shown or compared.
//! Every function takes a cell as a file, a page or a program has it, and returns the one form, or the reason why there
//! is none ([`ValueError`]). None of them guesses: a value that could mean two things is refused.

pub mod address;
pub mod amount;
pub mod phone;
pub mod postal_code;
pub mod prefecture;
pub mod text;
pub mod tracking_number;

/// Why a value has no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueError {
    /// It is not of the kind that the column holds.
    NotOfItsKind,
    /// A spreadsheet made a number of it (`3.0E+11`, `####`): its digits may be gone.
    Mangled,
    /// A leading zero is missing: a spreadsheet took the digits for a number.
    LostZero,
    /// An amount in yen has a fraction.
    FractionOfYen,
    /// A spreadsheet took it for a date.
    BecameDate,
    /// It is larger or smaller than the column allows.
    OutOfRange,
    /// It has control characters.
    ControlCharacters,
}

#[cfg(test)]
mod properties;
