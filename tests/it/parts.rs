//! What the program that a retailer runs is made of.

use std::process::Command;

use mercer_testing::root;

/// What only `mercer-lab` is made of.
const LAB: [&str; 4] = [
    "mercer-lab",
    "mercer-corpus",
    "mercer-random-model",
    "mercer-testing",
];

/// Lists what a package is made of, as cargo prints it.
fn tree(package: &str, edges: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["tree", "--offline", "--locked", "--prefix", "none"])
        .args(["-p", package, "-e", edges])
        .output()
        .expect("cargo");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_program_holds_nothing_that_only_the_laboratory_needs() {
    let names = |tree: &str| -> Vec<String> {
        let names = tree.lines().filter_map(|line| line.split(' ').next());
        names.map(str::to_owned).collect()
    };
    let (program, lab) = (tree("mercer", "normal"), tree("mercer-lab", "normal"));
    for name in LAB {
        assert!(names(&lab).iter().any(|one| one == name), "{name}");
        assert!(!names(&program).iter().any(|one| one == name), "{name}");
    }
    let bare = "mercer-inference feature \"bare\"";
    assert!(tree("mercer-lab", "normal,features").contains(bare));
    assert!(!tree("mercer", "normal,features").contains(bare));
}
