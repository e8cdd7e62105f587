//! Pictures of the reports on ratings.

use chrono::NaiveDate;

use crate::dataset::titles::spoken_title;
use crate::plot::ticks::thousands;
use crate::plot::{
    Figure, FigureAxis, FigurePanel, HistogramBar, PanelMarks, PlotColumn, PlotLine,
};
use crate::stats::genres::GenreFigures;
use crate::stats::movie::OneMovie;
use crate::stats::movies::{MovieFigures, Order};
use crate::stats::summary::Summary;
use crate::stats::timeline::{PeriodLength, TimelinePeriod};
use crate::stats::users::UserReport;

/// Most bars of a picture: as many as can be read at a glance.
const MOST_BARS: usize = 40;

/// Most lines of a picture: as many as there are colours.
const MOST_LINES: usize = 7;

const STARS: &str = "average rating, stars";

/// Draws how often each rating value was given.
#[must_use]
pub fn summary(summary: &Summary) -> Figure {
    Figure {
        title: "Ratings by stars".into(),
        note: format!(
            "{} ratings by {} users of {} movies{}",
            thousands(summary.ratings as u64),
            thousands(summary.users as u64),
            thousands(summary.movies as u64),
            average(summary.mean_rating)
        ),
        panels: vec![histogram(&summary.histogram)],
    }
}

/// Draws a histogram of ratings.
#[must_use]
pub fn histogram(histogram: &[(f32, u64)]) -> FigurePanel {
    let named = histogram.iter().map(|(stars, n)| (stars.to_string(), *n as f64));
    FigurePanel::named_columns("stars", FigureAxis::number("ratings"), named)
}

/// Draws what share of all ratings the busiest users give, and how many ratings users give.
#[must_use]
pub fn users(report: &UserReport) -> Figure {
    let shares = report.top.iter().map(|top| (format!("{} %", top.top_percent), 100.0 * top.share));
    let bins = report.bins.iter().map(|bin| {
        let name = if bin.from == bin.to {
            bin.from.to_string()
        } else {
            format!("{}–{}", bin.from, bin.to)
        };
        (name, bin.users as f64)
    });
    let share = FigureAxis::number("share of all ratings, %");
    Figure {
        title: "Ratings per user".into(),
        note: report.mean.map_or(String::new(), |mean| {
            format!("{} users, {mean:.1} ratings each on average", thousands(report.users as u64))
        }),
        panels: vec![
            FigurePanel::named_columns("busiest users, share of all users", share, shares),
            FigurePanel::named_columns("ratings of a user", FigureAxis::number("users"), bins),
        ],
    }
}

/// Draws how many ratings each genre has.
#[must_use]
pub fn genres(genres: &[GenreFigures]) -> Figure {
    let bars = genres.iter().map(|genre| HistogramBar {
        name: genre.genre.clone(),
        value: genre.total_ratings as f64,
        interval: None,
        text: format!("{:.1} %, {:.2} stars", 100.0 * genre.share, genre.avg_rating),
    });
    let bars = bars.take(MOST_BARS).collect();
    Figure {
        title: "Ratings by genre".into(),
        note: cut("A movie counts in each of its genres.", genres.len()),
        panels: vec![FigurePanel::bars(FigureAxis::number("ratings"), bars)],
    }
}

/// Draws a list of movies by what it is ordered by.
#[must_use]
pub fn movies(title: &str, movies: &[MovieFigures], order: Order) -> Figure {
    named_movies(title, movies, movies.iter().map(name).collect(), order)
}

/// Draws a list of movies, each with the genre that it was chosen for.
#[must_use]
pub fn best_by_genre(movies: &[MovieFigures], genres: &[&str]) -> Figure {
    let names = genres.iter().zip(movies).map(|(genre, movie)| format!("{genre}: {}", name(movie)));
    named_movies("Best of each genre", movies, names.collect(), Order::BestRated)
}

fn named_movies(title: &str, movies: &[MovieFigures], names: Vec<String>, order: Order) -> Figure {
    let bars = movies.iter().zip(names).take(MOST_BARS).map(|(movie, name)| {
        let n = movie.total_ratings;
        let (value, text) = match order {
            Order::MostRated => {
                (n as f64, format!("{}, {:.2} stars", thousands(n), movie.avg_rating))
            }
            Order::BestRated => {
                (movie.avg_rating, format!("{:.2} of {}", movie.avg_rating, thousands(n)))
            }
            Order::MostPolarising => {
                let deviation = movie.stddev_rating.unwrap_or(0.0);
                (deviation, format!("{deviation:.2} of {}", thousands(n)))
            }
        };
        HistogramBar { name, value, interval: None, text }
    });
    let axis = match order {
        Order::MostRated => "ratings",
        Order::BestRated => "average rating, stars (of how many ratings)",
        Order::MostPolarising => "standard deviation, stars (of how many ratings)",
    };
    let bars = bars.collect();
    Figure {
        title: title.into(),
        note: cut("", movies.len()),
        panels: vec![FigurePanel::bars(FigureAxis::number(axis), bars)],
    }
}

