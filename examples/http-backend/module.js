// The front end of the data source, as Grafana loads it: an AMD module, written by hand, so that nothing is built.
define(['react', '@grafana/data', '@grafana/runtime', '@grafana/ui'], function (React, data, runtime, ui) {
  'use strict';

  const element = React.createElement;
  const DEFAULTS = { version: 1, multiplier: 1 };

  class DataSource extends runtime.DataSourceWithBackend {
    getDefaultQuery() {
      return DEFAULTS;
    }

    // A query that an older version of the editor saved. The back end knows how to read it; what is not the plugin's
    // own, such as the refId, stays. Grafana calls this before it shows or runs a query.
    async migrateQuery(query) {
      if (query.version === DEFAULTS.version) {
        return query;
      }
      const migrated = await this.postResource('migrate-query', query);
      const { multiply, ...rest } = query;
      return { ...rest, ...migrated };
    }
  }

  // URL, authentication and headers: the form that Grafana's HTTP data sources share.
  function ConfigEditor({ options, onOptionsChange }) {
    return element(ui.DataSourceHttpSettings, {
      defaultUrl: 'http://127.0.0.1:8080/metrics',
      dataSourceConfig: options,
      onChange: onOptionsChange,
    });
  }

  function QueryEditor({ datasource, query, onChange, onRunQuery }) {
    // Where Grafana does not migrate by itself, the editor does, once for each query.
    React.useEffect(
      function () {
        let current = true;
        if (query.version !== DEFAULTS.version && 'multiply' in query) {
          datasource.migrateQuery(query).then(function (migrated) {
            if (current) {
              onChange(migrated);
            }
          });
        }
        return function () {
          current = false;
        };
      },
      [query.refId, query.version]
    );

    const multiplier = query.multiplier ?? DEFAULTS.multiplier;
    return element(
      ui.InlineField,
      { label: 'Multiplier', labelWidth: 16, tooltip: 'What the service multiplies each value by: a whole number' },
      element(ui.Input, {
        type: 'number',
        step: 1,
        width: 16,
        value: multiplier,
        onChange: function (event) {
          const number = Math.trunc(event.currentTarget.valueAsNumber);
          if (Number.isFinite(number)) {
            onChange({ ...query, version: DEFAULTS.version, multiplier: number });
          }
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
