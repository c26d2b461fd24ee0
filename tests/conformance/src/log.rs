//! Listens to what the host writes: lines of the plugin that ought not to be, and requests of
//! operations that may make none.
//!
//! The host masks settings and personal data in a plugin's lines. A mask that had to be put on is a
//! line that broke the contract, and so is one that shows a person in another spelling.

use crate::samples::PERSONAL;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// What the host puts in place of a value that may not be logged.
const MASK: &str = "***";
/// Lines and requests kept; one is enough to fail a check.
const MAX_KEPT: usize = 50;
/// The span around calls whose data is ordinary: a mask on generated scraps of text says nothing.
pub const ORDINARY: &str = "ordinary";
/// The span that the host puts around every call.
const CALL: &str = "call";

/// What was heard so far.
#[derive(Clone, Default)]
pub struct Tap(Arc<Mutex<Heard>>);

/// What the checks ask about.
#[derive(Clone, Default)]
pub struct Heard {
    /// Operations and their lines with settings or personal data, as the host wrote them.
    pub private: Vec<(String, String)>,
    /// Operations and the origins that they asked for, where they may ask for none.
    pub loud: Vec<(String, String)>,
}

/// Operations that send nothing.
const SILENT: [&str; 3] = ["describe", "check-settings", "fee-adjust"];

impl Tap {
    /// A subscriber that this tap listens with.
    pub fn subscriber(&self) -> impl Subscriber + Send + Sync + use<> {
        Registry::default().with(Listener(self.clone()))
    }

    /// Everything heard so far.
    pub fn heard(&self) -> Heard {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: impl FnOnce(&mut Heard)) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.private.len() + heard.loud.len() < MAX_KEPT {
            note(&mut heard);
        }
    }
}

struct Listener(Tap);

/// The operation of a `call` span.
struct Calls(String);

/// The fields of a span or event that matter here.
#[derive(Default)]
struct Fields {
    operation: String,
    origin: String,
    message: String,
    /// Only lines of a plugin name their provider themselves.
    provider: bool,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "operation" => self.operation = value.to_owned(),
            "origin" => self.origin = value.to_owned(),
            "provider" => self.provider = true,
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Listener {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("provider_host") || metadata.name() == ORDINARY
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() != CALL {
            return;
        }
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Calls(fields.operation));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let scope = || context.event_scope(event).into_iter().flatten();
        let operation = || scope().find_map(|span| span.extensions().get::<Calls>().map(|calls| calls.0.clone()));
        if fields.provider && scope().any(|span| span.name() == ORDINARY) && is_private(&fields.message) {
            self.0.note(|heard| heard.private.push((operation().unwrap_or_default(), fields.message)));
        } else if !fields.origin.is_empty()
            && let Some(operation) = operation().filter(|operation| SILENT.contains(&operation.as_str()))
        {
            self.0.note(|heard| heard.loud.push((operation, fields.origin)));
        }
    }
}

fn is_private(line: &str) -> bool {
    line.contains(MASK) || PERSONAL.iter().any(|part| line.contains(part))
}
