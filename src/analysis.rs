//! Analyses of a whole collection: pure functions of an [`Index`](crate::index::Index), one file each.

pub mod alike;
pub mod classifier;
pub mod comparison;
pub mod separation;
