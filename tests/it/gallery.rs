//! The error rates and thresholds of a gallery equal those of numpy and scikit-learn (`tests/gallery/check.py`).

use std::path::Path;

use lookalike::{
    analysis::{
        gallery::{
            Criterion, Gallery,
            impostors::ImpostorDistribution,
            trials::{NoThreshold, Outcomes, confusions, misfits, same_under_two_names, trials},
        },
        roc::PairDistances,
    },
    similarity::Metric,
};
use proptest::prelude::*;

/// The embeddings of `check.py --formula`, rounded to half precision, under four names.
fn formula() -> Gallery {
    let mut gallery = Gallery::default();
    for i in 0..24_usize {
        let row = (0..6).map(|j| {
            let wave = (12.9898 * i as f64 + 78.233 * j as f64 + (i * j) as f64).sin() * 2.0;
            half::f16::from_f64(wave + if j == i % 4 { 2.0 } else { 0.0 }).to_f32()
        });
        gallery.enroll(&format!("g{}", i % 4), Path::new(&i.to_string()), row.collect());
    }
    gallery
}

fn pairs(gallery: &Gallery, metric: Metric) -> PairDistances {
    gallery.pairs(metric, &|| false, &mut |_| ()).expect("nobody stops it")
}

#[track_caller]
fn near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() < 1e-4, "{what}: {found} for {expected}");
}

#[test]
fn error_rates_of_pairs_equal_those_of_scikit_learn() {
    let gallery = formula();
    for (metric, [auc, eer], rates) in [
        (
            Metric::Cosine,
            [0.632253, 0.398148],
            [
                (0.335168, 0.046296, 0.933333),
                (0.686075, 0.208333, 0.600000),
                (0.963089, 0.449074, 0.316667),
                (1.231089, 0.731481, 0.183333),
            ],
        ),
        (
            Metric::Euclidean,
            [0.629167, 0.402778],
            [
                (3.156195, 0.041667, 0.916667),
                (4.609464, 0.236111, 0.700000),
                (5.524675, 0.472222, 0.400000),
                (6.42836, 0.694444, 0.050000),
            ],
        ),
    ] {
        let pairs = pairs(&gallery, metric);
        assert_eq!(pairs.totals(), [60, 216]);
        near(pairs.auc(), auc, "AUC");
        near(pairs.equal_error().expect("pairs of both kinds").far, eer, "EER");
        for (distance, far, frr) in rates {
            let found = pairs.at(distance);
            near(found.far, far, "FAR");
            near(found.frr, frr, "FRR");
        }
    }
}

#[test]
fn what_becomes_of_pictures_and_strangers_equals_the_reckoning_of_numpy() {
    let gallery = formula();
    for (metric, threshold, [strangers_named, right, wrong]) in [
        (Metric::Cosine, 0.4436, [0.5, 0.333333, 0.375]),
        (Metric::Cosine, 0.6076, [0.125, 0.208333, 0.083333]),
        (Metric::Euclidean, 3.9244, [0.5, 0.375, 0.416667]),
        (Metric::Euclidean, 2.7224, [0.125, 0.041667, 0.125]),
    ] {
        let criterion = Criterion { metric, threshold: Some(threshold), margin: 0.0 };
        let Outcomes { strangers_named: named, right: own, wrong: other, unknown } =
            trials(&gallery, metric, usize::MAX).outcomes(&criterion);
        near(named, strangers_named, "strangers named");
        near(own, right, "right");
        near(other, wrong, "wrong");
        near(unknown, 1.0 - right - wrong, "unknown");
    }
}

/// A gallery of names around which pictures lie, drawn by a linear congruential generator.
fn drawn(names: usize, pictures: usize, spread: f32, seed: &mut u64) -> Gallery {
    let mut next = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The sum of four is bell-shaped enough.
        (0..4).map(|at| (*seed >> (at * 16) & 0xffff) as f32 / 65_536.0 - 0.5).sum::<f32>()
    };
    let mut gallery = Gallery::default();
    for name in 0..names {
        let center: Vec<f32> = (0..32).map(|_| next()).collect();
        for picture in 0..pictures {
            let row = center.iter().map(|value| value + spread * next()).collect();
            gallery.enroll(&name.to_string(), Path::new(&format!("{name}/{picture}")), row);
        }
    }
    gallery
}

