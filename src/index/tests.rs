//! What an index promises whatever happens to it.

use std::{collections::BTreeMap, ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use proptest::prelude::*;

use super::*;

const DIM: usize = 3;

fn image(name: u32) -> Image {
    let file = ImageFile { path: format!("/r/{name}").into(), size: 0, modified: 0, changed: 0 };
    Image { file, pixels: (1, 1), format: "PNG", face: None }
}

fn segment(names: std::ops::Range<u32>) -> Segment {
    let embeddings: Vec<_> = names.clone().map(|name| vec![name as f32; DIM]).collect();
    Segment::pack(Path::new("/r").into(), names.map(image), &embeddings, DIM)
}

#[derive(Debug, Clone)]
enum Step {
    Push(u32),
    Remove(u32),
    Restore(u32),
    Join,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..5_u32).prop_map(Step::Push),
        (0..40_u32).prop_map(Step::Remove),
        (0..40_u32).prop_map(Step::Restore),
        Just(Step::Join),
    ];
    prop::collection::vec(step, 0..30)
}

proptest! {
    /// Whatever happens to an index, it stays what a plain table of id and name would be.
    #[test]
    fn ids_are_stable_through_every_change(steps in steps()) {
        let mut index = Index::new(DIM);
        let mut model: BTreeMap<u32, bool> = BTreeMap::new();
        let mut pushed: Vec<u32> = Vec::new();
        for step in steps {
            let next = model.len() as u32;
            match step {
                Step::Push(len) => {
                    prop_assert!(index.push(Arc::new(segment(next..next + len))));
                    model.extend((next..next + len).map(|id| (id, true)));
                    pushed.push(len);
                }
                Step::Remove(id) => {
                    index.remove(ImageId(id));
                    model.entry(id).and_modify(|live| *live = false);
                }
                Step::Restore(id) => {
                    index.restore(ImageId(id));
                    model.entry(id).and_modify(|live| *live = true);
                }
                Step::Join if pushed.len() >= 2 => {
                    let len = pushed.pop().unwrap() + pushed.pop().unwrap();
                    let joined = index.join_tail(Arc::new(segment(next - len..next)));
                    prop_assert!(joined);
                    pushed.push(len);
                }
                Step::Join => {}
            }
            let live: Vec<u32> = model.iter().filter(|(_, live)| **live).map(|(id, _)| *id).collect();
            prop_assert_eq!(index.iter().map(|entry| entry.id.0).collect::<Vec<_>>(), live.clone());
            prop_assert_eq!(index.len(), live.len());
            prop_assert_eq!(index.id_bound(), model.len());
            for (id, live) in &model {
                let entry = index.get(ImageId(*id));
                prop_assert_eq!(entry.is_some(), *live);
                if let Some(entry) = entry {
                    let name = id.to_string();
                    prop_assert_eq!(entry.relative().to_str(), Some(name.as_str()));
                    prop_assert_eq!(entry.embedding(), vec![*id as f32; DIM]);
                }
            }
        }
    }

    /// Storage as half floats keeps every value to 11 bits and cosines to 1e-4, whatever the scale.
    #[test]
    fn storage_keeps_embeddings_of_every_magnitude(
        values in prop::collection::vec(-1.0_f32..1.0, 8),
        exponent in -20_i32..30,
    ) {
        let embedding: Vec<f32> = values.iter().map(|value| value * (exponent as f32).exp2()).collect();
        let segment = Segment::pack(Path::new("/").into(), [image(0)], std::slice::from_ref(&embedding), 8);
        let mut index = Index::new(8);
        index.push(Arc::new(segment));
        let entry = index.get(ImageId(0)).unwrap();
        let largest = embedding.iter().fold(0_f32, |most, value| most.max(value.abs()));
        for (stored, given) in entry.embedding().iter().zip(&embedding) {
            prop_assert!((stored - given).abs() <= largest / 1024.0, "{} {}", stored, given);
        }
        prop_assert!((entry.norm - norm(entry.row, entry.scale)).abs() <= 1e-6 * entry.norm);
    }
}

#[test]
fn segments_that_do_not_fit_are_refused() {
    let mut index = Index::new(DIM + 1);
    assert!(!index.push(Arc::new(segment(0..2))));
    assert_eq!((index.len(), index.id_bound()), (0, 0));
    let mut short = segment(0..2);
    short.norms.pop();
    assert!(!Index::new(DIM).push(Arc::new(short)));
}

#[test]
fn dead_rows_keep_their_place_and_can_come_back() {
    let mut index = Index::new(DIM);
    index.push(Arc::new(Segment { dead: vec![0, 2], ..segment(0..3) }));
    let ids = |index: &Index| index.iter().map(|entry| entry.id.0).collect::<Vec<_>>();
    assert_eq!((ids(&index), index.len()), (vec![1], 1));
    index.restore(ImageId(2));
    index.restore(ImageId(2));
    index.restore(ImageId(9));
    assert_eq!((ids(&index), index.len()), (vec![1, 2], 2));
}

