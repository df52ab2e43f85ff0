//! The eight ways in which a picture can be turned and mirrored.

/// How a copy was turned: one of the eight symmetries of a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Turn {
    /// Quarter turns clockwise, 0 to 3.
    pub quarters: u8,
    /// Mirrored, left for right, before it was turned.
    pub mirrored: bool,
}

impl Turn {
    /// As it was.
    pub const NONE: Self = Self { quarters: 0, mirrored: false };

    /// All eight.
    pub fn all() -> impl Iterator<Item = Self> {
        [false, true].into_iter().flat_map(|mirrored| (0..4).map(move |quarters| Self { quarters, mirrored }))
    }

    /// What takes it back.
    #[must_use]
    pub fn inverse(self) -> Self {
        // A mirrored turn is its own inverse.
        if self.mirrored { self } else { Self { quarters: (4 - self.quarters) % 4, ..self } }
    }

    /// What it and then another one come to.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        // Two corners tell the eight apart.
        let [near, far] = [(0, 0), (1, 0)].map(|corner| self.source(2, next.source(2, corner)));
        let same = |turn: &Self| turn.source(2, (0, 0)) == near && turn.source(2, (1, 0)) == far;
        Self::all().find(same).unwrap_or(Self::NONE)
    }

    /// In words; nothing where nothing was turned.
    #[must_use]
    pub fn words(self) -> Option<&'static str> {
        Some(match (self.mirrored, self.quarters) {
            (false, 0) => return None,
            (false, 1) => "turned right",
            (false, 2) => "upside down",
            (false, _) => "turned left",
            (true, 0) => "mirrored",
            (true, 2) => "flipped",
            (true, 1) => "mirrored, turned right",
            (true, _) => "mirrored, turned left",
        })
    }

    /// Where the pixel at (x, y) of the turned picture comes from.
    pub(crate) fn source(self, side: usize, (mut x, mut y): (usize, usize)) -> (usize, usize) {
        for _ in 0..self.quarters {
            (x, y) = (y, side - 1 - x);
        }
        if self.mirrored { (side - 1 - x, y) } else { (x, y) }
    }
}
