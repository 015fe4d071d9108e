// The frontend of the app: an AMD module, as Grafana loads it, which needs no build step.
define(['react', '@grafana/data', '@grafana/runtime', '@grafana/ui'], function (React, data, runtime, ui) {
  'use strict';

  const element = React.createElement;
  const RESOURCES = '/api/plugins/gpx-team-app/resources';

  // The page: what the backend's router answers.
  function Page() {
    const [team, setTeam] = React.useState(null);
    const [greeting, setGreeting] = React.useState('');

    React.useEffect(function () {
      runtime.getBackendSrv().get(RESOURCES + '/team').then(setTeam);
    }, []);

    function greet(member) {
      const path = RESOURCES + '/team/' + encodeURIComponent(member) + '/greeting';
      runtime.getBackendSrv().post(path, { word: 'Hello' }).then(setGreeting);
    }

    if (team === null) {
      return element(ui.LoadingPlaceholder, { text: 'Loading the team' });
    }
    return element(
      runtime.PluginPage,
      null,
      element('h3', null, team.team || 'No team yet: choose one on the configuration page'),
      team.members.map(function (member) {
        return element(ui.Button, { key: member, onClick: () => greet(member), variant: 'secondary' }, member);
      }),
      element('p', null, greeting)
    );
  }

  // The configuration page: jsonData, and a secret that only the backend sees.
  function Config({ plugin }) {
    const meta = plugin.meta;
    const [team, setTeam] = React.useState(meta.jsonData?.team ?? '');
    const [members, setMembers] = React.useState((meta.jsonData?.members ?? []).join(', '));
    const [key, setKey] = React.useState('');

    function save() {
      const names = members.split(',').map((name) => name.trim()).filter(Boolean);
      const settings = { enabled: true, pinned: meta.pinned, jsonData: { team, members: names } };
      if (key !== '') {
        settings.secureJsonData = { directoryKey: key };
      }
      runtime.getBackendSrv().post('/api/plugins/' + meta.id + '/settings', settings).then(function () {
        window.location.reload();
      });
    }

    const field = (label, input) => element(ui.Field, { label }, input);
    const input = (value, set, type) =>
      element(ui.Input, { value, type, width: 40, onChange: (event) => set(event.currentTarget.value) });
    return element(
      'div',
      null,
      field('Team', input(team, setTeam)),
      field('Members, separated by commas', input(members, setMembers)),
      field('Key for the directory', input(key, setKey, 'password')),
      element(ui.Button, { onClick: save }, 'Save')
    );
  }

  const plugin = new data.AppPlugin()
    .setRootPage(Page)
    .addConfigPage({ title: 'Configuration', icon: 'cog', body: Config, id: 'configuration' });

  return { plugin };
});
