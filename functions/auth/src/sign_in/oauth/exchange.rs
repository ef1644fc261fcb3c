//! `POST /v1/auth/oauth/exchange`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller, Guest},
    crypto::one_time_token::OneTimeToken,
    domain::{actor::RequestInfo, mail_delivery::Mailbox, page::Data, parse::or_default},
    http::{cookie::FLOW, extract::Body},
    store::{self, verification_tokens::Purpose},
};
use utoipa::ToSchema;

use super::{
    identity_of, label,
    resolve::{self, Resolved},
};
use crate::{
    AuthState,
    links::Link,
    mails, refusals,
    sign_in::{
        challenges::ChallengeNeeded,
        first_step::FirstAnswer,
        origin::Origin,
        passkeys,
        session_tokens::{SignedIn, Transport},
    },
    throttle,
};

/// The code that the front end got in the fragment of `/signed-in`, or from `/v1/auth/passkeys/sign-in`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProviderCode {
    code: Option<OneTimeToken>,
    /// The code of a passkey.
    passkey_code: Option<OneTimeToken>,
    /// The token from an earlier sign-in, unless it is in the cookie. One that is unknown or expired is ignored.
    #[schema(max_length = 78)]
    device_token: Option<String>,
    /// The place of the refresh token.
    #[serde(default, deserialize_with = "or_default")]
    transport: Transport,
}

/// Finish a sign-in with an identity provider or a passkey, or the linking of an identity.
///
/// Works once, within 60 seconds. The code of a provider works in the browser that began it: its cookie `__Host-arches_flow` is needed. A new
/// person gets an account. If an account has the address already, nobody is signed in; its owner gets a mail with a link that adds the identity.
/// If the sign-in began at `POST /v1/auth/accounts`, the access token of that user is needed, and the identity becomes one of their ways to sign
/// in.
#[utoipa::path(
    post, path = "/v1/auth/oauth/exchange", tag = "auth", operation_id = "exchange_provider_code",
    request_body = ProviderCode, security((), ("bearer" = [])),
    responses(
        (status = 200, description = "The account has a second factor: there is no session yet.", body = Data<ChallengeNeeded>),
        (status = 201, description = "Signed in.", body = Data<SignedIn>),
        (status = 204, description = "The identity is one of my ways to sign in."),
        (status = 401, description = "`wrong-sign-in-code`"),
        (status = 403, description = "`foreign-origin`"),
        (
            status = 409,
            description = "`account-exists`, `linked-elsewhere`, `provider-address-needed` or `too-many-identities`",
        ),
        (status = 422, description = "`code-or-passkey-code`"),
        (status = 503, description = "`try-again`, the account was changed at the same time"),
    ),
)]
pub async fn exchange(
    State(state): State<AuthState>,
    caller: Option<Caller>,
    request: RequestInfo,
    headers: HeaderMap,
    Body(new): Body<ProviderCode>,
) -> Result<Response, ApiError> {
    new.transport.require_listed_origin(&headers, &state.app.config.web)?;
    let origin = Origin::read(&headers, new.device_token);
    let code = match (new.code, new.passkey_code) {
        (Some(code), None) => code,
        (None, Some(code)) => {
            let answer = passkeys::sign_in(&state, &request, &code, new.transport, &origin).await?;
            return Ok(answer.into_response());
        }
        _ => return Err(refusals::CODE_OR_PASSKEY_CODE.into()),
    };
    let browser = FLOW.read(&headers).and_then(|cookie| OneTimeToken::try_from(cookie).ok());
    let exchange = Exchange {
        state: &state,
        caller: caller.as_ref(),
        request: &request,
        code,
        browser: browser.ok_or(refusals::WRONG_SIGN_IN_CODE)?,
        transport: new.transport,
        origin,
    };
    let exchanged = match &caller {
        Some(caller) => exchange.run(caller).await?,
        None => exchange.run(&Guest { db: &state.app.db, name: String::new() }).await?,
    };
    Ok(match exchanged {
        Exchanged::SignedIn(answer) => answer.into_response(),
        Exchanged::Linked => StatusCode::NO_CONTENT.into_response(),
    })
}

/// The success of an exchange.
pub enum Exchanged {
    SignedIn(FirstAnswer),
    Linked,
}

/// A code, and how it was presented.
pub struct Exchange<'a> {
    pub state: &'a AuthState,
    pub caller: Option<&'a Caller>,
    pub request: &'a RequestInfo,
    pub code: OneTimeToken,
    /// The cookie of the browser.
    pub browser: OneTimeToken,
    pub transport: Transport,
    pub origin: Origin,
}

impl Exchange<'_> {
    /// Uses up the code, and signs in, links, or refuses.
    pub async fn run(&self, actor: &impl Actor) -> Result<Exchanged, ApiError> {
        let Self { state, .. } = self;
        state.signer.check().await?;
        let (code, browser) = (self.code.hash(), self.browser.hash());
        let resolved = actor.transaction(async |tx| {
            let flow = store::oauth_flows::find_arrived(tx, &code, &browser).await?;
            let flow = flow.ok_or(refusals::WRONG_SIGN_IN_CODE)?;
            let identity = identity_of(state, &flow).await?;
            match flow.user_id {
                Some(user) => resolve::link(self, tx, &flow, user, &identity).await,
                None => resolve::sign_in(self, tx, &flow, &identity).await,
            }
        });
        self.follow(resolved.await?).await
    }

    /// Does what follows the commit.
    async fn follow(&self, resolved: Resolved) -> Result<Exchanged, ApiError> {
        let Self { state, .. } = self;
        match resolved {
            Resolved::SignedIn(step) => Ok(Exchanged::SignedIn(step.committed(state).await)),
            Resolved::Registered(step, verification) => {
                self.send(Purpose::VerifyEmail, verification).await?;
                Ok(Exchanged::SignedIn(step.committed(state).await))
            }
            Resolved::Linked(provider, mailbox) => {
                if let Some(mailbox) = mailbox {
                    mails::send_identity_changed(state, &mailbox, label(state, &provider), true).await;
                }
                Ok(Exchanged::Linked)
            }
            Resolved::Exists(offer) => {
                self.send(Purpose::LinkIdentity, offer).await?;
                Err(refusals::ACCOUNT_EXISTS.into())
            }
            Resolved::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// Sends the link, if there is one, unless too many were sent.
    async fn send(&self, purpose: Purpose, link: Option<(Link, Mailbox)>) -> Result<(), ApiError> {
        let Some((link, mailbox)) = link else { return Ok(()) };
        if throttle::may_mail(self.state, purpose, &mailbox.address).await? {
            link.send(self.state, &mailbox).await;
        }
        Ok(())
    }
}
