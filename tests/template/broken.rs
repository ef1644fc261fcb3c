//! Breaks each rule, to show that the rule notices.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{names, router, rules, template, template::Template, text};

#[track_caller]
fn assert_noticed(problems: &[String], about: &str) {
    assert!(problems.iter().any(|problem| problem.contains(about)), "{about} is not in {problems:?}");
}

#[test]
fn function_without_a_folder_is_noticed() {
    assert_noticed(&rules::built_from_its_folder(&template(), &BTreeSet::from(["auth".to_owned()])), "Docs");
}

#[test]
fn folder_without_a_function_is_noticed() {
    let folders = names("functions").into_iter().chain(["billing".to_owned()]).collect();
    assert_noticed(&rules::built_from_its_folder(&template(), &folders), "functions/billing");
}

#[test]
fn function_built_from_other_code_is_noticed() {
    let broken = template().with("/Resources/Auth/Metadata/BuildProperties/Binary", json!("docs"));
    assert_noticed(&rules::built_from_its_folder(&broken, &names("functions")), "Auth");
}

#[test]
fn log_group_kept_forever_or_lost_with_the_stack_is_noticed() {
    for pointer in ["/Resources/AuthLogs/Properties/RetentionInDays", "/Resources/AuthLogs/DeletionPolicy"] {
        assert_noticed(&rules::has_its_own_log_group(&template().without(pointer)), "Auth");
    }
}

#[test]
fn function_logging_into_another_group_is_noticed() {
    let broken =
        template().with("/Resources/Docs/Properties/LoggingConfig", json!({"LogGroup": {"Ref": "AuthLogs"}}));
    assert_noticed(&rules::has_its_own_log_group(&broken), "Docs");
}

fn granting(function: &str, statement: Value) -> Template {
    let pointer = format!("/Resources/{function}Role/Properties/Policies/0/PolicyDocument/Statement/-");
    template().with(&pointer, statement)
}

