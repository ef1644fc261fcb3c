//! Calls every operation with an id in its path, or about all users, as every kind of caller that may not do it. Generated from the
//! OpenAPI document, so that a new operation is tested too.

use std::collections::BTreeMap;

use axum::http::Method;
use chrono::TimeDelta;
use harness::{
    Answer, Client, Person, TestApp,
    document::{Operation, operations},
};
use serde_json::json;
use shared::domain::permission::Scope;

/// What those with the lowest role may do; everything else they may not.
const OF_MEMBERS: &[&str] = &[
    "show_organization",
    "list_members",
    "show_member",
    "list_artifacts",
    "create_artifact",
    "show_artifact",
    "update_artifact",
    "upload_artifact",
    "retry_artifact",
    "download_artifact",
    "show_artifact_passage",
    "list_labels",
    "create_label",
    "show_label",
    "update_label",
    "delete_label",
    "search",
    "list_conversations",
    "create_conversation",
];
/// What only owners may do.
const OF_OWNERS: [&str; 2] = ["delete_organization", "restore_organization"];
/// What needs a session, also below an organization.
const NOT_BY_KEYS: [&str; 1] = ["restore_organization"];
/// What admins may do, but not to an owner.
const NOT_TO_OWNERS: [&str; 2] = ["update_member", "delete_member"];

/// What only system administrators may do, below an organization.
const OF_ADMINISTRATORS: [&str; 2] = ["set_organization_rate_limit", "set_api_key_rate_limit"];

/// The ids of everything that one organization has.
struct Ids {
    organization: String,
    member: String,
    /// By the parameters that name them in a path.
    things: BTreeMap<String, String>,
    session: String,
}

impl Ids {
    /// What a parameter of a path stands for.
    fn value(&self, path: &str, parameter: &str) -> String {
        let id = match parameter {
            "organizationId" => &self.organization,
            "memberId" | "userId" => &self.member,
            "id" if path.starts_with("/v1/auth/sessions/") => &self.session,
            _ => self.things.get(parameter).unwrap_or_else(|| {
                panic!("{path} has the parameter {parameter}, of which this test knows no id")
            }),
        };
        id.clone()
    }
}

/// The access that a caller has.
#[derive(Clone, Copy)]
enum Access {
    /// The credential is invalid.
    Dead,
    /// A user who does not belong to the organization.
    Stranger,
    /// A key of another organization.
    ForeignKey,
    Member,
    Admin,
    /// A key of the organization that allows this operation, or everything that a key may do.
    Key(Option<&'static str>),
}

struct Caller<'a>(&'static str, Client<'a>, Access);

/// Returns the refusal that a caller must get, or nothing if the operation is allowed.
fn expected(operation: &Operation, access: Access) -> Option<(u16, &'static str)> {
    use Access::{Admin, Dead, ForeignKey, Key, Member, Stranger};
    let (path, name) = (operation.path.as_str(), operation.id.as_str());
    let is_key = matches!(access, ForeignKey | Key(_));
    if matches!(access, Dead) {
        return Some((401, "unauthenticated"));
    }
    if path.starts_with("/v1/users")
        || path.starts_with("/v1/audit-events")
        || OF_ADMINISTRATORS.contains(&name)
    {
        return Some(if is_key { (401, "unauthenticated") } else { (403, "administrator-needed") });
    }
    if path.starts_with("/v1/auth/sessions/") {
        return Some(if is_key { (401, "unauthenticated") } else { (404, "session-not-found") });
    }
    assert!(path.starts_with("/v1/organizations/{organizationId}"), "no expectation for {path}");
    if is_key && NOT_BY_KEYS.contains(&name) {
        return Some((401, "unauthenticated"));
    }
    if name == "delete_artifact" && matches!(access, Member | Key(None)) {
        // Ada created it.
        return Some((403, "not-own-artifact"));
    }
    if path.contains("{conversationId}") && matches!(access, Member | Admin | Key(None)) {
        // It is Ada's, and nobody else's.
        return Some((404, "conversation-not-found"));
    }
    let above = NOT_TO_OWNERS.contains(&name).then_some((403, "role-above-own"));
    match access {
        Stranger | ForeignKey | Dead => Some((404, "organization-not-found")),
        Member if OF_MEMBERS.contains(&name) => None,
        Member if name == "delete_member" => above,
        Member => Some((403, "role-needed")),
        Admin if OF_OWNERS.contains(&name) => Some((403, "role-needed")),
        Admin => above,
        Key(None) if operation.for_keys => above,
        Key(Some(allowed)) if name == allowed => None,
        Key(_) => Some((403, "scope-needed")),
    }
}

fn all_scopes() -> Vec<&'static str> {
    Scope::ALL.iter().map(|scope| scope.as_str()).collect()
}

