//! Says what it is told, or what an upstream answers, in every way in which a guest can make the host print something.
//! The query's JSON: `{"texts": [], "url", "to", "end"}`. `url` is asked for one more text, and each text is requested as a
//! path and a query of `to`. `end` is `fault`, `panic`, `frame` or `label`.

use gpx_sdk::log::{self, Level};
use gpx_sdk::{Attribute, Fault, Field, Frame, Query, Result, attributes, http, span};
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    texts: Vec<String>,
    url: String,
    to: String,
    end: String,
}

pub fn say(query: &Query) -> Result<Vec<Frame>> {
    let mut wanted: Wanted = query.json()?;
    if !wanted.url.is_empty() {
        wanted.texts.push(http::get(&wanted.url).send()?.text()?);
    }
    for text in wanted.texts.iter().map(String::as_str) {
        let span = span!("said");
        span.set_attribute(text, text);
        span.set_attribute("list", [text]);
        span.update_name(&format!("said {text}"));
        span.add_event(text, vec![Attribute::new(text, text)]);
        span.error(text);
        span.add_link(span.span_context(), attributes!("text" = text));
        log::log(Level::Info, &format!("said {text}"), &[Attribute::new(text, text)]);
        log::info!("said in a list", "list" = [text]);
        println!("printed {text}");
        eprintln!("printed {text}");
        if !wanted.to.is_empty() {
            // A text that is no part of a URL is none of a span's either.
            let path = text.replace([' ', '"', '\\', '<', '>', '\n'], "");
            let _ = http::get(format!("{}/{path}?{path}=1", wanted.to)).send();
        }
    }
    let all = wanted.texts.join(" ");
    let first = wanted.texts.first().map(String::as_str).unwrap_or_default();
    match wanted.end.as_str() {
        "panic" => panic!("{all}"),
        "frame" => Ok(vec![
            Frame::new(first)
                .field(first, [1_i64, 2])
                .field(format!("padding of a name, so that it is cut {first}"), [1_i64]),
        ]),
        "label" => {
            let field = Field::new(first, [1_i64]).label(first, "1").label(first, "2");
            Ok(vec![Frame::new("labels").with(field)])
        }
        _ => Err(Fault::plugin(all)),
    }
}
