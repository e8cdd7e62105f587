//! Ratings and lists exported by other sites.

use std::fs;
use std::io::Write;

use crate::Fixture;

fn export(name: &str) -> String {
    format!("{}/fixtures/exports/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn list(fixture: &Fixture, args: &[&str]) -> (Vec<i64>, String) {
    let args = [&["recommend", "als", "--format", "json"], args].concat();
    let output = fixture.run(&args, b"");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {error}");
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids = rows.as_array().unwrap().iter().map(|row| row["movie_id"].as_i64().unwrap());
    (ids.collect(), error)
}

#[test]
fn exports_of_four_sites_give_the_same_list() {
    let fixture = Fixture::with_model();
    let (letterboxd, said) = list(&fixture, &["--ratings", &export("letterboxd-ratings.csv")]);
    assert!(said.contains("20 ratings read"), "{said}");
    for (file, site) in [
        ("imdb-ratings.csv", "ratings of 1..10 (IMDb), converted to 0.5..5"),
        ("trakt-ratings-movies.json", "ratings of 1..10 (Trakt), converted to 0.5..5"),
        ("tmdb-rated-movies.json", "ratings of 1..10 (TMDB), converted to 0.5..5"),
    ] {
        let (ids, said) = list(&fixture, &["--ratings", &export(file)]);
        assert_eq!(ids, letterboxd, "{file}");
        assert!(said.contains(site) && said.contains("20 ratings read"), "{file}: {said}");
    }
}

#[test]
fn letterboxd_archive_excludes_watched_movies() {
    let fixture = Fixture::with_model();
    let read = |name: &str| fs::read(export(name)).unwrap();
    let ratings = String::from_utf8(read("letterboxd-ratings.csv")).unwrap();
    let few: Vec<&str> = ratings.lines().take(6).collect();
    let mut archive =
        zip::ZipWriter::new(fs::File::create(fixture.path("letterboxd.zip")).unwrap());
    for (name, bytes) in [
        ("ratings.csv", few.join("\n").into_bytes()),
        ("watched.csv", read("letterboxd-watched.csv")),
    ] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap();
    let watched = export("letterboxd-watched.csv");
    let (ids, said) = list(&fixture, &["--ratings", "letterboxd.zip", "-n", "50"]);
    assert!(said.contains("5 ratings read"), "{said}");
    let (only, _) = list(&fixture, &["--ratings", &watched, "-n", "50"]);
    let (excluded, _) =
        list(&fixture, &["--like", "Forrest Gump", "--exclude", &watched, "-n", "300"]);
    let (candidates, _) =
        list(&fixture, &["--user", "1", "--include-seen", "--candidates", &watched, "-n", "300"]);
    assert_eq!(candidates.len(), 20);
    for seen in &candidates {
        assert!(!ids.contains(seen) && !only.contains(seen) && !excluded.contains(seen), "{seen}");
    }
}

#[test]
fn ratings_that_cannot_be_used_are_named() {
    let fixture = Fixture::with_model();
    let text = "Name;Year;Rating;Date\nForrest Gump;1994;4;2020-01-01\nForrest Gump;1994;2;2021-01-01\n\
                No Such Film;1990;3;2020-01-01\nShawshank Redemption;1994;9;2020-01-01\n";
    fs::write(fixture.path("diary.csv"), text).unwrap();
    let failed = fixture.snapshot(&["recommend", "als", "--ratings", "diary.csv"]);
    insta::assert_snapshot!(failed, @"
    exit 1
    --- stderr
    mvrec: error: diary.csv:3: Forrest Gump (1994) is rated twice
      (--on-error skip leaves such ratings out)
    ");
    let (_, said) = list(&fixture, &["--ratings", "diary.csv", "--on-error", "skip"]);
    insta::assert_snapshot!(said, @"
    mvrec: 1 rating read
    mvrec: warning: left out: 3
      diary.csv:3: Forrest Gump (1994) is rated twice; the latest rating is kept
      diary.csv:4: no movie is called `No Such Film (1990)`
      diary.csv:5: `Shawshank Redemption (1994)`: 9 is not between 0.5 and 5 stars
    mvrec: score: predicted rating + 3 (1 + 15 / n) x nearness to the n rated movies
    ");
    fs::write(fixture.path("ten.csv"), "title,rating\nForrest Gump,8\n").unwrap();
    let (_, said) = list(&fixture, &["--ratings", "ten.csv", "--ratings-scale", "1..10"]);
    assert!(said.contains("1 rating read"), "{said}");
}

#[test]
fn external_ids_and_numbers_that_are_titles_find_their_movies() {
    let fixture = Fixture::with_model();
    let said = |movie: &str| {
        let output = fixture.run(&["recommend", "als", "--rate", &format!("{movie}=5")], b"");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for movie in ["tt0109830", "imdb:109830", "tmdb:13", "id:2", "2", "Forrest Gump (1995)"] {
        assert!(said(movie).starts_with("mvrec: rated 5 Forrest Gump (1994)"), "{}", said(movie));
    }
}
