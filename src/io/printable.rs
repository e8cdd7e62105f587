//! Sanitizes untrusted text for terminals and pictures.

use std::borrow::Cow;

/// Replaces control characters (terminal escape codes; not allowed in XML) and bidirectional
/// overrides by U+FFFD.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_safe = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
    };
    match text.chars().all(is_safe) {
        true => Cow::Borrowed(text),
        false => text.chars().map(|c| if is_safe(c) { c } else { '\u{fffd}' }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_others_stay() {
        for plain in ["", "Amélie", "千と千尋 🎬", "a\u{a0}b", "שלום"] {
            assert_eq!(printable(plain), plain);
        }
        assert_eq!(printable("\u{1b}[2J\u{9b}31mred\r\n\u{202e}dne"), "�[2J�31mred���dne");
    }
}