/// What a model would state that makes such pictures of such names, measured with 60 of them.
fn measured(spread: f32, seed: &mut u64) -> ImpostorDistribution {
    const SHARES: [f64; 7] = [0.0003, 0.001, 0.003, 0.01, 0.1, 0.3, 1.0];
    let gallery = drawn(60, 4, spread, seed);
    let samples = gallery.samples();
    let strangers = |one: usize| samples[..one].iter().filter(move |other| other.name != samples[one].name);
    let values = Metric::ALL.map(|metric| {
        let value = |a: &[f32], b: &[f32]| {
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            match metric {
                Metric::Cosine => dot(a, b) / (dot(a, a) * dot(b, b)).sqrt(),
                Metric::Euclidean => (dot(a, a) + dot(b, b) - 2.0 * dot(a, b)).sqrt(),
            }
        };
        let pairs = (0..samples.len()).flat_map(|one| strangers(one).map(move |other| (one, other)));
        let mut values: Vec<_> = pairs.map(|(one, other)| value(&samples[one].embedding, &other.embedding)).collect();
        values.sort_by(|a, b| metric.nearer(*a, *b));
        SHARES.map(|share| values[(share * values.len() as f64).ceil() as usize - 1])
    });
    ImpostorDistribution::new(60 * 59 / 2, &SHARES, [&values[0], &values[1]])
}

/// What becomes of strangers and of new pictures of the enrolled at the thresholds of twenty galleries: the share of
/// strangers that is named, that of the enrolled that is known, and how many of the galleries have a threshold.
fn kept(
    metric: Metric,
    names: usize,
    pictures: usize,
    wished: f64,
    known: Option<&ImpostorDistribution>,
    seed: &mut u64,
) -> ([f64; 2], usize) {
    let (mut named, mut strangers, mut right, mut with_threshold) = (0, 0, 0.0, 0);
    for _ in 0..20 {
        let mut gallery = drawn(names, pictures, 0.5, seed);
        gallery.impostors = known.cloned();
        let tried = trials(&gallery, metric, usize::MAX);
        let threshold = tried.threshold(wished, 0.0).map(|threshold| threshold.value).ok();
        with_threshold += usize::from(threshold.is_some());
        let criterion = Criterion { metric, threshold, margin: 0.0 };
        let outcomes = tried.outcomes(&criterion);
        right += outcomes.right / 20.0;
        assert!(
            tried.far(&criterion).expect("strangers") <= wished,
            "what it says of the threshold is what was wished"
        );
        for sample in drawn(20, 10, 0.5, seed).samples() {
            let [best, second] = gallery.best(metric, &sample.embedding);
            named += usize::from(criterion.is_met(best, second));
            strangers += 1;
        }
    }
    ([f64::from(named as u32) / f64::from(strangers), right], with_threshold)
}

/// The promise that a threshold makes: new strangers, of other names than those that it was measured with, are named no more
/// often than was wished, however few names there are. Pictures of those who are enrolled are known where names are many, or
/// the model was measured.
#[test]
fn a_threshold_names_as_few_strangers_as_were_wished_and_knows_its_own() {
    let mut seed = 1;
    let known = measured(0.5, &mut seed);
    for metric in Metric::ALL {
        for wished in [0.1, 0.01] {
            for names in [2, 3, 5, 10] {
                for known in [None, Some(&known)] {
                    let ([share, right], with_threshold) = kept(metric, names, 10, wished, known, &mut seed);
                    let what = format!("{metric:?}, {names} names, {wished}, measured: {}", known.is_some());
                    // Two names are one pair, of which nobody can say how pairs are spread; three say little.
                    let expected = match (known, names) {
                        (Some(_), _) => 20..=20,
                        (None, 10) => 18..=20,
                        (None, 5) if wished > 0.05 => 18..=20,
                        (None, 2) => 0..=0,
                        _ => 0..=20,
                    };
                    assert!(expected.contains(&with_threshold), "{what}: {with_threshold} of 20 have a threshold");
                    // Pictures of one stranger are alike, so that a handful of names decide.
                    assert!(share < 1.5 * wished, "{what}: {share} of strangers are named");
                    assert!(
                        right > 0.96 || (known.is_none() && names < 10),
                        "{what}: {right} of the enrolled are known"
                    );
                }
            }
        }
    }
}

