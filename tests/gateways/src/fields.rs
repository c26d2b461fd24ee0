//! Parameters of a form and the rules for each, as data.

use crate::wire::Received;
use encoding_rs::SHIFT_JIS;
use time::Date;

/// The media type of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// A rule for one parameter.
pub(crate) struct Field {
    pub name: &'static str,
    /// What it is called in messages.
    pub label: &'static str,
    pub need: Need,
    /// Longest value in characters.
    pub max: usize,
    pub form: Form,
}

/// Whether a parameter has to be there. An empty value counts as absent.
pub(crate) enum Need {
    Required,
    Optional,
    /// Required when that other parameter has this value.
    If(&'static str, &'static str),
}

/// What a value has to look like.
pub(crate) enum Form {
    /// Anything but control characters; line breaks and tabs are allowed.
    Text,
    /// A whole number, no less than the first and no more than the second.
    Within(i64, i64),
    /// A day of the calendar, `YYYY/MM/DD`.
    SlashDate,
    /// `NNN-NNNN`.
    HyphenPostal,
    /// A prefecture and nothing else.
    Prefecture,
    /// Whole yen, with a minus only where it may be negative.
    Yen { negative: bool },
    /// Digits, this many at least.
    Digits(usize),
    /// A day of the calendar, `YYYY-MM-DD`.
    Date,
    /// The same, or with slashes.
    AnyDate,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Seven digits, with or without the hyphen.
    Postal,
    /// Digits and hyphens.
    Phone,
    /// Something on both sides of one `@`.
    Mail,
    /// Begins with a prefecture.
    Address,
}

/// What is wrong with a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Missing,
    TooLong(usize),
    Malformed,
}

/// Longest amount that can be added up without care: more than any field of any provider.
pub(crate) const MAX_YEN: usize = 12;

/// No limit of the provider's own; the request's size is the bound.
pub(crate) const UNLIMITED: usize = usize::MAX;

impl Field {
    pub(crate) const fn required(name: &'static str, label: &'static str, max: usize, form: Form) -> Self {
        Self { name, label, need: Need::Required, max, form }
    }

    pub(crate) const fn optional(name: &'static str, label: &'static str, max: usize, form: Form) -> Self {
        Self { name, label, need: Need::Optional, max, form }
    }

    /// What is wrong with `value` as this parameter, among the others of its request.
    pub(crate) fn flaw(&self, value: &str, others: &Params) -> Option<Flaw> {
        if value.is_empty() {
            let needed = match self.need {
                Need::Required => true,
                Need::Optional => false,
                Need::If(name, trigger) => others.get(name) == trigger,
            };
            return needed.then_some(Flaw::Missing);
        }
        if value.chars().count() > self.max {
            return Some(Flaw::TooLong(self.max));
        }
        (!self.form.fits(value)).then_some(Flaw::Malformed)
    }
}

impl Form {
    pub(crate) fn fits(&self, value: &str) -> bool {
        match self {
            Self::Text => text(value),
            Self::Within(least, most) => {
                Self::Yen { negative: true }.fits(value)
                    && value.parse().is_ok_and(|number| (*least..=*most).contains(&number))
            }
            Self::SlashDate => !value.contains('-') && Self::Date.fits(&value.replace('/', "-")),
            Self::HyphenPostal => value.contains('-') && Self::Postal.fits(value),
            Self::Prefecture => PREFECTURES.contains(&value),
            Self::Yen { negative } => {
                let digits = if *negative { value.strip_prefix('-').unwrap_or(value) } else { value };
                digits.len() <= MAX_YEN && digits_only(digits)
            }
            Self::Digits(least) => digits_only(value) && value.len() >= *least,
            Self::Date => day(value).is_some(),
            Self::AnyDate => Self::Date.fits(value) || Self::SlashDate.fits(value),
            Self::OneOf(values) => values.contains(&value),
            Self::Postal => postal(value),
            Self::Phone => digits_and_hyphens(value) && value != "-",
            Self::Mail => mail(value),
            Self::Address => text(value) && prefecture_first(value),
        }
    }
}

/// The rules of one value, each with the code of its own that the provider has for it.
pub(crate) struct Rules<C: 'static> {
    /// Where there is no value; `None` where there need not be one.
    pub missing: Option<C>,
    /// In the order in which they are looked at.
    pub checks: &'static [Check<C>],
}

/// What has to be true of a value, and the code where it is not.
pub(crate) type Check<C> = (fn(&str) -> bool, C);

