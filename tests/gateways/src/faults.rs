//! What can go wrong between a client and a gateway, and when it does.
//!
//! A plan is written `fault[@operation][:when]`, for example `drop-answer@order:nth=2`. A refused
//! connection is not among them: the machine refuses it without the gateway seeing anything, so it
//! could not be counted; see [`crate::Gateway::close`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Lang;

/// Plans one gateway takes in its life: more than the cases of any one test.
pub const MAX_PLANS: usize = 1_000;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described in FAULTS, in two languages")]
pub enum Fault {
    AcceptClose,
    ReadClose,
    DropAnswer,
    Late,
    Http500,
    Http502,
    Http503,
    Http429,
    CutBody,
    SlowBody,
    HugeBody,
    WrongCharset,
    OtherReference,
    OtherAmount,
    UnknownCode,
    AddressRefused,
    SystemFailure,
    Maintenance,
}

/// A fault's name and description.
#[derive(Debug)]
pub struct FaultInfo {
    /// The fault.
    pub fault: Fault,
    /// Its name in plans.
    pub name: &'static str,
    /// Whether the gateway carries the request out all the same.
    pub commits: bool,
    /// What it does, in Japanese.
    pub ja: &'static str,
    /// What it does, in English.
    pub en: &'static str,
}

const fn info(fault: Fault, name: &'static str, commits: bool, ja: &'static str, en: &'static str) -> FaultInfo {
    FaultInfo { fault, name, commits, ja, en }
}

/// Every fault.
pub const FAULTS: [FaultInfo; 18] = [
    info(
        Fault::AcceptClose,
        "accept-close",
        false,
        "接続を受けてすぐ切る（何も読まない）",
        "accepts the connection and closes it unread",
    ),
    info(Fault::ReadClose, "read-close", false, "要求を読んでから切る", "reads the request, then closes"),
    info(Fault::DropAnswer, "drop-answer", true, "処理したあと、応答せずに切る", "closes instead of answering"),
    info(Fault::Late, "late", true, "処理したあと、遅れて応答する", "answers late"),
    info(Fault::Http500, "http-500", true, "処理したあと、500を返す", "answers 500"),
    info(Fault::Http502, "http-502", false, "502とHTMLの画面を返す", "answers 502 with an HTML page"),
    info(Fault::Http503, "http-503", false, "503とRetry-Afterを返す", "answers 503 with Retry-After"),
    info(Fault::Http429, "http-429", false, "429とRetry-Afterを返す", "answers 429 with Retry-After"),
    info(Fault::CutBody, "cut-body", true, "応答の本文を途中で切る", "cuts the answer in the middle"),
    info(Fault::SlowBody, "slow-body", true, "応答の本文を1バイトずつ返す", "answers byte by byte"),
    info(Fault::HugeBody, "huge-body", true, "応答のあとに空白を64 MiB続ける", "adds 64 MiB of blanks to the answer"),
    info(
        Fault::WrongCharset,
        "wrong-charset",
        true,
        "UTF-8と称してShift_JISで返す",
        "answers in Shift_JIS and calls it UTF-8",
    ),
    info(
        Fault::OtherReference,
        "other-reference",
        true,
        "ほかの注文の番号で応答する",
        "answers with another order's reference or id",
    ),
    info(Fault::OtherAmount, "other-amount", true, "ほかの金額で応答する", "answers with another amount"),
    info(
        Fault::UnknownCode,
        "unknown-code",
        true,
        "仕様書にないコードで応答する",
        "answers with a code that no documentation has",
    ),
    info(
        Fault::AddressRefused,
        "address-refused",
        false,
        "接続元アドレスを拒否する（決済会社の応答）",
        "refuses the caller's address, in the provider's words",
    ),
    info(
        Fault::SystemFailure,
        "system-failure",
        false,
        "システム障害を知らせる（決済会社の応答）",
        "reports a system failure, in the provider's words",
    ),
    info(
        Fault::Maintenance,
        "maintenance",
        false,
        "メンテナンス中を知らせる（決済会社の応答）",
        "reports maintenance, in the provider's words",
    ),
];

impl Fault {
    /// Its row in [`FAULTS`].
    pub fn info(self) -> &'static FaultInfo {
        FAULTS.iter().find(|info| info.fault == self).expect("every fault has a row, see the tests")
    }
}

/// Which of the requests it meets a plan strikes. Counted from 1, per plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// All of them.
    Always,
    /// Only this one.
    Nth(usize),
    /// This many, from the first on.
    First(usize),
    /// One of every so many.
    Every(usize),
    /// Those that name this reference or transaction id, or the transaction id of a registration
    /// with this reference.
    Reference(String),
}

