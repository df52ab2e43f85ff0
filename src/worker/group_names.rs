//! The names of groups as they are kept beside the index: JSON that names pictures by their paths, and faces by their places
//! in them, which are found again where the faces of a changed picture are counted otherwise. Its last field is a checksum of
//! all before, so that a damaged name is not shown as one, nor missed without a word.

use std::{collections::HashMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    analysis::clusters::GroupName,
    face::Place,
    index::{ImageId, Index, RowKind},
    text,
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
    /// Where each of them is in its picture. Files of faces without it are older: there the numbers count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    places: Vec<String>,
}

impl KeptName {
    /// Each picture with the number of its face, and the place of that where it is known.
    fn rows(&self, kind: RowKind) -> impl Iterator<Item = (&Path, u32, Option<Place>)> {
        let place = |at: usize| self.places.get(at).and_then(|place| place.parse().ok());
        self.pictures.iter().enumerate().map(move |(at, name)| {
            let (path, number) = named(name, kind);
            (path, number, place(at))
        })
    }
}

const VERSION: u32 = 1;

/// The bytes of some names.
pub(super) fn to_bytes(names: &[GroupName], index: &Index) -> Vec<u8> {
    let kept = |name: &GroupName| {
        let typical = name.typical.iter().filter_map(|id| index.get(*id));
        let rows = typical.filter_map(|entry| {
            let name = entry.relative().to_str()?.to_owned() + &entry.mark();
            Some((name, entry.face().map(|face| Place::of(face).to_string())))
        });
        let (pictures, places): (Vec<_>, Vec<_>) = rows.unzip();
        KeptName { name: name.name.clone(), size: name.size, pictures, places: places.into_iter().flatten().collect() }
    };
    let kept = Kept { version: VERSION, groups: names.iter().map(kept).collect() };
    // Numbers and text can always be written.
    with_sum(serde_json::to_vec_pretty(&kept).unwrap_or_default())
}

/// What the last field begins and ends with: its value is the CRC-32 of all bytes before it, in hexadecimal digits.
const SUM: [&[u8]; 2] = [b",\n  \"checksum\": \"", b"\"\n}"];

/// Gives an object, as it is written pretty, the last field.
fn with_sum(mut object: Vec<u8>) -> Vec<u8> {
    object.truncate(object.strip_suffix(b"\n}").unwrap_or(&object).len());
    let sum = text::digits(crc32fast::hash(&object));
    [&object, SUM[0], sum.as_bytes(), SUM[1]].concat()
}

/// Whether the checksum is that of the bytes. Files without one are older, or written by hand.
fn sum_is_right(bytes: &[u8]) -> bool {
    let digits = bytes.strip_suffix(SUM[1]).and_then(|rest| rest.split_last_chunk::<{ text::DIGITS }>());
    let summed = digits.and_then(|(rest, digits)| Some((rest.strip_suffix(SUM[0])?, digits)));
    summed.is_none_or(|(object, digits)| text::digits(crc32fast::hash(object)).as_bytes() == digits)
}

/// Whether the bytes are names as this version writes and reads them.
pub(super) fn are_ours(bytes: &[u8]) -> bool {
    sum_is_right(bytes) && serde_json::from_slice::<Kept>(bytes).is_ok_and(|kept| kept.version == VERSION)
}

/// Whether the bytes are names as some version writes them, and none of them was damaged.
pub(super) fn are_whole(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let of_other = |kept: Versioned| kept.version != VERSION;
    let is_json = serde_json::from_slice::<Kept>(bytes).is_ok() || serde_json::from_slice(bytes).is_ok_and(of_other);
    is_json && sum_is_right(bytes)
}

