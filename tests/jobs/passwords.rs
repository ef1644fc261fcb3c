//! `migrate`, called by Secrets Manager: new passwords for the logins.

use harness::{Database, create_secret, put_secret, runtime_api::Function};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cloudformation::request,
    deployment::{Deployment, password},
    keys::{STEPS, current, proxy::Failure},
};

/// A step, and the call in it that fails. In `setSecret`, the database is changed before.
const STOPS: [(&str, &str); 3] = [
    ("createSecret", "PutSecretValue"),
    ("setSecret", "PutSecretValue"),
    ("finishSecret", "UpdateSecretVersionStage"),
];

/// Checks that the password of the current version works, in the database and in what the proxy reads. Returns the version.
async fn assert_current_works(deployment: &Deployment, login: &str, after: &str) -> Value {
    let document = current(&deployment.logins[login].1).await;
    let (name, password) = (document["username"].as_str(), document["password"].as_str());
    let (name, password) = (name.expect("a name"), password.expect("a password"));
    deployment.log_in_as(name, password).await.unwrap_or_else(|error| panic!("{after}: {error}"));
    if let Some(secrets) = deployment.proxied.get(login) {
        let mut read = Vec::new();
        for secret in secrets {
            read.push(current(secret).await);
        }
        assert!(read.contains(&document), "{after}: the proxy does not have the password of {name}");
    }
    document
}

#[tokio::test]
async fn password_rotates_in_steps_that_can_be_repeated() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    deployment.send(&migrate, request("Create", "Custom::Migrations")).await;
    let (name, secret) = &deployment.logins["retention"];
    let version = Uuid::new_v4().to_string();
    deployment.proxy.begin_rotation(secret, &version);
    let step = async |step: &str| {
        let event =
            json!({ "Step": step, "SecretId": secret, "ClientRequestToken": version, "RotationToken": "x" });
        migrate.invoke(event).await
    };
    for too_early in ["setSecret", "finishSecret"] {
        let error = step(too_early).await.expect_err("nothing is pending");
        assert!(error["errorMessage"].as_str().expect("a reason").contains("createSecret has not made"));
    }
    step("testSecret").await.expect("the current version works");
    for _ in ["once", "again"] {
        step("createSecret").await.expect("created");
    }
    for too_early in ["testSecret", "finishSecret"] {
        let error = step(too_early).await.expect_err("the database does not have it");
        assert_eq!(error["errorMessage"], "login with this version's password failed");
    }
    deployment.log_in("retention", &password(name)).await.expect("nothing has changed");
    for next in ["setSecret", "testSecret", "finishSecret"] {
        for _ in ["once", "again"] {
            step(next).await.unwrap_or_else(|error| panic!("{next}: {error}"));
        }
    }
    let document = current(secret).await;
    assert_eq!(document["username"], json!(format!("{name}_alternate")));
    let fresh = document["password"].as_str().expect("a password");
    deployment.log_in_as(&format!("{name}_alternate"), fresh).await.expect("the new password");
    deployment.log_in("retention", &password(name)).await.expect("what functions have read before");
    assert!(!migrate.log().concat().contains(fresh));

    let foreign = create_secret(&json!({ "username": name, "password": "x" })).await;
    deployment.proxy.begin_rotation(&foreign, &version);
    let event = json!({ "Step": "createSecret", "SecretId": foreign, "ClientRequestToken": version });
    let error = migrate.invoke(event).await.expect_err("a refusal");
    assert!(error["errorMessage"].as_str().expect("a reason").contains("the secret of no login"));
    deployment.end().await;
}

#[tokio::test]
async fn rotation_is_withdrawn_if_the_username_changed() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    let (name, secret) = &deployment.logins["api"];
    let version = Uuid::new_v4().to_string();
    deployment.proxy.begin_rotation(secret, &version);
    let event = |step| json!({ "Step": step, "SecretId": secret, "ClientRequestToken": version });
    migrate.invoke(event("createSecret")).await.expect("created");
    put_secret(secret, &json!({ "username": format!("{name}-2"), "password": "x" })).await;
    let error = migrate.invoke(event("setSecret")).await.expect_err("a refusal");
    assert!(error["errorMessage"].as_str().expect("a reason").contains("withdrawn"), "{error}");
    deployment.log_in("api", "x").await.expect_err("no login was created");
    deployment.end().await;
}

