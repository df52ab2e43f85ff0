//! Groups: the list of groups, and the pictures of one of them.

use ratatui::text::{Line, Span};

use super::{
    canvas::Canvas,
    contact_sheet::{self, Tile},
    empty, facts,
};
use crate::{
    analysis::clusters::{Cluster, Clustering, Cut, Density, Method},
    app::{App, RunState, layout::Area, screens::groups::FEWEST},
    index::RowKind,
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    if empty::nothing_indexed(app, canvas, body) {
        return;
    }
    let groups = &app.screens.groups;
    let places = groups.places(body);
    if app.shared.index.len() < FEWEST && app.shared.run != RunState::Running {
        return empty::say(
            canvas,
            body,
            &app.shared.words("There is only one picture."),
            "A group needs a second one.",
        );
    }
    let Some((asked, found)) = &groups.found else {
        let what = format!("Finding what belongs together in {}…", app.shared.index.counted());
        return empty::say(canvas, body, &what, &format!("{:.0} % done", 100.0 * groups.progress));
    };
    title(app, canvas, places.title, found, *asked != groups.method);
    if places.sheet.area.x > places.list.x {
        canvas.divider(places.list.right(), body, places.title);
    }
    for at in groups.first..groups.len().min(groups.first + places.page()) {
        row(app, canvas, places.row(at - groups.first), at);
    }
    super::scrollbar(canvas, places.list, groups.first, places.page(), groups.len());
    let members = groups.members().enumerate();
    let tiles = places.sheet.visible(groups.first_row, 0, members).map(|(at, (image, cosine))| Tile {
        image: image.into(),
        heading: None,
        note: match cosine {
            Some(_) if groups.current().is_some_and(|(_, cluster)| cluster.medoid() == image) => {
                "most typical".to_owned()
            }
            Some(cosine) => text::value(cosine).trim().to_owned(),
            None => String::new(),
        },
        focused: at == groups.member,
    });
    contact_sheet::draw(app, canvas, &places.sheet, tiles);
    contact_sheet::scrollbar(canvas, &places.sheet, 1, groups.first_row, groups.members().count());
}

/// How the groups were found, in few words.
fn method(found: &Clustering, asked: Method, rows: RowKind, wide: bool) -> String {
    match (found.method, asked) {
        (Method::Hdbscan(Density { min_size, .. }), _) if wide => {
            format!("HDBSCAN, {min_size} {} or more", rows.plural())
        }
        (Method::Hdbscan(Density { min_size, .. }), _) => format!("HDBSCAN ≥ {min_size}"),
        (Method::KMeans(_), Method::KMeans(None)) if wide => "k-means, as many as separate best".to_owned(),
        (Method::KMeans(_), _) => "k-means".to_owned(),
        (Method::Dendrogram(_), Method::Dendrogram(Cut::Silhouette)) if wide => {
            "dendrogram, cut where groups separate best".to_owned()
        }
        (Method::Dendrogram(_), _) => "dendrogram".to_owned(),
    }
}

fn title(app: &App, canvas: &mut Canvas<'_>, area: Area, found: &Clustering, making: bool) {
    let theme = canvas.theme;
    let groups = &app.screens.groups;
    let lines = (0..groups.len()).filter(|line| groups.at(*line).is_some());
    let (listed, pictures) = lines.fold((0, 0), |(lines, sum), line| (lines + 1, sum + groups.count_of(line)));
    let alone: usize =
        (0..groups.len()).filter(|line| groups.at(*line).is_none()).map(|line| groups.count_of(line)).sum();
    let alone = if alone > 0 { format!(", {} in none", text::count(alone)) } else { String::new() };
    let method = method(found, groups.method, app.shared.index.kind(), area.width >= 76);
    let mut spans = vec![
        Span::styled(facts::listed_of(app, listed, found.clusters.len(), "group"), theme.strong()),
        Span::styled(format!(" of {}{alone}", app.shared.counted(pictures)), theme.dim()),
        // Before what may not fit: how groups are found is said when the method is chosen.
        facts::approximation(canvas, found.accuracy()),
        Span::styled(format!(" · {method}"), theme.accent()),
        facts::narrowed_to(app, canvas),
    ];
    if making {
        let words = format!(" · finding others, {:.0} %…", 100.0 * groups.progress);
        spans.push(Span::styled(words, theme.warning()));
    } else {
        if let Some(silhouette) = found.silhouette.filter(|_| area.width >= 100) {
            spans.push(Span::styled(format!(" · silhouette {silhouette:.2}"), theme.dim()));
        }
        if let Some(agreement) = found.agreement {
            let words = match area.width {
                100.. => {
                    format!(" · folders: ARI {:.2}, NMI {:.2}", agreement.adjusted_rand, agreement.mutual_information)
                }
                64.. => format!(" · ARI {:.2}", agreement.adjusted_rand),
                _ => String::new(),
            };
            spans.push(Span::styled(words, theme.dim()));
        }
    }
    canvas.rule(area, Line::from(spans));
}

/// One group: its name and size, how alike its pictures are, and the folder that most of them are in; or the noise.
fn row(app: &App, canvas: &mut Canvas<'_>, area: Area, line: usize) {
    let theme = canvas.theme;
    let groups = &app.screens.groups;
    let focused = line == groups.group;
    if focused {
        canvas.fill(Area { width: 1, ..area }, '▌', theme.accent());
    }
    let words = area.left(2).1.off_right(1).0;
    let strong = if focused { theme.accent() } else { theme.strong() };
    let all = groups.at(line).map_or(groups.noise().len(), |(_, cluster)| cluster.members.len());
    let facts = format!("  {}", facts::listed_pictures(app, groups.count_of(line), all));
    let Some((number, cluster)) = groups.at(line) else {
        let first = vec![Span::styled("· noise", strong), Span::styled(facts, theme.dim())];
        canvas.line(words, 0, Line::from(first));
        if area.height > 1 {
            canvas.text(words.left(2).1, 1, "in no group", theme.dim());
        }
        return;
    };
    let room = usize::from(words.width).saturating_sub(2 + text::width(&facts));
    let name = text::cut_middle(groups.name(number), room);
    let first =
        vec![Span::styled("■ ", theme.group(number)), Span::styled(name, strong), Span::styled(facts, theme.dim())];
    canvas.line(words, 0, Line::from(first));
    if area.height > 1 {
        let (_, line) = words.left(2);
        canvas.text(
            line,
            1,
            &about(app, cluster, line.width.into()),
            if focused { theme.strong() } else { theme.dim() },
        );
    }
}

/// What most of a group is, how alike its pictures are, and what they look like, where there is room for that.
fn about(app: &App, cluster: &Cluster, room: usize) -> String {
    let cohesion = format!("cohesion {:.2}", cluster.cohesion);
    let short = match cluster.folder {
        Some((folder, purity)) => {
            let name = format!("{}/", app.screens.groups.folder_name(folder));
            let share = if purity < 1.0 { format!("{:.0} %", (100.0 * purity).min(99.0)) } else { "all".to_owned() };
            let taken = text::width(&share) + 4 + cohesion.len();
            format!("{share} {} · {cohesion}", text::cut(&name, room.saturating_sub(taken)))
        }
        None => cohesion,
    };
    let long = format!("{short} · like {}", facts::name(app, cluster.medoid()));
    if text::width(&long) <= room { long } else { short }
}
