//! The live view without a terminal, a camera or a thread: what is seen and typed in, state, effects and frames out.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use image::{Rgb, RgbImage};
use lookalike::{
    analysis::gallery::{Gallery, Region, impostors::ImpostorDistribution, trials::TriedGallery},
    app::live::{Change, Effect, Event, Live, Picture, Places, Seen, Setup},
    display::{Background, Depth, Display, Link},
    face::Face,
    index::RowKind,
    preview::{
        Painter,
        frames::{self, Framing},
    },
    similarity::Metric,
    ui,
};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use ratatui_image::picker::Picker;

use crate::explorer::styled;

fn display(size: (u16, u16)) -> Display {
    Display {
        size,
        depth: Depth::True,
        background: Background::Dark,
        palette: Default::default(),
        previews_on_rest: false,
    }
}

fn gallery() -> Gallery {
    let mut gallery = Gallery::default();
    for (at, name) in ["Ana", "Bo", "Cy"].iter().enumerate() {
        for picture in 0..4 {
            let row = (0..3).map(|axis| if axis == at { 4.0 } else { 0.2 * (picture + axis) as f32 }).collect();
            gallery.enroll(name, &PathBuf::from(format!("/gallery/{name}/{picture}.jpg")), row);
        }
    }
    gallery
}

fn setup(size: (u16, u16), gallery: Gallery) -> Setup {
    Setup {
        enrolled: Arc::new(TriedGallery::new(gallery)),
        source: "/dev/video0 (a camera)".into(),
        pace: "every 1 s".into(),
        model: "gaze".into(),
        seeks: RowKind::Picture,
        sends_pixels: false,
        display: display(size),
        metric: Metric::Cosine,
        far: 0.1,
        threshold: None,
        margin: 0.0,
        kept_in: None,
    }
}

fn seen(number: u64, row: [f32; 3]) -> Event {
    let regions = vec![Region { face: None, embedding: row.to_vec() }];
    Event::Seen(Seen { number, time: format!("12:00:{number:02}"), regions })
}

const ANA: [f32; 3] = [4.0, 0.3, 0.5];
const BO: [f32; 3] = [0.3, 4.0, 0.5];
const STRANGER: [f32; 3] = [-1.0, -0.5, -0.2];