/// A fault, and the requests it strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultPlan {
    /// What goes wrong.
    pub fault: Fault,
    /// Only for requests of this operation.
    pub on: Option<String>,
    /// For which of them.
    pub when: When,
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.fault.info().name)?;
        if let Some(operation) = &self.on {
            write!(out, "@{operation}")?;
        }
        match &self.when {
            When::Always => Ok(()),
            When::Nth(n) => write!(out, ":nth={n}"),
            When::First(n) => write!(out, ":first={n}"),
            When::Every(n) => write!(out, ":every={n}"),
            When::Reference(reference) => write!(out, ":reference={reference}"),
        }
    }
}

/// A plan that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPlan {
    /// There is no fault of this name.
    #[error("no fault is called {0:?}; there are: {names}", names = FAULTS.map(|info| info.name).join(", "))]
    Fault(String),
    /// What follows the colon.
    #[error(
        "{0:?} says not when: nth=N, first=N, every=N (N from 1), reference=ID, always, or leave it out for always"
    )]
    When(String),
    /// Before a request is read, nothing is known of it.
    #[error(
        "accept-close strikes before anything is read, so it can wait neither for an operation nor for a reference"
    )]
    Unread,
}

impl FromStr for FaultPlan {
    type Err = BadPlan;

    fn from_str(text: &str) -> Result<Self, BadPlan> {
        let (head, when) = text.trim().split_once(':').unwrap_or((text.trim(), "always"));
        let (name, on) = match head.split_once('@') {
            Some((name, operation)) => (name, Some(operation.to_owned())),
            None => (head, None),
        };
        let info = FAULTS.iter().find(|info| info.name == name).ok_or_else(|| BadPlan::Fault(name.to_owned()))?;
        let when = parse_when(when).ok_or_else(|| BadPlan::When(when.to_owned()))?;
        if info.fault == Fault::AcceptClose && (on.is_some() || matches!(when, When::Reference(_))) {
            return Err(BadPlan::Unread);
        }
        Ok(Self { fault: info.fault, on, when })
    }
}

fn parse_when(text: &str) -> Option<When> {
    if text == "always" {
        return Some(When::Always);
    }
    let (key, value) = text.split_once('=')?;
    let number = || value.parse().ok().filter(|number| *number > 0);
    match key {
        "nth" => Some(When::Nth(number()?)),
        "first" => Some(When::First(number()?)),
        "every" => Some(When::Every(number()?)),
        "reference" if !value.is_empty() => Some(When::Reference(value.to_owned())),
        _ => None,
    }
}

/// A plan and what has come of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanReport {
    /// The plan, as it is written.
    pub plan: String,
    /// Whether it can still strike.
    pub active: bool,
    /// How often it did.
    pub hits: usize,
}

/// The plans of one gateway.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    plans: Vec<Planned>,
}

#[derive(Debug)]
struct Planned {
    plan: FaultPlan,
    active: bool,
    seen: usize,
    hits: usize,
}

impl Faults {
    /// Adds plans; false, and none is added, if there would be more than [`MAX_PLANS`].
    pub(crate) fn add(&mut self, plans: Vec<FaultPlan>) -> bool {
        let room = self.plans.len() + plans.len() <= MAX_PLANS;
        if room {
            self.plans.extend(plans.into_iter().map(|plan| Planned { plan, active: true, seen: 0, hits: 0 }));
        }
        room
    }

    /// Ends every plan; their hits stay on record.
    pub(crate) fn clear(&mut self) {
        self.plans.iter_mut().for_each(|planned| planned.active = false);
    }

    /// Whether a connection that was just accepted is to be closed unread.
    pub(crate) fn strikes_connection(&mut self) -> bool {
        let mut waiting = self.plans.iter_mut().filter(|planned| planned.plan.fault == Fault::AcceptClose);
        let Some(planned) = waiting.find_map(|planned| planned.strikes(None, &[]).then_some(planned)) else {
            return false;
        };
        planned.hits += 1;
        true
    }

    /// The plan that strikes a request, the first that does; those behind it do not count the
    /// request. It is a hit only when [`Faults::met`] says that it could be carried out.
    pub(crate) fn strikes_request(&mut self, operation: Option<&str>, names: &[String]) -> Option<(usize, Fault)> {
        let mut waiting =
            self.plans.iter_mut().enumerate().filter(|(_, planned)| planned.plan.fault != Fault::AcceptClose);
        waiting.find_map(|(place, planned)| planned.strikes(operation, names).then_some((place, planned.plan.fault)))
    }

    /// The plan at this place did strike.
    pub(crate) fn met(&mut self, place: usize) {
        self.plans[place].hits += 1;
    }

