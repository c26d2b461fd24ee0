//! Settings that a plugin accepts, found by asking it, and whether it names what is wrong with others.

use crate::log::ORDINARY;
use crate::report::{Finding, Outcome};
use crate::session::{Session, broke_off, shown};
use crate::words::{Words, say};
use provider_host::contract::{FieldProblem, Setting, SettingField, SettingKind};
use provider_host::{CallError, Plugin};
use std::collections::BTreeMap;
use tracing::Instrument;

/// Longest value that is tried where the description names no limit.
const MAX_TRIED: usize = 20;
/// Questions that are asked at most: every field is varied at once, so this is also the number of
/// values that a field can be given.
const MAX_QUESTIONS: usize = 100;

/// Settings with every URL at `origin`, varied until `check-settings` accepts them. `given` ones are
/// taken as they are; the others are left to their defaults unless one is required.
pub async fn find(plugin: &Plugin, origin: &str, given: &BTreeMap<String, String>) -> Result<Vec<Setting>, Finding> {
    let mut tried: Vec<Tried> = plugin.info().settings.iter().map(|field| Tried::new(field, origin, given)).collect();
    for _ in 0..MAX_QUESTIONS {
        let settings: Vec<_> = tried.iter().filter_map(Tried::setting).collect();
        let asked = plugin.check_settings(settings.clone()).instrument(tracing::info_span!(ORDINARY)).await;
        let problems = asked.map_err(|error| broken(&settings, &error))?;
        if problems.is_empty() {
            return Ok(settings);
        }
        let at_fault = tried.iter_mut().filter(|tried| names(&problems, &tried.key));
        // All of them move, not only the first that can.
        if at_fault.filter_map(|tried| tried.next().then_some(())).count() == 0 {
            return Err(not_found(&problems).shown_by(call(&settings), shown(&problems)));
        }
    }
    let words = say!(
        "{MAX_QUESTIONS}回試しても check-settings に受け入れられる値が見つからない",
        "no values were accepted by check-settings in {MAX_QUESTIONS} attempts"
    );
    let settings: Vec<_> = tried.iter().filter_map(Tried::setting).collect();
    Err(words.shown_by(call(&settings), Words::new("問題あり", "problems")))
}

/// The call of `check-settings` with `settings`, for people.
fn call(settings: &[Setting]) -> String {
    let settings: Vec<_> = settings.iter().map(|setting| format!("{} = {:?}", setting.key, setting.value)).collect();
    format!("check-settings\n{}", settings.join("\n"))
}

fn broken(settings: &[Setting], error: &CallError) -> Finding {
    broke_off("check-settings", error).shown_by(call(settings), error.to_string())
}

fn not_found(problems: &[FieldProblem]) -> Words {
    let said: Vec<_> =
        problems.iter().map(|problem| format!("{}: {}", problem.field, problem.reason.message)).collect();
    let said = said.join(" / ");
    say!(
        "check-settings に受け入れられる値が見つからない（{said}）",
        "found no values that check-settings accepts ({said})"
    )
}

fn names(problems: &[FieldProblem], key: &str) -> bool {
    problems.iter().any(|problem| problem.field == key)
}

/// A field and the values that can be tried for it.
struct Tried {
    key: String,
    values: Vec<String>,
    at: usize,
    /// Left out until a problem names it.
    absent: bool,
}

impl Tried {
    fn new(field: &SettingField, origin: &str, given: &BTreeMap<String, String>) -> Self {
        let is_url = field.kind == SettingKind::Url;
        let values = match given.get(&field.key) {
            Some(value) if !is_url => vec![value.clone()],
            _ => candidates(field, origin),
        };
        let needed = field.required && field.default.is_none();
        let absent = !(is_url || needed || given.contains_key(&field.key));
        Self { key: field.key.clone(), values, at: 0, absent }
    }

    fn setting(&self) -> Option<Setting> {
        let value = self.values.get(self.at)?.clone();
        (!self.absent).then(|| Setting { key: self.key.clone(), value })
    }

