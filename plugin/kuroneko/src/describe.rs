//! What the plugin is and needs, as data: settings, carriers, limits.

use provider_sdk::carriers::{self, CARRIERS};
use provider_sdk::contract::{BatchLimits, Capability, ProviderInfo, SettingField, SettingKind};
use provider_sdk::describe::{base_url, choice, label, optional, required};
use provider_sdk::failure::problem;
use provider_sdk::settings::Settings;
use provider_sdk::types::FieldProblem;

/// Setting: 加盟店コード.
pub const MERCHANT_CODE: &str = "merchant-code";
/// Setting: パスワード.
pub const PASSWORD: &str = "password";
/// Setting: カートコード, which names the calling system.
pub const CART_CODE: &str = "cart-code";
/// Setting: what becomes of another carrier's slip that is longer than the form takes.
pub const LONG_SLIP: &str = "long-slip";
/// Setting: what becomes of 同梱 for an order that goes to somebody else.
pub const ENCLOSED_GIFT: &str = "enclosed-gift";

/// The choice of [`LONG_SLIP`] and [`ENCLOSED_GIFT`] that refuses before sending.
pub const REFUSE: &str = "refuse";
/// The choice of [`LONG_SLIP`] that sends the order number in the slip's place.
pub const ORDER_NUMBER: &str = "order-number";
/// The choice of [`ENCLOSED_GIFT`] that sends the invoice by itself.
pub const SEPARATE: &str = "separate";

/// Setting: how many days after the order it ships, where an order does not say when.
pub const DAYS_TO_SHIP: &str = "days-to-ship";

/// Most a bill may be, in yen.
pub const MAX_BILL: i64 = 999_999;
/// The planned shipping date lies at most so many days from the request.
pub const MAX_DAYS_TO_SHIP: u16 = 90;

const PRODUCTION: &str = "https://atobarai.kuronekoyamato.co.jp/kuroneko-atobarai-api/";
/// Origin of [`PRODUCTION`].
const ORIGIN: &str = "https://atobarai.kuronekoyamato.co.jp";
/// Digits of a 加盟店コード.
const MERCHANT_CODE_DIGITS: u32 = 11;
/// Letters and digits of a password.
const MAX_PASSWORD: u32 = 8;
/// No length is known; the bound only keeps out what cannot be a code.
const MAX_CART_CODE: u32 = 30;
/// What a shop with goods in stock needs, a weekend aside.
const USUAL_DAYS_TO_SHIP: &str = "3";
/// Characters of a number of days up to [`MAX_DAYS_TO_SHIP`].
const DAYS_DIGITS: u32 = 2;

