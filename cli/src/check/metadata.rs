//! plugin.json, by the rules of Grafana's schema for it and of its catalog.

use std::path::Path;

use serde_json::Value;

use super::Finding;

/// Keys that are true or false.
const FLAGS: [&str; 12] = [
    "alerting",
    "annotations",
    "autoEnabled",
    "backend",
    "builtIn",
    "hideFromList",
    "logs",
    "metrics",
    "multiValueFilterOperators",
    "preload",
    "streaming",
    "tracing",
];

/// The kinds of data sources in Grafana's list.
const CATEGORIES: [&str; 9] =
    ["tsdb", "logging", "cloud", "tracing", "profiling", "sql", "enterprise", "iot", "other"];

const STATES: [&str; 3] = ["alpha", "beta", "deprecated"];

/// What Grafana's build tools write there.
const PLACEHOLDER: char = '%';

/// `source` is the folder that plugin.json is in.
pub(super) fn findings(json: &Value, source: &Path) -> Vec<Finding> {
    let mut found = Found { json, findings: Vec::new() };
    found.kind_and_id();
    found.flags();
    found.info(source);
    found.dependencies();
    found.findings
}

struct Found<'a> {
    json: &'a Value,
    findings: Vec<Finding>,
}

// === impl Found ===

impl Found<'_> {
    fn error(&mut self, text: impl std::fmt::Display) {
        self.findings.push(Finding::error(format_args!("plugin.json: {text}")));
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.json.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn kind_and_id(&mut self) {
        let kind = self.text("/type").unwrap_or_default().to_owned();
        if !["datasource", "app"].contains(&kind.as_str()) {
            self.error(format_args!(
                "`type` is {kind:?}; a plugin with a back end is \"datasource\" or \"app\""
            ));
        }
        if self.text("/name").is_none() {
            self.error("it has no `name`, which users see; add one");
        }
        let id = self.text("/id").unwrap_or_default().to_owned();
        let parts: Vec<_> = id.split('-').collect();
        let is_part = |part: &&str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !(2..=3).contains(&parts.len())
            || !parts.iter().all(is_part)
            || parts.last() != Some(&kind.as_str())
        {
            self.error(format_args!(
                "`id` is {id:?}; it has two or three parts of lower-case letters and digits, and ends with the type, as \
                 \"my-prices-{}\"",
                if kind.is_empty() { "datasource" } else { &kind }
            ));
        }
        if let Some(category) = self.json.get("category")
            && !category.as_str().is_some_and(|category| CATEGORIES.contains(&category))
        {
            self.error(format_args!("`category` is {category}; Grafana knows {}", CATEGORIES.join(", ")));
        }
        if let Some(state) = self.json.get("state")
            && !state.as_str().is_some_and(|state| STATES.contains(&state))
        {
            self.error(format_args!("`state` is {state}; Grafana knows {}", STATES.join(", ")));
        }
    }

    fn flags(&mut self) {
        for flag in FLAGS {
            if let Some(value) = self.json.get(flag)
                && !value.is_boolean()
            {
                self.error(format_args!("`{flag}` is {value}; write true or false, without quotes"));
            }
        }
        if self.json.get("backend") != Some(&Value::Bool(true)) {
            self.error(
                "`backend` is not true, so Grafana does not start the back end; add \"backend\": true",
            );
        }
        if self.text("/type") == Some("datasource")
            && !["metrics", "logs", "tracing", "annotations"]
                .iter()
                .any(|flag| self.json.get(flag) == Some(&Value::Bool(true)))
        {
            self.error("none of `metrics`, `logs`, `tracing` and `annotations` is true, so panels cannot use the data source");
        }
    }

    fn info(&mut self, source: &Path) {
        if !self.json.get("info").is_some_and(Value::is_object) {
            return self.error("it has no `info`; add it with version, updated, keywords and logos");
        }
        let version = self.text("/info/version").unwrap_or_default().to_owned();
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let core = version.split(['-', '+']).next().unwrap_or_default();
        let is_version = core.split('.').count() == 3 && core.split('.').all(is_number);
        if !is_version && !version.contains(PLACEHOLDER) {
            self.error(format_args!("`info.version` is {version:?}; write three numbers, as \"1.0.0\""));
        }
        let updated = self.text("/info/updated").unwrap_or_default().to_owned();
        let is_date = updated.split('-').map(str::len).eq([4, 2, 2]) && updated.split('-').all(is_number);
        if !is_date && !updated.contains(PLACEHOLDER) {
            self.error(format_args!("`info.updated` is {updated:?}; write a date, as \"2026-01-31\""));
        }
        if !self.json.pointer("/info/keywords").is_some_and(Value::is_array) {
            self.error("`info.keywords` is no list; write [] if there are none");
        }
        for size in ["small", "large"] {
            match self.text(&format!("/info/logos/{size}")).map(str::to_owned) {
                None => self.error(format_args!(
                    "`info.logos.{size}` is missing; name a picture, as \"img/logo.svg\""
                )),
                Some(logo) if !source.join(&logo).is_file() => {
                    self.error(format_args!("`info.logos.{size}` is {logo:?}, and there is no such file"));
                }
                Some(_) => {}
            }
        }
    }

    fn dependencies(&mut self) {
        let range = self.text("/dependencies/grafanaDependency").unwrap_or_default().to_owned();
        if !range.bytes().any(|byte| byte.is_ascii_digit() || byte == b'*') {
            self.error(format_args!(
                "`dependencies.grafanaDependency` is {range:?}; write the versions of Grafana that it is for, as \">=11.0.0\""
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "type": "datasource", "name": "Prices", "id": "my-prices-datasource", "backend": true, "metrics": true,
            "executable": "gpx_prices", "category": "tsdb", "state": "beta",
            "info": {
                "version": "1.0.0-rc.1", "updated": "2026-01-31", "keywords": [],
                "logos": { "small": "Cargo.toml", "large": "Cargo.toml" },
            },
            "dependencies": { "grafanaDependency": ">=11.0.0", "plugins": [] },
        })
    }

    fn said(json: &Value) -> Vec<String> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        findings(json, here).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_is_wrong_with_what_is_right() {
        assert_eq!(said(&good()), Vec::<String>::new());
    }

    #[test]
    fn each_mistake_is_named() {
        for (pointer, value, expected) in [
            ("/type", json!("panel"), "`type` is \"panel\""),
            ("/name", json!(""), "it has no `name`"),
            ("/id", json!("Prices"), "`id` is \"Prices\""),
            ("/id", json!("my-prices-app"), "ends with the type, as \"my-prices-datasource\""),
            ("/id", json!("a-b-c-datasource"), "two or three parts"),
            ("/category", json!("prices"), "`category` is \"prices\"; Grafana knows tsdb"),
            ("/state", json!(1), "`state` is 1"),
            ("/backend", json!("true"), "`backend` is \"true\"; write true or false"),
            ("/backend", json!(false), "`backend` is not true"),
            ("/metrics", json!(false), "panels cannot use the data source"),
            ("/info", json!(null), "it has no `info`"),
            ("/info/version", json!("1.0"), "`info.version` is \"1.0\""),
            ("/info/updated", json!("31.01.2026"), "`info.updated` is \"31.01.2026\""),
            ("/info/keywords", json!("a"), "`info.keywords` is no list"),
            ("/info/logos/small", json!("img/none.svg"), "there is no such file"),
            ("/info/logos/large", json!(null), "`info.logos.large` is missing"),
            ("/dependencies", json!({}), "`dependencies.grafanaDependency` is \"\""),
        ] {
            let mut json = good();
            *json.pointer_mut(pointer).expect("it is there") = value;
            let said = said(&json);
            assert!(said.iter().any(|text| text.contains(expected)), "{pointer}: {said:?}");
        }
    }
}
