//! Why two pictures are alike: both with the share of each region, as colors over them or as numbers.

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty, facts, pictures, regions};
use crate::{
    app::{
        App,
        layout::{self, Area},
        why::Why,
    },
    task::Explained,
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, why: Why) {
    let body = app.shared.body();
    let Some(explained) = app.explained(why) else {
        return empty::say(canvas, body, "Asking the network…", "Which regions make them alike is seen in a moment.");
    };
    for (side, area) in layout::halves(body).into_iter().enumerate() {
        if why.numbers {
            numbers(canvas, area.inside(1, 0), explained, side);
        } else {
            pictures::preview(canvas, &explained.previews[side], area);
        }
    }
    words(app, canvas, why, explained);
}

/// The shares in hundredths, each in its region.
fn numbers(canvas: &mut Canvas<'_>, area: Area, explained: &Explained, side: usize) {
    let both = [0, 1].map(|side| explained.explanation.shares[side].coarser(regions::most(area, canvas.theme.depth())));
    let greatest = both.iter().flat_map(|shares| &shares.values).fold(0.0, |a: f32, b| a.max(*b));
    let shares = &both[side];
    let bright = |share: f32| if greatest > 0.0 { (share / greatest).clamp(0.0, 1.0) } else { 0.0 };
    let one = |share: &f32| (bright(*share), text::rounded(100.0 * share, 1));
    regions::numbers(canvas, area, shares.grid, shares.values.iter().map(one));
}

fn words(app: &App, canvas: &mut Canvas<'_>, why: Why, explained: &Explained) {
    let (theme, body) = (canvas.theme, app.shared.body());
    let (_, under) = body.off_bottom(layout::under_pair(body));
    let (left, right) = under.left(under.width / 2);
    for (area, side) in [(left.inside(1, 0), 0), (right.inside(1, 0), 1)] {
        let name = facts::name_line(app, canvas, area.width.into(), why.pair[side]);
        canvas.line(area, 0, name);
        if let Some((place, share)) = explained.explanation.shares[side].strongest() {
            let most = format!("most: {place}");
            let share = format!("{most}, {share:.3} of {:.3}", explained.explanation.cosine);
            canvas.text(area, 1, fitting(area, &[&share, &most]), theme.dim());
        }
    }
    let rest = under.top(2).1.inside(1, 0);
    let found = &explained.explanation;
    let how = match (found.exact, rest.width) {
        (true, 50..) => "the sum of what each region has",
        (true, _) => "the sum of all regions",
        (false, 60..) => "shared out, roughly, by covering each region",
        (false, _) => "by covering regions",
    };
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
        [
            "The numbers over the pictures are hundredths: 50.0 is 0.500. Below 0 a region speaks against it.",
            "Numbers are hundredths: 50.0 is 0.500; below 0 speaks against.",
            "In hundredths; below 0 speaks against.",
        ]
        .as_slice()
    } else {
        ["The brighter a region, the more of the similarity it has.", "The brighter, the more of it."].as_slice()
    };
    canvas.text(rest, 1, fitting(rest, shown), theme.dim());
}

/// The first of some words that fits into the width of an area, or the last.
fn fitting<'a>(area: Area, words: &[&'a str]) -> &'a str {
    let fits = words.iter().find(|words| text::width(words) <= area.width.into());
    fits.or(words.last()).copied().unwrap_or_default()
}
