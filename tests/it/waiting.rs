//! Files that were found and are not indexed yet: their places in the grid, and what is said of them.

use std::{path::Path, sync::Arc};

use crate::explorer::{Explorer, collection, segment, setup, styled};
use lookalike::{
    app::{Setup, action::Screen},
    display::Depth,
    index::{
        Index, Skipped, SkippedKind,
        progress::{Progress, Report, Stage},
    },
    preview::{Preview, Subject, frames::Framing},
    task::{Job, Outcome},
};

#[test]
fn names_and_pictures_are_there_before_the_first_picture_is_indexed() {
    let mut explorer = Explorer::started(setup(120, 36));
    let files: [Arc<Path>; 2] =
        ["/pictures/birds/robin.jpg", "/pictures/cats/ginger.jpg"].map(|file| Path::new(file).into());
    explorer.hold();
    explorer.report(Report::Found(files.clone().into()));
    let frame = styled(&explorer.frame());
    for words in ["2 pictures found", "robin.jpg", "ginger.jpg"] {
        assert!(frame.contains(words), "{words}:\n{frame}");
    }
    let [(id, Job::Previews { wanted, .. })] = &explorer.held.take().unwrap()[..] else { panic!("pictures to show") };
    let subjects: Vec<_> = wanted.iter().map(|key| key.subject.clone()).collect();
    assert_eq!(subjects, files.map(|file| Subject::File(file, Framing::default())));
    explorer.tell(*id, Outcome::Previewed(wanted[1].clone(), Preview::failed("it is cut off")));
    let frame = styled(&explorer.frame());
    assert!(frame.contains("it is cut off"), "what becomes of it is shown in its place:\n{frame}");
    explorer.keys("Down v Space Enter");
    assert!(explorer.app.over.is_empty() && explorer.app.screen == Screen::Browse, "nothing to act on yet");
}

#[test]
fn what_is_not_indexed_yet_keeps_its_place_among_what_is() {
    let mut explorer = Explorer::started(Setup { depth: Depth::Mono, ..setup(80, 24) });
    // In the plain order of bytes, as they are found: 10 before 9.
    let names = ["birds/bird0", "birds/bird3", "cats/cat1", "cats/cat10", "cats/cat4", "dogs/dog2"];
    let files: Vec<Arc<Path>> = names.map(|name| Path::new(&format!("/pictures/{name}.jpg")).into()).into();
    explorer.report(Report::Found(files.into()));
    let shown = |explorer: &Explorer| -> Vec<String> {
        let browse = &explorer.app.screens.browse;
        let name = |subject| match subject {
            Subject::Row(id) => explorer.name(Some(id)),
            Subject::File(path, _) => format!("○ {}", path.strip_prefix("/pictures").unwrap().display()),
            Subject::Difference(_) => unreachable!("the grid shows none"),
        };
        (0..browse.tiles()).filter_map(|place| browse.tile(place)).map(name).collect()
    };
    let in_order = ["birds/bird0", "birds/bird3", "cats/cat1", "cats/cat4", "cats/cat10", "dogs/dog2"];
    assert_eq!(shown(&explorer), in_order.map(|name| format!("○ {name}.jpg")));
    let place = |explorer: &Explorer, name: &str| {
        let frame = explorer.frame();
        let lines = (0..24).map(|y| (0..80).map(|x| frame[(x, y)].symbol()).collect::<String>());
        lines
            .enumerate()
            .find_map(|(y, line)| Some((y, line[..line.find(name)?].chars().count())))
            .unwrap_or_else(|| panic!("no {name}"))
    };
    let slots = explorer.app.slots();
    let preview = |slot: &lookalike::app::previews::Slot| {
        let Subject::File(path, _) = &slot.subject else { panic!("{slot:?}") };
        Outcome::Previewed(slot.key(), Preview::failed(path.file_stem().unwrap().to_string_lossy().to_uppercase()))
    };
    slots.iter().for_each(|slot| explorer.tell(lookalike::task::JobId(1), preview(slot)));
    let [bird, dog] = ["bird0", "dog2"].map(|name| place(&explorer, name));
    // The two in the middle come first, and later one that was no picture after all.
    let mut index = Index::new(8);
    index.push(segment(3..5));
    explorer.report(Report::Snapshot(Arc::new(index.clone())));
    let then = ["○ birds/bird0", "birds/bird3", "○ cats/cat1", "cats/cat4", "○ cats/cat10", "○ dogs/dog2"];
    assert_eq!(shown(&explorer), then.map(|name| format!("{name}.jpg")));
    assert_eq!(["bird0", "dog2"].map(|name| place(&explorer, name)), [bird, dog], "on the screen, too");
    let frame = styled(&explorer.frame());
    assert!(frame.contains("○ 4 not indexed yet") && frame.contains("○cat1"), "marked also without color:\n{frame}");
    assert!(frame.contains("CAT4"), "its picture is not taken away until the same one is there anew:\n{frame}");
    // The cursor goes from picture to picture, and a click on a file that waits selects nothing.
    assert_eq!(explorer.name(explorer.app.shared.selected), "birds/bird3.jpg");
    for (key, then) in [
        ("Right", "cats/cat4.jpg"),
        ("Right", "cats/cat4.jpg"),
        ("g", "birds/bird3.jpg"),
        ("G", "cats/cat4.jpg"),
        ("Up", "birds/bird3.jpg"),
    ] {
        explorer.keys(key);
        assert_eq!(explorer.name(explorer.app.shared.selected), then, "{key}");
    }
    explorer.report(Report::Skipped(Arc::new([Skipped {
        path: "/pictures/dogs/dog2.jpg".into(),
        kind: SkippedKind::CutOff,
        reason: "cut off".into(),
    }])));
    assert_eq!(explorer.app.screens.browse.waiting.len(), 3, "it does not wait any more");
    explorer.keys("r");
    assert_eq!(
        shown(&explorer)[2..],
        ["○ birds/bird0.jpg", "○ cats/cat1.jpg", "○ cats/cat10.jpg"],
        "last in another order"
    );
    explorer.keys("r / c a t Enter");
    assert_eq!(shown(&explorer), ["cats/cat4.jpg"], "a filter shows what it was made of");
    explorer.keys("/ Ctrl-u Enter");
    let left = ["○ birds/bird0", "birds/bird3", "○ cats/cat1", "cats/cat4", "○ cats/cat10"];
    assert_eq!(shown(&explorer), left.map(|name| format!("{name}.jpg")), "and only hides the files");
    index.push(segment(0..3));
    explorer.indexed(Arc::new(index), Vec::new());
    assert_eq!(
        shown(&explorer),
        ["birds/bird0.jpg", "birds/bird3.jpg", "cats/cat1.jpg", "cats/cat4.jpg", "dogs/dog2.jpg"]
    );
}

