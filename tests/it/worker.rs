//! The explorer's worker over the real pipeline: it cancels, resumes, lives with bad files and with mistakes of its own.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
};

use image::{Rgb, RgbImage};
use lookalike::{
    analysis::{
        alike::Range,
        clusters::GroupName,
        projection::{Method, Projection},
    },
    cancel::CancelToken,
    display::{Background, Depth, Link},
    embed::{self, ModelChoice},
    error::Result,
    face::Face,
    index::{
        Image, ImageId, Index, RowKind, Segment,
        filter::Filter,
        store::{self, KeptGraphs},
    },
    order::Order,
    pipeline::{self, Cache, Report, Request},
    preview::{Painter, PreviewKey, Subject},
    scan,
    similarity::{Metric, Query},
    task::{Job, JobEvent, JobId, Lane, LookAlikes, Made, MapTask, NamesKept, Outcome, Task},
    worker::{Indexer, Tools, Worker},
};
use ratatui::{buffer::Buffer, style::Color};
use ratatui_image::picker::Picker;
use tempfile::TempDir;

fn picture(at: u32) -> RgbImage {
    RgbImage::from_fn(24, 16, |x, y| Rgb([(at * 7) as u8, (x * 10) as u8, (y * 15) as u8]))
}

/// A folder of so many pictures, and one for the cache.
pub fn folder(pictures: u32) -> (TempDir, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..pictures {
        picture(at).save(folder.path().join(format!("{at:04}.png"))).unwrap();
    }
    (folder, tempfile::tempdir().unwrap())
}

pub fn request(folder: &Path, cache: &Path) -> Request {
    Request {
        roots: vec![folder.to_owned()],
        scan: scan::Options::new(false, &[] as &[&str]).unwrap(),
        model: ModelChoice { name: Some("color-grid".into()), ..ModelChoice::default() },
        cache: Cache::Folder(cache.to_owned()),
    }
}

/// A worker over the pipeline, and its answers.
pub fn worker(request: Request) -> (Worker, Receiver<JobEvent>) {
    worker_of(Box::new(move |_, cancel, report| pipeline::run(&request, cancel, report)))
}

fn worker_of(indexer: Indexer) -> (Worker, Receiver<JobEvent>) {
    let choice = ModelChoice { name: Some("color-grid".into()), ..ModelChoice::default() };
    let embedder = Box::new(move || Ok((embed::load(&embed::choose(&choice)?, &choice)?, false)));
    let painter = Painter::new(Picker::halfblocks(), Depth::True, Background::Dark, Link::Local);
    let (tell, answers) = mpsc::channel();
    (
        Worker::new(
            Tools { indexer, painter, embedder, protected: Vec::new() },
            Arc::new(move |event| drop(tell.send(event))),
        ),
        answers,
    )
}

/// The end of job `id`: its last outcome. What it reports before goes to `report`.
#[track_caller]
pub fn ended(answers: &Receiver<JobEvent>, id: u64, mut report: impl FnMut(Report)) -> Outcome {
    loop {
        let event = answers.recv().expect("the worker lives");
        match event.outcome {
            _ if event.job != JobId(id) => {}
            Outcome::Indexing(said) => report(said),
            end => return end,
        }
    }
}

#[track_caller]
pub fn indexed(outcome: Outcome) -> pipeline::Summary {
    match outcome {
        Outcome::Indexed(outcome) => outcome,
        Outcome::Failed(reason) => panic!("the run failed: {reason}"),
        _ => panic!("the run answered something else"),
    }
}

#[test]
fn a_list_is_put_in_order() {
    let (folder, cache) = folder(5);
    let (mut worker, answers) = worker(request(folder.path(), cache.path()));
    worker.start(JobId(1), Job::Index);
    let Outcome::Indexed(done) = ended(&answers, 1, drop) else { panic!("the run did not end well") };
    let task = Task::Sort(Filter::new("png"), Order::Name);
    worker.start(JobId(2), Job::Make { index: done.index.clone(), task });
    let Outcome::Made(Made::Sorted(sorted)) = ended(&answers, 2, drop) else { panic!("the list did not come back") };
    let names: Vec<_> = sorted.ids.iter().map(|id| done.index.get(*id).unwrap().relative().to_owned()).collect();
    assert_eq!(names, ["0000.png", "0001.png", "0002.png", "0003.png", "0004.png"].map(Path::new));
}

