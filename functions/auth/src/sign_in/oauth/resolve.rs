//! The account to which an identity leads: the table in `docs/operations/providers.md`. Each of its cells is a test.

use shared::{
    ApiError, OnConstraint, Refusal,
    db::Tx,
    domain::{
        audit::{Action, Event},
        factor::Factor,
        ids::{IdentityId, UserId},
        input::{Email, Name},
        mail_delivery::Mailbox,
        provider::ProviderIdentity,
    },
    store::{
        self,
        identities::NewIdentity,
        oauth_flows::Arrived,
        users::{NewUser, User},
        verification_tokens::Purpose,
    },
};

use super::{exchange::Exchange, use_up};
use crate::{
    links::Link,
    password::reauthenticate::lock_proved,
    refusals,
    sign_in::{first_step, first_step::FirstStep, magic_links::verify::end_other_access},
};

/// The most identities of an account.
const MAX_IDENTITIES: usize = 20;

/// What becomes of an exchange. It is committed, also if it is a refusal: the code is used up.
pub enum Resolved {
    SignedIn(FirstStep),
    /// A new account, and the mail that verifies its address unless the provider vouches for it.
    Registered(FirstStep, Option<(Link, Mailbox)>),
    /// The name of the provider, and who is notified; nobody if it was linked before.
    Linked(String, Option<Mailbox>),
    /// An account has the address. Its owner gets an offer, if the provider vouches for the address.
    Exists(Option<(Link, Mailbox)>),
    Refused(Refusal),
}

/// Signs in the user of the identity, or a new one.
pub async fn sign_in(
    exchange: &Exchange<'_>,
    tx: &mut Tx,
    flow: &Arrived,
    identity: &ProviderIdentity,
) -> Result<Resolved, ApiError> {
    if let Some(user) = store::users::lock_by_identity(tx, identity).await? {
        use_up(tx, flow).await?;
        return sign_in_known(exchange, tx, user, identity).await;
    }
    // An address that cannot receive mail counts as missing.
    let email = identity.email.clone().and_then(|email| Email::try_from(email).ok());
    let holder = match &email {
        Some(email) => store::users::lock_owner(tx, email).await?,
        None => None,
    };
    if holder.is_some() && is_linked(tx, identity).await? {
        // Since the first statement; another request may have created the account.
        return Err(refusals::JUST_CHANGED.into());
    }
    use_up(tx, flow).await?;
    match (email, holder) {
        (None, _) => Ok(Resolved::Refused(refusals::PROVIDER_ADDRESS_NEEDED)),
        (Some(email), None) => register(exchange, tx, flow, identity, &email).await,
        (Some(_), Some(user)) if !user.is_active() || !identity.email_proved => Ok(Resolved::Exists(None)),
        (Some(_), Some(user)) if user.email_verified_at.is_none() => {
            take_over(exchange, tx, flow, identity, user).await
        }
        (Some(_), Some(user)) => offer(exchange, tx, flow, &user).await,
    }
}

/// Checks whether a user who is not deleted has the identity.
async fn is_linked(tx: &mut Tx, identity: &ProviderIdentity) -> Result<bool, ApiError> {
    Ok(store::identities::owner(tx, identity).await?.is_some_and(|owner| !owner.is_deleted))
}

/// Signs in `user`, who is locked and has the identity.
async fn sign_in_known(
    exchange: &Exchange<'_>,
    tx: &mut Tx,
    user: User,
    identity: &ProviderIdentity,
) -> Result<Resolved, ApiError> {
    if !user.is_active() || !store::identities::record_use(tx, user.id, identity).await? {
        let event = Event::refused(Action::SessionCreated, Some(user.id), exchange.request);
        store::audit_events::insert(tx, &event).await?;
        return Ok(Resolved::Refused(refusals::WRONG_SIGN_IN_CODE));
    }
    Ok(Resolved::SignedIn(complete(exchange, tx, user).await?))
}

/// Creates an account for a new person.
async fn register(
    exchange: &Exchange<'_>,
    tx: &mut Tx,
    flow: &Arrived,
    identity: &ProviderIdentity,
    email: &Email,
) -> Result<Resolved, ApiError> {
    let name = name_of(identity, email)?;
    let row = NewUser {
        name: &name,
        email,
        password_hash: None,
        email_proved: identity.email_proved,
        request: exchange.request,
    };
    let registered = store::users::register(tx, &row).await;
    let user = registered.on_constraint("users_email_key", refusals::JUST_CHANGED)?;
    link_to(tx, flow, user.id, identity, Some(identity.email_proved)).await?.ok_or(refusals::JUST_CHANGED)?;
    let verification = if identity.email_proved {
        None
    } else {
        let link = Link::generate(Purpose::VerifyEmail)?;
        link.insert(exchange.state, tx, user.id, email.as_ref()).await?;
        Some((link, user.mailbox()))
    };
    Ok(Resolved::Registered(complete(exchange, tx, user).await?, verification))
}

