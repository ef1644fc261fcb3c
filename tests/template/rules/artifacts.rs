//! Artifacts: who reads and writes them, who reaches what, and their bucket.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::check_functions;
use crate::template::{Template, each, secret, with_everything};

/// Every access of the app to the bucket of artifacts: the policy, the role that has it, an action, and the objects (nothing: the
/// bucket itself).
const ACCESS: [(&str, &str, &str, &str); 19] = [
    ("TextMaking", "ExtractRole", "s3:ListBucket", ""),
    ("TextMaking", "ExtractRole", "s3:GetObject", "/uploads/*"),
    ("TextMaking", "ExtractRole", "s3:GetObjectVersion", "/uploads/*"),
    ("TextMaking", "ExtractRole", "s3:PutObject", "/texts/*"),
    ("TextReading", "IndexRole", "s3:ListBucket", ""),
    ("TextReading", "IndexRole", "s3:GetObject", "/texts/*"),
    ("UploadSigning", "ArtifactsRole", "s3:PutObject", "/uploads/*"),
    ("UploadSigning", "ArtifactsRole", "s3:GetObject", "/uploads/*"),
    ("UploadSigning", "ArtifactsRole", "s3:GetObject", "/texts/*"),
    ("ExportSigning", "AuthRole", "s3:PutObject", "/exports/*"),
    ("ExportSigning", "AuthRole", "s3:GetObject", "/exports/*"),
    ("ExportSigning", "AuthRole", "s3:AbortMultipartUpload", "/exports/*"),
    ("ImportReading", "MigrateRole", "s3:ListBucket", ""),
    ("ImportReading", "MigrateRole", "s3:GetObject", "/imports/*"),
    ("ImportReading", "MigrateRole", "s3:GetObjectVersion", "/imports/*"),
    ("UploadRemoving", "RetentionRole", "s3:ListBucketVersions", ""),
    ("UploadRemoving", "RetentionRole", "s3:DeleteObjectVersion", "/uploads/*"),
    ("UploadRemoving", "RetentionRole", "s3:DeleteObjectVersion", "/texts/*"),
    ("UploadRemoving", "RetentionRole", "s3:DeleteObjectVersion", "/exports/*"),
];
/// Who may send to a queue of artifacts: the functions, without those that send failures of jobs to `FailedJobs`.
const SENDERS: [(&str, &[&str]); 2] = [
    ("ExtractQueue", &["Artifacts", "Retention"]),
    ("IndexQueue", &["Artifacts", "Extract", "Index", "Retention"]),
];
/// What `extract` may do beside its access to the bucket.
const OF_EXTRACT: [&str; 7] = [
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
];

/// Returns the problems of the checks that fail.
fn broken<const N: usize>(checks: [(bool, &str); N]) -> Vec<String> {
    checks.into_iter().filter(|(good, _)| !good).map(|(_, problem)| problem.to_owned()).collect()
}

/// Returns the ids of the functions that read or write artifacts, send to their queues, or call the model.
pub fn functions_of_artifacts(app: &Template) -> BTreeSet<String> {
    let holders = ACCESS.iter().filter_map(|(_, role, ..)| role.strip_suffix("Role"));
    let senders = SENDERS.iter().flat_map(|(_, senders)| senders.iter().copied());
    let functions = app.functions();
    let callers = functions.iter().filter(|f| f.environment().contains_key("OPENAI_API_KEY")).map(|f| f.id);
    holders.chain(senders).chain(callers).map(str::to_owned).collect()
}