#[test]
fn names_are_counted_and_not_their_pictures() {
    for metric in Metric::ALL {
        let ([share, _], with_threshold) = kept(metric, 5, 100, 0.1, None, &mut 3);
        assert!(share < 0.15 && with_threshold >= 18, "{metric:?}: {share} of strangers are named, {with_threshold}");
        let few = trials(&drawn(5, 100, 0.5, &mut 5), metric, usize::MAX);
        assert!(few.threshold(0.05, 0.0).expect("a threshold").is_extrapolated, "five names show no 5 %");
        assert_eq!(few.threshold(1e-6, 0.0), Err(NoThreshold::TooFewNames), "nor a millionth at any threshold");
    }
}

/// "The nearest of A is B" and "the nearest of B is A" are one measurement, from whichever end the values differ.
#[test]
fn two_names_are_one_pair_that_shows_no_spread() {
    for pictures in [1, 3] {
        for seed in 1..40 {
            let gallery = drawn(2, pictures, 0.02, &mut { seed });
            for metric in Metric::ALL {
                let tried = trials(&gallery, metric, usize::MAX);
                let threshold = tried.threshold(0.1, 0.0);
                assert_eq!(threshold, Err(NoThreshold::TooFewNames), "{metric:?}, {pictures} pictures, {seed}");
            }
        }
    }
    // Three names that are equally far from one another agree by rounding, which is no spread either.
    let mut gallery = Gallery::default();
    for (at, row) in [[3.0, 0.1, 0.1], [0.1, 3.0, 0.1], [0.1, 0.1, 3.0]].into_iter().enumerate() {
        gallery.enroll(&at.to_string(), Path::new(&at.to_string()), row.to_vec());
    }
    for metric in Metric::ALL {
        let tried = trials(&gallery, metric, usize::MAX);
        assert_eq!(tried.threshold(0.1, 0.0), Err(NoThreshold::TooFewNames), "{metric:?}");
    }
}

#[test]
fn names_with_one_picture_between_them_are_why_there_is_no_threshold() {
    let mut gallery = drawn(50, 1, 0.5, &mut 23);
    let twin = gallery.samples()[7].embedding.clone();
    for metric in Metric::ALL {
        let found = trials(&gallery, metric, usize::MAX).threshold(0.01, 0.0);
        assert!(found.is_ok_and(|threshold| threshold.value > 0.0), "{metric:?}: {found:?}");
    }
    gallery.enroll("twin", Path::new("twin"), twin);
    for metric in Metric::ALL {
        let tried = trials(&gallery, metric, usize::MAX);
        let found = tried.threshold(0.01, 0.0).expect_err("two of 51 names cannot be told apart");
        assert_eq!(found, NoThreshold::SamePicture([7, 50]), "{metric:?}");
        assert_eq!(found.words(&gallery, 0.01), "7 and twin have the same picture: keep one");
        // Who allows as many has one that is not nothing.
        let loose = tried.threshold(0.2, 0.0).expect("a threshold");
        assert!(loose.value.is_sign_positive() && loose.value != 0.0, "{metric:?}: {loose:?}");
    }
}

/// A name that was not tried is as likely to reach a threshold as one that was.
#[test]
fn a_share_is_the_same_however_many_of_the_names_were_tried() {
    let mut seed = 29;
    let known = measured(0.5, &mut seed);
    for known in [None, Some(known)] {
        let mut gallery = drawn(399, 1, 0.5, &mut seed);
        // The last name, which is not tried where every second one is, and the first, which is, are nearly the same.
        let twin = gallery.samples()[0].embedding.iter().map(|value| value + 0.01).collect();
        gallery.enroll("twin", Path::new("twin"), twin);
        gallery.impostors.clone_from(&known);
        for (metric, threshold, tolerance) in [
            (Metric::Cosine, 0.95, 1e-9),
            (Metric::Euclidean, 1.0, 1e-9),
            (Metric::Cosine, 0.5, 0.3),
            (Metric::Euclidean, 3.4, 0.3),
        ] {
            let criterion = Criterion { metric, threshold: Some(threshold), margin: 0.0 };
            let far = |most| trials(&gallery, metric, most).far(&criterion).expect("strangers");
            let (all, half) = (far(usize::MAX), far(200));
            assert!(all > 0.0 && (all - half).abs() <= tolerance * all, "{metric:?} {threshold}: {half} for {all}");
        }
    }
}

