//! What a line is made of: its level, and the values of its fields.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::duration::duration;

/// How much a line matters, as hclog names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(Cow<'static, str>),
    Int(i64),
    Uint(u64),
    Float(f64),
    Bool(bool),
    List(Vec<Value>),
}

/// A name and its value.
pub(super) type Field = (Cow<'static, str>, Value);

/// The fields that are on many lines.
pub(super) type Fields = Arc<[Field]>;

// === impl Level ===

impl Level {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

// === impl Value ===

macro_rules! value_from {
    ($($from:ty => |$value:ident| $into:expr,)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $into
            }
        })*
    };
}

value_from! {
    &str => |value| Self::Text(Cow::Owned(value.to_owned())),
    String => |value| Self::Text(Cow::Owned(value)),
    Cow<'static, str> => |value| Self::Text(value),
    i32 => |value| Self::Int(value.into()),
    i64 => |value| Self::Int(value),
    u16 => |value| Self::Uint(value.into()),
    u32 => |value| Self::Uint(value.into()),
    u64 => |value| Self::Uint(value),
    usize => |value| Self::Uint(value as u64),
    f64 => |value| Self::Float(value),
    bool => |value| Self::Bool(value),
    // As Go writes it: dashboards on Grafana's log expect that form.
    Duration => |value| Self::Text(Cow::Owned(duration(value))),
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}