/// Each role has its part of the bucket and no other; nobody may write over an upload; only `retention` deletes, and only versions.
pub fn share_artifacts_exactly(app: &Template) -> Vec<String> {
    let mut problems = Vec::new();
    let managed = app.of_type("AWS::IAM::ManagedPolicy").into_iter();
    let managed = managed.map(|(id, policy)| (id, &policy["Properties"]["PolicyDocument"]["Statement"]));
    let roles = app.of_type("AWS::IAM::Role");
    let own = roles.iter().flat_map(|(id, role)| {
        let policies = role["Properties"]["Policies"].as_array().into_iter().flatten();
        policies.map(move |policy| (*id, &policy["PolicyDocument"]["Statement"]))
    });
    let mut granted = Vec::new();
    for (id, statement) in managed.chain(own).flat_map(|(id, all)| each(all).iter().map(move |one| (id, one)))
    {
        for resource in each(&statement["Resource"]) {
            let Some(objects) = resource["Fn::Sub"]
                .as_str()
                .and_then(|arn| arn.strip_prefix("arn:${AWS::Partition}:s3:::${ArtifactBucket}"))
            else {
                continue;
            };
            for action in each(&statement["Action"]).iter().filter_map(Value::as_str) {
                granted.push((id, action, objects));
                let creates_only =
                    statement["Condition"] == json!({ "Null": { "s3:if-none-match": "false" } });
                // The other requests of a multipart upload.
                let creates_nothing = objects == "/exports/*"
                    && statement["Condition"] == json!({ "Bool": { "s3:ObjectCreationOperation": "false" } });
                // `extract` writes a text again when its message is delivered again.
                if action == "s3:PutObject" && objects != "/texts/*" && !(creates_only || creates_nothing) {
                    problems.push(format!("{id}: may write over an upload or an export"));
                }
            }
        }
        if statement.to_string().contains("{\"Ref\":\"ArtifactKey\"}")
            && !statement["Condition"].to_string().contains("kms:ViaService")
        {
            problems.push(format!("{id}: may use the key of artifacts without S3"));
        }
    }
    for (policy, role, action, objects) in ACCESS {
        if !granted.contains(&(policy, action, objects)) {
            problems.push(format!("{policy}: may not use {action} on {objects}"));
        }
        for (id, holder) in &roles {
            let holds = each(&holder["Properties"]["ManagedPolicyArns"]).contains(&json!({ "Ref": policy }));
            if holds != (*id == role) {
                problems.push(format!("{id}: {policy} belongs to {role} alone"));
            }
        }
    }
    let listed =
        |one: &(&str, &str, &str)| ACCESS.iter().any(|(id, _, action, at)| *one == (*id, *action, *at));
    let more = granted.iter().filter(|one| !listed(one));
    problems
        .extend(more.map(|(id, action, objects)| format!("{id}: may use {action} on artifacts {objects}")));
    problems.extend(send_to_their_queues(app));
    problems
}

fn send_to_their_queues(app: &Template) -> Vec<String> {
    let mut problems = Vec::new();
    for (queue, senders) in SENDERS {
        let named = [json!({ "Ref": queue }), json!({ "Fn::GetAtt": [queue, "Arn"] })];
        problems.extend(check_functions(app, |f| {
            let sends = f.statements(app).into_iter().any(|statement| {
                each(&statement["Action"]).contains(&json!("sqs:SendMessage"))
                    && each(&statement["Resource"]).iter().any(|resource| named.contains(resource))
            });
            (sends != senders.contains(&f.id)).then(|| format!("sends to {queue}, or should"))
        }));
    }
    problems
}

/// `index` tells the queues apart by the ends of their names (`functions/index/src/lib.rs`).
pub fn name_queues_as_index_reads_them(app: &Template, data: &Template) -> Vec<String> {
    let names = [
        (data, "ExtractQueue", "extract"),
        (data, "ExtractDeadLetters", "extract-dead-letters"),
        (app, "IndexQueue", "index"),
        (app, "IndexDeadLetters", "index-dead-letters"),
    ];
    let ends_with = |template: &Template, id: &str, ending: &str| {
        let queue = template.resource(id, "AWS::SQS::Queue");
        queue["QueueName"] == json!({ "Fn::Sub": format!("${{AWS::StackName}}-{ending}") })
    };
    let unnamed = names.into_iter().filter(|(template, id, name)| !ends_with(template, id, name));
    unnamed.map(|(_, id, name)| format!("{id}: its name does not end with {name}")).collect()
}

