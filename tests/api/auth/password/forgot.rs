use futures_util::future::join_all;
use harness::{TestApp, token_in};
use serde_json::{Value, json};

#[tokio::test]
async fn requesting_mail_reveals_nothing_about_an_account() {
    let app = TestApp::new().await;
    let (known, unverified) = (app.verified_person("Known").await, app.person("Unverified").await);
    let (suspended, deleted) = (app.person("Suspended").await, app.person("Deleted").await);
    let grace = app.administrator("Grace").await;
    let path = format!("/v1/users/{}/suspend", suspended.id);
    grace.client.post(&path, json!({ "reason": "abuse" })).await.ok(200);
    deleted.client.delete("/v1/auth/me").await.ok(204);
    let before = app.mails().len();
    let emails = [&known.email, &unverified.email, &suspended.email, &deleted.email, "nobody@example.com"];

    for path in ["/v1/auth/forgot-password", "/v1/auth/magic-links"] {
        let clients: Vec<_> = emails.iter().map(|_| app.client()).collect();
        let answers = join_all(
            clients.iter().zip(emails).map(|(client, email)| client.post(path, json!({ "email": email }))),
        )
        .await;
        for answer in &answers {
            assert_eq!((answer.status.as_u16(), &answer.body), (202, &Value::Null), "{answer:?}");
            let names = |answer: &harness::Answer| answer.headers.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(answer), names(&answers[0]));
        }
    }

    let mailed: Vec<_> = app.mails()[before..].iter().map(|mail| mail.to.as_ref().to_owned()).collect();
    assert_eq!(mailed.len(), 4, "{mailed:?}");
    assert!(mailed.iter().all(|to| *to == known.email || *to == unverified.email), "{mailed:?}");
}

#[tokio::test]
async fn mails_to_an_address_are_limited_and_every_link_works() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let before = app.mails().len();
    let strangers: Vec<_> = (0..8).map(|_| app.client()).collect();
    let ask = json!({ "email": ada.email.to_uppercase() });
    join_all(strangers.iter().map(|client| client.post("/v1/auth/forgot-password", ask.clone()))).await;
    assert_eq!(app.mails().len() - before, 5, "five mails, from all sources together");

    let first = token_in(&app.mails()[before].text);
    let reset = json!({ "token": first, "newPassword": "an entirely different phrase" });
    app.client().post("/v1/auth/reset-password", reset).await.ok(204);
}
