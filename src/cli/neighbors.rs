//! `lookalike neighbors`: the pictures most (or least) like one picture, which may lie anywhere.

use std::{
    borrow::Cow,
    collections::HashSet,
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;

use super::{
    FolderArgs, ModelArgs, SCHEMA_VERSION,
    data::{JsonFace, group_text, path_text, pretty_json, write_path},
    folder_of,
    indexed::Indexed,
    interrupt::cancelled_by_signals,
    stdout_error,
};
use crate::{
    embed,
    error::{Error, Exit, Result},
    index::{Entry, ImageId, Index},
    pipeline,
    printable::printable,
    scan::NO_FACE,
    similarity::{Comparison, Metric, Neighbor, Query, combined, compare},
};

const FOLDERS: &str = "More images, and folders to search [default: the one that the picture is in]";

/// Arguments of `lookalike neighbors`.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("folders", |folders| folders.value_name("IMAGE|FOLDER").help(FOLDERS)))]
pub struct NeighborsArgs {
    /// The picture whose look-alikes are wanted; further ones may follow.
    #[arg(value_name = "IMAGE")]
    pub image: PathBuf,
    /// A picture that they are to be unlike (repeatable).
    #[arg(long, value_name = "IMAGE", hide_short_help = true)]
    pub not: Vec<PathBuf>,
    /// Folders and what to leave out.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// How many pictures to list.
    #[arg(short, long, value_name = "N", default_value_t = 10)]
    pub k: usize,
    /// How pictures are compared.
    #[arg(long, value_enum, default_value_t)]
    pub metric: Metric,
    /// List the least alike, the farthest first.
    #[arg(long)]
    pub farthest: bool,
    /// Print JSON.
    #[arg(long, conflicts_with_all = ["paths_only", "print0"])]
    pub json: bool,
    /// Print paths without values, one a line.
    #[arg(long)]
    pub paths_only: bool,
    /// The same, each ended by a NUL, for `xargs -0`.
    #[arg(short = '0', long, alias = "null")]
    pub print0: bool,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// End with exit code 1 when an image of the folder could not be indexed.
    #[arg(long)]
    pub strict: bool,
}

/// Indexes the folders, then lists the neighbors.
///
/// # Errors
/// [`Error::Image`] when the picture cannot be read, [`Error::Usage`] for a folder in its place; else as the indexing.
pub fn run(args: &NeighborsArgs, out: &mut dyn Write) -> Result<Exit> {
    let asked = Asked::of(args)?;
    if args.k == 0 {
        return Err(Error::Usage("-k 0 asks for no neighbors: give at least 1".into()));
    }
    let indexed = Indexed::new(&asked.folders, &args.model, cancelled_by_signals()?)?;
    let (query, own) = asked.query(args, &indexed.index)?;
    let found = compare(&indexed.index, &query);
    let mut neighbors = match own.len() {
        0 if args.farthest => found.farthest(args.metric, args.k),
        0 => found.nearest(args.metric, args.k),
        _ => found.among(args.metric, args.k, args.farthest, |id| !own.contains(&id)),
    };
    let candidates = found.candidates() - own.len();
    if !own.is_empty() {
        // What is asked with has no place in the answer.
        let (ids, ranks): (Vec<_>, Vec<_>) = neighbors.iter().map(|neighbor| (neighbor.id, neighbor.rank)).unzip();
        let ranks = found.ranks_beside(args.metric, &ids, &ranks, &own);
        neighbors.iter_mut().zip(ranks).for_each(|(neighbor, rank)| neighbor.rank = rank);
    }
    let rows: Vec<_> = neighbors.iter().filter_map(|n| Some((*n, indexed.index.get(n.id)?))).collect();
    let terminal = io::stdout().is_terminal();
    let written = if args.json {
        json(args, &asked, &indexed, (&found, candidates), &rows, out)
    } else if args.print0 || args.paths_only {
        let mut seen = HashSet::new();
        let mut paths = rows.iter().map(|(_, entry)| entry.path()).filter(|path| seen.insert(path.clone()));
        paths.try_for_each(|path| write_path(&path, args.print0, out))
    } else if terminal {
        table(args, &asked, &indexed, candidates, &rows, out)
    } else {
        lines(&rows, out)
    };
    written.map_err(stdout_error)?;
    Ok(indexed.exit(args.strict))
}

/// The pictures that were asked with, and where to search.
struct Asked {
    /// The real paths of those to be like, the first one first, each once.
    like: Vec<PathBuf>,
    unlike: Vec<PathBuf>,
    /// As they were typed.
    names: [Vec<PathBuf>; 2],
    folders: FolderArgs,
}

impl Asked {
    fn of(args: &NeighborsArgs) -> Result<Self> {
        let real = |path: &PathBuf| {
            let real = fs::canonicalize(path).map_err(Error::io("open", path))?;
            if real.is_dir() {
                let folder = printable(path);
                return Err(Error::Usage(format!(
                    "{folder} is a folder: name the image first, then the folders to search"
                )));
            }
            Ok(real)
        };
        // What is a file among the folders is one more picture.
        let named = args.folders.folders.iter();
        let (more, folders): (Vec<_>, Vec<_>) = named.cloned().partition(|path| path.is_file());
        let names = [[vec![args.image.clone()], more].concat(), args.not.clone()];
        // One that is named twice is asked with once.
        let all = |paths: &[PathBuf]| {
            let mut seen = HashSet::new();
            let real = paths.iter().map(|path| Ok((real(path)?, path.clone()))).collect::<Result<Vec<_>>>()?;
            Ok(real.into_iter().filter(|(real, _)| seen.insert(real.clone())).unzip())
        };
        let folders = FolderArgs { folders, ..args.folders.clone() }.or(folder_of(&args.image));
        let [(like, liked), (unlike, unliked)]: [(Vec<_>, Vec<_>); 2] = [all(&names[0])?, all(&names[1])?];
        Ok(Self { like, unlike, names: [liked, unliked], folders })
    }

    /// What to compare with, and the pictures of the index that it stands for where they are several: no answer to it.
    fn query(&self, args: &NeighborsArgs, index: &Index) -> Result<(Query, HashSet<ImageId>)> {
        let row = |path: &Path| pipeline::row_of(index, path).and_then(|id| index.get(id));
        if let ([path], []) = (&self.like[..], &self.unlike[..]) {
            let query = match row(path) {
                Some(entry) => {
                    say_which(index.of_one_picture(entry.id).count(), path);
                    Query::Image(entry.id)
                }
                None => Query::Embedding(embedding(args, path)?.into()),
            };
            return Ok((query, HashSet::new()));
        }
        let mut own = HashSet::new();
        let mut embeddings = |paths: &[PathBuf]| {
            let one = |path: &PathBuf| match row(path) {
                Some(entry) => {
                    say_which(index.of_one_picture(entry.id).count(), path);
                    own.insert(entry.id);
                    Ok(entry.embedding())
                }
                None => embedding(args, path),
            };
            paths.iter().map(one).collect::<Result<Vec<_>>>()
        };
        let (like, unlike) = (embeddings(&self.like)?, embeddings(&self.unlike)?);
        Ok((combined(&like, &unlike), own))
    }

    /// Their names, for people.
    fn named(&self) -> String {
        let [like, unlike] = self.names.each_ref().map(|names| names.iter().map(printable).collect::<Vec<_>>());
        let unlike = if unlike.is_empty() { String::new() } else { format!(", unlike {}", unlike.join(" and ")) };
        format!("{}{unlike}", like.join(" and "))
    }
}

/// Says that of several faces the largest is compared.
fn say_which(faces: usize, path: &Path) {
    if faces > 1 {
        // Said for people: the answer is the same for all.
        let _ = writeln!(io::stderr(), "lookalike: {} has {faces} faces: the largest is compared", printable(path));
    }
}

/// The embedding of a picture outside the folders, or of its largest face.
fn embedding(args: &NeighborsArgs, path: &Path) -> Result<Vec<f32>> {
    let choice = args.model.choice();
    let mut embedder = embed::load(&embed::choose(&choice)?, &choice)?;
    let found = pipeline::find_in(path, embedder.as_mut(), choice.exact)?;
    say_which(found.len(), path);
    let none = || Error::Image { path: path.to_path_buf(), reason: NO_FACE.to_owned() };
    found.into_iter().next().map(|first| first.embedding).ok_or_else(none)
}

type Row<'a> = (Neighbor, Entry<'a>);

