//! Words of 32 bits as bytes, with a checksum that tells bytes that were cut short or rotted: how graphs and maps are kept.

/// The words, little-endian, and the CRC-32 of all their bytes.
#[must_use]
pub fn to_bytes(words: impl Iterator<Item = u32>) -> Vec<u8> {
    let mut bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// The words of which [`to_bytes`] made these bytes; `None` where it made no such.
#[must_use]
pub fn from_bytes(bytes: &[u8]) -> Option<Vec<u32>> {
    let (body, sum) = bytes.split_last_chunk()?;
    let (words, rest) = body.as_chunks();
    let is_whole = rest.is_empty() && crc32fast::hash(body) == u32::from_le_bytes(*sum);
    is_whole.then(|| words.iter().map(|word| u32::from_le_bytes(*word)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_of_any_byte_is_noticed() {
        let words = [1, 2, u32::MAX];
        let bytes = to_bytes(words.into_iter());
        assert_eq!(from_bytes(&bytes), Some(words.to_vec()));
        assert_eq!(from_bytes(&to_bytes([].into_iter())), Some(Vec::new()));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert_eq!((from_bytes(&damaged), from_bytes(&bytes[..at])), (None, None), "{at}");
        }
    }
}
