//! What maps promise: the plane of largest variance, clusters that stay clusters, the same map for the same pictures.

use std::{path::Path, sync::Arc};

use super::*;
use crate::{
    index::{Image, Segment},
    scan::ImageFile,
    similarity::{self, Metric, graph, sequential},
};

/// Pictures around `clusters` directions in a space of 12 dimensions, the first cluster first.
fn clusters(sizes: &[usize]) -> Index {
    let mut random = Random::of(7, 7);
    let mut embeddings = Vec::new();
    for (cluster, size) in sizes.iter().enumerate() {
        for _ in 0..*size {
            let value = |axis: usize| if axis == cluster { 4.0 } else { 0.3 * random.around_zero() };
            embeddings.push((0..12).map(value).collect::<Vec<f32>>());
        }
    }
    index(&embeddings)
}

fn index(embeddings: &[Vec<f32>]) -> Index {
    let dim = embeddings.first().map_or(12, Vec::len);
    let mut index = Index::new(dim);
    push(&mut index, embeddings, 0);
    index
}

fn push(index: &mut Index, embeddings: &[Vec<f32>], first: usize) {
    let image = |at| Image {
        file: ImageFile { path: format!("/{at:05}").into(), size: 1, modified: 0, changed: 0 },
        pixels: (1, 1),
        format: "PNG",
        face: None,
    };
    let images = (0..embeddings.len()).map(|at| image(first + at));
    let dim = index.dim();
    assert!(index.push(Arc::new(Segment::pack(Path::new("/").into(), images, embeddings, dim))));
}

fn nearest(index: &Index) -> Graph {
    graph::build(index, Metric::Cosine, 16, &sequential, &|| false, &mut |_| ()).expect("nobody stops it")
}

fn map(index: &Index, method: Method) -> Projection {
    let projector = Projector::new(index, 1, &sequential, &|| false);
    let start = projector.pca().expect("nobody stops it");
    let mut last = 0.0;
    let mut progress = |share: f64, _: &dyn Fn() -> Projection| {
        assert!(share > last && share <= 1.0);
        last = share;
    };
    projector.refine(&start, method, &nearest(index), &mut progress).expect("nobody stops it")
}

#[test]
fn the_plane_of_the_principal_components_is_that_of_largest_variance() {
    // Two directions of known variance among many of little; lengths are 1 but for the small parts.
    let mut random = Random::of(3, 3);
    let embeddings: Vec<Vec<f32>> = (0..500)
        .map(|_| {
            let mut values = vec![0.0; 20];
            values[0] = 10.0;
            values[5] = 2.0 * random.around_zero();
            values[11] = random.around_zero();
            values.iter_mut().skip(12).for_each(|value| *value += 0.1 * random.around_zero());
            values
        })
        .collect();
    let index = index(&embeddings);
    let map = Projector::new(&index, 5, &sequential, &|| false).pca().expect("nobody stops it");
    let explained = map.explained.expect("it is known");
    assert!((0.97..1.0).contains(&explained), "{explained}");
    for (id, point) in map.points() {
        let length = embeddings[id.at()].iter().map(|value| value * value).sum::<f32>().sqrt();
        let expected = [5, 11].map(|axis| embeddings[id.at()][axis] / length);
        for axis in 0..2 {
            assert!((point[axis].abs() - expected[axis].abs()).abs() < 0.02, "{point:?} for {expected:?}");
        }
    }
}

/// Of each picture's nearest on the map, the share that is of its own cluster.
fn purity(map: &Projection, sizes: &[usize]) -> f32 {
    let cluster = |id: ImageId| {
        let mut end = 0;
        sizes.iter().position(|size| {
            end += size;
            id.at() < end
        })
    };
    let points: Vec<_> = map.points().collect();
    let pure = points.iter().filter(|(id, point)| {
        let apart = |other: &[f32; 2]| (point[0] - other[0]).hypot(point[1] - other[1]);
        let others = points.iter().filter(|other| other.0 != *id);
        let nearest = others.min_by(|a, b| apart(&a.1).total_cmp(&apart(&b.1)));
        nearest.is_some_and(|nearest| cluster(nearest.0) == cluster(*id))
    });
    pure.count() as f32 / points.len() as f32
}

