//! `lookalike alike`: which pictures of a folder look alike, in groups, the most alike first.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;

use super::{
    FolderArgs, ModelArgs, SCHEMA_VERSION,
    data::{JsonImage, pretty_json, with_accuracy, write_path},
    disposal,
    indexed::Indexed,
    interrupt::cancelled_by_signals,
    progress::Reporter,
    protected, stdout_error,
};
use crate::{
    analysis::{
        alike::{Group, Kind, Range},
        keeper::Reason,
    },
    embed,
    error::{Error, Exit, Result},
    index::{Entry, ImageId, Index},
    task::{Away, Doomed, LookAlikes},
    worker::{Look, SecondLook, on_all_cores},
};

/// Arguments of `lookalike alike`.
#[derive(Debug, Clone, Args)]
pub struct AlikeArgs {
    /// Folders and what to leave out.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// Least cosine similarity of look-alikes [default: the model's threshold for near-duplicates]
    #[arg(long, value_name = "COSINE", value_parser = cosine)]
    pub min: Option<f32>,
    /// Greatest cosine similarity; below 1 it leaves copies out [default: 1]
    #[arg(long, value_name = "COSINE", value_parser = cosine)]
    pub max: Option<f32>,
    /// Print JSON.
    #[arg(long, conflicts_with_all = ["paths", "print0"])]
    pub json: bool,
    /// Print the paths of surplus copies, one a line
    ///
    /// Of each group of copies all but the one to keep is surplus.
    #[arg(long)]
    pub paths: bool,
    /// The same, each ended by a NUL, for `xargs -0`
    #[arg(short = '0', long, alias = "null")]
    pub print0: bool,
    /// Move surplus copies to the trash, with --yes
    ///
    /// Without --yes they are listed. `lookalike undo` brings them back.
    #[arg(long, conflicts_with_all = ["json", "paths", "print0", "move_to"])]
    pub trash: bool,
    /// Move surplus copies into a folder, with --yes
    ///
    /// Without --yes they are listed. They keep their paths in it, and take no other file's place.
    /// `lookalike undo` brings them back.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["json", "paths", "print0"])]
    pub move_to: Option<PathBuf>,
    /// Never move pictures out of this folder
    ///
    /// They are kept rather than their copies. Repeatable.
    #[arg(long, value_name = "FOLDER")]
    pub keep_in: Vec<PathBuf>,
    /// Do what --trash or --move-to lists
    #[arg(long)]
    pub yes: bool,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// End with exit code 1 when an image could not be indexed.
    #[arg(long, hide_short_help = true)]
    pub strict: bool,
}

fn cosine(text: &str) -> Result<f32, String> {
    let value = text.parse().map_err(|_| "it is not a number".to_owned())?;
    if (-1.0..=1.0).contains(&value) { Ok(value) } else { Err("a cosine similarity lies between -1 and 1".into()) }
}

/// Indexes the folders, then prints the groups.
///
/// # Errors
/// As the indexing; [`Error::Usage`] for an empty range, [`Error::Interrupted`] when stopped.
pub fn run(args: &AlikeArgs, out: &mut dyn Write) -> Result<Exit> {
    let protected = protected(&args.keep_in)?;
    let about_copies = args.trash || args.move_to.is_some() || args.paths || args.print0;
    if about_copies && embed::choose(&args.model.choice())?.manifest.finds_faces() {
        return Err(Error::Usage(
            "copies are sought among whole pictures: leave --faces out to list or move them".into(),
        ));
    }
    let indexed = Indexed::new(&args.folders, &args.model, cancelled_by_signals()?)?;
    let usual = Range::usual(indexed.near_duplicate);
    let max = args.max.unwrap_or(usual.max);
    let range = Range { min: args.min.unwrap_or(usual.min.min(max)), max };
    if range.min > range.max {
        return Err(Error::Usage(format!("--min {} is above --max {}: nothing can be between", range.min, range.max)));
    }
    let mut reporter = Reporter::stderr();
    let mut progress = |share: f64| reporter.line(|| format!("comparing all with all: {:.0} %", 100.0 * share));
    let stopped = || indexed.cancel.is_cancelled();
    let Indexed { index, kept, .. } = &indexed;
    let known = kept.or_read(None, index, range);
    let found = LookAlikes::find(index, range, known.as_deref(), &on_all_cores, &stopped, &mut progress);
    reporter.clear();
    let found = found.ok_or(Error::Interrupted)?;
    kept.keep(&found.graph, index);
    let mut progress = |share: f64| reporter.line(|| format!("looking closer at look-alikes: {:.0} %", 100.0 * share));
    let look = Look { index, graph: &found.graph, protected: &protected };
    let found = SecondLook::default().at(&found, &look, kept, &stopped, &mut progress);
    reporter.clear();
    let found = found.ok_or(Error::Interrupted)?;
    let surplus = surplus(&found, index, &protected);
    let away = if args.trash { Some(Away::Trash) } else { args.move_to.clone().map(Away::Folder) };
    if let Some(away) = away {
        let doomed = Doomed::of(index, found.copies.as_deref(), &surplus);
        return disposal::run(&doomed, &away, &protected, args.yes, &indexed.cancel, out);
    }
    if args.paths || args.print0 {
        let entries = surplus.iter().filter_map(|id| index.get(*id));
        entries
            .map(|entry| entry.path())
            .try_for_each(|path| write_path(&path, args.print0, out))
            .map_err(stdout_error)?;
        return Ok(indexed.exit(args.strict));
    }
    let groups: Vec<_> = found.groups.iter().map(|group| Named::new(group, &indexed)).collect();
    let written = if args.json {
        json(&groups, &found, &indexed, out)
    } else {
        indexed.say_how_accurate(found.graph.accuracy(), "some look-alikes may be missing");
        lines(&groups, range, &indexed, out)
    };
    written.map_err(stdout_error)?;
    Ok(indexed.exit(args.strict))
}

