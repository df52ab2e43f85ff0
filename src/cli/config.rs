//! The configuration file: other defaults for options, other keys, other colors. What the command line or the environment
//! says goes before it. Nothing in it is passed over: what is not understood is an error that names the nearest right word.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, Command};
use toml::{Table, Value};

use crate::{
    app::keymap::{Context, Keys},
    display::{ColorMap, Palette},
    environment::variable,
    error::{Error, Result},
    files, folders,
    printable::printable,
};

/// A configuration for the manual page.
pub(super) const EXAMPLE: &str = r##"[options]
metric = "euclidean"
exclude = ["*.thumb.jpg"]

[keys]
zoom-in = ["z", "+"]

[keys.heatmap]
swap = "t"

[theme]
ramp = "cividis"
accent = "#ff8000"
background = "light"
"##;

/// Bytes that a configuration has at most.
const LIMIT: u64 = 1 << 20;

/// What the file says.
#[derive(Debug, Default)]
pub struct Config {
    /// The file, where there is one.
    pub file: Option<PathBuf>,
    options: Vec<(String, Vec<String>)>,
    /// Other keys than the program's own.
    pub keys: Option<Keys>,
    /// The colors that were chosen.
    pub palette: Palette,
}

impl Config {
    /// Reads the file of the user; without one everything is as the program has it. `program` knows the options.
    ///
    /// # Errors
    /// [`Error::Usage`] with the file's name, the word that is wrong and the one that may be meant.
    pub fn of_user(program: &Command) -> Result<Self> {
        // Without a home folder there is no file in it either.
        let Ok(file) = folders::config() else { return Ok(Self::default()) };
        match files::read_text(&file, LIMIT) {
            Ok(text) => Self::parse(&text, &file, program),
            // A file that was named must be there.
            Err(error) if error.kind() == io::ErrorKind::NotFound && variable("LOOKALIKE_CONFIG").is_none() => {
                Ok(Self::default())
            }
            Err(error) => Err(Error::io("read", file)(error)),
        }
    }

    fn parse(text: &str, file: &Path, program: &Command) -> Result<Self> {
        let wrong = |what: String| Error::Usage(format!("the configuration {}: {what}", printable(file)));
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            // What is missing at the end is missing in the last line.
            let before = |at: usize| text[..at].strip_suffix('\n').filter(|_| at == text.len()).unwrap_or(&text[..at]);
            let line = error.span().map(|span| 1 + before(span.start).matches('\n').count());
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            wrong(format!("{place}{}", error.message()))
        })?;
        let mut config = Self { file: Some(file.to_owned()), ..Self::default() };
        for (name, value) in &table {
            let part = known(name, ["options", "keys", "theme"]).map_err(&wrong)?;
            let Value::Table(part_table) = value else {
                return Err(wrong(format!("{name} is a table: write [{part}] and what belongs to it under that")));
            };
            let read = match part {
                "options" => config.read_options(part_table, program),
                "keys" => config.read_keys(part_table),
                _ => config.read_theme(part_table),
            };
            read.map_err(&wrong)?;
        }
        Ok(config)
    }

    fn read_options(&mut self, table: &Table, program: &Command) -> Result<(), String> {
        let all = options(program);
        for (name, value) in table {
            let long = known(name, all.iter().filter_map(|arg| arg.get_long()))?;
            let Some(arg) = all.iter().find(|arg| arg.get_long() == Some(long)) else { continue };
            let values = match value {
                Value::Array(values) if matches!(arg.get_action(), ArgAction::Append) => {
                    values.iter().map(plain).collect()
                }
                value => plain(value).map(|value| vec![value]),
            };
            let values = values.ok_or_else(|| format!("{name}: a {} is no value for an option", value.type_str()))?;
            for value in &values {
                check(arg, value).map_err(|why| format!("{name} = {value}: {why}"))?;
            }
            self.options.push((long.to_owned(), values));
        }
        Ok(())
    }

    fn read_keys(&mut self, table: &Table) -> Result<(), String> {
        let mut keys = Keys::default();
        // What is chosen for one place goes before what is chosen for all, wherever it is written.
        let (local, global): (Vec<_>, Vec<_>) = table.iter().partition(|(_, value)| value.is_table());
        for (name, value) in global.into_iter().chain(local) {
            match value {
                Value::Table(own) => {
                    let places: Vec<_> = Context::all().map(|context| (context, place(context))).collect();
                    let place = known(name, places.iter().map(|(_, place)| place.as_str()))?;
                    let context = places.iter().find(|(_, known)| known == place).map(|(context, _)| *context);
                    for (action, value) in own {
                        rebind(&mut keys, context, action, value).map_err(|why| format!("{name}.{why}"))?;
                    }
                }
                value => rebind(&mut keys, None, name, value)?,
            }
        }
        keys.check()?;
        self.keys = Some(keys);
        Ok(())
    }

    fn read_theme(&mut self, table: &Table) -> Result<(), String> {
        for (name, value) in table {
            let Value::String(value) = value else { return Err(format!("{name}: write a text, in quotation marks")) };
            match known(name, ["ramp", "accent", "background"])? {
                "ramp" => {
                    let ramp =
                        known(value, ColorMap::ALL.map(ColorMap::name)).map_err(|why| format!("{name}: {why}"))?;
                    self.palette.map = ColorMap::ALL.into_iter().find(|map| map.name() == ramp).unwrap_or_default();
                }
                "accent" => self.palette.accent = Some(color(value).map_err(|why| format!("{name}: {why}"))?),
                // The same as the option, in the place where one looks for it.
                _ => {
                    let background = known(value, ["auto", "dark", "light"]).map_err(|why| format!("{name}: {why}"))?;
                    self.options.push(("background".to_owned(), vec![background.to_owned()]));
                }
            }
        }
        Ok(())
    }

    /// The program with the file's values as the defaults of its options, and of those of its commands.
    #[must_use]
    pub fn apply(&self, command: Command) -> Command {
        let command = command.mut_args(|arg| {
            let own = self.options.iter().rfind(|(long, _)| Some(long.as_str()) == arg.get_long());
            own.map_or(arg.clone(), |(_, values)| arg.default_values(values.clone()))
        });
        command.mut_subcommands(|command| self.apply(command))
    }
}