#[test]
fn clusters_stay_clusters_and_the_map_can_be_trusted() {
    let sizes = [40, 30, 20, 30];
    let index = clusters(&sizes);
    let projector = Projector::new(&index, 1, &sequential, &|| false);
    let start = projector.pca().expect("nobody stops it");
    let before = projector.quality(&start, &mut |_| ()).expect("there are enough");
    for method in [Method::Umap, Method::Tsne] {
        let map = map(&index, method);
        assert_eq!(map.points().count(), 120);
        assert!(purity(&map, &sizes) > 0.99, "{method:?}");
        let quality = projector.quality(&map, &mut |_| ()).expect("there are enough");
        assert!(quality.trustworthiness > before.trustworthiness && quality.trustworthiness > 0.9, "{quality:?}");
        assert!(quality.continuity > 0.9 && quality.neighbors == 12 && quality.sample == 120, "{quality:?}");
    }
}

#[test]
fn the_same_seed_makes_the_same_map_on_any_number_of_threads_and_in_any_order_of_arrival() {
    let index = clusters(&[40, 40]);
    let backwards: similarity::Executor<'_> = &|items| items.into_iter().rev().for_each(|item| item());
    let embeddings: Vec<_> = index.iter().map(|entry| entry.embedding()).collect();
    let mut other = Index::new(12);
    push(&mut other, &embeddings[30..], 30);
    push(&mut other, &embeddings[..30], 0);
    let name = |index: &Index, id| index.get(id).expect("it is there").relative().to_owned();
    for method in Method::ALL {
        let of = |index: &Index, executor| {
            let projector = Projector::new(index, 1, executor, &|| false);
            let start = projector.pca().expect("nobody stops it");
            let map = projector.refine(&start, method, &nearest(index), &mut |_, _| ()).expect("nobody stops it");
            let mut points: Vec<_> = map.points().map(|(id, point)| (name(index, id), point)).collect();
            points.sort_by(|a, b| a.0.cmp(&b.0));
            points
        };
        let first = of(&index, &sequential);
        assert!(first == of(&index, backwards) && first == of(&other, &sequential), "{method:?}");
    }
}

#[test]
fn few_equal_and_directionless_pictures_have_maps() {
    let zero = vec![0.0; 12];
    let sizes: [&[usize]; 5] = [&[], &[1], &[1, 1], &[2, 1], &[4]];
    let mut indexes: Vec<_> = sizes.into_iter().map(clusters).collect();
    indexes.extend([index(&vec![vec![1.0; 12]; 9]), index(&vec![zero.clone(); 5])]);
    indexes.push(index(&[vec![zero], vec![vec![1.0; 12]; 5], vec![vec![f32::NAN; 12]]].concat()));
    for index in indexes {
        for method in Method::ALL {
            let map = map(&index, method);
            assert_eq!(map.points().count(), index.len(), "{method:?} of {}", index.len());
            assert!(map.points().all(|(_, point)| point.iter().all(|value| value.is_finite())), "{method:?}");
            let quality = Projector::new(&index, 1, &sequential, &|| false).quality(&map, &mut |_| ());
            assert_eq!(quality.is_some(), index.len() >= 3);
            let shares = quality.map(|quality| [quality.trustworthiness, quality.continuity]);
            assert!(shares.into_iter().flatten().all(|share| (0.0..=1.0).contains(&share)), "{shares:?}");
        }
    }
}

#[test]
fn trustworthiness_is_one_for_a_map_without_loss_and_low_for_a_random_one() {
    let mut random = Random::of(9, 9);
    // On a small piece of a sphere, cosine similarity falls with distance in the plane.
    let embeddings: Vec<_> =
        (0..60).map(|_| vec![10.0, 0.1 * random.around_zero(), 0.1 * random.around_zero()]).collect();
    let index = index(&embeddings);
    let projector = Projector::new(&index, 1, &sequential, &|| false);
    let mut plane = projector.pca().expect("nobody stops it");
    let right = projector.quality(&plane, &mut |_| ()).expect("there are enough");
    assert!(right.trustworthiness > 0.995 && right.continuity > 0.995, "{right:?}");
    plane.points.iter_mut().for_each(|point| *point = [random.around_zero(), random.around_zero()]);
    let wrong = projector.quality(&plane, &mut |_| ()).expect("there are enough");
    assert!((0.3..0.7).contains(&wrong.trustworthiness) && (0.3..0.7).contains(&wrong.continuity), "{wrong:?}");
}

#[test]
fn maps_lie_lengthwise() {
    let mut points = [[1.0, 1.0], [2.0, 3.0], [3.0, 5.0], [4.0, 6.9]];
    lay_lengthwise(&mut points);
    assert!(points.iter().all(|point| point[1].abs() < 0.1) && points[3][0] - points[0][0] > 6.0, "{points:?}");
}

