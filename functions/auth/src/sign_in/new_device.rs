//! The mail about a sign-in from a device that the account does not know.

use chrono::{DateTime, Utc};
use shared::{
    db::Tx,
    domain::{actor::RequestInfo, mail_delivery::Mailbox},
    store::users::User,
};

use crate::{AuthState, links::Link, sessions::user_agent::DeviceView};

/// The mail, not yet sent. Its link is stored.
pub struct Notice {
    link: Link,
    to: Mailbox,
}

impl Notice {
    /// Prepares the mail to `user` about the sign-in that is `request`, and stores its link. `None` if nobody has proved the address, whose
    /// reader may be a stranger, and if the account is created by the sign-in.
    pub async fn prepare(tx: &mut Tx, user: &User, request: &RequestInfo) -> anyhow::Result<Option<Self>> {
        let is_created_now = user.created_at == tx.now() && user.version == 1;
        if user.email_verified_at.is_none() || is_created_now {
            return Ok(None);
        }
        let link = Link::about_sign_in(describe(request, tx.now()))?;
        link.insert_deferred(tx, user.id, &user.email).await?;
        Ok(Some(Self { link, to: user.mailbox() }))
    }

    /// Sends the mail.
    pub async fn send(self, state: &AuthState) {
        self.link.send(state, &self.to).await;
    }
}

/// Describes a sign-in: device, time and source address. Has no text of the sender, who may be a stranger.
fn describe(request: &RequestInfo, now: DateTime<Utc>) -> String {
    let device = DeviceView::read(request.user_agent.as_deref());
    let device = device.map_or_else(|| "An unknown device".to_owned(), |device| device.to_string());
    let address =
        request.address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_string());
    format!("{device}, on {} UTC, from {address}.", now.format("%-d %B %Y at %H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(user_agent: &str, address: Option<&str>) -> RequestInfo {
        RequestInfo {
            id: "id".to_owned(),
            address: address.map(|address| address.parse().expect("an address")),
            path: "/v1/auth/login".to_owned(),
            user_agent: Some(user_agent.to_owned()),
        }
    }

    #[test]
    fn a_sign_in_is_described_without_a_text_of_its_sender() {
        let now = DateTime::UNIX_EPOCH;
        let firefox =
            "Mozilla/5.0 (Windows NT 10.0; rv:145.0) Gecko/20100101 Firefox/145.0 win-a-prize.example";
        let text = describe(&request(firefox, Some("2001:db8::7")), now);
        assert_eq!(text, "Firefox on Windows, on 1 January 1970 at 00:00 UTC, from 2001:db8::7.");
        let text = describe(&request("win-a-prize.example", None), now);
        assert_eq!(text, "An unknown device, on 1 January 1970 at 00:00 UTC, from an unknown address.");
    }
}
