//! First steps: from nothing to the first approved order.

use crate::web::http::form::{NoFields, Signed};
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::ok;
use crate::web::http::session::{Admin, Staff};
use crate::web::parts::display_names::DisplayNames;
use crate::web::parts::outcome::outcome_notice;
use crate::web::sandbox::{SAMPLE_MALL, SAMPLE_ORDERS};
use crate::web::state::App;
use crate::web::texts::fill;
use askama::Template;
use axum::extract::State as Shared;
use axum::response::{Redirect, Response};
use domain::actor::Actor;
use domain::asked::Asked;
use domain::credit_state::{Action, State};
use serde::Deserialize;
use service::credit::WorkItem;
use service::malls::{self, SaveMallError};
use service::transfer::{self, FileImport, FileKind, TransferError};
use store::{ListOrder, ListQuery, MallUpdate, Position};

#[derive(Template)]
#[template(path = "start.html")]
struct StartPage {
    p: Page,
    sandbox: bool,
    steps: Vec<Step>,
    providers: Vec<(String, String)>,
    done: bool,
}

struct Step {
    class: &'static str,
    title: &'static str,
    text: String,
    button: Option<&'static str>,
    href: Option<String>,
}

/// The steps that are done.
enum Progress {
    /// None.
    Nothing,
    /// There is a mall.
    Mall,
    /// There are orders; the next step is about this one.
    Orders(Box<ListOrder>),
    /// This order is approved.
    Approved(Box<ListOrder>),
}

impl Progress {
    async fn of(app: &App) -> Result<Self, Refusal> {
        if app.store.mall_summaries().await?.is_empty() {
            return Ok(Self::Nothing);
        }
        if let Some(order) = newest(app, Some(State::Approved)).await? {
            return Ok(Self::Approved(Box::new(order)));
        }
        let asked = newest(app, Some(State::NotAsked)).await?;
        let order = match asked {
            Some(order) => Some(order),
            None => newest(app, None).await?,
        };
        Ok(order.map_or(Self::Mall, |order| Self::Orders(Box::new(order))))
    }

    fn steps(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Mall => 1,
            Self::Orders(_) => 2,
            Self::Approved(_) => 3,
        }
    }
}

async fn newest(app: &App, state: Option<State>) -> Result<Option<ListOrder>, Refusal> {
    let query = ListQuery { state, ..ListQuery::default() };
    Ok(app.store.page(&query, Position::First, 1).await?.orders.pop())
}

/// `GET /`: the orders, or the first steps where there are none.
pub(crate) async fn home(Shared(app): Shared<App>, _: Staff) -> Result<Redirect, Refusal> {
    let begun = newest(&app, None).await?.is_some();
    Ok(Redirect::to(if begun { "/orders" } else { "/start" }))
}

/// `GET /start`
pub(crate) async fn page(Shared(app): Shared<App>, staff: Staff) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let t = p.t;
    let progress = Progress::of(&app).await?;
    let sandbox = app.sandbox.is_some();
    let pick = |simulated, real| if sandbox { simulated } else { real };
    let approved = match &progress {
        Progress::Approved(order) => fill(t.step_done, &[&order.number]),
        _ => t.step_credit_text.to_owned(),
    };
    let steps = [
        (
            t.step_mall,
            pick(t.step_mall_text_sandbox, t.step_mall_text).to_owned(),
            pick(t.step_mall_button, t.step_mall_open),
            "/malls",
        ),
        (
            t.step_orders,
            pick(t.step_orders_text_sandbox, t.step_orders_text).to_owned(),
            pick(t.step_orders_button, t.import),
            "/import",
        ),
        (t.step_credit, approved, t.step_credit_button, ""),
    ];
    let step = |(at, (title, text, button, href)): (usize, (&'static str, String, &'static str, &'static str))| {
        let now = at == progress.steps();
        Step {
            class: if now {
                "now"
            } else if at < progress.steps() {
                "done"
            } else {
                ""
            },
            title,
            text,
            button: now.then_some(button),
            href: (!sandbox && !href.is_empty()).then(|| href.to_owned()),
        }
    };
    let steps = steps.into_iter().enumerate().map(step).collect();
    let providers = DisplayNames::of(&app, p.lang).await?.providers();
    Ok(ok(&StartPage { sandbox, steps, providers, done: progress.steps() == 3, p }))
}

/// The chosen provider.
#[derive(Deserialize)]
pub(crate) struct SampleMallForm {
    provider: String,
}

/// `POST /start/1`: the sample mall.
pub(crate) async fn mall(
    Shared(app): Shared<App>,
    admin: Admin,
    Signed(chosen): Signed<SampleMallForm>,
) -> Result<Response, Refusal> {
    let t = admin.0.visitor.page().t;
    let plugin = app.registry.get(&chosen.provider);
    let made = plugin.and_then(|plugin| app.sandbox.as_ref()?.mall(plugin.info(), t.sample_mall));
    let Some(mall) = made else { return Ok(app.redirect("/start", &[Notice::new(Tone::Bad, t.no_providers)])) };
    let update = MallUpdate { version: Some(0), by: Actor::now(&admin.0.user.name), ..MallUpdate::default() };
    match malls::save(&app.credit, &mall, update).await {
        // Version 0: an existing mall is not overwritten.
        Ok(_) | Err(SaveMallError::Changed) => {}
        Err(error) => return Err(Refusal::failed(&error)),
    }
    Ok(app.redirect("/start", &[Notice::new(Tone::Ok, fill(t.mall_saved, &[&mall.name]))]))
}

/// `POST /start/2`: the sample orders.
pub(crate) async fn orders(Shared(app): Shared<App>, staff: Staff, _: Signed<NoFields>) -> Result<Response, Refusal> {
    let t = staff.visitor.page().t;
    let mall = app.store.mall_summary(SAMPLE_MALL).await?.ok_or_else(|| Refusal::no_mall(SAMPLE_MALL))?;
    let sample = FileImport {
        mall: mall.id,
        kind: FileKind::Orders,
        encoding: None,
        correct: false,
        take: Vec::new(),
        preset: None,
        bytes: SAMPLE_ORDERS.to_vec(),
    };
    let taken = match transfer::import_file(&app.credit.of(&staff.user.name), &sample, false, &|_| {}).await {
        Ok(report) => report.counts().taken.orders,
        Err(TransferError::ProviderMissing(_)) => {
            return Ok(app.redirect("/start", &[Notice::new(Tone::Bad, t.no_providers)]));
        }
        Err(error) => return Err(Refusal::failed(&error)),
    };
    Ok(app.redirect("/start", &[Notice::new(Tone::Ok, fill(t.start_imported, &[&taken]))]))
}

/// `POST /start/3`: credit for one order.
pub(crate) async fn credit(Shared(app): Shared<App>, staff: Staff, _: Signed<NoFields>) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let Progress::Orders(order) = Progress::of(&app).await? else { return Ok(app.redirect("/start", &[])) };
    let seen = WorkItem::new(order.id, Asked::Version(order.version));
    let rows = app.credit.of(&staff.user.name).work(Action::Credit, &[seen], &|_| {}).await;
    let row = rows.map_err(|error| Refusal::failed(&error))?.pop();
    let notices: Vec<_> = row.iter().map(|row| outcome_notice(&app, row, Action::Credit, &p)).collect();
    Ok(app.redirect("/start", &notices))
}
