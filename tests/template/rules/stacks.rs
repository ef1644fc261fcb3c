//! Parameters between stacks, and rules for every stack.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::problem_unless;
use crate::template::{Template, each};

/// The stacks in the order of their deployment.
pub const ORDER: [&str; 5] = ["network", "data", "observability", "app", "edge"];
/// `ENTRY_RETENTION` of the ledger of erasures.
const ENTRY_RETENTION_DAYS: u64 = 465;
/// Parameters that people create.
const BY_HAND: [&str; 2] = ["edge/certificate", "edge/site-certificate"];

/// Returns the names of the parameters that `template` publishes, without `/arches/<env>/`.
fn published(template: &Template) -> BTreeSet<&str> {
    let parameters = template.of_type("AWS::SSM::Parameter").into_iter();
    let names = parameters.filter_map(|(_, parameter)| parameter["Properties"]["Name"]["Fn::Sub"].as_str());
    names.filter_map(|name| name.strip_prefix("/arches/${Environment}/")).collect()
}

/// `values` are the parameters of the environment, by stack.
pub fn take_only_published_parameters(
    stacks: &BTreeMap<String, Template>,
    environment: &str,
    values: &BTreeMap<String, Value>,
) -> Vec<String> {
    let prefix = format!("/arches/{environment}/");
    let mut problems = Vec::new();
    let mut known: BTreeSet<&str> = BY_HAND.into();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for stack in ORDER {
        let members = values[stack].as_object().into_iter().flatten();
        for name in members.filter_map(|(_, value)| value.as_str()?.strip_prefix(&prefix)) {
            if !known.contains(name) {
                problems.push(format!("{stack} takes {name}, which no stack before it publishes"));
            }
            taken.insert(name);
        }
        let ours = published(&stacks[stack]);
        let foreign = ours.iter().filter(|name| !name.starts_with(&format!("{stack}/")));
        problems.extend(foreign.map(|name| format!("{stack} publishes {name}")));
        known.extend(ours);
    }
    let unused = known.difference(&taken).filter(|name| !BY_HAND.contains(name));
    problems.extend(unused.map(|name| format!("no stack takes {name}")));
    for (stack, name) in [
        ("edge", "CorsOrigins"),
        ("edge", "DomainName"),
        ("data", "CorsOrigins"),
        ("data", "DatabaseEngine"),
        ("observability", "DatabaseEngine"),
        ("observability", "Alarms"),
        ("network", "Ipv6"),
    ] {
        if values["app"][name] != values[stack][name] {
            problems.push(format!("app and {stack} do not agree on {name}"));
        }
    }
    problems
}

/// Every bucket refuses requests without TLS.
pub fn refuse_requests_without_tls(template: &Template) -> Vec<String> {
    let policies = template.of_type("AWS::S3::BucketPolicy");
    let refused = |bucket: &str| {
        policies.iter().any(|(_, policy)| {
            let policy = &policy["Properties"];
            policy["Bucket"] == json!({ "Ref": bucket })
                && each(&policy["PolicyDocument"]["Statement"]).iter().any(|statement| {
                    let insecure = &statement["Condition"]["Bool"]["aws:SecureTransport"];
                    statement["Effect"] == "Deny"
                        && [json!("false"), json!(false)].contains(insecure)
                        && ["s3:*", "*"].iter().any(|action| statement["Action"] == *action)
                })
        })
    };
    let buckets = template.of_type("AWS::S3::Bucket").into_iter();
    let open = buckets.filter(|(id, _)| !refused(id));
    open.map(|(id, _)| format!("{id}: can be reached without TLS")).collect()
}

/// Nothing in the network can be reached from the internet.
pub fn allow_nothing_from_the_internet(template: &Template) -> Vec<String> {
    let anywhere = |rule: &Value| {
        [("CidrIp", "0.0.0.0/0"), ("CidrIpv6", "::/0")].iter().any(|(name, all)| rule[*name] == *all)
    };
    let groups = template.of_type("AWS::EC2::SecurityGroup").into_iter();
    let within = groups.flat_map(|(id, group)| {
        let rules = group["Properties"]["SecurityGroupIngress"].as_array().into_iter().flatten();
        rules.map(move |rule| (id, rule))
    });
    let beside = template.of_type("AWS::EC2::SecurityGroupIngress").into_iter();
    let beside = beside.map(|(id, rule)| (id, &rule["Properties"]));
    let open = within.chain(beside).filter(|(_, rule)| anywhere(rule));
    open.map(|(id, _)| format!("{id}: reachable from the internet")).collect()
}

