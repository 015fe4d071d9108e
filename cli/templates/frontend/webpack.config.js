// Makes dist/module.js of src/module.ts, and puts the plugin's other files beside it.
const path = require('path');
const CopyPlugin = require('copy-webpack-plugin');

const plugin = require('./src/plugin.json');

module.exports = (env) => ({
  mode: env.production ? 'production' : 'development',
  devtool: env.production ? 'source-map' : 'eval-source-map',
  context: path.resolve(__dirname, 'src'),
  entry: { module: './module.ts' },
  resolve: { extensions: ['.ts', '.tsx', '.js'] },
  // Grafana has these.
  externals: [
    'react',
    'react-dom',
    'rxjs',
    '@emotion/css',
    '@grafana/data',
    '@grafana/runtime',
    '@grafana/ui',
  ],
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        exclude: /node_modules/,
        loader: 'swc-loader',
        options: {
          jsc: {
            target: 'es2022',
            parser: { syntax: 'typescript', tsx: true },
            transform: { react: { runtime: 'classic' } },
          },
        },
      },
    ],
  },
  output: {
    path: path.resolve(__dirname, 'dist'),
    // What `gpx build` puts there stays.
    clean: { keep: /^gpx_/ },
    filename: '[name].js',
    library: { type: 'amd' },
    publicPath: `public/plugins/${plugin.id}/`,
    uniqueName: plugin.id,
  },
  plugins: [
    new CopyPlugin({
      patterns: [
        { from: 'plugin.json' },
        { from: 'img', to: 'img' },
        { from: '../README.md' },
        { from: '../CHANGELOG.md' },
        { from: '../LICENSE', noErrorOnMissing: true },
      ],
    }),
  ],
});