    /// The next value, if there is one.
    fn next(&mut self) -> bool {
        if std::mem::take(&mut self.absent) {
            return true;
        }
        let more = self.at + 1 < self.values.len();
        self.at += usize::from(more);
        more
    }
}

/// Values that fit the description, those first that cannot be mistaken for ordinary words of a log.
fn candidates(field: &SettingField, origin: &str) -> Vec<String> {
    let longest = field.max_length.map_or(MAX_TRIED, |length| (length as usize).min(MAX_TRIED));
    let cut = |from: &str| -> Vec<String> {
        let whole: String = from.chars().cycle().take(longest).collect();
        (1..=longest).rev().map(|length| whole[..length].to_owned()).collect()
    };
    match &field.kind {
        SettingKind::Url => vec![origin.to_owned()],
        SettingKind::Choice(options) => options.iter().map(|(id, _)| id.clone()).collect(),
        SettingKind::Digits => cut("7391826450"),
        SettingKind::Text | SettingKind::Secret => {
            [cut("kitx7q9z"), cut("7391826450"), cut("KITX"), vec!["kit@example.jp".to_owned(), "検査".to_owned()]]
                .concat()
        }
    }
}

/// What `check-settings` says of `settings`, or how it broke off.
async fn ask(session: &Session, settings: &[Setting]) -> Result<Vec<FieldProblem>, Finding> {
    let asked = session.plugin.check_settings(settings.to_vec()).await;
    asked.map_err(|error| broken(settings, &error))
}

/// The accepted settings with `key` set to `value`, or without it.
fn with(session: &Session, key: &str, value: Option<&str>) -> Vec<Setting> {
    let mut settings = session.settings.clone().unwrap_or_default();
    settings.retain(|setting| setting.key != key);
    settings.extend(value.map(|value| Setting { key: key.to_owned(), value: value.to_owned() }));
    settings
}

/// A change to the accepted settings that `check-settings` has to object to, naming `key`.
struct Wrong {
    key: String,
    value: Option<String>,
    how: Words,
}

async fn all_named(session: &Session, wrongs: Vec<Wrong>, without: Words) -> Outcome {
    if wrongs.is_empty() {
        return Outcome::NotApplicable(without);
    }
    let mut reasons = Vec::new();
    for Wrong { key, value, how } in wrongs {
        let settings = with(session, &key, value.as_deref());
        match ask(session, &settings).await {
            Ok(problems) if names(&problems, &key) => {}
            Ok(problems) => reasons.push(unnamed(&key, &how).shown_by(call(&settings), shown(&problems))),
            Err(broken) => reasons.push(broken),
        }
    }
    Outcome::of(reasons)
}

fn unnamed(key: &str, how: &Words) -> Words {
    let (ja, en) = (how.in_lang(crate::Lang::Ja), how.in_lang(crate::Lang::En));
    say!("{key}: {ja}のに指摘がない", "{key}: {en}, and no problem names it")
}

fn required(session: &Session) -> impl Iterator<Item = &SettingField> {
    session.plugin.info().settings.iter().filter(|field| field.required && field.default.is_none())
}

fn nothing_required() -> Words {
    Words::new("既定値のない必須項目がない", "no field is required without a default")
}

/// Settings could be made from the description alone.
pub async fn accepted(session: &Session) -> Outcome {
    Outcome::of(session.settings.as_ref().err().cloned())
}

/// A required setting that is missing or empty is named.
pub async fn missing(session: &Session) -> Outcome {
    let missing = |key: &str| {
        let how = Words::new("必須なのに設定がない", "is required and missing");
        Wrong { key: key.to_owned(), value: None, how }
    };
    let empty = |key: &str| {
        let how = Words::new("必須なのに空である", "is required and empty");
        Wrong { key: key.to_owned(), value: Some(String::new()), how }
    };
    let wrongs = required(session).flat_map(|field| [missing(&field.key), empty(&field.key)]).collect();
    all_named(session, wrongs, nothing_required()).await
}

