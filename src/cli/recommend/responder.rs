//! Answers a query for each audience.

use std::path::Path;

use arrow::array::RecordBatch;
use rayon::prelude::*;

use crate::cli::error::{Result, usage};
use crate::cli::output::columns::{ids, rows_of, scores, some_texts};
use crate::cli::output::{Report, ReportSink};
use crate::cli::recommend::RecommendArgs;
use crate::cli::recommend::audience::{Audience, JsonLines};
use crate::cli::recommend::resolve::scale;
use crate::cli::recommend::rows::{RankedList, Rows, drawn};
use crate::cli::recommend::stream::JsonLinesServer;
use crate::cli::ui::Ui;
use crate::dataset::ids::{ItemIx, MovieId, UserId};
use crate::dataset::keyed::translate;
use crate::dataset::load::load;
use crate::io::keys::Keys;
use crate::io::profiles::UserProfile;
use crate::model::query::Query;
use crate::model::ranker::Ranker;
use crate::model::{Model, ModelError, ScoreKind, TargetUser};
use crate::progress::Progress;

/// Users whose factors and ratings are in memory at a time.
pub(super) const AT_A_TIME: usize = 1 << 14;

/// An open model with a query.
pub(super) struct Responder<'a> {
    pub(super) args: &'a RecommendArgs,
    pub(super) model: Model,
    pub(super) query: Query,
    /// String ids of the model's users.
    pub(super) keys: Option<Keys>,
    pub(super) ui: &'a Ui,
}

