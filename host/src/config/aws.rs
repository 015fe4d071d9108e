//! What the environment says about AWS. Grafana passes little of it on: the variables for web identity, containers and
//! regions, and only to plugins under `forward_settings_to_plugins`; others only if it forwards its whole environment.

use std::fmt;

use super::Strings;

/// The variables that begin with `AWS_`, and the home directory.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct AwsEnvironment {
    variables: Strings,
    home: Option<String>,
}

// === impl AwsEnvironment ===

impl AwsEnvironment {
    pub(super) fn read(strings: &Strings) -> Self {
        let ours = |(key, value): (&String, &String)| {
            (key.starts_with("AWS_") && !value.trim().is_empty()).then(|| (key.clone(), value.clone()))
        };
        let home = strings.get("HOME").filter(|home| !home.is_empty()).cloned();
        Self { variables: strings.iter().filter_map(ours).collect(), home }
    }

    #[cfg(test)]
    pub(crate) fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::read(&variables.into_iter().collect())
    }

    /// Returns the value of a variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim())
    }

    /// Returns the path of the file that the AWS tools share credentials in.
    pub(crate) fn credentials_file(&self) -> Option<String> {
        let named = self.get("AWS_SHARED_CREDENTIALS_FILE").map(str::to_owned);
        named.or_else(|| Some(format!("{}/.aws/credentials", self.home.as_ref()?)))
    }
}

/// Shows names only: among the values are keys.
impl fmt::Debug for AwsEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_aws_is_kept_and_no_value_is_shown() {
        let given = [
            ("AWS_SECRET_ACCESS_KEY", " hunter2 "),
            ("AWS_REGION", " "),
            ("PATH", "/bin"),
            ("HOME", "/home/grafana"),
        ];
        let given = given.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
        let environment = AwsEnvironment::read(&given);
        assert_eq!(environment.get("AWS_SECRET_ACCESS_KEY"), Some("hunter2"));
        assert_eq!((environment.get("AWS_REGION"), environment.get("PATH")), (None, None));
        assert_eq!(environment.credentials_file().as_deref(), Some("/home/grafana/.aws/credentials"));
        assert_eq!(format!("{environment:?}"), r#"{"AWS_SECRET_ACCESS_KEY"}"#);
    }
}