/// The copies that need not be kept, in the order of their paths.
fn surplus(found: &LookAlikes, index: &Index, protected: &[PathBuf]) -> Vec<ImageId> {
    let may_go = |id: &ImageId| {
        index.get(*id).is_some_and(|entry| !protected.iter().any(|folder| entry.path().starts_with(folder)))
    };
    let copies = found.copies.iter().flat_map(|copies| copies.surplus());
    let mut ids: Vec<_> = copies.filter(may_go).collect();
    ids.sort_by_cached_key(|id| index.get(*id).map(|entry| entry.path()));
    ids
}

/// A group with its files.
struct Named<'a> {
    group: &'a Group,
    near_duplicates: bool,
    members: Vec<(Entry<'a>, f32)>,
}

impl<'a> Named<'a> {
    fn new(group: &'a Group, indexed: &'a Indexed) -> Self {
        let members = group.members.iter().filter_map(|(id, value)| Some((indexed.index.get(*id)?, *value))).collect();
        let near_duplicates = indexed.near_duplicate.is_some_and(|threshold| group.cohesion() >= threshold);
        Self { group, near_duplicates, members }
    }
}

fn lines(groups: &[Named<'_>], range: Range, indexed: &Indexed, out: &mut dyn Write) -> io::Result<()> {
    if groups.is_empty() {
        let what = indexed.index.kind().plural();
        return writeln!(out, "no two {what} have a cosine similarity between {:.2} and {:.2}", range.min, range.max);
    }
    for (at, Named { group, members, .. }) in groups.iter().enumerate() {
        let gap = if at > 0 { "\n" } else { "" };
        let pictures = indexed.counted(members.len());
        match group.reason() {
            Some(reason) if matches!(group.kind, Kind::Identical(_)) => {
                writeln!(out, "{gap}{pictures} in identical files; to keep: {}", reason.words())?;
            }
            Some(reason) => writeln!(out, "{gap}{pictures}, copies of one; to keep: {}", reason.words())?,
            None => {
                writeln!(out, "{gap}{pictures} alike from {:.3}", group.cohesion())?;
            }
        }
        for (place, (entry, value)) in members.iter().enumerate() {
            let value = match (place, group.reason()) {
                (0, Some(_)) => "keep ".to_owned(),
                (0, None) => "     ".to_owned(),
                _ => format!("{value:.3}"),
            };
            let how = group.relation(place, &indexed.index).map_or(String::new(), |how| format!("  ({how})"));
            writeln!(out, "  {value}  {}{how}", indexed.label(entry))?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct JsonGroup<'a> {
    /// "identical", "copies" or "look-alikes".
    kind: &'static str,
    /// Why the first picture is the one to keep, unless these are look-alikes.
    keep: Option<&'static str>,
    best: f32,
    least: f32,
    near_duplicates: bool,
    images: Vec<JsonMember<'a>>,
}

#[derive(Serialize)]
struct JsonMember<'a> {
    #[serde(flatten)]
    image: JsonImage<'a>,
    /// To the first picture of the group.
    cosine: f32,
    /// How it differs from that, in words, where it is a copy.
    copy: Option<String>,
    /// Quarter turns clockwise and mirroring that made it of that, where it is a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    turned: Option<Turned>,
}

#[derive(Serialize)]
struct Turned {
    quarters: u8,
    mirrored: bool,
}

fn json(groups: &[Named<'_>], found: &LookAlikes, indexed: &Indexed, out: &mut dyn Write) -> io::Result<()> {
    let groups: Vec<_> = groups
        .iter()
        .map(|Named { group, near_duplicates, members }| JsonGroup {
            kind: match group.kind {
                Kind::Identical(_) => "identical",
                Kind::Copies(..) => "copies",
                Kind::LookAlikes => "look-alikes",
            },
            keep: group.reason().map(Reason::words),
            best: group.best(),
            least: group.cohesion(),
            near_duplicates: *near_duplicates,
            images: members
                .iter()
                .enumerate()
                .map(|(place, (entry, value))| JsonMember {
                    image: JsonImage::of(entry),
                    cosine: if place == 0 { 1.0 } else { *value },
                    copy: group.relation(place, &indexed.index),
                    turned: group
                        .alignment(place)
                        .map(|found| Turned { quarters: found.turn.quarters, mirrored: found.turn.mirrored }),
                })
                .collect(),
        })
        .collect();
    let value = serde_json::json!({
        "schema_version": SCHEMA_VERSION,
        "model": indexed.model,
        "near_duplicate": indexed.near_duplicate,
        "min": found.range.min,
        "max": found.range.max,
        "groups": groups,
    });
    writeln!(out, "{}", pretty_json(&with_accuracy(value, found.graph.accuracy()))?)
}
