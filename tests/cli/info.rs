use crate::{Fixture, ml_mini};

#[test]
fn info_knows_every_file_and_directory() {
    let fixture = Fixture::with_model();
    fixture.ok(&["filter", "--year", "2018", "ml", "-o", "y.parquet"]);
    fixture.ok(&["filter", "ml", "-o", "y.csv"]);
    fixture.ok(&["stats", "top", "ml", "-o", "top.json"]);
    fixture.ok(&["stats", "top", "ml", "-o", "top.jsonl"]);
    fixture.ok(&["train", "cosine", "ml", "-o", "cosine"]);
    fixture.ok(&["train", "ease", "ml", "-o", "ease"]);
    for (path, kind) in [
        ("ml", "mvrec dataset"),
        ("als", "mvrec model"),
        ("cosine", "mvrec model"),
        ("y.parquet", "Parquet, ratings"),
        ("y.csv", "text"),
        ("top.json", "JSON"),
        ("top.jsonl", "JSON lines"),
        ("ml/dataset.json", "mvrec dataset"),
        ("ml/ratings.parquet", "Parquet, ratings"),
        ("ml/movies.parquet", "Parquet, movies"),
        ("ml/links.parquet", "Parquet, links"),
        ("ml/tags.parquet", "Parquet, tags"),
        ("als/model.json", "mvrec model"),
        ("als/movies.parquet", "Parquet, movies of a model"),
        ("als/seen.parquet", "Parquet, seen ratings of a model"),
        ("als/userFactors/part-00000.parquet", "Parquet, vectors of a model"),
        ("als/userPrior/part-00000.parquet", "Parquet, vectors of a model"),
        ("cosine/neighbors.parquet", "Parquet, neighbors of movies"),
        ("ease/neighbors.parquet", "Parquet, weights of movies"),
    ] {
        assert_eq!(fixture.json(&["info", path])["kind"], kind, "{path}");
    }
    let year = fixture.json(&["info", "y.parquet"]);
    assert_eq!(year["steps"][1]["options"]["since"], "2018-01-01T00:00:00Z");
    let model = fixture.json(&["info", "als"]);
    assert_eq!((&model["algorithm"], &model["parameters"]["factors"]), (&"als".into(), &8.into()));
    assert_eq!(model["loss"].as_array().unwrap().len(), 15);
    assert_eq!(model["training"]["shape"]["ratings"], 12_211);
    std::fs::remove_file(fixture.path("als/model.json")).unwrap();
    assert_eq!(fixture.json(&["info", "als"])["kind"], "Spark ALSModel");
}

#[test]
fn info_on_a_terminal_and_on_strangers() {
    let fixture = Fixture::with_dataset();
    insta::assert_snapshot!(fixture.snapshot(&["info", "ml", "--format", "table"]), @"
    exit 0
    --- stdout
    kind            mvrec dataset
    format_version  1
    recognised      MovieLens CSV
    content_xxh3    66fd2d184a9b6e3272362ee830b0912f

    steps: 1
      command    ingest
      rows_in    12211
      rows_kept  12211

    sources
      name          bytes  xxh3
      ratings.csv  267794  6bdd4576edaa92995fa66732469a30b2
      movies.csv    15946  8e56d2f82f6272672434c8f54e6362a8
      links.csv      1954  70d402984acfd755ba0fad473f8fc91a
      tags.csv        451  9494078263a20d6a76653184f2ba2450

    shape
      ratings  12211
      users      200
      movies     300
      stars    0.5, 5
      period   2016-01-03T06:57:46Z, 2019-12-31T23:59:59Z

    files
      links.parquet
        rows  300
      movies.parquet
        rows  300
      ratings.parquet
        rows  12211
      tags.parquet
        rows  14
    ");
    insta::assert_snapshot!(fixture.snapshot(&["info", "."]), @"
    exit 1
    --- stderr
    mvrec: error: .: this directory is neither a dataset, a model nor a split
    ");
    insta::assert_snapshot!(fixture.snapshot(&["info", "nowhere"]), @"
    exit 1
    --- stderr
    mvrec: error: nowhere: No such file or directory
    ");
    assert_eq!(fixture.json(&["info", &format!("{}/movies.csv", ml_mini())])["lines"], 301);
}
