use std::fs;

use crate::Fixture;

#[test]
fn movies_are_found_by_title_in_models_and_datasets() {
    let fixture = Fixture::with_model();
    for place in ["als", "ml"] {
        let rows = fixture.json(&["search", place, "lord", "of", "the", "rings"]);
        assert_eq!(rows.as_array().unwrap().len(), 3, "{place}");
    }
    insta::assert_snapshot!(fixture.snapshot(&["search", "als", "lord of the rings", "--format", "table"]), @"
    exit 0
    --- stdout
    movie_id  title                                                    genres        n_ratings  found_by
           9  The Lord of the Rings: The Fellowship of the Ring (200…  Adventure|F…         69  phrase
          18  The Lord of the Rings: The Return of the King (2003)     Action|Adve…         69  phrase
          21  The Lord of the Rings: The Two Towers (2002)             Adventure|F…         63  phrase
    ");
    insta::assert_snapshot!(fixture.snapshot(&["search", "als", "the matrxi", "--format", "csv"]), @r#"
    exit 0
    --- stdout
    movie_id,title,genres,n_ratings,found_by,typos
    4,"Matrix, The (1999)",Action|Sci-Fi|Thriller,81,typo,1
    "#);
    insta::assert_snapshot!(fixture.snapshot(&["search", "ml", "the", "-n", "1", "--format", "jsonl"]), @r#"
    exit 0
    --- stdout
    {"movie_id":1,"title":"Shawshank Redemption, The (1994)","genres":"Crime|Drama","n_ratings":null,"found_by":"phrase","typos":null}
    --- stderr
    mvrec: 1 of 97 that fit
    "#);
    insta::assert_snapshot!(fixture.snapshot(&["search", "als", "No such film"]), @"
    exit 0
    --- stdout
    []
    --- stderr
    mvrec: no movie is called `No such film`
    ");
    insta::assert_snapshot!(fixture.snapshot(&["search", "nowhere", "alien"]), @"
    exit 1
    --- stderr
    mvrec: error: nowhere: No such file or directory
    ");
    insta::assert_snapshot!(fixture.snapshot(&["search", "als"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <TITLE>...

    Usage: mvrec search <WHERE> <TITLE>...

    For more information, try '--help'.
    ");
}

#[test]
fn shells_and_man_are_told_of_every_command() {
    let fixture = Fixture::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = String::from_utf8(fixture.ok(&["completions", shell])).unwrap();
        for word in ["recommend", "similar-users", "evaluate", "polarising"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let page = String::from_utf8(fixture.ok(&["man"])).unwrap();
    assert!(page.contains(".TH mvrec 1") && page.contains("recommend"), "{page}");
    fixture.ok(&["man", "-o", "pages"]);
    let pages: Vec<String> = fs::read_dir(fixture.path("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in ["mvrec.1", "mvrec-recommend.1", "mvrec-train-als.1"] {
        assert!(pages.iter().any(|page| page == name), "{pages:?}");
    }
}
