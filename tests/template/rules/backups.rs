//! Who may write, remove and authenticate backups.

use serde_json::{Value, json};

use crate::template::{Template, each};

/// The actions that a policy of the app may allow on the backups. None of them deletes a version or adds a delete marker.
const ACTIONS: [&str; 7] = [
    "s3:AbortMultipartUpload",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutObject",
    "s3:PutObjectTagging",
];
/// The actions that only one policy may allow, and the role that has that policy.
const RESERVED: [(&str, &str, &str); 3] = [
    ("kms:GenerateMac", "BackupMaking", "BackupRole"),
    ("kms:VerifyMac", "BackupRestoring", "RestoreDrillRole"),
    ("s3:PutObjectTagging", "BackupRestoring", "RestoreDrillRole"),
];

/// Returns the statements of every policy of the app that allow something, with the id of the policy or role.
fn allowed(app: &Template) -> Vec<(&str, &Value)> {
    let managed = app.of_type("AWS::IAM::ManagedPolicy").into_iter();
    let managed = managed.map(|(id, policy)| (id, &policy["Properties"]["PolicyDocument"]["Statement"]));
    let roles = app.of_type("AWS::IAM::Role").into_iter();
    let own = roles.flat_map(|(id, role)| {
        let policies = role["Properties"]["Policies"].as_array().into_iter().flatten();
        policies.map(move |policy| (id, &policy["PolicyDocument"]["Statement"]))
    });
    let statements = managed.chain(own).flat_map(|(id, all)| each(all).iter().map(move |one| (id, one)));
    statements.filter(|(_, statement)| statement["Effect"] == "Allow").collect()
}

/// No function deletes a backup or writes over one.
pub fn keeps_backups(app: &Template) -> Vec<String> {
    let mut problems = Vec::new();
    for (id, statement) in allowed(app) {
        let resource = statement["Resource"].to_string();
        let actions = each(&statement["Action"]);
        for (reserved, policy, _) in RESERVED {
            if actions.contains(&json!(reserved)) && id != policy {
                problems.push(format!("{id}: may use {reserved}"));
            }
        }
        if !resource.contains("${BackupBucket}") {
            continue;
        }
        let condition = &statement["Condition"];
        let creates_only = *condition == json!({ "Null": { "s3:if-none-match": "false" } });
        // The other requests of a multipart upload.
        let creates_nothing = *condition == json!({ "Bool": { "s3:ObjectCreationOperation": "false" } })
            && resource.ends_with("/dump.zst\"}");
        for action in actions.iter().map(|action| action.as_str().unwrap_or_default()) {
            if !ACTIONS.contains(&action) || !statement["NotAction"].is_null() {
                problems.push(format!("{id}: may use {action:?} on backups"));
            }
            if action == "s3:PutObject" && !(creates_only || creates_nothing) {
                problems.push(format!("{id}: may write over a backup"));
            }
        }
    }
    for (_, policy, role) in RESERVED {
        for (id, holder) in app.of_type("AWS::IAM::Role") {
            let holds = each(&holder["Properties"]["ManagedPolicyArns"]).contains(&json!({ "Ref": policy }));
            if holds != (id == role) {
                problems.push(format!("{id}: {policy} belongs to {role} alone"));
            }
        }
    }
    problems
}

/// The key of the MACs makes them for the role of `backup` only.
pub fn authenticates_backups(data: &Template) -> Vec<String> {
    let key = data.resource("BackupMacKey", "AWS::KMS::Key");
    let mut problems = Vec::new();
    if key["KeySpec"] != "HMAC_256" || key["KeyUsage"] != "GENERATE_VERIFY_MAC" {
        problems.push("BackupMacKey: is no key for MACs".to_owned());
    }
    let maker = json!({ "ArnLike": { "aws:PrincipalArn": {
        "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/arches-${Environment}-app-BackupRole-*"
    } } });
    let can_make = |statement: &&Value| {
        each(&statement["Action"]).iter().any(|action| {
            action.as_str().is_none_or(|action| action.contains('*') || action == "kms:GenerateMac")
        })
    };
    let statements = each(&key["KeyPolicy"]["Statement"]).iter();
    let makers: Vec<_> = statements.filter(can_make).map(|statement| &statement["Condition"]).collect();
    if makers != [&maker] {
        problems.push("BackupMacKey: others than backup can make MACs".to_owned());
    }
    problems
}

/// The lifecycle removes only what `restore-drill` has marked with `tag`, and not before `days` days.
pub fn removes_only_expired_backups(data: &Template, tag: &str, days: u64) -> Vec<String> {
    let rules = &data.resource("BackupBucket", "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"];
    let expiring: Vec<_> = each(rules)
        .iter()
        .filter(|rule| !rule["ExpirationInDays"].is_null() || !rule["ExpirationDate"].is_null())
        .collect();
    let expected = json!([{ "Key": tag, "Value": "true" }]);
    let good = |rule: &&Value| {
        rule["TagFilters"] == expected && rule["ExpirationInDays"] == days && rule["Status"] == "Enabled"
    };
    if expiring.len() == 1 && expiring.iter().all(good) {
        return Vec::new();
    }
    vec![format!(
        "BackupBucket: the lifecycle does not remove what is marked {tag} after {days} days, or removes more"
    )]
}
