//! `lookalike groups`: which pictures of a folder belong together; and a folder of links for each group.

use std::{
    collections::HashSet,
    io::{self, IsTerminal, Write},
    sync::Arc,
};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{
    FolderArgs, ModelArgs, SCHEMA_VERSION,
    data::{JsonFace, JsonImage, csv_field, face_columns, face_fields, path_text, pretty_json, with_accuracy},
    indexed::Indexed,
    interrupt::cancelled_by_signals,
    links::{LinkArgs, Together},
    progress::Reporter,
    stdout_error,
};
use crate::{
    analysis::clusters::{Cluster, Clustering, Cut, Density, GroupName, Method},
    error::{Error, Exit, Result},
    index::{Entry, ImageId, RowKind, labels::Labels},
    printable::printable_str,
    similarity::graph::MOST_NEIGHBORS,
    task::{Known, KnownGraph, Made, Task},
    text,
    worker::on_all_cores,
};

/// Arguments of `lookalike groups`.
#[derive(Debug, Clone, Args)]
pub struct GroupsArgs {
    /// Folders and what to leave out.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// How groups are found
    #[arg(long, value_enum, value_name = "METHOD", default_value_t = MethodArg::Kmeans)]
    pub method: MethodArg,
    /// Number of groups, for kmeans and dendrogram [default: the number with the best silhouette]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub count: Option<usize>,
    /// Least mean cosine similarity between the parts of a group, for dendrogram
    #[arg(long, value_name = "COSINE", conflicts_with = "count", value_parser = cosine, allow_negative_numbers = true)]
    pub height: Option<f32>,
    /// Pictures that a group has at least, for hdbscan [default: 5]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub min_size: Option<usize>,
    /// Pictures that must be near, itself among them, for a picture to be dense, for hdbscan [default: 2]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub min_samples: Option<usize>,
    /// Print one line a picture as CSV.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where links go.
    #[command(flatten)]
    pub links: LinkArgs,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// End with exit code 1 when an image could not be indexed.
    #[arg(long)]
    pub strict: bool,
}

/// The ways to find groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MethodArg {
    /// Dense groups of any shape, and noise between them.
    Hdbscan,
    /// Round groups; no noise.
    Kmeans,
    /// A cut of the tree that the order by similarity comes from; no noise.
    Dendrogram,
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "it is a number from 1 on".into())
}

fn cosine(text: &str) -> Result<f32, String> {
    let value = text.parse().ok().filter(|value| (-1.0..=1.0).contains(value));
    value.ok_or_else(|| "it is a number from -1 to 1".into())
}

impl GroupsArgs {
    /// The method, with its parameters.
    fn method(&self) -> Result<Method> {
        let only = |option: &str, given: bool, methods: &str, fits: bool| match given && !fits {
            true => Err(Error::Usage(format!("{option} is for --method {methods}"))),
            false => Ok(()),
        };
        let method = self.method;
        let density = method == MethodArg::Hdbscan;
        only("--count", self.count.is_some(), "kmeans or dendrogram", !density)?;
        only("--height", self.height.is_some(), "dendrogram", method == MethodArg::Dendrogram)?;
        only("--min-size", self.min_size.is_some(), "hdbscan", density)?;
        only("--min-samples", self.min_samples.is_some(), "hdbscan", density)?;
        let usual = Density::default();
        Ok(match method {
            MethodArg::Hdbscan => {
                let min_size = self.min_size.unwrap_or(usual.min_size);
                let min_samples = self.min_samples.unwrap_or(usual.min_samples);
                if min_size < 2 {
                    return Err(Error::Usage("--min-size is 2 or more: one picture is no group".into()));
                }
                if min_samples > MOST_NEIGHBORS {
                    return Err(Error::Usage(format!("--min-samples is {MOST_NEIGHBORS} at most")));
                }
                Method::Hdbscan(Density { min_size, min_samples })
            }
            MethodArg::Kmeans => Method::KMeans(self.count),
            MethodArg::Dendrogram => Method::Dendrogram(match (self.count, self.height) {
                (Some(count), _) => Cut::Count(count),
                (None, Some(height)) => Cut::Height(height),
                (None, None) => Cut::Silhouette,
            }),
        })
    }
}

