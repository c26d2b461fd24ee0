//! What every page has: language, user, menu, notices, assets.

use crate::web::http::assets;
use crate::web::http::notice::Notice;
use crate::web::texts::{EN, JA, Texts};
use domain::lang::Lang;
use domain::user::{Role, User};
use service::messages::localize::Localize;

/// The texts in `lang`.
pub(crate) fn texts(lang: Lang) -> &'static Texts {
    lang.pick(&JA, &EN)
}

/// The part of a page that does not depend on what it shows.
pub(crate) struct Page {
    /// The language.
    pub lang: Lang,
    /// Its texts.
    pub t: &'static Texts,
    /// The CSRF token that every form sends back.
    pub csrf: String,
    /// The signed-in user.
    pub user: Option<User>,
    /// Notices of the last request.
    pub notices: Vec<Notice>,
    /// Path and query of the page.
    pub path: String,
}

/// An entry of the menu.
pub(crate) struct MenuEntry {
    /// Its address.
    pub href: &'static str,
    /// Its name in the language of the page.
    pub label: &'static str,
    /// Whether this page is under it.
    pub here: bool,
}

impl Page {
    /// A page for `user`, or for a visitor who has not signed in.
    pub(crate) fn new(lang: Lang, user: Option<User>, csrf: String, path: String, notices: Vec<Notice>) -> Self {
        Self { lang, t: texts(lang), csrf, user, notices, path }
    }

    /// What the menu offers: all that the user may do.
    pub(crate) fn menu(&self) -> Vec<MenuEntry> {
        let t = self.t;
        let everyone = [
            ("/orders", t.orders),
            ("/batches", t.batches),
            ("/import", t.import),
            ("/export", t.export),
            ("/malls", t.malls),
            ("/providers", t.providers),
        ];
        let administrators = [("/users", t.users), ("/audit", t.audit)].into_iter().filter(|_| self.is_admin());
        let entry = |(href, label)| MenuEntry { href, label, here: self.is_under(href) };
        everyone.into_iter().chain(administrators).map(entry).collect()
    }

    fn is_under(&self, href: &str) -> bool {
        self.path.strip_prefix(href).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }

    /// Whether the user is an administrator.
    pub(crate) fn is_admin(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.role == Role::Administrator)
    }

    /// The name of a user's role.
    pub(crate) fn role_of(&self, user: &User) -> &'static str {
        user.role.localized(self.lang)
    }

    /// The URL of the asset `name`.
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::url(name)
    }

    /// `ja` or `en`.
    pub(crate) fn lang_code(&self) -> &'static str {
        self.lang.pick("ja", "en")
    }

    /// The language that this page is not in.
    pub(crate) fn other_lang_code(&self) -> &'static str {
        self.lang.pick("en", "ja")
    }
}
