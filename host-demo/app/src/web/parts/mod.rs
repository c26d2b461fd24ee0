//! What several pages show: rows, buttons, choices, names, the question before an action. Nothing here knows a page.

pub mod action_button;
pub mod choice;
pub mod confirm;
pub mod display_names;
pub mod file_import;
pub mod health;
pub mod mall_problems;
pub mod order_row;
pub mod outcome;
