//! Cells that a spreadsheet would take for a formula, and how they are written so that it does not.

/// What Excel begins a formula with, narrow and wide, and what it strips before it looks.
const FORMULA: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', MINUS];
/// Becomes － in `Shift_JIS`.
const MINUS: char = '\u{2212}';
/// Stands before a cell that would be a formula: Excel shows such a cell as text.
const GUARD: char = '\'';
/// A cell that cannot become a formula. A plain negative number is none.
pub(super) fn guarded(cell: &str) -> String {
    let is_number = cell.strip_prefix('-').unwrap_or(cell).bytes().all(|byte| byte.is_ascii_digit());
    let seen = cell.trim_start_matches(|c: char| c == '\u{feff}' || c.is_control());
    match (seen.starts_with(FORMULA) || cell.starts_with(FORMULA)) && !(is_number && cell.len() > 1) {
        true => format!("{GUARD}{cell}"),
        false => cell.to_owned(),
    }
}

/// A cell of a file that may have been written here: without the guard.
pub fn unguarded(cell: &str) -> &str {
    cell.strip_prefix(GUARD).filter(|rest| guarded(rest).starts_with(GUARD)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_becomes_a_formula_and_every_cell_comes_back_as_it_was() {
        for cell in [
            "=1+1",
            "+81-3",
            "-A1",
            "@x",
            "\t=1",
            "\r\n=1",
            "＝1",
            "－x",
            "-",
            "-1+1",
            "\u{2212}x",
            "\0=1",
            "\u{feff}=1",
        ] {
            assert_eq!(guarded(cell), format!("'{cell}"), "{cell:?}");
            assert_eq!(unguarded(&guarded(cell)), cell);
        }
        for cell in ["", "-500", "1,000", "見本 花子", "A-1", "'quoted'", "3=3"] {
            assert_eq!(guarded(cell), cell);
            assert_eq!(unguarded(cell), cell);
        }
    }
}
