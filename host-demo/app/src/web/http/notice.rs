//! Notices at the top of a page, and the tones that they and states are shown in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// How a notice or a state is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Tone {
    /// Success.
    Ok,
    /// Failure.
    Bad,
    /// The outcome is unknown.
    Doubt,
    /// An operator has to act, or to wait.
    Wait,
    /// Neutral.
    None,
}

/// A message that is shown once, at the top of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Its colour.
    pub tone: Tone,
    /// The message, in the language of the page.
    pub text: String,
}

impl Notice {
    /// A notice.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }

    /// Encodes notices for the cookie that carries them to the next page, in `limit` bytes: as many as fit, the last
    /// one truncated.
    pub fn pack(notices: &[Self], limit: usize) -> String {
        let mut notices = notices.to_vec();
        loop {
            let packed = URL_SAFE_NO_PAD.encode(serde_json::to_string(&notices).unwrap_or_default());
            let Some(last) = notices.last_mut().filter(|_| packed.len() > limit) else { return packed };
            match last.text.chars().count() / 2 {
                0 => drop(notices.pop()),
                half => last.text = last.text.chars().take(half).chain(['…']).collect(),
            }
        }
    }

    /// Decodes what [`Notice::pack`] made; `None` for any other value.
    pub fn unpack(text: &str) -> Option<Vec<Self>> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_survive_a_cookie_and_fit_into_it() {
        let notices = [Notice::new(Tone::Ok, "保存しました。"), Notice::new(Tone::Bad, "理由".repeat(2_000))];
        assert_eq!(Notice::unpack(&Notice::pack(&notices[..1], 100)).unwrap(), notices[..1]);
        let packed = Notice::pack(&notices, 1_000);
        assert!(packed.len() <= 1_000, "{}", packed.len());
        let cut = Notice::unpack(&packed).unwrap();
        assert_eq!(cut[0], notices[0]);
        assert!(cut[1].text.ends_with('…') && cut[1].text.starts_with("理由"));
        assert_eq!(Notice::unpack("<script>"), None);
    }
}
