//! What an action would do with chosen orders, and the page that asks for a confirmation of it.

use crate::web::http::list_query::state_name;
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::ok;
use crate::web::parts::confirm::{ConfirmButton, ConfirmPage, ConfirmTable, billed_text, orders_text};
use crate::web::parts::display_names::DisplayNames;
use crate::web::state::App;
use crate::web::texts::fill;
use axum::response::Response;
use domain::asked::Standing;
use domain::credit_state::{Action, Event, State, next};
use domain::issue::Issue;
use service::messages::issue::summary;
use service::messages::localize::Localize;
use std::collections::{BTreeMap, HashMap};
use store::{BatchCandidate, BatchOrder, OrderTotal};

/// Orders that the confirmation page names: what a person looks through.
const NAMED: usize = 50;

/// What an action would do with chosen orders now.
pub(super) struct Selection {
    action: Action,
    /// The orders whose state offers the action, in the order in which they were chosen.
    able: Vec<BatchCandidate>,
    /// The other orders.
    left_out: Vec<BatchCandidate>,
}

impl Selection {
    /// Reads what the action needs of the orders `ids`.
    pub(super) async fn of(app: &App, action: Action, ids: &[i64]) -> Result<Self, Refusal> {
        let positions: HashMap<i64, usize> = ids.iter().enumerate().map(|(position, id)| (*id, position)).collect();
        let mut candidates = app.store.candidates(action, ids).await?;
        candidates.sort_by_key(|candidate| positions.get(&candidate.id).copied());
        let (able, left_out) = candidates.into_iter().partition(|candidate: &BatchCandidate| candidate.offers(action));
        Ok(Self { action, able, left_out })
    }

    /// The orders that the action is done with, as they were `seen` in the list, and else as they stand now.
    pub(super) fn orders(&self, seen: &HashMap<i64, Standing>) -> Vec<BatchOrder> {
        let order = |candidate: &BatchCandidate| {
            let standing = seen.get(&candidate.id).unwrap_or(&candidate.standing);
            let confirmed = candidate.possible_duplicate.is_some();
            BatchOrder { id: candidate.id, seen: Some(standing.clone()), confirmed }
        };
        self.able.iter().map(order).collect()
    }

    /// Orders that are sent only where it is confirmed: they may be registered already, and why.
    pub(super) fn possible_duplicates(&self) -> impl Iterator<Item = (&BatchCandidate, &Issue)> {
        let credits = self.able.iter().filter(|_| self.action == Action::Credit);
        credits.filter_map(|order| Some((order, order.possible_duplicate.as_ref()?)))
    }

    /// A digest of what the confirmation page was about: its orders, which registration of each, and what it shows of
    /// them. If any of it has changed, the confirmation was for something else.
    pub(super) fn digest(&self, app: &App) -> String {
        let line = |order: &BatchCandidate| {
            let Standing { state, reference } = &order.standing;
            let is_duplicate = order.possible_duplicate.is_some();
            format!("{} {} {} {state} {reference} {is_duplicate}", order.id, order.provider, order.billed)
        };
        let orders: Vec<String> = self.able.iter().map(line).collect();
        app.store.digest("confirmed", &[self.action.to_string().as_bytes(), orders.join("\n").as_bytes()])
    }

    /// The confirmation page; its form sends the fields `hidden` again, its other link leads `back`. Whether it
    /// `reaches_further` than the page from which it is asked for, it says.
    pub(super) async fn confirm_page(
        &self,
        app: &App,
        mut p: Page,
        hidden: Vec<(String, String)>,
        back: String,
        reaches_further: bool,
    ) -> Result<Response, Refusal> {
        let (t, lang) = (p.t, p.lang);
        p.path.clone_from(&back);
        let names = DisplayNames::of(app, lang).await?;
        let mut sum = OrderTotal::default();
        let mut by_provider: BTreeMap<&str, OrderTotal> = BTreeMap::new();
        for order in &self.able {
            sum.add(order.billed);
            by_provider.entry(&order.provider).or_default().add(order.billed);
        }
        let mut by_reason: BTreeMap<String, i64> = BTreeMap::new();
        for order in &self.left_out {
            *by_reason.entry(self.reason(order, &p)).or_default() += 1;
        }
        let providers = ConfirmTable {
            caption: t.by_provider,
            headings: vec![t.provider, t.how_many, t.billed_sum],
            rows: by_provider
                .into_iter()
                .map(|(id, sum)| vec![names.provider(id), orders_text(sum, t), billed_text(sum, t)])
                .collect(),
        };
        let left_out = ConfirmTable {
            caption: t.left_out,
            headings: vec![t.credit_state, t.how_many],
            rows: by_reason
                .into_iter()
                .map(|(reason, orders)| vec![reason, fill(t.orders_count, &[&orders])])
                .collect(),
        };
        let label = self.action.localized(lang);
        let run = ConfirmButton {
            name: "confirmed",
            value: self.digest(app),
            label: fill(t.run_it, &[&label, &sum.orders]),
            class: if self.action == Action::Cancel { "danger" } else { "main" },
        };
        let lead = match self.action {
            _ if self.able.is_empty() => fill(t.confirm_nothing, &[&label]),
            Action::Cancel => t.confirm_cancel_many.to_owned(),
            _ if reaches_further => t.confirm_many.to_owned(),
            _ => String::new(),
        };
        let duplicates = self.possible_duplicates().count();
        let lead = if duplicates > 0 { format!("{} {lead}", t.confirm_duplicates).trim_end().to_owned() } else { lead };
        let named = self.possible_duplicates().take(NAMED);
        let named = ConfirmTable {
            caption: t.possible_duplicates,
            headings: vec![t.order_number],
            rows: named.map(|(order, why)| vec![format!("{}: {}", order.number, summary(why, lang))]).collect(),
        };
        let duplicates = (duplicates > 0).then(|| (t.possible_duplicates, fill(t.orders_count, &[&duplicates])));
        let page = ConfirmPage {
            heading: fill(t.confirm_heading, &[&label]),
            lead,
            facts: [(t.which_orders, orders_text(sum, t)), (t.billed_sum, billed_text(sum, t))]
                .into_iter()
                .chain(duplicates)
                .collect(),
            tables: [named, providers, left_out].into_iter().filter(|table| !table.rows.is_empty()).collect(),
            action: "/batches".to_owned(),
            hidden,
            buttons: (!self.able.is_empty()).then_some(run).into_iter().collect(),
            back: Some(back),
            p,
        };
        Ok(ok(&page))
    }

    /// Why the action cannot be done with an order.
    fn reason(&self, order: &BatchCandidate, p: &Page) -> String {
        let by_csv = order.context.results_by_csv && next(order.standing.state, Event::CreditStarted).is_some();
        match self.action {
            Action::Credit if by_csv => p.t.left_out_by_csv.to_owned(),
            Action::Sync if order.standing.state == State::Approved => {
                format!("{} {}", state_name(order.standing.state, p), p.t.tracking_missing)
            }
            _ => state_name(order.standing.state, p).to_owned(),
        }
    }
}
