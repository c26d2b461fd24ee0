//! The interfaces that a plugin may import, in three groups.

use crate::permissions::Permissions;

/// What an import is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportGroup {
    /// The contract: its types, and the log.
    Contract,
    /// Outgoing HTTP, and the interfaces whose types it uses.
    Http,
    /// What standard libraries import whether it is used or not. The host provides it with nothing behind it: see
    /// `empty_wasi`.
    EmptyWasi,
}

/// Each interface by package, name and the beginning of its version: every semver-compatible release is taken.
///
/// `wasi:io` and the clock's type `duration` are in the group of HTTP because `wasi:http/types` 0.2 cannot be
/// imported without them. They give access to no device: streams and pollables come from HTTP alone.
const IMPORTS: [(ImportGroup, &str); 35] = [
    (ImportGroup::Contract, "deferred-payment:provider/types@0.1."),
    (ImportGroup::Contract, "deferred-payment:provider/fees@0.1."),
    (ImportGroup::Contract, "deferred-payment:provider/log@0.1."),
    (ImportGroup::Http, "wasi:clocks/types@0.3."),
    (ImportGroup::Http, "wasi:http/types@0.3."),
    (ImportGroup::Http, "wasi:http/client@0.3."),
    (ImportGroup::Http, "wasi:http/types@0.2."),
    (ImportGroup::Http, "wasi:http/outgoing-handler@0.2."),
    (ImportGroup::Http, "wasi:io/error@0.2."),
    (ImportGroup::Http, "wasi:io/poll@0.2."),
    (ImportGroup::Http, "wasi:io/streams@0.2."),
    (ImportGroup::Http, "wasi:clocks/monotonic-clock@0.2."),
    (ImportGroup::EmptyWasi, "wasi:cli/environment@0.2."),
    (ImportGroup::EmptyWasi, "wasi:cli/exit@0.2."),
    (ImportGroup::EmptyWasi, "wasi:cli/stdin@0.2."),
    (ImportGroup::EmptyWasi, "wasi:cli/stdout@0.2."),
    (ImportGroup::EmptyWasi, "wasi:cli/stderr@0.2."),
    (ImportGroup::EmptyWasi, "wasi:cli/terminal-input@0.2."),
    (ImportGroup::EmptyWasi, "wasi:cli/terminal-output@0.2."),
    (ImportGroup::EmptyWasi, "wasi:cli/terminal-stdin@0.2."),
    (ImportGroup::EmptyWasi, "wasi:cli/terminal-stdout@0.2."),
    (ImportGroup::EmptyWasi, "wasi:cli/terminal-stderr@0.2."),
    (ImportGroup::EmptyWasi, "wasi:clocks/wall-clock@0.2."),
    (ImportGroup::EmptyWasi, "wasi:filesystem/preopens@0.2."),
    (ImportGroup::EmptyWasi, "wasi:filesystem/types@0.2."),
    (ImportGroup::EmptyWasi, "wasi:random/random@0.2."),
    (ImportGroup::EmptyWasi, "wasi:random/insecure@0.2."),
    (ImportGroup::EmptyWasi, "wasi:random/insecure-seed@0.2."),
    (ImportGroup::EmptyWasi, "wasi:sockets/network@0.2."),
    (ImportGroup::EmptyWasi, "wasi:sockets/instance-network@0.2."),
    (ImportGroup::EmptyWasi, "wasi:sockets/ip-name-lookup@0.2."),
    (ImportGroup::EmptyWasi, "wasi:sockets/tcp@0.2."),
    (ImportGroup::EmptyWasi, "wasi:sockets/tcp-create-socket@0.2."),
    (ImportGroup::EmptyWasi, "wasi:sockets/udp@0.2."),
    (ImportGroup::EmptyWasi, "wasi:sockets/udp-create-socket@0.2."),
];

impl ImportGroup {
    /// The group of the interface `import`; nothing where no plugin may import it.
    pub fn of(import: &str) -> Option<Self> {
        IMPORTS.iter().find(|(_, allowed)| import.starts_with(allowed)).map(|(group, _)| *group)
    }

    /// Whether a plugin with `permissions` may import interfaces of this group.
    pub(crate) fn is_permitted(self, permissions: &Permissions) -> bool {
        self != Self::EmptyWasi || !permissions.refuse_empty_wasi
    }
}
