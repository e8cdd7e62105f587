//! `mvrec recommend`

mod resolve;
mod rows;
mod stream;
mod which;
mod who;

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use clap::Args;
use rayon::prelude::*;

use crate::cli::args::{MoviesArgs, SparkArgs, set_seen};
use crate::cli::error::{Result, usage};
use crate::cli::output::columns::{ids, rows_of, scores, some_texts};
use crate::cli::output::{Report, ReportArgs, ReportSink};
use crate::cli::recommend::resolve::scale;
use crate::cli::recommend::rows::{RankedList, Rows, check_fields, drawn};
use crate::cli::recommend::stream::JsonLinesServer;
use crate::cli::recommend::which::WhichArgs;
use crate::cli::recommend::who::{Audience, JsonLines, WhoArgs};
use crate::cli::ui::Ui;
use crate::dataset::ids::{ItemIx, MovieId, UserId};
use crate::dataset::keyed::translate;
use crate::dataset::load::load;
use crate::dataset::title_source::own_keys;
use crate::io::keys::Keys;
use crate::io::profiles::UserProfile;
use crate::model::folder::ModelFolder;
use crate::model::open::user_ids;
use crate::model::query::Query;
use crate::model::ranker::Ranker;
use crate::model::{Model, ModelError, ScoreKind, TargetUser, UserSelection};
use crate::progress::Progress;

/// List the movies that a model recommends
///
/// For users of the training data, for new users whose ratings are given here, or similar to one
/// movie; or the users most similar to one. A movie is given by its id or its title: case, accents,
/// the year and the position of `The` do not matter, and typos are tolerated.
/// The meaning of `score` is printed on stderr.
///
/// --ratings - with JSON lines answers each with a line as soon as it comes: {"id": ..., "ratings":
/// {"Alien": 5, "49": 1}}.
#[derive(Debug, Args)]
#[command(
    override_usage = "mvrec recommend [OPTIONS] <WHO> <MODEL>\n       (WHO: an option under \"Who\", such as --user ID or --rate MOVIE=STARS)",
    after_long_help = "Examples:
  mvrec recommend als --user 17 -n 20
  mvrec recommend als --rate \"Spirited Away=5\" --rate \"Twilight (2008)=1\" --genre Animation --explain
  mvrec recommend als --like alien --released ..1990 --diversify 0.3
  mvrec recommend als --all-users -n 100 -o lists.parquet
  mvrec recommend als --ratings people.jsonl -o answers.jsonl"
)]
pub(crate) struct RecommendArgs {
    /// Model directory, mvrec's own or Spark's
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    spark: SparkArgs,
    /// Ratings of the users, of which a model of Spark's stores none: left out of their lists
    #[arg(long, value_name = "INPUT", help_heading = "Models of Spark")]
    seen: Option<PathBuf>,
    /// Explain each movie by the N ratings that contribute most to its score
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "3",
        help_heading = "Output"
    )]
    explain: Option<usize>,
    /// Columns of the output, in this order; also release_year, imdb_id, tmdb_id, n_ratings,
    /// mean_rating and score_meaning
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,...", help_heading = "Output")]
    fields: Vec<String>,
    #[command(flatten, next_help_heading = "Output")]
    movies: MoviesArgs,
    #[command(flatten, next_help_heading = "Output")]
    report: ReportArgs,
}

/// Users whose vectors and ratings are in memory at a time.
const AT_A_TIME: usize = 1 << 14;

