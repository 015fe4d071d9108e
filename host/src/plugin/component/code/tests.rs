use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use super::artifact::Key;
use super::*;
use crate::budget::Machine;
use crate::plugin::LoadError;
use crate::plugin::component::engine;
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
        assert_eq!(line["file"].as_str().map(Path::new), Some(beside(file).as_path()));
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

/// Changes the key of the code, which then is still whole.
fn with_key(component: &Path, change: impl FnOnce(&mut Key)) {
    let mut artifact = Artifact::read(&beside(component)).unwrap();
    change(&mut artifact.key);
    std::fs::write(beside(component), artifact.key.clone().seal(artifact.code())).unwrap();
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
async fn code_made_by_another_host_or_for_another_engine_is_refused() {
    let why = refused(|file| with_key(file, |key| key.host = "0.0.7".to_owned())).await;
    assert_eq!(why, format!("it was made by gpx-host 0.0.7, but this is {}", env!("CARGO_PKG_VERSION")));
    let why = refused(|file| with_key(file, |key| key.engine = "47.0.1".to_owned())).await;
    assert_eq!(
        why,
        format!("it was made for wasmtime 47.0.1, but this gpx-host has {}", wasmtime_environ::VERSION)
    );
}

#[tokio::test]
async fn damaged_code_is_refused() {
    let keep = |share: usize| {
        move |file: &Path| {
            let code = std::fs::read(beside(file)).unwrap();
            std::fs::write(beside(file), &code[..code.len() * share / 100]).unwrap();
        }
    };
    for share in [0, 50] {
        let why = refused(keep(share)).await;
        assert!(why.starts_with("it is incomplete or damaged"), "{share} %: {why}");
    }
    let why = refused(|file| std::fs::write(beside(file), "not code").unwrap()).await;
    assert_eq!(why, "it is incomplete or damaged, or an older version of gpx-host has made it");
    let why = Artifact::read(std::path::Path::new("/dev/zero")).err().unwrap().to_string();
    assert_eq!(why, "it cannot be read: it is not a regular file");
}

#[test]
fn a_bit_flipped_anywhere_in_real_code_is_noticed() {
    let (_directory, file) = compiled();
    let content = std::fs::read(beside(&file)).unwrap();
    Artifact::new(content.clone()).unwrap();
    // A prime, so that all positions of a bit in a byte, and of a byte in a word, come up.
    let step = content.len() * 8 / 401;
    for bit in (0..content.len() * 8).step_by(step | 1) {
        let mut damaged = content.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Artifact::new(damaged).is_err(), "bit {bit}");
    }
}

#[tokio::test]
async fn code_of_an_engine_with_another_configuration_is_refused() {
    let write = |file: &Path, configuration: &wasmtime::Config| {
        let component = std::fs::read(file).unwrap();
        let code = wasmtime::Engine::new(configuration).unwrap().precompile_component(&component).unwrap();
        let key = Artifact::read(&beside(file)).unwrap().key;
        std::fs::write(beside(file), key.seal(&code)).unwrap();
    };
    let why = refused(|file| write(file, engine::configuration().epoch_interruption(false))).await;
    assert_eq!(
        why,
        "the engine refuses it: Module was compiled without epoch interruption but it is enabled for the host"
    );
    // Code that is written in the same way with the right configuration is used.
    let (_directory, file) = compiled();
    write(&file, &engine::configuration());
    assert_eq!(answer(&file, true).await, ("1".to_owned(), false, vec![]));
}

#[test]
fn a_failure_to_compile_is_explained_and_nothing_is_written() {
    let told = |component: &[u8], target: &str| {
        let (_directory, file) = directory(component);
        let error = super::compile(&file, target).unwrap_err();
        assert_eq!(contents(&file).len(), 1);
        error.to_string().replace(file.to_str().unwrap(), "IT")
    };
    assert_eq!(told(&Guest::new().bytes(), "no-such-target"), "IT does not compile");
    let text = told(b"\0asm\x01\0\0\0", "x86_64-unknown-linux-gnu");
    assert!(text.starts_with("IT cannot be used: it is a core module"), "{text}");
    let (_directory, file) = directory(b"");
    let missing_file = file.with_extension("none");
    let missing = super::compile(&missing_file, "x86_64-unknown-linux-gnu").unwrap_err();
    assert_eq!(missing.to_string(), format!("cannot read {}", missing_file.display()));
}

/// Where code may come from, with this cache.
fn cached(cache: &Path) -> CodeSources {
    CodeSources { cache_dir: Some(cache.to_owned()), ..CodeSources::default() }
}

