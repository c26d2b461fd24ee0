//! Why a batch does not go on.

use super::localize::Localize;
use domain::clock;
use domain::issue::Wait;
use domain::lang::Lang;

/// Why its rows wait, and what to do.
impl Localize for Wait {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::NoProcess => lang.pick(
                "まとめて処理を実行するプロセスが動いていません。`host-demo work`か`host-demo serve`を起動してください。".into(),
                "No process that does batches is running. Start `host-demo work` or `host-demo serve`.".into(),
            ),
            Self::NoPlugin { provider } => lang.pick(
                format!(
                    "後払い会社「{provider}」のプラグインを読み込んだプロセスがないため、待っています。管理者にプラグインの読み込みを依頼してください。"
                ),
                format!(
                    "No running process has loaded the plugin of the provider {provider}, so its orders wait. Ask an \
                     administrator to load it."
                ),
            ),
            Self::CreditPaused { provider, who, note } => lang.pick(
                format!(
                    "後払い会社「{provider}」への与信を{who}が休止しているため、待っています（理由: {note}）。再開されると自動で続きます。"
                ),
                format!(
                    "{who} has paused credits at the provider {provider} ({note}), so its orders wait. They go on by \
                     themselves when credits are resumed."
                ),
            ),
            Self::Paused { provider, until } => {
                let at = clock::time_of_day(*until);
                lang.pick(
                    format!("後払い会社「{provider}」への通信が続けて失敗したため、休止しています。{at}に自動で再開を試みます。"),
                    format!("Calls to the provider {provider} kept failing, so it is left alone; it is tried again by itself at {at}."),
                )
            }
        }
    }
}
