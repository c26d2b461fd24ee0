//! Magic values: what becomes of an order, decided by the last four digits of the buyer's phone
//! number. One table for every provider, so a test order means the same everywhere while names,
//! addresses and amounts stay natural.

use serde::{Deserialize, Serialize};

use crate::Lang;

/// Where a credit check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// 与信OK
    Approved,
    /// 与信NG
    Rejected,
    /// 審査中
    UnderReview,
    /// 保留: someone has to correct the order. Shown as under review by providers without it.
    OnHold,
    /// A code that is in no documentation.
    Unknown,
}

/// What becomes of one registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The verdict at registration.
    pub first: Verdict,
    /// After how many questions the verdict turns into which other one; the answer to that
    /// question is already the new one.
    pub then: Option<(u32, Verdict)>,
    /// The state does not allow a cancel.
    pub refuses_cancel: bool,
    /// The state does not allow tracking.
    pub refuses_tracking: bool,
}

impl Script {
    /// A verdict that stays.
    pub const fn stays(first: Verdict) -> Self {
        Self { first, then: None, refuses_cancel: false, refuses_tracking: false }
    }

    const fn reviewed(asks: u32, verdict: Verdict) -> Self {
        Self { then: Some((asks, verdict)), ..Self::stays(Verdict::UnderReview) }
    }

    /// The verdict after `asks` questions.
    pub fn verdict(&self, asks: u32) -> Verdict {
        match self.then {
            Some((needed, verdict)) if asks >= needed => verdict,
            _ => self.first,
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Magic {
    /// The last four digits of the buyer's phone number.
    pub digits: &'static str,
    /// What becomes of the order.
    pub script: Script,
    /// The same in Japanese.
    pub ja: &'static str,
    /// The same in English.
    pub en: &'static str,
}

/// Questions until a review is decided: two, so that a client that asks only once is found out.
const REVIEW_ASKS: u32 = 2;

/// The table. Every other number is approved at once.
pub const MAGIC: [Magic; 8] = [
    Magic { digits: "9001", script: Script::stays(Verdict::Rejected), ja: "与信NG", en: "rejected" },
    Magic {
        digits: "9002",
        script: Script::reviewed(REVIEW_ASKS, Verdict::Approved),
        ja: "審査中、2回目の結果確認で与信OK",
        en: "under review, approved at the second question",
    },
    Magic {
        digits: "9003",
        script: Script::reviewed(REVIEW_ASKS, Verdict::Rejected),
        ja: "審査中、2回目の結果確認で与信NG",
        en: "under review, rejected at the second question",
    },
    Magic {
        digits: "9004",
        script: Script::stays(Verdict::OnHold),
        ja: "保留（保留のない決済会社ではずっと審査中）",
        en: "on hold (under review for ever where the provider has no such state)",
    },
    Magic {
        digits: "9005",
        script: Script::stays(Verdict::UnderReview),
        ja: "ずっと審査中",
        en: "under review for ever",
    },
    Magic {
        digits: "9006",
        script: Script::stays(Verdict::Unknown),
        ja: "仕様書にない与信コード",
        en: "a verdict code that no documentation has",
    },
    Magic {
        digits: "9007",
        script: Script { refuses_cancel: true, ..Script::stays(Verdict::Approved) },
        ja: "与信OK、キャンセルは状態により拒否",
        en: "approved; a cancel is refused for its state",
    },
    Magic {
        digits: "9008",
        script: Script { refuses_tracking: true, ..Script::stays(Verdict::Approved) },
        ja: "与信OK、伝票番号の登録は拒否",
        en: "approved; tracking is refused",
    },
];

/// What becomes of an order of a buyer with this phone number, written with or without hyphens.
pub fn script(phone: &str) -> Script {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let magic = MAGIC.iter().find(|magic| digits.ends_with(magic.digits));
    magic.map_or(Script::stays(Verdict::Approved), |magic| magic.script.clone())
}

/// The table for people, at most 100 columns wide.
pub fn table(lang: Lang) -> String {
    let mut text = String::from(lang.pick(
        "購入者の電話番号の下4桁で与信が決まります\n",
        "The last four digits of the buyer's phone number decide the verdict\n",
    ));
    for magic in &MAGIC {
        text += &format!("  {}  {}\n", magic.digits, lang.pick(magic.ja, magic.en));
    }
    text += lang.pick("  他    与信OK\n", "  other approved at once\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Verdicts at registration and at the first three questions.
    fn course(phone: &str) -> [Verdict; 4] {
        [0, 1, 2, 3].map(|asks| script(phone).verdict(asks))
    }

    #[test]
    fn the_last_four_digits_decide() {
        use Verdict::*;
        assert_eq!(course("03-1234-5678"), [Approved; 4]);
        assert_eq!(course("090-1234-9001"), [Rejected; 4]);
        assert_eq!(course("09012349002"), [UnderReview, UnderReview, Approved, Approved]);
        assert_eq!(course("0312-34-90-03"), [UnderReview, UnderReview, Rejected, Rejected]);
        assert_eq!(course("090-1234-9004"), [OnHold; 4]);
        assert_eq!(course("090-1234-9005"), [UnderReview; 4]);
        assert_eq!(course("090-1234-9006"), [Unknown; 4]);
        assert_eq!(course("090-9001-1234"), [Approved; 4], "only at the end");
        assert!(script("090-1234-9007").refuses_cancel && !script("090-1234-9007").refuses_tracking);
        assert!(script("090-1234-9008").refuses_tracking && !script("090-1234-9008").refuses_cancel);
    }

    #[test]
    fn every_row_has_its_own_digits() {
        for magic in &MAGIC {
            assert_eq!(MAGIC.iter().filter(|other| other.digits == magic.digits).count(), 1, "{}", magic.digits);
        }
    }
}
