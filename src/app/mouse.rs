//! What the mouse does: a click selects, a second one on the same thing opens it, the wheel moves. Never needed.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{
    App, Effect, Overlay,
    action::{Action, Screen, Step},
    layout,
};

impl App {
    pub(super) fn mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        if self.prompt.is_some() {
            return Vec::new();
        }
        let at = (mouse.column, mouse.row);
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                self.message = None;
                self.stir();
                self.click(at);
            }
            MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
                self.stir();
                let up = mouse.kind == MouseEventKind::ScrollUp;
                if mouse.modifiers.contains(KeyModifiers::CONTROL) {
                    return self.act(if up { Action::ZoomIn } else { Action::ZoomOut });
                }
                self.step(if up { Step::Up } else { Step::Down });
            }
            _ => {}
        }
        Vec::new()
    }

    fn click(&mut self, at: (u16, u16)) {
        let shell = self.shell();
        if shell.header.contains(at) {
            let tabs = layout::tabs(shell.header, self.skipped.len());
            if let Some((screen, ..)) = tabs.into_iter().find(|(_, area, _)| area.contains(at)) {
                self.show(screen);
            }
            return;
        }
        if !shell.body.contains(at) || self.help.is_some() {
            return;
        }
        match (self.overlay, self.screen) {
            (Overlay::None, Screen::Browse) => self.click_tile(at),
            (Overlay::None, Screen::Heatmap) => self.click_cell(at),
            (Overlay::None, Screen::Neighbors) => self.click_neighbor(at),
            (Overlay::None, Screen::Problems) => {
                let rows = self.list().rows;
                if rows.contains(at) {
                    let row = usize::from((at.1 - rows.y) / 2) + self.problem.1;
                    self.problem.0 = row.min(self.skipped.len().saturating_sub(1));
                }
            }
            _ => self.overlay = Overlay::None,
        }
    }

    fn click_tile(&mut self, at: (u16, u16)) {
        let grid = self.grid();
        let tile = grid.hit(at).and_then(|tile| self.browse.ids.get(self.browse.first * grid.columns + tile)).copied();
        match tile {
            Some(id) if self.touched && self.selected == Some(id) => self.open_neighbors(),
            Some(id) => self.select(id),
            None => {}
        }
    }

    fn click_cell(&mut self, at: (u16, u16)) {
        let plot = self.plot();
        let Some((row, col)) = plot.hit(at) else { return };
        let cell = (row + self.heat.first.0, col + self.heat.first.1);
        if self.heat.cursor(self.selected, plot.partition) == cell {
            self.open_pair();
            return;
        }
        let (rows, cols) = (plot.partition.rows(cell.0), plot.partition.rows(cell.1));
        if !rows.is_empty() && !cols.is_empty() {
            self.place_cell(rows.start, cols.start);
        }
    }

    fn click_neighbor(&mut self, at: (u16, u16)) {
        let Some(row) = self.ranks().hit(at).map(|row| row + self.ranking.first) else { return };
        if row == self.ranking.cursor {
            self.follow();
        } else if row < self.ranking.rows.len() {
            self.ranking.cursor = row;
        }
    }
}
