//! What can be said about a whole collection from its embeddings: pure functions of an [`Index`](crate::index::Index).

pub mod separation;