pub(crate) fn run(args: &RecommendArgs, ui: &Ui) -> Result<()> {
    check_fields(&args.fields)?;
    let sink = args.report.sink()?;
    let folder = ModelFolder::open(&args.model)?;
    let movies = args.movies.load(own_keys(&args.model)?.as_ref())?;
    let keys = folder.user_keys()?;
    let who = args.who.who(&folder, keys.as_ref(), ui)?;
    if args.explain.is_some() && matches!(who, Audience::SimilarTo(_) | Audience::SimilarUsers(_)) {
        return Err(usage("--explain needs a list made from ratings"));
    }
    ui.begin("opening the model", "files", None);
    let ids = match &who {
        Audience::Users(UserSelection::All) => user_ids(&folder)?,
        Audience::Users(UserSelection::Some(ids)) => ids.clone(),
        _ => Vec::new(),
    };
    let users = match &who {
        Audience::SimilarUsers(_) => UserSelection::All,
        _ => UserSelection::Some(ids[..ids.len().min(AT_A_TIME)].to_vec()),
    };
    let mut model = Model::open_folder(folder, &users, movies.as_ref(), args.spark.feedback)?;
    args.spark.report(&model, ui);
    if let Some(path) = &args.seen {
        set_seen(&mut model, path, keys.as_ref(), ui)?;
    }
    if !model.catalogue.movies.has_titles() {
        ui.say(
            "no titles in the model: add --movies PATH (a dataset, movies.parquet or movies.csv)",
        );
    }
    let query = args.which.query(&model, ui)?;
    let mut meaning = args.which.score_kind(&model);
    match who {
        Audience::Users(_) => {
            if !model.knows_seen() && !query.include_seen {
                ui.warn(
                    "Spark models do not store the ratings of users: lists may contain rated movies; \
                     --seen INPUT gives their ratings",
                );
            }
            args.users(&mut model, &query, &ids, keys.as_ref(), sink, ui)?;
        }
        Audience::Person(profile) => args.person(&model, &query, &profile, sink, ui)?,
        Audience::People(path) => args.people(&model, &query, path, sink, ui)?,
        Audience::SimilarTo(movie) => {
            let similar_items = model.recommender.similar_items();
            meaning = similar_items.ok_or(ModelError::NoSimilarItems)?.similarity_kind();
            let item = model.catalogue.find(movie)?;
            ui.say(&format!("like {}", model.catalogue.name(item)));
            let list = RankedList::new(None, Ranker::new(&model, query).similar_to(item)?);
            ui.finish();
            args.write(&model, meaning, list, sink)?;
        }
        Audience::SimilarUsers(user) => {
            meaning = ScoreKind::UserCosine;
            let users = model.similar_users(UserId(user), query.n)?;
            let rows = similar_user_rows(&users, keys.as_ref());
            ui.finish();
            sink.write(&Report::Rows(rows))?;
        }
        Audience::JsonLines(lines) => return args.lines(&model, query, lines, sink, ui),
    }
    ui.say(&format!("score: {meaning}"));
    Ok(())
}

impl RecommendArgs {
    /// Lists movies for users, some of them at a time.
    fn users(
        &self,
        model: &mut Model,
        query: &Query,
        ids: &[i32],
        keys: Option<&Keys>,
        sink: ReportSink,
        ui: &Ui,
    ) -> Result<()> {
        ui.begin("recommending", "users", Some(ids.len() as u64));
        let mut parts = ids.chunks(AT_A_TIME).enumerate();
        let part = |(at, ids): (usize, &[i32]), model: &mut Model| -> Result<RecordBatch> {
            if at > 0 {
                model.turn_to(ids)?;
            }
            let people = ids.iter().map(|&id| Ok((Some(id), model.user(UserId(id))?)));
            let people = people.collect::<Result<Vec<_>>>()?;
            let lists = self.lists(&Ranker::new(model, query.clone()), model, &people)?;
            ui.advance(ids.len() as u64);
            self.rows(model, keys, true).batch(&lists)
        };
        let nobody = self.rows(model, keys, true).batch(&[])?;
        let batches = std::iter::from_fn(|| parts.next().map(|ids| part(ids, model)));
        sink.write_rows(&nobody.schema(), batches, || ui.finish())
    }

    /// Lists movies for one new user.
    fn person(
        &self,
        model: &Model,
        query: &Query,
        profile: &UserProfile,
        sink: ReportSink,
        ui: &Ui,
    ) -> Result<()> {
        let resolved = self.who.profile(model, profile, |text| ui.say(text))?;
        let ratings = resolved.ratings;
        let mut query = query.clone();
        query.leave_out(&resolved.seen, model.catalogue.len());
        if ratings.is_empty() {
            ui.say("warning: no ratings given: this is the list of an average user");
        }
        let ranker = Ranker::new(model, query.clone());
        if query.favourite_genres {
            ui.say(&format!("genres: {}", ranker.favourite_genres(&ratings).join(", ")));
        }
        let person = TargetUser { user: None, ratings: &ratings };
        let mut lists = self.lists(&ranker, model, &[(None, person)])?;
        ui.finish();
        let list = lists.pop().expect("a list for each person");
        self.write(model, self.which.score_kind(model), list, sink)
    }

