//! An order as a row of the list, with its buttons.

use crate::cli::table::yen;
use crate::domain::clock;
use crate::domain::credit_state::{Action, Outcome, State};
use crate::domain::issue::{Issue, Lang};
use crate::domain::order::Order;
use crate::store::ListOrder;
use crate::web::App;
use crate::web::http::page::Tone;
use crate::web::texts::{Texts, fill};
use std::collections::{HashMap, HashSet};

/// Names that rows show for the ids that orders hold.
pub struct Names {
    lang: Lang,
    malls: HashMap<String, String>,
    /// Malls whose credit results come by CSV.
    by_csv: HashSet<String>,
    providers: Vec<(String, String)>,
    carriers: HashMap<String, Vec<(String, String)>>,
}

impl Names {
    /// Of everything that is there now.
    pub async fn of(app: &App, lang: Lang) -> Result<Self, crate::store::StoreError> {
        let plugins = app.registry.all();
        let carriers = plugins.iter().map(|plugin| {
            let info = plugin.info();
            (info.id.clone(), info.carriers.iter().map(|carrier| named(&carrier.id, &carrier.name, lang)).collect())
        });
        let malls = app.store.malls().await?;
        Ok(Names {
            lang,
            by_csv: malls.iter().filter(|mall| mall.by_csv).map(|mall| mall.id.clone()).collect(),
            malls: malls.into_iter().map(|mall| (mall.id, mall.name)).collect(),
            providers: plugins.iter().map(|plugin| named(&plugin.info().id, &plugin.info().name, lang)).collect(),
            carriers: carriers.collect(),
        })
    }

    /// All malls: id and name.
    pub fn malls(&self) -> Vec<(String, String)> {
        let mut malls: Vec<_> = self.malls.iter().map(|(id, name)| (id.clone(), name.clone())).collect();
        malls.sort();
        malls
    }

    /// All loaded providers: id and name.
    pub fn providers(&self) -> Vec<(String, String)> {
        self.providers.clone()
    }

    /// What the panel offers for orders of `mall`, or of all if it is empty: no credit where every result comes by
    /// CSV.
    pub fn panel(&self, mall: &str) -> impl Iterator<Item = Action> {
        let by_csv = match mall {
            "" => !self.malls.is_empty() && self.by_csv.len() == self.malls.len(),
            mall => self.by_csv.contains(mall),
        };
        PANEL.into_iter().filter(move |action| *action != Action::Credit || !by_csv)
    }

    /// A mall's name.
    pub fn mall(&self, id: &str) -> String {
        self.malls.get(id).map_or(id, String::as_str).to_owned()
    }

    /// A provider's name.
    pub fn provider(&self, id: &str) -> String {
        self.providers.iter().find(|(known, _)| known == id).map_or(id, |(_, name)| name).to_owned()
    }

    /// Every carrier of a provider: id and name.
    pub fn carriers(&self, provider: &str) -> Vec<(String, String)> {
        self.carriers.get(provider).cloned().unwrap_or_default()
    }

    /// A carrier's name at a provider.
    pub fn carrier(&self, provider: &str, id: &str) -> String {
        let known = self.carriers.get(provider).into_iter().flatten().find(|(known, _)| known == id);
        known.map_or(id, |(_, name)| name).to_owned()
    }
}

fn named(id: &str, name: &provider_host::contract::Label, lang: Lang) -> (String, String) {
    (id.to_owned(), lang.pick(&name.ja, &name.en).clone())
}

/// A button of a row or of the panel.
pub struct Button {
    pub name: String,
    pub label: &'static str,
    pub aria: String,
    pub confirm: String,
    pub danger: bool,
    /// A link instead: what it leads to needs more than a press.
    pub href: Option<String>,
}

impl Button {
    /// `action` of no order in particular.
    pub fn of_panel(action: Action, lang: Lang) -> Self {
        Button {
            name: action.to_string(),
            label: action.label(lang),
            aria: String::new(),
            confirm: String::new(),
            danger: action == Action::Cancel,
            href: None,
        }
    }

    fn of_order(action: Action, order: &ListOrder, lang: Lang, t: &Texts) -> Self {
        Button {
            aria: fill(t.action_on, &[&order.number, &action.label(lang)]),
            confirm: fill(t.confirm_cancel, &[&order.number]),
            href: (action == Action::Decide).then(|| format!("/orders/{}#decide", order.id)),
            ..Button::of_panel(action, lang)
        }
    }
}

/// What the panel offers.
pub const PANEL: [Action; 4] = [Action::Credit, Action::Check, Action::Cancel, Action::Sync];

