//! Student's t distribution: how far off a value may lie whose mean and spread were measured on few others.

/// More degrees of freedom than these make no difference that matters.
const MOST_DEGREES: u32 = 2000;

/// The probability that a variable of Student's t distribution with so many degrees of freedom, at least one, exceeds `t`
/// (Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 26.7.3 and 26.7.4).
#[must_use]
pub fn upper_tail(t: f64, degrees: u32) -> f64 {
    let degrees = degrees.clamp(1, MOST_DEGREES);
    let angle = (t / f64::from(degrees).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let is_odd = degrees % 2 == 1;
    let mut term = if is_odd { cosine } else { 1.0 };
    let mut sum = if degrees == 1 { 0.0 } else { term };
    let mut power = if is_odd { 3 } else { 2 };
    while power < degrees {
        term *= cosine * cosine * f64::from(power - 1) / f64::from(power);
        sum += term;
        power += 2;
    }
    let between = if is_odd { (angle + sine * sum) * std::f64::consts::FRAC_2_PI } else { sine * sum };
    (0.5 * (1.0 - between)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.t.sf`.
    #[test]
    fn it_equals_scipy() {
        for (t, degrees, expected) in [
            (0.0, 1, 0.5),
            (3.0, 1, 0.1024163823),
            (-1.5, 1, 0.8128329582),
            (63.0, 1, 0.005052113607),
            (2.0, 2, 0.09175170954),
            (9.0, 2, 0.006060830046),
            (2.5, 3, 0.0438533235),
            (-0.7, 4, 0.7387499172),
            (4.0, 5, 0.00516170774),
            (3.2, 9, 0.005415651295),
            (3.1, 30, 0.00209224243),
            (2.3, 101, 0.01175267271),
        ] {
            let found = upper_tail(t, degrees);
            assert!((found - expected).abs() < 1e-9 + 1e-6 * expected, "{t}, {degrees}: {found} for {expected}");
        }
    }
}
