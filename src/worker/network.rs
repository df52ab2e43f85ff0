//! The thread that asks the network, which is loaded when it is asked for the first time: why two pictures are alike, and
//! what a picture from elsewhere is like.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Answer, JobEvent, JobId, NetworkLoader, Outcome, Priority,
    explaining::{drawn, explain},
    fenced,
    latest::Latest,
};
use crate::{
    embed::{Embedder, preprocess},
    error::{Error, Result},
    index::{ImageId, Index},
    pipeline,
    preview::{Painter, Preview},
    scan::NO_FACE,
    task::{Explained, Outside},
};

/// What the network is asked: the newest question of either kind.
#[derive(Default)]
pub(super) struct Questions {
    /// Why two pictures are alike.
    pub(super) why: Option<Why>,
    /// What a picture is like that may not be in the index.
    pub(super) ask: Option<(JobId, Arc<Index>, PathBuf)>,
}

type Why = (JobId, Arc<Index>, [ImageId; 2], (u16, u16));

/// Starts the thread.
pub(super) fn start(mut load: NetworkLoader, painter: Painter, tell: Answer) -> Latest<Questions> {
    let mut loaded = None;
    Latest::spawn("asking the network", Priority::Normal, move |questions: Questions, _| {
        let sentence = |error: Error| error.to_string();
        if let Some((job, index, path)) = questions.ask {
            let mut ask = || match pipeline::row_of(&index, &path) {
                // A picture of the index needs no network.
                Some(row) => Ok(Outcome::IsRow(row)),
                None => outside(&path, at_hand(&mut loaded, &mut load)?),
            };
            let outcome = fenced("embedding", || ask().map_err(sentence));
            tell(JobEvent { job, outcome });
        }
        if let Some((job, index, pair, cells)) = questions.why {
            let mut why = || explained(&index, pair, cells, at_hand(&mut loaded, &mut load)?, &painter);
            let outcome = fenced("explaining", || why().map_err(sentence));
            tell(JobEvent { job, outcome });
        }
    })
}

/// The network, loaded when it is not.
fn at_hand<'a>(loaded: &'a mut Option<Network>, load: &mut NetworkLoader) -> Result<&'a mut Network> {
    match loaded {
        Some(network) => Ok(network),
        None => Ok(loaded.insert(load()?)),
    }
}

type Network = (Box<dyn Embedder>, bool);

/// Why two pictures are alike.
fn explained(
    index: &Index,
    pair: [ImageId; 2],
    cells: (u16, u16),
    (embedder, exact): &mut Network,
    painter: &Painter,
) -> Result<Outcome> {
    let [a, b] = pair.map(|id| index.get(id).map(|entry| entry.path()));
    let (Some(a), Some(b)) = (a, b) else { return Err(Error::Usage("a picture of the pair is gone".into())) };
    let explanation = explain([&a, &b], embedder.as_mut(), *exact)?;
    let manifest = embedder.manifest();
    let greatest = explanation.greatest();
    let paint = |path: &Path, side: usize| {
        let shares = &explanation.shares[side];
        match drawn(path, shares, greatest, painter.map(), |pixels| preprocess::seen(pixels, manifest)) {
            Ok(picture) => painter.paint(&picture, cells),
            Err(error) => Preview::failed(error.to_string()),
        }
    };
    let previews = [paint(&a, 0), paint(&b, 1)];
    Ok(Outcome::Explained(Arc::new(Explained { pair, cells, explanation, previews })))
}

/// A picture that is not in the index, to ask with.
fn outside(path: &Path, (embedder, exact): &mut Network) -> Result<Outcome> {
    let found = pipeline::find_in(path, embedder.as_mut(), *exact)?;
    if found.is_empty() {
        return Err(Error::Image { path: path.to_path_buf(), reason: NO_FACE.to_owned() });
    }
    let faces = found.iter().filter_map(|found| found.face).collect();
    let embeddings = found.into_iter().map(|found| found.embedding.into()).collect();
    Ok(Outcome::Embedded(Arc::new(Outside { path: path.into(), faces, embeddings })))
}
