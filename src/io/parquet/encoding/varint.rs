//! Variable-length integers.

use std::io::Read;

use parquet::errors::Result;

use crate::io::parquet::page::corrupt;

/// Decodes an unsigned LEB128 varint, and moves `bytes` behind it.
pub(in crate::io::parquet) fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        bytes.read_exact(&mut byte).map_err(|_| corrupt("varint exceeds the page"))?;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(value);
        }
    }
    Err(corrupt("varint exceeds 64 bits"))
}

/// Decodes a zigzag varint, and moves `bytes` behind it.
pub(in crate::io::parquet) fn zigzag(bytes: &mut &[u8]) -> Result<i64> {
    let value = varint(bytes)?;
    Ok((value >> 1) as i64 ^ -((value & 1) as i64))
}
