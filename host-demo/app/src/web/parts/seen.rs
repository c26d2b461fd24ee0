//! Where an order stands as a page shows it, as a field of the panel: what is asked for with the page is about that.

use domain::asked::Standing;

/// The field of the order `id`.
pub(crate) fn seen_field(id: i64, Standing { state, reference }: &Standing) -> String {
    format!("{id} {state} {reference}")
}

/// Reads such a field; nothing if it is none.
pub(crate) fn read_seen(field: &str) -> Option<(i64, Standing)> {
    let mut parts = field.splitn(3, ' ');
    let id = parts.next()?.parse().ok()?;
    let state = parts.next()?.parse().ok()?;
    Some((id, Standing { state, reference: parts.next()?.to_owned() }))
}
