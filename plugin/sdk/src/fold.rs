//! What orders say, written as gateways know it: once, before anything is counted, compared or sent.
//!
//! A file in UTF-8 holds letters that look like those of the Japanese character set and are others, or
//! are written in parts. Each is brought to its twin in Windows-31J, the set as Windows and Java have it.
//! What has no twin stays, and [`Checks::text`](crate::checks::Checks::text) names it before sending.
//!
//! [`crate::provider::credit`] and its neighbours do this for every provider.

use crate::text::{digits, full_width, half_width_kana};
use crate::types::{Address, Cancellation, LineItem, Order, Party, Shipment};
use unicode_normalization::char::compose;

/// The characters of Windows-31J in Unicode's basic plane, one bit for each; no control characters and
/// none of private use.
static WINDOWS_31J: &[u8; 1 << 13] = include_bytes!("windows-31j.bits");

/// Whether `c` is in Windows-31J, as Windows and Java have it.
pub fn is_known(c: char) -> bool {
    let at = c as usize;
    WINDOWS_31J.get(at / 8).is_some_and(|bits| bits & (1 << (at % 8)) != 0)
}

/// Letters that look alike: what files carry, and the twin in Windows-31J.
const TWINS: [(char, char); 51] = [
    // One code of JIS, which Unicode's and Microsoft's tables read differently.
    ('〜', '～'),
    ('−', '－'),
    ('—', '―'),
    ('‖', '∥'),
    ('¢', '￠'),
    ('£', '￡'),
    ('¬', '￢'),
    ('¥', '￥'),
    ('‾', '￣'),
    ('¦', '￤'),
    // What word processors and other languages' keyboards put in their place.
    ('∼', '～'),
    ('‑', '-'),
    ('‒', '-'),
    ('–', '-'),
    ('˗', '-'),
    ('⁃', '-'),
    ('﹣', '-'),
    ('➖', '-'),
    ('·', '・'),
    ('•', '・'),
    ('⋅', '・'),
    ('«', '《'),
    ('»', '》'),
    ('ʼ', '’'),
    ('‵', '`'),
    ('µ', 'μ'),
    ('\u{c5}', '\u{212b}'),
    // Once more the same, by Unicode's own word.
    ('\u{37e}', ';'),
    ('\u{1fbe}', 'ι'),
    ('\u{1fef}', '`'),
    ('\u{1ffd}', '´'),
    ('\u{2126}', 'Ω'),
    ('\u{212a}', 'K'),
    ('\u{2329}', '〈'),
    ('\u{232a}', '〉'),
    // Radicals, which come out of PDF files in the place of the letter.
    ('⺟', '母'),
    ('⺠', '民'),
    ('⻁', '虎'),
    ('⻄', '西'),
    ('⻆', '角'),
    ('⻑', '長'),
    ('⻘', '青'),
    ('⻝', '食'),
    ('⻤', '鬼'),
    ('⻨', '麦'),
    ('⻩', '黄'),
    ('⻫', '斉'),
    ('⻭', '歯'),
    ('⻯', '竜'),
    ('⻲', '亀'),
    ('⻳', '亀'),
];

/// The radicals from U+2F00 on as letters, in order: they too come out of PDF files.
const RADICALS: &str = "一丨丶丿乙亅二亠人儿入八冂冖冫几凵刀力勹匕匚匸十卜卩厂厶又口囗土士夂夊夕大女子宀寸小尢尸屮山巛工己巾干幺广廴廾弋弓彐彡彳心戈戸手支攴文斗斤方无日曰月木欠止歹殳毋比毛氏气水火爪父爻爿片牙牛犬玄玉瓜瓦甘生用田疋疒癶白皮皿目矛矢石示禸禾穴立竹米糸缶网羊羽老而耒耳聿肉臣自至臼舌舛舟艮色艸虍虫血行衣襾見角言谷豆豕豸貝赤走足身車辛辰辵邑酉釆里金長門阜隶隹雨青非面革韋韭音頁風飛食首香馬骨高髟鬥鬯鬲鬼魚鳥鹵鹿麥麻黄黍黑黹黽鼎鼓鼠鼻齊齒龍龜龠";
const FIRST_RADICAL: u32 = 0x2f00;

