//! Transcendental functions that give the same bits on every machine: those of the standard library
//! are the system's, which differ from one system, and from one processor, to another.

/// Returns ln(1 + n).
#[must_use]
pub(crate) fn log1p(n: u32) -> f32 {
    libm::log1p(n.into()) as f32
}
