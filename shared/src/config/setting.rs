//! Values that may be kept in Secrets Manager.

use secrecy::{ExposeSecret, SecretString};

/// A value that may be kept in Secrets Manager.
#[derive(Debug, Clone)]
pub enum Setting {
    /// The value itself, from the environment. Refused if `NODE_ENV` is `production` or `staging`.
    Plain(SecretString),
    /// A reference to Secrets Manager.
    Secret(SecretRef),
    /// Not set. With the name of its variable.
    Absent(&'static str),
}

impl Setting {
    /// Reads `text` as a reference to a secret, or else as the value itself.
    #[must_use]
    pub fn read(text: &str) -> Self {
        SecretRef::parse(text).map_or_else(|| Self::Plain(text.into()), Self::Secret)
    }
}

/// A reference to a secret: its ARN and, if the secret is a JSON object, the name of a member.
///
/// Written as Amazon ECS does in `valueFrom`: `<ARN>:<json-key>:<version-stage>:<version-id>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    arn: String,
    key: Option<String>,
}

impl SecretRef {
    /// Parses a reference; `None` if `raw` is not the ARN of a secret.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let parts: Vec<&str> = raw.split(':').collect();
        let ["arn", _, "secretsmanager", _, _, "secret", _, rest @ ..] = parts.as_slice() else {
            return None;
        };
        let key = match rest {
            [] => None,
            [key] | [key, "" | "AWSCURRENT"] | [key, "" | "AWSCURRENT", ""] => Some(*key),
            _ => return None,
        };
        let arn = parts[..7].join(":");
        Some(Self { arn, key: key.filter(|key| !key.is_empty()).map(str::to_owned) })
    }

    /// Returns the ARN of the whole secret.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Returns the name of the member; `None` for the whole secret.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

/// The value of a secret. It is overwritten in memory when it is dropped.
pub struct Secret(SecretString);

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value.into())
    }
}

impl From<SecretString> for Secret {
    fn from(value: SecretString) -> Self {
        Self(value)
    }
}

impl std::ops::Deref for Secret {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Secret {
    /// Returns the value, for a parser.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/production/auth-AbCdEf";

    #[test]
    fn references_are_written_as_ecs_writes_them() {
        let whole = SecretRef { arn: ARN.to_owned(), key: None };
        let member = SecretRef { arn: ARN.to_owned(), key: Some("url".to_owned()) };
        assert_eq!(SecretRef::parse(ARN), Some(whole));
        assert_eq!(SecretRef::parse(&format!("{ARN}:url::")), Some(member));
        for not in ["", "postgresql://u:p@h/d", "arn:aws:s3:::bucket", &format!("{ARN}:url:AWSPREVIOUS:")] {
            assert_eq!(SecretRef::parse(not), None, "{not}");
        }
    }
}
