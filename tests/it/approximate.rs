//! What is made of a graph that is not exact says so on its screen.

use std::sync::Arc;

use crate::explorer::{Explorer, setup, styled};
use lookalike::{
    index::{ImageId, Index},
    similarity::{Graph, graph, sequential},
    task::{Job, Known, KnownGraph, Lane, LookAlikes, MapTask, Task},
};

#[test]
fn whoever_uses_a_graph_that_is_not_exact_says_so() {
    for (size, keys, lane) in [
        ((80, 24), "4", Lane::Alike),
        ((80, 24), "5", Lane::Map),
        ((80, 24), "6 o", Lane::Groups),
        ((80, 24), "7", Lane::Outliers),
        ((120, 40), "5", Lane::Map),
    ] {
        let mut explorer = Explorer::ready(setup(size.0, size.1), 24);
        explorer.hold();
        explorer.keys(keys);
        let (id, job) = explorer.held_tasks(lane).pop().expect("the nearest of all");
        let Job::Make { index, task } = job else { panic!("a task") };
        let graph = approximate(&index);
        let task = match task {
            Task::Alike(range, None) => Task::Alike(range, LookAlikes::of_graph(graph, range).map(Arc::new)),
            Task::Map(task) => Task::Map(MapTask { graph: Some(graph), ..task }),
            Task::Groups(method, _) => {
                Task::Groups(method, Known { graph: Some(KnownGraph(graph)), ..Known::default() })
            }
            Task::Outliers(None) => Task::Outliers(Some(KnownGraph(graph))),
            other => panic!("nothing is known yet: {other:?}"),
        };
        explorer.done(id, Job::Make { index, task });
        let frame = styled(&explorer.frame());
        assert!(frame.contains("· approximate (97 %)"), "{frame}");
    }
}

/// The nearest of all, as they are read when they were kept with this recall.
fn approximate(index: &Index) -> Arc<Graph> {
    let exact = graph::build(index, LookAlikes::METRIC, 16, &sequential, &|| false, &mut |_| ()).expect("a graph");
    let mut bytes = exact.to_bytes(|id| Some(id.0));
    bytes.truncate(bytes.len() - 4);
    bytes[12..16].copy_from_slice(&0.978_f32.to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let read = Graph::from_bytes(&bytes, LookAlikes::METRIC, index, |row| Some(ImageId(row)));
    Arc::new(read.expect("a graph"))
}