/// Embedded so far, and how many there are to embed.
fn progress(done: usize, total: usize) -> Report {
    let stage = Stage::Embedding;
    Report::Progress(Progress { stage, done, total, per_second: 1.0, left: None, decode_bound: None })
}

#[test]
fn how_many_were_found_and_are_left_is_said_though_not_all_of_them_are_shown() {
    let mut explorer = Explorer::started(setup(120, 36));
    let files = ["/pictures/birds/robin.jpg", "/pictures/cats/ginger.jpg"].map(|file| Arc::from(Path::new(file)));
    explorer.report(Report::Found(files.clone().into()));
    for done in [0, 3] {
        explorer.report(progress(done, 700));
        let frame = styled(&explorer.frame());
        assert!(frame.contains("700 pictures found"), "{done} of them could not be read:\n{frame}");
    }
    explorer.report(Report::Snapshot(Arc::new(collection(24))));
    explorer.report(progress(24, 700));
    assert!(styled(&explorer.frame()).contains(" · ○ 676 not indexed yet"));
    let skipped =
        files.map(|file| Skipped { path: file.to_path_buf(), kind: SkippedKind::CutOff, reason: "cut off".into() });
    explorer.report(Report::Skipped(skipped.into()));
    let frame = styled(&explorer.frame());
    assert!(frame.contains(" · 676 not indexed yet") && !frame.contains('○'), "none of them has a tile:\n{frame}");
    explorer.keys("/ c a t Enter");
    assert!(!styled(&explorer.frame()).contains("not indexed yet"), "a filter knows nothing of them");
    explorer.keys("/ Ctrl-u Enter");
    explorer.fail("the disk is full");
    assert!(explorer.app.shared.found.is_empty() && !styled(&explorer.frame()).contains("not indexed yet"));
}

