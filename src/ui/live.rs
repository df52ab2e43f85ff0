//! The live view: what is seen, what it is most like, how sure that is, and what was seen before.

use ratatui::{
    Frame,
    style::Style,
    text::{Line, Span},
};

use super::{canvas::Canvas, help, theme::Theme};
use crate::{
    analysis::gallery::{Candidate, Gallery, Identity},
    app::{
        layout::{self, Area},
        live::{Live, Naming, Picture, Places, SMALL, Sighting},
    },
    face::Face,
    index::RowKind,
    printable::{printable, printable_str},
    similarity::Metric,
    text,
};

/// What the first line says, in as many words as there is room for.
const NOTICES: [&str; 3] = [
    "Nothing leaves this machine; frames are not kept. Likeness, no security: a photo fools it. Ask before you film people.",
    "Stays here, not kept. Likeness, no security: a photo fools it. Ask people.",
    "Local, not kept. No security. Ask all.",
];

/// Columns that the source has at least.
const SOURCE: usize = 8;

/// Draws the whole screen.
pub fn draw(live: &Live, frame: &mut Frame) {
    let display = live.setup.display;
    let mut canvas =
        Canvas::new(frame.buffer_mut(), Theme::new(display.depth, display.background).with(display.palette));
    let places = Places::new(display.size);
    notice(live, &mut canvas, places.notice);
    title(live, &mut canvas, places.title);
    if let Some(first) = live.help {
        let page = live.help_page();
        help::page(&mut canvas, page.panel, &page, first, " · Esc closes".to_owned());
        // The next key takes what is said away, whether it was seen or not.
        if live.message.is_some() {
            canvas.fill(places.status, ' ', Style::new());
            status(live, &mut canvas, places.status);
        }
        return hints(live, &mut canvas, places.hints);
    }
    now(live, &mut canvas, &places);
    found(live, &mut canvas, &places);
    scale(live, &mut canvas, places.scale);
    strip(live, &mut canvas, places.strip);
    log(live, &mut canvas, places.log);
    status(live, &mut canvas, places.status);
    hints(live, &mut canvas, places.hints);
}

fn notice(live: &Live, canvas: &mut Canvas<'_>, area: Area) {
    let kept = live.setup.kept_in.as_ref().map(|folder| format!("kept in {}", printable(folder)));
    let said = NOTICES.map(|words| match &kept {
        Some(kept) => words.replace("not kept", kept),
        None => words.to_owned(),
    });
    let fitting = said.iter().find(|words| text::width(words) + 2 <= usize::from(area.width)).unwrap_or(&said[2]);
    canvas.text(area.left(1).1, 0, fitting, canvas.theme.dim());
}

fn title(live: &Live, canvas: &mut Canvas<'_>, area: Area) {
    let theme = canvas.theme;
    canvas.fill(area, '─', theme.faint());
    let mut spans = vec![Span::raw(" ")];
    for (at, metric) in Metric::ALL.into_iter().enumerate() {
        let style = if metric == live.setup.metric { theme.active() } else { theme.dim() };
        if at > 0 {
            spans.push(Span::styled("│", theme.faint()));
        }
        spans.push(Span::styled(format!(" {} ", metric.name()), style));
    }
    let wide = area.width >= 60;
    if !wide {
        spans = vec![Span::styled(format!(" {} ", live.setup.metric.name()), theme.active())];
    }
    let taken = canvas.right(area, 0, Line::from(spans));
    let (area, _) = area.off_right(taken + 1);
    let (sign, state) = match (live.has_ended, live.is_paused) {
        (true, _) => ("■", "ended".to_owned()),
        (_, true) => ("‖", "paused".to_owned()),
        _ => ("●", live.setup.pace.clone()),
    };
    let state_style = if live.is_paused || live.has_ended { theme.warning() } else { theme.accent() };
    let names = text::counted(live.setup.enrolled.gallery.len(), "name");
    let model = match (wide, looked_for(live)) {
        (false, _) => String::new(),
        // The model for faces has the name of what it looks for.
        (_, what) if what == live.setup.model => format!(" · {what}"),
        (_, what) => format!(" · {}: {what}", live.setup.model),
    };
    let mut rest = format!(" · {names}{model} ");
    if text::width(&state) + text::width(&rest) + 5 + SOURCE > usize::from(area.width) {
        rest = " ".to_owned();
    }
    let room = usize::from(area.width).saturating_sub(text::width(&state) + text::width(&rest) + 5);
    let source = text::cut_middle(&printable_str(&live.setup.source), room.max(SOURCE));
    canvas.line(
        area.left(1).1,
        0,
        Line::from(vec![
            Span::raw(" "),
            Span::styled(format!("{sign} {state} "), state_style),
            Span::styled(source, theme.strong()),
            Span::styled(rest, theme.dim()),
        ])
        // Words without a color of their own must not take that of the line.
        .style(Style::reset()),
    );
}

