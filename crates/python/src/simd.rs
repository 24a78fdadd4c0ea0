//! The instruction set that this build was compiled for.
use pyo3::prelude::*;

/// "AVX-512", "AVX2", or "baseline" for a build that runs on every machine of its architecture.
#[pyfunction]
pub fn instruction_set() -> &'static str {
    if cfg!(all(target_feature = "avx512f", target_feature = "avx512dq", target_feature = "avx512vl")) {
        "AVX-512"
    } else if cfg!(target_feature = "avx2") {
        "AVX2"
    } else {
        "baseline"
    }
}
