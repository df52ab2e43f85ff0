//! Draws the explorer: a pure function of [`App`]. One file a screen; nothing here changes state.

mod alike;
mod browse;
mod canvas;
mod chrome;
mod contact_sheet;
mod disposal;
mod empty;
mod facts;
mod groups;
mod heatmap;
mod help;
pub mod live;
mod map;
mod labels;
mod models;
mod neighbors;
mod outliers;
mod pair;
mod pictures;
mod problems;
mod regions;
pub mod theme;
mod why;

use ratatui::Frame;

use self::{canvas::Canvas, theme::Theme};
use crate::app::{
    App, Over,
    action::Screen,
    keymap::Context,
    layout::{self, Area},
};

/// Draws the whole screen.
pub fn draw(app: &App, frame: &mut Frame) {
    let theme = Theme::new(app.shared.display.depth, app.shared.display.background).with(app.shared.display.palette);
    let mut canvas = Canvas::new(frame.buffer_mut(), theme);
    let shell = app.shared.shell();
    chrome::header(app, &mut canvas, shell.header);
    let help = match app.covering() {
        Some(Over::Help(first)) => Some(first),
        _ => None,
    };
    canvas.covered = help.map(|_| layout::help(shell.body).1);
    match (app.beneath_help(), app.screen) {
        (Some(Over::Disposal(disposal)), _) => disposal::draw(app, &mut canvas, &disposal),
        (Some(Over::Why(why)), _) => why::draw(app, &mut canvas, why),
        (Some(Over::Picture(id)), _) => pictures::large(app, &mut canvas, id),
        (Some(Over::Query), _) => neighbors::large(app, &mut canvas),
        (Some(Over::Pair { row, col, view }), _) => pair::draw(app, &mut canvas, [row, col], view),
        (_, Screen::Problems) => problems::draw(app, &mut canvas),
        _ if app.admits_nothing() => facts::nothing_admitted(app, &mut canvas, shell.body),
        (_, Screen::Browse) => browse::draw(app, &mut canvas),
        (_, Screen::Heatmap) => heatmap::draw(app, &mut canvas),
        (_, Screen::Neighbors) => neighbors::draw(app, &mut canvas),
        (_, Screen::Alike) => alike::draw(app, &mut canvas),
        (_, Screen::Map) => map::draw(app, &mut canvas),
        (_, Screen::Groups) => groups::draw(app, &mut canvas),
        (_, Screen::Outliers) => outliers::draw(app, &mut canvas),
        (_, Screen::Labels) => labels::draw(app, &mut canvas),
        (_, Screen::Models) => models::draw(app, &mut canvas),
    }
    canvas.covered = None;
    if let Some(first) = help {
        help::draw(app, first, &mut canvas, shell.body);
    }
    // The value under the heatmap's cursor is never without a line.
    let value = app.context() == Context::Screen(Screen::Heatmap) && !app.screens.heatmap.is_empty();
    if shell.hints.is_empty() && app.message.is_none() && app.prompt().is_none() && !value {
        chrome::hints(app, &mut canvas, shell.status);
    } else {
        chrome::hints(app, &mut canvas, shell.hints);
        chrome::status(app, &mut canvas, shell.status);
    }
}

/// Where the visible part of a list lies, at the right edge of its area; nothing when all of it is visible.
fn scrollbar(canvas: &mut Canvas<'_>, area: Area, first: usize, visible: usize, total: usize) {
    if total <= visible || area.is_empty() {
        return;
    }
    let height = usize::from(area.height);
    let length = (height * visible / total).clamp(1, height);
    let top = (first * (height - length)).div_ceil(total - visible).min(height - length);
    let track = Area { x: area.right() - 1, width: 1, ..area };
    let thumb = Area { y: area.y + top as u16, height: length as u16, ..track };
    canvas.fill(track, '│', canvas.theme.faint());
    canvas.fill(thumb, '┃', canvas.theme.dim());
}
