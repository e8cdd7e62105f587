//! Canonical form of titles: equal for the spellings that people use of one title.
//!
//! Case, accents, punctuation and apostrophes are dropped, `&` is `and`, a moved article stands in
//! front, numerals are digits (`II`, `two`), a label before a numeral is dropped (`Part II`,
//! `Vol. 2`), titles of user are abbreviated (`Doctor`), initials are one word (`E.T.`).

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::dataset::titles::spoken::article_in_front;

/// Brings a title, without its year, to canonical form: words separated by spaces.
pub(super) fn canonical(title: &str) -> String {
    let words = words_of(title);
    let mut out = String::with_capacity(words.len());
    let mut initials = String::new();
    let mut label = None;
    let mut tens = None;
    let mut is_first = true;
    let all: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    for (at, &word) in all.iter().enumerate() {
        let is_initial = |word: &str| word.len() == 1 && word.as_bytes()[0].is_ascii_lowercase();
        let next_is_initial = all.get(at + 1).is_some_and(|next| is_initial(next));
        if is_initial(word) && (!initials.is_empty() || next_is_initial) {
            initials.push_str(word);
            if next_is_initial {
                continue;
            }
        }
        let number = if initials.is_empty() { numeral(word, is_first) } else { None };
        let joined = std::mem::take(&mut initials);
        is_first = false;
        if let Some(number) = number {
            label = None;
            // Tens and units are written as two words.
            let before: Option<u32> = tens.take();
            if let (Some(before), 1..=9) = (before, number) {
                let length = out.len() - before.to_string().len();
                out.truncate(length);
                out.push_str(&(before + number).to_string());
                continue;
            }
            tens = (number >= 20 && number % 10 == 0 && !word.as_bytes()[0].is_ascii_digit())
                .then_some(number);
            push_word(&mut out, &number.to_string());
            continue;
        }
        tens = None;
        if let Some(label) = label.take() {
            push_word(&mut out, label);
        }
        if !joined.is_empty() {
            push_word(&mut out, &joined);
        } else if LABELS.contains(&word) && !out.is_empty() {
            label = Some(word);
        } else {
            push_word(&mut out, abbreviated(word));
        }
    }
    if let Some(label) = label {
        push_word(&mut out, label);
    }
    out
}

/// Words that only say that a numeral follows.
const LABELS: [&str; 8] = ["part", "pt", "episode", "ep", "vol", "volume", "chapter", "pts"];

fn push_word(out: &mut String, word: &str) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(word);
}

/// Long and canonical forms.
const ABBREVIATIONS: [(&str, &str); 11] = [
    ("doctor", "dr"),
    ("mister", "mr"),
    ("missus", "mrs"),
    ("saint", "st"),
    ("versus", "vs"),
    ("sergeant", "sgt"),
    ("lieutenant", "lt"),
    ("junior", "jr"),
    ("senior", "sr"),
    ("mount", "mt"),
    ("okay", "ok"),
];

fn abbreviated(word: &str) -> &str {
    ABBREVIATIONS.iter().find(|(long, _)| *long == word).map_or(word, |(_, short)| short)
}

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] =
    ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// Returns the value of a numeral: digits, an English number word, or a Roman numeral. A single
/// letter at the beginning of a title is no numeral.
fn numeral(word: &str, is_first: bool) -> Option<u32> {
    if word.len() <= 6 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.parse().ok();
    }
    if let Some(at) = UNITS.iter().position(|unit| *unit == word) {
        return Some(at as u32);
    }
    if let Some(at) = TENS.iter().position(|ten| *ten == word) {
        return Some(20 + 10 * at as u32);
    }
    if word.len() == 1 && is_first {
        return None;
    }
    roman(word)
}

