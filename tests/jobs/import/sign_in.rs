//! Sign-ins of imported users.

use std::time::Instant;

use super::*;

/// The time of a refused sign-in while passwords are imported.
const UNIFORM: Duration = Duration::from_millis(1500);

#[tokio::test]
async fn refused_sign_ins_take_one_time_while_passwords_are_imported() {
    let importer = Importer::new().await;
    let app = &importer.app;
    let known = app.person("Known").await;
    importer.import("auth0", lines(&["ada@example.com"]), json!({})).await;
    let no_password = "INSERT INTO users (id, name, email, created_at, updated_at)
                       VALUES (gen_random_uuid(), 'Bob', 'bob@example.com', now(), now())";
    app.database.execute(no_password).await;
    let wrong = async |email: &str| {
        let (begun, hashes) = (Instant::now(), app.state.passwords.count());
        importer.log_in(email, "not the password").await.refused(401, "wrong-credentials");
        assert_eq!(app.state.passwords.count(), hashes + 1, "one hash");
        begun.elapsed()
    };
    for email in ["ada@example.com", "bob@example.com", &known.email, "nobody@example.com"] {
        let time = wrong(email).await;
        assert!(time >= UNIFORM, "{email}: {time:?}");
    }
    let begun = Instant::now();
    importer.log_in("ada@example.com", PASSWORD).await.ok(201);
    assert!(begun.elapsed() < UNIFORM, "the right password does not wait");
    // Nobody has an imported password any more.
    for email in ["ada@example.com", "nobody@example.com"] {
        let time = wrong(email).await;
        assert!(time < UNIFORM, "{email}: {time:?}");
    }
}

#[tokio::test]
async fn address_that_was_not_verified_there_proves_no_password_here() {
    let importer = Importer::new().await;
    let app = &importer.app;
    let text = lines(&["ada@example.com"]) + &lines(&["bob@example.com"]).replace("true", "false");
    importer.import("auth0", text, json!({})).await;
    for (email, keeps_password) in [("ada@example.com", true), ("bob@example.com", false)] {
        app.client().post("/v1/auth/magic-links", json!({ "email": email })).await.ok(202);
        let token = app.token_mailed_to(email);
        app.client().post("/v1/auth/magic-links/verify", json!({ "token": token })).await.ok(201);
        let answer = importer.log_in(email, PASSWORD).await;
        assert_eq!(
            answer.status == 201,
            keeps_password,
            "{email}: a stranger may have registered it: {answer:?}"
        );
    }
}

#[tokio::test]
async fn imported_password_confirms_and_can_be_changed() {
    let importer = Importer::new().await;
    let app = &importer.app;
    importer.import("auth0", lines(&["ada@example.com"]), json!({})).await;
    app.client().post("/v1/auth/magic-links", json!({ "email": "ada@example.com" })).await.ok(202);
    let verify = json!({ "token": app.token_mailed_to("ada@example.com") });
    let signed_in = app.client().post("/v1/auth/magic-links/verify", verify).await.ok(201);
    let client = app.client().token(signed_in.text("/data/accessToken"));
    let proof = |password: &str| json!({ "currentPassword": password });
    client.post("/v1/auth/reauthenticate", proof("wrong")).await.refused(403, "wrong-password");
    client.post("/v1/auth/reauthenticate", proof(PASSWORD)).await.ok(204);
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "another long phrase" });
    client.post("/v1/auth/change-password", change).await.ok(204);
    assert_eq!(importer.imported_passwords().await, 0);
    importer.log_in("ada@example.com", "another long phrase").await.ok(201);
}
