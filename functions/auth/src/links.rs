//! Mailed links. Each holds a token, which is stored as a hash and can be used once.

use std::time::Duration;

use axum::http::StatusCode;
use shared::{
    ApiError,
    auth::{Actor, Guest},
    crypto::one_time_token::{OneTimeToken, six_digits},
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::UserId,
        input::Email,
        mail_delivery::Mailbox,
    },
    store::{
        self,
        users::User,
        verification_tokens::{Consumed, NewToken, Purpose},
    },
};
use tokio::time::sleep;

use crate::{AuthState, mails, sign_in::magic_links::code_hash, throttle};

/// The time that a response takes if it must not reveal whether a mail was sent: longer than sending one.
const UNIFORM_RESPONSE_TIME: Duration = Duration::from_millis(400);

/// The account that a link is for, and the address that it is mailed to.
pub struct Recipient {
    pub user: UserId,
    pub mailbox: Mailbox,
}

impl From<User> for Recipient {
    fn from(user: User) -> Self {
        Self { user: user.id, mailbox: user.mailbox() }
    }
}

/// A new link, not yet stored.
pub struct Link {
    purpose: Purpose,
    token: OneTimeToken,
    /// For a person who reads mail on another device.
    code: Option<String>,
    /// The sign-in that the mail is about, as its text.
    sign_in: Option<String>,
}

impl Link {
    /// Generates a link; with six digits beside it if it is a magic link.
    pub fn generate(purpose: Purpose) -> anyhow::Result<Self> {
        let code = if purpose == Purpose::MagicLink { Some(six_digits()?) } else { None };
        Ok(Self { purpose, token: OneTimeToken::generate()?, code, sign_in: None })
    }

    /// Generates a link that rejects a sign-in, which the mail describes as `sign_in`.
    pub fn about_sign_in(sign_in: String) -> anyhow::Result<Self> {
        Ok(Self { sign_in: Some(sign_in), ..Self::generate(Purpose::RejectSignIn)? })
    }

    /// Stores the hash of the token. The statement is sent with the next one or with COMMIT.
    pub async fn insert_deferred(&self, tx: &mut Tx, user: UserId, email: &str) -> anyhow::Result<()> {
        let (purpose, token_hash) = (self.purpose, &self.token.hash());
        let token = NewToken { purpose, user, email, token_hash, code_hash: None };
        Ok(store::verification_tokens::insert_deferred(tx, &token).await?)
    }

    /// Stores the hashes of the token and of the digits. For a magic link, the caller has locked the user.
    pub async fn insert(
        &self,
        state: &AuthState,
        tx: &mut Tx,
        user: UserId,
        email: &str,
    ) -> anyhow::Result<()> {
        let mut hashed_code = None;
        if let Some(code) = &self.code {
            // One code at a time: with several, guesses would be allowed for each of them.
            store::verification_tokens::invalidate_codes(tx, user).await?;
            hashed_code = Some(code_hash(state, user, code).await?);
        }
        let token = NewToken {
            purpose: self.purpose,
            user,
            email,
            token_hash: &self.token.hash(),
            code_hash: hashed_code.as_deref(),
        };
        Ok(store::verification_tokens::insert(tx, &token).await?)
    }

    /// Returns the hash of the token.
    pub fn hash(&self) -> Vec<u8> {
        self.token.hash()
    }

    /// Sends the mail with the link.
    pub async fn send(self, state: &AuthState, to: &Mailbox) {
        let Self { purpose, token, code, sign_in } = self;
        match purpose {
            Purpose::VerifyEmail => mails::send_verification(state, to, &token).await,
            Purpose::ResetPassword => mails::send_reset(state, to, &token).await,
            Purpose::ChangeEmail => mails::send_email_change(state, to, &token).await,
            Purpose::MagicLink => mails::send_magic_link(state, to, &token, code).await,
            Purpose::UndoEmailChange => mails::send_email_changed(state, to, Some(&token)).await,
            Purpose::LinkIdentity => mails::send_identity_offer(state, to, &token).await,
            Purpose::RejectSignIn => mails::send_new_device(state, to, &token, sign_in).await,
        }
    }
}

/// Returns the part of the throttles' keys that stands for a kind of mail.
pub fn throttle_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::VerifyEmail => "verification",
        Purpose::ResetPassword => "reset",
        Purpose::ChangeEmail => "change",
        Purpose::MagicLink => "magic-link",
        Purpose::UndoEmailChange => "undo",
        Purpose::LinkIdentity => "link-identity",
        Purpose::RejectSignIn => "reject",
    }
}