#[test]
fn wildcard_in_a_role_is_noticed() {
    for statement in [
        json!({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::letters/a"}),
        json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::Sub": "arn:aws:s3:::${Bucket}/*"}}),
        json!({"Effect": "Allow", "NotAction": "s3:GetObject", "Resource": "arn:aws:s3:::letters/a"}),
    ] {
        assert_noticed(
            &rules::has_a_role_that_names_every_action_and_resource(&granting("Docs", statement)),
            "Docs",
        );
    }
}

#[test]
fn managed_policy_of_aws_is_noticed() {
    let broken = template().with(
        "/Resources/DocsRole/Properties/ManagedPolicyArns/-",
        json!("arn:aws:iam::aws:policy/ReadOnlyAccess"),
    );
    assert_noticed(&rules::has_a_role_that_names_every_action_and_resource(&broken), "Docs");
}

#[test]
fn wildcard_without_a_reason_is_noticed() {
    let text = text("template.yaml");
    let reason = text.lines().find(|line| line.contains("# X-Ray has no")).expect("a reason");
    let silent = text.replace(reason, "");
    assert_noticed(&rules::explains_every_wildcard(&Template::read(&silent), &silent), "with a reason above");
    let statement =
        json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::letters/*"]});
    assert_noticed(
        &rules::explains_every_wildcard(&granting("Docs", statement), &text),
        "with a reason above",
    );
}

#[test]
fn deployment_without_a_rollback_alarm_is_noticed() {
    for pointer in [
        "/Resources/SystemRollback",
        "/Resources/SystemFailures/Properties/FilterPattern",
        "/Resources/System/Properties/DeploymentPreference",
    ] {
        assert_noticed(&rules::is_rolled_back_when_it_logs_errors(&template().without(pointer)), "System");
    }
}

#[test]
fn slow_requests_without_an_alarm_are_noticed() {
    let metric = "/Resources/SystemDurations/Properties/MetricTransformations/0";
    for broken in [
        template().without("/Resources/SystemDurations"),
        template().with(&format!("{metric}/MetricName"), json!("Other")),
        template().with(&format!("{metric}/MetricValue"), json!("1")),
    ] {
        assert_noticed(&rules::notifies_about_slow_requests(&broken), "System: ");
    }
}

#[test]
fn unpublished_change_is_noticed() {
    let broken = template().without("/Resources/Docs/Properties/VersionDescription");
    assert_noticed(&rules::publishes_every_change(&broken), "Docs");
}

#[test]
fn role_that_reads_an_unused_secret_is_noticed() {
    let statement = json!({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": {"Ref": "RedisSecret"}});
    assert_noticed(&rules::reads_exactly_the_secrets_it_is_given(&granting("Docs", statement)), "Docs");
}

#[test]
fn reserved_secret_given_to_another_function_is_noticed() {
    for (secret, function) in [
        ("SigningKeysSecret", "System"),
        ("AuthSecret", "Organizations"),
        ("EncryptionSecret", "Users"),
        ("DatabaseOwnerSecret", "Auth"),
        ("DatabaseRetentionSecret", "Users"),
        ("ProxyApiAlternateSecret", "Users"),
        ("ModelSecret", "Extract"),
        ("ModelSecret", "Artifacts"),
        ("MonitoringSecret", "Auth"),
        ("SmokeSecret", "Users"),
    ] {
        let arn = json!({"Ref": secret});
        let statement =
            json!({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn});
        let broken = granting(function, statement)
            .with(&format!("/Resources/{function}/Properties/Environment/Variables/TAKEN"), arn);
        assert_noticed(&rules::reads_exactly_the_secrets_it_is_given(&broken), function);
    }
}

#[test]
fn function_that_may_deploy_before_the_schema_is_noticed() {
    assert_noticed(&rules::waits_for_the_schema(&template().without("/Resources/Users/DependsOn")), "Users");
}

#[test]
fn secret_that_its_function_cannot_decrypt_is_noticed() {
    let broken = template().with("/Resources/AuthRole/Properties/ManagedPolicyArns", json!([]));
    assert_noticed(&rules::reads_exactly_the_secrets_it_is_given(&broken), "Auth");
}

#[test]
fn secret_that_its_function_cannot_read_is_noticed() {
    let broken = template().with(
        "/Resources/Auth/Properties/Environment/Variables/OPENAI_API_KEY",
        json!({"Fn::Sub": "${ModelSecret}:key::"}),
    );
    assert_noticed(&rules::reads_exactly_the_secrets_it_is_given(&broken), "ModelSecret");
}

#[test]
fn secret_in_the_environment_is_noticed() {
    for value in [
        json!("postgresql://u:p@db/arches"),
        json!({"Ref": "DatabaseUrl"}),
        json!({"Fn::Sub": "postgresql://${User}:${Password}@db"}),
        json!({"Fn::Sub": "postgresql://${Proxy}/arches?password=${Password}"}),
    ] {
        let broken = template().with("/Resources/Auth/Properties/Environment/Variables/DATABASE_URL", value);
        assert_noticed(&rules::holds_no_secret(&broken, ""), "DATABASE_URL");
    }
    let broken = template()
        .with("/Globals/Function/Environment/Variables/SENTRY_DSN", json!("https://key@sentry.io/1"));
    assert_noticed(&rules::holds_no_secret(&broken, ""), "SENTRY_DSN");
}

#[test]
fn secret_resolved_by_cloudformation_is_noticed() {
    assert_noticed(
        &rules::holds_no_secret(&template(), "'{{resolve:secretsmanager:arches:SecretString:url}}'"),
        "resolved",
    );
    let broken = template().with("/Parameters/AuthSecret/Default", json!("/arches/dev/data/auth-secret"));
    assert_noticed(&rules::holds_no_secret(&broken, &text("template.yaml")), "AuthSecret");
}

#[test]
fn path_to_no_function_or_to_two_is_noticed() {
    let documented = ["/v1/billing".to_owned(), "/v1/auth".to_owned()];
    assert_noticed(
        &rules::serves_every_path_once(&template(), &documented),
        "0 functions answer at /v1/billing",
    );
    assert_noticed(
        &rules::serves_every_path_once(&template(), &documented),
        "0 functions answer at /v1/auth",
    );
    let event = json!({"Type": "Api", "Properties": {"Path": "/v1/auth/{proxy+}", "Method": "ANY"}});
    let broken = template().with("/Resources/System/Properties/Events/Rest", event);
    assert_noticed(&rules::serves_every_path_once(&broken, &["/v1/auth/me".to_owned()]), "2 functions");
}

#[test]
fn second_variable_in_a_place_is_noticed() {
    for path in [
        "/v1/organizations/{proxy+}",
        "/v1/organizations/{id}/labels",
        "/v1/users/{userId}",
        "/v1/docs/{a}/{b}",
    ] {
        let event = json!({"Type": "Api", "Properties": {"Path": path, "Method": "ANY"}});
        let broken = template().with("/Resources/System/Properties/Events/Rest", event);
        let problems = rules::has_one_variable_per_place(&broken);
        assert_eq!(problems.len(), usize::from(path != "/v1/docs/{a}/{b}"), "{path}: {problems:?}");
    }
}

#[test]
fn path_that_exists_only_locally_is_noticed() {
    let path = "/v1/billing/{proxy+}".to_owned();
    let table: BTreeMap<_, _> = router().into_iter().chain([(path, "billing".to_owned())]).collect();
    assert_noticed(&rules::routes_as_locally(&template(), &table), "billing only locally");
    let broken = template().without("/Resources/Docs/Properties/Events/Assets");
    assert_noticed(&rules::routes_as_locally(&broken, &router()), "/docs/{proxy+}");
}

#[test]
fn timeout_longer_than_that_of_the_gateway_is_noticed() {
    let slow = json!(30);
    let broken = template().with("/Resources/Docs/Properties/Timeout", slow.clone());
    assert_noticed(&rules::times_out_before_the_gateway(&broken), "Docs");
    assert_noticed(
        &rules::times_out_before_the_gateway(&template().with("/Globals/Function/Timeout", slow)),
        "Auth",
    );
    let event = "/Resources/Answers/Properties/Events/Answers/Properties";
    for (member, value) in [("TimeoutInMillis", json!(299_999)), ("ResponseTransferMode", json!("BUFFERED"))]
    {
        let broken = template().with(&format!("{event}/{member}"), value);
        assert_noticed(&rules::times_out_before_the_gateway(&broken), "Answers");
    }
}

#[test]
fn job_without_a_failure_destination_is_noticed() {
    let broken = template().without("/Resources/Migrate/Properties/EventInvokeConfig");
    assert_noticed(&rules::has_a_failure_destination(&broken), "Migrate");
    let nightly = json!({"Type": "ScheduleV2", "Properties": {"ScheduleExpression": "rate(1 day)"}});
    let broken = template().with("/Resources/System/Properties/Events/Nightly", nightly);
    assert_noticed(&rules::has_a_failure_destination(&broken), "System");
    let broken = template().without("/Resources/FailedJobs/Properties/SqsManagedSseEnabled");
    assert_noticed(&rules::has_a_failure_destination(&broken), "Migrate");
}

#[test]
fn undocumented_variable_is_noticed() {
    let broken = template().with("/Resources/Auth/Properties/Environment/Variables/DB_POOL_SIZE", json!("9"));
    let documented = broken.function("Docs").environment().into_keys().map(str::to_owned).collect();
    assert_noticed(&rules::sets_only_documented_variables(&broken, &documented), "Auth");
}

#[test]
fn incomplete_gateway_error_is_noticed() {
    let responses = "/Resources/Api/Properties/GatewayResponses";
    for pointer in [
        "/THROTTLED",
        "/DEFAULT_5XX/StatusCode",
        "/WAF_FILTERED/ResponseParameters/Headers/Cache-Control",
        "/THROTTLED/ResponseParameters/Headers/Access-Control-Allow-Origin",
        "/WAF_FILTERED/ResponseParameters/Headers/Access-Control-Allow-Credentials",
        "/INTEGRATION_FAILURE/ResponseParameters/Headers/Access-Control-Expose-Headers",
        "/DEFAULT_4XX/ResponseParameters/Headers/Vary",
    ] {
        let broken = template().without(&format!("{responses}{pointer}"));
        let kind = pointer.split('/').nth(1).expect("a kind");
        assert_noticed(&rules::has_problems_as_gateway_errors(&broken), kind);
    }
}

#[test]
fn environment_with_missing_or_foreign_parameters_is_noticed() {
    let staging = Template::read(&text("infra/environments/staging/app.yaml"));
    for (broken, about) in [
        (staging.without("/MailFrom"), "does not set MailFrom"),
        (staging.without("/StageRateLimit"), "does not set StageRateLimit"),
        (staging.without("/AppUrl").without("/DomainName"), "neither AppUrl nor DomainName"),
        (staging.with("/Colour", json!("blue")), "Colour"),
        (
            staging.with("/DatabaseSecret", json!("/arches/production/data/database-secret")),
            "another environment",
        ),
    ] {
        assert_noticed(&rules::sets_all_parameters(&template(), "staging", &broken.0), about);
    }
}
