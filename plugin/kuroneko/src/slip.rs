//! 出荷情報 (KAASL0010) as form fields: which kind of slip it is, and whether it can be one.

use crate::answer::NAME;
use crate::describe;
use crate::order::Fields;
use provider_sdk::checks::Checks;
use provider_sdk::types::{Failure, Shipment};

/// The carrier whose slips the gateway checks itself.
const YAMATO: &str = "yamato";
/// `processDiv`: a slip of ヤマト運輸.
const OWN_SLIP: &str = "0";
/// `processDiv`: a slip of any other carrier.
const OTHER_SLIP: &str = "2";
/// Digits of a slip of ヤマト運輸, and the most characters of any other (*assumed*).
const SLIP_LENGTH: usize = 12;

/// The fields that report `shipment`, besides those of every call; or every problem with it.
///
/// Hyphens in a number are for the eye and take room that the form has not, so they do not go out.
pub fn encode(shipment: &Shipment) -> Result<Fields, Failure> {
    let mut checks = Checks::default();
    checks.carrier(NAME, &describe::provider().carriers, &shipment.carrier);
    let (field, label) = ("tracking-number", "伝票番号");
    let slip = shipment.tracking_number.replace('-', "");
    let own = shipment.carrier == YAMATO;
    if !own {
        checks.text(field, label, &slip, SLIP_LENGTH);
        if !slip.bytes().all(|b| b.is_ascii_alphanumeric()) {
            checks.add(field, "slip", format!("{label}は半角英数字です"));
        }
    } else if !is_own(&slip) {
        let words =
            format!("ヤマト運輸の{label}は数字{SLIP_LENGTH}桁です。入力した番号は桁数かチェックデジットが合いません");
        checks.add(field, "check-digit", words);
    }
    checks.into_result()?;
    let division = if own { OWN_SLIP } else { OTHER_SLIP };
    Ok(vec![("paymentNo".to_owned(), slip), ("processDiv".to_owned(), division.to_owned())])
}

/// The last digit is the first eleven, taken as one number, modulo 7.
fn is_own(slip: &str) -> bool {
    let digits = slip.len() == SLIP_LENGTH && slip.bytes().all(|b| b.is_ascii_digit());
    digits && slip.parse::<u64>().is_ok_and(|number| number / 10 % 7 == number % 10)
}
