//! The health of a provider: whether its circuit breaker keeps calls away from it.

use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::state::App;
use crate::web::texts::fill;
use domain::clock;
use store::BreakerState;

/// The health of the provider `id`, in the language of the page `p`.
pub(crate) async fn provider_health(app: &App, id: &str, p: &Page) -> Result<Notice, Refusal> {
    let breaker = app.store.breakers().await?.into_iter().find(|breaker| breaker.provider == id);
    let Some(breaker) = breaker.filter(|breaker| breaker.failures > 0 || breaker.state != BreakerState::Closed) else {
        return Ok(Notice::new(Tone::Ok, p.t.health_well));
    };
    let next = breaker.probe_at.map_or("–".to_owned(), clock::time_of_day);
    Ok(match breaker.state {
        BreakerState::Closed => Notice::new(Tone::Wait, fill(p.t.health_failures, &[&breaker.failures])),
        BreakerState::Open => {
            Notice::new(Tone::Bad, fill(p.t.health_paused, &[&clock::time_of_day(breaker.since), &next]))
        }
        BreakerState::HalfOpen => Notice::new(Tone::Wait, p.t.health_probing),
    })
}