#[test]
fn empty_strips_are_narrow_and_clusters_keep_their_shape() {
    let mut points: Vec<[f32; 2]> =
        (0..40).map(|at| [at as f32 * 0.1 + if at < 20 { 0.0 } else { 90.0 }, 1.0]).collect();
    let before = points.clone();
    narrow_gaps(&mut points);
    let strip = points[20][0] - points[19][0];
    assert!((strip * GAPS / (points[39][0] - points[0][0]) - 1.0).abs() < 0.01, "{strip}");
    for part in [0..20, 20..40] {
        let own = |points: &[[f32; 2]], at: usize| points[at][0] - points[part.start][0];
        assert!(part.clone().all(|at| (own(&points, at) - own(&before, at)).abs() < 1e-3), "{points:?}");
    }
    let mut few = [[0.0, 0.0], [5.0, 1.0], [6.0, 9.0]];
    narrow_gaps(&mut few);
    assert_eq!(few, [[0.0, 0.0], [5.0, 1.0], [6.0, 9.0]]);
}

#[test]
fn a_map_stops_when_nobody_waits() {
    let index = clusters(&[20, 20]);
    let whole = Projector::new(&index, 1, &sequential, &|| false);
    let start = whole.pca().expect("nobody stops it");
    let stopped = Projector::new(&index, 1, &sequential, &|| true);
    assert!(stopped.pca().is_none() && stopped.quality(&start, &mut |_| ()).is_none());
    for method in [Method::Umap, Method::Tsne] {
        let mut asked = |_: f64, _: &dyn Fn() -> Projection| panic!("it goes on");
        assert!(stopped.refine(&start, method, &nearest(&index), &mut asked).is_none());
    }
}

#[test]
fn what_comes_later_is_placed_among_its_neighbors_until_there_is_too_much_of_it() {
    let whole = clusters(&[30, 30, 1]);
    let embeddings: Vec<_> = whole.iter().map(|entry| entry.embedding()).collect();
    let mut index = index(&embeddings[..30]);
    push(&mut index, &embeddings[30..55], 30);
    let map = map(&index, Method::Umap);
    push(&mut index, &embeddings[55..60], 55);
    index.remove(ImageId(0));
    let next = map.following(&index, Some(&nearest(&index))).expect("of the same run");
    assert_eq!((next.placed(), next.is_stale(), next.point(ImageId(0))), (5, false, None));
    assert_eq!((next.made_of(), next.points().count()), (index.state(), 59));
    let distance = |a: usize, b: usize| {
        let [a, b] = [a, b].map(|at| next.point(ImageId(at as u32)).expect("it has one"));
        (a[0] - b[0]).hypot(a[1] - b[1])
    };
    for later in 55..60 {
        let to = |places: std::ops::Range<usize>| places.map(|at| distance(later, at)).fold(f32::INFINITY, f32::min);
        assert!(to(30..55) < to(1..30), "{later} lies with its own");
    }
    let more: Vec<_> = (0..20).map(|_| embeddings[60].clone()).collect();
    push(&mut index, &more, 60);
    let last = next.following(&index, Some(&nearest(&index))).expect("of the same run");
    assert!(last.is_stale() && last.placed() == 25, "{}", last.placed());
    assert!(map.following(&whole, Some(&nearest(&whole))).is_none(), "ids of another run mean other pictures");
}

#[test]
fn a_kept_map_comes_back_and_a_damaged_or_foreign_one_does_not() {
    let mut index = clusters(&[10, 10]);
    let mut map = map(&index, Method::Umap);
    map.quality = Projector::new(&index, 1, &sequential, &|| false).quality(&map, &mut |_| ());
    push(&mut index, &[vec![1.0; 12]], 20);
    let placed = map.following(&index, Some(&nearest(&index))).expect("of the same run");
    let bytes = placed.to_bytes(|id| Some(id.0 + 100));
    let id = |row: u32| row.checked_sub(100).map(ImageId);
    let read = Projection::from_bytes(&bytes, Method::Umap, &index, id).expect("it is whole");
    assert_eq!(read.points().collect::<Vec<_>>(), map.points().collect::<Vec<_>>(), "without what was only placed");
    assert_eq!((read.quality, read.method, read.made_of()), (map.quality, Method::Umap, index.state()));
    assert!(Projection::from_bytes(&bytes, Method::Tsne, &index, id).is_none());
    for at in (0..bytes.len()).step_by(7) {
        let mut broken = bytes.clone();
        broken[at] ^= 1;
        assert!(Projection::from_bytes(&broken, Method::Umap, &index, id).is_none(), "byte {at}");
        assert!(Projection::from_bytes(&bytes[..at], Method::Umap, &index, id).is_none(), "cut at {at}");
    }
    let gone = Projection::from_bytes(&bytes, Method::Umap, &index, |_| None).expect("it is whole");
    assert_eq!(gone.points().count(), 0);
}