fn looked_for(live: &Live) -> &'static str {
    match live.setup.seeks {
        RowKind::Picture => "whole pictures",
        RowKind::Face => "faces",
    }
}

/// Where a picture that is ready lies in the middle of its place.
fn placed(live: &Live, picture: &Picture, area: Area) -> Option<Area> {
    let (_, preview) = live.pictures.get(picture)?;
    let (width, height) = preview.size();
    let fits = preview.reason().is_none() && width <= area.width && height <= area.height;
    let (x, y) = (area.x + (area.width.max(width) - width) / 2, area.y + (area.height.max(height) - height) / 2);
    fits.then_some(Area { x, y, width, height })
}

/// Draws a picture into the middle of its place; whether it could be.
fn picture(live: &Live, canvas: &mut Canvas<'_>, picture: &Picture, area: Area) -> bool {
    let Some((_, preview)) = live.pictures.get(picture) else { return false };
    if let Some(reason) = preview.reason() {
        canvas.centered(area, area.height / 2, reason, canvas.theme.warning());
        return true;
    }
    let Some(place @ Area { width, height, .. }) = placed(live, picture, area) else { return false };
    let rect = canvas.rect(place);
    if (rect.width, rect.height) == (width, height) {
        preview.render(rect, canvas.buf);
    }
    true
}

fn now(live: &Live, canvas: &mut Canvas<'_>, places: &Places) {
    if !picture(live, canvas, &Picture::Now, places.now) {
        let waiting = if live.has_ended { "nothing was seen" } else { "waiting for a picture…" };
        canvas.centered(places.now, places.now.height / 2, waiting, canvas.theme.dim());
    }
    let Some((seen, _)) = &live.seen else { return };
    let theme = canvas.theme;
    let answers = answers(live);
    for (face, answer) in &answers {
        name_on_picture(live, canvas, places.now, face, answer);
    }
    let (sign, words, style) = match (&answers[..], answers.iter().any(|(_, answer)| answer.is_some())) {
        ([], _) => ("–", format!("no {}", live.setup.seeks.noun()), theme.dim()),
        ([(_, None)], _) => ("?", "unknown".to_owned(), theme.warning()),
        (all, is_known) => {
            let words: Vec<_> = all.iter().map(|(_, answer)| answer.unwrap_or("unknown")).collect();
            let (sign, style) = if is_known { ("✓", theme.accent()) } else { ("?", theme.warning()) };
            (sign, words.join(", "), style)
        }
    };
    let (area, answer) = (places.captions[0].left(1).1, format!("{sign} {}", printable_str(&words)));
    let time = format!("{} ", seen.time);
    let fits = text::width(&time) + text::width(&answer) <= usize::from(area.width);
    let answer = text::cut(&answer, area.width.into());
    let time = if fits { time } else { String::new() };
    canvas.line(area, 0, Line::from(vec![Span::styled(time, theme.dim()), Span::styled(answer, style)]));
}

/// Each region's face and name, from the left to the right as they are shown.
fn answers(live: &Live) -> Vec<(Option<Face>, Option<&str>)> {
    let Some((seen, identities)) = &live.seen else { return Vec::new() };
    let gallery = &live.setup.enrolled.gallery;
    let name = |one: &Identity| one.best.filter(|_| one.is_known).map(|best| gallery.name(best.name));
    let mut all: Vec<_> = seen.regions.iter().zip(identities).map(|(region, one)| (region.face, name(one))).collect();
    let left = |face: &Option<Face>| face.map_or(0.0, |face| shown_span(live, &face)[0]);
    all.sort_by(|(a, _), (b, _)| left(a).total_cmp(&left(b)));
    all
}

/// Where a face begins and ends from the left, as shares of the picture as it is shown.
fn shown_span(live: &Live, face: &Face) -> [f32; 2] {
    let [left, _, right, _] = face.area;
    if live.is_mirrored { [1.0 - right, 1.0 - left] } else { [left, right] }
}

