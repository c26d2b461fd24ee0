//! 出荷情報 (KAASL0010) as form fields: which kind of slip it is, and whether it can be one.

use crate::answer::NAME;
use crate::describe::{self, LONG_SLIP, ORDER_NUMBER};
use crate::order::Fields;
use provider_sdk::checks::Checks;
use provider_sdk::settings::Settings;
use provider_sdk::text::count;
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
/// Where another carrier's number does not fit even so, the shop can have its order number sent instead,
/// as its public clients do.
pub fn encode(shipment: &Shipment, settings: &Settings) -> Result<Fields, Failure> {
    let mut checks = Checks::default();
    checks.carrier(NAME, &describe::provider().carriers, &shipment.carrier);
    let (field, label) = ("tracking-number", "伝票番号");
    let mut slip = shipment.tracking_number.replace('-', "");
    let own = shipment.carrier == YAMATO;
    if !own {
        if !slip.bytes().all(|b| b.is_ascii_alphanumeric()) {
            checks.add(field, "slip", format!("{label}は半角英数字です"));
        }
        if count(&slip) > SLIP_LENGTH && settings.get(LONG_SLIP) == ORDER_NUMBER {
            let number = &shipment.registration.reference;
            if count(number) > SLIP_LENGTH {
                let words = format!(
                    "{label}が{SLIP_LENGTH}文字を超え、代わりに送る注文番号{number}も{SLIP_LENGTH}文字を超えています。\
                     加盟店管理画面で登録してください"
                );
                checks.add(field, "too-long", words);
            }
            slip.clone_from(number);
        } else {
            checks.text(field, label, &slip, SLIP_LENGTH);
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
