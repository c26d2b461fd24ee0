//! Every text of the pages, in one file for each language. What a page shows of an order's state,
//! actions and problems comes from [`crate::words`] and [`crate::state`], as on the command line.
//!
//! A language that lacks a text does not compile, and neither does a page that uses one that is not there.

mod en;
mod ja;

use crate::words::Lang;
use std::fmt::Display;

/// A struct of texts, and all of them with their names.
macro_rules! texts {
    ($($name:ident,)*) => {
        /// The texts of one language. `{0}`, `{1}` … stand for what [`fill`] puts there.
        pub struct Texts {
            $(pub(crate) $name: &'static str,)*
        }

        #[cfg(test)]
        impl Texts {
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

texts! {
    platform,
    skip,
    menu,
    other_language,
    sign_in,
    sign_out,
    user_name,
    password,
    no_user_yet,
    wrong_sign_in,
    sign_in_later,
    signed_out,
    go_on,
    orders,
    malls,
    providers,
    users,
    import,
    export,
    first_steps,
    operator,
    administrator,
    order,
    order_id,
    order_number,
    ordered_at,
    order_status,
    buyer,
    payment,
    total,
    billed,
    goods,
    ship_to,
    carrier,
    tracking,
    tracking_number,
    tracking_entered,
    tracking_missing,
    shipped,
    shipped_on,
    mall,
    provider,
    by_state,
    every_state,
    every,
    search,
    search_hint,
    ordered_from,
    ordered_until,
    filter,
    clear,
    no_orders,
    tick_page,
    tick_order,
    pages,
    first_page,
    last_page,
    previous_page,
    next_page,
    showing,
    panel,
    which_orders,
    scope_ticked,
    scope_match,
    deferred,
    deferred_any,
    more_goods,
    action_on,
    confirm_cancel,
    done_success,
    done_failure,
    done_unknown,
    stale,
    stale_mall,
    no_such_order,
    nothing_ticked,
    match_changed,
    too_many,
    already_sent,
    back_to_list,
    credit_state,
    next_check,
    transaction_id,
    transaction_id_hint,
    reference,
    providers_words,
    next_step,
    decide,
    decide_lead,
    what_was_found,
    found_approved,
    found_rejected,
    found_nothing,
    note,
    note_hint,
    note_missing,
    id_missing,
    found_missing,
    choose,
    save,
    save_tracking,
    tracking_closed,
    tracking_saved,
    tracking_wrong,
    invoice_saved,
    timeline,
    no_history,
    call_summary,
    overruled,
    request,
    progress,
    progress_not_sent,
    progress_sent,
    progress_answered,
    connect,
    head,
    body,
    bytes,
    event_tracking_entered,
    order_data,
    remarks,
    unit_price,
    quantity,
    amounts,
    goods_total,
    shipping_fee,
    payment_fee,
    fee_imported,
    fee_band,
    invoice,
    invoice_of_mall,
    invoice_closed,
    to_the_buyer,
    person_name,
    company,
    address,
    phone,
    email,
    reload,
    results,
    place,
    result,
    what_happened,
    success,
    failure,
    unknown,
    batch_heading,
    batch_running,
    batch_done,
    waiting,
    no_such_batch,
    no_malls,
    new_mall,
    mall_id,
    mall_id_hint,
    mall_name,
    mall_heading,
    no_such_mall,
    mall_exists,
    basics,
    draw_fields,
    required,
    invoice_default,
    settings_of,
    provider_new,
    provider_none_open,
    provider_open,
    in_the_way,
    secret_kept,
    test_connection,
    test_hint,
    test_ok,
    test_failed,
    test_settings_first,
    fees,
    fees_lead,
    band_before,
    band_from,
    band_until,
    band_after,
    band_lower,
    band_upper,
    band_fee,
    row_problem,
    not_yen,
    add_row,
    open_end_hint,
    try_amount,
    try_it,
    try_result,
    try_no_band,
    try_band,
    try_wrong,
    save_settings,
    mall_saved,
    mall_not_saved,
    automation,
    no_providers,
    file,
    imports,
    permissions,
    no_origin,
    capabilities,
    batch_limits,
    batch_limits_words,
    calls,
    no_calls,
    operation,
    rows,
    errors,
    mean_time,
    longest_time,
    last_error,
    limits,
    limit_deadline,
    limit_cpu,
    limit_memory,
    limit_requests,
    limit_request_bytes,
    limit_response_bytes,
    limit_log,
    limit_component,
    seconds,
    milliseconds,
    mebibytes,
    times,
    kibibytes,
    load_provider,
    load_lead,
    component_file,
    permission_file,
    load_it,
    loaded,
    replaced,
    load_refused,
    both_files,
    start_lead,
    start_lead_sandbox,
    step_mall,
    step_mall_text,
    step_mall_text_sandbox,
    step_mall_button,
    step_mall_open,
    step_orders,
    step_orders_text,
    step_orders_text_sandbox,
    step_orders_button,
    step_credit,
    step_credit_text,
    step_credit_button,
    step_done,
    go_to_orders,
    start_imported,
    role,
    since,
    access,
    enable,
    disable,
    add_user,
    user_added,
    user_changed,
    user_refused,
    tokens,
    tokens_lead,
    token_name,
    token_once,
    add_token,
    revoke,
    revoked,
    token_revoked,
    import_lead,
    import_what,
    import_orders,
    import_results,
    encoding,
    encoding_auto,
    csv_file,
    dry_run,
    import_now,
    line,
    reason,
    would_happen,
    what_happens,
    not_taken,
    dry_title,
    import_title,
    dry_summary,
    import_summary,
    only_first,
    choose_file,
    export_lead,
    export_what,
    export_orders,
    export_results,
    export_excluded,
    utf8_with_bom,
    download,
    forbidden,
    form_expired,
    not_found,
    too_large,
    bad_form,
    failed,
}

/// The texts in `lang`.
pub fn texts(lang: Lang) -> &'static Texts {
    lang.pick(&ja::JA, &en::EN)
}

/// `text` with its places filled. What is put in is not looked at for places of its own.
pub fn fill(text: &str, parts: &[&dyn Display]) -> String {
    let mut pieces = text.split('{');
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (place, rest) = piece.split_once('}').unwrap_or(("", piece));
        if let Some(part) = place.parse().ok().and_then(|at: usize| parts.get(at)) {
            filled += &part.to_string();
        }
        filled += rest;
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<&str> {
        let mut places: Vec<_> = text.split('{').skip(1).filter_map(|piece| piece.split('}').next()).collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn no_language_lacks_a_text_or_a_place_in_one() {
        for ((name, ja), (_, en)) in ja::JA.all().into_iter().zip(en::EN.all()) {
            assert!(!ja.trim().is_empty() && !en.trim().is_empty(), "{name} is empty");
            assert_eq!(places(ja), places(en), "{name}: the places differ");
        }
    }

    /// Names of encodings and units are the same everywhere; anything else that is would be a text that
    /// nobody translated.
    #[test]
    fn english_is_english_and_japanese_is_japanese() {
        let same = ["mebibytes", "kibibytes"];
        let is_japanese = |text: &str| text.chars().any(|c| ('\u{3000}'..='\u{9fff}').contains(&c));
        for ((name, ja), (_, en)) in ja::JA.all().into_iter().zip(en::EN.all()) {
            // The switch names the other language in that language.
            if name == "other_language" || same.contains(&name) {
                continue;
            }
            assert!(is_japanese(ja), "{name}: {ja}");
            assert!(!is_japanese(en), "{name}: {en}");
        }
    }

    #[test]
    fn places_are_filled_in_any_order_and_only_once() {
        assert_eq!(fill("{1} of {0}", &[&"{1}", &2]), "2 of {1}");
        assert_eq!(fill("no place", &[]), "no place");
    }
}
