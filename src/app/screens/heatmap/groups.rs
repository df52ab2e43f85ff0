//! What the headers of the table set apart: folders, or in the order by similarity its clusters.

use std::{collections::HashMap, ops::Range};

use crate::{
    index::labels::Labels,
    order::OrderKind,
    similarity::{Metric, RowCluster, RowOrder},
    text,
};

/// Consecutive rows under one name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedRows {
    /// The rows.
    pub rows: Range<usize>,
    /// The folder that gives it its color and, if it is one, its name.
    pub folder: Option<usize>,
    /// For a cluster: the folders that most of its pictures come from, in words, and what is known of it.
    cluster: Option<(String, RowCluster)>,
}

impl NamedRows {
    /// The groups of rows in an order, those without a name left out: look-alikes from several folders in the order by
    /// similarity, folders in all others.
    pub(super) fn of(order: OrderKind, rows: &RowOrder, labels: &Labels) -> Vec<Self> {
        if order == OrderKind::Similarity && rows.dendrogram.is_some() {
            let cluster = |cluster: &RowCluster| {
                let (folder, name) = folders(rows, labels, cluster.rows.clone());
                Self { rows: cluster.rows.clone(), folder, cluster: Some((name, cluster.clone())) }
            };
            return rows.clusters.iter().map(cluster).collect();
        }
        let mut start = 0;
        let runs = rows.ids.chunk_by(|a, b| labels.of(*a) == labels.of(*b));
        runs.filter_map(|run| {
            let rows = start..start + run.len();
            start = rows.end;
            let folder = labels.of(run[0])?;
            Some(Self { rows, folder: Some(folder), cluster: None })
        })
        .collect()
    }

    /// Its name; of a cluster with the mean of its pairs.
    #[must_use]
    pub fn name(&self, labels: &Labels, metric: Metric) -> String {
        match &self.cluster {
            Some((name, cluster)) => {
                let mean = text::value(cluster.mean(metric));
                format!("{name}{}{}", if name.is_empty() { "" } else { " " }, mean.trim())
            }
            None => self.folder.map_or_else(String::new, |folder| labels.name(folder).to_owned()),
        }
    }

    /// Its name in so many columns. Of a cluster the mean is never cut; the name is, down to four columns, then the mean
    /// goes.
    #[must_use]
    pub fn fitted_name(&self, labels: &Labels, metric: Metric, columns: usize) -> String {
        let Some((name, cluster)) = &self.cluster else { return text::cut_middle(&self.name(labels, metric), columns) };
        let mean = text::value(cluster.mean(metric));
        let mean = mean.trim();
        match columns.saturating_sub(mean.len() + 1) {
            _ if name.is_empty() && mean.len() <= columns => mean.to_owned(),
            _ if name.is_empty() => String::new(),
            ..4 if text::width(name) > columns.saturating_sub(mean.len() + 1) => text::cut_middle(name, columns),
            room => format!("{} {mean}", text::cut(name, room)),
        }
    }

    /// Whether it is a cluster, which is bracketed: a neighbor may have its color.
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.cluster.is_some()
    }
}

/// The folder that most of some rows are from, and the names of the one or two that most of them are from.
fn folders(order: &RowOrder, labels: &Labels, rows: Range<usize>) -> (Option<usize>, String) {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for folder in order.ids[rows.clone()].iter().filter_map(|id| labels.of(*id)) {
        *counts.entry(folder).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|(folder, count)| (usize::MAX - count, *folder));
    let few = |at: usize| counts.get(at).filter(|(_, count)| 4 * count >= rows.len());
    let names: Vec<_> = [few(0), few(1)].into_iter().flatten().map(|(folder, _)| labels.name(*folder)).collect();
    (counts.first().map(|(folder, _)| *folder), names.join("+"))
}
