//! An explorer without a terminal and without threads: keys in, state, effects and frames out. Jobs are done at once.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use lookalike::{
    analysis::{
        copies::Copies,
        explanation::{Explanation, Shares},
    },
    app::{
        App, Effect, Event, Over, Setup, UsableModel,
        contact_sheet::ContactSheet,
        keymap::Chord,
        screens::{browse::Grid, heatmap::Plot, neighbors::Ranks},
    },
    face::Face,
    index::{
        Image, ImageId, Index, Segment, Skipped,
        label_file::{self, LabelKey},
        progress::{Progress, Report, Stage, Summary},
    },
    preview::Preview,
    scan::ImageFile,
    similarity::{self, Metric},
    task::{Completed, Disposed, Explained, Job, JobEvent, JobId, Lane, Made, NamesKept, Outcome, Outside, Undone},
    text, ui,
};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, style::Color};

/// Where the pictures of the tests seem to lie.
pub const ROOT: &str = "/pictures";

/// The groups of the test collection, in which pictures are alike.
pub const GROUPS: [&str; 3] = ["birds", "cats", "dogs"];

/// A collection of `len` pictures in three groups. Embeddings of a group point the same way, more or less, and differ
/// in length, so that cosine and euclidean do not rank alike.
pub fn collection(len: usize) -> Index {
    let mut index = Index::new(8);
    index.push(segment(0..len));
    index
}

/// The pictures numbered by the range.
pub fn segment(numbers: std::ops::Range<usize>) -> Arc<Segment> {
    let images = numbers.clone().map(image);
    let embeddings: Vec<_> = numbers.map(embedding).collect();
    Arc::new(Segment::pack(Arc::from(Path::new(ROOT)), images, &embeddings, 8))
}

fn image(number: usize) -> Image {
    let group = GROUPS[number % 3];
    Image {
        file: ImageFile {
            path: format!("{ROOT}/{group}/{}{number}.jpg", &group[..group.len() - 1]).into(),
            size: 20_000 + 1_234 * number as u64,
            modified: (1_700_000_000 + 86_400 * number as i64) * 1_000_000_000,
            changed: 0,
        },
        pixels: if number % 4 == 3 { (480, 640) } else { (640, 480) },
        format: if number.is_multiple_of(2) { "JPEG" } else { "PNG" },
        face: None,
    }
}

/// Pictures of these names under [`ROOT`], with embeddings of two values.
pub fn named_pictures(pictures: &[(String, [f32; 2])]) -> Index {
    let image = |(name, _): &(String, [f32; 2])| Image {
        file: ImageFile { path: format!("{ROOT}/{name}").into(), size: 1, modified: 0, changed: 0 },
        pixels: (4, 3),
        format: "JPEG",
        face: None,
    };
    let rows: Vec<_> = pictures.iter().map(|(_, row)| row.to_vec()).collect();
    let mut index = Index::new(2);
    index.push(Arc::new(Segment::pack(Arc::from(Path::new(ROOT)), pictures.iter().map(image), &rows, 2)));
    index
}

fn embedding(number: usize) -> Vec<f32> {
    let length = 1.0 + (number * 7 % 5) as f32;
    (0..8)
        .map(|axis| {
            let group = if axis % 3 == number % 3 { 1.0 } else { 0.1 };
            let own = ((number * 31 + axis * 17) % 13) as f32 / 26.0;
            (group + own) * length
        })
        .collect()
}

/// The same pictures by another model, whose embeddings have two values.
fn by_other(index: &Index) -> Index {
    let entries: Vec<_> = index.iter().collect();
    let images = entries.iter().map(|entry| Image {
        file: ImageFile { path: entry.path(), size: 1, modified: 0, changed: 0 },
        pixels: entry.pixels(),
        format: "PNG",
        face: None,
    });
    let rows: Vec<_> = entries.iter().map(|entry| vec![entry.norm, 1.0 + (entry.id.0 % 5) as f32]).collect();
    let mut other = Index::new(2);
    other.push(Arc::new(Segment::pack(Arc::from(Path::new(ROOT)), images, &rows, 2)));
    other
}

/// What a run comes to that indexed everything anew.
fn summary(index: Arc<Index>) -> Summary {
    Summary { added: index.len(), index, skipped: Vec::new().into(), reused: 0, renamed: 0, removed: 0, seconds: 1.5 }
}

/// The explorer, the jobs it wants done, and what else it wants.
pub struct Explorer {
    pub app: App,
    pub effects: Vec<String>,
    /// What a second look at look-alikes finds.
    pub copies: Option<Arc<Copies>>,
    /// What was moved away last.
    moved: Vec<PathBuf>,
    indexing: JobId,
    /// Jobs are kept here instead of being done, once [`Explorer::hold`] was called.
    pub held: Option<Vec<(JobId, Job)>>,
}

