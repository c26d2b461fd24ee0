//! The settings of a mall (モール詳細設定): a form that is drawn from what the plugin describes.

use crate::cli::table::yen;
use crate::domain::credit_state::Action;
use crate::domain::issue::{Field, Lang, connection_words, field_words};
use crate::domain::mall::{self, Automation, Band, Fees, Mall, MallProblem, Mode, Start, Wrong};
use crate::domain::order::Invoice;
use crate::service::automation;
use crate::service::csv::order_columns;
use crate::service::csv::selection::Takes;
use crate::service::malls::{self, ConnectionError, FeeTrialError, MallProblems, SaveMallError, SavedMall};
use crate::store::{AccountChange, Actor, Backlog, MallUpdate, OnBacklog, OpenOrders, Sum};
use crate::web::App;
use crate::web::http::form::Signed;
use crate::web::http::page::{Notice, Page, Refusal, Tone, html, ok};
use crate::web::http::session::{Admin, Staff};
use crate::web::parts::confirm::{Confirmation, Press, billed_words, orders_words};
use crate::web::parts::order_row::Names;
use crate::web::parts::unsaved::{Draft, Unsaved, is_secret};
use crate::web::texts::{Texts, fill, texts};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use provider_host::Plugin;
use provider_host::contract::{Failure, ProviderInfo, SettingField, SettingKind};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Rows of the fee rule that are there from the start, as on the manual's page.
const FIRST_ROWS: usize = 4;
/// More rows than any shop has bands; a provider's own limit is lower.
const MAX_ROWS: usize = 100;

#[derive(Template)]
#[template(path = "malls.html")]
struct MallsPage {
    p: Page,
    malls: Vec<Line>,
    providers: Vec<(String, String)>,
}

struct Line {
    id: String,
    name: String,
    provider: String,
    invoice: &'static str,
    fees: &'static str,
}

/// `GET /malls`
pub async fn list(State(app): State<App>, staff: Staff) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let names = Names::of(&app, p.lang).await?;
    let line = |mall: Mall| Line {
        provider: names.provider(&mall.provider),
        invoice: mall.invoice.label(p.lang),
        fees: mall.fees.mode.label(p.lang),
        id: mall.id,
        name: mall.name,
    };
    let malls = app.store.malls().await?.into_iter().map(line).collect();
    Ok(ok(&MallsPage { malls, providers: names.providers(), p }))
}

/// A value to choose, and whether it is chosen.
pub struct Choice {
    pub value: &'static str,
    pub label: String,
    pub here: bool,
}

#[derive(Template)]
#[template(path = "mall.html")]
struct MallPage {
    p: Page,
    heading: String,
    action: String,
    is_new: bool,
    /// What the secrets that were typed and are not saved yet are found by, and which there are.
    draft: Option<String>,
    drafted: Vec<String>,
    /// Orders that the automation leaves to an operator, in words.
    held: Option<String>,
    form: Form,
    providers: Vec<(String, String)>,
    provider_words: Vec<String>,
    accounts: Vec<Choice>,
    invoices: Vec<Choice>,
    settings_heading: String,
    fields: Vec<FieldView>,
    has_more_fields: bool,
    more_open: bool,
    test: Option<Notice>,
    modes: Vec<Choice>,
    bands: Vec<BandView>,
    tried: Option<Notice>,
    starts: Vec<StartView>,
    poll: bool,
    by_csv: bool,
    moves: Vec<MoveView>,
    rows_per_request: String,
    take: String,
    mapped: bool,
    headings: Vec<(&'static str, String)>,
}

struct FieldView {
    key: String,
    /// Nothing works without it; the others stay folded.
    is_main: bool,
    label: String,
    help: String,
    required: bool,
    input: &'static str,
    class: &'static str,
    digits: bool,
    autocomplete: &'static str,
    max: u32,
    value: String,
    placeholder: Option<&'static str>,
    /// A secret that was typed and is not saved yet.
    typed: bool,
    choices: Vec<(String, String)>,
    problem: Option<String>,
}

struct BandView {
    lower: String,
    upper: String,
    fee: String,
    lower_label: String,
    upper_label: String,
    fee_label: String,
    problem: Option<String>,
}

struct StartView {
    name: &'static str,
    legend: &'static str,
    choices: Vec<Choice>,
    status: String,
    problem: Option<String>,
}

struct MoveView {
    name: &'static str,
    label: &'static str,
    value: String,
}

/// A form's fields, as they came.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// The provider whose fields the form had: not the chosen one, as long as that was not drawn.
    pub fn drawn(&self) -> &str {
        match self.one("drawn") {
            "" => self.one("provider"),
            drawn => drawn,
        }
    }

