//! What a component may import, a module each.

pub mod response {
    pub struct ResponseSender;
}
pub mod tracer {
    pub struct Span;
}
