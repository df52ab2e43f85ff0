//! Files of labels, `path,label` a line: those that the user names, and the corrections that are kept beside the index. A
//! label of one face says which of its picture's faces it is, and where that lies: `path,face,place,label`.

mod rows;

use std::{
    borrow::Cow,
    fs,
    hash::{Hash, Hasher},
    io::{self, Read},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use self::rows::Rows;
use super::{Entry, Index, labels::Labels};
use crate::{
    error::{Error, Result},
    face::Place,
    files,
    printable::printable,
    text,
};

/// A label file is at most this large.
const LARGEST: u64 = 1 << 28;
/// Characters that may stand between the columns.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];
/// What is said of a place that cannot be read.
const PLACES: &str =
    "place must be four numbers: middle from the left and from the top, width, height, as shares of the picture";

/// What a label is for.
#[derive(Debug, Clone)]
pub struct LabelKey {
    /// The picture's whole path.
    pub path: PathBuf,
    /// Which of its faces, counted from 1; nothing for the picture, and with it all faces that have no label of their own.
    pub face: Option<u32>,
    /// Where that face lies. With a place, the number says only which it was when that was written.
    pub place: Option<Place>,
}

impl LabelKey {
    /// What the label of a row alone is for.
    #[must_use]
    pub fn of(entry: &Entry<'_>) -> Self {
        Self { path: entry.path(), face: entry.face_number(), place: entry.face().map(Place::of) }
    }

    /// A whole picture.
    #[must_use]
    pub fn picture(path: PathBuf) -> Self {
        Self { path, face: None, place: None }
    }

    /// The same in the picture, or the face with this number in it.
    fn numbered(&self, face: Option<u32>) -> Self {
        Self { path: self.path.clone(), face, place: None }
    }

    /// In which order labels are written: by path, then by the number of the face.
    #[must_use]
    pub fn order(&self) -> (&Path, Option<u32>, Option<Place>) {
        (&self.path, self.face, self.place)
    }

    /// What two keys have in common that are about the same.
    fn identity(&self) -> (&Path, Option<Place>, Option<u32>) {
        (&self.path, self.place, self.face.filter(|_| self.place.is_none()))
    }
}

impl PartialEq for LabelKey {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for LabelKey {}

impl Hash for LabelKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

/// Labels by what they are for.
#[derive(Debug, Clone, Default)]
pub struct LabelTable {
    /// The numbers of the rows.
    here: Rows,
    /// The same, by where these paths lead when links are followed: it counts where no row names that place itself.
    behind: Rows,
    rows: Vec<Row>,
    /// The file it was read from.
    file: PathBuf,
    is_utf_8: bool,
}

#[derive(Debug, Clone)]
struct Row {
    /// Counted from 1; 0 for what was not read from a file.
    line: u64,
    /// With the path as it is in the file.
    key: LabelKey,
    label: Box<[u8]>,
}

impl LabelTable {
    /// Reads a CSV file with the columns `path` and `label`, perhaps also `face` and `place`: UTF-8 or UTF-16, with commas,
    /// semicolons or tabs, and any line ends. A path may be whole, or relative to one of the `folders`, to the file's own
    /// folder or to the working folder. A line without a label says nothing, one without a face and a place is about the
    /// whole picture.
    ///
    /// # Errors
    /// [`Error::Labels`], which names the line: no such columns, a path twice with two labels, a line with too few fields, a
    /// face that is no number, or a place that is not four, in a file that is otherwise as [`to_csv`] writes it; in others such
    /// a column is as any further one.
    pub fn read(file: &Path, folders: &[PathBuf]) -> Result<Self> {
        let wrong = |reason: String| Error::Labels { path: file.to_owned(), reason };
        let mut bytes = Vec::new();
        let opened = files::open_regular(file).and_then(|opened| opened.take(LARGEST + 1).read_to_end(&mut bytes));
        opened.map_err(Error::io("read", file))?;
        if bytes.len() as u64 > LARGEST {
            return Err(wrong(format!("it is longer than {}", text::bytes(LARGEST))));
        }
        let bytes = as_utf_8(bytes).ok_or_else(|| wrong("it is no text".into()))?;
        let (delimiter, [path_at, label_at], [face_at, place_at]) = columns(&bytes)
            .ok_or_else(|| wrong("it has no columns path and label: its first line must be path,label".into()))?;
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(&*bytes);
        let own = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let bases: Vec<PathBuf> =
            folders.iter().map(PathBuf::as_path).chain([own, Path::new(".")]).map(whole).collect();
        let is_utf_8 = std::str::from_utf8(&bytes).is_ok();
        let mut table = Self { file: file.to_owned(), is_utf_8, ..Self::default() };
        for record in reader.byte_records() {
            let record = record.map_err(|error| wrong(format!("it cannot be read as CSV: {error}")))?;
            let line = record.position().map_or(0, csv::Position::line);
            let (Some(path), Some(label)) = (record.get(path_at), record.get(label_at)) else {
                return Err(wrong(format!("line {line} has too few fields")));
            };
            let (path, label) = (path.trim_ascii(), label.trim_ascii());
            let text =
                |at: Option<usize>| at.and_then(|at| record.get(at)).map(|field| str::from_utf8(field.trim_ascii()));
            let text = |at| text(at).filter(|field| *field != Ok(""));
            let number = |face: &str| face.parse().ok().filter(|number| *number > 0);
            let face =
                text(face_at).map(|face| face.ok().and_then(number).ok_or("face must be a number, 1 for the first"));
            let place = text(place_at).map(|place| place.ok().and_then(|place| place.parse().ok()).ok_or(PLACES));
            let said = |reason| wrong(format!("line {line}: {reason}"));
            let (face, place) = (face.transpose().map_err(said)?, place.transpose().map_err(said)?);
            if !path.is_empty() && !label.is_empty() {
                let path = PathBuf::from(std::ffi::OsString::from_vec(path.to_vec()));
                table.add(Row { line, key: LabelKey { path, face, place }, label: label.into() }, &bases)?;
            }
        }
        Ok(table)
    }

    fn add(&mut self, row: Row, bases: &[PathBuf]) -> Result<()> {
        let number = self.rows.len();
        let places: Vec<PathBuf> = match row.key.path.is_absolute() {
            true => {
                // A picture may be a link, or lie behind one, and is known by the path at which it was found.
                let behind = [fs::canonicalize(&row.key.path).ok(), behind_folder(&row.key.path)];
                behind.into_iter().flatten().for_each(|path| {
                    self.behind.insert_new(LabelKey { path, ..row.key.clone() }, number);
                });
                vec![row.key.path.clone()]
            }
            false => bases.iter().map(|base| base.join(&row.key.path)).collect(),
        };
        // A name with `..` in it is found where it leads.
        let places = places.into_iter().map(|place| {
            let leads = place.components().any(|part| part == std::path::Component::ParentDir);
            leads.then(|| fs::canonicalize(&place).ok()).flatten().unwrap_or(place)
        });
        for path in places {
            let before = self.here.insert_new(LabelKey { path, ..row.key.clone() }, number);
            if let Some(before) = self.rows.get(before).filter(|before| before.label != row.label) {
                let (path, [one, other]) =
                    (printable(&row.key.path), [&before.label, &row.label].map(|label| shown(label)));
                let reason = format!(
                    "line {} says that {path} is {other}, and line {} that it is {one}: keep one",
                    row.line, before.line
                );
                return Err(Error::Labels { path: self.file.clone(), reason });
            }
        }
        self.rows.push(row);
        Ok(())
    }

    /// The label of a picture, as the bytes it has in the file; of a face its own, or else its picture's.
    #[must_use]
    pub fn get(&self, entry: &Entry<'_>) -> Option<&[u8]> {
        self.row_of(entry).map(|row| &*self.rows[row].label)
    }

    /// The label that a picture or a face has for itself.
    #[must_use]
    pub fn own(&self, entry: &Entry<'_>) -> Option<&[u8]> {
        self.own_row(entry).map(|row| &*self.rows[row].label)
    }

    fn row_of(&self, entry: &Entry<'_>) -> Option<usize> {
        self.own_row(entry).or_else(|| self.picture_row(entry))
    }

    fn own_row(&self, entry: &Entry<'_>) -> Option<usize> {
        let found = |rows: &Rows| rows.own(entry).and_then(|key| rows.get(&key));
        if self.is_empty() { None } else { found(&self.here).or_else(|| found(&self.behind)) }
    }

    fn picture_row(&self, entry: &Entry<'_>) -> Option<usize> {
        let key = || LabelKey::picture(entry.path());
        if self.is_empty() { None } else { self.here.get(&key()).or_else(|| self.behind.get(&key())) }
    }

    /// Gives something a label.
    pub fn set(&mut self, key: LabelKey, label: &[u8]) {
        self.here.insert(key.clone(), self.rows.len());
        self.rows.push(Row { line: 0, key, label: label.into() });
    }

    /// Gives a picture or a face a label of its own, or takes that away. What was said of faces of its picture by their
    /// number is from now on said by their place; labels of faces that are not there any more stay.
    pub fn correct(&mut self, entry: &Entry<'_>, label: Option<&[u8]>) {
        if let Some(key) = self.here.own(entry) {
            self.here.remove(&key);
        }
        let key = LabelKey::of(entry);
        // The face that is corrected is done with, by whatever it was known.
        self.here.remove(&key.numbered(key.face));
        let placed = self.here.placed(entry, &key.path);
        for (number, face) in entry.faces_of_picture() {
            // A face that is known by its place is not the one that had this number.
            if placed.iter().any(|(_, of)| *of == number) {
                continue;
            }
            if let Some(row) = self.here.remove(&key.numbered(Some(number))) {
                let placed = LabelKey { path: key.path.clone(), face: Some(number), place: Some(Place::of(face)) };
                self.here.insert_new(placed, row);
            }
        }
        if let Some(label) = label {
            self.set(key, label);
        }
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.here.len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.here.is_empty()
    }

    /// One sentence on the lines that name no picture of the index; nothing when there is none.
    #[must_use]
    pub fn unknown(&self, index: &Index) -> Option<String> {
        let mut known = vec![false; self.rows.len()];
        for entry in index.iter() {
            // A line by the number of a face that another line has by its place says nothing, but is no mistake.
            let numbered = entry.face_number().and_then(|face| {
                let key = LabelKey::picture(entry.path()).numbered(Some(face));
                self.here.get(&key).or_else(|| self.behind.get(&key))
            });
            for row in [self.own_row(&entry), self.picture_row(&entry), numbered].into_iter().flatten() {
                known[row] = true;
            }
        }
        let mut unknown = self.rows.iter().zip(&known).filter(|(_, known)| !**known).map(|(row, _)| row);
        let first = unknown.next()?;
        let more = match unknown.count() {
            0 => String::new(),
            more => format!(", nor for {}", text::counted(more, "other line")),
        };
        let hint = if self.is_utf_8 { "" } else { "; the file is not in UTF-8" };
        let (file, path) = (printable(&self.file), printable(&first.key.path));
        let face = match &first.key {
            LabelKey { place: Some(_), .. } => " with a face at that place".into(),
            LabelKey { face: Some(number), .. } => format!(" with a face {number}"),
            _ => String::new(),
        };
        Some(format!("{file} line {}: there is no indexed picture {path}{face}{more}{hint}", first.line))
    }

    /// All labels with what they are for, in the order of paths.
    pub fn iter(&self) -> impl Iterator<Item = (&LabelKey, &[u8])> {
        let mut keys: Vec<_> = self.here.iter().collect();
        keys.sort_by(|(a, _), (b, _)| a.order().cmp(&b.order()));
        keys.into_iter().map(|(key, row)| (key, &*self.rows[row].label))
    }
}

/// Where the labels of pictures come from: a file or else their sub-folders, and what the user has corrected.
#[derive(Debug, Clone, Default)]
pub struct LabelSource {
    /// The file; pictures that it does not name have no label. Without one the sub-folders are the labels.
    pub given: Option<Arc<LabelTable>>,
    /// What was corrected; it goes before everything else.
    pub corrected: Arc<LabelTable>,
}

/// Equal when they are the same: no table is looked at.
impl PartialEq for LabelSource {
    fn eq(&self, other: &Self) -> bool {
        let address = |source: &Self| (source.given.as_ref().map(Arc::as_ptr), Arc::as_ptr(&source.corrected));
        address(self) == address(other)
    }
}

impl LabelSource {
    /// The label of each picture of an index.
    #[must_use]
    pub fn labels(&self, index: &Index) -> Labels {
        Labels::named(index, |entry| self.of(entry))
    }

    /// The label of a picture; empty where it has none.
    #[must_use]
    pub fn of<'a>(&'a self, entry: &Entry<'a>) -> &'a [u8] {
        if let Some(label) = self.corrected.get(entry) {
            return label;
        }
        match &self.given {
            Some(given) => given.get(entry).unwrap_or_default(),
            None => entry.group_bytes(),
        }
    }
}

/// The label of the picture, safe to show.
#[must_use]
pub fn shown(label: &[u8]) -> String {
    printable(std::ffi::OsStr::from_bytes(label))
}

/// Where the corrections of these folders are kept, in the cache folder: beside their indexes, whichever model made those.
#[must_use]
pub fn kept_file(cache: &Path, roots: &[PathBuf]) -> PathBuf {
    let mut hash = Sha256::new();
    for root in roots {
        hash.update(root.as_os_str().as_bytes());
        hash.update([0]);
    }
    let hash: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let name = roots.first().and_then(|root| root.file_name()).unwrap_or_default().to_string_lossy();
    let tidy: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(32).collect();
    cache.join("labels").join(format!("{tidy}-{hash}.csv"))
}

/// Reads kept corrections; none where no file is.
///
/// # Errors
/// As [`LabelTable::read`].
pub fn read_kept(file: &Path) -> Result<LabelTable> {
    // One that cannot be looked for may be there, and must not be replaced by what is said from now on.
    if matches!(file.try_exists(), Ok(false)) {
        return Ok(LabelTable::default());
    }
    let mut table = LabelTable::read(file, &[])?;
    // They were written with the paths that pictures are known by, and none speaks of another.
    table.behind = Rows::default();
    Ok(table)
}

/// What labels are for, and labels, byte for byte, as [`LabelTable::read`] reads them; the columns of faces only where it is
/// about faces.
///
/// # Errors
/// When memory cannot be written.
pub fn to_csv<'a>(rows: impl Iterator<Item = (&'a LabelKey, &'a [u8])>) -> io::Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let rows: Vec<_> = rows.collect();
    let with_faces = rows.iter().any(|(key, _)| key.face.is_some() || key.place.is_some());
    let columns: &[&str] = if with_faces { &["path", "face", "place", "label"] } else { &["path", "label"] };
    out.write_record(columns).map_err(io::Error::other)?;
    for (LabelKey { path, face, place }, label) in rows {
        let face = face.map(|number| number.to_string()).unwrap_or_default();
        let place = place.map(|place| place.to_string()).unwrap_or_default();
        let faces = [face.as_bytes(), place.as_bytes()].into_iter().filter(|_| with_faces);
        let fields = [path.as_os_str().as_bytes()].into_iter().chain(faces).chain([label]);
        out.write_record(fields).map_err(io::Error::other)?;
    }
    out.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// Writes labels into a file in one step: whoever reads it sees the old ones or the new ones, also after a crash. What was
/// there before is kept as `<name>.older.csv` when `keep_older` says so.
///
/// # Errors
/// [`Error::Io`]; the labels are then as they were.
pub fn write<'a>(file: &Path, rows: impl Iterator<Item = (&'a LabelKey, &'a [u8])>, keep_older: bool) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    let bytes = to_csv(rows).map_err(Error::io("write", file))?;
    let older = file.with_extension("older.csv");
    let copy = |part: &mut fs::File| {
        io::copy(&mut files::open_regular(file)?, part)?;
        // Before anything takes the place of what it is a copy of.
        part.sync_all()
    };
    let keep = || match keep_older && fs::exists(file)? {
        true => files::replace(&older, &files::part_of(&older), copy),
        false => Ok(()),
    };
    files::overwrite_after(file, &bytes, keep).map_err(Error::io("write", file))
}

/// The path of a file in the folder that its own folder leads to; the file itself may be a link.
fn behind_folder(path: &Path) -> Option<PathBuf> {
    Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?))
}

