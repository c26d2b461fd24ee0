//! What a provider says about the settings of a mall.

use crate::domain::identifier::is_mangled;
use crate::domain::mall::Mall;
use crate::domain::validation::{MallProblem, Wrong, fee_key};
use crate::service::providers::contract;
use crate::service::providers::directory::Provider;
use provider_host::CallError;
use provider_host::contract::{Bill, SettingKind};

/// What the provider says about the mall's settings and fee rule; everything at once.
pub async fn check(mall: &Mall, provider: &impl Provider) -> Result<Vec<MallProblem>, CallError> {
    let settings = provider.check_settings(contract::settings(&mall.settings)).await?.into_iter().map(|problem| {
        MallProblem::new(format!("settings.{}", problem.field), Wrong::Provider(contract::field(problem)))
    });
    let ids = provider.info().settings.iter().filter(|field| !matches!(field.kind, SettingKind::Secret));
    let mangled = ids.filter(|field| mall.settings.get(&field.key).is_some_and(|value| is_mangled(value.expose())));
    let mangled: Vec<_> =
        mangled.map(|field| MallProblem::new(format!("settings.{}", field.key), Wrong::Mangled)).collect();
    // The bill does not matter: a rule is valid or not for every bill.
    let bill = Bill { items: 0, shipping_fee: 0, payment_fee: 0 };
    let rule = provider.fee_adjust(&contract::fee_rule(&mall.fees), &bill).await?.err().unwrap_or_default();
    let rule = rule
        .into_iter()
        .map(|problem| MallProblem::new(fee_key(&problem.field), Wrong::Provider(contract::field(problem))));
    // One problem for each mangled id is enough.
    let settings = settings.filter(|problem| mangled.iter().all(|known| known.key != problem.key));
    let settings: Vec<_> = settings.collect();
    Ok(mangled.into_iter().chain(settings).chain(rule).collect())
}