    /// Every plan in the order given, cleared ones too.
    pub(crate) fn report(&self) -> Vec<PlanReport> {
        let report = |planned: &Planned| PlanReport {
            plan: planned.plan.to_string(),
            active: planned.active,
            hits: planned.hits,
        };
        self.plans.iter().map(report).collect()
    }

    /// Hits of plans with this fault, cleared ones too; of every plan if none is named.
    pub(crate) fn hits(&self, fault: Option<Fault>) -> usize {
        let counted = self.plans.iter().filter(|planned| fault.is_none_or(|fault| planned.plan.fault == fault));
        counted.map(|planned| planned.hits).sum()
    }
}

impl Planned {
    fn strikes(&mut self, operation: Option<&str>, names: &[String]) -> bool {
        if !self.active || self.plan.on.as_deref().is_some_and(|on| Some(on) != operation) {
            return false;
        }
        self.seen += 1;
        match &self.plan.when {
            When::Always => true,
            When::Nth(n) => self.seen == *n,
            When::First(n) => self.seen <= *n,
            When::Every(n) => self.seen.is_multiple_of(*n),
            When::Reference(reference) => names.contains(reference),
        }
    }
}

/// Those of the faults that are wanted, for people, at most 100 columns wide.
pub fn table(lang: Lang, wanted: impl Fn(Fault) -> bool) -> String {
    let mut text = String::from(lang.pick(
        "障害（--fault に 障害[@操作][:nth=N|first=N|every=N|reference=番号]）\n",
        "Faults (--fault FAULT[@OPERATION][:nth=N|first=N|every=N|reference=ID])\n",
    ));
    for info in FAULTS.iter().filter(|info| wanted(info.fault)) {
        let commits = if info.commits {
            lang.pick("記録する  ", "recorded    ")
        } else {
            lang.pick("記録しない", "not recorded")
        };
        text += &format!("  {:<16} {commits}  {}\n", info.name, lang.pick(info.ja, info.en));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> FaultPlan {
        text.parse().unwrap()
    }

    #[test]
    fn plans_are_written_as_they_are_read() {
        let texts = [
            "late",
            "accept-close:nth=3",
            "drop-answer@order:nth=2",
            "http-503:every=10",
            "cut-body@cancel:first=1",
            "unknown-code@status:reference=SHOP-1:2",
        ];
        for text in texts {
            assert_eq!(plan(text).to_string(), text);
        }
        assert_eq!(plan("late:always"), plan("late"));
        for info in &FAULTS {
            assert_eq!(plan(info.name).fault, info.fault);
            assert_eq!(info.fault.info().name, info.name);
        }
    }

    #[test]
    fn plans_that_say_nothing_are_refused() {
        let refused = |text: &str| text.parse::<FaultPlan>().unwrap_err();
        assert_eq!(refused("explode"), BadPlan::Fault("explode".to_owned()));
        for when in ["", "nth", "nth=0", "nth=x", "every=-1", "reference=", "often=2"] {
            assert_eq!(refused(&format!("late:{when}")), BadPlan::When(when.to_owned()));
        }
        assert_eq!(refused("accept-close@order"), BadPlan::Unread);
        assert_eq!(refused("accept-close:reference=A"), BadPlan::Unread);
    }

    /// Which of six requests of `order` a plan strikes.
    fn struck(when: &str) -> Vec<usize> {
        let mut faults = Faults::default();
        assert!(faults.add(vec![plan(&format!("late@order:{when}"))]));
        let names = |request: usize| vec![format!("R{request}")];
        (1..=6)
            .filter(|request| {
                assert_eq!(faults.strikes_request(Some("status"), &names(*request)), None, "another operation");
                faults.strikes_request(Some("order"), &names(*request)).is_some()
            })
            .collect()
    }

    #[test]
    fn each_when_strikes_its_requests() {
        assert_eq!(struck("always"), [1, 2, 3, 4, 5, 6]);
        assert_eq!(struck("nth=2"), [2]);
        assert_eq!(struck("first=2"), [1, 2]);
        assert_eq!(struck("every=3"), [3, 6]);
        assert_eq!(struck("reference=R5"), [5]);
    }

    #[test]
    fn hits_outlive_the_plan() {
        let mut faults = Faults::default();
        assert!(faults.add(vec![plan("late"), plan("accept-close:nth=1")]));
        assert!(faults.strikes_connection());
        assert!(!faults.strikes_connection());
        let (place, fault) = faults.strikes_request(None, &[]).unwrap();
        assert_eq!(fault, Fault::Late);
        faults.met(place);
        faults.clear();
        assert_eq!(faults.strikes_request(None, &[]), None);
        assert_eq!((faults.hits(None), faults.hits(Some(Fault::Late)), faults.hits(Some(Fault::ReadClose))), (2, 1, 0));
    }
}