/// Returns the warnings of a plugin that answered, and whether its code was compiled.
async fn load(file: &Path, sources: CodeSources) -> (Vec<String>, bool) {
    let (loaded, lines) = Loaded::with_code(file, sources, &LIMITS, Machine::default()).await;
    assert_eq!(loaded.unwrap().ask(&Asker::of("a")).await.unwrap(), "1");
    let lines = lines.json();
    let text = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let warnings = lines.iter().filter(|line| line["@level"] == "warn");
    let warnings = warnings.map(|line| format!("{}: {}", text(line, "@message"), text(line, "reason")));
    (warnings.collect(), lines.iter().any(|line| line["@message"] == "Compiling the component"))
}

#[tokio::test]
async fn what_was_compiled_is_kept_for_the_next_start() {
    let (directory, file) = directory(&Guest::new().bytes());
    let cache = directory.path().join("cache");
    assert_eq!(load(&file, cached(&cache)).await, (vec![], true));
    assert_eq!(load(&file, cached(&cache)).await, (vec![], false));
    let kept: Vec<_> = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [kept] = kept.as_slice() else { panic!("{kept:?}") };
    // Whatever is wrong with it, it is made again.
    std::fs::write(kept, "x").unwrap();
    let why = "it is incomplete or damaged, or an older version of gpx-host has made it";
    let told = vec![format!("Code in the cache is not used, and is made again: {why}")];
    assert_eq!(load(&file, cached(&cache)).await, (told, true));
    assert_eq!(load(&file, cached(&cache)).await, (vec![], false));
    // Another component has another place.
    std::fs::write(&file, Guest::without("resource").bytes()).unwrap();
    assert_eq!(load(&file, cached(&cache)).await, (vec![], true));
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 2);
}

#[tokio::test]
async fn code_that_was_kept_for_another_engine_is_not_used() {
    let (directory, file) = directory(&Guest::new().bytes());
    let cache = directory.path().join("cache");
    load(&file, cached(&cache)).await;
    let kept = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    let mut artifact = Artifact::read(&kept).unwrap();
    artifact.key.settings = "other".to_owned();
    std::fs::write(&kept, artifact.key.clone().seal(artifact.code())).unwrap();
    let why = "it was made for other settings of the engine, or for another processor";
    let told = vec![format!("Code in the cache is not used, and is made again: {why}")];
    assert_eq!(load(&file, cached(&cache)).await, (told, true));
}

#[tokio::test]
async fn without_a_cache_of_its_own_a_plugin_compiles_at_each_start() {
    let (directory, file) = directory(&Guest::new().bytes());
    let cache = directory.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o755)).unwrap();
    for _ in 0..2 {
        let (told, compiled) = load(&file, cached(&cache)).await;
        let [told] = told.try_into().unwrap();
        assert!(
            told.starts_with("The cache of compiled code is not used: ") && told.contains("chmod 700"),
            "{told}"
        );
        assert!(compiled);
    }
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 0);
}

#[tokio::test]
async fn a_host_without_a_compiler_says_what_is_missing() {
    let sources =
        |precompiled| CodeSources { precompiled, compiler: Compiler::Nobody, ..CodeSources::default() };
    let refused = async |file: &Path, precompiled| {
        let (loaded, _) = Loaded::with_code(file, sources(precompiled), &LIMITS, Machine::default()).await;
        let Err(error @ LoadError::Engine { .. }) = loaded else { panic!("it was loaded") };
        error.to_string().replace(file.with_extension("").to_str().unwrap(), "IT")
    };
    let start = "the component IT.wasm cannot be used: this gpx-host is built without the compiler, and";
    let end = "compile it ahead of time with `gpx-host compile` of the same version, or use a gpx-host with the compiler";
    let (_compiled, file) = compiled();
    assert_eq!(load(&file, sources(true)).await, (vec![], false));
    let why = "IT.cwasm is not used, since gpx_precompiled = off";
    assert_eq!(refused(&file, false).await, format!("{start} {why}; {end}"));
    std::fs::write(beside(&file), "").unwrap();
    let why =
        "IT.cwasm is not used: it is incomplete or damaged, or an older version of gpx-host has made it";
    assert_eq!(refused(&file, true).await, format!("{start} {why}; {end}"));
    std::fs::remove_file(beside(&file)).unwrap();
    assert_eq!(refused(&file, true).await, format!("{start} there is no IT.cwasm; {end}"));
}
