//! What can be wrong with an order before anything is sent: every problem is collected, with the
//! contract's path of the field, a stable code and Japanese words.

use crate::carriers;
use crate::contract::Carrier;
use crate::failure::problem;
use crate::fold::is_known;
use crate::japan::{self, PREFECTURES};
use crate::rows::distinct;
use crate::text::{count, digits};
use crate::types::{Address, Date, Failure, FieldProblem, Order, Registration};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Longest reference, by the contract (`order.reference`).
pub const REFERENCE_LENGTH: usize = 20;

/// Digits of a Japanese postal code.
const POSTAL_CODE_DIGITS: usize = 7;

/// Characters that one problem names: enough to find them by.
const MAX_NAMED: usize = 5;

/// Numbers that begin so (mobile, IP and machine numbers) have eleven digits, all others ten.
pub const ELEVEN_DIGIT_PREFIXES: [&str; 6] = ["020", "050", "060", "070", "080", "090"];

/// The problems found so far.
///
/// `field` is the contract's path (`items[2].quantity`), `label` what a Japanese form calls it.
#[derive(Default)]
pub struct Checks(Vec<FieldProblem>);

impl Checks {
    /// Notes a problem; once, even if the value goes out in several places.
    pub fn add(&mut self, field: &str, code: &str, message: impl Into<String>) {
        let problem = problem(field, code, message);
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// Text that must be there, of at most `limit` characters, in letters that gateways know.
    pub fn text(&mut self, field: &str, label: &str, value: &str, limit: usize) {
        if value.trim().is_empty() {
            return self.add(field, "required", format!("{label}を入力してください"));
        }
        self.length(field, label, value, limit);
        self.characters(field, label, value);
    }

    /// Text of several lines, of at most `limit` characters, in letters that gateways know.
    pub fn note(&mut self, field: &str, label: &str, value: &str, limit: usize) {
        let plain: String = value.chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).collect();
        self.text(field, label, &plain, limit);
    }

    /// One of the 47, and nothing else.
    pub fn prefecture(&mut self, field: &str, label: &str, value: &str) {
        if value.trim().is_empty() {
            return self.add(field, "required", format!("{label}を入力してください"));
        }
        if !PREFECTURES.contains(&value) {
            let words = format!("{label}は東京都のように都道府県名で入力してください（現在「{value}」）");
            self.add(field, "prefecture", words);
        }
    }

    /// The address of `party` (the contract's path, and what it is called) as one string of at most `limit`
    /// characters, for gateways that take it so. It begins with the prefecture.
    pub fn address(&mut self, party: &str, owner: &str, address: &Address, limit: usize) -> String {
        let path = |field: &str| format!("{party}.address.{field}");
        self.prefecture(&path("prefecture"), &format!("{owner}の都道府県"), &address.prefecture);
        self.text(&path("city"), &format!("{owner}の市区町村"), &address.city, limit);
        self.characters(&path("street"), &format!("{owner}の町名・番地・建物名"), &address.street);
        let whole = format!("{}{}{}", address.prefecture, address.city, address.street);
        self.length(&format!("{party}.address"), &format!("{owner}の住所"), &whole, limit);
        whole
    }

    fn length(&mut self, field: &str, label: &str, value: &str, limit: usize) {
        let length = count(value);
        if length > limit {
            self.add(field, "too-long", format!("{label}は{limit}文字以内です（現在{length}文字）"));
        }
    }

    /// No character that Windows-31J has not: a gateway refuses it, or prints something else.
    pub fn characters(&mut self, field: &str, label: &str, value: &str) {
        let unknown = distinct(value.chars().filter(|c| !is_known(*c)));
        if !unknown.is_empty() {
            let shown = |c: &char| if c.is_control() { format!("U+{:04X}", *c as u32) } else { c.to_string() };
            let named = unknown.iter().take(MAX_NAMED).map(shown).collect::<Vec<_>>().join(" ");
            let words = format!("{label}に、後払い会社で使えない文字があります（{named}）。ほかの文字に直してください");
            self.add(field, "characters", words);
        }
    }

    /// Text, if there is any, has at least `least` characters.
    pub fn at_least(&mut self, field: &str, label: &str, value: &str, least: usize) {
        let length = count(value);
        if !value.trim().is_empty() && length < least {
            self.add(field, "too-short", format!("{label}は{least}文字以上です（現在{length}文字）"));
        }
    }

