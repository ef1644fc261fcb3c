use futures_util::future::join_all;
use harness::TestApp;

#[tokio::test]
async fn too_many_requests_are_refused_with_retry_after() {
    let app = TestApp::with(&[("RATE_LIMIT_MAX_REQUESTS", "10")]).await;
    let client = app.client();

    let answers = join_all((0..16).map(|_| client.get("/v1/config"))).await;

    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 10);
    let refused = answers.iter().find(|answer| answer.status == 429).expect("six");
    refused.refused(429, "too-many-requests");
    // The clock is at 03:04:05, and the window ends with the minute.
    assert_eq!(refused.header("retry-after"), "55");
    assert_eq!(refused.header("ratelimit-limit"), "10");
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    assert_eq!(refused.header("ratelimit-reset"), "55");
    app.client().get("/v1/config").await.ok(200);
    app.clock.advance(chrono::TimeDelta::seconds(55));
    client.get("/v1/config").await.ok(200);
}

#[tokio::test]
async fn rate_limit_uses_the_address_of_the_gateway_not_of_headers() {
    let app = TestApp::with(&[("RATE_LIMIT_MAX_REQUESTS", "3")]).await;
    for n in 0..3 {
        app.client()
            .at("203.0.113.7")
            .with("x-forwarded-for", &format!("198.51.100.{n}"))
            .get("/v1/config")
            .await
            .ok(200);
    }
    let spoofed = app
        .client()
        .at("203.0.113.7")
        .with("x-forwarded-for", "198.51.100.99")
        .with("forwarded", "for=1.2.3.4");
    spoofed.get("/v1/config").await.refused(429, "too-many-requests");
}

#[tokio::test]
async fn ipv6_addresses_of_one_network_are_one_source() {
    let app = TestApp::with(&[("RATE_LIMIT_MAX_REQUESTS", "1")]).await;
    app.client().at("2001:db8:1:2::1").get("/v1/config").await.ok(200);
    app.client().at("2001:db8:1:2:ffff::2").get("/v1/config").await.refused(429, "too-many-requests");
    app.client().at("2001:db8:1:3::1").get("/v1/config").await.ok(200);
}

#[tokio::test]
async fn successes_can_be_left_uncounted() {
    let settings = [("RATE_LIMIT_MAX_REQUESTS", "2"), ("RATE_LIMIT_SKIP_SUCCESSFUL_REQUESTS", "true")];
    let app = TestApp::with(&settings).await;
    let client = app.client();
    for _ in 0..5 {
        client.get("/v1/config").await.ok(200);
    }
    for _ in 0..2 {
        client.get("/nowhere").await.refused(404, "no-such-route");
    }
    client.get("/v1/config").await.refused(429, "too-many-requests");
}

#[tokio::test]
async fn probes_are_never_limited() {
    let app = TestApp::with(&[("RATE_LIMIT_MAX_REQUESTS", "1")]).await;
    let client = app.client();
    for _ in 0..5 {
        client.get("/health").await.ok(200);
    }
}