/// Writes a face's name over its frame, or under it where there is no room above.
fn name_on_picture(live: &Live, canvas: &mut Canvas<'_>, area: Area, face: &Option<Face>, name: &Option<&str>) {
    let (Some(face), Some(place)) = (face, placed(live, &Picture::Now, area)) else { return };
    if live.setup.sends_pixels {
        // Letters cannot stand on such a picture; the line below has the names in the same order.
        return;
    }
    let theme = canvas.theme;
    let cell = |share: f32, cells: u16| (share.clamp(0.0, 1.0) * f32::from(cells)) as u16;
    let words = format!(" {} ", name.map_or_else(|| "?".to_owned(), printable_str));
    let words = text::cut(&words, place.width.into());
    let width = text::width(&words) as u16;
    let x = place.x + cell(shown_span(live, face)[0], place.width).min(place.width.saturating_sub(width));
    let (top, bottom) = (cell(face.area[1], place.height), cell(face.area[3], place.height));
    let y = if top > 0 { top - 1 } else { (bottom + 1).min(place.height.saturating_sub(1)) };
    let style = if name.is_some() { theme.active() } else { theme.warning() };
    let label = Area { x, y: place.y + y, width, height: 1 };
    for x in label.x..label.right() {
        // The picture's colors must not shine through.
        if let Some(cell) = canvas.cell(x, label.y) {
            cell.reset();
        }
    }
    canvas.text(label, 0, &words, style);
}

fn found(live: &Live, canvas: &mut Canvas<'_>, places: &Places) {
    let theme = canvas.theme;
    let gallery = &live.setup.enrolled.gallery;
    let Some((region, Identity { best: Some(best), is_known, .. })) = live.shown() else {
        let words = if gallery.is_empty() { "nobody is enrolled: n names what is seen" } else { "" };
        return canvas.centered(places.found, places.found.height / 2, words, theme.dim());
    };
    if let Some(path) = live.match_path() {
        let place = places.found;
        if !picture(live, canvas, &Picture::Enrolled(path.to_owned()), place) {
            let stand_in = layout::fitted(place, (4, 3));
            canvas.fill(stand_in, theme.placeholder_glyph(), theme.placeholder());
        }
    }
    let values = Metric::ALL.map(|metric| {
        let value = gallery.value(metric, best.name, &region.embedding);
        format!("{} {}", metric.name(), text::value(value).trim())
    });
    let verb = if *is_known { "is" } else { "most like" };
    let [first, second] = values;
    let name = printable_str(gallery.name(best.name));
    let mut room = usize::from(places.captions[1].width).saturating_sub(text::width(verb) + text::width(&name) + 3);
    let mut rest = String::new();
    for part in [first, second, text::counted(gallery.count(best.name), "picture")] {
        let part = if rest.is_empty() { part } else { format!(" · {part}") };
        if text::width(&part) > room {
            break;
        }
        room -= text::width(&part);
        rest += &part;
    }
    canvas.line(
        places.captions[1],
        0,
        Line::from(vec![
            Span::styled(format!("{verb} "), theme.dim()),
            Span::styled(name, theme.strong()),
            Span::styled(format!("  {rest}"), theme.dim()),
        ]),
    );
}

/// The signs on the scale.
const BEST: char = '●';
const SECOND: char = '○';
const THRESHOLD: char = '┃';

/// The values and the threshold on one axis, and under it what they are.
fn scale(live: &Live, canvas: &mut Canvas<'_>, area: Area) {
    let theme = canvas.theme;
    let metric = live.setup.metric;
    let (best, second) = live.shown().map_or((None, None), |(_, identity)| (identity.best, identity.second));
    let criterion = live.criterion();
    let axis = if area.height >= 3 { area.top(1).1 } else { area };
    if area.height != 2 {
        let values = [best.map(|one| one.value), second.map(|one| one.value), criterion.threshold];
        let (low, high) = ends(metric, &values);
        let words = [low, high].map(|end| text::value(end).trim().to_owned());
        // Which way is more alike differs from metric to metric in the numbers, not on the axis.
        let [less, more] = if axis.width >= 76 { ["less alike ", " more alike"] } else { [""; 2] };
        let words = [format!("{less}{}", words[0]), format!("{}{more}", words[1])];
        let track = axis.left(2 + words[0].len() as u16).1.off_right(2 + words[1].len() as u16).0;
        canvas.line(axis.left(1).1, 0, Span::styled(words[0].as_str(), theme.dim()));
        canvas.right(axis.off_right(1).0, 0, Line::styled(words[1].as_str(), theme.dim()));
        canvas.fill(track.top(1).0, '─', theme.faint());
        let known = live.shown().is_some_and(|(_, identity)| identity.is_known);
        let signs = [
            (values[1], SECOND, theme.dim()),
            (values[2], THRESHOLD, theme.warning()),
            (values[0], BEST, if known { theme.accent() } else { theme.strong() }),
        ];
        for (value, sign, style) in signs {
            let Some(value) = value.filter(|_| track.width > 0) else { continue };
            // The more alike is at the right by both metrics.
            let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
            let at = track.x + (share * f32::from(track.width - 1)).round() as u16;
            if let Some(cell) = canvas.cell(at, axis.y) {
                cell.set_char(sign).set_style(style);
            }
        }
    }
    let (_, legend) = area.off_bottom(u16::from(area.height > 1));
    if area.height > 1 {
        self::legend(live, canvas, legend, best, second);
    }
}

