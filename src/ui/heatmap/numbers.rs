//! The numbers in the cells: all of a table with the same digits, so that they stand under each other.

use crate::{app::screens::heatmap::Cell, similarity::Metric};

/// How the values of a table are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Cosines are multiplied by a hundred: where columns are dear, `-.04` would say little more than `-.0`.
    pub hundredths: bool,
    decimals: usize,
    /// Columns of the longest, with its sign.
    pub columns: usize,
}

impl Numbers {
    /// For the cells of a table whose values end about at `high`; `None` if they have no room.
    pub fn of(cell: Cell, metric: Metric, high: f32) -> Option<Self> {
        if !cell.has_number() {
            return None;
        }
        // A blank sets it apart from the next one.
        let room = usize::from(cell.width) - 1;
        Some(match metric {
            Metric::Cosine if room < 5 => Self { hundredths: true, decimals: 0, columns: 3 },
            Metric::Cosine => {
                let decimals = (room - 3).min(3);
                Self { hundredths: false, decimals, columns: decimals + 3 }
            }
            Metric::Euclidean => {
                let whole = format!("{:.0}", high.abs()).len();
                let decimals = room.min(5).saturating_sub(whole + 1).min(3);
                Self { hundredths: false, decimals, columns: whole + if decimals > 0 { decimals + 1 } else { 0 } }
            }
        })
    }

    /// A value, as wide as the others; what is longer by itself keeps its digits before the point.
    pub fn text(&self, value: f32) -> String {
        let value = if self.hundredths { value * 100.0 } else { value };
        let written = |decimals: usize| {
            let text = format!("{value:.decimals$}");
            // What rounds to zero has no sign.
            let zero = text.starts_with('-') && !text.contains(|c: char| c.is_ascii_digit() && c != '0');
            if zero { text[1..].to_owned() } else { text }
        };
        let fitting = (0..=self.decimals).rev().map(written).find(|text| text.len() <= self.columns);
        format!("{:>1$}", fitting.unwrap_or_else(|| written(0)), self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(width: u16, metric: Metric, high: f32, values: &[f32]) -> Vec<String> {
        let numbers = Numbers::of(Cell { width, halves: 2, zoom: 0 }, metric, high).expect("room");
        values.iter().map(|value| numbers.text(*value)).collect()
    }

    #[test]
    fn numbers_stand_under_each_other_with_the_same_digits_whatever_their_sign() {
        let cosines = [-0.043, 0.047, -0.0004, 0.579, 1.0];
        assert_eq!(written(8, Metric::Cosine, 0.6, &cosines), ["-0.043", " 0.047", " 0.000", " 0.579", " 1.000"]);
        assert_eq!(written(6, Metric::Cosine, 0.6, &cosines), ["-0.04", " 0.05", " 0.00", " 0.58", " 1.00"]);
        for width in [4, 5] {
            assert_eq!(written(width, Metric::Cosine, 0.6, &cosines), [" -4", "  5", "  0", " 58", "100"]);
        }
        let distances = [0.4, 7.31, 12.345, 0.0];
        assert_eq!(written(8, Metric::Euclidean, 7.5, &distances[..2]), ["0.400", "7.310"]);
        assert_eq!(written(4, Metric::Euclidean, 7.5, &distances), ["0.4", "7.3", " 12", "0.0"]);
        assert_eq!(written(8, Metric::Euclidean, 12.0, &distances), [" 0.40", " 7.31", "12.35", " 0.00"]);
        assert_eq!(written(4, Metric::Euclidean, 1234.0, &[1234.5]), ["1234"]);
    }

    #[test]
    fn small_cells_have_no_number() {
        assert_eq!(Numbers::of(Cell { width: 3, halves: 2, zoom: 0 }, Metric::Cosine, 1.0), None);
        assert_eq!(Numbers::of(Cell { width: 8, halves: 1, zoom: 0 }, Metric::Cosine, 1.0), None);
    }
}
