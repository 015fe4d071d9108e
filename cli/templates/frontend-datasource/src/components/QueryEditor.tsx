import React, { useEffect, useState } from 'react';
import type { QueryEditorProps } from '@grafana/data';
import { InlineField, Select } from '@grafana/ui';

import type { DataSource } from '../datasource';
import type { Config, SeriesQuery } from '../types';

const option = (value: string) => ({ label: value, value });

export function QueryEditor(props: QueryEditorProps<DataSource, SeriesQuery, Config>) {
  const { datasource, query, onChange, onRunQuery } = props;
  const [names, setNames] = useState<string[]>([]);
  const [error, setError] = useState<string>();

  useEffect(() => {
    let isCurrent = true;
    datasource.series().then(
      (found) => isCurrent && setNames(found),
      () => isCurrent && setError('The list of series cannot be read')
    );
    return () => {
      isCurrent = false;
    };
  }, [datasource]);

  return (
    <InlineField label="Series" labelWidth={16} invalid={error !== undefined} error={error}>
      <Select
        width={40}
        // A variable such as $series can be typed.
        allowCustomValue
        options={names.map(option)}
        value={query.series ? option(query.series) : null}
        onChange={(chosen) => {
          onChange({ ...query, series: chosen.value ?? '' });
          onRunQuery();
        }}
      />
    </InlineField>
  );
}