impl Explorer {
    /// Just started: nothing is known yet.
    pub fn started(setup: Setup) -> Self {
        let mut app = App::new(setup);
        let effects = app.start();
        let [Effect::Start(indexing, Job::Index)] = effects[..] else { panic!("it must begin with the indexing") };
        Self { app, effects: Vec::new(), copies: None, moved: Vec::new(), indexing, held: None }
    }

    /// Everything of a collection of `len` pictures is indexed.
    pub fn ready(setup: Setup, len: usize) -> Self {
        let mut explorer = Self::started(setup);
        explorer.model(false);
        explorer.indexed(Arc::new(collection(len)), Vec::new());
        explorer.keys("Esc");
        explorer
    }

    /// Everything of an index is there.
    pub fn of(setup: Setup, index: Index) -> Self {
        let mut explorer = Self::started(setup);
        explorer.model(false);
        explorer.indexed(Arc::new(index), Vec::new());
        explorer.key("Esc");
        explorer
    }

    /// In the middle of indexing.
    pub fn indexing(setup: Setup, len: usize, total: usize) -> Self {
        let mut explorer = Self::started(setup);
        explorer.model(true);
        explorer.report(Report::Snapshot(Arc::new(collection(len))));
        explorer.report(Report::Progress(Progress {
            stage: Stage::Embedding,
            done: len,
            total,
            per_second: 41.5,
            left: Some(Duration::from_secs(95)),
            decode_bound: None,
        }));
        explorer
    }

    /// The indexing ended with an error before there was anything.
    pub fn failed(setup: Setup) -> Self {
        let mut explorer = Self::started(setup);
        explorer.fail("there is no folder /pictures: check the path, or the drive it is on");
        explorer
    }

    /// The indexing ends with an error.
    pub fn fail(&mut self, reason: &str) {
        self.tell(self.indexing, Outcome::Failed(reason.to_owned()));
    }

    pub fn model(&mut self, baseline: bool) {
        let (name, dim) = if baseline { ("color-grid", 8) } else { ("resnet50", 2048) };
        self.report(Report::Model {
            name: name.to_owned(),
            dim,
            baseline,
            near_duplicate: (!baseline).then_some(0.99),
            device: Some("CPU".to_owned()),
        });
    }

    pub fn report(&mut self, report: Report) {
        self.tell(self.indexing, Outcome::Indexing(report));
    }

    pub fn indexed(&mut self, index: Arc<Index>, skipped: Vec<Skipped>) {
        let outcome = Summary { skipped: skipped.into(), ..summary(index) };
        self.tell(self.indexing, Outcome::Indexed(outcome));
    }

    pub fn tell(&mut self, job: JobId, outcome: Outcome) {
        self.update(Event::Job(JobEvent { job, outcome }));
    }

    pub fn update(&mut self, event: Event) {
        let effects = self.app.update(event);
        for effect in effects {
            let (id, job) = match effect {
                Effect::Start(id, job) => (id, job),
                Effect::Open(path) => {
                    self.effects.push(format!("open {}", path.display()));
                    continue;
                }
                Effect::Copy(text) => {
                    self.effects.push(format!("copy {text}"));
                    continue;
                }
                other => {
                    self.effects.push(format!("{other:?}").to_lowercase());
                    continue;
                }
            };
            match &mut self.held {
                Some(held) => held.push((id, job)),
                None => self.done(id, job),
            }
        }
    }

