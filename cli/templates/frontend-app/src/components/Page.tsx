import React, { useEffect, useState } from 'react';
import { PluginPage, getBackendSrv } from '@grafana/runtime';
import { InlineField, Select } from '@grafana/ui';

import pluginJson from '../plugin.json';
import type { Note } from '../types';

const RESOURCES = `/api/plugins/${pluginJson.id}/resources`;

const option = (value: string) => ({ label: value, value });

export function Page() {
  const [topics, setTopics] = useState<string[]>([]);
  const [note, setNote] = useState<Note>();

  useEffect(() => {
    getBackendSrv().get<string[]>(`${RESOURCES}/topics`).then(setTopics);
  }, []);

  const read = async (topic: string) =>
    setNote(await getBackendSrv().get<Note>(`${RESOURCES}/topics/${encodeURIComponent(topic)}/note`));

  return (
    <PluginPage>
      <InlineField label="Topic" labelWidth={16}>
        <Select
          width={40}
          options={topics.map(option)}
          value={note ? option(note.topic) : null}
          onChange={(chosen) => read(chosen.value ?? '')}
        />
      </InlineField>
      <p>{note ? note.text : 'Choose a topic. An administrator enters them on the configuration page.'}</p>
    </PluginPage>
  );
}
