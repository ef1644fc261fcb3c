//! The web ACL of the API, and the distribution of static files.

use serde_json::{Value, json};

use crate::template::{Template, each};

/// The limit of requests per address and minute.
const PER_MINUTE: u64 = 600;

const STAGE: &str = "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${ApiId}/stages/${ApiStage}";

const MANAGED: [&str; 3] = [
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
];

/// Returns the problems of the checks that fail.
fn broken<const N: usize>(checks: [(bool, &str); N]) -> Vec<String> {
    checks.into_iter().filter(|(good, _)| !good).map(|(_, problem)| problem.to_owned()).collect()
}

fn rules(template: &Template) -> &[Value] {
    each(&template.resource("WebAcl", "AWS::WAFv2::WebACL")["Rules"])
}

/// Must hold in every environment. With a condition, the API would be unprotected in some.
pub fn attaches_the_web_acl(template: &Template) -> Vec<String> {
    let acl = template.resource("WebAcl", "AWS::WAFv2::WebACL");
    let association = template.resource("WebAclAssociation", "AWS::WAFv2::WebACLAssociation");
    let always = |id: &str| template.0["Resources"][id]["Condition"].is_null();
    let nobody_passes = rules(template).iter().all(|rule| rule["Action"]["Allow"].is_null());
    broken([
        (acl["Scope"] == "REGIONAL" && always("WebAcl"), "WebAcl: not for the API of every environment"),
        (nobody_passes, "WebAcl: some requests bypass the rules that follow"),
        (
            association["WebACLArn"] == json!({"Fn::GetAtt": ["WebAcl", "Arn"]}),
            "WebAclAssociation: has another web ACL",
        ),
        (
            association["ResourceArn"] == json!({"Fn::Sub": STAGE}),
            "WebAclAssociation: not with the API's stage",
        ),
        (always("WebAclAssociation"), "WebAclAssociation: not in every environment"),
    ])
}

pub fn limits_addresses_and_bodies(template: &Template) -> Vec<String> {
    let bodies = &template.resource("WebAcl", "AWS::WAFv2::WebACL")["CustomResponseBodies"];
    // Blocks every matching request, with a problem of that status.
    let refuses = |rule: &Value, status: u64| {
        let response = &rule["Action"]["Block"]["CustomResponse"];
        let body = &bodies[response["CustomResponseBodyKey"].as_str().unwrap_or_default()]["Content"];
        let problem: Value = serde_json::from_str(body.as_str().unwrap_or_default()).unwrap_or_default();
        response["ResponseCode"] == status && problem["status"] == status
    };
    let addresses = rules(template).iter().any(|rule| {
        let rate = &rule["Statement"]["RateBasedStatement"];
        // The default window of AWS WAF is 5 minutes.
        let window = rate["EvaluationWindowSec"].as_u64().unwrap_or(300);
        let few = rate["Limit"].as_u64().is_some_and(|limit| limit * 60 <= PER_MINUTE * window);
        few && rate["AggregateKeyType"] == "IP" && rate["ScopeDownStatement"].is_null() && refuses(rule, 429)
    });
    let sizes = rules(template).iter().any(|rule| {
        let size = &rule["Statement"]["SizeConstraintStatement"];
        size["FieldToMatch"]["Body"]["OversizeHandling"] == "MATCH"
            && size["ComparisonOperator"] == "GT"
            && refuses(rule, 413)
    });
    let mut problems = broken([
        (addresses, "WebAcl: the limit per address is too high"),
        (sizes, "WebAcl: allows bodies that it has not read completely"),
    ]);
    let unheeded = MANAGED.iter().filter(|name| {
        !rules(template).iter().any(|rule| {
            let group = &rule["Statement"]["ManagedRuleGroupStatement"];
            group["Name"] == **name
                && group["ScopeDownStatement"].is_null()
                && rule["OverrideAction"] == json!({"None": {}})
        })
    });
    problems.extend(unheeded.map(|name| format!("WebAcl: {name} blocks nothing")));
    problems
}

pub fn serves_files_only_through_the_distribution(template: &Template) -> Vec<String> {
    let bucket = &template.resource("SiteFiles", "AWS::S3::Bucket")["PublicAccessBlockConfiguration"];
    let private = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
        .iter()
        .all(|setting| bucket[*setting] == true);

    let policy = template.resource("SiteFilesPolicy", "AWS::S3::BucketPolicy");
    let (allowed, denied): (Vec<&Value>, Vec<&Value>) =
        each(&policy["PolicyDocument"]["Statement"]).iter().partition(|s| s["Effect"] == "Allow");
    let source =
        json!({"Fn::Sub": "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Site}"});
    let to_it_alone = allowed.iter().all(|statement| {
        statement["Principal"] == json!({"Service": "cloudfront.amazonaws.com"})
            && statement["Action"] == "s3:GetObject"
            && statement["Condition"]["StringEquals"]["AWS:SourceArn"] == source
    });
    let encrypted = denied.iter().any(|statement| {
        statement["Principal"] == "*"
            && statement["Action"] == "s3:*"
            && statement["Condition"] == json!({"Bool": {"aws:SecureTransport": "false"}})
    });

    let site = &template.resource("Site", "AWS::CloudFront::Distribution")["DistributionConfig"];
    let access = template.resource("SiteAccess", "AWS::CloudFront::OriginAccessControl");
    let signed = access["OriginAccessControlConfig"]["SigningBehavior"] == "always"
        && each(&site["Origins"]).iter().all(|o| o["OriginAccessControlId"] == json!({"Ref": "SiteAccess"}));
    let others = site["CacheBehaviors"].as_array().into_iter().flatten();
    let secure = others.chain([&site["DefaultCacheBehavior"]]).all(|behaviour| {
        let policy = &behaviour["ViewerProtocolPolicy"];
        *policy == "redirect-to-https" || *policy == "https-only"
    });
    let modern = &site["ViewerCertificate"]["MinimumProtocolVersion"];
    broken([
        (private, "SiteFiles: can be public"),
        (to_it_alone, "SiteFilesPolicy: allows more than the distribution"),
        (encrypted, "SiteFilesPolicy: allows requests without TLS"),
        (signed, "Site: requests files without a signature"),
        (secure, "Site: answers without TLS"),
        (
            modern.as_str().is_some_and(|version| version.starts_with("TLSv1.2")),
            "Site: accepts TLS before 1.2",
        ),
    ])
}
