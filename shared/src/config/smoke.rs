//! `SMOKE_*`: the check of new versions before they get traffic.

use super::{Setting, section::section};

section! {
    /// Check of new versions before they get traffic
    pub struct Smoke {
        /// The e-mail address of the account that checks new versions. `smoke` creates the account if it does not exist.
        email: Setting = setting("SMOKE_EMAIL") {
            allowed: "an e-mail address",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/smoke-AbCdEf:email::"
        };
        /// The password of that account.
        password: Setting = setting("SMOKE_PASSWORD") {
            allowed: "a password that the API accepts",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/smoke-AbCdEf:password::"
        };
        /// The new version of `system`.
        system: String = text("SMOKE_SYSTEM", "") {
            allowed: "the ARN of a version",
            example: "arn:aws:lambda:eu-west-1:123456789012:function:system:7"
        };
        /// The new version of `docs`.
        docs: String = text("SMOKE_DOCS", "") {
            allowed: "the ARN of a version",
            example: "arn:aws:lambda:eu-west-1:123456789012:function:docs:7"
        };
        /// The new version of `auth`.
        auth: String = text("SMOKE_AUTH", "") {
            allowed: "the ARN of a version",
            example: "arn:aws:lambda:eu-west-1:123456789012:function:auth:7"
        };
        /// The new version of `organizations`.
        organizations: String = text("SMOKE_ORGANIZATIONS", "") {
            allowed: "the ARN of a version",
            example: "arn:aws:lambda:eu-west-1:123456789012:function:organizations:7"
        };
        /// The new version of `users`.
        users: String = text("SMOKE_USERS", "") {
            allowed: "the ARN of a version",
            example: "arn:aws:lambda:eu-west-1:123456789012:function:users:7"
        };
        /// The new version of `artifacts`.
        artifacts: String = text("SMOKE_ARTIFACTS", "") {
            allowed: "the ARN of a version",
            example: "arn:aws:lambda:eu-west-1:123456789012:function:artifacts:7"
        };
        /// The new version of `search`.
        search: String = text("SMOKE_SEARCH", "") {
            allowed: "the ARN of a version",
            example: "arn:aws:lambda:eu-west-1:123456789012:function:search:7"
        };
        /// The new version of `chat`.
        chat: String = text("SMOKE_CHAT", "") {
            allowed: "the ARN of a version",
            example: "arn:aws:lambda:eu-west-1:123456789012:function:chat:7"
        };
        /// The new version of `answers`.
        answers: String = text("SMOKE_ANSWERS", "") {
            allowed: "the ARN of a version",
            example: "arn:aws:lambda:eu-west-1:123456789012:function:answers:7"
        };
        /// The new version of `oauth`.
        oauth: String = text("SMOKE_OAUTH", "") {
            allowed: "the ARN of a version",
            example: "arn:aws:lambda:eu-west-1:123456789012:function:oauth:7"
        };
    }
}