fn legend(live: &Live, canvas: &mut Canvas<'_>, area: Area, best: Option<Candidate>, second: Option<Candidate>) {
    let theme = canvas.theme;
    let gallery: &Gallery = &live.setup.enrolled.gallery;
    let criterion = live.criterion();
    let named = |one: Candidate| {
        let name = text::cut(&printable_str(gallery.name(one.name)), 16);
        format!("{name} {}", text::value(one.value).trim())
    };
    let sign = |sign: char, style| Span::styled(format!("{sign} "), style);
    let mut parts: Vec<Vec<Span<'_>>> = Vec::new();
    parts.extend(best.map(|best| vec![sign(BEST, theme.accent()), Span::styled(named(best), theme.dim())]));
    parts.push(match criterion.threshold {
        Some(threshold) => {
            let far = live.far().map_or(String::new(), |far| format!(" ≈ {} of strangers named", text::percent(far)));
            let word = if area.width >= 76 { "threshold " } else { "" };
            let words = format!("{word}{}{far}", text::value(threshold).trim());
            vec![sign(THRESHOLD, theme.warning()), Span::styled(words, theme.dim())]
        }
        None => {
            let brief = "no threshold yet: + sets one";
            let words = format!("{brief}, {}", live.missing());
            let taken: usize = parts.iter().flatten().map(Span::width).sum();
            let words = if taken + text::width(&words) + 6 > area.width.into() { brief.to_owned() } else { words };
            vec![sign(THRESHOLD, theme.warning()), Span::styled(words, theme.dim())]
        }
    });
    let basis = criterion.threshold.and_then(|_| live.brief_basis());
    let margin = best.zip(second).map(|(best, second)| {
        let asked = if criterion.margin > 0.0 { format!(" of {:.3}", criterion.margin) } else { String::new() };
        let lead = criterion.lead(best.value, second.value);
        vec![Span::styled(format!("margin {}{asked}", text::value(lead).trim()), theme.dim())]
    });
    parts.extend(margin);
    parts.extend(second.map(|second| vec![sign(SECOND, theme.dim()), Span::styled(named(second), theme.dim())]));
    parts.extend(basis.map(|basis| vec![Span::styled(basis, theme.dim())]));
    let mut line = Line::from(" ");
    for part in parts {
        let width: usize = part.iter().map(Span::width).sum();
        if line.width() + width <= usize::from(area.width) {
            line.extend(part);
            line.push_span(Span::raw("   "));
        }
    }
    canvas.line(area, 0, line);
}

/// The ends of the axis, the less alike first.
fn ends(metric: Metric, values: &[Option<f32>]) -> (f32, f32) {
    let all = || values.iter().flatten().copied();
    match metric {
        Metric::Cosine => (all().fold(0.0, f32::min), 1.0),
        Metric::Euclidean => ((all().fold(0.0, f32::max) * 1.25).max(f32::MIN_POSITIVE), 0.0),
    }
}

fn strip(live: &Live, canvas: &mut Canvas<'_>, area: Area) {
    if area.height < SMALL.1 + 2 {
        return;
    }
    let theme = canvas.theme;
    canvas.rule(area.top(1).0, Line::styled("last seen, newest first", theme.dim()));
    let (_, area) = area.top(1);
    let step = SMALL.0 + 2;
    let room = usize::from(area.width.saturating_sub(1) / step);
    for (at, sighting) in live.log.iter().rev().take(room).enumerate() {
        let place = Area { x: area.x + 1 + at as u16 * step, y: area.y, width: SMALL.0, height: SMALL.1 };
        if !picture(live, canvas, &Picture::Sighting(sighting.number, sighting.region), place) {
            canvas.fill(layout::fitted(place, (4, 3)), theme.placeholder_glyph(), theme.placeholder());
        }
        let under = Area { y: place.bottom(), height: 1, ..place };
        let (words, style) = name_of(sighting, theme);
        canvas.centered(under, 0, &words, style);
    }
}

