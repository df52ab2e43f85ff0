//! Lanes of tasks: what is made for one thing at a time.

/// Tasks of one lane take each other's place; lanes do not wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// [`super::Task::Compare`] of a picture.
    Compare,
    /// [`super::Task::Compare`] of an embedding.
    Ask,
    /// [`super::Task::Order`].
    Order,
    /// [`super::Task::Sort`].
    Sort,
    /// [`super::Task::Block`].
    Block,
    /// [`super::Task::Alike`].
    Alike,
    /// [`super::Task::Map`].
    Map,
    /// [`super::Task::Groups`].
    Groups,
    /// [`super::Task::Outliers`].
    Outliers,
    /// [`super::Task::Classify`].
    Classify,
    /// [`super::Task::CompareModels`].
    CompareModels,
    /// [`super::Task::CompareByOther`].
    CompareByOther,
}

impl Lane {
    /// All of them, by their number.
    pub const ALL: [Self; 12] = [
        Self::Compare,
        Self::Ask,
        Self::Order,
        Self::Sort,
        Self::Block,
        Self::Alike,
        Self::Map,
        Self::Groups,
        Self::Outliers,
        Self::Classify,
        Self::CompareModels,
        Self::CompareByOther,
    ];

    /// What is being done, in one word.
    #[must_use]
    pub fn doing(self) -> &'static str {
        match self {
            Self::Compare | Self::Ask => "comparing",
            Self::Order => "ordering",
            Self::Sort => "sorting",
            Self::Block => "finding the best pair",
            Self::Alike => "finding look-alikes",
            Self::Map => "making the map",
            Self::Groups => "finding groups",
            Self::Outliers => "finding outliers",
            Self::Classify => "learning the labels",
            Self::CompareModels => "comparing the models",
            Self::CompareByOther => "comparing by the other model",
        }
    }
}