pub(super) fn name(movie: &MovieFigures) -> String {
    let title = movie.title.as_ref().filter(|title| !title.is_empty());
    let title = title.map(|title| spoken_title(title)).or_else(|| movie.movie_key.clone());
    title.unwrap_or_else(|| format!("movie {}", movie.movie_id))
}

/// Draws averages and numbers of ratings over time, of everything or of several things.
#[must_use]
pub fn timeline(
    title: &str,
    lines: &[(String, Vec<TimelinePeriod>)],
    every: PeriodLength,
) -> Figure {
    let note = match lines.len().checked_sub(MOST_LINES) {
        Some(left) if left > 0 => format!("The first {MOST_LINES} of {}.", lines.len()),
        _ => String::new(),
    };
    Figure { title: title.into(), note, panels: over_time(lines, every) }
}

/// Returns the panels of averages, numbers and cumulative numbers of ratings.
#[must_use]
pub fn over_time(lines: &[(String, Vec<TimelinePeriod>)], every: PeriodLength) -> Vec<FigurePanel> {
    let lines = &lines[..lines.len().min(MOST_LINES)];
    let of = |value: &dyn Fn(&TimelinePeriod) -> Option<f64>| -> Vec<PlotLine> {
        let line = |(name, periods): &(String, Vec<TimelinePeriod>)| PlotLine {
            name: name.clone(),
            points: periods.iter().map(|period| (middle(period, every), value(period))).collect(),
        };
        lines.iter().map(line).collect()
    };
    let unit = match every {
        PeriodLength::Day => "day",
        PeriodLength::Week => "week",
        PeriodLength::Month => "month",
        PeriodLength::Year => "year",
    };
    let mut averages = of(&|period| period.avg_rating);
    let so_far = of(&|period| Some(period.cumulative_avg));
    let counts = match lines {
        [(_, periods)] => {
            averages[0].name = format!("in the {unit}");
            averages
                .extend(so_far.into_iter().map(|line| PlotLine { name: "so far".into(), ..line }));
            let columns = periods.iter().map(|period| PlotColumn {
                from: days(period.start),
                to: end(period, every),
                value: period.total_ratings as f64,
            });
            PanelMarks::Columns(columns.collect())
        }
        _ => PanelMarks::Lines(of(&|period| Some(period.total_ratings as f64))),
    };
    let panel = |label: &str, marks| FigurePanel {
        x: FigureAxis::day("time (UTC)"),
        y: FigureAxis::number(label),
        marks,
    };
    vec![
        panel(STARS, PanelMarks::Lines(averages)),
        panel(&format!("ratings per {unit}"), counts),
        panel(
            "ratings so far",
            PanelMarks::Lines(of(&|period| Some(period.cumulative_ratings as f64))),
        ),
    ]
}

/// Draws the ratings that a movie got, and its years.
#[must_use]
pub fn movie(title: &str, movie: &OneMovie) -> Figure {
    let mut panels = vec![histogram(&movie.histogram)];
    panels.extend(over_time(&[(title.to_string(), movie.timeline.clone())], PeriodLength::Year));
    Figure {
        title: title.into(),
        note: format!("{} ratings{}", thousands(movie.total_ratings), average(movie.avg_rating)),
        panels,
    }
}

/// Ends a note with an average, where there is one.
fn average(mean: Option<f64>) -> String {
    mean.map_or(String::new(), |mean| format!(", average {mean:.3} stars"))
}

fn days(date: NaiveDate) -> f64 {
    date.to_epoch_days().into()
}

fn end(period: &TimelinePeriod, every: PeriodLength) -> f64 {
    every.next(period.start).map_or_else(|| days(period.start) + 1.0, days)
}

fn middle(period: &TimelinePeriod, every: PeriodLength) -> f64 {
    (days(period.start) + end(period, every)) / 2.0
}

/// Says that not everything is shown.
fn cut(note: &str, n: usize) -> String {
    match n > MOST_BARS {
        true => {
            format!("{note} The first {MOST_BARS} of {}.", thousands(n as u64)).trim_start().into()
        }
        false => note.into(),
    }
}
