//! lookalike shows which pictures in a folder look alike, in a terminal. The binary is the product; this library exists
//! so that tests and benchmarks can reach its rooms, and promises no stable interface.
//!
//! # The map
//!
//! Data flows one way. In reading order:
//!
//! | Room | Owns |
//! | --- | --- |
//! | [`cli`] | arguments, the headless commands, the one sentence of a failure |
//! | [`error`], [`printable`], [`cancel`], [`text`] | what everybody needs: typed failures and exit codes, safe file names, the stop token, text for people |
//! | [`display`] | what is known of the screen: color depth, background, how far the terminal is; color ramps |
//! | [`scan`] | which files there are |
//! | [`decode`] | the only place that opens image files |
//! | [`embed`] | models, weights and networks; the only place that names `tch`; embeddings leave it as plain `f32`s |
//! | [`index`] | one raw embedding a picture, in memory and on disk |
//! | [`pipeline`] | the life of one image: scan → known? → decode → embed → store, for the explorer and the commands alike |
//! | [`similarity`] | both metrics, neighbors of one picture and of all, row orders, the heatmap: exact, never N×N |
//! | [`analysis`] | what can be said about a whole collection: how well a model keeps its groups apart |
//! | [`preview`] | pixels → what a terminal can show in so many cells |
//! | [`worker`] | every thread that works: jobs in, events out |
//! | [`app`] | all state of the explorer, and `update`: pure |
//! | [`ui`] | `draw(&App, &mut Frame)` |
//! | [`terminal`] | taking over and giving back the terminal, signals, input, what it can show |
//! | [`event_loop`] | receive → update → effects → draw |
//!
//! # What always holds (and `tests/it/tidy.rs` checks)
//!
//! - `tch` is named only under `embed`, SQL only in `index`, `walkdir` only in `scan`; image files are opened only by `decode`.
//! - Threads start only in `worker`, `terminal` and `embed::batcher`. While indexing, each core decodes and computes for itself.
//! - `app::update` never blocks: it returns effects. `ui` never changes state. One selected image, which all screens show.
//! - `similarity` does no I/O and reads no clock; 0, 1, 2, 3 images and all-equal images are ordinary inputs. Nothing allocates N×N:
//!   the order by similarity has a table of the pairs of at most 4096 rows or centers of rows.
//! - Raw embeddings are stored: on normalized ones ‖a−b‖² = 2−2·cos, and the metric key would change nothing.
//! - A picture that cannot be read is data ([`index::Skipped`]), not an error.

pub mod cli;
pub mod error;
pub mod printable;
pub mod cancel;
pub mod text;
pub mod display;
pub mod scan;
pub mod decode;
pub mod embed;
pub mod index;
pub mod pipeline;
pub mod similarity;
pub mod analysis;
pub mod preview;
pub mod worker;
pub mod app;
pub mod ui;
pub mod terminal;
pub mod event_loop;
