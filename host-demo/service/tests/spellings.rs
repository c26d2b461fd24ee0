//! Every kind of value in the spellings that exports, spreadsheets and people have for it: each comes in as its one
//! form, or is refused by its line with a word for what is wrong. None is taken for another value.

mod common;

use common::fake::Fake;
use common::{Db, TestStore};
use domain::lang::Lang;
use domain::order::Order;
use service::csv::error::InvalidOrder;
use service::import::{self, Incoming, Known};

const HEADINGS: [&str; 18] = [
    "注文番号",
    "注文日時",
    "注文者氏名",
    "注文者氏名カナ",
    "注文者郵便番号",
    "注文者都道府県",
    "注文者市区町村",
    "注文者住所",
    "注文者電話番号",
    "商品名",
    "単価",
    "数量",
    "税率",
    "送料",
    "決済手数料",
    "合計金額",
    "備考",
    "注文者メールアドレス",
];

/// A good order; the first cell is its number.
const GOOD: [&str; 18] = [
    "N",
    "2026/11/20 10:07",
    "見本 花子",
    "ミホン ハナコ",
    "150-0041",
    "東京都",
    "渋谷区",
    "神南1-2-3",
    "03-0000-1000",
    "見本品",
    "1000",
    "1",
    "10",
    "500",
    "0",
    "1500",
    "",
    "",
];

/// What a cell comes in as, or a word that the refusal has.
type Expected = Result<&'static str, &'static str>;