    /// Lists movies for the new users of a dataset.
    fn people(
        &self,
        model: &Model,
        query: &Query,
        path: &Path,
        sink: ReportSink,
        ui: &Ui,
    ) -> Result<()> {
        let data = load(path, ui)?;
        let keys = data.sidecar.user_keys.as_ref();
        let movie_keys = model.catalogue.movies.keys();
        let (rows, _) = translate(&data, keys, movie_keys.as_ref())?;
        let columns = rows.columns();
        let mut ratings: Vec<(i32, Vec<(ItemIx, f32)>)> = Vec::new();
        let mut unknown = 0;
        for row in 0..columns.len() {
            let user = columns.user_id[row];
            if ratings.last().is_none_or(|(last, _)| *last != user) {
                ratings.push((user, Vec::new()));
            }
            match model.catalogue.item(MovieId(columns.movie_id[row])) {
                Some(item) => {
                    let (_, own) = ratings.last_mut().expect("one was just added");
                    own.push((item, columns.rating[row]));
                }
                None => unknown += 1,
            }
        }
        if unknown > 0 {
            ui.say(&format!("warning: {unknown} ratings are of movies unknown to the model"));
        }
        ui.begin("recommending", "people", Some(ratings.len() as u64));
        let ranker = Ranker::new(model, query.clone());
        let nobody = self.rows(model, keys, true).batch(&[])?;
        let part = |part: &[(i32, Vec<(ItemIx, f32)>)]| {
            let people: Vec<_> = part
                .iter()
                .map(|(user, ratings)| (Some(*user), TargetUser { user: None, ratings }))
                .collect();
            let lists = self.lists(&ranker, model, &people)?;
            ui.advance(part.len() as u64);
            self.rows(model, keys, true).batch(&lists)
        };
        sink.write_rows(&nobody.schema(), ratings.chunks(AT_A_TIME).map(part), || ui.finish())
    }

    /// Answers JSON lines.
    fn lines(
        &self,
        model: &Model,
        query: Query,
        lines: JsonLines,
        sink: ReportSink,
        ui: &Ui,
    ) -> Result<()> {
        if !self.fields.is_empty() {
            return Err(usage("--fields is for rows; an answer to a JSON line has its own form"));
        }
        ui.finish();
        let mut out = sink.lines()?;
        ui.say(&format!("score: {}", self.which.score_kind(model)));
        let ranker = Ranker::new(model, query);
        let stream = JsonLinesServer::new(
            model,
            ranker,
            self.who.on_error(),
            self.who.ratings_scale(),
            self.explain,
        );
        let (n, failed) = stream.run(lines, &mut out)?;
        out.finish()?;
        if failed > 0 {
            anyhow::bail!("{failed} of {n} lines could not be answered; the output says why");
        }
        Ok(())
    }

    /// Makes the list of each user, who may be a user.
    fn lists(
        &self,
        ranker: &Ranker<'_>,
        model: &Model,
        people: &[(Option<i32>, TargetUser<'_>)],
    ) -> Result<Vec<RankedList>> {
        let asking: Vec<TargetUser<'_>> = people.iter().map(|(_, person)| *person).collect();
        let lists = ranker.for_users(&asking).into_par_iter().zip(people);
        let lists = lists.map(|(rows, (user, person))| {
            let list = RankedList::new(*user, rows?);
            Ok(match self.explain {
                Some(n) => list.explained(model, *person, n, ranker.rank_by())?,
                None => list,
            })
        });
        lists.collect()
    }

    fn rows<'a>(&'a self, model: &'a Model, keys: Option<&'a Keys>, of_users: bool) -> Rows<'a> {
        Rows {
            model,
            user_keys: keys,
            of_users,
            fields: &self.fields,
            explained: self.explain.is_some(),
            meaning: self.which.score_kind(model),
        }
    }

    /// Writes one list.
    fn write(
        &self,
        model: &Model,
        meaning: ScoreKind,
        list: RankedList,
        sink: ReportSink,
    ) -> Result<()> {
        let rows = Rows { meaning, ..self.rows(model, None, false) };
        let mut batch = rows.batch(&[list])?;
        if sink.is_table() {
            batch = drawn(&batch, scale(model).max);
        }
        sink.write(&Report::Rows(batch))
    }
}

/// Returns the rows of users similar to another one.
fn similar_user_rows(users: &[(UserId, f32)], keys: Option<&Keys>) -> RecordBatch {
    let mut columns = vec![
        ids("rank", 1..=users.len() as i32),
        ids("user_id", users.iter().map(|(user, _)| user.0)),
        scores("score", users.iter().map(|(_, score)| Some(*score))),
    ];
    if let Some(keys) = keys {
        columns.insert(2, some_texts("user_key", users.iter().map(|(user, _)| keys.get(user.0))));
    }
    rows_of(columns)
}