impl<C: Copy> Rules<C> {
    /// The code of the first rule that `value` breaks. An empty value counts as absent.
    pub(crate) fn broken(&self, value: &str) -> Option<C> {
        if value.is_empty() {
            return self.missing;
        }
        self.checks.iter().find(|(holds, _)| !holds(value)).map(|(_, code)| *code)
    }
}

/// At most so many characters.
pub(crate) fn at_most<const MAX: usize>(value: &str) -> bool {
    value.chars().count() <= MAX
}

/// What the web's table of Windows-31J takes for a neighbour, and that of Windows and Java does not have.
const NOT_OF_WINDOWS: [char; 3] = ['\u{a5}', '\u{203e}', '\u{2212}'];

/// Printable, and in Windows-31J as Windows and Java have it: what Japanese business systems keep.
pub(crate) fn windows_31j(value: &str) -> bool {
    let (_, _, replaced) = SHIFT_JIS.encode(value);
    !replaced && !value.chars().any(|c| c.is_control() || NOT_OF_WINDOWS.contains(&c))
}

/// No half-width character: none that Windows-31J has in one byte. Those it does not have at all
/// are [`windows_31j`]'s.
pub(crate) fn full_width(value: &str) -> bool {
    !value.chars().any(|c| c.is_control() || SHIFT_JIS.encode(c.encode_utf8(&mut [0; 4])).0.len() == 1)
}

