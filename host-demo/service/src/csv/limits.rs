//! The limits of CSV files, in one place.

/// Largest file: a hundred thousand lines of a wide export. The file is held in memory whole.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Most lines in a file; more than a shop's orders of a month.
pub const MAX_LINES: usize = 200_000;
/// Longest cell, in characters: what providers keep of a remark at most.
pub const MAX_CELL: usize = 4_000;

/// Most lines of an order: more than a cart has, and little enough for a plugin to check in a moment.
pub const MAX_ITEMS: usize = 200;
