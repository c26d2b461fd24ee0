//! What is wrong with the settings of a mall.

use super::format::mangled;
use super::issue::what_is_wrong;
use super::localize::Localize;
use domain::lang::Lang;
use domain::name::MAX_NAME;
use domain::validation::{MallProblem, Wrong};

/// One line: the key, what is wrong, what to write instead.
impl Localize for MallProblem {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        format!("{}: {}", self.key, self.wrong.localized(lang))
    }
}

/// What is wrong, what to write instead, without the key.
impl Localize for Wrong {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::UnknownKey => lang.pick(
                "この名前の項目はありません。綴りを確かめるか、行を消してください".into(),
                "there is no such key; check the spelling or remove it".into(),
            ),
            Self::Missing => lang.pick("この項目を書いてください".into(), "this key is required".into()),
            Self::Type(needed) => {
                lang.pick(format!("値の種類が違います（必要なのは {needed}）"), format!("the value must be {needed}"))
            }
            Self::Choice(choices) => {
                lang.pick(format!("{choices} のどれかにしてください"), format!("must be one of {choices}"))
            }
            Self::Text(max) => lang.pick(
                format!("1文字以上{max}文字以内で入力してください。前後の空白、改行、見えない文字は使えません"),
                format!(
                    "enter 1 to {max} characters, without blanks around them, line breaks and invisible characters"
                ),
            ),
            Self::Id => lang.pick(
                format!("半角英小文字・数字・ハイフンで、{MAX_NAME}文字以内にしてください（new は使えません）"),
                format!("use a to z, 0 to 9 and -, at most {MAX_NAME} characters; new cannot be used"),
            ),
            Self::Number(max) => lang
                .pick(format!("1から{max}までの整数にしてください"), format!("must be a whole number from 1 to {max}")),
            Self::Mangled => lang.pick(format!("この値は{}", mangled(lang)), format!("the value {}", mangled(lang))),
            Self::ProviderName => lang.pick(
                "後払い会社の名前は半角英小文字・数字・ハイフンです".into(),
                "a provider's name has a to z, 0 to 9 and - only".into(),
            ),
            Self::Mapping { ja, en } => lang.pick(ja, en).clone(),
            Self::Provider(field) => what_is_wrong(&field.said, lang),
        }
    }
}