/// Imports a file with one order for each cell of `column`, and compares what is stored, by `stored`, and what is refused.
async fn compare(column: &str, cases: &[(&str, Expected)], stored: fn(&Order) -> String) {
    let test = TestStore::new(Db::Sqlite).await;
    let mall = test.mall().await;
    let place = HEADINGS.iter().position(|heading| *heading == column).unwrap();
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let line = |(at, (cell, _)): (usize, &(&str, Expected))| {
        let number = format!("N-{at:03}");
        let cells = GOOD.iter().enumerate().map(|(column, good)| match column {
            _ if column == place => quoted(cell),
            0 => quoted(&number),
            _ => quoted(good),
        });
        cells.collect::<Vec<_>>().join(",") + "\r\n"
    };
    let text = HEADINGS.join(",") + "\r\n" + &cases.iter().enumerate().map(line).collect::<String>();
    let incoming = Incoming {
        bytes: text.as_bytes(),
        encoding: None,
        take: &[],
        preset: None,
        known: Known::Kept,
        dry_run: false,
    };
    let done = import::run(&test.store, &mall, &Fake::new(&[]), incoming, &|_| {}).await.unwrap();
    let orders = test.all().await;
    let refused: Vec<_> = done.imported.bad().collect();
    let mut wrong = Vec::new();
    for (at, (cell, expected)) in cases.iter().enumerate() {
        let (line, number) = (at as u64 + 2, format!("N-{at:03}"));
        let is_of_case = |bad: &&InvalidOrder| if place == 0 { bad.line == line } else { bad.number == number };
        let words = refused.iter().find(is_of_case).map(|bad| bad.texts(Lang::Ja).join(" / "));
        let order = orders.iter().find(|order| {
            order.number == number || (place == 0 && words.is_none() && stored(order) == expected.unwrap_or_default())
        });
        let found = order.map(stored);
        let is_right = match expected {
            Ok(form) => found.as_deref() == Some(*form),
            Err(word) => found.is_none() && words.as_ref().is_some_and(|words| words.contains(word)),
        };
        if !is_right {
            wrong.push(format!("{cell:?}: expected {expected:?}, stored {found:?}, refused {words:?}"));
        }
    }
    assert!(wrong.is_empty(), "{column}:\n{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn telephone_numbers() {
    let lost = Err("先頭の0がなくなっています");
    let none = Err("電話番号");
    let mangled = Err("Excelで崩れています");
    compare(
        "注文者電話番号",
        &[
            ("０３－００００－１０００", Ok("03-0000-1000")),
            ("03(0000)1000", Ok("03-0000-1000")),
            ("（03）0000-1000", Ok("03-0000-1000")),
            ("03 0000 1000", Ok("03-0000-1000")),
            ("03　0000　1000", Ok("03-0000-1000")),
            ("03\u{2212}0000\u{2010}1000", Ok("03-0000-1000")),
            ("03\u{ff0d}0000\u{30fc}1000", Ok("03-0000-1000")),
            ("03\u{301c}0000\u{ff5e}1000", Ok("03-0000-1000")),
            ("03\u{ff70}0000\u{2015}1000", Ok("03-0000-1000")),
            ("03.0000.1000", Ok("03-0000-1000")),
            ("0300001000", Ok("0300001000")),
            ("'0300001000", Ok("0300001000")),
            ("=\"0300001000\"", Ok("0300001000")),
            ("+81 3-0000-1000", Ok("03-0000-1000")),
            ("+81300001000", Ok("0300001000")),
            ("+81-90-0000-1000", Ok("090-0000-1000")),
            ("+81(0)90-0000-1000", Ok("090-0000-1000")),
            ("+81 090-0000-1000", Ok("090-0000-1000")),
            ("＋８１－９０－００００－１０００", Ok("090-0000-1000")),
            ("0081-90-0000-1000", Ok("090-0000-1000")),
            ("81-90-0000-1000", Ok("090-0000-1000")),
            ("TEL:03-0000-1000", Ok("03-0000-1000")),
            ("TEL 03-0000-1000", Ok("03-0000-1000")),
            ("050-0000-1000", Ok("050-0000-1000")),
            ("0120-000-100", Ok("0120-000-100")),
            ("9000001000", lost),
            ("300001000", lost),
            ("80-0000-1000", lost),
            ("9.0E+09", mangled),
            ("９．０Ｅ＋０９", mangled),
            ("####", mangled),
            ("#N/A", mangled),
            ("9000001000.0", mangled),
            ("+1 212-555-0100", none),
            ("03-0000-100", none),
            ("090-0000-10000", none),
            ("なし", none),
            ("03-0000-1000 / 090-0000-1000", none),
            ("03-0000-1000\t", Ok("03-0000-1000")),
            ("\u{200b}03-0000-1000\u{feff}", Ok("03-0000-1000")),
            ("03‑0000‑1000", Ok("03-0000-1000")),
        ],
        |order| order.data.buyer.phone.clone(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postal_codes() {
    let lost = Err("先頭の0がなくなっています");
    let none = Err("郵便番号");
    compare(
        "注文者郵便番号",
        &[
            ("1500041", Ok("1500041")),
            ("〒150-0041", Ok("1500041")),
            ("〒 150-0041", Ok("1500041")),
            ("〒１５０－００４１", Ok("1500041")),
            ("〶150-0041", Ok("1500041")),
            ("150−0041", Ok("1500041")),
            ("150ー0041", Ok("1500041")),
            ("150〜0041", Ok("1500041")),
            ("150 0041", Ok("1500041")),
            ("150　0041", Ok("1500041")),
            ("'150-0041", Ok("1500041")),
            ("=\"1500041\"", Ok("1500041")),
            ("'0600001", Ok("0600001")),
            ("001-0010", Ok("0010010")),
            ("T150-0041", none),
            ("600001", lost),
            ("10010", lost),
            ("60-0001", lost),
            ("1500041.0", Err("Excelで崩れています")),
            ("1.5E+06", Err("Excelで崩れています")),
            ("#######", Err("Excelで崩れています")),
            ("150-004", none),
            ("150-00411", none),
            ("150", none),
            ("100-000I", none),
            ("SW1A 1AA", none),
            ("90210", lost),
            ("郵便番号", none),
            ("150-0041\u{200b}", Ok("1500041")),
            ("〒150-0041 ", Ok("1500041")),
            ("(150)0041", none),
            ("1,500,041", Err("Excelで崩れています")),
        ],
        |order| order.data.buyer.postal_code.clone(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prefectures() {
    let none = Err("都道府県");
    compare(
        "注文者都道府県",
        &[
            ("東京", Ok("東京都")),
            ("東京都", Ok("東京都")),
            ("Tokyo", Ok("東京都")),
            ("TOKYO-TO", Ok("東京都")),
            ("tokyo", Ok("東京都")),
            ("Tōkyō", Ok("東京都")),
            ("ＴＯＫＹＯ", Ok("東京都")),
            ("JP-13", Ok("東京都")),
            ("JP13", Ok("東京都")),
            ("jp-13", Ok("東京都")),
            ("13", Ok("東京都")),
            ("１３", Ok("東京都")),
            ("13.0", none),
            ("北海道", Ok("北海道")),
            ("Hokkaido", Ok("北海道")),
            ("Hokkaidō", Ok("北海道")),
            ("JP-01", Ok("北海道")),
            ("1", Ok("北海道")),
            ("01", Ok("北海道")),
            ("大阪", Ok("大阪府")),
            ("Osaka-fu", Ok("大阪府")),
            ("大阪府 ", Ok("大阪府")),
            ("京都", Ok("京都府")),
            ("Kyoto", Ok("京都府")),
            ("KYOTO FU", Ok("京都府")),
            ("Gunma", Ok("群馬県")),
            ("Gumma", Ok("群馬県")),
            ("Oita", Ok("大分県")),
            ("Ōita", Ok("大分県")),
            ("Hyogo", Ok("兵庫県")),
            ("Hyōgo Prefecture", Ok("兵庫県")),
            ("Kochi-ken", Ok("高知県")),
            ("JP-47", Ok("沖縄県")),
            ("48", none),
            ("0", none),
            ("海外", none),
            ("その他", none),
            ("東京県", none),
            ("大坂府", none),
            ("California", none),
            ("JP-48", none),
            ("神奈川県\u{200b}", Ok("神奈川県")),
            ("鹿兒島県", none),
            ("とうきょう", none),
            ("かながわけん", none),
        ],
        |order| order.data.buyer.prefecture.clone(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streets() {
    let date = Err("日付");
    compare(
        "注文者住所",
        &[
            ("神南1-2-3", Ok("神南1-2-3")),
            ("1-2-3", Ok("1-2-3")),
            ("2001/2/3", date),
            ("2001/02/03", date),
            ("2001-02-03", date),
            ("2001年2月3日", date),
            ("1月2日", date),
            ("2月3日", date),
            ("3-Feb", date),
            ("1-Feb-03", date),
            ("Feb-03", date),
            ("2026/11/20 0:00:00", date),
            ("H13.2.3", Ok("H13.2.3")),
            ("36925", Ok("36925")),
            ("神南２００１－２－３", Ok("神南２００１－２－３")),
            ("神南1丁目2番3号", Ok("神南1丁目2番3号")),
            ("三月町1-2", Ok("三月町1-2")),
            ("十二月田町3", Ok("十二月田町3")),
            ("####", Err("Excelで崩れています")),
            ("#REF!", Err("Excelで崩れています")),
            ("か\u{3099}け下1", Ok("がけ下1")),
            ("神南1\r\n見本荘101", Ok("神南1  見本荘101")),
            ("神南1\t見本荘", Ok("神南1 見本荘")),
            ("神南\u{0}1", Err("制御文字")),
            ("神南\u{7}1", Err("制御文字")),
            ("神南1-2-3 🏠", Ok("神南1-2-3 🏠")),
            ("123", Ok("123")),
            ("4-5", Ok("4-5")),
            ("10/2", Ok("10/2")),
            ("大字2-3 #101", Ok("大字2-3 #101")),
            ("上記に同じ", Ok("上記に同じ")),
        ],
        |order| order.data.buyer.street.clone(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dates() {
    let none = Err("日");
    compare(
        "注文日時",
        &[
            ("2026/11/20", Ok("2026-11-20 0:00:00.0")),
            ("2026-11-20", Ok("2026-11-20 0:00:00.0")),
            ("2026.11.20", Ok("2026-11-20 0:00:00.0")),
            ("20261120", Ok("2026-11-20 0:00:00.0")),
            ("20261120103000", Ok("2026-11-20 10:30:00.0")),
            ("2026/11/20 1:05", Ok("2026-11-20 1:05:00.0")),
            ("2026/1/5 01:05:09", Ok("2026-01-05 1:05:09.0")),
            ("２０２６／１１／２０　１０：３０", Ok("2026-11-20 10:30:00.0")),
            ("2026年11月20日", Ok("2026-11-20 0:00:00.0")),
            ("2026年11月20日 10時30分", Ok("2026-11-20 10:30:00.0")),
            ("2026年11月20日(金) 10:30", Ok("2026-11-20 10:30:00.0")),
            ("2026/11/20（金） 10:30:00", Ok("2026-11-20 10:30:00.0")),
            ("2026/11/20 午後1:05", Ok("2026-11-20 13:05:00.0")),
            ("2026/11/20 午前 0:05", Ok("2026-11-20 0:05:00.0")),
            ("2026/11/20 午後0:05", Ok("2026-11-20 12:05:00.0")),
            ("2026/11/20 午後12:05", Ok("2026-11-20 12:05:00.0")),
            ("2026/11/20 午前12:05", Ok("2026-11-20 0:05:00.0")),
            ("2026/11/20 1:05 PM", Ok("2026-11-20 13:05:00.0")),
            ("2026/11/20 1:05:10 pm", Ok("2026-11-20 13:05:10.0")),
            ("2026/11/20 午後13:05", none),
            ("令和8年11月20日", Ok("2026-11-20 0:00:00.0")),
            ("令和元年11月20日", Ok("2019-11-20 0:00:00.0")),
            ("R8.11.20", Ok("2026-11-20 0:00:00.0")),
            ("Ｒ８．１１．２０", Ok("2026-11-20 0:00:00.0")),
            ("㋿8年11月20日", Ok("2026-11-20 0:00:00.0")),
            ("2026-11-19T15:30:00+00:00", Ok("2026-11-20 0:30:00.0")),
            ("2026-11-19T15:30:00Z", Ok("2026-11-20 0:30:00.0")),
            ("2026-11-20T10:30:00.123+09:00", Ok("2026-11-20 10:30:00.0")),
            ("2026-11-20 10:30:00 +0900", Ok("2026-11-20 10:30:00.0")),
            ("2026-11-19T15:30:00.000Z", Ok("2026-11-20 0:30:00.0")),
            ("46346", none),
            ("46346.4375", none),
            ("26/11/20", none),
            ("11/20/2026", none),
            ("2026/13/01", none),
            ("2026/02/30", none),
            ("2026/11/20 25:00", none),
            ("昨日", none),
            ("########", none),
            ("1970/01/01", none),
            ("2026/11", none),
        ],
        |order| order.data.ordered_at.to_string(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts() {
    let fraction = Err("端数");
    let none = Err("金額");
    compare(
        "単価",
        &[
            ("1000", Ok("1000")),
            ("1,000", Ok("1000")),
            ("１，０００", Ok("1000")),
            ("1000円", Ok("1000")),
            ("1,000円", Ok("1000")),
            ("1,000 円", Ok("1000")),
            ("¥1,000", Ok("1000")),
            ("￥１，０００", Ok("1000")),
            ("\\1,000", Ok("1000")),
            ("1000.00", Ok("1000")),
            ("1000.", Ok("1000")),
            ("JPY 1,000", Ok("1000")),
            ("1,000 JPY", Ok("1000")),
            ("1000 yen", Ok("1000")),
            ("+1000", Ok("1000")),
            ("'1000", Ok("1000")),
            ("=\"1000\"", Ok("1000")),
            ("1 000", Ok("1000")),
            ("1\u{a0}000", Ok("1000")),
            ("1'000", none),
            ("¥1,000-", Ok("1000")),
            ("1,000円(税込)", none),
            ("10,00", none),
            ("1,00", none),
            ("1.000", none),
            ("1000.5", fraction),
            ("1000.50円", fraction),
            ("1E+03", none),
            ("1.0E+03", none),
            ("千円", none),
            ("一〇〇〇", none),
            ("１０００．００", Ok("1000")),
            ("#####", none),
            ("", Err("")),
            ("NaN", none),
            ("1000\u{200b}", Ok("1000")),
            ("(1000)", Err("")),
            ("▲1000", Err("")),
            ("△1,000", Err("")),
            ("-1000", Err("")),
            ("1000-", Err("")),
            ("９９９９９９９９９９９９９９", none),
        ],
        |order| order.data.items[0].unit_price.to_string(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_orders() {
    let mangled = Err("Excelで崩れています");
    compare(
        "注文番号",
        &[
            ("A-1", Ok("A-1")),
            ("Ａ－２", Ok("A-2")),
            ("'0003", Ok("0003")),
            ("=\"0004\"", Ok("0004")),
            (" A-5 ", Ok("A-5")),
            ("A-6\u{200b}", Ok("A-6")),
            ("\u{feff}A-7", Ok("A-7")),
            ("#1008", Ok("#1008")),
            ("12E34", Ok("12E34")),
            ("A/9", Ok("A/9")),
            ("3.0E+11", mangled),
            ("3E+11", mangled),
            ("3.0e+11", mangled),
            ("３．０Ｅ＋１１", mangled),
            ("3,0E+11", mangled),
            ("3.0×10^11", mangled),
            ("####", mangled),
            ("＃＃＃", mangled),
            ("#N/A", mangled),
            ("#VALUE!", mangled),
            ("300001234567.0", mangled),
            ("300,001,234,567", mangled),
            ("-3.0E+11", mangled),
            ("3.00001E-05", mangled),
            ("300001234567.", mangled),
            ("#NAME?", mangled),
            ("#REF!", mangled),
            ("2.5E+4", mangled),
            ("A\u{7}30", Err("制御文字")),
            ("注文30", Ok("注文30")),
            ("A 31", Ok("A 31")),
        ],
        |order| order.number.clone(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_in_kana() {
    compare(
        "注文者氏名カナ",
        &[
            ("ﾐﾎﾝ ﾊﾅｺ", Ok("ミホン ハナコ")),
            ("みほん はなこ", Ok("ミホン ハナコ")),
            ("ミホン　ハナコ", Ok("ミホン ハナコ")),
            ("ﾌﾞﾙｰﾍﾞﾘｰ", Ok("ブルーベリー")),
            ("ﾊﾟﾋﾟﾌﾟ", Ok("パピプ")),
            ("ﾊ\u{309a}ﾋ\u{309a}", Ok("パピ")),
            ("ハ\u{309a}", Ok("パ")),
            ("ハ゜ン", Ok("パン")),
            ("ｳﾞｧｲｵﾘﾝ", Ok("ヴァイオリン")),
            ("ゔぁいおりん", Ok("ヴァイオリン")),
            ("ﾜﾞ", Ok("ヷ")),
            ("ｦﾞ", Ok("ヺ")),
            ("ゝゞ", Ok("ヽヾ")),
            ("ｱｰﾁ", Ok("アーチ")),
            ("ア－チ", Ok("ア－チ")),
            ("ｧｨｩｪｫｯｬｭｮ", Ok("ァィゥェォッャュョ")),
            ("･", Ok("・")),
            ("｢ﾅﾝ｣", Ok("「ナン」")),
            ("ヱヰ", Ok("ヱヰ")),
            ("SMITH", Ok("SMITH")),
            ("ｶ\u{3099}", Ok("ガ")),
            ("か\u{3099}", Ok("ガ")),
            ("ガ", Ok("ガ")),
            ("  ミホン  ", Ok("ミホン")),
            ("ミホン\tハナコ", Ok("ミホン ハナコ")),
            ("ミホン\nハナコ", Ok("ミホン ハナコ")),
            ("ﾎﾞﾎﾟ", Ok("ボポ")),
            ("ﾄﾞｸﾄｰﾙ", Ok("ドクトール")),
            ("ミホン\u{0}", Err("制御文字")),
            ("ゕゖ", Ok("ヵヶ")),
            ("ﾆﾎﾝﾊﾞﾚ､｡", Ok("ニホンバレ、。")),
            ("ミホン\u{a0}ハナコ", Ok("ミホン ハナコ")),
        ],
        |order| order.data.buyer.kana.clone().unwrap_or_default(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names() {
    let mangled = Err("Excelで崩れています");
    compare(
        "注文者氏名",
        &[
            ("見本 花子", Ok("見本 花子")),
            ("見本　花子", Ok("見本　花子")),
            (" 見本 花子 ", Ok("見本 花子")),
            ("か\u{3099}くえん", Ok("がくえん")),
            ("カ\u{3099}フ\u{309a}", Ok("ガプ")),
            ("Jose\u{301} Mu\u{308}ller", Ok("José Müller")),
            ("\u{fa11}", Ok("\u{fa11}")),
            ("髙﨑 德子", Ok("髙﨑 德子")),
            ("𠮷野 家", Ok("𠮷野 家")),
            ("葛\u{e0100}飾", Ok("葛\u{e0100}飾")),
            ("㈱見本", Ok("㈱見本")),
            ("（株）見本", Ok("（株）見本")),
            ("①②Ⅱ", Ok("①②Ⅱ")),
            ("ﾐﾎﾝ", Ok("ﾐﾎﾝ")),
            ("〜～−－‖∥", Ok("〜～−－‖∥")),
            ("O'Brien", Ok("O'Brien")),
            ("見本 \"花\" 子", Ok("見本 \"花\" 子")),
            ("見本,花子", Ok("見本,花子")),
            ("見本\t花子", Ok("見本 花子")),
            ("見本\n花子", Ok("見本 花子")),
            ("😀花子", Ok("😀花子")),
            ("👨‍👩‍👧", Ok("👨‍👩‍👧")),
            ("#N/A", mangled),
            ("#REF!", mangled),
            ("#NAME?", mangled),
            ("＃Ｎ／Ａ", mangled),
            ("########", mangled),
            ("#1 見本", Ok("#1 見本")),
            ("見本\u{0}花子", Err("")),
            ("見本\u{1b}[31m", Err("")),
            ("見本\u{7f}", Err("")),
            ("", Err("入力してください")),
        ],
        |order| order.data.buyer.name.clone(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quantities_and_rates() {
    let none = Err("");
    compare(
        "数量",
        &[
            ("1", Ok("1")),
            ("１", Ok("1")),
            ("1.0", Ok("1")),
            ("1.00", Ok("1")),
            ("1個", Ok("1")),
            ("1 点", Ok("1")),
            ("'1", Ok("1")),
            ("1.5", none),
            ("-1", none),
            ("1e3", none),
            ("一", none),
            ("1,000,0", none),
            ("########", none),
        ],
        |order| order.data.items[0].quantity.to_string(),
    )
    .await;
    compare(
        "税率",
        &[
            ("10", Ok("10")),
            ("10%", Ok("10")),
            ("１０％", Ok("10")),
            ("10.00", Ok("10")),
            ("0.1", Ok("10")),
            ("0.10", Ok("10")),
            ("8", Ok("8")),
            ("0.08", Ok("8")),
            ("8.0%", Ok("8")),
            ("0", Ok("0")),
            ("5", none),
            ("10円", none),
            ("0.1%", none),
        ],
        |order| order.data.items[0].tax_rate.map(|rate| rate.to_string()).unwrap_or_default(),
    )
    .await;
}
