//! Outliers: the pictures that stand out, and why one of them does.

use ratatui::text::{Line, Span};

use super::{
    canvas::Canvas,
    contact_sheet::{self, Tile},
    empty, facts, pictures,
};
use crate::{
    analysis::outliers::{FLAGGED, Measure, Outliers as Found, WITNESSES},
    app::{
        App, RunState,
        layout::Area,
        previews::Slot,
        screens::{
            browse::{Details, Grid},
            outliers::{FEWEST, Listed},
        },
    },
    index::ImageId,
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    if empty::nothing_indexed(app, canvas, body) {
        return;
    }
    let outliers = &app.screens.outliers;
    if app.shared.index.len() < FEWEST && app.shared.run != RunState::Running {
        return empty::say(
            canvas,
            body,
            &app.shared.words("There is only one picture."),
            "To stand out it takes others.",
        );
    }
    let Some(found) = &outliers.found else {
        let what = format!("Comparing {} with their nearest…", app.shared.index.counted());
        return empty::say(canvas, body, &what, &format!("{:.0} % done", 100.0 * outliers.progress));
    };
    let grid = Grid::new(body, outliers.size);
    title(app, canvas, grid.title, found);
    let Some(focused) = outliers.under_cursor() else {
        let (_, rest) = body.top(grid.title.height);
        if !app.shared.filter.is_empty() {
            let what = "No picture that the filter lets through is among these.";
            return facts::none_listed(app, canvas, rest, what);
        }
        let what = match outliers.listed {
            Listed::Misplaced => &app.shared.words("No picture looks like those of another folder."),
            Listed::All | Listed::Folder => &app.shared.words("No folder has two pictures to compare."),
        };
        return empty::say(canvas, rest, what, &app.sentence("{scope} lists what stands out among others."));
    };
    if let Some(pane) = grid.details {
        canvas.divider(pane.x - 1, body, grid.title);
    }
    let ids = outliers.ids.iter().enumerate();
    let tiles = grid.sheet.visible(outliers.first, 0, ids).map(|(at, image)| Tile {
        image: (*image).into(),
        note: note(app, *image),
        heading: None,
        focused: at == outliers.cursor,
    });
    contact_sheet::draw(app, canvas, &grid.sheet, tiles);
    let beside = u16::from(grid.details.is_some());
    contact_sheet::scrollbar(canvas, &grid.sheet, beside, outliers.first, outliers.ids.len());
    if let Some(pane) = grid.details {
        details(app, canvas, &Details::new(pane), focused);
    }
}

/// The sign of a picture that is flagged.
const SIGN: char = '▲';

/// What stands above a picture.
fn note(app: &App, id: ImageId) -> String {
    let outliers = &app.screens.outliers;
    if outliers.listed == Listed::Misplaced {
        let folder = outliers.misplaced(id).map_or("", |found| outliers.folder_name(found.looks_like));
        return format!("→ {folder}/");
    }
    outliers.outlier(id).map_or_else(String::new, |one| {
        let sign = if one.is_flagged() { format!("{SIGN} ") } else { String::new() };
        if one.deviation.is_nan() { "–".to_owned() } else { format!("{sign}{}", text::rounded(one.deviation, 1)) }
    })
}

fn title(app: &App, canvas: &mut Canvas<'_>, area: Area, found: &Found) {
    let theme = canvas.theme;
    let outliers = &app.screens.outliers;
    let among = match outliers.listed {
        Listed::All => "over all",
        Listed::Folder => "within folders",
        Listed::Misplaced if outliers.ids.len() == 1 => "looks like another folder",
        Listed::Misplaced => "look like another folder",
    };
    let total = text::count(outliers.ids.len());
    let count = match outliers.listed {
        Listed::Misplaced => format!("{} ", app.shared.counted(outliers.ids.len())),
        _ => format!("{} of {total} flagged ", text::count(outliers.flagged)),
    };
    let measure = match outliers.measure {
        Measure::Distance => "mean distance",
        Measure::Factor => "local outlier factor",
    };
    let words = match (outliers.listed, area.width) {
        (Listed::Misplaced, 76..) => format!(" · their {WITNESSES} nearest all lie there"),
        (Listed::Misplaced, _) => String::new(),
        (_, 100..) => {
            let nearest = if outliers.listed == Listed::All { format!(", {} nearest", found.k) } else { String::new() };
            format!(" · {measure}{nearest} · {SIGN} over {FLAGGED} deviations (MAD) from the median")
        }
        (_, 70..) => format!(" · {measure} · {SIGN} over {FLAGGED} MAD"),
        (_, 50..) => format!(" · {measure}"),
        _ => String::new(),
    };
    canvas.rule(
        area,
        Line::from(vec![
            Span::styled(count, theme.strong()),
            Span::styled(among, theme.accent()),
            facts::narrowed_to(app, canvas),
            facts::approximation(canvas, found.accuracy),
            Span::styled(words, theme.dim()),
        ]),
    );
}

/// The picture, its scores, and its nearest pictures.
fn details(app: &App, canvas: &mut Canvas<'_>, details: &Details, id: ImageId) {
    let theme = canvas.theme;
    let outliers = &app.screens.outliers;
    pictures::slot(app, canvas, &Slot::new(id, details.picture));
    let name = facts::name_line(app, canvas, details.facts.width.into(), id);
    canvas.line(details.facts, 0, name);
    facts::group_line(app, canvas, details.facts, 1, id);
    if let Some(one) = outliers.outlier(id) {
        let place = if outliers.listed == Listed::Folder { " in its folder" } else { "" };
        let score = format!("distance {:.2} · LOF {:.2}", one.distance, one.factor);
        canvas.text(details.facts, 2, &score, theme.dim());
        let (sign, style) = if one.is_flagged() { (SIGN, theme.warning()) } else { (' ', theme.dim()) };
        let words = match one.deviation.is_nan() {
            true => "too few to flag one".to_owned(),
            false => {
                let short = format!("{sign} {} deviations{place}", text::rounded(one.deviation.abs(), 1));
                let above = if one.deviation < 0.0 { " below the median" } else { " above the median" };
                let fits = text::width(&short) + above.len() <= details.facts.width.into();
                if fits {
                    short + above
                } else {
                    format!("{sign} {} deviations{place}", text::rounded(one.deviation, 1))
                }
            }
        };
        canvas.text(details.facts, 3, words.trim_start(), style);
    }
    if let Some(found) = outliers.misplaced(id) {
        let words = format!("→ looks like {}/", outliers.folder_name(found.looks_like));
        canvas.text(details.facts, 4, &words, theme.warning());
    }
    canvas.text(details.nearest, 0, "Nearest by cosine", theme.strong());
    for (at, (near, cosine)) in outliers.nearest(id).into_iter().enumerate() {
        let area = details.thumbs[at];
        let value = text::value(cosine);
        if details.as_pictures {
            pictures::slot(app, canvas, &Slot::new(near, details.thumb(at)));
            let (_, under) = area.off_bottom(2);
            canvas.centered(under, 0, &value, theme.accent());
            canvas.centered(under, 1, &text::cut_middle(&facts::name(app, near), under.width.into()), theme.dim());
        } else {
            let room = usize::from(area.width).saturating_sub(6);
            let name = text::cut_middle(&facts::name(app, near), room);
            let spans = vec![Span::styled(format!("{value} "), theme.accent()), Span::styled(name, theme.dim())];
            canvas.line(area, 0, Line::from(spans));
        }
    }
}
