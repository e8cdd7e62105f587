//! Quantiles, by one rule.

/// Returns the quantile `q` of `n` values, of which `value` returns the one at an index in
/// ascending order, by linear interpolation (type 7 of Hyndman & Fan 1996, as NumPy, R and Excel
/// have it).
///
/// # Panics
/// If there are no values.
#[must_use]
pub fn quantile(n: usize, value: impl Fn(usize) -> f64, q: f64) -> f64 {
    let place = q * (n - 1) as f64;
    let (low, share) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(n - 1);
    value(low) + share * (value(high) - value(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_their_neighbors() {
        let values = [1.0, 2.0, 4.0, 12.0];
        let at = |q| quantile(values.len(), |at| values[at], q);
        assert_eq!([0.0, 0.5, 0.75, 1.0].map(at), [1.0, 3.0, 6.0, 12.0]);
        assert_eq!(quantile(1, |_| 7.0, 0.9), 7.0);
    }
}