    /// Does a job and hands in its answer.
    pub fn done(&mut self, id: JobId, job: Job) {
        let outcome = match job {
            Job::Make { index, task } => {
                Outcome::Made(match task.make(&index, &similarity::sequential, &|| false, &mut |_| {}) {
                    Made::Alike(found) => {
                        let closer = found.with(self.copies.clone(), &index, &|| false).expect("not superseded");
                        Made::Alike(Arc::new(closer))
                    }
                    made => made,
                })
            }
            Job::NameGroups { names, .. } => {
                let names: Vec<_> = names.iter().map(|name| format!("{} ({})", name.name, name.size)).collect();
                self.effects.push(format!("name {}", names.join(", ")));
                Outcome::Named(NamesKept::OnDisk)
            }
            Job::Export { paths, to } => {
                self.effects.push(format!("write {} to {}", paths.len(), to.display()));
                Outcome::Exported { to, paths: paths.len() }
            }
            Job::Enroll { portraits, name } => {
                self.effects.push(format!("name {} {name}", portraits.len()));
                Outcome::Enrolled { folder: Path::new("/gallery").join(name), added: portraits.len() }
            }
            Job::Explain { pair, cells, .. } => {
                let shares = |values: [f32; 4]| Shares { grid: [2, 2], values: values.into() };
                let shares = [shares([0.5, 0.3, 0.1, 0.0]), shares([0.7, 0.2, -0.1, 0.1])];
                let explanation = Explanation { cosine: 0.9, exact: true, shares };
                let previews = [0, 1].map(|_| Preview::failed("no picture in tests"));
                Outcome::Explained(Arc::new(Explained { pair, cells, explanation, previews }))
            }
            // A picture from elsewhere looks like the number in its name; one called 3x7 has three faces, of which the
            // first looks like that.
            Job::Ask { index, path } => match index.find(&path) {
                Some(row) => Outcome::IsRow(row),
                None => {
                    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
                    let (faces, number) = stem.split_once('x').unwrap_or(("0", stem));
                    let (faces, number): (usize, usize) = (faces.parse().unwrap_or(0), number.parse().unwrap_or(0));
                    let embeddings = (0..faces.max(1)).map(|face| embedding(number + face).into()).collect();
                    let face = Face { area: [0.1, 0.1, 0.5, 0.5], points: [[0.3; 2]; 5], score: 1.0 };
                    Outcome::Embedded(Arc::new(Outside { path: path.into(), faces: vec![face; faces], embeddings }))
                }
            },
            Job::Complete { typed } => {
                let choices = ["10.jpg", "12.jpg"].map(str::to_owned).to_vec();
                Outcome::Completed(Completed { common: format!("{typed}1"), typed, choices })
            }
            Job::Dispose { doomed, away } => {
                let moved: Vec<_> = doomed.into_iter().map(|one| one.file.path).collect();
                self.effects.push(format!("move {} to {away:?}", moved.len()));
                self.moved = moved.clone();
                Outcome::Disposed(Disposed { moved, list: Some("/moved".into()), ..Disposed::default() })
            }
            Job::Undo { .. } => {
                let back = std::mem::take(&mut self.moved);
                Outcome::Undone(Undone { back, ..Undone::default() })
            }
            // Tests see placeholders unless they hand in pictures themselves.
            Job::Previews { .. } | Job::Stop(_) => return,
            Job::ExportLabels { index, source, to } => {
                let paths = index.iter().filter(|entry| !source.of(entry).is_empty()).count();
                self.effects.push(format!("write {paths} labels to {}", to.display()));
                Outcome::Exported { to, paths }
            }
            Job::KeepLabels { labels, to } => {
                let of = |(key, label): (&LabelKey, &[u8])| {
                    let face = key.face.map(|number| format!(" #{number}")).unwrap_or_default();
                    format!("{}{face} {}", key.path.display(), label_file::shown(label))
                };
                let kept: Vec<_> = labels.iter().map(of).collect();
                self.effects.push(format!("keep {} in {}", kept.join(", "), to.display()));
                Outcome::LabelsKept
            }
            // The other model of the tests finds everything as alike as the sizes of the pictures' embeddings.
            Job::IndexBy { .. } => Outcome::Indexed(summary(Arc::new(by_other(&self.app.shared.index)))),
            Job::Index => panic!("the indexing runs already"),
        };
        self.tell(id, outcome);
    }

    /// From now on jobs are collected and not done.
    pub fn hold(&mut self) {
        self.held = Some(Vec::new());
    }

    /// Takes the held tasks of a lane out, the oldest first.
    pub fn held_tasks(&mut self, lane: Lane) -> Vec<(JobId, Job)> {
        let held = self.held.take().unwrap_or_default();
        let of_lane = |job: &Job| matches!(job, Job::Make { task, .. } if task.lane() == lane);
        let (tasks, others) = held.into_iter().partition(|(_, job)| of_lane(job));
        self.held = Some(others);
        tasks
    }

    /// How the Browse screen is divided.
    pub fn grid(&self) -> ContactSheet {
        Grid::new(self.app.shared.body(), self.app.screens.browse.size).sheet
    }

    /// How the Heatmap screen is divided.
    pub fn plot(&self) -> Plot {
        self.app.screens.heatmap.plot(&self.app.shared, self.app.shared.body())
    }

    /// How the Neighbors screen is divided.
    pub fn ranks(&self) -> Ranks {
        Ranks::new(self.app.shared.body(), self.app.screens.neighbors.size)
    }

    /// Keys by their names, separated by blanks, after which the fingers rest.
    pub fn keys(&mut self, names: &str) {
        self.hurry(names);
        self.update(Event::Rest);
    }

