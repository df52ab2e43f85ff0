//! L-BFGS: finds the minimum of a smooth convex function from its values and gradients (Nocedal and Wright, "Numerical
//! Optimization", 2006, algorithms 7.4 and 7.5, with a step that is halved until the value falls enough).

use std::collections::VecDeque;

/// Steps that are remembered, by which the curvature is known.
const MEMORY: usize = 10;
/// Steps after which it ends as it is.
const MOST_STEPS: usize = 300;
/// It ends when no slope is steeper than this share of the steepest at the zero point.
const FLAT: f64 = 1e-4;
/// It ends when this share of the value is all that a step gains.
const GAIN: f64 = 1e-7;

/// Returns the value of a function at a place and writes its gradient there; `None` to stop.
pub(super) type Slope<'a> = dyn FnMut(&[f32], &mut [f32]) -> Option<f64> + 'a;

/// Improves `at` until it is at the minimum. When `slope` stops, nothing comes back. `steepest` is the largest slope at the
/// zero point, against which a flat place is told.
pub(super) fn minimize(at: &mut [f32], steepest: f64, slope: &mut Slope<'_>) -> Option<()> {
    let mut gradient = vec![0.0; at.len()];
    let mut value = slope(at, &mut gradient)?;
    let mut steps: VecDeque<(Vec<f32>, Vec<f32>, f64)> = VecDeque::new();
    let (mut next, mut next_gradient) = (at.to_vec(), gradient.clone());
    for _ in 0..MOST_STEPS {
        if largest(&gradient) <= FLAT * steepest {
            break;
        }
        let direction = direction(&gradient, &steps);
        let descent = dot(&direction, &gradient);
        // Without curvature known the first step is short: as long as the unit vector.
        let mut length = if steps.is_empty() { (1.0 / dot(&gradient, &gradient).sqrt()).min(1e4) } else { 1.0 };
        let new_value = loop {
            for ((next, at), direction) in next.iter_mut().zip(&*at).zip(&direction) {
                *next = at + (length as f32) * direction;
            }
            let new_value = slope(&next, &mut next_gradient)?;
            if new_value <= value + 1e-4 * length * descent {
                break Some(new_value);
            }
            length /= 2.0;
            // Nothing is gained in the last digits of 32 bits.
            if length < 1e-6 {
                break None;
            }
        };
        let Some(new_value) = new_value else { break };
        let step: Vec<f32> = next.iter().zip(&*at).map(|(new, old)| new - old).collect();
        let turn: Vec<f32> = next_gradient.iter().zip(&gradient).map(|(new, old)| new - old).collect();
        let curvature = dot(&step, &turn);
        if curvature > 0.0 {
            if steps.len() == MEMORY {
                steps.pop_front();
            }
            steps.push_back((step, turn, curvature));
        }
        let gained = value - new_value;
        at.copy_from_slice(&next);
        gradient.copy_from_slice(&next_gradient);
        value = new_value;
        if gained <= GAIN * value.abs() {
            break;
        }
    }
    Some(())
}

/// Where to go: down the slope, corrected by the curvature that the last steps have shown.
fn direction(gradient: &[f32], steps: &VecDeque<(Vec<f32>, Vec<f32>, f64)>) -> Vec<f32> {
    let mut direction: Vec<f32> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(steps.len());
    for (step, turn, curvature) in steps.iter().rev() {
        let share = dot(step, &direction) / curvature;
        add(&mut direction, turn, -share);
        shares.push(share);
    }
    if let Some((_, turn, curvature)) = steps.back() {
        let scale = (curvature / dot(turn, turn)) as f32;
        direction.iter_mut().for_each(|value| *value *= scale);
    }
    for ((step, turn, curvature), share) in steps.iter().zip(shares.into_iter().rev()) {
        let back = dot(turn, &direction) / curvature;
        add(&mut direction, step, share - back);
    }
    direction
}

fn add(to: &mut [f32], values: &[f32], factor: f64) {
    for (to, value) in to.iter_mut().zip(values) {
        *to += factor as f32 * value;
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    // Sums of sixteen at once stay in 32 bits: no digit that matters is lost, and the loop is a fast one.
    let blocks = a.chunks(16).zip(b.chunks(16));
    blocks.map(|(a, b)| f64::from(a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>())).sum()
}

/// The largest absolute value.
pub(super) fn largest(values: &[f32]) -> f64 {
    f64::from(values.iter().fold(0_f32, |largest, value| largest.max(value.abs())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_lowest_point_of_a_narrow_valley() {
        let mut at = vec![5.0, -3.0, 2.0];
        let mut slope = |at: &[f32], gradient: &mut [f32]| {
            let widths = [1.0, 100.0, 1e-2];
            let mut value = 0.0;
            for ((slope, at), (width, lowest)) in
                gradient.iter_mut().zip(at).zip(widths.into_iter().zip([1.0, 2.0, 3.0]))
            {
                value += f64::from(width * (at - lowest) * (at - lowest));
                *slope = 2.0 * width * (at - lowest);
            }
            Some(value)
        };
        minimize(&mut at, 1e-3, &mut slope).expect("nobody stopped it");
        for (at, lowest) in at.iter().zip([1.0, 2.0, 3.0]) {
            assert!((at - lowest).abs() < 1e-2, "{at} is not {lowest}");
        }
    }

    #[test]
    fn it_stops_when_nobody_waits() {
        let mut left = 3;
        let mut slope = |_: &[f32], gradient: &mut [f32]| {
            gradient.fill(1.0);
            left -= 1;
            (left > 0).then_some(f64::from(left))
        };
        assert_eq!(minimize(&mut [0.0], 1.0, &mut slope), None);
    }
}
