//! `mvrec help`: the help of a command, or a topic.

use clap::{Args, Command};
use clap_mangen::roff::{Roff, roman};

use crate::cli::error::{Result, usage};
use crate::cli::output::print;
use crate::suggest::did_you_mean;

/// Topics by name, with a line and a text.
const TOPICS: [(&str, &str, &str); 5] = [
    ("formats", "Files that are read and written", include_str!("topics/formats.md")),
    ("expressions", "Conditions of --where", include_str!("topics/expressions.md")),
    ("metrics", "Metrics of evaluate", include_str!("topics/metrics.md")),
    ("models", "Which model for which question", include_str!("topics/models.md")),
    ("exit-codes", "Exit codes, and what happens to outputs", include_str!("topics/exit-codes.md")),
];

/// Print the help of a command, or a topic
///
/// Topics: formats, expressions, metrics, models, exit-codes.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec help train als
  mvrec help expressions")]
pub(crate) struct HelpArgs {
    /// Command with its subcommand, or a topic
    #[arg(value_name = "COMMAND|TOPIC")]
    words: Vec<String>,
}

pub(crate) fn run(args: &HelpArgs, mut command: Command) -> Result<()> {
    if let [name] = &args.words[..]
        && let Some((.., text)) = TOPICS.iter().find(|(topic, ..)| topic == name)
    {
        return print(text.as_bytes());
    }
    command.build();
    let mut found = &mut command;
    for (at, word) in args.words.iter().enumerate() {
        let mut known: Vec<String> =
            found.get_subcommands().map(|command| command.get_name().to_string()).collect();
        if at == 0 {
            known.extend(TOPICS.map(|(topic, ..)| topic.to_string()));
        }
        let suggestion = did_you_mean(word, known.iter().map(String::as_str));
        let Some(next) = found.find_subcommand_mut(word) else {
            return Err(usage(format!("there is no command or topic `{word}`{suggestion}")));
        };
        found = next;
    }
    print(found.render_long_help().to_string().as_bytes())
}

/// Returns the manual page of each topic, by file name.
pub(super) fn topic_pages() -> impl Iterator<Item = (String, Vec<u8>)> {
    TOPICS.iter().map(|(topic, line, text)| {
        let mut page = Roff::default();
        let name = format!("mvrec-{topic}");
        page.control("TH", [name.as_str(), "7"]).control("SH", ["NAME"]);
        page.text([roman(format!("{name} - {line}"))]);
        page.control("SH", ["DESCRIPTION"]).control("nf", []);
        text.lines().skip(2).for_each(|line| {
            page.text([roman(line)]);
        });
        page.control("fi", []);
        (format!("{name}.7"), page.render().into_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_fit_a_terminal_and_name_what_there_is() {
        for (topic, _, text) in TOPICS {
            for line in text.lines() {
                assert!(line.chars().count() <= 100, "{topic}: {line}");
            }
            assert!(text.starts_with("# ") && text.ends_with('\n'), "{topic}");
        }
        let metrics = TOPICS[2].2;
        for metric in crate::eval::ranking::RankingMetric::ALL {
            assert!(metrics.contains(&format!("{}@k", metric.name())), "{}", metric.name());
        }
        let expressions = TOPICS[1].2;
        for (field, _) in crate::dataset::expr::Field::ALL {
            assert!(expressions.contains(field), "{field}");
        }
    }

    #[test]
    fn each_topic_is_a_manual_page() {
        let pages: Vec<(String, Vec<u8>)> = topic_pages().collect();
        assert_eq!(pages.len(), TOPICS.len());
        let (name, page) = &pages[0];
        let page = String::from_utf8_lossy(page);
        assert_eq!(name, "mvrec-formats.7");
        assert!(page.contains(".TH mvrec-formats 7") && page.contains("ratings.parquet"), "{page}");
    }
}