#[tokio::test]
async fn password_of_the_current_version_works_wherever_a_rotation_stops() {
    for login in ["api", "backup"] {
        let deployment = Deployment::new(Database::create().await).await;
        let migrate = Function::start("migrate", deployment.environment()).await;
        deployment.send(&migrate, request("Create", "Custom::Migrations")).await;
        let secret = &deployment.logins[login].1;
        let step = async |version: &str, step: &str| {
            let event = json!({ "Step": step, "SecretId": secret, "ClientRequestToken": version });
            migrate.invoke(event).await
        };
        let begin = || {
            let version = Uuid::new_v4().to_string();
            deployment.proxy.begin_rotation(secret, &version);
            version
        };
        let mut known = assert_current_works(&deployment, login, "the first deployment").await;

        // Between two steps, with each step done twice. The last one is complete.
        let between = (0..=STEPS.len()).map(|done| (STEPS[..done].to_vec(), None));
        // Within a step: its secret is changed, or is not.
        let within = STOPS.into_iter().flat_map(|(stopped, call)| {
            let before = STEPS.into_iter().take_while(|step| *step != stopped).collect::<Vec<_>>();
            [Failure::Unsent, Failure::Unanswered]
                .map(|failure| (before.clone(), Some((stopped, call, failure))))
        });
        for (done, stop) in between.chain(within) {
            let after = format!("{login}: {done:?}, {stop:?}");
            let version = begin();
            for next in &done {
                for _ in ["once", "again"] {
                    step(&version, next).await.unwrap_or_else(|error| panic!("{after}: {next}: {error}"));
                }
            }
            if let Some((stopped, call, failure)) = stop {
                deployment.proxy.fail(Some((call, failure)));
                let stopped = step(&version, stopped).await;
                // `backup` has no secret of the proxy.
                assert_eq!(stopped.is_ok(), login == "backup" && done.len() == 1, "{after}: {stopped:?}");
                deployment.proxy.fail(None);
            }
            let now = assert_current_works(&deployment, login, &after).await;
            let (name, password) = (known["username"].as_str(), known["password"].as_str());
            let cached = deployment.log_in_as(name.expect("a name"), password.expect("a password")).await;
            assert!(cached.is_ok(), "{after}: what functions have read before does not work");
            known = now;

            migrate.invoke(json!({ "command": "logins" })).await.expect("logins");
            assert_current_works(&deployment, login, &format!("{after}, then logins")).await;
        }

        let version = begin();
        for next in STEPS {
            step(&version, next).await.unwrap_or_else(|error| panic!("{next}: {error}"));
        }
        let now = assert_current_works(&deployment, login, "a whole rotation").await;
        assert_ne!((&now["username"], &now["password"]), (&known["username"], &known["password"]));
        deployment.end().await;
    }
}

#[tokio::test]
async fn password_that_is_written_during_a_rotation_works_after_logins() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    deployment.send(&migrate, request("Create", "Custom::Migrations")).await;
    let (name, secret) = &deployment.logins["api"];
    let other = format!("{name}_alternate");
    for written in [name, &other] {
        let version = Uuid::new_v4().to_string();
        deployment.proxy.begin_rotation(secret, &version);
        let event = |step| json!({ "Step": step, "SecretId": secret, "ClientRequestToken": version });
        for step in ["createSecret", "setSecret"] {
            migrate.invoke(event(step)).await.expect("done");
        }
        put_secret(secret, &json!({ "username": written, "password": format!("by hand {written}") })).await;
        migrate.invoke(json!({ "command": "logins" })).await.expect("logins");
        let again = migrate.invoke(event("setSecret")).await;
        assert_eq!(again.is_err(), *written == other, "{again:?}");
        let document = assert_current_works(&deployment, "api", written).await;
        assert_eq!(document["password"], json!(format!("by hand {written}")));
    }
    deployment.end().await;
}
