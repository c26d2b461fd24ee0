//! Valid requests of クロネコ代金後払い.

use gateways::Received;

use super::Form;

/// What every call carries, for an order.
pub fn common(order: &str) -> Form {
    Form::new(&[
        ("ycfStrCode", "99000000001"),
        ("password", "mihon123"),
        ("requestDate", "20260401123000"),
        ("orderNo", order),
    ])
}

/// A valid registration, approved at once, of 1,232 yen.
pub fn order(order: &str) -> Form {
    let mut form = common(order);
    form.0.extend(
        Form::new(&[
            ("orderYmd", "20260401"),
            ("shipYmd", "20260403"),
            ("name", "山田　花子"),
            ("nameKana", "ﾔﾏﾀﾞ ﾊﾅｺ"),
            ("postCode", "150-0001"),
            ("address1", "東京都渋谷区神宮前"),
            ("address2", "９－９９－９９"),
            ("telNum", "090-0000-1234"),
            ("email", "hanako@example.jp"),
            ("totalAmount", "1232"),
            ("sendDiv", "0"),
            ("cartCode", "mihon"),
            ("itemName1", "木綿のハンカチ"),
            ("itemCount1", "2"),
            ("unitPrice1", "300"),
            ("subTotal1", "600"),
            ("itemName2", "値引き"),
            ("itemCount2", "1"),
            ("unitPrice2", "-100"),
            ("subTotal2", "-100"),
            ("itemName3", "送料・手数料"),
            ("subTotal3", "732"),
        ])
        .0,
    );
    form
}

/// For somebody else.
pub fn gift(number: &str) -> Form {
    order(number)
        .set("sendDiv", "1")
        .add("sendName", "鈴木　一郎")
        .add("sendPostCode", "6000001")
        .add("sendAddress1", "京都府京都市下京区９９番地")
        .add("sendAddress2", "見本ビル")
        .add("sendTelNum", "075-000-0000")
}

/// A request of a call, such as KAARA.
pub fn received(call: &str, form: &Form) -> Received {
    Received {
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded; charset=UTF-8".to_owned())],
        ..super::received(&format!("/kuroneko-atobarai-api/{call}0010APIAction_execute.action"), form.body())
    }
}
