//! The sentences for what is wrong between a mapping and a file, in both languages.

use crate::csv::mapping::column::in_english;
use crate::csv::mapping::error::{DefinitionError, MappingError, Problem, ProblemKind, Wrong};
use crate::csv::mapping::form_error::{FormError, FormFault};
use crate::csv::mapping::text::MAX_MAPPING_BYTES;
use crate::csv::mapping::value::{
    MAX_DEPTH, MAX_PARTS, MAX_POSITION, MAX_TEXT, MAX_WORDS, NTH_ALONE, ONE_ORIGIN, WITH_ALONE,
};
use domain::lang::Lang;

/// What a spreadsheet did to an identifier, and what to do: the second half of a sentence that begins with it.
pub fn mangled(lang: Lang) -> &'static str {
    lang.pick(
        "Excelで崩れています。元の番号のままではありません。モールや配送業者から出力したCSVを、Excelで開かず\
         そのまま使うか、Excelの「データの取得」で列を「文字列」にして開いてください",
        "was destroyed by Excel: it is not as it was. Use the file as the mall or carrier wrote it, without opening it \
         in Excel, or open it there by Get Data with the column as text",
    )
}

/// Parts of what the reader of values says, and what that is in Japanese.
const VALUE_FAULTS: [(&str, &str); 8] = [
    (ONE_ORIGIN, "column、position、text、join、first-ofのうち、ちょうど1つを書いてください"),
    (NTH_ALONE, "nthはcolumnと一緒に書いてください"),
    (WITH_ALONE, "withはjoinと一緒に書いてください"),
    ("no such column", "取込の列にこの名前はありません"),
    ("unknown variant", "決まった値のどれかを書いてください"),
    ("invalid type", "値の種類が違います"),
    ("wanted string or table", "文字か表を書いてください"),
    ("did not match", "値の種類が違います"),
];

/// What is wrong with a mapping itself, and what to do.
pub fn definition_error(error: &DefinitionError, lang: Lang) -> String {
    match error {
        DefinitionError::TooLarge => lang.pick(
            format!("列の対応が{}KiBを超えています。短くしてください", MAX_MAPPING_BYTES >> 10),
            format!("The mapping is larger than {} KiB; shorten it", MAX_MAPPING_BYTES >> 10),
        ),
        DefinitionError::Form(FormError { line, fault }) => {
            format!("{}: {}", place(*line, lang), fault_text(fault, lang))
        }
        DefinitionError::NoPreset { line, name, known } => {
            let (place, known) = (place(*line, lang), known.join(", "));
            lang.pick(
                format!("{place}: 「{name}」という見本はありません。次のどれかを書いてください: {known}"),
                format!("{place}: there is no preset {name}; write one of {known}"),
            )
        }
        DefinitionError::Part { line, at, wrong } => {
            let (place, what) = (place(*line, lang), wrong_text(*wrong, lang));
            lang.pick(format!("{place}の「{at}」: {what}"), format!("{place}, {at}: {what}"))
        }
    }
}

/// Where in a mapping something is wrong.
fn place(line: Option<usize>, lang: Lang) -> String {
    match line {
        Some(line) => lang.pick(format!("列の対応の{line}行目"), format!("The mapping, line {line}")),
        None => lang.pick("列の対応".to_owned(), "The mapping".to_owned()),
    }
}

fn fault_text(fault: &FormFault, lang: Lang) -> String {
    match fault {
        FormFault::UnknownKey(key) => lang.pick(
            format!("「{key}」というキーはありません。名前を直すか、消してください"),
            format!("there is no key {key}; mend its name or remove it"),
        ),
        FormFault::MissingKey(key) => {
            lang.pick(format!("「{key}」がありません。加えてください"), format!("{key} is missing; add it"))
        }
        FormFault::Twice => lang.pick(
            "同じキーが二度あります。片方を消してください".to_owned(),
            "a key is there twice; remove one of them".to_owned(),
        ),
        FormFault::Value(said) => lang.pick(
            format!("ここにこの値は書けません。直してください（{}）", in_japanese(said)),
            format!("this value cannot stand here; mend it ({said})"),
        ),
        FormFault::Syntax(said) => lang.pick(
            format!("TOMLとして読めません。引用符やかっこを確かめてください（{said}）"),
            format!("it cannot be read as TOML; check quotes and brackets ({said})"),
        ),
    }
}

