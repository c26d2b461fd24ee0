//! The form of a mall: parsing and validation.

use crate::web::http::form::FormFields;
use crate::web::http::refusal::Refusal;
use crate::web::pages::mall::unsaved::{UnsavedSecrets, drawn_provider, is_secret};
use crate::web::parts::mall_problems::own_problems;
use crate::web::parts::mapping_format::Formats;
use crate::web::texts::{Texts, fill};
use domain::columns::Takes;
use domain::invoice::Invoice;
use domain::issue::Field;
use domain::lang::Lang;
use domain::mall::{Automation, Band, Fees, Mall, Mode, ROWS_PER_REQUEST, Start};
use domain::settings::{Setting, Settings};
use domain::validation::{MallProblem, Wrong};
use provider_host::Plugin;
use provider_host::contract::{ProviderInfo, SettingField};
use service::malls;
use service::messages::localize::Localize;
use std::collections::BTreeMap;

/// Rows of the fee rule that the form has at least, as in the manual.
const MIN_ROWS: usize = 4;
/// Most rows of the fee rule that the form has: more than a shop has bands, and than any provider accepts.
pub(super) const MAX_ROWS: usize = 100;

/// The form of a mall: the mall that it stands for, the input, and the errors in it.
pub(super) struct MallForm {
    /// The mall, as far as the input can be parsed.
    pub mall: Mall,
    /// The rows of the fee rule, as they were typed: from, up to, fee.
    pub rows: Vec<[String; 3]>,
    /// The amount to try the fee rule with, as it was typed.
    pub try_amount: String,
    /// Whether changed settings mean another account: `new`, `same` or empty.
    pub account: String,
    /// Most orders in a request, as it was typed.
    pub rows_per_request: String,
    /// Which orders are imported, as it was typed.
    pub take: String,
    /// 受注ステータス of each start, even where another start is chosen.
    pub statuses: BTreeMap<&'static str, String>,
    /// Secrets that were typed and are not saved yet.
    pub unsaved: UnsavedSecrets,
    /// The error message of each field that has one.
    pub problems: BTreeMap<String, String>,
}

impl MallForm {
    /// The form of a mall as it is stored, or of a new one.
    pub(super) fn of(mall: Mall) -> Self {
        let text = |band: &Band| {
            [
                band.lower.to_string(),
                band.upper.map(|upper| upper.to_string()).unwrap_or_default(),
                band.fee.to_string(),
            ]
        };
        let rows = mall.fees.bands.iter().map(text).collect();
        let statuses = STARTS.into_iter().filter_map(|name| match start_of(&mall.automation, name) {
            Start::Status(status) => Some((name, status.clone())),
            Start::Never | Start::AtOnce => None,
        });
        let statuses = statuses.collect();
        let mut form = Self {
            rows_per_request: mall.rows_per_request.to_string(),
            take: take_lines(&mall.take),
            mall,
            rows,
            try_amount: String::new(),
            account: String::new(),
            statuses,
            unsaved: UnsavedSecrets::default(),
            problems: BTreeMap::new(),
        };
        form.pad();
        form
    }

    /// The error message of the field `key`.
    pub(super) fn problem(&self, key: &str) -> Option<&String> {
        self.problems.get(key)
    }

    fn pad(&mut self) {
        let rows = self.rows.len().max(MIN_ROWS);
        self.rows.resize(rows, Default::default());
    }