/// Ideographs that Unicode has once more for old character sets, and Windows-31J only once: from U+F900 on,
/// the letter that each is, and a blank where Windows-31J has it itself, or not at all.
const ONCE_MORE: &str = "豈更車賈滑串句龜龜契金喇奈懶癩羅蘿螺裸邏樂洛烙珞落酪駱亂卵欄爛蘭鸞嵐濫藍襤拉臘 廊 浪狼郎來冷勞 櫓爐盧老蘆虜路露魯鷺碌祿綠  鹿論壟弄籠聾牢磊賂雷壘 樓 漏累縷陋勒肋凜凌稜綾菱陵讀拏樂諾丹寧怒率異北 便復不泌數索參塞省葉 殺辰沈拾若掠略亮兩凉梁糧良諒量勵呂女廬旅濾礪閭驪麗黎力  轢年憐戀撚漣煉璉 練聯輦蓮連 列劣咽烈裂 廉念捻 簾獵令囹寧嶺怜玲瑩羚聆鈴零靈領例禮醴隸惡了僚寮尿料樂燎療蓼遼龍暈阮劉 柳流溜琉留硫紐類六戮陸倫崙淪輪律慄栗率 利吏履易李梨泥理痢罹裏裡里離匿溺吝燐 藺隣鱗麟林淋臨立笠粒 炙識什茶刺切度拓糖宅洞暴輻行降見廓兀                                 郞隷侮僧免勉勤卑喝嘆器塀墨層屮悔慨憎懲敏既暑梅海渚漢煮 琢碑社祉祈祐祖祝禍禎穀突節練縉繁署者臭  著褐視謁謹賓贈 逸難響頻恵 舘  並况全 充冀勇勺喝 喙 塚墳奄奔婢   彩徭惘慎愈憎 懲戴揄搜 敖晴朗望杖歹殺流 滋漢瀞煮 爵犯猪  画 瘟益盛直 着  節 絛練 者荒華 襁覆視調諸請謁諾諭謹變贈輸遲   難靖 響 頻 龜";
const FIRST_ONCE_MORE: u32 = 0xf900;

/// Hyphens, dashes and long-vowel marks that people type between digits.
const HYPHENS: &str = "－ー‐―─━ｰ−—‑‒–˗⁃﹣➖";

/// Says how the letter before it is drawn, or nothing at all: leaves no trace in what is read.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0100}'..='\u{e01ef}')
}

/// `text` in letters of Windows-31J as far as there are twins, in one line: sound marks joined to their
/// letters (as NFC does), line breaks and blanks of other widths as spaces, none at the ends.
pub fn line(text: &str) -> String {
    if text.chars().all(is_known) {
        return text.trim().to_owned();
    }
    let spaced = |c: char| if c.is_whitespace() && c != '\u{3000}' { ' ' } else { c };
    lines(text).replace("\r\n", "\n").chars().map(spaced).collect::<String>().trim().to_owned()
}

/// The same for text of several lines.
pub fn lines(text: &str) -> String {
    // Most text is as gateways know it: nothing in the set is invisible, has a twin or joins the letter before it.
    if text.chars().all(is_known) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_invisible(*c)).map(twin) {
        // A mark and the letter before it are one letter where there is such a one.
        match out.chars().next_back().and_then(|last| compose(last, c)) {
            Some(whole) => {
                out.pop();
                out.push(twin(whole));
            }
            None => out.push(c),
        }
    }
    out
}

/// `c`, or its twin where Windows-31J has not `c` itself. Letters that Windows-31J tells apart (塚 and its
/// older form) stay apart.
fn twin(c: char) -> char {
    if is_known(c) {
        return c;
    }
    let alike = TWINS.iter().find(|(from, _)| *from == c).map(|(_, to)| *to);
    alike.or_else(|| nth(RADICALS, FIRST_RADICAL, c)).or_else(|| nth(ONCE_MORE, FIRST_ONCE_MORE, c)).unwrap_or(c)
}

