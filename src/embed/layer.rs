//! The layers of a network at which an embedding can be taken, and what they give.

/// What a layer gives for one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As many maps as there are channels, `side` high and wide.
    Map {
        /// Values at each position.
        channels: i64,
        /// Positions one under the other, and side by side.
        side: i64,
    },
    /// A sequence of tokens: the class token first, then one for each patch of the picture, row by row.
    Tokens {
        /// How many, with the class token.
        count: i64,
        /// Values of each.
        channels: i64,
    },
    /// A list of so many values.
    Values(i64),
}

impl Shape {
    /// Values of an embedding that is taken here.
    #[must_use]
    pub fn values(self) -> i64 {
        match self {
            Self::Map { channels, .. } | Self::Tokens { channels, .. } | Self::Values(channels) => channels,
        }
    }

    /// The sides of the tensor, without that of the batch.
    #[must_use]
    pub fn sides(self) -> Vec<i64> {
        match self {
            Self::Map { channels, side } => vec![channels, side, side],
            Self::Tokens { count, channels } => vec![count, channels],
            Self::Values(values) => vec![values],
        }
    }

    /// Side of a map; the square root of the number of patches.
    pub(super) fn side(self) -> i64 {
        match self {
            Self::Map { side, .. } => side,
            Self::Tokens { count, .. } => (count - 1).isqrt(),
            Self::Values(_) => 1,
        }
    }
}

/// A layer at which an embedding can be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name in the weights, as the library that publishes them has it.
    pub name: String,
    /// The stage that ends with it, which is another name for it.
    pub stage: Option<String>,
    /// What it gives for one picture.
    pub shape: Shape,
}

impl Layer {
    /// Whether a manifest that says `name` means this layer.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.stage.as_deref() == Some(name)
    }
}
