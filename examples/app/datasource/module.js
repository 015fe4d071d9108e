// The frontend of the app's data source.
define(['react', '@grafana/data', '@grafana/runtime', '@grafana/ui'], function (React, data, runtime, ui) {
  'use strict';

  const element = React.createElement;

  function ConfigEditor({ options, onOptionsChange }) {
    const change = (jsonData) => onOptionsChange({ ...options, jsonData: { ...options.jsonData, ...jsonData } });
    const input = (value, set) =>
      element(ui.Input, { value, width: 40, onChange: (event) => set(event.currentTarget.value) });
    const { team = '', members = [] } = options.jsonData;
    return element(
      'div',
      null,
      element(ui.Field, { label: 'Team' }, input(team, (team) => change({ team }))),
      element(
        ui.Field,
        { label: 'Members, separated by commas' },
        input(members.join(','), (text) => change({ members: text.split(',') }))
      )
    );
  }

  const plugin = new data.DataSourcePlugin(runtime.DataSourceWithBackend)
    .setConfigEditor(ConfigEditor)
    .setQueryEditor(() => element('span', null, 'All members of the team'));

  return { plugin };
});