    /// Parses a form that was sent. A secret that was left empty is the one that was typed before, or stays as it is
    /// stored.
    pub(super) fn read(
        fields: &FormFields,
        before: Option<&Mall>,
        info: Option<&ProviderInfo>,
        unsaved: UnsavedSecrets,
        t: &Texts,
    ) -> Self {
        let mut form = Self {
            mall: Mall {
                id: fields.one("id").to_owned(),
                name: fields.one("name").to_owned(),
                provider: fields.one("provider").to_owned(),
                settings: info.map(|info| settings(fields, before, &unsaved, info)).unwrap_or_default(),
                invoice: Invoice::parse(fields.one("invoice")).unwrap_or_default(),
                fees: Fees { mode: mode(fields.one("mode")), bands: Vec::new() },
                automation: wanted_automation(fields),
                mapping: mapping(fields, Formats::Export, ["mapping", "format", "drawn_format"]),
                tracking_mapping: mapping(
                    fields,
                    Formats::Tracking,
                    ["tracking_mapping", "tracking_format", "drawn_tracking_format"],
                ),
                take: take(fields),
                by_csv: fields.one("by_csv") == "yes",
                rows_per_request: rows_per_request(fields),
                version: fields.one("version").parse().unwrap_or_default(),
                account: 0,
            },
            rows: fields
                .all("lower")
                .zip(fields.all("upper"))
                .zip(fields.all("fee"))
                .map(|((lower, upper), fee)| [lower, upper, fee].map(str::to_owned))
                .take(MAX_ROWS)
                .collect(),
            try_amount: fields.one("try").to_owned(),
            account: fields.one("account").to_owned(),
            rows_per_request: fields.one("rows_per_request").to_owned(),
            take: fields.one("take").to_owned(),
            statuses: STARTS.map(|name| (name, fields.one(&format!("{name}.status")).to_owned())).into(),
            unsaved,
            problems: BTreeMap::new(),
        };
        form.read_bands(t);
        if let Some(line) = lines(&form.take).find(|line| !line.contains('=')) {
            form.problems.insert("take".to_owned(), fill(t.take_line_wrong, &[&line]));
        }
        form.pad();
        form
    }

    /// Parses the rows of the fee rule. Empty rows are removed first, so that a row and its band have the same index.
    fn read_bands(&mut self, t: &Texts) {
        self.rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
        for (at, [lower, upper, fee]) in self.rows.iter().enumerate() {
            let open = upper.is_empty();
            match (amount(lower), amount(upper), amount(fee)) {
                (Some(lower), upper, Some(fee)) if open || upper.is_some() => {
                    self.mall.fees.bands.push(Band { lower, upper, fee });
                }
                _ => {
                    self.problems.insert(band_key(at), fill(t.row_problem, &[&(at + 1), &t.not_yen]));
                }
            }
        }
    }

    /// Validates the whole form; each error is put at its field.
    ///
    /// # Errors
    ///
    /// The plugin failed to validate.
    pub(super) async fn check(&mut self, plugin: Option<&Plugin>, lang: Lang, t: &Texts) -> Result<(), Refusal> {
        let found = malls::validate(&self.mall, plugin).await.map_err(|error| Refusal::failed(&error))?;
        self.problems.extend(own_problems(&found, lang));
        self.lost_problems(t);
        // A row that is no number has its error already; the rule without that row would be another rule.
        let rows_are_numbers = !self.problems.keys().any(|key| key.starts_with("fees."));
        let (Some(plugin), Some(found)) = (plugin, found.of_provider) else { return Ok(()) };
        for problem in found {
            if let Some(key) = problem.key.strip_prefix("settings.") {
                let label = plugin.info().settings.iter().find(|field| field.key == key);
                let label = label.map_or(key, |field| lang.pick(&field.label.ja, &field.label.en)).to_owned();
                self.problems.insert(problem.key.clone(), provider_error(&problem, label, lang));
            } else if rows_are_numbers {
                self.insert_fee_problem(&problem, lang, t);
            }
        }
        Ok(())
    }

    /// A secret that was typed and has been lost is an error: an empty field would mean that the stored one stays.
    fn lost_problems(&mut self, t: &Texts) {
        for key in self.unsaved.lost(&self.mall.provider) {
            self.problems.insert(format!("settings.{key}"), t.secret_lost.to_owned());
        }
    }

    fn insert_fee_problem(&mut self, problem: &MallProblem, lang: Lang, t: &Texts) {
        let row = problem.key.strip_prefix("fees.band[row ").and_then(|rest| rest.split(']').next());
        let (key, label) = match row.and_then(|row| row.parse::<usize>().ok()) {
            Some(row) => (band_key(row - 1), fill(t.row, &[&row])),
            None => ("fees.bands".to_owned(), t.fees.to_owned()),
        };
        self.problems.entry(key).or_insert_with(|| provider_error(problem, label, lang));
    }
}

