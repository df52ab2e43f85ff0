//! `lookalike alike` and `map`, which need the nearest of every picture, and the graph that is kept of them.

use std::{fs, path::Path};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

use super::{expected, folder, lookalike, path, picture, stdout};

#[test]
fn alike_groups_look_alikes_between_two_ends() {
    let folder = folder();
    picture(&folder.path().join("warm/red again.png"), [250, 10, 10]);
    let groups = |arguments: &[&str]| -> Vec<(f64, Vec<String>)> {
        let mut all = vec!["alike", path(&folder), "--json"];
        all.extend(arguments);
        let told: Value = serde_json::from_str(&stdout(&all)).expect("JSON");
        let file = |image: &Value| {
            let path = image["path"].as_str().expect("a path");
            Path::new(path).file_name().expect("a name").to_string_lossy().into_owned()
        };
        let group = |group: &Value| {
            let mut files: Vec<_> = group["images"].as_array().expect("images").iter().map(file).collect();
            files.sort();
            (group["least"].as_f64().expect("a number"), files)
        };
        told["groups"].as_array().expect("groups").iter().map(group).collect()
    };
    let red = ["red again.png", "red.png"].map(str::to_owned).to_vec();
    assert_eq!(groups(&["--min", "0.999"]), [(1.0, red)]);
    let wide = groups(&["--min", "0.8"]);
    assert_eq!(wide.len(), 3, "{wide:?}");
    assert_eq!(wide[0].1, ["red again.png", "red.png"], "files of the same content come first");
    assert_eq!(wide[1].1.len(), 2, "and one stands for both among the look-alikes: {wide:?}");
    assert!(wide[1].1.contains(&"orange.png".to_owned()));
    let (least, cold) = &wide[2];
    assert_eq!(*cold, ["blue.png", "cyan.png"]);
    let cosine = expected("cosine", [10.0, 10.0, 250.0], [10.0, 200.0, 250.0]);
    assert!((*least - f64::from(cosine)).abs() < 1e-3, "{least} for {cosine}");
    assert!(groups(&["--min", "0.8", "--max", "0.9999"]).iter().all(|(_, files)| files.len() == 2), "no copies");
    let text = stdout(&["alike", path(&folder), "--min", "0.999"]);
    assert!(text.starts_with("2 pictures in identical files; to keep: oldest\n"), "{text}");
    assert!(text.contains("  keep   ") && text.contains("red again.png") && text.contains("(identical)"), "{text}");
    lookalike(&["alike", path(&folder), "--min", "0.9", "--max", "0.8"]).assert().failure();
    assert!(stdout(&["alike", path(&folder), "--min", "0.99999", "--max", "0.99999"]).starts_with("no two pictures"));
}