    /// A postal code of seven digits, with or without hyphens; [`crate::text::digits`] of it is sent.
    pub fn postal_code(&mut self, field: &str, label: &str, value: &str) {
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        if digits != POSTAL_CODE_DIGITS || !value.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            self.add(field, "postal-code", format!("{label}は半角数字{POSTAL_CODE_DIGITS}桁です"));
        }
    }

    /// A telephone number of at most `limit` characters: digits and hyphens.
    pub fn phone(&mut self, field: &str, label: &str, value: &str, limit: usize) {
        self.text(field, label, value, limit);
        let written = |b: u8| b.is_ascii_digit() || b == b'-';
        let is_number = value.bytes().all(written) && value.bytes().any(|b| b.is_ascii_digit());
        if !value.trim().is_empty() && !is_number {
            self.add(field, "phone", format!("{label}は半角数字とハイフンです"));
        }
    }

    /// A telephone number of Japan, with or without hyphens: begins with 0, has eleven digits behind
    /// [`ELEVEN_DIGIT_PREFIXES`] and ten behind any other; [`crate::text::digits`] of it is sent.
    pub fn domestic_phone(&mut self, field: &str, label: &str, value: &str) {
        if value.trim().is_empty() {
            return self.add(field, "required", format!("{label}を入力してください"));
        }
        let digits = digits(value);
        let wanted = if ELEVEN_DIGIT_PREFIXES.iter().any(|prefix| digits.starts_with(prefix)) { 11 } else { 10 };
        let written = value.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        if !written || !digits.starts_with('0') || digits.len() != wanted {
            let words = format!("{label}は0で始まる半角数字10桁です（携帯電話・IP電話は11桁）");
            self.add(field, "phone", words);
        }
    }

    /// An e-mail address of at most `limit` characters: ASCII without blanks, something on both sides of
    /// one `@`.
    pub fn email(&mut self, field: &str, label: &str, value: &str, limit: usize) {
        if value.trim().is_empty() {
            return self.add(field, "required", format!("{label}を入力してください"));
        }
        self.length(field, label, value, limit);
        let parted = value
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
        if !parted || !value.bytes().all(|b| b.is_ascii_graphic()) {
            self.add(field, "email", format!("{label}は name@example.jp のような半角英数記号です"));
        }
    }

    /// A number within `allowed`.
    pub fn number<N: PartialOrd + Display>(&mut self, field: &str, label: &str, value: N, allowed: RangeInclusive<N>) {
        if !allowed.contains(&value) {
            let words = format!("{label}は{}から{}までです（現在{value}）", allowed.start(), allowed.end());
            self.add(field, "out-of-range", words);
        }
    }

    /// A day of the calendar.
    pub fn date(&mut self, field: &str, label: &str, value: &Date) {
        if japan::days_after(value, 0).is_none() {
            self.add(field, "not-a-date", format!("{label}は暦にない日付です"));
        }
    }

    /// A reference as the contract allows it.
    pub fn reference(&mut self, field: &str, value: &str) {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !(1..=REFERENCE_LENGTH).contains(&value.len()) || !value.bytes().all(allowed) {
            let words = format!("注文番号は半角英数字・ハイフン・下線の{REFERENCE_LENGTH}文字以内です");
            self.add(field, "reference", words);
        }
    }

    /// No `earlier` order of the same call has the same reference: two rows would be two claims.
    pub fn not_twice(&mut self, earlier: &[Order], reference: &str) {
        if earlier.iter().any(|other| other.reference == reference) {
            let words = format!("注文番号{reference}が一度の呼び出しに二度あります");
            self.add("reference", "reference-twice", words);
        }
    }

    /// The billed amount is the sum of lines, shipping and fee. Every provider asks for that.
    pub fn sum(&mut self, order: &Order) {
        let lines = order.items.iter().map(|item| i128::from(item.unit_price) * i128::from(item.quantity));
        let sum = lines.sum::<i128>() + i128::from(order.shipping_fee) + i128::from(order.payment_fee);
        let billed = order.billed_amount;
        if sum != i128::from(billed) {
            let words = format!("請求金額合計{billed}円が、明細と送料と手数料の合計{sum}円と一致しません");
            self.add("billed-amount", "not-the-sum", words);
        }
    }

    /// One of the carriers that `provider` supports; they are named where it is another.
    pub fn carrier(&mut self, provider: &str, supported: &[Carrier], id: &str) {
        if !supported.iter().any(|carrier| carrier.id == id) {
            let names = carriers::names(supported);
            self.add("carrier", "carrier", format!("この配送業者は{provider}で使えません。使える配送業者: {names}"));
        }
    }

    /// Nothing, or all problems as the contract's failure.
    pub fn into_result(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::Invalid(self.0)) }
    }
}

