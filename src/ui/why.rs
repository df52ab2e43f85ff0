//! Why two pictures are alike: both with the share of each region, as colors over them or as numbers.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::{canvas::Canvas, facts, theme::Depth};
use crate::{
    analysis::explanation::Shares,
    app::{
        App,
        layout::{self, Area},
        why::Why,
    },
    task::Explained,
    text,
};

/// Columns that a number takes with a gap.
const NUMBER: u16 = 6;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, why: Why) {
    let body = app.shared.body();
    let Some(explained) = app.explained(why) else {
        return canvas.centered(
            body,
            body.height / 2,
            "Asking the network which regions make them alike…",
            canvas.theme.dim(),
        );
    };
    for (side, area) in layout::halves(body).into_iter().enumerate() {
        if why.numbers {
            numbers(canvas, area.inside(1, 0), explained, side);
        } else {
            picture(canvas, area, explained, side);
        }
    }
    words(app, canvas, why, explained);
}

fn picture(canvas: &mut Canvas<'_>, area: Area, explained: &Explained, side: usize) {
    let preview = &explained.previews[side];
    if let Some(reason) = preview.reason() {
        return canvas.centered(area, area.height / 2, reason, canvas.theme.warning());
    }
    let (width, height) = preview.size();
    let (width, height) = (width.min(area.width), height.min(area.height));
    let place = Area { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    let rect = canvas.rect(place);
    if (rect.width, rect.height) == (width, height) {
        preview.render(rect, canvas.buf);
    }
}

/// The shares in hundredths, each in its region.
fn numbers(canvas: &mut Canvas<'_>, area: Area, explained: &Explained, side: usize) {
    let theme = canvas.theme;
    let coarser = |shares: &Shares| shares.coarser([area.height.into(), (area.width / NUMBER).into()]);
    let both = [0, 1].map(|side| coarser(&explained.explanation.shares[side]));
    let greatest = both.iter().flat_map(|shares| &shares.values).fold(0.0, |a: f32, b| a.max(*b));
    let shares = &both[side];
    let [rows, columns] = shares.grid.map(|count| count.max(1) as u16);
    for (at, share) in (0..).zip(&shares.values) {
        let (row, column) = (at / columns, at % columns);
        let edge = |at: u16, of: u16, length: u16| (u32::from(at) * u32::from(length) / u32::from(of)) as u16;
        let (x, y) = (edge(column, columns, area.width), edge(row, rows, area.height));
        let (right, bottom) = (edge(column + 1, columns, area.width), edge(row + 1, rows, area.height));
        let region = Area { x: area.x + x, y: area.y + y, width: right - x, height: bottom - y };
        let likeness = if greatest > 0.0 { (share / greatest).clamp(0.0, 1.0) } else { 0.0 };
        let style = if theme.depth() == Depth::Mono {
            Style::default()
        } else {
            Style::default().fg(theme.on_ramp(likeness, false)).bg(theme.ramp(likeness, false))
        };
        canvas.fill(region, if theme.depth() == Depth::Mono { theme.shade(likeness) } else { ' ' }, style);
        canvas.centered(region, region.height / 2, &format!(" {:.1} ", hundredths(*share)), style);
    }
}

/// Without a minus before what is shown as 0.
fn hundredths(share: f32) -> f32 {
    let shown = (1000.0 * share).round() / 10.0;
    if shown == 0.0 { 0.0 } else { shown }
}

fn words(app: &App, canvas: &mut Canvas<'_>, why: Why, explained: &Explained) {
    let (theme, body) = (canvas.theme, app.shared.body());
    let (_, under) = body.off_bottom(if body.height > 8 { 5 } else { 1 });
    let (left, right) = under.left(under.width / 2);
    for (area, side) in [(left.inside(1, 0), 0), (right.inside(1, 0), 1)] {
        let name = facts::name_line(app, canvas, area.width.into(), why.pair[side]);
        canvas.line(area, 0, name);
        if let Some((place, share)) = explained.explanation.shares[side].strongest() {
            canvas.text(
                area,
                1,
                &format!(
                    "most: {place}, {:.1} of {:.1} hundredths",
                    100.0 * share,
                    100.0 * explained.explanation.cosine
                ),
                theme.dim(),
            );
        }
    }
    let rest = under.top(2).1.inside(1, 0);
    let found = &explained.explanation;
    let how =
        if found.exact { "the sum of what each region has" } else { "shared out, roughly, by covering each region" };
    canvas.line(
        rest,
        0,
        Line::from(vec![
            Span::styled("cosine ", theme.dim()),
            Span::styled(text::value(found.cosine).trim().to_owned(), theme.accent()),
            Span::styled(format!(", {how}"), theme.dim()),
        ]),
    );
    let shown = if why.numbers {
        "Hundredths of the similarity; below 0 speaks against it. w shows colors."
    } else {
        "The brighter a region, the more of the similarity it has. w shows numbers."
    };
    canvas.text(rest, 1, shown, theme.dim());
}
