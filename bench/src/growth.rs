//! The cost of a thousand times as much data. No request may become slower.

use anyhow::{Context, Result, ensure};
use harness::service;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::{
    instance::Instance,
    report::{Report, Target},
    warm::median,
    world::{PASSWORD, User, World, get, millis, post},
};

/// Requests per round. The figure of a round is their median.
const REQUESTS: usize = 50;
/// Fewer: hashing a password is slow.
const LOGINS: usize = 10;
/// Rows that `retention` deletes in one transaction.
const BATCH: u64 = 5_000;

/// Inserts `$many` users, each with a session, an organization and an audit event.
const PEOPLE: &str = "
    INSERT INTO users (id, name, email, created_at, updated_at)
    SELECT uuidv7(), 'U', 'u' || n || '@example.com', now(), now() FROM generate_series(1, $many) n;
    INSERT INTO organizations (id, name, slug, personal_to, created_at, updated_at)
    SELECT uuidv7(), 'Space', 'space-' || row_number() OVER (), id, now(), now() FROM users;
    INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
    SELECT id, personal_to, 'owner', now(), now() FROM organizations;
    INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, created_at, authenticated_at,
                          last_used_at, expires_at, ends_at)
    SELECT uuidv7(), id, sha256(id::text::bytea), now(), 'body', now(), now(), now(), now() + interval '30 d',
           now() + interval '30 d'
    FROM users;
    INSERT INTO audit_events (id, occurred_at, action, outcome, actor_id, target_id, request_id)
    SELECT uuidv7(), now(), 'session.created', 'success', id, id, 'r' FROM users;";

/// Makes the newest user, `$email`, an administrator of the system and a member of `$few` other organizations. Adds `$few` members to
/// the user's own organization.
const ADA: &str = "
    UPDATE users SET system_administrator = true WHERE email = '$email';
    INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
    SELECT o.id, u.id, 'member', now(), now()
    FROM users u, (SELECT id FROM organizations WHERE slug LIKE 'space-%' ORDER BY id LIMIT $few) o WHERE u.email = '$email';
    INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
    SELECT o.id, m.id, 'member', now(), now()
    FROM users u JOIN organizations o ON o.personal_to = u.id,
         (SELECT id FROM users WHERE email LIKE 'u%@example.com' ORDER BY id LIMIT $few) m WHERE u.email = '$email';";

/// Inserts one batch of sessions that ended long ago, five for each of a thousand users.
const ENDED: &str = "
    INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, created_at, authenticated_at,
                          last_used_at, expires_at, ends_at)
    SELECT uuidv7(), id, sha256(uuidv7()::text::bytea), t, 'body', t, t, t, t, t
    FROM (SELECT id FROM users ORDER BY id LIMIT 1000) u, generate_series(1, 5), (SELECT now() - interval '2 years' AS t) m";

/// Name, instance, event, and whether the session must not be cached.
type Measured<'a> = (&'static str, &'a Instance, Value, bool);

/// A database of some size, and instances that use it.
struct Setup {
    world: World,
    auth: Instance,
    organizations: Instance,
    users: Instance,
    retention: Instance,
    ada: User,
    /// Ada's own organization.
    organization: String,
}

impl Setup {
    async fn create(template: &World, many: u32, few: u32) -> Result<Self> {
        let world = World::create(template.programs.clone(), template.bare.clone(), template.rounds).await;
        execute(&world, &PEOPLE.replace("$many", &many.to_string())).await?;
        let auth = world.start("Auth", &world.environment).await?;
        let ada = world.register(&auth).await?;
        execute(&world, &ADA.replace("$email", &ada.email).replace("$few", &few.to_string())).await?;
        // As autovacuum does in a database that grew over time.
        execute(&world, "VACUUM ANALYZE").await?;
        let organizations = world.start("Organizations", &world.environment).await?;
        let users = world.start("Users", &world.environment).await?;
        let mut janitor = world.environment.clone();
        janitor.insert("DATABASE_URL".to_owned(), world.database.retention_url());
        let retention = world.start("Retention", &janitor).await?;
        let own = query(&get("/v1/organizations", Some(&ada.token)), &[("limit", "1")]);
        let (answer, _) = organizations.request(&own, 200).await?;
        let organization = answer.pointer("/data/0/id").and_then(Value::as_str).context("an organization")?;
        let organization = organization.to_owned();
        Ok(Self { world, auth, organizations, users, retention, ada, organization })
    }

