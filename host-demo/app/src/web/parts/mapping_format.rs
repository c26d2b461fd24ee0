//! The formats that files of a mall can have. Its export: our own headings, a preset, or a mapping of its own. Files of
//! tracking numbers: what their headings say, a format, or a mapping of its own.

use crate::web::texts::Texts;
use service::csv::mapping::preset::{self, Preset};
use service::csv::mapping::setting;
use service::csv::tracking_format;

/// Stands for a mapping that is no preset.
pub(crate) const OWN: &str = "own";

/// The preset that the text is, and nothing besides.
pub(crate) fn preset_of(text: &str) -> Option<&'static Preset> {
    preset::all().iter().find(|preset| is_preset(text, &preset.id))
}

fn is_preset(text: &str, id: &str) -> bool {
    setting::of_preset(id).trim() == text.trim()
}

/// Which files a choice of formats is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Formats {
    /// A mall's export.
    Export,
    /// Files of tracking numbers.
    Tracking,
}

impl Formats {
    /// Id and name of each format.
    fn known(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Export => preset::all().iter().map(|preset| (preset.id.as_str(), preset.name.as_str())).collect(),
            Self::Tracking => {
                tracking_format::all().iter().map(|format| (format.id.as_str(), format.name.as_str())).collect()
            }
        }
    }

    /// What stands for the format of this text in a form.
    pub(crate) fn format_of(self, text: &str) -> &'static str {
        match self.known().into_iter().find(|(id, _)| is_preset(text, id)) {
            Some((id, _)) => id,
            None if text.trim().is_empty() => "",
            None => OWN,
        }
    }

    /// The text of a format; nothing for a mapping of one's own, which only its text says.
    pub(crate) fn text(self, format: &str) -> Option<String> {
        if format.is_empty() {
            return Some(String::new());
        }
        self.known().iter().find(|(id, _)| *id == format).map(|(id, _)| setting::of_preset(id))
    }

    /// Every format that can be chosen where the mapping is `text`: what stands for it, its name, whether it is this one.
    pub(crate) fn choices(self, text: &str, t: &Texts) -> Vec<(String, String, bool)> {
        let here = self.format_of(text);
        let choice = |value: &str, label: &str| (value.to_owned(), label.to_owned(), value == here);
        let own = (here == OWN).then(|| choice(OWN, t.mapping_own));
        let nothing = match self {
            Self::Export => t.format_own_headings,
            Self::Tracking => t.tracking_format_auto,
        };
        let formats = self.known().into_iter().map(|(id, name)| choice(id, name));
        own.into_iter().chain([choice("", nothing)]).chain(formats).collect()
    }
}
