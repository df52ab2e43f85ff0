//! Every integration test, in one binary: a file a promise.

#![allow(clippy::unwrap_used, reason = "what a test cannot get, it fails on")]

mod analysis;
mod approximate;
mod beside;
#[cfg(feature = "libtorch")]
mod cache;
#[cfg(feature = "libtorch")]
mod cli;
#[cfg(feature = "libtorch")]
mod copies;
mod explorer;
#[cfg(feature = "libtorch")]
mod face_rows;
mod face_screens;
#[cfg(feature = "libtorch")]
mod faces;
mod gallery;
#[cfg(feature = "libtorch")]
mod gallery_twice;
#[cfg(feature = "libtorch")]
mod gaze;
#[cfg(feature = "libtorch")]
mod grouping;
mod groups;
mod hints;
#[cfg(feature = "libtorch")]
mod indexing;
#[cfg(feature = "libtorch")]
mod interrupt;
#[cfg(feature = "libtorch")]
mod inverted_residual;
mod map;
#[cfg(feature = "libtorch")]
mod live;
#[cfg(feature = "libtorch")]
mod live_killed;
mod live_view;
#[cfg(feature = "libtorch")]
mod label_commands;
mod help;
mod labels;
#[cfg(feature = "libtorch")]
mod models;
mod moved_keys;
mod numbers;
mod outside;
mod pair;
mod pictures;
#[cfg(feature = "libtorch")]
mod preprocess;
#[cfg(feature = "libtorch")]
mod pty;
#[cfg(feature = "libtorch")]
mod readme;
mod screens;
#[cfg(feature = "libtorch")]
mod separation;
#[cfg(feature = "libtorch")]
mod session;
#[cfg(unix)]
mod setup;
#[cfg(feature = "libtorch")]
mod shown;
#[cfg(feature = "libtorch")]
mod signals;
#[cfg(feature = "libtorch")]
mod store;
mod tidy;
#[cfg(feature = "libtorch")]
mod torchvision;
mod update;
#[cfg(feature = "libtorch")]
mod vision_transformer;
mod waiting;
#[cfg(feature = "libtorch")]
mod worker;
