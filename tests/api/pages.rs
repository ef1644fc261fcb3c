//! Every list that comes in pages, read while rows come and go.

use std::collections::{HashSet, VecDeque};

use harness::{Client, Person, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

/// After how many pages of one reading something changes.
const CHANGES: usize = 3;

fn id(row: &Value) -> &str {
    row["id"].as_str().expect("an id")
}

fn ids(rows: &[Value]) -> HashSet<String> {
    rows.iter().map(|row| id(row).to_owned()).collect()
}

/// One page, and how to go on.
async fn page(client: &Client<'_>, path: &str, query: &str) -> (Vec<Value>, Option<String>) {
    let page = client.get(&format!("{path}?{query}")).await.ok(200);
    let next = page.body["meta"]["nextCursor"].as_str().map(str::to_owned);
    (page.body["data"].as_array().expect("a list").clone(), next)
}

/// Reads the list at `path` two by two, in both orders, while `change` happens after the first pages, which is given what was
/// seen last. What is there before and after is seen, once, in order, with nothing that `filter` leaves out.
async fn is_complete(
    client: &Client<'_>,
    path: &str,
    filter: &str,
    fits: impl Fn(&Value) -> bool,
    mut change: impl AsyncFnMut(&[Value]),
) {
    for sort in ["createdAt", "-createdAt"] {
        let said = format!("{path}?{filter} by {sort}");
        let whole = format!("limit=100&sort={sort}{filter}");
        let (before, rest) = page(client, path, &whole).await;
        assert!(rest.is_none() && before.len() > 1, "{said}: {before:#?}");
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let (rows, next) = page(client, path, &format!("limit=2&sort={sort}{filter}{cursor}")).await;
            if pages < CHANGES {
                change(&rows).await;
            }
            pages += 1;
            seen.extend(rows);
            match next {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let (after, _) = page(client, path, &whole).await;

        let distinct = ids(&seen);
        assert_eq!(distinct.len(), seen.len(), "{said} has a row twice: {seen:#?}");
        let missed: Vec<_> = ids(&before).intersection(&ids(&after)).cloned().collect();
        let missed: Vec<_> = missed.iter().filter(|id| !distinct.contains(*id)).collect();
        assert!(missed.is_empty(), "{said} lacks {missed:?}: {seen:#?}");
        assert!(seen.iter().all(&fits), "{said} has what does not fit: {seen:#?}");
        let place = |row: &Value| {
            let at = row["createdAt"].as_str().or(row["occurredAt"].as_str()).expect("a time");
            (at.to_owned(), id(row).to_owned())
        };
        let mut places: Vec<_> = seen.iter().map(place).collect();
        if sort.starts_with('-') {
            places.reverse();
        }
        assert!(places.is_sorted(), "{said} is in disorder: {places:#?}");
    }
}

/// The last of `rows` that may go: the very one that the cursor stands on, if it can be.
fn goes<'a>(rows: &'a [Value], member: &str) -> Option<&'a str> {
    let goes =
        |row: &&Value| row[member].as_str().is_some_and(|text| text.to_lowercase().starts_with("goes"));
    rows.iter().rev().find(goes).map(id)
}

#[tokio::test]
async fn pages_of_members_are_complete_while_people_join_and_leave() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.found("Engines").await;
    let (mut inside, mut outside) = (Vec::new(), VecDeque::new());
    for n in 0..11 {
        let person = app.person(if n % 2 == 0 { "Stays" } else { "Goes" }).await;
        person.prove_address().await;
        if n < 8 {
            app.clock.advance(chrono::TimeDelta::seconds(i64::from(n % 3)));
            ada.add(&path, &person, ["member", "member", "admin", "admin"][n as usize % 4]).await;
            inside.push(person);
        } else {
            outside.push_back(person);
        }
    }
    let mut joined = 0;
    for role in ["", "member", "admin"] {
        let filter = if role.is_empty() { String::new() } else { format!("&role={role}") };
        let fits = |row: &Value| role.is_empty() || row["role"] == role;
        is_complete(&ada.client, &format!("{path}/members"), &filter, fits, async |seen| {
            let gone =
                goes(seen, "name").and_then(|id| inside.iter().position(|person: &Person| person.id == id));
            if let Some(gone) = gone {
                let gone = inside.swap_remove(gone);
                ada.client.delete(&format!("{path}/members/{}", gone.id)).await.ok(204);
                outside.push_back(gone);
            }
            let newcomer = outside.pop_front().expect("someone outside");
            app.clock.advance(chrono::TimeDelta::seconds(joined % 2));
            ada.add(&path, &newcomer, ["member", "admin"][usize::from(joined % 2 == 0)]).await;
            joined += 1;
            inside.push(newcomer);
            // Whoever has left in this reading does not come back in it.
            if outside.len() < CHANGES {
                let other = inside.iter().position(|person| !ids(seen).contains(&person.id));
                let other = inside.remove(other.expect("someone inside"));
                ada.client.delete(&format!("{path}/members/{}", other.id)).await.ok(204);
                outside.push_back(other);
            }
        })
        .await;
    }
}

