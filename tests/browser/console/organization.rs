//! The pages of an organization.

use harness::{PASSWORD, Person};
use serde_json::{Value, json};

use crate::site::Site;

/// Somebody who signs in in a story.
fn person(person: &Person<'_>, name: &str) -> Value {
    json!({ "email": person.email, "password": PASSWORD, "id": person.id, "name": name })
}

/// The person in a story.
fn other(person: &Person<'_>, name: &str) -> Value {
    json!({ "email": person.email, "id": person.id, "name": name })
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_changes_roles_and_removes_members_and_a_member_leaves() {
    let site = Site::with_console().await;
    let app = &site.app;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let (cy, dora) = (app.verified_person("Cy").await, app.verified_person("Dora").await);
    let organization = ada.create_organization("Engines").await;
    for member in [&bob, &cy, &dora] {
        ada.add(&organization, member, "member").await;
    }
    bob.add_authenticator().await;
    let given = json!({
        "organization": organization,
        "ada": { "person": person(&ada, "Ada") },
        "bob": other(&bob, "Bob"),
        "cy": other(&cy, "Cy"),
        "dora": { "person": person(&dora, "Dora") },
    });
    site.tell("console/organization-members", &given).await;
    let found = ada.client.get(&format!("{organization}/members/{}", bob.id)).await.ok(200);
    assert_eq!(found.text("/data/role"), "owner");
    for gone in [&cy, &dora] {
        let path = format!("{organization}/members/{}", gone.id);
        ada.client.get(&path).await.refused(404, "member-not-found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_owner_reads_why_they_cannot_leave() {
    let site = Site::with_console().await;
    let ada = site.app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let given = json!({ "organization": organization, "person": person(&ada, "Ada") });
    site.tell("console/organization-owner", &given).await;
    ada.client.get(&organization).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrator_of_an_organization_invites_people() {
    const INVITED: &str = "charles@example.com";
    const REVOKED: &str = "eve@example.com";
    let site = Site::with_console().await;
    let app = &site.app;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let (team, other_team) =
        (ada.create_organization("Engines").await, bob.create_organization("Looms").await);
    ada.add(&team, &bob, "admin").await;
    // Bob's own, so that the page begins empty.
    app.database.execute("DELETE FROM invitations").await;
    bob.invite(&other_team, "other@example.com", "member").await;
    let given = json!({
        "organization": team,
        "person": person(&bob, "Bob"),
        "member": ada.email,
        "invited": INVITED,
        "revoked": REVOKED,
    });
    site.tell("console/organization-invitations", &given).await;
    assert_eq!((app.mail_count(INVITED), app.mail_count(REVOKED)), (2, 1));
    let open = ada.client.get(&format!("{team}/invitations?status=pending")).await.ok(200);
    let open = open.body["data"].as_array().expect("a list");
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((&open[0]["email"], &open[0]["role"]), (&json!(INVITED), &json!("admin")));
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_creates_changes_rotates_and_revokes_an_api_key() {
    let site = Site::with_console().await;
    let ada = site.app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let given = json!({ "organization": organization, "person": person(&ada, "Ada") });
    site.tell("console/organization-api-keys", &given).await;
    let keys = ada.client.get(&format!("{organization}/api-keys")).await.ok(200);
    assert_eq!(keys.body["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn system_administrator_sets_limits_of_requests_in_their_organization() {
    const LIMITS: &str = "SELECT concat_ws(' ', o.rate_limit, k.rate_limit)
                          FROM api_keys k JOIN organizations o ON o.id = k.organization_id";
    let site = Site::with_console().await;
    let grace = site.app.administrator("Grace").await;
    let organization = grace.create_organization("Engines").await;
    grace.create_key(&organization, &["artifacts:read"]).await;
    let given = json!({ "organization": organization, "person": person(&grace, "Grace") });
    site.tell("console/organization-limits", &given).await;
    assert_eq!(site.app.database.value::<String>(LIMITS).await, "500 50");
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_reads_the_audit_log_of_an_organization_in_words() {
    let site = Site::with_console().await;
    let app = &site.app;
    let ada = app.person("Ada").await;
    let (bob, cy) = (app.verified_person("Bob").await, app.verified_person("Cy").await);
    let organization = ada.create_organization("Engines").await;
    ada.add(&organization, &bob, "member").await;
    ada.add(&organization, &cy, "member").await;
    bob.client.get(&format!("{organization}/audit-events")).await.refused(403, "role-needed");
    let promotion = json!({ "role": "admin" });
    ada.client.patch(&format!("{organization}/members/{}", bob.id), promotion).await.ok(200);
    ada.client.delete(&format!("{organization}/members/{}", cy.id)).await.ok(204);
    let given = json!({
        "organization": organization,
        "person": person(&ada, "Ada"),
        "bob": other(&bob, "Bob"),
        "cy": other(&cy, "Cy"),
    });
    site.tell("console/organization-audit", &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_sees_what_an_organization_uses() {
    let site = Site::with_console_and(&[("DEFAULT_PLAN", "enterprise")]).await;
    let app = &site.app;
    let ada = app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let empty = ada.create_organization("Looms").await;
    for name in ["Notes", "Letters"] {
        let artifact = json!({ "name": name, "text": format!("{name} on the engine") });
        ada.client.post(&format!("{organization}/artifacts"), artifact).await.ok(201);
    }
    app.database
        .execute(
            "INSERT INTO usage_days (organization_id, day, kind, model, prompt_tokens, completion_tokens, cost_micros)
             SELECT o.id, (now() AT TIME ZONE 'UTC')::date - u.ago, u.kind, u.model, u.sent, u.received, u.cost
             FROM organizations o,
                  (SELECT ago, 'chat', 'gpt-4.1-mini', 1000, 100, 150000 FROM generate_series(0, 9) AS days (ago)
                   UNION ALL VALUES (0, 'embedding', 'text-embedding-3-small', 100, 0, 0),
                                    (0, 'query', 'text-embedding-3-small', 50, 0, 0))
                      AS u (ago, kind, model, sent, received, cost)
             WHERE o.name = 'Engines'",
        )
        .await;
    app.database
        .execute(
            "INSERT INTO token_budgets (organization_id, month, used)
             SELECT id, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 180000000 FROM organizations WHERE name = 'Engines'
             ON CONFLICT (organization_id, month) DO UPDATE SET used = excluded.used",
        )
        .await;
    let given = json!({ "organization": organization, "empty": empty, "person": person(&ada, "Ada") });
    site.tell("console/organization-usage", &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_changes_deletes_and_restores_an_organization() {
    let site = Site::with_console().await;
    let app = &site.app;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let organization = ada.create_organization("Engines").await;
    let theirs = bob.create_organization("Looms").await;
    let taken = bob.client.get(&theirs).await.ok(200).text("/data/slug").to_owned();
    let given = json!({ "organization": organization, "person": person(&ada, "Ada"), "taken": taken });
    site.tell("console/organization-settings", &given).await;
    let events =
        "SELECT count(*) FROM audit_events WHERE action IN ('organization.deleted', 'organization.restored')";
    assert_eq!(app.database.value::<i64>(events).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_requires_a_second_factor_of_members() {
    let site = Site::with_console().await;
    let app = &site.app;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let organization = ada.create_organization("Engines").await;
    ada.add(&organization, &bob, "member").await;
    let second = ada.add_authenticator().await;
    let ada = ada.sign_in_with(&second.app).await;
    let given = json!({
        "organization": organization,
        "refreshToken": ada.refresh_token,
        "without": bob.email,
    });
    site.tell("console/organization-second-factor", &given).await;
    let found = ada.client.get(&organization).await.ok(200);
    assert!(found.body["data"]["secondFactorRequiredFrom"].is_null(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_an_organization_ask_for_nothing_that_the_role_may_not_do() {
    const DENIED: &str = "SELECT count(*) FROM audit_events WHERE action = 'access.denied'";
    const PERSONAL: &str = "SELECT o.id::text FROM organizations o JOIN users u ON u.id = o.personal_to
                            WHERE u.name = 'Bob'";
    let site = Site::with_console().await;
    let app = &site.app;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let organization = ada.create_organization("Engines").await;
    ada.add(&organization, &bob, "member").await;
    let personal = format!("/v1/organizations/{}", app.database.value::<String>(PERSONAL).await);
    let given = json!({ "organization": organization, "personal": personal, "person": person(&bob, "Bob") });
    site.tell("console/organization-member", &given).await;
    assert_eq!(app.database.value::<i64>(DENIED).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_an_organization_try_again_after_a_failure() {
    let site = Site::with_console().await;
    let ada = site.app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let given = json!({ "organization": organization, "person": person(&ada, "Ada") });
    site.tell("console/organization-failures", &given).await;
}