/// Indexes the folders, then prints the groups or makes their folders.
///
/// # Errors
/// As the indexing; [`Error::Usage`] for options that do not go together or a target that is not empty;
/// [`Error::Interrupted`] when stopped.
pub fn run(args: &GroupsArgs, out: &mut dyn Write) -> Result<Exit> {
    let method = args.method()?;
    args.links.check()?;
    let indexed = Indexed::new(&args.folders, &args.model, cancelled_by_signals()?)?;
    let Indexed { index, kept, .. } = &indexed;
    let graph = if method.neighbors() > 0 { kept.graph(index).map(KnownGraph) } else { None };
    let names = kept.group_names(index);
    let mut reporter = Reporter::stderr();
    let mut so_far = |made: &dyn Fn() -> Made| {
        if let Made::Progress(share) = made() {
            reporter.line(|| format!("finding groups: {:.0} %", 100.0 * share));
        }
    };
    let stopped = || indexed.cancel.is_cancelled();
    let task = Task::Groups(method, Known { graph, names: Arc::clone(&names) });
    let made = task.make(index, &on_all_cores, &stopped, &mut so_far);
    reporter.clear();
    let Made::Groups(_, found, _) = made else { return Err(Error::Interrupted) };
    if let Some(graph) = &found.graph {
        kept.keep(graph, index);
    }
    if !args.json {
        indexed.say_how_accurate(found.accuracy(), "a few may belong to another group");
    }
    let answer = Answer::new(&indexed, &found, &names);
    let written = match &args.links.link_to {
        Some(target) => {
            let rest = match found.noise.len() {
                0 => String::new(),
                count => format!("; {} in no group", indexed.index.kind().counted(count)),
            };
            let is_whole = args.links.run(target, answer.together(), &rest, &indexed.cancel, out)?;
            return Ok(if is_whole { indexed.exit(args.strict) } else { Exit::Interrupted });
        }
        None if args.json => answer.json(out),
        None if args.csv => answer.csv(out),
        None => answer.text(out),
    };
    written.map_err(stdout_error)?;
    Ok(indexed.exit(args.strict))
}

/// The groups with their names.
struct Answer<'a> {
    indexed: &'a Indexed,
    found: &'a Clustering,
    folders: Labels,
    names: Vec<String>,
}

#[derive(Serialize)]
struct JsonGroup<'a> {
    name: &'a str,
    size: usize,
    cohesion: f32,
    medoid: String,
    folder: Option<&'a str>,
    purity: Option<f32>,
    images: Vec<JsonMember<'a>>,
}

#[derive(Serialize)]
struct JsonMember<'a> {
    #[serde(flatten)]
    image: JsonImage<'a>,
    /// To the center of the group.
    cosine: f32,
}

impl<'a> Answer<'a> {
    fn new(indexed: &'a Indexed, found: &'a Clustering, given: &[GroupName]) -> Self {
        let folders = Labels::folders(&indexed.index);
        let named = GroupName::of_clusters(&found.clusters, given);
        let name = |(number, cluster): (usize, &Cluster)| match named[number] {
            Some(place) => given[place].name.clone(),
            None => GroupName::usual(number, cluster, &folders),
        };
        let names = found.clusters.iter().enumerate().map(name).collect();
        Self { indexed, found, folders, names }
    }

    /// The groups, each with its name.
    fn groups(&self) -> impl Iterator<Item = (&str, &Cluster)> {
        self.names.iter().map(String::as_str).zip(&self.found.clusters)
    }

    /// The pictures of each group, for its folder of links.
    fn together(&self) -> Vec<Together> {
        let groups = self.groups().map(|(name, cluster)| {
            let pictures = cluster.members.iter().filter_map(|(id, _)| self.entry(*id)).map(|entry| entry.path());
            // Several faces of a picture may be in one group.
            let mut linked = HashSet::new();
            Together { name: name.into(), pictures: pictures.filter(|path| linked.insert(path.clone())).collect() }
        });
        groups.collect()
    }

