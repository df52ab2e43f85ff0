//! Environment variables. An empty one is an unset one, as the XDG base directory specification and NO_COLOR have it.

use std::{env, ffi::OsString};

/// The value of a variable that is set and not empty.
#[must_use]
pub fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// [`variable`] as text; what is not UTF-8 in it is replaced.
#[must_use]
pub fn text_variable(name: &str) -> Option<String> {
    variable(name).map(|value| value.to_string_lossy().into_owned())
}
