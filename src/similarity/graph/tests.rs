//! A graph is what a query for each picture would find, however it came about.

use std::{cell::Cell, collections::HashMap, path::Path, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    index::{Image, Segment},
    scan::ImageFile,
    similarity::{WorkItem, compare, sequential},
};

fn push(index: &mut Index, rows: &[Vec<f32>]) {
    let image = |at| Image {
        file: ImageFile { path: format!("/r/{at}").into(), size: 0, modified: 0, changed: 0 },
        pixels: (1, 1),
        format: "PNG",
        face: None,
    };
    assert!(index.push(Arc::new(Segment::pack(Path::new("/r").into(), (0..rows.len()).map(image), rows, index.dim()))));
}

fn index_of(rows: &[Vec<f32>]) -> Index {
    let mut index = Index::new(rows.first().map_or(3, Vec::len));
    push(&mut index, rows);
    index
}

fn built(index: &Index, metric: Metric, k: usize) -> Graph {
    build(index, metric, k, &sequential, &|| false, &mut |_| ()).unwrap()
}

fn extended(graph: &Graph, index: &Index) -> Graph {
    graph.extend(index, &sequential, &|| false, &mut |_| ()).unwrap()
}

/// Each row is, to the last bit, what a comparison of its picture finds.
#[track_caller]
fn check(graph: &Graph, index: &Index) {
    assert_eq!((graph.id_bound(), graph.made_of()), (index.id_bound(), index.state()));
    for id in (0..index.id_bound()).map(|at| ImageId(at as u32)) {
        assert_eq!(graph.contains(id), index.contains(id));
        let wanted = compare(index, &Query::Image(id)).nearest(graph.metric(), graph.k());
        let wanted: Vec<_> = wanted.iter().map(|found| (found.id, found.value.to_bits())).collect();
        let found: Vec<_> = graph.neighbors(id).iter().map(|edge| (edge.id, edge.value.to_bits())).collect();
        assert_eq!(found, wanted, "{id:?} by {}", graph.metric().name());
    }
}

/// Numbers in [−1, 1] that look like chance.
fn noise(at: usize) -> f32 {
    let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
}

/// Rows around a few centers: some far out, some equal, some nearly so.
fn clusters(rows: usize, dim: usize, spread: f32) -> Vec<Vec<f32>> {
    let value = |row: usize, at: usize| noise(row % 7 * dim + at) + spread * noise((row + 100) * dim + at);
    (0..rows).map(|row| (0..dim).map(|at| value(row - usize::from(row % 11 == 3), at)).collect()).collect()
}

const METRICS: [Metric; 2] = [Metric::Cosine, Metric::Euclidean];

/// Values among which ties, zeros and great lengths are common.
fn rows(dim: usize) -> impl Strategy<Value = Vec<Vec<f32>>> {
    let value = prop_oneof![Just(0.0_f32), Just(1.0), -1.0_f32..1.0];
    let row = prop_oneof![
        20 => prop::collection::vec(value, dim),
        1 => Just(vec![0.0; dim]),
        1 => prop::collection::vec(-1e4_f32..1e4, dim),
        1 => Just(vec![1e33; dim]),
    ];
    prop::collection::vec(row, 0..130)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_graph_is_what_queries_find(rows in rows(5), k in 1_usize..20) {
        let index = index_of(&if rows.is_empty() { vec![vec![1.0; 5]] } else { rows });
        for metric in METRICS {
            check(&built(&index, metric, k), &index);
        }
    }

    #[test]
    fn a_graph_keeps_up_with_pictures_that_come_and_go(
        first in rows(3),
        second in rows(3),
        gone in prop::collection::vec(0_u32..200, 0..6),
        back in any::<bool>(),
        k in 1_usize..9,
    ) {
        for metric in METRICS {
            let mut index = Index::new(3);
            push(&mut index, &first);
            let mut graph = built(&index, metric, k);
            push(&mut index, &second);
            graph = extended(&graph, &index);
            check(&graph, &index);
            gone.iter().for_each(|id| index.remove(ImageId(*id)));
            graph = extended(&graph, &index);
            check(&graph, &index);
            if back {
                gone.iter().for_each(|id| index.restore(ImageId(*id)));
                push(&mut index, &first);
                check(&extended(&graph, &index), &index);
            }
        }
    }
}