#[test]
fn a_stopped_run_keeps_what_it_did_and_the_next_does_only_the_rest() {
    const PICTURES: u32 = 400;
    let (folder, cache) = folder(PICTURES);
    let request = request(folder.path(), cache.path());
    let (begun, has_begun) = mpsc::channel();
    let (stopped, is_stopped) = mpsc::channel::<()>();
    // The first run waits after its first rows until it was told to stop.
    let mut pause = Some((begun, is_stopped));
    let (mut worker, answers) = worker_of(Box::new(move |_, cancel, report| {
        pipeline::run(&request, cancel, &mut |said| {
            if matches!(&said, Report::Snapshot(index) if !index.is_empty())
                && let Some((begun, is_stopped)) = pause.take()
            {
                begun.send(()).unwrap();
                is_stopped.recv().unwrap();
            }
            report(said);
        })
    }));
    worker.start(JobId(1), Job::Index);
    has_begun.recv().unwrap();
    worker.cancel_indexing();
    stopped.send(()).unwrap();
    let mut done = 0;
    let outcome = ended(&answers, 1, |report| {
        if let Report::Progress(progress) = report {
            assert!(progress.done >= done || progress.total == 0, "progress never goes back");
            done = progress.done;
        }
    });
    assert!(matches!(outcome, Outcome::Failed(_)), "a stopped run says so");
    worker.start(JobId(2), Job::Index);
    let second = indexed(ended(&answers, 2, |_| {}));
    assert_eq!(second.index.len(), PICTURES as usize);
    assert_eq!(second.added + second.reused, PICTURES as usize);
    assert!(second.reused > 0 && second.added > 0, "{} kept, {} left to do", second.reused, second.added);
    worker.start(JobId(3), Job::Index);
    let third = indexed(ended(&answers, 3, |_| {}));
    assert_eq!((third.added, third.reused), (0, PICTURES as usize));
}

#[test]
fn bad_files_are_skipped_each_with_its_reason_and_end_nothing() {
    let (folder, cache) = folder(3);
    let inside = |name: &str| folder.path().join(name);
    fs::write(inside("text.png"), "this is no picture").unwrap();
    fs::write(inside("empty.jpg"), "").unwrap();
    let whole = fs::read(inside("0000.png")).unwrap();
    fs::write(inside("half.png"), &whole[..whole.len() / 2]).unwrap();
    fs::create_dir(inside("folder.jpg")).unwrap();
    let (mut worker, answers) = worker(request(folder.path(), cache.path()));
    worker.start(JobId(1), Job::Index);
    let outcome = indexed(ended(&answers, 1, |_| {}));
    assert_eq!(outcome.index.len(), 3);
    let names: Vec<_> = outcome.skipped.iter().map(|skipped| skipped.path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["empty.jpg", "half.png", "text.png"]);
    assert!(outcome.skipped.iter().all(|skipped| !skipped.reason.is_empty()));
}

#[test]
fn a_panic_becomes_a_failed_job_and_the_next_works() {
    let mut runs = 0;
    let indexer = move |_: Option<&str>, _: &CancelToken, _: &mut dyn FnMut(Report)| -> Result<pipeline::Summary> {
        runs += 1;
        assert!(runs > 1, "the first run goes wrong");
        Ok(pipeline::Summary {
            index: Arc::new(Index::new(1)),
            skipped: Arc::new([]),
            added: 0,
            reused: 7,
            renamed: 0,
            removed: 0,
            seconds: 0.0,
        })
    };
    let (mut worker, answers) = worker_of(Box::new(indexer));
    worker.start(JobId(1), Job::Index);
    let Outcome::Failed(reason) = ended(&answers, 1, |_| {}) else { panic!("a panic is a failure") };
    assert!(reason.contains("the first run goes wrong"), "{reason}");
    worker.start(JobId(2), Job::Index);
    assert_eq!(indexed(ended(&answers, 2, |_| {})).reused, 7);
}

