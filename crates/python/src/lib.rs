//! The private native module of the Python package: conversions only. `tacit.session` is its one caller.
#[cfg(tacit_few_queries)]
compile_error!("proofs of few queries are the fuzzer's alone");

mod data;
mod errors;
mod link;
mod public;
mod release;
mod report;
mod run;
mod seeds;
mod simd;
mod tensors;
mod work;

use pyo3::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::data::{commit_dataset, commit_model, verify_commitment};
    #[pymodule_export]
    use super::errors::Failure;
    #[pymodule_export]
    use super::link::{link_data, link_model, link_rows, plan_link, verify_link};
    #[pymodule_export]
    use super::public::{plan_public_report, prove_public_report, public_model, verify_public_report};
    #[pymodule_export]
    use super::release::{check_release, prove_release, verify_release};
    #[pymodule_export]
    use super::report::{ModelTree, open_model, plan_report, prove_report, verify_report};
    #[pymodule_export]
    use super::run::{
        assemble_run, describe, estimate_plan, estimate_run, file_kind, prove_chunk, run_statement, verify_run,
    };
    #[pymodule_export]
    use super::seeds::{declare, derive_seed, initial_weights};
    #[pymodule_export]
    use super::simd::instruction_set;
}
