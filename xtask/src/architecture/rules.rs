//! The rules as data. Rooms are named by their folder: `web/pages` is the folder `pages` of the room `web`.

/// The crates whose files are read: their name in paths, and their folder.
pub const CRATES: [(&str, &str); 5] = [
    ("domain", "host-demo/domain/src"),
    ("store", "host-demo/store/src"),
    ("service", "host-demo/service/src"),
    ("app", "host-demo/app/src"),
    ("provider_host", "host/src"),
];

/// The rooms, and the module that each is.
pub const ROOMS: [(&str, &str); 7] = [
    ("domain", "domain"),
    ("store", "store"),
    ("service", "service"),
    ("cli", "app::cli"),
    ("web", "app::web"),
    ("main", "app::main"),
    ("terminal", "app::terminal"),
];

/// An import that is not allowed.
pub struct Rule {
    /// No file of this room …
    pub from: &'static str,
    /// … other than those in these …
    pub but_from: &'static [&'static str],
    /// … imports one of these rooms …
    pub never: &'static [&'static str],
    /// … other than those in these.
    pub but_to: &'static [&'static str],
    /// Why not.
    pub reason: &'static str,
}

const fn rule(from: &'static str, never: &'static [&'static str], reason: &'static str) -> Rule {
    Rule { from, but_from: &[], never, but_to: &[], reason }
}

/// Who imports whom: domain ← store ← service ← cli and web, and within the rooms what is general never what uses it.
pub const RULES: &[Rule] = &[
    rule("domain", &["store", "service", "cli", "web", "terminal"], "the domain imports no other room"),
    rule("store", &["service", "cli", "web", "terminal"], "the store imports the domain alone"),
    rule("service", &["cli", "web", "terminal"], "a use case knows neither pages nor the command line"),
    // Which characters a plugin may be given is the host's rule, and what a file has of them is refused.
    Rule {
        but_to: &["service/csv", "service/providers"],
        ..rule("service/csv", &["service"], "CSV files are below the use cases and know none")
    },
    Rule {
        but_to: &["service/providers"],
        ..rule("service/providers", &["service"], "providers are below the use cases and know none")
    },
    Rule { but_from: &["cli/serve"], ..rule("cli", &["web"], "the command line imports the web for `serve` alone") },
    rule("web", &["cli"], "the web does not import the command line"),
    rule("web/http", &["web/pages", "web/api"], "HTTP is below pages and API"),
    rule("web/parts", &["web/pages", "web/api"], "parts of pages are below the pages, and the API has none"),
    rule("web/pages", &["web/api"], "pages and API never import each other"),
    rule("web/api", &["web/pages"], "pages and API never import each other"),
    Rule {
        but_to: &["web/texts"],
        ..rule("web/texts", &["store", "service", "web"], "texts import nothing but languages and each other")
    },
];

/// Folders whose modules never import each other.
pub const SIBLINGS: &[&str] = &["web/pages"];

/// A crate that not every room may use.
pub struct CrateRule {
    /// Its name in paths.
    pub krate: &'static str,
    /// The only rooms that may use it.
    pub only_in: &'static [&'static str],
}

/// The crates that decide what a room can touch.
pub const CRATE_RULES: &[CrateRule] = &[
    CrateRule { krate: "sqlx", only_in: &["store"] },
    CrateRule { krate: "wasmtime", only_in: &[] },
    // The program sets up the host and shows what a plugin describes of itself; calls are made by `service/providers`.
    CrateRule { krate: "provider_host", only_in: &["service/providers", "cli", "web", "main", "terminal"] },
    CrateRule { krate: "provider_distribution", only_in: &["service/providers"] },
    CrateRule { krate: "axum", only_in: &["web"] },
    CrateRule { krate: "askama", only_in: &["web"] },
    CrateRule { krate: "utoipa", only_in: &["web/api"] },
    CrateRule { krate: "utoipa_axum", only_in: &["web/api"] },
    CrateRule { krate: "clap", only_in: &["cli", "main"] },
];