/// `extract` reads files of strangers: it has no database, no Redis, no secret, no other right, and no way out. Only functions that
/// have the key of the model or the secrets of identity providers have a way out.
pub fn let_only_callers_of_others_out(app: &Template) -> Vec<String> {
    let mut problems = check_functions(app, |f| {
        let groups = f.get("/VpcConfig/SecurityGroupIds");
        let is_out = *groups == json!([{ "Ref": "OutboundSecurityGroup" }]);
        let is_outside = *f.get("/VpcConfig/SubnetIds") == json!({ "Ref": "OutboundSubnets" });
        let calls =
            ["OPENAI_API_KEY", "OAUTH_PROVIDERS"].iter().any(|name| f.environment().contains_key(name));
        if (is_out, is_outside) != (calls, calls) {
            return Some("has a way out, or needs one".to_owned());
        }
        let leaves = f.get("/VpcConfig/Ipv6AllowedForDualStack");
        let wanted =
            if f.id == "Extract" { Value::Null } else { json!({ "Fn::If": ["HasIpv6", true, false] }) };
        if !groups.is_null() && *leaves != wanted {
            return Some("uses IPv6, or needs it".to_owned());
        }
        let is_isolated = *groups == json!([{ "Ref": "IsolatedSecurityGroup" }]);
        (is_isolated != (f.id == "Extract")).then(|| "is isolated, or should be".to_owned())
    });
    let extract = app.function("Extract");
    let actions: Vec<&Value> =
        extract.statements(app).into_iter().flat_map(|statement| each(&statement["Action"])).collect();
    let managed = &app.resource("ExtractRole", "AWS::IAM::Role")["ManagedPolicyArns"];
    let environment = extract.environment();
    problems.extend(broken([
        (
            actions.iter().all(|action| OF_EXTRACT.iter().any(|one| *action == one)),
            "Extract: its role may do more than extract needs",
        ),
        (
            *managed
                == json!([{ "Ref": "TracingAccess" }, { "Ref": "NetworkAccess" }, { "Ref": "TextMaking" }]),
            "Extract: its role has other policies",
        ),
        (
            ["DATABASE_URL", "REDIS_URL"].iter().all(|name| !environment.contains_key(name))
                && environment.values().all(|value| secret(value).is_none()),
            "Extract: gets a database, a cache or a secret",
        ),
        (
            *extract.get("/VpcConfig/SubnetIds") == json!({ "Ref": "Subnets" }),
            "Extract: in subnets with a way out",
        ),
    ]));
    problems
}

/// The isolated group reaches S3 and SQS; only the outbound subnets have a route to NAT, and the others where an environment has no
/// interface endpoints.
pub fn isolate_groups_and_subnets(network: &Template) -> Vec<String> {
    let https = |target: &str, value: Value| {
        let mut rule = json!({ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443 });
        rule[target] = value;
        rule
    };
    let wanted = [
        https("DestinationPrefixListId", json!({ "Ref": "S3PrefixList" })),
        https("DestinationSecurityGroupId", json!({ "Ref": "QueueGroup" })),
    ];
    let egress = &network.resource("IsolatedGroup", "AWS::EC2::SecurityGroup")["SecurityGroupEgress"];
    let mut egress: Vec<Value> = egress.as_array().cloned().unwrap_or_default();
    for rule in &mut egress {
        rule.as_object_mut().map(|rule| rule.remove("Description"));
    }
    let ingress = network.of_type("AWS::EC2::SecurityGroupIngress");
    let from = |group: &str| -> Vec<&Value> {
        let rules = ingress.iter().map(|(_, rule)| &rule["Properties"]);
        rules
            .filter(|rule| rule["SourceSecurityGroupId"]["Ref"] == group)
            .map(|rule| &rule["GroupId"]["Ref"])
            .collect()
    };
    let to_model = ingress.iter().map(|(_, rule)| &rule["Properties"]);
    let to_model = to_model.filter(|rule| rule["GroupId"]["Ref"] == "ModelGroup");
    let to_model: Vec<&Value> = to_model.map(|rule| &rule["SourceSecurityGroupId"]["Ref"]).collect();
    let out = network.of_type("AWS::EC2::Route").into_iter().filter(|(_, route)| {
        let table = route["Properties"]["RouteTableId"]["Ref"].as_str().unwrap_or_default();
        let is_outbound = ["OutboundRoutesA", "OutboundRoutesB", "PublicRoutes"].contains(&table);
        let is_private = ["RoutesA", "RoutesB"].contains(&table);
        let by_ipv6 = route["Condition"] == "HasIpv6"
            && route["Properties"]["EgressOnlyInternetGatewayId"] == json!({ "Ref": "Ipv6Gateway" });
        !is_outbound && (!is_private || !(by_ipv6 || route["Condition"] == "ReachesServicesByNat"))
    });
    let by_nat =
        json!([{ "Condition": "HasNat" }, { "Fn::Not": [{ "Condition": "HasInterfaceEndpoints" }] }]);
    let mut problems: Vec<String> = out.map(|(id, _)| format!("{id}: a way out for all functions")).collect();
    problems.extend(broken([
        (egress == wanted, "IsolatedGroup: reaches more than S3 and SQS"),
        (from("IsolatedGroup") == ["QueueGroup"], "IsolatedGroup: is let in elsewhere"),
        (to_model == ["OutboundGroup"], "ModelGroup: others than the outbound functions are let in"),
        (
            network.0["Conditions"]["ReachesServicesByNat"]["Fn::And"] == by_nat,
            "ReachesServicesByNat: also with interface endpoints",
        ),
    ]));
    problems
}

