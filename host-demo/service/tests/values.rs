//! The values of orders, end to end: from a mall's file to what is stored.

mod common;

use common::fake::Fake;
use common::{Db, TestStore};
use domain::lang::Lang;
use domain::mall::{Band, Fees, Mall, Mode};
use domain::order::Order;
use service::csv::row_result::SkipReason;
use service::import::{self, ImportError, Incoming, Known, OrderImport};
use service::messages::localize::Localize;
use std::path::Path;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/csv").join(name)).unwrap()
}

/// A store and its mall.
struct Import {
    test: TestStore,
    mall: Mall,
    preset: Option<&'static str>,
    take: Vec<String>,
}

impl Import {
    async fn new() -> Self {
        let test = TestStore::new(Db::Sqlite).await;
        let mall = test.mall().await;
        Self { test, mall, preset: None, take: Vec::new() }
    }

    async fn by(preset: &'static str) -> Self {
        Self { preset: Some(preset), take: vec!["*".to_owned()], ..Self::new().await }
    }

    async fn try_file(&self, bytes: &[u8], known: Known<'_>) -> Result<OrderImport, ImportError> {
        let (take, preset) = (&self.take, self.preset);
        let incoming = Incoming { bytes, encoding: None, take, preset, known, dry_run: false };
        import::run(&self.test.store, &self.mall, &Fake::new(&[]), incoming, &|_| {}).await
    }

    /// Imports a file; every row is accounted for.
    async fn bytes(&self, bytes: &[u8], rows: usize) -> OrderImport {
        let done = self.try_file(bytes, Known::Kept).await.unwrap();
        assert_eq!(done.imported.counts().read(), rows);
        done
    }

    async fn file(&self, name: &str, rows: usize) -> OrderImport {
        self.bytes(&file(name), rows).await
    }

    /// The stored orders, by number.
    async fn orders(&self) -> Vec<Order> {
        let mut orders = self.test.all().await;
        orders.sort_by(|a, b| a.number.cmp(&b.number));
        orders
    }

    /// The stored order of this number.
    async fn order(&self, number: &str) -> Order {
        self.orders().await.into_iter().find(|order| order.number == number).unwrap()
    }
}

/// The refused orders, and why.
fn refused(done: &OrderImport) -> Vec<(String, String)> {
    done.imported.bad().map(|bad| (bad.number.clone(), bad.localized_in("f.csv", Lang::Ja))).collect()
}