/// Mails a link to the account with `email`, if it exists. The response and its time are the same if no such account exists.
pub async fn mail_to_account(
    state: &AuthState,
    request: &RequestInfo,
    purpose: Purpose,
    action: Action,
    email: &Email,
) -> Result<StatusCode, ApiError> {
    let address = email.as_ref();
    throttle::request(state, throttle_name(purpose), address, request).await?;
    let may_mail = throttle::may_mail(state, purpose, address).await?;
    let guest = Guest { db: &state.app.db, name: format!("email:{}", address.to_lowercase()) };
    let mailed = mail(state, &guest, purpose, async |tx| {
        // Locked, so that of several requests at once each ends the code of the one before.
        let user = store::users::lock_by_email(tx, email).await?.filter(|_| may_mail);
        let target = user.as_ref().map(|user| user.id.0);
        let event = Event { target, ..Event::anonymous(action, request) };
        store::audit_events::insert(tx, &event).await?;
        Ok(user.map(Recipient::from))
    });
    equalize_time(Box::pin(mailed)).await
}

/// Stores a link for the recipient that `find` returns, if any, and mails it. `find` runs in the same transaction.
pub async fn mail(
    state: &AuthState,
    actor: &impl Actor,
    purpose: Purpose,
    find: impl AsyncFnOnce(&mut Tx) -> Result<Option<Recipient>, ApiError> + Clone,
) -> Result<StatusCode, ApiError> {
    let link = Link::generate(purpose)?;
    let recipient = actor
        .transaction(async |tx| {
            let recipient = find.clone()(tx).await?;
            if let Some(recipient) = &recipient {
                link.insert(state, tx, recipient.user, &recipient.mailbox.address).await?;
            }
            Ok(recipient)
        })
        .await?;
    if let Some(recipient) = recipient {
        link.send(state, &recipient.mailbox).await;
    }
    Ok(StatusCode::ACCEPTED)
}

/// Runs `work`, and returns after [`UNIFORM_RESPONSE_TIME`] at the earliest.
pub async fn equalize_time<T>(work: impl Future<Output = T>) -> T {
    let ((), done) = tokio::join!(sleep(UNIFORM_RESPONSE_TIME), work);
    done
}

/// Records that a token was presented that had been used, withdrawn or had expired. Only the first time, so that one link makes one
/// event. Nothing is recorded for a valid or an unknown token.
///
/// Commit it although the request is refused.
pub async fn audit_refused(
    tx: &mut Tx,
    purpose: Purpose,
    token_hash: &[u8],
    request: &RequestInfo,
) -> Result<(), ApiError> {
    let action = match purpose {
        Purpose::VerifyEmail => Action::EmailVerified,
        Purpose::ResetPassword => Action::PasswordReset,
        Purpose::ChangeEmail => Action::EmailChanged,
        Purpose::MagicLink => Action::SessionCreated,
        Purpose::UndoEmailChange => Action::EmailChangeUndone,
        Purpose::LinkIdentity => Action::IdentityLinked,
        Purpose::RejectSignIn => Action::SignInRejected,
    };
    if let Some(owner) = store::verification_tokens::mark_refused(tx, purpose, token_hash).await? {
        store::audit_events::insert(tx, &Event::refused(action, Some(owner), request)).await?;
    }
    Ok(())
}

/// Uses up a token. Returns its owner as before, locked until the transaction ends; `None` if the token is not valid.
pub async fn redeem(
    tx: &mut Tx,
    purpose: Purpose,
    token_hash: &[u8],
) -> Result<Option<(User, Consumed)>, ApiError> {
    let Some(user) = store::users::lock_by_token(tx, purpose, token_hash).await? else { return Ok(None) };
    let consumed = store::verification_tokens::consume(tx, purpose, token_hash).await?;
    Ok(consumed.map(|consumed| (user, consumed)))
}

/// [`redeem`], which records a refused token: [`audit_refused`].
pub async fn redeem_or_audit(
    tx: &mut Tx,
    purpose: Purpose,
    token_hash: &[u8],
    request: &RequestInfo,
) -> Result<Option<(User, Consumed)>, ApiError> {
    let redeemed = redeem(tx, purpose, token_hash).await?;
    if redeemed.is_none() {
        audit_refused(tx, purpose, token_hash, request).await?;
    }
    Ok(redeemed)
}

/// Uses up a token of `owner`, and withdraws all other links that the owner requested. Returns the owner as before, locked until the
/// transaction ends; `None` if the token is not valid.
pub async fn redeem_and_withdraw(
    tx: &mut Tx,
    owner: UserId,
    purpose: Purpose,
    token_hash: &[u8],
) -> Result<Option<(User, Consumed)>, ApiError> {
    let user = store::users::lock(tx, owner).await?;
    let others = Purpose::REQUESTED;
    let consumed = store::verification_tokens::consume_and_withdraw(tx, purpose, token_hash, others).await?;
    Ok(user.zip(consumed))
}
