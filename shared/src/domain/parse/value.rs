//! The input, before it has a type.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::Step;

/// A value of the input. Members keep their order, and repeated ones stay.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    /// In a query or a path. The type that is wanted decides whether it is a text or a number.
    Parameter(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
    /// A member that the input does not have. Only what may be missing can be deserialized from it.
    Absent,
    /// Known to be wrong. It is not deserialized again.
    Refused,
}

impl Value {
    /// Returns the value at `path`.
    pub fn at(&self, path: &[Step]) -> Option<&Self> {
        path.iter().try_fold(self, |value, step| match (value, step) {
            (Self::Object(members), Step::Member(name)) => {
                members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
            }
            (Self::Array(items), Step::Element(index)) => items.get(*index),
            _ => None,
        })
    }

    fn at_mut(&mut self, path: &[Step]) -> Option<&mut Self> {
        path.iter().try_fold(self, |value, step| match (value, step) {
            (Self::Object(members), Step::Member(name)) => {
                members.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value)
            }
            (Self::Array(items), Step::Element(index)) => items.get_mut(*index),
            _ => None,
        })
    }

    /// Returns whether this is a refused value, or contains one.
    pub fn has_refused(&self) -> bool {
        match self {
            Self::Refused => true,
            Self::Array(items) => items.iter().any(Self::has_refused),
            Self::Object(members) => members.iter().any(|(_, value)| value.has_refused()),
            _ => false,
        }
    }

    /// Refuses what is at `path`; adds a refused member if it is missing. Returns `false` if that changes nothing.
    pub fn refuse(&mut self, path: &[Step]) -> bool {
        let Some((last, parent)) = path.split_last() else { return false };
        match (self.at_mut(parent), last) {
            (Some(Self::Object(members)), Step::Member(name)) => {
                let mut known = false;
                let mut changed = false;
                for (_, value) in members.iter_mut().filter(|(member, _)| member == name) {
                    known = true;
                    changed |= !matches!(value, Self::Refused);
                    *value = Self::Refused;
                }
                if !known {
                    members.push((name.clone(), Self::Refused));
                }
                changed || !known
            }
            (Some(Self::Array(items)), Step::Element(index)) => match items.get_mut(*index) {
                None | Some(Self::Refused) => false,
                Some(item) => {
                    *item = Self::Refused;
                    true
                }
            },
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Signed(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = array.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = object.next_entry()? {
            members.push(member);
        }
        Ok(Value::Object(members))
    }
}
