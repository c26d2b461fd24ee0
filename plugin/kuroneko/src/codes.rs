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

/// Call, number, meaning, words: the codes of the calls that this plugin makes. All but the last three say
/// that the call was refused and nothing done. 069 and 074 stand in a range of destination codes and have
/// no meaning of their own.
static CODES: [(&str, u16, Meaning, &str); 177] = [
    (REGISTER, 2, NotAllowed, "加盟店コードが11桁ではありません"),
    (REGISTER, 3, NotAllowed, "加盟店コードが数字ではありません"),
    (REGISTER, 4, NotAllowed, "加盟店コードがありません"),
    (REGISTER, 6, Input("reference"), "注文番号がありません"),
    (REGISTER, 7, Input("reference"), "注文番号に半角英数字以外の文字があります"),
    (REGISTER, 8, Input("reference"), "注文番号が20文字を超えています"),
    (REGISTER, 9, Already, "同じ注文番号の登録がすでにあります。先に送ったものが届いています。照会してください"),
    (REGISTER, 10, Input("ordered-on"), "注文日がありません"),
    (REGISTER, 11, Input("ordered-on"), "注文日が数字ではありません"),
    (REGISTER, 12, Input("ordered-on"), "注文日が8桁ではありません"),
    (REGISTER, 13, Input("ordered-on"), "注文日が暦にない日時です"),
    (REGISTER, 14, Input("ships-on"), "出荷予定日がありません"),
    (REGISTER, 15, Input("ships-on"), "出荷予定日が数字ではありません"),
    (REGISTER, 16, Input("ships-on"), "出荷予定日が8桁ではありません"),
    (REGISTER, 17, Input("ships-on"), "出荷予定日が暦にない日時です"),
    (REGISTER, 18, Input("ships-on"), "出荷予定日が依頼日の前後90日の範囲にありません"),
    (REGISTER, 19, Input("buyer.name"), "購入者の氏名がありません"),
    (REGISTER, 20, Input("buyer.name"), "購入者の氏名に全角ではない文字があります"),
    (REGISTER, 21, Input("buyer.name"), "購入者の氏名が30文字を超えています"),
    (REGISTER, 22, Input("buyer.name"), "購入者の氏名に使えない文字があります"),
    (REGISTER, 23, Input("buyer.name-kana"), "購入者の氏名カナが半角カナではありません"),
    (REGISTER, 24, Input("buyer.name-kana"), "購入者の氏名カナが80文字を超えています"),
    (REGISTER, 25, Input("buyer.address.postal-code"), "購入者の郵便番号がありません"),
    (REGISTER, 26, Input("buyer.address.postal-code"), "購入者の郵便番号に数字とハイフン以外の文字があります"),
    (REGISTER, 27, Input("buyer.address.postal-code"), "購入者の郵便番号のハイフンの数が違います"),
    (REGISTER, 28, Input("buyer.address.postal-code"), "購入者の郵便番号が7桁ではありません"),
    (REGISTER, 29, Input("buyer.address.postal-code"), "購入者の郵便番号は存在しません"),
    (REGISTER, 30, Input("buyer.address"), "購入者の住所1がありません"),
    (REGISTER, 31, Input("buyer.address"), "購入者の住所1に全角ではない文字があります"),
    (REGISTER, 32, Input("buyer.address"), "購入者の住所1が25文字を超えています"),
    (REGISTER, 33, Input("buyer.address"), "購入者の住所1に使えない文字があります"),
    (REGISTER, 34, Input("buyer.address.prefecture"), "購入者の住所1が都道府県名で始まっていません"),
    (REGISTER, 35, Input("buyer.address"), "購入者の住所2に全角ではない文字があります"),
    (REGISTER, 36, Input("buyer.address"), "購入者の住所2が25文字を超えています"),
    (REGISTER, 37, Input("buyer.address"), "購入者の住所2に使えない文字があります"),
    (REGISTER, 38, Input("buyer.phone"), "購入者の電話番号がありません"),
    (REGISTER, 39, Input("buyer.phone"), "購入者の電話番号に数字とハイフン以外の文字があります"),
    (REGISTER, 40, Input("buyer.phone"), "購入者の電話番号の桁数が違います（携帯電話は11桁、ほかは10桁）"),
    (REGISTER, 43, Input("buyer.email"), "購入者のメールアドレスに半角英数字以外の文字があります"),
    (REGISTER, 44, Input("buyer.email"), "購入者のメールアドレスが64文字を超えています"),
    (REGISTER, 45, Input("buyer.email"), "購入者のメールアドレスに@がありません"),
    (REGISTER, 95, Input(""), "フリー項目に使えない文字があります"),
    (REGISTER, 96, Input(""), "フリー項目が長すぎます（全角20文字、半角40文字まで）"),
    (REGISTER, 46, Input("billed-amount"), "請求金額合計がありません"),
    (REGISTER, 47, Input("billed-amount"), "請求金額合計が数字ではありません"),
    (REGISTER, 48, Input("billed-amount"), "請求金額合計が6桁を超えています"),
    (REGISTER, 49, Input("billed-amount"), "請求金額合計が1円から999999円までではありません"),
    (REGISTER, 50, Input("invoice"), "送付先区分がありません"),
    (REGISTER, 51, Input("invoice"), "送付先区分が数字ではありません"),
    (REGISTER, 52, Input("invoice"), "送付先区分が同梱ですが、加盟店の契約に同梱がありません"),
    (REGISTER, 53, Input("invoice"), "送付先区分が決められた値ではありません"),
    (REGISTER, 54, Input("items"), "明細の品名に全角ではない文字があります"),
    (REGISTER, 55, Input("items"), "明細の品名が30文字を超えています"),
    (REGISTER, 56, Input("items"), "明細の品名に使えない文字があります"),
    (REGISTER, 57, Input("items"), "明細の品名（1行目）がありません"),
    (REGISTER, 58, Input("items"), "明細の数量が数字ではありません"),
    (REGISTER, 59, Input("items"), "明細の数量が4桁を超えています"),
    (REGISTER, 60, Input("items"), "明細の単価に数字とマイナス以外の文字があります"),
    (REGISTER, 61, Input("items"), "明細の単価が999999円を超えています"),
    (REGISTER, 62, Input("items"), "明細の単価が-999999円を下回っています"),
    (REGISTER, 63, Input("items"), "明細の小計に数字とマイナス以外の文字があります"),
    (REGISTER, 64, Input("items"), "明細の小計が999999円を超えています"),
    (REGISTER, 65, Input("items"), "明細の小計が-999999円を下回っています"),
    (REGISTER, 66, Input("recipient.name"), "配送先の氏名に全角ではない文字があります"),
    (REGISTER, 67, Input("recipient.name"), "配送先の氏名が30文字を超えています"),
    (REGISTER, 68, Input("recipient.name"), "配送先の氏名に使えない文字があります"),
    (REGISTER, 69, Input("recipient"), "配送先が正しくありません"),
    (REGISTER, 70, Input("recipient.address.postal-code"), "配送先の郵便番号に数字とハイフン以外の文字があります"),
    (REGISTER, 71, Input("recipient.address.postal-code"), "配送先の郵便番号のハイフンの数が違います"),
    (REGISTER, 72, Input("recipient.address.postal-code"), "配送先の郵便番号が7桁ではありません"),
    (REGISTER, 73, Input("recipient.address.postal-code"), "配送先の郵便番号は存在しません"),
    (REGISTER, 74, Input("recipient"), "配送先が正しくありません"),
    (REGISTER, 75, Input("recipient.address"), "配送先の住所1に全角ではない文字があります"),
    (REGISTER, 76, Input("recipient.address"), "配送先の住所1が25文字を超えています"),
    (REGISTER, 77, Input("recipient.address"), "配送先の住所1に使えない文字があります"),
    (REGISTER, 78, Input("recipient.address.prefecture"), "配送先の住所1が都道府県名で始まっていません"),
    (REGISTER, 79, Input("recipient.address"), "配送先の住所2に全角ではない文字があります"),
    (REGISTER, 80, Input("recipient.address"), "配送先の住所2が25文字を超えています"),
    (REGISTER, 81, Input("recipient.address"), "配送先の住所2に使えない文字があります"),
    (REGISTER, 82, Input("recipient.phone"), "配送先の電話番号に数字とハイフン以外の文字があります"),
    (REGISTER, 83, Input("recipient.phone"), "配送先の電話番号のハイフンの数が違います"),
    (REGISTER, 84, Input("recipient.phone"), "配送先の電話番号の桁数が違います（携帯電話は11桁、ほかは10桁）"),
    (REGISTER, 86, Input(""), "依頼日時がありません"),
    (REGISTER, 87, Input(""), "依頼日時が数字ではありません"),
    (REGISTER, 88, Input(""), "依頼日時が14桁ではありません"),
    (REGISTER, 89, Input(""), "依頼日時が暦にない日時です"),
    (REGISTER, 90, NotAllowed, "パスワードがありません"),
    (REGISTER, 91, NotAllowed, "パスワードに半角英数字以外の文字があります"),
    (REGISTER, 92, NotAllowed, "パスワードが加盟店コードと一致しません"),
    (REGISTER, 93, Input("buyer.phone"), "購入者の電話番号が0で始まっていません"),
    (REGISTER, 94, Input("recipient.phone"), "配送先の電話番号が0で始まっていません"),
    (REGISTER, 100, Input("ships-on"), "出荷予定日が注文日より前です"),
    (REGISTER, 101, Input("billed-amount"), "請求金額合計が明細の合計と一致しません"),
    (
        REGISTER,
        102,
        Input("recipient"),
        "送付先区分が別の送り先ですが、配送先の氏名、郵便番号、住所のいずれかがありません",
    ),
    (REGISTER, 103, Input("buyer.address.street"), "購入者の住所に番地がありません"),
    (REGISTER, 104, Input("recipient.address.street"), "配送先の住所に番地がありません"),
    (REGISTER, 105, Input("buyer.address.postal-code"), "購入者の郵便番号のハイフンの位置が000-0000の形ではありません"),
    (
        REGISTER,
        106,
        Input("recipient.address.postal-code"),
        "配送先の郵便番号のハイフンの位置が000-0000の形ではありません",
    ),
    (RESULT, 1, Input(""), "要求全体の項目の並びか数が違います"),
    (RESULT, 2, NotAllowed, "加盟店コードが11桁ではありません"),
    (RESULT, 3, NotAllowed, "加盟店コードが数字ではありません"),
    (RESULT, 4, NotAllowed, "加盟店コードがありません"),
    (RESULT, 5, Input("reference"), "注文番号が20文字を超えています"),
    (RESULT, 6, Input("reference"), "注文番号が半角ではありません"),
    (RESULT, 7, Input("reference"), "注文番号がありません"),
    (RESULT, 8, State, "この注文番号の有効な取引はありません"),
    (RESULT, 9, Input(""), "依頼日時が暦にない日時です"),
    (RESULT, 10, Input(""), "依頼日時が数字ではありません"),
    (RESULT, 11, Input(""), "依頼日時がありません"),
    (RESULT, 12, NotAllowed, "パスワードが加盟店コードと一致しません"),
    (RESULT, 13, NotAllowed, "パスワードがありません"),
    (RESULT, 14, Input("reference"), "注文番号に半角英数字以外の文字があります"),
    (CANCEL, 1, Input(""), "要求全体の項目の並びか数が違います"),
    (CANCEL, 2, NotAllowed, "加盟店コードが11桁ではありません"),
    (CANCEL, 3, NotAllowed, "加盟店コードが数字ではありません"),
    (CANCEL, 4, NotAllowed, "加盟店コードがありません"),
    (CANCEL, 5, Input("registration.reference"), "注文番号が20文字を超えています"),
    (CANCEL, 6, Input("registration.reference"), "注文番号が半角ではありません"),
    (CANCEL, 7, Input("registration.reference"), "注文番号がありません"),
    (CANCEL, 8, State, "この注文番号の取引はありません"),
    (CANCEL, 9, State, "取消のできない状態の取引です"),
    (CANCEL, 10, Input(""), "依頼日時が暦にない日時です"),
    (CANCEL, 11, Input(""), "依頼日時が数字ではありません"),
    (CANCEL, 12, Input(""), "依頼日時がありません"),
    (CANCEL, 13, NotAllowed, "パスワードが加盟店コードと一致しません"),
    (CANCEL, 14, NotAllowed, "パスワードがありません"),
    (CANCEL, 15, State, "入金済みの取引です"),
    (CANCEL, 16, Input("registration.reference"), "注文番号に半角英数字以外の文字があります"),
    (CANCEL, 17, NotAllowed, "加盟店コードの加盟店では、この機能を使えません"),
    (SHIP, 1, Input(""), "要求全体の項目の並びか数が違います"),
    (SHIP, 2, NotAllowed, "加盟店コードが11桁ではありません"),
    (SHIP, 3, NotAllowed, "加盟店コードが数字ではありません"),
    (SHIP, 4, NotAllowed, "加盟店コードがありません"),
    (SHIP, 5, Input("registration.reference"), "注文番号が20文字を超えています"),
    (SHIP, 6, Input("registration.reference"), "注文番号が半角ではありません"),
    (SHIP, 7, Input("registration.reference"), "注文番号がありません"),
    (SHIP, 8, State, "この注文番号の取引はありません"),
    (SHIP, 10, Input("tracking-number"), "伝票番号が12文字を超えています"),
    (SHIP, 11, Input("tracking-number"), "伝票番号がありません"),
    (SHIP, 12, Input("tracking-number"), "伝票番号に半角英数字以外の文字があります"),
    (SHIP, 13, Input("tracking-number"), "取り下げでは伝票番号を送れません"),
    (SHIP, 14, Input("tracking-number"), "伝票番号のチェックデジットが合いません"),
    (SHIP, 15, Input("tracking-number"), "この伝票番号は使えません"),
    (SHIP, 19, Input("carrier"), "処理区分が決められた値ではありません"),
    (SHIP, 20, State, "伝票番号を登録できない状態の取引です"),
    (SHIP, 22, State, "伝票番号を変更できない状態の取引です"),
    (SHIP, 23, Input("shipped-on"), "出荷予定日が暦にない日です"),
    (SHIP, 27, Input("shipped-on"), "出荷予定日が注文日より前です"),
    (SHIP, 31, Input(""), "この処理区分では空にする項目に値があります"),
    (SHIP, 33, Input(""), "依頼日時が暦にない日時です"),
    (SHIP, 34, Input(""), "依頼日時が数字ではありません"),
    (SHIP, 35, Input(""), "依頼日時がありません"),
    (SHIP, 36, NotAllowed, "パスワードが加盟店コードと一致しません"),
    (SHIP, 37, NotAllowed, "パスワードがありません"),
    (SHIP, 38, Input("registration.reference"), "注文番号に半角英数字以外の文字があります"),
    (SHIP, 41, NotAllowed, "加盟店コードの加盟店は登録されていません"),
    (SHIP, 42, Input("shipped-on"), "出荷予定日が依頼日の前後90日の範囲にありません"),
    (SHIP, 44, Input("tracking-number"), "変更前の伝票番号に半角英数字以外の文字があります"),
    (SHIP, 45, Input("tracking-number"), "同じ伝票番号は3件の取引までです"),
    (STATUS, 1, Input(""), "要求全体の項目の並びか数が違います"),
    (STATUS, 2, NotAllowed, "加盟店コードが11桁ではありません"),
    (STATUS, 3, NotAllowed, "加盟店コードが数字ではありません"),
    (STATUS, 4, NotAllowed, "加盟店コードがありません"),
    (STATUS, 5, Input("reference"), "注文番号が20文字を超えています"),
    (STATUS, 6, Input("reference"), "注文番号に半角英数字以外の文字があります"),
    (STATUS, 7, Input("reference"), "注文番号がありません"),
    (STATUS, 8, State, "この注文番号の取引はありません"),
    (STATUS, 9, Input(""), "依頼日時が暦にない日時です"),
    (STATUS, 10, Input(""), "依頼日時が数字ではありません"),
    (STATUS, 11, Input(""), "依頼日時がありません"),
    (STATUS, 12, NotAllowed, "パスワードが加盟店コードと一致しません"),
    (STATUS, 13, NotAllowed, "パスワードがありません"),
    (STATUS, 14, Input("reference"), "注文番号に使えない文字があります"),
    (STATUS, 15, NotAllowed, "加盟店コードの加盟店では、この機能を使えません"),
    (ANY, 1, Unknown, "ヤマト側の内部エラー（err0001）です。記録されたかどうかはわかりません"),
    (ANY, 2, Unknown, "ヤマト側の内部エラー（err0002）です。記録されたかどうかはわかりません"),
    (ANY, 3, Unknown, "ヤマト側の内部エラー（err0003）です。記録されたかどうかはわかりません"),
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
    let mut own = CODES.iter().filter(|(of, ..)| *of == call || *of == ANY);
    own.find(|(of, number, ..)| written(of, *number) == code)
        .map_or((Unknown, "この版では意味のわからないエラーです"), |(.., meaning, words)| {
            (*meaning, *words)
        })
}

fn written(call: &str, number: u16) -> String {
    if call == ANY { format!("{call}{number:04}") } else { format!("{call}{number:03}E") }
}