/// Several problems are all named at once.
pub async fn all_at_once(session: &Session) -> Outcome {
    let mut keys: Vec<_> = required(session).map(|field| field.key.as_str()).collect();
    if keys.is_empty() {
        return Outcome::NotApplicable(nothing_required());
    }
    let mut settings = session.settings.clone().unwrap_or_default();
    settings.retain(|setting| !keys.contains(&setting.key.as_str()));
    settings.push(Setting { key: NO_KEY.to_owned(), value: "x".to_owned() });
    keys.push(NO_KEY);
    let problems = match ask(session, &settings).await {
        Ok(problems) => problems,
        Err(broken) => return Outcome::Failed(vec![broken]),
    };
    let how = Words::new("ほかの誤りと同時に誤っている", "is wrong together with others");
    let missed = keys.into_iter().filter(|key| !names(&problems, key));
    Outcome::of(missed.map(|key| unnamed(key, &how).shown_by(call(&settings), shown(&problems))))
}

/// A key that nobody describes.
const NO_KEY: &str = "kit-no-such-setting";

/// A key that is not described is named: it is a typing error.
pub async fn unknown_key(session: &Session) -> Outcome {
    let how = Words::new("そのような項目はない", "is no setting of this plugin");
    all_named(session, vec![Wrong { key: NO_KEY.to_owned(), value: Some("x".to_owned()), how }], how_none()).await
}

fn how_none() -> Words {
    Words::new("試せる項目がない", "no field can be tried")
}

/// A value that is not of the field's kind is named.
pub async fn kinds(session: &Session) -> Outcome {
    let wrong = |field: &SettingField| {
        let values: &[&str] = match field.kind {
            SettingKind::Digits => &["1a", "１"],
            SettingKind::Url => &["ftp://127.0.0.1", "gateway.example"],
            SettingKind::Choice(_) => &["kit-no-such-choice"],
            SettingKind::Text | SettingKind::Secret => &[],
        };
        let wrong = |value: &&str| {
            let how = say!("種類に合わない値 {value} である", "has {value}, which is not of its kind");
            Wrong { key: field.key.clone(), value: Some((*value).to_owned()), how }
        };
        values.iter().map(wrong).collect::<Vec<_>>()
    };
    all_named(session, session.plugin.info().settings.iter().flat_map(wrong).collect(), how_none()).await
}

/// A value that is longer than the description allows is named.
pub async fn lengths(session: &Session) -> Outcome {
    let wrong = |field: &SettingField| {
        let over = field.max_length? as usize + 1;
        let value = match field.kind {
            SettingKind::Url => format!("http://127.0.0.1/{}", "a".repeat(over)),
            SettingKind::Choice(_) => return None,
            _ => "1".repeat(over),
        };
        let how = say!("上限より長い{over}文字である", "has {over} characters, more than its maximum");
        Some(Wrong { key: field.key.clone(), value: Some(value), how })
    };
    all_named(session, session.plugin.info().settings.iter().filter_map(wrong).collect(), how_none()).await
}

/// The described defaults are accepted.
pub async fn defaults(session: &Session) -> Outcome {
    let mut settings = session.settings.clone().unwrap_or_default();
    let mut keys = Vec::new();
    for (field, default) in session.plugin.info().settings.iter().filter_map(|f| Some((f, f.default.as_ref()?))) {
        settings.retain(|setting| setting.key != field.key);
        settings.push(Setting { key: field.key.clone(), value: default.clone() });
        keys.push(field.key.as_str());
    }
    let problems = match ask(session, &settings).await {
        Ok(problems) => problems,
        Err(broken) => return Outcome::Failed(vec![broken]),
    };
    let refused = problems.iter().filter(|problem| keys.contains(&problem.field.as_str()));
    Outcome::of(refused.map(|problem| {
        let (key, words) = (&problem.field, &problem.reason.message);
        say!("{key}: 既定値が受け入れられない（{words}）", "{key}: its default is refused ({words})")
            .shown_by(call(&settings), shown(&problems))
    }))
}
