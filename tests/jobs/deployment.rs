//! `migrate` as CloudFormation calls it: the schema, and the logins of the other functions.

use std::{collections::HashMap, time::Duration};

use harness::{Database, create_secret, printable, put_secret, runtime_api::Function, split_credentials};
use serde_json::{Value, json};
use shared::db::connect_options;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::{
    cloudformation::{StackResponse, request},
    keys::proxy::AwsProxy,
};

const LOGINS: [&str; 3] = ["api", "retention", "backup"];
/// Those that go through the proxy.
const PROXIED: [&str; 2] = ["api", "retention"];

/// A database, and the secrets of its logins.
pub struct Deployment {
    pub database: Database,
    pub proxy: AwsProxy,
    /// The name and the secret of each login.
    pub logins: HashMap<&'static str, (String, String)>,
    /// The secrets from which the deployed proxy reads both names of a login.
    pub proxied: HashMap<&'static str, [String; 2]>,
}

impl Deployment {
    pub async fn new(database: Database) -> Self {
        let mut logins = HashMap::new();
        for login in LOGINS {
            let name = format!("{login}-{}", Uuid::new_v4().simple());
            let secret = create_secret(&json!({ "username": name, "password": password(&name) })).await;
            logins.insert(login, (name, secret));
        }
        let mut proxied = HashMap::new();
        for login in PROXIED {
            let name = &logins[login].0;
            let other = format!("{name}_alternate");
            // As CloudFormation creates them: with passwords that no login has.
            let [one, other] =
                [name, &other].map(|name| json!({ "username": name, "password": "generated" }));
            proxied.insert(login, [create_secret(&one).await, create_secret(&other).await]);
        }
        Self { database, proxy: AwsProxy::start().await, logins, proxied }
    }

    pub fn environment(&self) -> HashMap<String, String> {
        let mut environment = self.proxy.environment();
        environment.extend([
            ("NODE_ENV".to_owned(), "test".to_owned()),
            ("LOG_LEVEL".to_owned(), "trace".to_owned()),
            ("DATABASE_URL".to_owned(), self.database.owner_url()),
        ]);
        for (login, (_, secret)) in &self.logins {
            environment.insert(format!("{}_CREDENTIALS", login.to_uppercase()), secret.clone());
        }
        for (login, [one, other]) in &self.proxied {
            let login = login.to_uppercase();
            environment.insert(format!("{login}_PROXY_CREDENTIALS"), one.clone());
            environment.insert(format!("{login}_PROXY_ALTERNATE_CREDENTIALS"), other.clone());
        }
        environment
    }

    /// Sends `event` and returns the response that CloudFormation gets.
    pub async fn send(&self, migrate: &Function, event: Value) -> StackResponse {
        migrate.invoke(event).await.expect("an answer");
        self.proxy.responses().pop().expect("CloudFormation got a response")
    }

    pub async fn log_in(&self, login: &str, password: &str) -> sqlx::Result<PgConnection> {
        self.log_in_as(&self.logins[login].0, password).await
    }

    pub async fn log_in_as(&self, name: &str, password: &str) -> sqlx::Result<PgConnection> {
        let options = connect_options(&self.database.owner_url()).expect("a URL");
        PgConnection::connect_with(&options.username(name).password(password)).await
    }

    /// Executes `statement` as `login`. Returns the error code, if it is refused.
    async fn refused_to(&self, login: &str, statement: &'static str) -> Option<String> {
        let mut connection = self.log_in(login, &password(&self.logins[login].0)).await.expect("a login");
        let result = sqlx::raw_sql(statement).execute(&mut connection).await;
        result.err()?.as_database_error()?.code().map(Into::into)
    }

    /// Deletes the roles. They belong to the server, and so would outlive the database.
    pub async fn end(self) {
        let names = self.logins.values().flat_map(|(name, _)| [name.clone(), format!("{name}_alternate")]);
        let names: Vec<_> = names.map(|name| format!("\"{name}\"")).collect();
        let statement = AssertSqlSafe(format!("DROP ROLE IF EXISTS {}", names.join(", ")));
        sqlx::raw_sql(statement).execute(self.database.pool()).await.expect("dropped");
    }
}

/// Returns the password of a login.
pub fn password(name: &str) -> String {
    format!("{}{name}", printable())
}

