//! What the plugin is and needs, as data: settings, carriers, limits.

use provider_sdk::carriers;
use provider_sdk::contract::{BatchLimits, Capability, ProviderInfo, SettingField, SettingKind};
use provider_sdk::describe::{base_url, choice, label, optional, required};
use provider_sdk::failure::problem;
use provider_sdk::fold;
use provider_sdk::settings::Settings;
use provider_sdk::types::FieldProblem;

/// Setting: 加盟店コード, the user of HTTP Basic authentication.
pub const MERCHANT_CODE: &str = "merchant-code";
/// Setting: SPコード, its password.
pub const SP_CODE: &str = "sp-code";
/// Setting: 端末ID, which names the calling system.
pub const TERMINAL_ID: &str = "terminal-id";
/// Setting: the shop's name on the invoice.
pub const SITE_NAME: &str = "site-name";
/// Setting: the shop's address on the web.
pub const SITE_URL: &str = "site-url";
/// Setting: whether the merchant's contract asks for the buyer's e-mail address.
pub const EMAIL_REQUIRED: &str = "email-required";

/// The choice of a setting that is switched on.
pub const ON: &str = "on";
/// The choice of a setting that is switched off.
pub const OFF: &str = "off";

/// Most transactions of one request (*assumed*).
pub const MAX_ROWS: usize = 1000;

const PRODUCTION: &str = "https://cp.np-payment-gateway.com/v1";
/// Origin of [`PRODUCTION`].
const ORIGIN: &str = "https://cp.np-payment-gateway.com";
/// The codes have no known length; those seen have at most ten characters. The bound only keeps out
/// what cannot be one.
const MAX_CODE: u32 = 30;
const MAX_SITE_NAME: u32 = 50;
const MAX_SITE_URL: u32 = 100;

/// The carrier of mail that has no slip number.
pub const WITHOUT_SLIP: &str = "contracted";

/// Carrier id and `pd_company_code`. 日本郵便 has none: what it carries is told apart.
const CARRIER_CODES: [(&str, &str); 18] = [
    ("sagawa", "50000"),
    ("yamato", "59010"),
    ("yu-pack", "59041"),
    ("registered-mail", "59040"),
    ("ecohai", "59150"),
    ("seino", "59030"),
    ("seino-super-express", "59050"),
    ("fukuyama", "59060"),
    ("nippon-express", "59020"),
    ("niigata", "59080"),
    ("meitetsu", "59090"),
    ("shinshu-meitetsu", "59110"),
    ("toll", "59140"),
    ("tonami", "59100"),
    ("yu-packet", "59043"),
    ("morning-10-mail", "59042"),
    ("jad", "59160"),
    (WITHOUT_SLIP, "55555"),
];

/// The provider as the platform sees it.
pub fn provider() -> ProviderInfo {
    let rows = MAX_ROWS as u32;
    ProviderInfo {
        id: "np".to_owned(),
        name: label("NP後払い", "NP Atobarai"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: settings(),
        carriers: carriers::supported(&CARRIER_CODES),
        batch_limits: BatchLimits { credit: rows, check_credit: rows, cancel: rows, sync_tracking: rows },
        // Not find-by-reference: the gateway cannot be asked by our own reference. Not
        // unique-reference: it only warns of a repeat.
        capabilities: Capability::ENCLOSED_INVOICE | Capability::TEST_CONNECTION,
        origins: vec![ORIGIN.to_owned()],
        // 55,000 yen is a consumer's limit over all open purchases (assumed), the provider's to enforce.
        max_billed_amount: None,
    }
}

/// What the description cannot express: HTTP Basic ends the user at the first colon, and the shop's name
/// is in letters that the gateway knows.
pub fn check(settings: &Settings) -> Vec<FieldProblem> {
    let colon = settings.get(MERCHANT_CODE).contains(':');
    let odd = !fold::line(settings.get(SITE_NAME)).chars().all(fold::is_known);
    [
        (colon, MERCHANT_CODE, "merchant-code", "加盟店コードにコロン（:）は使えません"),
        (odd, SITE_NAME, "characters", "サイト名に、NPで使えない文字があります"),
    ]
    .into_iter()
    .filter(|(wrong, ..)| *wrong)
    .map(|(_, key, code, words)| problem(key, code, words))
    .collect()
}

/// The `pd_company_code` of `carrier`; nothing for a carrier that the gateway does not know.
pub fn carrier_code(carrier: &str) -> Option<&'static str> {
    CARRIER_CODES.iter().find(|(id, _)| *id == carrier).map(|(_, code)| *code)
}

fn settings() -> Vec<SettingField> {
    vec![
        base_url(
            Some(PRODUCTION),
            label(
                "通常は変更しません。テスト環境は https://ctcp.np-payment-gateway.com/v1 です。",
                "Leave as it is. The test host is https://ctcp.np-payment-gateway.com/v1.",
            ),
        ),
        required(
            MERCHANT_CODE,
            label("加盟店コード", "Merchant code (加盟店コード)"),
            label("契約時にNPから通知されるコードです。", "The code that NP sent when the contract began."),
            SettingKind::Text,
            MAX_CODE,
        ),
        required(
            SP_CODE,
            label("SPコード", "SP code (SPコード)"),
            label("加盟店コードとともにNPから通知されるコードです。", "The code that NP sent with the merchant code."),
            SettingKind::Secret,
            MAX_CODE,
        ),
        required(
            TERMINAL_ID,
            label("端末ID", "Terminal ID (端末ID)"),
            label(
                "接続するシステムを表す数字です。API接続の申し込み後にNPから通知されます。",
                "The number of the connecting system, sent by NP after you apply for API use.",
            ),
            SettingKind::Digits,
            MAX_CODE,
        ),
        optional(
            SITE_NAME,
            label("サイト名", "Site name"),
            label("NPへ知らせる店舗名です。空欄なら送りません。", "The shop's name for NP. Not sent if empty."),
            SettingKind::Text,
            MAX_SITE_NAME,
        ),
        optional(
            SITE_URL,
            label("サイトURL", "Site URL"),
            label("NPへ知らせる店舗のURLです。空欄なら送りません。", "The shop's URL for NP. Not sent if empty."),
            SettingKind::Url,
            MAX_SITE_URL,
        ),
        choice(
            EMAIL_REQUIRED,
            label("購入者のメールアドレス", "Buyer's e-mail address"),
            label(
                "契約でメールアドレスの送信が必須の場合に「必須」にします。ない注文は送信前にエラーになります。",
                "Set to required if your contract asks for it; an order without one is then refused before sending.",
            ),
            &[(OFF, label("任意", "Optional")), (ON, label("必須", "Required"))],
            OFF,
        ),
    ]
}
