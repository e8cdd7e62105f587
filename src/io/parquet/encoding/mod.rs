//! The encodings of Parquet that mvrec writes ratings in (apache/parquet-format, Encodings.md).

pub(super) mod bit_packed;
pub(super) mod delta;
pub(super) mod rle_bit_packed;
pub(super) mod varint;