#[test]
fn pictures_are_compared_ordered_shown_and_exported() {
    let (folder, cache) = folder(9);
    let (mut worker, answers) = worker(request(folder.path(), cache.path()));
    worker.start(JobId(1), Job::Index);
    let index = indexed(ended(&answers, 1, |_| {})).index;
    let compare = Task::Compare(Query::Image(ImageId(4)));
    worker.start(JobId(2), Job::Make { index: index.clone(), task: compare });
    let Outcome::Made(Made::Comparison(comparison)) = ended(&answers, 2, |_| {}) else { panic!("not compared") };
    assert_eq!(comparison.nearest(Metric::Cosine, 8).len(), 8);
    worker.start(JobId(3), Job::Make { index: index.clone(), task: Task::Order(Filter::default(), Order::Similarity) });
    let Outcome::Made(Made::Order(.., rows)) = ended(&answers, 3, |_| {}) else { panic!("not ordered") };
    assert_eq!(rows.len(), 9);

    let key =
        |image: ImageId| PreviewKey { subject: image.into(), width: 12, height: 4, whole: false, fleeting: false };
    // Pictures arrive in whatever order their threads are done.
    let named = |name: &str| index.iter().find(|entry| entry.relative() == Path::new(name)).unwrap().id;
    let (there, gone, unknown) = (named("0000.png"), named("0002.png"), ImageId(77));
    fs::remove_file(folder.path().join("0002.png")).unwrap();
    let wanted = vec![key(there), key(gone), key(unknown)];
    worker.start(JobId(4), Job::Previews { index: index.clone(), wanted });
    let mut seen = Vec::new();
    while seen.len() < 3 {
        if let Outcome::Previewed(key, preview) = ended(&answers, 4, |_| {}) {
            let Subject::Row(row) = key.subject else { panic!("only rows were wanted") };
            seen.push((row, preview.size(), preview.reason().is_some()));
        }
    }
    seen.sort_unstable();
    let mut expected = [(there, (12, 4), false), (gone, (0, 0), true), (unknown, (0, 0), true)];
    expected.sort_unstable();
    assert_eq!(seen, expected);

    let to = folder.path().join("marked.txt");
    worker.start(JobId(5), Job::Export { paths: vec!["/one".into(), "/two".into()], to: to.clone() });
    assert!(matches!(ended(&answers, 5, |_| {}), Outcome::Exported { paths: 2, .. }));
    assert_eq!(fs::read_to_string(to).unwrap(), "/one\n/two\n");
}

#[test]
fn a_face_is_shown_alone_and_its_picture_with_a_frame_around_it() {
    let (folder, cache) = folder(1);
    let path = folder.path().join("party.png");
    // Red to the left, green to the right.
    let colors = |x| if x < 40 { Rgb([250, 0, 0]) } else { Rgb([0, 250, 0]) };
    RgbImage::from_fn(80, 40, |x, _| colors(x)).save(&path).unwrap();
    let image = |left: f32| Image {
        file: scan::file(&path).unwrap(),
        pixels: (80, 40),
        format: "PNG",
        face: Some(Face { area: [left, 0.4, left + 0.1, 0.6], points: [[0.5; 2]; 5], score: 1.0 }),
    };
    let mut index = Index::of(RowKind::Face, 1);
    let rows = [vec![1.0], vec![2.0]];
    index.push(Arc::new(Segment::pack(folder.path().into(), [0.2, 0.7].map(image), &rows, 1)));
    let (mut worker, answers) = worker(request(folder.path(), cache.path()));
    let mut shown = |image: ImageId, whole| {
        let key = PreviewKey { subject: image.into(), width: 40, height: 10, whole, fleeting: false };
        worker.start(JobId(1), Job::Previews { index: Arc::new(index.clone()), wanted: vec![key] });
        let Outcome::Previewed(_, preview) = ended(&answers, 1, |_| {}) else { panic!("no preview") };
        let mut cells = Buffer::empty(ratatui::layout::Rect::new(0, 0, 40, 10));
        preview.render(cells.area, &mut cells);
        let has = |color: [u8; 3]| {
            let near = |of: Color| {
                matches!(of, Color::Rgb(r, g, b)
                if [r, g, b].iter().zip(color).all(|(a, b)| a.abs_diff(b) < 30))
            };
            cells.content.iter().any(|cell| near(cell.fg) || near(cell.bg))
        };
        (preview.size(), [[250, 0, 0], [0, 250, 0], [255, 214, 0]].map(has))
    };
    // A square of one color each, without a frame.
    assert_eq!(shown(ImageId(0), false), ((20, 10), [true, false, false]));
    assert_eq!(shown(ImageId(1), false), ((20, 10), [false, true, false]));
    // All of the picture, and yellow around the one that is meant.
    assert_eq!(shown(ImageId(1), true), ((40, 10), [true, true, true]));
}

