//! Fused multiply-add by additions and multiplications alone, by rounding to odd: a sum that is
//! not exact gets an odd last bit, which keeps the final rounding from being a second one (Boldo &
//! Melquiond 2008, Emulation of FMA and correctly rounded sums).

/// Returns a + b, and what rounding took from it (Knuth's TwoSum).
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// Returns a + b rounded to odd: cut off, with a last bit of 1, unless it is exact.
#[inline(always)]
fn odd_sum(a: f64, b: f64) -> f64 {
    let (sum, error) = two_sum(a, b);
    let bits = sum.to_bits();
    let inexact = if error.abs() > 0.0 { u64::MAX } else { 0 };
    let is_beyond = (bits ^ error.to_bits()) >> 63;
    f64::from_bits(bits.wrapping_sub(is_beyond & inexact) | (1 & inexact))
}

/// Returns a · b, and what rounding took from it (Dekker's product with Veltkamp's split).
#[inline(always)]
fn two_product(a: f64, b: f64) -> (f64, f64) {
    const SPLIT: f64 = (1_u64 << 27) as f64 + 1.0;
    let halves = |x: f64| {
        let high = SPLIT * x - (SPLIT * x - x);
        (high, x - high)
    };
    let product = a * b;
    let ((ah, al), (bh, bl)) = (halves(a), halves(b));
    (product, al * bl - (((product - ah * bh) - al * bh) - ah * bl))
}

/// Returns a · b + c. The product of two `f32` is exact in `f64`.
#[inline(always)]
pub(super) fn fma(a: f32, b: f32, c: f32) -> f32 {
    odd_sum(f64::from(a) * f64::from(b), f64::from(c)) as f32
}

/// Returns a · b + c, where neither the product's last bits are too small for an `f64` nor the
/// factors beyond 2⁹⁹⁰.
#[inline(always)]
pub(super) fn fma_f64(a: f64, b: f64, c: f64) -> f64 {
    let (product, rest) = two_product(a, b);
    let (low, lowest) = two_sum(c, rest);
    let (sum, error) = two_sum(product, low);
    sum + odd_sum(error, lowest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn is_the_fused_one(a in any::<f32>(), b in any::<f32>(), c in any::<f32>(), near in -3..3_i32) {
            // Of arbitrary numbers, one is nearly always lost in the other.
            let product = a * b;
            let close = f32::from_bits(product.to_bits().wrapping_add_signed(near));
            for c in [c, -product, close, -close, product * 3e-8, product * 0.5, product * 1e7] {
                let (found, fused) = (fma(a, b, c), a.mul_add(b, c));
                prop_assert!(found.to_bits() == fused.to_bits() || found.is_nan() && fused.is_nan(), "{a:e} {b:e} {c:e}: {found:e} for {fused:e}");
            }
        }

        /// Products half-way between two numbers, which the last bit of a sum decides about.
        #[test]
        fn is_rounded_once(j in 0..1000_u32, k in 0..1000_u32, lost in 1e-30..1e-20_f32) {
            let odd = |n: u32| 2.0 * n as f32 + 1.0;
            let (a, b) = (1.0 + odd(k) * 2_f32.powi(-12), 1.0 + odd(j) * 2_f32.powi(-12));
            for c in [lost, -lost, 0.0] {
                prop_assert_eq!(fma(a, b, c).to_bits(), a.mul_add(b, c).to_bits());
            }
            let odd = |n: u32| f64::from(2 * n + 1);
            let (a, b) = (1.0 + odd(k) * 2_f64.powi(-26), 1.0 + odd(j) * 2_f64.powi(-27));
            for c in [lost, -lost, 0.0].map(f64::from) {
                prop_assert_eq!(fma_f64(a, b, c).to_bits(), a.mul_add(b, c).to_bits());
            }
        }

        #[test]
        fn is_the_fused_one_in_double_precision(
            a in -1e60..1e60_f64, b in -1e60..1e60_f64, exponents in (-100..100_i32, -100..100_i32), near in -3..3_i64,
        ) {
            let (a, b) = (a * 2_f64.powi(exponents.0), b * 2_f64.powi(exponents.1));
            let product = a * b;
            let close = f64::from_bits(product.to_bits().wrapping_add_signed(near));
            for c in [0.0, -product, close, -close, product * 1.1e-16, product * 0.5, product * 1e15, 1.0] {
                let (found, fused) = (fma_f64(a, b, c), a.mul_add(b, c));
                prop_assert_eq!(found.to_bits(), fused.to_bits(), "{:e} {:e} {:e}: {:e} for {:e}", a, b, c, found, fused);
            }
        }
    }
}
