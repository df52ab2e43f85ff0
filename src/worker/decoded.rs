//! Decoded pictures, which are kept so that another size or another screen need not decode them again.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use image::{RgbImage, imageops};
use lru::LruCache;

use super::lock;
use crate::{
    decode::{self, Alpha, Detail},
    face::Face,
    index::{ImageId, Index},
    preview::{self, frames::Framing},
};

/// Bytes of decoded pictures that are kept.
const KEPT_BYTES: usize = 96 << 20;

/// What is to be decoded.
pub(super) struct Pictured {
    path: Arc<Path>,
    /// Of the whole picture, where that is known.
    pixels: Option<(u32, u32)>,
    /// All faces of the picture with their rows, where the rows stand for faces.
    faces: Vec<(ImageId, Face)>,
    /// The row that is meant.
    row: Option<ImageId>,
}

impl Pictured {
    /// A row of the index, if it is there.
    pub(super) fn of(index: &Index, row: ImageId) -> Option<Self> {
        let entry = index.get(row)?;
        let faces = index.of_one_picture(row).filter_map(|id| Some((id, *index.get(id)?.face()?)));
        Some(Self { path: entry.path().into(), pixels: Some(entry.pixels()), faces: faces.collect(), row: Some(row) })
    }

    /// A file of which nothing else is known.
    pub(super) fn file(path: Arc<Path>) -> Self {
        Self { path, pixels: None, faces: Vec::new(), row: None }
    }

    /// The faces, and which of them is meant.
    pub(super) fn framing(&self) -> Framing {
        let meant = self.faces.iter().position(|(id, _)| Some(*id) == self.row);
        Framing { faces: self.faces.iter().map(|(_, face)| *face).collect(), meant }
    }
}

/// The longer side that is needed of a picture with these pixels.
type Side<'a> = &'a dyn Fn((u32, u32)) -> u32;

/// A picture as it fills a screen of no known proportions.
const USUAL: (u32, u32) = (4, 3);

/// Decoded pictures and faces.
pub(super) struct DecodedPictures(Mutex<KeptPictures>);

impl Default for DecodedPictures {
    fn default() -> Self {
        Self(Mutex::new(KeptPictures { pictures: LruCache::unbounded(), bytes: 0 }))
    }
}

impl DecodedPictures {
    /// What a row stands for: its face with what is around it, or else the picture; at least as fine as asked for, so far
    /// as it has as many pixels.
    pub(super) fn shown(&self, of: &Pictured, side: Side<'_>) -> Result<Arc<RgbImage>, String> {
        match of.faces.iter().find(|(id, _)| Some(*id) == of.row) {
            Some((id, face)) => self.face(of, *id, face, side),
            None => self.whole(of, side),
        }
    }

    /// The whole picture, at least as fine as asked for, so far as it has as many pixels.
    pub(super) fn whole(&self, of: &Pictured, side: Side<'_>) -> Result<Arc<RgbImage>, String> {
        let expected = side(of.pixels.unwrap_or(USUAL));
        let key = (of.path.clone(), None);
        // A file of which nothing is known may have been written anew.
        let kept = of.pixels.and_then(|_| lock(&self.0).get(&key, expected));
        if let Some(picture) = kept {
            return Ok(picture);
        }
        let shorter = of.pixels.map_or(expected, |pixels| {
            let (width, height) = inside(pixels, expected);
            width.min(height)
        });
        let picture =
            decode::picture(&of.path, Detail::AtLeast(shorter), Alpha::White).map_err(|why| why.to_string())?;
        // The file may have changed since it was indexed; its own proportions count.
        let side = side(picture.pixels);
        let (width, height) = inside(picture.rgb.dimensions(), side);
        let picture = Arc::new(preview::scale(&picture.rgb, width, height)?);
        lock(&self.0).put(key, side, picture.clone());
        Ok(picture)
    }

