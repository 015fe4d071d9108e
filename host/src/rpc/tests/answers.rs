use crate::rpc::test::{Grafana, queries};

#[tokio::test]
async fn an_answer_has_frames_and_an_error() {
    let grafana = Grafana::new().await;
    let request =
        queries(&[("A", "say half\npart 503 1 the rest is missing"), ("B", "part 0 1 no status"), ("C", "")]);
    let response = grafana.query(request).await.unwrap();
    let told = |ref_id: &str| {
        let answer = &response.responses[ref_id];
        (answer.frames.len(), answer.status, answer.error.as_str(), answer.error_source.as_str())
    };
    assert_eq!(told("A"), (1, 503, "the rest is missing", "downstream"));
    assert_eq!(told("B"), (1, 500, "no status", "downstream"));
    assert_eq!(told("C"), (1, 200, "", ""));
    assert_eq!(grafana.counted("queryData", "error", "downstream"), "1");
    let lines = grafana.loaded.logged("Partial data response error");
    let line = lines.iter().find(|line| line["refID"] == "A").unwrap();
    assert_eq!((&line["status"], &line["statusSource"]), (&503.into(), &"downstream".into()));
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn a_success_has_any_status_that_http_has() {
    let grafana = Grafana::new().await;
    let scripts = [("A", "status 206"), ("B", "status 0"), ("C", "status 99"), ("D", "status 599")];
    let response = grafana.query(queries(&scripts)).await.unwrap();
    let status = ["A", "B", "C", "D"].map(|ref_id| response.responses[ref_id].status);
    assert_eq!(status, [206, 200, 200, 599]);
    assert_eq!(grafana.counted("queryData", "ok", "plugin"), "1");
}