    fn entry(&self, id: ImageId) -> Option<Entry<'_>> {
        self.indexed.index.get(id)
    }

    /// How the groups were found, in words.
    fn method(&self) -> String {
        match self.found.method {
            Method::Hdbscan(Density { min_size, min_samples }) => {
                format!("hdbscan, {min_size} {} or more, {min_samples} samples", self.indexed.index.kind().plural())
            }
            Method::Dendrogram(Cut::Height(height)) => format!("dendrogram, cut at cosine {height:.3}"),
            method => method.name().to_owned(),
        }
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { found, folders, .. } = self;
        let grouped: usize = found.clusters.iter().map(|cluster| cluster.members.len()).sum();
        let noise = if found.noise.is_empty() { String::new() } else { format!(", {} in none", found.noise.len()) };
        let counts = format!("{} of {}", text::counted(found.clusters.len(), "group"), self.indexed.counted(grouped));
        writeln!(out, "{counts}{noise} · {}", self.method())?;
        if let Some(silhouette) = found.silhouette {
            writeln!(out, "silhouette {silhouette:.3}")?;
        }
        if let Some(agreement) = found.agreement {
            let (rand, information) = (agreement.adjusted_rand, agreement.mutual_information);
            writeln!(
                out,
                "agreement with the sub-folders: adjusted Rand index {rand:.3}, normalized mutual information {information:.3}"
            )?;
        }
        for (name, cluster) in self.groups() {
            let size = self.indexed.counted(cluster.members.len());
            let folder = cluster.folder.map_or(String::new(), |(folder, purity)| {
                format!(", {:.0} % in {}/", 100.0 * purity, folders.name(folder))
            });
            writeln!(out, "\n{}: {size}, cohesion {:.3}{folder}", printable_str(name), cluster.cohesion)?;
            for (id, cosine) in &cluster.members {
                let Some(entry) = self.entry(*id) else { continue };
                writeln!(out, "  {cosine:.3}  {}", self.indexed.label(&entry))?;
            }
        }
        if !found.noise.is_empty() {
            writeln!(out, "\nin no group: {}", self.indexed.counted(found.noise.len()))?;
            for entry in found.noise.iter().filter_map(|id| self.entry(*id)) {
                writeln!(out, "         {}", self.indexed.label(&entry))?;
            }
        }
        Ok(())
    }

    /// One line a picture; the noise has neither number, name nor cosine.
    fn csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let terminal = io::stdout().is_terminal();
        writeln!(out, "path,group,name,cosine{}", face_columns(self.indexed.index.kind()))?;
        for (number, (name, cluster)) in self.groups().enumerate() {
            for (id, cosine) in &cluster.members {
                let Some(entry) = self.entry(*id) else { continue };
                let path = csv_field(&path_text(&entry.path()), terminal);
                let (name, face) = (csv_field(name, terminal), face_fields(&entry));
                writeln!(out, "{path},{},{name},{cosine}{face}", number + 1)?;
            }
        }
        for entry in self.found.noise.iter().filter_map(|id| self.entry(*id)) {
            writeln!(out, "{},,,{}", csv_field(&path_text(&entry.path()), terminal), face_fields(&entry))?;
        }
        Ok(())
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let path = |id: ImageId| self.entry(id).map(|entry| path_text(&entry.path()).into_owned());
        let image = |(id, cosine): &(ImageId, f32)| {
            Some(JsonMember { image: JsonImage::of(&self.entry(*id)?), cosine: *cosine })
        };
        let groups: Vec<_> = self
            .groups()
            .map(|(name, cluster)| JsonGroup {
                name,
                size: cluster.members.len(),
                cohesion: cluster.cohesion,
                medoid: path(cluster.medoid()).unwrap_or_default(),
                folder: cluster.folder.map(|(folder, _)| self.folders.name(folder)),
                purity: cluster.folder.map(|(_, purity)| purity),
                images: cluster.members.iter().filter_map(image).collect(),
            })
            .collect();
        let (min_size, min_samples) = match self.found.method {
            Method::Hdbscan(density) => (Some(density.min_size), Some(density.min_samples)),
            _ => (None, None),
        };
        let height = match self.found.method {
            Method::Dendrogram(Cut::Height(height)) => Some(height),
            _ => None,
        };
        let mut value = serde_json::json!({
            "schema_version": SCHEMA_VERSION,
            "model": self.indexed.model,
            "method": self.found.method.name(),
            "min_size": min_size,
            "min_samples": min_samples,
            "height": height,
            "silhouette": self.found.silhouette,
            "adjusted_rand": self.found.agreement.map(|agreement| agreement.adjusted_rand),
            "normalized_mutual_information": self.found.agreement.map(|agreement| agreement.mutual_information),
            "groups": groups,
            "noise": self.found.noise.iter().filter_map(|id| path(*id)).collect::<Vec<_>>(),
        });
        if self.indexed.index.kind() == RowKind::Face {
            let faces = self.found.noise.iter().filter_map(|id| JsonFace::of(&self.entry(*id)?));
            value["noise_faces"] = serde_json::to_value(faces.collect::<Vec<_>>())?;
        }
        writeln!(out, "{}", pretty_json(&with_accuracy(value, self.found.accuracy()))?)
    }
}
