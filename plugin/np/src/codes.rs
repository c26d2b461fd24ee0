//! The gateway's codes as data: why it refuses, rejects or holds a transaction.
//!
//! The gateway sends codes without words, so the words here are the plugin's. A code that is not
//! listed is passed on as it came.

use provider_sdk::failure::{problem, reason};
use provider_sdk::types::{Failure, FieldProblem, Reason};

/// No such transaction.
pub const UNKNOWN_TRANSACTION: &str = "E0100113";
/// Cancelled already.
pub const CANCELLED: &str = "E0100114";
/// The shipment was reported already.
pub const SHIPPED: &str = "E0100115";
/// The buyer has paid already.
pub const PAID: &str = "E0100118";

/// Begins the codes that speak of a request and not of a transaction.
const WHOLE_REQUEST: &str = "EPRO";

/// Whether `code` speaks of the whole request where it names no transaction.
pub fn is_of_the_request(code: &str) -> bool {
    code.starts_with(WHOLE_REQUEST)
}

/// What is wrong with a buyer or a recipient: the code for the buyer, the one for the recipient, the
/// field below either, and what it says.
const PARTY: [(&str, &str, &str, &str); 20] = [
    ("E0100048", "E0100072", "name", "氏名がありません"),
    ("E0100049", "E0100073", "name", "氏名に使えない文字があります"),
    ("E0100050", "E0100074", "name", "氏名が長すぎます"),
    ("E0100051", "E0100075", "name-kana", "氏名カナに使えない文字があります"),
    ("E0100052", "E0100076", "name-kana", "氏名カナが長すぎます"),
    ("E0100053", "E0100077", "company", "会社名に使えない文字があるか、長すぎます"),
    ("E0100054", "E0100078", "company", "会社名に使えない文字があるか、長すぎます"),
    ("E0100055", "E0100079", "department", "部署名に使えない文字があるか、長すぎます"),
    ("E0100056", "E0100080", "department", "部署名に使えない文字があるか、長すぎます"),
    ("E0100057", "E0100081", "address.postal-code", "郵便番号がありません"),
    ("E0100058", "E0100082", "address.postal-code", "郵便番号に使えない文字があります"),
    ("E0100136", "E0100137", "address.postal-code", "郵便番号の形式が違います"),
    ("E0100059", "E0100083", "address.postal-code", "郵便番号と住所が一致しません"),
    ("E0100060", "E0100084", "address", "住所がありません"),
    ("E0100061", "E0100085", "address", "住所に使えない文字があります"),
    ("E0100062", "E0100086", "address", "住所が長すぎます"),
    ("E0100063", "E0100087", "phone", "電話番号がありません"),
    ("E0100064", "E0100088", "phone", "電話番号に使えない文字があります"),
    ("E0100065", "E0100089", "phone", "電話番号の形式が違います"),
    ("E0100066", "E0100090", "phone", "電話番号が11桁ではありません"),
];

/// The last of the series of [`PARTY`], and every other wrong input: code, field, what it says.
const INPUT: [(&str, &str, &str); 25] = [
    ("E0100067", "buyer.phone", "購入者の電話番号が10桁ではありません"),
    ("E0100091", "recipient.phone", "配送先の電話番号が10桁ではありません"),
    ("E0100068", "buyer.email", "この契約では購入者のメールアドレスが必須です"),
    ("E0100069", "buyer.email", "購入者のメールアドレスに使えない文字があります"),
    ("E0100070", "buyer.email", "購入者のメールアドレスが長すぎます"),
    ("E0100071", "buyer.email", "購入者のメールアドレスの形式が違います"),
    ("E0102004", "billed-amount", "請求金額が明細の合計と一致しません"),
    ("E0100002", "transaction-id", "NPの取引IDの形式が違います"),
    ("E0100003", "transaction-id", "NPの取引IDの形式が違います"),
    ("E0100105", "carrier", "運送会社コードがありません"),
    ("E0100106", "carrier", "運送会社コードが数字ではありません"),
    ("E0100107", "carrier", "運送会社コードが5桁ではありません"),
    ("E0100108", "carrier", "NPにない運送会社コードです"),
    ("E0100109", "tracking-number", "伝票番号がありません"),
    ("E0100110", "tracking-number", "伝票番号が長すぎるか、使えない文字があります"),
    ("E0100111", "", "請求書発行日が正しくありません"),
    ("E0100124", "", "請求書発行日が正しくありません"),
    ("E0100126", "", "請求書発行日が正しくありません"),
    ("E0100143", "", "請求書発行日が正しくありません"),
    ("EPRO0109", "", "請求書発行日が正しくありません"),
    ("EPRO0101", "", "取引が1件も送られていません"),
    ("EPRO0102", "", "一度に送れる1000件を超えています"),
    ("EPRO0105", "", "取引を表すIDがありません"),
    ("EPRO0106", "", "同じIDの取引が一度に二度送られています"),
    ("EPRO0107", "", "取引の種類が違います"),
];

