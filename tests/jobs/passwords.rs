//! `migrate`, called by Secrets Manager: new passwords for the logins.

use harness::{Database, create_secret, put_secret, runtime_api::Function};
use serde_json::json;
use uuid::Uuid;

use crate::{
    cloudformation::request,
    deployment::{Deployment, password},
    keys::current,
};

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
    assert_eq!(document["username"], json!(name));
    let fresh = document["password"].as_str().expect("a password");
    assert!(deployment.log_in("retention", &password(name)).await.is_err());
    deployment.log_in("retention", fresh).await.expect("the new password");
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
