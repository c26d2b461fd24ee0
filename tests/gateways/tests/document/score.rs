//! Parts of スコア@払い's requests, with the simulated merchant's ids.

use super::{Document, element};

pub const SHOP: &str = "<shopInfo><shopCode>S12345678</shopCode><shopPassword>shop-pass-01</shopPassword>\
    <terminalId>T001</terminalId></shopInfo>";
pub const HTTP: &str = "<httpInfo><httpHeader></httpHeader><deviceInfo></deviceInfo></httpInfo>";
pub const BUYER: &str = "<buyer><shopTransactionId>R</shopTransactionId><shopOrderDate>2026/04/01</shopOrderDate>\
    <fullName>山田 花子</fullName><fullKanaName>ヤマダ ハナコ</fullKanaName><tel>090-0000-1234</tel>\
    <mobile></mobile><email>hanako@example.jp</email><mobileEmail></mobileEmail><zipCode>150-0001</zipCode>\
    <address1>東京都</address1><address2>渋谷区</address2><address3>神宮前9-99-99</address3>\
    <companyName></companyName><departmentName></departmentName><billedAmount>1232</billedAmount>\
    <paymentType>2</paymentType></buyer>";

/// To the buyer, of 1,232 yen.
pub const DELIVERY: &str = "<delivery><deliveryCustomer><fullName>山田 花子</fullName>\
    <fullKanaName>ヤマダ ハナコ</fullKanaName><zipCode>150-0001</zipCode><address1>東京都</address1>\
    <address2>渋谷区</address2><address3>神宮前9-99-99</address3><tel>090-0000-1234</tel><email></email>\
    <companyName></companyName><departmentName></departmentName></deliveryCustomer><details>\
    <detail><detailId>1</detailId><detailName>木綿のハンカチ</detailName><detailPrice>300</detailPrice>\
    <detailQuantity>2</detailQuantity></detail>\
    <detail><detailId>2</detailId><detailName>値引き</detailName><detailPrice>-100</detailPrice>\
    <detailQuantity>1</detailQuantity></detail>\
    <detail><detailId>3</detailId><detailName>送料・手数料</detailName><detailPrice>732</detailPrice>\
    <detailQuantity>1</detailQuantity></detail></details></delivery>";

/// A registration, approved at once.
pub fn order(reference: &str) -> Document {
    let deliveries = element("deliveries", DELIVERY);
    Document(element("request", [SHOP, HTTP, BUYER, &deliveries].concat())).set("shopTransactionId", reference)
}
