//! Limits of what a manifest may say of a network, each well above anything that a network of today has: what a file says
//! must not be able to fill the memory.

use crate::printable::is_hostile;

/// Channels of a map, values of a token or of an embedding.
pub(super) const MOST_CHANNELS: i64 = 65_536;
/// Blocks in a stage.
pub(super) const MOST_BLOCKS: usize = 512;
/// Bytes of a name.
const MOST_NAME: usize = 200;

/// Whether a name is short and hides nothing, no line break either: people see it, often within a sentence.
pub(super) fn is_plain(name: &str) -> bool {
    (1..=MOST_NAME).contains(&name.len()) && !name.contains(is_hostile)
}

/// The name of a linear layer behind the pooling must be one.
pub(super) fn check_projection(table: &str, name: Option<&str>) -> Result<(), String> {
    match name {
        Some(name) if !is_plain(name) => {
            Err(format!("`{table}.projection` names a layer, in at most 200 bytes without hidden characters"))
        }
        _ => Ok(()),
    }
}
