//! The connection to the pooler through TLS.

use serde_json::json;

use crate::services::Services;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pooler_is_reached_through_tls_only_if_its_certificate_is_valid() {
    let services = Services::start().await;
    let (port, authority) = (services.pooler_port(), services.authority());
    let server = services.owner_url();
    let app = services.app(&[]).await;
    let at = |host: &str, query: &str| {
        let plain = services.pooler_url();
        plain
            .replace(&format!("127.0.0.1:{port}"), &format!("{host}:{port}"))
            .replace("sslmode=disable", query)
    };
    let trusted = format!("&sslrootcert={authority}");
    for pipeline in ["true", "false"] {
        for (url, reason) in [
            (at("localhost", "sslmode=verify-full"), "UnknownIssuer"),
            (at("127.0.0.1", &format!("sslmode=verify-full{trusted}")), "not valid for name"),
            (format!("{server}?sslmode=verify-full{trusted}"), "does not support TLS"),
        ] {
            let instance = app.second_instance_with(&[("DATABASE_URL", &*url), ("DB_PIPELINE", pipeline)]);
            let refused = instance.state.app.db.transaction_as(async |_| Ok(())).await.expect_err(reason);
            let message = format!("{refused:#}");
            assert!(message.contains(reason), "{message}");
        }
        let url = at("localhost", &format!("sslmode=verify-full{trusted}"));
        let instance = app.second_instance_with(&[("DATABASE_URL", &*url), ("DB_PIPELINE", pipeline)]);
        let ada = instance.person("Ada").await;
        ada.client.patch("/v1/auth/me", json!({ "name": "Countess" })).await.ok(200);
        let other = app.second_instance_with(&[("DATABASE_URL", &*url), ("DB_PIPELINE", pipeline)]);
        other.client().token(&ada.access_token).get("/v1/organizations").await.ok(200);
    }
}