/// The letter of `letters` for `c`, the first of them being for the character `first`.
fn nth(letters: &str, first: u32, c: char) -> Option<char> {
    let at = (c as u32).checked_sub(first)?;
    letters.chars().nth(at as usize).filter(|letter| *letter != ' ')
}

/// `text` of letters, digits and signs in half width, every hyphen as `-`, without blanks at the ends:
/// telephone numbers, postal codes, tracking numbers, e-mail addresses.
pub fn ascii(text: &str) -> String {
    let text = line(text);
    if text.is_ascii() {
        return text;
    }
    let hyphen = |c: char| if HYPHENS.contains(c) { '-' } else { c };
    half_width_kana(&text.chars().map(hyphen).collect::<String>())
}

/// What people put between the digits of a telephone number.
const BETWEEN_DIGITS: [char; 5] = ['-', '(', ')', ' ', '.'];

/// A telephone number as digits with single hyphens, as gateways take it: `+81 (3) 1234 5678` →
/// `03-1234-5678`. What is none stays to be named.
pub fn phone(text: &str) -> String {
    let ascii = ascii(text);
    let national = match ascii.strip_prefix("+81").map(|rest| rest.trim_start_matches(BETWEEN_DIGITS)) {
        Some(rest) if rest.starts_with('0') => rest.to_owned(),
        Some(rest) => format!("0{rest}"),
        None => ascii,
    };
    national.split(BETWEEN_DIGITS).filter(|digits| !digits.is_empty()).collect::<Vec<_>>().join("-")
}

/// `order` as gateways know it. A recipient who is the buyer is none: carts fill it always.
pub fn order(order: &Order) -> Order {
    let (buyer, recipient) = (party(&order.buyer), order.recipient.as_ref().map(party));
    Order {
        recipient: recipient.filter(|recipient| !is_same_person(recipient, &buyer)),
        buyer,
        items: order.items.iter().map(|item| LineItem { name: line(&item.name), ..item.clone() }).collect(),
        note: order.note.as_deref().map(lines),
        ..order.clone()
    }
}

/// `shipment` with its number as gateways know it.
pub fn shipment(shipment: &Shipment) -> Shipment {
    Shipment { tracking_number: ascii(&shipment.tracking_number), ..shipment.clone() }
}

/// `cancellation` with its reason as gateways know it.
pub fn cancellation(cancellation: &Cancellation) -> Cancellation {
    Cancellation { reason: cancellation.reason.as_deref().map(line), ..cancellation.clone() }
}

fn party(party: &Party) -> Party {
    let optional = |text: &Option<String>| text.as_deref().map(line);
    let address = &party.address;
    Party {
        name: line(&party.name),
        name_kana: optional(&party.name_kana),
        company: optional(&party.company),
        department: optional(&party.department),
        address: Address {
            postal_code: ascii(&address.postal_code).trim_start_matches('〒').trim().to_owned(),
            prefecture: line(&address.prefecture),
            city: line(&address.city),
            street: line(&address.street),
        },
        phone: phone(&party.phone),
        email: party.email.as_deref().map(ascii),
    }
}