/// The names that the bytes hold; none when another version wrote them, or they are damaged. Pictures that are gone are left
/// out.
pub(super) fn from_bytes(bytes: &[u8], index: &Index) -> Option<Vec<GroupName>> {
    let kept: Kept = serde_json::from_slice(bytes).ok()?;
    if kept.version != VERSION || !sum_is_right(bytes) {
        return None;
    }
    let mut wanted: HashMap<&Path, Vec<Place>> = HashMap::new();
    for (path, _, place) in kept.groups.iter().flat_map(|group| group.rows(index.kind())) {
        wanted.entry(path).or_default().extend(place);
    }
    let (mut ids, mut numbers) = (HashMap::new(), HashMap::new());
    for entry in index.iter() {
        let path = entry.relative();
        let Some(places) = wanted.get(path) else { continue };
        ids.insert((path, entry.face_number().unwrap_or(1)), entry.id);
        if entry.is_first_of_picture() {
            let found = Place::find(places, entry.faces_of_picture());
            numbers.extend(found.into_iter().map(|(place, number)| ((path, place), number)));
        }
    }
    let id = |(path, number, place): (_, u32, Option<Place>)| -> Option<ImageId> {
        let number = place.map_or(Some(number), |place| numbers.get(&(path, place)).copied())?;
        ids.get(&(path, number)).copied()
    };
    let names = kept.groups.iter().map(|group| GroupName {
        name: group.name.clone(),
        size: group.size,
        typical: group.rows(index.kind()).filter_map(id).collect(),
    });
    Some(names.collect())
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
        assert!(are_whole(&bytes) && are_whole(newer) && are_ours(&bytes) && !are_ours(newer));
        assert!((0..bytes.len()).all(|end| !are_whole(&bytes[..end])));
    }

    #[test]
    fn no_flipped_bit_passes_for_a_name_and_files_without_a_checksum_are_read() {
        let index = faces(&[("a.png", 0.5), ("b.png", 0.2)]);
        let names = [GroupName { name: "Ana".into(), size: 2, typical: vec![ImageId(0), ImageId(1)] }];
        let bytes = to_bytes(&names, &index);
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            match from_bytes(&flipped, &index) {
                Some(read) => assert_eq!(read, names, "bit {at}"),
                None => assert!(!are_whole(&flipped) && !are_ours(&flipped), "bit {at}"),
            }
        }
        // Tidied up by hand, or of before there was one.
        let older: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let tidied = older.to_string();
        assert!(are_ours(tidied.as_bytes()) && from_bytes(tidied.as_bytes(), &index).as_deref() == Some(&names[..]));
        let without = String::from_utf8(bytes).unwrap().replace(",\n  \"checksum\": ", ", \"other\": ");
        assert_eq!(from_bytes(without.as_bytes(), &index).as_deref(), Some(&names[..]));
    }

    /// An index of faces: their pictures, and where the middle of each is from the left.
    fn faces(rows: &[(&str, f32)]) -> Index {
        let image = |&(name, middle): &(&str, f32)| Image {
            file: ImageFile { path: Path::new("/p").join(name), size: 1, modified: 0, changed: 0 },
            pixels: (100, 100),
            format: "PNG",
            face: Some(Face { area: [middle - 0.1, 0.4, middle + 0.1, 0.6], points: [[0.0; 2]; 5], score: 1.0 }),
        };
        let rows_of_one: Vec<_> = rows.iter().map(|_| vec![1.0]).collect();
        let mut index = Index::of(RowKind::Face, 1);
        index.push(Arc::new(Segment::pack(Path::new("/p").into(), rows.iter().map(image), &rows_of_one, 1)));
        index
    }

    #[test]
    fn faces_of_one_picture_are_told_apart() {
        let index = faces(&[("a #2.png", 0.5), ("b.png", 0.2), ("b.png", 0.8)]);
        let names = [GroupName { name: "Ana".into(), size: 3, typical: vec![ImageId(2), ImageId(0), ImageId(1)] }];
        let bytes = to_bytes(&names, &index);
        assert!(String::from_utf8_lossy(&bytes).contains("b.png #2"));
        assert_eq!(from_bytes(&bytes, &index).as_deref(), Some(&names[..]));
    }

    #[test]
    fn a_face_is_found_again_where_it_is_counted_otherwise_and_by_its_number_in_an_older_file() {
        let before = faces(&[("b.png", 0.2), ("b.png", 0.8)]);
        let names = [
            GroupName { name: "Ana".into(), size: 1, typical: vec![ImageId(1)] },
            GroupName { name: "Ben".into(), size: 1, typical: vec![ImageId(0)] },
        ];
        let bytes = to_bytes(&names, &before);
        // Another face is found, and the one at the right comes first now; the one at the left is gone.
        let after = faces(&[("b.png", 0.81), ("b.png", 0.5)]);
        let read = from_bytes(&bytes, &after).expect("names");
        assert_eq!((&*read[0].typical, &*read[1].typical), (&[ImageId(0)][..], &[][..]));
        let older = String::from_utf8_lossy(&bytes).replace("\"places\"", "\"other\"").replace("checksum", "another");
        let read = from_bytes(older.as_bytes(), &after).expect("names");
        assert_eq!((&*read[0].typical, &*read[1].typical), (&[ImageId(1)][..], &[ImageId(0)][..]));
    }
}
