//! The fifteen carriers (配送業者) that order platforms offer, under ids that all plugins share.

use crate::contract::{Carrier, Label};

/// id, Japanese name, English name.
pub const CARRIERS: [(&str, &str, &str); 15] = [
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