    /// The face with what is around it. All faces of a picture are cut out at once, for they are mostly shown together and
    /// decoding takes longest.
    fn face(&self, of: &Pictured, row: ImageId, face: &Face, side: Side<'_>) -> Result<Arc<RgbImage>, String> {
        let pixels = of.pixels.unwrap_or(USUAL);
        let [_, _, width, height] = face.shown_in(pixels);
        let side = side((width, height));
        let key = |id: ImageId| (of.path.clone(), Some(id));
        if let Some(picture) = lock(&self.0).get(&key(row), side) {
            return Ok(picture);
        }
        let shown = of.faces.iter().map(|(_, face)| face.shown_in(pixels));
        let smallest = shown.map(|[_, _, width, height]| width.max(height)).min().unwrap_or(1);
        let shorter = pixels.0.min(pixels.1);
        let needed = u64::from(shorter) * u64::from(side.min(smallest)) / u64::from(smallest.max(1));
        let detail = Detail::AtLeast(needed as u32);
        let picture = decode::picture(&of.path, detail, Alpha::White).map_err(|why| why.to_string())?;
        let mut asked_for = None;
        for (id, face) in &of.faces {
            let [left, top, width, height] = face.shown_in(picture.rgb.dimensions());
            let cut = imageops::crop_imm(&picture.rgb, left, top, width, height).to_image();
            let (width, height) = inside((width, height), side);
            let cut = Arc::new(preview::scale(&cut, width, height)?);
            if *id == row {
                asked_for = Some(Arc::clone(&cut));
            }
            lock(&self.0).put(key(*id), side, cut);
        }
        asked_for.ok_or_else(|| "it is not among the faces of its picture any more".to_owned())
    }
}

/// Every pixel of what a row stands for. Not kept, and not taken from what is: that went through a resampler.
pub(super) fn in_full(of: &Pictured) -> Result<RgbImage, String> {
    let picture = decode::picture(&of.path, Detail::Full, Alpha::White).map_err(|why| why.to_string())?;
    Ok(match of.faces.iter().find(|(id, _)| Some(*id) == of.row) {
        Some((_, face)) => {
            let [left, top, width, height] = face.shown_in(picture.rgb.dimensions());
            imageops::crop_imm(&picture.rgb, left, top, width, height).to_image()
        }
        None => picture.rgb,
    })
}

/// The size shrunk so that no side is longer than `side`; never enlarged, never 0.
fn inside((width, height): (u32, u32), side: u32) -> (u32, u32) {
    let shrink = (f64::from(side) / f64::from(width.max(height).max(1))).min(1.0);
    let shrunk = |length: u32| (f64::from(length) * shrink).round().max(1.0) as u32;
    (shrunk(width), shrunk(height))
}

/// A file, and the row whose face is kept; the whole picture if there is none.
type KeptKey = (Arc<Path>, Option<ImageId>);

/// Decoded pictures, the least lately used of which leave first. Each is kept with the side it was decoded for.
struct KeptPictures {
    pictures: LruCache<KeptKey, (u32, Arc<RgbImage>)>,
    bytes: usize,
}

impl KeptPictures {
    fn get(&mut self, key: &KeptKey, side: u32) -> Option<Arc<RgbImage>> {
        self.pictures.get(key).filter(|(kept, _)| *kept >= side).map(|(_, picture)| picture.clone())
    }

    fn put(&mut self, key: KeptKey, side: u32, picture: Arc<RgbImage>) {
        self.bytes += picture.len();
        if let Some((_, before)) = self.pictures.put(key, (side, picture)) {
            self.bytes -= before.len();
        }
        while self.bytes > KEPT_BYTES {
            let Some((_, (_, gone))) = self.pictures.pop_lru() else { return };
            self.bytes -= gone.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_pictures_stay_within_their_bytes_and_the_least_used_leave() {
        let mut kept = KeptPictures { pictures: LruCache::unbounded(), bytes: 0 };
        let key = |id: u32| (Arc::from(Path::new(&id.to_string())), None);
        let large = Arc::new(RgbImage::new(2048, 2048));
        let most = (KEPT_BYTES / large.len()) as u32;
        for id in 0..most {
            kept.put(key(id), 2048, large.clone());
        }
        assert!(kept.get(&key(0), 1024).is_some(), "finer than needed will do");
        kept.put(key(most), 2048, large.clone());
        assert!(kept.get(&key(0), 2048).is_some(), "it was used last");
        assert!(kept.get(&key(1), 2048).is_none(), "it had to leave");
        kept.put(key(0), 64, Arc::new(RgbImage::new(64, 48)));
        assert!(kept.get(&key(0), 128).is_none(), "too coarse is as good as none");
        let bytes: usize = kept.pictures.iter().map(|(_, (_, picture))| picture.len()).sum();
        assert_eq!(kept.bytes, bytes);
        assert!(bytes <= KEPT_BYTES);
    }

    #[test]
    fn shrinking_keeps_proportions_and_never_enlarges() {
        assert_eq!(inside((4000, 3000), 512), (512, 384));
        assert_eq!(inside((20, 10), 512), (20, 10));
        assert_eq!(inside((10_000, 1), 64), (64, 1));
        assert_eq!(inside((0, 0), 64), (1, 1));
    }
}
