//! Names that the user gave to groups, and which group of another run a name belongs to.

use std::collections::HashMap;

use super::Cluster;
use crate::index::{ImageId, labels::Labels};

/// Pictures by which a group is known again, at most.
const TYPICAL: usize = 64;

/// A group's name, and what the group was like: it is known again after pictures came or went, or by another method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupName {
    /// The name.
    pub name: String,
    /// How many pictures the group had.
    pub size: usize,
    /// The most typical of them.
    pub typical: Vec<ImageId>,
}

impl GroupName {
    /// A name for a cluster.
    #[must_use]
    pub fn new(name: String, cluster: &Cluster) -> Self {
        let typical = cluster.members.iter().take(TYPICAL).map(|member| member.0).collect();
        Self { name, size: cluster.members.len(), typical }
    }

    /// What a group is called that has no name: its number, counted from 1, and the folder that most of it is in.
    #[must_use]
    pub fn usual(number: usize, cluster: &Cluster, folders: &Labels) -> String {
        match cluster.folder {
            Some((folder, purity)) if purity > 0.5 => format!("{} {}", number + 1, folders.name(folder)),
            _ => format!("group {}", number + 1),
        }
    }

    /// For each cluster the place of its name: the one most of whose typical pictures it has, unless it is less than half or
    /// more than twice as large as the group was that was given the name.
    #[must_use]
    pub fn of_clusters(clusters: &[Cluster], names: &[Self]) -> Vec<Option<usize>> {
        if names.is_empty() {
            return vec![None; clusters.len()];
        }
        let mut cluster_of = HashMap::new();
        for (number, cluster) in clusters.iter().enumerate() {
            cluster_of.extend(cluster.members.iter().map(|(id, _)| (*id, number)));
        }
        // The share of the name's pictures that the cluster has, and the name.
        let mut best: Vec<Option<(f32, usize)>> = vec![None; clusters.len()];
        for (place, name) in names.iter().enumerate() {
            let mut counts = vec![0_usize; clusters.len()];
            let found = name.typical.iter().filter_map(|id| cluster_of.get(id));
            found.for_each(|number| counts[*number] += 1);
            let Some((number, most)) = counts.into_iter().enumerate().max_by_key(|(_, count)| *count) else { continue };
            let (share, size) = (most as f32 / name.typical.len().max(1) as f32, clusters[number].members.len());
            let alike = share > 0.5 && size * 2 >= name.size && size <= name.size * 2;
            // Of equal ones the newer.
            if alike && best[number].is_none_or(|(least, _)| share >= least) {
                best[number] = Some((share, place));
            }
        }
        best.into_iter().map(|found| found.map(|(_, place)| place)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(ids: std::ops::Range<u32>) -> Cluster {
        Cluster { members: ids.map(|id| (ImageId(id), 1.0)).collect(), cohesion: 1.0, folder: None }
    }

    #[test]
    fn a_name_stays_with_its_pictures() {
        let clusters = [cluster(0..10), cluster(10..30), cluster(30..33)];
        let name = |name: &str, cluster: &Cluster| GroupName::new(name.to_owned(), cluster);
        let names = [name("beach", &clusters[1]), name("cats", &clusters[2]), name("cats at home", &clusters[2])];
        assert_eq!(GroupName::of_clusters(&clusters, &names), [None, Some(0), Some(2)]);
        // A picture more, another order, and a group that came apart.
        let later = [cluster(8..31), cluster(0..4), cluster(31..33)];
        assert_eq!(GroupName::of_clusters(&later, &names), [Some(0), None, Some(2)]);
        // All in one is no beach.
        assert_eq!(GroupName::of_clusters(&[cluster(0..100)], &names), [None]);
        assert_eq!(GroupName::of_clusters(&[], &names), []);
    }
}