/// Names that are alike, relatives for example, are not outvoted by the many pairs that a model was measured with.
#[test]
fn a_measured_model_promises_no_less_than_the_gallery_shows() {
    let mut seed = 31;
    let known = measured(0.5, &mut seed);
    let mut gallery = drawn(28, 3, 0.5, &mut seed);
    // Two pairs of names that are nearly the same.
    for name in [0, 1] {
        for picture in 0..3 {
            let row = gallery.samples()[3 * name + picture].embedding.iter().map(|value| value + 0.05).collect();
            gallery.enroll(&format!("like {name}"), Path::new(&format!("like {name}/{picture}")), row);
        }
    }
    gallery.impostors = Some(known);
    for (metric, threshold) in [(Metric::Cosine, 0.7), (Metric::Euclidean, 2.7)] {
        let tried = trials(&gallery, metric, usize::MAX);
        let criterion = Criterion { metric, threshold: Some(threshold), margin: 0.0 };
        let named = tried.outcomes(&criterion).strangers_named;
        let far = tried.far(&criterion).expect("strangers");
        assert!(named > 4.0 / 30.0 - 1e-9 && far >= named - 1e-9, "{metric:?}: {far} is less than {named}");
        let strict = tried.threshold(0.05, 0.0).expect("a threshold").value;
        let criterion = Criterion { threshold: Some(strict), ..criterion };
        assert!(tried.outcomes(&criterion).strangers_named <= 0.07, "{metric:?} {strict}");
    }
}

#[test]
fn more_names_need_a_stricter_threshold_and_so_does_a_smaller_share() {
    let mut seed = 7;
    let known = measured(0.5, &mut seed);
    for known in [None, Some(known)] {
        let value = |far, names| {
            let mut gallery = drawn(names, 5, 0.5, &mut 11);
            gallery.impostors.clone_from(&known);
            trials(&gallery, Metric::Cosine, usize::MAX).threshold(far, 0.0).expect("strangers")
        };
        let name = if known.is_some() { "measured" } else { "not measured" };
        assert!(value(0.2, 30).value < value(0.02, 30).value && value(0.02, 30).value < value(0.001, 30).value);
        // 30 names and the 60 that the model was measured with are 2,205 pairs: of a share of 0.001 for 30 names too few.
        assert!(!value(0.2, 30).is_extrapolated && value(0.001, 30).is_extrapolated, "{name}");
        assert_eq!(value(0.02, 30).is_extrapolated, known.is_none());
        if known.is_some() {
            assert!(value(0.01, 3).value < value(0.01, 30).value && value(0.01, 30).value < value(0.01, 300).value);
        }
    }
}

/// What was measured stands in until the names here are many, and one name alone has a threshold by it.
#[test]
fn names_that_are_unlike_what_was_measured_outweigh_it_when_they_are_many() {
    let mut seed = 13;
    let known = measured(0.5, &mut seed);
    let threshold = |names: usize, metric: Metric, measured: bool| {
        // All of them are much more alike than those that the model was measured with.
        let mut gallery = Gallery::default();
        for sample in drawn(names, 4, 0.5, &mut 17).samples() {
            let row = sample.embedding.iter().map(|value| 0.4 * value + 0.5).collect();
            gallery.enroll(&sample.name.to_string(), &sample.path, row);
        }
        gallery.impostors = Some(known.clone()).filter(|_| measured);
        let tried = trials(&gallery, metric, usize::MAX);
        (tried.threshold(0.02, 0.0).ok().map(|threshold| threshold.value), tried.basis())
    };
    let (one, basis) = threshold(1, Metric::Cosine, true);
    assert!(one.is_some() && basis == "from 0 pairs of names here and 1,770 that the model is known by", "{basis}");
    assert_eq!(threshold(1, Metric::Cosine, false), (None, "from 1 name here".to_owned()));
    let [few, many] = [3, 80].map(|names| threshold(names, Metric::Cosine, true).0.expect("a threshold"));
    let alone = threshold(80, Metric::Cosine, false).0.expect("a threshold");
    assert!(few < many && (alone - many).abs() < 0.5 * (alone - few), "{few} {many} {alone}");
}

