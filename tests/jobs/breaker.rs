//! The circuit breaker that instances share in Redis.

use futures_util::future::join_all;
use harness::{environment_without_database, service};
use shared::{
    aws::secrets::Secrets,
    cache::{
        breaker::{Breaker, Permit},
        redis::Redis,
    },
    config::Config,
};
use uuid::Uuid;

const MIN_FAILURES: usize = 5;

/// Returns a Redis at `url`, with keys of its own.
fn redis(url: &str) -> Redis {
    let mut environment = environment_without_database();
    environment.insert("REDIS_URL".to_owned(), url.to_owned());
    environment.insert("REDIS_PREFIX".to_owned(), format!("test:{}", Uuid::new_v4()));
    let config =
        Config::from_lookup(|name| environment.get(name).cloned(), &[]).expect("a valid configuration");
    Redis::new(config.cache, Secrets::default())
}

/// Returns `count` instances with one Redis.
fn instances(count: usize) -> (Redis, Vec<Breaker>) {
    let redis = redis(&service("TEST_REDIS_URL"));
    let breakers = (0..count).map(|_| Breaker::new("model", Some(redis.clone()))).collect();
    (redis, breakers)
}

async fn admit(breaker: &Breaker) -> Permit {
    breaker.admit().await.expect("a permit")
}

async fn open(breaker: &Breaker) {
    for _ in 0..MIN_FAILURES {
        admit(breaker).await.failed().await;
    }
    assert!(breaker.admit().await.is_none());
}

/// Ends the time for which the breaker is open.
async fn end_open_time(redis: &Redis) {
    let mut commands = redis::pipe();
    commands.del(redis.key("breaker:model:open")).ignore();
    redis.query::<()>(&commands).await.expect("Redis");
}

#[tokio::test]
async fn failures_of_all_instances_open_the_breaker_for_all() {
    let (_, breakers) = instances(3);
    for failure in 0..MIN_FAILURES {
        admit(&breakers[failure % 2]).await.failed().await;
    }
    for breaker in &breakers {
        assert!(breaker.admit().await.is_none());
    }
}

#[tokio::test]
async fn failures_among_more_successes_do_not_open_it() {
    let (_, breakers) = instances(1);
    for _ in 0..20 {
        admit(&breakers[0]).await.succeeded().await;
    }
    for _ in 0..19 {
        admit(&breakers[0]).await.failed().await;
    }
    admit(&breakers[0]).await.failed().await;
    assert!(breakers[0].admit().await.is_none(), "half of the calls failed");
}

#[tokio::test]
async fn sixteen_at_once_make_one_probe() {
    let (redis, breakers) = instances(16);
    open(&breakers[0]).await;
    end_open_time(&redis).await;

    let mut permits: Vec<_> =
        join_all(breakers.iter().map(Breaker::admit)).await.into_iter().flatten().collect();
    assert_eq!(permits.len(), 1);
    permits.remove(0).failed().await;
    assert!(breakers[1].admit().await.is_none(), "a failed probe opens it again");

    end_open_time(&redis).await;
    admit(&breakers[2]).await.succeeded().await;
    for permit in join_all(breakers.iter().map(Breaker::admit)).await {
        permit.expect("the breaker is closed").succeeded().await;
    }
}

#[tokio::test]
async fn probe_that_is_dropped_lets_no_other_call_pass_for_now() {
    let (redis, breakers) = instances(2);
    open(&breakers[0]).await;
    end_open_time(&redis).await;
    drop(admit(&breakers[0]).await);
    assert!(breakers[1].admit().await.is_none());
    let mut commands = redis::pipe();
    commands.cmd("PTTL").arg(redis.key("breaker:model:probe"));
    let (left,): (i64,) = redis.query(&commands).await.expect("Redis");
    assert!((1..=60_000).contains(&left), "the probe expires: {left}");
}

#[tokio::test]
async fn every_key_expires() {
    let (redis, breakers) = instances(1);
    let expires = async |name: &str, millis: i64| {
        let mut commands = redis::pipe();
        commands.cmd("PTTL").arg(redis.key(&format!("breaker:model:{name}")));
        let (left,): (i64,) = redis.query(&commands).await.expect("Redis");
        assert!((1..=millis).contains(&left), "{name}: {left}");
    };
    for _ in 1..MIN_FAILURES {
        admit(&breakers[0]).await.failed().await;
    }
    expires("calls", 30_000).await;
    expires("failures", 30_000).await;
    admit(&breakers[0]).await.failed().await;
    expires("open", 15_000).await;
    expires("half-open", 300_000).await;
}

#[tokio::test]
async fn without_redis_each_instance_has_its_own_breaker() {
    let redis = redis("redis://127.0.0.1:1");
    let (one, other) = (Breaker::new("model", Some(redis.clone())), Breaker::new("model", Some(redis)));
    open(&one).await;
    admit(&other).await.succeeded().await;
    let alone = Breaker::new("model", None);
    open(&alone).await;
}
