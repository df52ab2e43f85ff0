//! What the mouse does: a click selects, a second one on the same thing opens it, the wheel moves. Never needed.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{
    App, Effect,
    action::{Action, Screen, Step},
    keymap::Context,
};

impl App {
    pub(super) fn mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        if self.prompt().is_some() {
            return Vec::new();
        }
        let at = (mouse.column, mouse.row);
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                self.message = None;
                self.pace.note_input();
                return self.click(at);
            }
            MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
                self.pace.note_input();
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

    fn click(&mut self, at: (u16, u16)) -> Vec<Effect> {
        let shell = self.shared.shell();
        if shell.header.contains(at) {
            if let Some((metric, _)) = self.metrics().into_iter().find(|(_, area)| area.contains(at)) {
                // Alone, the one in use stands for the switch.
                let switches = metric != self.shared.metric || self.metrics().len() == 1;
                return if switches { self.act(Action::Metric) } else { Vec::new() };
            }
            if let Some(tab) = self.tabs().into_iter().find(|tab| tab.area.contains(at)) {
                self.show(Screen::ALL[tab.at]);
            }
            return Vec::new();
        }
        if !shell.body.contains(at) || matches!(self.context(), Context::Help | Context::Disposal) {
            return Vec::new();
        }
        if self.over.is_empty() {
            let action = self.screens.at(self.screen).click(&mut self.shared, shell.body, at);
            return action.map_or_else(Vec::new, |action| self.act(action));
        }
        self.over.clear();
        Vec::new()
    }
}