fn key(live: &mut Live, code: KeyCode) -> Vec<Effect> {
    live.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn keys(live: &mut Live, text: &str) -> Vec<Effect> {
    text.chars().flat_map(|c| key(live, KeyCode::Char(c))).collect()
}

/// Answers every wish for a picture with one.
fn paint(live: &mut Live, effects: Vec<Effect>) {
    let painter = Painter::new(Picker::halfblocks(), Depth::True, Background::Dark, Link::Local);
    for effect in effects {
        if let Effect::Paint(picture, cells, framing) = effect {
            let shade = match &picture {
                Picture::Now => 40,
                Picture::Enrolled(_) => 120,
                Picture::Sighting(..) => 200,
            };
            let mut image = RgbImage::from_fn(64, 48, |x, y| Rgb([shade, (x * 4) as u8, (y * 5) as u8]));
            if picture == Picture::Now {
                frames::draw(&mut image, &framing);
            }
            let preview = painter.paint(&image, cells);
            live.update(Event::Painted(picture, cells, preview));
        }
    }
}

/// As after a while: three sightings, and the last one on the screen.
fn watching(size: (u16, u16)) -> Live {
    let mut live = Live::new(setup(size, gallery()));
    for (number, row) in [ANA, ANA, STRANGER, BO, BO, BO].into_iter().enumerate() {
        let effects = live.update(seen(number as u64 + 1, row));
        paint(&mut live, effects);
    }
    live
}

fn frame(live: &Live, size: (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| ui::live::draw(live, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(live: &Live) -> String {
    let (columns, rows) = live.setup.display.size;
    let buffer = frame(live, (columns, rows));
    let line = |y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect::<String>() + "\n";
    (0..rows).map(line).collect()
}

#[test]
fn the_screen_at_two_sizes_and_without_colors() {
    for size in [(80, 24), (120, 36)] {
        insta::assert_snapshot!(format!("live_{}x{}", size.0, size.1), styled(&frame(&watching(size), size)));
    }
    let mut mono = watching((40, 12));
    mono.setup.display.depth = Depth::Mono;
    insta::assert_snapshot!("live_mono_40x12", styled(&frame(&mono, (40, 12))));
}

#[test]
fn no_size_panics_and_the_first_line_always_warns() {
    for size in [(0, 0), (1, 1), (5, 3), (20, 8), (40, 12), (33, 17), (80, 24), (250, 90)] {
        let mut live = watching(size);
        frame(&live, (7, 4));
        keys(&mut live, "nmx+-d");
        frame(&live, size);
        if size.0 >= 40 {
            let first = text(&live).lines().next().unwrap_or_default().to_lowercase();
            assert!(first.contains("not kept") && first.contains("security") && first.contains("ask"), "{first}");
        }
    }
}

#[test]
fn frames_in_a_row_with_one_answer_are_one_line_of_the_log() {
    let live = watching((120, 36));
    let log: Vec<_> = live.log.iter().map(|one| (one.name.as_deref(), one.frames, one.number)).collect();
    assert_eq!(log, [(Some("Ana"), 2, 1), (None, 1, 3), (Some("Bo"), 3, 4)]);
    let screen = text(&live);
    for words in ["12:00:04–12:00:06 ✓ Bo", "12:00:03", "? unknown", "is Bo", "● Bo", "○ Cy", "margin", "every 1 s"]
    {
        assert!(screen.contains(words), "{words} is missing:\n{screen}");
    }
}

/// A face with its embedding, from the left: the larger, the nearer.
fn face(left: f32, side: f32, row: [f32; 3]) -> Region {
    let area = [left, 0.4, left + side, 0.4 + side];
    Region { face: Some(Face { area, points: [[0.0; 2]; 5], score: 1.0 }), embedding: row.to_vec() }
}

/// Faces are looked for, and these are seen in one frame after the other.
fn watching_faces(size: (u16, u16), frames: &[Vec<Region>]) -> Live {
    let mut live = Live::new(Setup { seeks: RowKind::Face, model: "faces".into(), ..setup(size, gallery()) });
    for (number, regions) in (1..).zip(frames) {
        let time = format!("12:00:{number:02}");
        let effects = live.update(Event::Seen(Seen { number, time, regions: regions.clone() }));
        paint(&mut live, effects);
    }
    live
}

/// Bo is the largest, a stranger stands at the left and Ana at the right.
fn three() -> Vec<Region> {
    vec![face(0.4, 0.3, BO), face(0.05, 0.2, STRANGER), face(0.8, 0.15, ANA)]
}

#[test]
fn each_face_has_its_own_answer_on_the_picture_and_under_it() {
    for size in [(80, 24), (120, 36)] {
        let live = watching_faces(size, &[three()]);
        insta::assert_snapshot!(format!("live_faces_{}x{}", size.0, size.1), styled(&frame(&live, size)));
    }
    let mut live = watching_faces((120, 36), &[three()]);
    let names = |live: &Live| text(live).lines().find(|line| line.contains("12:00:01 ")).map(str::to_owned);
    assert!(names(&live).unwrap().contains("✓ unknown, Bo, Ana"), "{:?}", names(&live));
    keys(&mut live, "x");
    assert!(names(&live).unwrap().contains("✓ Ana, Bo, unknown"), "from the left as it is shown");
    let live = watching_faces((120, 36), &[Vec::new()]);
    assert!(text(&live).contains("no face") && text(&live).contains("3 names · faces ─"));
}

#[test]
fn two_faces_never_get_one_name_and_each_is_a_line_of_the_log() {
    let twins = || vec![face(0.1, 0.3, [4.0, 0.4, 0.9]), face(0.6, 0.3, ANA)];
    let live = watching_faces((120, 36), &[twins(), twins(), twins()]);
    let log: Vec<_> = live.log.iter().map(|one| (one.name.as_deref(), one.frames)).collect();
    assert_eq!(log, [(Some("Ana"), 3), (None, 3)]);
    let strangers = || vec![face(0.1, 0.3, STRANGER), face(0.6, 0.2, STRANGER)];
    let live = watching_faces((120, 36), &[strangers(), strangers()]);
    assert_eq!(live.log.iter().map(|one| one.frames).collect::<Vec<_>>(), [2, 2], "two strangers are two");
}

#[test]
fn a_face_is_chosen_from_the_left_to_the_right_and_named() {
    let mut live = watching_faces((120, 36), &[three()]);
    let shown = |live: &Live| live.shown().unwrap().0.embedding.clone();
    let best = shown(&live);
    assert!(best == ANA || best == BO, "somebody who is known");
    live.update(Event::Ended);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let effects = key(&mut live, KeyCode::Tab);
        seen.push(shown(&live));
        let framed = effects.iter().any(|effect| {
            matches!(effect, Effect::Paint(Picture::Now, _, Framing { meant, .. }) if *meant == live.shown_at())
        });
        assert!(framed, "the frame follows, also where nothing moves any more");
        paint(&mut live, effects);
    }
    assert_eq!(seen.last(), Some(&best), "three steps lead around");
    assert!(seen.contains(&STRANGER.to_vec()));
    while shown(&live) != STRANGER {
        key(&mut live, KeyCode::BackTab);
    }
    keys(&mut live, "nDi");
    let Some(Effect::Enroll(name, 1, region)) = key(&mut live, KeyCode::Enter).pop() else { panic!("not enrolled") };
    assert_eq!((name.as_str(), region), ("Di", face(0.05, 0.2, STRANGER)));
    // Without anybody known the largest is meant.
    let strangers = vec![face(0.6, 0.3, STRANGER), face(0.1, 0.2, [-1.0, 0.0, -0.2])];
    assert_eq!(watching_faces((120, 36), &[strangers]).shown_at(), Some(0));
}

#[test]
fn a_threshold_moves_with_its_rate_of_strangers_and_renames_what_is_seen() {
    let mut live = watching((120, 36));
    let (threshold, far) = (live.threshold().unwrap(), live.far().unwrap());
    for _ in 0..80 {
        key(&mut live, KeyCode::Char('+'));
    }
    assert!(live.threshold().unwrap() > threshold && live.far().unwrap() < far);
    assert_eq!(live.threshold(), Some(1.0));
    assert!(text(&live).contains("? unknown"), "nothing is so alike");
    for _ in 0..300 {
        key(&mut live, KeyCode::Char('-'));
    }
    assert_eq!((live.threshold(), live.far().map(|far| far > 0.9)), (Some(-1.0), Some(true)));
    assert!(text(&live).contains("✓ Bo"));
    // The other metric has a threshold of its own, which was not touched.
    keys(&mut live, "m");
    assert!(live.threshold().unwrap() > 0.0 && text(&live).contains("euclidean"));
}

#[test]
fn what_is_seen_is_named_and_dropped() {
    let mut live = watching((120, 36));
    live.update(seen(7, STRANGER));
    assert_eq!(keys(&mut live, "n"), []);
    // What comes meanwhile does not change what is named.
    live.update(seen(8, ANA));
    let effects = {
        keys(&mut live, "Di q");
        key(&mut live, KeyCode::Enter)
    };
    let region = Region { face: None, embedding: STRANGER.to_vec() };
    assert_eq!(effects.first(), Some(&Effect::Enroll("Di q".into(), 7, region)));
    let mut known = gallery();
    let path = Path::new("/gallery/Di q/now.jpg");
    known.enroll("Di q", path, STRANGER.to_vec());
    let change = Change::Added("Di q".into(), path.to_owned());
    live.update(Event::Enrolled(Ok((Arc::new(TriedGallery::new(known)), change))));
    live.update(seen(9, STRANGER));
    assert_eq!(live.log.back().and_then(|one| one.name.as_deref()), Some("Di q"));
    assert_eq!(keys(&mut live, "d"), [Effect::Drop(path.to_owned())]);
    let change = Change::Dropped(path.to_owned());
    live.update(Event::Enrolled(Ok((Arc::new(TriedGallery::new(gallery())), change))));
    assert!(text(&live).contains("? unknown"));
    assert_eq!(keys(&mut live, "d"), []);
    assert!(text(&live).contains("nothing to drop"));
}

#[test]
fn enter_alone_confirms_a_name_and_folders_decide_what_a_name_is() {
    let mut live = watching((120, 36));
    keys(&mut live, "n");
    assert!(text(&live).contains("Enter: Bo"));
    assert!(matches!(&key(&mut live, KeyCode::Enter)[0], Effect::Enroll(name, 6, _) if name == "Bo"));
    for bad in ["../up", ".hidden", "a/b", " "] {
        live.update(seen(10, STRANGER));
        keys(&mut live, "n");
        keys(&mut live, bad);
        assert_eq!(key(&mut live, KeyCode::Enter), [], "{bad}");
        assert!(live.naming.is_some(), "{bad} can be corrected");
        key(&mut live, KeyCode::Esc);
    }
    assert!(live.naming.is_none());
}

#[test]
fn an_empty_gallery_is_filled_here_and_one_name_needs_a_threshold() {
    let mut live = Live::new(setup((120, 36), Gallery::default()));
    live.update(seen(1, ANA));
    assert!(text(&live).contains("? unknown") && text(&live).contains("n names what is seen"));
    let mut one = Gallery::default();
    one.enroll("Ana", Path::new("/gallery/Ana/1.jpg"), ANA.to_vec());
    let change = Change::Added("Ana".into(), "/gallery/Ana/1.jpg".into());
    live.update(Event::Enrolled(Ok((Arc::new(TriedGallery::new(one)), change))));
    assert!(text(&live).contains("no threshold yet") && text(&live).contains("most like Ana"));
    // The first key takes what is seen for the measure.
    keys(&mut live, "-");
    assert!(text(&live).contains("is Ana"), "{}", text(&live));
}

#[test]
fn pictures_are_asked_for_once_and_nothing_grows_in_a_day() {
    let mut live = watching((120, 36));
    let places = Places::new((120, 36));
    let effects = live.update(seen(7, BO));
    let painted = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Paint(..))).count();
    assert_eq!(painted(&effects), 0, "all of them are there or on their way: {effects:?}");
    let effects = live.update(Event::Resize(80, 24));
    assert!(painted(&effects) >= 2 && places.now != Places::new((80, 24)).now);
    // One frame every five seconds, and each is somebody else.
    for number in 8..8 + 24 * 60 * 12 {
        let row = match number % 3 {
            0 => ANA,
            1 => BO,
            _ => STRANGER,
        };
        let effects = live.update(seen(number, row));
        if number % 100 == 0 {
            paint(&mut live, effects);
        }
    }
    assert!(live.log.len() <= 500 && live.pictures.len() <= 80, "{} {}", live.log.len(), live.pictures.len());
}

#[test]
fn what_was_seen_last_follows_the_size_and_the_mirror_when_nothing_comes_any_more() {
    let asked = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Paint(Picture::Now, cells, _) => Some(cells),
            _ => None,
        })
    };
    for end in ["paused", "ended"] {
        let mut live = watching((120, 36));
        let effects = if end == "paused" { keys(&mut live, " ") } else { live.update(Event::Ended) };
        assert_eq!(asked(effects), None, "{end}: it is there");
        for size in [(200, 50), (40, 12)] {
            let effects = live.update(Event::Resize(size.0, size.1));
            assert_eq!(asked(effects.clone()), Some(Places::new(size).now.cells()), "{end}");
            paint(&mut live, effects);
            assert!(!text(&live).contains("nothing was seen"), "{end}: {}", text(&live));
        }
        assert!(asked(keys(&mut live, "x")).is_some(), "{end}: the mirror shows something else");
        assert_eq!(asked(keys(&mut live, "m")), None, "{end}: but once");
        assert!(asked(live.update(Event::Resume)).is_some(), "{end}: the terminal has forgotten it");
    }
}

