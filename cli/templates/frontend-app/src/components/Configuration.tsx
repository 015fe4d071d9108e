import React, { useState } from 'react';
import type { PluginConfigPageProps, AppPluginMeta } from '@grafana/data';
import { getBackendSrv } from '@grafana/runtime';
import { Button, Field, Input, SecretInput } from '@grafana/ui';

import type { Config } from '../types';

/** jsonData, and a secret that only the back end sees. */
export function Configuration({ plugin }: PluginConfigPageProps<AppPluginMeta<Config>>) {
  const meta = plugin.meta;
  const [topics, setTopics] = useState((meta.jsonData?.topics ?? []).join(', '));
  const [isConfigured, setConfigured] = useState(Boolean(meta.secureJsonFields?.apiToken));
  const [apiToken, setToken] = useState('');

  const save = async () => {
    const names = topics.split(',').map((name) => name.trim()).filter(Boolean);
    await getBackendSrv().post(`/api/plugins/${meta.id}/settings`, {
      enabled: true,
      pinned: meta.pinned,
      jsonData: { topics: names },
      secureJsonData: !isConfigured && apiToken ? { apiToken } : undefined,
    });
    window.location.reload();
  };

  return (
    <div>
      <Field label="Topics, separated by commas">
        <Input width={40} value={topics} onChange={(event) => setTopics(event.currentTarget.value)} />
      </Field>
      <Field label="API token">
        <SecretInput
          width={40}
          isConfigured={isConfigured}
          value={apiToken}
          onChange={(event) => setToken(event.currentTarget.value)}
          onReset={() => {
            setConfigured(false);
            setToken('');
          }}
        />
      </Field>
      <Button onClick={save}>Save</Button>
    </div>
  );
}