/// The key of the errors of a row of the fee rule.
pub(super) fn band_key(at: usize) -> String {
    format!("fees.{at}")
}

fn provider_error(problem: &MallProblem, label: String, lang: Lang) -> String {
    match &problem.wrong {
        Wrong::Provider(field) => Field { field: label, said: field.said.clone() }.localized(lang),
        _ => problem.localized(lang),
    }
}

/// An amount in yen, with or without separators and 円.
pub(super) fn amount(text: &str) -> Option<i64> {
    text.replace([',', '円'], "").parse().ok()
}

fn settings(fields: &FormFields, before: Option<&Mall>, unsaved: &UnsavedSecrets, info: &ProviderInfo) -> Settings {
    let kept = before.filter(|before| before.provider == info.id);
    // Input in the fields of another provider is not for this one, even where the keys are the same.
    let is_drawn = drawn_provider(fields) == info.id;
    let value = |field: &SettingField| {
        let typed = match is_secret(field) {
            true => unsaved.value(&info.id, &field.key).cloned(),
            false => fields.given(&format!("set.{}", field.key)).filter(|_| is_drawn),
        };
        let stored = kept.and_then(|kept| kept.settings.get(&field.key).cloned());
        let stored = stored.filter(|_| is_secret(field) || !is_drawn);
        Some((field.key.clone(), typed.map(Setting::from).or(stored)?))
    };
    info.settings.iter().filter_map(value).collect()
}

fn wanted_automation(fields: &FormFields) -> Automation {
    let start = |name: &str| match fields.one(name) {
        "at_once" => Start::AtOnce,
        "status" => Start::Status(fields.one(&format!("{name}.status")).to_owned()),
        _ => Start::Never,
    };
    Automation {
        credit: start("credit"),
        poll: fields.one("poll") == "yes",
        sync: start("sync"),
        approved: fields.given("approved"),
        rejected: fields.given("rejected"),
        on_hold: fields.given("on_hold"),
    }
}

/// The default if it is empty. Input that is no number becomes 0, which is rejected.
fn rows_per_request(fields: &FormFields) -> u32 {
    let typed = fields.given("rows_per_request");
    typed.map_or(ROWS_PER_REQUEST, |typed| typed.parse().unwrap_or_default())
}

/// Lines of `column=value`. Headings have `=` in them more often than values (`区分（0=通常 1=後払い）`).
fn take(fields: &FormFields) -> Takes {
    let mut take = Takes::new();
    for (column, value) in lines(fields.one("take")).filter_map(|line| line.rsplit_once('=')) {
        take.entry(column.trim().to_owned()).or_default().push(value.trim().to_owned());
    }
    take
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn take_lines(take: &Takes) -> String {
    let lines = take.iter().flat_map(|(column, values)| values.iter().map(move |value| format!("{column}={value}")));
    lines.collect::<Vec<_>>().join("\n")
}

/// The mapping in the fields `text`, `format` and `drawn`: that of the format that was chosen since the form was drawn,
/// else its text.
fn mapping(fields: &FormFields, formats: Formats, [text, format, drawn]: [&str; 3]) -> String {
    let typed = || fields.one(text).replace("\r\n", "\n");
    let format = fields.one(format);
    if format == fields.one(drawn) { typed() } else { formats.text(format).unwrap_or_else(typed) }
}

/// The modes of a fee rule by their names in the form.
pub(super) const MODES: [(&str, Mode); 3] = [("keep", Mode::Keep), ("replace", Mode::Replace), ("add", Mode::Add)];

fn mode(name: &str) -> Mode {
    MODES.iter().find(|(known, _)| *known == name).map_or(Mode::Keep, |(_, mode)| *mode)
}

/// The actions that can begin automatically, by their names in the form.
pub(super) const STARTS: [&str; 2] = ["credit", "sync"];

/// When the action `name` of [`STARTS`] begins.
pub(super) fn start_of<'a>(automation: &'a Automation, name: &str) -> &'a Start {
    if name == "credit" { &automation.credit } else { &automation.sync }
}
