//! Nothing: this package holds only the tests that cross crates, in `it/`.