/// Gives an account whose address nobody had proved to the person who reads it: removes what another person may have set, as a magic link
/// does.
async fn take_over(
    exchange: &Exchange<'_>,
    tx: &mut Tx,
    flow: &Arrived,
    identity: &ProviderIdentity,
    holder: User,
) -> Result<Resolved, ApiError> {
    let user = store::users::verify_email(tx, holder.id, &holder.email, false).await?;
    let user = user.ok_or(refusals::JUST_CHANGED)?;
    if store::users::remove_unproved_ways_in(tx, user.id).await? {
        end_other_access(tx, user.id, exchange.request).await?;
    }
    link_to(tx, flow, user.id, identity, Some(true)).await?.ok_or(refusals::JUST_CHANGED)?;
    let linked = Event::new(Action::IdentityLinked, user.id, exchange.request);
    store::audit_events::insert(tx, &linked).await?;
    Ok(Resolved::SignedIn(complete(exchange, tx, user).await?))
}

/// Offers the identity to the owner of the address by mail.
async fn offer(
    exchange: &Exchange<'_>,
    tx: &mut Tx,
    flow: &Arrived,
    user: &User,
) -> Result<Resolved, ApiError> {
    let link = Link::generate(Purpose::LinkIdentity)?;
    link.insert(exchange.state, tx, user.id, &user.email).await?;
    let lifetime = Purpose::LinkIdentity.lifetime();
    store::oauth_flows::offer(tx, flow.id, user.id, &link.hash(), lifetime).await?;
    Ok(Resolved::Exists(Some((link, user.mailbox()))))
}

/// Links the identity to `user`, who began the flow and must be the caller.
pub async fn link(
    exchange: &Exchange<'_>,
    tx: &mut Tx,
    flow: &Arrived,
    user: UserId,
    identity: &ProviderIdentity,
) -> Result<Resolved, ApiError> {
    let caller = exchange.caller.filter(|caller| caller.user == user).ok_or(refusals::WRONG_SIGN_IN_CODE)?;
    let user = lock_proved(tx, caller, None).await?;
    use_up(tx, flow).await?;
    match store::identities::owner(tx, identity).await? {
        Some(owner) if owner.user_id == user.id => return Ok(Resolved::Linked(flow.provider.clone(), None)),
        Some(owner) if !owner.is_deleted => return Ok(Resolved::Refused(refusals::LINKED_ELSEWHERE)),
        _ => {}
    }
    if store::identities::list(tx, user.id).await?.len() >= MAX_IDENTITIES {
        return Ok(Resolved::Refused(refusals::TOO_MANY_IDENTITIES));
    }
    let linked = link_to(tx, flow, user.id, identity, None).await?.ok_or(refusals::LINKED_ELSEWHERE)?;
    caller.audit(tx, Action::IdentityLinked, linked).await?;
    Ok(Resolved::Linked(flow.provider.clone(), Some(user.mailbox())))
}

/// Makes the identity a way to sign in of `user`. `None` if another user has it.
pub async fn link_to(
    tx: &mut Tx,
    flow: &Arrived,
    user: UserId,
    identity: &ProviderIdentity,
    proved: Option<bool>,
) -> Result<Option<IdentityId>, ApiError> {
    let new = NewIdentity { user, provider: &flow.provider, identity, proved };
    Ok(store::identities::link(tx, &new).await?)
}

/// Completes the first step of the sign-in.
async fn complete(exchange: &Exchange<'_>, tx: &mut Tx, user: User) -> Result<FirstStep, ApiError> {
    let Exchange { state, request, transport, origin, .. } = exchange;
    first_step::complete(state, tx, user, Factor::Provider, *transport, request, origin).await
}

/// Returns the name at the provider, or else the first part of the address.
fn name_of(identity: &ProviderIdentity, email: &Email) -> Result<Name, ApiError> {
    let of_address = email.as_ref().split('@').next().unwrap_or_default().to_owned();
    let names = identity.name.clone().into_iter().chain([of_address, "New user".to_owned()]);
    let name = names.into_iter().find_map(|name| Name::try_from(name).ok());
    name.ok_or_else(|| anyhow::anyhow!("no name").into())
}
