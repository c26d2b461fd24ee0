//! Malls: validating and saving their settings, testing the connection, and trying the fee rule. Called by the page,
//! the API and the command line.

use crate::credit::CreditService;
use crate::csv::mapping::error::DefinitionError;
use crate::csv::mapping::error_text::definition_error;
use crate::csv::mapping::setting;
use crate::csv::tracking_format::TrackingMapping;
use crate::providers::plugin_contract::{AdjustedFee, Bill, Capability, FieldProblem, SettingKind};
use crate::providers::provider::{FeeError, Provider, Providers};
use crate::providers::{CallError, contract};
use domain::credit_state::Action;
use domain::identifier::is_mangled;
use domain::issue::Issue;
use domain::lang::Lang;
use domain::mall::Mall;
use domain::validation::{MallProblem, Wrong, fee_key, shape_problems};
use store::{Backlog, MallUpdate, MallUpdateOutcome, StoreError};

/// The key of a mall's mapping of its export, in its file and its problems.
pub const MAPPING: &str = "mapping";
/// The key of its mapping of files of tracking numbers.
pub const TRACKING_MAPPING: &str = "tracking-mapping";

/// What is wrong with a mall's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct MallProblems {
    /// What is wrong with any provider: ids, names, the mapping.
    pub own: Vec<MallProblem>,
    /// What the provider's plugin says about its settings and the fee rule. `None`: the plugin is not loaded, so that
    /// they cannot be validated.
    pub of_provider: Option<Vec<MallProblem>>,
}

impl MallProblems {
    /// Whether the mall can be saved.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.of_provider.as_ref().is_some_and(Vec::is_empty)
    }
}

/// Everything that is wrong with `mall`, at once.
pub async fn validate<P: Provider>(mall: &Mall, provider: Option<&P>) -> Result<MallProblems, CallError> {
    let of_provider = match provider {
        Some(provider) => Some(check(mall, provider).await?),
        None => None,
    };
    let mappings = [
        (MAPPING, setting::mapping(&mall.mapping).err()),
        (TRACKING_MAPPING, TrackingMapping::of_setting(&mall.tracking_mapping).err()),
    ];
    let mappings = mappings.into_iter().filter_map(|(key, error)| Some(mapping_problem(key, &error?)));
    let own = shape_problems(mall).into_iter().chain(mappings).collect();
    Ok(MallProblems { own, of_provider })
}

/// What is wrong with a mapping of a mall.
fn mapping_problem(key: &str, error: &DefinitionError) -> MallProblem {
    let text = |lang| definition_error(error, lang);
    MallProblem::new(key, Wrong::Mapping { ja: text(Lang::Ja), en: text(Lang::En) })
}

/// What the provider says about the mall's settings and fee rule; everything at once.
async fn check(mall: &Mall, provider: &impl Provider) -> Result<Vec<MallProblem>, CallError> {
    let settings = provider.check_settings(contract::settings(&mall.settings)).await?.into_iter().map(|problem| {
        MallProblem::new(format!("settings.{}", problem.field), Wrong::Provider(contract::field(problem)))
    });
    let ids = provider.info().settings.iter().filter(|field| !matches!(field.kind, SettingKind::Secret));
    let mangled = ids.filter(|field| mall.settings.get(&field.key).is_some_and(|value| is_mangled(value.expose())));
    let mangled: Vec<_> =
        mangled.map(|field| MallProblem::new(format!("settings.{}", field.key), Wrong::Mangled)).collect();
    // The bill does not matter: a rule is valid or not for every bill.
    let bill = Bill { items: 0, shipping_fee: 0, payment_fee: 0 };
    let rule = match provider.fee_adjust(&contract::fee_rule(&mall.fees), &bill).await {
        Ok(_) => Vec::new(),
        Err(FeeError::Refused(problems)) => problems,
        Err(FeeError::Call(error)) => return Err(error),
    };
    let rule = rule
        .into_iter()
        .map(|problem| MallProblem::new(fee_key(&problem.field), Wrong::Provider(contract::field(problem))));
    // One problem for each mangled id is enough.
    let settings = settings.filter(|problem| mangled.iter().all(|known| known.key != problem.key));
    let settings: Vec<_> = settings.collect();
    Ok(mangled.into_iter().chain(settings).chain(rule).collect())
}

/// A mall that was saved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SavedMall {
    /// If the mall has a new account: how many orders may be live and stay under an earlier one.
    pub elsewhere: i64,
    /// Orders that the automation leaves to an operator, as they were waiting when it was switched on.
    pub held: Backlog,
}