/// The options that mean something for every run, by their long names.
fn options(program: &Command) -> Vec<Arg> {
    let mut all: Vec<Arg> = Vec::new();
    for command in std::iter::once(program).chain(program.get_subcommands()) {
        for arg in command.get_arguments().filter(|arg| !ONCE.contains(&arg.get_id().as_str()) && !arg.is_hide_set()) {
            if arg.get_long().is_some() && !all.iter().any(|known| known.get_long() == arg.get_long()) {
                all.push(arg.clone());
            }
        }
    }
    all
}

/// Options about a single run.
const ONCE: &[&str] = &[
    "help",
    "version",
    "print_marked",
    "print0",
    "csv",
    "json",
    "png",
    "svg",
    "force",
    "weights",
    "farthest",
    "yes",
    "trash",
    "move_to",
    "paths",
    "link_to",
    "copy",
    "save_probe",
    "probe",
    "labels",
    "predict",
    "not",
    "once",
    "exec",
    "keep",
    "source",
    // Of these each command has its own meaning.
    "method",
    "threshold",
    "not",
];

/// The place where keys mean something, as one word.
fn place(context: Context) -> String {
    match context {
        Context::Picture => "picture".to_owned(),
        Context::Pair => "pair".to_owned(),
        context => context.name().to_lowercase(),
    }
}

fn rebind(keys: &mut Keys, context: Option<Context>, action: &str, value: &Value) -> Result<(), String> {
    let table = crate::app::keymap::table();
    let names: Vec<_> = table.iter().map(|(binding, _)| binding.action.name()).collect();
    let name = known(action, names.iter().map(String::as_str))?;
    let chosen: Option<Vec<_>> = match value {
        Value::String(key) => Some(vec![key.clone()]),
        Value::Array(values) => values.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let chosen = chosen.ok_or_else(|| format!("{action}: write a key as \"m\", several as [\"m\", \"F1\"]"))?;
    keys.rebind(context, name, &chosen).map_err(|why| format!("{action}: {why}"))
}

/// The word, if it is one of the known ones.
fn known<'a>(word: &str, all: impl IntoIterator<Item = &'a str>) -> Result<&'a str, String> {
    let all: Vec<_> = all.into_iter().collect();
    if let Some(found) = all.iter().find(|known| **known == word) {
        return Ok(found);
    }
    let nearest = all.iter().min_by_key(|known| strsim::osa_distance(word, known));
    let near = nearest.filter(|known| strsim::osa_distance(word, known) <= word.chars().count().div_ceil(2));
    Err(match near {
        Some(near) => format!("“{word}” is not known: did you mean “{near}”?"),
        None => format!("“{word}” is not known: it may be {}", all.join(", ")),
    })
}

/// A value as it would be typed.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(switch) => Some(switch.to_string()),
        _ => None,
    }
}

/// Whether an option takes a value, as it would on the command line.
fn check(arg: &Arg, value: &str) -> Result<(), String> {
    let possible: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !possible.is_empty() {
        return known(value, possible.iter().map(String::as_str)).map(drop);
    }
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return known(value, ["true", "false"]).map(drop);
    }
    let alone = Command::default().no_binary_name(true).arg(arg.clone().required(false).env(None));
    let typed = format!("--{}={value}", arg.get_long().unwrap_or_default());
    alone.try_get_matches_from([typed]).map(drop).map_err(|error| {
        let sentence = error.to_string();
        let (_, why) = sentence.lines().next().and_then(|line| line.rsplit_once(": ")).unwrap_or(("", "no such value"));
        why.to_owned()
    })
}

