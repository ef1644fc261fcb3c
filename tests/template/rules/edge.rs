//! The web ACL of the API, and the distribution of static files.

use std::collections::BTreeMap;

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

/// The members of `Access-Control-Expose-Headers`; `tests/api/headers.rs` compares them with those of the functions.
pub const EXPOSED: &str =
    "x-request-id,idempotency-replayed,etag,retry-after,ratelimit-limit,ratelimit-remaining,ratelimit-reset";
/// AWS WAF allows no more headers in one answer.
const MAX_HEADERS: usize = 10;
/// The rules about bodies of AWS's groups, without `_BODY`, and the names of their labels, without `_Body`.
const ABOUT_BODIES: [(&str, &str, &[&str]); 2] = [
    (
        "AWSManagedRulesKnownBadInputsRuleSet",
        "awswaf:managed:aws:known-bad-inputs:",
        &["JavaDeserializationRCE", "Log4JRCE", "ReactJSRCE"],
    ),
    (
        "AWSManagedRulesCommonRuleSet",
        "awswaf:managed:aws:core-rule-set:",
        &["CrossSiteScripting", "EC2MetaDataSSRF", "GenericLFI", "GenericRFI"],
    ),
];

/// Returns the rules of the web ACL in the order of their priority, also those with a condition.
fn rules(template: &Template) -> Vec<&Value> {
    let rules = each(&template.resource("WebAcl", "AWS::WAFv2::WebACL")["Rules"]).iter();
    let mut rules: Vec<&Value> = rules.map(|rule| rule.pointer("/Fn::If/1").unwrap_or(rule)).collect();
    rules.sort_by_key(|rule| rule["Priority"].as_u64());
    rules
}

/// Returns the label that a rule sets, if it sets one and lets the request pass.
fn counted(rule: &Value) -> Option<&str> {
    (rule["Action"] == json!({ "Count": {} })).then(|| rule["RuleLabels"][0]["Name"].as_str()).flatten()
}

fn has_label(key: &str) -> Value {
    json!({ "LabelMatchStatement": { "Scope": "LABEL", "Key": key } })
}

/// Returns the answer of a rule, as a map of its headers.
fn headers(rule: &Value) -> BTreeMap<&str, &Value> {
    let headers = rule["Action"]["Block"]["CustomResponse"]["ResponseHeaders"].as_array();
    let headers = headers.into_iter().flatten();
    headers.map(|header| (header["Name"].as_str().unwrap_or_default(), &header["Value"])).collect()
}

/// A browser shows the answers of the web ACL to a page of each listed origin.
pub fn answers_pages_of_listed_origins(template: &Template) -> Vec<String> {
    let rules = rules(template);
    let mut problems = Vec::new();
    let answers = rules.iter().filter(|rule| rule["Action"]["Block"]["CustomResponse"].is_object());
    for rule in answers {
        let (name, headers) = (&rule["Name"], headers(rule));
        if headers.get("Vary") != Some(&&json!("Origin")) || headers.len() > MAX_HEADERS {
            problems.push(format!(
                "{name}: a cache may give its answer to another origin, or it has too many headers"
            ));
        }
    }
    for label in rules.iter().filter_map(|rule| counted(rule)) {
        for nth in 0..3 {
            let origin = json!({
                "Fn::Select": [nth, { "Fn::Split": [",", { "Fn::Sub": "${CorsOrigins},," }] }]
            });
            let statements = json!([has_label(label), { "ByteMatchStatement": {
                "FieldToMatch": { "SingleHeader": { "Name": "origin" } },
                "PositionalConstraint": "EXACTLY",
                "SearchString": origin,
                "TextTransformations": [{ "Priority": 0, "Type": "NONE" }],
            } }]);
            let answer = rules
                .iter()
                .filter(|rule| !rule["Action"]["Block"].is_null())
                .find(|rule| rule["Statement"]["AndStatement"]["Statements"] == statements)
                .map(|rule| headers(rule))
                .unwrap_or_default();
            let readable = answer.get("Access-Control-Allow-Origin") == Some(&&origin)
                && answer.get("Access-Control-Allow-Credentials") == Some(&&json!("true"))
                && answer.get("Access-Control-Expose-Headers") == Some(&&json!(EXPOSED));
            if !readable {
                problems.push(format!("WebAcl: origin {nth} cannot read the answer {label}"));
            }
        }
    }
    problems
}

