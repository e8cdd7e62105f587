//! Run-time choice of the instruction set, so that one binary is fast on any x86-64 or arm64, and
//! gives the same bits on all of them.
//!
//! A kernel is written once, over `SimdLanes`, and compiled for each implementation of it;
//! `dispatch!` picks the widest that the processor has. All of them have sixteen logical lanes,
//! multiply and add with one rounding, and sum their lanes in the same order. Crates for portable
//! SIMD leave one of these open: `wide` and `std::simd` fuse only if the build does, and
//! `std::simd` needs a nightly compiler.

use std::sync::OnceLock;

use crate::linalg::emulated;

/// The environment variable that forces an instruction set.
pub const VARIABLE: &str = "MVREC_SIMD";

/// Instructions that the kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// AVX-512 F, VL, DQ and BW.
    Avx512,
    /// AVX2 and FMA.
    Avx2,
    /// What every processor of the architecture has: SSE2 with multiply-adds in software, or NEON.
    Portable,
}

impl InstructionSet {
    /// All of them, the widest first, by their names in [`VARIABLE`].
    const ALL: [(&'static str, Self); 3] =
        [("avx512", Self::Avx512), ("avx2", Self::Avx2), ("portable", Self::Portable)];

    pub(crate) fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        match self {
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("fma")
            }
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Portable => true,
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Self::Portable
        }
    }
}

/// Returns the instruction set that [`VARIABLE`] asks for, or the widest of this processor.
///
/// # Errors
/// If the variable holds something else or what this processor lacks.
pub fn requested_instruction_set() -> Result<InstructionSet, String> {
    let available = || InstructionSet::ALL.iter().filter(|(_, set)| set.is_available());
    let widest = || available().next().expect("the portable set is always there").1;
    let Some(name) = std::env::var_os(VARIABLE) else { return Ok(widest()) };
    let asked = available().find(|(known, _)| name == *known);
    asked.map(|(_, set)| *set).ok_or_else(|| {
        let names: Vec<&str> = available().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        format!("{VARIABLE}: no instruction set `{}` here; there are {names}", name.display())
    })
}

/// Returns the instruction set in use, which is one that the processor has.
#[inline]
pub(crate) fn instruction_set() -> InstructionSet {
    static CHOSEN: OnceLock<InstructionSet> = OnceLock::new();
    *CHOSEN.get_or_init(|| requested_instruction_set().unwrap_or(InstructionSet::Portable))
}

/// Numbers of `f32` that are handled together.
pub(crate) const LANES: usize = 16;

/// A vector of [`LANES`] numbers: one register of AVX-512, two of AVX2, or what the compiler makes
/// of an array.
///
/// Values of a kind are made by kernels alone, which [`dispatch`] calls only where the processor
/// can run them.
pub(crate) trait SimdLanes: Copy {
    /// Whether 32 registers of this kind are at hand, and not 8.
    const HAS_32_REGISTERS: bool;

    fn splat(value: f32) -> Self;
    fn load(from: &[f32; LANES]) -> Self;
    fn store(self, to: &mut [f32; LANES]);
    fn add(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// Returns `self * other + sum`, rounded once.
    fn mul_add(self, other: Self, sum: Self) -> Self;
    /// Returns the sum of all lanes: lanes eight apart, then four, two and one.
    fn sum(self) -> f32;

    /// Returns `a * b + c` of single numbers, rounded once.
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    /// Returns `a * b + c` in double precision, rounded once.
    #[inline(always)]
    fn fma_f64(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }

    /// Adds to what is in memory.
    #[inline(always)]
    fn add_to(self, out: &mut [f32; LANES]) {
        self.add(Self::load(out)).store(out);
    }
}

/// An array, which the compiler turns into what the baseline of the processor has: SSE2, or NEON.
/// x86-64 without fused multiply-add pays for the same bits: an iteration of ALS on 25 million
/// ratings takes 149 s so, and 6.3 s with AVX-512. With library calls of `mul_add` it takes longer.
#[derive(Clone, Copy)]
pub(crate) struct PortableLanes([f32; LANES]);

impl SimdLanes for PortableLanes {
    const HAS_32_REGISTERS: bool = false;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        Self(*from)
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        *to = self.0;
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] * other.0[lane]))
    }

    #[inline(always)]
    fn mul_add(self, other: Self, sum: Self) -> Self {
        Self(std::array::from_fn(|lane| Self::fma(self.0[lane], other.0[lane], sum.0[lane])))
    }

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        if HAS_FUSED_BASELINE { a.mul_add(b, c) } else { emulated::fma(a, b, c) }
    }

    #[inline(always)]
    fn fma_f64(a: f64, b: f64, c: f64) -> f64 {
        if HAS_FUSED_BASELINE { a.mul_add(b, c) } else { emulated::fma_f64(a, b, c) }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        let eight: [f32; 8] = std::array::from_fn(|lane| self.0[lane] + self.0[lane + 8]);
        let four: [f32; 4] = std::array::from_fn(|lane| eight[lane] + eight[lane + 4]);
        (four[0] + four[2]) + (four[1] + four[3])
    }
}

