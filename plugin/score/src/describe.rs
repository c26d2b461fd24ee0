//! What the plugin is and needs, as data: settings, carriers, limits.

use provider_sdk::carriers;
use provider_sdk::contract::{BatchLimits, Capability, ProviderInfo, SettingField, SettingKind};
use provider_sdk::describe::{base_url, label, required};

/// What the provider is called.
pub const NAME: &str = "ニッセン@払い（スコア@払い）";

/// Setting: 加盟店コード.
pub const SHOP_CODE: &str = "shop-code";
/// Setting: 加盟店パスワード.
pub const SHOP_PASSWORD: &str = "shop-password";
/// Setting: 端末ID.
pub const TERMINAL_ID: &str = "terminal-id";

const MAX_SHOP_CODE: u32 = 9;
/// Neither has a known length. The bound only keeps out what cannot be one.
const MAX_CREDENTIAL: u32 = 50;

/// Carrier id and `pdcompanycode`. 日本郵便 has none: what it carries is ゆうパック or 郵便書留.
/// 28 and 99 are *assumed*.
pub const CARRIER_CODES: [(&str, &str); 16] = [
    ("sagawa", "11"),
    ("yamato", "12"),
    ("yu-pack", "16"),
    ("registered-mail", "15"),
    ("ecohai", "27"),
    ("seino", "14"),
    ("seino-super-express", "17"),
    ("fukuyama", "18"),
    ("nippon-express", "13"),
    ("niigata", "20"),
    ("meitetsu", "21"),
    ("shinshu-meitetsu", "23"),
    ("toll", "26"),
    ("tonami", "29"),
    ("morning-10-mail", "28"),
    ("other", "99"),
];

/// The provider as the platform sees it.
pub fn provider() -> ProviderInfo {
    ProviderInfo {
        id: "score".to_owned(),
        name: label(NAME, "Nissen @barai (SCORE @barai)"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: settings(),
        carriers: carriers::supported(&CARRIER_CODES),
        batch_limits: BatchLimits { credit: 1, check_credit: 1, cancel: 1, sync_tracking: 1 },
        capabilities: Capability::ENCLOSED_INVOICE,
        // No host of today is publicly known: the platform permits the one that the shop was given.
        origins: Vec::new(),
        // Unknown for this provider, and its own to enforce.
        max_billed_amount: None,
    }
}

fn settings() -> Vec<SettingField> {
    vec![
        base_url(
            None,
            label(
                "加盟店向けのAPI仕様書にあるURLを、パス（direct/…）の前まで入力します。\
                 現在の接続先は公開されていないため、初期値はありません。",
                "The URL in the API specification for merchants, up to the path (direct/…). \
                 Today's host is not public, so there is no default.",
            ),
        ),
        required(
            SHOP_CODE,
            label("加盟店コード", "Shop code (加盟店コード)"),
            label(
                "9文字以内です。契約時にスコアから届く案内にあります。",
                "At most nine characters, in the papers that SCORE sends with the contract.",
            ),
            SettingKind::Text,
            MAX_SHOP_CODE,
        ),
        required(
            SHOP_PASSWORD,
            label("加盟店パスワード", "Shop password (加盟店パスワード)"),
            label(
                "加盟店コードと一緒に届く案内にあるAPI用のパスワードです。管理画面のログインパスワードとは限りません。",
                "The API password that comes with the shop code. It may differ from that of the merchant console.",
            ),
            SettingKind::Secret,
            MAX_CREDENTIAL,
        ),
        required(
            TERMINAL_ID,
            label("端末ID", "Terminal ID (端末ID)"),
            label(
                "加盟店コードと一緒に届く案内にあるterminalIdの値です。",
                "The value of terminalId, which comes with the shop code.",
            ),
            SettingKind::Text,
            MAX_CREDENTIAL,
        ),
    ]
}
