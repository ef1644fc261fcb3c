//! Amazon `ElastiCache`: the passwords of a user (User Guide, "Role-Based Access Control").

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};

use super::query::{Service, element};

const ELASTICACHE: Service = Service { name: "ElastiCache", id: "elasticache", version: "2015-02-02" };

/// Sets the passwords of the user `id`, at most two, in place of those that it has. They work when the user is active again.
pub async fn set_passwords(id: &str, passwords: [&str; 2], now: DateTime<Utc>) -> anyhow::Result<()> {
    let [first, second] = passwords;
    let parameters = [
        ("UserId", id),
        ("AuthenticationMode.Type", "password"),
        ("AuthenticationMode.Passwords.member.1", first),
        ("AuthenticationMode.Passwords.member.2", second),
    ];
    ELASTICACHE.ask("ModifyUser", &parameters, now).await?;
    Ok(())
}

/// Checks whether the user `id` is active: all its passwords work. Fails if it cannot become active.
pub async fn is_active(id: &str, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let answer = ELASTICACHE.ask("DescribeUsers", &[("UserId", id)], now).await?;
    let status = element(&answer, "Status").with_context(|| format!("the user {id} has no status"))?;
    ensure!(matches!(status, "active" | "modifying"), "the user {id} is {status}");
    Ok(status == "active")
}