#[test]
fn keys_pause_mirror_and_leave() {
    let mut live = watching((80, 24));
    assert_eq!(keys(&mut live, " "), [Effect::Pause(true)]);
    assert!(text(&live).contains("‖ paused"));
    assert_eq!(keys(&mut live, " ")[0], Effect::Pause(false));
    keys(&mut live, "x");
    assert!(live.is_mirrored);
    assert_eq!(keys(&mut live, "q"), [Effect::Quit]);
    live.update(Event::Ended);
    assert!(text(&live).contains("■ ended"));
    live.update(Event::Notice("no\u{1b}[2J camera".into()));
    assert!(text(&live).contains("no\\u{1b}[2J camera"));
}

#[test]
fn help_explains_the_screen_and_hints_are_of_keys_that_do_something() {
    let hinted = |live: &Live| live.hints().into_iter().map(|(_, words)| words).collect::<Vec<_>>();
    let mut live = Live::new(setup((120, 36), Gallery::default()));
    assert_eq!(hinted(&live), ["pause", "mirror", "metric", "help", "quit"], "nothing was seen");
    live.update(seen(1, ANA));
    assert_eq!(hinted(&live), ["pause", "name it", "mirror", "metric", "help", "quit"], "nobody to compare with");
    let mut live = watching((120, 36));
    assert!(hinted(&live).contains(&"threshold") && !hinted(&live).contains(&"drop it"));
    key(&mut live, KeyCode::Char(' '));
    assert_eq!(hinted(&live)[0], "go on");
    for size in [(40, 12), (80, 24), (120, 36)] {
        let mut live = watching(size);
        key(&mut live, KeyCode::Char('?'));
        assert!(text(&live).contains("look no more, or again"), "{}", text(&live));
        assert_eq!(hinted(&live), ["close", "quit"]);
        key(&mut live, KeyCode::End);
        let last = text(&live);
        assert!(last.contains("view."), "the last word can be reached:\n{last}");
        let (threshold, _) = (live.threshold(), key(&mut live, KeyCode::Char('+')));
        assert_eq!((live.help, live.threshold()), (None, threshold), "any other key closes it and does no more");
        assert!(key(&mut live, KeyCode::F(1)).is_empty() && live.help == Some(0));
        assert!(key(&mut live, KeyCode::Char('q')).contains(&Effect::Quit));
    }
}

