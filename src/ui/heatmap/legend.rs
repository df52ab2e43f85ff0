//! What the colors of the heatmap mean.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::numbers::Numbers;
use crate::{
    app::screens::heatmap::{Heatmap, Plot},
    similarity::{Metric, Window},
    text,
    ui::{
        canvas::Canvas,
        theme::{Depth, Theme},
    },
};

/// The ramp from the less alike end to the more alike end with the values of both, a tick at the cursor's unless it
/// hurries, and how the numbers are written.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    plot: &Plot,
    heat: &Heatmap,
    (metric, window): (Metric, &Window),
    cursor: Option<(usize, usize)>,
) {
    let (theme, area) = (canvas.theme, plot.legend);
    let (far, near) = ends(plot, heat, metric, window);
    let hundredths = Numbers::of(plot.cell, metric, heat.ramp.range.1).is_some_and(|numbers| numbers.hundredths);
    let name = if hundredths { format!("{} × 100", metric.name()) } else { metric.name().to_owned() };
    let full = area.width >= 58;
    let before = match (full, hundredths) {
        (true, _) => format!("{name} · less alike "),
        (false, true) => "× 100 · ".to_owned(),
        (false, false) => String::new(),
    };
    let scale = Some(heat.scale.name()).filter(|name| !name.is_empty()).map(|name| format!(" · {name}"));
    let after = format!("{}{}", if full { " more alike" } else { " alike" }, scale.unwrap_or_default());
    let words = [before.as_str(), &far, " ", " ", &near, &after].iter().map(|words| text::width(words)).sum::<usize>();
    let columns = usize::from(area.width).saturating_sub(words + 2).min(24);
    if columns < 3 {
        return;
    }
    let value =
        cursor.filter(|(row, col)| !plot.partition.is_itself(*row, *col)).and_then(|(row, col)| window.get(row, col));
    let tick = value.map(|value| (heat.ramp.likeness(metric, value) * (columns - 1) as f32).round() as usize);
    let mut spans = vec![Span::raw(" "), Span::styled(before, theme.dim()), Span::styled(far + " ", theme.strong())];
    spans.extend((0..columns).map(|at| ramp_step(theme, at as f32 / (columns - 1) as f32, tick == Some(at))));
    spans.push(Span::styled(format!(" {near}"), theme.strong()));
    spans.push(Span::styled(after, theme.dim()));
    canvas.line(area, 0, Line::from(spans));
}

/// The values at the less alike and the more alike end. Where the table has values beyond, it says so.
fn ends(plot: &Plot, heat: &Heatmap, metric: Metric, window: &Window) -> (String, String) {
    let (low, high) = heat.ramp.range;
    let (mut beyond_low, mut beyond_high) = (false, false);
    for (row, col) in window.view.rows.clone().flat_map(|row| window.view.cols.clone().map(move |col| (row, col))) {
        let Some(value) = window.get(row, col).filter(|_| !plot.partition.is_itself(row, col)) else { continue };
        (beyond_low, beyond_high) = (beyond_low || value < low, beyond_high || value > high);
    }
    let low = format!("{}{}", if beyond_low { "≤ " } else { "" }, text::value(low).trim());
    let high = format!("{}{}", if beyond_high { "≥ " } else { "" }, text::value(high).trim());
    match metric {
        Metric::Cosine => (low, high),
        Metric::Euclidean => (high, low),
    }
}

fn ramp_step(theme: Theme, likeness: f32, tick: bool) -> Span<'static> {
    match (theme.depth(), tick) {
        (Depth::Mono, true) => Span::styled("│", theme.strong()),
        (Depth::Mono, false) => Span::raw(theme.shade(likeness).to_string()),
        (_, true) => Span::styled("┃", Style::new().fg(theme.on_ramp(likeness, false)).bg(theme.ramp(likeness, false))),
        (_, false) => Span::styled(" ", Style::new().bg(theme.ramp(likeness, false))),
    }
}
