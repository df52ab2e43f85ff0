//! Where the user's files lie: the index, models, manifests, and lists of what was moved away. `make install` puts weights where [`models`] looks.

use std::path::PathBuf;

use etcetera::{BaseStrategy, base_strategy::Xdg};

use crate::{
    environment::variable,
    error::{Error, Result},
};

/// The folder of all indexes: `lookalike` in the user's cache folder.
///
/// # Errors
/// [`Error::Usage`] when the user has no home folder.
pub fn cache() -> Result<PathBuf> {
    let base = base("there is no home folder to keep the index in; use --cache-dir or --no-cache")?;
    Ok(base.cache_dir().join("lookalike"))
}

/// The user's weights and manifests, and where downloads go: `lookalike/models` in the data folder.
///
/// # Errors
/// [`Error::Usage`] when the user has no home folder.
pub fn models() -> Result<PathBuf> {
    Ok(base(NO_HOME)?.data_dir().join("lookalike/models"))
}

/// The lists of files that were moved away: `lookalike/moved` in the data folder.
///
/// # Errors
/// [`Error::Usage`] when the user has no home folder.
pub fn moved() -> Result<PathBuf> {
    Ok(base(NO_HOME)?.data_dir().join("lookalike/moved"))
}

/// The user's own manifests: `lookalike/models` in the configuration folder.
///
/// # Errors
/// [`Error::Usage`] when the user has no home folder.
pub fn manifests() -> Result<PathBuf> {
    Ok(base(NO_HOME)?.config_dir().join("lookalike/models"))
}

/// The user's choices: `$LOOKALIKE_CONFIG`, else `lookalike/config.toml` in the configuration folder.
///
/// # Errors
/// [`Error::Usage`] when the user has no home folder.
pub fn config() -> Result<PathBuf> {
    match variable("LOOKALIKE_CONFIG") {
        Some(file) => Ok(file.into()),
        None => Ok(base(NO_HOME)?.config_dir().join("lookalike/config.toml")),
    }
}

/// The names that were given in the explorer: `lookalike/gallery` in the data folder, one sub-folder a name.
///
/// # Errors
/// [`Error::Usage`] when the user has no home folder.
pub fn gallery() -> Result<PathBuf> {
    Ok(base(NO_HOME)?.data_dir().join("lookalike/gallery"))
}

/// Where PyTorch keeps the weights that it downloaded: `$TORCH_HOME/hub/checkpoints`.
///
/// # Errors
/// [`Error::Usage`] when the user has no home folder.
pub fn torch() -> Result<PathBuf> {
    let home = match variable("TORCH_HOME") {
        Some(home) => home.into(),
        None => base(NO_HOME)?.cache_dir().join("torch"),
    };
    Ok(home.join("hub/checkpoints"))
}

const NO_HOME: &str = "there is no home folder: set HOME, or XDG_DATA_HOME and XDG_CONFIG_HOME";

/// The folders of the XDG base directory specification, on every system: people find things in one place.
fn base(without_home: &str) -> Result<Xdg> {
    Xdg::new().map_err(|_| Error::Usage(without_home.into()))
}
