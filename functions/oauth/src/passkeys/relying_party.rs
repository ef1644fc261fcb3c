//! What this API asks of passkeys, and what it accepts (WebAuthn Level 3, 7.1 and 7.2).
//!
//! It uses `webauthn-rs-core`, because `webauthn-rs` cannot require a discoverable credential without an attestation of its maker.

use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;
use shared::{
    config::Config,
    domain::ids::PasskeyId,
    store::{passkey_ceremonies::LIFETIME, passkeys::Credential as Stored, users::User},
};
use url::Url;
use webauthn_rs_core::{
    WebauthnCore,
    error::WebauthnError,
    proto::{
        AttestationFormat, AuthenticationResult, AuthenticationState, Credential, ParsedAttestation,
        PublicKeyCredential, RegisterPublicKeyCredential, RegisteredExtensions, RegistrationState,
        UserVerificationPolicy,
    },
};

use crate::OauthState;

/// The length of authenticator data without extensions (6.1).
const DATA_LENGTH: usize = 37;
/// The place of the flags in it, and the flags that announce more.
const FLAGS: usize = 32;
const MORE: u8 = 0b1100_0000;
/// The longest id of a credential, in bytes (6.5.1). The library takes 4096, which is more than an index takes.
const MAX_ID: usize = 1023;
/// A public key that belongs to no passkey. For an unknown credential, a signature is verified all the same.
const NO_KEY: &str = r#"{"type_":"ES256","key":{"EC_EC2":{"curve":"SECP256R1","x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}}}"#;

/// A credential that was made for this API.
pub struct Verified {
    pub credential_id: Vec<u8>,
    /// JSON.
    pub public_key: String,
    pub sign_count: i64,
    pub backup_eligible: bool,
    pub backed_up: bool,
}

/// A passkey signed in.
pub struct Used {
    pub sign_count: i64,
    pub backed_up: bool,
}

/// Why a passkey does not sign in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The signature is right, but its count is not higher than that of the last one.
    #[error("the count went back")]
    CountWentBack,
    #[error(transparent)]
    NotValid(#[from] WebauthnError),
    #[error("other bytes after the authenticator data")]
    TrailingBytes,
    #[error("signed in a page inside a page of another site")]
    CrossOrigin,
    #[error("the user handle is not that of the passkey's user")]
    OtherUser,
}

/// This API, for authenticators.
pub struct RelyingParty(WebauthnCore);

impl RelyingParty {
    pub fn of(state: &OauthState) -> anyhow::Result<Self> {
        Self::new(&state.app.config)
    }

    fn new(config: &Config) -> anyhow::Result<Self> {
        let origins = config.web.front_ends();
        let host = origins.first().and_then(Url::host_str).context("APP_URL has no host")?;
        let rp_id = Some(config.sign_in.rp_id.as_str()).filter(|id| !id.is_empty()).unwrap_or(host);
        Self::at(rp_id, origins.clone())
    }

    fn at(rp_id: &str, origins: Vec<Url>) -> anyhow::Result<Self> {
        let timeout: Duration = LIFETIME.to_std()?;
        let exactly = Some(false);
        Ok(Self(WebauthnCore::new_unsafe_experts_only("Arches", rp_id, origins, timeout, exactly, exactly)))
    }

    /// Returns the options for a new passkey of `user`, who has the credentials `known`; and what to keep until it comes.
    pub fn begin_addition(
        &self,
        user: &User,
        known: Vec<Vec<u8>>,
    ) -> anyhow::Result<(Value, RegistrationState)> {
        let name = if user.name.is_empty() { &user.email } else { &user.name };
        let builder = self
            .0
            .new_challenge_register_builder(user.id.0.as_bytes(), &user.email, name)?
            .user_verification_policy(UserVerificationPolicy::Required)
            .require_resident_key(true)
            .exclude_credentials(Some(known));
        let (options, kept) = self.0.generate_challenge_register(builder)?;
        Ok((serde_json::to_value(options.public_key)?, kept))
    }

