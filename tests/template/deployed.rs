//! The stacks as `CloudFormation` sees them, after the SAM transform. Each rule is also shown to fail.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    sync::LazyLock,
};

use harness::service;
use local_stack::Tools;
use serde_json::{Value, json};

use crate::{assert_no_problems, documents, file_of, root, rules, stacks, template::Template, text};

pub static STACKS: LazyLock<BTreeMap<String, Template>> = LazyLock::new(|| {
    let translated = |stack: String| {
        let mut translate = Command::new(Tools::at(service("TEST_TOOLS")).program("python"));
        let translate = translate.args(["infra/translate.py", &file_of(&stack)]).current_dir(root());
        let output = translate.output().expect("python starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (stack, Template(serde_json::from_slice(&output.stdout).expect("its JSON")))
    };
    stacks().into_iter().map(translated).collect()
});
static DEPLOYED: LazyLock<&Template> = LazyLock::new(|| &STACKS["app"]);

/// Returns the metrics that the code records without a label.
fn our_metrics() -> BTreeSet<String> {
    let mut ours = BTreeSet::new();
    for file in [
        "functions/answers/src/writer.rs",
        "functions/backup/src/lib.rs",
        "functions/recovery-points/src/lib.rs",
        "functions/restore-drill/src/lib.rs",
        "functions/retention/src/report.rs",
        "functions/retention/src/totals.rs",
        "shared/src/aws/secrets.rs",
        "shared/src/backup/catalogue.rs",
        "shared/src/http/request.rs",
        "shared/src/telemetry.rs",
    ] {
        let code = text(file);
        let recorded = code.split("histogram!(\"").skip(1).chain(code.split("counter!(\"").skip(1));
        ours.extend(recorded.filter_map(|rest| Some(rest.split_once("\")")?.0.to_owned())));
    }
    ours.retain(|name| name.chars().all(char::is_alphabetic));
    ours
}

#[track_caller]
pub fn assert_noticed(rule: impl Fn(&Template) -> Vec<String>, broken: &Template, about: &str) {
    let problems = rule(broken);
    assert!(problems.iter().any(|problem| problem.contains(about)), "{about} is not in {problems:?}");
}

/// Returns the stack without one value: `without("app", "Auth/Properties/Role")`.
pub fn without(stack: &str, pointer: &str) -> Template {
    STACKS[stack].without(&format!("/Resources/{pointer}"))
}

pub fn with(stack: &str, pointer: &str, value: Value) -> Template {
    STACKS[stack].with(&format!("/Resources/{pointer}"), value)
}

#[test]
fn every_resource_has_the_required_settings_of_its_type() {
    assert_no_problems(&rules::has_every_checked_type(&STACKS));
    for template in STACKS.values() {
        assert_no_problems(&rules::has_required_settings(template));
    }
}

#[test]
fn missing_or_weak_setting_is_noticed() {
    for (pointer, id) in [
        ("Api/Properties/MinimumCompressionSize", "Api"),
        ("ApiliveStage/Properties/TracingEnabled", "ApiliveStage"),
        ("ApiliveStage/Properties/AccessLogSetting", "ApiliveStage"),
        ("ApiliveStage/Properties/MethodSettings", "ApiliveStage"),
        ("AuthDeploymentGroup/Properties/AlarmConfiguration", "AuthDeploymentGroup"),
        ("AuthDeploymentGroup/Properties/AutoRollbackConfiguration", "AuthDeploymentGroup"),
        ("AuthAliaslive/UpdatePolicy", "AuthAliaslive"),
        ("AuthLogs/Properties/RetentionInDays", "AuthLogs"),
        ("ApiAccessLogs/Properties/RetentionInDays", "ApiAccessLogs"),
        ("Backup/Properties/ReservedConcurrentExecutions", "Backup"),
        ("Docs/Properties/TracingConfig", "Docs"),
        ("FailedJobs/Properties/SqsManagedSseEnabled", "FailedJobs"),
        ("ApiSlow/Properties/TreatMissingData", "ApiSlow"),
    ] {
        assert_noticed(rules::has_required_settings, &without("app", pointer), id);
    }
    for (stack, pointer, weak, id) in [
        ("edge", "ApiDomain/Properties/SecurityPolicy", json!("TLS_1_0"), "ApiDomain"),
        ("data", "Cluster/Properties/StorageEncrypted", json!(false), "Cluster"),
        ("data", "Cluster/Properties/BackupRetentionPeriod", json!(7), "Cluster"),
        ("data", "DatabaseParameters/Properties/Parameters/rds.force_ssl", json!("0"), "DatabaseParameters"),
        ("data", "InstanceParameters/Properties/Parameters/rds.force_ssl", json!("0"), "InstanceParameters"),
        ("data", "FirstInstance/Properties/PubliclyAccessible", json!(true), "FirstInstance"),
        ("data", "Instance/Properties/PubliclyAccessible", json!(true), "Instance"),
        ("data", "Instance/Properties/StorageEncrypted", json!(false), "Instance"),
        ("data", "Instance/Properties/BackupRetentionPeriod", json!(7), "Instance"),
        ("data", "Instance/Properties/DeletionProtection", json!(false), "Instance"),
        ("data", "Proxy/Properties/RequireTLS", json!(false), "Proxy"),
        ("data", "Cache/Properties/TransitEncryptionEnabled", json!(false), "Cache"),
        ("data", "Cache/Properties/SnapshotRetentionLimit", json!(7), "Cache"),
        ("data", "Cache/DeletionPolicy", json!("Snapshot"), "Cache"),
        (
            "data",
            "CacheParameters/Properties/Properties/maxmemory-policy",
            json!("allkeys-lru"),
            "CacheParameters",
        ),
        ("data", "SecretsKey/Properties/EnableKeyRotation", json!(false), "SecretsKey"),
        ("data", "RedisSecret/Properties/KmsKeyId", json!(null), "RedisSecret"),
        ("data", "RedisSecret/Properties/SecretString", json!("hunter2"), "RedisSecret"),
        ("data", "BackupBucket/Properties/BucketEncryption", json!(null), "BackupBucket"),
        (
            "data",
            "BackupBucket/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy",
            json!(false),
            "BackupBucket",
        ),
        ("observability", "AlarmTopic/Properties/KmsMasterKeyId", json!(null), "AlarmTopic"),
    ] {
        assert_noticed(rules::has_required_settings, &with(stack, pointer, weak), id);
    }
}

#[test]
fn api_is_reached_only_through_its_own_domain() {
    assert_no_problems(&rules::closes_the_default_endpoint(&DEPLOYED));
    assert_noticed(rules::closes_the_default_endpoint, &without("app", "Api/Properties/Body/servers"), "Api");
}

#[test]
fn new_versions_are_tested_before_they_get_all_traffic() {
    assert_no_problems(&rules::tests_new_versions_first(&DEPLOYED));
    let unhooked =
        without("app", "AuthAliaslive/UpdatePolicy/CodeDeployLambdaAliasUpdate/BeforeAllowTrafficHook");
    assert_noticed(rules::tests_new_versions_first, &unhooked, "AuthAliaslive");
    let at_once = with(
        "app",
        "UsersDeploymentGroup/Properties/DeploymentConfigName",
        json!("CodeDeployDefault.LambdaAllAtOnce"),
    );
    assert_noticed(rules::tests_new_versions_first, &at_once, "UsersAliaslive");
    let mute = with("app", "SmokeRole/Properties/Policies", json!([]));
    assert_noticed(rules::tests_new_versions_first, &mute, "SearchAliaslive");
}

#[test]
fn recovery_point_of_the_cluster_is_measured_and_older_than_30_minutes_it_notifies() {
    assert_no_problems(&rules::measures_the_recovery_point(&DEPLOYED));
    let schedule = "RecoveryPointsFiveMinutes/Properties";
    let policy = "RecoveryPointsRole/Properties/Policies/0/PolicyDocument/Statement";
    let statements = DEPLOYED.0.pointer(&format!("/Resources/{policy}")).and_then(Value::as_array);
    let statements = statements.expect("statements").clone();
    let of_rds = statements.iter().position(|one| one["Action"].to_string().contains("rds:"));
    let of_rds = of_rds.expect("the right");
    for (broken, about) in [
        (with("app", &format!("{schedule}/ScheduleExpression"), json!("rate(1 hour)")), "not measured"),
        (with("app", &format!("{schedule}/State"), json!("DISABLED")), "not measured"),
        (without("app", "RecoveryPointsFiveMinutes"), "not measured"),
        (with("app", &format!("{policy}/{of_rds}/Action"), json!("rds:Describe*")), "other rights"),
        (with("app", &format!("{policy}/{of_rds}/Resource"), json!("*")), "other rights"),
        (with("app", "RecoveryPointTooOld/Properties/Threshold", json!(3600)), "no alarm"),
        (with("app", "RecoveryPointTooOld/Properties/TreatMissingData", json!("notBreaching")), "no alarm"),
        (with("app", "RecoveryPointTooOld/Properties/MetricName", json!("LastBackupAge")), "no alarm"),
        (without("app", "RecoveryPointTooOld/Properties/AlarmActions"), "no alarm"),
        (without("app", "RecoveryPointTooOld"), "no alarm"),
    ] {
        assert_noticed(rules::measures_the_recovery_point, &broken, about);
    }
}

#[test]
fn alarm_about_old_backups_follows_the_interval_of_the_environment() {
    assert_no_problems(&rules::backs_up_at_the_interval(&DEPLOYED));
    for (environment, interval) in [("small", "1d"), ("dev", "1d"), ("staging", "6h"), ("production", "6h")] {
        assert_eq!(crate::environment(environment)["app"]["BackupInterval"], interval, "{environment}");
    }
    let longer = json!({ "Rate": "rate(2 days)", "MaxAge": 86400 });
    for (broken, about) in [
        (with("app", "BackupRegular/Properties/ScheduleExpression", json!("rate(6 hours)")), "Backup:"),
        (with("app", "BackupRegular/Properties/State", json!("DISABLED")), "Backup:"),
        (without("app", "BackupRegular"), "Backup:"),
        (with("app", "LastBackupTooOld/Properties/Threshold", json!(86400)), "LastBackupTooOld"),
        (with("app", "LastBackupTooOld/Properties/TreatMissingData", json!("missing")), "LastBackupTooOld"),
        (DEPLOYED.with("/Mappings/BackupIntervals/6h/MaxAge", json!(86400)), "6h"),
        (DEPLOYED.with("/Mappings/BackupIntervals/2d", longer), "BackupInterval:"),
        (DEPLOYED.without("/Mappings/BackupIntervals/1d"), "BackupInterval:"),
    ] {
        assert_noticed(rules::backs_up_at_the_interval, &broken, about);
    }
}

#[test]
fn secret_that_cannot_be_read_again_notifies_before_requests_fail() {
    assert_no_problems(&rules::notifies_about_old_secrets(&DEPLOYED));
    let alarm = "SecretsTooOld/Properties";
    for (broken, about) in [
        (with("app", &format!("{alarm}/Threshold"), json!(1800)), "no alarm"),
        (with("app", &format!("{alarm}/Metrics/0/Expression"), json!("MIN(METRICS())")), "no alarm"),
        (without("app", &format!("{alarm}/AlarmActions")), "no alarm"),
        (with("app", &format!("{alarm}/Metrics/1/MetricStat/Metric/MetricName"), json!("Duration")), "Auth"),
        (without("app", "SecretsTooOld"), "no alarm"),
        (with("app", "OauthSecretsTooOld/Properties/Statistic", json!("Minimum")), "no alarm"),
        (
            with("app", "JobSecretsTooOld/Properties/Metrics/1/MetricStat/Metric/MetricName", json!("Age")),
            "Backup",
        ),
    ] {
        assert_noticed(rules::notifies_about_old_secrets, &broken, about);
    }
}

#[test]
fn every_alarm_uses_a_metric_that_exists() {
    let ours = our_metrics();
    let rule = |template: &Template| rules::use_existing_metrics(template, &ours);
    for template in STACKS.values() {
        assert_no_problems(&rule(template));
    }
    for (broken, id) in [
        (with("app", "LastBackupTooOld/Properties/MetricName", json!("BackupAge")), "LastBackupTooOld"),
        (with("app", "LastBackupTooOld/Properties/Dimensions", json!([])), "LastBackupTooOld"),
        (with("app", "LastBackupTooOld/Properties/Dimensions/0/Name", json!("Function")), "LastBackupTooOld"),
        (
            with("app", "LastBackupTooOld/Properties/Dimensions/0/Value", json!({"Ref": "RecoveryPoint"})),
            "LastBackupTooOld",
        ),
        (with("app", "LastBackupTooOld/Properties/Namespace", json!("Arche")), "LastBackupTooOld"),
        (with("app", "ApiFailures/Properties/Dimensions/1/Name", json!("StageName")), "ApiFailures"),
        (
            with("observability", "DatabaseBusy/Properties/Dimensions/Fn::If/2/0/Name", json!("Instance")),
            "DatabaseBusy",
        ),
        (with("app", "AuthRollback/Properties/MetricName", json!("AuthErrors")), "AuthRollback"),
        (without("app", "AuthFailures"), "AuthRollback"),
    ] {
        assert_noticed(rule, &broken, id);
    }
}

#[test]
fn budget_of_failed_requests_is_watched_over_two_windows() {
    let rule = rules::watches_the_budget_of_failures;
    assert_no_problems(&rule(&DEPLOYED));
    let either = json!({ "Fn::Sub": "ALARM(\"${FastBurnHour}\") OR ALARM(\"${FastBurnMinutes}\")" });
    for (broken, about) in [
        (with("app", "FastBurnHour/Properties/Threshold", json!(0.05)), "ApiBudgetBurnsFast"),
        (with("app", "FastBurnMinutes/Properties/Period", json!(3600)), "ApiBudgetBurnsFast"),
        (with("app", "ApiBudgetBurnsFast/Properties/AlarmRule", either), "ApiBudgetBurnsFast"),
        (with("app", "SlowBurnHours/Properties/Statistic", json!("Sum")), "ApiBudgetBurnsSlowly"),
        (without("app", "SlowBurnHalfHour"), "ApiBudgetBurnsSlowly"),
        (without("app", "ApiBudgetBurnsSlowly"), "ApiBudgetBurnsSlowly"),
    ] {
        assert_noticed(rule, &broken, about);
    }
}

#[test]
fn every_alarm_has_room_for_the_metric_of_another_function() {
    for template in STACKS.values() {
        assert_no_problems(&rules::have_room_for_a_metric(template));
    }
    let metrics = DEPLOYED.resource("JobMemoryNearlyUsedUp", "AWS::CloudWatch::Alarm")["Metrics"].clone();
    let mut full = DEPLOYED.clone();
    for metric in metrics.as_array().expect("metrics").iter().cycle().take(10) {
        full = full.with("/Resources/JobMemoryNearlyUsedUp/Properties/Metrics/-", metric.clone());
    }
    assert_noticed(rules::have_room_for_a_metric, &full, "JobMemoryNearlyUsedUp");
}

#[test]
fn every_alarm_acts_and_names_a_runbook() {
    let runbooks = documents::runbooks();
    let rule = |template: &Template| rules::act_and_name_a_runbook(template, &runbooks);
    for template in STACKS.values() {
        assert_no_problems(&rule(template));
    }
    for (broken, id) in [
        (without("app", "ApiFailures/Properties/AlarmActions"), "ApiFailures"),
        (without("app", "ApiBudgetBurnsFast/Properties/AlarmActions"), "ApiBudgetBurnsFast"),
        (without("app", "ApiBudgetBurnsFast/Properties/AlarmRule"), "FastBurnHour"),
        (with("app", "ApiFailures/Properties/ActionsEnabled", json!(false)), "ApiFailures"),
        (without("app", "AuthDeploymentGroup/Properties/AlarmConfiguration"), "AuthRollback"),
        (without("app", "ApiSlow/Properties/AlarmDescription"), "ApiSlow"),
        (with("app", "ApiSlow/Properties/AlarmDescription", json!("Read the logs.")), "ApiSlow"),
        (with("app", "ApiSlow/Properties/AlarmDescription", json!("See docs/runbooks/slow.md")), "ApiSlow"),
        (
            with(
                "app",
                "AuthRollback/Properties/AlarmDescription",
                json!("See docs/runbooks/rollback.md#nothing"),
            ),
            "AuthRollback",
        ),
    ] {
        assert_noticed(rule, &broken, id);
    }
    let unwritten = |template: &Template| rules::act_and_name_a_runbook(template, &BTreeSet::new());
    assert_noticed(unwritten, &DEPLOYED, "ApiFailures");
}
