//! Run-time choice of the instruction set, so that one binary is fast on any x86-64 or arm64.

/// Defines a function whose body is compiled for AVX-512, AVX2 and the baseline, and picks the widest that
/// the processor has. The body is an `#[inline(always)]` function with a `const FMA: bool` parameter,
/// which tells whether fused multiply-add is an instruction (else it would be a slow library call).
macro_rules! dispatch {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) $(-> $out:ty)? = $body:ident) => {
        $(#[$attribute])*
        $visibility fn $name($($arg: $kind),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                fn avx512($($arg: $kind),*) $(-> $out)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $kind),*) $(-> $out)? {
                    $body::<true>($($arg),*)
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("fma")
                {
                    #[allow(unsafe_code, reason = "the processor was just asked for these features")]
                    return unsafe { avx512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    #[allow(unsafe_code, reason = "the processor was just asked for these features")]
                    return unsafe { avx2($($arg),*) };
                }
                $body::<false>($($arg),*)
            }
            #[cfg(not(target_arch = "x86_64"))]
            {
                // On arm64 both NEON and fused multiply-add belong to the baseline.
                $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*)
            }
        }
    };
}
pub(crate) use dispatch;

/// Returns `a * b + c`, fused where that is one instruction.
#[inline(always)]
pub(crate) fn mul_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Returns `a * b + c` in double precision, fused where that is one instruction.
#[inline(always)]
pub(crate) fn mul_add_f64<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}
