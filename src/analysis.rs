//! Analyses of a whole collection: pure functions of an [`Index`](crate::index::Index), one file each.

pub mod alike;
pub mod alignment;
pub mod copies;
pub mod explanation;
pub mod keeper;
pub mod separation;
