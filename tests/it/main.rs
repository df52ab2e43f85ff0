//! Every integration test, in one binary: a file a promise.

#![allow(clippy::unwrap_used, reason = "what a test cannot get, it fails on")]

mod cli;
mod explorer;
mod glance;
mod indexing;
mod inverted_residual;
mod models;
mod numbers;
mod preprocess;
mod pty;
mod readme;
mod screens;
mod separation;
#[cfg(unix)]
mod setup;
mod store;
mod tidy;
mod torchvision;
mod update;
mod worker;
