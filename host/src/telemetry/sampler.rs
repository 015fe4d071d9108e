//! Which traces are recorded, where nobody before us decided.

use opentelemetry_sdk::trace::Sampler;

use super::config::Problem;

/// What Grafana's configuration asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Root {
    #[default]
    Always,
    Never,
}

// === impl Root ===

impl Root {
    /// Grafana's `sampler_type` and `sampler_param`. Where they cannot be followed every trace is recorded.
    pub(super) fn parse(kind: &str, param: &str, problems: &mut Vec<Problem>) -> Self {
        if !matches!(kind, "" | "const") {
            problems.push(Problem::SamplerType(kind.to_owned()));
            return Self::Always;
        }
        let param = param.parse().unwrap_or_else(|_| {
            problems.push(Problem::SamplerParam(param.to_owned()));
            1.0
        });
        if param >= 1.0 {
            Self::Always
        } else if param <= 0.0 {
            Self::Never
        } else {
            problems.push(Problem::SamplerRange(param));
            Self::Always
        }
    }

    /// Only spans without a parent ask the root; the others follow their parent.
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

    fn parse(kind: &str, param: &str) -> (Root, Vec<Problem>) {
        let mut problems = Vec::new();
        (Root::parse(kind, param, &mut problems), problems)
    }

    #[test]
    fn const_is_all_or_nothing() {
        assert_eq!(parse("", "1.000000"), (Root::Always, vec![]));
        assert_eq!(parse("const", "2"), (Root::Always, vec![]));
        assert_eq!(parse("const", "0"), (Root::Never, vec![]));
        assert_eq!(parse("const", "-1"), (Root::Never, vec![]));
        assert_eq!(parse("const", "0.5"), (Root::Always, vec![Problem::SamplerRange(0.5)]));
    }

    #[test]
    fn what_cannot_be_followed_records_everything() {
        assert_eq!(parse("const", ""), (Root::Always, vec![Problem::SamplerParam(String::new())]));
        assert_eq!(parse("const", "half"), (Root::Always, vec![Problem::SamplerParam("half".into())]));
        assert_eq!(parse("remote", "0"), (Root::Always, vec![Problem::SamplerType("remote".into())]));
        let (root, problems) = parse("const", "NaN");
        assert_eq!((root, problems.len()), (Root::Always, 1));
    }
}
