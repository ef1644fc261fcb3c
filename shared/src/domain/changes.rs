//! The changed fields of an audit event.
//!
//! Values are recorded for roles, scopes and states only. They are types of their own, so no text of a person (a name, an address)
//! can be recorded: an event is kept when the person is erased.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::permission::{Role, Scope};

/// The fields that a request changed, by name.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct ChangedFields(BTreeMap<&'static str, FieldChange>);

/// The change of a field. Roles, scopes and states are shown with their values; of every other field only the name is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldChange {
    /// The value before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    from: Option<ChangeValue>,
    /// The value after.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    to: Option<ChangeValue>,
}

/// A state, a role, or the scopes of an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ChangeValue {
    State(bool),
    Role(Role),
    Scopes(Vec<Scope>),
}

impl From<bool> for ChangeValue {
    fn from(state: bool) -> Self {
        Self::State(state)
    }
}

impl From<Role> for ChangeValue {
    fn from(role: Role) -> Self {
        Self::Role(role)
    }
}

/// Leaves out scopes that this version does not know.
impl From<&[String]> for ChangeValue {
    fn from(names: &[String]) -> Self {
        let known = |scope: &&Scope| names.iter().any(|name| name == scope.as_str());
        Self::Scopes(Scope::ALL.iter().filter(known).copied().collect())
    }
}

impl ChangedFields {
    /// Adds the name of `field`, if the request changed it.
    #[must_use]
    pub fn name(mut self, field: &'static str, changed: bool) -> Self {
        if changed {
            self.0.insert(field, FieldChange { from: None, to: None });
        }
        self
    }

    /// Adds `field` with its values before and after, if they differ. `None` means that the field has no value.
    #[must_use]
    pub fn values<V: Into<ChangeValue>>(
        mut self,
        field: &'static str,
        from: Option<V>,
        to: Option<V>,
    ) -> Self {
        let change = FieldChange { from: from.map(Into::into), to: to.map(Into::into) };
        if change.from != change.to {
            self.0.insert(field, change);
        }
        self
    }

    /// Adds the fields of `other`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Returns the JSON object that is stored; `None` without changes.
    pub fn to_json(&self) -> serde_json::Result<Option<Value>> {
        if self.0.is_empty() { Ok(None) } else { serde_json::to_value(self).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_recorded_before_and_after_and_personal_fields_by_name() {
        let scopes = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (before, after) = (scopes(&["members:read", "of-a-later-version"]), scopes(&[]));
        let changes = ChangedFields::default()
            .name("name", true)
            .name("phone", false)
            .values("role", Some(Role::Member), Some(Role::Admin))
            .values("scopes", Some(&*before), Some(&*after))
            .values("suspended", Some(false), Some(false));
        let expected = json!({
            "name": {},
            "role": { "from": "member", "to": "admin" },
            "scopes": { "from": ["members:read"], "to": [] },
        });
        assert_eq!(changes.to_json().expect("JSON"), Some(expected));
        assert_eq!(ChangedFields::default().to_json().expect("JSON"), None);
    }
}
