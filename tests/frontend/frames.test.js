// Reads the frames that the test `frontend` has written, with the code of Grafana's frontend and with Apache Arrow's own.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { test } = require('node:test');

// A browser's, which Node.js has only since version 21.
globalThis.navigator ??= { language: 'en-US', languages: ['en-US'] };

const installed = createRequire(path.join(process.env.GPX_FRONTEND, 'package.json'));
const {
  DataFrameType,
  FieldType,
  createTheme,
  dataFrameFromJSON,
  getDisplayProcessor,
  getFieldDisplayName,
  isTimeSeriesFrame,
} = installed('@grafana/data');
const { RecordBatchReader, tableFromIPC } = installed('apache-arrow');

// The columns of the probe's frames `types`: Grafana's type, and the values that they have again and again. In a nullable
// column, every row that is 1 modulo 7 is null.
const COLUMNS = {
  time: [FieldType.time, [1_700_000_000_123_456_789n, 0n, -1n]],
  text: [FieldType.string, ['plain', '', 'grün "🦀"']],
  bool: [FieldType.boolean, [true, false, true]],
  int8: [FieldType.number, [-128, 0, 127]],
  int16: [FieldType.number, [-32_768, 0, 32_767]],
  int32: [FieldType.number, [-2_147_483_648, 0, 2_147_483_647]],
  int64: [FieldType.number, [-(2n ** 63n), 0n, 2n ** 63n - 1n]],
  uint8: [FieldType.number, [0, 1, 255]],
  uint16: [FieldType.number, [0, 1, 65_535]],
  uint32: [FieldType.number, [0, 1, 4_294_967_295]],
  uint64: [FieldType.number, [0n, 1n, 2n ** 64n - 1n]],
  float32: [FieldType.number, [-3.4028234663852886e38, 0.1, Infinity]],
  float64: [FieldType.number, [NaN, 0.1, -Infinity]],
  json: [FieldType.other, ['{"a":[1,null]}', 'null', '[]']],
  enum: [FieldType.enum, [0, 1, 0]],
};
const NULLS = 7;
const MILLI = 1_000_000n;

const read = (name) => fs.readFileSync(path.join(process.env.GPX_FRAMES, name));
const sets = JSON.parse(read('sets.json'));
const decoded = (set, number) => {
  const json = JSON.parse(read(`${set}.${number}.json`));
  const arrow = read(`${set}.${number}.arrow`);
  // A table takes the metadata of fields with the same name for one another's.
  const { schema } = RecordBatchReader.from(arrow).open();
  return { json, frame: dataFrameFromJSON(json), table: tableFromIPC(arrow), schema };
};
const all = Object.entries(sets).flatMap(([set, count]) => [...Array(count).keys()].map((number) => [set, number]));

/** Rounds down, as the backend does. */
const millis = (nanos) => (nanos - (((nanos % MILLI) + MILLI) % MILLI)) / MILLI;
const rest = (nanos) => Number(nanos - millis(nanos) * MILLI);

/** `get` returns milliseconds as a float. */
const nanos = (vector, row) => vector.data[0].values[row];

/** What a cell of Arrow is in Grafana's frontend. Numbers of 64 bits lose what a JavaScript number does not hold. */
function cell(vector, row, kind) {
  const value = vector.get(row);
  if (value === null) {
    return null;
  }
  switch (kind) {
    case FieldType.time:
      return Number(millis(nanos(vector, row)));
    case FieldType.other:
      return JSON.parse(new TextDecoder().decode(value));
    default:
      return typeof value === 'bigint' ? Number(value) : value;
  }
}

/** A float of 32 bits, of which JSON has fewer digits. */
const near = (type, value) => (type === 'Float32' && value !== null ? Math.fround(value) : value);

let cells = 0;

for (const [set, number] of all) {
  test(`both formats of ${set} ${number} are the same frame`, () => {
    const { json, frame, table, schema } = decoded(set, number);
    assert.equal(schema.fields.length, frame.fields.length);
    assert.equal(table.numRows, frame.length);
    const { metadata } = schema;
    assert.equal(metadata.get('name'), frame.name ?? '');
    assert.equal(metadata.get('refId'), frame.refId ?? '');
    assert.deepEqual(metadata.has('meta') ? JSON.parse(metadata.get('meta')) : undefined, frame.meta);
    frame.fields.forEach((field, at) => {
      const arrow = schema.fields[at];
      const { nullable, frame: item } = json.schema.fields[at].typeInfo;
      assert.equal(arrow.name, field.name ?? '');
      assert.equal(arrow.nullable, nullable ?? false);
      assert.equal(arrow.metadata.get('tstype'), field.type);
      const labels = arrow.metadata.get('labels');
      assert.deepEqual(labels === undefined ? undefined : JSON.parse(labels), field.labels);
      const config = JSON.parse(arrow.metadata.get('config') ?? '{}');
      const names = config.type?.enum?.text;
      assert.deepEqual(config, { ...field.config });
      const vector = table.getChildAt(at);
      for (let row = 0; row < frame.length; row += 1) {
        const expected = cell(vector, row, field.type);
        const value = near(String(arrow.type), field.values[row]);
        assert.deepEqual(value, expected, `row ${row} of ${field.name}, ${item}`);
        if (field.type === FieldType.enum && names) {
          assert.ok(field.values[row] === null || names[field.values[row]] !== undefined);
        }
        cells += 1;
      }
    });
  });
}

