import type { DataSourceJsonData } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';

export interface SeriesQuery extends DataQuery {
  series: string;
}

export interface Secrets {
  apiToken?: string;
}

export type Config = DataSourceJsonData;
