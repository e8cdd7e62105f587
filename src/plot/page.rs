//! Pages that stand alone: style, script and data are in the file, and nothing is fetched.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::io::printable::printable;
use crate::plot::Figure;
use crate::plot::dashboard::ReportData;

const STYLE: &str = include_str!("assets/style.css");
const CHARTS: &str = include_str!("assets/charts.js");
const FIGURE: &str = include_str!("assets/figure.js");
const REPORT: &str = include_str!("assets/report.js");

/// Nothing may be loaded, whatever the page says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// Makes a page of one figure.
#[must_use]
pub fn figure_page(figure: &Figure) -> String {
    // Within strings of JSON `<` can be written so that no markup begins with it; elsewhere it does
    // not occur.
    let data = to_json(figure).replace('<', "\\u003c");
    page(&figure.title, "application/json", &data, FIGURE)
}

/// Makes the page of a report. Its data is packed, since titles and ratings of thousands of movies
/// are much text.
#[must_use]
pub fn report_page(report: &ReportData) -> String {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    let packed = packer.write_all(to_json(report).as_bytes()).and_then(|()| packer.finish());
    let data = STANDARD.encode(packed.expect("memory takes all that is packed"));
    page(&report.title, "application/octet-stream", &data, REPORT)
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers, texts and lists are JSON")
}

fn page(title: &str, kind: &str, data: &str, script: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main></main>\n\
         <noscript>This page draws its charts by script.</noscript>\n\
         <script id=\"data\" type=\"{kind}\">{data}</script>\n<script>\n{CHARTS}{script}</script>\n</body>\n</html>\n"
    )
}

/// Writes a text so that no markup is in it.
fn escaped(text: &str) -> String {
    let text = printable(text).replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{FigureAxis, FigurePanel};

    #[test]
    fn no_title_becomes_markup() {
        let title = "</script><img src=x onerror=alert(1)>\"'&<!-- 🎬";
        let figure = Figure {
            title: title.into(),
            note: title.into(),
            panels: vec![FigurePanel::named_columns(
                title,
                FigureAxis::number(title),
                [(title.into(), 1.0)],
            )],
        };
        let page = figure_page(&figure);
        assert!(!page.contains("<img") && !page.contains("<!--"));
        assert_eq!(page.matches("</script>").count(), 2);
        // What the script reads is the title, letter by letter.
        let data =
            page.split_once("application/json\">").unwrap().1.split_once("</script>").unwrap().0;
        let read: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(read["title"], title);
    }
}
