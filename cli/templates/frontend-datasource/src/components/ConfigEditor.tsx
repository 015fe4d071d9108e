import React from 'react';
import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { InlineField, Input, SecretInput } from '@grafana/ui';

import type { Config, Secrets } from '../types';

export function ConfigEditor({ options, onOptionsChange }: DataSourcePluginOptionsEditorProps<Config, Secrets>) {
  const { secureJsonData, secureJsonFields } = options;

  const setToken = (apiToken: string, isConfigured: boolean) =>
    onOptionsChange({
      ...options,
      secureJsonData: { ...secureJsonData, apiToken },
      secureJsonFields: { ...secureJsonFields, apiToken: isConfigured },
    });

  return (
    <>
      <InlineField label="URL" labelWidth={16} tooltip="Of the service. Without one, the data source shows a demo">
        <Input
          width={40}
          placeholder="https://service.example/api"
          value={options.url}
          onChange={(event) => onOptionsChange({ ...options, url: event.currentTarget.value })}
        />
      </InlineField>
      <InlineField label="API token" labelWidth={16} tooltip="Sent to the service; the browser never gets it back">
        <SecretInput
          width={40}
          isConfigured={Boolean(secureJsonFields?.apiToken)}
          value={secureJsonData?.apiToken ?? ''}
          onChange={(event) => setToken(event.currentTarget.value, false)}
          onReset={() => setToken('', false)}
        />
      </InlineField>
    </>
  );
}
