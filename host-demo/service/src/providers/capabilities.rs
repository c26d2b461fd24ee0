//! What a provider supports, may reach and asks malls for, as lists, pages and the API show it.

use domain::audit_event::ImportKind;
use provider_host::contract::{Capability, Carrier, ProviderInfo, SettingKind};
use provider_host::{ImportGroup, Permissions, Plugin};

/// The contract's name of a kind of setting.
pub fn kind_name(kind: &SettingKind) -> &'static str {
    match kind {
        SettingKind::Text => "text",
        SettingKind::Digits => "digits",
        SettingKind::Secret => "secret",
        SettingKind::Url => "url",
        SettingKind::Choice(_) => "choice",
    }
}

/// What `plugin` may reach: origins, then ranges of private addresses.
pub fn permitted(plugin: &Plugin) -> Vec<String> {
    let Permissions { origins, private_addresses, .. } = &plugin.facts().permissions;
    origins.iter().map(ToString::to_string).chain(private_addresses.iter().map(ToString::to_string)).collect()
}

/// The host's groups of imports, in the order in which they are shown.
const IMPORT_GROUPS: [(ImportKind, ImportGroup); 3] = [
    (ImportKind::Contract, ImportGroup::Contract),
    (ImportKind::Http, ImportGroup::Http),
    (ImportKind::EmptyWasi, ImportGroup::EmptyWasi),
];

/// The interfaces that `plugin` imports, by what they are for. A group without any is there as well: that a component
/// imports none of it is worth knowing.
pub fn imports(plugin: &Plugin) -> [(ImportKind, Vec<String>); 3] {
    IMPORT_GROUPS.map(|(kind, group)| (kind, plugin.facts().imports_of(group)))
}

/// What a provider can do beyond crediting: the contract's name of it, and in words.
const ABILITIES: [(Capability, &str, [&str; 2]); 6] = [
    (
        Capability::FIND_BY_REFERENCE,
        "find-by-reference",
        ["登録番号で照会できる", "finds a registration by our reference"],
    ),
    (
        Capability::UNIQUE_REFERENCE,
        "unique-reference",
        ["同じ登録番号の二重登録を断る", "refuses a reference that exists"],
    ),
    (Capability::ENCLOSED_INVOICE, "enclosed-invoice", ["請求書の同梱", "encloses the invoice"]),
    (Capability::TEST_CONNECTION, "test-connection", ["接続テスト", "connection test"]),
    (Capability::REPORTS_CANCEL, "reports-cancel", ["照会でキャンセル済とわかる", "tells what was cancelled"]),
    (
        Capability::REPORTS_TRACKING,
        "reports-tracking",
        ["照会で伝票番号の登録がわかる", "tells what has a tracking number"],
    ),
];

/// What `info` says that the provider can do: the contract's name of it, and the words in Japanese and English.
pub fn abilities(info: &ProviderInfo) -> impl Iterator<Item = (&'static str, [&'static str; 2])> {
    let has = info.capabilities;
    ABILITIES.into_iter().filter(move |(one, ..)| has.contains(*one)).map(|(_, name, words)| (name, words))
}

/// The carrier that `name` means: an id, or a name in Japanese or English.
pub fn find_carrier<'a>(info: &'a ProviderInfo, name: &str) -> Option<&'a Carrier> {
    info.carriers.iter().find(|c| c.id == name || c.name.ja == name || c.name.en.eq_ignore_ascii_case(name))
}
