//! The vector file of a store: a short header, then rows of half floats, only ever appended to and mapped for reading.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use half::f16;
use memmap2::{Mmap, MmapOptions};

use super::Fault;
use crate::{error::Error, files, index::Rows};

/// Bytes before the first row: a signature, the dimension, zeros.
const HEADER: usize = 64;
const SIGNATURE: &[u8; 8] = b"lookvec1";

/// An open vector file.
pub(super) struct Vectors {
    file: File,
    path: PathBuf,
    dim: usize,
}

impl Vectors {
    /// Starts an empty file; whatever was there under this name was never committed.
    pub(super) fn create(path: &Path, dim: usize) -> Result<Self, Fault> {
        let mut header = [0_u8; HEADER];
        header[..8].copy_from_slice(SIGNATURE);
        header[8..12].copy_from_slice(&(dim as u32).to_le_bytes());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .and_then(|file| file.write_all_at(&header, 0).map(|()| file))
            .map_err(Error::io("create", path))?;
        Ok(Self { file, path: path.to_path_buf(), dim })
    }

    /// Opens a file that [`Self::create`] made for embeddings of `dim` values.
    pub(super) fn open(path: &Path, dim: usize, write: bool) -> Result<Self, Fault> {
        let mut header = [0_u8; HEADER];
        let mut file = files::open_existing(path, write).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Fault::Damaged("its vector file is missing".into()),
            std::io::ErrorKind::InvalidInput => Fault::Damaged("its vector file is not a file".into()),
            _ => Error::io("open", path)(error).into(),
        })?;
        let read = file.read_exact(&mut header);
        if read.is_err() || header[..8] != *SIGNATURE || header[8..12] != (dim as u32).to_le_bytes() {
            return Err(Fault::Damaged("its vector file does not begin as one".into()));
        }
        Ok(Self { file, path: path.to_path_buf(), dim })
    }

    /// Whole rows that the file can hold now.
    pub(super) fn held(&self) -> Result<u32, Fault> {
        let len = self.file.metadata().map_err(Error::io("read", &self.path))?.len() as usize;
        Ok(u32::try_from(len.saturating_sub(HEADER) / (self.dim * 2)).unwrap_or(u32::MAX))
    }

    /// Writes rows from row `first` on. They are on the disk when this returns.
    pub(super) fn write(&self, first: u32, values: &[f16]) -> Result<(), Fault> {
        let at = HEADER + first as usize * self.dim * 2;
        self.file
            .write_all_at(bytemuck::cast_slice(values), at as u64)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Error::io("write", &self.path)(error).into())
    }

    /// One row, read.
    pub(super) fn read(&self, row: u32) -> std::io::Result<Vec<f16>> {
        let mut values = vec![f16::ZERO; self.dim];
        let at = HEADER + row as usize * self.dim * 2;
        self.file.read_exact_at(bytemuck::cast_slice_mut(&mut values), at as u64)?;
        Ok(values)
    }

    /// The rows `first..first + len`, mapped.
    pub(super) fn rows(&self, first: u32, len: u32) -> Result<Rows, Fault> {
        if len == 0 {
            return Ok(Rows::owned(Vec::new(), self.dim));
        }
        let offset = HEADER + first as usize * self.dim * 2;
        let bytes = len as usize * self.dim * 2;
        let map = self.map(offset, bytes).map_err(Error::io("map", &self.path))?;
        let damaged = || Fault::Damaged("its vector file is too short".into());
        Rows::shared(Arc::new(map), 0, self.dim, len as usize).ok_or_else(damaged)
    }

    #[allow(unsafe_code, reason = "mapping a file is unsafe because another process could truncate it")]
    fn map(&self, offset: usize, bytes: usize) -> std::io::Result<Mmap> {
        if (self.file.metadata()?.len() as usize) < offset + bytes {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        // SAFETY: the range lies inside the file, committed rows are never written again, and the file is never
        // shortened: compaction and repair write a new file under another name and unlink this one, which keeps maps valid.
        unsafe { MmapOptions::new().offset(offset as u64).len(bytes).map(&self.file) }
    }
}
