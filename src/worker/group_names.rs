//! The names of groups as they are kept beside the index: JSON that names pictures by their paths.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{
    analysis::clusters::GroupName,
    index::{ImageId, Index, RowKind},
};

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    groups: Vec<KeptName>,
}

#[derive(Serialize, Deserialize)]
struct KeptName {
    name: String,
    size: usize,
    /// Relative to the indexed folder; of a face with its number. Names that are not UTF-8 are left out: the others do.
    pictures: Vec<String>,
}

const VERSION: u32 = 1;

/// The bytes of some names.
pub(super) fn to_bytes(names: &[GroupName], index: &Index) -> Vec<u8> {
    let path = |id: &ImageId| {
        let entry = index.get(*id)?;
        entry.relative().to_str().map(|path| path.to_owned() + &entry.mark())
    };
    let kept = |name: &GroupName| KeptName {
        name: name.name.clone(),
        size: name.size,
        pictures: name.typical.iter().filter_map(path).collect(),
    };
    let kept = Kept { version: VERSION, groups: names.iter().map(kept).collect() };
    // Numbers and text can always be written.
    serde_json::to_vec_pretty(&kept).unwrap_or_default()
}

/// Whether the bytes are names as some version writes them.
pub(super) fn are_whole(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let of_other = |kept: Versioned| kept.version != VERSION;
    serde_json::from_slice::<Kept>(bytes).is_ok() || serde_json::from_slice(bytes).is_ok_and(of_other)
}

/// The names that the bytes hold; none when another version wrote them. Pictures that are gone are left out.
pub(super) fn from_bytes(bytes: &[u8], index: &Index) -> Option<Vec<GroupName>> {
    let kept: Kept = serde_json::from_slice(bytes).ok()?;
    if kept.version != VERSION {
        return None;
    }
    let wanted: HashSet<(&Path, u32)> =
        kept.groups.iter().flat_map(|group| group.pictures.iter().map(|name| named(name, index.kind()))).collect();
    let ids: HashMap<(&Path, u32), ImageId> = index
        .iter()
        .map(|entry| ((entry.relative(), entry.face_number().unwrap_or(1)), entry.id))
        .filter(|(name, _)| wanted.contains(name))
        .collect();
    let name = |group: &KeptName| GroupName {
        name: group.name.clone(),
        size: group.size,
        typical: group.pictures.iter().filter_map(|name| ids.get(&named(name, index.kind())).copied()).collect(),
    };
    Some(kept.groups.iter().map(name).collect())
}

/// The path in a kept name, and the number of the face that is behind it, see [`Entry::mark`](crate::index::Entry::mark).
fn named(name: &str, rows: RowKind) -> (&Path, u32) {
    let face = name.rsplit_once(" #").filter(|_| rows == RowKind::Face);
    let face = face.and_then(|(path, number)| Some((Path::new(path), number.parse().ok()?)));
    face.unwrap_or((Path::new(name), 1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        face::Face,
        index::{Image, Segment},
        scan::ImageFile,
    };

    #[test]
    fn names_are_read_as_they_were_kept_without_what_is_gone() {
        let root: Arc<Path> = Path::new("/p").into();
        let image = |name: &str| Image {
            file: ImageFile { path: Path::new("/p").join(name), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
            face: None,
        };
        let mut index = Index::new(1);
        index.push(Arc::new(Segment::pack(root, ["a/1.png", "ž \"2\".png"].map(image), &[vec![1.0], vec![2.0]], 1)));
        let names = [
            GroupName { name: "sea\u{1b}".into(), size: 70, typical: vec![ImageId(1), ImageId(0)] },
            GroupName { name: String::new(), size: 0, typical: Vec::new() },
        ];
        let bytes = to_bytes(&names, &index);
        assert_eq!(from_bytes(&bytes, &index).as_deref(), Some(&names[..]));
        index.remove(ImageId(0));
        let left = from_bytes(&bytes, &index).expect("the others are there");
        assert_eq!((left[0].size, &*left[0].typical), (70, &[ImageId(1)][..]));
        let newer = b"{\"version\": 2, \"people\": []}";
        assert_eq!(from_bytes(newer, &index), None);
        assert!(are_whole(&bytes) && are_whole(newer));
        assert!((0..bytes.len()).all(|end| !are_whole(&bytes[..end])));
    }

    #[test]
    fn faces_of_one_picture_are_told_apart() {
        let face = Face { area: [0.0; 4], points: [[0.0; 2]; 5], score: 1.0 };
        let image = |name: &str| Image {
            file: ImageFile { path: Path::new("/p").join(name), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
            face: Some(face),
        };
        let mut index = Index::of(RowKind::Face, 1);
        let images = ["a #2.png", "b.png", "b.png"].map(image);
        index.push(Arc::new(Segment::pack(Path::new("/p").into(), images, &[vec![1.0], vec![2.0], vec![3.0]], 1)));
        let names = [GroupName { name: "Ana".into(), size: 3, typical: vec![ImageId(2), ImageId(0), ImageId(1)] }];
        let bytes = to_bytes(&names, &index);
        assert!(String::from_utf8_lossy(&bytes).contains("b.png #2"));
        assert_eq!(from_bytes(&bytes, &index).as_deref(), Some(&names[..]));
    }
}
