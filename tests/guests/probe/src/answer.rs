//! An answer that is more than frames. The query's JSON: `{"status", "error", "further": []}`.

use gpx_sdk::{Answer, Fault, Frame, Query, Result};
use serde::Deserialize;

#[derive(Deserialize)]
struct Wanted {
    status: Option<u16>,
    error: Option<String>,
    #[serde(default)]
    further: Vec<String>,
}

pub fn answer(query: &Query) -> Result<Answer> {
    let Wanted { status, error, further } = query.json()?;
    let mut answer = Answer::from(Frame::new("answer"));
    if let Some(status) = status {
        answer = answer.status(status);
    }
    if let Some(error) = error {
        answer = answer.error(Fault::downstream(503, error));
    }
    Ok(further.into_iter().fold(answer, |answer, ref_id| answer.also(ref_id, Frame::new("further"))))
}
