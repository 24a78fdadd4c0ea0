//! The source-level inventory: every line of the crates that absorbs or draws, checked in as `sites.txt`.
use crate::checked_in;
use std::path::{Path, PathBuf};

const CALLS: [&str; 13] = [
    "Transcript::new(",
    ".absorb_root(",
    ".absorb_message(",
    ".challenge()",
    ".point(",
    ".begin(",
    "begin(config",
    ".receive()",
    ".send(",
    "send(masker",
    ".challenger()",
    ".observe",
    ".sample",
];

fn sources(directory: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().to_string();
        if path.is_dir() && name != "tests" {
            sources(&path, out);
        } else if name.ends_with(".rs") && !["probe.rs", "simulator.rs"].contains(&name.as_str()) {
            out.push(path);
        }
    }
}

#[test]
fn every_call_site_is_in_the_inventory() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = vec![];
    for part in ["argument", "training", "python"] {
        sources(&root.join(part).join("src"), &mut files);
    }
    files.sort();
    let mut found = String::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        for line in std::fs::read_to_string(&file).unwrap().lines().map(str::trim) {
            if !line.starts_with("//") && CALLS.iter().any(|c| line.contains(c)) {
                found.push_str(&format!("{name}: {line}\n"));
            }
        }
    }
    let n = found.lines().count();
    assert!(n > 60, "{n} call sites");
    checked_in("sites.txt", &found);
}
