//! Tests of label files.

use std::sync::Arc;

use super::*;
use crate::{
    face::Face,
    index::{Image, ImageId, RowKind, Segment},
    scan::ImageFile,
};

/// Pictures in a folder that is there, and the file's text in it.
struct Case {
    folder: tempfile::TempDir,
    index: Index,
}

impl Case {
    fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let image = |name: &&str| Image {
            file: ImageFile { path: root.join(name), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
            face: None,
        };
        let mut index = Index::new(1);
        let rows = vec![vec![1.0]; names.len()];
        index.push(Arc::new(Segment::pack(Arc::from(root.as_path()), names.iter().map(image), &rows, 1)));
        Self { folder, index }
    }

    fn read(&self, bytes: &[u8]) -> Result<LabelTable> {
        let file = self.folder.path().join("labels.csv");
        fs::write(&file, bytes).unwrap();
        LabelTable::read(&file, &[fs::canonicalize(self.folder.path()).unwrap()])
    }

    #[track_caller]
    fn check(&self, bytes: &[u8], expected: &[Option<&str>]) {
        let table = self.read(bytes).unwrap();
        let found: Vec<_> = self.index.iter().map(|entry| table.get(&entry).map(shown)).collect();
        assert_eq!(found, expected.iter().map(|label| label.map(str::to_owned)).collect::<Vec<_>>());
    }
}

#[test]
fn any_encoding_line_end_and_delimiter_is_read() {
    let case = Case::new(&["a.png", "b/ü.png", "c.png"]);
    let expected = [Some("cat"), Some("dög"), None];
    case.check("path,label\na.png,cat\nb/ü.png,dög\n".as_bytes(), &expected);
    case.check("\u{feff}Label;Path\r\ncat;./a.png\r\ndög;b/ü.png\r\n\r\n;c.png\r\n".as_bytes(), &expected);
    case.check("path\tsplit\tlabel\ra.png\ttrain\tcat\rb/ü.png\ttest\tdög\r".as_bytes(), &expected);
    let text = "path,label\n\"a.png\",\"cat\"\nb/ü.png,dög";
    let utf_16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
    };
    case.check(&utf_16(u16::to_le_bytes), &expected);
    case.check(&utf_16(u16::to_be_bytes), &expected);
    let whole = fs::canonicalize(case.folder.path()).unwrap();
    let whole = whole.display();
    case.check(
        format!("path,label\n{whole}/a.png,cat\n{whole}/b/../b/ü.png,x\n").as_bytes(),
        &[Some("cat"), None, None],
    );
}

#[test]
fn what_makes_no_sense_is_said_with_its_line() {
    let case = Case::new(&["a.png"]);
    for (text, expected) in [
        (&b""[..], "it has no columns path and label"),
        (b"file,class\na.png,cat\n", "it has no columns path and label"),
        (b"path,label\na.png,cat\nb.png\n", "line 3 has too few fields"),
        (b"path,label\na.png,cat\nb.png,cat\na.png,dog\n", "line 4 says that a.png is dog, and line 2 that it is cat"),
        (b"path,label\n\0\0\0\n", "it is no text"),
    ] {
        let sentence = case.read(text).unwrap_err().to_string();
        assert!(sentence.contains(expected) && sentence.contains("labels.csv"), "{sentence}");
        assert!(!sentence.contains('\n'));
    }
    // Said twice is said once.
    case.check(b"path,label\na.png,cat\n./a.png,cat\n", &[Some("cat")]);
    assert!(LabelTable::read(&case.folder.path().join("none.csv"), &[]).unwrap_err().to_string().contains("none.csv"));
}

#[test]
fn lines_that_name_no_picture_are_counted() {
    let case = Case::new(&["a.png"]);
    assert_eq!(case.read(b"path,label\na.png,cat\n").unwrap().unknown(&case.index), None);
    let sentence =
        case.read(b"path,label\na.png,cat\nno.png,cat\n\xff.png,cat\n").unwrap().unknown(&case.index).unwrap();
    assert!(
        sentence
            .ends_with("line 3: there is no indexed picture no.png, nor for 1 other line; the file is not in UTF-8")
    );
}