test('every type and every length has the values that the component has made', () => {
  const lengths = new Set();
  for (let number = 0; number < sets.types; number += 1) {
    const { frame, table } = decoded('types', number);
    lengths.add(frame.length);
    assert.equal(frame.fields.length, 2 * Object.keys(COLUMNS).length);
    frame.fields.forEach((field, at) => {
      const isNullable = field.name.endsWith('?');
      const name = field.name.replace('?', '');
      const [type, cycle] = COLUMNS[name];
      assert.equal(field.type, type);
      const vector = table.getChildAt(at);
      let nulls = 0;
      for (let row = 0; row < frame.length; row += 1) {
        const made = cycle[row % cycle.length];
        if (isNullable && row % NULLS === 1) {
          assert.deepEqual([field.values[row], vector.get(row)], [null, null]);
          nulls += 1;
        } else if (type === FieldType.time) {
          assert.equal(nanos(vector, row), made);
          assert.equal(field.values[row], Number(millis(made)));
          assert.equal(field.nanos?.[row], rest(made));
        } else if (typeof made === 'bigint') {
          assert.equal(vector.get(row), made);
          assert.equal(field.values[row], Number(made));
        } else if (name === 'json') {
          assert.equal(new TextDecoder().decode(vector.get(row)), made);
          assert.deepEqual(field.values[row], JSON.parse(made));
        } else if (name === 'float32') {
          assert.equal(vector.get(row), Math.fround(made));
          assert.equal(Math.fround(field.values[row]), Math.fround(made));
        } else {
          assert.deepEqual([field.values[row], vector.get(row)], [made, made]);
        }
      }
      assert.equal(vector.nullCount, nulls);
      // A column without nulls has no bitmap.
      assert.equal((vector.data[0]?.nullBitmap?.length ?? 0) > 0, nulls > 0);
      if (isNullable) {
        assert.deepEqual(field.labels, { type: name });
      }
    });
  }
  assert.equal(lengths.size, sets.types);
});

test('the frontend understands the meta and the config', () => {
  const { frame } = decoded('sample', 0);
  assert.equal(frame.meta.type, DataFrameType.TimeSeriesWide);
  assert.deepEqual(frame.meta.notices.map((notice) => notice.severity), ['info', 'warning', 'error']);
  const load = frame.fields[1];
  const shown = (config) => getDisplayProcessor({ field: { ...load, config }, theme: createTheme() });
  const mapped = shown(load.config);
  assert.deepEqual([1, 0.5, 2e6, null].map((value) => mapped(value).text), ['up\b', 'some', 'any', 'nothing']);
  const plain = shown({ ...load.config, mappings: [] })(0.5);
  assert.deepEqual([plain.text, plain.suffix], ['50.00', '%']);
  assert.equal(getFieldDisplayName(load, frame), 'Load');
  assert.equal(load.config.links[0].targetBlank, true);
  const state = frame.fields[2];
  assert.deepEqual(state.config.type.enum.text, ['off', 'on']);
});

test('the frontend takes frames of the contract for what they are', () => {
  const { frame: wide } = decoded('timeseries-wide', 0);
  assert.ok(isTimeSeriesFrame(wide));
  assert.deepEqual(
    wide.fields.slice(1).map((field) => getFieldDisplayName(field, wide)),
    ['load {host="a", zone="z"}', 'load {host="b"}', 'free {host="b"}']
  );
  for (let number = 0; number < sets['timeseries-multi']; number += 1) {
    assert.ok(isTimeSeriesFrame(decoded('timeseries-multi', number).frame));
  }
  const types = Object.keys(sets).filter((set) => Object.values(DataFrameType).includes(set));
  for (const type of types) {
    assert.equal(decoded(type, 0).frame.meta.type, type);
  }
  assert.equal(types.length, 9);
});

test('enough was read', () => {
  assert.ok(cells > 50_000, `${cells} cells`);
  console.log(`frames: ${all.length}, cells: ${cells}, each in both formats`);
});