#[tokio::test]
async fn new_deployment_gets_the_schema_and_restricted_logins() {
    let deployment = Deployment::new(Database::create_empty().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    let response = deployment.send(&migrate, request("Create", "Custom::Migrations")).await;
    assert_eq!(response.status(), "SUCCESS", "{response:?}");
    assert_eq!(
        (response.path.as_str(), response.content_type.as_deref()),
        ("/arn%3Aaws%3Aa%7Cb?X-Amz-Signature=c%2Fd", Some(""))
    );
    let asked = request("Create", "Custom::Migrations");
    for name in ["StackId", "RequestId", "LogicalResourceId"] {
        assert_eq!(response.answer[name], asked[name]);
    }
    assert_eq!(response.answer["PhysicalResourceId"], "schema");

    for (login, statement, refused) in [
        ("api", "SELECT count(*) FROM users", None),
        ("api", "DELETE FROM audit_events", Some("42501")),
        ("api", "CREATE TABLE x (y int)", Some("42501")),
        ("retention", "DELETE FROM audit_events WHERE occurred_at < now()", None),
        ("retention", "SELECT password_hash FROM users", Some("42501")),
        ("backup", "SELECT count(refresh_token_hash) FROM sessions", None),
        ("backup", "DELETE FROM audit_events", Some("42501")),
        ("backup", "CREATE ROLE x", Some("42501")),
    ] {
        let answer = deployment.refused_to(login, statement).await;
        assert_eq!(answer.as_deref(), refused, "{login}: {statement}");
    }
    let log = migrate.log().concat();
    for (name, _) in deployment.logins.values() {
        // The end of the password, in which no character would be escaped.
        assert!(!log.contains(&format!("~{name}")), "{log}");
        let kept: String = sqlx::query_scalar("SELECT rolpassword FROM pg_authid WHERE rolname = $1")
            .bind(name)
            .fetch_one(deployment.database.pool())
            .await
            .expect("a verifier");
        assert!(kept.starts_with("SCRAM-SHA-256$4096:") && !log.contains(&kept), "{kept}");
    }
    deployment.end().await;
}

#[tokio::test]
async fn update_sets_new_passwords_and_deletion_changes_nothing() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    deployment.send(&migrate, request("Create", "Custom::Migrations")).await;
    let (name, secret) = &deployment.logins["api"];
    put_secret(secret, &json!({ "username": name, "password": "another one" })).await;

    let response = deployment.send(&migrate, request("Update", "Custom::Migrations")).await;
    assert_eq!(
        (response.status(), &response.answer["PhysicalResourceId"]),
        ("SUCCESS", &json!("made earlier"))
    );
    assert!(deployment.log_in("api", &password(name)).await.is_err());
    deployment.log_in("api", "another one").await.expect("the new password");

    assert_eq!(deployment.send(&migrate, request("Delete", "Custom::Migrations")).await.status(), "SUCCESS");
    deployment.log_in("api", "another one").await.expect("as before");
    assert_eq!(deployment.refused_to("backup", "SELECT count(*) FROM users").await, None);

    put_secret(secret, &json!({ "username": name, "password": password(name) })).await;
    let made = migrate.invoke(json!({ "command": "logins" })).await.expect("created");
    assert_eq!(made["logins"].as_array().map(Vec::len), Some(3));
    deployment.log_in("api", &password(name)).await.expect("the first password again");
    deployment.end().await;
}

#[tokio::test]
async fn owner_without_superuser_is_enough() {
    let mut deployment = Deployment::new(Database::create_empty().await).await;
    let (owner, database) = (format!("owner-{}", Uuid::new_v4().simple()), deployment.database.name());
    let create = format!(
        "CREATE ROLE \"{owner}\" LOGIN CREATEROLE PASSWORD 'x';
         GRANT arches_app, arches_retention, pg_read_all_data TO \"{owner}\" WITH ADMIN OPTION;
         CREATE EXTENSION vector;
         CREATE EXTENSION pg_stat_statements;
         ALTER DATABASE {database} OWNER TO \"{owner}\""
    );
    sqlx::raw_sql(AssertSqlSafe(create)).execute(deployment.database.pool()).await.expect("an owner");
    let mut environment = deployment.environment();
    let (url, _) = split_credentials(&deployment.database.owner_url());
    environment.insert("DATABASE_URL".to_owned(), url.replace("://", &format!("://{owner}:x@")));
    let migrate = Function::start("migrate", environment).await;
    for event in ["Create", "Update"] {
        let response = deployment.send(&migrate, request(event, "Custom::Migrations")).await;
        assert_eq!(response.status(), "SUCCESS", "{response:?}");
        assert_eq!(deployment.refused_to("api", "SELECT count(*) FROM users").await, None);
    }
    let reassign = AssertSqlSafe(format!("REASSIGN OWNED BY \"{owner}\" TO CURRENT_USER"));
    sqlx::raw_sql(reassign).execute(deployment.database.pool()).await.expect("another owner");
    deployment.logins.insert("owner", (owner, String::new()));
    deployment.end().await;
}

