//! Pictures that arrived together, with their embeddings as half floats: the unit an index is a list of.

use std::{ops::Range, path::Path, sync::Arc};

use half::f16;

use super::{Image, Images};

/// The embedding rows of a segment: `len × dim` half floats, row-major, owned or in a mapped file.
///
/// A row's true values are `f16 × scale`; the scale is a power of two, 1 unless the values would leave the range of f16.
#[derive(Clone)]
pub struct Rows {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    offset: usize,
    pub(super) dim: usize,
    pub(super) len: usize,
}

impl Rows {
    /// Rows inside shared bytes (a file map, say), from `offset` on, which must be even.
    ///
    /// Returns `None` when the bytes are too few or misaligned.
    pub fn shared(bytes: Arc<dyn AsRef<[u8]> + Send + Sync>, offset: usize, dim: usize, len: usize) -> Option<Self> {
        let end = len.checked_mul(dim)?.checked_mul(2)?.checked_add(offset)?;
        let fits = (*bytes).as_ref().get(offset..end)?;
        bytemuck::try_cast_slice::<u8, f16>(fits).ok()?;
        Some(Self { bytes, offset, dim, len })
    }

    /// Rows that own their memory. `values.len()` must be a multiple of `dim`; a rest is dropped.
    #[must_use]
    pub fn owned(values: Vec<f16>, dim: usize) -> Self {
        /// Lets a vector of half floats be seen as bytes.
        struct Halves(Vec<f16>);
        impl AsRef<[u8]> for Halves {
            fn as_ref(&self) -> &[u8] {
                bytemuck::cast_slice(&self.0)
            }
        }
        let len = values.len().checked_div(dim).unwrap_or(0);
        Self { bytes: Arc::new(Halves(values)), offset: 0, dim, len }
    }

    /// Some of them, in the same memory.
    pub(super) fn piece(&self, rows: Range<usize>) -> Self {
        let offset = self.offset + rows.start * self.dim * 2;
        Self { bytes: Arc::clone(&self.bytes), offset, dim: self.dim, len: rows.len() }
    }

    /// All rows, row-major.
    #[must_use]
    pub fn values(&self) -> &[f16] {
        let bytes = (*self.bytes).as_ref();
        bytemuck::cast_slice(&bytes[self.offset..self.offset + self.len * self.dim * 2])
    }

    /// Row `i`, `dim` values.
    #[must_use]
    pub fn row(&self, i: usize) -> &[f16] {
        &self.values()[i * self.dim..(i + 1) * self.dim]
    }
}

/// Pictures that arrived together, with their embeddings.
pub struct Segment {
    /// The folder they were found under; paths and group names are relative to it.
    pub root: Arc<Path>,
    /// One a row.
    pub images: Images,
    /// Euclidean norm of each raw embedding.
    pub norms: Vec<f32>,
    /// Power-of-two factor of each row, see [`Rows`].
    pub scales: Vec<f32>,
    /// The embeddings.
    pub rows: Rows,
    /// Rows of the file that no longer stand for a picture; they keep their place so that ids stay positions.
    pub dead: Vec<u32>,
}

impl Segment {
    /// Packs raw embeddings (each `dim` long) for storage.
    #[must_use]
    pub fn pack(root: Arc<Path>, images: impl IntoIterator<Item = Image>, embeddings: &[Vec<f32>], dim: usize) -> Self {
        let (mut values, mut scales, mut norms) = (Vec::with_capacity(embeddings.len() * dim), Vec::new(), Vec::new());
        for embedding in embeddings {
            let scale = storage_scale(embedding);
            values.extend(embedding.iter().map(|v| f16::from_f32(v / scale)));
            scales.push(scale);
            norms.push(norm(&values[values.len() - dim..], scale));
        }
        let images = Images::new(&root, images);
        Self { root, images, norms, scales, rows: Rows::owned(values, dim), dead: Vec::new() }
    }

    /// Some of the rows as a segment of their own, over the same embeddings; none of them is dead there.
    pub(super) fn piece(&self, rows: Range<usize>) -> Self {
        let mut images = Images::default();
        rows.clone().for_each(|row| images.push_from(&self.images, row));
        Self {
            root: Arc::clone(&self.root),
            images,
            norms: self.norms[rows.clone()].to_vec(),
            scales: self.scales[rows.clone()].to_vec(),
            rows: self.rows.piece(rows),
            dead: Vec::new(),
        }
    }
}

/// The power of two by which a row is divided before it is stored as f16: 1 for all ordinary embeddings.
#[must_use]
pub fn storage_scale(embedding: &[f32]) -> f32 {
    let largest = embedding.iter().fold(0_f32, |m, v| m.max(v.abs()));
    // f16 holds up to 65504 and loses precision under 2^-14; rows whose largest value sits well inside keep scale 1.
    if largest == 0.0 || !largest.is_finite() || (0.03..=16384.0).contains(&largest) {
        1.0
    } else {
        largest.log2().floor().exp2()
    }
}

/// Euclidean norm of a stored row.
#[must_use]
pub fn norm(row: &[f16], scale: f32) -> f32 {
    let squares: f64 = row.iter().map(|v| f64::from(v.to_f32()).powi(2)).sum();
    (squares.sqrt() * f64::from(scale)) as f32
}
