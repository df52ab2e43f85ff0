//! Groups: which pictures belong together, by a method of choice. A list of groups beside the pictures of one of them.

use std::sync::Arc;

use crate::{
    analysis::clusters::{Cluster, Clustering, Cut, Density, GroupName, Method},
    app::{
        action::{Action, Step},
        binding::{Binding, bind},
        group_places::GroupPlaces,
        layout::{self, Area},
        previews::Slot,
        room::{Acted, Room},
        shared::Shared,
    },
    index::{ImageId, labels::Labels},
    task::{Known, Made, Task},
};

/// A line of the list: a group, or the noise.
struct Line {
    /// The number of the group; `None` for the noise.
    number: Option<usize>,
    /// The pictures that the filter lets through, each with its cosine similarity to the group's center; the noise has
    /// none.
    members: Vec<(ImageId, Option<f32>)>,
}

/// The Groups screen.
#[derive(Default)]
pub struct Groups {
    /// The method wanted.
    pub method: Method,
    /// What was found last, and by what that was asked for.
    pub found: Option<(Method, Arc<Clustering>)>,
    /// The groups as labels.
    pub labels: Option<Arc<Labels>>,
    /// How much of the finding is done.
    pub progress: f64,
    /// The groups that the filter lets something of through, and the noise.
    lines: Vec<Line>,
    /// [`Shared::narrowings`] when they were made.
    narrowed_at: u64,
    /// The line under the cursor.
    pub group: usize,
    /// The picture of it under the cursor.
    pub member: usize,
    /// First visible group.
    pub first: usize,
    /// First visible row of pictures.
    pub first_row: usize,
    /// All names that were given, the newest last, once those of earlier runs are known; not all of them need belong to a group
    /// as it is.
    names: Option<Vec<GroupName>>,
    /// The name of each group, by its place among those.
    named: Vec<Option<usize>>,
}

const KEYS: &[Binding] = &[
    bind("Enter", Action::OpenNeighbors),
    bind("o", Action::Method),
    bind("+ =", Action::MoreGroups),
    bind("- _", Action::FewerGroups),
    bind("0", Action::BestGroups),
    bind("r", Action::Rename),
    bind("H", Action::GroupsInHeatmap),
    bind("A", Action::MarkThese),
];

impl Groups {
    /// The groups, the largest first.
    #[must_use]
    pub fn clusters(&self) -> &[Cluster] {
        self.found.as_ref().map_or(&[], |(_, found)| &found.clusters)
    }

    /// The pictures in no group.
    #[must_use]
    pub fn noise(&self) -> &[ImageId] {
        self.found.as_ref().map_or(&[], |(_, found)| &found.noise)
    }

    /// Lines of the list: the groups, and the noise where there is some.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The number of the group in a line and the group; `None` for the noise.
    #[must_use]
    pub fn at(&self, line: usize) -> Option<(usize, &Cluster)> {
        let number = self.lines.get(line)?.number?;
        Some((number, self.clusters().get(number)?))
    }

    /// The number of the group under the cursor and the group; `None` on the noise.
    #[must_use]
    pub fn current(&self) -> Option<(usize, &Cluster)> {
        self.at(self.group)
    }

    /// Makes the lines anew, of what the filter lets through.
    fn list(&mut self, shared: &Shared) {
        self.narrowed_at = shared.narrowings;
        let admitted = |members: &mut dyn Iterator<Item = (ImageId, Option<f32>)>| {
            members.filter(|(id, _)| shared.admits(*id)).collect::<Vec<_>>()
        };
        let groups = self.clusters().iter().enumerate().map(|(number, cluster)| Line {
            number: Some(number),
            members: admitted(&mut cluster.members.iter().map(|(id, cosine)| (*id, Some(*cosine)))),
        });
        let noise = Line { number: None, members: admitted(&mut self.noise().iter().map(|id| (*id, None))) };
        self.lines = groups.chain([noise]).filter(|line| !line.members.is_empty()).collect();
    }

    /// A group's name: the one that it was given, or else its number with the folder that most of it is in.
    #[must_use]
    pub fn name(&self, number: usize) -> &str {
        self.labels.as_ref().map_or("", |labels| labels.name(number))
    }

    /// The name that the user gave to a group.
    #[must_use]
    pub fn given_name(&self, number: usize) -> Option<&str> {
        let place = (*self.named.get(number)?)?;
        self.names.as_ref()?.get(place).map(|name| name.name.as_str())
    }

    /// The pictures under the cursor's line that the filter lets through, each with its cosine similarity to the group's
    /// center; the noise has none.
    pub fn members(&self) -> impl Iterator<Item = (ImageId, Option<f32>)> {
        self.lines.get(self.group).into_iter().flat_map(|line| line.members.iter().copied())
    }

    /// How many pictures of a line the filter lets through.
    #[must_use]
    pub fn count_of(&self, line: usize) -> usize {
        self.lines.get(line).map_or(0, |line| line.members.len())
    }

