//! Two pictures side by side, in turn, or only where they differ; their names, and both metrics.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::{canvas::Canvas, facts, pictures, regions, theme::Depth};
use crate::{
    analysis::explanation::Shares,
    app::{
        App,
        layout::{self, Area},
        pair::PairView,
    },
    index::ImageId,
    preview::{Preview, difference::PixelDifference},
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, [row, col]: [ImageId; 2], view: PairView) {
    let body = app.shared.body();
    let drawn = if view == PairView::SideBySide { 2 } else { 1 };
    for one in app.slots().iter().take(drawn) {
        pictures::slot(app, canvas, one);
    }
    let (_, under) = body.off_bottom(layout::under_pair(body));
    let difference =
        (view == PairView::Difference).then(|| app.slots().first().and_then(|slot| app.previews.get(&slot.key())));
    if let Some(preview) = difference {
        let line = if under.height > 2 { under.top(2).1 } else { under };
        differing(canvas, line.top(1).0.inside(1, 0), preview);
        if let Some(found) = preview.and_then(Preview::difference)
            && canvas.theme.depth() == Depth::Mono
        {
            numbers(canvas, layout::one_of_two(body), preview.map_or((0, 0), Preview::size), found);
        }
        if under.height < 3 {
            return;
        }
    }
    let (left, right) = under.left(under.width / 2);
    for (area, id, own) in [(left, row, PairView::Row), (right, col, PairView::Column)] {
        // The sign of the one that is shown now.
        let in_turn = matches!(view, PairView::Row | PairView::Column);
        let (sign, area) = area.inside(1, 0).left(if in_turn { 2 } else { 0 });
        if view == own {
            canvas.text(sign, 0, "▸", canvas.theme.accent());
        }
        let name = facts::name_line(app, canvas, area.width.into(), id);
        canvas.line(area, 0, name);
        facts::group_line(app, canvas, area, 1, id);
    }
    pictures::values(app, canvas, under.top(3).1.inside(1, 0), row, col);
}

/// Columns of the sample of the colors.
const SAMPLE: u8 = 8;

/// How much the pictures differ, and what the colors mean.
fn differing(canvas: &mut Canvas<'_>, area: Area, preview: Option<&Preview>) {
    let theme = canvas.theme;
    let Some(preview) = preview else { return canvas.text(area, 0, "Comparing the pixels…", theme.dim()) };
    // Why there is none is said where it would be.
    let Some(found) = preview.difference() else { return };
    if found.mean == 0.0 {
        let none = found.differing.map_or("No difference is left once both have one size.", |_| "No pixel differs.");
        return canvas.text(area, 0, none, theme.accent());
    }
    let mut spans = vec![
        Span::styled("mean difference ", theme.dim()),
        Span::styled(percent(found.mean), theme.accent()),
        Span::styled(" of the range · 0 ", theme.dim()),
    ];
    for at in 0..SAMPLE {
        let share = f32::from(at) / f32::from(SAMPLE - 1);
        spans.push(match theme.depth() {
            Depth::Mono => Span::raw(theme.shade(share).to_string()),
            _ => Span::styled("█", Style::new().fg(theme.ramp(share, false))),
        });
    }
    spans.push(Span::styled(format!(" ≥ {}", percent(found.bright_end)), theme.dim()));
    let (grid, values) = found.means([3, 3]);
    let mut room = usize::from(area.width).saturating_sub(spans.iter().map(Span::width).sum());
    let most = Shares { grid, values }.strongest().map(|(place, _)| format!(" · most: {place}"));
    let stretched = found.stretched.then(|| " · one stretched to the shape of the other".to_owned());
    let differing = found.differing.map(|(differing, all)| match differing {
        1 => format!(" · 1 pixel of {} differs", text::count(all)),
        _ => format!(" · {} pixels of {} differ", text::count(differing), text::count(all)),
    });
    for words in most.into_iter().chain(stretched).chain(differing) {
        if text::width(&words) <= room {
            room -= text::width(&words);
            spans.push(Span::styled(words, theme.dim()));
        }
    }
    canvas.line(area, 0, Line::from(spans));
}

/// The means of regions in percent, over the shades of a picture without colors.
fn numbers(canvas: &mut Canvas<'_>, area: Area, (width, height): (u16, u16), found: &PixelDifference) {
    let place = layout::centered(area, (width, height));
    let (grid, means) = found.means(regions::most(place, canvas.theme.depth()));
    let greatest = means.iter().fold(0.0, |a: f32, b| a.max(*b));
    let shown = |mean: f32| if greatest > 0.0 { mean / greatest } else { 0.0 };
    regions::numbers(canvas, place, grid, means.iter().map(|mean| (shown(*mean), format!("{:.1}", 100.0 * mean))));
}

/// A share in percent, with as many decimals as a small one needs.
fn percent(share: f32) -> String {
    match 100.0 * share {
        tiny @ ..0.005 if tiny > 0.0 => "under 0.01 %".to_owned(),
        small @ ..0.095 => format!("{small:.2} %"),
        percent => format!("{percent:.1} %"),
    }
}
