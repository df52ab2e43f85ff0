//! One word names a screen wherever there is something of it: its state, its drawing, its command.

use std::collections::BTreeSet;

use lookalike::app::action::Screen;

use super::{none, reading::sources};

/// The files right in a folder of the sources, without their ending.
fn files_in(folder: &str) -> BTreeSet<String> {
    let paths = sources().into_iter().map(|source| source.path);
    let own =
        paths.filter_map(|path| Some(path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".rs")?.to_owned()));
    own.filter(|name| !name.contains('/')).collect()
}

#[test]
fn a_screen_has_one_name_in_its_state_and_in_its_drawing() {
    /// What is drawn besides: what lies on top of a screen has its state in `app`, and these have none.
    const WITHOUT_STATE: [&str; 7] = ["canvas", "chrome", "empty", "facts", "pictures", "regions", "theme"];
    let screens: BTreeSet<_> = Screen::ALL.map(|screen| screen.name().to_lowercase()).into();
    assert_eq!(files_in("app/screens"), screens, "a file a screen");
    let (app, ui) = (files_in("app"), files_in("ui"));
    none("screens that nothing in ui draws", &screens.difference(&ui).cloned().collect::<Vec<_>>());
    let others = ui.difference(&screens).filter(|name| !app.contains(*name)).cloned().collect::<BTreeSet<_>>();
    assert_eq!(others, WITHOUT_STATE.map(str::to_owned).into(), "files of ui that draw nothing of app");
}

#[test]
fn a_screen_and_its_command_have_one_name() {
    /// Screens that go by another name where one types, and those of which nothing is left without a terminal.
    const OTHERWISE: [(Screen, &str); 3] =
        [(Screen::Browse, "index"), (Screen::Problems, "index"), (Screen::Heatmap, "matrix")];
    let commands = files_in("cli");
    let missing = Screen::ALL.into_iter().map(|screen| {
        let other = OTHERWISE.iter().find(|(one, _)| *one == screen);
        other.map_or_else(|| screen.name().to_lowercase(), |(_, command)| (*command).to_owned())
    });
    none("commands that are missing", &missing.filter(|command| !commands.contains(command)).collect::<Vec<_>>());
}
