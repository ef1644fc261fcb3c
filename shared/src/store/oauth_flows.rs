//! The `oauth_flows` table: sign-ins with identity providers that have begun.

use chrono::TimeDelta;

use crate::{
    db::Tx,
    domain::ids::{OauthFlowId, UserId},
    text_enum,
};

text_enum!(
    /// What becomes of the identity.
    FlowPurpose {
        /// It signs in.
        SignIn = "sign_in",
        /// It is linked to the user who began the flow.
        Link = "link",
        /// It was offered by mail to the account with its address.
        Mail = "mail",
    }
);

/// The time for the way to the provider and back.
pub const FLOW_LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// The time in which the code of a callback can be exchanged.
pub const CODE_LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// What a flow needs on the way to the provider.
pub struct Begun<'a> {
    pub state_hash: &'a [u8],
    pub browser_hash: &'a [u8],
    pub sealed: &'a [u8],
}

/// A flow whose provider has sent the browser back.
pub struct Consumed {
    pub id: OauthFlowId,
    pub sealed: Option<Vec<u8>>,
    pub return_to: Option<String>,
}

/// A flow with an identity that was not used yet.
pub struct Arrived {
    pub id: OauthFlowId,
    pub provider: String,
    /// `None` at a sign-in.
    pub user_id: Option<UserId>,
    pub state_hash: Vec<u8>,
    pub sealed: Option<Vec<u8>>,
}

/// Inserts a sign-in.
pub async fn begin(
    tx: &mut Tx,
    provider: &str,
    begun: &Begun<'_>,
    return_to: Option<&str>,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        INSERT INTO oauth_flows (id, provider, purpose, state_hash, browser_hash, sealed, return_to, created_at, expires_at)
        VALUES ($1, $2, 'sign_in', $3, $4, $5, $6, $7, $8)
        "#,
        OauthFlowId::new() as OauthFlowId,
        provider,
        begun.state_hash,
        begun.browser_hash,
        begun.sealed,
        return_to,
        now,
        now + FLOW_LIFETIME,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Inserts the flow in which `user` links an identity. It begins when a browser presents the token with this hash.
pub async fn prepare_link(
    tx: &mut Tx,
    provider: &str,
    user: UserId,
    token_hash: &[u8],
    return_to: Option<&str>,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        INSERT INTO oauth_flows (id, provider, purpose, user_id, state_hash, return_to, created_at, expires_at)
        VALUES ($1, $2, 'link', $3, $4, $5, $6, $7)
        "#,
        OauthFlowId::new() as OauthFlowId,
        provider,
        user as UserId,
        token_hash,
        return_to,
        now,
        now + FLOW_LIFETIME,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Begins the flow of [`prepare_link`]. Of concurrent calls, one succeeds.
pub async fn begin_link(
    tx: &mut Tx,
    provider: &str,
    token_hash: &[u8],
    begun: &Begun<'_>,
) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE oauth_flows
        SET state_hash = $3, browser_hash = $4, sealed = $5
        WHERE state_hash = $1 AND provider = $2 AND purpose = 'link' AND browser_hash IS NULL AND expires_at > $6
        "#,
        token_hash,
        provider,
        begun.state_hash,
        begun.browser_hash,
        begun.sealed,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Records that the provider has sent the browser back. Of concurrent calls, one succeeds; none in another browser, or with another provider
/// than the one to which the browser was sent.
pub async fn consume(
    tx: &mut Tx,
    provider: &str,
    state_hash: &[u8],
    browser_hash: &[u8],
) -> sqlx::Result<Option<Consumed>> {
    let now = tx.now();
    sqlx::query_as!(
        Consumed,
        r#"
        UPDATE oauth_flows
        SET consumed_at = $4
        WHERE state_hash = $1 AND browser_hash = $2 AND provider = $3 AND consumed_at IS NULL AND expires_at > $4
        RETURNING id AS "id: OauthFlowId", sealed, return_to
        "#,
        state_hash,
        browser_hash,
        provider,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Stores the identity of a consumed flow, and the hash of the code for which `auth` gets it.
pub async fn arrive(tx: &mut Tx, id: OauthFlowId, sealed: &[u8], code_hash: &[u8]) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE oauth_flows SET sealed = $2, code_hash = $3, expires_at = $4 WHERE id = $1",
        id as OauthFlowId,
        sealed,
        code_hash,
        now + CODE_LIFETIME,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Returns the flow with this code, begun in this browser. Lock the user, then call [`exchange`].
pub async fn find_arrived(
    tx: &mut Tx,
    code_hash: &[u8],
    browser_hash: &[u8],
) -> sqlx::Result<Option<Arrived>> {
    let now = tx.now();
    sqlx::query_as!(
        Arrived,
        r#"
        SELECT id AS "id: OauthFlowId", provider, user_id AS "user_id: UserId", state_hash, sealed
        FROM oauth_flows
        WHERE code_hash = $1 AND browser_hash = $2 AND exchanged_at IS NULL AND expires_at > $3
        "#,
        code_hash,
        browser_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Uses up the code of the flow. Of concurrent calls, one succeeds.
pub async fn exchange(tx: &mut Tx, id: OauthFlowId) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        "UPDATE oauth_flows SET exchanged_at = $2 WHERE id = $1 AND exchanged_at IS NULL AND expires_at > $2",
        id as OauthFlowId,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Keeps the identity of an exchanged flow for `lifetime`, so that `user` can link it with the mailed token that has this hash.
pub async fn offer(
    tx: &mut Tx,
    id: OauthFlowId,
    user: UserId,
    token_hash: &[u8],
    lifetime: TimeDelta,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE oauth_flows
        SET purpose = 'mail', user_id = $2, code_hash = $3, browser_hash = NULL, exchanged_at = NULL, expires_at = $4
        WHERE id = $1
        "#,
        id as OauthFlowId,
        user as UserId,
        token_hash,
        now + lifetime,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Returns the flow whose identity was offered to `user` with this token.
pub async fn find_offered(tx: &mut Tx, user: UserId, token_hash: &[u8]) -> sqlx::Result<Option<Arrived>> {
    let now = tx.now();
    sqlx::query_as!(
        Arrived,
        r#"
        SELECT id AS "id: OauthFlowId", provider, user_id AS "user_id: UserId", state_hash, sealed
        FROM oauth_flows
        WHERE user_id = $1 AND code_hash = $2 AND purpose = 'mail' AND exchanged_at IS NULL AND expires_at > $3
        "#,
        user as UserId,
        token_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}