/// What the reader of values says, where it is known in Japanese.
fn in_japanese(said: &str) -> &str {
    let known = VALUE_FAULTS.iter().find(|(english, _)| said.contains(english));
    known.map_or(said, |(_, japanese)| japanese)
}

fn wrong_text(wrong: Wrong, lang: Lang) -> String {
    match wrong {
        Wrong::TooDeep => lang.pick(
            format!("入れ子は{MAX_DEPTH}段までです"),
            format!("values stand too deep in one another, more than {MAX_DEPTH}; nest them less"),
        ),
        Wrong::Parts => lang.pick(
            format!("つなげる列を1つ以上、{MAX_PARTS}個以内にしてください"),
            format!("a value has no parts, or too many; give 1 to {MAX_PARTS}"),
        ),
        Wrong::TextTooLong => lang.pick(
            format!("文字は{MAX_TEXT}文字までです"),
            format!("a text is longer than {MAX_TEXT} characters; shorten it"),
        ),
        Wrong::Heading => lang.pick(
            format!("見出しを1文字以上、{MAX_TEXT}文字以内で書いてください"),
            format!("a heading is empty or longer than {MAX_TEXT} characters; mend it"),
        ),
        Wrong::Place => lang.pick(
            format!("列の位置は1から{MAX_POSITION}までで指定してください"),
            format!("a place counts from 1, up to {MAX_POSITION}; mend it"),
        ),
        Wrong::WordsTooLong => lang.pick(
            format!("読み替えは{MAX_WORDS}個までです"),
            format!("a table of words has more than {MAX_WORDS}; shorten it"),
        ),
        Wrong::NoWords => lang.pick(
            "この名前の読み替えの表がありません。表を加えるか名前を直してください".to_owned(),
            "there is no table of words with this name; add it or mend the name".to_owned(),
        ),
        Wrong::Per => lang.pick(
            "perは送料、決済手数料、合計金額、加算・減算の列だけに指定してください".to_owned(),
            format!(
                "per goes with {}, {}, {} and adjustments alone; remove it",
                in_english("送料"),
                in_english("決済手数料"),
                in_english("合計金額")
            ),
        ),
        Wrong::TooMany(most) => {
            lang.pick(format!("{most}個までです"), format!("there are more than {most}; remove some"))
        }
        Wrong::Name => lang.pick(
            format!("名前を1文字以上、{MAX_TEXT}文字以内で書いてください"),
            format!("a name is empty or longer than {MAX_TEXT} characters; mend it"),
        ),
        Wrong::Rate => {
            lang.pick("税率は100以下にしてください".to_owned(), "a rate has 100 percent at most; mend it".to_owned())
        }
    }
}

