import type { MetricFindValue, ScopedVars } from '@grafana/data';
import { DataSourceWithBackend, getTemplateSrv } from '@grafana/runtime';

import type { Config, SeriesQuery } from './types';

export class DataSource extends DataSourceWithBackend<SeriesQuery, Config> {
  /** The names of all series, from the back end. */
  series(): Promise<string[]> {
    return this.getResource('series');
  }

  getDefaultQuery(): Partial<SeriesQuery> {
    return { series: '' };
  }

  /** A panel whose query is not complete yet asks nothing. */
  filterQuery(query: SeriesQuery): boolean {
    return Boolean(query.series);
  }

  /** Only the front end knows a dashboard's variables, such as $series. */
  applyTemplateVariables(query: SeriesQuery, scopedVars: ScopedVars): SeriesQuery {
    return { ...query, series: getTemplateSrv().replace(query.series, scopedVars) };
  }

  /** The values of a dashboard's variable of the type Query. */
  async metricFindQuery(): Promise<MetricFindValue[]> {
    return (await this.series()).map((text) => ({ text }));
  }
}
