//! The formats that a mall's export can have: our own headings, a preset, or a mapping of its own.

use crate::web::texts::Texts;
use service::csv::mapping::preset::{self, Preset};
use service::csv::mapping::setting;

/// Stands for a mapping that is no preset.
pub(crate) const OWN: &str = "own";

/// The preset that the text is, and nothing besides.
pub(crate) fn preset_of(text: &str) -> Option<&'static Preset> {
    preset::all().iter().find(|preset| setting::of_preset(&preset.id).trim() == text.trim())
}

/// What stands for the format of this text in a form.
pub(crate) fn format_of(text: &str) -> &str {
    match preset_of(text) {
        Some(preset) => &preset.id,
        None if text.trim().is_empty() => "",
        None => OWN,
    }
}

/// The text of a format; nothing for a mapping of one's own, which only its text says.
pub(crate) fn format_text(format: &str) -> Option<String> {
    if format.is_empty() {
        Some(String::new())
    } else {
        preset::find(format).map(|preset| setting::of_preset(&preset.id))
    }
}

/// Every format that can be chosen where the mapping is `text`: what stands for it, its name, whether it is this one.
pub(crate) fn format_choices(text: &str, t: &Texts) -> Vec<(String, String, bool)> {
    let here = format_of(text);
    let choice = |value: &str, label: &str| (value.to_owned(), label.to_owned(), value == here);
    let own = (here == OWN).then(|| choice(OWN, t.mapping_own));
    let presets = preset::all().iter().map(|preset| choice(&preset.id, &preset.name));
    own.into_iter().chain([choice("", t.format_own_headings)]).chain(presets).collect()
}
