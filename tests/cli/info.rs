use crate::{Fixture, ml_mini};

#[test]
fn info_knows_every_file_and_directory() {
    let fixture = Fixture::with_model();
    fixture.ok(&["filter", "--year", "2018", "ml", "-o", "y.parquet"]);
    fixture.ok(&["filter", "ml", "-o", "y.csv"]);
    fixture.ok(&["stats", "top", "ml", "-o", "top.json"]);
    fixture.ok(&["stats", "top", "ml", "-o", "top.jsonl"]);
    fixture.ok(&["train", "cosine", "ml", "-o", "cosine"]);
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
        ("cosine/neighbors.parquet", "Parquet, neighbors of movies"),
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
     kind                        mvrec dataset
     format_version              1
     steps[0].command            ingest
     steps[0].rows_in            12211
     steps[0].rows_kept          12211
     recognised                  MovieLens CSV
     sources[0].name             ratings.csv
     sources[0].bytes            267794
     sources[0].xxh3             6bdd4576edaa92995fa66732469a30b2
     sources[1].name             movies.csv
     sources[1].bytes            15946
     sources[1].xxh3             8e56d2f82f6272672434c8f54e6362a8
     sources[2].name             links.csv
     sources[2].bytes            1954
     sources[2].xxh3             70d402984acfd755ba0fad473f8fc91a
     sources[3].name             tags.csv
     sources[3].bytes            451
     sources[3].xxh3             9494078263a20d6a76653184f2ba2450
     shape.ratings               12211
     shape.users                 200
     shape.movies                300
     shape.stars                 0.5 5.0
     shape.period                2016-01-03T06:57:46Z 2019-12-31T23:59:59Z
     content_xxh3                66fd2d184a9b6e3272362ee830b0912f
     files.links.parquet.rows    300
     files.movies.parquet.rows   300
     files.ratings.parquet.rows  12211
     files.tags.parquet.rows     14
    ");
    insta::assert_snapshot!(fixture.snapshot(&["info", "."]), @"
    exit 1
    --- stderr
    mvrec: error: .: this directory is neither a dataset, a model nor a split
    ");
    insta::assert_snapshot!(fixture.snapshot(&["info", "nowhere"]), @"
    exit 1
    --- stderr
    mvrec: error: nowhere: No such file or directory (os error 2)
    ");
    assert_eq!(fixture.json(&["info", &format!("{}/movies.csv", ml_mini())])["lines"], 301);
}
