//! The similarity engine's answers hold for any numbers: metric laws, exact neighbors and ranks, exact block means,
//! orders that lose nobody and keep clusters together.

/// Random numbers that are the same in every run, for data too large to be drawn by proptest.
#[path = "../bench/random.rs"]
mod random;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use self::random::numbers;
use half::f16;
use lookalike::{
    index::{Image, ImageId, Index, Segment},
    order::Order,
    scan::ImageFile,
    similarity::{
        Comparison, Executor, Metric, Query, RowOrder, View, WorkItem, compare, compare_with,
        heatmap::{Partition, window},
        pair_value, sequential,
    },
};
use proptest::prelude::*;

const METRICS: [Metric; 2] = [Metric::Cosine, Metric::Euclidean];
const ORDERS: [Order; 3] = [Order::Name, Order::Folder, Order::Similarity];

/// An index of the embeddings, in segments of at most `segment` rows; picture i is `/p/g{i % 3}/{i}.png`.
fn index(embeddings: &[Vec<f32>], dim: usize, segment: usize) -> Index {
    let root: Arc<Path> = Path::new("/p").into();
    let mut index = Index::new(dim);
    for (s, rows) in embeddings.chunks(segment).enumerate() {
        let images = (0..rows.len()).map(|i| image(&format!("/p/g{}/{}.png", (s * segment + i) % 3, s * segment + i)));
        assert!(index.push(Arc::new(Segment::pack(Arc::clone(&root), images, rows, dim))));
    }
    index
}

fn image(path: &str) -> Image {
    Image {
        file: ImageFile { path: path.into(), size: 1, modified: 0, changed: 0 },
        pixels: (1, 1),
        format: "PNG",
        face: None,
    }
}

/// Up to 40 embeddings of one dimension: ordinary ones, zeros, repeated ones, tiny and vast ones.
fn embeddings() -> impl Strategy<Value = (usize, Vec<Vec<f32>>)> {
    (1_usize..70).prop_flat_map(|dim| {
        let ordinary = prop::collection::vec(-8.0_f32..8.0, dim);
        let row = prop_oneof![
            6 => ordinary.clone(),
            1 => Just(vec![0.0; dim]),
            1 => Just(vec![1.5; dim]),
            1 => ordinary.clone().prop_map(|row| row.iter().map(|v| v * 1e-6).collect()),
            1 => ordinary.prop_map(|row| row.iter().map(|v| v * 1e6).collect()),
        ];
        (Just(dim), prop::collection::vec(row, 0..40))
    })
}