/// Something on both sides of one `@`.
pub(crate) fn mail(value: &str) -> bool {
    matches!(value.split_once('@'), Some((name, host)) if !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// Begins with one of the 47.
pub(crate) fn prefecture_first(value: &str) -> bool {
    PREFECTURES.iter().any(|prefecture| value.starts_with(prefecture))
}

pub(crate) fn digits_and_hyphens(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_digit() || c == '-')
}

/// The digits of a value, without its hyphens.
pub(crate) fn without_hyphens(value: &str) -> String {
    value.replace('-', "")
}

/// No gateway here knows which postal codes exist: 000-0000 stands for all that do not.
pub(crate) fn postal_exists(value: &str) -> bool {
    without_hyphens(value) != "0000000"
}

/// Begins with what mobile and IP phones begin with, whose numbers have eleven digits.
pub(crate) fn eleven_digit_phone(value: &str) -> bool {
    ["020", "050", "060", "070", "080", "090"].iter().any(|prefix| without_hyphens(value).starts_with(prefix))
}

fn text(value: &str) -> bool {
    !value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

pub(crate) fn digits_only(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Seven digits, with or without the hyphen.
pub(crate) fn postal(value: &str) -> bool {
    match value.split_once('-') {
        Some((area, town)) => area.len() == 3 && town.len() == 4 && digits_only(area) && digits_only(town),
        None => value.len() == 7 && digits_only(value),
    }
}

/// A day of the calendar, from `yyyy-MM-dd`.
pub(crate) fn day(value: &str) -> Option<Date> {
    let parts: Vec<&str> = value.split('-').collect();
    let [year, month, day] = parts[..] else { return None };
    let shape = [year.len(), month.len(), day.len()] == [4, 2, 2];
    shape.then(|| compact_day(&parts.concat())).flatten()
}

/// A day of the calendar, from `yyyyMMdd`.
pub(crate) fn compact_day(value: &str) -> Option<Date> {
    if value.len() != 8 || !digits_only(value) {
        return None;
    }
    let month: u8 = value[4..6].parse().ok()?;
    Date::from_calendar_date(value[..4].parse().ok()?, month.try_into().ok()?, value[6..].parse().ok()?).ok()
}

/// The parameters of a form, in the order received.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a form's body. Bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Reads the body of a request that is a form of either kind.
    pub(crate) fn of(request: &Received) -> Self {
        match request.boundary() {
            Some(boundary) => Self(parts(&String::from_utf8_lossy(&request.body), &boundary)),
            None => Self::parse(&request.body),
        }
    }

    /// Whether some byte of the body was none of UTF-8.
    pub(crate) fn not_utf8(&self) -> bool {
        self.iter().any(|(name, value)| [name, value].iter().any(|text| text.contains('\u{FFFD}')))
    }

    /// The value of the first parameter of this name, or "".
    pub(crate) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or("")
    }

    /// The values of every parameter of this name.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The values of a multipart/form-data body, without files.
fn parts(body: &str, boundary: &str) -> Vec<(String, String)> {
    let part = |part: &str| {
        let (head, value) = part.trim_start_matches("\r\n").split_once("\r\n\r\n")?;
        let (_, name) = head.split_once("name=\"")?;
        let (name, _) = name.split_once('"')?;
        Some((name.to_owned(), value.strip_suffix("\r\n").unwrap_or(value).to_owned()))
    };
    body.split(&format!("--{boundary}")).filter_map(part).collect()
}

const PREFECTURES: [&str; 47] = [
    "北海道",
    "青森県",
    "岩手県",
    "宮城県",
    "秋田県",
    "山形県",
    "福島県",
    "茨城県",
    "栃木県",
    "群馬県",
    "埼玉県",
    "千葉県",
    "東京都",
    "神奈川県",
    "新潟県",
    "富山県",
    "石川県",
    "福井県",
    "山梨県",
    "長野県",
    "岐阜県",
    "静岡県",
    "愛知県",
    "三重県",
    "滋賀県",
    "京都府",
    "大阪府",
    "兵庫県",
    "奈良県",
    "和歌山県",
    "鳥取県",
    "島根県",
    "岡山県",
    "広島県",
    "山口県",
    "徳島県",
    "香川県",
    "愛媛県",
    "高知県",
    "福岡県",
    "佐賀県",
    "長崎県",
    "熊本県",
    "大分県",
    "宮崎県",
    "鹿児島県",
    "沖縄県",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_japanese_character_set_is_that_of_windows() {
        for known in ["髙﨑①㈱", "～－―∥￠￡￢￥￣", "ｱ A"] {
            assert!(windows_31j(known), "{known}");
        }
        for unknown in ["〜", "−", "—", "‖", "¢", "£", "¬", "¥", "‾", "𠮷", "😀", "é", "\n", "か\u{3099}"]
        {
            assert!(!windows_31j(unknown), "{unknown}");
        }
    }

    #[test]
    fn a_form_of_parts_is_a_form() {
        let body = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n2\r\n\
                    --X\r\nContent-Disposition: form-data; name=\"OrderId[]\"\r\nContent-Type: text/plain\r\n\r\n\r\n--X--\r\n";
        let expected = [("a".to_owned(), "1\r\n2".to_owned()), ("OrderId[]".to_owned(), String::new())];
        assert_eq!(parts(body, "X"), expected);
        assert_eq!(parts("", "X"), []);
    }

    #[test]
    fn narrower_forms_take_less() {
        let cases: [(Form, &[&str], &[&str]); 6] = [
            (Form::AnyDate, &["2024/02/29", "2024-02-29"], &["2026/02/29", "2026-04/01", "20260401"]),
            (Form::Within(-99_999, 999_999), &["-99999", "0", "999999"], &["-100000", "1000000", "+1", "", "1.0"]),
            (Form::Within(1, 9), &["1", "9"], &["0", "10", "-1"]),
            (Form::SlashDate, &["2024/02/29"], &["2026/02/29", "2026-04-01", "2026/04-01", "2026/4/1"]),
            (Form::HyphenPostal, &["100-0001"], &["1000001", "1000-001", "-"]),
            (Form::Prefecture, &["京都府", "北海道"], &["京都", "京都府京"]),
        ];
        for (form, good, bad) in cases {
            good.iter().for_each(|value| assert!(form.fits(value), "{value}"));
            bad.iter().for_each(|value| assert!(!form.fits(value), "{value}"));
        }
    }

    #[test]
    fn each_form_takes_and_refuses() {
        let cases: [(Form, &[&str], &[&str]); 8] = [
            (Form::Text, &["山田 花子", "a\nb"], &["a\u{0}", "\u{1b}"]),
            (Form::Yen { negative: false }, &["0", "1232"], &["-1", "1.5", "1,232", "１２", "1234567890123"]),
            (Form::Yen { negative: true }, &["-500", "0"], &["--5", "-", "+5"]),
            (Form::Digits(4), &["1234", "12345"], &["123", "12a4"]),
            (
                Form::Date,
                &["2024-02-29", "2026-12-31"],
                &["2026-02-29", "1900-02-29", "2026-13-01", "2026-04-31", "2026-1-01", "2026/01/01", "2026-01-00"],
            ),
            (Form::Postal, &["1000001", "100-0001"], &["100001", "1000-001", "100-000a", "１０００００１"]),
            (Form::Phone, &["03-1234-5678", "09012345678"], &["０３", "+81312345678", "-"]),
            (Form::Mail, &["hanako@example.jp"], &["hanako", "@example.jp", "a@", "a@b@c"]),
        ];
        for (form, good, bad) in cases {
            good.iter().for_each(|value| assert!(form.fits(value), "{value}"));
            bad.iter().for_each(|value| assert!(!form.fits(value), "{value}"));
        }
        assert!(Form::Address.fits("京都府京都市"));
        assert!(!Form::Address.fits("京都市"));
    }
}