/// The provider's own id of a registration whose answer arrived.
pub fn transaction_id(registration: &Registration) -> Option<&str> {
    registration.transaction_id.as_deref().filter(|id| !id.is_empty())
}

/// The provider's own id, where `provider` does nothing without it: what the operator can do instead.
pub fn need_transaction_id<'a>(provider: &str, registration: &'a Registration) -> Result<&'a str, Failure> {
    transaction_id(registration).ok_or_else(|| {
        let words = format!(
            "注文番号{}は{provider}の取引番号がわからないため操作できません。{provider}の管理画面で操作してください",
            registration.reference
        );
        Failure::Invalid(vec![problem("registration.transaction-id", "no-transaction-id", words)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(run: impl FnOnce(&mut Checks)) -> Vec<String> {
        let mut checks = Checks::default();
        run(&mut checks);
        checks.0.into_iter().map(|p| p.reason.code.unwrap()).collect()
    }

    #[test]
    fn text_is_counted_in_characters() {
        assert!(codes(|c| c.text("f", "l", "髙橋﨑", 3)).is_empty());
        assert_eq!(codes(|c| c.text("f", "l", "髙橋﨑野", 3)), ["too-long"]);
        assert_eq!(codes(|c| c.text("f", "l", " \u{3000}", 3)), ["required"]);
        assert!(codes(|c| c.at_least("f", "l", "髙橋", 2)).is_empty());
        assert!(codes(|c| c.at_least("f", "l", " ", 2)).is_empty(), "whether it is required is another question");
        assert_eq!(codes(|c| c.at_least("f", "l", "𠮷", 2)), ["too-short"]);
    }

    #[test]
    fn what_no_gateway_knows_is_named() {
        let words = |text: &str| {
            let mut checks = Checks::default();
            checks.text("f", "l", text, 30);
            checks.0.pop().map(|problem| problem.reason.message).unwrap_or_default()
        };
        assert_eq!(codes(|c| c.text("f", "l", "𠮷野", 1)), ["too-long", "characters"]);
        assert!(words("𠮷野😀𠮷\u{7}").contains("（𠮷 😀 U+0007）"), "each once");
        assert!(words("abcé").contains("（é）"));
        assert_eq!(words("髙﨑①㈱ｱ～A"), "");
        assert_eq!(codes(|c| c.note("f", "l", "1\r\n\t2", 2)), [""; 0]);
        assert_eq!(codes(|c| c.note("f", "l", "1\n😀", 9)), ["characters"]);
        assert_eq!(codes(|c| c.text("f", "l", "1\n2", 9)), ["characters"]);
    }

    #[test]
    fn an_address_is_one_string_whose_parts_are_checked_by_name() {
        let with = |prefecture: &str, city: &str, street: &str| {
            let mut address = crate::samples::party("試験 花子").address;
            (address.prefecture, address.city, address.street) = (prefecture.into(), city.into(), street.into());
            let mut checks = Checks::default();
            let whole = checks.address("buyer", "購入者", &address, 10);
            let problems = checks.0.into_iter().map(|p| (p.field, p.reason.code.unwrap())).collect::<Vec<_>>();
            (whole, problems)
        };
        assert_eq!(with("東京都", "港区", "芝公園９９"), ("東京都港区芝公園９９".to_owned(), Vec::new()));
        for (parts, field, code) in [
            (["", "港区", "芝"], "buyer.address.prefecture", "required"),
            (["東京", "港区", "芝"], "buyer.address.prefecture", "prefecture"),
            (["東京都", " ", "芝"], "buyer.address.city", "required"),
            (["東京都", "港区😀", "芝"], "buyer.address.city", "characters"),
            (["東京都", "港区", "芝😀"], "buyer.address.street", "characters"),
            (["東京都", "港区", "芝公園９９９"], "buyer.address", "too-long"),
        ] {
            let [prefecture, city, street] = parts;
            assert_eq!(with(prefecture, city, street).1, [(field.to_owned(), code.to_owned())], "{parts:?}");
        }
    }

    #[test]
    fn postal_codes_and_phones_are_half_width() {
        for good in ["1050011", "105-0011"] {
            assert!(codes(|c| c.postal_code("f", "l", good)).is_empty(), "{good}");
        }
        for bad in ["", "105001", "10500111", "１０５００１１", "105 0011", "1050011a"] {
            assert_eq!(codes(|c| c.postal_code("f", "l", bad)), ["postal-code"], "{bad}");
        }
        assert!(codes(|c| c.phone("f", "l", "03-1234-5678", 50)).is_empty());
        assert_eq!(codes(|c| c.phone("f", "l", "+1 212 555 0100", 50)), ["phone"]);
        assert_eq!(codes(|c| c.phone("f", "l", "０３", 50)), ["phone"]);
        assert_eq!(codes(|c| c.phone("f", "l", "--", 50)), ["phone"]);
        assert_eq!(codes(|c| c.phone("f", "l", "", 50)), ["required"]);
    }

    #[test]
    fn domestic_phones_have_ten_or_eleven_digits() {
        for good in ["0312345678", "03-1234-5678", "090-1234-5678", "05012345678", "0120-123-456"] {
            assert!(codes(|c| c.domestic_phone("f", "l", good)).is_empty(), "{good}");
        }
        for bad in ["090-1234-567", "03-1234-56789", "1234567890", "+81-3-1234-5678", "０３１２３４５６７８", "--"]
        {
            assert_eq!(codes(|c| c.domestic_phone("f", "l", bad)), ["phone"], "{bad}");
        }
        assert_eq!(codes(|c| c.domestic_phone("f", "l", " ")), ["required"]);
    }

    #[test]
    fn e_mail_addresses_are_ascii_with_one_at() {
        assert!(codes(|c| c.email("f", "l", "a.b+c@example.jp", 20)).is_empty());
        for bad in ["hanako", "@example.jp", "a@", "a@b@c", "花子@example.jp", "a b@c.jp"] {
            assert_eq!(codes(|c| c.email("f", "l", bad, 20)), ["email"], "{bad}");
        }
        assert_eq!(codes(|c| c.email("f", "l", "a@example.jp", 11)), ["too-long"]);
        assert_eq!(codes(|c| c.email("f", "l", " ", 11)), ["required"]);
    }

    #[test]
    fn references_are_as_the_contract_says() {
        assert!(codes(|c| c.reference("f", "Shop-1_20261124-0001")).is_empty());
        for bad in ["", "Shop-1_20261124-00012", "注文1", "a b"] {
            assert_eq!(codes(|c| c.reference("f", bad)), ["reference"], "{bad}");
        }
    }

    #[test]
    fn an_empty_id_is_none() {
        let known = |id| crate::samples::registration("R1", id);
        assert_eq!(need_transaction_id("P", &known(Some("1"))), Ok("1"));
        for without in [None, Some("")] {
            assert!(matches!(need_transaction_id("P", &known(without)), Err(Failure::Invalid(_))));
        }
    }

    #[test]
    fn carriers_that_are_supported_are_named() {
        let supported = carriers::supported(&[("sagawa", "1"), ("yamato", "2")]);
        assert!(codes(|c| c.carrier("P", &supported, "yamato")).is_empty());
        let mut checks = Checks::default();
        checks.carrier("P", &supported, "japan-post");
        assert!(checks.0[0].reason.message.contains("佐川急便、ヤマト運輸"));
    }

    #[test]
    fn a_value_that_goes_out_twice_is_one_problem() {
        let twice = |second: &'static str| codes(|c| ["a", second].iter().for_each(|field| c.text(field, "l", "", 3)));
        assert_eq!((twice("a").len(), twice("b").len()), (1, 2));
    }

    #[test]
    fn numbers_and_dates_have_bounds() {
        assert!(codes(|c| c.number("f", "l", 9, 0..=9)).is_empty());
        assert_eq!(codes(|c| c.number("f", "l", 10, 0..=9)), ["out-of-range"]);
        assert_eq!(codes(|c| c.date("f", "l", &Date { year: 2026, month: 2, day: 29 })), ["not-a-date"]);
    }
}
