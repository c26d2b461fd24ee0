//! Files and texts that set the platform up: malls, fees, permissions, signatures, addresses of artifacts.

use app::cli::mall_file;
use deferred_payment_fees as fees;
use domain::lang::Lang;
use domain::validation::shape_problems;
use fees::{Bill, FeeBand, FeeMode, FeeRule};
use provider_distribution::Reference;
use provider_host::{Origin, Permissions};
use service::messages::localize::Localize;

/// Shorter values are in other words by chance.
const SHORTEST_SECRET: usize = 6;

/// The settings file of a mall.
pub(crate) fn mall(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok((mall, problems)) = mall_file::parse("main", text) else { return };
    for problem in &problems {
        for lang in [Lang::Ja, Lang::En] {
            let words = problem.localized(lang);
            assert!(words.starts_with(&problem.key) && words.len() > problem.key.len(), "{words:?} names no key");
        }
    }
    if problems.is_empty() {
        assert_eq!(shape_problems(&mall), [], "a mall that is accepted has something wrong");
    }
    let shown = format!("{mall:?} {problems:?}");
    for value in mall.settings.values() {
        let secret = value.expose();
        let is_said_once = secret.len() >= SHORTEST_SECRET && text.matches(secret).count() == 1;
        let is_shown = is_said_once && shown.contains(secret);
        assert!(!is_shown || is_own_word(secret, text), "a setting is repeated: {shown}");
    }
}

/// Whether what is said of the file `text` has `word` in it where the file has it not.
fn is_own_word(word: &str, text: &str) -> bool {
    let other = text.replace(word, &"z".repeat(word.len()));
    mall_file::parse("main", &other).is_ok_and(|said| format!("{said:?}").contains(word))
}

pub(crate) fn mall_seeds() -> Vec<Vec<u8>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../host-demo/samples/");
    let names = ["atobarai-com", "np", "atodene", "score", "kuroneko"];
    let whole = "name = \"本店\"\nprovider = \"atobarai-com\"\ninvoice = \"同梱\"\nrows-per-request = 20\nresults = \"csv\"\n\
        [settings]\nenterprise-id = \"01234\"\n[fees]\nmode = \"上書きする\"\n[[fees.band]]\nlower = 0\nupper = 9999\n\
        fee = 330\n[automation]\ncredit = \"新規受付\"\nsync = \"at-once\"\npoll = true\nrejected = \"お支払い確認\"\n\
        [mapping]\npreset = \"rakuten\"\n[mapping.columns]\n\"備考\" = \"店舗メモ\"\n[take]\n\"支払方法\" = [\"後払い決済\"]\n";
    let samples =
        names.map(|name| std::fs::read(format!("{root}mall-{name}.toml")).expect("a sample of each provider"));
    samples.into_iter().chain([whole.as_bytes().to_vec()]).collect()
}

/// Numbers of an input, small ones as often as large ones.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().map_or((0, &[][..]), |(first, rest)| (*first, rest));
        self.0 = rest;
        first
    }

    /// The first byte says how many of its bytes follow.
    fn yen(&mut self) -> i64 {
        let length = self.byte() % 9;
        let mut bytes = [0; 8];
        bytes.iter_mut().take(length.into()).for_each(|byte| *byte = self.byte());
        let number = i64::from_le_bytes(bytes);
        if length < 8 && self.byte() & 1 == 1 { -number } else { number }
    }
}

/// A fee rule and a bill, compared with the rule said once more without any care for speed or overflow.
pub(crate) fn fees(input: &[u8]) {
    let mut numbers = Numbers(input);
    let mode = [FeeMode::Keep, FeeMode::Replace, FeeMode::Add][usize::from(numbers.byte()) % 3];
    let rows = numbers.byte();
    let mut band = || {
        let (lower, is_open) = (numbers.yen(), numbers.byte() & 1 == 1);
        FeeBand { lower, upper: (!is_open).then(|| numbers.yen()), fee: numbers.yen() }
    };
    let bands: Vec<FeeBand> = (0..rows).map(|_| band()).collect();
    let bill = Bill { items: numbers.yen(), shipping_fee: numbers.yen(), payment_fee: numbers.yen() };
    let rule = FeeRule { mode, bands };
    match fees::adjust(&rule, &bill) {
        Err(problems) => {
            assert!(!problems.is_empty(), "refused for nothing");
            assert!(!is_good(&rule, &bill), "a rule without fault is refused: {problems:?}");
            for problem in problems {
                assert!(!problem.message.is_empty() && !problem.code.is_empty());
                let at = problem.field.strip_prefix("bands[").and_then(|rest| rest.split_once(']'));
                let at = at.map(|(at, _)| at.parse::<usize>().expect("a row"));
                assert!(at.is_none_or(|at| at < rule.bands.len()), "{} is no row", problem.field);
            }
        }
        Ok(adjusted) => {
            assert!(is_good(&rule, &bill), "a rule with a fault is applied: {rule:?} {bill:?}");
            let wide = |yen: i64| i128::from(yen);
            let billed = wide(bill.items) + wide(bill.shipping_fee) + wide(bill.payment_fee);
            let holds =
                |band: &&FeeBand| wide(band.lower) <= billed && band.upper.is_none_or(|upper| billed <= wide(upper));
            let held = rule.bands.iter().filter(holds).collect::<Vec<_>>();
            assert!(held.len() <= 1, "two bands hold one bill");
            let fee = match (mode, held.first()) {
                (FeeMode::Keep, _) | (_, None) => bill.payment_fee,
                (FeeMode::Replace, Some(band)) => band.fee,
                (FeeMode::Add, Some(band)) => bill.payment_fee + band.fee,
            };
            assert_eq!(adjusted.payment_fee, fee);
            assert_eq!(adjusted.billed_amount, bill.items + bill.shipping_fee + fee);
        }
    }
}

