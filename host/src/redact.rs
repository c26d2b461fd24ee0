//! Removes settings and personal data from everything that is logged, and the characters that terminals obey.

use crate::contract::{Order, Party, Setting, SettingField, SettingKind};
use crate::text::visible;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::ops::Range;
use std::sync::OnceLock;

/// Shorter values occur in ordinary words; redacting them would hide the line and protect nothing.
const MIN_LENGTH: usize = 2;
/// Secrets that are shorter stay in what a plugin answers: as part of codes and numbers they come up by chance, and a
/// masked code would tell an operator nothing.
const MIN_SECRET: usize = 6;
/// Bytes of a text in which each value is looked for by itself. Building an automaton costs a hundred times as
/// much for each byte of the values as looking at a byte of a text, and most calls have no text but a path.
const SHORT: usize = 128;
/// Replaces each value.
const REDACTED: &str = "***";

/// The values of one call that may not appear in a log line, a path or the name of a host.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    values: Vec<String>,
    /// Made when it is first needed: most calls write nothing.
    matcher: OnceLock<Option<AhoCorasick>>,
}

impl Redactor {
    /// Also hides the values of `settings`, secret or not: shop ids are half of a credential. A choice
    /// stays readable if it is one of those that the plugin lists, which are the same for every shop.
    pub(crate) fn and_settings(mut self, settings: &[Setting], described: &[SettingField]) -> Self {
        self.hide(settings.iter().filter(|setting| !is_choice(setting, described)).map(|s| s.value.as_str()));
        self.hide_forms(settings, described);
        self
    }

    /// A redactor of the secrets among `settings`: of every value that is not described as something else.
    pub(crate) fn of_secrets(settings: &[Setting], described: &[SettingField]) -> Self {
        let mut redactor = Self::default();
        let secrets = settings.iter().filter(|setting| is_secret(setting, described)).map(|set| set.value.as_str());
        redactor.hide(secrets.filter(|value| value.chars().count() >= MIN_SECRET));
        redactor.hide_forms(settings, described);
        redactor
    }

    /// Also hides the [`forms`] of those of `settings` that are described as secrets: of as many as a plugin may describe.
    fn hide_forms(&mut self, settings: &[Setting], described: &[SettingField]) {
        let is_described = |setting: &&Setting| {
            described.iter().any(|field| field.key == setting.key && field.kind == SettingKind::Secret)
        };
        for secret in settings.iter().filter(is_described) {
            if secret.value.chars().count() >= MIN_SECRET {
                self.values.extend(forms(&secret.value));
            }
        }
    }

    /// A redactor of the personal data of `orders`.
    pub(crate) fn of_orders(orders: &[Order]) -> Self {
        let mut redactor = Self::default();
        for order in orders {
            for party in [Some(&order.buyer), order.recipient.as_ref()].into_iter().flatten() {
                redactor.hide(personal(party));
            }
            redactor.hide(order.note.as_deref());
        }
        redactor
    }

    fn hide<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) {
        let worth_hiding = |value: &&str| value.chars().count() >= MIN_LENGTH;
        self.values.extend(values.into_iter().filter(worth_hiding).map(str::to_owned));
    }

    /// `text` with every hidden value redacted, [readable](visible), cut to `length` characters.
    ///
    /// The text is cut first, so that its length costs nothing; only far enough behind the cut that a
    /// value that begins before it is seen whole.
    pub(crate) fn redact(&self, text: &str, length: usize) -> String {
        let longest = self.longest();
        let cut = text.char_indices().nth(length).map_or(text.len(), |(at, _)| at);
        let text = &text[..text.floor_char_boundary(cut.saturating_add(longest))];
        let mut redacted = String::new();
        let mut done = 0;
        for hidden in self.hidden(text) {
            redacted.push_str(&text[done..hidden.start.min(cut).max(done)]);
            if hidden.start < cut {
                redacted.push_str(REDACTED);
            }
            done = hidden.end;
        }
        redacted.push_str(text.get(done..cut).unwrap_or_default());
        visible(&redacted, length)
    }

    /// Bytes of the longest hidden value.
    pub(crate) fn longest(&self) -> usize {
        self.values.iter().map(String::len).max().unwrap_or_default()
    }

    /// Where hidden values are in `text`, overlapping ones as one, in order.
    fn hidden(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<_> = match self.matcher(text) {
            None => self.values.iter().flat_map(|value| occurrences(text, value)).collect(),
            Some(matcher) => matcher.find_overlapping_iter(text).map(|found| found.range()).collect(),
        };
        found.sort_by_key(|range| range.start);
        found.into_iter().fold(Vec::new(), |mut merged: Vec<Range<usize>>, range| {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
            merged
        })
    }

    /// All values in one pass, where that is worth it.
    fn matcher(&self, text: &str) -> Option<&AhoCorasick> {
        if self.values.is_empty() || text.len() <= SHORT {
            return None;
        }
        let build = || {
            // The names of hosts are lower case whatever was written. Of the kinds of automaton this is
            // the one that is built fastest; a call reads few lines with it.
            let mut builder = AhoCorasick::builder();
            builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::NoncontiguousNFA));
            builder.build(&self.values).ok()
        };
        self.matcher.get_or_init(build).as_ref()
    }
}

