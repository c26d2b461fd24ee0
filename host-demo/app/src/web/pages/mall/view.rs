//! The page of a mall: the form as it is shown.

use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::html;
use crate::web::http::session::Admin;
use crate::web::pages::mall::form::{MODES, MallForm, STARTS, band_key, start_of};
use crate::web::pages::mall::unsaved::{Draft, is_secret};
use crate::web::parts::choice::{Choice, choices, invoices};
use crate::web::parts::display_names::DisplayNames;
use crate::web::parts::mapping_format::Formats;
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use domain::automation;
use domain::credit_state::Action;
use domain::lang::Lang;
use domain::mall::{Automation, Mall, Mode, Start};
use domain::validation::MAX_SETTING;
use provider_host::contract::{SettingField, SettingKind};
use service::messages::localize::Localize;
use store::{Backlog, OpenOrders};

#[derive(Template)]
#[template(path = "mall/edit.html")]
struct MallPage {
    p: Page,
    heading: String,
    action: String,
    is_new: bool,
    /// The name of the draft with the unsaved secrets, and the names of these.
    draft: Option<String>,
    drafted: Vec<String>,
    /// How many orders the automation leaves to an operator.
    held: Option<String>,
    form: MallForm,
    providers: Vec<(String, String)>,
    provider_hints: Vec<String>,
    accounts: Vec<Choice>,
    invoices: Vec<Choice>,
    settings_heading: String,
    fields: Vec<SettingView>,
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
    /// The formats of the export, and the one that is chosen as the form is drawn.
    formats: Vec<(String, String, bool)>,
    drawn_format: &'static str,
    /// The same of files of tracking numbers.
    tracking_formats: Vec<(String, String, bool)>,
    drawn_tracking_format: &'static str,
}

/// The field of a setting of the plugin.
struct SettingView {
    key: String,
    /// Whether it is required. The other fields are folded.
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
    /// Whether it is a secret that was typed and is not saved yet.
    typed: bool,
    choices: Vec<(String, String)>,
    problem: Option<String>,
}

/// A row of the fee rule.
struct BandView {
    lower: String,
    upper: String,
    fee: String,
    lower_label: String,
    upper_label: String,
    fee_label: String,
    problem: Option<String>,
}

/// When an action begins automatically.
struct StartView {
    name: &'static str,
    legend: &'static str,
    choices: Vec<Choice>,
    status: String,
    problem: Option<String>,
}

/// 受注ステータス that an order gets with a result.
struct MoveView {
    name: &'static str,
    label: &'static str,
    value: String,
}

/// What a response shows besides the form.
#[derive(Default)]
pub(super) struct MallReply {
    /// At the top of the page.
    pub notice: Option<Notice>,
    /// The result of the connection test.
    pub test: Option<Notice>,
    /// The result of trying the fee rule.
    pub tried: Option<Notice>,
}

/// The address of the form.
pub(super) fn form_address(before: Option<&Mall>) -> String {
    before.map_or("/malls/new".to_owned(), |before| format!("/malls/{}", before.id))
}

