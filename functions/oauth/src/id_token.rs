//! ID tokens (OpenID Connect Core 1.0, 3.1.3.7).

use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, Nonce, OAuth2TokenResponse, SignatureVerificationError,
    TokenResponse,
    core::{
        CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
        CoreTokenResponse,
    },
};
use serde::Deserialize;
use shared::{domain::provider::ProviderIdentity, store::oauth_flows::FLOW_LIFETIME};

use crate::{
    OauthState,
    client::{Outgoing, ProviderError},
    endpoints::Endpoints,
    provider::{Kind, Provider},
};

/// A token has the nonce of a flow, so it is no older than one. Microsoft writes a time of five minutes ago into each.
const MAX_AGE: TimeDelta = FLOW_LIFETIME;
/// The difference between two clocks.
const MAX_SKEW: TimeDelta = TimeDelta::seconds(60);
/// The longest subject (OpenID Connect Core 1.0, 2).
const MAX_SUBJECT: usize = 255;
/// The longest address (RFC 5321, 4.5.3.1.3).
const MAX_EMAIL: usize = 254;

/// What is read before the token is verified, because it decides about the issuer. It is part of what is verified.
#[derive(Deserialize)]
struct Tenant {
    tid: Option<String>,
}

/// Verifies the ID token in `tokens`, and returns who it is about.
pub async fn identify(
    state: &OauthState,
    outgoing: &Outgoing,
    provider: &Provider,
    endpoints: &Endpoints,
    tokens: &CoreTokenResponse,
    nonce: &Nonce,
) -> Result<ProviderIdentity, ProviderError> {
    let token = tokens.id_token().ok_or_else(|| ProviderError::invalid("no ID token"))?;
    let check = Check { state, provider, endpoints, tokens, token, nonce };
    let keys = endpoints.keys(state, outgoing, provider, false).await?;
    if let Some(identity) = check.verify(keys)? {
        return Ok(identity);
    }
    let keys = endpoints.keys(state, outgoing, provider, true).await?;
    check.verify(keys)?.ok_or_else(|| ProviderError::invalid("signed with an unknown key"))
}

/// The verification of one token.
struct Check<'a> {
    state: &'a OauthState,
    provider: &'a Provider,
    endpoints: &'a Endpoints,
    tokens: &'a CoreTokenResponse,
    token: &'a CoreIdToken,
    nonce: &'a Nonce,
}

impl Check<'_> {
    /// Returns the identity; `None` if none of `keys` has the id in the token.
    fn verify(&self, keys: CoreJsonWebKeySet) -> Result<Option<ProviderIdentity>, ProviderError> {
        let now = self.state.app.clock.now();
        let issuer = self.endpoints.issuer_for(self.tenant().as_deref())?;
        // As for a client without a secret: so no MAC is a signature, whatever its key.
        let verifier = CoreIdTokenVerifier::new_public_client(self.provider.client_id.clone(), issuer, keys)
            .set_allowed_algs([
                CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
                CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            ])
            .set_time_fn(move || now)
            .set_issue_time_verifier_fn(move |issued_at| {
                if (-MAX_SKEW..=MAX_AGE).contains(&(now - issued_at)) {
                    Ok(())
                } else {
                    Err("issued at another time".to_owned())
                }
            });
        let claims = match self.token.claims(&verifier, self.nonce) {
            Ok(claims) => claims,
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                return Ok(None);
            }
            Err(error) => return Err(ProviderError::Invalid(error.into())),
        };
        if claims.authorized_party().is_some_and(|party| *party != self.provider.client_id) {
            return Err(ProviderError::invalid("made for another party"));
        }
        self.check_access_token(claims, &verifier)?;
        self.identity(claims).map(Some)
    }

    /// Checks `at_hash`, if the token has it.
    fn check_access_token(
        &self,
        claims: &CoreIdTokenClaims,
        verifier: &CoreIdTokenVerifier<'_>,
    ) -> Result<(), ProviderError> {
        let Some(expected) = claims.access_token_hash() else { return Ok(()) };
        let invalid = |error: anyhow::Error| ProviderError::Invalid(error);
        let algorithm = self.token.signing_alg().map_err(|error| invalid(error.into()))?;
        let key = self.token.signing_key(verifier).map_err(|error| invalid(error.into()))?;
        let actual = AccessTokenHash::from_token(self.tokens.access_token(), algorithm, key);
        if actual.map_err(|error| invalid(error.into()))? == *expected {
            Ok(())
        } else {
            Err(ProviderError::invalid("made for another access token"))
        }
    }

    fn identity(&self, claims: &CoreIdTokenClaims) -> Result<ProviderIdentity, ProviderError> {
        let subject = claims.subject().as_str();
        if subject.is_empty() || subject.len() > MAX_SUBJECT || subject.contains('\0') {
            return Err(ProviderError::invalid("the subject is empty or too long"));
        }
        // An address that no account could have counts as missing; the database takes no NUL.
        let is_address = |email: &String| email.len() <= MAX_EMAIL && !email.contains(char::is_control);
        let email = claims.email().map(|email| email.as_str().to_owned()).filter(is_address);
        // The administrator of any tenant of Microsoft can write any address into its accounts ("nOAuth").
        let is_proved = claims.email_verified() == Some(true) && self.provider.kind != Kind::Microsoft;
        let name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str().to_owned());
        Ok(ProviderIdentity {
            issuer: claims.issuer().as_str().to_owned(),
            subject: subject.to_owned(),
            email_proved: email.is_some() && is_proved,
            email,
            name,
        })
    }

    /// Returns the tenant that the token names.
    fn tenant(&self) -> Option<String> {
        let text = self.token.to_string();
        let claims = BASE64URL_NOPAD.decode(text.split('.').nth(1)?.as_bytes()).ok()?;
        serde_json::from_slice::<Tenant>(&claims).ok()?.tid
    }
}
