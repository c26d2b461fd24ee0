//! Parts of アトディーネ's requests, with the simulated merchant's ids.

use super::{Document, element};

pub const LINK: &str = "<linkInfo><shopCode>A12345678901</shopCode><linkId>original00</linkId>\
    <linkPassword>link-pass-01</linkPassword></linkInfo>";

/// Customer, and lines that come to 1,232 yen.
pub const ORDER: &str = "<customer><shopOrderId>R</shopOrderId><shopOrderDate>2026/04/01</shopOrderDate>\
    <name>山田 花子</name><kanaName>ヤマダ ハナコ</kanaName><zip>150-0001</zip>\
    <address>東京都渋谷区神宮前9-99-99</address><companyName></companyName><sectionName></sectionName>\
    <tel>090-0000-1234</tel><email>hanako@example.jp</email><billedAmount>1232</billedAmount>\
    <expand1></expand1><service>2</service></customer>\
    <details>\
    <detail><goods>木綿のハンカチ</goods><goodsPrice>300</goodsPrice><goodsAmount>2</goodsAmount>\
    <expand2>1</expand2><expand3></expand3><expand4></expand4></detail>\
    <detail><goods>値引き</goods><goodsPrice>-100</goodsPrice><goodsAmount>1</goodsAmount><expand2>2</expand2></detail>\
    <detail><goods>送料・手数料</goods><goodsPrice>732</goodsPrice><goodsAmount>1</goodsAmount>\
    <expand2>3</expand2></detail></details>";

/// A registration, approved at once.
pub fn order(reference: &str) -> Document {
    let browser = "<browserInfo><httpHeader></httpHeader><deviceInfo></deviceInfo></browserInfo>";
    Document(element("request", [LINK, browser, ORDER].concat())).set("shopOrderId", reference)
}