    /// Returns the measured requests.
    fn requests(&self) -> [Measured<'_>; 9] {
        let ask =
            |path: &str, parameters: &[(&str, &str)]| query(&get(path, Some(&self.ada.token)), parameters);
        // One row, so that both responses have the same length.
        let one = ("limit", "1");
        let members = format!("/v1/organizations/{}/members", self.organization);
        let session = format!("/v1/auth/sessions/{}", self.ada.session);
        [
            ("session check", &self.auth, ask(&session, &[]), true),
            ("one session", &self.auth, ask(&session, &[]), false),
            ("list of sessions", &self.auth, ask("/v1/auth/sessions", &[one]), false),
            (
                "list of organizations, of 1 and of 1 001",
                &self.organizations,
                ask("/v1/organizations", &[one]),
                false,
            ),
            ("list of members, of 1 and of 1 001", &self.organizations, ask(&members, &[one]), false),
            ("list of users", &self.users, ask("/v1/users", &[one]), false),
            (
                "list of users: an address",
                &self.users,
                ask("/v1/users", &[("email", "u500@example.com")]),
                false,
            ),
            ("list of users: suspended", &self.users, ask("/v1/users", &[("status", "suspended")]), false),
            (
                "audit log: an action",
                &self.users,
                ask("/v1/audit-events", &[("action", "user.suspended")]),
                false,
            ),
        ]
    }

    async fn login(&self) -> Result<f64> {
        let event = post("/v1/auth/login", None, &json!({ "email": self.ada.email, "password": PASSWORD }));
        let mut taken = Vec::new();
        for _ in 0..LOGINS {
            taken.push(self.auth.request(&event, 201).await?.1);
        }
        Ok(millis(median(taken)))
    }

    async fn batch(&self) -> Result<f64> {
        execute(&self.world, ENDED).await?;
        execute(&self.world, "VACUUM sessions").await?;
        let (answer, took) = self.retention.invoke(&json!({})).await?;
        let removed = answer.pointer("/tables/0/removed").and_then(Value::as_u64);
        ensure!(removed == Some(BATCH), "not one batch of sessions: {answer}");
        Ok(millis(took))
    }
}

/// Sends the same requests alternately to a database of a thousand users and to one of a million.
pub async fn run(world: &World, report: &mut Report) -> Result<()> {
    let setups = [Setup::create(world, 1_000, 0).await?, Setup::create(world, 1_000_000, 1_000).await?];
    let requests = setups.each_ref().map(Setup::requests);
    let mut redis =
        redis::Client::open(service("TEST_REDIS_URL"))?.get_multiplexed_async_connection().await?;
    let mut taken_by_request: [[Vec<f64>; 9]; 2] = Default::default();
    let (mut logins, mut batches): ([Vec<f64>; 2], [Vec<f64>; 2]) = Default::default();
    for _ in 0..world.rounds {
        for number in 0..requests[0].len() {
            for (requests, taken_by_request) in requests.iter().zip(&mut taken_by_request) {
                let (_, instance, event, uncached) = &requests[number];
                let mut taken = Vec::new();
                for _ in 0..REQUESTS {
                    if *uncached {
                        // Deletes the cached session.
                        redis::cmd("FLUSHDB").query_async::<()>(&mut redis).await?;
                    }
                    taken.push(instance.request(event, 200).await?.1);
                }
                taken_by_request[number].push(millis(median(taken)));
            }
        }
        for (setup, (logins, batches)) in setups.iter().zip(logins.iter_mut().zip(&mut batches)) {
            logins.push(setup.login().await?);
            batches.push(setup.batch().await?);
        }
    }
    let flat = Target::AtMost(1.3);
    let [small, large] = taken_by_request;
    for ((request, small), large) in requests[0].iter().zip(&small).zip(&large) {
        report.add_ratio("growth", request.0, "ms", (small, large), flat);
    }
    report.add_ratio("growth", "login", "ms", (&logins[0], &logins[1]), flat);
    report.add_ratio("growth", "retention: a batch of sessions", "ms", (&batches[0], &batches[1]), flat);
    Ok(())
}

/// Returns `event` with these parameters in its query.
fn query(event: &Value, parameters: &[(&str, &str)]) -> Value {
    let mut event = event.clone();
    let single = parameters.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    let multi = parameters.iter().map(|(name, value)| ((*name).to_owned(), json!([value])));
    event["queryStringParameters"] = single.collect::<serde_json::Map<_, _>>().into();
    event["multiValueQueryStringParameters"] = multi.collect::<serde_json::Map<_, _>>().into();
    event
}

async fn execute(world: &World, statements: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(world.database.pool()).await?;
    Ok(())
}
