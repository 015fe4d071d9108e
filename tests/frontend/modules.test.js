// The frontends of the examples: each module.js is loaded as Grafana loads it, as an AMD module, and its components are rendered.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const vm = require('node:vm');

const EXAMPLES = path.join(__dirname, '../../examples');

// What Grafana gives to a plugin, as far as the examples use it. A component is rendered at once, and its effects run.
function libraries(answers) {
  const asked = [];
  const ask = (method) => (url, body) => {
    asked.push([method, url, body]);
    return { then: (done) => done(answers[url]) };
  };
  const React = {
    createElement: (type, props, ...children) => ({ type, props: { ...props, children: children.flat() } }),
    useState: (initial) => [React.next.length ? React.next.shift() : initial, () => {}],
    useEffect: (effect) => effect(),
    next: [],
  };
  const chain = (target, names) => {
    for (const name of names) {
      target[name] = function (value) {
        this[name + 'Value'] = value;
        return this;
      };
    }
  };
  class DataSourcePlugin {
    constructor(source) {
      this.source = source;
    }
  }
  chain(DataSourcePlugin.prototype, ['setConfigEditor', 'setQueryEditor']);
  class AppPlugin {}
  chain(AppPlugin.prototype, ['setRootPage', 'addConfigPage']);
  class DataSourceWithBackend {}
  // A component of Grafana's is named by its place.
  const components = new Proxy({}, { get: (_, name) => String(name) });
  const runtime = {
    DataSourceWithBackend,
    PluginPage: 'PluginPage',
    getBackendSrv: () => ({ get: ask('GET'), post: ask('POST') }),
    getTemplateSrv: () => ({ replace: (text) => text }),
  };
  const data = new Proxy({ AppPlugin, DataSourcePlugin }, { get: (own, name) => own[name] ?? {} });
  return { asked, React, modules: { react: React, '@grafana/data': data, '@grafana/runtime': runtime, '@grafana/ui': components } };
}

function load(folder, answers = {}) {
  const given = libraries(answers);
  let exported;
  const define = (names, factory) => {
    assert.strictEqual(exported, undefined, 'one module in a file');
    const found = names.map((name) => given.modules[name] ?? assert.fail(name + ' is no library that Grafana has'));
    exported = factory(...found);
  };
  const text = fs.readFileSync(path.join(EXAMPLES, folder, 'module.js'), 'utf8');
  vm.runInNewContext(text, { define, console, window: { location: { reload: () => {} } } });
  return { ...given, plugin: exported.plugin };
}

// Everything that is rendered, as a list.
function rendered(element) {
  if (element === null || typeof element !== 'object') {
    return [element];
  }
  return [element, ...element.props.children.flatMap(rendered)];
}

for (const folder of ['http-backend', 'streaming', 'app/datasource']) {
  test(`${folder} is a data source with its editors`, () => {
    const { plugin } = load(folder);
    assert.ok(typeof plugin.source === 'function');
    const settings = { options: { jsonData: {}, url: '' }, onOptionsChange: () => {} };
    assert.ok(rendered(plugin.setConfigEditorValue(settings))[0].type);
    const query = { query: { refId: 'A' }, onChange: () => {}, onRunQuery: () => {} };
    assert.ok(rendered(plugin.setQueryEditorValue(query))[0].type);
  });
}

test('app has a page that asks its router, and one for its settings', () => {
  const resources = '/api/plugins/gpx-team-app/resources';
  const { asked, plugin, React } = load('app', { [resources + '/team']: {} });
  const Page = plugin.setRootPageValue;
  assert.strictEqual(Page().type, 'LoadingPlaceholder');
  assert.deepStrictEqual(asked.shift(), ['GET', resources + '/team', undefined]);
  React.next = [{ team: 'red', members: ['Ada', 'a/b'] }];
  const buttons = rendered(Page()).filter((element) => element?.type === 'Button');
  assert.deepStrictEqual(buttons.map((button) => button.props.children[0]), ['Ada', 'a/b']);
  asked.length = 0;
  buttons[1].props.onClick();
  assert.strictEqual(asked[0][1], resources + '/team/a%2Fb/greeting');
  assert.strictEqual(JSON.stringify(asked[0][2]), '{"word":"Hello"}');

  const { body: Config, id } = plugin.addConfigPageValue;
  assert.strictEqual(id, 'configuration');
  React.next = ['blue', 'Grace, ,Alan', 'the key'];
  const save = rendered(Config({ plugin: { meta: { id: 'gpx-team-app', pinned: true } } })).find((element) => element?.type === 'Button');
  asked.length = 0;
  save.props.onClick();
  const [method, url, settings] = asked[0];
  assert.deepStrictEqual([method, url], ['POST', '/api/plugins/gpx-team-app/settings']);
  assert.strictEqual(
    JSON.stringify(settings),
    '{"enabled":true,"pinned":true,"jsonData":{"team":"blue","members":["Grace","Alan"]},"secureJsonData":{"directoryKey":"the key"}}'
  );
});

test('what plugin.json names is there', () => {
  for (const folder of ['http-backend', 'streaming', 'app', 'app/datasource']) {
    const description = JSON.parse(fs.readFileSync(path.join(EXAMPLES, folder, 'plugin.json'), 'utf8'));
    for (const logo of Object.values(description.info.logos)) {
      assert.ok(fs.existsSync(path.join(EXAMPLES, folder, logo)), `${folder}: ${logo}`);
    }
  }
});
