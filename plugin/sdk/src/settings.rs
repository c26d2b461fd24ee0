//! Reading a shop's settings, and checking them by their description.

use crate::contract::{SettingField, SettingKind};
use crate::failure::problem;
use crate::types::{FieldProblem, Setting};
use std::sync::OnceLock;

/// A shop's settings. A key that is absent or empty has the described default.
pub struct Settings {
    given: Vec<Setting>,
    fields: fn() -> Vec<SettingField>,
    /// Made when one is first asked for: a description costs as much as a third of a whole call, and a platform that
    /// fills the defaults in itself leaves none to look up.
    defaults: OnceLock<Vec<Setting>>,
}

impl Settings {
    /// `given`, with the defaults of the described `fields` where a value is missing or empty.
    pub fn with_defaults(given: Vec<Setting>, fields: fn() -> Vec<SettingField>) -> Self {
        Self { given, fields, defaults: OnceLock::new() }
    }

    /// The value under `key`, or nothing.
    pub fn find(&self, key: &str) -> Option<&str> {
        let given = self.given.iter().find(|setting| setting.key == key && !setting.value.is_empty());
        let setting = given.or_else(|| self.defaults().iter().find(|setting| setting.key == key))?;
        Some(&setting.value)
    }

    fn defaults(&self) -> &[Setting] {
        self.defaults.get_or_init(|| {
            let default = |field: SettingField| Some(Setting { key: field.key, value: field.default? });
            (self.fields)().into_iter().filter_map(default).collect()
        })
    }

    /// The value under `key`, or "". For keys that `check-settings` requires.
    pub fn get(&self, key: &str) -> &str {
        self.find(key).unwrap_or_default()
    }

    /// `path` below the base URL under `key`, whether or not that ends in a slash.
    pub fn url(&self, key: &str, path: &str) -> String {
        format!("{}/{}", self.get(key).trim_end_matches('/'), path.trim_start_matches('/'))
    }
}

/// Everything that the description itself forbids, field by field.
pub fn check(settings: &[Setting], fields: &[SettingField]) -> Vec<FieldProblem> {
    let unknown = settings
        .iter()
        .filter(|s| !fields.iter().any(|f| f.key == s.key))
        .map(|s| problem(&s.key, "unknown-setting", "この名前の設定項目はありません"));
    let twice = settings
        .iter()
        .enumerate()
        .filter(|(at, s)| settings[..*at].iter().any(|earlier| earlier.key == s.key))
        .map(|(_, s)| problem(&s.key, "setting-twice", "同じ設定項目が二度あります"));
    let wrong = fields.iter().filter_map(|field| {
        let value = settings.iter().find(|s| s.key == field.key).map_or("", |s| s.value.as_str());
        check_field(field, value)
    });
    unknown.chain(twice).chain(wrong).collect()
}

fn check_field(field: &SettingField, value: &str) -> Option<FieldProblem> {
    let say = |code, message: String| Some(problem(&field.key, code, message));
    if value.is_empty() {
        let missing = field.required && field.default.is_none();
        return if missing { say("required", format!("{}を入力してください", field.label.ja)) } else { None };
    }
    if let Some(limit) = field.max_length
        && value.chars().count() > limit as usize
    {
        return say("too-long", format!("{}は{limit}文字以内です", field.label.ja));
    }
    match &field.kind {
        SettingKind::Digits if !value.bytes().all(|b| b.is_ascii_digit()) => {
            say("not-digits", format!("{}は半角数字です", field.label.ja))
        }
        SettingKind::Url if !is_base_url(value) => {
            say("not-a-url", format!("{}は http:// か https:// で始まるURLです", field.label.ja))
        }
        SettingKind::Choice(options) if !options.iter().any(|(id, _)| id == value) => {
            say("not-a-choice", format!("{}を一覧から選んでください", field.label.ja))
        }
        _ => None,
    }
}

/// A base URL names a scheme and a host, and neither user, query nor fragment: paths are put behind it.
fn is_base_url(value: &str) -> bool {
    let Ok(url) = value.parse::<::http::Uri>() else { return false };
    let web = matches!(url.scheme_str(), Some("http" | "https"));
    let host = url.authority().is_some_and(|a| !a.host().is_empty() && !a.as_str().contains('@'));
    web && host && url.query().is_none() && !value.contains('#')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Label;

    fn field(key: &str, kind: SettingKind, required: bool, default: Option<&str>) -> SettingField {
        let label = Label { ja: key.to_owned(), en: key.to_owned() };
        let default = default.map(str::to_owned);
        SettingField {
            key: key.to_owned(),
            label: label.clone(),
            help: label,
            kind,
            required,
            default,
            max_length: Some(30),
        }
    }

    fn set(key: &str, value: &str) -> Setting {
        Setting { key: key.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn every_problem_is_named_not_only_the_first() {
        let fields = [
            field("id", SettingKind::Digits, true, None),
            field("base", SettingKind::Url, true, Some("https://example.com")),
            field("name", SettingKind::Text, true, None),
        ];
        let given = [set("id", "12a"), set("base", "ftp://x"), set("nmae", "x"), set("nmae", "y")];
        let problems = check(&given, &fields);
        let found: Vec<_> = problems.iter().map(|p| (p.field.as_str(), p.reason.code.as_deref().unwrap())).collect();
        assert_eq!(
            found,
            [
                ("nmae", "unknown-setting"),
                ("nmae", "unknown-setting"),
                ("nmae", "setting-twice"),
                ("id", "not-digits"),
                ("base", "not-a-url"),
                ("name", "required"),
            ]
        );
    }

    #[test]
    fn defaults_stand_in_for_empty_values() {
        let fields = || vec![field("base", SettingKind::Url, true, Some("https://example.com/a/"))];
        let settings = Settings::with_defaults(vec![set("base", "")], fields);
        assert_eq!(settings.url("base", "/b"), "https://example.com/a/b");
    }

    #[test]
    fn nothing_is_described_for_a_value_that_is_given() {
        let settings = Settings::with_defaults(vec![set("base", "https://example.jp")], || panic!("described"));
        assert_eq!(settings.get("base"), "https://example.jp");
    }

    #[test]
    fn a_base_url_carries_no_user_query_or_fragment() {
        for bad in ["https://u:p@h/", "https://h/?q", "https://h/#f", "h", "https://", "file:///etc"] {
            assert!(!is_base_url(bad), "{bad}");
        }
        assert!(is_base_url("http://127.0.0.1:8080/prefix"));
    }
}