/// How a mapping does not fit a file, and what to do.
pub fn mapping_error(error: &MappingError, lang: Lang) -> String {
    match error {
        MappingError::NoHeadings => lang.pick(
            "見出しの行が見つかりません。このモールの書き出しか、列の対応を確かめてください".to_owned(),
            "No row has the headings; check that the file is this mall's export, and the mall's mapping".to_owned(),
        ),
        MappingError::Missing { heading, column } => lang.pick(
            format!("見出し「{heading}」がありません（「{column}」に使う列です）。書き出しの項目か、列の対応を直してください"),
            format!(
                "There is no heading {}, from which {} comes; add it to the export or mend the mapping",
                in_english(heading),
                in_english(column)
            ),
        ),
        MappingError::Several { heading, count } => lang.pick(
            format!("見出し「{heading}」が{count}つあります。列の対応で、何番目の列か（nth）を選んでください"),
            format!("{count} columns have the heading {heading}; say in the mapping which one is meant (nth)"),
        ),
        MappingError::NotSoMany { heading, nth, count } => lang.pick(
            format!("見出し「{heading}」は{count}つで、{nth}番目の列がありません。列の対応を直してください"),
            format!("The heading {heading} comes {count} times, so there is no column {nth} of it; mend the mapping"),
        ),
        MappingError::Beyond { position, width } => lang.pick(
            format!("{position}番目の列がありません（この書き出しは{width}列）。列の対応を直してください"),
            format!("There is no column {position} in an export of {width} columns; mend the mapping"),
        ),
        MappingError::NoSource(column) => lang.pick(
            format!("「{column}」をどの列から取るかが決まっていません。列の対応で選んでください"),
            format!("Nothing says where {} comes from; choose its column in the mapping", in_english(column)),
        ),
    }
}

/// What is wrong with an order's row, and what to do.
pub fn problem(problem: &Problem, lang: Lang) -> String {
    let (line, what) = (problem.line, problem_of_order(problem, lang));
    lang.pick(format!("{line}行目{what}"), format!("line {line}, {what}"))
}

/// The same where the order's line has been named.
pub fn problem_of_order(problem: &Problem, lang: Lang) -> String {
    let (heading, what) = (&problem.heading, kind_text(&problem.kind, lang));
    lang.pick(format!("「{heading}」: {what}"), format!("{}: {what}", in_english(heading)))
}

