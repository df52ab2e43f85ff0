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
//! | [`error`], [`printable`], [`cancel`], [`text`], [`folders`], [`files`], [`environment`] | what everybody needs: typed failures and exit codes, safe names, the stop token, text for people, where the user's files lie, how a file is opened, variables |
//! | [`display`] | what is known of the screen: size, color depth, background, how far it is; color ramps |
//! | [`scan`] | which files there are |
//! | [`decode`] | the only place that opens image files; why one cannot be read is an enum |
//! | [`face`] | where a face is in a picture |
//! | [`embed`] | models, weights and networks; the only place that names `tch`; embeddings leave it as plain `f32`s |
//! | [`index`] | one raw embedding a picture, or a face in one, in memory and on disk; labels and filters; what an indexing run reports |
//! | [`pipeline`] | the life of one image: scan → known? → decode → embed → store, for the explorer and the commands alike |
//! | [`similarity`] | both metrics, neighbors, the heatmap, seriation, the k-nearest-neighbor graph: exact (the graph up to some 200,000 pictures), never N×N |
//! | [`order`] | every order in which pictures can stand |
//! | [`analysis`] | what can be said about a whole collection, one file each: separation, look-alikes, copies among them, why two are alike, maps, clusters, outliers, labels (a classifier), two models compared, how well names can be told apart |
//! | [`live`] | frames of cameras, streams, folders and pipes: the newest, when it is due, with what is in it |
//! | [`preview`] | pixels → what a terminal can show in so many cells |
//! | [`task`] | numbers made of an index while somebody waits: pure, so that a test makes them at once |
//! | [`disposal`] | moves files into the trash or a folder, never over another one, and brings them back |
//! | [`worker`] | every thread that works: jobs in, events out |
//! | [`app`] | all state of the explorer, and `update`: pure. A screen is one room, `app/screens/<name>.rs` |
//! | [`ui`] | `draw(&App, &mut Frame)`: `ui/<name>.rs` draws `app/screens/<name>.rs` |
//! | [`terminal`] | taking over and giving back the terminal, signals, input, what it can show |
//! | [`event_loop`] | receive → update → effects → draw |
//!
//! Without the feature `libtorch` there is no `embed`, and none of the rooms that need it: `cli`, `live`, `pipeline`, `worker`, `event_loop`.
//! All others can then be built and tested without libtorch.
//!
//! # What always holds
//!
//! Checked by `tests/it/tidy.rs`:
//!
//! - A room imports only from rooms below it.
//! - `tch` is named only under `embed`, SQL only in `index::store`, `walkdir` only in `scan`, `clap` only in `cli` and on a few
//!   choices that a user types; `unsafe` only in `index::store` (mapped files),
//!   `terminal::fatal` (signal handlers) and the binary (a check before libraries load).
//! - Image files are opened only by `decode`; other files only where something is kept or read, in the places that the test lists.
//! - Threads start only in `worker`, `terminal`, `live`, `embed::batcher`, `embed::script` and `index::store::lock`.
//! - `similarity`, `order`, `analysis` and `task` do no I/O, read no clock and draw no random numbers.
//! - Nothing outside tests unwraps or prints past the writer it was given. A file begins with what it owns and has at most 500 lines
//!   before its tests, which come last.
//!
//! Held by review, and by the tests of each room:
//!
//! - The process ends without exit handlers: libtorch's crash under a thread that still computes.
//! - `app::update` never blocks: it returns effects. `ui` never changes state. One selected image, which all screens show.
//! - 0, 1, 2, 3 images and all-equal images are ordinary inputs. Nothing allocates N×N: the order by similarity and HDBSCAN have
//!   a table of the pairs of at most 4096 rows, centers of rows, or pieces of the graph.
//! - Raw embeddings are stored: on normalized ones ‖a−b‖² = 2−2·cos, and the metric key would change nothing.
//! - A picture that cannot be read is data ([`index::Skipped`]), not an error, and never ends a run.
//! - While indexing, each core decodes and computes for itself.
//! - The terminal is given back however the program ends.

#[cfg(feature = "libtorch")]
pub mod cli;
pub mod error;
pub mod printable;
pub mod cancel;
pub mod text;
pub mod environment;
pub mod folders;
pub mod files;
pub mod display;
pub mod scan;
pub mod decode;
pub mod face;
#[cfg(feature = "libtorch")]
pub mod embed;
pub mod index;
#[cfg(feature = "libtorch")]
pub mod pipeline;
pub mod similarity;
pub mod order;
pub mod analysis;
#[cfg(feature = "libtorch")]
pub mod live;
pub mod preview;
pub mod task;
pub mod disposal;
#[cfg(feature = "libtorch")]
pub mod worker;
pub mod app;
pub mod ui;
pub mod terminal;
#[cfg(feature = "libtorch")]
pub mod event_loop;
