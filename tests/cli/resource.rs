//! `gpx resource`.

use gpx_tests::artifacts::packaged;
use gpx_tests::directory::Directory;
use serde_json::{Value, json};

use crate::terminal::{Ended, ended, gpx};

#[gpx_tests::test]
async fn a_body_goes_there_and_back() {
    let folder = packaged("http-backend");
    let folder = folder.to_str().unwrap();
    let files = Directory::new().unwrap();
    let body = [0xFF, 0, b'\n', b'a'];
    std::fs::write(files.join("body"), body).unwrap();
    let file = format!("@{}", files.join("body").display());
    let output = gpx(["resource", "echo", folder, "--data", &file]).output().unwrap();
    assert_eq!((output.status.success(), output.stdout.as_slice()), (true, body.as_slice()));

    let words = ["resource", "/echo", folder, "-X", "PUT", "-H", "content-type: text/x", "-d", "hé", "-i"];
    let printed = ended(words).await.ok().stdout;
    assert_eq!(printed, "200\nContent-Type: text/x\n\nhé");

    let words = ["resource", "migrate-query", folder, "-d", r#"{"multiplier":3}"#, "--json"];
    let document: Value = serde_json::from_str(&ended(words).await.ok().stdout).unwrap();
    assert_eq!(document["status"], 200);
    assert_eq!(document["headers"]["Content-Type"], json!(["application/json"]));
    let answer: Value = serde_json::from_str(document["body"].as_str().unwrap()).unwrap();
    assert_eq!(answer["multiplier"], 3);
}

#[gpx_tests::test]
async fn a_status_above_400_is_a_failure() {
    let folder = packaged("http-backend");
    let folder = folder.to_str().unwrap();
    let missing = ended(["resource", "nowhere", folder]).await;
    assert!(missing.stdout.contains("there is no resource"), "{}", missing.stdout);
    missing.failed("the resource has answered with status 404");
    ended(["resource", "echo", folder, "-d", "@/nowhere"]).await.failed("cannot read the body from /nowhere");
    let header = ended(["resource", "echo", folder, "-H", "Bearer hunter2"]).await;
    assert!(!header.stderr.contains("hunter2"), "{}", header.stderr);
    header.failed("--header takes `NAME: VALUE`");
}

#[gpx_tests::test]
async fn a_trace_does_not_disturb_the_body() {
    let folder = packaged("http-backend");
    let command = gpx(["resource", "echo", folder.to_str().unwrap(), "-d", "body", "--trace", "all"]);
    let ended = Ended::of(command).await.ok();
    assert_eq!(ended.stdout, "body");
    assert!(ended.stderr.contains("└ pluginv2.Resource/CallResource"), "{}", ended.stderr);
}
