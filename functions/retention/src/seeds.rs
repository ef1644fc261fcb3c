//! Encrypts the seeds of authenticator apps with the current key. A seed lives for years, a key of `rotate-keys` does not.

use shared::{
    db::Tx,
    domain::ids::UserId,
    store::totp_factors::{count_sealed_with_other_keys, reseal, seal_context, sealed_with_other_keys},
    telemetry,
};
use uuid::Uuid;

use crate::Run;

/// The most seeds of one transaction: it takes milliseconds, so a sign-in hardly waits for its locks.
const BATCH_ROWS: i64 = 100;

/// Encrypts every seed again that is encrypted with another key than the current one. Returns how many, of a dry run 0; and how many are
/// left.
pub(crate) async fn reseal_all(run: &Run<'_>) -> anyhow::Result<(u64, u64)> {
    let (mut after, mut resealed) = (UserId(Uuid::nil()), 0);
    let (db, key) = (&run.state.db, run.state.sealer.key_id().await?);
    while !run.dry && run.has_time() {
        let find = async |tx: &mut Tx| {
            anyhow::Ok(sealed_with_other_keys(tx, key.as_bytes(), after, BATCH_ROWS).await?)
        };
        let found = db.transaction_as(find).await?;
        let Some((last, _)) = found.last() else { break };
        after = *last;
        let batch = reencrypt(run, found).await?;
        resealed += batch.len() as u64;
        let replace = async |tx: &mut Tx| {
            for (user, old, new) in &batch {
                reseal(tx, *user, old, new).await?;
            }
            anyhow::Ok(())
        };
        db.transaction_as(replace).await?;
        telemetry::flush();
    }
    let count = async |tx: &mut Tx| anyhow::Ok(count_sealed_with_other_keys(tx, key.as_bytes()).await?);
    Ok((resealed, db.transaction_as(count).await?.try_into()?))
}

/// Returns each seed as it is stored, and encrypted with the current key. Leaves out those whose key is gone.
async fn reencrypt(
    run: &Run<'_>,
    found: Vec<(UserId, Vec<u8>)>,
) -> anyhow::Result<Vec<(UserId, Vec<u8>, Vec<u8>)>> {
    let mut batch = Vec::new();
    for (user, old) in found {
        let context = seal_context(user);
        match run.state.sealer.open(&context, &old).await? {
            Some(plain) => {
                let new = run.state.sealer.seal(&context, plain).await?;
                batch.push((user, old, new));
            }
            // The user can sign in with a recovery code, or an administrator removes the factor.
            None => {
                tracing::warn!(request.id = run.job.id, user.id = %user, "seed not decrypted: its key was removed");
            }
        }
    }
    Ok(batch)
}
