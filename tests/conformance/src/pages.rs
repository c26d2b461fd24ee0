//! What is to be read about each check: what it asks, how it is tried, what to do.

use crate::checks::{Check, table};
use crate::words::{Lang, Words};
use std::fmt::Write;

/// How the checks of a group are tried, by the first part of their ids.
const GROUPS: [(&str, &str, &str); 13] = [
    (
        "load",
        "プラットフォームと同じサンドボックスに読み込み、describeを呼び出す。",
        "The file is loaded into the sandbox that platforms use, and `describe` is called.",
    ),
    ("described", "describeの回答を調べる。", "The answer of `describe` is examined."),
    (
        "settings",
        "describeから作った設定と、それを1か所ずつ誤らせたものをcheck-settingsに渡す。",
        "`check-settings` is given settings that are made from the description, and the same with one thing wrong.",
    ),
    (
        "input",
        "乱数の種から作った入力（空、長い文字列、絵文字、制御文字、負や巨大な金額）を渡し、失敗した入力は小さくしてから示す。",
        "The operation is given inputs that are generated from the seed: empty, long, emoji, control characters, \
         negative and enormous amounts. An input that fails is made smaller before it is shown.",
    ),
    (
        "rows",
        "複数の行を1回の呼び出しで渡し、1行ずつの回答と比べる。",
        "Several rows are given in one call, and their results compared with those of each row alone.",
    ),
    (
        "ask",
        "空の応答を返す接続先で、capabilitiesの約束どおりに問い合わせるかを見る。",
        "At a gateway that answers with nothing it is seen whether the plugin asks as its capabilities promise.",
    ),
    (
        "sends",
        "要求が届いたかもしれない障害（読んで切断、無応答、500、途中で切断）で登録し、要求の数を数える。",
        "A registration is made under each fault in which the request may have arrived (read and closed, no answer, \
         500, cut), and the requests are counted.",
    ),
    (
        "fault",
        "この障害だけを起こす接続先をループバックに開き、プラグインのすべての操作を1行で呼び出す。回答せずに終わった呼び出しは不合格である。",
        "A gateway on loopback shows this fault and nothing else; every operation of the plugin is called there with \
         one row. A call that ends without an answer fails the check.",
    ),
    (
        "fees",
        "fee-adjustに手数料設定と請求を渡し、契約の規則と比べる。",
        "`fee-adjust` is given rules and bills, and compared with the contract's rule.",
    ),
    (
        "wire",
        "通信仕様の知られた会社なら、厳格な模擬サーバーで一連の操作を行い、その台帳と比べる。",
        "For a provider whose wire is known, the ordinary work is done at a strict simulator of its gateway and \
         compared with its ledger.",
    ),
    (
        "calls",
        "ほかの検査の、ふつうの入力での呼び出しすべてを見る。",
        "All calls of the other checks that had ordinary input are looked at.",
    ),
    (
        "reach",
        "ほかの検査の呼び出しすべてで、要求の宛先を見る。",
        "The requests of all calls of the other checks are looked at.",
    ),
    (
        "log",
        "ほかの検査の、ふつうの入力での呼び出しが書いたログの行を見る。",
        "The log lines of all calls of the other checks that had ordinary input are looked at.",
    ),
];

fn how(check: &Check) -> Words {
    let group = check.id.split('.').next().unwrap_or_default();
    let found = GROUPS.iter().find(|(name, ..)| *name == group);
    found.map_or_else(|| Words::same(""), |(_, ja, en)| Words::new(*ja, *en))
}

/// What is to be read about the check `id` in `lang`; nothing where there is none.
pub fn page(id: &str, lang: Lang) -> Option<String> {
    let checks = table();
    let check = checks.iter().find(|check| check.id == id)?;
    let [tried, fix] = [lang.pick("検査方法", "How it is tried"), lang.pick("対処", "What to do")];
    let (what, how, advice) = (check.what.in_lang(lang), how(check), check.advice.in_lang(lang));
    Some(format!("{id}\n\n{what}\n\n{tried}: {}\n\n{fix}: {advice}\n", how.in_lang(lang)))
}

/// Ids of all checks with what each asks.
pub fn list(lang: Lang) -> String {
    let checks = table();
    let widest = checks.iter().map(|check| check.id.len()).max().unwrap_or_default();
    let mut list = String::new();
    for check in &checks {
        let _ = writeln!(list, "{:widest$}  {}", check.id, check.what.in_lang(lang));
    }
    list
}

/// A section of a document for each check.
pub fn document() -> String {
    let mut text = String::new();
    for check in &table() {
        let (ja, en) = (check.what.in_lang(Lang::Ja), check.what.in_lang(Lang::En));
        let _ = writeln!(text, "### {}\n\n{ja} / {en}\n", check.id);
        let _ = writeln!(text, "{}\n", how(check).in_lang(Lang::En));
        let _ = writeln!(text, "To do: {}.\n", check.advice.in_lang(Lang::En).trim_end_matches('.'));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_says_how_it_is_tried() {
        for check in table() {
            assert_ne!(how(&check), Words::same(""), "{}", check.id);
        }
        assert!(page("fault.cut-body", Lang::En).unwrap().contains("loopback"));
        assert_eq!(page("fault", Lang::En), None);
    }
}
