//! Carriers (配送業者), under ids that all plugins share: a tracking number that was entered under one
//! provider can be sent by another. The ids are those of the contract's documentation.

use crate::contract::{Carrier, Label};

/// id, Japanese name, English name: the fifteen that order platforms offer, then those that some
/// providers tell apart besides.
pub const CARRIERS: [(&str, &str, &str); 22] = [
    ("sagawa", "佐川急便", "Sagawa Express"),
    ("yamato", "ヤマト運輸", "Yamato Transport"),
    ("japan-post", "日本郵便", "Japan Post"),
    ("yu-pack", "ゆうパック", "Yu-Pack"),
    ("registered-mail", "郵便書留", "Registered mail"),
    ("ecohai", "エコ配", "Ecohai"),
    ("seino", "西濃運輸", "Seino Transportation"),
    ("seino-super-express", "セイノースーパーエクスプレス", "Seino Super Express"),
    ("fukuyama", "福山通運", "Fukuyama Transporting"),
    ("nippon-express", "日本通運", "Nippon Express"),
    ("niigata", "新潟運輸", "Niigata Unyu"),
    ("meitetsu", "名鉄運輸", "Meitetsu Transport"),
    ("shinshu-meitetsu", "信州名鉄運輸", "Shinshu Meitetsu Transport"),
    ("toll", "トールエクスプレスジャパン", "Toll Express Japan"),
    ("tonami", "トナミ運輸", "Tonami Transportation"),
    ("yu-packet", "ゆうパケット", "Yu-Packet"),
    ("morning-10-mail", "翌朝10時郵便", "Mail by ten in the morning"),
    ("jad", "JAD", "JAD"),
    ("okawa", "大川配送サービス", "Okawa Delivery Service"),
    ("plus-service", "プラスサービス", "Plus Service"),
    ("contracted", "ご契約の運送会社", "The carrier of your contract"),
    ("other", "その他", "Other"),
];

/// The carriers of `codes` (id and the provider's own code), with their names.
pub fn supported(codes: &[(&str, &str)]) -> Vec<Carrier> {
    CARRIERS
        .iter()
        .filter(|(id, ..)| codes.iter().any(|(supported, _)| supported == id))
        .map(|(id, ja, en)| Carrier {
            id: (*id).to_owned(),
            name: Label { ja: (*ja).to_owned(), en: (*en).to_owned() },
        })
        .collect()
}

/// The provider's own code of the carrier `id`; nothing for one that `codes` do not hold.
pub fn code<'a>(codes: &[(&str, &'a str)], id: &str) -> Option<&'a str> {
    codes.iter().find(|(carrier, _)| *carrier == id).map(|(_, code)| *code)
}

/// The names of `supported`, for the words of a refusal.
pub fn names(supported: &[Carrier]) -> String {
    supported.iter().map(|carrier| carrier.name.ja.as_str()).collect::<Vec<_>>().join("、")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_are_those_of_the_contract() {
        let contract = include_str!("../wit/provider.wit");
        for (id, ja, _) in CARRIERS {
            assert!(contract.contains(&format!("  /// `{id}` {ja}\n")), "{id} {ja}");
        }
        let named = contract.lines().filter(|line| line.starts_with("  /// `") && line.ends_with(|c| c as u32 > 0x7f));
        assert_eq!(named.count(), CARRIERS.len() - 1, "JAD ends in a letter of its own");
    }
}
