//! Words for a call of what is not there: such a response has a status, and no text.

use http::Response;
use tonic::{Code, Status};

use crate::proto::{OPTIONAL, SERVED};
use crate::text;

/// The package of the next version of Grafana's protocol, which is an experiment. Its services have the names `v3-admit`,
/// `v3-convert` and `v3-route` in Grafana.
const NEXT: &str = "grafana.plugin.v3.";

/// How much of a name is repeated, in bytes.
const MAX_NAME: usize = 256;

/// Says in a response what is not there. `name` is that of the method, such as `pluginv2.Data/QueryData`.
pub(super) fn explain<B>(response: &mut Response<B>, name: &str) {
    let headers = response.headers_mut();
    let status = Status::from_header_map(headers);
    if status.is_some_and(|status| status.code() == Code::Unimplemented && status.message().is_empty()) {
        // What is added is ASCII, so this does not fail.
        let _ = Status::unimplemented(words(name)).add_header(headers);
    }
}

/// The words are the Go SDK's, except for what Grafana may look for one day.
fn words(name: &str) -> String {
    let short = |name: &str| text::shorten(name.to_owned(), MAX_NAME);
    let Some((service, method)) = name.rsplit_once('/') else {
        return format!("malformed method name: {:?}", short(name));
    };
    if service.starts_with(NEXT) {
        return format!(
            "{} is of Grafana's protocol 3 (v3-admit, v3-convert, v3-route), which gpx-host does not serve yet; call the \
             services of pluginv2",
            short(service)
        );
    }
    if SERVED.into_iter().chain(OPTIONAL).any(|served| served == service) {
        return format!("unknown method {} for service {service}", short(method));
    }
    format!("unknown service {}", short(service))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(status: &Status, name: &str) -> (Code, String) {
        let mut response = status.clone().into_http::<()>();
        explain(&mut response, name);
        let status = Status::from_header_map(response.headers()).unwrap();
        (status.code(), status.message().to_owned())
    }

    #[test]
    fn what_is_not_there_is_named() {
        let nothing = Status::unimplemented("");
        let told = |name: &str| explained(&nothing, name).1;
        assert_eq!(told("pluginv2.Renderer/Render"), "unknown service pluginv2.Renderer");
        assert_eq!(told("pluginv2.Data/Guess"), "unknown method Guess for service pluginv2.Data");
        assert_eq!(told("x"), "malformed method name: \"x\"");
        for service in ["Admission", "Conversion", "Route"] {
            let text = told(&format!("grafana.plugin.v3.{service}/Call"));
            assert!(text.contains("v3-admit, v3-convert, v3-route"), "{text}");
        }
        assert!(told(&format!("{}/x", "y".repeat(1 << 20))).len() < 300);
    }

    #[test]
    fn other_answers_stay_as_they_are() {
        let unserved = Status::unimplemented("the plugin does not export gpx:plugin/stream");
        assert_eq!(explained(&unserved, "pluginv2.Stream/RunStream").1, unserved.message());
        assert_eq!(explained(&Status::unknown(""), "a/b"), (Code::Unknown, String::new()));
        let mut response = Response::new(());
        explain(&mut response, "a/b");
        assert_eq!(response.headers().len(), 0);
    }
}
