//! `migrate` as CloudFormation calls it: the schema, and the logins of the other functions.

use std::{collections::HashMap, time::Duration};

use harness::{Database, apart, create_secret, printable, put_secret, runtime_api::Function};
use serde_json::{Value, json};
use shared::db::connect_options;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::{
    cloudformation::{Told, request},
    keys::front::Front,
};

const LOGINS: [&str; 3] = ["api", "retention", "backup"];

/// A database, and the secrets of those who are to log in to it.
pub struct Deployment {
    database: Database,
    pub front: Front,
    /// Of each login its name and its secret.
    pub logins: HashMap<&'static str, (String, String)>,
}

impl Deployment {
    pub async fn new(database: Database) -> Self {
        let mut logins = HashMap::new();
        for login in LOGINS {
            let name = format!("{login}-{}", Uuid::new_v4().simple());
            let secret = create_secret(&json!({ "username": name, "password": password(&name) })).await;
            logins.insert(login, (name, secret));
        }
        Self { database, front: Front::start().await, logins }
    }

    pub fn environment(&self) -> HashMap<String, String> {
        let mut environment = self.front.environment();
        environment.extend([
            ("NODE_ENV".to_owned(), "test".to_owned()),
            ("LOG_LEVEL".to_owned(), "trace".to_owned()),
            ("DATABASE_URL".to_owned(), self.database.owner_url()),
        ]);
        for (login, (_, secret)) in &self.logins {
            environment.insert(format!("{}_CREDENTIALS", login.to_uppercase()), secret.clone());
        }
        environment
    }

    /// What CloudFormation is told of `event`.
    pub async fn told(&self, migrate: &Function, event: Value) -> Told {
        migrate.invoke(event).await.expect("an answer");
        self.front.told().pop().expect("CloudFormation was told")
    }

    pub async fn log_in(&self, login: &str, password: &str) -> sqlx::Result<PgConnection> {
        let options = connect_options(&self.database.owner_url()).expect("a URL");
        PgConnection::connect_with(&options.username(&self.logins[login].0).password(password)).await
    }

    /// What the database answers to `login`.
    async fn refused_to(&self, login: &str, statement: &'static str) -> Option<String> {
        let mut connection = self.log_in(login, &password(&self.logins[login].0)).await.expect("a login");
        let result = sqlx::raw_sql(statement).execute(&mut connection).await;
        result.err()?.as_database_error()?.code().map(Into::into)
    }

    /// Roles belong to the server, and would outlive the database.
    pub async fn end(self) {
        let names: Vec<_> = self.logins.values().map(|(name, _)| format!("\"{name}\"")).collect();
        let statement = AssertSqlSafe(format!("DROP ROLE IF EXISTS {}", names.join(", ")));
        sqlx::raw_sql(statement).execute(self.database.pool()).await.expect("dropped");
    }
}

/// Everyone's own.
pub fn password(name: &str) -> String {
    format!("{}{name}", printable())
}

