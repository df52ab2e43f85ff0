//! What the worker shows of pictures that are no rows, of two that differ, and which row a typed path is.

use std::{fs, os::unix::fs::symlink, path::Path, sync::Arc};

use image::{Rgb, RgbImage};
use lookalike::{
    analysis::explanation::Shares,
    display::ColorMap,
    face::Face,
    index::{ImageId, Index},
    preview::{Preview, PreviewKey, Subject, frames::Framing},
    task::{Job, JobId, Outcome},
    worker::drawn,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Color};

use crate::worker::{ended, folder, indexed, request, worker};

/// The colors of a picture of characters.
fn colors(preview: &Preview) -> Vec<[u8; 3]> {
    let (width, height) = preview.size();
    let mut cells = Buffer::empty(Rect::new(0, 0, width, height));
    preview.render(cells.area, &mut cells);
    let rgb = |color| if let Color::Rgb(red, green, blue) = color { Some([red, green, blue]) } else { None };
    cells.content.iter().flat_map(|cell| [rgb(cell.fg), rgb(cell.bg)]).flatten().collect()
}

fn near(a: [u8; 3], b: [u8; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 30)
}

#[test]
fn a_file_that_is_no_row_is_shown_with_frames_around_its_faces() {
    let (folder, cache) = folder(0);
    let path = folder.path().join("party.png");
    RgbImage::from_pixel(80, 40, Rgb([250, 0, 0])).save(&path).unwrap();
    let (mut worker, answers) = worker(request(folder.path(), cache.path()));
    let mut shown = |path: &Path, framing: Framing| {
        let subject = Subject::File(path.into(), framing);
        let wanted = vec![PreviewKey { subject, width: 40, height: 10, whole: false, fleeting: false }];
        worker.start(JobId(1), Job::Previews { index: Arc::default(), wanted });
        let Outcome::Previewed(_, preview) = ended(&answers, 1, |_| {}) else { panic!("no preview") };
        preview
    };
    let plain = shown(&path, Framing::default());
    assert_eq!(plain.size(), (40, 10));
    assert!(colors(&plain).iter().all(|color| near(*color, [250, 0, 0])));
    let face = Face { area: [0.2, 0.2, 0.6, 0.8], points: [[0.5; 2]; 5], score: 1.0 };
    let framed = shown(&path, Framing { faces: vec![face], meant: Some(0) });
    assert!(colors(&framed).iter().any(|color| near(*color, [255, 214, 0])), "a yellow frame");
    let gone = shown(&folder.path().join("gone.png"), Framing::default());
    assert!(gone.reason().is_some(), "a file that is gone has a reason in its place");
}

#[test]
fn where_two_pictures_differ_is_a_picture_and_a_number() {
    let (folder, cache) = folder(0);
    let save = |name: &str, picture: &RgbImage| picture.save(folder.path().join(name)).unwrap();
    let before = RgbImage::from_pixel(40, 20, Rgb([100; 3]));
    let mut after = before.clone();
    for (x, y) in (20..40).flat_map(|x| (0..20).map(move |y| (x, y))) {
        after.put_pixel(x, y, Rgb([151; 3]));
    }
    save("a.png", &before);
    save("b.png", &after);
    let (mut worker, answers) = worker(request(folder.path(), cache.path()));
    worker.start(JobId(1), Job::Index);
    let index = indexed(ended(&answers, 1, |_| {})).index;
    let id = |name: &str| index.find(&folder.path().canonicalize().unwrap().join(name)).expect("it is indexed");
    let mut differing = |pair: [ImageId; 2]| {
        let wanted = vec![PreviewKey {
            subject: Subject::Difference(pair),
            width: 40,
            height: 10,
            whole: false,
            fleeting: false,
        }];
        worker.start(JobId(2), Job::Previews { index: Arc::clone(&index), wanted });
        let Outcome::Previewed(_, preview) = ended(&answers, 2, |_| {}) else { panic!("no preview") };
        preview
    };
    let preview = differing([id("a.png"), id("b.png")]);
    let found = preview.difference().expect("both can be read");
    assert!((found.mean - 0.1).abs() < 1e-6 && (found.bright_end - 0.2).abs() < 1e-6, "a fifth, in half of it");
    let colors = colors(&preview);
    let has = |end: [u8; 3]| colors.iter().any(|color| near(*color, end));
    assert!(has([68, 1, 84]) && has([253, 231, 37]), "from one end of viridis to the other");
    let same = differing([id("a.png"), id("a.png")]);
    assert_eq!(same.difference().expect("it can be read").mean, 0.0);
    fs::remove_file(folder.path().join("b.png")).unwrap();
    // What was decoded before is still known; a picture that is not there has a reason.
    assert!(differing([id("a.png"), ImageId(77)]).reason().is_some());
}

