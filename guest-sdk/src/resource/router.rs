//! Which function answers a resource call, by method and path.

use std::fmt::{self, Display};

use http::{Method, StatusCode};
use matchit::InsertError;
use serde::Serialize;

use super::{Request, ResponseSender};
use crate::{Context, Fault, Result};

/// Routes of methods and paths, and the functions that answer them. A plugin makes one in
/// [`Resource::routes`](crate::Resource::routes).
///
/// A path such as `/tables/{table}` has a parameter, which stands for one segment that is not empty;
/// [`Request::parameter`] returns it. `{*rest}` at the end stands for all that follows, if anything does. If several routes
/// match, the one whose text matches wins over a parameter. Paths are compared as they are: `/tables/` is not `/tables`.
///
/// What no route matches is answered with status 404, and a path that has routes of other methods with 405 and the header
/// `Allow`. A route of GET answers HEAD, too; Grafana leaves out the body.
pub struct Router<P> {
    /// The routes of each method. `None` stands for any method.
    methods: Vec<(Option<Method>, matchit::Router<Handler<P>>)>,
    fallback: Option<Handler<P>>,
    /// What is wrong with the first route that is not valid.
    mistake: Option<String>,
}

/// A function that answers a request through the sender. A fault before anything was sent becomes an answer with the fault's
/// status. Returning without having sent anything answers 200 with an empty body.
pub type Handler<P> = fn(&P, &Context, &Request, &mut ResponseSender) -> Result<()>;

/// The body of an answer that a handler has not made: as the host writes it for a fault.
#[derive(Serialize)]
struct Message {
    message: String,
}

/// What a router has found for a request.
enum Found<P> {
    Handler(Handler<P>, Vec<(String, String)>),
    /// The methods that the path has routes of.
    OtherMethods(String),
    Nothing,
}

// === impl Router ===

impl<P> Router<P> {
    #[must_use]
    pub fn new() -> Self {
        Self { methods: Vec::new(), fallback: None, mistake: None }
    }

    #[must_use]
    pub fn get(self, path: &str, handler: Handler<P>) -> Self {
        self.route(Method::GET, path, handler)
    }

    #[must_use]
    pub fn post(self, path: &str, handler: Handler<P>) -> Self {
        self.route(Method::POST, path, handler)
    }

    #[must_use]
    pub fn put(self, path: &str, handler: Handler<P>) -> Self {
        self.route(Method::PUT, path, handler)
    }

    #[must_use]
    pub fn delete(self, path: &str, handler: Handler<P>) -> Self {
        self.route(Method::DELETE, path, handler)
    }

    /// Adds a route of any other method.
    #[must_use]
    pub fn route(self, method: Method, path: &str, handler: Handler<P>) -> Self {
        self.add(Some(method), path, handler)
    }

    /// Adds a route of all methods that have none of their own for that path.
    #[must_use]
    pub fn any(self, path: &str, handler: Handler<P>) -> Self {
        self.add(None, path, handler)
    }

    /// Sets what answers a request that no route matches, instead of status 404 or 405.
    #[must_use]
    pub fn fallback(self, handler: Handler<P>) -> Self {
        Self { fallback: Some(handler), ..self }
    }

    pub(crate) fn answer(
        &self,
        plugin: &P,
        context: &Context,
        mut request: Request,
        response: &mut ResponseSender,
    ) -> Result<()> {
        if let Some(mistake) = &self.mistake {
            return Err(Fault::plugin(format_args!("the plugin's routes are not valid: {mistake}")));
        }
        match (self.find(&request.method, &request.path), self.fallback) {
            (Found::Handler(handler, parameters), _) => {
                request.parameters = parameters;
                handler(plugin, context, &request, response)
            }
            (_, Some(fallback)) => fallback(plugin, context, &request, response),
            (Found::OtherMethods(allowed), None) => {
                let headers = [("Allow", allowed.as_str()), ("Content-Type", "application/json")];
                response.start(StatusCode::METHOD_NOT_ALLOWED, &headers)?;
                let Request { method, path, .. } = &request;
                let message = format!("the resource `{path}` does not allow {method}: it allows {allowed}");
                Ok(response.send(serde_json::to_vec(&Message { message })?)?)
            }
            (Found::Nothing, None) => Err(Fault::new(
                404,
                format_args!("there is no resource `{} {}`", request.method, request.path),
            )),
        }
    }

    fn add(mut self, method: Option<Method>, path: &str, handler: Handler<P>) -> Self {
        let path = rooted(path);
        let index = self.methods.iter().position(|(known, _)| *known == method).unwrap_or_else(|| {
            self.methods.push((method, matchit::Router::new()));
            self.methods.len() - 1
        });
        if let Some((_, paths)) = self.methods.get_mut(index)
            && let Err(error) = paths.insert(path.as_str(), handler)
        {
            self.mistake.get_or_insert_with(|| mistake(&path, error));
        }
        self
    }