/// All that the graph knows of the pictures in the order of the index.
fn edges(found: &LookAlikes, index: &Index) -> Vec<Vec<(ImageId, f32)>> {
    let of = |id| found.graph.neighbors(id).iter().map(|edge| (edge.id, edge.value)).collect();
    index.iter().map(|entry| of(entry.id)).collect()
}

#[test]
fn look_alikes_come_from_the_graph_that_an_earlier_explorer_kept() {
    let (folder, cache) = folder(40);
    let range = Range { min: 0.9, max: 1.0 };
    let alike = |change: &dyn Fn(&KeptGraphs)| {
        let mut graphs = None;
        let (mut worker, answers) = worker(request(folder.path(), cache.path()));
        worker.start(JobId(1), Job::Index);
        let outcome = ended(&answers, 1, |report| {
            if let Report::Graphs(of) = report {
                graphs = Some(of);
            }
        });
        let (index, graphs) = (indexed(outcome).index, graphs.expect("the run has a store"));
        change(&graphs);
        worker.start(JobId(2), Job::Make { index: Arc::clone(&index), task: Task::Alike(range, None) });
        let found = loop {
            match ended(&answers, 2, drop) {
                Outcome::Made(Made::Alike(found)) => break found,
                Outcome::Making(_) => {}
                _ => panic!("no look-alikes came back"),
            }
        };
        // It is kept after it was told, and before the next task of its lane.
        worker.start(JobId(3), Job::Make { index: Arc::clone(&index), task: Task::Alike(range, Some(found.clone())) });
        ended(&answers, 3, drop);
        (edges(&found, &index), graphs.read("cosine").expect("it is kept"))
    };
    let (first, kept) = alike(&|_| ());
    // A value that no two pictures have: what is shown was read and not made.
    let mut told = kept[..kept.len() - 4].to_vec();
    let value = 20 + 8 + 4;
    told[value..value + 4].copy_from_slice(&2.5_f32.to_le_bytes());
    told.extend(crc32fast::hash(&told).to_le_bytes());
    let (second, _) = alike(&|graphs| graphs.keep("cosine", &told).unwrap());
    assert!(second[0].iter().any(|(_, value)| *value == 2.5));
    assert_eq!(second[1..], first[1..]);
    // A new picture is added to it, and the whole is kept.
    picture(40).save(folder.path().join("0040.png")).unwrap();
    let (third, more) = alike(&|_| ());
    assert!(third.len() == 41 && third[0].iter().any(|(_, value)| *value == 2.5) && more.len() > kept.len());
    let (fourth, again) = alike(&|graphs| graphs.keep("cosine", &told[1..]).unwrap());
    assert!(fourth.iter().flatten().all(|(_, value)| *value <= 1.0));
    assert_eq!(again.len(), more.len(), "one that is damaged is made anew and kept");
}

#[test]
fn a_map_that_an_earlier_explorer_kept_comes_back_unless_it_is_damaged_or_anew() {
    let (folder, cache) = folder(40);
    let map = |anew: bool, change: &dyn Fn(&KeptGraphs)| {
        let mut graphs = None;
        let (mut worker, answers) = worker(request(folder.path(), cache.path()));
        worker.start(JobId(1), Job::Index);
        let outcome = ended(&answers, 1, |report| {
            if let Report::Graphs(of) = report {
                graphs = Some(of);
            }
        });
        let (index, graphs) = (indexed(outcome).index, graphs.expect("the run has a store"));
        change(&graphs);
        let mut make = |job: u64, known: Option<Arc<Projection>>, anew: bool| {
            let task = MapTask { method: Method::Umap, known, graph: None, anew, hurried: false };
            worker.start(JobId(job), Job::Make { index: Arc::clone(&index), task: Task::Map(task) });
            loop {
                match ended(&answers, job, drop) {
                    Outcome::Made(Made::Map(made)) => break made.projection,
                    Outcome::Making(_) => {}
                    _ => panic!("no map came back"),
                }
            }
        };
        let made = make(2, None, anew);
        // It is kept after it was told, and before the next task of its lane.
        make(3, Some(Arc::clone(&made)), false);
        let names = index.iter().map(|entry| (entry.relative().to_owned(), made.point(entry.id).expect("a point")));
        let mut points: Vec<_> = names.collect();
        points.sort_by(|a, b| a.0.cmp(&b.0));
        (points, made.placed(), graphs.read("umap").expect("it is kept"))
    };
    let (first, placed, kept) = map(false, &|_| ());
    assert_eq!((first.len(), placed), (40, 0));
    // A point that no method makes: what is shown was read and not made.
    let mut told = kept[..kept.len() - 4].to_vec();
    let x = 9 * 4 + 4;
    told[x..x + 4].copy_from_slice(&1234.5_f32.to_le_bytes());
    told.extend(crc32fast::hash(&told).to_le_bytes());
    let is_told = |points: &[(std::path::PathBuf, [f32; 2])]| points.iter().any(|(_, point)| point[0] == 1234.5);
    let (second, ..) = map(false, &|graphs| graphs.keep("umap", &told).unwrap());
    assert!(is_told(&second) && second.iter().zip(&first).filter(|(a, b)| a == b).count() == 39);
    picture(40).save(folder.path().join("0040.png")).unwrap();
    let (third, placed, still) = map(false, &|_| ());
    assert!(is_told(&third) && third.len() == 41 && placed == 1, "a new picture is placed among the others");
    assert_eq!(still, told, "a map with placed pictures is not kept in the place of a whole one");
    let (fourth, placed, _) = map(true, &|_| ());
    assert!(!is_told(&fourth) && fourth.len() == 41 && placed == 0, "made anew");
    let (fifth, _, again) = map(false, &|graphs| graphs.keep("umap", &told[..told.len() - 9]).unwrap());
    assert!(fifth == fourth && again.len() == kept.len() + 12, "one that is cut short is made anew and kept");
}

