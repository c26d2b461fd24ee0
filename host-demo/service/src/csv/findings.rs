//! What files call what operators found.

use domain::finding::FindingKind;
use domain::lang::Lang;

/// What a file calls each kind of finding, and other spellings that are understood.
const FINDINGS: [(FindingKind, &str, &[&str]); 7] = [
    (FindingKind::Approved, "与信OK", &["OK", "登録あり（与信OK）"]),
    (FindingKind::Registered, "登録あり", &["登録有り"]),
    (FindingKind::Rejected, "与信NG", &["NG", "登録あり（与信NG）"]),
    (FindingKind::Cancelled, "キャンセル済", &["キャンセル済み", "与信キャンセル済"]),
    (FindingKind::Nothing, "登録なし", &["登録無し"]),
    (FindingKind::Tracked, "伝票番号あり", &["伝票番号有り"]),
    (FindingKind::Untracked, "伝票番号なし", &["伝票番号無し"]),
];

/// The kind of finding that stands in `cell`, in one of its spellings or under its name in the API.
pub fn read_finding(cell: &str) -> Option<FindingKind> {
    let is_called = |(kind, name, others): &&(FindingKind, &str, &[&str])| {
        cell == *name || cell.eq_ignore_ascii_case(&kind.to_string()) || others.contains(&cell)
    };
    FINDINGS.iter().find(is_called).map(|(kind, ..)| *kind)
}

/// The findings as a sentence lists them.
pub fn finding_names(lang: Lang) -> String {
    let names = FINDINGS.iter().map(|(kind, name, _)| lang.pick((*name).to_owned(), format!("{name} ({kind})")));
    names.collect::<Vec<_>>().join(lang.pick("、", ", "))
}
