use gpx_sdk::conversion::{Conversion as Converted, Denial, Request, StoredObject};
use gpx_sdk::{Context, Conversion, Fault, QueryConversion, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Objects;

impl Conversion for Objects {
    fn convert(&self, _: &Context, request: &Request) -> Result<Converted> {
        let version = request.target.version.as_str();
        match version {
            "v9" => Ok(Err(Denial::new(404, "there is no v9").reason("NotFound"))),
            "fault" => Err(Fault::downstream(503, "the registry of versions is down")),
            "panic" => panic!("conversion panicked on purpose"),
            "none" => Ok(Ok(vec![])),
            "many" => Ok(Ok(vec![StoredObject { raw: vec![], content_type: String::new() }; 20_000])),
            "large" => {
                let object = StoredObject { raw: vec![b' '; 1 << 20], content_type: "x".repeat(1 << 20) };
                Ok(Ok(vec![object; 20]))
            }
            _ => {
                let convert = |object: &StoredObject| {
                    let mut value: Value = object.json()?;
                    value["apiVersion"] = format!("{}/{version}", request.target.group).into();
                    Ok(StoredObject {
                        content_type: object.content_type.clone(),
                        ..StoredObject::of_json(&value)?
                    })
                };
                request.objects.iter().map(convert).collect::<Result<_>>().map(Ok)
            }
        }
    }
}

/// A query of any version.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Saved {
    ref_id: String,
    multiply: Option<i64>,
    multiplier: Option<i64>,
}

/// A query of the current version.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Current {
    ref_id: String,
    version: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    multiplier: Option<i64>,
}

impl QueryConversion<Saved, Current> for Objects {
    fn convert_query(&self, _: &Context, saved: Saved) -> Result<Current> {
        let Saved { ref_id, multiply, multiplier } = saved;
        match ref_id.as_str() {
            "fault" => return Err(Fault::downstream(503, "the queries cannot be converted now")),
            "panic" => panic!("the conversion of queries panicked on purpose"),
            _ => {}
        }
        Ok(Current { ref_id, version: 2, multiplier: multiplier.or(multiply) })
    }
}
