//! The gateway's calls, and their error codes (`<call><number>E`) as data.
//!
//! The gateway sends codes without words, so the words here are the plugin's. A code that is not
//! listed leaves the outcome unknown.

use Meaning::*;
use provider_sdk::failure::{problem, reason};
use provider_sdk::types::Failure;

/// What a code says. But for the last, all of them say that nothing was done.
#[derive(Clone, Copy)]
enum Meaning {
    /// What was sent is wrong, in this field of the contract where that is known.
    Input(&'static str),
    /// 加盟店コード or password.
    NotAllowed,
    /// The order number is registered.
    Already,
    /// The state of the order does not allow it.
    State,
    /// It may have been done, now or before.
    Unknown,
}

/// Status: no such order.
pub const STATUS_NOT_FOUND: &str = "kaast008E";
/// Result: no live order with that number.
pub const RESULT_NOT_FOUND: &str = "kaars008E";

/// 決済依頼, with 与信.
pub const REGISTER: &str = "kaara";
/// 決済結果照会.
pub const RESULT: &str = "kaars";
/// 取引状況照会.
pub const STATUS: &str = "kaast";
/// 出荷情報.
pub const SHIP: &str = "kaasl";
/// 決済取消.
pub const CANCEL: &str = "kaacl";
/// A failure inside the gateway, which any call can meet.
const ANY: &str = "err";

/// First and last number of a row of codes, as in `kaara002E`.
type Numbers = (u16, u16);

/// Call, numbers, meaning, words.
const CODES: [(&str, Numbers, Meaning, &str); 60] = [
    (REGISTER, (2, 4), NotAllowed, "加盟店コードが正しくありません"),
    (REGISTER, (6, 6), Input("reference"), "注文番号がありません"),
    (REGISTER, (7, 7), Input("reference"), "注文番号に使えない文字があります"),
    (REGISTER, (8, 8), Input("reference"), "注文番号が20文字を超えています"),
    (REGISTER, (9, 9), Already, "同じ注文番号の登録がすでにあります。先に送ったものが届いています。照会してください"),
    (REGISTER, (10, 13), Input("ordered-on"), "注文日が正しくありません"),
    (REGISTER, (14, 17), Input("ships-on"), "出荷予定日が正しくありません"),
    (REGISTER, (18, 18), Input("ships-on"), "出荷予定日が90日の範囲にありません"),
    (REGISTER, (19, 19), Input("buyer.name"), "購入者の氏名がありません"),
    (REGISTER, (20, 20), Input("buyer.name"), "購入者の氏名が全角ではありません"),
    (REGISTER, (21, 21), Input("buyer.name"), "購入者の氏名が30文字を超えています"),
    (REGISTER, (22, 22), Input("buyer.name"), "購入者の氏名に使えない文字があります"),
    (REGISTER, (23, 24), Input("buyer.name-kana"), "購入者の氏名カナが正しくありません"),
    (REGISTER, (25, 28), Input("buyer.address.postal-code"), "購入者の郵便番号の形式が違います"),
    (REGISTER, (105, 105), Input("buyer.address.postal-code"), "購入者の郵便番号の形式が違います"),
    (REGISTER, (29, 29), Input("buyer.address.postal-code"), "購入者の郵便番号は存在しません"),
    (REGISTER, (30, 30), Input("buyer.address"), "購入者の住所がありません"),
    (REGISTER, (31, 31), Input("buyer.address"), "購入者の住所が全角ではありません"),
    (REGISTER, (32, 32), Input("buyer.address"), "購入者の住所が25文字を超えています"),
    (REGISTER, (33, 33), Input("buyer.address"), "購入者の住所に使えない文字があります"),
    (REGISTER, (34, 34), Input("buyer.address.prefecture"), "購入者の住所に都道府県がありません"),
    (REGISTER, (35, 37), Input("buyer.address"), "購入者の住所2が正しくありません"),
    (REGISTER, (38, 40), Input("buyer.phone"), "購入者の電話番号が正しくありません"),
    (REGISTER, (93, 93), Input("buyer.phone"), "購入者の電話番号が正しくありません"),
    (REGISTER, (43, 45), Input("buyer.email"), "購入者のメールアドレスが正しくありません"),
    (REGISTER, (46, 49), Input("billed-amount"), "請求金額合計が正しくありません"),
    (REGISTER, (50, 53), Input("invoice"), "請求書の送り方が正しくありません"),
    (REGISTER, (54, 57), Input("items"), "明細の品名が正しくありません"),
    (REGISTER, (58, 59), Input("items"), "明細の数量が正しくありません"),
    (REGISTER, (60, 62), Input("items"), "明細の単価が正しくありません"),
    (REGISTER, (63, 65), Input("items"), "明細の小計が正しくありません"),
    (REGISTER, (66, 84), Input("recipient"), "配送先が正しくありません"),
    (REGISTER, (94, 94), Input("recipient"), "配送先が正しくありません"),
    (REGISTER, (106, 106), Input("recipient"), "配送先が正しくありません"),
    (REGISTER, (86, 89), Input(""), "依頼日時が正しくありません"),
    (REGISTER, (90, 91), NotAllowed, "パスワードが正しくありません"),
    (REGISTER, (92, 92), NotAllowed, "加盟店コードとパスワードが一致しません"),
    (REGISTER, (100, 100), Input("ships-on"), "出荷予定日が注文日より前です"),
    (REGISTER, (101, 101), Input("billed-amount"), "請求金額合計が明細の合計と一致しません"),
    (REGISTER, (102, 102), Input("recipient"), "配送先がありません"),
    (REGISTER, (103, 104), Input("buyer.address.street"), "住所に番地がありません"),
    (RESULT, (8, 8), State, "この注文番号の有効な取引はありません"),
    (RESULT, (12, 12), NotAllowed, "加盟店コードとパスワードが一致しません"),
    (STATUS, (8, 8), State, "この注文番号の取引はありません"),
    (CANCEL, (8, 8), State, "この注文番号の取引はありません"),
    (CANCEL, (9, 9), State, "取消のできない状態の取引です"),
    (CANCEL, (13, 13), NotAllowed, "加盟店コードとパスワードが一致しません"),
    (CANCEL, (15, 15), State, "入金済みの取引です"),
    (SHIP, (8, 8), State, "この注文番号の取引はありません"),
    (SHIP, (10, 12), Input("tracking-number"), "伝票番号の形式が違います"),
    (SHIP, (13, 13), Input("tracking-number"), "取り下げでは伝票番号を送れません"),
    (SHIP, (14, 14), Input("tracking-number"), "伝票番号のチェックデジットが合いません"),
    (SHIP, (15, 15), Input("tracking-number"), "この伝票番号は使えません"),
    (SHIP, (20, 20), State, "伝票番号を登録できない状態の取引です"),
    (SHIP, (22, 22), State, "伝票番号を登録できない状態の取引です"),
    (SHIP, (27, 27), Input("shipped-on"), "出荷予定日が注文日より前です"),
    (SHIP, (36, 36), NotAllowed, "加盟店コードとパスワードが一致しません"),
    (SHIP, (42, 42), Input("shipped-on"), "出荷予定日が90日の範囲にありません"),
    (SHIP, (45, 45), Input("tracking-number"), "同じ伝票番号は3件の取引までです"),
    (ANY, (1, 3), Unknown, "ヤマト側の内部エラーです。記録されたかどうかはわかりません"),
];

/// What `code` means as the answer to `call`. A code of another call is as unknown as any.
pub fn failure(call: &str, code: &str) -> Failure {
    let (meaning, words) = meaning(call, code);
    let words = reason(Some(code.to_owned()).filter(|code| !code.is_empty()), words);
    match meaning {
        Input(field) => Failure::Invalid(vec![problem(field, code, words.message)]),
        NotAllowed => Failure::Unauthorized(words),
        Already => Failure::Already(words),
        State => Failure::Refused(words),
        Unknown => Failure::OutcomeUnknown(words),
    }
}

fn meaning(call: &str, code: &str) -> (Meaning, &'static str) {
    let own = CODES.iter().filter(|(of, ..)| *of == call || *of == ANY);
    let mut fits = own.filter(|(of, (first, last), ..)| (*first..=*last).any(|number| written(of, number) == code));
    fits.next().map_or((Unknown, "この版では意味のわからないエラーです"), |(.., meaning, words)| {
        (*meaning, *words)
    })
}

fn written(call: &str, number: u16) -> String {
    if call == ANY { format!("{call}{number:04}") } else { format!("{call}{number:03}E") }
}
