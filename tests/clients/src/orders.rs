//! Random orders: odd but legal, as shops' files in UTF-8 and `Shift_JIS` carry them. Everybody is invented.

use encoding_rs::SHIFT_JIS;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use provider_sdk::japan::{self, PREFECTURES};
use provider_sdk::samples::NOW;
use provider_sdk::types::{Address, InvoiceDelivery, LineItem, Order, Party};

/// `count` orders from the generator that starts at `seed`, each under its own reference.
///
/// # Panics
/// If the generator gives up, which it has no reason to.
pub fn random(seed: u64, count: usize) -> Vec<Order> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4));
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let orders = order();
    let mut next = || orders.new_tree(&mut runner).expect("every part can be generated").current();
    (0..count).map(|at| Order { reference: format!("R{at}"), ..next() }).collect()
}

const SURNAMES: [&str; 22] = [
    "佐藤",
    "髙橋",
    "山﨑",
    "渡邉",
    "塚本",
    "神谷",
    "小鳥遊",
    "佐々木",
    "ﾔﾏﾀﾞ",
    "はしもと",
    "オカ\u{3099}ワ",
    "⾼⽥",
    "辻\u{e0100}",
    "Smith",
    "Ｏ'Brien",
    "王",
    "李・金",
    "株式会社例示",
    "𠮷田",
    "René",
    "山田😀",
    "長谷川",
];
const GIVEN_NAMES: [&str; 12] = [
    "花子",
    "太郎",
    "一",
    "はな",
    "ﾊﾅｺ",
    "ジョン−ポール",
    "Ｊ．",
    "龍之介",
    "さくら〜",
    "栞",
    "未来\u{200b}",
    "千代子",
];
const BETWEEN_NAMES: [&str; 5] = [" ", "\u{3000}", "", "\u{a0}", "・"];
const KANA: [&str; 9] = [
    "ミホン ハナコ",
    "ﾐﾎﾝ ﾊﾅｺ",
    "みほん　はなこ",
    "カ\u{3099}クト",
    "ヴァイオリン・タロウ",
    "ｻﾄｳﾀﾛｳ",
    "",
    "オオタキ タロウー",
    "Mihon",
];
const COMPANIES: [&str; 8] = [
    "㈱例示商事",
    "（株）例示—東京",
    "Example & Co., Ltd.",
    "例示<物産>",
    "有限会社\"例示\"",
    "例示病院　第２病棟",
    "№１商店",
    "©例示",
];
const DEPARTMENTS: [&str; 4] = ["総務部", "営業第１課", "R&D−2", "情報システム部 開発G"];
const CITIES: [&str; 9] = [
    "千代田区",
    "さいたま市大宮区",
    "名古屋市中村区",
    "三宅島三宅村",
    "津市",
    "龍ケ崎市",
    "府中市",
    "神戸市中央区",
    "西ノ表市⻄",
];
const BUILDINGS: [&str; 12] = [
    "",
    "",
    " 例示ビル101",
    "　ｺｰﾎﾟ例示 203号室",
    "\n例示マンション〜南館〜 1502",
    " Mihon Bldg. #3F",
    " メゾン・ド・例示Ⅱ　Ａ棟",
    "（見本様方）",
    " ハイツ例示1−2",
    " 塚本ビル①",
    " Café例示 1F",
    " 例示タワーレジデンス サウスウイング 4501号室",
];
const PHONES: [&str; 13] = [
    "03-0000-1000",
    "0300001000",
    "090-0000-1000",
    "０９０－００００－１０００",
    "(03)0000-1000",
    "03（0000）1000",
    "+81-90-0000-1000",
    "090ー0000ー1000",
    "0120-000-100",
    "050−0000−1000",
    "06 6000 1000",
    "080—0000—1000",
    "123-4567",
];
const EMAILS: [&str; 10] = [
    "hanako@example.jp",
    "hanako.mihon+shop@example.co.jp",
    "ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｊｐ",
    " hanako@example.jp ",
    "h..anako.@example.ne.jp",
    "HANAKO@EXAMPLE.JP",
    "mihon@example.com",
    "taro_example@mail.example.jp",
    "hanako",
    "花子@example.jp",
];
const ITEMS: [&str; 24] = [
    "木綿のハンカチ",
    "ミホン米 5kg",
    "送料調整",
    "焼き菓子詰合せ（大）",
    "ギフトラッピング",
    "無垢材テーブル W120×D60",
    "茶碗",
    "T-ｼｬﾂ〜夏〜（白）",
    "有機栽培・深蒸し煎茶 100g×3袋セット【送料無料】贈り物・内祝い・お中元に",
    "A&B \"100%\" <SALE>",
    "①②③セット",
    "ﾃﾞｼﾞﾀﾙｶﾒﾗ ﾚﾝｽﾞ付",
    "10−20㎝",
    "か\u{3099}らす細工",
    "Tシャツ\nL",
    "㌢㍍ものさし",
    "⼤皿",
    "お得な®セット",
    "🎁ギフト",
    "Crème brûlée",
    "￥1,000 クーポン",
    "値引き",
    "髙級〜极品",
    "セット¥500",
];
const NOTES: [&str; 4] = ["午前中", "玄関前〜置き配\r\n不在時は宅配BOX", "のし：御祝\n（名入れ 髙橋）", ""];