#[test]
fn corrections_come_back_and_the_older_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = kept_file(folder.path(), &["/my pictures".into()]);
    assert!(read_kept(&file).unwrap().is_empty());
    let mut table = LabelTable::default();
    let odd = PathBuf::from(std::ffi::OsStr::from_bytes(b"/p/\xff, \"a\"\n.png"));
    table.set(LabelKey::picture(odd.clone()), b"caf\xe9");
    table.set(LabelKey::picture("/p/b.png".into()), b"one");
    write(&file, table.iter(), true).unwrap();
    table.set(LabelKey::picture("/p/b.png".into()), b"two");
    write(&file, table.iter(), true).unwrap();
    let read = read_kept(&file).unwrap();
    let of = |table: &LabelTable, path: &Path| {
        table.iter().find(|(key, _)| **key == LabelKey::picture(path.into())).map(|(_, label)| label.to_vec())
    };
    let b = Path::new("/p/b.png");
    assert_eq!((read.len(), of(&read, &odd), of(&read, b)), (2, Some(b"caf\xe9".to_vec()), Some(b"two".to_vec())));
    let older = read_kept(&file.with_extension("older.csv")).unwrap();
    assert_eq!(of(&older, b), Some(b"one".to_vec()));
    assert_ne!(file, kept_file(folder.path(), &["/other/my pictures".into()]));
}

#[test]
fn labels_of_one_name_are_one_and_stand_in_order() {
    let case = Case::new(&["zebra/a", "ant/a", "b", "zebra/c"]);
    let labels = crate::index::labels::Labels::named(&case.index, |entry| entry.group_bytes());
    assert_eq!((labels.len(), labels.name(0), labels.name(1)), (2, "ant", "zebra"));
    assert_eq!([0, 1, 2, 3].map(|id| labels.of(ImageId(id))), [Some(1), Some(0), None, Some(1)]);
}

#[test]
fn a_picture_that_is_a_link_keeps_its_own_label() {
    let case = Case::new(&["real.png", "link.png"]);
    let root = fs::canonicalize(case.folder.path()).unwrap();
    fs::write(root.join("real.png"), "picture").unwrap();
    std::os::unix::fs::symlink(root.join("real.png"), root.join("link.png")).unwrap();
    let label =
        |table: &LabelTable| -> Vec<_> { case.index.iter().map(|entry| table.get(&entry).map(shown)).collect() };
    // A correction is kept under the path that a picture is known by, and speaks of no other.
    let kept = root.join("kept.csv");
    let mut table = LabelTable::default();
    table.set(LabelKey::picture(root.join("link.png")), b"cat");
    write(&kept, table.iter(), false).unwrap();
    assert_eq!(label(&read_kept(&kept).unwrap()), [None, Some("cat".to_owned())]);
    let root = root.display();
    case.check(
        format!("path,label\n{root}/link.png,cat\n{root}/real.png,dog\n").as_bytes(),
        &[Some("dog"), Some("cat")],
    );
    // A path by another way leads to the picture that is known.
    let way = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(case.folder.path(), way.path().join("way")).unwrap();
    let way = way.path().join("way");
    case.check(format!("path,label\n{}/real.png,cat\n", way.display()).as_bytes(), &[Some("cat"), None]);
}

#[test]
fn what_is_written_is_read_again_byte_for_byte() {
    let case = Case::new(&["a, \"b\".png"]);
    let path = fs::canonicalize(case.folder.path()).unwrap().join("a, \"b\".png");
    let written = to_csv([(&LabelKey::picture(path), &b"caf\xe9, \n\"x\""[..])].into_iter()).unwrap();
    let table = case.read(&written).unwrap();
    let entry = case.index.iter().next().unwrap();
    assert_eq!(table.get(&entry), Some(&b"caf\xe9, \n\"x\""[..]));
}

/// Areas of faces.
const LEFT: [f32; 4] = [0.1, 0.1, 0.3, 0.4];
const RIGHT: [f32; 4] = [0.6, 0.1, 0.8, 0.4];
const BELOW: [f32; 4] = [0.6, 0.5, 0.8, 0.8];

/// An index of faces in pictures of a folder.
fn of_faces(root: &Path, faces: &[(&str, [f32; 4])]) -> Index {
    let image = |(name, area): &(&str, [f32; 4])| Image {
        file: ImageFile { path: root.join(name), size: 1, modified: 0, changed: 0 },
        pixels: (1, 1),
        format: "PNG",
        face: Some(Face { area: *area, points: [[0.0; 2]; 5], score: 1.0 }),
    };
    let mut index = Index::of(RowKind::Face, 1);
    index.push(Arc::new(Segment::pack(root.into(), faces.iter().map(image), &vec![vec![1.0]; faces.len()], 1)));
    index
}

