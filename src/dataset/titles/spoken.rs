//! Titles as people write them, from those of catalogues.

use std::borrow::Cow;

use crate::dataset::movies::without_year;

const ARTICLES: [&str; 16] = [
    "the", "a", "an", "le", "la", "les", "l'", "il", "el", "los", "las", "der", "die", "das", "un",
    "une",
];

/// Moves an article from the end of a title to its front: `Matrix, The` is `The Matrix`.
pub(super) fn article_in_front(title: &str) -> Cow<'_, str> {
    let moved = title
        .rsplit_once(", ")
        .filter(|(_, last)| ARTICLES.iter().any(|article| article.eq_ignore_ascii_case(last)));
    match moved {
        Some((rest, article)) if article.ends_with('\'') => Cow::Owned(format!("{article}{rest}")),
        Some((rest, article)) => Cow::Owned(format!("{article} {rest}")),
        None => Cow::Borrowed(title),
    }
}

/// Returns the title as people write it: without aliases, the article in front, and with its year.
/// `Godfather, The (1972)` is `The Godfather (1972)`, and `Seven (a.k.a. Se7en) (1995)` is `Seven
/// (1995)`.
#[must_use]
pub fn spoken_title(title: &str) -> String {
    let stem = without_year(title);
    let year = &title[stem.len()..];
    let mut stem = stem.trim_end();
    while let Some(open) = alias(stem) {
        stem = stem[..open].trim_end();
    }
    let spoken = article_in_front(stem);
    if stem.is_empty() {
        return title.to_string();
    }
    if year.is_empty() { spoken.into_owned() } else { format!("{spoken} {}", year.trim()) }
}

/// Returns where the alias in parentheses at the end of a title begins. `Birdman: Or (The
/// Unexpected Virtue of Ignorance)` has none: what is before them ends with a word that asks for
/// more.
fn alias(title: &str) -> Option<usize> {
    const UNFINISHED: [&str; 6] = ["or", "and", "of", "the", "&", "in"];
    let inner = title.strip_suffix(')')?;
    let mut depth = 1;
    let open = inner.char_indices().rev().find_map(|(at, c)| {
        match c {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })?;
    let before = title[..open].trim_end();
    let last = before.rsplit(' ').next().unwrap_or_default();
    let is_unfinished = UNFINISHED.contains(&last.to_lowercase().as_str())
        && matches!(article_in_front(before), Cow::Borrowed(_));
    let is_whole = !before.is_empty() && !is_unfinished;
    is_whole.then_some(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_written_as_people_do() {
        for (title, spoken) in [
            ("Godfather, The (1972)", "The Godfather (1972)"),
            ("Seven (a.k.a. Se7en) (1995)", "Seven (1995)"),
            ("Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)", "Amelie (2001)"),
            (
                "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
                "The City of Lost Children (1995)",
            ),
            ("Avventura, L' (a.k.a. Adventure, The) (1960)", "L'Avventura (1960)"),
            (
                "Birdman: Or (The Unexpected Virtue of Ignorance) (2014)",
                "Birdman: Or (The Unexpected Virtue of Ignorance) (2014)",
            ),
            ("(500) Days of Summer (2009)", "(500) Days of Summer (2009)"),
            ("Big Bang Theory, The (2007-)", "The Big Bang Theory (2007-)"),
            ("X (a (b) c) (1999)", "X (1999)"),
            ("2012", "2012"),
            ("Alien (1979)", "Alien (1979)"),
            ("(1979)", "(1979)"),
            ("", ""),
            (
                "Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)",
                "The Good, the Bad and the Ugly (1966)",
            ),
        ] {
            assert_eq!(spoken_title(title), spoken, "{title}");
        }
    }
}
