//! Mails that tell of something that has happened. They contain no link with a token.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use shared::{
    cache::rate_limit::{self, Limit},
    domain::mail_delivery::Mailbox,
    mail::message::{self, Letter},
    store::organizations::Organization,
};
use tokio::time::timeout;

use crate::OrganizationsState;

/// Notices to one address: an owner can delete, restore and delete again.
const PER_ADDRESS: Limit = Limit { name: "notices", max: 5, window: Duration::from_mins(15) };
/// Mails that are sent at the same time.
const CONCURRENT: usize = 8;
/// The response waits for all mails at most this long. A request may take 25 s.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Mails the `owners` of a deleted organization: until when they can restore it.
pub async fn organization_deleted(
    state: &OrganizationsState,
    organization: &Organization,
    owners: Vec<Mailbox>,
) {
    let Some(until) = organization.restorable_until() else { return };
    let count = owners.len();
    let all = stream::iter(owners).for_each_concurrent(CONCURRENT, async |owner| {
        let limits = [(PER_ADDRESS, rate_limit::pseudonym(&owner.address))];
        let (_, reached) = state.app.rate_limiter.take(&limits, state.app.clock.now()).await;
        if reached.is_none() {
            message::send(
                &*state.mailer,
                &owner,
                letter(organization, &until.format("%-d %B %Y, %H:%M").to_string()),
            )
            .await;
        }
    });
    if timeout(SEND_TIMEOUT, all).await.is_err() {
        tracing::warn!(organization.id = %organization.id, owners = count, "not all owners were mailed");
    }
}

/// Returns the mail. It does not name the organization: a stranger may have chosen the name.
fn letter(organization: &Organization, until: &str) -> Letter {
    Letter {
        subject: "Your organization was deleted",
        paragraphs: vec![
            format!("An organization that you own on Arches was deleted. Its id is {}.", organization.id),
            format!(
                "You and each of its other owners can restore it until {until} (UTC). Sign in, and restore it from the list of \
                 your deleted organizations."
            ),
            "After that it is removed for ever, with its members, invitations and API keys, and its name in URLs becomes free."
                .to_owned(),
        ],
        ending: "If you did not expect this, restore the organization, and ask its other owners.",
        ..Letter::default()
    }
}