/// The labels of an index's faces, which were kept and read again.
fn kept_labels(table: &LabelTable, index: &Index) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.csv");
    write(&file, table.iter(), false).unwrap();
    let read = read_kept(&file).unwrap();
    assert!(read.iter().eq(table.iter()));
    index.iter().map(|entry| read.own(&entry).map(shown).unwrap_or_default()).collect()
}

/// A face somewhere near.
fn near(area: [f32; 4], by: f32) -> [f32; 4] {
    area.map(|end| end + by)
}

#[test]
fn a_corrected_face_is_found_by_its_place_whichever_number_it_has() {
    let root = Path::new("/p");
    let before = of_faces(root, &[("a.png", LEFT), ("a.png", RIGHT), ("b.png", LEFT)]);
    let mut table = LabelTable::default();
    for (entry, name) in before.iter().zip(["ana", "ben", "eve"]) {
        table.correct(&entry, Some(name.as_bytes()));
    }
    assert_eq!(kept_labels(&table, &before), ["ana", "ben", "eve"]);
    // The picture was edited: now the right face is the larger one, and there is a third one.
    let faces = [("a.png", near(RIGHT, 0.02)), ("a.png", near(LEFT, -0.02)), ("a.png", BELOW), ("b.png", LEFT)];
    let after = of_faces(root, &faces);
    assert_eq!(kept_labels(&table, &after), ["ben", "ana", "", "eve"]);
    // A face that is not there any more keeps its label for when it comes back, and nobody else gets it.
    let gone = of_faces(root, &[("a.png", near(RIGHT, 0.01))]);
    assert_eq!(kept_labels(&table, &gone), ["ben"]);
    table.correct(&gone.iter().next().unwrap(), Some(b"dan"));
    assert_eq!(kept_labels(&table, &after), ["dan", "ana", "", "eve"]);
    table.correct(&after.iter().nth(1).unwrap(), None);
    assert_eq!((kept_labels(&table, &after), table.len()), (["dan", "", "", "eve"].map(str::to_owned).to_vec(), 2));
}

#[test]
fn of_two_faces_close_together_each_keeps_its_own_label() {
    let root = Path::new("/p");
    let (one, other) = (LEFT, near(LEFT, 0.08));
    let mut table = LabelTable::default();
    for (entry, name) in of_faces(root, &[("a.png", one), ("a.png", other)]).iter().zip(["ana", "ben"]) {
        table.correct(&entry, Some(name.as_bytes()));
    }
    let faces = [("a.png", near(other, 0.03)), ("a.png", near(one, 0.03))];
    assert_eq!(kept_labels(&table, &of_faces(root, &faces)), ["ben", "ana"]);
    // Either place would do for the one that stayed.
    assert_eq!(kept_labels(&table, &of_faces(root, &faces[..1])), ["ben"]);
    assert_eq!(kept_labels(&table, &of_faces(root, &faces[1..])), ["ana"]);
}

#[test]
fn corrections_that_were_kept_by_number_are_read_and_from_the_next_one_on_kept_by_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.csv");
    fs::write(&file, "path,face,label\n/p/a.png,1,ana\n/p/a.png,2,ben\n/p/a.png,4,gone\n/p/a.png,,party\n").unwrap();
    let mut table = read_kept(&file).unwrap();
    let before = of_faces(Path::new("/p"), &[("a.png", LEFT), ("a.png", RIGHT), ("a.png", BELOW)]);
    assert_eq!(kept_labels(&table, &before), ["ana", "ben", ""]);
    table.correct(&before.iter().nth(2).unwrap(), Some(b"eve"));
    assert_eq!(table.len(), 5);
    let after = of_faces(Path::new("/p"), &[("a.png", BELOW), ("a.png", RIGHT), ("a.png", LEFT)]);
    assert_eq!(kept_labels(&table, &after), ["eve", "ben", "ana"]);
}