/// The provider as the platform sees it.
pub fn provider() -> ProviderInfo {
    ProviderInfo {
        id: "kuroneko".to_owned(),
        name: label("クロネコ代金後払い", "Kuroneko Atobarai"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: settings(),
        // Carriers have no code: any may ship.
        carriers: carriers::supported(&CARRIERS.map(|(id, ..)| (id, ""))),
        batch_limits: BatchLimits { credit: 1, check_credit: 1, cancel: 1, sync_tracking: 1 },
        capabilities: Capability::FIND_BY_REFERENCE
            | Capability::UNIQUE_REFERENCE
            | Capability::ENCLOSED_INVOICE
            | Capability::TEST_CONNECTION
            | Capability::REPORTS_CANCEL
            | Capability::REPORTS_TRACKING,
        origins: vec![ORIGIN.to_owned()],
        max_billed_amount: Some(MAX_BILL),
    }
}

/// What the description cannot express: the exact length of the 加盟店コード, the characters of the
/// password, and the range of the days.
pub fn check(settings: &Settings) -> Vec<FieldProblem> {
    let merchant = settings.get(MERCHANT_CODE);
    let too_short = !merchant.is_empty() && merchant.chars().count() < MERCHANT_CODE_DIGITS as usize;
    let odd_password = !settings.get(PASSWORD).bytes().all(|b| b.is_ascii_alphanumeric());
    let too_late = settings.get(DAYS_TO_SHIP).parse().is_ok_and(|days: u16| days > MAX_DAYS_TO_SHIP);
    [
        (too_short, MERCHANT_CODE, "merchant-code", format!("加盟店コードは半角数字{MERCHANT_CODE_DIGITS}桁です")),
        (odd_password, PASSWORD, "password", "パスワードは半角英数字です".to_owned()),
        (too_late, DAYS_TO_SHIP, "out-of-range", format!("出荷までの日数は0から{MAX_DAYS_TO_SHIP}までです")),
    ]
    .into_iter()
    .filter(|(wrong, ..)| *wrong)
    .map(|(_, key, code, words)| problem(key, code, words))
    .collect()
}

/// How many days after an order it ships, where it does not say when.
pub fn days_to_ship(settings: &Settings) -> u16 {
    settings.get(DAYS_TO_SHIP).parse().unwrap_or_default()
}

fn settings() -> Vec<SettingField> {
    let days = optional(
        DAYS_TO_SHIP,
        label("出荷までの日数", "Days until shipping"),
        label(
            "出荷予定日のない注文は、注文日からこの日数の後に出荷する予定として送ります（0から90）。",
            "An order without a shipping date is sent as planned to ship so many days after it was made (0 to 90).",
        ),
        SettingKind::Digits,
        DAYS_DIGITS,
    );
    vec![
        base_url(
            Some(PRODUCTION),
            label(
                "通常は変更しません。テスト環境は https://atobarai-test.kuronekoyamato.co.jp/kuroneko-atobarai-api/ です。",
                "Leave as it is. The test host is https://atobarai-test.kuronekoyamato.co.jp/kuroneko-atobarai-api/.",
            ),
        ),
        required(
            MERCHANT_CODE,
            label("加盟店コード", "Merchant code (加盟店コード)"),
            label("契約時に通知される11桁の数字です。", "Eleven digits, sent when the contract began."),
            SettingKind::Digits,
            MERCHANT_CODE_DIGITS,
        ),
        required(
            PASSWORD,
            label("パスワード", "Password (パスワード)"),
            label(
                "API接続用のパスワード（半角英数字8文字以内）です。加盟店コードとともに通知されます。",
                "The password for API use, at most eight letters and digits, sent with the merchant code.",
            ),
            SettingKind::Secret,
            MAX_PASSWORD,
        ),
        optional(
            CART_CODE,
            label("カートコード", "Cart code (カートコード)"),
            label(
                "接続するシステムの名前です。指定された場合に入力します。空欄なら送りません。",
                "The name of the connecting system, if you were given one. Not sent if empty.",
            ),
            SettingKind::Text,
            MAX_CART_CODE,
        ),
        SettingField { default: Some(USUAL_DAYS_TO_SHIP.to_owned()), ..days },
        choice(
            LONG_SLIP,
            label("12文字を超える伝票番号（他社便）", "Other carriers' numbers above 12 characters"),
            label(
                "ヤマト運輸以外の、12文字を超える伝票番号をどうするかです。「注文番号を送る」にすると、伝票番号の代わりに注文番号を送ります（注文番号が12文字以内のとき）。",
                "What becomes of another carrier's tracking number of more than 12 characters. The order number can go out in its place, if that has at most 12.",
            ),
            &[
                (REFUSE, label("送信前にエラーにする", "Refuse before sending")),
                (ORDER_NUMBER, label("注文番号を送る", "Send the order number")),
            ],
            REFUSE,
        ),
        choice(
            ENCLOSED_GIFT,
            label("配送先が異なる注文の同梱", "Enclosed invoice of a gift"),
            label(
                "配送先が購入者と異なる注文では、請求書を同梱できません。「別送にする」にすると、自動で別送に切り替えます。",
                "An invoice cannot be enclosed in goods that go to somebody else. It can be sent by itself instead.",
            ),
            &[
                (REFUSE, label("送信前にエラーにする", "Refuse before sending")),
                (SEPARATE, label("別送にする", "Send it separately")),
            ],
            REFUSE,
        ),
    ]
}
