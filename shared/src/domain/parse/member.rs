//! Members of which serde's derive does not know whether they may be missing: for `#[serde(deserialize_with = "…")]`.
//!
//! Without them, the search for errors would report a member with a default as missing, and not find that a nullable one is.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Visitor},
};

/// Deserializes a member that has a default: `#[serde(default, deserialize_with = "or_default")]`. `Option` and `Patch` do not need it.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    match Member::deserialize(deserializer)? {
        Member::Absent => Ok(T::default()),
        Member::Null => Err(D::Error::custom("this must not be null")),
        Member::Value(value) => Ok(value),
    }
}

/// Deserializes a member that may be `null` and must not be missing.
pub fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    match Member::deserialize(deserializer)? {
        Member::Absent => Err(D::Error::custom(super::error::MISSING)),
        Member::Null => Ok(None),
        Member::Value(value) => Ok(Some(value)),
    }
}

enum Member<T> {
    Absent,
    Null,
    Value(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(MemberVisitor(PhantomData))
    }
}

struct MemberVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MemberVisitor<T> {
    type Value = Member<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_none<E>(self) -> Result<Member<T>, E> {
        Ok(Member::Null)
    }

    /// The parser calls it for `Value::Absent` only.
    fn visit_unit<E>(self) -> Result<Member<T>, E> {
        Ok(Member::Absent)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member<T>, D::Error> {
        T::deserialize(deserializer).map(Member::Value)
    }
}