#[test]
fn confusions_misfits_and_doubles_are_found() {
    let mut gallery = Gallery::default();
    for (at, (name, row)) in [
        ("a", [1.0, 0.0, 0.0]),
        ("a", [1.0, 0.1, 0.0]),
        ("b", [0.0, 1.0, 0.0]),
        ("b", [0.1, 1.0, 0.0]),
        ("b", [1.0, 0.05, 0.0]),
        ("c", [0.0, 0.0, 1.0]),
        ("d", [1.0, 0.1, 0.0]),
        ("a", [1.0, -0.5, 0.0]),
    ]
    .into_iter()
    .enumerate()
    {
        gallery.enroll(name, Path::new(&at.to_string()), row.to_vec());
    }
    let tried = trials(&gallery, Metric::Cosine, usize::MAX);
    let misfits = misfits(&tried);
    assert_eq!(misfits.iter().map(|trial| trial.sample).collect::<Vec<_>>(), [4, 1, 0], "the worst first");
    assert_eq!(same_under_two_names(&gallery), [[1, 6]]);
    let confusions = confusions(&gallery, &tried);
    let named = |at: usize| (gallery.name(confusions[at].name), gallery.name(confusions[at].nearest.name));
    assert_eq!((named(0), confusions[0].confused), (("a", "d"), 2));
    assert_eq!(confusions.last().map(|one| gallery.name(one.name)), Some("c"));
}

#[test]
fn small_and_equal_galleries_are_ordinary() {
    for rows in [&[][..], &["a"], &["a", "a"], &["a", "b"], &["a", "a", "b", "b"]] {
        let mut gallery = Gallery::default();
        for (at, name) in rows.iter().enumerate() {
            gallery.enroll(name, Path::new(&at.to_string()), vec![1.0, 2.0]);
        }
        for metric in Metric::ALL {
            let tried = trials(&gallery, metric, usize::MAX);
            let strangers = if gallery.len() > 1 { rows.len() } else { 0 };
            assert_eq!(tried.strangers(), strangers, "{rows:?}");
            let threshold = tried.threshold(0.01, 0.0).ok();
            assert_eq!(threshold, None, "{rows:?}: nothing tells them apart");
            let criterion = Criterion { metric, threshold: threshold.map(|found| found.value), margin: 0.0 };
            assert_eq!(tried.far(&criterion).is_some(), strangers > 0);
            // All are equal: every picture is as much its neighbor's as its own, and none is told apart.
            assert!(
                tried.outcomes(&criterion).right.is_nan()
                    || gallery.len() < 2
                    || tried.outcomes(&criterion).right == 0.0
            );
            let _ = (confusions(&gallery, &tried), misfits(&tried), pairs(&gallery, metric).equal_error());
        }
    }
}

proptest! {
    #[test]
    fn a_stricter_threshold_names_nobody_more(seed in any::<u64>(), names in 2..6_usize, pictures in 1..5_usize) {
        let mut seed = seed;
        let gallery = drawn(names, pictures, 1.0, &mut seed);
        for metric in Metric::ALL {
            let tried = trials(&gallery, metric, usize::MAX);
            let mut before = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
            for step in 0..40 {
                let share = step as f32 / 39.0;
                let threshold = if metric == Metric::Cosine { 2.0 * share - 1.0 } else { 12.0 * (1.0 - share) };
                let criterion = Criterion { metric, threshold: Some(threshold), margin: 0.0 };
                let outcomes = tried.outcomes(&criterion);
                let known = if outcomes.right.is_nan() { 0.0 } else { outcomes.right + outcomes.wrong };
                let now = (tried.far(&criterion).expect("strangers"), outcomes.strangers_named, known);
                prop_assert!(now.0 <= before.0 + 1e-9 && now.1 <= before.1 && now.2 <= before.2 + 1e-9);
                before = now;
            }
        }
    }
}
