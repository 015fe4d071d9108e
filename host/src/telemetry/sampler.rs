//! Which traces are recorded, if no caller has decided it.

use opentelemetry_sdk::trace::Sampler;

use super::problem::TracingProblem;
use crate::config::Given;

/// What Grafana's configuration asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Root {
    #[default]
    Always,
    Never,
}

// === impl Root ===

impl Root {
    /// Reads Grafana's `sampler_type` and `sampler_param`. If they cannot be followed, every trace is recorded.
    pub(super) fn parse(
        kind: &str,
        param: Option<&Given<String>>,
        problems: &mut Vec<TracingProblem>,
    ) -> Self {
        if !matches!(kind, "" | "const") {
            problems.push(TracingProblem::SamplerType(kind.to_owned()));
            return Self::Always;
        }
        let param = param.map_or(Ok(1.0), |param| param.parse()).unwrap_or_else(|_| {
            problems.push(TracingProblem::SamplerParam(
                param.map(|param| param.value.clone()).unwrap_or_default(),
            ));
            1.0
        });
        if param >= 1.0 {
            Self::Always
        } else if param <= 0.0 {
            Self::Never
        } else {
            problems.push(TracingProblem::SamplerRange(param));
            Self::Always
        }
    }

    /// Decides for spans without a parent; the others follow their parent.
    pub(super) fn sampler(self) -> Sampler {
        let root = match self {
            Self::Always => Sampler::AlwaysOn,
            Self::Never => Sampler::AlwaysOff,
        };
        Sampler::ParentBased(Box::new(root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: &str, param: &str) -> (Root, Vec<TracingProblem>) {
        let mut problems = Vec::new();
        let param = Given::default_of(param.to_owned());
        (Root::parse(kind, Some(&param), &mut problems), problems)
    }

    #[test]
    fn const_is_all_or_nothing() {
        assert_eq!(parse("", "1.000000"), (Root::Always, vec![]));
        assert_eq!(parse("const", "2"), (Root::Always, vec![]));
        assert_eq!(parse("const", "0"), (Root::Never, vec![]));
        assert_eq!(parse("const", "-1"), (Root::Never, vec![]));
        assert_eq!(parse("const", "0.5"), (Root::Always, vec![TracingProblem::SamplerRange(0.5)]));
    }

    #[test]
    fn what_cannot_be_followed_records_everything() {
        assert_eq!(parse("const", ""), (Root::Always, vec![TracingProblem::SamplerParam(String::new())]));
        assert_eq!(parse("const", "half"), (Root::Always, vec![TracingProblem::SamplerParam("half".into())]));
        assert_eq!(parse("remote", "0"), (Root::Always, vec![TracingProblem::SamplerType("remote".into())]));
        let (root, problems) = parse("const", "NaN");
        assert_eq!((root, problems.len()), (Root::Always, 1));
    }
}
