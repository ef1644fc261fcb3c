//! Copies in a second region: complete, and as safe as the originals.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::problem_unless;
use crate::template::{Template, each};

/// The secrets whose values nothing can make again.
pub const COPIED: [&str; 5] =
    ["AuthSecret", "EncryptionSecret", "ModelSecret", "MonitoringSecret", "OauthSecret"];
/// The buckets, and their copies.
const BUCKETS: [(&str, &str); 2] =
    [("BackupBucket", "ReplicaBackupBucket"), ("ErasureBucket", "ReplicaErasureBucket")];
/// What the role of replication may do. It deletes nothing.
const ACTIONS: [&str; 12] = [
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "s3:GetObjectLegalHold",
    "s3:GetObjectRetention",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionTagging",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:ReplicateObject",
    "s3:ReplicateTags",
];

/// Returns `value` if it is only there with copies.
fn with_copies(value: &Value) -> &Value {
    let branches = &value["Fn::If"];
    let only = branches[0] == "HasReplica" && branches[2] == json!({ "Ref": "AWS::NoValue" });
    if only { &branches[1] } else { &Value::Null }
}

/// Every object of both buckets is copied, whatever its key and its encryption. No marker of a deletion is.
pub fn copies_every_backup_and_erasure(data: &Template) -> Vec<String> {
    let incomplete = BUCKETS.into_iter().filter(|(bucket, copy)| {
        let source = data.resource(bucket, "AWS::S3::Bucket");
        let replication = with_copies(&source["ReplicationConfiguration"]);
        let [rule] = each(&replication["Rules"]) else { return true };
        let encryption = &source["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        let is_kms = encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms";
        let target = &rule["Destination"];
        let readable = !is_kms
            || (rule["SourceSelectionCriteria"]
                == json!({ "SseKmsEncryptedObjects": { "Status": "Enabled" } })
                && target["EncryptionConfiguration"]["ReplicaKmsKeyID"] == json!({ "Ref": "ReplicaKey" }));
        let good = replication["Role"] == json!({ "Fn::GetAtt": ["ReplicationRole", "Arn"] })
            && rule["Id"] == "all"
            && rule["Status"] == "Enabled"
            && rule["Filter"] == json!({ "Prefix": "" })
            && rule["DeleteMarkerReplication"] == json!({ "Status": "Disabled" })
            && target["Bucket"] == json!({ "Fn::Sub": format!("arn:${{AWS::Partition}}:s3:::${{{copy}}}") })
            && target["Metrics"] == json!({ "Status": "Enabled" });
        !(good && readable)
    });
    incomplete.map(|(bucket, _)| format!("{bucket}: not everything is copied, or deletions are")).collect()
}

/// S3 alone uses the role of replication, and the role only copies.
pub fn replicates_without_deleting(data: &Template) -> Vec<String> {
    let trust = &data.resource("ReplicationRole", "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"];
    let trusted = each(trust).len() == 1
        && trust[0]["Principal"] == json!({ "Service": "s3.amazonaws.com" })
        && trust[0]["Condition"]
            == json!({ "StringEquals": { "aws:SourceAccount": { "Ref": "AWS::AccountId" } } });
    let policy = data.resource("Replicating", "AWS::IAM::ManagedPolicy");
    let statements = each(&policy["PolicyDocument"]["Statement"]).iter();
    let allowed: BTreeSet<&str> =
        statements.flat_map(|one| each(&one["Action"])).filter_map(Value::as_str).collect();
    let exact = policy["Roles"] == json!([{ "Ref": "ReplicationRole" }]) && allowed == ACTIONS.into();
    let may = |action: &str, resource: String| {
        each(&policy["PolicyDocument"]["Statement"]).iter().any(|one| {
            each(&one["Action"]).contains(&json!(action)) && one["Resource"] == json!({ "Fn::Sub": resource })
        })
    };
    let useless = BUCKETS.into_iter().filter(|(bucket, copy)| {
        !(may("s3:GetObjectVersionForReplication", format!("${{{bucket}.Arn}}/*"))
            && may("s3:ReplicateObject", format!("arn:${{AWS::Partition}}:s3:::${{{copy}}}/*")))
    });
    let checks = [
        problem_unless(trusted, "ReplicationRole: others than S3 of this account may use it"),
        problem_unless(exact, "Replicating: other actions than those that copy"),
    ];
    let useless = useless.map(|(bucket, _)| format!("{bucket}: the role cannot copy it"));
    checks.into_iter().flatten().chain(useless).collect()
}

/// A bucket of copies keeps and locks its objects as the original does, outlives its stack, and nobody but replication writes into it.
pub fn keeps_copies_as_originals(data: &Template, replica: &Template) -> Vec<String> {
    let mut problems = Vec::new();
    for (bucket, copy) in BUCKETS {
        let (source, target) =
            (data.resource(bucket, "AWS::S3::Bucket"), replica.resource(copy, "AWS::S3::Bucket"));
        let alike = [
            "ObjectLockEnabled",
            "ObjectLockConfiguration",
            "LifecycleConfiguration",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "VersioningConfiguration",
        ];
        let differing = alike.into_iter().filter(|setting| source[*setting] != target[*setting]);
        problems.extend(differing.map(|setting| format!("{copy}: {setting} is not that of {bucket}")));
        let policy = replica.resource(&format!("{copy}Policy"), "AWS::S3::BucketPolicy");
        let denied = |action: &str| {
            each(&policy["PolicyDocument"]["Statement"]).iter().any(|statement| {
                statement["Effect"] == "Deny"
                    && statement["Principal"] == "*"
                    && each(&statement["Action"]).contains(&json!(action))
                    // The ledger is copied once by a person, who may add entries but not hide one.
                    && (statement["Condition"].is_null()
                        || statement["Condition"] == json!({ "Null": { "s3:if-none-match": "true" } }))
            })
        };
        let open = ["s3:DeleteObject", "s3:PutObject"].into_iter().filter(|action| !denied(action));
        problems.extend(open.map(|action| format!("{copy}: {action} is not refused")));
    }
    let kept = ["AWS::S3::Bucket", "AWS::KMS::Key"].into_iter().flat_map(|kind| replica.of_type(kind));
    let lost = kept.filter(|(_, resource)| {
        ["DeletionPolicy", "UpdateReplacePolicy"]
            .iter()
            .any(|policy| !resource[*policy].as_str().is_some_and(|way| way.starts_with("Retain")))
    });
    problems.extend(lost.map(|(id, _)| format!("{id}: is deleted with its stack")));
    problems
}

/// Secrets Manager encrypts the copy of a rotated secret as the role that rotates it. No other identity gets a right from the wildcard.
pub fn encrypts_copies_of_rotated_secrets(replica: &Template) -> Vec<String> {
    let key = replica.resource("ReplicaKey", "AWS::KMS::Key");
    let open = each(&key["KeyPolicy"]["Statement"])
        .iter()
        .filter(|statement| [json!("*"), json!({ "AWS": "*" })].contains(&statement["Principal"]));
    let parts = |statement: &'_ Value| ["Effect", "Action", "Condition"].map(|name| statement[name].clone());
    let open: Vec<_> = open.map(parts).collect();
    let actions = json!(["kms:Encrypt", "kms:GenerateDataKey*"]);
    let rotation = json!({
        "StringEquals": {
            "aws:PrincipalAccount": { "Ref": "AWS::AccountId" },
            "kms:ViaService": { "Fn::Sub": "secretsmanager.${AWS::Region}.amazonaws.com" },
        },
        "ArnLike": { "aws:PrincipalArn": {
            "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/arches-${Environment}-app-RotateKeysRole-*"
        } },
    });
    problem_unless(
        open == [[json!("Allow"), actions, rotation]],
        "ReplicaKey: rotate-keys cannot encrypt copies with it, or others than rotate-keys can",
    )
    .into_iter()
    .collect()
}

/// The key of the MACs is one key in both regions. It makes MACs in the first one only.
pub fn authenticates_copies(data: &Template, replica: &Template) -> Vec<String> {
    let primary = replica.resource("ReplicaMacKey", "AWS::KMS::Key");
    let own = data.resource("BackupMacKey", "AWS::KMS::Key");
    let copy = data.resource("BackupMacReplica", "AWS::KMS::ReplicaKey");
    let published = data.resource("BackupMacKeyArn", "AWS::SSM::Parameter");
    let arn = |id: &str| json!({ "Fn::GetAtt": [id, "Arn"] });
    let checks = [
        (
            primary["MultiRegion"] == true
                && primary["KeySpec"] == own["KeySpec"]
                && primary["KeyUsage"] == own["KeyUsage"],
            "ReplicaMacKey: is not the key of the MACs in two regions",
        ),
        (!primary["KeyPolicy"].to_string().contains("GenerateMac"), "ReplicaMacKey: makes MACs"),
        (
            copy["PrimaryKeyArn"] == json!({ "Ref": "ReplicaMacKey" })
                && copy["KeyPolicy"] == own["KeyPolicy"],
            "BackupMacReplica: is another key, or another policy",
        ),
        (
            published["Value"]
                == json!({ "Fn::If": ["HasReplica", arn("BackupMacReplica"), arn("BackupMacKey")] }),
            "BackupMacKeyArn: backups are not authenticated with the key of both regions",
        ),
    ];
    checks.into_iter().filter(|(good, _)| !good).map(|(_, problem)| problem.to_owned()).collect()
}

/// The secrets that nothing can make again are copied, and their names can be others where the copies have them. No other secret is copied.
pub fn copies_what_nothing_can_make_again(data: &Template) -> Vec<String> {
    let expected = json!([{ "Region": { "Ref": "ReplicaRegion" }, "KmsKeyId": { "Ref": "ReplicaKey" } }]);
    let secrets = data.of_type("AWS::SecretsManager::Secret").into_iter();
    let wrong = secrets.filter(|(id, secret)| {
        let secret = &secret["Properties"];
        let name = secret["Name"]["Fn::Sub"].as_str().unwrap_or_default();
        let (copied, renamed) =
            (*with_copies(&secret["ReplicaRegions"]) == expected, name.contains("/${SecretsFolder}"));
        (copied, renamed) != (COPIED.contains(id), COPIED.contains(id))
            || (!copied && !secret["ReplicaRegions"].is_null())
    });
    wrong.map(|(id, _)| format!("{id}: is not copied although it must be, or the other way round")).collect()
}
