use std::collections::BTreeMap;
use std::path::Path;

use crate::plugin::precompiled;
use crate::plugin::test::{Asker, Guest, LIMITS, Loaded, compile, compiled, directory};
use crate::plugin::{Files, engine};

const NOT_USED: &str = "Precompiled code is not used; make it again with `gpx-host compile`";

/// All files of a plugin's directory.
fn contents(files: &Files) -> BTreeMap<String, Vec<u8>> {
    let directory = files.component.parent().unwrap();
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

/// What a plugin whose files are these answers, whether it compiled them, and why it did not use precompiled code.
async fn answer(files: &Files, use_precompiled: bool) -> (String, bool, Vec<String>) {
    let before = contents(files);
    let (loaded, _) = Loaded::from_files(files, use_precompiled, &LIMITS).await;
    let loaded = loaded.unwrap();
    let answer = loaded.ask(&Asker::of("a")).await.unwrap();
    assert!(contents(files) == before, "the plugin's directory was written to");
    let compiled = !loaded.logged("Compiling the component").is_empty();
    let why = loaded.logged(NOT_USED).into_iter().map(|line| {
        assert_eq!(line["file"].as_str().map(Path::new), Some(files.precompiled.as_path()));
        line["reason"].as_str().unwrap().to_owned()
    });
    (answer, compiled, why.collect())
}

/// Why the code of a whole directory is not used after something was done to it. The component answers all the same.
async fn refused(spoil: impl FnOnce(&Files)) -> String {
    let (_directory, files) = compiled();
    spoil(&files);
    let (answer, compiled, why) = answer(&files, true).await;
    assert_eq!((answer.as_str(), compiled), ("1", true));
    let [why] = why.try_into().unwrap();
    why
}

fn key(files: &Files) -> std::path::PathBuf {
    files.precompiled.with_extension("cwasm.key")
}

#[tokio::test]
async fn code_of_this_component_and_this_host_is_used() {
    let (_directory, files) = compiled();
    assert_eq!(answer(&files, true).await, ("1".to_owned(), false, vec![]));
    assert_eq!(answer(&files, false).await, ("1".to_owned(), true, vec![]), "it is used against the setting");
}

#[tokio::test]
async fn a_component_without_precompiled_code_is_compiled_in_silence() {
    let (_directory, files) = directory(&Guest::new().bytes());
    assert_eq!(answer(&files, true).await, ("1".to_owned(), true, vec![]));
}

#[tokio::test]
async fn code_of_another_component_is_refused() {
    // The other one could not even answer.
    let (_directory, files) = directory(&Guest::without("data").bytes());
    compile(&files);
    std::fs::write(&files.component, Guest::new().bytes()).unwrap();
    let why = vec!["it was made from another component".to_owned()];
    assert_eq!(answer(&files, true).await, ("1".to_owned(), true, why));
}

#[tokio::test]
async fn code_of_another_host_is_refused() {
    let version = env!("CARGO_PKG_VERSION");
    let why = refused(|files| {
        let text = std::fs::read_to_string(key(files)).unwrap();
        std::fs::write(key(files), text.replace(version, "0.0.7")).unwrap();
    });
    assert_eq!(why.await, format!("gpx-host 0.0.7 made it, this is {version}"));
}

#[tokio::test]
async fn code_without_a_key_is_refused() {
    let missing = refused(|files| std::fs::remove_file(key(files)).unwrap()).await;
    let garbage = refused(|files| std::fs::write(key(files), "{").unwrap()).await;
    for why in [missing, garbage] {
        assert!(why.starts_with("its key ") && why.ends_with("gpx_test.cwasm.key cannot be read"), "{why}");
    }
}

#[tokio::test]
async fn damaged_code_is_refused() {
    let keep = |share: usize| {
        move |files: &Files| {
            let code = std::fs::read(&files.precompiled).unwrap();
            std::fs::write(&files.precompiled, &code[..code.len() * share / 100]).unwrap();
        }
    };
    for share in [0, 50] {
        let why = refused(keep(share)).await;
        assert!(why.starts_with("the engine refuses it: "), "{share} %: {why}");
    }
    let why = refused(|files| std::fs::write(&files.precompiled, "not code").unwrap()).await;
    assert!(why.starts_with("the engine refuses it: "), "{why}");
}

#[tokio::test]
async fn code_of_an_engine_that_is_set_up_otherwise_is_refused() {
    let write = |files: &Files, configuration: &wasmtime::Config| {
        let component = std::fs::read(&files.component).unwrap();
        let code = wasmtime::Engine::new(configuration).unwrap().precompile_component(&component).unwrap();
        std::fs::write(&files.precompiled, code).unwrap();
    };
    let why = refused(|files| write(files, engine::configuration().epoch_interruption(false))).await;
    assert!(why.starts_with("the engine refuses it: "), "{why}");
    // What is written in the same way with the right configuration is used.
    let (_directory, files) = compiled();
    write(&files, &engine::configuration());
    assert_eq!(answer(&files, true).await, ("1".to_owned(), false, vec![]));
}

#[test]
fn what_cannot_be_compiled_is_explained_and_nothing_is_written() {
    let told = |component: &[u8], target: &str| {
        let (_directory, files) = directory(component);
        let error = precompiled::compile(&files.component, target).unwrap_err();
        assert_eq!(contents(&files).len(), 1);
        error.to_string().replace(files.component.to_str().unwrap(), "IT")
    };
    assert_eq!(told(&Guest::new().bytes(), "no-such-target"), "IT does not compile");
    let text = told(b"\0asm\x01\0\0\0", "x86_64-unknown-linux-gnu");
    assert!(text.starts_with("IT cannot be used: it is a core module"), "{text}");
    let (_directory, files) = directory(b"");
    let missing = precompiled::compile(&files.metadata, "x86_64-unknown-linux-gnu").unwrap_err();
    assert_eq!(missing.to_string(), format!("{} cannot be read", files.metadata.display()));
}