#[test]
fn a_face_has_its_own_label_or_else_its_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    let index = of_faces(&root, &[("ana/a.png", LEFT), ("ana/a.png", RIGHT), ("ana/a.png", BELOW), ("b.png", LEFT)]);
    let file = folder.path().join("labels.csv");
    let read = |text: &str| {
        fs::write(&file, text).unwrap();
        LabelTable::read(&file, std::slice::from_ref(&root))
    };
    let table = read("path,face,label\nana/a.png,2,ben\nana/a.png,3, eve\nana/a.png,,party\n").unwrap();
    let source = LabelSource { given: None, corrected: Arc::new(table.clone()) };
    let labels: Vec<_> = index.iter().map(|entry| shown(source.of(&entry))).collect();
    assert_eq!(labels, ["party", "ben", "eve", ""]);
    assert_eq!(table.unknown(&index), None);
    // Written and read again they are the same, and so are those of pictures beside them.
    let rows: Vec<_> = index.iter().map(|entry| LabelKey::of(&entry)).zip(labels).take(3).collect();
    write(&file, rows.iter().map(|(key, label)| (key, label.as_bytes())), false).unwrap();
    let again = LabelTable::read(&file, &[]).unwrap();
    assert!(again.iter().eq(rows.iter().map(|(key, label)| (key, label.as_bytes()))));
    let unknown = read("path,label,face\nana/a.png,ben,4\nb.png,eve,1\n").unwrap().unknown(&index).unwrap();
    assert!(unknown.ends_with("line 2: there is no indexed picture ana/a.png with a face 4"), "{unknown}");
    let unknown = read("path,place,label\nb.png,0.7 0.2 0.1 0.1,eve\n").unwrap().unknown(&index).unwrap();
    assert!(unknown.ends_with("line 2: there is no indexed picture b.png with a face at that place"), "{unknown}");
    for place in ["1", "a b c d"] {
        let sentence =
            read(&format!("path,place,label\nb.png,{place},eve\na.png,0.1 0.1 0.2 0.2,ana\n")).unwrap_err().to_string();
        assert!(sentence.contains("line 2: place must be four numbers"), "{sentence}");
        let own = read(&format!("path,place,label\nb.png,{place},eve\n")).unwrap();
        assert!(own.iter().all(|(key, _)| key.place.is_none()), "{place} is somebody's own");
    }
    for face in ["0", "-1", "two", "1.5"] {
        let sentence = read(&format!("path,face,label\nb.png,{face},eve\na.png,1,ana\n")).unwrap_err().to_string();
        assert!(sentence.contains("line 2: face must be a number"), "{sentence}");
        // Without any number of a face, or beside columns that are none of ours, it is somebody's own column.
        for text in ["path,face,label\nb.png,FACE,eve\n", "path,face,label,by\nb.png,FACE,eve,me\na.png,1,ana,me\n"] {
            let table = read(&text.replace("FACE", face)).unwrap();
            assert!(table.iter().all(|(key, _)| key.face.is_none()), "{face}");
            assert_eq!(index.iter().last().and_then(|entry| table.get(&entry).map(shown)), Some("eve".to_owned()));
        }
    }
    let twice = read("path,face,label\nb.png,1,eve\nb.png,1,ana\nb.png,2,ana\n").unwrap_err().to_string();
    assert!(twice.contains("line 3 says that b.png is ana, and line 2 that it is eve"), "{twice}");
}

#[test]
fn what_was_kept_before_stays_where_new_labels_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("labels.csv");
    let key = LabelKey::picture("/p/a.png".into());
    let keep = |label: &[u8]| write(&file, [(&key, label)].into_iter(), true);
    let kept = || ["labels.csv", "labels.older.csv"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
    keep(b"ana").unwrap();
    keep(b"ben").unwrap();
    let before = kept();
    // Something lies where the new file would be written, which is as good as a full disk; then where the older one would.
    for (name, left) in [("labels.csv", 3), ("labels.older.csv", 3)] {
        let in_the_way = files::part_of(&folder.path().join(name));
        fs::create_dir(&in_the_way).unwrap();
        let sentence = keep(b"eve").unwrap_err().to_string();
        assert!(sentence.contains("labels.csv"), "{sentence}");
        assert_eq!((kept(), fs::read_dir(folder.path()).unwrap().count()), (before.clone(), left));
        fs::remove_dir(in_the_way).unwrap();
    }
    keep(b"eve").unwrap();
    assert!(kept()[0].contains("eve") && kept()[1] == before[0]);
}