#[test]
fn the_screen_and_its_help_say_what_the_share_of_strangers_rests_on() {
    let mut gallery = gallery();
    gallery.impostors = Some(ImpostorDistribution::new(946, &[0.001, 1.0], [&[0.9, -1.0], &[0.5, 9.0]]));
    let mut live = Live::new(setup((120, 36), gallery));
    live.update(seen(1, ANA));
    assert!(
        text(&live).contains("of strangers named") && text(&live).contains("from 3 + 946 pairs"),
        "{}",
        text(&live)
    );
    keys(&mut live, "?");
    assert!(text(&live).contains("It follows from 3 pairs of names here and 946"), "{}", text(&live));
    // For faces one name is enough, and elsewhere it takes two.
    let missing = |known: Option<ImpostorDistribution>| {
        let mut nobody = Gallery::default();
        nobody.impostors = known;
        let mut live = Live::new(setup((120, 36), nobody));
        live.update(seen(1, ANA));
        text(&live)
    };
    assert!(missing(None).contains("two names measure it"));
    let measured = ImpostorDistribution::new(946, &[0.001, 1.0], [&[0.9, -1.0], &[0.5, 9.0]]);
    assert!(missing(Some(measured)).contains("the first name brings one"));
    // Where that has no room the key has.
    let mut narrow = Live::new(setup((50, 24), Gallery::default()));
    narrow.update(seen(1, ANA));
    assert!(text(&narrow).contains("no threshold yet: + sets one "), "{}", text(&narrow));
    // Two names without any such measurement are too few for a share as small as this.
    let mut two = Gallery::default();
    for (name, row) in [("Ana", ANA), ("Bo", BO)] {
        two.enroll(name, Path::new(name), row.to_vec());
        two.enroll(name, &Path::new(name).join("2"), row.map(|value| value + 0.1).to_vec());
    }
    let mut live = Live::new(Setup { far: 0.001, ..setup((120, 36), two) });
    live.update(seen(1, ANA));
    let screen = text(&live);
    assert!(
        screen.contains("no threshold yet") && screen.contains("2 names are too few for 0.1 % of strangers"),
        "{screen}"
    );
    // Small shares are named by what they are.
    let mut three = Live::new(Setup { far: 0.0001, ..setup((120, 36), self::gallery()) });
    three.update(seen(1, ANA));
    assert!(text(&three).contains("3 names are too few for 0.01 % of strangers"), "{}", text(&three));
}
