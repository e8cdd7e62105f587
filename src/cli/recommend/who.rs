//! Options that name the audience of a list.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgGroup, Args};

use crate::cli::args::{load_id_list, warn_of_unknown};
use crate::cli::error::{Result, usage};
use crate::cli::recommend::audience::{Audience, read_new_users};
use crate::cli::recommend::resolve::{OnBadRating, ResolvedProfile, resolve, scale};
use crate::cli::ui::{Ui, counted};
use crate::dataset::DatasetError;
use crate::dataset::error::shown;
use crate::dataset::ids::ItemIx;
use crate::io::id_list::IdSide;
use crate::io::keys::Keys;
use crate::io::profiles::UserProfile;
use crate::io::values::{Scale, parse_id};
use crate::model::finder::MovieFinder;
use crate::model::folder::ModelFolder;
use crate::model::open::{known_users, user_ids};
use crate::model::{Model, ModelError, UserSelection};
use crate::progress::Progress;

/// Who gets a list.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Who",
    group = ArgGroup::new("who").required(true).multiple(true).args([
        "user", "users", "all_users", "rate", "like", "ratings", "similar_to", "similar_users",
    ])
)]
pub(super) struct WhoArgs {
    /// User of the training data (can be repeated)
    #[arg(long, value_name = "ID")]
    user: Vec<String>,
    /// The users in this list: a file with an id a line or a column of users, JSON, Parquet or a
    /// dataset
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Every user of the training data
    #[arg(long)]
    all_users: bool,
    /// A rating of a new user: id or title, and rating (can be repeated)
    #[arg(long, value_name = "MOVIE=STARS")]
    rate: Vec<RateArg>,
    /// A movie, id or title, that a new user rates highest (can be repeated)
    #[arg(long, value_name = "MOVIE")]
    like: Vec<String>,
    /// Ratings of a new user: an export of Letterboxd (.csv or .zip), IMDb, Trakt or TMDB, a CSV
    /// with a movie or title column and a rating, or JSON; of many new users: JSON lines, a dataset
    /// or Parquet; `-` for stdin
    #[arg(long, value_name = "FILE")]
    ratings: Option<PathBuf>,
    /// Scale of --ratings [default: that of the site, or of the model]
    #[arg(long, value_name = "MIN..MAX", requires = "ratings")]
    ratings_scale: Option<Scale>,
    /// What to do with a rating of --ratings whose movie is not found or ambiguous, that is given
    /// twice or off the scale
    #[arg(long, value_enum, default_value_t = OnBadRating::Fail, value_name = "WHAT")]
    on_error: OnBadRating,
    /// Find movies similar to this one (id or title)
    #[arg(long, value_name = "MOVIE")]
    similar_to: Option<String>,
    /// Find users similar to this one
    #[arg(long, value_name = "ID")]
    similar_users: Option<String>,
}

/// `MOVIE=STARS` as typed.
#[derive(Debug, Clone, PartialEq)]
struct RateArg {
    movie: String,
    stars: f32,
}

impl FromStr for RateArg {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (movie, stars) =
            text.rsplit_once('=').ok_or("expected MOVIE=STARS, such as \"Alien=5\"")?;
        let value: f32 =
            stars.trim().parse().map_err(|_| format!("`{stars}` is not a number of stars"))?;
        Ok(Self { movie: movie.trim().into(), stars: value })
    }
}