impl Responder<'_> {
    /// Writes the answer; `user_ids` are those of known users. Returns what the scores mean, unless
    /// it has been said.
    pub(super) fn respond(
        &mut self,
        audience: Audience<'_>,
        user_ids: &[i32],
        sink: ReportSink,
    ) -> Result<Option<ScoreKind>> {
        match audience {
            Audience::Users(_) => {
                if !self.model.knows_seen() && !self.query.include_seen {
                    self.ui.warn(
                        "Spark models do not store the ratings of users: lists may contain rated \
                         movies; --seen INPUT gives their ratings",
                    );
                }
                self.users(user_ids, sink)?;
            }
            Audience::NewUser(profile) => self.new_user(&profile, sink)?,
            Audience::NewUsers(path) => self.new_users(path, sink)?,
            Audience::SimilarTo(movie) => return self.similar_movies(movie, sink).map(Some),
            Audience::SimilarUsers(user) => return self.similar_users(user, sink).map(Some),
            Audience::JsonLines(lines) => return self.json_lines(lines, sink).map(|()| None),
        }
        Ok(Some(self.score_kind()))
    }

    fn ranker(&self) -> Ranker<'_> {
        Ranker::new(&self.model, self.query.clone())
    }

    fn score_kind(&self) -> ScoreKind {
        self.args.which.score_kind(&self.model)
    }

    /// Lists the movies similar to one.
    fn similar_movies(&self, movie: &str, sink: ReportSink) -> Result<ScoreKind> {
        let similar_items = self.model.recommender.similar_items();
        let meaning = similar_items.ok_or(ModelError::NoSimilarItems)?.similarity_kind();
        let item = self.model.catalogue.find(movie)?;
        self.ui.say(&format!("like {}", self.model.catalogue.name(item)));
        let list = RankedList::new(None, self.ranker().similar_to(item)?);
        self.ui.finish();
        self.write(meaning, list, sink)?;
        Ok(meaning)
    }

    /// Lists the users similar to one.
    fn similar_users(&self, user: i32, sink: ReportSink) -> Result<ScoreKind> {
        let users = self.model.similar_users(UserId(user), self.query.n)?;
        let rows = similar_user_rows(&users, self.keys.as_ref());
        self.ui.finish();
        sink.write(&Report::Rows(rows))?;
        Ok(ScoreKind::UserCosine)
    }

    /// Lists movies for users, some of them at a time.
    fn users(&mut self, ids: &[i32], sink: ReportSink) -> Result<()> {
        let ui = self.ui;
        ui.begin("recommending", "users", Some(ids.len() as u64));
        let no_rows = self.rows(true).batch(&[])?;
        let mut parts = ids.chunks(AT_A_TIME).enumerate();
        let mut part = |(at, ids): (usize, &[i32])| -> Result<RecordBatch> {
            if at > 0 {
                self.model.turn_to(ids)?;
            }
            let users = ids.iter().map(|&id| Ok((Some(id), self.model.user(UserId(id))?)));
            let users = users.collect::<Result<Vec<_>>>()?;
            let lists = self.lists(&self.ranker(), &users)?;
            ui.advance(ids.len() as u64);
            self.rows(true).batch(&lists)
        };
        let batches = std::iter::from_fn(|| parts.next().map(&mut part));
        sink.write_rows(&no_rows.schema(), batches, || ui.finish())
    }

    /// Lists movies for one new user.
    fn new_user(&mut self, profile: &UserProfile, sink: ReportSink) -> Result<()> {
        let ui = self.ui;
        let resolved = self.args.who.profile(&self.model, profile, |text| ui.say(text))?;
        let ratings = resolved.ratings;
        self.query.leave_out(&resolved.seen, self.model.catalogue.len());
        if ratings.is_empty() {
            ui.say("warning: no ratings given: this is the list of an average user");
        }
        let ranker = self.ranker();
        if self.query.favourite_genres {
            ui.say(&format!("genres: {}", ranker.favourite_genres(&ratings).join(", ")));
        }
        let user = TargetUser { user: None, ratings: &ratings };
        let mut lists = self.lists(&ranker, &[(None, user)])?;
        ui.finish();
        let list = lists.pop().expect("a list for each user");
        self.write(self.score_kind(), list, sink)
    }

    /// Lists movies for the new users of a dataset.
    fn new_users(&self, path: &Path, sink: ReportSink) -> Result<()> {
        let Self { model, ui, .. } = self;
        let data = load(path, *ui)?;
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
        ui.begin("recommending", "users", Some(ratings.len() as u64));
        let ranker = self.ranker();
        let rows = Rows { user_keys: keys, ..self.rows(true) };
        let no_rows = rows.batch(&[])?;
        let part = |part: &[(i32, Vec<(ItemIx, f32)>)]| {
            let users: Vec<_> = part
                .iter()
                .map(|(user, ratings)| (Some(*user), TargetUser { user: None, ratings }))
                .collect();
            let lists = self.lists(&ranker, &users)?;
            ui.advance(part.len() as u64);
            rows.batch(&lists)
        };
        sink.write_rows(&no_rows.schema(), ratings.chunks(AT_A_TIME).map(part), || ui.finish())
    }

    /// Answers JSON lines.
    fn json_lines(&self, lines: JsonLines, sink: ReportSink) -> Result<()> {
        let Self { args, model, ui, .. } = self;
        if !args.fields.is_empty() {
            return Err(usage("--fields is for rows; an answer to a JSON line has its own form"));
        }
        ui.finish();
        let mut out = sink.lines()?;
        ui.say(&format!("score: {}", self.score_kind()));
        let stream = JsonLinesServer::new(
            model,
            self.ranker(),
            args.who.on_error(),
            args.who.ratings_scale(),
            args.explain,
        );
        let (n, failed) = stream.run(lines, &mut out)?;
        out.finish()?;
        if failed > 0 {
            anyhow::bail!("{failed} of {n} lines could not be answered; the output says why");
        }
        Ok(())
    }

    /// Makes the list of each user; known users come with their id.
    fn lists(
        &self,
        ranker: &Ranker<'_>,
        users: &[(Option<i32>, TargetUser<'_>)],
    ) -> Result<Vec<RankedList>> {
        let asking: Vec<TargetUser<'_>> = users.iter().map(|(_, user)| *user).collect();
        let lists = ranker.for_users(&asking).into_par_iter().zip(users);
        let lists = lists.map(|(rows, (id, user))| {
            let list = RankedList::new(*id, rows?);
            Ok(match self.args.explain {
                Some(n) => list.explained(&self.model, *user, n, ranker.rank_by())?,
                None => list,
            })
        });
        lists.collect()
    }

    fn rows(&self, of_users: bool) -> Rows<'_> {
        Rows {
            model: &self.model,
            user_keys: self.keys.as_ref(),
            of_users,
            fields: &self.args.fields,
            explained: self.args.explain.is_some(),
            meaning: self.score_kind(),
        }
    }

    /// Writes one list.
    fn write(&self, meaning: ScoreKind, list: RankedList, sink: ReportSink) -> Result<()> {
        let rows = Rows { meaning, user_keys: None, ..self.rows(false) };
        let mut batch = rows.batch(&[list])?;
        if sink.is_table() {
            batch = drawn(&batch, scale(&self.model).max);
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
