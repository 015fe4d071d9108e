//! Everything in a request except its own content.

use tonic::metadata::MetadataMap;

use crate::call::{
    AppSettings, CallContext, CallHeaders, DataSourceSettings, ForwardedHeaders, LogParams, Subject, User,
};
use crate::proto::pluginv2;

/// Returns a call's context, if the request has one. `headers` are those of the message, under their HTTP names.
pub(crate) fn context(
    message: Option<pluginv2::PluginContext>,
    metadata: &MetadataMap,
    headers: impl IntoIterator<Item = (String, String)>,
) -> Option<CallContext> {
    let pluginv2::PluginContext {
        org_id,
        plugin_id,
        user,
        app_instance_settings: app,
        data_source_instance_settings: data_source,
        grafana_config,
        plugin_version,
        user_agent,
        api_version,
        namespace,
    } = message?;
    let subject = match (data_source, app) {
        // A data source of an app also comes with the app's settings.
        (Some(data_source), _) => Subject::DataSource(self::data_source(data_source)),
        (None, Some(app)) => Subject::App(self::app(app)),
        (None, None) => Subject::Plugin,
    };
    let tenant = metadata.get("tenantid").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let log_params =
        metadata.get_all("loggerparamsctxmetadata").iter().filter_map(|value| value.to_str().ok());
    Some(CallContext {
        tenant: tenant.to_owned(),
        namespace,
        org_id,
        plugin_id,
        plugin_version,
        api_version,
        user_agent,
        user: user.map(self::user),
        grafana_config,
        subject,
        headers: CallHeaders::new(headers),
        log_params: LogParams::parse(log_params),
        forwarded: ForwardedHeaders::default(),
        wants_capture: false,
    })
}

pub(super) fn data_source(message: pluginv2::DataSourceInstanceSettings) -> DataSourceSettings {
    DataSourceSettings {
        id: message.id,
        uid: message.uid,
        name: message.name,
        url: message.url,
        user: message.user,
        database: message.database,
        basic_auth_enabled: message.basic_auth_enabled,
        basic_auth_user: message.basic_auth_user,
        json_data: message.json_data,
        secrets: message.decrypted_secure_json_data,
        updated: message.last_updated_ms,
        api_version: message.api_version,
    }
}

pub(super) fn app(message: pluginv2::AppInstanceSettings) -> AppSettings {
    AppSettings {
        json_data: message.json_data,
        secrets: message.decrypted_secure_json_data,
        updated: message.last_updated_ms,
        api_version: message.api_version,
    }
}

/// The reverse of [`data_source`].
pub(super) fn data_source_message(settings: DataSourceSettings) -> pluginv2::DataSourceInstanceSettings {
    pluginv2::DataSourceInstanceSettings {
        id: settings.id,
        uid: settings.uid,
        name: settings.name,
        url: settings.url,
        user: settings.user,
        database: settings.database,
        basic_auth_enabled: settings.basic_auth_enabled,
        basic_auth_user: settings.basic_auth_user,
        json_data: settings.json_data,
        decrypted_secure_json_data: settings.secrets,
        last_updated_ms: settings.updated,
        api_version: settings.api_version,
    }
}

/// The reverse of [`app`].
pub(super) fn app_message(settings: AppSettings) -> pluginv2::AppInstanceSettings {
    pluginv2::AppInstanceSettings {
        json_data: settings.json_data,
        decrypted_secure_json_data: settings.secrets,
        last_updated_ms: settings.updated,
        api_version: settings.api_version,
    }
}

fn user(message: pluginv2::User) -> User {
    let pluginv2::User { login, name, email, role } = message;
    User { login, name, email, role }
}
