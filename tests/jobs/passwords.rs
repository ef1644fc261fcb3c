//! `migrate` as Secrets Manager calls it: new passwords for the logins.

use harness::{Database, create_secret, put_secret, runtime_api::Function};
use serde_json::json;
use uuid::Uuid;

use crate::{
    cloudformation::request,
    deployment::{Deployment, password},
    keys::current,
};

#[tokio::test]
async fn a_password_rotates_step_by_step_and_each_step_may_come_twice() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    deployment.told(&migrate, request("Create", "Custom::Migrations")).await;
    let (name, secret) = &deployment.logins["retention"];
    let version = Uuid::new_v4().to_string();
    deployment.front.begin(secret, &version);
    let step = async |step: &str| {
        let event =
            json!({ "Step": step, "SecretId": secret, "ClientRequestToken": version, "RotationToken": "x" });
        migrate.invoke(event).await
    };
    for too_early in ["setSecret", "finishSecret"] {
        let error = step(too_early).await.expect_err("nothing is pending");
        assert!(error["errorMessage"].as_str().expect("a reason").contains("createSecret has not made"));
    }
    step("testSecret").await.expect("what is current works");
    for _ in ["once", "again"] {
        step("createSecret").await.expect("made");
    }
    for too_early in ["testSecret", "finishSecret"] {
        let error = step(too_early).await.expect_err("the database does not know it");
        assert_eq!(error["errorMessage"], "login with this version's password failed");
    }
    deployment.log_in("retention", &password(name)).await.expect("nothing has changed");
    for next in ["setSecret", "testSecret", "finishSecret"] {
        for _ in ["once", "again"] {
            step(next).await.unwrap_or_else(|error| panic!("{next}: {error}"));
        }
    }
    let document = current(secret).await;
    assert_eq!(document["username"], json!(name));
    let fresh = document["password"].as_str().expect("a password");
    assert!(deployment.log_in("retention", &password(name)).await.is_err());
    deployment.log_in("retention", fresh).await.expect("the new password");
    assert!(!migrate.log().concat().contains(fresh));

    let foreign = create_secret(&json!({ "username": name, "password": "x" })).await;
    deployment.front.begin(&foreign, &version);
    let event = json!({ "Step": "createSecret", "SecretId": foreign, "ClientRequestToken": version });
    let error = migrate.invoke(event).await.expect_err("a refusal");
    assert!(error["errorMessage"].as_str().expect("a reason").contains("the secret of no login"));
    deployment.end().await;
}

#[tokio::test]
async fn a_secret_that_was_given_another_name_meanwhile_begins_anew() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    let (name, secret) = &deployment.logins["api"];
    let version = Uuid::new_v4().to_string();
    deployment.front.begin(secret, &version);
    let event = |step| json!({ "Step": step, "SecretId": secret, "ClientRequestToken": version });
    migrate.invoke(event("createSecret")).await.expect("made");
    put_secret(secret, &json!({ "username": format!("{name}-2"), "password": "x" })).await;
    let error = migrate.invoke(event("setSecret")).await.expect_err("a refusal");
    assert!(error["errorMessage"].as_str().expect("a reason").contains("withdrawn"), "{error}");
    deployment.log_in("api", "x").await.expect_err("no login was made");
    deployment.end().await;
}
