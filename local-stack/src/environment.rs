//! The environment variables of the functions, in the form that a deployment sets.

use std::{env, process::Command};

use anyhow::{Context, Result, bail};

use crate::{Stack, aws, model, providers, queues, stack::Purpose};

/// The origin of the console, unless another port is chosen.
pub const FRONT_END: &str = "http://localhost:9005";
/// The values of `LOG_LEVEL`.
const LOG_LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// Names and values of environment variables.
pub type Variables = Vec<(&'static str, String)>;

impl Stack {
    /// Returns the environment of the functions. Secrets are references in the form that Amazon ECS uses for `valueFrom`,
    /// `<ARN>:<json-key>:<version-stage>:<version-id>`.
    pub fn environment(&self) -> Result<Variables> {
        let arn = |name| self.aws.arn(name).map(str::to_owned);
        let member = |name, key| self.aws.arn(name).map(|arn| format!("{arn}:{key}::"));
        let purpose = match self.settings.purpose {
            Purpose::Development => "development",
            Purpose::Test | Purpose::Measurement => "test",
        };
        let log_level = match self.settings.purpose {
            Purpose::Development | Purpose::Test => log_level()?,
            // What is logged is part of what is measured.
            Purpose::Measurement => "info",
        }
        .to_owned();
        let mut variables = aws(self.settings.ports.aws);
        variables.extend(self.model_environment());
        variables.extend(self.provider_environment());
        variables.extend([
            ("NODE_ENV", purpose.to_owned()),
            // As in the template: the routes do not contain the name of the stage.
            ("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true".to_owned()),
            ("LOG_LEVEL", log_level),
            ("LOG_FORMAT", "json".to_owned()),
            ("APP_VERSION", self.settings.version.clone()),
            ("APP_URL", self.settings.console_url.clone()),
            ("API_URL", self.settings.api_url.clone()),
            ("CORS_ORIGINS", self.settings.console_url.clone()),
            ("MAIL_CONFIGURATION_SET", aws::MAIL_CONFIGURATION.to_owned()),
            ("MAIL_FROM", format!("Arches <{}>", aws::SENDER)),
            ("DATABASE_URL", member("database", "url")?),
            ("REDIS_URL", member("redis", "url")?),
            ("JWT_SECRET", arn("signing-keys")?),
            ("JWT_PUBLIC_KEYS", arn("verification-keys")?),
            ("JWT_REFRESH_SECRET", member("auth", "refreshSecret")?),
            ("SESSION_SECRET", member("auth", "sessionSecret")?),
            ("ENCRYPTION_KEY", member("encryption", "key")?),
        ]);
        Ok(variables)
    }

    /// Returns the settings of the models: the real one of embeddings for developers, stubs for tests that name no other.
    fn model_environment(&self) -> Variables {
        let (name, timeout) = match self.settings.purpose {
            // A batch takes up to a minute on a busy machine without a graphics card.
            Purpose::Development => (model::NAME, "120000"),
            Purpose::Test | Purpose::Measurement => (model::STUB, "30000"),
        };
        let chat_models = match self.settings.purpose {
            Purpose::Development => Some(("CHAT_MODELS", model::CHAT_STUBS.to_owned())),
            Purpose::Test | Purpose::Measurement => None,
        };
        let mut variables = vec![
            ("OPENAI_BASE_URL", model::url(self.settings.ports.model)),
            ("OPENAI_API_KEY", "local".to_owned()),
            ("OPENAI_TIMEOUT", timeout.to_owned()),
            ("EMBEDDING_MODEL", name.to_owned()),
            ("EMBEDDING_DIMENSIONS", model::DIMENSIONS.to_string()),
            ("EMBEDDING_SEND_DIMENSIONS", "false".to_owned()),
        ];
        variables.extend(chat_models);
        variables
    }

    /// Returns the settings of the identity providers, if they run.
    fn provider_environment(&self) -> Variables {
        if self.settings.purpose == Purpose::Measurement {
            return Vec::new();
        }
        vec![
            ("SIGN_IN_PROVIDERS", providers::OFFERED.to_owned()),
            ("OAUTH_PROVIDERS", providers::credentials(self.settings.ports.providers)),
        ]
    }

    /// Returns the environment of `migrate`, which connects as the owner of the schema.
    pub fn migrate_environment(&self) -> Result<Variables> {
        self.environment_with_database("database-owner")
    }

    /// Returns the environment of `retention`, which has a role of its own.
    pub fn retention_environment(&self) -> Result<Variables> {
        self.environment_with_database("database-retention")
    }

    fn environment_with_database(&self, secret: &str) -> Result<Variables> {
        let mut variables = self.environment()?;
        variables.retain(|(name, _)| *name != "DATABASE_URL");
        variables.push(("DATABASE_URL", format!("{}:url::", self.aws.arn(secret)?)));
        Ok(variables)
    }

    /// Returns the environment of the tests: that of the functions, and direct access to the services.
    pub fn test_environment(&self) -> Result<Variables> {
        const MISSING: &str = "the tests need the embedded database";
        let mut variables = self.environment()?;
        let settings: Vec<_> = variables.iter().map(|(name, _)| *name).collect();
        variables.extend([
            // The names of the functions' settings, for the tests to pass on.
            ("TEST_SETTINGS", settings.join(",")),
            ("TEST_POSTGRES_URL", self.postgres().context(MISSING)?.url("postgres")),
            ("TEST_POOLER_URL", self.pooler().context(MISSING)?.url()),
            ("TEST_POOLER_RETENTION_URL", self.pooler().context(MISSING)?.janitor_url()),
            ("TEST_BACKUP_URL", self.postgres().context(MISSING)?.backup_url("postgres")),
            ("TEST_REDIS_URL", self.redis().url()),
            ("TEST_MAIL_DIR", self.mailbox().display().to_string()),
            ("TEST_CONSOLE", format!("http://127.0.0.1:{}", self.settings.ports.console)),
        ]);
        Ok(variables)
    }
}

/// Returns the `LOG_LEVEL` of the caller, or `info`.
pub fn log_level() -> Result<&'static str> {
    parse_log_level(&env::var_os("LOG_LEVEL").unwrap_or_default().to_string_lossy())
}

