//! Why an order is not where its operator wants it: issues as data, as they are stored with the order.
//!
//! What people read about them is in `service/messages`; how a provider's failure becomes one, in
//! `service/providers/contract.rs`.

use crate::credit_state::{Action, State};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A provider's own code and message, kept as they came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderMessage {
    /// The provider's code, or the plugin's where the provider gave none.
    pub code: Option<String>,
    /// The message.
    pub message: String,
}

impl fmt::Display for ProviderMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code} {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// A field that was refused, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The field's name at the provider or in the contract.
    pub field: String,
    /// Why.
    pub said: ProviderMessage,
}

/// Why nothing reached the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendFailure {
    /// The line, or the provider, which could not be reached.
    #[default]
    Unreachable,
    /// The provider's certificate is for another name.
    CertificateName,
    /// The provider's certificate has expired, or is not valid yet.
    CertificateExpired,
    /// The provider's certificate is from nobody who is trusted.
    CertificateUntrusted,
    /// The provider's certificate is wrong in another way.
    CertificateInvalid,
    /// A connection was made, and its TLS handshake did not come to an end.
    HandshakeFailed,
    /// The plugin broke off or met a limit, as it may over a single order.
    PluginFailed,
    /// The plugin was not granted the destination: trying again does not help.
    DestinationForbidden,
    /// Too much time passed between the claim and the sending: the process was stopped, or the database was slow.
    ClaimTooOld,
}

impl SendFailure {
    /// Whether the connection failed because of TLS.
    pub fn is_of_tls(self) -> bool {
        matches!(
            self,
            Self::CertificateName
                | Self::CertificateExpired
                | Self::CertificateUntrusted
                | Self::CertificateInvalid
                | Self::HandshakeFailed
        )
    }

    /// Of an issue that was stored before its cause was: it stands in the code or the message alone. These are the
    /// texts of that time; the host may have other ones now.
    fn of_stored(said: &ProviderMessage) -> Self {
        let is_code = |code: &str| ["host-call-ended", "host-call-limit"].contains(&code);
        let is_denial = |denial: &&str| said.message.contains(denial);
        if said.code.as_deref().is_some_and(is_code) {
            Self::PluginFailed
        } else if ["HttpRequestDenied", "DestinationIpProhibited"].iter().any(is_denial) {
            Self::DestinationForbidden
        } else {
            Self::Unreachable
        }
    }
}

