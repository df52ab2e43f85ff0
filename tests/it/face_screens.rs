//! The explorer on faces: it calls them so, tells those of one picture apart, and never takes a face for a file.

use std::{path::Path, sync::Arc};

use lookalike::{
    app::{Over, Setup, previews::Slot},
    display::Depth,
    face::Face,
    index::{Image, ImageId, Index, RowKind, Segment, Skipped, SkippedKind},
    preview::PreviewKey,
    scan::{ImageFile, NO_FACE},
    task::{Job, Portrait},
};

use crate::explorer::{Explorer, ROOT, setup, styled};

/// Pictures and how many faces each has.
const ALBUM: [(&str, usize); 6] =
    [("ana/1.jpg", 1), ("ana/2.jpg", 1), ("ben/1.jpg", 1), ("ben/2.jpg", 2), ("party.jpg", 5), ("ben/3.jpg", 1)];

/// An index of the faces of some pictures. Faces of one number look alike.
fn faces(pictures: &[(&str, usize)]) -> Index {
    let image = |name: &str, at: usize, of: usize| {
        let left = (at as f32 + 0.2) / of as f32;
        let area = [left, 0.25, left + 0.5 / of as f32, 0.75];
        Image {
            file: ImageFile { path: Path::new(ROOT).join(name), size: 20_000, modified: 0, changed: 0 },
            pixels: (640, 480),
            format: "JPEG",
            face: Some(Face { area, points: [[0.5; 2]; 5], score: 0.998 }),
        }
    };
    let all: Vec<_> = pictures.iter().flat_map(|(name, of)| (0..*of).map(move |at| (*name, at, *of))).collect();
    let embedding = |row: usize, (name, at, _): &(&str, usize, usize)| {
        let person = if name.starts_with("ben") { 1 } else { *at };
        (0..8).map(|axis| if axis == person % 8 { 1.0 } else { (row * 5 + axis * 3) as f32 % 7.0 / 40.0 }).collect()
    };
    let embeddings: Vec<Vec<f32>> = all.iter().enumerate().map(|(row, face)| embedding(row, face)).collect();
    let images = all.iter().map(|(name, at, of)| image(name, *at, *of));
    let mut index = Index::of(RowKind::Face, 8);
    index.push(Arc::new(Segment::pack(Arc::from(Path::new(ROOT)), images, &embeddings, 8)));
    index
}

/// The explorer when the faces of these pictures, and pictures without a face, are indexed.
fn explorer(setup: Setup, pictures: &[(&str, usize)], faceless: usize) -> Explorer {
    let mut explorer = Explorer::started(setup);
    explorer.model(false);
    let path = |at| format!("{ROOT}/landscape {at}.jpg").into();
    let skipped = (0..faceless).map(|at| Skipped { path: path(at), kind: SkippedKind::NoFace, reason: NO_FACE.into() });
    explorer.indexed(Arc::new(faces(pictures)), skipped.collect());
    explorer.key("Esc");
    explorer
}

fn album() -> Explorer {
    let kept_labels = Some("/cache/labels/album.csv".into());
    explorer(Setup { kept_labels, ..setup(120, 40) }, &ALBUM, 2)
}

/// The words of a frame, a line each.
fn lines(explorer: &Explorer) -> Vec<String> {
    let frame = explorer.frame();
    let row = |y| (0..frame.area.width).map(|x| frame[(x, y)].symbol()).collect::<String>();
    (0..frame.area.height).map(row).collect()
}

fn id_of(explorer: &Explorer, name: &str) -> ImageId {
    explorer.app.shared.index.iter().find(|entry| entry.name() == name).expect("a row of this name").id
}

/// Every screen and what can lie on top, with the keys that lead there.
const VIEWS: [&str; 20] = [
    "1",
    "2",
    "3",
    "4 - - - -",
    "5",
    "6",
    "6 End",
    "7",
    "7 o",
    "7 o o",
    "8",
    "8 o",
    "8 o o",
    "9",
    "!",
    "v",
    "2 Enter",
    "3 l l Space Q",
    "/ a",
    "Space l Space N",
];

