//! Artifacts in AWS: access, networks and their bucket, and the mutations that show that the rules notice.

use serde_json::{Value, json};

use crate::{assert_no_problems, rules, template, template::Template, text};

#[track_caller]
fn assert_noticed(problems: &[String], about: &str) {
    assert!(problems.iter().any(|problem| problem.contains(about)), "{about} is not in {problems:?}");
}

fn stack(name: &str) -> Template {
    Template::read(&text(&format!("infra/stacks/{name}.yaml")))
}

fn resource(template: &Template, pointer: &str, value: Value) -> Template {
    template.with(&format!("/Resources/{pointer}"), value)
}

#[test]
fn each_function_has_its_part_of_the_artifacts() {
    let rule = rules::share_artifacts_exactly;
    assert_no_problems(&rule(&template()));
    let bucket = "arn:${AWS::Partition}:s3:::${ArtifactBucket}";
    let allow = |action: &str, objects: &str| json!({ "Effect": "Allow", "Action": action, "Resource": { "Fn::Sub": format!("{bucket}{objects}") } });
    let statements = |policy: &str| format!("{policy}/Properties/PolicyDocument/Statement");
    for (policy, statement, about) in [
        (
            "TextMaking",
            allow("s3:DeleteObjectVersion", "/texts/*"),
            "TextMaking: may use s3:DeleteObjectVersion",
        ),
        ("TextMaking", allow("s3:PutObject", "/uploads/*"), "TextMaking: may use s3:PutObject"),
        ("TextReading", allow("s3:GetObject", "/uploads/*"), "TextReading: may use s3:GetObject"),
        ("UploadSigning", allow("s3:GetObject", "/*"), "UploadSigning: may use s3:GetObject"),
        ("UploadSigning", allow("s3:PutObject", "/uploads/*"), "UploadSigning: may write over"),
        ("ExportSigning", allow("s3:PutObject", "/exports/*"), "ExportSigning: may write over"),
        ("ExportSigning", allow("s3:GetObject", "/uploads/*"), "ExportSigning: may use s3:GetObject"),
        ("ImportReading", allow("s3:GetObject", "/exports/*"), "ImportReading: may use s3:GetObject"),
        ("UploadRemoving", allow("s3:DeleteObject", "/uploads/*"), "UploadRemoving: may use s3:DeleteObject"),
        ("BackupMaking", allow("s3:GetObject", "/uploads/*"), "BackupMaking: may use s3:GetObject"),
        (
            "TextReading",
            json!({ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": { "Ref": "ArtifactKey" } }),
            "without S3",
        ),
    ] {
        let broken = resource(&template(), &format!("{}/-", statements(policy)), statement);
        assert_noticed(&rule(&broken), about);
    }
    let in_role = |function: &str| format!("{function}Role/Properties/Policies/0/PolicyDocument/Statement/-");
    let send = |queue: Value| json!({ "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue });
    for (pointer, value, about) in [
        (in_role("Search"), allow("s3:GetObject", "/texts/*"), "SearchRole: may use s3:GetObject"),
        (
            "SearchRole/Properties/ManagedPolicyArns/-".to_owned(),
            json!({ "Ref": "TextReading" }),
            "SearchRole",
        ),
        ("RetentionRole/Properties/ManagedPolicyArns".to_owned(), json!([]), "UploadRemoving belongs to"),
        (
            in_role("Search"),
            send(json!({ "Fn::GetAtt": ["IndexQueue", "Arn"] })),
            "Search: sends to IndexQueue",
        ),
        (in_role("Extract"), send(json!({ "Ref": "ExtractQueue" })), "Extract: sends to ExtractQueue"),
        (statements("TextReading"), json!([]), "TextReading: may not use s3:GetObject"),
    ] {
        assert_noticed(&rule(&resource(&template(), &pointer, value)), about);
    }
}

#[test]
fn extract_is_isolated_and_only_callers_of_others_have_a_way_out() {
    let rule = rules::let_only_callers_of_others_out;
    assert_no_problems(&rule(&template()));
    let group = |name: &str| json!([{ "Ref": name }]);
    for (pointer, value, about) in [
        ("Extract/Properties/VpcConfig/SecurityGroupIds", group("SecurityGroup"), "Extract: is isolated"),
        (
            "Extract/Properties/VpcConfig/SubnetIds",
            json!({ "Ref": "OutboundSubnets" }),
            "Extract: in subnets",
        ),
        (
            "Extract/Properties/Environment/Variables/DATABASE_URL",
            json!({ "Fn::Sub": "postgresql://${DatabaseProxy}/arches" }),
            "Extract: gets a database",
        ),
        (
            "Extract/Properties/Environment/Variables/JWT_PUBLIC_KEYS",
            json!({ "Ref": "VerificationKeysSecret" }),
            "Extract: gets a database",
        ),
        (
            "ExtractRole/Properties/Policies/0/PolicyDocument/Statement/-",
            json!({ "Effect": "Allow", "Action": "ses:SendEmail", "Resource": "x" }),
            "Extract: its role may do more",
        ),
        ("ExtractRole/Properties/ManagedPolicyArns/-", json!({ "Ref": "SecretsAccess" }), "other policies"),
        ("Index/Properties/VpcConfig/SecurityGroupIds", group("SecurityGroup"), "Index: has a way out, or"),
        ("Search/Properties/VpcConfig/SubnetIds", json!({ "Ref": "Subnets" }), "Search: has a way out, or"),
        (
            "Users/Properties/VpcConfig/SecurityGroupIds",
            group("OutboundSecurityGroup"),
            "Users: has a way out",
        ),
        ("Auth/Properties/VpcConfig/SecurityGroupIds", group("IsolatedSecurityGroup"), "Auth: is isolated"),
    ] {
        assert_noticed(&rule(&resource(&template(), pointer, value)), about);
    }
}

#[test]
fn isolated_group_reaches_storage_and_queues_only() {
    let rule = rules::isolate_groups_and_subnets;
    assert_no_problems(&rule(&stack("network")));
    let anywhere = json!({ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0" });
    let of_isolated = json!({ "Ref": "IsolatedGroup" });
    for (pointer, value, about) in [
        ("IsolatedGroup/Properties/SecurityGroupEgress/-", anywhere, "IsolatedGroup: reaches more"),
        ("FunctionToProxy/Properties/SourceSecurityGroupId", of_isolated.clone(), "IsolatedGroup: is let in"),
        ("OutboundToModel/Properties/SourceSecurityGroupId", of_isolated, "ModelGroup"),
        ("OutboundRouteA/Properties/RouteTableId", json!({ "Ref": "RoutesA" }), "OutboundRouteA: a way out"),
        ("RouteOutB/Condition", json!("HasNat"), "RouteOutB: a way out"),
    ] {
        assert_noticed(&rule(&resource(&stack("network"), pointer, value)), about);
    }
    let always = stack("network")
        .with("/Conditions/ReachesServicesByNat", json!({ "Fn::And": [{ "Condition": "HasNat" }] }));
    assert_noticed(&rule(&always), "ReachesServicesByNat");
}

#[test]
fn bucket_of_artifacts_is_closed_and_alone_reports_uploads() {
    let rule = rules::guard_the_bucket_of_artifacts;
    assert_no_problems(&rule(&stack("data")));
    let bucket = "ArtifactBucket/Properties";
    let sender = "ExtractQueuePolicy/Properties/PolicyDocument/Statement/0";
    for (pointer, value, about) in [
        (format!("{bucket}/BucketEncryption/ServerSideEncryptionConfiguration"), json!([]), "its own key"),
        (format!("{bucket}/LifecycleConfiguration/Rules"), json!([]), "replaced versions"),
        (format!("{bucket}/LifecycleConfiguration/Rules"), json!([]), "parts of uploads"),
        (format!("{bucket}/NotificationConfiguration/QueueConfigurations"), json!([]), "reports other"),
        (
            format!("{bucket}/CorsConfiguration/CorsRules"),
            json!([{ "AllowedOrigins": ["*"] }]),
            "other pages",
        ),
        (format!("{sender}/Condition"), json!({}), "ExtractQueuePolicy"),
        (format!("{sender}/Principal"), json!({ "AWS": "*" }), "ExtractQueuePolicy"),
        (
            "ArtifactBucketPolicy/Properties/PolicyDocument/Statement/-".to_owned(),
            json!({ "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject" }),
            "lets somebody in",
        ),
        ("ArtifactBucketPolicy/Properties/PolicyDocument/Statement".to_owned(), json!([]), "presigned URL"),
    ] {
        assert_noticed(&rule(&resource(&stack("data"), &pointer, value)), about);
    }
}

#[test]
fn queues_have_the_names_by_which_index_tells_them_apart() {
    let rule = rules::name_queues_as_index_reads_them;
    assert_no_problems(&rule(&template(), &stack("data")));
    let code = text("functions/index/src/lib.rs");
    for name in ["extract-dead-letters", "index-dead-letters"] {
        assert!(code.contains(&format!("ends_with(\"{name}\")")), "index does not look for {name}");
    }
    let other = resource(&template(), "IndexDeadLetters/Properties/QueueName", json!("arches-dead-letters"));
    assert_noticed(&rule(&other, &stack("data")), "IndexDeadLetters");
    let generated = stack("data").without("/Resources/ExtractDeadLetters/Properties/QueueName");
    assert_noticed(&rule(&template(), &generated), "ExtractDeadLetters");
}
