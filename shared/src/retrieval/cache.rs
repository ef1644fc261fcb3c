//! What a search asks Redis: whether it is within limits, and whether the vector of the query is known.

use std::{array, iter, time::Duration};

use data_encoding::HEXLOWER;
use ring::hmac;

use crate::{
    AppState, ReachedLimit,
    cache::rate_limit::{Limit, counted},
    config::{Secret, Setting},
    domain::{ids::OrganizationId, vector::DIMENSIONS},
};

/// The lifetime of a cached vector.
const VECTOR_TTL: Duration = Duration::from_mins(10);

/// The place of a vector in Redis.
#[derive(Clone)]
pub struct VectorKey(String);

impl VectorKey {
    /// Returns the key of the vector of `query`; `None` while the secret of the model cannot be read.
    ///
    /// It does not tell the query: it is a keyed hash, by that secret. It contains the organization, so that the time of an answer does
    /// not tell what another organization searches for.
    pub async fn of(state: &AppState, organization: OrganizationId, query: &str) -> Option<Self> {
        let models = &state.config.models;
        let secret = match &models.api_key {
            Setting::Absent(_) => Secret::from(String::new()),
            key => state.secrets.get(key).await.ok()?,
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let (model, dimensions) = (&models.embedding_model, models.embedding_dimensions);
        let text = format!("query vector\n{organization}\n{model}\n{dimensions}\n{query}");
        let hash = HEXLOWER.encode(hmac::sign(&key, text.as_bytes()).as_ref());
        Some(Self(state.redis.key(&format!("query-vector:{hash}"))))
    }
}

/// Counts a call against each of the `limits`, by its subject, and returns the vector at `key`: all in one round trip.
pub async fn take<const N: usize>(
    state: &AppState,
    limits: [(Limit, String); N],
    key: Option<&VectorKey>,
) -> Result<Option<Vec<f32>>, ReachedLimit> {
    let now = state.clock.now();
    let names = limits.each_ref().map(|(limit, subject)| state.rate_limiter.key(*limit, subject, now));
    let mut commands = redis::pipe();
    for ((limit, _), name) in limits.iter().zip(&names) {
        limit.count(&mut commands, name);
    }
    // Redis has no command that does nothing and returns nothing. An empty name is never written.
    commands.get(key.map_or("", |key| &key.0));
    let answer = state.redis.query::<Vec<redis::Value>>(&commands).await.ok();
    let (counts, bytes) = answer.as_deref().and_then(read::<N>).unwrap_or_else(|| {
        let count = |place: usize| {
            let (limit, name) = (limits[place].0, &names[place]);
            state.rate_limiter.fallback.count(name, limit.window_end(now), now)
        };
        (array::from_fn(count), None)
    });
    let reached =
        iter::zip(&limits, counts).filter_map(|((limit, _), count)| limit.check(count, now).reached());
    match reached.max_by_key(|reached| reached.wait) {
        Some(reached) => Err(reached),
        None => Ok(bytes.and_then(|bytes| decode(&bytes))),
    }
}

/// Reads the counts and the bytes of a vector; `None` for another answer.
fn read<const N: usize>(answer: &[redis::Value]) -> Option<([u32; N], Option<Vec<u8>>)> {
    let (bytes, counts) = answer.split_last()?;
    let counts: Vec<i64> =
        counts.iter().map(|count| redis::from_redis_value_ref(count).ok()).collect::<Option<_>>()?;
    let counts = counts.into_iter().map(counted).collect::<Vec<_>>().try_into().ok()?;
    Some((counts, redis::from_redis_value_ref(bytes).ok()?))
}

/// Caches the vector of a query.
pub async fn put(state: &AppState, VectorKey(key): &VectorKey, vector: &[f32]) {
    let mut commands = redis::pipe();
    commands.cmd("SET").arg(key).arg(encode(vector)).arg("EX").arg(VECTOR_TTL.as_secs()).ignore();
    if let Err(error) = state.redis.query::<()>(&commands).await {
        tracing::debug!(%error, "vector not cached");
    }
}

fn encode(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Returns `None` for anything but a whole vector.
fn decode(bytes: &[u8]) -> Option<Vec<f32>> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    let vector: Vec<_> = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
    let is_whole = rest.is_empty() && vector.len() == DIMENSIONS && vector.iter().all(|n| n.is_finite());
    is_whole.then_some(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_vectors_are_read() {
        let vector = vec![0.25; DIMENSIONS];
        let bytes = encode(&vector);
        assert_eq!(decode(&bytes), Some(vector));
        assert_eq!(decode(&bytes[1..]), None);
        assert_eq!(decode(&bytes[4..]), None);
        assert_eq!(decode(b"changed"), None);
        assert_eq!(decode(&encode(&vec![f32::NAN; DIMENSIONS])), None);
    }
}