fn is_good(rule: &FeeRule, bill: &Bill) -> bool {
    let amounts = 0..=fees::MAX_YEN;
    let bands = &rule.bands;
    let each = |(at, band): (usize, &FeeBand)| {
        let next = bands.get(at + 1).map(|next| next.lower);
        let joins = match (band.upper, next) {
            (None, next) => next.is_none(),
            (Some(upper), None) => amounts.contains(&upper),
            (Some(upper), Some(next)) => amounts.contains(&upper) && upper.checked_add(1) == Some(next),
        };
        amounts.contains(&band.lower)
            && amounts.contains(&band.fee)
            && joins
            && band.upper.is_none_or(|upper| upper >= band.lower)
    };
    let of_bill = [bill.items, bill.shipping_fee, bill.payment_fee];
    bands.len() <= fees::MAX_BANDS
        && bands.iter().enumerate().all(each)
        && of_bill.iter().all(|yen| (-fees::MAX_YEN..=fees::MAX_YEN).contains(yen))
}

pub(crate) fn fees_seeds() -> Vec<Vec<u8>> {
    // 1..=9 at 5, 10.. at 0; a bill of 3 and 2.
    let two = [1, 2, 1, 1, 0, 0, 1, 9, 0, 1, 5, 0, 1, 10, 0, 1, 0, 1, 3, 0, 0, 0, 1, 2, 0];
    vec![two.to_vec(), [2, 0, 2, 100, 1, 0, 1, 5, 0].to_vec()]
}

/// A permission file: what is read is shown as it is, written as it is read, and two have no more in common than either.
pub(crate) fn permissions(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(origin) = text.parse::<Origin>() {
        check_origin(text, &origin);
    }
    let Ok(read) = Permissions::from_text("file.toml", text) else { return };
    let written = toml::to_string(&read).expect("what was read can be written");
    let again = Permissions::from_text("file.toml", &written);
    assert_eq!(again.ok().as_ref(), Some(&read), "it is read otherwise than it was: {written}");
    assert_eq!(read.within(&read), read, "a grant has itself in common with itself");
    let none = read.within(&Permissions::default());
    assert!(none.origins.is_empty() && none.private_addresses.is_empty());
    read.origins.iter().for_each(|origin| check_origin(&origin.to_string(), origin));
}

fn check_origin(text: &str, origin: &Origin) {
    let shown = origin.to_string();
    assert_eq!(shown.parse::<Origin>().as_ref(), Ok(origin), "{text:?} is shown as {shown}");
    assert!(!text.contains(['@', '?', '#', '\\']), "{text:?} has more in it than scheme, host and port");
    assert!(shown.starts_with("http://") || shown.starts_with("https://"), "{shown}");
    assert!(!shown.contains(char::is_whitespace) && !shown.contains(char::is_control), "{shown:?}");
}

pub(crate) fn permissions_seeds() -> Vec<Vec<u8>> {
    let whole = "provider = \"np\"\nsha256 = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"\n\
        public-keys = [\"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\"]\nmin-version = \"1.2.0\"\n\
        origins = [\"https://www.atobarai.jp\", \"http://[::1]:80\"]\nprivate-addresses = [\"127.0.0.1/32\", \"::1/128\"]\n\
        refuse-empty-wasi = true\n";
    ["https://www.example.jp", "http://127.0.0.1:8080/", whole].map(|text| text.as_bytes().to_vec()).to_vec()
}

/// The address of an artifact: it is shown as it is read, and no registry but this machine's is asked without TLS.
pub(crate) fn references(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(reference) = text.parse::<Reference>() else { return };
    let shown = reference.to_string();
    assert_eq!(shown.parse::<Reference>().as_ref(), Ok(&reference), "{text:?} is shown as {shown}");
    assert!(text.ends_with(&shown), "{text:?} is shown as {shown}");
    assert!(shown.is_ascii() && !shown.contains(['?', '#', '%', '\\', ' ']), "{shown:?}");
    assert!(!reference.repository().split('/').any(|part| matches!(part, "" | "." | "..")), "{shown}");
    assert!(reference.digest().is_none_or(|digest| digest.len() == "sha256:".len() + 64), "{shown}");
}

pub(crate) fn references_seeds() -> Vec<Vec<u8>> {
    let digest = "a".repeat(64);
    let pinned = format!("oci://127.0.0.1:5000/providers/np:1.2.0@sha256:{digest}");
    ["registry.example.jp/np:1.2.0", "[::1]:5000/np", "localhost/np", &pinned]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}