/// A mall was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveMallError {
    /// Its settings are not valid.
    #[error("the settings are not valid")]
    Invalid(MallProblems),
    /// With other settings, the provider might truthfully say that these orders, whose outcome is unknown, do not exist.
    #[error("the outcome of these orders is unknown: {0:?}")]
    UnknownOutcomes(Vec<String>),
    /// Another operator changed the mall meanwhile, or, for a new mall, there is one with this id.
    #[error("the mall has another version")]
    Changed,
    /// These orders would be sent at once, and the operator has not confirmed it.
    #[error("orders that wait would be sent at once")]
    BacklogUnconfirmed(Backlog),
    /// The plugin failed while it validated the settings.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Validates and saves `mall`, new or changed. Nothing is saved unless all of it is valid.
pub async fn save<P: Provider>(
    service: &CreditService<P>,
    mall: &Mall,
    update: MallUpdate<'_>,
) -> Result<SavedMall, SaveMallError> {
    let problems = validate(mall, service.providers.get(&mall.provider).as_ref()).await?;
    if !problems.is_empty() {
        return Err(SaveMallError::Invalid(problems));
    }
    match service.store.put_mall(mall, update).await? {
        MallUpdateOutcome::Saved { elsewhere } => {
            Ok(SavedMall { elsewhere, held: service.store.held(&mall.id).await? })
        }
        MallUpdateOutcome::OutcomesUnknown(numbers) => Err(SaveMallError::UnknownOutcomes(numbers)),
        MallUpdateOutcome::Changed => Err(SaveMallError::Changed),
        MallUpdateOutcome::BacklogUndecided(backlog) => Err(SaveMallError::BacklogUnconfirmed(backlog)),
    }
}

/// The settings of a mall did not pass the connection test.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The plugin of the mall's provider is not loaded.
    #[error("the plugin of the provider {0} is not loaded")]
    ProviderMissing(String),
    /// The provider has no connection test.
    #[error("the provider {0} has no connection test")]
    Unsupported(String),
    /// The test failed.
    #[error("the connection test failed")]
    Failed(Issue),
    /// The plugin returned no row.
    #[error("the plugin gave no response")]
    NoResponse,
}

/// Asks the provider of `mall` whether its settings, saved or not, work. Leaves no trace at the provider, and is counted
/// in the metrics like any other call.
pub async fn test_connection<P: Provider>(providers: &dyn Providers<P>, mall: &Mall) -> Result<(), ConnectionError> {
    let missing = || ConnectionError::ProviderMissing(mall.provider.clone());
    let provider = providers.get(&mall.provider).ok_or_else(missing)?;
    if !provider.info().capabilities.contains(Capability::TEST_CONNECTION) {
        return Err(ConnectionError::Unsupported(mall.provider.clone()));
    }
    let mut answer = provider.test_connection(&contract::trial_account(mall)).await;
    let failed = |failure| contract::with_connection(contract::issue(failure, Action::Check), &answer.calls);
    let row = answer.rows.pop().ok_or(ConnectionError::NoResponse)?;
    row.map_err(|failure| ConnectionError::Failed(failed(failure)))
}

/// The fee rule of a mall could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum FeeTrialError {
    /// The plugin of the mall's provider is not loaded.
    #[error("the plugin of the provider {0} is not loaded")]
    ProviderMissing(String),
    /// The plugin refuses the rule, or the rule refuses the bill.
    #[error("the fee rule does not take this bill")]
    Refused(Vec<FieldProblem>),
    /// The plugin failed.
    #[error(transparent)]
    Call(CallError),
}

/// What the fee rule of `mall`, saved or not, makes of a bill of `items` yen.
pub async fn try_fee<P: Provider>(
    providers: &dyn Providers<P>,
    mall: &Mall,
    items: i64,
) -> Result<AdjustedFee, FeeTrialError> {
    let missing = || FeeTrialError::ProviderMissing(mall.provider.clone());
    let provider = providers.get(&mall.provider).ok_or_else(missing)?;
    let bill = Bill { items, shipping_fee: 0, payment_fee: 0 };
    provider.fee_adjust(&contract::fee_rule(&mall.fees), &bill).await.map_err(|error| match error {
        FeeError::Refused(problems) => FeeTrialError::Refused(problems),
        FeeError::Call(error) => FeeTrialError::Call(error),
    })
}