/// A row of the list.
pub struct RowView {
    pub id: i64,
    pub version: i64,
    pub ticked: bool,
    pub tick_label: String,
    pub number: String,
    pub ordered_at: String,
    pub status: String,
    pub buyer: String,
    pub mall: String,
    pub provider: String,
    pub state: &'static str,
    pub tone: Tone,
    pub problem: Option<String>,
    pub buttons: Vec<Button>,
    pub total: String,
    pub billed: String,
    pub goods: String,
    pub ship_to: String,
    pub carrier: String,
    pub shipped: bool,
    pub entered: bool,
    pub tracking_number: String,
}

impl RowView {
    /// Of `order`.
    pub fn new(order: &ListOrder, names: &Names, t: &Texts, ticked: bool) -> Self {
        let lang = names.lang;
        let today = clock::today().to_string();
        RowView {
            id: order.id,
            version: order.version,
            ticked,
            tick_label: fill(t.tick_order, &[&order.number]),
            number: order.number.clone(),
            ordered_at: clock::timestamp(order.ordered_at),
            status: order.order_status.clone().unwrap_or_default(),
            buyer: order.buyer.clone(),
            mall: names.mall(&order.mall),
            provider: names.provider(&order.provider),
            state: order.state.label(lang),
            tone: tone(order.state),
            problem: order.problem.as_ref().map(|problem| problem.brief(lang)),
            buttons: order.actions().map(|action| Button::of_order(action, order, lang, t)).collect(),
            total: yen(order.total()),
            billed: yen(order.amounts.billed),
            goods: if order.items > 1 {
                fill(t.more_goods, &[&order.item, &(order.items - 1)])
            } else {
                order.item.clone()
            },
            ship_to: order.recipient.as_ref().unwrap_or(&order.buyer).clone(),
            carrier: order.carrier.as_ref().map(|id| names.carrier(&order.provider, id)).unwrap_or_default(),
            // Dates of this form sort as text.
            shipped: order.shipped_on.as_ref().is_some_and(|day| *day <= today),
            entered: order.tracking_number.is_some(),
            tracking_number: order.tracking_number.clone().unwrap_or_default(),
        }
    }
}

/// The line of the list that `order` is.
pub fn line(order: &Order) -> ListOrder {
    let tracking = order.tracking.as_ref();
    ListOrder {
        id: order.id,
        mall: order.mall.clone(),
        number: order.number.clone(),
        ordered_at: clock::in_milliseconds(order.data.ordered_at),
        order_status: order.order_status.clone(),
        buyer: order.data.buyer.name.clone(),
        recipient: order.data.recipient.as_ref().map(|recipient| recipient.name.clone()),
        item: order.data.items.first().map(|item| item.name.clone()).unwrap_or_default(),
        items: order.data.items.len() as i64,
        amounts: order.amounts,
        provider: order.provider.clone(),
        state: order.state,
        problem: order.problem.clone(),
        transaction_id: order.transaction_id().map(str::to_owned),
        carrier: tracking.map(|tracking| tracking.carrier.clone()),
        tracking_number: tracking.map(|tracking| tracking.number.clone()),
        shipped_on: tracking.map(|tracking| tracking.shipped_on.to_string()),
        results_by_csv: order.results_by_csv,
        version: order.version,
    }
}

/// How a state looks.
pub fn tone(state: State) -> Tone {
    match state {
        State::NotAsked => Tone::None,
        State::Approved | State::Synced => Tone::Ok,
        State::Rejected | State::NotSent => Tone::Bad,
        State::Cancelled => Tone::None,
        State::UnderReview | State::OnHold => Tone::Wait,
        in_doubt if in_doubt.is_unknown() => Tone::Doubt,
        _ => Tone::Wait,
    }
}

/// How an outcome looks.
pub fn outcome_tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Success => Tone::Ok,
        Outcome::Failure => Tone::Bad,
        Outcome::Unknown => Tone::Doubt,
    }
}

/// What became of an action on one order, in a sentence.
pub fn told(
    row: &crate::service::credit::CreditRow,
    action: Action,
    lang: Lang,
    t: &Texts,
) -> crate::web::http::page::Notice {
    let text = match row.outcome {
        Outcome::Success => t.done_success,
        Outcome::Failure => t.done_failure,
        Outcome::Unknown => t.done_unknown,
    };
    let problem = row.problem.as_ref().map(|problem: &Issue| problem.words(lang)).unwrap_or_default();
    crate::web::http::page::Notice::new(
        outcome_tone(row.outcome),
        fill(text, &[&row.number, &action.label(lang), &problem]),
    )
}
