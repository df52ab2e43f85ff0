//! What is to be moved away: all of it, before anything is.

use ratatui::text::{Line, Span};

use super::canvas::Canvas;
use crate::{
    app::{App, action::Action, disposal::Disposal, layout::Area},
    printable::printable,
    text,
};

/// Columns that what stays has at least.
const KEPT: usize = 28;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, disposal: &Disposal) {
    let (theme, body) = (canvas.theme, app.shared.body());
    let (title, rest) = body.top(u16::from(body.height > 3));
    let pictures = text::counted(disposal.doomed.len(), "picture");
    canvas.rule(
        title,
        Line::from(vec![
            Span::styled(format!("Move {pictures} away?"), theme.strong()),
            Span::styled(format!(" · {} · nothing has happened yet", text::bytes(disposal.bytes())), theme.dim()),
        ]),
    );
    let (list, words) = rest.off_bottom(if rest.height > 6 { 3 } else { 1 });
    super::scrollbar(canvas, list, disposal.first, list.height.into(), disposal.doomed.len());
    doomed(app, canvas, list.inside(1, 0), disposal);
    foot(app, canvas, words.inside(1, 0), disposal);
}

/// What would go, and of which what stays.
fn doomed(app: &App, canvas: &mut Canvas<'_>, list: Area, disposal: &Disposal) {
    let theme = canvas.theme;
    let names = disposal.doomed.iter().skip(disposal.first).take(list.height.into());
    let longest = names.map(|one| text::width(&printable(&one.relative))).max().unwrap_or(0);
    for (row, one) in disposal.doomed.iter().skip(disposal.first).take(list.height.into()).enumerate() {
        let bytes = text::right_aligned(&text::bytes(one.file.size), 9);
        let stays = match &one.kept {
            Some(kept) => format!("  kept: {}", printable(app.shared.relative(&kept.path))),
            None => "  ! no copy of it stays".to_owned(),
        };
        let room = usize::from(list.width).saturating_sub(11 + KEPT).max(8).min(longest);
        let name = text::cut_middle(&printable(&one.relative), room);
        let gap = " ".repeat(room.saturating_sub(text::width(&name)));
        let style = if one.kept.is_some() { theme.dim() } else { theme.warning() };
        canvas.line(
            list,
            row as u16,
            Line::from(vec![
                Span::styled(bytes, theme.dim()),
                Span::raw("  "),
                Span::styled(name, theme.strong()),
                Span::raw(gap),
                Span::styled(
                    text::cut_middle(&stays, usize::from(list.width).saturating_sub(11 + room).max(KEPT)),
                    style,
                ),
            ]),
        );
    }
}

/// Whether a copy of each stays, and what the keys do.
fn foot(app: &App, canvas: &mut Canvas<'_>, words: Area, disposal: &Disposal) {
    let theme = canvas.theme;
    let (_, words) = words.top(u16::from(words.height > 2));
    let last = match disposal.last_ones {
        0 => "A copy of each stays. ".to_owned(),
        count => format!("! Of {count} no copy stays. "),
    };
    let style = if disposal.last_ones == 0 { theme.dim() } else { theme.warning() };
    canvas.line(
        words,
        0,
        Line::from(vec![
            Span::styled(last, style),
            Span::styled(app.key_name(Action::ToTrash), theme.accent()),
            Span::styled(" to the trash, ", theme.dim()),
            Span::styled(app.key_name(Action::ToFolder), theme.accent()),
            Span::styled(" into a folder, ", theme.dim()),
            Span::styled(app.key_name(Action::Escape), theme.accent()),
            Span::styled(" leaves all.", theme.dim()),
        ]),
    );
    // Here everything else waits: the key is one of what comes back.
    let undo = app.keys.sentence(app.beneath_disposal(), "[ {undo} undoes it.]");
    let care = format!("Each file is looked at again first; one that has changed stays.{undo}");
    canvas.text(words, 1, &care, theme.dim());
}