#[test]
fn a_lane_that_is_told_to_stop_makes_the_next_thing_at_once() {
    let (folder, cache) = folder(9);
    let (mut worker, answers) = worker(request(folder.path(), cache.path()));
    worker.start(JobId(1), Job::Index);
    let index = indexed(ended(&answers, 1, drop)).index;
    let task = |method| MapTask { method, known: None, graph: None, anew: false, hurried: false };
    worker.start(JobId(2), Job::Make { index: Arc::clone(&index), task: Task::Map(task(Method::Tsne)) });
    worker.start(JobId(3), Job::Stop(Lane::Map));
    worker.start(JobId(4), Job::Make { index, task: Task::Map(task(Method::Pca)) });
    loop {
        match ended(&answers, 4, drop) {
            Outcome::Made(Made::Map(made)) => break assert_eq!(made.projection.method, Method::Pca),
            Outcome::Making(_) => {}
            _ => panic!("no map came back"),
        }
    }
}

#[test]
fn names_of_groups_that_another_version_wrote_are_set_aside_before_the_first_new_one() {
    let (folder, cache) = folder(3);
    let (mut worker, answers) = worker(request(folder.path(), cache.path()));
    worker.start(JobId(1), Job::Index);
    let index = indexed(ended(&answers, 1, drop)).index;
    let file = store::list(cache.path()).unwrap().remove(0).folder.join("groups.json");
    let newer = r#"{"version": 2, "people": ["Ana"]}"#;
    fs::write(&file, newer).unwrap();
    let mut name = |job| {
        let names = vec![GroupName { name: "Bo".into(), size: 3, typical: vec![ImageId(0)] }].into();
        worker.start(JobId(job), Job::NameGroups { index: Arc::clone(&index), names });
        match ended(&answers, job, drop) {
            Outcome::Named(kept) => kept,
            _ => panic!("the groups were not named"),
        }
    };
    let NamesKept::BesideOthers(aside) = name(2) else { panic!("it is said where the others are") };
    assert_eq!(fs::read_to_string(aside).unwrap(), newer);
    assert!(fs::read_to_string(&file).unwrap().contains("Bo"));
    assert_eq!(name(3), NamesKept::OnDisk, "its own are replaced");
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().filter(is_aside).count(), 1);
    // A link stays one, and one to what is not there is refused.
    let elsewhere = folder.path().join("names.json");
    fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    assert_eq!(name(4), NamesKept::OnDisk);
    assert!(file.is_symlink() && fs::read_to_string(&elsewhere).unwrap().contains("Bo"));
    fs::remove_file(&elsewhere).unwrap();
    let names = Vec::new().into();
    worker.start(JobId(5), Job::NameGroups { index: Arc::clone(&index), names });
    let Outcome::Failed(reason) = ended(&answers, 5, drop) else { panic!("there is nowhere to write") };
    assert!(reason.contains("it is a link to ") && file.is_symlink(), "{reason}");
}

fn is_aside(entry: &std::io::Result<fs::DirEntry>) -> bool {
    entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().contains("set-aside"))
}
