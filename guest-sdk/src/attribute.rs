//! Names with values: the attributes of spans, events, log lines and the trace's resource.

pub use crate::bindings::base::gpx::plugin::types::{Attribute, Value};

/// A type whose values attributes can have.
///
/// ```compile_fail,E0277
/// let attributes = gpx_sdk::attributes!("took" = std::time::Duration::from_secs(1));
/// ```
#[diagnostic::on_unimplemented(
    message = "an attribute cannot have a value of type `{Self}`",
    label = "not a value of an attribute",
    note = "attributes hold strings, `bool`, integers, floats, and lists of `&str`, `String`, `bool`, `i64` or `f64`: convert others, for example with `.to_string()`"
)]
pub trait ToValue {
    fn to_value(&self) -> Value;
}

/// Builds a list of attributes: `attributes!("rows" = 3, "cached" = false)`.
///
/// ```
/// let table = String::from("prices");
/// let attributes = gpx_sdk::attributes!("db.table" = table, "db.rows" = 3);
/// assert_eq!(attributes.len(), 2);
/// ```
#[macro_export]
macro_rules! attributes {
    ($($key:literal = $value:expr),* $(,)?) => {
        ::std::vec![$($crate::Attribute::new($key, &$value)),*]
    };
}

// === impl Attribute ===

impl Attribute {
    /// An attribute whose name is known only at run time. Otherwise [`attributes!`] is shorter.
    pub fn new(key: &str, value: &(impl ToValue + ?Sized)) -> Self {
        Self { key: key.to_owned(), value: value.to_value() }
    }
}

// === impl ToValue ===

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value {
        Value::Text(self.to_owned())
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Boolean(*self)
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl ToValue for $integer {
            fn to_value(&self) -> Value {
                Value::Integer(i64::from(*self))
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32);

/// Values above `i64::MAX`, which attributes cannot hold, become `i64::MAX`.
impl ToValue for u64 {
    fn to_value(&self) -> Value {
        Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl ToValue for usize {
    fn to_value(&self) -> Value {
        (*self as u64).to_value()
    }
}

impl ToValue for f32 {
    fn to_value(&self) -> Value {
        Value::Float(f64::from(*self))
    }
}

impl ToValue for f64 {
    fn to_value(&self) -> Value {
        Value::Float(*self)
    }
}

impl ToValue for [&str] {
    fn to_value(&self) -> Value {
        Value::Texts(self.iter().map(|text| (*text).to_owned()).collect())
    }
}

impl ToValue for [String] {
    fn to_value(&self) -> Value {
        Value::Texts(self.to_vec())
    }
}

impl ToValue for [bool] {
    fn to_value(&self) -> Value {
        Value::Booleans(self.to_vec())
    }
}

impl ToValue for [i64] {
    fn to_value(&self) -> Value {
        Value::Integers(self.to_vec())
    }
}

impl ToValue for [f64] {
    fn to_value(&self) -> Value {
        Value::Floats(self.to_vec())
    }
}

impl<T, const N: usize> ToValue for [T; N]
where
    [T]: ToValue,
{
    fn to_value(&self) -> Value {
        self[..].to_value()
    }
}

impl<T> ToValue for Vec<T>
where
    [T]: ToValue,
{
    fn to_value(&self) -> Value {
        self[..].to_value()
    }
}