/// Every role has the permissions boundary, so that no policy can give it more.
pub fn bound_every_role(template: &Template) -> Vec<String> {
    let bound =
        json!({"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/arches-account-boundary"});
    let roles = template.of_type("AWS::IAM::Role").into_iter();
    let unbounded = roles.filter(|(_, role)| role["Properties"]["PermissionsBoundary"] != bound);
    unbounded.map(|(id, _)| format!("{id}: has no permissions boundary")).collect()
}

/// Connections to any address are allowed for HTTPS only, and by IPv6 only where it is on. The route tables decide which addresses are
/// reachable.
pub fn allow_only_https_out(template: &Template) -> Vec<String> {
    let with_ipv6 = |rule: &Value| {
        let branches = &rule["Fn::If"];
        branches[0] == "HasIpv6" && branches[2] == json!({ "Ref": "AWS::NoValue" })
    };
    let groups = template.of_type("AWS::EC2::SecurityGroup").into_iter();
    let open = groups.filter(|(_, group)| {
        let rules = group["Properties"]["SecurityGroupEgress"].as_array();
        let anywhere = |rule: &Value| rule["DestinationSecurityGroupId"].is_null();
        let allowed = |rule: &Value| {
            let by_ipv6 = with_ipv6(rule);
            let rule = if by_ipv6 { &rule["Fn::If"][1] } else { rule };
            rule["CidrIp"] == "127.0.0.1/32"
                || (rule["IpProtocol"] == "tcp"
                    && rule["FromPort"] == 443
                    && rule["ToPort"] == 443
                    && rule["CidrIpv6"].is_null() != by_ipv6)
        };
        rules.is_none_or(|rules| rules.iter().any(|rule| anywhere(rule) && !allowed(rule)))
    });
    open.map(|(id, _)| format!("{id}: reaches more than HTTPS")).collect()
}

/// The entries of the ledger of erasures expire, as `shared/src/accounts/erasure_ledger.rs` says; its identity does not.
pub fn keep_the_identity_of_the_ledger(template: &Template) -> Vec<String> {
    let bucket = template.resource("ErasureBucket", "AWS::S3::Bucket");
    let rules = bucket["LifecycleConfiguration"]["Rules"].as_array();
    let expiring = rules.into_iter().flatten().filter(|rule| !rule["ExpirationInDays"].is_null());
    let good: Vec<_> = expiring
        .map(|rule| rule["Prefix"] == "2" && rule["ExpirationInDays"] == ENTRY_RETENTION_DAYS)
        .collect();
    problem_unless(
        good == [true],
        "ErasureBucket: other objects than entries of the ledger expire, or at another age",
    )
    .into_iter()
    .collect()
}

/// Whether it is an instance of a cluster, which holds no data.
fn is_of_cluster(resource: &Value) -> bool {
    resource["Type"] == "AWS::RDS::DBInstance" && !resource["Properties"]["DBClusterIdentifier"].is_null()
}

/// Resources with personal data or keys are not deleted with their stack.
pub fn retain_data(template: &Template) -> Vec<String> {
    const KEPT: [(&str, &[&str]); 6] = [
        ("AWS::KMS::Key", &["Retain", "RetainExceptOnCreate"]),
        ("AWS::KMS::ReplicaKey", &["Retain", "RetainExceptOnCreate"]),
        ("AWS::RDS::DBCluster", &["Snapshot"]),
        ("AWS::RDS::DBInstance", &["Snapshot"]),
        ("AWS::S3::Bucket", &["Retain", "RetainExceptOnCreate"]),
        ("AWS::Logs::LogGroup", &["Retain", "RetainExceptOnCreate"]),
    ];
    let all = KEPT.iter().flat_map(|(kind, ways)| {
        let resources = template.of_type(kind).into_iter().filter(|(_, resource)| !is_of_cluster(resource));
        resources.filter_map(move |(id, resource)| {
            let kept = |policy: &str| resource[policy].as_str().is_some_and(|way| ways.contains(&way));
            (!(kept("DeletionPolicy") && kept("UpdateReplacePolicy")))
                .then(|| format!("{id}: is deleted with its stack"))
        })
    });
    let locked = |id: &str| {
        let lock =
            &template.resource(id, "AWS::S3::Bucket")["ObjectLockConfiguration"]["Rule"]["DefaultRetention"];
        // In compliance mode nobody can delete an object before its time, so only production has it.
        lock["Mode"] == json!({ "Fn::If": ["IsProduction", "COMPLIANCE", "GOVERNANCE"] })
            && lock["Days"].as_u64() >= Some(30)
    };
    let unlocked = ["BackupBucket", "ErasureBucket"].into_iter().filter(|id| !locked(id));
    all.chain(unlocked.map(|id| format!("{id}: objects can be deleted in production, or in no environment")))
        .collect()
}

