//! GitHub: who a person is there, by its API. It has no ID tokens.

use openidconnect::AccessToken;
use serde::Deserialize;
use shared::domain::provider::ProviderIdentity;
use url::Url;

use crate::{
    client::{Outgoing, ProviderError},
    provider::Provider,
};

#[derive(Deserialize)]
struct User {
    /// Unlike the login, it never changes and is never given to somebody else.
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

/// Asks GitHub for the owner of `token` and their addresses.
pub async fn identify(
    outgoing: &Outgoing,
    provider: &Provider,
    token: &AccessToken,
) -> Result<ProviderIdentity, ProviderError> {
    let bearer = format!("Bearer {}", token.secret());
    let headers = [("accept", "application/vnd.github+json"), ("authorization", bearer.as_str())];
    let (user, emails) = (at(provider, "user")?, at(provider, "user/emails")?);
    let (user, addresses) = tokio::join!(
        outgoing.json::<User>(&user, &headers),
        outgoing.json::<Vec<Address>>(&emails, &headers)
    );
    let user = user?;
    let best = best_of(addresses?);
    Ok(ProviderIdentity {
        issuer: provider.issuer.clone(),
        subject: user.id.to_string(),
        email_proved: best.as_ref().is_some_and(|address| address.verified),
        email: best.map(|address| address.email),
        name: user.name.filter(|name| !name.trim().is_empty()).or(Some(user.login)),
    })
}

fn at(provider: &Provider, path: &str) -> Result<Url, ProviderError> {
    let url = Url::parse(&format!("{}/{path}", provider.api.as_str().trim_end_matches('/')));
    url.map_err(|error| ProviderError::Invalid(error.into()))
}

/// Returns an address that GitHub has verified, or else the primary one. The address that hides a person's own receives no mail.
fn best_of(addresses: Vec<Address>) -> Option<Address> {
    let reach = addresses.into_iter().filter(|address| !address.email.ends_with("@users.noreply.github.com"));
    reach.max_by_key(|address| (address.verified, address.primary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_address_receives_mail_and_is_verified_if_one_is() {
        let address = |email: &str, primary, verified| Address { email: email.to_owned(), primary, verified };
        let hidden = || address("1+ada@users.noreply.github.com", false, true);
        let best = |addresses| best_of(addresses).map(|address| address.email);
        let primary = || address("ada@example.com", true, false);
        assert_eq!(best(vec![hidden(), primary()]).as_deref(), Some("ada@example.com"));
        let verified = address("ada@work.example", false, true);
        assert_eq!(best(vec![primary(), verified, hidden()]).as_deref(), Some("ada@work.example"));
        assert_eq!(best(vec![hidden()]), None);
    }
}