/// Every operation with an id in its path, and those about all users; but for those whose ids are words, the same for everyone, and those of
/// passkeys, which need an authenticator: `tests/api/oauth/passkeys`.
fn guarded() -> Vec<Operation> {
    let about_all = |path: &str| path.starts_with("/v1/users") || path.starts_with("/v1/audit-events");
    let mut guarded = operations();
    guarded.retain(|operation| !operation.parameters.is_empty() || about_all(&operation.path));
    guarded.retain(|operation| {
        let elsewhere = ["/v1/auth/oauth/", "/v1/auth/passkeys/"];
        operation.id != "remove_account" && !elsewhere.iter().any(|path| operation.path.starts_with(path))
    });
    assert!(guarded.len() >= 32, "the document was read");
    guarded
}

/// An organization of `owner` with one of everything.
async fn create_fixture(owner: &Person<'_>, name: &str) -> (String, Ids) {
    let path = owner.create_organization(name).await;
    let ids = Ids {
        organization: path.rsplit('/').next().expect("an id").to_owned(),
        member: owner.id.clone(),
        things: owner.create_everything(&path).await,
        session: owner.session.clone(),
    };
    (path, ids)
}

async fn join<'a>(app: &'a TestApp, owner: &Person<'_>, path: &str, name: &str, role: &str) -> Person<'a> {
    let person = app.person(name).await;
    person.verify_address().await;
    owner.add(path, &person, role).await;
    person
}

/// Returns callers that may do less than the owner of the organization at `path`. Their names say why.
async fn restricted_callers<'a>(app: &'a TestApp, ada: &Person<'_>, path: &str) -> Vec<Caller<'a>> {
    let key = async |scopes: &[&str]| ada.create_key(path, scopes).await;
    let zoe = app.person("Zoe").await;
    let elsewhere = zoe.create_organization("Elsewhere").await;
    let foreign = zoe.create_key(&elsewhere, &all_scopes()).await;

    let former = join(app, ada, path, "Former", "owner").await;
    ada.client.delete(&format!("{path}/members/{}", former.id)).await.ok(204);
    let invited = app.person("Invited").await;
    invited.verify_address().await;
    ada.invite(path, &invited.email, "owner").await;
    let member = join(app, ada, path, "Member", "member").await;
    let admin = join(app, ada, path, "Admin", "admin").await;
    let suspended = join(app, ada, path, "Suspended", "owner").await;
    let because = json!({ "reason": "the test" });
    let administrator = app.administrator("Root").await;
    let suspend = format!("/v1/users/{}/suspend", suspended.id);
    administrator.client.post(&suspend, because).await.ok(200);
    let deleted = join(app, ada, path, "Deleted", "owner").await;
    deleted.client.delete("/v1/auth/me").await.ok(204);

    let revoked = key(&all_scopes()).await;
    ada.client.delete(&format!("{path}/api-keys/{}", revoked.id)).await.ok(204);
    let expiring = json!({ "name": "Brief", "scopes": Scope::ALL, "expiresAt": "2026-01-02T03:04:06Z" });
    let expired = ada.client.post(&format!("{path}/api-keys"), expiring).await.ok(201);
    let expired = expired.text("/data/key");
    app.client().token(expired).get(path).await.ok(200);
    app.clock.advance(TimeDelta::seconds(1));
    let of_profile = key(&["organization:read"]).await;
    let of_log = key(&["audit-events:read"]).await;
    let of_all = key(&all_scopes()).await;

    let by_key = |secret: &str| app.client().with("x-api-key", secret);
    vec![
        Caller("an anonymous client", app.client(), Access::Dead),
        Caller("a suspended user", suspended.client, Access::Dead),
        Caller("a deleted user", deleted.client, Access::Dead),
        Caller("an expired key", by_key(expired), Access::Dead),
        Caller("a revoked key", app.client().token(&revoked.secret), Access::Dead),
        Caller("the owner of another organization", zoe.client, Access::Stranger),
        Caller("a former member", former.client, Access::Stranger),
        Caller("an invited user", invited.client, Access::Stranger),
        Caller("another organization's key", by_key(&foreign.secret), Access::ForeignKey),
        Caller("a member", member.client, Access::Member),
        Caller("an admin", admin.client, Access::Admin),
        Caller("a key for the profile", by_key(&of_profile.secret), Access::Key(Some("show_organization"))),
        Caller(
            "a key for the log",
            app.client().token(&of_log.secret),
            Access::Key(Some("list_organization_audit_events")),
        ),
        Caller("a key with all scopes", by_key(&of_all.secret), Access::Key(None)),
    ]
}

