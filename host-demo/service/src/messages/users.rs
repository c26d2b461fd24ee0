//! Why a user, a name or a password is refused.

use super::localize::Localize;
use domain::lang::Lang;
use domain::user::{MAX_PASSWORD, MAX_USER_NAME, MIN_PASSWORD, UserProblem};

/// What is wrong, and what to do.
impl Localize for UserProblem {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::Name => lang.pick(
                format!("名前は1文字以上{MAX_USER_NAME}文字以内で、前後に空白を入れないでください"),
                format!("A name has 1 to {MAX_USER_NAME} characters and no space around it"),
            ),
            Self::NameTaken => {
                lang.pick("この名前は使われています".into(), "Somebody has this name; choose another".into())
            }
            Self::Password => lang.pick(
                format!("パスワードは{MIN_PASSWORD}文字以上{MAX_PASSWORD}文字以内にしてください"),
                format!("A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters"),
            ),
            Self::LastAdministrator => lang.pick(
                "管理者がいなくなります。先にほかの人を管理者にしてください".into(),
                "Nobody would be an administrator; make somebody else one first".into(),
            ),
            Self::NoUser => lang.pick("この利用者はいません".into(), "There is no such user".into()),
        }
    }
}