#[test]
fn rows_of_many_dimensions_pass_through_all_stages() {
    for (dim, spread) in [(70, 0.5), (300, 0.05), (515, 0.8), (300, 1e-4)] {
        let index = index_of(&clusters(150, dim, spread));
        for metric in METRICS {
            check(&built(&index, metric, 6), &index);
        }
    }
}

#[test]
fn no_picture_one_two_three_and_fewer_than_wanted_are_ordinary() {
    for count in [0, 1, 2, 3, 5, 6] {
        let index = index_of(&clusters(count, 4, 0.3));
        for metric in METRICS {
            let graph = built(&index, metric, 16);
            check(&graph, &index);
            let counts = (0..count).map(|at| graph.neighbors(ImageId(at as u32)).len());
            assert!(counts.into_iter().all(|found| found == count - 1));
        }
    }
}

#[test]
fn equal_pictures_and_pictures_of_zeros_stand_in_order_of_id() {
    for row in [vec![0.5, 0.25, 3.0], vec![0.0; 3]] {
        let index = index_of(&vec![row; 120]);
        for metric in METRICS {
            let graph = built(&index, metric, 3);
            check(&graph, &index);
            assert_eq!(graph.neighbors(ImageId(1)).iter().map(|edge| edge.id.0).collect::<Vec<_>>(), [0, 2, 3]);
        }
    }
}

#[test]
fn of_equal_pictures_one_is_searched_for_all() {
    let mut rows = vec![vec![0.5, 0.25, 3.0]; 800];
    for metric in METRICS {
        let index = index_of(&rows);
        let items = Cell::new(0);
        let counting = |work: Vec<WorkItem<'_>>| {
            items.set(items.get() + work.len());
            sequential(work);
        };
        let graph = build(&index, metric, 8, &counting, &|| false, &mut |_| ()).unwrap();
        check(&graph, &index);
        assert!(items.get() < 10, "{} work items for one picture and its copies", items.get());
    }
    // Copies of several, in turns, of which some are known already.
    for (at, row) in rows.iter_mut().enumerate().take(300) {
        *row = vec![0.5, 0.25, (at % 7) as f32];
    }
    for metric in METRICS {
        let mut index = index_of(&rows[..120]);
        let graph = built(&index, metric, 5);
        check(&graph, &index);
        push(&mut index, &rows[120..310]);
        check(&extended(&graph, &index), &index);
    }
}

/// Rows that lie near a few dimensions out of many, as embeddings do.
fn sheet(rows: usize, dim: usize) -> Vec<Vec<f32>> {
    let latent = |row: usize, axis: usize| noise(row * 3 + axis);
    let along = |axis: usize, at: usize| noise(1_000_000 + axis * dim + at);
    let value = |row: usize, at: usize| (0..3).map(|axis| latent(row, axis) * along(axis, at)).sum::<f32>();
    (0..rows).map(|row| (0..dim).map(|at| value(row, at) + 0.01 * noise(row * dim + at)).collect()).collect()
}

/// The graph that a search makes which is exact for hardly any rows.
fn approximate(graph: &Graph, index: &Index) -> Graph {
    let mut shares = Vec::new();
    let next = graph.extend_exactly_to(1, index, &sequential, &|| false, &mut |share| shares.push(share)).unwrap();
    assert!(shares.is_sorted() && shares.last() == Some(&1.0), "{shares:?}");
    next
}