/// The lines of an order's bill.
fn lines(order: &Order) -> Vec<(&str, i64, u32)> {
    order.data.items.iter().map(|item| (item.name.as_str(), item.unit_price, item.quantity)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn digits_that_lost_a_zero_are_refused_with_that_word() {
    let import = Import::new().await;
    let done = import.file("values/lost-zeros.csv", 4).await;
    assert!(import.orders().await.is_empty());
    let refused = refused(&done);
    assert_eq!(refused.len(), 4);
    for ((_, words), digits) in refused.iter().zip(["9012345678", "312345678", "600001", "40001"]) {
        assert!(words.contains(&format!("「{digits}」は先頭の0がなくなっています")), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefecture_is_one_of_47_and_stands_once() {
    let import = Import::new().await;
    let done = import.file("values/prefectures.csv", 7).await;
    let places: Vec<_> = import.orders().await.into_iter().map(|order| order.data.buyer).collect();
    let places: Vec<_> = places.iter().map(|buyer| (buyer.prefecture.as_str(), buyer.city.as_str())).collect();
    let tokyo = ("東京都", "渋谷区");
    assert_eq!(places, [tokyo, tokyo, tokyo, tokyo, tokyo, ("千葉県", "市川市")]);
    let refused = refused(&done);
    assert!(refused.len() == 1 && refused[0].1.contains("「海外」は都道府県ではありません"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_composed_and_kana_is_full_width() {
    let import = Import::new().await;
    import.file("values/text.csv", 6).await;
    let nfd = import.order("C13-nfdnp").await.data;
    assert_eq!((nfd.buyer.name.as_str(), nfd.items[0].name.as_str()), ("ガブリエル ポポ", "だんごバッグ"));
    assert_eq!(nfd.buyer.kana.as_deref(), Some("ガブリエル ポポ"));
    let half = import.order("C13-halfnp").await.data.buyer;
    assert_eq!(half.name, "ﾐﾎﾝ ﾊﾅｺ", "a name is as it is written; what a form needs is its plugin's business");
    let hiragana = import.order("C13-hiranp").await.data.buyer;
    assert_eq!(hiragana.kana.as_deref(), Some("ミホン ハナコ"));
    assert_eq!(import.order("C13-extnp").await.data.buyer.name, "José Müller");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_number_has_one_form() {
    let import = Import::new().await;
    let done = import.file("values/phones.csv", 15).await;
    let mut expected = [
        ("C31-0np", "090-1234-5678"),
        ("C31-1np", "090-1234-5678"),
        ("C31-2np", "03-1234-5678"),
        ("C31-3np", "03-1234-5678"),
        ("C31-4np", "03-1234-5678"),
        ("C31-5np", "09012345678"),
        ("C31-6np", "03-1234-5678"),
        ("C31-7np", "0120-123-456"),
        ("C31-9np", "090-1234-5678"),
        ("C31-10np", "09012345678"),
        ("C31-11np", "0312345678"),
        ("C31-12np", "090-1234-5678"),
        ("C31-13np", "0312345678"),
    ];
    expected.sort_unstable();
    let orders = import.orders().await;
    let phones: Vec<_> = orders.iter().map(|order| (order.number.as_str(), order.data.buyer.phone.as_str())).collect();
    assert_eq!(phones, expected);
    let refused = refused(&done);
    assert_eq!(refused.iter().map(|(number, _)| number.as_str()).collect::<Vec<_>>(), ["C31-8np", "C31-14np"]);
    assert!(refused[0].1.contains("「03-1234-5678 内線12」を、市外局番からの日本の電話番号"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postal_code_is_seven_digits() {
    let import = Import::new().await;
    let done = import.file("values/postal-codes.csv", 10).await;
    let orders = import.orders().await;
    assert_eq!(orders.len(), 8);
    assert!(orders.iter().all(|order| order.data.buyer.postal_code == "1500041"));
    let refused = refused(&done);
    assert!(refused[0].1.contains("「150-0041 東京都」を7桁の郵便番号に"), "{refused:?}");
    assert!(refused[1].1.contains("「1500041.0」はExcelで崩れています"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_read_in_every_spelling() {
    let import = Import::new().await;
    import.file("mapping/amounts.csv", 9).await;
    assert!(import.orders().await.iter().all(|order| order.amounts.billed == 1500));
    let import = Import::new().await;
    import.file("mapping/minus.csv", 16).await;
    let orders = import.orders().await;
    assert_eq!(orders.len(), 8);
    assert!(orders.iter().all(|order| order.amounts.billed == 1000 && order.data.items[1].unit_price == -500));
    let fraction = String::from_utf8(file("mapping/minus.csv")).unwrap().replace("－500", "－500.5");
    let words = refused(&import.bytes(fraction.as_bytes(), 16).await);
    assert!(words[0].1.contains("「-500.5」に1円未満の端数があります"), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_that_a_spreadsheet_left_out_and_empty_ones_that_it_added_are_empty() {
    let import = Import::new().await;
    import.file("values/missing-cells.csv", 3).await;
    import.file("values/extra-comma.csv", 1).await;
    let done = import.file("values/blank-rows.csv", 3).await;
    assert_eq!(done.imported.counts().passed[&SkipReason::Blank].rows, 2);
    let numbers: Vec<_> = import.orders().await.into_iter().map(|order| order.number).collect();
    assert_eq!(numbers, ["C06-0", "C06-1", "C06-2", "C06b", "C06c"]);
    // In one row of several, an empty cell more may be a comma too many further ahead.
    let extra = String::from_utf8(file("values/extra-comma.csv")).unwrap();
    let plain = extra.lines().nth(1).unwrap().trim_end_matches(',').replace("C06b", "C06d");
    let mixed = format!("{}\n{plain}\n", extra.replace("C06b", "C06e").trim_end());
    let words = refused(&import.bytes(mixed.as_bytes(), 2).await);
    assert!(words.len() == 1 && words[0].1.contains("列の数が見出しと違います"), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_lacks_cells_beside_one_that_cannot_be_read_may_be_its_first_half() {
    let import = Import::new().await;
    let whole = String::from_utf8(file("values/extra-comma.csv")).unwrap();
    let (head, row) = whole.split_once('\n').unwrap();
    // The note of the first order has a line break that is not quoted.
    let head: Vec<_> = head.trim().split(',').filter(|name| *name != "備考").chain(["備考", "店舗メモ"]).collect();
    let row: Vec<_> = row.trim().split(',').take(30).collect();
    let torn = format!("{}\n{},急ぎ\nのし,x\n", head.join(","), row.join(","));
    let done = import.bytes(torn.as_bytes(), 2).await;
    assert!(import.orders().await.is_empty(), "{:?}", refused(&done));
    assert_eq!(refused(&done).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_costs_nothing_is_passed_over_and_no_fee_makes_a_bill_of_it() {
    let mut import = Import::new().await;
    let bands = vec![Band { lower: 0, upper: None, fee: 110 }];
    import.mall.fees = Fees { mode: Mode::Add, bands };
    for name in ["nothing-to-bill.csv", "less-than-nothing.csv", "nothing-with-a-band.csv"] {
        let done = import.file(&format!("values/{name}"), 2).await;
        assert_eq!(done.imported.counts().passed[&SkipReason::NothingToBill].rows, 2, "{name}");
    }
    assert!(import.orders().await.is_empty());
    let words = SkipReason::NothingToBill.localized(Lang::Ja);
    assert!(words.contains("与信は不要"), "{words}");
    // An order that is there and comes to nothing is not passed over in silence: it would be billed as before.
    let paid = String::from_utf8(file("values/nothing-to-bill.csv")).unwrap();
    let paid = paid.replace("-1500", "-500").replace(",500,0,0,", ",500,0,1000,");
    assert_eq!(import.bytes(paid.as_bytes(), 2).await.imported.counts().taken.orders, 1);
    for known in [Known::Kept, Known::Corrected { who: "op" }] {
        let done = import.try_file(&file("values/nothing-to-bill.csv"), known).await.unwrap();
        assert!(refused(&done)[0].1.contains("請求額が0円以下になりました"), "{:?}", refused(&done));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_is_the_buyer_is_none() {
    let import = Import::new().await;
    import.file("values/recipient-is-buyer.csv", 1).await;
    assert_eq!(import.order("J1").await.data.recipient, None);
    let written = String::from_utf8(file("values/recipient-is-buyer.csv")).unwrap();
    // Another place or another person is one.
    for (number, from, to) in [("J2", "0300001000", "0300002000"), ("J3", ",見本 花子,,,,", ",見本 次郎,,,,")] {
        let other = written.replace("J1,", &format!("{number},")).replacen(from, to, 1);
        import.bytes(other.as_bytes(), 1).await;
        assert!(import.order(number).await.data.recipient.is_some(), "{number}");
    }
    let wide = written.replace("J1,", "J4,").replacen(
        ",渋谷区,神南1-2-3,0300001000",
        ",渋谷区,神南　１－２－３,０３（００００）１０００",
        1,
    );
    import.bytes(wide.as_bytes(), 1).await;
    assert_eq!(import.order("J4").await.data.recipient, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_two_destinations_is_refused_with_what_to_do() {
    let import = Import::new().await;
    let words = refused(&import.file("mapping/two-destinations.csv", 2).await);
    assert!(words[0].1.contains("送付先が2つあります") && words[0].1.contains("分けて取り込んでください"), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_stand_apart_are_one_order_and_are_counted() {
    let import = Import::new().await;
    let done = import.file("mapping/rows-apart.csv", 3).await;
    assert_eq!((done.gathered, refused(&done)), (1, Vec::new()));
    assert_eq!(import.order("I1").await.data.items.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn utf_16_tabs_titles_and_headings_with_blanks_are_read() {
    let import = Import::new().await;
    for name in ["utf16-tabs.txt", "utf16-commas.csv"] {
        let done = import.file(&format!("mapping/{name}"), 1).await;
        assert_eq!(done.encoding.name(), "UTF-16LE", "{name}");
    }
    assert_eq!(import.order("C04").await.data.buyer.name, "見本 花子");
    let done = import.try_file(&file("mapping/title-lines.csv"), Known::Kept).await.unwrap();
    assert_eq!(done.imported.counts().passed[&SkipReason::Title].rows, 1);
    assert_eq!(done.imported.counts().taken.orders, 1);
    import.file("mapping/heading-blanks.csv", 1).await;
    assert_eq!(import.order("C34b").await.amounts.billed, 1500);
    let twice = import.try_file(&file("mapping/heading-twice.csv"), Known::Kept).await;
    let Err(ImportError::File(error)) = twice else { panic!("{twice:?}") };
    assert!(error.localized(Lang::Ja).contains("見出し「送料」が2つあります"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_of_windows_and_beyond_come_in_as_they_are() {
    let import = Import::new().await;
    import.file("values/windows31j.csv", 1).await;
    import.file("values/rare-characters.csv", 1).await;
    let windows = import.order("C02a").await.data;
    assert_eq!((windows.buyer.name.as_str(), windows.items[0].name.as_str()), ("髙﨑 德子", "①Ⅱ㌔～－∥￢"));
    assert!(import.order("C02b").await.data.buyer.name.starts_with("𠮷野"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_rakuten_comes_in_with_its_points_and_coupons() {
    let import = Import::by("rakuten").await;
    let done = import.try_file(&file("mapping/rakuten.csv"), Known::Kept).await.unwrap();
    let order = import.order("300001-20261120-00001").await;
    assert_eq!((order.data.buyer.name.as_str(), order.data.buyer.postal_code.as_str()), ("見本 花子", "1500041"));
    assert_eq!((order.data.buyer.phone.as_str(), order.amounts.shipping_fee), ("03-0000-1000", 500));
    let lines = lines(&order);
    assert_eq!((lines[0].1, lines[1].1, lines[2].1), (3000, -500, -200), "{lines:?}");
    assert_eq!((order.amounts.billed, order.data.recipient), (2800, None));
    // The second goes to two places.
    let words = refused(&done);
    assert!(words.len() == 1 && words[0].1.contains("送付先が2つあります"), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_shopify_comes_in_with_the_family_name_first() {
    let import = Import::by("shopify").await;
    import.file("mapping/shopify.csv", 2).await;
    let order = import.order("#1001").await;
    let buyer = &order.data.buyer;
    assert_eq!((buyer.name.as_str(), buyer.phone.as_str()), ("見本 花子", "0300001000"));
    assert_eq!((buyer.prefecture.as_str(), buyer.postal_code.as_str()), ("東京都", "1500041"));
    let prices: Vec<_> = lines(&order).iter().map(|line| line.1).collect();
    assert_eq!((prices, order.amounts.shipping_fee, order.amounts.billed), (vec![2000, 1000, -200], 500, 3300));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_eccube_comes_in_with_tax_and_fees() {
    let import = Import::by("eccube4").await;
    import.file("mapping/eccube4.csv", 2).await;
    let order = import.order("18").await;
    assert_eq!(lines(&order)[0].1, 3278);
    assert_eq!((order.amounts.goods, order.amounts.shipping_fee, order.amounts.billed), (3278, 500, 3778));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_amazon_comes_in_with_the_time_in_japan_and_a_computed_total() {
    for name in ["mapping/amazon-tabs.txt", "mapping/amazon-commas.csv"] {
        let import = Import::by("amazon").await;
        import.file(name, 1).await;
        let order = import.order("250-0000001-0000001").await;
        assert_eq!(order.data.ordered_at.to_string(), "2026-11-20 0:30:00.0");
        assert_eq!((lines(&order)[0].1, lines(&order)[0].2, order.amounts.shipping_fee), (1000, 2, 500));
        assert_eq!(order.amounts.billed, 2500);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_colorme_comes_in_with_its_address_parted() {
    let import = Import::by("colorme").await;
    import.file("mapping/colorme.csv", 1).await;
    let order = import.order("90001").await;
    assert_eq!((order.data.buyer.city.as_str(), order.data.buyer.street.as_str()), ("渋谷区", "神南1-2-3 見本荘101"));
    assert_eq!((order.amounts.billed, order.data.recipient), (1500, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_the_mall_has_no_mapping_for_is_named_with_what_to_write() {
    let import = Import::new().await;
    for (name, preset) in [("rakuten.csv", "rakuten"), ("shopify.csv", "shopify"), ("amazon-tabs.txt", "amazon")] {
        let unread = import.try_file(&file(&format!("mapping/{name}")), Known::Kept).await;
        let Err(ImportError::File(error)) = unread else { panic!("{unread:?}") };
        for words in [Lang::Ja, Lang::En].map(|lang| error.localized(lang)) {
            assert!(words.contains(&format!("preset = \"{preset}\"")), "{words}");
            assert!(words.contains(&format!("--preset {preset}")), "{words}");
        }
    }
    // With the mall's own mapping it comes in.
    let mut import = Import::by("rakuten").await;
    (import.mall.mapping, import.preset) = ("preset = \"rakuten\"".to_owned(), None);
    import.try_file(&file("mapping/rakuten.csv"), Known::Kept).await.unwrap();
    assert_eq!(import.orders().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_byte_of_5c_before_a_quote_or_a_line_end_is_no_backslash() {
    let import = Import::new().await;
    import.file("values/second-byte-5c.csv", 1).await;
    let data = import.order("C01").await.data;
    assert_eq!((data.buyer.street.as_str(), data.items[0].name.as_str()), ("見本機構1-2-3 ソ", "テスト機構"));
    assert_eq!(data.note.as_deref(), Some("ここに文章 可能"));
}
