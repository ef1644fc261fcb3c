use harness::{Client, TestApp, document::operations};

/// Calls every operation that takes a credential, with ids that do not exist. Returns the answers that are not the one refusal.
async fn not_refused(client: &Client<'_>, only_without: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut all = operations();
    all.retain(|operation| operation.credential.is_some_and(|needed| needed || !only_without));
    assert!(all.len() > 50, "the document was read");
    for operation in all {
        let path = operation.path_with(|_| "01890000-0000-7000-8000-000000000000".to_owned());
        let answer = client.call(&operation.method, &path, operation.body.as_ref()).await;
        if answer.status != 401 || answer.problem() != "unauthenticated" {
            wrong.push(format!("{}: {answer:?}", operation.id));
        }
    }
    wrong
}

#[tokio::test]
async fn operation_that_needs_a_credential_is_refused_without_one() {
    let app = TestApp::new().await;
    app.administrator("Ada").await;
    let wrong = not_refused(&app.client(), true).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn operation_that_takes_a_credential_refuses_an_invalid_one() {
    let app = TestApp::new().await;
    app.administrator("Ada").await;
    let wrong = not_refused(&app.client().token("not-a-token"), false).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn operation_that_takes_a_credential_refuses_an_ended_session() {
    let app = TestApp::new().await;
    let ada = app.administrator("Ada").await;
    ada.client.post_nothing("/v1/auth/logout").await.ok(204);
    let wrong = not_refused(&ada.client, false).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
