//! What is on the help, laid out in its columns: the keys of the place it was opened from, how to read that, then all
//! other keys.

use super::{
    App,
    action::Screen,
    layout::{self, Area},
    reading::{self, MOUSE},
};
use crate::text;

/// One line of the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelpLine {
    /// The name of a section.
    Heading(&'static str),
    /// Keys and what they do.
    Keys(String, &'static str),
    /// A part of a sentence.
    Words(String),
    /// What sets sections apart.
    Blank,
}

/// The help as it lies on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpPage {
    /// All of it.
    pub panel: Area,
    /// The line over it.
    pub title: Area,
    /// The lines of each column, from the first on; they may be more than there is room for.
    pub columns: Vec<(Area, Vec<HelpLine>)>,
}

impl HelpPage {
    /// Lays it out.
    #[must_use]
    pub fn new(app: &App) -> Self {
        let body = app.shared.body();
        let (columns, panel) = layout::help(body);
        Self::of(panel, columns, |width| sections(app, width))
    }

    /// Lays out sections, which are made for columns of this width, in so many columns of a panel.
    #[must_use]
    pub fn of(panel: Area, columns: u16, sections: impl FnOnce(u16) -> Vec<Section>) -> Self {
        let (title, page) = panel.top(u16::from(panel.height > 3));
        let page = page.inside(1, 0);
        // A blank column lies between them, none behind the last.
        let stride = (page.width + 1) / columns;
        let width = stride.saturating_sub(1);
        let column = |at: usize| Area { x: page.x + at as u16 * stride, width, ..page };
        let filled = filled(sections(width), columns.into());
        let columns = filled.into_iter().enumerate().map(|(at, lines)| (column(at), lines)).collect();
        Self { panel, title, columns }
    }

    /// Lines of the longest column.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.columns.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0)
    }

    /// Lines that are on the screen at once.
    #[must_use]
    pub fn height(&self) -> usize {
        usize::from(self.panel.height - self.title.height)
    }

    /// The first visible line when all is scrolled to its end.
    #[must_use]
    pub fn last(&self) -> usize {
        self.lines().saturating_sub(self.height())
    }
}

/// A heading, and the lines under it.
pub type Section = (&'static str, Vec<HelpLine>);

/// Sentences under a heading, in columns of this width.
pub(super) fn words(heading: &'static str, sentences: &[String], width: u16) -> Section {
    // Four columns go to the indent.
    let columns = usize::from(width).saturating_sub(4);
    let wrapped = sentences.iter().flat_map(|words| {
        let lines = text::wrapped(words, columns).into_iter().enumerate();
        lines.map(|(at, line)| HelpLine::Words(format!("{}{line}", if at == 0 { "  " } else { "    " })))
    });
    (heading, wrapped.collect())
}

fn sections(app: &App, width: u16) -> Vec<Section> {
    let keys = app.keys.sections(app.helped()).into_iter();
    let mut sections: Vec<Section> = keys
        .map(|(heading, rows)| (heading, rows.into_iter().map(|(keys, help)| HelpLine::Keys(keys, help)).collect()))
        .collect();
    let about = |line: &str| match app.screen {
        Screen::Problems => app.keys.sentence(app.helped(), line),
        _ => app.sentence(line),
    };
    let reading: Vec<_> = reading::lines(app.helped(), app.screen).into_iter().map(about).collect();
    sections.insert(1.min(sections.len()), words("Reading it", &reading, width));
    sections.insert(2.min(sections.len()), words("Mouse", &MOUSE.map(str::to_owned), width));
    sections.retain(|(_, lines)| !lines.is_empty());
    sections
}

/// Whole sections, spread over columns as evenly as their order allows.
fn filled(sections: Vec<Section>, columns: usize) -> Vec<Vec<HelpLine>> {
    let lines: usize = sections.iter().map(|(_, rows)| rows.len() + 2).sum();
    let room = lines.div_ceil(columns.max(1)) + 2;
    let mut filled: Vec<Vec<HelpLine>> = Vec::new();
    for (name, rows) in sections {
        let fits = filled.last().is_some_and(|column| column.len() + rows.len() + 2 <= room);
        if filled.is_empty() || (!fits && filled.len() < columns) {
            filled.push(Vec::new());
        }
        let Some(column) = filled.last_mut() else { break };
        if !column.is_empty() {
            column.push(HelpLine::Blank);
        }
        column.push(HelpLine::Heading(name));
        column.extend(rows);
    }
    filled
}