/// Fails for another text: the functions would log at `info` and not say so.
fn parse_log_level(text: &str) -> Result<&'static str> {
    if text.is_empty() {
        return Ok("info");
    }
    match LOG_LEVELS.into_iter().find(|level| *level == text) {
        Some(level) => Ok(level),
        None => bail!("LOG_LEVEL is {text:?}; allowed: {}", LOG_LEVELS.join(", ")),
    }
}

/// Returns the variables with which a program uses the AWS stand-ins at `port`.
#[must_use]
pub fn aws(port: u16) -> Variables {
    vec![
        ("AWS_ENDPOINT_URL", aws::url(port)),
        ("AWS_REGION", aws::REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("BACKUP_BUCKET", aws::BACKUPS.to_owned()),
        ("BACKUP_MAC_KEY", aws::MAC_KEY.to_owned()),
        ("ERASURE_BUCKET", aws::ERASURES.to_owned()),
        ("ARTIFACT_BUCKET", aws::ARTIFACTS.to_owned()),
        ("EXTRACT_QUEUE_URL", queues::url(port, queues::EXTRACT)),
        ("INDEX_QUEUE_URL", queues::url(port, queues::INDEX)),
    ]
}

/// Sets `variables` for `command`, and removes the variables that the caller has set for the real AWS.
pub fn set_variables(command: &mut Command, variables: &[(&str, String)]) {
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_log_level_is_refused_and_none_is_info() {
        assert_eq!(parse_log_level("").expect("a level"), "info");
        assert_eq!(parse_log_level("debug").expect("a level"), "debug");
        let error = parse_log_level("loud").expect_err("no level");
        assert_eq!(error.to_string(), "LOG_LEVEL is \"loud\"; allowed: error, warn, info, debug, trace");
    }
}
