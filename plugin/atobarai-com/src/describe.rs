//! What the plugin is and needs, as data: settings, carriers, limits.

use provider_sdk::carriers;
use provider_sdk::contract::{BatchLimits, Capability, Label, ProviderInfo, SettingField, SettingKind};
use provider_sdk::failure::problem;
use provider_sdk::settings::Settings;
use provider_sdk::types::FieldProblem;

/// Setting: where the gateway is.
pub const BASE_URL: &str = "base-url";
/// Setting: 事業者ID.
pub const ENTERPRISE_ID: &str = "enterprise-id";
/// Setting: サイトID.
pub const SITE_ID: &str = "site-id";
/// Setting: APIユーザID.
pub const API_USER_ID: &str = "api-user-id";
/// Setting: whether the detail call, which is *assumed*, may be used to ask by our own reference.
pub const ASK_BY_REFERENCE: &str = "ask-by-reference";
/// Setting: whether orders are registered as test orders, and with which verdict.
pub const TEST_ORDER: &str = "test-order";

/// The choice of a setting that is switched on.
pub const ON: &str = "on";
/// The choice of a setting that is switched off.
pub const OFF: &str = "off";

/// Most ids of one status, cancel or detail request (*assumed*); the gateway drops the rest in silence.
pub const MAX_IDS: usize = 100;

const PRODUCTION: &str = "https://www.atobarai.jp";
/// 事業者ID has four or five digits.
const ENTERPRISE_ID_DIGITS: std::ops::RangeInclusive<usize> = 4..=5;
/// The other ids and the carrier codes have no known length; those seen have at most five digits.
/// The bound only keeps out what cannot be one.
const MAX_DIGITS: u32 = 10;
/// Longest URL that a form need take; the known hosts and prefixes have less than fifty characters.
const MAX_URL: u32 = 200;

/// Carrier id and `DelivId`, as most merchants have them: 佐川急便 and ヤマト運輸 are sure, the others
/// *assumed*. The gateway numbers carriers for each merchant, so each is the default of a setting.
const CARRIER_CODES: [(&str, &str); 15] = [
    ("sagawa", "2"),
    ("yamato", "1"),
    ("japan-post", "112"),
    ("yu-pack", "4"),
    ("registered-mail", "18"),
    ("ecohai", "12"),
    ("seino", "5"),
    ("seino-super-express", "59"),
    ("fukuyama", "6"),
    ("nippon-express", "3"),
    ("niigata", "8"),
    ("meitetsu", "7"),
    ("shinshu-meitetsu", "53"),
    ("toll", "11"),
    ("tonami", "9"),
];

/// Choice of [`TEST_ORDER`], `O_TestCreditResult` (the third is *assumed*), Japanese, English.
const TEST_RESULTS: [(&str, &str, &str, &str); 3] = [
    ("ok", "0", "テスト注文（与信OK）", "Test orders, approved"),
    ("ng", "1", "テスト注文（与信NG）", "Test orders, rejected"),
    ("review", "2", "テスト注文（審査中のまま）", "Test orders, kept under review"),
];

/// The provider as the platform sees it.
pub fn provider() -> ProviderInfo {
    ProviderInfo {
        id: "atobarai-com".to_owned(),
        name: label("後払い.com", "Atobarai.com"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: settings(),
        carriers: carriers::supported(&CARRIER_CODES),
        batch_limits: BatchLimits { credit: 1, check_credit: MAX_IDS as u32, cancel: MAX_IDS as u32, sync_tracking: 1 },
        // `describe` is not given the settings: with `ask-by-reference` off, asking by reference
        // alone answers *unsupported*.
        // The last by the detail call (assumed).
        capabilities: Capability::FIND_BY_REFERENCE
            | Capability::ENCLOSED_INVOICE
            | Capability::TEST_CONNECTION
            | Capability::REPORTS_CANCEL
            | Capability::REPORTS_TRACKING,
        origins: vec![PRODUCTION.to_owned()],
        // Unknown for this provider, and its own to enforce.
        max_billed_amount: None,
    }
}

/// What the description cannot express: 事業者ID has at least four digits, and the hidden id is digits.
pub fn check(settings: &Settings) -> Vec<FieldProblem> {
    let enterprise = settings.get(ENTERPRISE_ID);
    let too_short = !enterprise.is_empty() && enterprise.chars().count() < *ENTERPRISE_ID_DIGITS.start();
    let words = "事業者IDは4桁か5桁の半角数字です。先頭の0も含めて入力してください";
    let enterprise = too_short.then(|| problem(ENTERPRISE_ID, "enterprise-id", words));
    let not_digits = !settings.get(API_USER_ID).bytes().all(|b| b.is_ascii_digit());
    let api_user = not_digits.then(|| problem(API_USER_ID, "not-digits", "APIユーザIDは半角数字です"));
    enterprise.into_iter().chain(api_user).collect()
}

/// The shop's `DelivId` of `carrier`; nothing for a carrier that is not in the description.
pub fn carrier_code<'a>(settings: &'a Settings, carrier: &str) -> Option<&'a str> {
    let (id, _) = CARRIER_CODES.iter().find(|(id, _)| *id == carrier)?;
    settings.find(&carrier_key(id))
}