/// Why an order is not where its operator wants it. Kept with the order, so it is data, not text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", remote = "Self")]
pub enum Issue {
    /// 与信NG.
    Rejected {
        /// The provider's reasons.
        said: Vec<ProviderMessage>,
    },
    /// 保留.
    OnHold {
        /// What the provider wants corrected.
        said: Vec<ProviderMessage>,
    },
    /// Refused for what was sent.
    Invalid {
        /// Each field that was refused.
        fields: Vec<Field>,
    },
    /// The shop's ids or address were refused.
    Unauthorized {
        /// The provider's message.
        said: ProviderMessage,
    },
    /// It is so at the provider already.
    Already {
        /// The provider's message.
        said: ProviderMessage,
    },
    /// The state at the provider does not allow it.
    Refused {
        /// The provider's message.
        said: ProviderMessage,
    },
    /// Nothing reached the provider.
    NotSent {
        /// What stood in the way: the message of the plugin or the host.
        said: ProviderMessage,
        /// Whose fault it is. Absent in what was stored before it was kept; it is told from `said` then.
        #[serde(default)]
        cause: SendFailure,
    },
    /// The provider asks to wait.
    Busy {
        /// The provider's message.
        said: ProviderMessage,
        /// Seconds, if it gave a number.
        wait: Option<u32>,
    },
    /// Sent, and the answer was lost or unreadable.
    AnswerLost {
        /// What became of the answer.
        said: ProviderMessage,
    },
    /// The provider answered something that this version does not know.
    NeedsPerson {
        /// The provider's message.
        said: ProviderMessage,
    },
    /// The provider has no such operation.
    Unsupported {
        /// The operation.
        action: String,
    },
    /// The process that was asking is gone.
    ProcessDied,
    /// The provider shows no trace of the request, but it can still be on its way.
    TooEarly {
        /// From when on the answer counts, in milliseconds since 1970.
        until: i64,
        /// The time that passed since the sending cannot be told, so it is measured from the question on.
        #[serde(default)]
        measured_anew: bool,
        /// It is an operator who found no trace.
        #[serde(default)]
        by_operator: bool,
    },
    /// The provider was asked and has no such registration.
    NothingThere,
    /// The same, of a registration that it refused explicitly: repeating it would have the same result.
    RefusedAndNothingThere {
        /// The provider's message.
        said: ProviderMessage,
    },
    /// The provider does not know a registration that it acknowledged before.
    Vanished {
        /// Its id there.
        transaction_id: String,
    },
    /// The answer is about another registration.
    AnotherId {
        /// The id that was asked for.
        asked: String,
        /// The id that was answered.
        answered: String,
    },
    /// The answer carries the id of another order's registration.
    IdTaken {
        /// The id.
        transaction_id: String,
        /// The reference that already has it.
        reference: String,
    },
    /// This provider cannot be asked by reference, and no id is known.
    CannotAsk {
        /// What was sent to the provider.
        reference: String,
    },
    /// The provider shows a verdict, which does not tell whether what was sent last arrived.
    CannotTell {
        /// What was sent last.
        action: String,
    },
    /// The provider's id is needed and not known.
    IdMissing,
    /// The plugin of the provider is not loaded.
    ProviderMissing {
        /// The provider's id.
        provider: String,
    },
    /// An administrator has paused new credits at the provider.
    CreditPaused {
        /// The provider's id.
        provider: String,
    },
    /// The program was to end before it came to this order.
    ShuttingDown,
    /// The platform cannot act on the order: something in it cannot be read or written.
    Unusable {
        /// What the store says.
        why: String,
    },
    /// The provider answered, and the answer cannot be written.
    NotRecorded {
        /// What the store says.
        why: String,
    },
    /// Billed for more than the provider takes.
    TooLarge {
        /// Yen.
        billed: i64,
        /// Yen.
        max: i64,
    },
    /// Nothing is to be paid, so that no credit is needed.
    NothingToBill,
    /// The provider does not send invoices with the goods.
    NoEnclosedInvoice,
    /// The provider does not report this carrier.
    CarrierUnsupported {
        /// What was entered.
        carrier: String,
        /// What is supported, in Japanese.
        supported_ja: String,
        /// What is supported, in English.
        supported_en: String,
    },
    /// The state does not offer the action.
    NotOffered {
        /// The state.
        state: State,
        /// The action.
        action: String,
    },
    /// Another operator or process changed the order in the meantime.
    Changed,
    /// The batch was ended before it came to this order.
    Stopped {
        /// Who ended it.
        who: String,
    },
    /// A result by CSV that is not an approval; the API has no part in what follows.
    ByCsv {
        /// 与信理由
        said: ProviderMessage,
    },
    /// The mall takes credit results by CSV, so no credit is run through the API.
    ResultsByCsv,
    /// The order was there before its mall took results through the API: it may be registered by a file.
    PossiblyByFile,
    /// What came in as this order came in as another one as well, it seems: under a number that reads alike, with the
    /// same buyer, day and amounts.
    PossibleDuplicate {
        /// What the other order's mall is called.
        mall: String,
        /// The other order's number.
        number: String,
    },
    /// An operator recorded this.
    Recorded {
        /// The operator's note.
        note: String,
    },
}

// `remote = "Self"` above makes the derived functions inherent ones, so that what was stored by earlier versions can be
// brought up to date here, in the one place where issues are read.
impl Serialize for Issue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Issue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut issue = Self::deserialize(deserializer)?;
        if let Self::NotSent { said, cause: cause @ SendFailure::Unreachable } = &mut issue {
            *cause = SendFailure::of_stored(said);
        }
        Ok(issue)
    }
}

/// An issue as it is stored with its order: with what was tried when it came up, which decides what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredIssue {
    /// What went wrong.
    #[serde(flatten)]
    pub issue: Issue,
    /// What was tried; absent in what was stored before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Action>,
}