#[test]
fn files_come_last_until_the_list_is_in_order() {
    let mut explorer = Explorer::started(setup(80, 24));
    explorer.hold();
    let files = ["/pictures/birds/a.jpg", "/pictures/cats/a.jpg"].map(|file| Arc::from(Path::new(file)));
    explorer.report(Report::Found(files.clone().into()));
    let many = 20_001;
    explorer.report(Report::Snapshot(Arc::new(collection(many))));
    let waits_at = |explorer: &Explorer| -> Vec<usize> {
        let browse = &explorer.app.screens.browse;
        (0..browse.tiles()).filter(|place| matches!(browse.tile(*place), Some(Subject::File(..)))).collect()
    };
    assert_eq!(waits_at(&explorer), [many, many + 1]);
    let (id, job) = explorer.held_tasks(lookalike::task::Lane::Sort).pop().expect("a worker sorts them");
    explorer.done(id, job);
    assert_eq!(waits_at(&explorer), [0, many.div_ceil(3) + 1], "each before the pictures of its folder");
}

/// Files of birds that wait, one for each place, and an index of those at some places.
fn birds(places: usize, indexed: &[usize]) -> (Report, Index) {
    let files = (0..places).map(|at| Arc::from(Path::new(&format!("/pictures/birds/bird{}.jpg", 3 * at))));
    let mut index = Index::new(8);
    for at in indexed {
        index.push(segment(3 * at..3 * at + 1));
    }
    (Report::Found(files.collect()), index)
}

#[test]
fn the_cursor_takes_the_nearest_picture_and_the_view_goes_on_to_files_that_wait() {
    let mut explorer = Explorer::started(setup(80, 24));
    let (found, mut index) = birds(60, &[2, 3, 50]);
    explorer.report(found);
    let (columns, rows) = (explorer.grid().columns, explorer.grid().rows);
    let last = 60_usize.div_ceil(columns) - rows;
    let first = |explorer: &Explorer| explorer.app.screens.browse.first;
    explorer.keys("PgDn");
    assert_eq!(first(&explorer), rows, "there is more before the first is indexed");
    explorer.report(Report::Snapshot(Arc::new(index.clone())));
    assert_eq!(first(&explorer), rows, "nobody chose the picture that came");
    explorer.keys("g");
    assert_eq!(first(&explorer), 0);
    let selected = |explorer: &Explorer| explorer.name(explorer.app.shared.selected);
    assert_eq!(selected(&explorer), "birds/bird6.jpg");
    explorer.keys("Down");
    assert_eq!(selected(&explorer), "birds/bird9.jpg", "the nearest one on the way");
    explorer.keys("Down");
    assert_eq!(selected(&explorer), "birds/bird150.jpg", "where there is none the next one");
    explorer.keys("PgDn PgDn PgDn PgDn PgDn");
    assert_eq!((first(&explorer), selected(&explorer)), (last, "birds/bird150.jpg".to_owned()), "to the last file");
    index.push(segment(177..178));
    explorer.report(Report::Snapshot(Arc::new(index)));
    assert_eq!(first(&explorer), last, "and what comes takes nobody away from there");
    explorer.keys("Up");
    assert_eq!((first(&explorer), selected(&explorer)), (last - 1, "birds/bird150.jpg".to_owned()));
    for _ in 0..rows {
        explorer.keys("Up");
    }
    assert_eq!(selected(&explorer), "birds/bird9.jpg", "back at the cursor it moves again");
    explorer.keys("G PgDn PgDn g g");
    assert_eq!((first(&explorer), selected(&explorer)), (0, "birds/bird6.jpg".to_owned()));
}

#[test]
fn a_page_that_begins_with_files_names_the_folder_at_its_first_picture() {
    let mut explorer = Explorer::started(setup(80, 24));
    let (columns, rows) = (explorer.grid().columns, explorer.grid().rows);
    let (first, end) = (2 * columns - 1, columns * (rows + 1) - 1);
    let (found, index) = birds(end + 1, &[0, first, end]);
    explorer.report(found);
    explorer.report(Report::Snapshot(Arc::new(index)));
    let over = |explorer: &Explorer, at: usize| -> String {
        let (frame, tile) = (explorer.frame(), explorer.grid().tile(at));
        (tile.x..tile.right()).map(|x| frame[(x, tile.y)].symbol()).collect()
    };
    assert!(over(&explorer, 0).contains("birds") && !over(&explorer, first).contains("birds"));
    explorer.keys("G");
    assert_eq!(explorer.app.screens.browse.first, 1);
    let heading = over(&explorer, first - columns);
    assert!(heading.contains("birds"), "{heading:?}");
}
