// The frontend of the data source: an AMD module, as Grafana loads it, which needs no build step.
define(['react', '@grafana/data', '@grafana/runtime', '@grafana/ui'], function (React, data, runtime, ui) {
  'use strict';

  const element = React.createElement;

  // Its backend's answers name a channel, and this class subscribes to it.
  class DataSource extends runtime.DataSourceWithBackend {
    getDefaultQuery() {
      return { path: 'load' };
    }

    filterQuery(query) {
      return Boolean(query.path);
    }
  }

  // URL, authentication and headers: the form shared by Grafana's HTTP data sources.
  function ConfigEditor({ options, onOptionsChange }) {
    return element(ui.DataSourceHttpSettings, {
      defaultUrl: 'http://127.0.0.1:8080',
      dataSourceConfig: options,
      onChange: onOptionsChange,
    });
  }

  function QueryEditor({ query, onChange, onRunQuery }) {
    return element(
      ui.InlineField,
      { label: 'Path', labelWidth: 16, tooltip: 'What the service is asked for, ten times a second' },
      element(ui.Input, {
        width: 32,
        value: query.path ?? '',
        onChange: function (event) {
          onChange({ ...query, path: event.currentTarget.value });
        },
        onBlur: onRunQuery,
      })
    );
  }

  const plugin = new data.DataSourcePlugin(DataSource)
    .setConfigEditor(ConfigEditor)
    .setQueryEditor(QueryEditor);

  return { plugin };
});