/// The page with `form`; `before` is the mall as it is stored.
pub(super) async fn show(
    app: &App,
    admin: &Admin,
    before: Option<&Mall>,
    form: MallForm,
    reply: MallReply,
) -> Result<Response, Refusal> {
    let mut p = admin.0.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let names = DisplayNames::of(app, lang).await?;
    let plugin = app.registry.get(&form.mall.provider);
    let open = match before {
        Some(before) => Some(app.store.open_orders(&before.id).await?),
        None => None,
    };
    let status = if form.problems.is_empty()
        && form.unsaved.is_complete()
        && !reply.notice.as_ref().is_some_and(|notice| notice.tone == Tone::Bad)
    {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    p.notices.extend(reply.notice);
    if !form.unsaved.is_complete() {
        p.notices.push(Notice::new(Tone::Bad, t.secret_lost));
    }
    let stored = before.filter(|before| before.provider == form.mall.provider);
    let fields = plugin.iter().flat_map(|plugin| &plugin.info().settings);
    let fields: Vec<_> = fields.map(|field| setting_view(field, &form, stored, lang, t)).collect();
    let page = MallPage {
        heading: before.map_or(t.new_mall.to_owned(), |before| fill(t.mall_heading, &[&before.name])),
        action: form_address(before),
        draft: form.unsaved.keep(app, admin, &Draft::of(before)).await?,
        drafted: form.unsaved.names().collect(),
        held: held_text(app, before, t).await?,
        is_new: before.is_none(),
        providers: names.providers(),
        provider_hints: open.map_or_else(|| vec![t.provider_new.to_owned()], |open| open_order_hints(&open, &names, t)),
        accounts: choices(&form.account, "same", [("same", t.account_same), ("new", t.account_new)]),
        invoices: invoices(Some(form.mall.invoice), lang),
        settings_heading: fill(t.settings_of, &[&names.provider(&form.mall.provider)]),
        has_more_fields: fields.iter().any(|field| !field.is_main),
        more_open: fields.iter().any(|field| !field.is_main && field.problem.is_some()),
        fields,
        test: reply.test,
        modes: modes(form.mall.fees.mode, lang),
        bands: form.rows.iter().enumerate().map(|(at, row)| band_view(at, row, &form, t)).collect(),
        tried: reply.tried,
        starts: starts(&form, t),
        poll: form.mall.automation.poll,
        by_csv: form.mall.by_csv,
        moves: moves(&form.mall.automation, t),
        rows_per_request: form.rows_per_request.clone(),
        take: form.take.clone(),
        formats: Formats::Export.choices(&form.mall.mapping, t),
        drawn_format: Formats::Export.format_of(&form.mall.mapping),
        tracking_formats: Formats::Tracking.choices(&form.mall.tracking_mapping, t),
        drawn_tracking_format: Formats::Tracking.format_of(&form.mall.tracking_mapping),
        form,
        p,
    };
    Ok(html(status, &page))
}

/// What happens to open orders if the provider is changed.
fn open_order_hints(open: &OpenOrders, names: &DisplayNames, t: &Texts) -> Vec<String> {
    let staying: i64 = open.staying.values().sum();
    if staying + open.not_asked == 0 {
        return vec![t.provider_none_open.to_owned()];
    }
    let mut hints = Vec::new();
    if staying > 0 {
        let each = open.staying.iter().map(|(id, orders)| fill(t.stays_with, &[&names.provider(id), orders]));
        hints.push(fill(t.provider_open, &[&staying, &each.collect::<Vec<_>>().join(" / ")]));
    }
    if open.not_asked > 0 {
        hints.push(fill(t.not_asked_move, &[&open.not_asked]));
    }
    hints
}

fn modes(chosen: Mode, lang: Lang) -> Vec<Choice> {
    let choice = |(value, mode): (&'static str, Mode)| Choice {
        value,
        label: mode.localized(lang).to_owned(),
        here: mode == chosen,
    };
    MODES.into_iter().map(choice).collect()
}

fn setting_view(field: &SettingField, form: &MallForm, stored: Option<&Mall>, lang: Lang, t: &Texts) -> SettingView {
    let is_secret = is_secret(field);
    let typed = is_secret && form.unsaved.value(&form.mall.provider, &field.key).is_some();
    let value = form.mall.settings.get(&field.key).map(|value| value.expose().to_owned());
    let is_stored = stored.is_some_and(|stored| stored.settings.contains_key(&field.key));
    let choices = match &field.kind {
        SettingKind::Choice(choices) => {
            choices.iter().map(|(value, label)| (value.clone(), lang.pick(&label.ja, &label.en).clone())).collect()
        }
        _ => Vec::new(),
    };
    SettingView {
        key: field.key.clone(),
        is_main: field.required,
        label: lang.pick(&field.label.ja, &field.label.en).clone(),
        help: lang.pick(&field.help.ja, &field.help.en).clone(),
        required: field.required,
        input: if is_secret { "password" } else { "text" },
        class: if matches!(field.kind, SettingKind::Digits) { "" } else { "wide" },
        digits: matches!(field.kind, SettingKind::Digits),
        autocomplete: if is_secret { "new-password" } else { "off" },
        max: field.max_length.unwrap_or(MAX_SETTING as u32),
        // A secret is never sent to a browser, not even to the one that it was typed in.
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

fn band_view(at: usize, [lower, upper, fee]: &[String; 3], form: &MallForm, t: &Texts) -> BandView {
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

fn starts(form: &MallForm, t: &'static Texts) -> Vec<StartView> {
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

/// How many orders wait for an operator although their action is automated.
async fn held_text(app: &App, before: Option<&Mall>, t: &Texts) -> Result<Option<String>, Refusal> {
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
