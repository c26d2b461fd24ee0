//! What people read, in Japanese and English.

pub mod history;