const ROMAN_UNITS: [&str; 10] = ["", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"];

/// Returns the value of a Roman numeral up to 39.
fn roman(word: &str) -> Option<u32> {
    let units = word.trim_start_matches('x');
    let tens = word.len() - units.len();
    let unit = ROMAN_UNITS.iter().position(|unit| *unit == units)?;
    let value = 10 * tens as u32 + unit as u32;
    (1..=39).contains(&value).then_some(value)
}

/// Lower case without accents and punctuation; the moved article (`Misérables, Les`) back in front.
fn words_of(title: &str) -> String {
    let title = article_in_front(title.trim());
    let mut words = String::with_capacity(title.len());
    let mut apart = false;
    let mut push = |c: char| {
        if c == '&' {
            words.push_str(" and");
            apart = true;
        } else if c.is_alphanumeric() {
            if apart && !words.is_empty() {
                words.push(' ');
            }
            apart = false;
            words.extend(c.to_lowercase());
        } else if !is_combining_mark(c) && !matches!(c, '\'' | '’' | '`' | 'ʻ') {
            // An apostrophe is often left out, and the word written on.
            apart = true;
        }
    };
    if title.is_ascii() {
        title.chars().for_each(&mut push)
    } else {
        title.nfkd().for_each(push)
    }
    words
}

/// Leaves out an English article in front.
pub(super) fn bare(title: &str) -> &str {
    ["the ", "a ", "an "].iter().find_map(|article| title.strip_prefix(article)).unwrap_or(title)
}

/// Whether two titles are equal, with or without spaces between their words.
pub(super) fn is_equal(a: &str, b: &str) -> bool {
    a == b || letters(a).eq(letters(b))
}

fn letters(title: &str) -> impl Iterator<Item = u8> {
    title.bytes().filter(|byte| *byte != b' ')
}

/// Returns the words that contain digits.
pub(super) fn numerals(title: &str) -> impl Iterator<Item = &str> {
    title.split(' ').filter(|word| word.bytes().any(|byte| byte.is_ascii_digit()))
}

/// Returns the spellings that a canonical word may have in raw titles; empty if they are too many
/// or too short to search for.
pub(super) fn spellings_of(word: &str) -> Vec<String> {
    if !word.is_ascii() || word == "and" {
        return Vec::new();
    }
    if let Ok(number) = word.parse::<u32>() {
        let of_number = |spelling: &&str| numeral(spelling, false) == Some(number);
        let words = UNITS.iter().chain(&TENS).copied().filter(of_number);
        let roman = (1..40).map(to_roman).filter(|spelling| of_number(&spelling.as_str()));
        let all: Vec<String> =
            words.map(String::from).chain(roman).chain([word.to_string()]).collect();
        // A single Roman letter is in nearly every title, and compound numbers have two words.
        let is_searchable =
            number <= 20 && !all.iter().any(|spelling| spelling.len() == 1 && spelling != word);
        return if is_searchable { all } else { Vec::new() };
    }
    if word.bytes().any(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let long = ABBREVIATIONS.iter().filter(|(_, short)| *short == word).map(|(long, _)| *long);
    long.chain([word]).map(String::from).collect()
}

/// Returns a number up to 39 as a Roman numeral.
fn to_roman(number: u32) -> String {
    format!("{}{}", "x".repeat(number as usize / 10), ROMAN_UNITS[number as usize % 10])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_title_have_one_canonical_form() {
        for spellings in [
            &["Godfather: Part II, The", "the godfather 2", "The Godfather part two"][..],
            &["Kill Bill: Vol. 1", "kill bill volume one", "Kill Bill 1"],
            &["Star Wars: Episode IV", "star wars episode 4"],
            &["12 Angry Men", "Twelve angry men"],
            &["Lock, Stock & Two Smoking Barrels", "Lock Stock and 2 Smoking Barrels"],
            &["Dr. Strangelove", "doctor strangelove"],
            &["E.T.", "ET"],
            &["L.A. Confidential", "LA Confidential"],
            &["M*A*S*H", "mash"],
            &["Rocky V", "rocky five"],
            &["Twenty-One Jump Street", "21 jump street"],
            &["Schindler's List", "Schindlers list"],
            &["Misérables, Les", "les miserables"],
        ] {
            let first = canonical(spellings[0]);
            for spelling in spellings {
                assert_eq!(canonical(spelling), first, "{spelling}");
            }
        }
        for (title, form) in [
            ("X-Men", "x men"),
            ("V for Vendetta", "v for vendetta"),
            ("I, Robot", "i robot"),
            ("Se7en", "se7en"),
            ("American History X", "american history 10"),
            ("Part of Your World", "part of your world"),
            ("", ""),
        ] {
            assert_eq!(canonical(title), form);
        }
        let spellings = |word: &str| {
            let mut all = spellings_of(word);
            all.sort();
            all
        };
        assert_eq!(spellings("7"), ["7", "seven", "vii"]);
        assert_eq!(spellings("dr"), ["doctor", "dr"]);
        assert_eq!(spellings("angry"), ["angry"]);
        assert!(spellings("5").is_empty() && spellings("and").is_empty());
        assert!(is_equal("x men", "xmen") && !is_equal("x men", "y men"));
    }
}
