//! Stops mail to addresses that bounce or whose readers complain. SES reports them through a topic and a queue.

mod event;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use metrics::counter;
use shared::{
    aws::secrets::Secrets,
    cache::redis::Redis,
    config::{Config, ConfigError},
    db::{Db, Tx},
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        clock::{Clock, SystemClock},
        input::Email,
        mail_delivery::StopReason,
    },
    lambda::queue::Message,
    store,
};

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL"];

/// Created once in `main`.
pub struct State {
    db: Db,
}

/// Reads the settings.
pub fn make() -> Result<State, ConfigError> {
    let config = Config::from_env(REQUIRED)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let secrets = Secrets::new(config.keys.max_age, Arc::clone(&clock));
    let redis = Redis::new(config.cache, secrets.clone());
    Ok(State { db: Db::new(config.database, secrets, Some(redis), clock) })
}

/// Stops mail to the addresses of an event. Safe to run again, and with events in any order.
pub async fn handle(state: &State, message: &Message) -> anyhow::Result<()> {
    let Some(report) = event::parse(&message.body)? else {
        tracing::info!(message.id, "event ignored: it is not about an address");
        return Ok(());
    };
    counter!("MailEvents", "kind" => report.kind).increment(1);
    let Some(reason) = report.stop else { return Ok(()) };
    let request = message.request();
    for address in &report.addresses {
        // A transaction for each: one that locked several users could deadlock.
        let stopped = state
            .db
            .transaction_as(async |tx| Box::pin(stop(tx, address, reason, report.at, &request)).await)
            .await?;
        if stopped {
            tracing::info!(message.id, reason = reason.as_str(), "mail to an address stopped");
        }
    }
    Ok(())
}

/// Stops mail to `address`, and records it for the user who has it. Returns whether mail to it was sent before.
async fn stop(
    tx: &mut Tx,
    address: &Email,
    reason: StopReason,
    at: DateTime<Utc>,
    request: &RequestInfo,
) -> anyhow::Result<bool> {
    let user = store::users::lock_owner(tx, address).await?;
    let at = at.min(tx.now());
    if !store::mail_suppressions::stop(tx, address, reason, at).await? {
        return Ok(false);
    }
    if let Some(user) = user {
        store::users::touch(tx, user.id).await?;
        let event = Event::anonymous(Action::MailStopped, request).to(user.id.0);
        store::audit_events::insert(tx, &event).await?;
    }
    Ok(true)
}
