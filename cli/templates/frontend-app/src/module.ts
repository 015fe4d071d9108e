import { AppPlugin } from '@grafana/data';

import { Configuration } from './components/Configuration';
import { Page } from './components/Page';
import type { Config } from './types';

export const plugin = new AppPlugin<Config>()
  .setRootPage(Page)
  .addConfigPage({ title: 'Configuration', icon: 'cog', body: Configuration, id: 'configuration' });
