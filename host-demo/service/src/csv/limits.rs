//! The limits of CSV files, in one place.

/// Largest file: a hundred thousand lines of a wide export. The file's bytes are held in memory, the rows of a file of orders are not.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Most rows in a file; more than a shop's orders of a month. Of each of a file of orders some tens of bytes are held
/// in memory: where it stands, and to which order it belongs.
pub const MAX_LINES: usize = 200_000;
/// Longest cell, in characters: what providers keep of a remark at most.
pub const MAX_CELL: usize = 4_000;

/// Most lines of an order: more than a cart has, and little enough for a plugin to check in a moment.
pub const MAX_ITEMS: usize = 200;
