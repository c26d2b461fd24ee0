//! Everything that takes input from outside, as one function for each ([`TARGETS`]): it is given any bytes, and panics
//! where something does not hold that must hold for all of them.
//!
//! `cargo xtask fuzz` has libFuzzer make up inputs, led by what they reach in the code. `cargo test` runs the same
//! functions with the corpus and with inputs that a fixed seed makes of it (`tests/corpus.rs`), with any compiler.
//!
//! | module | holds |
//! |---|---|
//! | `answers` | answers of gateways to every call of the five plugins |
//! | `files` | files of orders and of tracking numbers, and mappings |
//! | `values` | cells, and what brings them to their one form |
//! | `settings` | files of malls and permissions, fee rules, addresses of artifacts |
//! | `components` | structures of components, signatures, manifests |

#![forbid(unsafe_code)]

mod answers;
mod components;
mod files;
mod settings;
mod values;

use std::sync::OnceLock;

/// What is fuzzed.
pub struct Target {
    /// What it is called; its corpus is the folder of this name in `corpus`.
    pub name: &'static str,
    /// What it reads, for people.
    pub reads: &'static str,
    /// Reads an input; panics where something does not hold.
    pub run: fn(&[u8]),
    /// Inputs to begin with: fixtures of the tests, true answers of the simulators.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words that chance would not find: names of fields, codes, signs.
    pub words: &'static [&'static [&'static str]],
    /// Most bytes of an input that is made up; more finds nothing else, and takes longer.
    pub longest: usize,
}

macro_rules! answers {
    ($name:literal, $reads:literal, $provider:ty, $shop:path, $words:expr) => {
        Target {
            name: $name,
            reads: $reads,
            run: |input| {
                static KNOWN: OnceLock<answers::Known> = OnceLock::new();
                answers::decode::<$provider>(&$shop, &KNOWN, input);
            },
            seeds: || answers::seeds::<$provider>(&$shop),
            words: $words,
            // A true answer about two registrations has less than half of it.
            longest: 1_024,
        }
    };
}

/// Every target. One without a corpus, and a corpus without one, fails a test.
pub const TARGETS: &[Target] = &[
    answers!(
        "answers-atobarai-com",
        "answers of 後払い.com",
        atobarai_com::AtobaraiCom,
        answers::ATOBARAI_COM,
        &[XML, ATOBARAI_COM]
    ),
    answers!("answers-np", "answers of NP後払い", np::Np, answers::NP, &[JSON, NP]),
    answers!(
        "answers-atodene",
        "answers of アトディーネ",
        atodene::Atodene,
        answers::ATODENE,
        &[XML, RESULTS, ATODENE]
    ),
    answers!("answers-score", "answers of スコア後払い", score::Score, answers::SCORE, &[XML, RESULTS, SCORE]),
    answers!(
        "answers-kuroneko",
        "answers of クロネコ代金後払い",
        kuroneko::Kuroneko,
        answers::KURONEKO,
        &[XML, KURONEKO]
    ),
    Target {
        name: "orders",
        reads: "files of orders, by every preset",
        run: files::orders,
        seeds: files::orders_seeds,
        words: &[CSV, HEADINGS, CELLS],
        longest: 2_048,
    },
    Target {
        name: "tracking",
        reads: "files of tracking numbers, by every format",
        run: files::tracking,
        seeds: files::tracking_seeds,
        words: &[CSV, CELLS],
        longest: 2_048,
    },
    Target {
        name: "mappings",
        reads: "mappings in TOML, and a file by each",
        run: files::mappings,
        seeds: files::mappings_seeds,
        words: &[TOML, MAPPING, HEADINGS, CSV],
        longest: 4_096,
    },
    Target {
        name: "values",
        reads: "cells of every kind",
        run: values::values,
        seeds: values::seeds,
        words: &[CELLS],
        longest: 128,
    },
    Target {
        name: "malls",
        reads: "settings files of malls",
        run: settings::mall,
        seeds: settings::mall_seeds,
        words: &[TOML, MALL],
        longest: 2_048,
    },
    Target {
        name: "fees",
        reads: "fee rules",
        run: settings::fees,
        seeds: settings::fees_seeds,
        words: &[],
        longest: 4_096,
    },
    Target {
        name: "permissions",
        reads: "permission files, origins",
        run: settings::permissions,
        seeds: settings::permissions_seeds,
        words: &[TOML, PERMISSIONS],
        longest: 1_024,
    },
    Target {
        name: "structure",
        reads: "components, before they are compiled",
        run: components::structure,
        seeds: components::structure_seeds,
        words: &[],
        longest: 4_096,
    },
    Target {
        name: "signatures",
        reads: "signatures of components",
        run: components::signatures,
        seeds: components::signatures_seeds,
        words: &[SIGNATURES],
        longest: 1_024,
    },
    Target {
        name: "manifests",
        reads: "manifests of registries",
        run: components::manifests,
        seeds: components::manifests_seeds,
        words: &[JSON, MANIFESTS],
        longest: 2_048,
    },
    Target {
        name: "references",
        reads: "addresses of artifacts",
        run: settings::references,
        seeds: settings::references_seeds,
        words: &[ADDRESSES],
        longest: 512,
    },
];

/// The target of this name.
pub fn by_name(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

const XML: &[&str] = &[
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<!DOCTYPE r [<!ENTITY a \"b\">]>",
    "&amp;",
    "&#xD800;",
    "&#x52;-1",
    "<response>",
    "</response>",
    "\u{feff}",
    "\u{1e}",
    "R-1",
    "R-2",
    "Q-unasked-9",
];
const ATOBARAI_COM: &[&str] = &[
    "<status>success</status>",
    "<status>error</status>",
    "<messages>",
    "<message cd=\"E00303\">",
    "<message cd=\"E00301\">",
    "<message cd=\"E01301\">",
    "<message cd=\"E01901\">",
    "<message cd=\"E01101\">",
    "<results>",
    "<result>",
    "<orderId>",
    "<entOrderId>R-1</entOrderId>",
    "<systemOrderId>",
    "<orderStatus cd=\"1\">",
    "<orderStatus cd=\"-1\">",
    "<orderStatus cd=\"3\">",
    "<orderStatus>11</orderStatus>",
    "<isCanceled>1</isCanceled>",
    "<isReceiptConfirmed>1</isReceiptConfirmed>",
    "<orderStatusName>",
    "<execResult>",
    "<error cd=\"E02301\">",
];
const RESULTS: &[&str] = &[
    "<result>OK</result>",
    "<result>NG</result>",
    "<errors>",
    "<error>",
    "<errorCode>",
    "<errorMessage>",
    "<errorPoint>",
    "<transactionInfo>",
    "OK",
    "NG",
    "保留",
];
const ATODENE: &[&str] = &[
    "<transactionId>",
    "<shopOrderId>R-1</shopOrderId>",
    "<autoAuthoriresult>OK</autoAuthoriresult>",
    "<manualAuthoriresult>",
    "<manualAuthorireasons>",
    "<manualAuthorireason>",
    "審査中",
    "er000033",
];
const SCORE: &[&str] = &[
    "<transactionResult>",
    "<nissenTransactionId>",
    "<shopTransactionId>R-1</shopTransactionId>",
    "<billedAmount>1590</billedAmount>",
    "<authorResult>OK</authorResult>",
    "<holdReason>",
    "<reasonCode>",
    "<reason>",
    "HOLD",
];
const KURONEKO: &[&str] = &[
    "<return>",
    "</return>",
    "<returnCode>0</returnCode>",
    "<returnCode>1</returnCode>",
    "<errorCode>kaara009E</errorCode>",
    "<errorCode>kaast008E</errorCode>",
    "<errorCode>kaacl",
    "<errorCode>kaasl",
    "<result>0</result>",
    "<result>1</result>",
    "<result>30</result>",
    "<orderNo>R-1</orderNo>",
    "<ycfStrCode>99000000001</ycfStrCode>",
    "<warning>1</warning>",
];
const JSON: &[&str] =
    &["{\"", "\":", "null", "true", "[]", "{}", "\\u0000", "\\ud800", "1e999", "-0", "\u{feff}", "\u{1e}"];
const NP: &[&str] = &[
    "\"results\":[",
    "\"errors\":[",
    "\"codes\":[",
    "\"id\":\"R-1\"",
    "\"shop_transaction_id\":\"R-1\"",
    "\"shop_transaction_id\":\"R-2\"",
    "\"np_transaction_id\":\"",
    "\"authori_result\":\"00\"",
    "\"authori_result\":\"10\"",
    "\"authori_result\":\"20\"",
    "\"authori_ng\":",
    "\"authori_hold\":[",
    "EPRO0101",
    "EPRO0102",
    "E0100113",
    "E0100114",
    "E0100115",
    "E0100118",
    "E0102004",
];
const CSV: &[&str] = &[
    "\r\n", "\n", "\r", "\"", "\"\"", "\",\"", ",", "\t", "\u{feff}", "\u{1e}", "='", "=\"", "\0", "\u{202e}", "合計",
    "R,",
];
const HEADINGS: &[&str] = &[
    "注文番号",
    "注文日時",
    "注文者氏名",
    "注文者郵便番号",
    "注文者都道府県",
    "注文者市区町村",
    "注文者住所",
    "注文者電話番号",
    "合計金額",
    "商品名",
    "単価",
    "数量",
    "税率",
    "送料",
    "決済手数料",
    "備考",
    "受注ステータス",
    "支払方法",
    "キャンセル",
    "後払い",
];
const CELLS: &[&str] = &[
    "3.0E+11",
    "####",
    "2026/11/24",
    "2月3日",
    "3-Feb",
    "東京都",
    "1,500",
    "▲",
    "¥",
    "円",
    "+81",
    "〒",
    "０",
    "－",
    "ー",
    "ﾞ",
    "゛",
    "\u{3099}",
    "\u{200b}",
    "\u{ad}",
    "\u{3000}",
    "\u{a0}",
    "'",
    "=\"",
    "×10^",
    "0.08",
    "8%",
    "個",
    "ゞ",
    "㌔",
    "ﷺ",
    "İ",
];
const TOML: &[&str] =
    &["\n[", "]\n", "[[", "]]", " = \"", "\"\n", " = true\n", " = [\"", "{ ", " }", "'''", "\\u0000", "#"];
const MAPPING: &[&str] = &[
    "preset = \"rakuten\"",
    "same-names = true",
    "number-on-first-row = true",
    "[columns]",
    "[file]",
    "separator = \"tab\"",
    "no-headings = true",
    "heading-line = 2",
    "position = ",
    "heading = ",
    "nth = 2",
    "join = [",
    "with = ",
    "first-of = [",
    "text = ",
    "optional = true",
    "words = ",
    "otherwise = \"refuse\"",
    "otherwise = \"empty\"",
    "part = \"prefecture\"",
    "given-name-first = true",
    "prefix = ",
    "suffix = ",
    "per = ",
    "[row-id]",
    "[row-kind]",
    "[prices]",
    "price = \"row\"",
    "tax = \"excluded\"",
    "rounding = \"half-up\"",
    "round-per = \"order\"",
    "total = \"computed\"",
    "default-rate = 10",
    "[[adjustments]]",
    "sign = \"taken-off\"",
    "[[skip]]",
    "is = [",
    "from = ",
    "\"伝票番号\" = ",
    "name = \"x\"",
    "[recognised]",
    "all = [",
];
const MALL: &[&str] = &[
    "name = ",
    "provider = \"np\"",
    "invoice = \"同梱\"",
    "results = \"csv\"",
    "rows-per-request = 20",
    "[settings]",
    "[fees]",
    "mode = \"加算する\"",
    "[[fees.band]]",
    "lower = 0",
    "upper = 9999",
    "fee = 330",
    "[automation]",
    "credit = \"at-once\"",
    "sync = \"never\"",
    "poll = true",
    "approved = ",
    "rejected = ",
    "on-hold = ",
    "[mapping]",
    "[take]",
    "\u{202e}",
];
const PERMISSIONS: &[&str] = &[
    "provider = ",
    "sha256 = ",
    "public-keys = [",
    "min-version = \"1.2.0\"",
    "origins = [",
    "private-addresses = [\"127.0.0.1/32\"]",
    "refuse-empty-wasi = true",
    "https://",
    "http://",
    "[::1]",
    "[::ffff:127.0.0.1]",
    ":443",
    "@",
    "0x7f.1",
    "%2e",
    "xn--",
];
const SIGNATURES: &[&str] =
    &["untrusted comment: ", "trusted comment: ", "deferred-payment-provider ", "np ", "1.2.0", "RU", "RW", "\n"];
const MANIFESTS: &[&str] = &[
    "\"schemaVersion\":2",
    "\"mediaType\":\"application/wasm\"",
    "\"mediaType\":\"application/vnd.wasm.config.v0+json\"",
    "\"config\":{",
    "\"layers\":[",
    "\"digest\":\"sha256:",
    "\"size\":",
    "\"annotations\":{",
    "\"deferred-payment.provider.minisig\":",
];
const ADDRESSES: &[&str] =
    &["oci://", "localhost", "127.0.0.1", "[::1]", ":5000", "/", "@sha256:", ":latest", "%2e", ".."];
