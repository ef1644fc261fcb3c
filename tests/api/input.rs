use std::collections::BTreeSet;

use harness::{Answer, TestApp, document::operations};
use serde_json::{Value, json};

use crate::mass_assignment::{Scene, with_a_body};

const PATH: &str = "/v1/auth/register";
/// In values that are refused.
const CANARY: &str = "canary-5e1f";

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
        (json!({}), "/name"),
        (json!({ "name": "Ada", "email": "ada@example.com" }), "/password"),
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
async fn every_error_of_a_body_has_its_pointer_and_its_reason() {
    let app = TestApp::new().await;
    let body = json!({ "name": "", "email": "ada", "transport": "pigeon", "role": "admin" });
    let answer = app.client().post(PATH, body).await;
    answer.refused(422, "invalid-body");
    assert_eq!(
        answer.body["errors"],
        json!([
            { "pointer": "/email", "detail": "this must be an e-mail address such as ada@example.com" },
            { "pointer": "/name", "detail": "a name has 1 to 100 characters" },
            { "pointer": "/role", "detail": "this name is unknown here" },
            { "pointer": "/transport", "detail": "this must be one of `body`, `cookie`" },
            { "pointer": "/password", "detail": "this is missing" },
        ])
    );
}

/// Returns the pointers or parameters of the errors.
fn places(answer: &Answer, member: &str) -> BTreeSet<String> {
    let errors = answer.body["errors"].as_array().expect("errors").iter();
    errors.map(|error| error[member].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()).collect()
}

#[tokio::test]
async fn an_array_is_refused_where_a_body_is_an_object() {
    let app = TestApp::new().await;
    let scene = Scene::new(&app).await;
    let before = app.database.checksums().await;
    let mut tried = 0;
    for (operation, body) in with_a_body() {
        let path = scene.path(&operation);
        // All members, in the order of the type and in that of the document.
        let some: Vec<_> = body.as_object().expect("an object").values().cloned().collect();
        for array in [json!([]), json!(some), json!([body])] {
            let client = scene.client.at(&format!("10.0.{tried}.1"));
            let answer = client.call(&operation.method, &path, Some(&array)).await;
            answer.refused(422, "invalid-body");
            let errors = json!([{ "pointer": "", "detail": "this must be an object" }]);
            assert_eq!(answer.body["errors"], errors, "{}", operation.id);
        }
        tried += 1;
    }
    assert!(tried > 20, "the document was read");
    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn every_invalid_member_of_every_body_is_reported() {
    let app = TestApp::new().await;
    let scene = Scene::new(&app).await;
    for (number, (operation, _)) in with_a_body().enumerate() {
        let path = scene.path(&operation);
        let client = scene.client.at(&format!("10.0.{number}.1"));
        // No member has this type.
        let mut body: Value =
            operation.members.iter().map(|name| (name.clone(), json!([[CANARY]]))).collect();
        body["unknown"] = json!(CANARY);
        let answer = client.call(&operation.method, &path, Some(&body)).await;
        answer.refused(422, "invalid-body");
        let firsts = places(&answer, "pointer").iter().map(|pointer| first(pointer)).collect::<BTreeSet<_>>();
        let expected = operation.members.iter().cloned().chain(["unknown".to_owned()]).collect();
        assert_eq!(firsts, expected, "{}", operation.id);
        assert!(!format!("{answer:?}").contains(CANARY), "{answer:?}");

        let answer = client.call(&operation.method, &path, Some(&json!({ "unknown": 1 }))).await;
        answer.refused(422, "invalid-body");
        let missing = operation.required.iter().map(|name| format!("/{name}"));
        let expected = missing.chain(["/unknown".to_owned()]).collect();
        assert_eq!(
            places(&answer, "pointer"),
            expected,
            "{}: missing members (is one without `or_default`?)",
            operation.id
        );
    }
}

/// Returns the first segment of a JSON Pointer.
fn first(pointer: &str) -> String {
    pointer.split('/').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_invalid_parameter_of_every_query_is_reported() {
    let app = TestApp::new().await;
    let scene = Scene::new(&app).await;
    let mut lists = operations();
    // A provider may add parameters of its own to its answer (RFC 6749, 4.1.2).
    lists.retain(|operation| !operation.query.is_empty() && operation.id != "provider_callback");
    assert!(lists.len() > 5, "the document was read");
    for operation in lists {
        let path = scene.path(&operation);
        let mut query: Vec<_> = operation.query.iter().map(|(name, _)| format!("{name}={CANARY}")).collect();
        query.push("unknown=1".to_owned());
        let answer = scene.client.get(&format!("{path}?{}", query.join("&"))).await;
        answer.refused(422, "invalid-query");
        // The beginning of a name, and a token, may be any text.
        let mut names: Vec<_> = operation.query.iter().map(|(name, _)| name.clone()).collect();
        names.retain(|name| !["name", "flow"].contains(&name.as_str()));
        assert_eq!(
            places(&answer, "parameter"),
            names.into_iter().chain(["unknown".to_owned()]).collect(),
            "{path}"
        );
        assert!(!answer.body["errors"].to_string().contains(CANARY), "{answer:?}");

        let answer = scene.client.get(&format!("{path}?unknown=1")).await;
        let error = json!([{ "parameter": "unknown", "detail": "this name is unknown here" }]);
        assert_eq!(answer.body["errors"], error, "{path}: a parameter may be left out");
    }
}

#[tokio::test]
async fn an_integer_in_a_query_has_one_spelling() {
    let app = TestApp::new().await;
    let scene = Scene::new(&app).await;
    let mut tried = 0;
    for operation in operations() {
        for (name, _) in operation.query.iter().filter(|(_, kind)| kind == "integer") {
            let path = scene.path(&operation);
            scene.client.get(&format!("{path}?{name}=5")).await.ok(200);
            for number in ["%2B5", "+5", "05", "5+", "5.0", "5e0", "0x5", "%D9%A5", ""] {
                let answer = scene.client.get(&format!("{path}?{name}={number}")).await;
                answer.refused(422, "invalid-query");
                assert_eq!(answer.text("/errors/0/parameter"), name, "{path} with {number}");
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "the document was read");
}

#[tokio::test]
async fn a_refused_query_says_which_form_it_wants() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let query = "since=2026-11-24&limit=05&sort=name&cursor=x";
    let answer = ada.client.get(&format!("/v1/auth/me/audit-events?{query}")).await;
    answer.refused(422, "invalid-query");
    let time = "this must be an RFC 3339 date-time such as 2026-11-24T00:00:00Z, in the years 1 to 9999";
    assert_eq!(
        answer.body["errors"],
        json!([
            { "parameter": "limit", "detail": "this must be an integer from 1 to 100" },
            { "parameter": "sort", "detail": "this must be one of `createdAt`, `-createdAt`" },
            { "parameter": "cursor", "detail": "this must be the nextCursor of an earlier page" },
            { "parameter": "since", "detail": time },
        ])
    );
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
    for (depth, status, code) in [(100, 422, "invalid-body"), (32_000, 400, "malformed-body")] {
        let array = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        app.client().post_bytes(PATH, format!("{{\"name\":{array}}}")).await.refused(status, code);
        app.client().post_bytes(PATH, array).await.refused(status, code);
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