    /// Where the groups lie, and the pictures of the one under the cursor, which are the larger the fewer they are.
    #[must_use]
    pub fn places(&self, body: Area) -> Places {
        Places::new(body).holding(self.count_of(self.group))
    }

    fn under_cursor(&self) -> Option<ImageId> {
        self.members().nth(self.member).map(|member| member.0)
    }

    /// Gives the group with this most typical picture a name, or takes it away when it is empty; all names, to be kept.
    /// `None` when the group is gone.
    pub fn rename(&mut self, medoid: ImageId, name: &str) -> Option<Arc<[GroupName]>> {
        let number = self.clusters().iter().position(|cluster| cluster.medoid() == medoid)?;
        let given = (!name.is_empty()).then(|| GroupName::new(name.to_owned(), &self.clusters()[number]));
        let (old, names) = (self.named[number], self.names.get_or_insert_default());
        if let Some(old) = old {
            names.remove(old);
        }
        names.extend(given);
        let all = names.as_slice().into();
        self.find_names();
        Some(all)
    }

    /// The name of a folder that groups are compared with.
    #[must_use]
    pub fn folder_name(&self, folder: usize) -> &str {
        self.found.as_ref().map_or("", |(_, found)| found.folders.name(folder))
    }

    /// Brings the names of the groups, and the labels, in line with the names that were given.
    fn find_names(&mut self) {
        let Some((_, found)) = self.found.clone() else { return };
        self.named = GroupName::of_clusters(&found.clusters, self.names.as_deref().unwrap_or_default());
        let name = |(number, cluster)| {
            self.given_name(number).map_or_else(|| GroupName::usual(number, cluster, &found.folders), str::to_owned)
        };
        let names = found.clusters.iter().enumerate().map(name).collect();
        self.labels = Some(Arc::new(found.labels(names)));
    }

    /// Moves the cursor to a picture of a group, which becomes the selected one.
    fn place(&mut self, shared: &mut Shared, group: usize, member: usize) {
        (self.group, self.member) = (group, member);
        if let Some(id) = self.under_cursor() {
            shared.select(id);
        }
    }

    /// Where a picture is: its line and its place there.
    fn place_of(&self, id: ImageId) -> Option<(usize, usize)> {
        let number = self.labels.as_ref()?.of(id);
        let at = self.lines.iter().position(|line| line.number == number)?;
        Some((at, self.lines[at].members.iter().position(|member| member.0 == id)?))
    }

    /// The method with more or fewer groups; `None` when there can be no more or fewer.
    fn stepped(&self, more: bool) -> Option<Method> {
        let step = |count: usize, up: bool| if up { count + 1 } else { count.saturating_sub(1) };
        let count = || step(self.clusters().len(), more);
        Some(match self.method {
            // Smaller groups are more.
            Method::Hdbscan(Density { min_size, min_samples }) => {
                let min_size = step(min_size, !more);
                (min_size >= 2).then_some(Method::Hdbscan(Density { min_size, min_samples }))?
            }
            Method::KMeans(_) => Method::KMeans(Some(Some(count()).filter(|count| *count > 0)?)),
            Method::Dendrogram(_) => Method::Dendrogram(Cut::Count(Some(count()).filter(|count| *count > 0)?)),
        })
    }
}

/// Pictures that [`Groups`] needs to find any group.
pub const FEWEST: usize = 2;

impl Room for Groups {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn step(&mut self, shared: &mut Shared, body: Area, step: Step) {
        let places = self.places(body);
        match step {
            Step::Left | Step::Right => {
                let flat = if step == Step::Left { Step::Up } else { Step::Down };
                self.place(shared, self.group, flat.moved(self.member, self.count_of(self.group), 1, 1));
            }
            _ => {
                let group = step.moved(self.group, self.len(), 1, places.page());
                let member = if group == self.group { self.member } else { 0 };
                self.place(shared, group, member);
            }
        }
    }

