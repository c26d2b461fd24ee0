//! What several pages show: rows, buttons, choices, names, the question before an action. Nothing here knows a page.

pub(super) mod action_button;
pub(super) mod choice;
pub(super) mod confirm;
pub(super) mod display_names;
pub(super) mod file_import;
pub(super) mod health;
pub(super) mod import_runs;
pub(super) mod mall_problems;
pub(super) mod mapping_format;
pub(super) mod mapping_save;
pub(super) mod order_preview;
pub(super) mod order_row;
pub(super) mod outcome;
pub(super) mod seen;