#[tokio::test]
async fn a_new_deployment_gets_the_schema_and_logins_that_do_what_they_may() {
    let deployment = Deployment::new(Database::create_empty().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    let told = deployment.told(&migrate, request("Create", "Custom::Migrations")).await;
    assert_eq!(told.status(), "SUCCESS", "{told:?}");
    assert_eq!(
        (told.path.as_str(), told.content_type.as_deref()),
        ("/arn%3Aaws%3Aa%7Cb?X-Amz-Signature=c%2Fd", Some(""))
    );
    let asked = request("Create", "Custom::Migrations");
    for name in ["StackId", "RequestId", "LogicalResourceId"] {
        assert_eq!(told.answer[name], asked[name]);
    }
    assert_eq!(told.answer["PhysicalResourceId"], "schema");

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
        // The end of its password, in which nothing would be escaped.
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
async fn an_update_gives_the_logins_their_new_passwords_and_a_deletion_leaves_all_there_is() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    deployment.told(&migrate, request("Create", "Custom::Migrations")).await;
    let (name, secret) = &deployment.logins["api"];
    put_secret(secret, &json!({ "username": name, "password": "another one" })).await;

    let told = deployment.told(&migrate, request("Update", "Custom::Migrations")).await;
    assert_eq!((told.status(), &told.answer["PhysicalResourceId"]), ("SUCCESS", &json!("made earlier")));
    assert!(deployment.log_in("api", &password(name)).await.is_err());
    deployment.log_in("api", "another one").await.expect("the new password");

    assert_eq!(deployment.told(&migrate, request("Delete", "Custom::Migrations")).await.status(), "SUCCESS");
    deployment.log_in("api", "another one").await.expect("as before");
    assert_eq!(deployment.refused_to("backup", "SELECT count(*) FROM users").await, None);

    put_secret(secret, &json!({ "username": name, "password": password(name) })).await;
    let made = migrate.invoke(json!({ "command": "logins" })).await.expect("made");
    assert_eq!(made["logins"].as_array().map(Vec::len), Some(3));
    deployment.log_in("api", &password(name)).await.expect("the first password again");
    deployment.end().await;
}

#[tokio::test]
async fn no_superuser_is_needed_only_an_owner_as_a_cluster_in_aws_has_it() {
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
    let (url, _) = apart(&deployment.database.owner_url());
    environment.insert("DATABASE_URL".to_owned(), url.replace("://", &format!("://{owner}:x@")));
    let migrate = Function::start("migrate", environment).await;
    for event in ["Create", "Update"] {
        let told = deployment.told(&migrate, request(event, "Custom::Migrations")).await;
        assert_eq!(told.status(), "SUCCESS", "{told:?}");
        assert_eq!(deployment.refused_to("api", "SELECT count(*) FROM users").await, None);
    }
    let reassign = AssertSqlSafe(format!("REASSIGN OWNED BY \"{owner}\" TO CURRENT_USER"));
    sqlx::raw_sql(reassign).execute(deployment.database.pool()).await.expect("another owner");
    deployment.logins.insert("owner", (owner, String::new()));
    deployment.end().await;
}

#[tokio::test]
async fn a_deployment_that_fails_is_told_why_and_no_secret() {
    let deployment = Deployment::new(Database::create().await).await;
    let (name, secret) = deployment.logins["api"].clone();
    let owner = "SELECT current_user::text";
    let owner: String = deployment.database.value(owner).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    for (document, reason) in [
        (json!({ "username": name, "password": "hunter2é" }), "not printable ASCII"),
        (json!({ "username": name, "password": "" }), "the password is empty"),
        (json!({ "password": "hunter2" }), "the credentials have no username"),
        (json!({ "username": name, "passwort": "hunter2" }), "is no JSON object"),
        (json!({ "username": owner, "password": "hunter2" }), "it is the owner of the schema"),
        (json!({ "username": "pg_hunter", "password": "hunter2" }), "reserved"),
        (
            json!({ "username": deployment.logins["backup"].0, "password": "hunter2" }),
            "two logins have the name",
        ),
    ] {
        put_secret(&secret, &document).await;
        let told = deployment.told(&migrate, request("Update", "Custom::Migrations")).await;
        assert!(told.reason().contains(reason) && !told.reason().contains("hunter2"), "{reason}: {told:?}");
    }
    let told = deployment.told(&migrate, request("Create", "Custom::Keys")).await;
    assert!(told.reason().contains("makes Custom::Migrations, not Custom::Keys"), "{told:?}");
    migrate.log_line(|line| line.contains("custom resource failed") && line.contains("ERROR")).await;
    assert!(!migrate.log().concat().contains("hunter2"));

    let mut environment = deployment.environment();
    let (url, mut credentials) = apart(&deployment.database.owner_url());
    credentials["password"] = json!("hunter2");
    environment.insert("DATABASE_URL".to_owned(), url);
    environment.insert("DATABASE_CREDENTIALS".to_owned(), create_secret(&credentials).await);
    let migrate = Function::start("migrate", environment).await;
    let told = deployment.told(&migrate, request("Create", "Custom::Migrations")).await;
    assert!(told.reason().contains("password authentication failed"), "{told:?}");
    assert!(!told.reason().contains("hunter2") && !migrate.log().concat().contains("hunter2"));
    deployment.end().await;
}

#[tokio::test]
async fn whoever_is_not_cloudformation_is_told_nothing_and_changes_nothing() {
    let deployment = Deployment::new(Database::create_empty().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    let mut event = request("Create", "Custom::Migrations");
    for url in [&deployment.front.url, "https://bucket.s3.amazonaws.com/x?X-Amz-Signature=y"] {
        event["ResponseURL"] = json!(url);
        let error = migrate.invoke(event.clone()).await.expect_err("a refusal");
        assert!(error["errorMessage"].as_str().expect("a reason").contains("would not go to CloudFormation"));
    }
    assert!(deployment.front.told().is_empty());
    let tables: i64 =
        deployment.database.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await;
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn an_answer_is_repeated_until_it_arrives() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    deployment.front.be_deaf(2);
    assert_eq!(deployment.told(&migrate, request("Delete", "Custom::Migrations")).await.status(), "SUCCESS");
    deployment.front.be_deaf(3);
    let error = migrate.invoke(request("Delete", "Custom::Migrations")).await.expect_err("nobody listens");
    assert_eq!(error["errorMessage"], "CloudFormation was not told");
    assert!(!migrate.log().concat().contains("X-Amz-Signature"));
}

#[tokio::test]
async fn an_answer_comes_in_time_even_if_the_work_does_not_end() {
    let deployment = Deployment::new(Database::create().await).await;
    let mut other = PgConnection::connect(&deployment.database.owner_url()).await.expect("a connection");
    // As a run that goes on.
    sqlx::query("SELECT pg_advisory_lock(x'617263686573'::bigint)")
        .execute(&mut other)
        .await
        .expect("the lock");
    let migrate = Function::start("migrate", deployment.environment()).await;
    let event = request("Update", "Custom::Migrations");
    migrate.invoke_within(Duration::from_secs(17), event).await.expect("an answer");
    let told = deployment.front.told().pop().expect("CloudFormation was told");
    assert!(told.reason().contains("deadline exceeded"), "{told:?}");
}