/// The metric in f64, straight from its formula, on what is stored.
fn reference(a: &[f32], b: &[f32], metric: Metric) -> f64 {
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| -> f64 { a.iter().zip(b).map(|(a, b)| f(f64::from(*a), f64::from(*b))).sum() };
    match metric {
        Metric::Euclidean => sum(&|a, b| (a - b).powi(2)).sqrt(),
        Metric::Cosine => {
            let lengths = (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt();
            if lengths == 0.0 { 0.0 } else { sum(&|a, b| a * b) / lengths }
        }
    }
}

fn comparisons(index: &Index) -> Vec<Comparison> {
    index.iter().map(|entry| compare(index, &Query::Image(entry.id))).collect()
}

/// Positions of all live pictures, most alike first, by a full sort of reference order.
fn sorted(found: &Comparison, metric: Metric, query: ImageId, index: &Index) -> Vec<ImageId> {
    let mut ids: Vec<_> = index.iter().map(|entry| entry.id).filter(|id| *id != query).collect();
    ids.sort_by(|a, b| metric.nearer(found.value(metric, *a), found.value(metric, *b)).then(a.cmp(b)));
    ids
}

/// The mean of all pairs of different pictures that a cell covers, in f64 from the pairwise values.
fn averaged(index: &Index, order: &RowOrder, metric: Metric, side: usize, row: usize, col: usize) -> f64 {
    let ids = |run| &order.ids[Partition::new(order.len(), side).rows(run)];
    let (mut sum, mut pairs) = (0.0, 0.0);
    for a in ids(row) {
        for b in ids(col).iter().filter(|b| *b != a) {
            let (Some(a), Some(b)) = (index.get(*a), index.get(*b)) else { continue };
            let value = reference(&a.embedding(), &b.embedding(), metric);
            sum += if metric == Metric::Euclidean { value * value } else { value };
            pairs += 1.0;
        }
    }
    match (metric, pairs > 0.0) {
        (_, false) => f64::from(metric.self_value()),
        (Metric::Cosine, _) => sum / pairs,
        (Metric::Euclidean, _) => (sum / pairs).sqrt(),
    }
}

fn close(a: f32, b: f64) -> bool {
    (f64::from(a) - b).abs() <= 2e-6 * b.abs().max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_follow_the_formulas_and_the_laws_of_a_metric((dim, rows) in embeddings()) {
        let index = index(&rows, dim, 7);
        let all = comparisons(&index);
        for (a, found) in all.iter().enumerate() {
            let own = index.get(ImageId(a as u32)).expect("it was pushed").embedding();
            for metric in METRICS {
                prop_assert_eq!(found.value(metric, ImageId(a as u32)), metric.self_value());
                for (b, other) in all.iter().enumerate().filter(|(b, _)| *b != a) {
                    let value = found.value(metric, ImageId(b as u32));
                    let its = index.get(ImageId(b as u32)).expect("it was pushed").embedding();
                    prop_assert!(close(value, reference(&own, &its, metric)), "{value} {:?}", reference(&own, &its, metric));
                    prop_assert_eq!(value, other.value(metric, ImageId(a as u32)), "symmetry");
                    if own == its && own.iter().any(|v| *v != 0.0) {
                        prop_assert_eq!(value, metric.self_value(), "equal embeddings");
                    }
                }
            }
        }
        let distance = |a: usize, b: usize| all[a].value(Metric::Euclidean, ImageId(b as u32));
        let len = all.len();
        for (a, b, c) in (0..len.min(12)).flat_map(|a| (0..len).map(move |b| (a, b, (a * 7 + b) % len))) {
            prop_assert!(distance(a, c) <= (distance(a, b) + distance(b, c)) * (1.0 + 1e-5), "triangle");
        }
    }

    #[test]
    fn neighbors_equal_a_full_sort_and_ranks_agree((dim, rows) in embeddings(), k in 0_usize..50, removed in 0_usize..40) {
        let mut index = index(&rows, dim, 16);
        index.remove(ImageId(removed as u32));
        for query in index.iter().map(|entry| entry.id).collect::<Vec<_>>() {
            let found = compare(&index, &Query::Image(query));
            prop_assert_eq!(found.candidates(), index.len() - 1);
            prop_assert!(found.rank(Metric::Cosine, query).is_none());
            prop_assert!(found.rank(Metric::Cosine, ImageId(removed as u32)).is_none());
            for metric in METRICS {
                let expected = sorted(&found, metric, query, &index);
                let nearest = found.nearest(metric, k);
                prop_assert_eq!(nearest.len(), k.min(expected.len()));
                for (place, neighbor) in nearest.iter().enumerate() {
                    prop_assert_eq!(neighbor.id, expected[place]);
                    prop_assert_eq!(neighbor.rank, place + 1);
                    prop_assert_eq!(neighbor.value, found.value(metric, neighbor.id));
                    prop_assert_eq!(found.rank(metric, neighbor.id), Some(neighbor.rank));
                }
                for (place, neighbor) in found.farthest(metric, k).iter().enumerate() {
                    prop_assert_eq!(neighbor.id, expected[expected.len() - 1 - place]);
                    prop_assert_eq!(found.rank(metric, neighbor.id), Some(neighbor.rank));
                }
            }
        }
    }

    #[test]
    fn the_order_of_arrival_changes_no_value((dim, rows) in embeddings(), seed in any::<u64>()) {
        let mut random = numbers(seed);
        let mut shuffled: Vec<usize> = (0..rows.len()).collect();
        shuffled.sort_by_cached_key(|_| (random() * 1e6) as u32);
        let (straight, mixed) = (index(&rows, dim, 9), index(&shuffled.iter().map(|at| rows[*at].clone()).collect::<Vec<_>>(), dim, 4));
        for (place, at) in shuffled.iter().enumerate() {
            let a = compare(&straight, &Query::Image(ImageId(*at as u32)));
            let b = compare(&mixed, &Query::Image(ImageId(place as u32)));
            for (other_place, other) in shuffled.iter().enumerate() {
                for metric in METRICS {
                    prop_assert_eq!(a.value(metric, ImageId(*other as u32)), b.value(metric, ImageId(other_place as u32)));
                }
            }
        }
    }

    #[test]
    fn an_outside_embedding_compares_like_the_same_picture_inside((dim, rows) in embeddings()) {
        let index = index(&rows, dim, 40);
        for entry in index.iter() {
            let inside = compare(&index, &Query::Image(entry.id));
            let outside = compare(&index, &Query::Embedding(entry.embedding().into()));
            prop_assert_eq!(outside.candidates(), index.len());
            for other in index.iter().filter(|other| other.id != entry.id) {
                for metric in METRICS {
                    prop_assert!((inside.value(metric, other.id) - outside.value(metric, other.id)).abs() <= 1e-6);
                }
            }
            prop_assert_eq!(outside.value(Metric::Euclidean, entry.id), 0.0);
        }
    }

    #[test]
    fn every_order_is_a_permutation((dim, rows) in embeddings(), removed in 0_usize..40) {
        let mut index = index(&rows, dim, 16);
        index.remove(ImageId(removed as u32));
        let everybody: BTreeSet<_> = index.iter().map(|entry| entry.id).collect();
        for kind in ORDERS {
            let order = order(&index, &kind);
            prop_assert_eq!(order.len(), index.len());
            prop_assert_eq!(&order.ids.iter().copied().collect::<BTreeSet<_>>(), &everybody);
            for (position, id) in order.ids.iter().enumerate() {
                prop_assert_eq!(order.position(*id), Some(position));
            }
            prop_assert_eq!(order.position(ImageId(removed as u32)), None);
            for metric in METRICS {
                let (low, high) = order.range(metric);
                prop_assert!(low < high && low.is_finite() && high.is_finite());
            }
        }
    }

    #[test]
    fn block_means_are_averaged_cells((dim, rows) in embeddings(), side in 0_usize..45) {
        let index = index(&rows, dim, 16);
        let order = order(&index, &Order::Folder);
        let cells = Partition::new(order.len(), side).side();
        for metric in METRICS {
            let found = window(&index, &order, metric, &View { side, rows: 0..cells, cols: 0..cells });
            for (row, col) in (0..cells).flat_map(|row| (0..cells).map(move |col| (row, col))) {
                let value = found.get(row, col).expect("it is inside");
                let expected = averaged(&index, &order, metric, side, row, col);
                // Sums of embeddings 12 orders of magnitude apart keep f32's digits of the larger ones.
                prop_assert!(close(value, expected), "{metric:?} {row},{col}: {value} for {expected}");
            }
        }
    }
}

/// The rows of an index in an order.
fn order(index: &Index, order: &Order) -> RowOrder {
    order_with(index, order, &sequential)
}

fn order_with(index: &Index, order: &Order, executor: Executor<'_>) -> RowOrder {
    order.rows(index, index.iter().map(|entry| entry.id).collect(), executor)
}

/// Vectors around `clusters` well separated centers, cluster i % clusters for row i.
fn blobs(rows: usize, clusters: usize, dim: usize) -> Vec<Vec<f32>> {
    let mut random = numbers(7);
    let centers: Vec<Vec<f32>> = (0..clusters).map(|_| (0..dim).map(|_| random() - 0.5).collect()).collect();
    (0..rows).map(|i| centers[i % clusters].iter().map(|v| v + (random() - 0.5) * 0.2).collect()).collect()
}

/// How often the cluster changes from a row to the next.
fn changes(order: &RowOrder, clusters: usize) -> usize {
    order.ids.windows(2).filter(|pair| pair[0].at() % clusters != pair[1].at() % clusters).count()
}

#[test]
fn similarity_order_keeps_clusters_in_one_piece() {
    let order = order(&index(&blobs(300, 12, 16), 16, 100), &Order::Similarity);
    assert_eq!(changes(&order, 12), 11);
}

#[test]
fn similarity_order_of_many_keeps_clusters_in_one_piece() {
    let order = order(&index(&blobs(4200, 20, 8), 8, 1000), &Order::Similarity);
    assert_eq!(changes(&order, 20), 19);
}

#[test]
fn the_dendrogram_of_the_similarity_order_finds_the_clusters_and_their_mean_cosines() {
    for (rows, clusters, dim) in [(300, 12, 16), (4200, 20, 8)] {
        let index = index(&blobs(rows, clusters, dim), dim, 1000);
        let order = order(&index, &Order::Similarity);
        let tree = order.dendrogram.as_ref().expect("this order has one");
        assert_eq!((tree.leaves(), tree.merges().len()), (rows, rows - 1));
        assert!(tree.merges().is_sorted_by(|a, b| a.height >= b.height));
        let found = tree.cut(clusters);
        assert_eq!(found.len(), clusters);
        for cluster in found {
            let kinds: BTreeSet<_> = order.ids[cluster].iter().map(|id| id.at() % clusters).collect();
            assert_eq!(kinds.len(), 1);
        }
        // Up to some thousand rows it is one agglomeration, and each height what its definition says.
        for merge in tree.merges().iter().filter(|_| rows == 300) {
            let mut values = Vec::new();
            for (a, b) in
                (merge.rows.start..merge.middle).flat_map(|a| (merge.middle..merge.rows.end).map(move |b| (a, b)))
            {
                values.push(f64::from(pair_value(&index, Metric::Cosine, order.ids[a], order.ids[b])));
            }
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            assert!((mean - f64::from(merge.height)).abs() < 1e-4, "{merge:?} for {mean}");
        }
    }
    assert!(order(&index(&blobs(9, 3, 8), 8, 9), &Order::Folder).dendrogram.is_none());
}

#[test]
fn similarity_order_of_many_equal_pictures_ends_and_loses_nobody() {
    let order = order(&index(&vec![vec![1.0, 2.0]; 4200], 2, 1000), &Order::Similarity);
    assert_eq!(order.ids.iter().collect::<BTreeSet<_>>().len(), 4200);
}

#[test]
fn a_window_of_single_pairs_is_what_comparing_says() {
    let index = index(&blobs(50, 4, 40), 40, 20);
    let order = order(&index, &Order::Similarity);
    for metric in METRICS {
        let found = window(&index, &order, metric, &View { side: 50, rows: 10..30, cols: 5..60 });
        assert_eq!((found.view.rows.clone(), found.view.cols.clone()), (10..30, 5..50));
        assert_eq!(found.values.len(), 20 * 45);
        for (row, col) in (10..30).flat_map(|row| (5..50).map(move |col| (row, col))) {
            let expected = compare(&index, &Query::Image(order.ids[row])).value(metric, order.ids[col]);
            assert_eq!(found.get(row, col), Some(expected));
        }
        assert_eq!(found.get(9, 5), None);
    }
}

#[test]
fn stored_and_fresh_sums_agree_across_levels() {
    // 600 rows: runs of 128, 256, … are stored, the last ones short; runs of a side begin and end anywhere.
    let index = index(&blobs(600, 3, 8), 8, 256);
    let order = order(&index, &Order::Name);
    for (side, metric) in [1, 2, 3, 4, 5, 7, 19].into_iter().flat_map(|side| METRICS.map(|metric| (side, metric))) {
        let found = window(&index, &order, metric, &View { side, rows: 0..side, cols: 0..side });
        let last = side - 1;
        for (row, col) in [(0, 0), (0, last), (last / 2, last), (last, last)] {
            let (value, expected) =
                (found.get(row, col).expect("inside"), averaged(&index, &order, metric, side, row, col));
            assert!(close(value, expected), "{side} {metric:?} {row},{col}: {value} for {expected}");
        }
    }
}

#[test]
fn near_duplicates_far_from_the_origin_keep_their_small_mean_distance() {
    let rows: Vec<Vec<f32>> =
        (0..64).map(|i| (0..64).map(|j| if i == j { 1024.0 } else { 1000.0 }).collect()).collect();
    let index = index(&rows, 64, 64);
    let order = order(&index, &Order::Name);
    let found = window(&index, &order, Metric::Euclidean, &View { side: 2, rows: 0..2, cols: 0..2 });
    for value in &found.values {
        assert!(close(*value, 24.0 * 2_f64.sqrt()), "{value}");
    }
}

#[test]
fn zero_one_two_and_three_pictures_are_ordinary() {
    for count in 0..4 {
        let index = index(&vec![vec![0.5, 1.0]; count], 2, 2);
        for (kind, metric) in ORDERS.iter().flat_map(|kind| METRICS.map(|metric| (kind, metric))) {
            let order = order(&index, kind);
            for side in [0, 1, 2, 3, 40, usize::MAX] {
                let found = window(&index, &order, metric, &View { side, rows: 0..9, cols: 0..9 });
                assert_eq!(found.values.len(), side.clamp(count.min(1), count).pow(2));
                assert!(
                    found.values.iter().all(|value| (value - metric.self_value()).abs() < 1e-6),
                    "{count} {found:?}"
                );
            }
        }
        let outside = compare(&index, &Query::Embedding(vec![0.5, 1.0].into()));
        assert_eq!(outside.nearest(Metric::Cosine, 9).len(), count);
    }
}

/// Work items from the last to the first, each on a thread of its own.
fn on_threads(items: Vec<WorkItem<'_>>) {
    std::thread::scope(|scope| items.into_iter().rev().for_each(|item| drop(scope.spawn(item))));
}

/// The bits of all values of a comparison.
fn bits(found: &Comparison) -> [Vec<u32>; 2] {
    METRICS.map(|metric| found.values(metric).iter().map(|value| value.to_bits()).collect())
}

#[test]
fn a_comparison_does_not_depend_on_threads_or_steps() {
    let mut index = index(&blobs(20_000, 4, 7), 7, 9_000);
    index.remove(ImageId(11));
    for query in [Query::Image(ImageId(3)), Query::Image(ImageId(19_999)), Query::Embedding(vec![0.5; 7].into())] {
        let whole = compare(&index, &query);
        assert_eq!(bits(&compare_with(&index, &query, &on_threads)), bits(&whole));
        let mut refined = Comparison::begin(&index, query.clone());
        for rows in [0, 1, 12, 8_500, 8_500, usize::MAX] {
            refined.extend(&index, rows, &on_threads);
            let among = |id: &ImageId| id.at() < refined.len() && Query::Image(*id) != query;
            for metric in METRICS {
                let best = whole.nearest(metric, whole.candidates()).into_iter().map(|row| row.id).filter(among);
                let found: Vec<_> = refined.nearest(metric, 9).iter().map(|row| row.id).collect();
                assert_eq!(found, best.take(9).collect::<Vec<_>>(), "the best of {}", refined.len());
            }
        }
        assert_eq!((bits(&refined), refined.candidates()), (bits(&whole), whole.candidates()));
    }
}

#[test]
fn an_order_does_not_depend_on_threads() {
    let index = index(&blobs(4200, 20, 8), 8, 1000);
    for kind in ORDERS {
        let (alone, shared) = (order(&index, &kind), order_with(&index, &kind, &on_threads));
        assert_eq!(alone.ids, shared.ids);
        let view = View { side: 17, rows: 0..17, cols: 0..17 };
        for metric in METRICS {
            assert_eq!(window(&index, &alone, metric, &view), window(&index, &shared, metric, &view));
        }
    }
}

#[test]
fn ranks_come_alone_and_together() {
    // Many equal values, and more than are looked at together.
    let rows: Vec<_> = (0..9000).map(|i| vec![((i * 7919) % 97) as f32, 3.0]).collect();
    let index = index(&rows, 2, 9000);
    let found = compare(&index, &Query::Image(ImageId(4500)));
    for metric in METRICS {
        let all = found.nearest(metric, 9000);
        let some: Vec<_> = all.iter().step_by(501).collect();
        let ranks = found.ranks(metric, &some.iter().map(|row| row.id).collect::<Vec<_>>());
        assert_eq!(ranks, some.iter().map(|row| row.rank).collect::<Vec<_>>());
        for k in [1, 20, 700, 5000] {
            assert_eq!(found.nearest(metric, k), all[..k], "{metric:?} {k}");
            let far: Vec<_> = all.iter().rev().take(k).copied().collect();
            assert_eq!(found.farthest(metric, k), far, "{metric:?} {k}");
        }
    }
}

#[test]
fn a_query_that_is_gone_or_of_another_dimension_compares_with_nothing() {
    let mut index = index(&[vec![1.0, 0.0], vec![0.0, 1.0]], 2, 2);
    index.remove(ImageId(0));
    for query in [Query::Image(ImageId(0)), Query::Image(ImageId(9)), Query::Embedding(vec![1.0].into())] {
        let found = compare(&index, &query);
        assert_eq!((found.candidates(), found.len()), (0, 2), "{query:?}");
        assert!(found.nearest(Metric::Euclidean, 5).is_empty());
    }
}

#[test]
fn folder_order_groups_subfolders_and_sorts_numbers_as_numbers() {
    let paths = ["/p/b/2.png", "/p/a/10.png", "/p/z.png", "/p/b-c/1.png", "/p/a/9.png", "/p/b/deep/1.png"];
    let mut index = Index::new(1);
    let images: Vec<_> = paths.iter().map(|path| image(path)).collect();
    index.push(Arc::new(Segment::pack(Path::new("/p").into(), images, &vec![vec![1.0]; 6], 1)));
    let order = order(&index, &Order::Folder);
    let sorted: Vec<_> = order.ids.iter().map(|id| paths[id.at()]).collect();
    assert_eq!(sorted, ["/p/z.png", "/p/a/9.png", "/p/a/10.png", "/p/b/2.png", "/p/b/deep/1.png", "/p/b-c/1.png"]);
}

#[test]
fn a_partition_covers_every_row_once_in_runs_of_equal_length() {
    for (len, side) in
        [0_usize, 1, 2, 9, 37, 100, 1013].into_iter().flat_map(|len| [0, 1, 2, 36, 60, 2000].map(|side| (len, side)))
    {
        let partition = Partition::new(len, side);
        assert_eq!(partition.side(), side.max(1).min(len));
        assert_eq!(partition.is_single(), partition.side() == len);
        let runs: Vec<_> = (0..partition.side()).map(|run| partition.rows(run)).collect();
        assert!(runs.iter().flat_map(Clone::clone).eq(0..len), "{len} in {side}");
        for (at, run) in runs.iter().enumerate() {
            assert!(run.clone().all(|row| partition.run(row) == at));
            let longest = len.div_ceil(partition.side());
            assert!(run.len() == longest || run.len() + 1 == longest);
        }
        assert!(partition.rows(partition.side()).is_empty());
    }
}

#[test]
fn half_floats_hold_the_cosine_to_one_ten_thousandth() {
    let rows = blobs(40, 4, 512);
    let index = index(&rows, 512, 40);
    for (a, found) in comparisons(&index).iter().enumerate() {
        for (b, row) in rows.iter().enumerate().filter(|(b, _)| *b != a) {
            let expected = reference(&rows[a], row, Metric::Cosine);
            assert!((f64::from(found.value(Metric::Cosine, ImageId(b as u32))) - expected).abs() < 1e-4);
        }
    }
    assert_eq!(index.get(ImageId(0)).expect("there").row[0], f16::from_f32(rows[0][0]));
}
