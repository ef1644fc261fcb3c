//! The rules about copies in a second region. Each rule is also shown to fail.

use serde_json::json;

use crate::{
    assert_no_problems,
    deployed::{STACKS, assert_noticed, with, without},
    rules,
    template::Template,
    text,
};

#[test]
fn every_backup_and_erasure_is_copied_to_the_second_region() {
    let rule = rules::copies_every_backup_and_erasure;
    assert_no_problems(&rule(&STACKS["data"]));
    for bucket in ["BackupBucket", "ErasureBucket"] {
        let replication = format!("{bucket}/Properties/ReplicationConfiguration");
        let first = format!("{replication}/Fn::If/1/Rules/0");
        for broken in [
            without("data", &replication),
            with("data", &format!("{first}/Filter/Prefix"), json!("2026")),
            with("data", &format!("{first}/Status"), json!("Disabled")),
            with("data", &format!("{first}/DeleteMarkerReplication/Status"), json!("Enabled")),
            with("data", &format!("{first}/Destination/Bucket"), json!("arn:aws:s3:::elsewhere")),
            without("data", &format!("{first}/Destination/Metrics")),
        ] {
            assert_noticed(rule, &broken, bucket);
        }
    }
    let first = "BackupBucket/Properties/ReplicationConfiguration/Fn::If/1/Rules/0";
    for part in ["SourceSelectionCriteria", "Destination/EncryptionConfiguration"] {
        assert_noticed(rule, &without("data", &format!("{first}/{part}")), "BackupBucket");
    }
}

#[test]
fn replication_only_copies() {
    let rule = rules::replicates_without_deleting;
    assert_no_problems(&rule(&STACKS["data"]));
    let statements = "Replicating/Properties/PolicyDocument/Statement";
    let delete = json!({ "Effect": "Allow", "Action": "s3:ReplicateDelete", "Resource": "arn:aws:s3:::a/b" });
    for (broken, about) in [
        (with("data", &format!("{statements}/-"), delete), "Replicating"),
        (with("data", &format!("{statements}/5/Action"), json!("kms:*")), "Replicating"),
        (with("data", &format!("{statements}/4/Resource"), json!("arn:aws:s3:::a/*")), "ErasureBucket"),
        (with("data", &format!("{statements}/1/Action"), json!("s3:ListBucket")), "BackupBucket"),
        (
            without("data", "ReplicationRole/Properties/AssumeRolePolicyDocument/Statement/0/Condition"),
            "ReplicationRole",
        ),
    ] {
        assert_noticed(rule, &broken, about);
    }
}

#[test]
fn copies_are_kept_locked_and_closed_as_the_originals() {
    let rule = |replica: &Template| rules::keeps_copies_as_originals(&STACKS["data"], replica);
    assert_no_problems(&rule(&STACKS["replica"]));
    for (broken, about) in [
        (without("replica", "ReplicaBackupBucket/Properties/ObjectLockEnabled"), "ReplicaBackupBucket"),
        (without("replica", "ReplicaBackupBucket/Properties/LifecycleConfiguration"), "ReplicaBackupBucket"),
        (
            with(
                "replica",
                "ReplicaErasureBucket/Properties/ObjectLockConfiguration/Rule/DefaultRetention/Days",
                json!(30),
            ),
            "ReplicaErasureBucket",
        ),
        (
            with(
                "replica",
                "ReplicaBackupBucketPolicy/Properties/PolicyDocument/Statement/2/Action",
                json!(["s3:PutObject"]),
            ),
            "s3:DeleteObject",
        ),
        (without("replica", "ReplicaErasureBucketPolicy"), "s3:PutObject"),
        (without("replica", "ReplicaKey/DeletionPolicy"), "ReplicaKey"),
    ] {
        assert_noticed(rule, &broken, about);
    }
}

#[test]
fn copies_of_rotated_secrets_are_encrypted_for_one_role() {
    let rule = rules::encrypts_copies_of_rotated_secrets;
    assert_no_problems(&rule(&STACKS["replica"]));
    let statements = "ReplicaKey/Properties/KeyPolicy/Statement";
    let anybody = json!({ "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*" });
    for broken in [
        with("replica", &format!("{statements}/2/Effect"), json!("Deny")),
        without("replica", &format!("{statements}/2/Condition/ArnLike")),
        without("replica", &format!("{statements}/2/Condition/StringEquals/aws:PrincipalAccount")),
        with("replica", &format!("{statements}/2/Action"), json!("kms:*")),
        with("replica", &format!("{statements}/-"), anybody),
    ] {
        assert_noticed(rule, &broken, "ReplicaKey");
    }
}

#[test]
fn macs_of_backups_are_checked_with_one_key_in_both_regions() {
    let replica = &STACKS["replica"];
    assert_no_problems(&rules::authenticates_copies(&STACKS["data"], replica));
    let of_replica = |replica: &Template| rules::authenticates_copies(&STACKS["data"], replica);
    let make = json!({ "Effect": "Allow", "Action": "kms:GenerateMac", "Resource": "*" });
    for (broken, about) in [
        (without("replica", "ReplicaMacKey/Properties/MultiRegion"), "in two regions"),
        (with("replica", "ReplicaMacKey/Properties/KeyPolicy/Statement/-", make), "makes MACs"),
    ] {
        assert_noticed(of_replica, &broken, about);
    }
    let of_data = |data: &Template| rules::authenticates_copies(data, replica);
    let own = json!({ "Fn::GetAtt": ["BackupMacKey", "Arn"] });
    for (broken, about) in [
        (with("data", "BackupMacReplica/Properties/KeyPolicy/Statement", json!([])), "BackupMacReplica"),
        (without("data", "BackupMacReplica"), "BackupMacReplica"),
        (with("data", "BackupMacKeyArn/Properties/Value", own), "BackupMacKeyArn"),
    ] {
        assert_noticed(of_data, &broken, about);
    }
}

#[test]
fn secrets_that_nothing_can_make_again_are_copied() {
    let rule = rules::copies_what_nothing_can_make_again;
    assert_no_problems(&rule(&STACKS["data"]));
    let copies =
        STACKS["data"].resource("AuthSecret", "AWS::SecretsManager::Secret")["ReplicaRegions"].clone();
    for (broken, about) in [
        (without("data", "EncryptionSecret/Properties/ReplicaRegions"), "EncryptionSecret"),
        (
            with("data", "AuthSecret/Properties/Name", json!({ "Fn::Sub": "arches/${Environment}/auth" })),
            "AuthSecret",
        ),
        (with("data", "SigningKeysSecret/Properties/ReplicaRegions", copies), "SigningKeysSecret"),
        (
            with(
                "data",
                "OauthSecret/Properties/ReplicaRegions/Fn::If/1/0/KmsKeyId",
                json!("alias/aws/secretsmanager"),
            ),
            "OauthSecret",
        ),
    ] {
        assert_noticed(rule, &broken, about);
    }
}

#[test]
fn page_of_the_second_region_names_every_copied_secret() {
    let page = text("docs/operations/second-region.md");
    let names = rules::COPIED.map(|id| id.trim_end_matches("Secret").to_lowercase());
    let told = format!("the secrets `{}`", names.join("`, `"));
    assert!(page.contains(&told), "the page does not say: {told}");
    let loops: Vec<_> =
        page.split("for secret in ").skip(1).map(|rest| rest.split(';').next().expect("a list")).collect();
    assert_eq!(loops.len(), 2);
    for listed in loops {
        let mut listed: Vec<_> = listed.split(' ').collect();
        listed.sort_unstable();
        assert_eq!(listed, names);
    }
}
