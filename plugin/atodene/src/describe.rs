//! What the plugin is and needs, as data: settings, carriers, limits.

use provider_sdk::carriers;
use provider_sdk::contract::{BatchLimits, Capability, ProviderInfo, SettingField, SettingKind};
use provider_sdk::describe::{base_url, label, required};
use provider_sdk::failure::problem;
use provider_sdk::settings::Settings;
use provider_sdk::text::count;
use provider_sdk::types::FieldProblem;

/// What the provider is called.
pub const NAME: &str = "アトディーネ";

/// Setting: 加盟店コード.
pub const SHOP_CODE: &str = "shop-code";
/// Setting: 接続ID.
pub const LINK_ID: &str = "link-id";
/// Setting: 接続パスワード.
pub const LINK_PASSWORD: &str = "link-password";

/// Most that may be billed, in yen.
pub const MAX_BILLED: i64 = 55_000;

const ORIGIN: &str = "https://www.manage.atodene.jp";
const PRODUCTION: &str = "https://www.manage.atodene.jp/api/";
/// The 接続ID of a client that is no packaged product (*assumed*).
const OWN_BUILD: &str = "original00";

const MAX_SHOP_CODE: u32 = 12;
/// 接続ID has no known length; those seen have ten characters. The bound only keeps out what cannot be one.
const MAX_LINK_ID: u32 = 30;
const MIN_LINK_PASSWORD: usize = 8;
const MAX_LINK_PASSWORD: u32 = 15;

/// Carrier id and `deliveryCompanyCode`. 日本郵便 has none: what it carries is ゆうパック or 郵便書留.
pub const CARRIER_CODES: [(&str, &str); 17] = [
    ("sagawa", "11"),
    ("yamato", "12"),
    ("yu-pack", "16"),
    ("registered-mail", "15"),
    ("ecohai", "27"),
    ("seino", "14"),
    ("seino-super-express", "30"),
    ("fukuyama", "18"),
    ("nippon-express", "13"),
    ("niigata", "20"),
    ("meitetsu", "21"),
    ("shinshu-meitetsu", "23"),
    ("toll", "26"),
    ("tonami", "29"),
    ("morning-10-mail", "28"),
    ("okawa", "31"),
    ("plus-service", "32"),
];

/// The provider as the platform sees it.
pub fn provider() -> ProviderInfo {
    ProviderInfo {
        id: "atodene".to_owned(),
        name: label(NAME, "Atodene"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: settings(),
        carriers: carriers::supported(&CARRIER_CODES),
        batch_limits: BatchLimits { credit: 1, check_credit: 1, cancel: 1, sync_tracking: 1 },
        capabilities: Capability::ENCLOSED_INVOICE | Capability::REPORTS_CANCEL,
        origins: vec![ORIGIN.to_owned()],
        max_billed_amount: Some(MAX_BILLED),
    }
}

/// What the description cannot express: the password has at least eight characters.
pub fn check(settings: &Settings) -> Vec<FieldProblem> {
    let length = count(settings.get(LINK_PASSWORD));
    let words = format!("接続パスワードは{MIN_LINK_PASSWORD}文字から{MAX_LINK_PASSWORD}文字までです");
    let too_short = (1..MIN_LINK_PASSWORD).contains(&length);
    too_short.then(|| problem(LINK_PASSWORD, "too-short", words)).into_iter().collect()
}

fn settings() -> Vec<SettingField> {
    let link_id = required(
        LINK_ID,
        label("接続ID", "Link ID (接続ID)"),
        label(
            "連携方式を表すIDです。通常は変更しません。JACCSから別の値を案内された場合だけ入力します。",
            "Says which kind of client connects. Leave as it is unless JACCS gave you another.",
        ),
        SettingKind::Text,
        MAX_LINK_ID,
    );
    vec![
        base_url(
            Some(PRODUCTION),
            label(
                "通常は変更しません。接続テストのときはテスト環境（https://devwb01.manage.atodene.jp/api/）を入力します。",
                "Leave as it is. For trying the connection, enter the test host (https://devwb01.manage.atodene.jp/api/).",
            ),
        ),
        required(
            SHOP_CODE,
            label("加盟店コード", "Shop code (加盟店コード)"),
            label(
                "12文字以内です。契約時にJACCSから届く案内にあります。",
                "At most twelve characters, in the papers that JACCS sends with the contract.",
            ),
            SettingKind::Text,
            MAX_SHOP_CODE,
        ),
        SettingField { default: Some(OWN_BUILD.to_owned()), ..link_id },
        required(
            LINK_PASSWORD,
            label("接続パスワード", "Link password (接続パスワード)"),
            label(
                "8文字から15文字です。加盟店コードと一緒に届く案内にあります。管理画面のログインパスワードではありません。",
                "Eight to fifteen characters, sent with the shop code. It is not the password of the merchant console.",
            ),
            SettingKind::Secret,
            MAX_LINK_PASSWORD,
        ),
    ]
}
