//! Names for the ids that orders hold.

use crate::web::state::App;
use domain::credit_state::Action;
use domain::lang::Lang;
use provider_host::contract::Label;
use std::collections::{HashMap, HashSet};
use store::StoreError;

/// The actions of the panel.
const PANEL: [Action; 4] = [Action::Credit, Action::Check, Action::Cancel, Action::Sync];

/// The names of malls, providers and carriers, for the ids that orders hold.
pub(crate) struct DisplayNames {
    /// The language of the names.
    pub lang: Lang,
    malls: HashMap<String, String>,
    /// Malls whose credit results come by CSV.
    by_csv: HashSet<String>,
    providers: Vec<(String, String)>,
    carriers: HashMap<String, Vec<(String, String)>>,
}

impl DisplayNames {
    /// The names of all malls and of all plugins that are loaded now, in `lang`.
    pub(crate) async fn of(app: &App, lang: Lang) -> Result<Self, StoreError> {
        let plugins = app.registry.all();
        let carriers = plugins.iter().map(|plugin| {
            let info = plugin.info();
            (info.id.clone(), info.carriers.iter().map(|carrier| named(&carrier.id, &carrier.name, lang)).collect())
        });
        let malls = app.store.mall_summaries().await?;
        Ok(Self {
            lang,
            by_csv: malls.iter().filter(|mall| mall.by_csv).map(|mall| mall.id.clone()).collect(),
            malls: malls.into_iter().map(|mall| (mall.id, mall.name)).collect(),
            providers: plugins.iter().map(|plugin| named(&plugin.info().id, &plugin.info().name, lang)).collect(),
            carriers: carriers.collect(),
        })
    }

    /// All malls: id and name.
    pub(crate) fn malls(&self) -> Vec<(String, String)> {
        let mut malls: Vec<_> = self.malls.iter().map(|(id, name)| (id.clone(), name.clone())).collect();
        malls.sort();
        malls
    }

    /// All loaded providers: id and name.
    pub(crate) fn providers(&self) -> Vec<(String, String)> {
        self.providers.clone()
    }

    /// The actions of the panel for orders of `mall`, or of all malls if it is empty. Credit is left out where every
    /// result comes by CSV.
    pub(crate) fn panel(&self, mall: &str) -> impl Iterator<Item = Action> {
        let by_csv = match mall {
            "" => !self.malls.is_empty() && self.by_csv.len() == self.malls.len(),
            mall => self.by_csv.contains(mall),
        };
        PANEL.into_iter().filter(move |action| *action != Action::Credit || !by_csv)
    }

    /// The name of a mall; its id if the mall is unknown.
    pub(crate) fn mall(&self, id: &str) -> String {
        self.malls.get(id).map_or(id, String::as_str).to_owned()
    }

    /// The name of a provider; its id if its plugin is not loaded.
    pub(crate) fn provider(&self, id: &str) -> String {
        self.providers.iter().find(|(known, _)| known == id).map_or(id, |(_, name)| name).to_owned()
    }

    /// Every carrier of a provider: id and name.
    pub(crate) fn carriers(&self, provider: &str) -> Vec<(String, String)> {
        self.carriers.get(provider).cloned().unwrap_or_default()
    }

    /// Every carrier of any provider, each once: id and name.
    pub(crate) fn all_carriers(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        for (id, _) in &self.providers {
            for carrier in self.carriers(id) {
                if all.iter().all(|(known, _)| *known != carrier.0) {
                    all.push(carrier);
                }
            }
        }
        all
    }

    /// The name of a carrier of a provider; its id if it is unknown.
    pub(crate) fn carrier(&self, provider: &str, id: &str) -> String {
        let known = self.carriers.get(provider).into_iter().flatten().find(|(known, _)| known == id);
        known.map_or(id, |(_, name)| name).to_owned()
    }
}

fn named(id: &str, name: &Label, lang: Lang) -> (String, String) {
    (id.to_owned(), lang.pick(&name.ja, &name.en).clone())
}