/// `secret` in the forms in which programs write what they hold: a half of it, backwards, as bytes in hexadecimal or
/// base64 (at any place of a longer text), as an address or a form of Japan's writes it. Whoever means to give it away
/// finds another one.
fn forms(secret: &str) -> Vec<String> {
    let letters: Vec<char> = secret.chars().collect();
    let (first, second) = letters.split_at(letters.len() / 2);
    let halves = [first, second].into_iter().filter(|half| half.len() >= MIN_SECRET).map(|half| half.iter().collect());
    let wide = letters.iter().map(|letter| match letter {
        '!'..='~' => char::from_u32(u32::from(*letter) + 0xfee0).unwrap_or(*letter),
        other => *other,
    });
    let every_byte = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let in_addresses = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
    let written = [letters.iter().rev().collect(), hex::encode(secret), wide.collect(), every_byte, in_addresses];
    let mut forms: Vec<String> =
        halves.chain(written).chain((0..3).flat_map(|before| base64_after(secret, before))).collect();
    forms.retain(|form| form != secret);
    forms
}

/// The digits that `secret` has in either base64, behind a number of other bytes: those that are of it alone.
fn base64_after(secret: &str, before: usize) -> [String; 2] {
    let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(secret.bytes()).collect();
    // Six bits a digit. The first and the last may have bits of a neighbour.
    let (from, until) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD]
        .map(|engine| engine.encode(&bytes).get(from..until).unwrap_or_default().to_owned())
}

/// Where `value` is in `text`.
fn occurrences<'a>(text: &'a str, value: &'a str) -> impl Iterator<Item = Range<usize>> + use<'a> {
    let windows = text.as_bytes().windows(value.len()).enumerate();
    let found = windows.filter(|(_, window)| window.eq_ignore_ascii_case(value.as_bytes()));
    found.map(|(at, _)| at..at + value.len())
}

/// Whether `setting` holds one of the choices that every description of its key lists.
fn is_choice(setting: &Setting, described: &[SettingField]) -> bool {
    let mut fields = described.iter().filter(|field| field.key == setting.key).peekable();
    let lists = |field: &SettingField| match &field.kind {
        SettingKind::Choice(choices) => choices.iter().any(|(id, _)| *id == setting.value),
        _ => false,
    };
    fields.peek().is_some() && fields.all(lists)
}

/// Whether `setting` is described as a secret, or not at all.
fn is_secret(setting: &Setting, described: &[SettingField]) -> bool {
    let mut fields = described.iter().filter(|field| field.key == setting.key).peekable();
    fields.peek().is_none() || fields.any(|field| field.kind == SettingKind::Secret)
}

