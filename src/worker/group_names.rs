//! The names of groups as they are kept beside the index: JSON that names pictures by their paths.

use std::{collections::HashMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    analysis::clusters::GroupName,
    index::{ImageId, Index},
};

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    groups: Vec<KeptName>,
}

#[derive(Serialize, Deserialize)]
struct KeptName {
    name: String,
    size: usize,
    /// Relative to the indexed folder. Names that are not UTF-8 are left out: the others do.
    pictures: Vec<String>,
}

const VERSION: u32 = 1;

/// The bytes of some names.
pub(super) fn to_bytes(names: &[GroupName], index: &Index) -> Vec<u8> {
    let path = |id: &ImageId| index.get(*id)?.relative().to_str().map(str::to_owned);
    let kept = |name: &GroupName| KeptName {
        name: name.name.clone(),
        size: name.size,
        pictures: name.typical.iter().filter_map(path).collect(),
    };
    let kept = Kept { version: VERSION, groups: names.iter().map(kept).collect() };
    // Numbers and text can always be written.
    serde_json::to_vec_pretty(&kept).unwrap_or_default()
}

/// The names that the bytes hold; none when another version wrote them. Pictures that are gone are left out.
pub(super) fn from_bytes(bytes: &[u8], index: &Index) -> Option<Vec<GroupName>> {
    let kept: Kept = serde_json::from_slice(bytes).ok()?;
    if kept.version != VERSION {
        return None;
    }
    let wanted: std::collections::HashSet<&Path> =
        kept.groups.iter().flat_map(|group| group.pictures.iter().map(Path::new)).collect();
    let ids: HashMap<&Path, ImageId> = index
        .iter()
        .map(|entry| (entry.relative(), entry.id))
        .filter(|(relative, _)| wanted.contains(relative))
        .collect();
    let name = |group: &KeptName| GroupName {
        name: group.name.clone(),
        size: group.size,
        typical: group.pictures.iter().filter_map(|path| ids.get(Path::new(path)).copied()).collect(),
    };
    Some(kept.groups.iter().map(name).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        index::{Image, Segment},
        scan::ImageFile,
    };

    #[test]
    fn names_are_read_as_they_were_kept_without_what_is_gone() {
        let root: Arc<Path> = Path::new("/p").into();
        let image = |name: &str| Image {
            file: ImageFile { path: Path::new("/p").join(name), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
            face: None,
        };
        let mut index = Index::new(1);
        index.push(Arc::new(Segment::pack(root, ["a/1.png", "ž \"2\".png"].map(image), &[vec![1.0], vec![2.0]], 1)));
        let names = [
            GroupName { name: "sea\u{1b}".into(), size: 70, typical: vec![ImageId(1), ImageId(0)] },
            GroupName { name: String::new(), size: 0, typical: Vec::new() },
        ];
        let bytes = to_bytes(&names, &index);
        assert_eq!(from_bytes(&bytes, &index).as_deref(), Some(&names[..]));
        index.remove(ImageId(0));
        let left = from_bytes(&bytes, &index).expect("the others are there");
        assert_eq!((left[0].size, &*left[0].typical), (70, &[ImageId(1)][..]));
        assert_eq!(from_bytes(b"{\"version\": 2, \"groups\": []}", &index), None);
    }
}
