//! Suggestions for words that are not known: the nearest one that is.

use strsim::damerau_levenshtein;

/// Returns the candidate nearest to a word, upper and lower case being the same; `None` if none is
/// near: a third of the letters may differ, and a candidate may begin with the word.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const FEWEST_LETTERS: usize = 3;
    let word = word.to_lowercase();
    let letters = word.chars().count();
    let most = letters.div_ceil(3);
    let distance = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        match letters >= FEWEST_LETTERS && candidate.starts_with(&word) {
            true => 0,
            false => damerau_levenshtein(&word, &candidate),
        }
    };
    let near = candidates.into_iter().map(|candidate| (distance(candidate), candidate));
    near.filter(|(distance, _)| letters > 1 && *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns `` ; did you mean `x`? `` for the nearest candidate, or an empty text.
#[must_use]
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates)
        .map_or_else(String::new, |candidate| format!("; did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_word_is_suggested_and_distant_ones_are_not() {
        let genres = ["Action", "Drama", "Film-Noir", "Sci-Fi"];
        for (word, expected) in [
            ("Darma", Some("Drama")),
            ("scifi", Some("Sci-Fi")),
            ("film", Some("Film-Noir")),
            ("acton", Some("Action")),
            ("x", None),
            ("Western", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, genres), expected, "{word}");
        }
        assert_eq!(did_you_mean("darma", genres), "; did you mean `Drama`?");
        assert_eq!(did_you_mean("Western", genres), "");
    }
}