/// The state of the transaction does not allow it.
const STATE: [(&str, &str); 7] = [
    (UNKNOWN_TRANSACTION, "この取引はNPにありません"),
    (CANCELLED, "この取引はキャンセル済みです"),
    (SHIPPED, "この取引は出荷報告済みです"),
    (PAID, "この取引は入金済みです"),
    ("E0100120", "与信OKではない取引です"),
    ("E0100121", "請求書の印字データがまだ取得されていません"),
    ("E0100131", "この取引は加盟店へ差し戻されています"),
];

/// `authori_ng`; NG002 is *assumed*.
const REJECTIONS: [(&str, &str); 3] =
    [("NG001", "与信枠または金額の超過"), ("NG002", "情報不備"), ("NG999", "その他の理由")];

/// `authori_hold`. The list grows.
const HOLDS: [(&str, &str); 30] = [
    ("RE001", "購入者の氏名が規則に合いません"),
    ("RE002", "購入者の氏名を特定できません"),
    ("RE003", "購入者の氏名が文字化けしています"),
    ("RE004", "購入者が会社名だけで、担当者の氏名がありません"),
    ("RE005", "配送先の氏名が規則に合いません"),
    ("RE006", "配送先の氏名を特定できません"),
    ("RE007", "配送先の氏名が文字化けしています"),
    ("RE008", "配送先が会社名だけで、担当者の氏名がありません"),
    ("RE009", "購入者の住所が足りません"),
    ("RE010", "購入者の住所を読み取れません"),
    ("RE011", "購入者の住所に建物名がありません"),
    ("RE012", "購入者の会社名がありません"),
    ("RE013", "購入者の住所が文字化けしています"),
    ("RE014", "購入者の在籍を確認してください"),
    ("RE015", "配送先の住所が足りません"),
    ("RE016", "配送先の住所を読み取れません"),
    ("RE017", "配送先の住所に建物名がありません"),
    ("RE018", "配送先の会社名がありません"),
    ("RE019", "配送先の住所が文字化けしています"),
    ("RE020", "配送先の在籍を確認してください"),
    ("RE021", "購入者の電話番号が違います"),
    ("RE022", "購入者の固定電話番号を確認してください"),
    ("RE023", "配送先の電話番号が違います"),
    ("RE024", "メールアドレスが必要です"),
    ("RE025", "メールアドレスが正しくありません"),
    ("RE026", "加盟店の都合による保留です。キャンセルしてください"),
    ("RE027", "過去に似た取引があります"),
    ("RE028", "購入者に電話がつながりません"),
    ("RE029", "詳しい審査中です。翌営業日18時までに結果が出ます"),
    ("RE031", "電話番号が加盟店自身のものです"),
];

/// A code of a rejection with its meaning beside it.
pub fn rejection(code: &str) -> Reason {
    known(&REJECTIONS, code)
}

/// A code of a hold with its meaning beside it.
pub fn hold(code: &str) -> Reason {
    known(&HOLDS, code)
}

fn known(table: &[(&str, &str)], code: &str) -> Reason {
    let words = table.iter().find(|(known, _)| *known == code).map(|(_, words)| *words);
    reason(code.to_owned(), words.unwrap_or("この版では意味のわからないコードです。NPの管理画面で確認してください"))
}

/// What the codes of a refused transaction mean together. All known ones say that nothing was done.
pub fn failure(codes: &[&str]) -> Failure {
    let inputs: Vec<_> = codes.iter().filter_map(|code| input(code)).collect();
    let states: Vec<_> = codes.iter().filter(|code| STATE.iter().any(|(known, _)| known == *code)).collect();
    if codes.is_empty() || inputs.len() + states.len() < codes.len() {
        // Without a code, or with one that is not known, nothing says whether something was done.
        return Failure::OutcomeUnknown(joined(codes));
    }
    if states.is_empty() { Failure::Invalid(inputs) } else { Failure::Refused(joined(codes)) }
}

/// The same for a registration that stands among the errors alone: it was refused, whatever the code.
pub fn at_registration(codes: &[&str]) -> Failure {
    match failure(codes) {
        Failure::OutcomeUnknown(reason) => Failure::Refused(reason),
        known => known,
    }
}

fn input(code: &str) -> Option<FieldProblem> {
    let of_party = |(buyer, recipient, field, words): &(&str, &str, &str, &str)| {
        let (path, owner) = [(*buyer, ("buyer", "購入者")), (*recipient, ("recipient", "配送先"))]
            .into_iter()
            .find_map(|(known, owner)| (known == code).then_some(owner))?;
        Some(problem(format!("{path}.{field}"), code, format!("{owner}の{words}")))
    };
    let other = || INPUT.iter().find(|(known, ..)| *known == code);
    PARTY.iter().find_map(of_party).or_else(|| other().map(|(_, field, words)| problem(*field, code, *words)))
}

/// One reason that carries all of `codes`, under the first.
pub fn joined(codes: &[&str]) -> Reason {
    let words = |code: &&str| match input(code) {
        Some(problem) => format!("{code} {}", problem.reason.message),
        None => format!("{code} {}", known(&STATE, code).message),
    };
    let given: Vec<_> = codes.iter().filter(|code| !code.is_empty()).collect();
    match given.first() {
        None => reason(None, "NPが理由を示さずにエラーを返しました"),
        Some(code) => reason((**code).to_owned(), given.into_iter().map(words).collect::<Vec<_>>().join(" / ")),
    }
}
