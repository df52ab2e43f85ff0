//! lookalike: which pictures in a folder look alike, in a terminal.

pub mod app;
pub mod cancel;
pub mod cli;
pub mod color;
pub mod decode;
pub mod embed;
pub mod error;
pub mod event_loop;
pub mod index;
pub mod pipeline;
pub mod preview;
pub mod printable;
pub mod scan;
pub mod similarity;
pub mod terminal;
pub mod ui;
pub mod worker;