#[test]
fn the_map_is_the_same_as_values_as_a_drawing_and_for_eyes() {
    let folder = TempDir::new().expect("a temporary folder");
    for (group, color) in [("cold", [10, 40, 250]), ("warm", [250, 60, 10])] {
        fs::create_dir(folder.path().join(group)).expect("a new folder");
        for at in 0..15_u8 {
            picture(
                &folder.path().join(format!("{group}/{at:02}.png")),
                [color[0], color[1] + 4 * at, color[2] / 2 + 3 * at],
            );
        }
    }
    let out = TempDir::new().expect("a temporary folder");
    let cache = out.path().join("cache");
    let map = |more: &[&str]| {
        let mut command = Command::cargo_bin("lookalike").expect("the binary was built");
        command.args(["map", path(&folder), "--model", "color-grid"]).arg("--cache-dir").arg(&cache).args(more);
        let output = command.env_remove("LOOKALIKE_CACHE").assert().success().get_output().clone();
        String::from_utf8(output.stdout).expect("text")
    };
    for method in ["umap", "tsne", "pca"] {
        let json: serde_json::Value = serde_json::from_str(&map(&["--method", method, "--json"])).expect("JSON");
        assert_eq!(
            (&json["method"], &json["neighbors"], &json["measured_on"]),
            (&method.into(), &12.into(), &30.into())
        );
        for share in ["trustworthiness", "continuity"] {
            assert!((0.7..=1.0).contains(&json[share].as_f64().expect("a share")), "{method}: {}", json[share]);
        }
        assert_eq!(json["explained_variance"].is_number(), method == "pca");
        let images = json["images"].as_array().expect("images");
        let csv = map(&["--method", method, "--csv"]);
        assert!(csv.starts_with("path,group,x,y\n") && csv.lines().count() == 31 && images.len() == 30);
        for (line, image) in csv.lines().skip(1).zip(images) {
            let fields: Vec<_> = line.split(',').collect();
            assert!(image["path"].as_str().expect("a path").ends_with(fields[0]) && image["group"] == fields[1]);
            for (field, axis) in [(fields[2], "x"), (fields[3], "y")] {
                let (a, b) = (field.parse::<f64>().expect("a number"), image[axis].as_f64().expect("a number"));
                assert!((a - b).abs() <= 1e-5 * b.abs(), "the kept map comes back: {a} {b}");
            }
        }
        // The groups are far apart: between them no point is nearer than the own ones.
        let x = |group: &str| {
            images.iter().filter(|image| image["group"] == group).filter_map(|image| image["x"].as_f64()).sum::<f64>()
                / 15.0
        };
        assert!((x("cold") - x("warm")).abs() > 0.1, "{method}");
    }
    let text = map(&[]);
    for word in ["UMAP of 30 pictures", "(k = 12)", "A cold 15", "B warm 15"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    assert!(text.matches('A').count() > 3 && text.matches('B').count() > 3 && !text.contains('\u{1b}'), "{text}");
    let (svg, png) = (out.path().join("map.svg"), out.path().join("map.png"));
    let files = ["--svg", svg.to_str().expect("plain"), "--png", png.to_str().expect("plain")];
    assert!(map(&files).is_empty(), "the drawing is the answer");
    let drawn = fs::read_to_string(&svg).expect("a drawing");
    assert!(
        drawn.matches("<title>").count() == 30 && drawn.contains(">A cold<") && drawn.contains(">B warm<"),
        "{drawn}"
    );
    let colors: std::collections::HashSet<_> =
        image::open(&png).expect("a picture").into_rgb8().pixels().map(|pixel| pixel.0).collect();
    assert!(colors.len() > 20 && colors.contains(&[255; 3]));
    let refused = lookalike(&[&["map", path(&folder)], &files[..]].concat()).assert().code(2).get_output().clone();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--force"));
}

/// Whatever the kept graph says is believed, so a value that no pictures have shows that nothing was compared.
#[test]
fn a_second_run_takes_the_graph_that_the_first_one_kept() {
    let (folder, cache) = (folder(), TempDir::new().expect("a temporary folder"));
    let best = || {
        let mut command = Command::cargo_bin("lookalike").expect("the binary was built");
        command.args(["alike", path(&folder), "--json", "--min", "0.5", "--model", "color-grid"]);
        let output = command.args(["--cache-dir", path(&cache)]).assert().success().get_output().stdout.clone();
        let told: Value = serde_json::from_slice(&output).expect("JSON");
        assert_eq!((&told["approximate"], &told["recall"]), (&Value::Bool(false), &Value::Null));
        told["groups"][0]["best"].as_f64().expect("a number") as f32
    };
    let kept = || {
        let stores = fs::read_dir(cache.path()).expect("a cache");
        let stores = stores.map(|store| store.expect("a store").path()).filter(|store| store.is_dir());
        let files = stores.flat_map(|store| fs::read_dir(store).expect("a store"));
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.retain(|file| file.file_name().expect("a name").to_string_lossy().starts_with("graph-cosine"));
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    };
    let write = |bytes: &[u8]| {
        let sum = crc32fast::hash(bytes).to_le_bytes();
        fs::write(kept(), [bytes, &sum].concat()).expect("the graph is written");
    };
    let right = best();
    let whole = fs::read(kept()).expect("a graph");
    let odd = right + 0.001;
    let told: Vec<u8> = whole[..whole.len() - 4]
        .chunks_exact(4)
        .flat_map(
            |word| if word == right.to_le_bytes() { odd.to_le_bytes() } else { [word[0], word[1], word[2], word[3]] },
        )
        .collect();
    write(&told);
    assert_eq!(best(), odd);
    // What came is found and kept, what was known stays.
    picture(&folder.path().join("warm/green.png"), [10, 250, 10]);
    assert_eq!(best(), odd);
    let more = fs::read(kept()).expect("a graph");
    assert!(more.len() > whole.len());
    // One that is damaged, or that is of other row numbers, is made anew.
    fs::write(kept(), &more[..more.len() - 5]).expect("the graph is cut short");
    assert_eq!(best(), right);
    write(&told);
    fs::rename(kept(), kept().with_file_name("graph-cosine-1.graph")).expect("the graph gets another name");
    assert_eq!(best(), right);
    let last = fs::read(kept()).expect("a graph");
    assert_eq!(best(), right);
    assert_eq!(fs::read(kept()).expect("a graph"), last);
    // One that is not exact says so, for scripts and for people.
    let mut approximate = last[..last.len() - 4].to_vec();
    approximate[12..16].copy_from_slice(&0.978_f32.to_le_bytes());
    write(&approximate);
    let output = |command: &str, more: &[&str]| {
        let arguments = [path(&folder), "--model", "color-grid", "--cache-dir", path(&cache)];
        let mut lookalike = Command::cargo_bin("lookalike").expect("the binary was built");
        lookalike.args(command.split(' ')).args(arguments).args(more).assert().success().get_output().clone()
    };
    for command in ["alike", "groups --method hdbscan", "outliers", "map", "map --method tsne"] {
        let told: Value = serde_json::from_slice(&output(command, &["--json"]).stdout).expect("JSON");
        let recall = told["recall"].as_f64().map(|recall| recall as f32);
        assert_eq!((&told["approximate"], recall), (&Value::Bool(true), Some(0.978)), "{command}");
        let said = String::from_utf8(output(command, &[]).stderr).expect("text");
        assert!(said.contains("about 97 % of the nearest were found"), "{command}: {said}");
    }
    // What needs no graph is exact.
    for command in ["groups --method kmeans", "map --method pca"] {
        let told: Value = serde_json::from_slice(&output(command, &["--json"]).stdout).expect("JSON");
        assert_eq!((&told["approximate"], &told["recall"]), (&Value::Bool(false), &Value::Null), "{command}");
        assert!(output(command, &[]).stderr.is_empty(), "{command}");
    }
}