/// A whole path without links, where that can be found out.
fn whole(path: &Path) -> PathBuf {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// The text without a byte order mark, in UTF-8 where it was UTF-16; `None` for what is no text.
fn as_utf_8(bytes: Vec<u8>) -> Option<Cow<'static, [u8]>> {
    let utf_16 = |to: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|pair| to([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().ok().map(|text| Cow::Owned(text.into_bytes()))
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => utf_16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf_16(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => Some(Cow::Owned(rest.to_vec())),
        _ if bytes.contains(&0) => None,
        _ => Some(Cow::Owned(bytes)),
    }
}

/// What stands between the columns, which of them are `path` and `label`, and which are `face` and `place` if there are any.
fn columns(bytes: &[u8]) -> Option<(u8, [usize; 2], [Option<usize>; 2])> {
    DELIMITERS.into_iter().find_map(|delimiter| {
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(bytes);
        let names = reader.byte_headers().ok()?.clone();
        let at = |name: &str| names.iter().position(|column| column.trim_ascii().eq_ignore_ascii_case(name.as_bytes()));
        let (path, label) = (at("path")?, at("label")?);
        let (face, place) = (at("face"), at("place"));
        // A delimiter at the end of each line makes a column without a name.
        let named = names.iter().filter(|name| !name.trim_ascii().is_empty()).count();
        let no_other = named == 2 + [face, place].iter().flatten().count();
        let fields = |at: usize| {
            let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(bytes);
            let fields =
                reader.byte_records().flatten().filter_map(|record| Some(record.get(at)?.trim_ascii().to_vec()));
            fields.filter(|text| !text.is_empty()).collect::<Vec<_>>()
        };
        let is_number = |text: &str| text.parse().is_ok_and(|face: u32| face > 0);
        let face = face.filter(|at| is_ours(&fields(*at), is_number, no_other));
        let place = place.filter(|at| is_ours(&fields(*at), |text| text.parse::<Place>().is_ok(), no_other));
        Some((delimiter, [path, label], [face, place]))
    })
}

/// Whether a column of this content is ours: somebody's own named `face` may say "yes" and "no", or how many faces there are,
/// and one named `place` the name of a town. In a file with `no_other` column than ours one right field is enough, so that a
/// wrong one beside it is told.
fn is_ours(fields: &[Vec<u8>], is_right: impl Fn(&str) -> bool, no_other: bool) -> bool {
    let is_right = |text: &Vec<u8>| str::from_utf8(text).is_ok_and(&is_right);
    fields.iter().any(is_right) && (no_other || fields.iter().all(is_right))
}

#[cfg(test)]
mod tests;
