//! Text for people: widths as terminals count them, truncation, numbers and dates; and how what they type is compared.

use std::{borrow::Cow, path::Path};

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many digits [`digits`] gives.
pub const DIGITS: usize = 8;

/// A CRC-32 as it is written where text is: hexadecimal digits, always so many.
#[must_use]
pub fn digits(checksum: u32) -> String {
    format!("{checksum:0DIGITS$x}")
}

/// Terminal columns of a text.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// As much as fits, with an ellipsis at the end when something is missing.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    format!("{}…", head(text, room))
}

/// As much as fits, with an ellipsis in the middle: of file names, the end tells apart as much as the beginning.
#[must_use]
pub fn cut_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let tail: Vec<char> = text
        .chars()
        .rev()
        .scan(0, |used, c| {
            *used += c.width().unwrap_or(0);
            (*used <= room / 2).then_some(c)
        })
        .collect();
    let tail: String = tail.into_iter().rev().collect();
    format!("{}…{tail}", head(text, room - width(&tail)))
}

/// As much of a file name as fits: without its extension before anything is cut out of the name. What stands behind it to
/// tell one face of a picture from another, ` #2`, stays.
#[must_use]
pub fn cut_name(name: &str, columns: usize) -> String {
    if width(name) <= columns {
        return name.to_owned();
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((file, number)) = name.rsplit_once(" #").filter(|(_, number)| is_number(number)) {
        return cut_name(file, columns.saturating_sub(2 + number.len())) + " #" + number;
    }
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
    cut_middle(stem, columns)
}

/// The beginning of a text, as far as it fits.
fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// Padded with blanks at the left to a number of columns.
#[must_use]
pub fn right_aligned(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// A similarity or distance in five characters: as many decimals as there is room for.
#[must_use]
pub fn value(value: f32) -> String {
    if !value.is_finite() {
        return "  –  ".to_owned();
    }
    // Decided after rounding, so that 9.9996 is "10.00" and not "10.000".
    let fitting = (0..=3).rev().map(|decimals| format!("{value:.decimals$}")).find(|text| text.len() <= 5);
    unsigned_zero(fitting.unwrap_or_else(|| format!("{value:.0e}")))
}

/// So many decimals, and no minus before what rounds to 0.
#[must_use]
pub fn rounded(value: f32, decimals: usize) -> String {
    unsigned_zero(format!("{value:.decimals$}"))
}

fn unsigned_zero(written: String) -> String {
    match written.strip_prefix('-') {
        Some(digits) if digits.starts_with('0') && !digits.contains(|c: char| c.is_ascii_digit() && c != '0') => {
            digits.to_owned()
        }
        _ => written,
    }
}

/// A share in percent: one decimal, of a small share as many as its first two digits need, and `–` for a share of nothing.
#[must_use]
pub fn percent(share: f64) -> String {
    const LEAST: f64 = 0.0001;
    match 100.0 * share {
        nothing if nothing.is_nan() => "–".to_owned(),
        tiny if tiny > 0.0 && tiny < LEAST / 2.0 => format!("<{LEAST} %"),
        small if (LEAST / 2.0..0.1).contains(&small) => {
            let decimals = (1.0 - small.log10().floor()).clamp(2.0, 4.0) as usize;
            let digits = format!("{small:.decimals$}");
            format!("{} %", digits.trim_end_matches('0'))
        }
        percent => format!("{percent:.1} %"),
    }
}

/// A count with thousands set apart.
#[must_use]
pub fn count(count: usize) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// "1 image", "2 images".
#[must_use]
pub fn counted(number: usize, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A file size.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let mut scaled = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if scaled < 999.5 {
            let whole = unit == "B" || scaled >= 99.5;
            return if whole { format!("{scaled:.0} {unit}") } else { format!("{scaled:.1} {unit}") };
        }
        scaled /= 1000.0;
    }
    format!("{scaled:.1} TB")
}

/// A duration in the two largest units that matter; `1:35` and `2:05 h` where columns are dear.
#[must_use]
pub fn duration(seconds: u64, short: bool) -> String {
    match seconds {
        60..3600 if short => format!("{}:{:02}", seconds / 60, seconds % 60),
        3600.. if short => format!("{}:{:02} h", seconds / 3600, seconds % 3600 / 60),
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The day of a file's time stamp (nanoseconds since 1970), in UTC.
///
/// Days to a civil date as in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
#[must_use]
pub fn date(nanoseconds: i64) -> String {
    let days = nanoseconds.div_euclid(86_400_000_000_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The first letters of a file name, to stand where its picture will be.
#[must_use]
pub fn initials(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let letters: String = stem.chars().filter(|c| c.is_alphanumeric()).collect();
    head(&letters, 2).to_uppercase()
}

/// A text broken between words into lines of so many columns; a longer word has a line of its own.
#[must_use]
pub fn wrapped(words: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Text as it is compared with what somebody types: without the difference between capitals and small letters, and in the
/// composed compatibility form (NFKC). That comes first, as it makes letters of signs (`№` is `No`), and last, as it puts
/// accents where they belong.
#[must_use]
pub fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    // Through the capitals, so that `ß` is `ss` and a sigma is one wherever it stands in its word; those of `ẞ` are `ß`'s.
    let letters = composed(text.into());
    let small = letters.chars().flat_map(char::to_lowercase);
    let one_case: String = small.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    composed(one_case.into())
}

/// In the composed compatibility form, which nearly all names are in already.
fn composed(text: Cow<'_, str>) -> Cow<'_, str> {
    if is_nfkc_quick(text.chars()) == IsNormalized::Yes { text } else { text.nfkc().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_columns_not_bytes_or_characters() {
        assert_eq!(cut("robin.jpg", 9), "robin.jpg");
        assert_eq!(cut("robin.jpg", 6), "robin…");
        assert_eq!(cut("猫猫猫猫", 5), "猫猫…");
        assert_eq!(cut("猫猫猫猫", 4), "猫…");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(cut_middle("IMG_2024_0001.jpeg", 11), "IMG_2….jpeg");
        assert_eq!(cut_middle("猫猫猫猫", 5), "猫…猫");
        assert_eq!(cut_middle("ab", 1), "…");
        for columns in 0..20 {
            for text in ["IMG_2024_0001.jpeg", "猫猫猫x猫猫", "e\u{301}e\u{301}e\u{301}e\u{301}"] {
                assert!(width(&cut(text, columns)) <= columns, "{text} in {columns}");
                assert!(width(&cut_middle(text, columns)) <= columns, "{text} in {columns}");
            }
        }
    }

    #[test]
    fn a_name_loses_its_extension_first() {
        for (columns, shown) in [(9, "robin.jpg"), (8, "robin"), (5, "robin"), (4, "ro…n"), (1, "…"), (0, "")] {
            assert_eq!(cut_name("robin.jpg", columns), shown, "{columns}");
        }
        assert_eq!(cut_name(".hidden", 5), ".h…en");
        assert_eq!(cut_name("IMG_1234.jpeg", 6), "IMG…34");
        assert_eq!(cut_name("IMG_1234.jpeg #12", 14), "IMG_1234 #12");
        assert_eq!(cut_name("IMG_1234.jpeg #12", 10), "IMG…34 #12");
        assert_eq!(cut_name("a #x.jpeg", 4), "a #x");
    }

    #[test]
    fn values_take_at_most_five_characters() {
        for (number, shown) in [
            (1.0, "1.000"),
            (0.8734, "0.873"),
            (-0.1234, "-0.12"),
            (9.9996, "10.00"),
            (-0.004, "0.00"),
            (-0.006, "-0.01"),
            (12.345, "12.35"),
            (123.46, "123.5"),
            (99_999.4, "99999"),
            (123_456.0, "1e5"),
            (f32::NAN, "  –  "),
        ] {
            assert_eq!(value(number), shown, "{number}");
        }
    }

    #[test]
    fn what_rounds_to_zero_has_no_sign() {
        for (number, decimals, shown) in [
            (-0.04, 1, "0.0"),
            (-0.06, 1, "-0.1"),
            (-0.4, 0, "0"),
            (0.25, 1, "0.2"),
            (-0.0004, 3, "0.000"),
            (f32::NAN, 2, "NaN"),
            (f32::NEG_INFINITY, 1, "-inf"),
        ] {
            assert_eq!(rounded(number, decimals), shown, "{number}");
        }
    }

    #[test]
    fn shares_have_the_decimals_that_they_need() {
        for (share, shown) in [
            (0.07, "7.0 %"),
            (0.01, "1.0 %"),
            (0.001, "0.1 %"),
            (0.0123, "1.2 %"),
            (0.0001, "0.01 %"),
            (0.00025, "0.025 %"),
            (0.000_999_9, "0.1 %"),
            (0.000_001, "0.0001 %"),
            (1e-9, "<0.0001 %"),
            (0.0, "0.0 %"),
            (1.0, "100.0 %"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(percent(share), shown, "{share}");
        }
    }

    #[test]
    fn counts_sizes_and_dates_are_for_people() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([bytes(0), bytes(999), bytes(1500), bytes(84_000_000)], ["0 B", "999 B", "1.5 kB", "84.0 MB"]);
        let durations = |short| [5, 65, 3661].map(|seconds| duration(seconds, short));
        assert_eq!(durations(false), ["5 s", "1 min 05 s", "1 h 01 min"]);
        assert_eq!(durations(true), ["5 s", "1:05", "1:01 h"]);
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(951_782_400_000_000_000), "2000-02-29");
        assert_eq!(date(1_735_689_600_000_000_000), "2025-01-01");
    }

    #[test]
    fn initials_come_from_letters_and_digits_only() {
        assert_eq!(initials(Path::new("a/robin.jpg")), "RO");
        assert_eq!(initials(Path::new("猫.jpg")), "猫");
        assert_eq!(initials(Path::new("\u{1b}[31m.png")), "31");
        assert_eq!(initials(Path::new("---")), "");
    }

    #[test]
    fn a_character_is_found_by_whatever_stands_for_it() {
        // Beyond are signs without capitals.
        for c in '\u{80}'..='\u{1ffff}' {
            let text = c.to_string();
            let wanted = folded(&text).into_owned();
            assert_eq!(folded(&wanted), wanted, "{c:?} is folded to the end at once");
            assert!(!wanted.chars().any(|c| c.is_uppercase() && c.to_lowercase().ne([c])), "{c:?}: {wanted:?}");
            for other in [text.to_uppercase(), text.to_lowercase(), text.nfkc().collect(), text.nfkd().collect()] {
                assert_eq!(folded(&other), wanted, "{c:?} as {other:?}");
            }
        }
    }
}