/// Whether the goods go to the one who pays: name, postal code, address and telephone number are the
/// same, whatever their width and blanks. A recipient without a telephone number has the buyer's.
fn is_same_person(recipient: &Party, buyer: &Party) -> bool {
    let plain = |text: &str| full_width(text).replace(char::is_whitespace, "");
    let address = |party: &Party| {
        let Address { prefecture, city, street, .. } = &party.address;
        (digits(&party.address.postal_code), plain(&[prefecture.as_str(), city, street].concat()))
    };
    let phone = digits(&recipient.phone);
    plain(&recipient.name) == plain(&buyer.name)
        && address(recipient) == address(buyer)
        && (phone.is_empty() || phone == digits(&buyer.phone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use encoding_rs::SHIFT_JIS;
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    /// The web's table of the same set reads these three as well; Windows and Java do not write them.
    const OF_THE_WEB_ALONE: [char; 3] = ['¥', '‾', '−'];

    #[test]
    fn the_character_set_is_windows_31j() {
        for c in '\0'..=char::MAX {
            let private = matches!(c, '\u{e000}'..='\u{f8ff}');
            let mut buffer = [0; 4];
            let written = !SHIFT_JIS.encode(c.encode_utf8(&mut buffer)).2;
            let expected = written && !private && !c.is_control() && !OF_THE_WEB_ALONE.contains(&c);
            assert_eq!(is_known(c), expected, "{c} {:x}", c as u32);
        }
    }

    #[test]
    fn nothing_that_is_known_is_invisible_a_line_break_or_joins_the_letter_before_it() {
        for c in '\0'..=char::MAX {
            assert!(!is_known(c) || (!is_invisible(c) && !c.is_control()), "{c} {:x}", c as u32);
            let parts: Vec<char> = [c].into_iter().nfd().collect();
            if let [.., last] = parts[..]
                && parts.len() > 1
            {
                assert!(!is_known(last), "{c} {:x} ends in {last}", c as u32);
            }
        }
        let spaces = |c: &char| is_known(*c) && c.is_whitespace();
        assert_eq!(('\0'..=char::MAX).filter(spaces).collect::<String>(), " \u{3000}");
    }

    #[test]
    fn twins_are_known_and_what_they_stand_for_is_not() {
        for (from, to) in TWINS {
            assert!(!is_known(from) && is_known(to), "{from} {to}");
            assert_eq!(TWINS.iter().filter(|(other, _)| *other == from).count(), 1, "{from}");
        }
        // Japan writes these three in another form than Unicode's table has.
        let japan = |c: char| match c {
            '戶' => '戸',
            '靑' => '青',
            '黃' => '黄',
            c => c,
        };
        let of_unicode: String = ('\u{2f00}'..='\u{2fd5}').nfkc().map(japan).collect();
        assert_eq!(RADICALS, of_unicode);
        // What Unicode calls the same letter as one that is known becomes that one.
        for c in ('\0'..='\u{ffff}').filter(|c| !is_known(*c)) {
            let same: Vec<char> = [c].into_iter().nfd().collect();
            if same.len() == 1 && is_known(same[0]) {
                assert_eq!(twin(c), same[0], "{c} {:x}", c as u32);
            }
        }
    }

    #[test]
    fn letters_become_those_that_windows_31j_has() {
        for (written, sent) in [
            ("1〜2−3—4‖5¢6£7¬8¥9‾", "1～2－3―4∥5￠6￡7￢8￥9￣"),
            ("1–2‑3", "1-2-3"),
            ("か\u{3099}は\u{309a}ハ\u{309a}ウ\u{3099}", "がぱパヴ"),
            ("e\u{301}", "é"),
            ("辻\u{e0100}葛\u{fe00}\u{200b}\u{feff}", "辻葛"),
            ("⾼橋⻑⻄⼤", "高橋長西大"),
            ("塚塚﨑髙神神", "塚塚﨑髙神神"),
            ("海\u{fa45}", "海海"),
            ("\u{212b}\u{c5}µ", "\u{212b}\u{212b}μ"),
            (" 山田\u{a0}花子\u{3000}\n", "山田 花子"),
            ("芝公園\r\n例示ビル\t1", "芝公園 例示ビル 1"),
            ("試験\u{3000}花子", "試験\u{3000}花子"),
            ("①㈱№～", "①㈱№～"),
            ("𠮷😀é\u{7}", "𠮷😀é\u{7}"),
        ] {
            assert_eq!(line(written), sent, "{written}");
            assert_eq!(line(sent), sent, "what is folded stays");
        }
        assert_eq!(lines("1〜\r\n 2\n"), "1～\r\n 2\n");
    }

    #[test]
    fn numbers_become_ascii() {
        for (written, sent) in [
            ("０９０－１２３４－５６７８", "090-1234-5678"),
            ("090ー1234—5678", "090-1234-5678"),
            ("ＡＢ１２ＪＰ", "AB12JP"),
            ("ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｊｐ", "hanako@example.jp"),
        ] {
            assert_eq!(ascii(written), sent);
        }
    }

    #[test]
    fn telephone_numbers_become_digits_with_hyphens() {
        for (written, sent) in [
            ("03-1234-5678", "03-1234-5678"),
            ("09012345678", "09012345678"),
            ("０３（１２３４）５６７８", "03-1234-5678"),
            ("(03) 1234.5678", "03-1234-5678"),
            ("＋81　3‐1234−5678 ", "03-1234-5678"),
            ("+81(0)90-1234-5678", "0-90-1234-5678"),
            ("-090--1234-5678-", "090-1234-5678"),
            ("電話 1", "電話-1"),
            ("+1-212-555-0100", "+1-212-555-0100"),
        ] {
            assert_eq!(phone(written), sent);
        }
    }

    #[test]
    fn an_order_is_folded_in_every_text() {
        let mut written = samples::order();
        written.buyer.name = "ハ\u{309a}ーク 〜".to_owned();
        written.buyer.address.postal_code = "〒１０５－００１１".to_owned();
        written.buyer.phone = "０３−００００−００００".to_owned();
        written.buyer.company = Some("㈱−".to_owned());
        written.items[0].name = "茶碗〜大\n".to_owned();
        written.note = Some("〜\n".to_owned());
        let folded = order(&written);
        assert_eq!(folded.buyer.name, "パーク ～");
        assert_eq!(folded.buyer.address.postal_code, "105-0011");
        assert_eq!(folded.buyer.phone, "03-0000-0000");
        assert_eq!(folded.buyer.company.as_deref(), Some("㈱－"));
        assert_eq!(folded.items[0].name, "茶碗～大");
        assert_eq!(folded.note.as_deref(), Some("～\n"));
        assert_eq!(order(&samples::order()), samples::order(), "an ordinary order stays as it is");
        let number = samples::shipment(samples::registration("R", None), "sagawa", "１２３４−５６７８ ");
        assert_eq!(shipment(&number).tracking_number, "1234-5678");
    }

    #[test]
    fn a_recipient_who_is_the_buyer_is_none() {
        let with = |change: &dyn Fn(&mut Party)| {
            let mut written = samples::order();
            let recipient = written.recipient.insert(written.buyer.clone());
            change(recipient);
            order(&written).recipient.is_some()
        };
        let same: [&dyn Fn(&mut Party); 7] = [
            &|_| {},
            &|party| party.name = "試験\u{3000}花子".to_owned(),
            &|party| party.address.postal_code = "１０５００１１".to_owned(),
            &|party| party.address.street = "芝公園９−９９−９　例示ﾋﾞﾙ１０１".to_owned(),
            &|party| {
                (party.address.city, party.address.street) = ("港区芝公園".to_owned(), "9-99-9例示ビル101".to_owned())
            },
            &|party| party.phone = "0300000000".to_owned(),
            &|party| (party.phone, party.email) = (String::new(), Some("other@example.com".to_owned())),
        ];
        for (at, change) in same.iter().enumerate() {
            assert!(!with(change), "case {at}");
        }
        let other: [&dyn Fn(&mut Party); 4] = [
            &|party| party.name = "試験 花".to_owned(),
            &|party| party.address.postal_code = "105-0012".to_owned(),
            &|party| party.address.street = "芝公園9-99-9 例示ビル102".to_owned(),
            &|party| party.phone = "03-0000-0001".to_owned(),
        ];
        for (at, change) in other.iter().enumerate() {
            assert!(with(change), "case {at}");
        }
    }

    proptest! {
        /// What Windows-31J knows goes out as it came, and folding twice is folding once.
        #[test]
        fn known_text_stays_and_folding_ends(text in "\\PC*") {
            let folded = line(&text);
            prop_assert_eq!(&line(&folded), &folded);
            if text.chars().all(is_known) {
                prop_assert_eq!(folded, text.trim());
            }
        }
    }
}