/// AWS's rules about bodies count; a rule after them blocks their labels except on the paths that `passes` accepts: exactly `text`,
/// the paths whose bodies have a password, a name or a text, and not `other`.
pub fn blocks_bodies_without_text(
    template: &Template,
    (text, other): (&[String], &[String]),
    passes: impl Fn(&[&str], &str) -> bool,
) -> Vec<String> {
    let rules = rules(template);
    let mut problems = Vec::new();
    let block =
        rules.iter().find(|rule| rule["Name"] == "BodyContent" && rule["Action"] == json!({ "Block": {} }));
    let statements =
        block.map(|rule| each(&rule["Statement"]["AndStatement"]["Statements"])).unwrap_or_default();
    let [labels, unless] = statements else { return vec!["WebAcl: no rule BodyContent".to_owned()] };
    let labels = each(&labels["OrStatement"]["Statements"]);
    let last = block.and_then(|rule| rule["Priority"].as_u64());
    for (group, namespace, names) in ABOUT_BODIES {
        let of_group =
            rules.iter().find(|rule| rule["Statement"]["ManagedRuleGroupStatement"]["Name"] == group);
        let Some(rule) = of_group.filter(|rule| rule["Priority"].as_u64() < last) else {
            problems.push(format!("BodyContent: not after {group}"));
            continue;
        };
        let overrides = each(&rule["Statement"]["ManagedRuleGroupStatement"]["RuleActionOverrides"]);
        for name in names {
            let counts = json!({ "Name": format!("{name}_BODY"), "ActionToUse": { "Count": {} } });
            if !overrides.contains(&counts) {
                problems.push(format!("{group}: {name}_BODY blocks passwords and texts"));
            }
            if !labels.contains(&has_label(&format!("{namespace}{name}_Body"))) {
                problems.push(format!("BodyContent: {name}_BODY blocks nothing"));
            }
        }
    }
    let paths = each(&unless["NotStatement"]["Statement"]["OrStatement"]["Statements"]);
    let exact =
        paths.iter().filter(|one| one["RegexMatchStatement"]["FieldToMatch"] == json!({ "UriPath": {} }));
    let patterns: Vec<String> = exact
        .filter_map(|one| one["RegexMatchStatement"]["RegexString"]["Fn::Sub"].as_str())
        .map(|pattern| pattern.replace("${ApiStage}", "live"))
        .collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    for stage in ["", "/live"] {
        let blocked =
            text.iter().map(|path| format!("{stage}{path}")).filter(|path| !passes(&patterns, path));
        problems.extend(blocked.map(|path| format!("BodyContent: may block a text at {path}")));
        let unprotected =
            other.iter().map(|path| format!("{stage}{path}")).filter(|path| passes(&patterns, path));
        problems.extend(unprotected.map(|path| format!("BodyContent: does not protect {path}")));
    }
    problems
}

/// `CloudFront` refuses distributions in an account that AWS has not verified, so an environment can do without.
pub fn makes_a_distribution_only_if_asked(template: &Template) -> Vec<String> {
    let resources = template.section("Resources").iter();
    let asked = |resource: &Value| {
        let condition = resource["Condition"].as_str().unwrap_or_default();
        let first = &template.0["Conditions"][condition]["Fn::And"][0];
        condition == "ServesSite" || *first == json!({ "Condition": "ServesSite" })
    };
    let of_site = resources.filter(|(id, resource)| {
        id.starts_with("Site")
            || resource["Type"].as_str().is_some_and(|kind| kind.starts_with("AWS::CloudFront::"))
    });
    let unasked = of_site.filter(|(_, resource)| !asked(resource));
    unasked.map(|(id, _)| format!("{id}: does not depend on ServeSite")).collect()
}