/// The bucket is encrypted with a key of its own, keeps replaced versions for a week, takes requests of the pages of `CorsOrigins` and
/// presigned URLs for 15 minutes, and alone reports uploads to the queue.
pub fn guard_the_bucket_of_artifacts(data: &Template) -> Vec<String> {
    let bucket = data.resource("ArtifactBucket", "AWS::S3::Bucket");
    let encryption =
        &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"];
    let rules = each(&bucket["LifecycleConfiguration"]["Rules"]);
    let has = |member: &str, field: &str, value: u64| rules.iter().any(|rule| rule[member][field] == value);
    let reports = json!([{
        "Event": "s3:ObjectCreated:*",
        "Queue": { "Fn::GetAtt": ["ExtractQueue", "Arn"] },
        "Filter": { "S3Key": { "Rules": [{ "Name": "prefix", "Value": "uploads/" }] } },
    }]);
    let cors = json!([{
        "AllowedOrigins": { "Fn::Split": [",", { "Ref": "CorsOrigins" }] },
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["content-type", "if-none-match", "x-amz-checksum-sha256"],
        "ExposedHeaders": ["ETag"],
        "MaxAge": 86400,
    }]);
    let allowed = |id: &str, kind: &str| -> Vec<Value> {
        let statements = each(&data.resource(id, kind)["PolicyDocument"]["Statement"]).iter();
        statements.filter(|statement| statement["Effect"] == "Allow").cloned().collect()
    };
    let senders = allowed("ExtractQueuePolicy", "AWS::SQS::QueuePolicy");
    let source = json!({
        "StringEquals": { "aws:SourceAccount": { "Ref": "AWS::AccountId" } },
        "ArnLike": { "aws:SourceArn": { "Fn::Sub": "arn:${AWS::Partition}:s3:::${AWS::StackName}-artifactbucket-*" } },
    });
    let policy =
        &data.resource("ArtifactBucketPolicy", "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"];
    let short = each(policy).iter().any(|statement| {
        statement["Effect"] == "Deny"
            && statement["Principal"] == "*"
            && statement["Action"] == json!(["s3:GetObject", "s3:PutObject"])
            && statement["Condition"] == json!({ "NumericGreaterThan": { "s3:signatureAge": "900000" } })
    });
    broken([
        (
            encryption["SSEAlgorithm"] == "aws:kms"
                && with_everything(&encryption["KMSMasterKeyID"])
                    == &json!({ "Fn::GetAtt": ["ArtifactKey", "Arn"] }),
            "ArtifactBucket: not encrypted with its own key",
        ),
        (
            has("NoncurrentVersionExpiration", "NoncurrentDays", 7),
            "ArtifactBucket: replaced versions stay too long",
        ),
        (
            has("AbortIncompleteMultipartUpload", "DaysAfterInitiation", 1),
            "ArtifactBucket: parts of uploads stay",
        ),
        (
            bucket["NotificationConfiguration"]["QueueConfigurations"] == reports,
            "ArtifactBucket: reports other objects than uploads, or elsewhere",
        ),
        (bucket["CorsConfiguration"]["CorsRules"] == cors, "ArtifactBucket: takes requests of other pages"),
        (
            senders.len() == 1
                && senders[0]["Principal"] == json!({ "Service": "s3.amazonaws.com" })
                && senders[0]["Condition"] == source,
            "ExtractQueuePolicy: others than the bucket can send",
        ),
        (
            allowed("ArtifactBucketPolicy", "AWS::S3::BucketPolicy").is_empty(),
            "ArtifactBucketPolicy: lets somebody in whom IAM does not",
        ),
        (short, "ArtifactBucketPolicy: a presigned URL may be older than 15 minutes"),
    ])
}