impl WhoArgs {
    /// Reads who is asked for; `keys` are what the model's users are called, where they are no
    /// numbers.
    pub(super) fn who(
        &self,
        model: &ModelFolder,
        keys: Option<&Keys>,
        ui: &Ui,
    ) -> Result<Audience<'_>> {
        let users = self.all_users || self.users.is_some() || !self.user.is_empty();
        let person = self.ratings.is_some() || !self.rate.is_empty() || !self.like.is_empty();
        let kinds = [users, person, self.similar_to.is_some(), self.similar_users.is_some()];
        if kinds.into_iter().filter(|&given| given).count() != 1 {
            return Err(usage(
                "give one of: known users (--user, --users, --all-users), a new user (--rate, --like, \
                 --ratings), --similar-to or --similar-users",
            ));
        }
        if let Some(movie) = &self.similar_to {
            return Ok(Audience::SimilarTo(movie));
        }
        if let Some(user) = &self.similar_users {
            let id = user_id("--similar-users", user, keys)?;
            return match known_users(model, id.as_slice())?[..] {
                [id] => Ok(Audience::SimilarUsers(id)),
                _ => Err(unknown_user(user, &user_ids(model)?, keys)),
            };
        }
        if users {
            Ok(Audience::Users(self.wanted_users(model, keys, ui)?))
        } else {
            self.new_users()
        }
    }

    /// Returns the users asked for that the model knows, and warns of the others.
    fn wanted_users(
        &self,
        model: &ModelFolder,
        keys: Option<&Keys>,
        ui: &Ui,
    ) -> Result<UserSelection> {
        if self.all_users {
            return Ok(UserSelection::All);
        }
        let asked = self.user.iter().map(|user| user_id("--user", user, keys));
        let asked = asked.collect::<Result<Vec<Option<i32>>>>()?;
        let known = match &self.users {
            Some(_) => user_ids(model)?,
            None => {
                let mut ids: Vec<i32> = asked.iter().copied().flatten().collect();
                ids.sort_unstable();
                ids.dedup();
                known_users(model, &ids)?
            }
        };
        let is_known = |id: &i32| known.binary_search(id).is_ok();
        let (mut ids, mut unknown) = (Vec::new(), Vec::new());
        for (user, id) in self.user.iter().zip(asked) {
            match id.filter(is_known) {
                Some(id) => ids.push(id),
                None => unknown.push(user.clone()),
            }
        }
        if let [user, ..] = &unknown[..]
            && ids.is_empty()
            && self.users.is_none()
        {
            return Err(unknown_user(user, &user_ids(model)?, keys));
        }
        if !unknown.is_empty() {
            let users = counted(unknown.len(), "unknown user");
            ui.warn(&format!("--user: {users} left out: {}", shown(&unknown)));
        }
        if let Some(path) = &self.users {
            let listed = load_id_list(path, IdSide::User, keys, ui)?;
            let (listed, unknown): (Vec<i32>, Vec<i32>) = listed.into_iter().partition(is_known);
            let unknown: Vec<String> = unknown.iter().map(i32::to_string).collect();
            if listed.is_empty() && ids.is_empty() && !unknown.is_empty() {
                let (file, side) = (path.display().to_string(), IdSide::User.column());
                return Err(DatasetError::UnknownIds { file, side, ids: unknown }.into());
            }
            warn_of_unknown(path, IdSide::User, &unknown, ui);
            ids.extend(listed);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(UserSelection::Some(ids))
    }

    fn new_users(&self) -> Result<Audience<'_>> {
        let alone = self.rate.is_empty() && self.like.is_empty();
        let Some(path) = &self.ratings else {
            return Ok(Audience::NewUser(UserProfile::default()));
        };
        let who = read_new_users(path)?;
        if !alone && !matches!(who, Audience::NewUser(_)) {
            return Err(usage("--rate and --like add to the --ratings of one user, not of many"));
        }
        Ok(who)
    }

    /// Resolves the ratings of one new user; `tell` hears how movies and ratings were understood.
    pub(super) fn profile(
        &self,
        model: &Model,
        of_file: &UserProfile,
        mut tell: impl FnMut(&str),
    ) -> Result<ResolvedProfile> {
        let scale = scale(model);
        let mut ratings = Vec::new();
        let finder = MovieFinder::new(&model.catalogue);
        for RateArg { movie, stars } in &self.rate {
            if !scale.contains(*stars) {
                return Err(usage(format!("{movie}={stars}: not between {scale} stars")));
            }
            ratings.push((finder.find_typed(movie)?.0, *stars));
        }
        for movie in &self.like {
            ratings.push((finder.find_typed(movie)?.0, scale.max));
        }
        for (item, stars) in &ratings {
            tell(&format!("rated {stars} {}", model.catalogue.name(*item)));
        }
        let mut resolved = resolve(model, &finder, of_file, self.on_error, self.ratings_scale)?;
        if let Some(path) = &self.ratings {
            let file = path.display();
            if let Some(assumption) = &resolved.assumption {
                tell(&format!("{file}: {assumption}"));
            }
            tell(&format!("{} read", counted(resolved.ratings.len(), "rating")));
        }
        tell_list("understood by a guess", &resolved.guesses, &mut tell);
        tell_list("warning: left out", &resolved.skipped, &mut tell);
        resolved.ratings.extend(ratings);
        resolved.ratings = in_order(model, resolved.ratings)?;
        Ok(resolved)
    }

    /// Returns the scale of the ratings in files, if it was told.
    pub(super) fn ratings_scale(&self) -> Option<Scale> {
        self.ratings_scale
    }

    /// Returns what to do with movies that are not found.
    pub(super) fn on_error(&self) -> OnBadRating {
        self.on_error
    }
}

/// Says how many there are of something, and names the first ten.
fn tell_list(what: &str, lines: &[String], tell: &mut impl FnMut(&str)) {
    const SHOWN: usize = 10;
    if lines.is_empty() {
        return;
    }
    let mut text = format!("{what}: {}", lines.len());
    for line in lines.iter().take(SHOWN) {
        text.push_str(&format!("\n  {line}"));
    }
    if lines.len() > SHOWN {
        text.push_str(&format!("\n  and {} more", lines.len() - SHOWN));
    }
    tell(&text);
}

/// Puts ratings in the order of items and refuses a movie that is there twice.
pub(super) fn in_order(
    model: &Model,
    mut ratings: Vec<(ItemIx, f32)>,
) -> Result<Vec<(ItemIx, f32)>> {
    ratings.sort_by_key(|(item, _)| *item);
    if let Some(pair) = ratings.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(usage(format!("{} is rated twice", model.catalogue.name(pair[0].0))));
    }
    Ok(ratings)
}

/// Returns the id of a user as typed; `None` where no key is that.
fn user_id(option: &str, user: &str, keys: Option<&Keys>) -> Result<Option<i32>> {
    match (keys, parse_id(user.as_bytes())) {
        (Some(keys), _) => Ok(keys.find(user)),
        (None, Ok(id)) => Ok(Some(id)),
        (None, Err(_)) => {
            Err(usage(format!("{option} {user}: the users of this model are numbers")))
        }
    }
}

/// Returns the error for a user who is not among all that the model knows, ascending.
fn unknown_user(user: &str, known: &[i32], keys: Option<&Keys>) -> anyhow::Error {
    let range = match (keys, known) {
        (None, [first, .., last]) => {
            format!(", whose {} ids go from {first} to {last}", known.len())
        }
        _ => String::new(),
    };
    let error = ModelError::UnknownUser { user: user.into() };
    anyhow::Error::new(error).context(format!("user {user} is not in the model{range}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_as_typed() {
        let parse = |text: &str| text.parse::<RateArg>().map(|rate| (rate.movie, rate.stars));
        assert_eq!(parse("Alien=5"), Ok(("Alien".into(), 5.0)));
        assert_eq!(parse("E=mc² (2005) = 3.5"), Ok(("E=mc² (2005)".into(), 3.5)));
        assert_eq!(parse("1=0.5"), Ok(("1".into(), 0.5)));
        for bad in ["Alien", "Alien=", "Alien=six"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
