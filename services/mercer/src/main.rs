//! The `mercer` binary. All that it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    mercer::cli::main()
}
