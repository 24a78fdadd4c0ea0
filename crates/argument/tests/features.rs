//! What only tests may do is in no ordinary build: the feature `testing` is enabled through dev-dependencies alone.
#![allow(clippy::unwrap_used)]
use std::process::Command;

fn tree(package: &str, edges: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let arguments = ["tree", "--offline", "--package", package, "--edges", edges, "--prefix", "none", "--format"];
    let out = Command::new(env!("CARGO")).args(arguments).arg("{p} [{f}]").current_dir(root).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// The features of this crate in a build of a package.
fn features(package: &str, edges: &str) -> Vec<String> {
    let tree = tree(package, edges);
    let lines: Vec<&str> = tree.lines().filter(|l| l.starts_with("tacit-argument ")).collect();
    assert!(!lines.is_empty(), "{tree}");
    let list = |l: &str| l.split_once('[').unwrap().1.split(']').next().unwrap().to_string();
    lines.into_iter().flat_map(|l| list(l).split(',').map(String::from).collect::<Vec<_>>()).collect()
}

#[test]
fn no_ordinary_build_has_what_tests_have() {
    for package in ["tacit-python", "tacit-training", "tacit-argument"] {
        let ordinary = features(package, "normal,build");
        assert!(ordinary.contains(&"prover".to_string()) && !ordinary.contains(&"testing".to_string()), "{package}");
    }
    // The control: with dev-dependencies it is there.
    assert!(features("tacit-training", "normal,build,dev").contains(&"testing".to_string()));
}
