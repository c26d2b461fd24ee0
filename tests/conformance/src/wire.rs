//! Gateways whose wire is known: the strict simulators of them, and what a plugin does there.
//!
//! | module | holds |
//! |---|---|
//! | [`script`] | the ordinary work, from the connection test to tracking |
//! | [`traffic`] | what reached a simulator and what it answered, for people |
//! | [`golden`] | its requests, byte by byte |
//! | [`faults`] | the same operations while the simulator fails, against its ledger |

pub mod faults;
pub mod golden;
pub mod script;
pub mod traffic;

use crate::Options;
use crate::report::Outcome;
use crate::session::{Rows, Session, in_short, name};
use crate::words::Words;
use gateways::{Gateway, by_id};
use golden::Golden;
use provider_host::contract::{Decision, Failure, Setting, SettingField, SettingKind, Standing};
use provider_host::{Account, Origin, RowOutcome};
use script::Scene;
use std::io;
use std::time::Duration;
use tokio::sync::OnceCell;

/// The simulators of one provider.
pub struct Stage {
    /// Where the ordinary work is done.
    ordinary: Gateway,
    /// One for each fault that this provider can show.
    faulty: Vec<(gateways::Fault, Gateway)>,
    /// The golden requests of this provider.
    golden: Golden,
    scenes: OnceCell<Vec<Scene>>,
}

impl Stage {
    /// Opens the simulators of the provider `id`, if its wire is known.
    pub async fn open(id: &str, options: &Options) -> io::Result<Option<Self>> {
        let Some(wire) = by_id(id) else { return Ok(None) };
        let ordinary =
            Gateway::start(wire, gateways::Options { firewall: true, ..gateways::Options::default() }).await?;
        let mut faulty = Vec::new();
        for info in &gateways::faults::FAULTS {
            if ordinary.can_show(info.fault)
                && let Some(wire) = by_id(id)
            {
                faulty.push((info.fault, Gateway::start(wire, late()).await?));
            }
        }
        let golden = options.golden.clone();
        Ok(Some(Self { ordinary, faulty, golden, scenes: OnceCell::new() }))
    }

    /// Where they are.
    pub fn origins(&self) -> impl Iterator<Item = Origin> {
        let gateways = std::iter::once(&self.ordinary).chain(self.faulty.iter().map(|(_, gateway)| gateway));
        gateways.filter_map(|gateway| gateway.origin().parse().ok())
    }

    /// The ordinary work, done once for all checks that look at it.
    async fn scenes(&self, session: &Session) -> &[Scene] {
        self.scenes.get_or_init(|| script::play(session, &self.ordinary)).await
    }
}

/// A late answer comes when the host has given up on it, and not much later.
fn late() -> gateways::Options {
    let limits = crate::limits();
    gateways::Options { late: limits.connect + limits.head + Duration::from_secs(1), ..gateways::Options::default() }
}

/// The merchant that `gateway` knows, as the plugin's settings. A merchant's papers and the plugin
/// call an id by the same Japanese name, and that is how they are matched.
fn merchant(session: &Session, gateway: &Gateway) -> Account {
    let (_, credentials) = gateway.merchant();
    let value = |field: &SettingField| {
        let known = credentials.iter().find(|(name, _)| *name == field.label.ja).map(|(_, value)| value.clone());
        let needed = field.required && field.default.is_none();
        let made = || session.settings.as_ref().ok()?.iter().find(|s| s.key == field.key).map(|s| s.value.clone());
        match &field.kind {
            SettingKind::Url => field.required.then(|| gateway.base()),
            _ => known.or_else(|| if needed { made() } else { None }),
        }
    };
    let fields = session.plugin.info().settings.iter();
    let settings = fields.filter_map(|field| Some(Setting { key: field.key.clone(), value: value(field)? })).collect();
    session.shop(settings)
}

/// What a row that went well holds.
#[derive(Debug, Clone, PartialEq)]
enum Done {
    Decided(Decision),
    Stands(Standing),
    Nothing,
}

/// The rows of one call, whatever its operation.
async fn call(session: &Session, shop: &Account, rows: Rows) -> Vec<Result<Done, Failure>> {
    let plugin = &session.plugin;
    match rows {
        Rows::Test => said(plugin.test_connection(shop).await.rows, |()| Done::Nothing),
        Rows::Orders(rows) => said(plugin.credit(shop, rows).await.rows, Done::Decided),
        Rows::Registrations(rows) => said(plugin.check_credit(shop, rows).await.rows, Done::Stands),
        Rows::Cancellations(rows) => said(plugin.cancel(shop, rows).await.rows, |()| Done::Nothing),
        Rows::Shipments(rows) => said(plugin.sync_tracking(shop, rows).await.rows, |()| Done::Nothing),
    }
}

fn said<T>(rows: Vec<Result<T, Failure>>, done: fn(T) -> Done) -> Vec<Result<Done, Failure>> {
    rows.into_iter().map(|row| row.map(done)).collect()
}

/// A row for people: its word, and what it holds or why not.
fn row(row: &Result<Done, Failure>) -> String {
    format!("{} ({})", name(RowOutcome::of(row)), in_short(row))
}

fn unknown() -> Outcome {
    Outcome::NotApplicable(Words::new(
        "この会社の通信仕様を検査は知らない",
        "the kit does not know this provider's wire",
    ))
}

/// The strict simulator takes the ordinary work, and what the plugin says of it is what its ledger says.
pub async fn scenario(session: &Session) -> Outcome {
    let Some(stage) = &session.stage else { return unknown() };
    Outcome::of(stage.scenes(session).await.iter().flat_map(|scene| scene.complaints.clone()))
}

/// The requests of the ordinary work are the golden ones.
pub async fn golden(session: &Session) -> Outcome {
    let Some(stage) = &session.stage else { return unknown() };
    let id = &session.plugin.info().id;
    Outcome::of(golden::compare(id, stage.scenes(session).await, &stage.golden))
}

/// Under every fault of the simulator nothing that the plugin says contradicts the ledger.
pub async fn under_faults(session: &Session) -> Outcome {
    let Some(stage) = &session.stage else { return unknown() };
    let struck = stage.faulty.iter().map(|(fault, gateway)| faults::strike(session, *fault, gateway));
    Outcome::of(futures::future::join_all(struck).await.concat())
}
