//! What comes through stdin: packed or not, of any kind, archives too.
#![no_main]

use std::io::{Cursor, Read};

use libfuzzer_sys::fuzz_target;
use mvrec::io::import_state::ImportState;
use mvrec::io::movielens::read_archive;
use mvrec::io::source::{SourceKind, Source};
use mvrec::progress::Silent;

fuzz_target!(|bytes: &[u8]| {
    let Ok(source) = Source::from_reader("x".into(), Cursor::new(bytes.to_vec())) else { return };
    if source.kind == SourceKind::Zip {
        let _ = read_archive(source, &mut ImportState::default(), &mut |_| Ok(()), &Silent);
    } else {
        let _ = source.reader.take(1 << 20).read_to_end(&mut Vec::new());
    }
});