fn name_of(sighting: &Sighting, theme: Theme) -> (String, Style) {
    match &sighting.name {
        Some(name) => (printable_str(name), theme.strong()),
        None => ("unknown".to_owned(), theme.dim()),
    }
}

fn log(live: &Live, canvas: &mut Canvas<'_>, area: Area) {
    let theme = canvas.theme;
    if area.height == 0 {
        return;
    }
    let (rule, lines) = if area.height > 2 { area.top(1) } else { (area.top(0).0, area) };
    if rule.height > 0 {
        canvas.rule(rule, Line::styled("log", theme.dim()));
    }
    if live.log.is_empty() {
        canvas.text(lines.left(1).1, 0, "nothing was seen yet", theme.dim());
    }
    for (row, sighting) in live.log.iter().rev().take(lines.height.into()).enumerate() {
        let (name, style) = name_of(sighting, theme);
        let sign = if sighting.name.is_some() { "✓" } else { "?" };
        let [first, last] = &sighting.times;
        let times = match lines.width {
            0..60 => format!("{last} "),
            _ if first == last => format!("{first}          "),
            _ => format!("{first}–{last} "),
        };
        let value = sighting
            .value
            .map_or(String::new(), |value| format!("  {} {}", sighting.metric.name(), text::value(value).trim()));
        let frames = if sighting.frames > 1 {
            format!(", best of {} frames", text::count(sighting.frames))
        } else {
            String::new()
        };
        let taken = text::width(&times) + text::width(&name) + text::width(&value) + 3;
        let fits = taken + text::width(&frames) <= lines.width.into();
        let line = Line::from(vec![
            Span::styled(times, theme.dim()),
            Span::styled(format!("{sign} {name}"), style),
            Span::styled(format!("{value}{}", if fits { frames } else { String::new() }), theme.dim()),
        ]);
        canvas.line(lines.left(1).1, row as u16, line);
    }
}

fn status(live: &Live, canvas: &mut Canvas<'_>, area: Area) {
    let theme = canvas.theme;
    let (_, area) = area.left(1);
    if let Some(Naming { prompt, suggested, .. }) = &live.naming {
        let wrong = live.message.as_ref().map(|message| format!("{} ", message.text));
        let help = wrong.unwrap_or_else(|| match suggested.as_ref().filter(|_| prompt.text.is_empty()) {
            Some(name) => format!("Enter: {}, and the frame is kept · Esc gives up ", printable_str(name)),
            None => "Enter names it and keeps the frame · Esc gives up ".to_owned(),
        });
        let taken = if area.width >= 76 { canvas.right(area, 0, Line::styled(help, theme.dim())) } else { 0 };
        let (area, _) = area.off_right(taken + 1);
        let label = "this is ";
        let mut tail = printable_str(&prompt.text);
        while text::width(&tail) + label.len() + 1 > usize::from(area.width) && !tail.is_empty() {
            tail.remove(0);
        }
        let line = vec![Span::styled(label, theme.accent()), Span::raw(tail), Span::styled("▏", theme.accent())];
        canvas.line(area, 0, Line::from(line));
    } else if let Some(message) = &live.message {
        canvas.text(area, 0, &printable_str(&message.text), theme.severity(message.severity));
    }
}

fn hints(live: &Live, canvas: &mut Canvas<'_>, area: Area) {
    let theme = canvas.theme;
    let mut room = usize::from(area.width).saturating_sub(1);
    let mut spans = vec![Span::raw(" ")];
    let width = |key: &str, words: &str| text::width(key) + text::width(words) + 3;
    let hints = live.hints();
    // Help and quit are always there.
    let (others, last) = hints.split_at(hints.len().saturating_sub(2));
    room = room.saturating_sub(last.iter().map(|(key, words)| width(key, words)).sum());
    let fitting = others.iter().filter(|(key, words)| {
        let fits = width(key, words) <= room;
        room = if fits { room - width(key, words) } else { 0 };
        fits
    });
    for (key, words) in fitting.chain(last) {
        spans.push(Span::styled(*key, theme.accent()));
        spans.push(Span::styled(format!(" {words}  "), theme.dim()));
    }
    canvas.line(area, 0, Line::from(spans));
}
