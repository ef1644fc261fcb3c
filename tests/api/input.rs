use harness::TestApp;
use serde_json::{Value, json};

const PATH: &str = "/v1/auth/register";

#[tokio::test]
async fn invalid_json_is_malformed() {
    let app = TestApp::new().await;
    let mut not_utf8 = br#"{"name":"Ada","email":"ada@example.com","password":"x"#.to_vec();
    not_utf8.extend([0xff, 0xfe, b'"', b'}']);
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"nonsense",
        b"{\"name\":}",
        b"{'name':'Ada'}",
        br#"{"name":"Ada","email":"ada@example.com","password":"a long enough phrase"} trailing"#,
        b"\xef\xbb\xbf{}",
        b"{\"name\":\"\\ud800\"}",
        &not_utf8,
    ];
    for body in bodies {
        let answer = app.client().post_bytes(PATH, body.to_vec()).await;
        answer.refused(400, "malformed-body");
    }
}

#[tokio::test]
async fn invalid_body_is_refused_with_a_pointer() {
    let app = TestApp::new().await;
    let good = json!({ "name": "Ada", "email": "ada@example.com", "password": "a long enough phrase" });
    let with = |member: &str, value: Value| {
        let mut body = good.clone();
        body[member] = value;
        body
    };
    let cases = [
        (json!([]), ""),
        (json!("text"), ""),
        (json!(null), ""),
        (json!({}), ""),
        (json!({ "name": "Ada", "email": "ada@example.com" }), ""),
        (with("name", json!(1)), "/name"),
        (with("name", json!("")), "/name"),
        (with("name", json!("x".repeat(101))), "/name"),
        (with("name", json!("a\u{0}b")), "/name"),
        (with("email", json!("ada")), "/email"),
        (with("email", json!("ada@example.com\r\nBcc: eve@example.com")), "/email"),
        (with("email", json!({ "$ne": null })), "/email"),
        (with("password", json!("short")), "/password"),
        (with("password", json!("x".repeat(257))), "/password"),
        (with("password", json!(12_345_678)), "/password"),
        (with("transport", json!("pigeon")), "/transport"),
        (with("role", json!("admin")), "/role"),
        (with("emailVerified", json!(true)), "/emailVerified"),
        (with("a/b~c", json!(1)), "/a~1b~0c"),
    ];
    for (body, pointer) in cases {
        let answer = app.client().post(PATH, body.clone()).await;
        answer.refused(422, "invalid-body");
        assert_eq!(answer.text("/errors/0/pointer"), pointer, "{body}");
        assert!(!answer.text("/errors/0/detail").is_empty(), "{body}");
    }
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn missing_member_is_named() {
    let app = TestApp::new().await;
    let answer = app.client().post(PATH, json!({ "name": "Ada", "password": "a long enough phrase" })).await;
    assert_eq!(answer.text("/errors/0/detail"), "missing field `email`");
}

#[tokio::test]
async fn repeated_member_is_refused() {
    let app = TestApp::new().await;
    let twice = r#"{"name":"Ada","email":"ada@example.com","email":"eve@example.com","password":"a long enough phrase"}"#;
    app.client().post_bytes(PATH, twice).await.refused(422, "invalid-body");
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    let app = TestApp::new().await;
    for depth in [100, 32_000] {
        let body = format!("{{\"name\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        app.client().post_bytes(PATH, body).await.refused(422, "invalid-body");
        let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let answer = app.client().post_bytes(PATH, body).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{answer:?}");
    }
}

#[tokio::test]
async fn body_above_64_kib_is_refused() {
    let app = TestApp::new().await;
    let body = |size: usize| format!("{{\"name\":\"{}\"}}", "x".repeat(size - 11));
    app.client().post_bytes(PATH, body(64 * 1024)).await.refused(422, "invalid-body");
    app.client().post_bytes(PATH, body(64 * 1024 + 1)).await.refused(413, "body-too-large");
}

#[tokio::test]
async fn body_without_json_content_type_is_refused() {
    let app = TestApp::new().await;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonx",
        "text/json",
    ] {
        app.client()
            .with("content-type", kind)
            .post_bytes(PATH, "{}")
            .await
            .refused(415, "unsupported-media-type");
    }
    for kind in ["application/json", "APPLICATION/JSON; charset=utf-8", "application/problem+json"] {
        app.client().with("content-type", kind).post_bytes(PATH, "{}").await.refused(422, "invalid-body");
    }
}

#[tokio::test]
async fn names_in_any_script_are_returned_unchanged() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    for name in ["Zoë", "李雷", "Nguyễn Văn A", "محمد", "O'Brien \"Bob\" \\ </script>", "👩‍🚀"]
    {
        let answer = ada.client.patch("/v1/auth/me", json!({ "name": name })).await.ok(200);
        assert_eq!(answer.text("/data/name"), name);
    }
}
