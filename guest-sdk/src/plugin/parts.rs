//! The parts of `plugin!` after the services: what the component says of itself, in any order.
//!
//! `secrets` become two lists: those that the component reads, and those that the host puts into headers.

/// Collects the parts, whatever their order: after the plugin, what was found of attributes, secrets, origins, headers and
/// forwarding.
#[doc(hidden)]
#[macro_export]
macro_rules! __parts {
    ($plugin:ident [$($a:tt)*] [$($s:tt)*] [$($o:tt)*] [$($h:tt)*] [$($f:tt)*]) => {
        impl $crate::plugin::export::Component for $plugin {
            fn manifest() -> $crate::plugin::export::Manifest {
                $crate::plugin::export::Manifest {
                    sdk: ::std::string::String::from($crate::plugin::export::SDK),
                    attributes: $crate::__attributes!($($a)*),
                    secrets: $crate::__secrets!([] [] $($s)*),
                    origins: $crate::__names!($($o)*),
                    headers: $crate::__names!($($h)*),
                }
            }

            fn additions() -> $crate::plugin::export::Additions {
                $crate::plugin::export::Additions {
                    secret_headers: $crate::__secret_headers!([] $($s)*),
                    forwarding: $crate::__forwarding!($($f)*),
                }
            }
        }
    };
    ($plugin:ident [] $s:tt $o:tt $h:tt $f:tt attributes: {$($found:tt)*} $(; $($rest:tt)*)?) => {
        $crate::__parts!($plugin [{$($found)*}] $s $o $h $f $($($rest)*)?);
    };
    ($plugin:ident $a:tt [] $o:tt $h:tt $f:tt secrets: [$($found:tt)*] $(; $($rest:tt)*)?) => {
        $crate::__parts!($plugin $a [[$($found)*]] $o $h $f $($($rest)*)?);
    };
    ($plugin:ident $a:tt $s:tt [] $h:tt $f:tt origins: [$($found:tt)*] $(; $($rest:tt)*)?) => {
        $crate::__parts!($plugin $a $s [[$($found)*]] $h $f $($($rest)*)?);
    };
    ($plugin:ident $a:tt $s:tt $o:tt [] $f:tt headers: [$($found:tt)*] $(; $($rest:tt)*)?) => {
        $crate::__parts!($plugin $a $s $o [[$($found)*]] $f $($($rest)*)?);
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt [] forwarding: $found:ident $(; $($rest:tt)*)?) => {
        $crate::__parts!($plugin $a $s $o $h [$found] $($($rest)*)?);
    };
    ($plugin:ident [] $s:tt $o:tt $h:tt $f:tt attributes: {$($found:tt)*} $($rest:tt)+) => {
        ::std::compile_error!("`plugin!` needs a `;` after `attributes`");
    };
    ($plugin:ident $a:tt [] $o:tt $h:tt $f:tt secrets: [$($found:tt)*] $($rest:tt)+) => {
        ::std::compile_error!("`plugin!` needs a `;` after `secrets`");
    };
    ($plugin:ident $a:tt $s:tt [] $h:tt $f:tt origins: [$($found:tt)*] $($rest:tt)+) => {
        ::std::compile_error!("`plugin!` needs a `;` after `origins`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt [] $f:tt headers: [$($found:tt)*] $($rest:tt)+) => {
        ::std::compile_error!("`plugin!` needs a `;` after `headers`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt [] forwarding: $found:ident $($rest:tt)+) => {
        ::std::compile_error!("`plugin!` needs a `;` after `forwarding`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $f:tt attributes: {$($found:tt)*} $($rest:tt)*) => {
        ::std::compile_error!("`plugin!` has `attributes` twice: write them into one list");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $f:tt $part:ident: [$($found:tt)*] $($rest:tt)*) => {
        $crate::__wrong_part!($part);
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $f:tt forwarding: $found:ident $($rest:tt)*) => {
        ::std::compile_error!("`plugin!` has `forwarding` twice");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $f:tt attributes $($rest:tt)*) => {
        ::std::compile_error!("write the attributes like `attributes: { \"prices.team\": \"markets\" };`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $f:tt secrets $($rest:tt)*) => {
        ::std::compile_error!("write the secrets like `secrets: [\"apiToken\"];`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $f:tt origins $($rest:tt)*) => {
        ::std::compile_error!("write the origins like `origins: [\"https://login.example.com\"];`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $f:tt headers $($rest:tt)*) => {
        ::std::compile_error!("write the headers like `headers: [\"X-Tenant\"];`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $f:tt forwarding $($rest:tt)*) => {
        ::std::compile_error!("write `forwarding: on;`, `forwarding: over_basic_auth;` or `forwarding: off;`");
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $f:tt $part:ident $($rest:tt)*) => {
        $crate::__wrong_part!($part);
    };
    ($plugin:ident $a:tt $s:tt $o:tt $h:tt $f:tt $($rest:tt)*) => {
        ::std::compile_error!(::std::concat!(
            "`plugin!` does not understand `",
            ::std::stringify!($($rest)*),
            "`: a part is `attributes: {…}`, `secrets: […]`, `origins: […]`, `headers: […]` or `forwarding: on`, with a `;` \
             between two"
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
            "`: parts are attributes, secrets, origins, headers and forwarding, after the services"
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

/// The secrets that the component reads: after what was found, the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __secrets {
    ([] []) => { ::std::vec::Vec::new() };
    ([$($found:expr),*] [] []) => { ::std::vec![$(::std::string::String::from($found)),*] };
    ([$($found:expr),*] [] [$name:literal as header $header:literal $(, $($rest:tt)*)?]) => {
        $crate::__secrets!([$($found),*] [] [$($($rest)*)?])
    };
    ([$($found:expr),*] [] [$name:expr $(, $($rest:tt)*)?]) => {
        $crate::__secrets!([$($found,)* $name] [] [$($($rest)*)?])
    };
    ($($other:tt)*) => {
        ::std::compile_error!(
            "secrets are like `[\"first\", \"second\" as header \"Authorization: Bearer {}\"]`"
        )
    };
}

/// The secrets that the host puts into headers.
#[doc(hidden)]
#[macro_export]
macro_rules! __secret_headers {
    ([]) => { ::std::vec::Vec::new() };
    ([$($found:expr),*] []) => { ::std::vec![$($found),*] };
    ([$($found:expr),*] [$name:literal as header $header:literal $(, $($rest:tt)*)?]) => {
        $crate::__secret_headers!(
            [$($found,)* {
                const _: () = ::std::assert!(
                    $crate::plugin::export::is_header($header),
                    "a header with a secret is a name, a colon, and a value with one pair of braces in place of the secret"
                );
                $crate::plugin::export::secret_header($name, $header)
            }]
            [$($($rest)*)?]
        )
    };
    ([$($found:expr),*] [$name:expr $(, $($rest:tt)*)?]) => {
        $crate::__secret_headers!([$($found),*] [$($($rest)*)?])
    };
    // `__secrets` has said what is wrong.
    ($($other:tt)*) => { ::std::vec::Vec::new() };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __forwarding {
    () => {
        ::std::option::Option::None
    };
    (on) => {
        ::std::option::Option::Some($crate::plugin::export::Forwarding::On)
    };
    (off) => {
        ::std::option::Option::Some($crate::plugin::export::Forwarding::Off)
    };
    (over_basic_auth) => {
        ::std::option::Option::Some($crate::plugin::export::Forwarding::OverBasicAuth)
    };
    ($($other:tt)*) => {
        ::std::compile_error!("write `forwarding: on;`, `forwarding: over_basic_auth;` or `forwarding: off;`")
    };
}
