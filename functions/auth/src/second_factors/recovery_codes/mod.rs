//! `/v1/auth/recovery-codes`: codes that replace a lost second factor, each once.

pub mod create;
pub mod show;

use data_encoding::BASE32_NOPAD;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use serde::Serialize;
use shared::domain::ids::UserId;
use utoipa::ToSchema;

use crate::AuthState;

/// The number of codes that a user gets at once.
const CODES: usize = 10;
/// 80 bits: too many to guess.
const LEN: usize = 10;
/// The number of characters between two hyphens.
const GROUP: usize = 4;

/// New recovery codes. Each works once, in place of a code of the app.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodes {
    /// Ten codes. They are shown once.
    #[schema(min_items = 10, max_items = 10)]
    recovery_codes: Vec<RecoveryCode>,
}

/// 16 letters and digits in groups of four.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 19, max_length = 19, example = "GEZD-GNBV-GY3T-QOJQ")]
struct RecoveryCode(String);

/// Codes that are not stored yet.
pub struct NewCodes {
    codes: Vec<RecoveryCode>,
    hashes: Vec<Vec<u8>>,
}

impl NewCodes {
    /// Generates ten random codes for `user`.
    pub async fn generate(state: &AuthState, user: UserId) -> anyhow::Result<Self> {
        let codes = (0..CODES).map(|_| RecoveryCode::generate()).collect::<anyhow::Result<Vec<_>>>()?;
        let mut hashes = Vec::with_capacity(CODES);
        for code in &codes {
            hashes.push(code_hash(state, user, &code.0).await?);
        }
        Ok(Self { codes, hashes })
    }

    /// Returns the keyed hashes that are stored.
    pub fn hashes(&self) -> &[Vec<u8>] {
        &self.hashes
    }

    /// Returns the codes themselves, for the response.
    pub fn reveal(self) -> RecoveryCodes {
        RecoveryCodes { recovery_codes: self.codes }
    }
}

impl RecoveryCode {
    fn generate() -> anyhow::Result<Self> {
        let mut bytes = [0; LEN];
        SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        let text = BASE32_NOPAD.encode(&bytes);
        let groups: Vec<_> = text.as_bytes().chunks(GROUP).map(String::from_utf8_lossy).collect();
        Ok(Self(groups.join("-")))
    }
}

/// Returns the stored hash of a recovery code of `user`. Hyphens, spaces and case do not matter: people type it from paper.
pub async fn code_hash(state: &AuthState, user: UserId, code: &str) -> anyhow::Result<Vec<u8>> {
    let text = format!("recovery-code\n{user}\n{}", normalized(code));
    Ok(hmac::sign(&state.session_key().await?, text.as_bytes()).as_ref().to_vec())
}

fn normalized(code: &str) -> String {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_typed_in_any_case_with_or_without_hyphens() {
        let RecoveryCode(code) = RecoveryCode::generate().expect("a code");
        assert_eq!((code.len(), code.matches('-').count()), (19, 3), "{code}");
        let bare = code.replace('-', "");
        assert_eq!(BASE32_NOPAD.decode(bare.as_bytes()).expect("base32").len(), LEN);
        for typed in [code.to_lowercase(), bare.clone(), format!(" {} ", code.replace('-', " "))] {
            assert_eq!(normalized(&typed), bare);
        }
    }
}