#[tokio::test]
async fn pages_of_invitations_are_complete_while_some_are_made_and_taken_back() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = format!("{}/invitations", ada.found("Engines").await);
    let invite = async |email: String| {
        ada.client.post(&path, json!({ "email": email, "role": "member" })).await.ok(201);
    };
    for n in 0..3 {
        for kind in ["accepted", "declined", "revoked", "expired", "late", "stays", "goes"] {
            invite(format!("{kind}.{n}@example.com")).await;
        }
    }
    app.database
        .execute(
            "UPDATE invitations SET status = split_part(email, '.', 1)
             WHERE split_part(email, '.', 1) IN ('accepted', 'declined', 'revoked', 'expired')",
        )
        .await;
    app.database.execute("UPDATE invitations SET expires_at = created_at WHERE email LIKE 'late%'").await;

    let mut made = 3;
    for status in ["", "pending", "accepted", "declined", "revoked", "expired"] {
        let filter = if status.is_empty() { String::new() } else { format!("&status={status}") };
        let fits = |row: &Value| status.is_empty() || row["status"] == status;
        is_complete(&ada.client, &path, &filter, fits, async |seen| {
            let open: Vec<_> = seen.iter().filter(|row| row["status"] == "pending").cloned().collect();
            if let Some(gone) = goes(&open, "email") {
                ada.client.delete(&format!("{path}/{gone}")).await.ok(204);
            }
            invite(format!("goes.{made}@example.com")).await;
            made += 1;
        })
        .await;
    }
}

#[tokio::test]
async fn pages_of_api_keys_are_complete_while_some_are_made_and_revoked() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = format!("{}/api-keys", ada.found("Engines").await);
    let make = async |name: &str| {
        let body = json!({ "name": name, "scopes": ["members:read"] });
        ada.client.post(&path, body).await.ok(201);
    };
    for n in 0..8 {
        make(if n % 2 == 0 { "Stays" } else { "Goes" }).await;
    }
    is_complete(
        &ada.client,
        &path,
        "",
        |_| true,
        async |seen| {
            if let Some(gone) = goes(seen, "name") {
                ada.client.delete(&format!("{path}/{gone}")).await.ok(204);
            }
            make("Goes").await;
        },
    )
    .await;
}

#[tokio::test]
async fn pages_of_organizations_are_complete_while_some_are_made_and_deleted() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    for n in 0..8 {
        ada.found(if n % 2 == 0 { "Stays" } else { "Goes" }).await;
    }
    is_complete(
        &ada.client,
        "/v1/organizations",
        "",
        |_| true,
        async |seen| {
            if let Some(gone) = goes(seen, "name") {
                ada.client.delete(&format!("/v1/organizations/{gone}")).await.ok(204);
            }
            ada.found("Goes").await;
        },
    )
    .await;
}

