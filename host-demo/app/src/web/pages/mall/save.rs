//! Saving a mall, with a confirmation where waiting orders would be sent at once.

use crate::web::http::form::FormFields;
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::refusal::Refusal;
use crate::web::http::response::ok;
use crate::web::http::session::Admin;
use crate::web::pages::mall::form::MallForm;
use crate::web::pages::mall::unsaved::{Draft, drawn_provider};
use crate::web::pages::mall::view::{MallReply, form_address, show};
use crate::web::parts::confirm::{ConfirmButton, ConfirmPage, billed_text, orders_text};
use crate::web::parts::display_names::DisplayNames;
use crate::web::state::App;
use crate::web::texts::fill;
use axum::response::Response;
use domain::credit_state::Action;
use domain::mall::Mall;
use service::malls::{self, SaveMallError, SavedMall};
use service::messages::localize::Localize;
use store::{AccountChange, Actor, Backlog, MallUpdate, OnBacklog, OrderTotal};

/// Saves the mall, or asks what happens to the orders that wait.
pub(super) async fn save(
    app: &App,
    admin: &Admin,
    before: Option<&Mall>,
    form: MallForm,
    fields: &FormFields,
) -> Result<Response, Refusal> {
    let t = admin.0.visitor.page().t;
    let account = if form.account == "new" { AccountChange::Replaced } else { AccountChange::Corrected };
    let backlog = match fields.one("waiting") {
        "hold" => OnBacklog::Hold,
        "send" => OnBacklog::Send(Some(shown_backlog(fields))),
        _ => OnBacklog::Ask,
    };
    let saving = MallUpdate { account, version: Some(form.mall.version), backlog, by: Actor::now(&admin.0.user.name) };
    let notice = match malls::save(&app.credit, &form.mall, saving).await {
        Ok(SavedMall { elsewhere, .. }) => {
            app.wake.notify_one();
            Draft::of(before).forget(app, admin, fields.one("draft")).await?;
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
        // The form was validated before: the plugin was replaced since.
        Err(SaveMallError::Invalid(_)) => Notice::new(Tone::Bad, t.mall_not_saved),
        Err(SaveMallError::Store(error)) => return Err(error.into()),
        Err(error @ SaveMallError::Call(_)) => return Err(Refusal::failed(&error)),
    };
    show(app, admin, before, form, MallReply { notice: Some(notice), ..MallReply::default() }).await
}

/// Fields that are not repeated by the confirmation page as they are.
const NOT_REPEATED: [&str; 7] = ["do", "waiting", "draft", "drafted", "waiting.credit", "waiting.sync", "csrf"];

/// The sums that the confirmation page has shown; 0 where they cannot be parsed.
fn shown_backlog(fields: &FormFields) -> Backlog {
    let sum = |name: &str| {
        let (orders, billed) = fields.one(name).split_once(' ').unwrap_or_default();
        OrderTotal { orders: orders.parse().unwrap_or_default(), billed: billed.parse().unwrap_or_default() }
    };
    Backlog { credit: sum("waiting.credit"), sync: sum("waiting.sync") }
}

/// The confirmation page: how many waiting orders would be sent at once, and whether they are. It repeats the whole form
/// as hidden fields, except for the secrets.
async fn ask(
    app: &App,
    admin: &Admin,
    before: Option<&Mall>,
    form: &MallForm,
    fields: &FormFields,
    backlog: Backlog,
) -> Result<Response, Refusal> {
    let mut p = admin.0.visitor.page();
    let (t, lang) = (p.t, p.lang);
    if !fields.one("waiting").is_empty() {
        p.notices.push(Notice::new(Tone::Wait, t.confirm_changed));
    }
    let is_typed_secret = |name: &str| {
        name.strip_prefix("set.").is_some_and(|key| form.unsaved.value(drawn_provider(fields), key).is_some())
    };
    let typed =
        fields.iter().filter(|(name, _)| !NOT_REPEATED.contains(&name.as_str()) && !is_typed_secret(name)).cloned();
    let draft = form.unsaved.keep(app, admin, &Draft::of(before)).await?;
    let drafted = form.unsaved.names().map(|name| ("drafted".to_owned(), name));
    let sums = [(Action::Credit, "waiting.credit", backlog.credit), (Action::Sync, "waiting.sync", backlog.sync)];
    let shown = sums.iter().map(|(_, name, sum)| ((*name).to_owned(), format!("{} {}", sum.orders, sum.billed)));
    let hidden = typed.chain(draft.map(|name| ("draft".to_owned(), name))).chain(drafted).chain(shown);
    let waiting = sums.iter().filter(|(.., sum)| sum.orders > 0);
    let facts = waiting.map(|(action, _, sum)| {
        (action.localized(lang), format!("{} / {}", orders_text(*sum, t), billed_text(*sum, t)))
    });
    let by_file = before.is_some_and(|before| before.by_csv && !form.mall.by_csv);
    let lead = fill(t.backlog_lead, &[&form.mall.name]);
    let provider = (t.provider, DisplayNames::of(app, lang).await?.provider(&form.mall.provider));
    let button =
        |name, value: &str, label: String, class| ConfirmButton { name, value: value.to_owned(), label, class };
    let all = backlog.credit.orders + backlog.sync.orders;
    let page = ConfirmPage {
        heading: t.backlog_heading.to_owned(),
        lead: if by_file { format!("{lead} {}", t.backlog_by_file) } else { lead },
        facts: [provider].into_iter().chain(facts).collect(),
        tables: Vec::new(),
        action: form_address(before),
        hidden: hidden.collect(),
        buttons: vec![
            button("waiting", "hold", t.backlog_hold.to_owned(), "main"),
            button("waiting", "send", fill(t.backlog_send, &[&all]), "danger"),
            button("do", "draw", t.go_on.to_owned(), ""),
        ],
        back: None,
        p,
    };
    Ok(ok(&page))
}
