//! What a column of an export says about orders: how they are paid, where they stand, or that they were cancelled. `OperatorChoice`
//! by the column's heading, or by its values.

use unicode_normalization::UnicodeNormalization;

/// What a column tells about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// How it is paid.
    Payment,
    /// Where it stands.
    Status,
    /// That it was cancelled: when, or yes and no.
    Cancelled,
}

/// What such columns are called, without blanks, hyphens and the like, in small letters and full-width kana: a heading that contains the
/// words is of the kind, or one that is them after `=`. The first that fits counts.
const HEADINGS: [(Kind, &[&str]); 3] = [
    (
        Kind::Cancelled,
        &[
            "キャンセル日",
            "キャンセルフラグ",
            "キャンセル区分",
            "取消日",
            "取消フラグ",
            "取消区分",
            "削除フラグ",
            "cancelledat",
            "canceledat",
            "canceldate",
            "cancelflg",
            "cancelflag",
            "キャンセル済",
            "注文キャンセル",
            "iscancel",
            "=cancelled",
            "=canceled",
            "=取消",
            "=取消済",
            "=返品",
        ],
    ),
    (
        Kind::Payment,
        &[
            "支払方法",
            "支払い方法",
            "支払い名称",
            "支払名称",
            "支払手段",
            "支払い手段",
            "支払区分",
            "支払い区分",
            "支払種別",
            "支払い種別",
            "支払タイプ",
            "決済方法",
            "決済手段",
            "決済区分",
            "決済種別",
            "決済名",
            "決済タイプ",
            "paymentmethod",
            "paymenttype",
            "paymethod",
            "paykind",
            "settlementname",
            "settlementmethod",
            "支払コード",
            "支払いコード",
            "支払種類",
            "支払い種類",
            "支払条件",
            "支払い条件",
            "決済コード",
            "決済種類",
            "入金方法",
            "ペイメント方法",
            "ペイメント種",
            "=ペイメント",
            "=payment",
            "=決済",
            "=支払",
            "=支払い",
            "=お支払",
            "=お支払い",
        ],
    ),
    (
        Kind::Status,
        &[
            "ステータス",
            "注文状況",
            "注文状態",
            "受注状況",
            "受注状態",
            "処理状況",
            "処理状態",
            "対応状況",
            "対応状態",
            "取引状況",
            "取引状態",
            "=キャンセル",
            "キャンセル状",
            "キャンセル有無",
            "status",
            "=状態",
            "=状況",
            "=進捗",
            "進捗状",
        ],
    ),
];

/// Words in the value of a status that mean: there is no order any more.
const CANCELLED: [&str; 15] = [
    "キャンセル",
    "きゃんせる",
    "取消",
    "取り消",
    "取下",
    "取り下",
    "返品",
    "返金",
    "中止",
    "無効",
    "不成立",
    "削除",
    "cancel",
    "refund",
    "void",
];
/// Right before or right after such a word these mean that it did not happen: 未キャンセル, キャンセル不可, not cancelled.
const DENIED_BEFORE: [&str; 4] = ["未", "非", "not", "non"];
const DENIED_AFTER: [&str; 4] = ["なし", "無し", "不可", "以外"];

/// Most different values of a column that says something about orders without its heading saying so: a shop has
/// fewer ways to pay and fewer states of an order.
pub(super) const FEW_VALUES: usize = 30;
/// Longest such value, in characters; free text is longer.
pub(super) const MAX_VALUE: usize = 20;
/// Words in values that say how an order is paid, and values that are such a word as a whole, folded.
const PAID_BY: [&str; 30] = [
    "クレジット",
    "クレカ",
    "カード決済",
    "カード払",
    "代引",
    "代金引換",
    "振込",
    "コンビニ決済",
    "コンビニ払",
    "コンビニ支払",
    "後払",
    "後支払",
    "前払",
    "先払",
    "口座振替",
    "キャリア決済",
    "かんたん決済",
    "d払い",
    "paypay",
    "paypal",
    "amazonpay",
    "applepay",
    "googlepay",
    "linepay",
    "楽天ペイ",
    "メルペイ",
    "ペイディ",
    "paidy",
    "creditcard",
    "banktransfer",
];
const PAID_BY_WHOLE: [&str; 9] =
    ["カード", "card", "credit", "コンビニ", "現金", "cash", "cashondelivery", "cod", "atobarai"];
