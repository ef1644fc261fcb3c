//! Deserializes types from the input.

use std::{fmt::Display, iter::Enumerate, slice, str::FromStr};

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, Expected, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::MapAccessDeserializer,
    },
    forward_to_deserialize_any,
};

use super::{
    Step,
    error::{Error, Reason},
    value::Value,
};

#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    value: &'a Value,
    /// Reads [`Value::Absent`] for each missing member of a struct.
    probing: bool,
}

impl<'a> Reader<'a> {
    pub fn new(value: &'a Value) -> Self {
        Self { value, probing: false }
    }

    pub fn probing(value: &'a Value) -> Self {
        Self { value, probing: true }
    }

    fn wanted(self, wanted: impl Display) -> Error {
        match self.value {
            Value::Absent => Error::new(Reason::Missing(None)),
            _ => Error::wanted(wanted),
        }
    }

    /// Reads an object. `fields` are the names that the type knows.
    fn members(self, fields: &'static [&'static str]) -> Result<Members<'a>, Error> {
        let Value::Object(members) = self.value else { return Err(self.wanted("an object")) };
        let is_absent = |field: &&&str| members.iter().all(|(name, _)| name != **field);
        let absent =
            if self.probing { fields.iter().filter(is_absent).copied().collect() } else { Vec::new() };
        Ok(Members {
            present: members.iter(),
            absent: absent.into_iter(),
            value: None,
            probing: self.probing,
        })
    }

    /// Reads an integer. In a query or a path, it has one spelling.
    fn integer<'de, N, V>(self, visitor: V, (least, greatest): (N, N)) -> Result<V::Value, Error>
    where
        N: FromStr + Display + IntoDeserializer<'de, Error>,
        V: Visitor<'de>,
    {
        let unfit = || Error::wanted(format_args!("an integer from {least} to {greatest}"));
        if let Value::Parameter(text) = self.value {
            let number = text.parse::<N>().ok().filter(|number| number.to_string() == *text);
            return number.ok_or_else(unfit)?.into_deserializer().deserialize_any(visitor);
        }
        self.deserialize_any(visitor).map_err(|error| if error.is_unfit() { unfit() } else { error })
    }
}

macro_rules! integers {
    ($($method:ident: $number:ident,)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.integer(visitor, ($number::MIN, $number::MAX))
        })+
    };
}

/// Defines methods that accept one kind of value, and say which one.
macro_rules! kinds {
    ($($method:ident: $kind:pat => $wanted:literal,)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.value {
                $kind => self.deserialize_any(visitor),
                _ => Err(self.wanted($wanted)),
            }
        })+
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Unsigned(value) => visitor.visit_u64(*value),
            Value::Signed(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) | Value::Parameter(text) => visitor.visit_str(text),
            Value::Array(items) => {
                let mut elements = Elements { items: items.iter().enumerate(), probing: self.probing };
                let read = visitor.visit_seq(&mut elements)?;
                if elements.items.len() > 0 { Err(Error::wanted("a shorter array")) } else { Ok(read) }
            }
            Value::Object(_) => visitor.visit_map(self.members(&[])?),
            Value::Absent | Value::Refused => Err(self.wanted("another value")),
        }
    }

    integers! {
        deserialize_i8: i8,
        deserialize_i16: i16,
        deserialize_i32: i32,
        deserialize_i64: i64,
        deserialize_u8: u8,
        deserialize_u16: u16,
        deserialize_u32: u32,
        deserialize_u64: u64,
    }

    kinds! {
        deserialize_f32: Value::Unsigned(_) | Value::Signed(_) | Value::Float(_) => "a number",
        deserialize_f64: Value::Unsigned(_) | Value::Signed(_) | Value::Float(_) => "a number",
        deserialize_string: Value::Text(_) | Value::Parameter(_) => "a string",
        deserialize_seq: Value::Array(_) => "an array",
        deserialize_map: Value::Object(_) => "an object",
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Parameter(text) if text == "true" => visitor.visit_bool(true),
            Value::Parameter(text) if text == "false" => visitor.visit_bool(false),
            _ => Err(self.wanted("true or false")),
        }
    }

    /// Replaces the error of a type of another crate, such as `Uuid`: it may repeat the value. Types of this project take a `String`.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (Value::Text(text) | Value::Parameter(text)) = self.value else {
            return Err(self.wanted("a string"));
        };
        let wanted = (&visitor as &dyn Expected).to_string();
        visitor.visit_str(text).map_err(|_: Error| Error::wanted(wanted))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            // Not `visit_none`: `or_default` and `nullable` tell them apart.
            Value::Absent => visitor.visit_unit(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Refuses an array, which the derived visitors accept.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(self.members(fields)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.value {
            Value::Text(text) | Value::Parameter(text) => {
                visitor.visit_enum(text.as_str().into_deserializer())
            }
            // A variant with a value. `null` would be one without a value, which is a string.
            Value::Object(members) if matches!(&members[..], [(_, value)] if !matches!(value, Value::Null)) => {
                visitor.visit_enum(MapAccessDeserializer::new(self.members(&[])?))
            }
            _ => Err(self.wanted(format_args!("one of `{}`", variants.join("`, `")))),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// The members of an object, and then those that are missing.
struct Members<'a> {
    present: slice::Iter<'a, (String, Value)>,
    absent: std::vec::IntoIter<&'static str>,
    /// The name that was read, and its value.
    value: Option<(&'a str, &'a Value)>,
    probing: bool,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let present = self.present.find(|(_, value)| !matches!(value, Value::Refused));
        let present = present.map(|(name, value)| (name.as_str(), value));
        let Some((name, value)) = present.or_else(|| Some((self.absent.next()?, &Value::Absent))) else {
            return Ok(None);
        };
        self.value = Some((name, value));
        let key = seed.deserialize(name.into_deserializer());
        key.map(Some).map_err(|error: Error| error.within(Step::Member(name.to_owned())))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((name, value)) = self.value.take() else { return Err(Error::wanted("read after its name")) };
        let read = seed.deserialize(Reader { value, probing: self.probing });
        read.map_err(|error| error.within(Step::Member(name.to_owned())))
    }
}

struct Elements<'a> {
    items: Enumerate<slice::Iter<'a, Value>>,
    probing: bool,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((index, value)) = self.items.find(|(_, value)| !matches!(value, Value::Refused)) else {
            return Ok(None);
        };
        let read = seed.deserialize(Reader { value, probing: self.probing });
        read.map(Some).map_err(|error| error.within(Step::Element(index)))
    }
}
