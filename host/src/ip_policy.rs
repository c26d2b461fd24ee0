//! Which IP addresses a plugin may be connected to. It is checked after DNS, on the address itself.

use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::LazyLock;

/// Ranges that are not the public internet. Forms that carry an IPv4 address inside an IPv6 one are
/// refused altogether: every public server that they lead to has an ordinary address too.
const NOT_PUBLIC: &[(&str, &str)] = &[
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local, cloud metadata"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved, broadcast"),
    // Everything outside 2000::/3 is unspecified, loopback, mapped (::ffff:0:0/96), NAT64
    // (64:ff9b::/96), unique local, link-local or multicast.
    ("::/3", "not global unicast"),
    ("4000::/2", "not global unicast"),
    ("8000::/1", "not global unicast"),
    ("2001::/23", "Teredo, ORCHID and other assignments"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
];

static RANGES: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| NOT_PUBLIC.iter().filter_map(|(range, _)| range.parse().ok()).collect());

/// Whether `address` may be reached: it is public, or `granted` names it.
pub(crate) fn allowed(address: IpAddr, granted: &[IpNet]) -> bool {
    granted.iter().any(|range| range.contains(&address)) || !RANGES.iter().any(|range| range.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_a_range() {
        assert_eq!(RANGES.len(), NOT_PUBLIC.len());
    }

    #[test]
    fn addresses_that_are_not_public_are_refused_in_every_notation() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2001::1",
            "2002:7f00:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!allowed(address.parse().unwrap(), &[]), "{address}");
        }
        for address in ["8.8.8.8", "172.32.0.1", "2400:4050::1", "2a00:1450::1"] {
            assert!(allowed(address.parse().unwrap(), &[]), "{address}");
        }
    }

    #[test]
    fn a_permission_opens_what_it_names_and_nothing_beside_it() {
        let granted = ["127.0.0.1/32".parse().unwrap()];
        assert!(allowed("127.0.0.1".parse().unwrap(), &granted));
        assert!(!allowed("127.0.0.2".parse().unwrap(), &granted));
        assert!(!allowed("::ffff:127.0.0.1".parse().unwrap(), &granted));
    }
}