/// For eyes: rank, value and path under a heading.
fn table(
    args: &NeighborsArgs,
    asked: &Asked,
    indexed: &Indexed,
    candidates: usize,
    rows: &[Row<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let (end, metric) = (if args.farthest { "least" } else { "most" }, args.metric.name());
    let images = asked.named();
    writeln!(
        out,
        "{end} like {images} of {candidates} {}, by {metric}, embedded by {}",
        indexed.index.kind().plural(),
        indexed.model_label()
    )?;
    let width = rows.iter().map(|(neighbor, _)| neighbor.rank).max().unwrap_or(0).to_string().len().max(4);
    writeln!(out, "{:>width$}  {metric:>9}  path", "rank")?;
    for (neighbor, entry) in rows {
        writeln!(out, "{:>width$}  {:>9.4}  {}", neighbor.rank, neighbor.value, indexed.label(entry))?;
    }
    Ok(())
}

/// For programs: value, tab, absolute path; of a face after another tab its number.
fn lines(rows: &[Row<'_>], out: &mut dyn Write) -> io::Result<()> {
    for (neighbor, entry) in rows {
        write!(out, "{}\t", neighbor.value)?;
        out.write_all(entry.path().as_os_str().as_encoded_bytes())?;
        let face = entry.face_number().map(|number| format!("\t{number}")).unwrap_or_default();
        writeln!(out, "{face}")?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Answer<'a> {
    schema_version: u32,
    query: Cow<'a, str>,
    /// Further pictures to be like.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    and: Vec<Cow<'a, str>>,
    /// Pictures to be unlike.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not: Vec<Cow<'a, str>>,
    metric: &'static str,
    farthest: bool,
    model: &'a str,
    dimension: usize,
    candidates: usize,
    neighbors: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    rank: usize,
    path: String,
    group: Cow<'a, str>,
    cosine: f32,
    euclidean: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<JsonFace>,
}

fn json(
    args: &NeighborsArgs,
    asked: &Asked,
    indexed: &Indexed,
    (found, candidates): (&Comparison, usize),
    rows: &[Row<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let answer = Answer {
        schema_version: SCHEMA_VERSION,
        query: path_text(&asked.like[0]),
        and: asked.like[1..].iter().map(|path| path_text(path)).collect(),
        not: asked.unlike.iter().map(|path| path_text(path)).collect(),
        metric: args.metric.name(),
        farthest: args.farthest,
        model: &indexed.model,
        dimension: indexed.index.dim(),
        candidates,
        neighbors: rows
            .iter()
            .map(|(neighbor, entry)| Item {
                rank: neighbor.rank,
                path: path_text(&entry.path()).into_owned(),
                group: group_text(entry),
                cosine: found.value(Metric::Cosine, neighbor.id),
                euclidean: found.value(Metric::Euclidean, neighbor.id),
                face: JsonFace::of(entry),
            })
            .collect(),
    };
    writeln!(out, "{}", pretty_json(&answer)?)
}