fn kind_text(kind: &ProblemKind, lang: Lang) -> String {
    match kind {
        ProblemKind::Empty => lang.pick("入力してください".to_owned(), "nothing stands here; fill it in".to_owned()),
        ProblemKind::NoWord(value) => lang.pick(
            format!("「{value}」の読み替えがありません。列の対応に加えてください"),
            format!("nothing says what \"{value}\" means; add it to the mapping"),
        ),
        ProblemKind::Address(value) => lang.pick(
            format!("「{value}」を都道府県と市区町村に分けられません。住所を確かめてください"),
            format!("prefecture and municipality cannot be told apart in \"{value}\"; look at the address"),
        ),
        ProblemKind::Date(value) => lang.pick(
            format!("「{value}」を2026/07/01 12:34のような日付に直してください（年は4桁）"),
            format!("\"{value}\" must be a date such as 2026/07/01 12:34, its year with four digits"),
        ),
        ProblemKind::Amount(value) => lang.pick(
            format!("「{value}」を円単位の金額に直してください"),
            format!("\"{value}\" must be an amount in yen"),
        ),
        ProblemKind::Fraction(value) => lang.pick(
            format!("「{value}」に1円未満の端数があります。円単位に直すか、列の対応で税と端数処理を決めてください"),
            format!("\"{value}\" has a fraction of a yen; give whole yen, or set tax and rounding in the mapping"),
        ),
        ProblemKind::Negative(value) => lang.pick(
            format!("「{value}」は0以上にしてください。値引きなら、列の対応で値引きの列にしてください"),
            format!("\"{value}\" must not be negative; a discount is a column of its own in the mapping"),
        ),
        ProblemKind::Mangled(value) => {
            lang.pick(format!("「{value}」は{}", mangled(lang)), format!("\"{value}\" {}", mangled(lang)))
        }
        ProblemKind::LostZero(value) => lang.pick(
            format!(
                "「{value}」は先頭の0がなくなっています。モールから出力したCSVを、Excelで開かずそのまま使うか、\
                 先頭に0を補ってください"
            ),
            format!(
                "a leading 0 is missing in \"{value}\": a spreadsheet took it away. Use the file as the mall wrote it, or \
                 put the 0 back"
            ),
        ),
        ProblemKind::Phone(value) => lang.pick(
            format!("「{value}」を、市外局番からの日本の電話番号（10桁か11桁）に直してください"),
            format!("\"{value}\" must be a Japanese telephone number with its area code, of ten or eleven digits"),
        ),
        ProblemKind::PostalCode(value) => lang.pick(
            format!("「{value}」を7桁の郵便番号に直してください"),
            format!("\"{value}\" must be a postal code of seven digits"),
        ),
        ProblemKind::Prefecture(value) => lang.pick(
            format!("「{value}」は都道府県ではありません。47都道府県のどれかに直してください（海外へは後払いにできません）"),
            format!("\"{value}\" is no prefecture; give one of the 47 (there is no deferred payment abroad)"),
        ),
        ProblemKind::BecameDate(value) => lang.pick(
            format!("「{value}」は、番地がExcelで日付に変わったものです。元の番地に直してください"),
            format!("\"{value}\" is a house number of which a spreadsheet made a date; give the house number"),
        ),
        ProblemKind::Text(value) => {
            lang.pick(format!("「{value}」を直してください"), format!("\"{value}\" cannot be kept; mend it"))
        }
        ProblemKind::ControlCharacters => lang.pick(
            "目に見えない制御文字を取り除いてください".to_owned(),
            "control characters stand here; remove them".to_owned(),
        ),
        ProblemKind::Invoice(value) => lang.pick(
            format!("「{value}」を別送か同梱に直してください"),
            format!("\"{value}\" must be 別送 (separate) or 同梱 (enclosed)"),
        ),
        ProblemKind::Destinations(count) => lang.pick(
            format!(
                "送付先が{count}つあります。後払いの与信に登録できる送付先は1つなので、送付先ごとに別の注文番号（例: 末尾に-1、-2）\
                 と合計金額に分けて取り込んでください。分けられなければ、後払い会社の管理画面で登録してください"
            ),
            format!(
                "the order has {count} destinations, and a credit is registered with one: split it into an order for each \
                 destination (numbers such as -1, -2, each with its own total), or register it on the provider's own page"
            ),
        ),
        ProblemKind::Quantity(value) => lang.pick(
            format!("「{value}」を1以上の整数に直してください"),
            format!("\"{value}\" must be a whole number from 1"),
        ),
        ProblemKind::TaxRate(value) => lang.pick(
            format!("「{value}」を10や8のような税率に直してください"),
            format!("\"{value}\" must be a tax rate such as 10 or 8"),
        ),
        ProblemKind::NoTaxRate => lang.pick(
            "税抜の価格に税率がありません。税率の列を選ぶか、列の対応で決めてください".to_owned(),
            "a price without tax has no tax rate; choose a column for it or set it in the mapping".to_owned(),
        ),
        ProblemKind::RowsDiffer => lang.pick(
            "同じ注文の行で値が違います。別の注文なら番号を変えてください".to_owned(),
            "the rows of this order differ here; give another number if it is another order".to_owned(),
        ),
        ProblemKind::Repeated(line) => lang.pick(
            format!("{line}行目と同じ行です。同じ注文が二度入っていないか確かめ、余分な行を消してください"),
            format!("the same row as line {line}; look whether the order is in the file twice, and remove one"),
        ),
        ProblemKind::Cells { expected, found } => lang.pick(
            format!("列の数が見出しより多くなっています（見出し{expected}、この行{found}）。カンマと引用符を確かめてください"),
            format!("{found} cells where the heading line has {expected}; look at commas and quotes"),
        ),
        ProblemKind::NoItems => lang.pick(
            "商品の行がありません。書き出しに商品の項目を加えてください".to_owned(),
            "the order has no item; add the items to the export".to_owned(),
        ),
        ProblemKind::Total { total, sum } => lang.pick(
            format!("合計{total}円が、商品・送料・手数料・値引きの合計{sum}円と違います。金額か、値引きの列の対応を確かめてください"),
            format!("the total is {total} yen, but items, fees and discounts add up to {sum}; look at the amounts and at the mapping's adjustments"),
        ),
    }
}
