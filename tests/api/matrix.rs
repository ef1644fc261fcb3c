//! Every operation that is about one thing or about all users, tried by everyone who may not do it: made from the
//! OpenAPI document, so that a new operation is tried too.

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
const OF_MEMBERS: &[&str] = &["show_organization", "list_members", "show_member"];
/// What only owners may do.
const OF_OWNERS: [&str; 1] = ["delete_organization"];
/// What admins may do, but not to an owner.
const NOT_TO_OWNERS: [&str; 2] = ["update_member", "delete_member"];

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

/// Why someone may not, or what little they may.
#[derive(Clone, Copy)]
enum Standing {
    /// Their credential is worth nothing.
    Dead,
    /// A person who does not belong to the organization.
    Stranger,
    /// A key of another organization.
    ForeignKey,
    Member,
    Admin,
    /// A key of the organization that may do this; or everything that a key may.
    Key(Option<&'static str>),
}

struct Caller<'a>(&'static str, Client<'a>, Standing);

/// What someone must hear: a refusal, or nothing in particular if they may.
fn expected(operation: &Operation, standing: Standing) -> Option<(u16, &'static str)> {
    use Standing::{Admin, Dead, ForeignKey, Key, Member, Stranger};
    let (path, name) = (operation.path.as_str(), operation.id.as_str());
    let is_key = matches!(standing, ForeignKey | Key(_));
    if matches!(standing, Dead) {
        return Some((401, "unauthenticated"));
    }
    if path.starts_with("/v1/users") || path.starts_with("/v1/audit-events") {
        return Some(if is_key { (401, "unauthenticated") } else { (403, "administrator-needed") });
    }
    if path.starts_with("/v1/auth/sessions/") {
        return Some(if is_key { (401, "unauthenticated") } else { (404, "session-not-found") });
    }
    assert!(path.starts_with("/v1/organizations/{organizationId}"), "who may use {path}?");
    let above = NOT_TO_OWNERS.contains(&name).then_some((403, "role-above-own"));
    match standing {
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

/// Every operation with an id in its path, and those about all users; but for one whose ids are words, the same for everyone.
fn guarded() -> Vec<Operation> {
    let about_all = |path: &str| path.starts_with("/v1/users") || path.starts_with("/v1/audit-events");
    let mut guarded = operations();
    guarded.retain(|operation| !operation.parameters.is_empty() || about_all(&operation.path));
    guarded.retain(|operation| operation.id != "remove_account");
    assert!(guarded.len() >= 32, "the document was read");
    guarded
}

/// An organization of `owner` with one of everything.
async fn furnish(owner: &Person<'_>, name: &str) -> (String, Ids) {
    let path = owner.found(name).await;
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
    person.prove_address().await;
    owner.add(path, &person, role).await;
    person
}

/// Everyone who may do less than the owner of the organization at `path`; their names say why.
async fn everyone_else<'a>(app: &'a TestApp, ada: &Person<'_>, path: &str) -> Vec<Caller<'a>> {
    let key = async |scopes: &[&str]| ada.make_key(path, scopes).await;
    let zoe = app.person("Zoe").await;
    let elsewhere = zoe.found("Elsewhere").await;
    let foreign = zoe.make_key(&elsewhere, &all_scopes()).await;

    let former = join(app, ada, path, "Former", "owner").await;
    ada.client.delete(&format!("{path}/members/{}", former.id)).await.ok(204);
    let invited = app.person("Invited").await;
    invited.prove_address().await;
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
        Caller("nobody", app.client(), Standing::Dead),
        Caller("a suspended user", suspended.client, Standing::Dead),
        Caller("a deleted user", deleted.client, Standing::Dead),
        Caller("an expired key", by_key(expired), Standing::Dead),
        Caller("a revoked key", app.client().token(&revoked.secret), Standing::Dead),
        Caller("the owner of another organization", zoe.client, Standing::Stranger),
        Caller("a former member", former.client, Standing::Stranger),
        Caller("someone invited", invited.client, Standing::Stranger),
        Caller("another organization's key", by_key(&foreign.secret), Standing::ForeignKey),
        Caller("a member", member.client, Standing::Member),
        Caller("an admin", admin.client, Standing::Admin),
        Caller("a key for the profile", by_key(&of_profile.secret), Standing::Key(Some("show_organization"))),
        Caller(
            "a key for the log",
            app.client().token(&of_log.secret),
            Standing::Key(Some("list_organization_audit_events")),
        ),
        Caller("a key with all scopes", by_key(&of_all.secret), Standing::Key(None)),
    ]
}

/// What is wrong with `answer`, if this is not what was expected.
fn complaint(answer: &Answer, expected: (u16, &str)) -> Option<String> {
    let heard = (answer.status.as_u16(), answer.body["type"].as_str().unwrap_or_default());
    let code = heard.1.rsplit('/').next().unwrap_or_default();
    ((heard.0, code) != expected).then(|| format!("{expected:?} expected, but {answer:?}"))
}

#[tokio::test]
async fn whoever_may_not_do_something_is_refused_in_the_right_words_and_changes_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (path, ids) = furnish(&ada, "Hidden Treasure").await;
    let callers = everyone_else(&app, &ada, &path).await;
    let before = app.database.checksums().await;

    let mut wrong = Vec::new();
    for operation in guarded() {
        let path = operation.path_with(|parameter| ids.value(&operation.path, parameter));
        for Caller(name, client, standing) in &callers {
            let said = format!("{name}: {} {path}", operation.method);
            match expected(&operation, *standing) {
                Some(refusal) => {
                    let answer = client.call(&operation.method, &path, operation.body.as_ref()).await;
                    wrong.extend(complaint(&answer, refusal).map(|complaint| format!("{said}: {complaint}")));
                    let text = answer.body.to_string();
                    assert!(!text.contains("Treasure") && !text.contains(&ada.email), "{said}: {answer:?}");
                }
                None if operation.method == Method::GET => {
                    let answer = client.get(&path).await;
                    wrong.extend((answer.status != 200).then(|| format!("{said}: {answer:?}")));
                }
                // They may, and it would change something.
                None => {}
            }
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn what_belongs_to_others_is_not_there_not_even_on_a_path_of_ones_own() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.person("Ada").await, app.person("Zoe").await);
    let (path, mine) = furnish(&ada, "Mine").await;
    let (_, theirs) = furnish(&zoe, "Hidden Treasure").await;
    let admin = join(&app, &ada, &path, "Admin", "admin").await;
    let key = ada.make_key(&path, &all_scopes()).await;
    let key = app.client().with("x-api-key", &key.secret);
    let before = app.database.checksums().await;

    let mut wrong = Vec::new();
    for operation in guarded() {
        let Some(last) = operation.parameters.last() else { continue };
        let (method, body) = (&operation.method, operation.body.as_ref());
        // Mine but for the last one; theirs but for the last one; and of nobody.
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
                let statuses: &[u16] = match (operation.path.split('/').nth(2), is_key) {
                    (Some("users"), false) => &[403],
                    (Some("users" | "auth"), true) => &[401],
                    // A key hears that it lacks the scope before it hears whether the thing is there.
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
async fn a_list_of_organizations_has_none_that_one_does_not_belong_to() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let path = ada.found("Hidden Treasure").await;
    for Caller(name, client, standing) in everyone_else(&app, &ada, &path).await {
        let answer = client.get("/v1/organizations").await;
        let seen = answer.body.to_string().contains("Treasure");
        assert_eq!(seen, matches!(standing, Standing::Member | Standing::Admin), "{name}: {answer:?}");
    }
}
