use std::collections::BTreeMap;
use std::path::Path;

use crate::plugin::component::engine;
use crate::plugin::precompiled;
use crate::plugin::test::{Asker, Guest, LIMITS, Loaded, compile, compiled, directory};

const NOT_USED: &str = "Precompiled code is not used; make it again with `gpx-host compile`";

/// Returns all the files of a plugin's directory.
fn contents(component: &Path) -> BTreeMap<String, Vec<u8>> {
    let directory = component.parent().unwrap();
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

/// Returns what a plugin with these files answers, whether it compiled them, and why it did not use precompiled code.
async fn answer(file: &Path, use_precompiled: bool) -> (String, bool, Vec<String>) {
    let before = contents(file);
    let (loaded, _) = Loaded::from_file(file, use_precompiled, &LIMITS).await;
    let loaded = loaded.unwrap();
    let answer = loaded.ask(&Asker::of("a")).await.unwrap();
    assert!(contents(file) == before, "the plugin's directory was written to");
    let compiled = !loaded.logged("Compiling the component").is_empty();
    let why = loaded.logged(NOT_USED).into_iter().map(|line| {
        assert_eq!(line["file"].as_str().map(Path::new), Some(precompiled::beside(file).as_path()));
        line["reason"].as_str().unwrap().to_owned()
    });
    (answer, compiled, why.collect())
}

/// Returns why precompiled code is not used after `spoil` has changed its directory. The component still answers.
async fn refused(spoil: impl FnOnce(&Path)) -> String {
    let (_directory, file) = compiled();
    spoil(&file);
    let (answer, compiled, why) = answer(&file, true).await;
    assert_eq!((answer.as_str(), compiled), ("1", true));
    let [why] = why.try_into().unwrap();
    why
}

fn key(component: &Path) -> std::path::PathBuf {
    precompiled::beside(component).with_extension("cwasm.key")
}

#[tokio::test]
async fn code_of_this_component_and_this_host_is_used() {
    let (_directory, file) = compiled();
    assert_eq!(answer(&file, true).await, ("1".to_owned(), false, vec![]));
    assert_eq!(answer(&file, false).await, ("1".to_owned(), true, vec![]), "it is used despite the setting");
}

#[tokio::test]
async fn a_component_without_precompiled_code_is_compiled_without_a_warning() {
    let (_directory, file) = directory(&Guest::new().bytes());
    assert_eq!(answer(&file, true).await, ("1".to_owned(), true, vec![]));
}

#[tokio::test]
async fn code_made_from_another_component_is_refused() {
    // The other one could not even answer.
    let (_directory, file) = directory(&Guest::without("data").bytes());
    compile(&file);
    std::fs::write(&file, Guest::new().bytes()).unwrap();
    let why = vec!["it was made from another component".to_owned()];
    assert_eq!(answer(&file, true).await, ("1".to_owned(), true, why));
}

#[tokio::test]
async fn code_made_by_another_host_is_refused() {
    let version = env!("CARGO_PKG_VERSION");
    let why = refused(|file| {
        let text = std::fs::read_to_string(key(file)).unwrap();
        std::fs::write(key(file), text.replace(version, "0.0.7")).unwrap();
    });
    assert_eq!(why.await, format!("it was made by gpx-host 0.0.7, but this is {version}"));
}

#[tokio::test]
async fn code_without_a_key_is_refused() {
    let missing = refused(|file| std::fs::remove_file(key(file)).unwrap()).await;
    let garbage = refused(|file| std::fs::write(key(file), "{").unwrap()).await;
    for why in [missing, garbage] {
        assert!(why.starts_with("cannot read its key ") && why.ends_with("gpx_test.cwasm.key"), "{why}");
    }
}

#[tokio::test]
async fn damaged_code_is_refused() {
    let keep = |share: usize| {
        move |file: &Path| {
            let code = std::fs::read(precompiled::beside(file)).unwrap();
            std::fs::write(precompiled::beside(file), &code[..code.len() * share / 100]).unwrap();
        }
    };
    for share in [0, 50] {
        let why = refused(keep(share)).await;
        assert!(why.starts_with("the engine refuses it: "), "{share} %: {why}");
    }
    let why = refused(|file| std::fs::write(precompiled::beside(file), "not code").unwrap()).await;
    assert!(why.starts_with("the engine refuses it: "), "{why}");
}

#[tokio::test]
async fn code_of_an_engine_with_another_configuration_is_refused() {
    let write = |file: &Path, configuration: &wasmtime::Config| {
        let component = std::fs::read(file).unwrap();
        let code = wasmtime::Engine::new(configuration).unwrap().precompile_component(&component).unwrap();
        std::fs::write(precompiled::beside(file), code).unwrap();
    };
    let why = refused(|file| write(file, engine::configuration().epoch_interruption(false))).await;
    assert!(why.starts_with("the engine refuses it: "), "{why}");
    // Code that is written in the same way with the right configuration is used.
    let (_directory, file) = compiled();
    write(&file, &engine::configuration());
    assert_eq!(answer(&file, true).await, ("1".to_owned(), false, vec![]));
}

#[test]
fn a_failure_to_compile_is_explained_and_nothing_is_written() {
    let told = |component: &[u8], target: &str| {
        let (_directory, file) = directory(component);
        let error = precompiled::compile(&file, target).unwrap_err();
        assert_eq!(contents(&file).len(), 1);
        error.to_string().replace(file.to_str().unwrap(), "IT")
    };
    assert_eq!(told(&Guest::new().bytes(), "no-such-target"), "IT does not compile");
    let text = told(b"\0asm\x01\0\0\0", "x86_64-unknown-linux-gnu");
    assert!(text.starts_with("IT cannot be used: it is a core module"), "{text}");
    let (_directory, file) = directory(b"");
    let missing_file = file.with_extension("none");
    let missing = precompiled::compile(&missing_file, "x86_64-unknown-linux-gnu").unwrap_err();
    assert_eq!(missing.to_string(), format!("cannot read {}", missing_file.display()));
}
