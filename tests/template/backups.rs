//! The rules about backups. Each rule is also shown to fail.

use serde_json::json;

use crate::{
    assert_no_problems,
    deployed::{STACKS, assert_noticed, with, without},
    rules,
    template::Template,
    text,
};

#[test]
fn no_function_deletes_a_backup_or_writes_over_one() {
    assert_no_problems(&rules::keeps_backups(&STACKS["app"]));
    let making = "BackupMaking/Properties/PolicyDocument/Statement";
    let restoring = "BackupRestoring/Properties/PolicyDocument/Statement";
    let objects = json!({ "Fn::Sub": "arn:${AWS::Partition}:s3:::${BackupBucket}/*" });
    let allow = |action: &str| json!({ "Effect": "Allow", "Action": [action], "Resource": objects });
    for (broken, about) in [
        (with("app", &format!("{making}/-"), allow("s3:DeleteObject")), "s3:DeleteObject"),
        (
            with("app", &format!("{making}/-"), allow("s3:PutObjectTagging")),
            "BackupMaking: may use s3:PutObjectTagging",
        ),
        (with("app", &format!("{restoring}/-"), allow("s3:DeleteObjectVersion")), "s3:DeleteObjectVersion"),
        (with("app", &format!("{restoring}/-"), allow("s3:*")), "BackupRestoring"),
        (
            with("app", &format!("{restoring}/-"), allow("kms:GenerateMac")),
            "BackupRestoring: may use kms:GenerateMac",
        ),
        (with("app", &format!("{making}/-"), allow("s3:PutObject")), "write over"),
        (without("app", &format!("{making}/3/Condition")), "write over"),
        (with("app", &format!("{making}/6/Resource"), objects.clone()), "write over"),
        (
            with("app", "AuthRole/Properties/Policies/0/PolicyDocument/Statement/-", allow("s3:PutObject")),
            "AuthRole",
        ),
        (
            with("app", "AuthRole/Properties/ManagedPolicyArns/-", json!({ "Ref": "BackupMaking" })),
            "AuthRole",
        ),
    ] {
        assert_noticed(rules::keeps_backups, &broken, about);
    }
}

#[test]
fn only_the_role_of_backup_makes_macs() {
    assert_no_problems(&rules::authenticates_backups(&STACKS["data"]));
    let statements = "BackupMacKey/Properties/KeyPolicy/Statement";
    for broken in [
        with("data", "BackupMacKey/Properties/KeySpec", json!("SYMMETRIC_DEFAULT")),
        with("data", "BackupMacKey/Properties/KeyUsage", json!("ENCRYPT_DECRYPT")),
        without("data", &format!("{statements}/1/Condition")),
        with("data", &format!("{statements}/2/Action"), json!(["kms:VerifyMac", "kms:GenerateMac"])),
        with("data", &format!("{statements}/-"), json!({ "Effect": "Allow", "Action": "kms:*" })),
    ] {
        assert_noticed(rules::authenticates_backups, &broken, "BackupMacKey");
    }
}

#[test]
fn lifecycle_removes_only_backups_that_the_drill_has_marked() {
    let code = text("shared/src/backup/catalogue.rs");
    let value = |name: &str, before: &str, after: &str| {
        let line = code.lines().find(|line| line.starts_with(&format!("const {name}"))).expect("a constant");
        let (_, rest) = line.split_once(before).expect("its value");
        rest.split_once(after).expect("its end").0.to_owned()
    };
    let (tag, days) = (value("MARK:", "\"", "\""), value("RETENTION:", "days(", ")").parse().expect("days"));
    let rule = |data: &Template| rules::removes_only_expired_backups(data, &tag, days);
    assert_no_problems(&rule(&STACKS["data"]));
    let lifecycle = "BackupBucket/Properties/LifecycleConfiguration/Rules";
    for broken in [
        without("data", &format!("{lifecycle}/1/TagFilters")),
        with("data", &format!("{lifecycle}/1/TagFilters/0/Key"), json!("old")),
        with("data", &format!("{lifecycle}/1/ExpirationInDays"), json!(1)),
        with("data", &format!("{lifecycle}/1/Status"), json!("Disabled")),
        with("data", &format!("{lifecycle}/-"), json!({ "Status": "Enabled", "ExpirationInDays": 60 })),
        without("data", "BackupBucket/Properties/LifecycleConfiguration"),
    ] {
        assert_noticed(rule, &broken, "BackupBucket");
    }
}