/// Every role has the tag that the permissions boundary compares, also if the stack has lost its tags.
pub fn tag_every_role(template: &Template) -> Vec<String> {
    let tag = json!({ "Key": "environment", "Value": { "Ref": "Environment" } });
    let roles = template.of_type("AWS::IAM::Role").into_iter();
    let untagged = roles.filter(|(_, role)| !each(&role["Properties"]["Tags"]).contains(&tag));
    untagged.map(|(id, _)| format!("{id}: does not name its environment in a tag")).collect()
}

/// The role of `CloudFormation` is a principal of each key: its permission by the tag of a key holds only minutes after the key is
/// made, but rotation is enabled, and the key used, at once.
pub fn name_the_making_role_in_keys(template: &Template) -> Vec<String> {
    const ROOT: &str = "arn:${AWS::Partition}:iam::${AWS::AccountId}:root";
    const ROLE: &str =
        "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/arches-account-cloudformation-${Environment}";
    // What CloudFormation calls for a key, and what the services call in its name when they make a resource.
    const NEEDED: [&str; 4] =
        ["kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:CreateGrant", "kms:GenerateDataKey"];
    let both = json!({ "AWS": [{ "Fn::Sub": ROOT }, { "Fn::Sub": ROLE }] });
    let keys = template.of_type("AWS::KMS::Key").into_iter();
    let checks = keys.flat_map(|(id, key)| {
        let statements = each(&key["Properties"]["KeyPolicy"]["Statement"]);
        let administrates = statements.iter().any(|statement| {
            let actions = each(&statement["Action"]);
            statement["Principal"] == both
                && (actions.contains(&json!("kms:*")) || actions.contains(&json!("kms:EnableKeyRotation")))
        });
        let forgotten = statements.iter().filter(|statement| {
            let services = &statement["Condition"]["StringEquals"]["kms:ViaService"];
            let used =
                ["rds.", "secretsmanager."].iter().any(|service| services.to_string().contains(service));
            let needed =
                each(&statement["Action"]).iter().any(|action| NEEDED.iter().any(|one| action == one));
            used && needed && statement["Principal"] != both
        });
        let mut problems = Vec::new();
        if !administrates {
            problems.push(format!("{id}: does not name the role that makes it"));
        }
        problems.extend(forgotten.map(|_| format!("{id}: the role that makes it cannot use it at once")));
        problems
    });
    checks.collect()
}

/// Names that are unique in an account, not in a region, contain the region: an environment can exist in two regions.
pub fn name_the_region_in_global_names(template: &Template) -> Vec<String> {
    const GLOBAL: [(&str, &str); 8] = [
        ("AWS::CloudFront::CachePolicy", "/CachePolicyConfig/Name"),
        ("AWS::CloudFront::Function", "/Name"),
        ("AWS::CloudFront::OriginAccessControl", "/OriginAccessControlConfig/Name"),
        ("AWS::CloudFront::ResponseHeadersPolicy", "/ResponseHeadersPolicyConfig/Name"),
        ("AWS::CloudWatch::Dashboard", "/DashboardName"),
        ("AWS::IAM::ManagedPolicy", "/ManagedPolicyName"),
        ("AWS::IAM::Role", "/RoleName"),
        ("AWS::S3::Bucket", "/BucketName"),
    ];
    let named = GLOBAL.iter().flat_map(|(kind, place)| {
        template.of_type(kind).into_iter().filter_map(move |(id, resource)| {
            let name = resource["Properties"].pointer(place)?;
            (!name.to_string().contains("${AWS::Region}"))
                .then(|| format!("{id}: collides in a second region"))
        })
    });
    named.collect()
}
