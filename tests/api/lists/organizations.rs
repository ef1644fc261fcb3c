use std::collections::VecDeque;

use chrono::TimeDelta;
use harness::{Person, TestApp};
use serde_json::{Value, json};

use super::{CHANGES, assert_complete, ids, last_deletable};

#[tokio::test]
async fn member_pages_are_complete_during_changes() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Engines").await;
    let (mut inside, mut outside) = (Vec::new(), VecDeque::new());
    for n in 0..11_usize {
        let person = app.person(if n % 2 == 0 { "Stays" } else { "Goes" }).await;
        person.verify_address().await;
        if n < 8 {
            app.clock.advance(TimeDelta::seconds([0, 1, 2][n % 3]));
            ada.add(&path, &person, ["member", "member", "admin", "admin"][n % 4]).await;
            inside.push(person);
        } else {
            outside.push_back(person);
        }
    }
    let mut joined = 0;
    for role in ["", "member", "admin"] {
        let filter = if role.is_empty() { String::new() } else { format!("&role={role}") };
        let fits = |row: &Value| role.is_empty() || row["role"] == role;
        assert_complete(&ada.client, &format!("{path}/members"), &filter, fits, async |seen| {
            let gone = last_deletable(seen, "name")
                .and_then(|id| inside.iter().position(|person: &Person| person.id == id));
            if let Some(gone) = gone {
                let gone = inside.swap_remove(gone);
                ada.client.delete(&format!("{path}/members/{}", gone.id)).await.ok(204);
                outside.push_back(gone);
            }
            let joining = outside.pop_front().expect("a person outside");
            app.clock.advance(TimeDelta::seconds(joined % 2));
            ada.add(&path, &joining, ["member", "admin"][usize::from(joined % 2 == 0)]).await;
            joined += 1;
            inside.push(joining);
            // A person who left during this reading must not join again during it.
            if outside.len() < CHANGES {
                let other = inside.iter().position(|person| !ids(seen).contains(&person.id));
                let other = inside.remove(other.expect("a member"));
                ada.client.delete(&format!("{path}/members/{}", other.id)).await.ok(204);
                outside.push_back(other);
            }
        })
        .await;
    }
}

#[tokio::test]
async fn invitation_pages_are_complete_during_changes() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = format!("{}/invitations", ada.create_organization("Engines").await);
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
        assert_complete(&ada.client, &path, &filter, fits, async |seen| {
            let open: Vec<_> = seen.iter().filter(|row| row["status"] == "pending").cloned().collect();
            if let Some(gone) = last_deletable(&open, "email") {
                ada.client.delete(&format!("{path}/{gone}")).await.ok(204);
            }
            invite(format!("goes.{made}@example.com")).await;
            made += 1;
        })
        .await;
    }
}

#[tokio::test]
async fn api_key_pages_are_complete_during_changes() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = format!("{}/api-keys", ada.create_organization("Engines").await);
    let make = async |name: &str| {
        let body = json!({ "name": name, "scopes": ["members:read"] });
        ada.client.post(&path, body).await.ok(201);
    };
    for n in 0..8 {
        make(if n % 2 == 0 { "Stays" } else { "Goes" }).await;
    }
    assert_complete(
        &ada.client,
        &path,
        "",
        |_| true,
        async |seen| {
            if let Some(gone) = last_deletable(seen, "name") {
                ada.client.delete(&format!("{path}/{gone}")).await.ok(204);
            }
            make("Goes").await;
        },
    )
    .await;
}

#[tokio::test]
async fn organization_pages_are_complete_during_changes() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    for n in 0..8 {
        ada.create_organization(if n % 2 == 0 { "Stays" } else { "Goes" }).await;
    }
    assert_complete(
        &ada.client,
        "/v1/organizations",
        "",
        |_| true,
        async |seen| {
            if let Some(gone) = last_deletable(seen, "name") {
                ada.client.delete(&format!("/v1/organizations/{gone}")).await.ok(200);
            }
            ada.create_organization("Goes").await;
        },
    )
    .await;
}