/// Must hold in every environment. With a condition, the API would be unprotected in some.
pub fn attaches_the_web_acl(template: &Template) -> Vec<String> {
    let acl = template.resource("WebAcl", "AWS::WAFv2::WebACL");
    let association = template.resource("WebAclAssociation", "AWS::WAFv2::WebACLAssociation");
    let asked = |id: &str| template.0["Resources"][id]["Condition"] == "HasWebAcl";
    let nobody_passes = rules(template).iter().all(|rule| rule["Action"]["Allow"].is_null());
    broken([
        (
            acl["Scope"] == "REGIONAL" && asked("WebAcl"),
            "WebAcl: not for the API where UseWebAcl asks for it",
        ),
        (nobody_passes, "WebAcl: some requests bypass the rules that follow"),
        (
            association["WebACLArn"] == json!({"Fn::GetAtt": ["WebAcl", "Arn"]}),
            "WebAclAssociation: has another web ACL",
        ),
        (
            association["ResourceArn"] == json!({"Fn::Sub": STAGE}),
            "WebAclAssociation: not with the API's stage",
        ),
        (asked("WebAclAssociation"), "WebAclAssociation: not where UseWebAcl asks for it"),
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
    // The label of the rule is answered for every caller, by a rule after it.
    let answered = |rule: &Value, status: u64| {
        counted(rule).is_some_and(|label| {
            let later = rules(template)
                .into_iter()
                .filter(|other| other["Priority"].as_u64() > rule["Priority"].as_u64());
            later.into_iter().any(|other| other["Statement"] == has_label(label) && refuses(other, status))
        })
    };
    let addresses = rules(template).iter().any(|rule| {
        let rate = &rule["Statement"]["RateBasedStatement"];
        // The default window of AWS WAF is 5 minutes.
        let window = rate["EvaluationWindowSec"].as_u64().unwrap_or(300);
        let few = rate["Limit"].as_u64().is_some_and(|limit| limit * 60 <= PER_MINUTE * window);
        few && rate["AggregateKeyType"] == "IP" && rate["ScopeDownStatement"].is_null() && answered(rule, 429)
    });
    let sizes = rules(template).iter().any(|rule| {
        let size = &rule["Statement"]["SizeConstraintStatement"];
        size["FieldToMatch"]["Body"]["OversizeHandling"] == "MATCH"
            && size["ComparisonOperator"] == "GT"
            && answered(rule, 413)
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

/// What pages of the console may do: run their own scripts, and connect to the API and to the bucket of artifacts.
pub fn limits_what_pages_do(template: &Template) -> Vec<String> {
    const DIRECTIVES: [&str; 11] = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self' ${Api} ${Uploads}",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ];
    const HEADERS: [(&str, &str); 2] =
        [("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin")];
    let headers = template.resource("SiteHeaders", "AWS::CloudFront::ResponseHeadersPolicy");
    let headers = &headers["ResponseHeadersPolicyConfig"];
    let policy = &headers["SecurityHeadersConfig"]["ContentSecurityPolicy"];
    let [text, places] = each(&policy["ContentSecurityPolicy"]["Fn::Sub"]) else {
        return vec!["SiteHeaders: no Content-Security-Policy".to_owned()];
    };
    let directives: Vec<_> = text.as_str().unwrap_or_default().split(';').map(str::trim).collect();
    let api = json!({ "Fn::Sub": "https://${ApiId}.execute-api.${AWS::Region}.${AWS::URLSuffix}" });
    let known = json!({
        "Api": { "Fn::If": ["HasDomain", { "Fn::Sub": "https://${DomainName}" }, api] },
        "Uploads": { "Fn::Sub": "https://${ArtifactBucket}.s3.${AWS::Region}.${AWS::URLSuffix}" },
    });
    let others = each(&headers["CustomHeadersConfig"]["Items"]);
    let sent = |(name, value): (&str, &str)| {
        others.contains(&json!({ "Header": name, "Value": value, "Override": true }))
    };
    let devices = others.iter().find(|header| header["Header"] == "Permissions-Policy");
    let devices = devices.and_then(|header| header["Value"].as_str()).unwrap_or_default();
    let granted = devices.split(',').filter(|feature| !feature.ends_with("=()"));
    let only_passkeys = granted
        .map(str::trim)
        .eq(["publickey-credentials-create=(self)", "publickey-credentials-get=(self)"]);
    let site = &template.resource("Site", "AWS::CloudFront::Distribution")["DistributionConfig"];
    let mut behaviours = each(&site["CacheBehaviors"]).iter().chain([&site["DefaultCacheBehavior"]]);
    let everywhere =
        behaviours.all(|behaviour| behaviour["ResponseHeadersPolicyId"] == json!({ "Ref": "SiteHeaders" }));
    broken([
        (directives == DIRECTIVES && policy["Override"] == true, "SiteHeaders: another policy"),
        (*places == known, "SiteHeaders: pages may connect to other places"),
        (HEADERS.into_iter().all(sent), "SiteHeaders: pages of others may share a process with these"),
        (only_passkeys, "SiteHeaders: pages may use devices"),
        (everywhere, "Site: some files have no headers"),
    ])
}

/// A new index.html is used at once, and so is config.json.
pub fn asks_for_newer_pages(template: &Template) -> Vec<String> {
    let policy = template.resource("SiteCaching", "AWS::CloudFront::CachePolicy");
    let policy = &policy["CachePolicyConfig"];
    let site = &template.resource("Site", "AWS::CloudFront::Distribution")["DistributionConfig"];
    let used = site["DefaultCacheBehavior"]["CachePolicyId"] == json!({ "Ref": "SiteCaching" });
    broken([(
        used && policy["MinTTL"] == 0 && policy["DefaultTTL"] == 0,
        "SiteCaching: pages are cached, although their files say no-cache",
    )])
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
