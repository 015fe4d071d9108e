// The front end of the data source: an AMD module, as Grafana loads it, which needs no build step.
define(['react', '@grafana/data', '@grafana/runtime', '@grafana/ui'], function (React, data, runtime, ui) {
  'use strict';

  const element = React.createElement;

  class DataSource extends runtime.DataSourceWithBackend {
    // The names of all series, from the back end.
    series() {
      return this.getResource('series');
    }

    getDefaultQuery() {
      return { series: '' };
    }

    // A panel whose query is not complete yet asks nothing.
    filterQuery(query) {
      return Boolean(query.series);
    }

    // Only the front end knows a dashboard's variables, such as $series.
    applyTemplateVariables(query, scopedVars) {
      return { ...query, series: runtime.getTemplateSrv().replace(query.series, scopedVars) };
    }

    // The values of a dashboard's variable of the type Query.
    async metricFindQuery() {
      return (await this.series()).map((text) => ({ text }));
    }
  }

  function ConfigEditor({ options, onOptionsChange }) {
    const { secureJsonData = {}, secureJsonFields = {} } = options;

    function setToken(apiToken, isConfigured) {
      onOptionsChange({
        ...options,
        secureJsonData: { ...secureJsonData, apiToken },
        secureJsonFields: { ...secureJsonFields, apiToken: isConfigured },
      });
    }

    return element(
      React.Fragment,
      null,
      element(
        ui.InlineField,
        { label: 'URL', labelWidth: 16, tooltip: 'Of the service. Without one, the data source shows a demo' },
        element(ui.Input, {
          width: 40,
          placeholder: 'https://service.example/api',
          value: options.url ?? '',
          onChange: (event) => onOptionsChange({ ...options, url: event.currentTarget.value }),
        })
      ),
      element(
        ui.InlineField,
        { label: 'API token', labelWidth: 16, tooltip: 'Sent to the service; the browser never gets it back' },
        element(ui.SecretInput, {
          width: 40,
          isConfigured: Boolean(secureJsonFields.apiToken),
          value: secureJsonData.apiToken ?? '',
          onChange: (event) => setToken(event.currentTarget.value, false),
          onReset: () => setToken('', false),
        })
      )
    );
  }

  function QueryEditor({ datasource, query, onChange, onRunQuery }) {
    const [names, setNames] = React.useState([]);
    const [error, setError] = React.useState();

    React.useEffect(
      function () {
        let isCurrent = true;
        datasource.series().then(
          (found) => isCurrent && setNames(found),
          () => isCurrent && setError('The list of series cannot be read')
        );
        return function () {
          isCurrent = false;
        };
      },
      [datasource]
    );

    const option = (value) => ({ label: value, value });
    return element(
      ui.InlineField,
      { label: 'Series', labelWidth: 16, invalid: error !== undefined, error },
      element(ui.Select, {
        width: 40,
        // A variable such as $series can be typed.
        allowCustomValue: true,
        options: names.map(option),
        value: query.series ? option(query.series) : null,
        onChange: function (chosen) {
          onChange({ ...query, series: chosen.value });
          onRunQuery();
        },
      })
    );
  }

  const plugin = new data.DataSourcePlugin(DataSource).setConfigEditor(ConfigEditor).setQueryEditor(QueryEditor);

  return { plugin };
});