fn personal(party: &Party) -> impl Iterator<Item = &str> {
    let address = &party.address;
    [&party.name, &party.phone, &address.postal_code, &address.city, &address.street]
        .into_iter()
        .chain([&party.name_kana, &party.company, &party.department, &party.email].into_iter().flatten())
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Label;

    fn set(key: &str, value: &str) -> Setting {
        Setting { key: key.into(), value: value.into() }
    }

    fn label() -> Label {
        Label { ja: String::new(), en: String::new() }
    }

    fn field(key: &str, kind: SettingKind) -> SettingField {
        SettingField {
            key: key.into(),
            label: label(),
            help: label(),
            kind,
            required: false,
            default: None,
            max_length: None,
        }
    }

    fn redactor(values: &[&str]) -> Redactor {
        let settings: Vec<_> = values.iter().map(|value| set("key", value)).collect();
        Redactor::default().and_settings(&settings, &[])
    }

    #[test]
    fn hidden_values_never_show_not_even_in_part() {
        let redactor = redactor(&["secret", "secret-longer", "x", "ABCD", "cdef"]);
        assert_eq!(redactor.redact("x secret-longer\u{7}and secret", 100), "x ***\u{fffd}and ***");
        assert_eq!(redactor.redact("0123456789", 4), "0123");
        assert_eq!(redactor.redact("one abcdef, one SECRET", 100), "one ***, one ***", "overlapping, in any case");
        let long = redactor.redact(&format!("one abcdef, one SECRET{}", "-".repeat(SHORT)), 2 * SHORT);
        assert!(long.starts_with("one ***, one ***--"), "in one pass as well: {long}");
        assert_eq!(redactor.redact("a\r\n\u{1b}[31m\u{202e}b", 100), "a  \u{fffd}[31m\u{fffd}b");
    }

    #[test]
    fn a_secret_is_hidden_in_halves_backwards_and_in_other_encodings() {
        const SECRET: &str = "hunter2+hunter3/ab";
        let redactor =
            Redactor::default().and_settings(&[set("password", SECRET)], &[field("password", SettingKind::Secret)]);
        for told in [
            "hunter2+h",
            "unter3/ab",
            "ba/3retnuh+2retnuh",
            "68756e746572322b68756e746572332f6162",
            "68756E746572322B68756E746572332F6162",
            "aHVudGVyMitodW50ZXIzL2Fi",
            "hunter2%2Bhunter3%2Fab",
            "ｈｕｎｔｅｒ２＋ｈｕｎｔｅｒ３／ａｂ",
        ] {
            assert_eq!(redactor.redact(told, 100), "***", "{told}");
        }
        // Between other bytes, at each place that base64 makes a difference of.
        for before in ["", "x", "xx", "xxx"] {
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let shown = redactor.redact(&engine.encode(format!("{before}{SECRET}yy")), 100);
                assert!(shown.contains("***") && shown.len() <= 3 + 4 + 4, "{shown}");
            }
        }
        assert_eq!(redactor.redact("hunter", 100), "hunter", "less than half of it");
    }

    #[test]
    fn a_value_that_is_cut_does_not_show() {
        let redactor = redactor(&["秘密の合言葉"]);
        for length in 0..20 {
            let cut = redactor.redact("x秘密の合言葉、秘密の合言葉y", length);
            assert!(!cut.contains(['秘', '密', '言']), "{cut}");
            assert!(cut.chars().count() <= length);
        }
        assert_eq!(redactor.redact("x秘密の合言葉y", 100), "x***y");
    }

    #[test]
    fn a_line_of_megabytes_costs_what_is_read_of_it() {
        let values: Vec<_> = (0..10_000).map(|n| format!("value-{n}-of-a-person")).collect();
        let redactor = redactor(&values.iter().map(String::as_str).collect::<Vec<_>>());
        let line = "value-77-of-a-person ".repeat(400_000);
        // Once, so that the automaton is there.
        redactor.redact(&line[..1_000], 500);
        let began = std::time::Instant::now();
        assert!(redactor.redact(&line, 500).starts_with("*** *** "));
        assert!(began.elapsed() < std::time::Duration::from_millis(100), "{:?}", began.elapsed());
    }

    #[test]
    fn a_choice_is_readable_only_if_it_is_on_the_list_and_described_as_nothing_else() {
        let choice = |key| field(key, SettingKind::Choice(vec![("listed".into(), label())]));
        let described = [choice("mode"), choice("password"), choice("twice"), field("twice", SettingKind::Secret)];
        let settings =
            [set("mode", "listed"), set("password", "hunter2"), set("twice", "listed"), set("none", "listed!")];
        let redactor = |at: usize| Redactor::default().and_settings(&settings[at..=at], &described);
        assert_eq!(redactor(0).redact("listed", 10), "listed");
        assert_eq!(redactor(1).redact("hunter2", 10), "***");
        assert_eq!(redactor(2).redact("listed", 10), "***");
        assert_eq!(redactor(3).redact("listed!", 10), "***");
    }
}
