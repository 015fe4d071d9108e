//! A plugin that sees the queries of a request together: one behaviour for each query type. It also converts saved queries,
//! to whatever they ask for.

use gpx_sdk::{
    Answer, Answers, Context, DataBatch, Fault, Frame, Plugin, Query, QueryConversion, Result, Settings,
};
use serde::Deserialize;

struct Together;

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    number: f64,
}

gpx_sdk::plugin!(Together: data_batch, query_conversion);

impl Plugin for Together {
    fn open(settings: Settings) -> Result<Self> {
        match settings.database() {
            "fault" => Err(Fault::new(418, "open failed on purpose")),
            _ => Ok(Self),
        }
    }
}

impl DataBatch<Model> for Together {
    fn query_batch(&self, _: &Context, queries: &[Query<Model>]) -> Result<Answers> {
        let mut answers = Answers::new();
        for query in queries {
            let sum =
                Frame::new("sum").field("sum", [queries.iter().map(|query| query.model.number).sum::<f64>()]);
            let ref_id = query.ref_id.as_str();
            match query.query_type.as_str() {
                "left-out" => {}
                "fault" => answers.add(ref_id, Fault::downstream(503, "only this query failed")),
                "partial" => {
                    answers.add(ref_id, Answer::from(sum).error(Fault::bad_request("half of it is missing")))
                }
                "bad-frame" => answers.add(ref_id, sum.field("two", [1, 2])),
                "further" => {
                    answers.add(ref_id, sum);
                    answers.add(format!("{ref_id}-further"), Answer::from(Frame::new("further")).status(206));
                }
                "nameless" => answers.add("", sum),
                "many" => (0..20_000).for_each(|number| answers.add(number.to_string(), vec![])),
                "fail-all" => return Err(Fault::downstream(502, "no query was answered")),
                "panic" => panic!("panicked on purpose"),
                _ => answers.add(ref_id, sum),
            }
        }
        Ok(answers)
    }
}

impl QueryConversion<serde_json::Value, serde_json::Value> for Together {
    fn convert_query(&self, _: &Context, mut query: serde_json::Value) -> Result<serde_json::Value> {
        // What it makes of a query is said by the query itself.
        Ok(query["becomes"].take())
    }
}