#[tokio::test]
async fn failed_deployment_reports_the_reason_and_no_secret() {
    let deployment = Deployment::new(Database::create().await).await;
    let (name, secret) = deployment.logins["api"].clone();
    let owner = "SELECT current_user::text";
    let owner: String = deployment.database.value(owner).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    for (document, reason) in [
        (json!({ "username": name, "password": "hunter2é" }), "not printable ASCII"),
        (json!({ "username": name, "password": "" }), "the password is empty"),
        (json!({ "password": "hunter2" }), "the credentials have no username"),
        (json!({ "username": name, "passwort": "hunter2" }), "is not a JSON object"),
        (json!({ "username": owner, "password": "hunter2" }), "it is the owner of the schema"),
        (json!({ "username": "n".repeat(54), "password": "hunter2" }), "longer than 63 bytes"),
        (
            json!({ "username": format!("{name}-2"), "password": "hunter2" }),
            "no secret of the proxy has this name",
        ),
        (
            json!({ "username": deployment.logins["backup"].0, "password": "hunter2" }),
            "two logins have the name",
        ),
    ] {
        put_secret(&secret, &document).await;
        let response = deployment.send(&migrate, request("Update", "Custom::Migrations")).await;
        assert!(
            response.reason().contains(reason) && !response.reason().contains("hunter2"),
            "{reason}: {response:?}"
        );
    }
    put_secret(&secret, &json!({ "username": name, "password": "hunter2" })).await;
    // Not through the proxy, which does not know this name.
    let backup = &deployment.logins["backup"].1;
    put_secret(backup, &json!({ "username": "pg_hunter", "password": "hunter2" })).await;
    let response = deployment.send(&migrate, request("Update", "Custom::Migrations")).await;
    assert!(response.reason().contains("reserved") && !response.reason().contains("hunter2"), "{response:?}");
    let response = deployment.send(&migrate, request("Create", "Custom::Keys")).await;
    assert!(response.reason().contains("is Custom::Migrations, not Custom::Keys"), "{response:?}");
    migrate.log_line(|line| line.contains("custom resource failed") && line.contains("ERROR")).await;
    assert!(!migrate.log().concat().contains("hunter2"));

    let mut environment = deployment.environment();
    let (url, mut credentials) = split_credentials(&deployment.database.owner_url());
    credentials["password"] = json!("hunter2");
    environment.insert("DATABASE_URL".to_owned(), url);
    environment.insert("DATABASE_CREDENTIALS".to_owned(), create_secret(&credentials).await);
    let migrate = Function::start("migrate", environment).await;
    let response = deployment.send(&migrate, request("Create", "Custom::Migrations")).await;
    assert!(response.reason().contains("password authentication failed"), "{response:?}");
    assert!(!response.reason().contains("hunter2") && !migrate.log().concat().contains("hunter2"));
    deployment.end().await;
}

#[tokio::test]
async fn foreign_response_url_is_refused_and_changes_nothing() {
    let deployment = Deployment::new(Database::create_empty().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    let mut event = request("Create", "Custom::Migrations");
    for url in [&deployment.proxy.url, "https://bucket.s3.amazonaws.com/x?X-Amz-Signature=y"] {
        event["ResponseURL"] = json!(url);
        let error = migrate.invoke(event.clone()).await.expect_err("a refusal");
        assert!(
            error["errorMessage"].as_str().expect("a reason").contains("does not belong to CloudFormation")
        );
    }
    assert!(deployment.proxy.responses().is_empty());
    let tables: i64 =
        deployment.database.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await;
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn response_is_repeated_until_it_arrives() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    deployment.proxy.reject_responses(2);
    assert_eq!(deployment.send(&migrate, request("Delete", "Custom::Migrations")).await.status(), "SUCCESS");
    deployment.proxy.reject_responses(3);
    let error =
        migrate.invoke(request("Delete", "Custom::Migrations")).await.expect_err("no response arrives");
    assert_eq!(error["errorMessage"], "answer to CloudFormation not sent");
    assert!(!migrate.log().concat().contains("X-Amz-Signature"));
}

#[tokio::test]
async fn response_is_sent_in_time_even_if_the_work_hangs() {
    let deployment = Deployment::new(Database::create().await).await;
    let mut other = PgConnection::connect(&deployment.database.owner_url()).await.expect("a connection");
    // As if another run was in progress.
    sqlx::query("SELECT pg_advisory_lock(x'617263686573'::bigint)")
        .execute(&mut other)
        .await
        .expect("the lock");
    let migrate = Function::start("migrate", deployment.environment()).await;
    let event = request("Update", "Custom::Migrations");
    migrate.invoke_within(Duration::from_secs(17), event).await.expect("an answer");
    let response = deployment.proxy.responses().pop().expect("CloudFormation got a response");
    assert!(response.reason().contains("deadline exceeded"), "{response:?}");
}