#[tokio::test]
async fn pages_of_the_audit_log_are_complete_while_it_grows_and_old_events_go() {
    let app = TestApp::new().await;
    let (ada, bob, root) =
        (app.person("Ada").await, app.person("Bob").await, app.administrator("Root").await);
    bob.prove_address().await;
    let path = ada.found("Engines").await;
    ada.add(&path, &bob, "admin").await;
    let rename = async |person: &Person<'_>| {
        app.clock.advance(chrono::TimeDelta::seconds(1));
        person.client.patch(&path, json!({ "name": "Machines" })).await.ok(200);
        person.client.patch("/v1/auth/me", json!({ "name": "Renamed" })).await.ok(200);
    };
    for _ in 0..3 {
        rename(&ada).await;
        rename(&bob).await;
    }
    let by_bob = format!("&actorId={}", bob.id);
    let (since, until) = ("2026-01-02T03:04:08Z", "2026-01-02T03:04:10Z");
    let at = |row: &Value| row["occurredAt"].as_str().expect("a time").to_owned();
    let filters: [(String, &dyn Fn(&Value) -> bool); 5] = [
        (String::new(), &|_| true),
        (by_bob.clone(), &|row| row["actorId"] == bob.id.as_str()),
        ("&action=organization.updated".to_owned(), &|row| row["action"] == "organization.updated"),
        (format!("&since={since}&until={until}"), &|row| {
            at(row).as_str() >= since && at(row).as_str() < until
        }),
        (format!("{by_bob}&since={since}"), &|row| {
            row["actorId"] == bob.id.as_str() && at(row).as_str() >= since
        }),
    ];
    for (client, log) in
        [(&ada.client, format!("{path}/audit-events")), (&root.client, "/v1/audit-events".to_owned())]
    {
        for (filter, fits) in &filters {
            let mut changes = 0;
            is_complete(client, &log, filter, fits, async |seen| {
                if let Some(last) = seen.last().filter(|_| changes == 1) {
                    sqlx::query("DELETE FROM audit_events WHERE id = $1::uuid")
                        .bind(id(last))
                        .execute(app.database.pool())
                        .await
                        .expect("a deletion");
                }
                rename(if changes % 2 == 0 { &ada } else { &bob }).await;
                changes += 1;
            })
            .await;
        }
    }
}

#[tokio::test]
async fn pages_of_users_are_complete_while_users_come_and_go() {
    let app = TestApp::new().await;
    let root = app.administrator("Root").await;
    let arrive = async |name: &str, standing: &str| {
        let statement = "
            INSERT INTO users (id, name, email, created_at, updated_at, suspended_at, suspended_reason, deleted_at, erased_at)
            SELECT $1, $2, $1::text || '@example.com', t, t, CASE WHEN $3 = 'suspended' THEN t END,
                   CASE WHEN $3 = 'suspended' THEN 'test' END, CASE WHEN $3 IN ('deleted', 'erased') THEN t END,
                   CASE WHEN $3 = 'erased' THEN t END
            FROM (SELECT $4::timestamptz) AS now (t)";
        sqlx::query(statement)
            .bind(Uuid::now_v7())
            .bind(name)
            .bind(standing)
            .bind(app.state.app.clock.now())
            .execute(app.database.pool())
            .await
            .expect("a user");
    };
    let standings = ["active", "suspended", "deleted", "erased"];
    for n in 0..6 {
        for standing in standings {
            arrive(if n % 2 == 0 { "Stays" } else { "Goes" }, standing).await;
        }
    }
    for status in ["", "active", "suspended", "deleted", "erased"] {
        let filter = if status.is_empty() { String::new() } else { format!("&status={status}") };
        let fits = |row: &Value| {
            let standing = match row {
                row if !row["erasedAt"].is_null() => "erased",
                row if !row["deletedAt"].is_null() => "deleted",
                row if !row["suspendedAt"].is_null() => "suspended",
                _ => "active",
            };
            status.is_empty() || status == standing
        };
        is_complete(&root.client, "/v1/users", &filter, fits, async |seen| {
            let living: Vec<_> = seen.iter().filter(|row| row["erasedAt"].is_null()).cloned().collect();
            if let Some(gone) = goes(&living, "name") {
                root.client.post_nothing(&format!("/v1/users/{gone}/erase")).await.ok(200);
            }
            for standing in standings {
                arrive("Goes", standing).await;
            }
        })
        .await;
    }
    // Of one address there is one living user, and any number of deleted ones.
    app.database.execute("UPDATE users SET email = 'Once@example.com' WHERE deleted_at IS NOT NULL").await;
    let fits = |row: &Value| row["email"] == "Once@example.com";
    is_complete(&root.client, "/v1/users", "&email=once@EXAMPLE.com", fits, async |_| {
        arrive("Goes", "active").await;
    })
    .await;
}
