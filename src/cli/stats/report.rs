//! One page that shows everything.

use std::io::Write;
use std::mem;
use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{InputArgs, MoviesArgs};
use crate::cli::error::{Result, usage};
use crate::cli::ui::Ui;
use crate::dataset::RatingScan;
use crate::dataset::ids::IdLookup;
use crate::dataset::movies::Movies;
use crate::io::IoError;
use crate::io::atomic::AtomicFile;
use crate::plot::dashboard::{MovieTable, PickedMovies, ReportData};
use crate::plot::report_page;
use crate::stats::full_report::{MovieHistories, ReportAggregator};
use crate::stats::genres::genres;
use crate::stats::movies::{MovieFigures, Order, all_ranked, figures, ranked};
use crate::stats::sums::RatingSums;
use crate::stats::timeline::PeriodLength;
use crate::stats::users::users;

/// Make a page of everything: figures, charts, lists and a movie picker
///
/// One HTML file that needs nothing else: open it in any browser, send it, print it. It shows key
/// figures, ratings over time, by stars, by user and by genre, the most rated, best rated and most
/// polarising movies, and of each movie its average by month, its ratings so far and the
/// ratings themselves. Of large data, only the most rated movies can be picked, and the latest of
/// their ratings are shown.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec stats report ml -o report.html
  mvrec filter --year 2018 ml | mvrec stats report --movies ml --min-ratings 20 -o 2018.html")]
pub(super) struct ReportPageArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    movies: MoviesArgs,
    /// Page to write; its name ends in .html
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Least ratings of a movie in the lists of the best rated and the most polarising
    #[arg(long, default_value_t = 50, value_name = "N")]
    min_ratings: u64,
    /// Length of these lists
    #[arg(short, default_value_t = 50, value_name = "N")]
    n: usize,
    /// Name of the data in the title [default: that of INPUT]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Ratings of which all are in the page, each with its user and day: more would make it too large
/// to send.
const MOST_RATINGS: u64 = 150_000;
/// Movies of larger data that can be picked, and their latest ratings that are in the page.
const MOST_MOVIES: usize = 1_500;
const LATEST: usize = 20;

impl ReportPageArgs {
    pub(super) fn run(&self, ui: &Ui) -> Result<()> {
        let ending = self.output.extension().unwrap_or_default().to_ascii_lowercase();
        if ending != "html" && ending != "htm" {
            return Err(usage("the report is a page: give -o a name that ends in .html"));
        }
        let name = self.output.display().to_string();
        let mut file = AtomicFile::create(&self.output)?;
        let scan = self.input.scan(ui)?;
        let data = self.data(&scan, ui)?;
        ui.finish();
        file.write_all(report_page(&data).as_bytes()).map_err(IoError::named(name))?;
        Ok(file.commit()?)
    }

    fn data(&self, scan: &RatingScan, ui: &Ui) -> Result<ReportData> {
        let everything = scan.aggregate(ui, ReportAggregator::default)?;
        let rated = everything.movies.finish();
        let known = self.movies.movies_for_scan(scan, true)?;
        MoviesArgs::tell(known.as_ref(), rated.iter().map(|(id, _)| *id), ui);
        let summary = everything.totals.finish();
        let users = users(&everything.users.finish());
        let none = Movies::default();
        let genres = genres(&rated, known.as_ref().unwrap_or(&none));
        let months = everything.days.finish(PeriodLength::Month).remove(0);

        let most_rated = figures(&all_ranked(&rated, 1, Order::MostRated), known.as_ref());
        let whole = summary.ratings as u64 <= MOST_RATINGS;
        let n = if whole { most_rated.len() } else { most_rated.len().min(MOST_MOVIES) };
        let picked = &most_rated[..n];
        let mut ids: Vec<i32> = picked.iter().map(|movie| movie.movie_id.0).collect();
        ids.sort_unstable();
        let lookup = IdLookup::new(&ids);
        let latest = if whole { usize::MAX / 4 } else { LATEST };
        let mut by_id = scan.aggregate(ui, || MovieHistories::new(&lookup, n, latest))?.finish();
        let histories = picked.iter().map(|movie| {
            let at = lookup.get(movie.movie_id.0).expect("it was one of them");
            mem::take(&mut by_id[at as usize])
        });
        let histories: Vec<_> = histories.collect();
        let user_keys = scan.user_keys()?;
        let picked = PickedMovies {
            movies: picked,
            histories: &histories,
            of: most_rated.len(),
            user_keys: user_keys.as_ref(),
            titles: known.as_ref(),
        };
        let lists = self.lists(&rated, known.as_ref(), &most_rated);
        Ok(ReportData::new(&self.name()?, &summary, &users, &genres, months, lists, &picked))
    }

    fn lists(
        &self,
        rated: &[(i32, RatingSums)],
        known: Option<&Movies>,
        most_rated: &[MovieFigures],
    ) -> Vec<MovieTable> {
        let cut = |list: &[MovieFigures]| list[..list.len().min(self.n)].to_vec();
        let of = |order| figures(&ranked(rated, self.min_ratings, order, |_| true, self.n), known);
        let least = format!("Of at least {} ratings", self.min_ratings);
        vec![
            MovieTable::new("popular", "Most rated", "By the number of ratings.", &cut(most_rated)),
            MovieTable::new(
                "best",
                "Best rated",
                &format!("{least}, by their average."),
                &of(Order::BestRated),
            ),
            MovieTable::new(
                "polarising",
                "Most polarising",
                &format!("{least}, by the standard deviation of their ratings."),
                &of(Order::MostPolarising),
            ),
        ]
    }

    fn name(&self) -> Result<String> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let path = self.input.path()?;
        Ok(match path.file_stem().map(|stem| stem.to_string_lossy()) {
            Some(stem) if stem != "-" => stem.into_owned(),
            _ => "stdin".into(),
        })
    }
}
