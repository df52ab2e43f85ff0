//! Analyses of a whole collection: pure functions of an [`Index`](crate::index::Index), one file each.

pub mod alike;
pub mod gallery;
pub mod roc;
pub mod projection;
pub mod clusters;
pub mod outliers;
pub mod classifier;
pub mod comparison;
pub mod alignment;
pub mod copies;
pub mod explanation;
pub mod keeper;
pub mod random;
pub mod student;
pub mod separation;