impl Issue {
    /// Whether it may be gone by itself when the same is tried again; all others need a person.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::NotSent { .. }
                | Self::Busy { .. }
                | Self::AnswerLost { .. }
                | Self::ProcessDied
                | Self::TooEarly { .. }
                | Self::NothingThere
        )
    }

    /// Whether a credit would be a second one if this is so: it is run only by who was told.
    pub fn is_possible_duplicate(&self) -> bool {
        matches!(self, Self::PossiblyByFile | Self::PossibleDuplicate { .. })
    }

    /// Whether the provider, or the line to it, did not do its part: what makes others leave it alone.
    pub fn is_the_providers(&self) -> bool {
        let is_failure = matches!(self, Self::NotSent { .. } | Self::Busy { .. } | Self::AnswerLost { .. });
        is_failure && !self.is_the_plugins() && !self.is_of_this_process()
    }

    /// Whether the plugin broke off, or met a limit, before anything was sent, as it may over a single order.
    pub fn is_the_plugins(&self) -> bool {
        matches!(self, Self::NotSent { cause: SendFailure::PluginFailed, .. })
    }

    /// Whether it lies with this process, which nobody else can help.
    pub fn is_of_this_process(&self) -> bool {
        matches!(self, Self::NotSent { cause: SendFailure::ClaimTooOld, .. })
    }

    /// Whether a row of a batch that came to this waits on instead of failing: another process can do it, or this one
    /// when it runs again or is allowed to.
    pub fn is_for_later(&self) -> bool {
        matches!(self, Self::ProviderMissing { .. } | Self::CreditPaused { .. } | Self::ShuttingDown)
    }

    /// The earliest time at which trying again makes sense, in milliseconds since 1970.
    pub fn not_before(&self, now: i64) -> i64 {
        match self {
            Self::TooEarly { until, .. } => *until,
            Self::Busy { wait: Some(seconds), .. } => now + i64::from(*seconds) * 1000,
            _ => now,
        }
    }

    /// The same of what an operator found.
    pub fn to_record_again(self) -> Self {
        match self {
            Self::TooEarly { until, measured_anew, .. } => Self::TooEarly { until, measured_anew, by_operator: true },
            other => other,
        }
    }

    /// The provider has no such operation.
    pub fn unsupported(action: Action) -> Self {
        Self::Unsupported { action: action.to_string() }
    }
}

/// Why rows of a batch wait that no process does now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// No process works in the background.
    NoProcess,
    /// No process that does has the plugin of this provider.
    NoPlugin {
        /// The provider's id.
        provider: String,
    },
    /// The provider keeps failing and is left alone.
    Paused {
        /// The provider's id.
        provider: String,
        /// When it is tried again, in milliseconds since 1970.
        until: i64,
    },
    /// An administrator has paused new credits at the provider.
    CreditPaused {
        /// The provider's id.
        provider: String,
        /// Who.
        who: String,
        /// Why.
        note: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_survive_the_store() {
        let said = ProviderMessage { code: None, message: "待".into() };
        for issue in [
            Issue::Busy { said: said.clone(), wait: Some(3) },
            Issue::NotSent { said: said.clone(), cause: SendFailure::Unreachable },
            Issue::NotSent { said: said.clone(), cause: SendFailure::PluginFailed },
            Issue::NotSent { said, cause: SendFailure::DestinationForbidden },
            Issue::Changed,
        ] {
            let json = serde_json::to_string(&issue).unwrap();
            assert_eq!(serde_json::from_str::<Issue>(&json).unwrap(), issue, "{json}");
        }
    }

    #[test]
    fn what_was_tried_is_stored_beside_the_issue() {
        let issues = [Issue::ProcessDied, Issue::unsupported(Action::Sync), Issue::NothingThere];
        for (issue, tried) in issues.into_iter().zip([Some(Action::Cancel), Some(Action::Sync), None]) {
            let stored = StoredIssue { issue, tried };
            let json = serde_json::to_string(&stored).unwrap();
            assert_eq!(serde_json::from_str::<StoredIssue>(&json).unwrap(), stored, "{json}");
            assert_eq!(serde_json::from_str::<Issue>(&json).unwrap(), stored.issue, "{json}: by itself");
        }
    }

    #[test]
    fn what_was_stored_before_causes_were_kept_has_the_same_cause() {
        for (code, message, cause) in [
            (r#""host-call-ended""#, "trap", SendFailure::PluginFailed),
            (r#""host-call-limit""#, "out of fuel", SendFailure::PluginFailed),
            ("null", "ErrorCode::HttpRequestDenied", SendFailure::DestinationForbidden),
            ("null", "ErrorCode::DestinationIpProhibited", SendFailure::DestinationForbidden),
            (r#""ConnectionRefused""#, "refused", SendFailure::Unreachable),
        ] {
            let stored = format!(r#"{{"kind":"not_sent","said":{{"code":{code},"message":"{message}"}}}}"#);
            let issue: Issue = serde_json::from_str(&stored).unwrap();
            assert!(matches!(issue, Issue::NotSent { cause: found, .. } if found == cause), "{stored}: {issue:?}");
            assert_eq!(issue.is_the_plugins(), cause == SendFailure::PluginFailed);
        }
    }
}