/// The share of the nearest of a third of the rows that are in a graph, each with its value.
fn recall(graph: &Graph, index: &Index) -> f32 {
    let (mut met, mut all) = (0, 0);
    for entry in index.iter().step_by(3) {
        let found = compare(index, &Query::Image(entry.id));
        let wanted = found.nearest(graph.metric(), graph.k());
        let edges = graph.neighbors(entry.id);
        assert!(edges.iter().all(|edge| edge.value == found.values(graph.metric())[edge.id.at()]));
        met += wanted.iter().filter(|wanted| edges.iter().any(|edge| edge.id == wanted.id)).count();
        all += wanted.len();
    }
    met as f32 / all as f32
}

#[test]
fn an_approximate_graph_says_how_much_it_found() {
    let rows = sheet(840, 70);
    for metric in METRICS {
        let mut index = index_of(&rows[..700]);
        let graph = approximate(&Graph::empty(metric, 6), &index);
        let Accuracy::Approximate { recall: said } = graph.accuracy() else { panic!("all pairs were compared") };
        let found = recall(&graph, &index);
        assert!((0.95..1.0).contains(&said) && (said - found).abs() < 0.04, "{said} for {found}");
        // It is kept and read, and what is added to it makes it no more exact.
        let bytes = graph.to_bytes(|id| Some(id.0));
        assert_eq!(Graph::from_bytes(&bytes, metric, &index, |row| Some(ImageId(row))), Some(graph.clone()));
        push(&mut index, &rows[700..]);
        let more = approximate(&graph, &index);
        let Accuracy::Approximate { recall: then } = more.accuracy() else { panic!("it is not made anew") };
        assert!(then <= said && (then - recall(&more, &index)).abs() < 0.04);
        assert_eq!(extended(&more, &index).accuracy(), more.accuracy());
        assert_eq!(built(&index, metric, 6).accuracy(), Accuracy::Exact);
    }
}

#[test]
fn where_nothing_is_near_anything_the_search_goes_on_until_it_is_exact() {
    let rows: Vec<Vec<f32>> = (0..300).map(|row| (0..70).map(|at| noise(row * 70 + at)).collect()).collect();
    let index = index_of(&rows);
    let graph = approximate(&Graph::empty(Metric::Cosine, 6), &index);
    assert_eq!(graph.accuracy(), Accuracy::Exact);
    check(&graph, &index);
}

#[test]
fn embeddings_that_are_no_number_harm_no_other() {
    let mut rows = clusters(100, 6, 0.4);
    rows[20][3] = f32::NAN;
    rows[70][0] = f32::INFINITY;
    let mut index = index_of(&rows);
    for metric in METRICS {
        let graph = built(&index, metric, 4);
        check(&graph, &index);
        push(&mut index, &[rows[20].clone(), rows[5].clone()]);
        check(&extended(&graph, &index), &index);
    }
}

#[test]
fn work_is_given_up_when_it_is_no_longer_wanted_and_says_how_far_it_is() {
    let index = index_of(&clusters(300, 8, 0.4));
    let (asked, graph) = (Cell::new(0), Graph::empty(Metric::Cosine, 4));
    let third_time = || asked.replace(asked.get() + 1) >= 2;
    assert_eq!(graph.extend(&index, &sequential, &third_time, &mut |_| ()), None);
    assert_eq!(asked.get(), 3);
    let mut shares = Vec::new();
    assert!(graph.extend(&index, &sequential, &|| false, &mut |share| shares.push(share)).is_some());
    assert!(shares.is_sorted() && shares.first() == Some(&0.0) && shares.last() == Some(&1.0), "{shares:?}");
}

#[test]
fn only_what_changed_is_searched_again() {
    let mut index = index_of(&clusters(200, 8, 0.4));
    let graph = built(&index, Metric::Cosine, 4);
    push(&mut index, &clusters(201, 8, 0.4)[200..]);
    let compared = Cell::new(0);
    let counting = |items: Vec<WorkItem<'_>>| {
        compared.set(compared.get() + items.len());
        sequential(items);
    };
    let next = graph.extend(&index, &counting, &|| false, &mut |_| ()).unwrap();
    check(&next, &index);
    assert_eq!(compared.get(), 1, "one new picture is one comparison");
    let again = next.extend(&index, &counting, &|| false, &mut |_| ()).unwrap();
    assert_eq!((again, compared.get()), (next, 1));
}

