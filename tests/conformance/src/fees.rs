//! Fee rules (手数料設定) mean the same at every provider: what the contract says of bands.

use crate::odd::{self, hunt};
use crate::report::Outcome;
use crate::session::{Session, broke_off, shown};
use crate::words::{Words, say};
use provider_host::contract::{AdjustedFee, Bill, FeeBand, FeeMode, FeeRule};

/// The band that holds the bill applies, bounds included, and the bill adds up.
pub async fn bands(session: &Session) -> Outcome {
    let test = async |(rule, bill): (FeeRule, Bill)| {
        let answered = session.plugin.fee_adjust(&rule, &bill).await;
        let asked = || format!("fee-adjust {}", shown(&(&rule, &bill)));
        let answered =
            answered.map_err(|error| broke_off("fee-adjust", &error).shown_by(asked(), error.to_string()))?;
        let expected = expected(&rule, &bill);
        if answered.as_ref() == Ok(&expected) {
            return Ok(());
        }
        let (answered, expected) = (shown(&answered), shown(&expected));
        let words = say!("{expected} のはずが {answered}", "it is {expected}, not {answered}");
        Err(words.shown_by(asked(), answered))
    };
    Outcome::of(hunt(session.seed, odd::fair_fees(), test).await.err())
}

/// The contract once more, independent of any plugin.
fn expected(rule: &FeeRule, bill: &Bill) -> AdjustedFee {
    let goods = bill.items + bill.shipping_fee;
    let billed = goods + bill.payment_fee;
    let holds = |band: &FeeBand| band.lower <= billed && band.upper.is_none_or(|upper| billed <= upper);
    let at = rule.bands.iter().position(holds).filter(|_| rule.mode != FeeMode::Keep);
    let payment_fee = match (rule.mode, at) {
        (FeeMode::Replace, Some(at)) => rule.bands[at].fee,
        (FeeMode::Add, Some(at)) => bill.payment_fee + rule.bands[at].fee,
        _ => bill.payment_fee,
    };
    AdjustedFee { payment_fee, billed_amount: goods + payment_fee, band: at.map(|at| at as u32) }
}

/// Lower bound, upper bound, fee.
type Band = (i64, Option<i64>, i64);

/// Bands that cannot be meant, and what is wrong with them.
const WRONG: [(&str, &str, &[Band]); 5] = [
    ("行が重なる", "bands overlap", &[(0, Some(1_000), 330), (1_000, None, 0)]),
    ("行の間が空く", "bands leave a gap", &[(0, Some(998), 330), (1_000, None, 0)]),
    ("上限が下限より小さい", "a band runs backwards", &[(0, Some(499), 330), (500, Some(400), 0)]),
    ("最後でない行に上限がない", "a band before the last is open", &[(0, None, 330), (1_000, None, 0)]),
    ("手数料が負である", "a fee is negative", &[(0, Some(499), 330), (500, None, -1)]),
];

/// Bands that cannot be meant are refused.
pub async fn wrong_bands(session: &Session) -> Outcome {
    let mut reasons = Vec::new();
    for (ja, en, bands) in WRONG {
        let bands =
            bands.iter().map(|(lower, upper, fee)| FeeBand { lower: *lower, upper: *upper, fee: *fee }).collect();
        let rule = FeeRule { mode: FeeMode::Replace, bands };
        let asked = format!("fee-adjust {}", shown(&rule));
        match session.plugin.fee_adjust(&rule, &Bill { items: 700, shipping_fee: 0, payment_fee: 0 }).await {
            Ok(Err(problems)) if !problems.is_empty() => {}
            Ok(answered) => {
                let words = Words::new(format!("{ja}のに受け入れた"), format!("{en}, and it was accepted"));
                reasons.push(words.shown_by(asked, shown(&answered)));
            }
            Err(error) => reasons.push(broke_off("fee-adjust", &error).shown_by(asked, error.to_string())),
        }
    }
    Outcome::of(reasons)
}
