//! Validation of a mall's settings that needs no provider. The one rule for the page, the API and the command line.

use crate::issue::Field;
use crate::mall::{MAX_ROWS_PER_REQUEST, Mall, Start};
use crate::name::{MAX_NAME, is_name, is_text};

/// Longest value of a setting, in characters, even if its plugin allows more.
pub const MAX_SETTING: usize = 1_000;
/// Most columns that say which orders are taken, and most values of one: more than an export has.
const MAX_TAKES: usize = 100;

/// Something wrong in a settings file, at `key`.
#[derive(Debug, Clone, PartialEq)]
pub struct MallProblem {
    /// The key, with the table it is in.
    pub key: String,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong with a key of a settings file.
#[derive(Debug, Clone, PartialEq)]
pub enum Wrong {
    /// No such key.
    UnknownKey,
    /// The key must be there.
    Missing,
    /// Another type is needed: text, a whole number, a table …
    Type(&'static str),
    /// Must be one of these.
    Choice(&'static str),
    /// Longer than this many characters, or empty, or with characters that cannot be seen, or blanks around it.
    Text(usize),
    /// Not an id that a mall can have.
    Id,
    /// Not a number from 1 to this one.
    Number(usize),
    /// A spreadsheet made a number of it.
    Mangled,
    /// Not a provider's name.
    ProviderName,
    /// Of a mapping: what is wrong, in both languages.
    Mapping {
        /// In Japanese.
        ja: String,
        /// In English.
        en: String,
    },
    /// What the provider says about it.
    Provider(Field),
}

impl MallProblem {
    /// `wrong` at `key`.
    pub fn new(key: impl Into<String>, wrong: Wrong) -> Self {
        Self { key: key.into(), wrong }
    }
}

/// The page for a mall that is yet to be made stands where such a mall's own would.
const NO_ID: &str = "new";

/// What is wrong with a mall independently of its provider: ids, names and texts that cannot be used. The one rule for the page, the API and the command line.
pub fn shape_problems(mall: &Mall) -> Vec<MallProblem> {
    let id_fits = is_name(&mall.id) && mall.id != NO_ID;
    let named = [
        ("id", id_fits, Wrong::Id),
        ("name", is_text(&mall.name, MAX_NAME), Wrong::Text(MAX_NAME)),
        ("provider", is_name(&mall.provider), Wrong::ProviderName),
        (
            "rows-per-request",
            (1..=MAX_ROWS_PER_REQUEST).contains(&(mall.rows_per_request as usize)),
            Wrong::Number(MAX_ROWS_PER_REQUEST),
        ),
    ];
    let named = named.into_iter().filter(|(_, fits, _)| !fits).map(|(key, _, wrong)| MallProblem::new(key, wrong));
    let settings = mall.settings.iter().filter(|(_, value)| !is_text(value.expose(), MAX_SETTING));
    let settings = settings.map(|(key, _)| MallProblem::new(format!("settings.{key}"), Wrong::Text(MAX_SETTING)));
    named.chain(settings).chain(column_problems(mall)).collect()
}

/// What is wrong with the names of columns and statuses.
fn column_problems(mall: &Mall) -> Vec<MallProblem> {
    let takes = mall.take.iter().flat_map(|(column, values)| {
        // An empty value stands for orders that have none.
        let values = values.iter().filter(|value| !value.is_empty());
        values.chain([column]).map(move |text| (format!("take.{column}"), text))
    });
    let unfit = takes.filter(|(_, text)| !is_text(text, MAX_NAME));
    let mut unfit: Vec<_> = unfit.map(|(key, _)| MallProblem::new(key, Wrong::Text(MAX_NAME))).collect();
    let lists = mall.take.values().map(Vec::len).chain([mall.take.len()]);
    if lists.max().is_some_and(|length| length > MAX_TAKES) {
        unfit.push(MallProblem::new("take", Wrong::Number(MAX_TAKES)));
    }
    let automation = &mall.automation;
    let status = |start: &'static str, from: &Start| match from {
        Start::Status(status) => Some((start, status.clone())),
        Start::Never | Start::AtOnce => None,
    };
    let moves = [
        ("approved", automation.approved.clone()),
        ("rejected", automation.rejected.clone()),
        ("on-hold", automation.on_hold.clone()),
    ];
    let moves = moves.into_iter().filter_map(|(key, status)| Some((key, status?)));
    let statuses = [status("credit", &automation.credit), status("sync", &automation.sync)].into_iter().flatten();
    let statuses = statuses.chain(moves).filter(|(_, status)| !is_text(status, MAX_NAME));
    let statuses = statuses.map(|(key, _)| MallProblem::new(format!("automation.{key}"), Wrong::Text(MAX_NAME)));
    unfit.into_iter().chain(statuses).collect()
}

/// The key of a fee band: rows are counted from 1.
pub fn band_key(at: usize) -> String {
    format!("fees.band[row {}]", at + 1)
}

/// The key of a field of the contract's fee rule, such as `bands[1].lower`.
pub fn fee_key(field: &str) -> String {
    let at_and_rest = field.strip_prefix("bands[").and_then(|rest| rest.split_once(']'));
    match at_and_rest.and_then(|(at, rest)| Some((at.parse().ok()?, rest))) {
        Some((at, rest)) => format!("{}{rest}", band_key(at)),
        None => format!("fees.{field}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn ids_and_names_that_cannot_be_used_are_refused() {
        let keys = |id: &str, name: &str, setting: &str| -> Vec<String> {
            let settings = Settings::from([("enterprise-id".to_owned(), setting.into())]);
            let mall = Mall { id: id.into(), name: name.into(), provider: "np".into(), settings, ..Mall::default() };
            shape_problems(&mall).into_iter().map(|problem| problem.key).collect()
        };
        assert_eq!(keys("honten-2", "本店　2号", "01234"), [""; 0]);
        for id in ["new", "", " ", "a b", "a\nb", "a\u{1b}[31m", "Honten", "本店", &"a".repeat(MAX_NAME + 1), "../a"]
        {
            assert_eq!(keys(id, "本店", "01234"), ["id"], "{id:?}");
        }
        for name in ["", " ", "　", " 本店", "本店\n", "a\nb", "a\u{1b}[2Jb", "a\u{202e}b", "\u{200b}", "a\0"] {
            assert_eq!(keys("honten", name, "01234"), ["name"], "{name:?}");
        }
        assert_eq!(keys("honten", "本店", "01\u{1b}234"), ["settings.enterprise-id"]);
    }

    #[test]
    fn rows_are_counted_from_one() {
        assert_eq!(fee_key("bands[1].lower"), "fees.band[row 2].lower");
        assert_eq!(fee_key("bands"), "fees.bands");
    }
}