#[test]
fn all_ways_of_multiplying_find_the_same_pairs() {
    let index = index_of(&clusters(96, 150, 0.6));
    let ids: Vec<_> = index.iter().map(|entry| entry.id).collect();
    let packing = packing::Packing::learn(&index, Metric::Euclidean, &ids);
    let blocks = packing.blocks(&index, &ids, &sequential);
    let (near, all) = (vec![-0.6; packing::BLOCK_LEN], vec![f32::NEG_INFINITY; packing::BLOCK_LEN]);
    for bars in [&near, &all] {
        let lines = [blocks[0].lines(bars), blocks[1].lines(bars)];
        let by_kind = products::tests::hits_by_every_kind(lines[0], lines[1], packing.pairs, &packing.stages);
        let distances = by_kind
            .iter()
            .map(|hits| hits.iter().map(|hit| ((hit.row, hit.col), hit.distance.to_bits())).collect::<HashMap<_, _>>());
        let distances: Vec<_> = distances.collect();
        let rows = packing::BLOCK_LEN;
        assert!(if bars == &all {
            distances[0].len() == rows * rows
        } else {
            (1..rows * rows).contains(&distances[0].len())
        });
        assert!(distances.iter().all(|found| *found == distances[0]));
    }
    // The distances are those of the embeddings, to within the errors.
    let entry = |id: ImageId| index.get(id).unwrap().embedding();
    for hit in products::hits(blocks[0].lines(&all), blocks[1].lines(&all), packing.pairs, &packing.stages) {
        let (a, b) = (hit.row as usize, hit.col as usize);
        let pairs = entry(blocks[0].ids[a]).into_iter().zip(entry(blocks[1].ids[b]));
        let distance = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt() * packing.unit;
        let error = f64::from(blocks[0].errors[a] + blocks[1].errors[b]);
        assert!((f64::from(hit.distance) - distance).abs() <= error, "{hit:?}: {distance} ± {error}");
        assert!(error < distance / 100.0);
    }
}

#[test]
fn a_graph_is_read_back_as_it_was_written_under_other_ids_too() {
    let rows = clusters(90, 6, 0.4);
    let mut index = index_of(&rows);
    index.remove(ImageId(8));
    for metric in METRICS {
        let graph = built(&index, metric, 5);
        let bytes = graph.to_bytes(|id| Some(id.0 + 1000));
        let read = |bytes: &[u8]| Graph::from_bytes(bytes, metric, &index, |row| row.checked_sub(1000).map(ImageId));
        assert_eq!(read(&bytes), Some(graph.clone()));
        // The next run has other pictures before them, and one of them is gone.
        let mut later = Index::new(6);
        push(&mut later, &clusters(3, 6, 0.9));
        push(&mut later, &rows);
        later.remove(ImageId(3 + 8));
        later.remove(ImageId(3 + 30));
        let found = Graph::from_bytes(&bytes, metric, &later, |row| Some(ImageId(row.checked_sub(1000)? + 3))).unwrap();
        assert!(!found.contains(ImageId(0)) && !found.contains(ImageId(33)));
        assert!(later.iter().filter(|entry| found.contains(entry.id)).count() > 20);
        check(&extended(&found, &later), &later);
        // Whatever is cut off or changed, it is no graph.
        assert!((0..bytes.len()).all(|end| read(&bytes[..end]).is_none()));
        for at in (0..bytes.len()).step_by(97) {
            let mut changed = bytes.clone();
            changed[at] ^= 16;
            assert_eq!(read(&changed), None);
        }
        assert_eq!(Graph::from_bytes(&bytes, metric.toggled(), &index, |row| Some(ImageId(row))), None);
    }
}
