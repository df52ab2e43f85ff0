//! Limits of what a manifest may say of a network, each well above anything that a network of today has: what a file says
//! must not be able to fill the memory.

/// Channels of a map, values of a token or of an embedding.
pub(super) const MOST_CHANNELS: i64 = 65_536;
/// Blocks in a stage.
pub(super) const MOST_BLOCKS: usize = 512;
/// Bytes of a name.
pub(super) const MOST_NAME: usize = 200;

/// The name of a linear layer behind the pooling must be one.
pub(super) fn check_projection(table: &str, name: Option<&str>) -> Result<(), String> {
    match name {
        Some(name) if name.is_empty() || name.len() > MOST_NAME => {
            Err(format!("`{table}.projection` names a layer, in at most 200 bytes"))
        }
        _ => Ok(()),
    }
}