#[test]
fn a_path_finds_its_row_however_it_is_written() {
    let (folder, cache) = folder(2);
    let root = folder.path().canonicalize().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(root.join("sub")).unwrap();
    symlink(root.join("0001.png"), root.join("sub/linked.png")).unwrap();
    symlink(&root, elsewhere.path().join("folder")).unwrap();
    symlink(root.join("0000.png"), elsewhere.path().join("other name.png")).unwrap();
    fs::copy(root.join("0000.png"), elsewhere.path().join("copy.png")).unwrap();
    let (mut worker, answers) = worker(request(&root, cache.path()));
    worker.start(JobId(1), Job::Index);
    let index: Arc<Index> = indexed(ended(&answers, 1, |_| {})).index;
    let first = index.find(&root.join("0000.png")).expect("it is indexed");
    // From the folder that the tests run in.
    let here = std::env::current_dir().unwrap();
    let up: String = here.components().skip(1).map(|_| "../").collect();
    let relative = format!("./{up}{}", root.join("0000.png").display().to_string().trim_start_matches('/'));
    let in_elsewhere = |name: &str| elsewhere.path().join(name);
    let mut ask = |path: &Path| {
        worker.start(JobId(2), Job::Ask { index: Arc::clone(&index), path: path.to_owned() });
        ended(&answers, 2, |_| {})
    };
    for path in [
        root.join("0000.png"),
        root.join("sub/../0000.png"),
        root.join("./0000.png"),
        relative.into(),
        in_elsewhere("folder/0000.png"),
        in_elsewhere("folder/sub/.././0000.png"),
        in_elsewhere("other name.png"),
    ] {
        let Outcome::IsRow(row) = ask(&path) else { panic!("{} is indexed", path.display()) };
        assert_eq!(row, first, "{}", path.display());
    }
    let Outcome::Embedded(outside) = ask(&in_elsewhere("copy.png")) else { panic!("a copy is another file") };
    assert_eq!((outside.embeddings.len(), outside.faces.len()), (1, 0));
    let Outcome::Failed(reason) = ask(&in_elsewhere("nothing.png")) else { panic!("there is no such file") };
    assert!(reason.contains("nothing.png"), "{reason}");
}

#[test]
fn why_two_are_alike_is_drawn_in_the_colors_that_the_user_chose() {
    let (folder, _cache) = folder(0);
    let path = folder.path().join("gray.png");
    RgbImage::from_pixel(40, 20, Rgb([120; 3])).save(&path).unwrap();
    let shares = Shares { grid: [1, 2], values: vec![0.2, 0.8] };
    let grays = |map| {
        let picture =
            drawn(&path, &shares, 0.8, map, |(width, height)| [0.0, 0.0, width.into(), height.into()]).unwrap();
        picture.pixels().filter(|Rgb([red, green, blue])| red == green && green == blue).count()
    };
    assert_eq!((grays(ColorMap::Gray), grays(ColorMap::Viridis)), (800, 0));
}
