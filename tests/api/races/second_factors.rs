use futures_util::future::join_all;
use harness::{Person, SecondFactor, TestApp};
use serde_json::json;

use super::{CONCURRENT, assert_one_succeeded, concurrent_app, send_from_many};

const VERIFY: &str = "/v1/auth/challenges/verify";
const WRONG: (u16, &str) = (401, "wrong-code");

async fn create(app: &TestApp) -> (Person<'_>, SecondFactor, Vec<String>) {
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let challenges = join_all((0..CONCURRENT).map(|_| app.challenge(&ada.email))).await;
    (ada, factor, challenges)
}

#[tokio::test]
async fn one_of_sixteen_concurrent_uses_of_a_code_of_the_app_signs_in() {
    let app = concurrent_app().await;
    let (_, factor, challenges) = create(&app).await;
    for _ in 0..3 {
        let code = app.next_code(&factor.app);
        let answers = send_from_many(&app, VERIFY, |n| json!({ "token": challenges[n], "code": code })).await;
        let won = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(won, 1, "{answers:#?}");
        // Those that have signed in before.
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            assert!(["wrong-code", "challenge-ended"].contains(&answer.problem()), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn one_of_sixteen_concurrent_uses_of_a_recovery_code_signs_in() {
    let app = concurrent_app().await;
    let (_, factor, challenges) = create(&app).await;
    let code = &factor.recovery_codes[0];
    let body = |n: usize| json!({ "token": challenges[n], "recoveryCode": code });
    let answers = send_from_many(&app, VERIFY, body).await;
    assert_one_succeeded(&answers, 201, WRONG);
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM recovery_codes").await, 9);
}

#[tokio::test]
async fn one_of_sixteen_concurrent_answers_to_a_challenge_signs_in() {
    let app = concurrent_app().await;
    let (_, factor, challenges) = create(&app).await;
    let body = |n: usize| json!({ "token": challenges[0], "recoveryCode": factor.recovery_codes[n % 10] });
    let answers = send_from_many(&app, VERIFY, body).await;
    assert_one_succeeded(&answers, 201, (401, "challenge-ended"));
    // What the others gave is not used up.
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM recovery_codes").await, 9);
}

#[tokio::test]
async fn sixteen_concurrent_wrong_codes_count_as_five() {
    let app = concurrent_app().await;
    let (_, factor, challenges) = create(&app).await;
    let answers =
        send_from_many(&app, VERIFY, |_| json!({ "token": challenges[0], "recoveryCode": "wrong" })).await;
    let wrong = answers.iter().filter(|answer| answer.problem() == "wrong-code").count();
    assert_eq!(wrong, 5, "{answers:#?}");
    let body = json!({ "token": challenges[0], "recoveryCode": factor.recovery_codes[0] });
    app.client().post(VERIFY, body).await.refused(401, "challenge-ended");
}

#[tokio::test]
async fn one_of_sixteen_concurrent_confirmations_adds_the_app() {
    let app = concurrent_app().await;
    let ada = app.verified_person("Ada").await;
    let started = ada.client.post_nothing("/v1/auth/totp").await.ok(201);
    let authenticator = harness::Authenticator::new(started.text("/data/secret"));
    let code = json!({ "code": app.next_code(&authenticator) });
    let confirm = || ada.client.post("/v1/auth/totp/confirm", code.clone());
    let answers = join_all((0..CONCURRENT).map(|_| confirm())).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1, "{answers:#?}");
    let codes = harness::recovery_codes(won[0]);
    let token = app.challenge(&ada.email).await;
    app.client().answer_challenge(&token, "recoveryCode", &codes[0]).await.ok(201);
}

/// A password that was right before the app was added must not open a session without it.
#[tokio::test]
async fn sign_in_during_the_confirmation_leaves_no_session_with_one_factor() {
    let app = concurrent_app().await;
    for _ in 0..3 {
        let ada = app.verified_person("Ada").await;
        let started = ada.client.post_nothing("/v1/auth/totp").await.ok(201);
        let authenticator = harness::Authenticator::new(started.text("/data/secret"));
        let code = json!({ "code": app.next_code(&authenticator) });
        let login = json!({ "email": ada.email, "password": harness::PASSWORD });
        let logins = send_from_many(&app, "/v1/auth/login", |_| login.clone());
        let (confirmed, _) =
            futures_util::future::join(ada.client.post("/v1/auth/totp/confirm", code), logins).await;
        confirmed.ok(200);
        let single = "SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id
                      WHERE u.second_factor_at IS NOT NULL AND s.revoked_at IS NULL AND cardinality(s.factors) < 2";
        assert_eq!(app.database.value::<i64>(single).await, 0);
    }
}