/// A color written as `#rrggbb`.
fn color(text: &str) -> Result<[u8; 3], String> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii());
    let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let [_, rgb @ ..] =
        number.ok_or_else(|| format!("“{text}” is no color: write #5cd6be, for example"))?.to_be_bytes();
    Ok(rgb)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::*;
    use crate::{cli::Cli, similarity::Metric};

    fn read(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("config.toml"), &Cli::command())
    }

    fn explore(config: &Config, args: &[&str]) -> crate::cli::explore::ExploreArgs {
        let matches = config.apply(Cli::command()).try_get_matches_from([&["lookalike"], args].concat());
        Cli::from_arg_matches(&matches.expect("they make sense")).expect("they make sense").explore
    }

    #[test]
    fn the_file_gives_defaults_that_the_command_line_overrides() {
        let text = "[options]\nmetric = \"euclidean\"\nthreads = 2\nexact = true\nexclude = [\"a*\", \"b*\"]\n";
        let config = read(text).expect("it is right");
        let args = explore(&config, &[]);
        assert_eq!((args.metric, args.model.how.threads, args.model.how.exact), (Metric::Euclidean, Some(2), true));
        assert_eq!(args.folders.exclude, ["a*", "b*"]);
        let args = explore(&config, &["--metric", "cosine", "--threads=3", "--exclude=c*"]);
        assert_eq!((args.metric, args.model.how.threads), (Metric::Cosine, Some(3)));
        assert_eq!(args.folders.exclude, ["c*"]);
        let matches = config.apply(Cli::command()).try_get_matches_from(["lookalike", "neighbors", "a.jpg"]);
        assert!(matches.is_ok(), "commands take them too, and mind no option that is not theirs");
    }

    #[test]
    fn keys_and_colors_are_read() {
        let config = read(EXAMPLE).expect("it is right");
        let keys = config.keys.as_ref().expect("some were chosen");
        let heatmap = Context::Screen(crate::app::action::Screen::Heatmap);
        assert!(keys.hints(heatmap, &|action| Some(action.hint())).concat().contains(&("z -".into(), "zoom")));
        assert_eq!((config.palette.map, config.palette.accent), (ColorMap::Cividis, Some([255, 128, 0])));
        assert_eq!(explore(&config, &[]).display.background, crate::terminal::capabilities::BackgroundChoice::Light);
        assert!(read("").expect("nothing is something").keys.is_none());
    }

    #[test]
    fn a_key_for_one_place_stands_beside_one_for_all_in_whatever_order_they_are_written() {
        for (place, context) in
            [("browse", Context::Screen(crate::app::action::Screen::Browse)), ("picture", Context::Picture)]
        {
            let config =
                read(&format!("[keys]\nescape = \"X\"\nmark = \"ö\"\n[keys.{place}]\nescape = \"Z\"\nmark = \"ä\"\n"));
            let keys = config.expect("it is right").keys.expect("some were chosen");
            assert_eq!(keys.sentence(context, "{escape} {mark}"), "Z ä", "{place}");
            assert_eq!(keys.sentence(Context::Pair, "{escape} {mark}"), "X ö");
        }
    }

    #[test]
    fn what_is_not_understood_is_said_with_what_may_be_meant() {
        for (text, said) in [
            ("[option]\n", "“option” is not known: did you mean “options”?"),
            ("[options]\nmetrik = \"cosine\"", "“metrik” is not known: did you mean “metric”?"),
            ("[options]\nmetric = \"cosin\"", "metric = cosin: “cosin” is not known: did you mean “cosine”?"),
            ("[options]\nthreads = \"many\"", "threads = many: invalid digit found in string"),
            ("[options]\nexact = 3", "exact = 3: “3” is not known"),
            ("[options]\nhelp = true", "“help” is not known"),
            ("options = 3", "options is a table"),
            ("[keys]\nzom-in = \"i\"", "“zom-in” is not known: did you mean “zoom-in”?"),
            ("[keys]\nzoom-in = \"Foo\"", "zoom-in: “Foo” is no key"),
            ("[keys]\nzoom-in = \"m\"", "“m” would mean both metric and zoom-in"),
            ("[keys.heatmp]\nswap = \"t\"", "“heatmp” is not known: did you mean “heatmap”?"),
            ("[keys.browse]\nswap = \"t\"", "browse.swap: it has no key there"),
            ("[theme]\nramp = \"virdis\"", "ramp: “virdis” is not known: did you mean “viridis”?"),
            ("[theme]\naccent = \"red\"", "accent: “red” is no color"),
            ("[theme]\naccent = 3", "accent: write"),
            ("[keys]\nzoom-in = [\"z\", 3]", "zoom-in: write a key as"),
            ("[options\n", "line 1: "),
            ("[options]\nmetric = \"cosine\"\n= 3\n", "line 3: "),
            ("[options]\n\nmetric = \n", "line 3: "),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.starts_with("the configuration config.toml: ") && error.contains(said), "{text}: {error}");
        }
    }
}