    /// As with Go's `ServeMux`: the method's own routes first, then those of GET for HEAD, then those of any method.
    fn find(&self, method: &Method, path: &str) -> Found<P> {
        let path = rooted(path);
        let get = (method == Method::HEAD).then_some(&Method::GET);
        for wanted in [Some(Some(method)), get.map(Some), Some(None)].into_iter().flatten() {
            let paths = self.methods.iter().find(|(known, _)| known.as_ref() == wanted);
            if let Some(found) = paths.and_then(|(_, paths)| paths.at(&path).ok()) {
                let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
                return Found::Handler(*found.value, parameters.collect());
            }
        }
        let others = self.methods.iter().filter(|(_, paths)| paths.at(&path).is_ok());
        let mut allowed = Vec::new();
        for method in others.filter_map(|(method, _)| method.as_ref()) {
            add_sorted(&mut allowed, method.as_str());
            if method == Method::GET {
                add_sorted(&mut allowed, "HEAD");
            }
        }
        if allowed.is_empty() { Found::Nothing } else { Found::OtherMethods(allowed.join(", ")) }
    }
}

impl<P> Default for Router<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> fmt::Debug for Router<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("mistake", &self.mistake).finish_non_exhaustive()
    }
}

/// Adds a name once. Sorting a list at its end would bring more code into every component.
fn add_sorted<'m>(names: &mut Vec<&'m str>, name: &'m str) {
    if let Err(place) = names.binary_search(&name) {
        names.insert(place, name);
    }
}

/// A request's path has no slash in front, and a route's has one or not.
fn rooted(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

fn mistake(path: &str, error: InsertError) -> String {
    let what: &dyn Display = match &error {
        InsertError::Conflict { with } if with == path => &"it appears twice",
        InsertError::Conflict { with } => &format!("it matches the same paths as `{with}`"),
        InsertError::InvalidParamSegment => &"a segment has at most one parameter, at its end",
        InsertError::InvalidParam => &"a parameter is written like `{name}`",
        InsertError::InvalidCatchAll => &"`{*name}` is at the end, and the whole segment",
        other => other,
    };
    format!("`{path}`: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    macro_rules! handlers {
        ($($name:ident)*) => {
            $(fn $name(_: &Nobody, _: &Context, _: &Request, _: &mut ResponseSender) -> Result<()> {
                Err(Fault::plugin(stringify!($name)))
            })*

            fn name(handler: Handler<Nobody>) -> &'static str {
                $(if std::ptr::fn_addr_eq(handler, $name as Handler<Nobody>) {
                    return stringify!($name);
                })*
                "another"
            }
        };
    }
    handlers!(list create new one rest all);

    fn router() -> Router<Nobody> {
        Router::new()
            .get("/tables", list)
            .post("tables", create)
            .post("/tables/new", new)
            .get("/tables/{table}", one)
            .delete("/tables/{table}", one)
            .get("/files/{*rest}", rest)
            .any("/tables/{table}", all)
    }

    fn found(method: &str, path: &str) -> String {
        match router().find(&method.parse().unwrap(), path) {
            Found::Handler(handler, parameters) => {
                let parameters = parameters.iter().map(|(name, value)| format!(" {name}={value}"));
                format!("{}{}", name(handler), parameters.collect::<String>())
            }
            Found::OtherMethods(allowed) => format!("allows {allowed}"),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn method_and_path_decide() {
        for (method, path, expected) in [
            ("GET", "tables", "list"),
            ("GET", "/tables", "list"),
            ("HEAD", "tables", "list"),
            ("POST", "tables", "create"),
            ("PUT", "tables", "allows GET, HEAD, POST"),
            ("get", "tables", "allows GET, HEAD, POST"),
            ("GET", "tables/", "nothing"),
            ("GET", "tables/a", "one table=a"),
            ("GET", "tables/a%2Fb c", "one table=a%2Fb c"),
            ("HEAD", "tables/a", "one table=a"),
            ("PATCH", "tables/a", "all table=a"),
            ("GET", "tables/a/b", "nothing"),
            ("POST", "tables/new", "new"),
            ("GET", "tables/new", "one table=new"),
            ("GET", "files/a/b", "rest rest=a/b"),
            ("POST", "files/a/b", "allows GET, HEAD"),
            ("GET", "files/", "nothing"),
            ("GET", "", "nothing"),
            ("GET", "Tables", "nothing"),
        ] {
            assert_eq!(found(method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_route_that_is_not_valid_is_named() {
        for (router, what) in [
            (router().get("tables", one), "`/tables`: it appears twice"),
            (
                router().get("/tables/{name}", one),
                "`/tables/{name}`: it matches the same paths as `/tables/{table}`",
            ),
            (router().put("/a/{", one), "`/a/{`: a parameter is written like `{name}`"),
            (router().put("/a/{}", one), "`/a/{}`: a parameter is written like `{name}`"),
            (router().put("/a/{b}{c}", one), "`/a/{b}{c}`: a segment has at most one parameter, at its end"),
            (router().put("/{*a}/b", one), "`/{*a}/b`: `{*name}` is at the end, and the whole segment"),
            (router().put("/{", one).put("/}", one), "`/{`: a parameter is written like `{name}`"),
        ] {
            assert_eq!(router.mistake.as_deref(), Some(what));
        }
        assert_eq!(router().put("/tables/{name}", one).mistake, None, "it is another method's");
    }
}