/// Describes the difference, if `answer` is not what was expected.
fn mismatch(answer: &Answer, expected: (u16, &str)) -> Option<String> {
    let heard = (answer.status.as_u16(), answer.body["type"].as_str().unwrap_or_default());
    let code = heard.1.rsplit('/').next().unwrap_or_default();
    ((heard.0, code) != expected).then(|| format!("{expected:?} expected, but {answer:?}"))
}

#[tokio::test]
async fn forbidden_operations_get_the_right_refusal_and_change_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (path, ids) = create_fixture(&ada, "Hidden Treasure").await;
    let callers = restricted_callers(&app, &ada, &path).await;
    let before = app.database.checksums().await;

    let mut wrong = Vec::new();
    for operation in guarded() {
        let path = operation.path_with(|parameter| ids.value(&operation.path, parameter));
        for Caller(name, client, access) in &callers {
            let said = format!("{name}: {} {path}", operation.method);
            match expected(&operation, *access) {
                Some(refusal) => {
                    let answer = client.call(&operation.method, &path, operation.body.as_ref()).await;
                    wrong.extend(mismatch(&answer, refusal).map(|mismatch| format!("{said}: {mismatch}")));
                    let text = answer.body.to_string();
                    assert!(!text.contains("Treasure") && !text.contains(&ada.email), "{said}: {answer:?}");
                }
                None if operation.method == Method::GET => {
                    let answer = client.get(&path).await;
                    wrong.extend((answer.status != 200).then(|| format!("{said}: {answer:?}")));
                }
                // Allowed, and it would change data.
                None => {}
            }
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn resources_of_others_are_not_found_even_on_own_paths() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.person("Ada").await, app.person("Zoe").await);
    let (path, mine) = create_fixture(&ada, "Mine").await;
    let (_, theirs) = create_fixture(&zoe, "Hidden Treasure").await;
    let admin = join(&app, &ada, &path, "Admin", "admin").await;
    let key = ada.create_key(&path, &all_scopes()).await;
    let key = app.client().with("x-api-key", &key.secret);
    let before = app.database.checksums().await;

    let mut wrong = Vec::new();
    for operation in guarded() {
        let Some(last) = operation.parameters.last() else { continue };
        let (method, body) = (&operation.method, operation.body.as_ref());
        // Own ids except the last; foreign ids except the last; ids that do not exist.
        let mixed = |first: &Ids, second: &dyn Fn() -> String| {
            operation.path_with(|parameter| {
                if parameter == last { second() } else { first.value(&operation.path, parameter) }
            })
        };
        let their_last = || theirs.value(&operation.path, last);
        let my_last = || mine.value(&operation.path, last);
        let nobodys = || "01890000-0000-7000-8000-000000000000".to_owned();
        let nothing = || "not-an-id".to_owned();
        let mut paths = vec![mixed(&mine, &their_last), mixed(&mine, &nobodys), mixed(&mine, &nothing)];
        if operation.parameters.len() > 1 {
            paths.push(mixed(&theirs, &my_last));
        }
        for path in paths {
            for (name, client, is_key) in
                [("owner", &ada.client, false), ("admin", &admin.client, false), ("key", &key, true)]
            {
                let answer = client.call(method, &path, body).await;
                let of_administrators = OF_ADMINISTRATORS.contains(&&*operation.id);
                let statuses: &[u16] = match (operation.path.split('/').nth(2), is_key) {
                    _ if of_administrators => &[401, 403],
                    (Some("users"), false) => &[403],
                    (Some("users" | "auth"), true) => &[401],
                    (_, true) if NOT_BY_KEYS.contains(&operation.id.as_str()) => &[401],
                    // A key without the scope is refused before the resource is looked up.
                    (_, true) if !operation.for_keys => &[403, 404],
                    _ => &[404],
                };
                if !statuses.contains(&answer.status.as_u16()) {
                    wrong.push(format!("{name}: {method} {path}: {answer:?}"));
                }
                assert!(!answer.body.to_string().contains("Treasure"), "{answer:?}");
            }
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn organization_list_has_only_organizations_of_the_caller() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.create_organization("Hidden Treasure").await;
    for Caller(name, client, access) in restricted_callers(&app, &ada, &path).await {
        let answer = client.get("/v1/organizations").await;
        let seen = answer.body.to_string().contains("Treasure");
        assert_eq!(seen, matches!(access, Access::Member | Access::Admin), "{name}: {answer:?}");
    }
}
