use futures_util::future::join_all;
use harness::TestApp;
use serde_json::{Value, json};

fn without_ids(mut body: Value) -> Value {
    body["requestId"] = Value::Null;
    body
}

#[tokio::test]
async fn login_fails_alike_for_every_kind_of_account() {
    let app = TestApp::new().await;
    let (known, unverified) = (app.verified_person("Known").await, app.person("Unverified").await);
    let (suspended, deleted) = (app.person("Suspended").await, app.person("Deleted").await);
    let grace = app.administrator("Grace").await;
    let path = format!("/v1/users/{}/suspend", suspended.id);
    grace.client.post(&path, json!({ "reason": "abuse" })).await.ok(200);
    deleted.client.delete("/v1/auth/me").await.ok(204);
    let emails = [&known.email, &unverified.email, &suspended.email, &deleted.email, "nobody@example.com"];

    let mut answers = Vec::new();
    let hashes = app.state.passwords.count();
    for _ in 0..3 {
        for email in emails {
            let body = json!({ "email": email, "password": "not the password" });
            answers.push(app.client().post("/v1/auth/login", body).await);
        }
    }

    assert_eq!(app.state.passwords.count() - hashes, answers.len(), "one hash for each");
    for answer in &answers {
        answer.refused(401, "wrong-credentials");
        assert_eq!(without_ids(answer.body.clone()), without_ids(answers[0].body.clone()));
        let names = |answer: &harness::Answer| answer.headers.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(answer), names(&answers[0]));
    }
    let written = "SELECT count(*) FROM audit_events WHERE action = 'session.created' AND outcome = 'denied'";
    assert_eq!(app.database.value::<i64>(written).await, 15, "one event for each");
}

#[tokio::test]
async fn guessing_blocks_the_guesser_and_never_the_owner() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let stranger = app.client();
    let guess = json!({ "email": ada.email.to_uppercase(), "password": "not the password" });

    let answers = join_all((0..16).map(|_| stranger.post("/v1/auth/login", guess.clone()))).await;

    let wrong = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(wrong, 10, "ten guesses are checked");
    let limited = answers.iter().find(|answer| answer.status == 429).expect("the others are refused");
    limited.refused(429, "too-many-attempts");
    assert!(limited.header("retry-after").parse::<u32>().expect("seconds") >= 1);
    let right = json!({ "email": ada.email, "password": "correct horse battery staple" });
    stranger.post("/v1/auth/login", right).await.refused(429, "too-many-attempts");
    ada.sign_in_elsewhere().await;

    // From now on, the delay doubles with each guess, up to 15 minutes.
    for seconds in [30, 60, 120, 240, 480, 900, 900] {
        let early = stranger.post("/v1/auth/login", guess.clone()).await;
        early.refused(429, "too-many-attempts");
        assert_eq!(early.header("retry-after"), seconds.to_string());
        app.clock.advance(chrono::TimeDelta::seconds(seconds));
        stranger.post("/v1/auth/login", guess.clone()).await.refused(401, "wrong-credentials");
    }
    ada.sign_in_elsewhere().await;
}

#[tokio::test]
async fn attempts_from_one_ipv6_network_are_counted_together() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let guess = json!({ "email": ada.email, "password": "not the password" });
    let mut limited = 0;
    for subnet in 0..52 {
        let client = app.client().at(&format!("2001:db8:7:{subnet:x}::1"));
        limited += u32::from(client.post("/v1/auth/login", guess.clone()).await.status == 429);
    }
    assert_eq!(limited, 2, "fifty attempts of a /48 are checked");
    let elsewhere = app.client().at("2001:db8:8::1");
    elsewhere.post("/v1/auth/login", guess).await.refused(401, "wrong-credentials");
}

#[tokio::test]
async fn unknown_accounts_have_the_same_limit() {
    let app = TestApp::new().await;
    let stranger = app.client();
    let guess = json!({ "email": "nobody@example.com", "password": "not the password" });
    for _ in 0..10 {
        stranger.post("/v1/auth/login", guess.clone()).await.refused(401, "wrong-credentials");
    }
    stranger.post("/v1/auth/login", guess).await.refused(429, "too-many-attempts");
}

#[tokio::test]
async fn correct_password_resets_the_count_of_wrong_ones() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let client = app.client();
    let login = |password: &str| json!({ "email": ada.email, "password": password });
    for _ in 0..3 {
        for _ in 0..9 {
            client.post("/v1/auth/login", login("wrong")).await.refused(401, "wrong-credentials");
        }
        client.post("/v1/auth/login", login("correct horse battery staple")).await.ok(201);
    }
}

#[tokio::test]
async fn weaker_hash_is_replaced_at_the_next_login() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    // argon2id of "an older phrase", with 4 MiB and 1 pass.
    app.database
        .execute("UPDATE users SET password_hash = '$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$eTGgEIXFbpcrbNRjPE0lmx0R339jfrNPJq6Ivm2gHVY'")
        .await;

    let body = json!({ "email": ada.email, "password": "an older phrase" });
    app.client().post("/v1/auth/login", body.clone()).await.ok(201);

    let hash: String = app.database.value("SELECT password_hash FROM users").await;
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    app.client().post("/v1/auth/login", body).await.ok(201);
}

#[tokio::test]
async fn passwords_of_every_kind_are_used_exactly_as_sent() {
    let app = TestApp::new().await;
    let every_symbol: String = (' '..='~').cycle().take(256).collect();
    for (number, password) in
        [every_symbol.as_str(), "  leading and trailing  ", "李雷和韩梅梅的密码", "\u{0}\n\t\"\\ null"]
            .iter()
            .enumerate()
    {
        let email = format!("{number}@example.com");
        let body = json!({ "name": "Ada", "email": email, "password": password });
        app.client().post("/v1/auth/register", body).await.ok(201);
        app.client().post("/v1/auth/login", json!({ "email": email, "password": password })).await.ok(201);
        let trimmed = json!({ "email": email, "password": format!("{password} ").get(1..).unwrap_or("x") });
        app.client().post("/v1/auth/login", trimmed).await.refused(401, "wrong-credentials");
    }
}

#[tokio::test]
async fn login_during_a_password_change_leaves_no_session_of_the_old_password() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let old = json!({ "email": ada.email, "password": "correct horse battery staple" });
    let change =
        json!({ "currentPassword": "correct horse battery staple", "newPassword": "another long phrase" });

    let clients: Vec<_> = (0..4).map(|_| app.client()).collect();
    let logins = join_all(clients.iter().map(|client| client.post("/v1/auth/login", old.clone())));
    let (answers, changed) = tokio::join!(logins, ada.client.post("/v1/auth/change-password", change));

    changed.ok(204);
    for answer in answers.iter().filter(|answer| answer.status == 201) {
        let client = app.client().token(answer.text("/data/accessToken"));
        client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    }
    ada.client.get("/v1/auth/me").await.ok(200);
}