    fn click(&mut self, shared: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action> {
        let places = self.places(body);
        if let Some(line) = places.hit(at).map(|row| row + self.first).filter(|line| *line < self.len()) {
            self.place(shared, line, 0);
        } else if let Some(member) = places.sheet.hit(self.first_row, at)
            && member < self.count_of(self.group)
        {
            if self.member == member {
                return Some(Action::OpenNeighbors);
            }
            self.place(shared, self.group, member);
        }
        None
    }

    fn act(&mut self, shared: &mut Shared, _: Area, action: Action) -> Acted {
        match action {
            Action::Method => {
                self.method = match self.method {
                    Method::KMeans(_) => Method::Hdbscan(Density::default()),
                    Method::Hdbscan(_) => Method::Dendrogram(Cut::Silhouette),
                    Method::Dendrogram(_) => Method::KMeans(None),
                };
                Acted::Tells(sentence(self.method))
            }
            Action::MoreGroups | Action::FewerGroups => match self.stepped(action == Action::MoreGroups) {
                Some(method) => {
                    self.method = method;
                    Acted::Yes
                }
                None if matches!(self.method, Method::Hdbscan(_)) => {
                    Acted::Says(shared.words("A group has two pictures or more.").into_owned())
                }
                None => Acted::Says(shared.words("All pictures are in one group.").into_owned()),
            },
            Action::BestGroups => {
                self.method = match self.method {
                    Method::KMeans(_) => Method::KMeans(None),
                    Method::Hdbscan(_) => Method::Hdbscan(Density::default()),
                    Method::Dendrogram(_) => Method::Dendrogram(Cut::Silhouette),
                };
                Acted::Yes
            }
            Action::MarkThese => {
                let ids: Vec<ImageId> = self.members().map(|member| member.0).collect();
                let name = self.current().map_or("the noise", |(number, _)| self.name(number));
                let name = name.to_owned();
                Acted::Says(format!("{} of {name}.", shared.mark_all(&ids)))
            }
            _ => Acted::No,
        }
    }

    fn focused(&self, shared: &Shared) -> Option<ImageId> {
        self.under_cursor().or(shared.selected)
    }

    fn together(&self, _: &Shared) -> Vec<ImageId> {
        self.members().map(|member| member.0).collect()
    }

    fn turned(&mut self, shared: &mut Shared, body: Area, _shown: ImageId, step: Step) -> Option<ImageId> {
        let flat = match step {
            Step::Up => Step::Left,
            Step::Down => Step::Right,
            other => other,
        };
        self.step(shared, body, flat);
        self.under_cursor()
    }

    fn slots(&self, _: &Shared, body: Area) -> Vec<Slot> {
        self.places(body).sheet.slots(self.first_row, 0, self.members().map(|member| member.0)).collect()
    }

    fn upcoming(&self, _: &Shared, body: Area) -> Vec<Slot> {
        self.places(body).sheet.slots(self.first_row, 1, self.members().map(|member| member.0)).collect()
    }

    fn wants(&self, shared: &Shared) -> Option<Task> {
        if shared.index.len() < FEWEST {
            return None;
        }
        let current = self
            .found
            .as_ref()
            .is_some_and(|(asked, found)| *asked == self.method && shared.covers(found.made_of.0, found.made_of.1));
        (!current).then(|| Task::Groups(self.method, Known::default()))
    }

    fn take(&mut self, shared: &Shared, made: Made) {
        match made {
            Made::Progress(share) => self.progress = share,
            Made::Groups(asked, found, names) => {
                // The cursor stays on its picture, wherever that has gone.
                let focused = self.under_cursor();
                // What the user has named since is not known where the groups were made.
                self.names.get_or_insert_with(|| names.to_vec());
                self.found = Some((asked, found));
                self.progress = 0.0;
                self.find_names();
                self.list(shared);
                (self.group, self.member) = focused.and_then(|id| self.place_of(id)).unwrap_or((0, 0));
            }
            _ => {}
        }
    }

    fn refresh(&mut self, shared: &mut Shared, body: Area) {
        if shared.index.len() < FEWEST {
            (self.found, self.labels) = (None, None);
            self.lines.clear();
        }
        if self.narrowed_at != shared.narrowings {
            let focused = self.under_cursor();
            self.list(shared);
            (self.group, self.member) = focused.and_then(|id| self.place_of(id)).unwrap_or((0, 0));
        }
        // The cursor follows what the user selected elsewhere.
        if shared.is_touched()
            && let Some(id) = shared.selected.filter(|id| self.under_cursor() != Some(*id))
            && let Some((group, member)) = self.place_of(id)
        {
            (self.group, self.member) = (group, member);
        }
        self.group = self.group.min(self.len().saturating_sub(1));
        let members = self.count_of(self.group);
        self.member = self.member.min(members.saturating_sub(1));
        // Only now: the sheet is as its group needs it.
        let places = self.places(body);
        self.first = layout::scroll(self.first, self.group, places.page(), self.len());
        self.first_row = places.sheet.scrolled(self.first_row, self.member, members);
    }

    fn hint(&self, _: &Shared, action: Action) -> Option<&'static str> {
        let is_useful = match action {
            Action::Method | Action::MoreGroups => self.found.is_some(),
            Action::Filter => true,
            Action::Rename => self.current().is_some(),
            _ => !self.is_empty(),
        };
        is_useful.then(|| action.hint())
    }

    fn without_metric(&self) -> Option<&'static str> {
        Some("Groups go by cosine similarity[; {show-heatmap} and {show-neighbors} show distances too].")
    }

    fn count(&self, _: &Shared) -> Option<usize> {
        self.found.as_ref().map(|(_, found)| found.clusters.len())
    }
}

/// What a method does, for the status line, with the keys by the names of their actions.
fn sentence(method: Method) -> &'static str {
    match method {
        Method::KMeans(_) => {
            "k-means: round groups, as many as the silhouette finds best[; {more-groups} and {fewer-groups} change that]."
        }
        Method::Hdbscan(_) => "HDBSCAN: dense groups of any shape; what lies between them is noise.",
        Method::Dendrogram(_) => "Dendrogram: a cut through the tree that the order by similarity comes from.",
    }
}

/// Where they lie: a list of so many columns where it is beside the pictures, and tiles so wide.
pub type Places = GroupPlaces<44, 16>;