#[test]
fn a_snapshot_does_not_see_later_changes() {
    let mut index = Index::new(DIM);
    index.push(Arc::new(segment(0..3)));
    let snapshot = index.clone();
    index.remove(ImageId(0));
    index.push(Arc::new(segment(3..4)));
    assert_eq!((snapshot.len(), snapshot.contains(ImageId(0)), snapshot.id_bound()), (3, true, 3));
}

#[test]
fn groups_are_the_first_folders_below_the_root() {
    let mut index = Index::new(DIM);
    let images = [&b"/r/cats/1.jpg"[..], b"/r/2.jpg", b"/r/dogs/big/3.jpg", b"/r/caf\xe9/4.jpg"].map(|path| {
        let mut image = image(0);
        image.file.path = OsStr::from_bytes(path).into();
        image
    });
    index.push(Arc::new(Segment::pack(Path::new("/r").into(), images, &vec![vec![1.0; DIM]; 4], DIM)));
    let groups: Vec<_> = index.iter().map(|entry| entry.group_bytes()).collect();
    assert_eq!(groups, [&b"cats"[..], b"", b"dogs", b"caf\xe9"]);
}

/// Faces of pictures: the name of each, and how many it has.
fn segment_of_faces(pictures: &[(u32, usize)]) -> Segment {
    let face = Some(Face { area: [0.25, 0.5, 0.75, 1.5], points: [[0.5; 2]; 5], score: 0.9 });
    let images: Vec<_> = pictures
        .iter()
        .flat_map(|(name, faces)| (0..*faces).map(|_| Image { pixels: (100, 50), face, ..image(*name) }))
        .collect();
    let embeddings: Vec<_> = (0..images.len()).map(|row| vec![row as f32; DIM]).collect();
    Segment::pack(Path::new("/r").into(), images, &embeddings, DIM)
}

#[test]
fn faces_are_counted_named_and_taken_together_by_picture() {
    let mut index = Index::of(RowKind::Face, DIM);
    index.push(Arc::new(segment_of_faces(&[(7, 3), (8, 1), (9, 2)])));
    // A newer version of a picture may stand right behind the old one.
    index.push(Arc::new(segment_of_faces(&[(9, 2), (7, 1)])));
    let names: Vec<_> = index.iter().map(|entry| entry.name()).collect();
    assert_eq!(names, ["7", "7 #2", "7 #3", "8", "9", "9 #2", "9", "9 #2", "7"]);
    assert_eq!((index.len(), index.pictures(), &*index.counted()), (9, 5, "9 faces"));
    let together = |id: u32| index.of_one_picture(ImageId(id)).map(|id| id.0).collect::<Vec<_>>();
    for (id, all) in [(0, 0..3), (2, 0..3), (3, 3..4), (4, 4..6), (5, 4..6), (6, 6..8), (7, 6..8), (8, 8..9)] {
        assert_eq!(together(id), all.collect::<Vec<_>>(), "{id}");
    }
    assert!(together(9).is_empty());
    for id in index.of_one_picture(ImageId(1)) {
        index.remove(id);
    }
    assert_eq!((index.len(), index.pictures()), (6, 4));
    index.restore(ImageId(0));
    assert_eq!((index.len(), index.pictures()), (7, 5));
    let entry = index.get(ImageId(5)).unwrap();
    assert_eq!((entry.face_number(), entry.face().map(|face| face.score)), (Some(2), Some(0.9)));
    // A part of it names its rows as it does, though other faces of the picture are not there.
    let part = index.part(&[ImageId(5), ImageId(0), ImageId(7)]);
    assert_eq!(part.iter().map(|entry| entry.name()).collect::<Vec<_>>(), ["9 #2", "7", "9 #2"]);
    assert_eq!(part.of_one_picture(ImageId(1)).collect::<Vec<_>>(), [ImageId(1)]);
    assert_eq!((part.kind(), part.pictures()), (RowKind::Face, 1));
}

#[test]
fn what_stands_for_pictures_has_no_face_and_needs_no_place_for_one() {
    let segment = segment(0..3);
    assert!(segment.images.faces.is_empty());
    let mut index = Index::new(DIM);
    index.push(Arc::new(segment));
    assert_eq!((index.pictures(), &*index.counted()), (3, "3 pictures"));
    let entry = index.get(ImageId(2)).unwrap();
    assert_eq!((entry.face(), entry.face_number(), entry.mark()), (None, None, String::new()));
    assert_eq!(index.of_one_picture(ImageId(2)).collect::<Vec<_>>(), [ImageId(2)]);
}