    /// Keys in quick succession, of which the last is not the end.
    pub fn hurry(&mut self, names: &str) {
        names.split_whitespace().for_each(|name| self.key(name));
    }

    pub fn key(&mut self, name: &str) {
        let chord = Chord::parse(name).unwrap_or_else(|| panic!("{name:?} is no key"));
        self.update(Event::Key(chord.event()));
    }

    pub fn name(&self, id: Option<ImageId>) -> String {
        id.and_then(|id| self.app.shared.index.get(id).map(|entry| entry.relative().display().to_string()))
            .unwrap_or_else(|| "-".to_owned())
    }

    /// The state and the effects since the last time, in a few lines.
    pub fn state(&mut self) -> String {
        let app = &self.app;
        let mut text = format!("{:?} {} {}", app.screen, app.shared.metric.name(), self.name(app.shared.selected));
        for over in &app.over {
            text += &match over {
                Over::Picture(id) => format!("\npicture {}", self.name(Some(*id))),
                Over::Query => "\nquery".to_owned(),
                Over::Why(why) => format!("\nwhy {} {}", self.name(Some(why.pair[0])), self.name(Some(why.pair[1]))),
                Over::Disposal(disposal) => format!("\nmoving {} away", disposal.doomed.len()),
                Over::Pair { row, col, .. } => format!("\npair {} {}", self.name(Some(*row)), self.name(Some(*col))),
                Over::Help(_) => "\nhelp".to_owned(),
                Over::Prompt(prompt) => format!("\ntyping {:?}", prompt.text),
            };
        }
        if let Some(message) = &app.message {
            text += &format!("\n{:?}: {}", message.severity, message.text);
        }
        for effect in self.effects.drain(..) {
            text += &format!("\n→ {effect}");
        }
        text
    }

    /// The frame as the terminal would get it.
    pub fn frame(&self) -> Buffer {
        let (width, height) = self.app.shared.display.size;
        self.frame_at(width, height)
    }

    /// The frame in a terminal of some other size than the explorer knows of.
    pub fn frame_at(&self, width: u16, height: u16) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test backend cannot fail");
        terminal.draw(|frame| ui::draw(&self.app, frame)).expect("a test backend cannot fail");
        terminal.backend().buffer().clone()
    }
}

/// A setup for a terminal of a size.
pub fn setup(width: u16, height: u16) -> Setup {
    Setup {
        folders: vec![ROOT.into()],
        size: (width, height),
        metric: Metric::Cosine,
        models: ["color-grid", "resnet50"]
            .map(|name| UsableModel { name: name.into(), description: format!("What {name} is") })
            .into(),
        ..Setup::default()
    }
}

/// A frame as text: the glyphs, under them a letter for the style of every cell, then what the letters mean.
pub fn styled(buffer: &Buffer) -> String {
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    let alphabet: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain('α'..='ω').collect();
    let (mut glyphs, mut styles) = (String::new(), String::new());
    let mut order = Vec::new();
    for y in 0..buffer.area.height {
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            if skip == 0 {
                glyphs.push_str(cell.symbol());
                skip = text::width(cell.symbol()).saturating_sub(1);
            } else {
                skip -= 1;
            }
            let style = style(cell);
            if style.is_empty() {
                styles.push('.');
                continue;
            }
            let next = alphabet[letters.len() % alphabet.len()];
            let letter = *letters.entry(style.clone()).or_insert_with(|| {
                order.push((next, style));
                next
            });
            styles.push(letter);
        }
        let (kept, kept_styles) = (glyphs.trim_end().len(), styles.trim_end_matches('.').len());
        glyphs.truncate(kept);
        styles.truncate(kept_styles);
        glyphs.push('\n');
        styles.push('\n');
    }
    let mut text = format!("{}\n{}\n", glyphs.trim_end_matches('\n'), "-".repeat(buffer.area.width.into()));
    text += styles.trim_end_matches('\n');
    text += "\n\n";
    for (letter, style) in order {
        let _ = writeln!(text, "{letter} {style}");
    }
    text
}

fn style(cell: &ratatui::buffer::Cell) -> String {
    let mut parts = Vec::new();
    if cell.fg != Color::Reset {
        parts.push(color(cell.fg));
    }
    if cell.bg != Color::Reset {
        parts.push(format!("on {}", color(cell.bg)));
    }
    if !cell.modifier.is_empty() {
        parts.push(format!("{:?}", cell.modifier).to_lowercase());
    }
    parts.join(" ")
}

fn color(color: Color) -> String {
    match color {
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        other => other.to_string().to_lowercase(),
    }
}