/// As a file in `Shift_JIS` holds it: what that has not is not there.
fn in_shift_jis(text: &str) -> String {
    let has = |c: &char| !SHIFT_JIS.encode(c.encode_utf8(&mut [0; 4])).2;
    let text: String = text.chars().filter(has).collect();
    SHIFT_JIS.decode(&SHIFT_JIS.encode(&text).0).0.into_owned()
}

fn text(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(texts).prop_map(str::to_owned)
}

/// A 番地 in one of the ways in which people write it; now and then none.
fn house() -> impl Strategy<Value = String> {
    let way =
        select(&["{}-{}-{}", "{}丁目{}番地{}号", "大字例示{}番地の{}", "例示町 {}−{}", "{}−{}〜{}", "無番地"][..]);
    (way, prop::collection::vec(1u32..99, 3)).prop_map(|(way, numbers)| {
        numbers.iter().fold(way.to_owned(), |way, number| way.replacen("{}", &number.to_string(), 1))
    })
}

fn postal_code() -> impl Strategy<Value = String> {
    (100u32..999, 1u32..9_999, 0u8..8).prop_map(|(area, town, way)| match way {
        0 => format!("〒{area}-{town:04}"),
        1 => format!("{area}−{town:04}"),
        2 => "１５０－００４１".to_owned(),
        3..=5 => format!("{area}{town:04}"),
        _ => format!("{area}-{town:04}"),
    })
}

fn address() -> impl Strategy<Value = Address> {
    let prefecture = prop_oneof![30 => select(&PREFECTURES[..]), 1 => Just("東京")];
    (postal_code(), prefecture, text(&CITIES), text(&["神南", "例示が丘", "字例示"]), house(), text(&BUILDINGS))
        .prop_map(|(postal_code, prefecture, city, town, house, building)| Address {
            postal_code,
            prefecture: prefecture.to_owned(),
            city,
            street: format!("{town}{house}{building}"),
        })
}

fn party() -> impl Strategy<Value = Party> {
    let name = (text(&SURNAMES), text(&BETWEEN_NAMES), text(&GIVEN_NAMES));
    let optional = (
        option::weighted(0.6, text(&KANA)),
        option::weighted(0.15, text(&COMPANIES)),
        option::weighted(0.1, text(&DEPARTMENTS)),
        option::weighted(0.9, text(&EMAILS)),
    );
    (name, optional, address(), text(&PHONES)).prop_map(|((surname, between, given), optional, address, phone)| {
        let (name_kana, company, department, email) = optional;
        Party { name: format!("{surname}{between}{given}"), name_kana, company, department, address, phone, email }
    })
}

