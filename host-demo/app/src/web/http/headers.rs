//! Headers of every response, whichever handler or layer made it.

use axum::http::{HeaderName, HeaderValue, header};
use tower_http::set_header::SetResponseHeaderLayer;

/// Scripts, styles, images, requests and forms of this origin only; nothing inline, no frames, no plug-ins.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Name and value of each. Pages contain personal data, so browsers and proxies store nothing unless the response
/// itself sets another `Cache-Control`.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=()"),
];

/// Only where the page is served over HTTPS: from then on the browser uses nothing else for this host.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// One layer for each header.
pub(crate) fn layers(https: bool) -> Vec<SetResponseHeaderLayer<HeaderValue>> {
    let transport = https.then_some((header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT));
    HEADERS
        .into_iter()
        .chain(transport)
        .map(|(name, value)| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value)))
        .collect()
}