    /// Verifies a new credential.
    pub fn finish_addition(
        &self,
        kept: &RegistrationState,
        credential: &RegisterPublicKeyCredential,
    ) -> anyhow::Result<Verified> {
        let made = self.0.register_credential(credential, kept, None)?;
        not_across_origins(&credential.response.client_data_json)?;
        anyhow::ensure!(made.cred_id == credential.raw_id, "the id is not that of the credential");
        anyhow::ensure!(made.cred_id.len() <= MAX_ID, "the id is too long");
        Ok(Verified {
            public_key: serde_json::to_string(&made.cred)?,
            sign_count: i64::from(made.counter),
            backup_eligible: made.backup_eligible,
            backed_up: made.backup_state,
            credential_id: made.cred_id,
        })
    }

    /// Returns the options for a sign-in with any passkey, and what to keep until it comes.
    pub fn begin_sign_in(&self) -> anyhow::Result<(Value, AuthenticationState)> {
        let required = Some(UserVerificationPolicy::Required);
        let builder = self.0.new_challenge_authenticate_builder(Vec::new(), required)?;
        let (options, kept) = self.0.generate_challenge_authenticate(builder)?;
        Ok((serde_json::to_value(options.public_key)?, kept))
    }

    /// Verifies that `stored`, a passkey of `user`, signed. Without a passkey, does the same work and refuses.
    pub fn finish_sign_in(
        &self,
        kept: &AuthenticationState,
        credential: &PublicKeyCredential,
        user: Option<&User>,
        stored: Option<&Stored>,
    ) -> anyhow::Result<Result<Used, Refused>> {
        let known = stored.map_or_else(|| no_passkey(&credential.raw_id), from_stored)?;
        let result = self.0.authenticate_single_credential(credential, kept, &known);
        let result = match result {
            Ok(result) if stored.is_some() => result,
            Ok(_) => return Ok(Err(WebauthnError::CredentialNotFound.into())),
            Err(WebauthnError::CredentialPossibleCompromise) => return Ok(Err(Refused::CountWentBack)),
            Err(error) => return Ok(Err(error.into())),
        };
        let handle = credential.response.user_handle.as_deref();
        if user.is_none_or(|user| handle != Some(user.id.0.as_bytes().as_slice())) {
            return Ok(Err(Refused::OtherUser));
        }
        let response = &credential.response;
        let checked = no_trailing_bytes(&response.authenticator_data)
            .and_then(|()| not_across_origins(&response.client_data_json));
        Ok(checked.map(|()| Used::from(&result)))
    }
}

/// What the library does not check at a sign-in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
}

/// Refuses what was signed in a page inside a page of another site: that one could lead the user to click.
fn not_across_origins(client_data: &[u8]) -> Result<(), Refused> {
    match serde_json::from_slice(client_data) {
        Ok(ClientData { cross_origin: false, top_origin: None }) => Ok(()),
        _ => Err(Refused::CrossOrigin),
    }
}

impl From<&AuthenticationResult> for Used {
    fn from(result: &AuthenticationResult) -> Self {
        Self { sign_count: i64::from(result.counter()), backed_up: result.backup_state() }
    }
}

/// Refuses bytes that no flag announces. The library ignores them.
fn no_trailing_bytes(data: &[u8]) -> Result<(), Refused> {
    let announces = data.get(FLAGS).is_some_and(|flags| flags & MORE != 0);
    if announces || data.len() == DATA_LENGTH { Ok(()) } else { Err(Refused::TrailingBytes) }
}

fn from_stored(stored: &Stored) -> anyhow::Result<Credential> {
    Ok(Credential {
        cred_id: stored.credential_id.clone(),
        cred: serde_json::from_str(&stored.public_key)?,
        counter: u32::try_from(stored.sign_count)?,
        transports: None,
        user_verified: true,
        backup_eligible: stored.backup_eligible,
        backup_state: stored.backed_up,
        registration_policy: UserVerificationPolicy::Required,
        extensions: RegisteredExtensions::none(),
        attestation: ParsedAttestation::default(),
        attestation_format: AttestationFormat::None,
    })
}

fn no_passkey(credential_id: &[u8]) -> anyhow::Result<Credential> {
    from_stored(&Stored {
        id: PasskeyId::new(),
        credential_id: credential_id.to_vec(),
        public_key: NO_KEY.to_owned(),
        sign_count: 0,
        backup_eligible: false,
        backed_up: false,
    })
}

#[cfg(test)]
mod tests;