/// A column is about payment if one in this many of its values is such a word.
const ONE_IN: usize = 3;
/// Words in values that say that an order was cancelled: fewer than in a status, as 無効 may be said of a coupon.
const CANCELLED_VALUES: [&str; 4] = ["キャンセル", "取消", "取り消", "cancel"];
/// Characters that such a value may have besides: キャンセル済み, 注文キャンセル.
const BESIDES: usize = 5;
/// Headings of free text, whose values say nothing about the order.
const FREE_TEXT: [&str; 14] = [
    "備考",
    "メモ",
    "コメント",
    "メッセージ",
    "要望",
    "ひとこと",
    "商品",
    "品名",
    "氏名",
    "住所",
    "memo",
    "note",
    "comment",
    "remark",
];

/// Values of a yes-or-no column that mean yes, and that mean no.
const YES: [&str; 8] = ["true", "yes", "y", "あり", "有", "はい", "済", "○"];
const NO: [&str; 8] = ["0", "-", "no", "false", "なし", "無", "いいえ", "未"];

/// Whether a cell of a column that marks cancelled orders says no.
pub(super) fn is_no(mark: &str) -> bool {
    let mark = folded(mark);
    mark.is_empty() || NO.contains(&mark.as_str())
}

/// Whether such a cell says yes: a date, a number that is not 0, or in words.
pub(super) fn is_yes(mark: &str) -> bool {
    let mark = folded(mark);
    mark.starts_with(|c: char| c.is_ascii_digit()) || YES.contains(&mark.as_str()) || looks_cancelled(&mark)
}

/// Wide letters narrow, half-width kana wide, small letters.
fn folded(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

fn plain(text: &str) -> String {
    folded(text).chars().filter(|c| c.is_alphanumeric() || *c == 'ー').collect()
}

pub(super) fn kind(heading: &str) -> Option<Kind> {
    let plain = plain(heading);
    let is = |name: &&str| name.strip_prefix('=').map_or_else(|| plain.contains(*name), |whole| plain == whole);
    let fits = |names: &&[&str]| names.iter().any(is);
    HEADINGS.iter().find(|(_, names)| fits(names)).map(|(kind, _)| *kind)
}

/// What a column tells whose heading does not say it, by the values that it has.
pub(super) fn kind_of_values<'a>(heading: &str, values: impl Iterator<Item = &'a str>) -> Option<Kind> {
    let values: Vec<String> = values.filter(|value| !value.is_empty()).take(FEW_VALUES + 1).map(plain).collect();
    let heading = plain(heading);
    let is_long = |value: &String| value.chars().count() > MAX_VALUE;
    if values.len() > FEW_VALUES || values.iter().any(is_long) || FREE_TEXT.iter().any(|word| heading.contains(word)) {
        return None;
    }
    let is_payment =
        |value: &&String| PAID_BY_WHOLE.contains(&value.as_str()) || PAID_BY.iter().any(|word| value.contains(word));
    let payments = values.iter().filter(is_payment).count();
    if payments > 0 && payments * ONE_IN >= values.len() {
        return Some(Kind::Payment);
    }
    let is_cancelled = |value: &String| {
        let word = CANCELLED_VALUES.iter().find(|word| value.contains(*word));
        let besides = |word: &&str| value.chars().count() - word.chars().count();
        word.is_some_and(|word| besides(word) <= BESIDES) && looks_cancelled(value)
    };
    values.iter().any(is_cancelled).then_some(Kind::Status)
}

pub(super) fn looks_cancelled(status: &str) -> bool {
    let status = folded(status);
    CANCELLED.iter().any(|word| status.match_indices(word).any(|(at, word)| !is_denied(&status, at, word)))
}

/// Whether what stands directly around the word at `at` says that it did not happen.
fn is_denied(status: &str, at: usize, word: &str) -> bool {
    let is_gap = |c: char| c.is_whitespace() || matches!(c, '-' | '_' | ':');
    let (before, rest) = status.split_at(at);
    let before = before.trim_end_matches(is_gap);
    let after = rest.strip_prefix(word).unwrap_or_default().trim_start_matches(is_gap);
    DENIED_BEFORE.iter().any(|denial| before.ends_with(denial))
        || DENIED_AFTER.iter().any(|denial| after.starts_with(denial))
}
