//! The parts of `plugin!` after the services: what the component says of itself, in any order.

/// Collects the parts, whatever their order: after the plugin, what was found of attributes, secrets, origins and headers.
#[doc(hidden)]
#[macro_export]
macro_rules! __parts {
    ($plugin:ident [$($a:tt)*] [$($s:tt)*] [$($o:tt)*] [$($h:tt)*]) => {
        impl $crate::plugin::export::Component for $plugin {
            fn manifest() -> $crate::plugin::export::Manifest {
                $crate::plugin::export::Manifest {
                    sdk: ::std::string::String::from($crate::plugin::export::SDK),
                    attributes: $crate::__attributes!($($a)*),
                    secrets: $crate::__names!($($s)*),
                    origins: $crate::__names!($($o)*),
                    headers: $crate::__names!($($h)*),
                }
            }
        }
    };
    ($plugin:ident [] $s:tt $o:tt $h:tt attributes: {$($found:tt)*} $(; $($rest:tt)*)?) => {
        $crate::__parts!($plugin [{$($found)*}] $s $o $h $($($rest)*)?);
    };
    ($plugin:ident $a:tt [] $o:tt $h:tt secrets: [$($found:tt)*] $(; $($rest:tt)*)?) => {
        $crate::__parts!($plugin $a [[$($found)*]] $o $h $($($rest)*)?);
    };
    ($plugin:ident $a:tt $s:tt [] $h:tt origins: [$($found:tt)*] $(; $($rest:tt)*)?) => {
        $crate::__parts!($plugin $a $s [[$($found)*]] $h $($($rest)*)?);
    };
    ($plugin:ident $a:tt $s:tt $o:tt [] headers: [$($found:tt)*] $(; $($rest:tt)*)?) => {
        $crate::__parts!($plugin $a $s $o [[$($found)*]] $($($rest)*)?);
    };
    ($plugin:ident [] $s:tt $o:tt $h:tt attributes: {$($found:tt)*} $($rest:tt)+) => {
        ::std::compile_error!("`plugin!` needs a `;` after `attributes`");
    };
    ($plugin:ident $a:tt [] $o:tt $h:tt secrets: [$($found:tt)*] $($rest:tt)+) => {
        ::std::compile_error!("`plugin!` needs a `;` after `secrets`");
    };
    ($plugin:ident $a:tt $s:tt [] $h:tt origins: [$($found:tt)*] $($rest:tt)+) => {
        ::std::compile_error!("`plugin!` needs a `;` after `origins`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt [] headers: [$($found:tt)*] $($rest:tt)+) => {
        ::std::compile_error!("`plugin!` needs a `;` after `headers`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt attributes: {$($found:tt)*} $($rest:tt)*) => {
        ::std::compile_error!("`plugin!` has `attributes` twice: write them into one list");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $part:ident: [$($found:tt)*] $($rest:tt)*) => {
        $crate::__wrong_part!($part);
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt attributes $($rest:tt)*) => {
        ::std::compile_error!("write the attributes like `attributes: { \"prices.team\": \"markets\" };`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt secrets $($rest:tt)*) => {
        ::std::compile_error!("write the secrets like `secrets: [\"apiToken\"];`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt origins $($rest:tt)*) => {
        ::std::compile_error!("write the origins like `origins: [\"https://login.example.com\"];`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt headers $($rest:tt)*) => {
        ::std::compile_error!("write the headers like `headers: [\"X-Tenant\"];`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $part:ident $($rest:tt)*) => {
        $crate::__wrong_part!($part);
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $($rest:tt)*) => {
        ::std::compile_error!(::std::concat!(
            "`plugin!` does not understand `",
            ::std::stringify!($($rest)*),
            "`: a part is `attributes: {…}`, `secrets: […]`, `origins: […]` or `headers: […]`, with a `;` between two"
        ));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __wrong_part {
    (attributes) => {
        ::std::compile_error!("write the attributes like `attributes: { \"prices.team\": \"markets\" };`");
    };
    (secrets) => {
        ::std::compile_error!("`plugin!` has `secrets` twice: write them into one list");
    };
    (origins) => {
        ::std::compile_error!("`plugin!` has `origins` twice: write them into one list");
    };
    (headers) => {
        ::std::compile_error!("`plugin!` has `headers` twice: write them into one list");
    };
    ($other:ident) => {
        ::std::compile_error!(::std::concat!(
            "`plugin!` has no part `",
            ::std::stringify!($other),
            "`: parts are attributes, secrets, origins and headers, after the services"
        ));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __attributes {
    () => { ::std::vec::Vec::new() };
    ({$($key:literal : $value:expr),* $(,)?}) => {
        ::std::vec![$($crate::Attribute::new($key, &$value)),*]
    };
    ($($other:tt)*) => {
        ::std::compile_error!("write the attributes like `attributes: { \"prices.team\": \"markets\" };`")
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __names {
    () => { ::std::vec::Vec::new() };
    ([$($name:expr),* $(,)?]) => { ::std::vec![$(::std::string::String::from($name)),*] };
    ($($other:tt)*) => {
        ::std::compile_error!("a list of names is like `[\"first\", \"second\"]`")
    };
}