fn item() -> impl Strategy<Value = LineItem> {
    let price = prop_oneof![12 => 100i64..3_000, 2 => -90i64..0, 1 => Just(0)];
    let rate = option::of(select(&[0u8, 8, 10][..]));
    (text(&ITEMS), 1usize..7, price, 1u32..4, rate).prop_map(|(name, times, unit_price, quantity, tax_rate)| LineItem {
        name: name.repeat(if times == 6 { 6 } else { 1 }),
        unit_price,
        quantity,
        tax_rate,
    })
}

/// Who the goods go to: the buyer, the buyer as a cart writes it, or somebody else.
fn recipient() -> impl Strategy<Value = Option<Option<Party>>> {
    prop_oneof![3 => Just(None), 2 => Just(Some(None)), 3 => party().prop_map(|other| Some(Some(other)))]
}

/// The buyer once more, in other widths.
fn once_more(buyer: &Party) -> Party {
    let address = &buyer.address;
    let wide = |text: &str| provider_sdk::text::full_width(text);
    Party {
        name: wide(&buyer.name),
        address: Address { city: wide(&address.city), street: wide(&address.street), ..address.clone() },
        phone: wide(&buyer.phone),
        email: None,
        ..buyer.clone()
    }
}

fn order() -> impl Strategy<Value = Order> {
    let items = prop_oneof![12 => prop::collection::vec(item(), 1..5), 1 => prop::collection::vec(item(), 9..25)];
    let fees = (select(&[0i64, 500, 880][..]), select(&[0i64, 110, 330][..]));
    let days = (0u16..20, option::weighted(0.5, 0u16..20));
    let invoice = prop_oneof![4 => Just(InvoiceDelivery::Separate), 1 => Just(InvoiceDelivery::Enclosed)];
    let rest = (days, fees, invoice, option::weighted(0.3, text(&NOTES)), any::<bool>());
    (party(), recipient(), items, rest).prop_map(
        |(buyer, recipient, items, ((ago, ahead), (shipping_fee, payment_fee), invoice, note, shift_jis))| {
            let today = japan::date(NOW);
            let ordered_on = japan::date(NOW - u64::from(ago) * 24 * 60 * 60 * 1_000);
            let goods: i64 = items.iter().map(|item| item.unit_price * i64::from(item.quantity)).sum();
            let recipient = recipient.map(|other| other.unwrap_or_else(|| once_more(&buyer)));
            let order = Order {
                reference: String::new(),
                ordered_on,
                ships_on: ahead.and_then(|days| japan::days_after(&today, days)),
                buyer,
                recipient,
                items,
                shipping_fee,
                payment_fee,
                billed_amount: goods + shipping_fee + payment_fee,
                invoice,
                note,
            };
            if shift_jis { from_shift_jis(order) } else { order }
        },
    )
}

/// The same order out of a file in `Shift_JIS`.
fn from_shift_jis(order: Order) -> Order {
    let optional = |text: Option<String>| text.as_deref().map(in_shift_jis);
    let party = |party: Party| Party {
        name: in_shift_jis(&party.name),
        name_kana: optional(party.name_kana),
        company: optional(party.company),
        department: optional(party.department),
        address: Address {
            postal_code: in_shift_jis(&party.address.postal_code),
            prefecture: party.address.prefecture,
            city: in_shift_jis(&party.address.city),
            street: in_shift_jis(&party.address.street),
        },
        phone: in_shift_jis(&party.phone),
        email: optional(party.email),
    };
    let item = |item: LineItem| LineItem { name: in_shift_jis(&item.name), ..item };
    Order {
        buyer: party(order.buyer),
        recipient: order.recipient.map(party),
        items: order.items.into_iter().map(item).collect(),
        note: optional(order.note),
        ..order
    }
}