#[test]
fn what_is_counted_are_faces_and_pictures_only_where_they_are_meant() {
    let mut found = Vec::new();
    for keys in VIEWS {
        let mut explorer = album();
        explorer.keys(keys);
        let lines: Vec<_> = lines(&explorer).iter().map(|line| line.replace(ROOT, "")).collect();
        assert!(lines[1].contains("11 faces in 6 pictures"), "{}", lines[1]);
        let wrong: Vec<_> = lines[2..].iter().filter(|line| line.to_lowercase().contains("picture")).collect();
        match keys {
            // These say what they are for, or list pictures indeed.
            "9" => assert!(wrong[0].contains("Models are compared on whole pictures")),
            "!" => assert!(wrong[0].contains("2 pictures without a face; everything else"), "{wrong:?}"),
            _ => found.extend(wrong.into_iter().map(|line| format!("{keys}: {}", line.trim()))),
        }
        let hints = &lines[38];
        assert!(!["move away", "why", "mark copies"].iter().any(|hint| hints.contains(hint)), "{keys}: {hints}");
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn frames_of_faces_look_as_they_should() {
    for (name, keys) in [("browse", "G"), ("neighbors", "G 3"), ("large", "G v"), ("problems", "!")] {
        let mut explorer = explorer(setup(80, 24), &ALBUM, 2);
        explorer.keys(keys);
        insta::assert_snapshot!(format!("{name}_of_faces_80x24"), styled(&explorer.frame()));
    }
}

#[test]
fn no_face_few_faces_and_all_in_one_picture_are_ordinary() {
    let albums: [&[(&str, usize)]; 6] =
        [&[], &[("a.jpg", 1)], &[("a.jpg", 2)], &[("a.jpg", 1), ("b.jpg", 1)], &[("a.jpg", 3)], &[("party.jpg", 30)]];
    for album in albums {
        for size in [(40, 12), (80, 24), (1, 1)] {
            for keys in VIEWS {
                let mut explorer = explorer(Setup { depth: Depth::Mono, ..setup(size.0, size.1) }, album, 1);
                explorer.keys(keys);
                explorer.keys("Right Down End v Right Esc");
                explorer.frame();
            }
        }
    }
    let mut none = explorer(setup(80, 24), &[], 1);
    none.keys("1");
    assert!(lines(&none).join(" ").contains("There is no face in the pictures of /pictures."));
    // A group photo alone is a heatmap of its faces.
    let mut party = explorer(setup(80, 24), &[("party.jpg", 5)], 0);
    party.keys("2");
    assert!(lines(&party).iter().any(|line| line.contains("party #5")), "{:#?}", lines(&party));
}

#[test]
fn nothing_is_moved_away_because_of_a_face_and_no_region_is_asked_for() {
    let mut explorer = album();
    let message = |explorer: &Explorer| explorer.app.message.as_ref().map(|message| message.text.clone());
    explorer.keys("Space l Space d");
    assert!(message(&explorer).is_some_and(|said| said.contains("no reason for a picture to go")));
    explorer.keys("2 Right w");
    assert!(message(&explorer).is_some_and(|said| said.contains("of whole pictures, not of faces")));
    explorer.keys("4 A");
    assert!(message(&explorer).is_some_and(|said| said.contains("among whole pictures")));
    assert!(explorer.app.over.is_empty());
    assert!(explorer.effects.iter().all(|effect| !effect.starts_with("move")), "{:?}", explorer.effects);
}

#[test]
fn marked_faces_of_one_picture_are_one_path() {
    let mut explorer = album();
    for name in ["party.jpg", "party.jpg #2", "ben/1.jpg"] {
        let id = id_of(&explorer, name);
        explorer.app.shared.marks.toggle(id);
    }
    explorer.keys("e Enter");
    assert_eq!(explorer.effects, ["write 2 to marked.txt"]);
    assert_eq!(explorer.app.marked_paths(), ["/pictures/party.jpg", "/pictures/ben/1.jpg"].map(Path::new));
}

#[test]
fn a_corrected_label_is_that_of_one_face() {
    let mut explorer = album();
    let ids = ["party.jpg", "party.jpg #2", "party.jpg #3", "ana/1.jpg"].map(|name| id_of(&explorer, name));
    explorer.app.shared.correct(ids[1], Some(b"ben"));
    explorer.app.shared.correct(ids[2], Some(b"eve"));
    explorer.keys("1");
    let kept = "keep /pictures/party.jpg #2 ben, /pictures/party.jpg #3 eve in /cache/labels/album.csv";
    assert_eq!(explorer.effects, [kept]);
    let shared = &explorer.app.shared;
    let label = |id| shared.label_source.of(&shared.index.get(id).expect("it is there")).to_vec();
    // Where nothing was corrected, the folder is the label.
    assert_eq!(ids.map(label), [&b""[..], b"ben", b"eve", b"ana"].map(<[u8]>::to_vec));
    explorer.app.shared.correct(ids[1], None);
    assert_eq!(explorer.app.shared.correction(ids[1]), None);
}

#[test]
fn a_name_is_for_the_face_that_is_meant() {
    let mut explorer = album();
    for name in ["ana/1.jpg", "party.jpg #3"] {
        let id = id_of(&explorer, name);
        explorer.app.shared.marks.toggle(id);
    }
    explorer.hold();
    explorer.keys("N");
    assert!(lines(&explorer)[39].contains("for 2 faces"), "{}", lines(&explorer)[39]);
    explorer.keys("A n a Enter");
    let held = explorer.held.take().expect("held");
    let job = held.iter().find_map(|(_, job)| match job {
        Job::Enroll { portraits, name } => Some((portraits.clone(), name.clone())),
        _ => None,
    });
    let face = |name| *explorer.app.shared.index.get(id_of(&explorer, name)).expect("there").face().expect("a face");
    // The first shows nobody else, so that the picture itself says who is meant.
    let expected = [
        Portrait { path: "/pictures/ana/1.jpg".into(), face: None },
        Portrait { path: "/pictures/party.jpg".into(), face: Some((3, face("party.jpg #3"))) },
    ];
    assert_eq!(job, Some((expected.to_vec(), "Ana".to_owned())));
}

#[test]
fn the_large_view_asks_for_the_whole_picture_and_everything_else_for_the_face() {
    let mut explorer = album();
    let keys = |explorer: &Explorer| explorer.app.slots().iter().map(Slot::key).collect::<Vec<PreviewKey>>();
    assert!(keys(&explorer).iter().all(|key| !key.whole));
    let party = id_of(&explorer, "party.jpg #2");
    explorer.app.shared.select(party);
    explorer.keys("v");
    assert_eq!(explorer.app.over, [Over::Picture(party)]);
    assert_eq!(
        keys(&explorer).iter().map(|key| (&key.subject, key.whole)).collect::<Vec<_>>(),
        [(&party.into(), true)]
    );
    assert!(lines(&explorer)[37].contains("party.jpg #2  face 2 of 5 · score 0.998"), "{}", lines(&explorer)[37]);
    // The next one is the next face of the same picture.
    explorer.keys("Right");
    assert_eq!(explorer.app.over, [Over::Picture(id_of(&explorer, "party.jpg #3"))]);
}

#[test]
fn the_folder_of_an_example_keeps_its_name() {
    let explorer = Explorer::of(setup(120, 36), Index::of(RowKind::Face, 8));
    assert!(styled(&explorer.frame()).contains("lookalike ~/Pictures"), "{}", styled(&explorer.frame()));
}
