//! Every check: what it looks at, what to do where it fails, and how it judges.

use crate::faults::{FAULTS, Fault};
use crate::report::Outcome;
use crate::session::Session;
use crate::words::Words;
use crate::{afterwards, described, faults, fees, inputs, settings, wire};
use futures::future::LocalBoxFuture;
use provider_host::LoadError;
use std::borrow::Cow;
use std::sync::LazyLock;

/// One check.
pub struct Check {
    /// Stable name: `settings.missing`.
    pub id: Cow<'static, str>,
    /// What is asked of the plugin.
    pub what: Words,
    /// What to do where it fails.
    pub advice: Words,
    /// Says nothing about a plugin without settings that it accepts.
    pub needs_settings: bool,
    /// How it is judged.
    pub judge: Judge,
}

/// How a check is judged.
pub enum Judge {
    /// By loading the component; see [`LOADING`].
    Loading,
    /// By calling the plugin.
    Calling(for<'a> fn(&'a Session) -> LocalBoxFuture<'a, Outcome>),
    /// By calling it while its gateway fails in this way.
    Fault(&'static Fault),
    /// By what was seen of all calls together.
    Afterwards(fn(&Session) -> Outcome),
}

/// Whether a check can do without accepted settings.
const BARE: bool = false;
/// See [`BARE`].
const WITH_SETTINGS: bool = true;

/// A check from its parts; `calling NAME` wraps an async function.
macro_rules! check {
    ($id:literal, $needs:expr, calling $judge:path, $ja:literal, $en:literal, $do_ja:literal, $do_en:literal) => {
        check($id, $needs, Judge::Calling(|session| Box::pin($judge(session))), [$ja, $en, $do_ja, $do_en])
    };
    ($id:literal, $needs:expr, afterwards $judge:path, $ja:literal, $en:literal, $do_ja:literal, $do_en:literal) => {
        check($id, $needs, Judge::Afterwards($judge), [$ja, $en, $do_ja, $do_en])
    };
}

fn check(id: &'static str, needs_settings: bool, judge: Judge, words: [&str; 4]) -> Check {
    let [ja, en, do_ja, do_en] = words;
    Check { id: id.into(), what: Words::new(ja, en), advice: Words::new(do_ja, do_en), needs_settings, judge }
}

/// What comes before everything else, in the order in which the host does it.
pub static LOADING: LazyLock<[Check; 3]> = LazyLock::new(|| {
    [
        check(
            "load.file",
            BARE,
            Judge::Loading,
            [
                "受け入れられる大きさのWebAssemblyコンポーネントである",
                "the file is a WebAssembly component that platforms take",
                "理由のとおりに直す。コアモジュールはコンポーネントにし（wit-component の ComponentEncoder など）、大きすぎるものは小さく作る",
                "follow the reason: a core module is encoded as a component, with wit-component's ComponentEncoder for \
                 instance; one that is too large is built smaller",
            ],
        ),
        check(
            "load.imports",
            BARE,
            Judge::Loading,
            [
                "許されたものだけをimportし、payment-provider か payment-provider-sync をexportする",
                "it imports what plugins may, no more, and exports payment-provider or payment-provider-sync",
                "理由にあるimportを使う部品を外す",
                "drop the parts that need the imports in the reason",
            ],
        ),
        check(
            "load.describe",
            BARE,
            Judge::Loading,
            [
                "describe が答える",
                "describe answers",
                "describe は引数も通信もなしに、固定の内容を返す",
                "let describe return fixed data; it has neither arguments nor a network",
            ],
        ),
    ]
});

/// The place in [`LOADING`] of the check that `error` fails.
pub fn at_fault(error: &LoadError) -> usize {
    let id = match error {
        LoadError::Refused { .. } => "load.imports",
        LoadError::Describe { .. } => "load.describe",
        _ => "load.file",
    };
    LOADING.iter().position(|check| check.id == id).expect("the ids are those of the table")
}

/// Every check, those of loading first.
pub fn table() -> Vec<Check> {
    let loading = LOADING.iter().map(|check| Check {
        id: check.id.clone(),
        what: check.what.clone(),
        advice: check.advice.clone(),
        needs_settings: check.needs_settings,
        judge: Judge::Loading,
    });
    loading.chain(all()).collect()
}

/// Every check of a component that was loaded.
pub fn all() -> Vec<Check> {
    let mut checks = description();
    checks.extend(settings_checks());
    checks.extend(rows());
    checks.extend(FAULTS.iter().map(fault));
    checks.extend(money());
    checks.extend(wires());
    checks.extend(looking_back());
    checks
}

fn fault(fault: &'static Fault) -> Check {
    let advice = Words::new(
        "送る前に終わったと言い切れるときだけ not-sent、回答を全部読んで理解したときだけ成功、ほかは outcome-unknown にする",
        "say not-sent only if nothing can have left, success only after a whole answer was understood, \
         and outcome-unknown otherwise",
    );
    let what = Words::new(format!("接続先が{}", fault.ja), format!("the gateway {}", fault.en));
    Check { id: format!("fault.{}", fault.name).into(), what, advice, needs_settings: true, judge: Judge::Fault(fault) }
}

fn description() -> Vec<Check> {
    vec![
        check!(
            "described.ids", BARE, calling described::ids,
            "設定・配送業者・選択肢のidが重ならない",
            "no id of a setting, carrier or choice comes twice",
            "重なったidの片方を除く",
            "drop one of the two"
        ),
        check!(
            "described.carriers", BARE, calling described::carriers,
            "共通の配送業者に共通のidが付いている",
            "a carrier that all plugins know has the id that all give it",
            "wit/provider.wit の record carrier にあるidを使う",
            "use the id that record carrier lists in wit/provider.wit"
        ),
        check!(
            "described.labels", BARE, calling described::languages,
            "名前と説明が日本語と英語の両方にある",
            "names and helps are there in Japanese and in English",
            "足りない言語の文を加える",
            "add the words that are missing"
        ),
        check!(
            "described.version", BARE, calling described::version,
            "versionが 1.2.3 の形である",
            "the version is of the form 1.2.3",
            "Cargo.tomlなどのversionをそのまま返す",
            "return the package's own version"
        ),
        check!(
            "described.origins", BARE, calling described::origins,
            "originsがスキーム・ホスト・ポートだけである",
            "origins are scheme, host and port alone",
            "https://www.example.jp のようにパスなしで書く",
            "write them like https://www.example.jp, without a path"
        ),
        check!(
            "described.limits", BARE, calling described::limits,
            "上限・操作・能力が互いに合う",
            "limits, operations and capabilities fit together",
            "batch-limits・carriers・capabilities・max-billed-amount を見直す",
            "look at batch-limits, carriers, capabilities and max-billed-amount together"
        ),
    ]
}

fn settings_checks() -> Vec<Check> {
    vec![
        check!(
            "settings.accepted", BARE, calling settings::accepted,
            "describeの内容から作った設定が受け入れられる",
            "settings made from the description are accepted",
            "種類・必須・上限をdescribeに書く。形が決まった値なら --settings FILE.toml で渡す",
            "describe kinds, lengths and what is required; values of a special form go in with --settings FILE.toml"
        ),
        check!(
            "settings.defaults", WITH_SETTINGS, calling settings::defaults,
            "既定値が受け入れられる",
            "the described defaults are accepted",
            "defaultをcheck-settingsが受け入れる値にする",
            "make each default a value that check-settings accepts"
        ),
        check!(
            "settings.missing", WITH_SETTINGS, calling settings::missing,
            "必須項目がないことを指摘する",
            "a required setting that is missing or empty is named",
            "必須項目がない・空のときに、そのキーでfield-problemを返す",
            "return a field-problem with its key"
        ),
        check!(
            "settings.kinds", WITH_SETTINGS, calling settings::kinds,
            "種類に合わない値を指摘する",
            "a value that is not of the field's kind is named",
            "digits・url・choiceの値を調べる",
            "check the values of digits, urls and choices"
        ),
        check!(
            "settings.lengths", WITH_SETTINGS, calling settings::lengths,
            "max-lengthより長い値を指摘する",
            "a value longer than its max-length is named",
            "文字数を数えて調べる",
            "count characters and compare"
        ),
        check!(
            "settings.unknown-key", WITH_SETTINGS, calling settings::unknown_key,
            "知らないキーを指摘する",
            "a key that is not described is named",
            "describeにないキーをfield-problemで返す",
            "return a field-problem for it: it is a typing error in somebody's file"
        ),
        check!(
            "settings.all-at-once", WITH_SETTINGS, calling settings::all_at_once,
            "複数の誤りをすべて指摘する",
            "several problems are all named, not only the first",
            "最初の誤りで戻らず、集めてから返す",
            "collect the problems and return them together"
        ),
        check!(
            "settings.any-input", BARE, calling inputs::settings,
            "どんな設定でも中断しない",
            "no settings end check-settings",
            "値を検査してから使う。unwrapや添字をやめる",
            "check values before using them; no unwrap, no indexing"
        ),
    ]
}

fn rows() -> Vec<Check> {
    vec![
        check!(
            "input.orders", WITH_SETTINGS, calling inputs::orders,
            "どんな注文でもcreditが中断しない",
            "no list of orders ends credit",
            "入力を検査してinvalidを返す。中断すると同じ呼び出しの全行が結果不明になる",
            "return invalid for it: a call that breaks off makes all of its rows unknown"
        ),
        check!(
            "input.registrations", WITH_SETTINGS, calling inputs::registrations,
            "どんな登録でもcheck-creditが中断しない",
            "no list of registrations ends check-credit",
            "入力を検査してinvalidを返す",
            "return invalid for it"
        ),
        check!(
            "input.cancels", WITH_SETTINGS, calling inputs::cancellations,
            "どんなキャンセルでもcancelが中断しない",
            "no list of cancellations ends cancel",
            "入力を検査してinvalidを返す",
            "return invalid for it"
        ),
        check!(
            "input.shipments", WITH_SETTINGS, calling inputs::shipments,
            "どんな出荷でもsync-trackingが中断しない",
            "no list of shipments ends sync-tracking",
            "入力を検査してinvalidを返す",
            "return invalid for it"
        ),
        check!(
            "input.carrier", WITH_SETTINGS, calling inputs::unknown_carrier,
            "知らない配送業者を送る前に断る",
            "a carrier that is not described is refused before anything is sent",
            "describeのcarriersにないidにはinvalidを返す",
            "return invalid for an id that is not among the described carriers"
        ),
        check!(
            "rows.apart", WITH_SETTINGS, calling inputs::apart,
            "行ごとの結果が、ほかの行にも順にも左右されない",
            "each row says what it says alone, in the order asked",
            "行ごとに判定し、聞かれた順に返す",
            "judge row by row and answer in the order of the questions"
        ),
        check!(
            "rows.many", WITH_SETTINGS, calling inputs::many,
            "batch-limitsいっぱいの行に答える（1000行まで）",
            "as many rows as batch-limits allow are answered, up to 1000",
            "batch-limitsを扱える行数にする",
            "describe limits that the plugin can carry"
        ),
        check!(
            "ask.connection-test", WITH_SETTINGS, calling described::connection_test,
            "test-connectionがcapabilitiesのとおりである",
            "test-connection does what the capabilities say",
            "test-connectionがあるなら問い合わせる。ないならunsupportedを返す",
            "ask the gateway if it is described, and say unsupported if it is not"
        ),
        check!(
            "ask.by-reference", WITH_SETTINGS, calling described::find_by_reference,
            "番号での照会がcapabilitiesのとおりである",
            "asking by reference does what the capabilities say",
            "取引IDのない登録は、番号で問い合わせるか、unsupportedを返す",
            "ask by reference where there is no transaction id, or say unsupported"
        ),
        check!(
            "sends.once", WITH_SETTINGS, calling faults::sends_once,
            "届いたかもしれない登録を送り直さない",
            "a registration that may have arrived is never sent again in a call",
            "再送をやめてoutcome-unknownを返す。確認はcheck-creditで行われる",
            "do not repeat it: say outcome-unknown, and the platform asks with check-credit"
        ),
    ]
}

fn money() -> Vec<Check> {
    vec![
        check!(
            "fees.bands", BARE, calling fees::bands,
            "手数料が契約どおりに決まる",
            "the fee is that of the band that holds the bill, and the bill adds up",
            "SDKの fees::adjust を使うか、その規則に合わせる",
            "use the SDK's fees::adjust, or follow its rule"
        ),
        check!(
            "fees.refused", BARE, calling fees::wrong_bands,
            "重なり・隙間・逆・負の手数料を断る",
            "bands that overlap, leave a gap, or are backwards or negative are refused",
            "行を調べ、誤った行をすべてfield-problemで返す",
            "check the bands and return every wrong one"
        ),
        check!(
            "fees.any-input", BARE, calling inputs::fees,
            "どんな手数料設定と金額でも中断しない",
            "no rule and no bill end fee-adjust",
            "金額の範囲を先に調べ、あふれない計算をする",
            "bound the amounts first, so that no sum can overflow"
        ),
    ]
}

fn wires() -> Vec<Check> {
    vec![
        check!(
            "wire.scenario", BARE, calling wire::scenario,
            "知られた接続先の模擬サーバーで与信から伝票番号まで通る",
            "the strict simulator of its gateway is worked from credit to tracking",
            "断られた要求の理由を読み、docsの仕様に合わせる",
            "read why the simulator refused, and follow the wire's rules"
        ),
        check!(
            "wire.faults", BARE, calling wire::under_faults,
            "模擬サーバーのどの障害でも台帳と食い違わない",
            "under every fault of the simulator it never contradicts the ledger",
            "回答の番号・金額を照合し、読めない回答を成功にしない",
            "compare ids and amounts of an answer with what was asked, and call nothing unread a success"
        ),
        check!(
            "wire.golden", BARE, calling wire::golden,
            "要求が手本と1バイトも違わない",
            "its requests are byte for byte the golden ones",
            "意図した変更なら BLESS=1 で手本を書き直し、差分を見直す",
            "if the change is meant, write them anew with BLESS=1 and review the difference"
        ),
    ]
}

fn looking_back() -> Vec<Check> {
    vec![
        check!(
            "rows.length", WITH_SETTINGS, afterwards afterwards::length,
            "聞かれた行数と同じ数だけ答える",
            "a call answers as many rows as it was asked",
            "失敗した行も含めて、1行に1つの結果を返す",
            "return one result for each row, failed ones too"
        ),
        check!(
            "calls.end", WITH_SETTINGS, afterwards afterwards::ends,
            "ふつうの呼び出しが上限内で答える",
            "ordinary calls end with an answer, within every limit",
            "中断・計算時間・ログの量を見直す",
            "look for panics, long computing and too many log lines"
        ),
        check!(
            "reach.origins", WITH_SETTINGS, afterwards afterwards::origins,
            "設定された接続先にだけ送る",
            "every request goes to the origin that the settings name",
            "接続先を設定のURLから作り、ほかへ送らない",
            "build every URL from the setting, and send nowhere else"
        ),
        check!(
            "reach.silent", BARE, afterwards afterwards::silent,
            "describe・check-settings・fee-adjustが通信しない",
            "describe, check-settings and fee-adjust send nothing",
            "通信はcontextを受け取る操作だけで行う",
            "send only from operations that are given a context"
        ),
        check!(
            "log.private", WITH_SETTINGS, afterwards afterwards::private,
            "ログに設定値も個人情報も書かない",
            "no log line holds a setting or personal data",
            "値ではなく、項目名やreferenceを書く",
            "log names of fields and references, not values"
        ),
    ]
}