    pub fn given(&self, name: &str) -> Option<String> {
        Some(self.one(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }
}

/// The mall as the form has it, what was typed, and what is wrong with it.
struct Form {
    mall: Mall,
    rows: Vec<[String; 3]>,
    try_amount: String,
    account: String,
    /// Most orders in a request, as it was typed.
    rows_per_request: String,
    /// Which orders are taken, as it was typed.
    take: String,
    /// 受注ステータス of each start, chosen or only typed.
    statuses: BTreeMap<&'static str, String>,
    unsaved: Unsaved,
    problems: BTreeMap<String, String>,
}

impl Form {
    /// Of a mall as it is stored, or of a new one.
    fn of(mall: Mall) -> Self {
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
        let mut form = Form {
            rows_per_request: mall.rows_per_request.to_string(),
            take: take_lines(&mall.take),
            mall,
            rows,
            try_amount: String::new(),
            account: String::new(),
            statuses,
            unsaved: Unsaved::default(),
            problems: BTreeMap::new(),
        };
        form.pad();
        form
    }

    fn problem(&self, key: &str) -> Option<&String> {
        self.problems.get(key)
    }

    fn pad(&mut self) {
        let rows = self.rows.len().max(FIRST_ROWS);
        self.rows.resize(rows, Default::default());
    }

    /// Of what was sent. A secret that was left empty is what was typed before, or stays what it was.
    fn read(fields: &Fields, before: Option<&Mall>, info: Option<&ProviderInfo>, unsaved: Unsaved, t: &Texts) -> Self {
        let mut form = Form {
            mall: Mall {
                id: fields.one("id").to_owned(),
                name: fields.one("name").to_owned(),
                provider: fields.one("provider").to_owned(),
                settings: info.map(|info| settings(fields, before, &unsaved, info)).unwrap_or_default(),
                invoice: Invoice::parse(fields.one("invoice")).unwrap_or_default(),
                fees: Fees { mode: mode(fields.one("mode")), bands: Vec::new() },
                automation: wanted_automation(fields),
                headings: headings(fields),
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
            let words = fill(t.take_line, &[&line]);
            form.problems.insert("take".to_owned(), words);
        }
        form.pad();
        form
    }

    /// Rows that are not empty are bands; those that are, are taken out, so that rows and bands have the
    /// same places.
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

    /// Everything that is wrong, each at its field.
    async fn check(&mut self, plugin: Option<&Plugin>, lang: Lang, t: &Texts) -> Result<(), Refusal> {
        let found = malls::validate(&self.mall, plugin).await.map_err(|error| Refusal::failed(&error))?;
        self.problems.extend(own_problems(&found, lang));
        self.lost_problems(t);
        // What cannot be read as a number is wrong already; the rule without it would be another rule.
        let rows_are_numbers = !self.problems.keys().any(|key| key.starts_with("fees."));
        let (Some(plugin), Some(found)) = (plugin, found.of_provider) else { return Ok(()) };
        for problem in found {
            if let Some(key) = problem.key.strip_prefix("settings.") {
                let label = plugin.info().settings.iter().find(|field| field.key == key);
                let label = label.map_or(key, |field| lang.pick(&field.label.ja, &field.label.en)).to_owned();
                self.problems.insert(problem.key.clone(), provider_words(&problem, label, lang));
            } else if rows_are_numbers {
                self.insert_fee_problem(&problem, lang, t);
            }
        }
        Ok(())
    }

    /// What was typed and is gone is said, not taken for "as it was".
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
        self.problems.entry(key).or_insert_with(|| provider_words(problem, label, lang));
    }
}

/// What is wrong with a mall apart from what its provider says: the field, the words. A field of several rows has the
/// words of all of them.
pub fn own_problems(found: &MallProblems, lang: Lang) -> Vec<(String, String)> {
    let mut problems: Vec<(String, String)> = Vec::new();
    for MallProblem { key, wrong } in &found.own {
        let (field, words) = match key.split_once('.') {
            Some((field @ ("headings" | "take"), row)) => (field.to_owned(), format!("{row}: {}", wrong.words(lang))),
            _ => (key.clone(), wrong.words(lang)),
        };
        match problems.iter_mut().find(|(known, _)| *known == field) {
            Some((_, known)) => *known = format!("{known} / {words}"),
            None => problems.push((field, words)),
        }
    }
    let is_named = problems.iter().any(|(field, _)| field == "provider");
    if found.of_provider.is_none() && !is_named {
        problems.push(("provider".to_owned(), texts(lang).provider_wrong.to_owned()));
    }
    problems
}

fn band_key(at: usize) -> String {
    format!("fees.{at}")
}

fn provider_words(problem: &MallProblem, label: String, lang: Lang) -> String {
    match &problem.wrong {
        Wrong::Provider(field) => field_words(&Field { field: label, said: field.said.clone() }, lang),
        _ => problem.words(lang),
    }
}

fn amount(text: &str) -> Option<i64> {
    text.replace([',', '円'], "").parse().ok()
}

fn settings(
    fields: &Fields,
    before: Option<&Mall>,
    unsaved: &Unsaved,
    info: &ProviderInfo,
) -> BTreeMap<String, String> {
    let kept = before.filter(|before| before.provider == info.id);
    // What was typed into another provider's fields is that provider's, whatever the keys are called.
    let is_drawn = fields.drawn() == info.id;
    let value = |field: &SettingField| {
        let typed = match is_secret(field) {
            true => unsaved.value(&info.id, &field.key).cloned(),
            false => fields.given(&format!("set.{}", field.key)).filter(|_| is_drawn),
        };
        let stored = kept.and_then(|kept| kept.settings.get(&field.key).cloned());
        let stored = stored.filter(|_| is_secret(field) || !is_drawn);
        Some((field.key.clone(), typed.or(stored)?))
    };
    info.settings.iter().filter_map(value).collect()
}

fn wanted_automation(fields: &Fields) -> Automation {
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

/// What is no number is as wrong as 0; nothing is as usual.
fn rows_per_request(fields: &Fields) -> u32 {
    let typed = fields.given("rows_per_request");
    typed.map_or(mall::ROWS_PER_REQUEST, |typed| typed.parse().unwrap_or_default())
}

/// A column and a value to a line.
fn take(fields: &Fields) -> Takes {
    let mut take = Takes::new();
    for (column, value) in lines(fields.one("take")).filter_map(|line| line.split_once('=')) {
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

fn headings(fields: &Fields) -> BTreeMap<String, String> {
    let theirs = |ours: &'static str| Some((ours.to_owned(), fields.given(&format!("heading.{ours}"))?));
    order_columns::headings().filter_map(theirs).collect()
}

#[derive(Deserialize)]
pub struct Chosen {
    #[serde(default)]
    provider: String,
}

/// `GET /malls/new`
pub async fn new(State(app): State<App>, admin: Admin, Query(chosen): Query<Chosen>) -> Result<Response, Refusal> {
    let mall = Mall { provider: chosen.provider, ..Mall::default() };
    show(&app, &admin, None, Form::of(mall), Said::default()).await
}

/// `GET /malls/{id}`
pub async fn one(State(app): State<App>, admin: Admin, Path(id): Path<String>) -> Result<Response, Refusal> {
    let mall = app.store.mall(&id).await?.ok_or_else(|| Refusal::no_mall(&id))?;
    show(&app, &admin, Some(&mall.clone()), Form::of(mall), Said::default()).await
}

/// What an answer to the form says besides it.
#[derive(Default)]
struct Said {
    notice: Option<Notice>,
    test: Option<Notice>,
    tried: Option<Notice>,
}

/// `POST /malls/new`
pub async fn create(State(app): State<App>, admin: Admin, Signed(fields): Signed<Fields>) -> Result<Response, Refusal> {
    answer(&app, &admin, None, &fields).await
}

/// `POST /malls/{id}`
pub async fn change(
    State(app): State<App>,
    admin: Admin,
    Path(id): Path<String>,
    Signed(fields): Signed<Fields>,
) -> Result<Response, Refusal> {
    let before = app.store.mall(&id).await?.ok_or_else(|| Refusal::no_mall(&id))?;
    answer(&app, &admin, Some(&before), &fields).await
}

/// Does what the pressed button says; only `save` changes anything.
async fn answer(app: &App, admin: &Admin, before: Option<&Mall>, fields: &Fields) -> Result<Response, Refusal> {
    let p = admin.0.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let plugin = app.registry.get(fields.one("provider"));
    let unsaved = Unsaved::read(app, admin, fields, &draft(before)).await?;
    let mut form = Form::read(fields, before, plugin.as_ref().map(|plugin| plugin.info()), unsaved, t);
    if let Some(before) = before {
        form.mall.id.clone_from(&before.id);
    }
    let mut said = Said::default();
    let pressed = Some(fields.one("do")).filter(|pressed| !pressed.is_empty()).unwrap_or("save");
    match pressed {
        "draw" => {}
        "save" | "test" if fields.drawn() != form.mall.provider => {
            said.notice = Some(Notice::new(Tone::Wait, t.other_fields));
        }
        "row" => {
            let rows = form.rows.len() + 1;
            form.rows.resize(rows.min(MAX_ROWS), Default::default());
        }
        "test" => {
            form.check(plugin.as_ref(), lang, t).await?;
            form.problems.retain(|key, _| key.starts_with("settings."));
            said.test = Some(test(app, &form, lang, t).await);
        }
        "try" => {
            form.check(plugin.as_ref(), lang, t).await?;
            form.problems.retain(|key, _| key.starts_with("fees."));
            said.tried = Some(try_fee(app, &form, t).await?);
        }
        _ => {
            form.check(plugin.as_ref(), lang, t).await?;
            if form.problems.is_empty() {
                return save(app, admin, before, form, fields).await;
            }
            said.notice = Some(Notice::new(Tone::Bad, t.mall_not_saved));
        }
    }
    show(app, admin, before, form, said).await
}

async fn test(app: &App, form: &Form, lang: Lang, t: &Texts) -> Notice {
    if !form.problems.is_empty() {
        return Notice::new(Tone::Wait, t.test_settings_first);
    }
    match malls::test_connection(&*app.desk.providers, &form.mall).await {
        Ok(()) => Notice::new(Tone::Ok, t.test_ok),
        Err(ConnectionError::ProviderMissing(_)) => Notice::new(Tone::Bad, t.no_providers),
        Err(ConnectionError::Unsupported(_)) => Notice::new(Tone::Bad, connection_words(Failure::Unsupported, lang)),
        Err(ConnectionError::Failed(failure)) => Notice::new(Tone::Bad, connection_words(failure, lang)),
        Err(ConnectionError::NoResponse) => Notice::new(Tone::Bad, fill(t.test_failed, &[&""])),
    }
}

async fn try_fee(app: &App, form: &Form, t: &Texts) -> Result<Notice, Refusal> {
    let Some(items) = amount(&form.try_amount) else { return Ok(Notice::new(Tone::Bad, t.not_yen)) };
    let wrong = Notice::new(Tone::Bad, t.try_wrong);
    if !form.problems.is_empty() {
        return Ok(wrong);
    }
    let adjusted = match malls::try_fee(&*app.desk.providers, &form.mall, items).await {
        Ok(adjusted) => adjusted,
        Err(FeeTrialError::ProviderMissing(_)) => return Ok(Notice::new(Tone::Bad, t.no_providers)),
        Err(FeeTrialError::Refused(_)) => return Ok(wrong),
        Err(error @ FeeTrialError::Call(_)) => return Err(Refusal::failed(&error)),
    };
    let band = adjusted.band.map_or(t.try_no_band.to_owned(), |band| fill(t.try_band, &[&(band + 1)]));
    let parts = [yen(items), yen(adjusted.payment_fee), yen(adjusted.billed_amount), band];
    let [items, fee, billed, band] = &parts;
    Ok(Notice::new(Tone::Ok, fill(t.try_result, &[items, fee, billed, band])))
}

fn draft<'a>(before: Option<&'a Mall>) -> Draft<'a> {
    Draft { mall: before.map_or("", |before| &before.id) }
}

async fn save(
    app: &App,
    admin: &Admin,
    before: Option<&Mall>,
    form: Form,
    fields: &Fields,
) -> Result<Response, Refusal> {
    let t = admin.0.visitor.page().t;
    let keep = if form.account == "new" { AccountChange::Orders } else { AccountChange::Account };
    let backlog = match fields.one("waiting") {
        "hold" => OnBacklog::Hold,
        "send" => OnBacklog::Send(Some(shown_backlog(fields))),
        _ => OnBacklog::Ask,
    };
    let saving = MallUpdate { keep, version: Some(form.mall.version), backlog, by: Actor::now(&admin.0.user.name) };
    let notice = match malls::save(&app.desk, &form.mall, saving).await {
        Ok(SavedMall { elsewhere, .. }) => {
            app.wake.notify_one();
            draft(before).forget(app, admin, fields.one("draft")).await?;
            let mut notices = vec![Notice::new(Tone::Ok, fill(t.mall_saved, &[&form.mall.name]))];
            if elsewhere > 0 {
                notices.push(Notice::new(Tone::Wait, fill(t.elsewhere, &[&elsewhere])));
            }
            return Ok(app.redirect(&format!("/malls/{}", form.mall.id), &notices));
        }
        Err(SaveMallError::BacklogUnconfirmed(backlog)) => {
            return ask(app, admin, before, &form, fields, backlog).await;
        }
        Err(SaveMallError::UnknownOutcomes(numbers)) => {
            Notice::new(Tone::Bad, fill(t.in_the_way, &[&numbers.join(", ")]))
        }
        Err(SaveMallError::Changed) if before.is_none() => Notice::new(Tone::Bad, t.mall_exists),
        Err(SaveMallError::Changed) => Notice::new(Tone::Bad, t.stale_mall),
        // The form was validated before: since then the plugin was replaced.
        Err(SaveMallError::Invalid(_)) => Notice::new(Tone::Bad, t.mall_not_saved),
        Err(SaveMallError::Store(error)) => return Err(error.into()),
        Err(error @ SaveMallError::Call(_)) => return Err(Refusal::failed(&error)),
    };
    show(app, admin, before, form, Said { notice: Some(notice), ..Said::default() }).await
}

/// The fields of the page that asks about orders that wait; not of the form itself.
const ASKED: [&str; 7] = ["do", "waiting", "draft", "drafted", "waiting.credit", "waiting.sync", "csrf"];

/// What the page that asks has shown; nothing where that cannot be read.
fn shown_backlog(fields: &Fields) -> Backlog {
    let sum = |name: &str| {
        let (orders, billed) = fields.one(name).split_once(' ').unwrap_or_default();
        Sum { orders: orders.parse().unwrap_or_default(), billed: billed.parse().unwrap_or_default() }
    };
    Backlog { credit: sum("waiting.credit"), sync: sum("waiting.sync") }
}

/// The page that says how many orders would go out at once, and asks whether they do. It brings the whole form
/// along, but for the secrets in it.
async fn ask(
    app: &App,
    admin: &Admin,
    before: Option<&Mall>,
    form: &Form,
    fields: &Fields,
    backlog: Backlog,
) -> Result<Response, Refusal> {
    let mut p = admin.0.visitor.page();
    let (t, lang) = (p.t, p.lang);
    if !fields.one("waiting").is_empty() {
        p.notices.push(Notice::new(Tone::Wait, t.confirm_changed));
    }
    let is_typed_secret =
        |name: &str| name.strip_prefix("set.").is_some_and(|key| form.unsaved.value(fields.drawn(), key).is_some());
    let typed = fields.0.iter().filter(|(name, _)| !ASKED.contains(&name.as_str()) && !is_typed_secret(name)).cloned();
    let draft = form.unsaved.keep(app, admin, &draft(before)).await?;
    let drafted = form.unsaved.names().map(|name| ("drafted".to_owned(), name));
    let sums = [(Action::Credit, "waiting.credit", backlog.credit), (Action::Sync, "waiting.sync", backlog.sync)];
    let shown = sums.iter().map(|(_, name, sum)| ((*name).to_owned(), format!("{} {}", sum.orders, sum.billed)));
    let hidden = typed.chain(draft.map(|name| ("draft".to_owned(), name))).chain(drafted).chain(shown);
    let waiting = sums.iter().filter(|(.., sum)| sum.orders > 0);
    let facts = waiting
        .map(|(action, _, sum)| (action.label(lang), format!("{} / {}", orders_words(*sum, t), billed_words(*sum, t))));
    let provider = (t.provider, Names::of(app, lang).await?.provider(&form.mall.provider));
    let press = |name, value: &str, label: String, class| Press { name, value: value.to_owned(), label, class };
    let all = backlog.credit.orders + backlog.sync.orders;
    let page = Confirmation {
        heading: t.backlog_heading.to_owned(),
        lead: fill(t.backlog_lead, &[&form.mall.name]),
        facts: [provider].into_iter().chain(facts).collect(),
        tables: Vec::new(),
        action: address(before),
        hidden: hidden.collect(),
        presses: vec![
            press("waiting", "hold", t.backlog_hold.to_owned(), "main"),
            press("waiting", "send", fill(t.backlog_send, &[&all]), "danger"),
            press("do", "draw", t.go_on.to_owned(), ""),
        ],
        back: None,
        p,
    };
    Ok(ok(&page))
}

fn address(before: Option<&Mall>) -> String {
    before.map_or("/malls/new".to_owned(), |before| format!("/malls/{}", before.id))
}

async fn show(app: &App, admin: &Admin, before: Option<&Mall>, form: Form, said: Said) -> Result<Response, Refusal> {
    let mut p = admin.0.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let names = Names::of(app, lang).await?;
    let plugin = app.registry.get(&form.mall.provider);
    let open = match before {
        Some(before) => Some(app.store.open_orders(&before.id).await?),
        None => None,
    };
    let status = if form.problems.is_empty()
        && form.unsaved.is_whole()
        && !said.notice.as_ref().is_some_and(|notice| notice.tone == Tone::Bad)
    {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    p.notices.extend(said.notice);
    if !form.unsaved.is_whole() {
        p.notices.push(Notice::new(Tone::Bad, t.secret_lost));
    }
    let stored = before.filter(|before| before.provider == form.mall.provider);
    let fields = plugin.iter().flat_map(|plugin| &plugin.info().settings);
    let fields: Vec<_> = fields.map(|field| field_view(field, &form, stored, lang, t)).collect();
    let page = MallPage {
        heading: before.map_or(t.new_mall.to_owned(), |before| fill(t.mall_heading, &[&before.name])),
        action: address(before),
        draft: form.unsaved.keep(app, admin, &draft(before)).await?,
        drafted: form.unsaved.names().collect(),
        held: held_words(app, before, t).await?,
        is_new: before.is_none(),
        providers: names.providers(),
        provider_words: open.map_or_else(|| vec![t.provider_new.to_owned()], |open| said_of_open(&open, &names, t)),
        accounts: choices(&form.account, "same", [("same", t.account_same), ("new", t.account_new)]),
        invoices: invoices(Some(form.mall.invoice), lang),
        settings_heading: fill(t.settings_of, &[&names.provider(&form.mall.provider)]),
        has_more_fields: fields.iter().any(|field| !field.is_main),
        more_open: fields.iter().any(|field| !field.is_main && field.problem.is_some()),
        fields,
        test: said.test,
        modes: modes(form.mall.fees.mode, lang),
        bands: form.rows.iter().enumerate().map(|(at, row)| band_view(at, row, &form, t)).collect(),
        tried: said.tried,
        starts: starts(&form, t),
        poll: form.mall.automation.poll,
        by_csv: form.mall.by_csv,
        moves: moves(&form.mall.automation, t),
        rows_per_request: form.rows_per_request.clone(),
        take: form.take.clone(),
        mapped: !form.mall.headings.is_empty(),
        headings: order_columns::headings()
            .map(|ours| (ours, form.mall.headings.get(ours).cloned().unwrap_or_default()))
            .collect(),
        form,
        p,
    };
    Ok(html(status, &page))
}

/// What becomes of open orders if the provider is changed, in words.
fn said_of_open(open: &OpenOrders, names: &Names, t: &Texts) -> Vec<String> {
    let staying: i64 = open.staying.values().sum();
    if staying + open.not_asked == 0 {
        return vec![t.provider_none_open.to_owned()];
    }
    let mut words = Vec::new();
    if staying > 0 {
        let each = open.staying.iter().map(|(id, orders)| fill(t.stays_with, &[&names.provider(id), orders]));
        words.push(fill(t.provider_open, &[&staying, &each.collect::<Vec<_>>().join(" / ")]));
    }
    if open.not_asked > 0 {
        words.push(fill(t.not_asked_move, &[&open.not_asked]));
    }
    words
}

fn choices<const N: usize>(chosen: &str, default: &str, all: [(&'static str, &'static str); N]) -> Vec<Choice> {
    let chosen = if chosen.is_empty() { default } else { chosen };
    let choice =
        |(value, label): (&'static str, &str)| Choice { value, label: label.to_owned(), here: value == chosen };
    all.into_iter().map(choice).collect()
}

/// 別送 and 同梱.
pub fn invoices(chosen: Option<Invoice>, lang: Lang) -> Vec<Choice> {
    let choice = |(value, invoice): (&'static str, Invoice)| Choice {
        value,
        label: invoice.label(lang).to_owned(),
        here: chosen == Some(invoice),
    };
    [("separate", Invoice::Separate), ("enclosed", Invoice::Enclosed)].into_iter().map(choice).collect()
}

/// The names that forms have for modes.
const MODES: [(&str, Mode); 3] = [("keep", Mode::Keep), ("replace", Mode::Replace), ("add", Mode::Add)];

fn mode(name: &str) -> Mode {
    MODES.iter().find(|(known, _)| *known == name).map_or(Mode::Keep, |(_, mode)| *mode)
}

fn modes(chosen: Mode, lang: Lang) -> Vec<Choice> {
    let choice = |(value, mode): (&'static str, Mode)| Choice {
        value,
        label: mode.label(lang).to_owned(),
        here: mode == chosen,
    };
    MODES.into_iter().map(choice).collect()
}

fn field_view(field: &SettingField, form: &Form, stored: Option<&Mall>, lang: Lang, t: &Texts) -> FieldView {
    let is_secret = is_secret(field);
    let typed = is_secret && form.unsaved.value(&form.mall.provider, &field.key).is_some();
    let value = form.mall.settings.get(&field.key).cloned();
    let is_stored = stored.is_some_and(|stored| stored.settings.contains_key(&field.key));
    let choices = match &field.kind {
        SettingKind::Choice(choices) => {
            choices.iter().map(|(value, label)| (value.clone(), lang.pick(&label.ja, &label.en).clone())).collect()
        }
        _ => Vec::new(),
    };
    FieldView {
        key: field.key.clone(),
        is_main: field.required,
        label: lang.pick(&field.label.ja, &field.label.en).clone(),
        help: lang.pick(&field.help.ja, &field.help.en).clone(),
        required: field.required,
        input: if is_secret { "password" } else { "text" },
        class: if matches!(field.kind, SettingKind::Digits) { "" } else { "wide" },
        digits: matches!(field.kind, SettingKind::Digits),
        autocomplete: if is_secret { "new-password" } else { "off" },
        max: field.max_length.unwrap_or(mall::MAX_SETTING as u32),
        // A secret is never sent to a browser, not even the one that was just typed there.
        value: if is_secret { String::new() } else { value.or(field.default.clone()).unwrap_or_default() },
        placeholder: match typed {
            true => Some(t.secret_typed),
            false => (is_secret && is_stored).then_some(t.secret_kept),
        },
        typed,
        choices,
        problem: form.problems.get(&format!("settings.{}", field.key)).cloned(),
    }
}

fn band_view(at: usize, [lower, upper, fee]: &[String; 3], form: &Form, t: &Texts) -> BandView {
    let row = at + 1;
    BandView {
        lower: lower.clone(),
        upper: upper.clone(),
        fee: fee.clone(),
        lower_label: fill(t.band_lower, &[&row]),
        upper_label: fill(t.band_upper, &[&row]),
        fee_label: fill(t.band_fee, &[&row]),
        problem: form.problems.get(&band_key(at)).cloned(),
    }
}

/// The names that forms have for what begins by itself.
const STARTS: [&str; 2] = ["credit", "sync"];

fn start_of<'a>(automation: &'a Automation, name: &str) -> &'a Start {
    if name == "credit" { &automation.credit } else { &automation.sync }
}

fn starts(form: &Form, t: &'static Texts) -> Vec<StartView> {
    let view = |name: &'static str| {
        let chosen = match start_of(&form.mall.automation, name) {
            Start::Never => "never",
            Start::AtOnce => "at_once",
            Start::Status(_) => "status",
        };
        let all = [("never", t.start_never), ("at_once", t.start_at_once), ("status", t.start_status)];
        StartView {
            name,
            legend: if name == "credit" { t.auto_credit } else { t.auto_sync },
            choices: choices(chosen, "never", all),
            status: form.statuses.get(name).cloned().unwrap_or_default(),
            problem: form.problem(&format!("automation.{name}")).cloned(),
        }
    };
    STARTS.map(view).into()
}

/// How many orders wait for an operator although the automation is on.
async fn held_words(app: &App, before: Option<&Mall>, t: &Texts) -> Result<Option<String>, Refusal> {
    let Some(before) = before else { return Ok(None) };
    let Backlog { credit, sync } = app.store.held(&before.id).await?;
    let is_on = |action| automation::start(before, action) != Start::Never;
    let orders = [(Action::Credit, credit), (Action::Sync, sync)].into_iter();
    let orders: i64 = orders.filter(|(action, _)| is_on(*action)).map(|(_, sum)| sum.orders).sum();
    Ok((orders > 0).then(|| fill(t.held_orders, &[&orders])))
}

fn moves(automation: &Automation, t: &'static Texts) -> Vec<MoveView> {
    let view = |(name, label, value): (&'static str, &'static str, &Option<String>)| MoveView {
        name,
        label,
        value: value.clone().unwrap_or_default(),
    };
    [
        ("approved", t.moved_approved, &automation.approved),
        ("rejected", t.moved_rejected, &automation.rejected),
        ("on_hold", t.moved_on_hold, &automation.on_hold),
    ]
    .map(view)
    .into()
}
