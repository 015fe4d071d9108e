// The front end of the app: an AMD module, as Grafana loads it, which needs no build step.
define(['react', '@grafana/data', '@grafana/runtime', '@grafana/ui'], function (React, data, runtime, ui) {
  'use strict';

  const element = React.createElement;
  const RESOURCES = '/api/plugins/@ID@/resources';

  function Page() {
    const [topics, setTopics] = React.useState([]);
    const [note, setNote] = React.useState(null);

    React.useEffect(function () {
      runtime.getBackendSrv().get(RESOURCES + '/topics').then(setTopics);
    }, []);

    function read(topic) {
      runtime.getBackendSrv().get(RESOURCES + '/topics/' + encodeURIComponent(topic) + '/note').then(setNote);
    }

    const option = (value) => ({ label: value, value });
    return element(
      runtime.PluginPage,
      null,
      element(
        ui.InlineField,
        { label: 'Topic', labelWidth: 16 },
        element(ui.Select, {
          width: 40,
          options: topics.map(option),
          value: note ? option(note.topic) : null,
          onChange: (chosen) => read(chosen.value),
        })
      ),
      element('p', null, note ? note.text : 'Choose a topic. An administrator enters them on the configuration page.')
    );
  }

  // The configuration page: jsonData, and a secret that only the back end sees.
  function Config({ plugin }) {
    const meta = plugin.meta;
    const [topics, setTopics] = React.useState((meta.jsonData?.topics ?? []).join(', '));
    const [isConfigured, setConfigured] = React.useState(Boolean(meta.secureJsonFields?.apiToken));
    const [apiToken, setToken] = React.useState('');

    function save() {
      const names = topics.split(',').map((name) => name.trim()).filter(Boolean);
      const settings = { enabled: true, pinned: meta.pinned, jsonData: { topics: names } };
      if (!isConfigured && apiToken !== '') {
        settings.secureJsonData = { apiToken };
      }
      runtime.getBackendSrv().post('/api/plugins/' + meta.id + '/settings', settings).then(function () {
        window.location.reload();
      });
    }

    return element(
      'div',
      null,
      element(
        ui.Field,
        { label: 'Topics, separated by commas' },
        element(ui.Input, { width: 40, value: topics, onChange: (event) => setTopics(event.currentTarget.value) })
      ),
      element(
        ui.Field,
        { label: 'API token' },
        element(ui.SecretInput, {
          width: 40,
          isConfigured,
          value: apiToken,
          onChange: (event) => setToken(event.currentTarget.value),
          onReset: function () {
            setConfigured(false);
            setToken('');
          },
        })
      ),
      element(ui.Button, { onClick: save }, 'Save')
    );
  }

  const plugin = new data.AppPlugin()
    .setRootPage(Page)
    .addConfigPage({ title: 'Configuration', icon: 'cog', body: Config, id: 'configuration' });

  return { plugin };
});
