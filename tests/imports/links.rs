//! The links of the repository's documents: each leads to a file, and to a heading of it.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

/// A link in a document.
struct Link<'t> {
    line: usize,
    target: &'t str,
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository");
    let documents = documents(root);
    assert!(documents.len() > 20, "only {} documents", documents.len());
    let broken: Vec<_> = documents.iter().flat_map(|document| broken(root, document)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_book_has_every_page() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).expect("the book's summary");
    let listed: HashSet<_> = links(&summary).map(|link| link.target.to_owned()).collect();
    for entry in docs.read_dir().expect("docs/").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") && name != "SUMMARY.md" {
            assert!(listed.contains(&name), "docs/SUMMARY.md does not list {name}");
        }
    }
}

/// Returns the documents of the repository, without what is built, installed or generated.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder
            && !name.starts_with('.')
            && !["target", "node_modules", "corpus", "templates"].contains(&&*name)
        {
            found.extend(documents(&path));
        } else if name.ends_with(".md") && !is_folder {
            found.push(path);
        }
    }
    found
}

fn broken(root: &Path, document: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(document).expect("a document");
    let name = document.strip_prefix(root).unwrap_or(document).display().to_string();
    let wrong = |Link { line, target }: Link<'_>| {
        let (file, heading) =
            target.split_once('#').map_or((target, None), |(file, heading)| (file, Some(heading)));
        let to = if file.is_empty() { document.to_owned() } else { plain(&document.parent()?.join(file)) };
        if !to.starts_with(root) || !to.exists() {
            return Some(format!("{name}:{line}: there is no {file}"));
        }
        let heading = heading?;
        let known = headings(&std::fs::read_to_string(&to).unwrap_or_default()).contains(heading);
        (!known).then(|| format!("{name}:{line}: {} has no heading #{heading}", to.display()))
    };
    links(&text).filter(|link| !is_elsewhere(link.target)).filter_map(wrong).collect()
}

/// Whether a link leads out of the repository.
fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// Returns the links of a document, outside of code.
fn links(text: &str) -> impl Iterator<Item = Link<'_>> {
    prose(text).flat_map(|(line, text)| {
        let without_code = text.split('`').step_by(2);
        without_code.flat_map(move |text| {
            let targets = text.split("](").skip(1);
            targets.filter_map(move |rest| Some(Link { line, target: rest.split_once(')')?.0 }))
        })
    })
}

/// Returns the anchors of a document's headings, as GitHub makes them.
fn headings(text: &str) -> HashSet<String> {
    let titles =
        prose(text).filter_map(|(_, line)| line.strip_prefix('#').map(|title| title.trim_start_matches('#')));
    titles.map(|title| anchor(title.trim())).collect()
}

fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|each| each.is_alphanumeric() || matches!(each, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|each| if each == ' ' { '-' } else { each }).collect()
}

/// Returns the lines that are not within a block of code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// Returns a path without `..` in it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = plain.pop(),
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn a_link_is_found_outside_of_code_only() {
    let text = "[a](b.md#c), `[no](x)`\n```\n[no](y)\n```\n[d](e) and [f](https://g)\n# Two `words`: of it\n";
    let found: Vec<_> = links(text).map(|link| (link.line, link.target)).collect();
    assert_eq!(found, [(1, "b.md#c"), (5, "e"), (5, "https://g")]);
    assert_eq!(headings(text), HashSet::from(["two-words-of-it".to_owned()]));
    assert_eq!(plain(Path::new("/a/b/../c.md")), Path::new("/a/c.md"));
}
