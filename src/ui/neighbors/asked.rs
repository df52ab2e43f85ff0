//! What is asked with in place of the selected picture: the pictures with their names, and what is said of them.

use ratatui::text::{Line, Span};

use crate::{
    app::{
        App,
        layout::{self, Area},
        screens::neighbors::{Asked, Member, Ranks},
    },
    printable::printable,
    text,
    ui::{canvas::Canvas, facts, pictures},
};

/// The signs of a picture that the answers are to be like, and of one that they are to be unlike.
const SIGNS: [char; 2] = ['+', '−'];

/// How the question ends.
pub(super) const ONE_AGAIN: &str = "{return}: the selected one again";

/// Names the pictures beside the ranking, and says how many are asked with and how to ask with one again.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, ranks: &Ranks, asked: &Asked) {
    let area = ranks.facts;
    match &asked.outside {
        Some(_) => from_elsewhere(app, canvas, ranks, asked),
        None => {
            if let Some(area) = ranks.picture_of_query {
                names(app, canvas, asked, area);
            }
            if area.height == 1 {
                return canvas.text(area, 0, &in_one_line(app, asked, area.width), canvas.theme.strong());
            }
            let theme = canvas.theme;
            let sides = [(&asked.like, "like", theme.strong()), (&asked.unlike, "unlike", theme.dim())];
            for (row, (ids, what, style)) in sides.into_iter().enumerate().filter(|(_, (ids, ..))| !ids.is_empty()) {
                let names = joined(ids.iter().map(|id| facts::name(app, *id)), ", ", area.width);
                let words = format!("{} {what} {}: {names}", SIGNS[row], app.shared.counted(ids.len()));
                canvas.text(area, row as u16, &words, style);
            }
        }
    }
    canvas.text(area, 2, &app.sentence(ONE_AGAIN), canvas.theme.dim());
}

/// How many there are and what they are called, where one line of so many columns is all there is.
fn in_one_line(app: &App, asked: &Asked, columns: u16) -> String {
    let signed = asked.pictures().enumerate().map(|(at, id)| {
        let sign = SIGNS[usize::from(at >= asked.like.len())];
        format!("{sign}{}", facts::name(app, id))
    });
    format!("{}: {}", app.shared.counted(asked.len()), joined(signed, " ", columns))
}

/// The names one after another, no more of them than so many columns show something of: there may be very many.
fn joined(names: impl Iterator<Item = String>, between: &str, columns: u16) -> String {
    let mut all = String::new();
    for name in names {
        all = if all.is_empty() { name } else { all + between + &name };
        if text::width(&all) > columns.into() {
            break;
        }
    }
    all
}

/// The name of each picture under it after its sign, and how many more there are.
fn names(app: &App, canvas: &mut Canvas<'_>, asked: &Asked, area: Area) {
    let theme = canvas.theme;
    let together = asked.together(area);
    for Member { id, unlike, name: line, .. } in together.members {
        let (sign, style) = if unlike { (SIGNS[1], theme.warning()) } else { (SIGNS[0], theme.accent()) };
        let name = text::cut_name(&facts::name(app, id), usize::from(line.width).saturating_sub(2));
        let place = layout::centered(line, (text::width(&name) as u16 + 2, 1));
        canvas.line(
            place,
            0,
            Line::from(vec![Span::styled(format!("{sign} "), style), Span::styled(name, theme.dim())]),
        );
    }
    if let Some((count, place)) = together.left_out {
        canvas.centered(place, place.height / 2, &format!("{} more", text::count(count)), theme.dim());
    }
}

fn from_elsewhere(app: &App, canvas: &mut Canvas<'_>, ranks: &Ranks, asked: &Asked) {
    let Some(outside) = &asked.outside else { return };
    let area = ranks.facts;
    let name = printable(outside.path.file_name().unwrap_or_default());
    let which = format!("face {} of {}", asked.face + 1, outside.faces.len());
    let (name, from, how) = match app.screens.neighbors.chooses_face() {
        // Where one line is all there is, which face it is matters more than where it comes from.
        true if area.height == 1 => (format!("{which} · {name}"), String::new(), String::new()),
        true => {
            let keys = if ranks.sheet.is_some() { "" } else { "[{move-left} {move-right} another face; ]" };
            (name, format!("from elsewhere · {which}"), app.sentence(keys) + "1 is the largest")
        }
        false => (name, "from elsewhere".to_owned(), String::new()),
    };
    canvas.text(area, 0, &name, canvas.theme.strong());
    canvas.text(area, 1, &from, canvas.theme.dim());
    canvas.text(area, 3, &how, canvas.theme.dim());
}

/// What is asked with, as large as possible, and a line that says what it is.
pub(in crate::ui) fn large(app: &App, canvas: &mut Canvas<'_>) {
    let asked = app.screens.neighbors.asked.as_ref();
    if let (None, Some(query)) = (asked, app.shared.selected) {
        return pictures::large(app, canvas, query);
    }
    let caption = pictures::large_alone(app, canvas);
    let (name, about) = match asked.and_then(|asked| asked.outside.as_ref()) {
        Some(outside) => {
            let face = app.screens.neighbors.chooses_face();
            let which =
                asked.filter(|_| face).map(|asked| format!(" · face {} of {}", asked.face + 1, outside.faces.len()));
            let name = printable(outside.path.file_name().unwrap_or_default());
            (name, format!("from elsewhere{}", which.unwrap_or_default()))
        }
        None => {
            if let Some(asked) = asked {
                names(app, canvas, asked, layout::large(app.shared.body()));
            }
            let unlike = asked.is_some_and(|asked| !asked.unlike.is_empty());
            let signs = if unlike { format!("{} like, {} unlike", SIGNS[0], SIGNS[1]) } else { String::new() };
            let about = match (unlike, caption.width) {
                (false, _) => "asked with together".to_owned(),
                (true, 50..) => format!("asked with together: {signs}"),
                (true, _) => signs,
            };
            (app.shared.counted(asked.map_or(0, Asked::len)), about)
        }
    };
    let name = text::cut_name(&name, usize::from(caption.width).saturating_sub(text::width(&about) + 2));
    let words = vec![Span::styled(name, canvas.theme.strong()), Span::styled(format!("  {about}"), canvas.theme.dim())];
    canvas.line(caption, 0, Line::from(words));
}