/// `O_TestCreditResult`, if the shop registers test orders.
pub fn test_result(settings: &Settings) -> Option<&'static str> {
    let chosen = settings.get(TEST_ORDER);
    TEST_RESULTS.iter().find(|(choice, ..)| *choice == chosen).map(|(_, result, ..)| *result)
}

/// Whether a registration may be looked up by our own reference.
pub fn asks_by_reference(settings: &Settings) -> bool {
    settings.get(ASK_BY_REFERENCE) == ON
}

fn carrier_key(id: &str) -> String {
    format!("carrier-{id}")
}

fn label(ja: impl Into<String>, en: impl Into<String>) -> Label {
    Label { ja: ja.into(), en: en.into() }
}

fn settings() -> Vec<SettingField> {
    let own = [
        SettingField {
            key: BASE_URL.to_owned(),
            label: label("接続先URL", "Gateway URL"),
            help: label(
                "通常は変更しません。提携ブランドの加盟店は、案内されたURLをパスまで入力します。\
                 テスト環境（https://www1.atobarai-dev.jp）は停止している場合があります。",
                "Leave as it is. Shops on a partner brand enter the URL they were given, with its path. \
                 The test host (https://www1.atobarai-dev.jp) may no longer be live.",
            ),
            kind: SettingKind::Url,
            required: true,
            default: Some(PRODUCTION.to_owned()),
            max_length: Some(MAX_URL),
        },
        id_field(
            ENTERPRISE_ID,
            label("事業者ID", "Enterprise ID (事業者ID)"),
            label(
                "4桁か5桁の数字です。後払い.comの加盟店管理画面か、契約時の案内にあります。",
                "Four or five digits, in 後払い.com's merchant console or your contract papers.",
            ),
            SettingKind::Digits,
            *ENTERPRISE_ID_DIGITS.end() as u32,
        ),
        id_field(
            SITE_ID,
            label("サイトID", "Site ID (サイトID)"),
            label(
                "モールや店舗ごとに発行される数字です。後払い.comの加盟店管理画面のサイト情報にあります。",
                "A number for each mall or site, in the site details of 後払い.com's merchant console.",
            ),
            SettingKind::Digits,
            MAX_DIGITS,
        ),
        id_field(
            API_USER_ID,
            label("APIユーザID", "API user ID (APIユーザID)"),
            label(
                "API利用の申し込み後に後払い.comから通知される数字です。接続元IPアドレスの登録も必要です。",
                "A number that 後払い.com sends after you apply for API use. \
                 The platform's source address must be registered there too.",
            ),
            // The three ids are all the authentication there is, so one of them is kept hidden.
            SettingKind::Secret,
            MAX_DIGITS,
        ),
        choice_field(
            ASK_BY_REFERENCE,
            label("注文番号での照会", "Look up by order reference"),
            label(
                "回答を受け取れなかった注文を、任意注文番号で後払い.comに照会します。\
                 注文状況取得APIを契約していない場合は「しない」にします。",
                "Looks up orders whose answer was lost by their reference. \
                 Switch it off if your contract has no order detail API.",
            ),
            vec![(ON, label("する", "On")), (OFF, label("しない", "Off"))],
            ON,
        ),
        choice_field(
            TEST_ORDER,
            label("テスト注文", "Test orders"),
            label(
                "接続確認のときだけ使います。テスト注文では代金が保証されません。",
                "Only for trying the connection: the provider guarantees no payment for test orders.",
            ),
            [(OFF, label("使わない（本番）", "Off (live)"))]
                .into_iter()
                .chain(TEST_RESULTS.map(|(choice, _, ja, en)| (choice, label(ja, en))))
                .collect(),
            OFF,
        ),
    ];
    own.into_iter().chain(CARRIER_CODES.iter().map(|(id, code)| carrier_field(id, code))).collect()
}

fn id_field(key: &str, label: Label, help: Label, kind: SettingKind, digits: u32) -> SettingField {
    SettingField { key: key.to_owned(), label, help, kind, required: true, default: None, max_length: Some(digits) }
}

fn choice_field(key: &str, label: Label, help: Label, options: Vec<(&str, Label)>, default: &str) -> SettingField {
    SettingField {
        key: key.to_owned(),
        label,
        help,
        kind: SettingKind::Choice(options.into_iter().map(|(id, label)| (id.to_owned(), label)).collect()),
        required: true,
        default: Some(default.to_owned()),
        max_length: None,
    }
}

fn carrier_field(id: &str, code: &str) -> SettingField {
    let (_, ja, en) = carriers::CARRIERS.iter().find(|(known, ..)| *known == id).copied().unwrap_or((id, id, id));
    SettingField {
        key: carrier_key(id),
        label: label(format!("配送会社コード（{ja}）"), format!("Carrier code ({en})")),
        help: label(
            format!("空欄なら{code}です。加盟店管理画面の配送会社一覧で番号が違う場合に入力します。"),
            format!("{code} if empty. Enter your own if the carrier list of the merchant console says otherwise."),
        ),
        kind: SettingKind::Digits,
        required: false,
        default: Some(code.to_owned()),
        max_length: Some(MAX_DIGITS),
    }
}