/// Whether every processor that the build is for has fused multiply-add.
const HAS_FUSED_BASELINE: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "intrinsics: a kernel of this kind runs only where `dispatch` found the instructions"
)]
mod x86 {
    use std::arch::x86_64::*;

    use super::{LANES, SimdLanes};

    #[derive(Clone, Copy)]
    pub(crate) struct Avx512Lanes(__m512);

    impl SimdLanes for Avx512Lanes {
        const HAS_32_REGISTERS: bool = true;

        #[inline(always)]
        fn splat(value: f32) -> Self {
            Self(unsafe { _mm512_set1_ps(value) })
        }

        #[inline(always)]
        fn load(from: &[f32; LANES]) -> Self {
            Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; LANES]) {
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            Self(unsafe { _mm512_mul_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn mul_add(self, other: Self, sum: Self) -> Self {
            Self(unsafe { _mm512_fmadd_ps(self.0, other.0, sum.0) })
        }

        #[inline(always)]
        fn sum(self) -> f32 {
            unsafe {
                let low = _mm512_castps512_ps256(self.0);
                Avx2Lanes(low, _mm512_extractf32x8_ps::<1>(self.0)).sum()
            }
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Avx2Lanes(__m256, __m256);

    impl SimdLanes for Avx2Lanes {
        const HAS_32_REGISTERS: bool = false;

        #[inline(always)]
        fn splat(value: f32) -> Self {
            let half = unsafe { _mm256_set1_ps(value) };
            Self(half, half)
        }

        #[inline(always)]
        fn load(from: &[f32; LANES]) -> Self {
            let (low, high) = from.split_at(LANES / 2);
            unsafe { Self(_mm256_loadu_ps(low.as_ptr()), _mm256_loadu_ps(high.as_ptr())) }
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; LANES]) {
            let (low, high) = to.split_at_mut(LANES / 2);
            unsafe {
                _mm256_storeu_ps(low.as_mut_ptr(), self.0);
                _mm256_storeu_ps(high.as_mut_ptr(), self.1);
            }
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn mul_add(self, other: Self, sum: Self) -> Self {
            unsafe {
                Self(
                    _mm256_fmadd_ps(self.0, other.0, sum.0),
                    _mm256_fmadd_ps(self.1, other.1, sum.1),
                )
            }
        }

        #[inline(always)]
        fn sum(self) -> f32 {
            unsafe {
                let eight = _mm256_add_ps(self.0, self.1);
                let four =
                    _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
                let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2Lanes, Avx512Lanes};

/// Defines a function whose body, generic over [`SimdLanes`] and `#[inline(always)]`, is compiled
/// for AVX-512, AVX2 and the baseline, and picks the widest that the processor has.
macro_rules! dispatch {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) $(-> $out:ty)? = $body:ident) => {
        $(#[$attribute])*
        $visibility fn $name($($arg: $kind),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                fn avx512($($arg: $kind),*) $(-> $out)? {
                    $body::<crate::linalg::simd::Avx512Lanes>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $kind),*) $(-> $out)? {
                    $body::<crate::linalg::simd::Avx2Lanes>($($arg),*)
                }
                use crate::linalg::simd::{InstructionSet, PortableLanes, instruction_set};
                match instruction_set() {
                    #[allow(unsafe_code, reason = "the set in use is one that the processor has")]
                    InstructionSet::Avx512 => unsafe { avx512($($arg),*) },
                    #[allow(unsafe_code, reason = "the set in use is one that the processor has")]
                    InstructionSet::Avx2 => unsafe { avx2($($arg),*) },
                    InstructionSet::Portable => $body::<PortableLanes>($($arg),*),
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            $body::<crate::linalg::simd::PortableLanes>($($arg),*)
        }
    };
}
pub(crate) use dispatch;

/// Calls `$check` with a kernel's body as compiled for each instruction set of this processor.
#[cfg(test)]
macro_rules! every_instruction_set {
    ($body:ident, $check:expr) => {{
        use crate::linalg::simd::{InstructionSet, PortableLanes};
        let check = $check;
        check($body::<PortableLanes>);
        #[cfg(target_arch = "x86_64")]
        {
            use crate::linalg::simd::{Avx2Lanes, Avx512Lanes};
            if InstructionSet::Avx2.is_available() {
                check($body::<Avx2Lanes>);
            }
            if InstructionSet::Avx512.is_available() {
                check($body::<Avx512Lanes>);
            }
        }
    }};
}
#[cfg(test)]
pub(crate) use every_instruction_set;

/// Asks for the memory around a value that will be read soon; where that cannot be asked, nothing
/// happens.
#[inline(always)]
pub(crate) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[allow(unsafe_code, reason = "SSE is in every x86-64, and a reference points to memory")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// Cuts a slice whose length is a multiple of [`LANES`] into vectors.
#[inline(always)]
pub(crate) fn vectors(values: &[f32]) -> &[[f32; LANES]] {
    values.as_chunks().0
}

/// Cuts a slice whose length is a multiple of [`LANES`] into vectors for writing.
#[inline(always)]
pub(crate) fn vectors_mut(values: &mut [f32]) -> &mut [[f32; LANES]] {
    values.as_chunks_mut().0
}
