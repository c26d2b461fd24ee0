//! Hides the values of a shop's settings in what the kit shows: those that were given can be real ones.
//!
//! People and goods in a request are the kit's own invention and stay readable.

use provider_host::contract::{ProviderInfo, Setting, SettingKind};

/// Stands for a hidden value.
const MASK: &str = "***";
/// Shorter values occur in ordinary words and numbers; to hide them would make a request unreadable.
const MIN_LENGTH: usize = 4;
/// Headers that carry a shop's ids in a form in which they are not recognised.
const CREDENTIALS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// What is hidden.
#[derive(Debug, Clone, Default)]
pub struct Masks(Vec<String>);

impl Masks {
    /// Hides the values of `settings`, but for URLs and choices, which `info` describes.
    pub fn of<'a>(settings: impl IntoIterator<Item = &'a Setting>, info: &ProviderInfo) -> Self {
        let is_open = |key: &str| {
            let field = info.settings.iter().find(|field| field.key == key);
            field.is_some_and(|field| matches!(field.kind, SettingKind::Url | SettingKind::Choice(_)))
        };
        let hidden = settings.into_iter().filter(|setting| !is_open(&setting.key)).map(|setting| &setting.value);
        let mut values: Vec<_> =
            hidden.filter(|value| value.chars().count() >= MIN_LENGTH).flat_map(|value| spellings(value)).collect();
        // The longest first: one value can stand in another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Self(values)
    }

    /// `text` without the values, and without credentials in headers.
    pub fn hide(&self, text: &str) -> String {
        let lines: Vec<_> = text.split('\n').map(hide_credentials).collect();
        self.0.iter().fold(lines.join("\n"), |text, value| text.replace(value, MASK))
    }
}

/// A value as forms, documents and JSON write it.
fn spellings(value: &str) -> [String; 5] {
    let form: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let json = serde_json::Value::from(value).to_string();
    [
        value.to_owned(),
        form.replace('+', "%20"),
        form,
        quick_xml::escape::escape(value).into_owned(),
        json.trim_matches('"').to_owned(),
    ]
}

fn hide_credentials(line: &str) -> String {
    match line.split_once(':') {
        Some((name, _)) if CREDENTIALS.contains(&name.to_ascii_lowercase().as_str()) => format!("{name}: {MASK}"),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provider_host::contract::{BatchLimits, Capability, Label, SettingField};

    #[test]
    fn a_value_is_hidden_however_it_is_written() {
        let label = || Label { ja: String::new(), en: String::new() };
        let field = |key: &str, kind| SettingField {
            key: key.to_owned(),
            label: label(),
            help: label(),
            kind,
            required: true,
            default: None,
            max_length: None,
        };
        let info = ProviderInfo {
            id: "x".to_owned(),
            name: label(),
            version: "1.0.0".to_owned(),
            settings: vec![field("key", SettingKind::Secret), field("url", SettingKind::Url)],
            carriers: Vec::new(),
            batch_limits: BatchLimits { credit: 1, check_credit: 0, cancel: 0, sync_tracking: 0 },
            capabilities: Capability::empty(),
            origins: Vec::new(),
            max_billed_amount: None,
        };
        let setting = |key: &str, value: &str| Setting { key: key.to_owned(), value: value.to_owned() };
        let settings = [setting("key", "pa&s \"<wort"), setting("url", "http://127.0.0.1:9")];
        let masks = Masks::of(&settings, &info);
        for text in [
            "key=pa%26s+%22%3Cwort&a=1",
            "key=pa%26s%20%22%3Cwort",
            "<key>pa&amp;s &quot;&lt;wort</key>",
            r#"{"key":"pa&s \"<wort"}"#,
            "Authorization: Basic cGE6cw==\nhost: x",
        ] {
            let hidden = masks.hide(text);
            assert!(hidden.contains(MASK) && !hidden.contains("wort") && !hidden.contains("cGE6"), "{hidden}");
        }
        assert_eq!(masks.hide("to http://127.0.0.1:9"), "to http://127.0.0.1:9");
    }
}
