// The frontend of the data source: an AMD module, as Grafana loads it, which needs no build step.
define(['react', '@grafana/data', '@grafana/runtime', '@grafana/ui'], function (React, data, runtime, ui) {
  'use strict';

  const element = React.createElement;
  const DEFAULTS = { version: 1, multiplier: 1 };

  class DataSource extends runtime.DataSourceWithBackend {
    getDefaultQuery() {
      return DEFAULTS;
    }

    // Migrates a query that an older version of the editor saved. The backend does the migration; properties that are
    // not the plugin's own, such as the refId, are kept. Grafana calls this before it shows or runs a query.
    async migrateQuery(query) {
      if (query.version === DEFAULTS.version) {
        return query;
      }
      const migrated = await this.postResource('migrate-query', query);
      const { multiply, ...rest } = query;
      return { ...rest, ...migrated };
    }
  }

  // URL, authentication and headers: the form shared by Grafana's HTTP data sources.
  function ConfigEditor({ options, onOptionsChange }) {
    return element(ui.DataSourceHttpSettings, {
      defaultUrl: 'http://127.0.0.1:8080/metrics',
      dataSourceConfig: options,
      onChange: onOptionsChange,
    });
  }

  function QueryEditor({ datasource, query, onChange, onRunQuery }) {
    // If Grafana does not migrate the query itself, the editor does, once for each query.
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
      { label: 'Multiplier', labelWidth: 16, tooltip: 'The service multiplies each value by this whole number' },
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
