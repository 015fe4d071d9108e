// A data source in JavaScript, made of the contract in `wit/` alone. It reads `{"value": number}` from the data source's URL:
// once for a query, again and again for a stream.

import { context } from 'gpx:plugin/call@0.2.0';
import { log } from 'gpx:plugin/log@0.2.0';
import { start } from 'gpx:plugin/tracer@0.2.0';

let url;

/** The service that every component has. */
export const plugin = {
  describe() {
    return { sdk: 'none, in JavaScript', attributes: [], secrets: [], origins: [], headers: [] };
  },

  open(settings) {
    url = settings.url;
  },
};

export const data = {
  /** Answers a query whose model is `{"factor": number}`. */
  async queryData(query) {
    const { factor = 1 } = json(query.json);
    const { value } = await traced('read', { 'query.ref_id': query.refId }, read);
    const frame = valueFrame(Date.now(), value * factor);
    return [{ refId: '', frames: [frame], outcome: { tag: 'ok', val: 200 } }];
  },
};

export const diagnostics = {
  async checkHealth() {
    await read();
    return { status: 'ok', message: 'The service answers', details: undefined };
  },
};

export const resource = {
  /** `POST greet` with `{"name": text}` is answered in two chunks. */
  call(request, response) {
    // The answer ends when the sender is dropped.
    using(response, () => {
      if (request.method !== 'POST' || request.path !== 'greet') {
        throw fault(404, `there is no resource ${request.method} ${request.path}`);
      }
      const { user } = context();
      response.start(200, [{ name: 'Content-Type', value: 'text/plain' }]);
      const { name } = json(request.body);
      for (const chunk of [`hello ${name}, `, `from ${user?.login ?? 'nobody'}`]) {
        unlessClosed(() => response.send(new TextEncoder().encode(chunk)));
      }
    });
  },
};

export const stream = {
  subscribe(request) {
    return request.path === 'value' ? { tag: 'accepted', val: undefined } : { tag: 'not-found' };
  },

  publish() {
    return { tag: 'permission-denied' };
  },

  /** Sends a frame ten times a second, until nobody is subscribed. The first one has the schema. */
  async run(request, packets) {
    await using(packets, async () => {
      let include = 'all';
      for (;;) {
        const { value } = await traced('read', { path: request.path }, read);
        const packet = { tag: 'frame', val: { frame: valueFrame(Date.now(), value), include } };
        if (!unlessClosed(() => packets.send(packet))) {
          return;
        }
        include = 'data';
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    });
  },
};

/** Requests are made with `fetch`. The host traces them and adds the data source's credentials. */
async function read() {
  const answer = await fetch(url).catch((error) => {
    throw fault(502, `${url} cannot be read: ${error.message}`, 'downstream');
  });
  if (!answer.ok) {
    throw fault(502, `${url} answered with status ${answer.status}`, 'downstream');
  }
  return answer.json();
}

/** Runs `work` within a span, which ends as it does. */
async function traced(name, attributes, work) {
  const list = Object.entries(attributes).map(([key, value]) => ({ key, value: { tag: 'text', val: value } }));
  const options = { kind: 'internal', attributes: list, links: [], detached: false };
  return using(start(name, options), async (span) => {
    try {
      return await work();
    } catch (error) {
      const message = error.message ?? String(error);
      log('warn', message, list);
      span.setStatus({ tag: 'error', val: message });
      throw error;
    }
  });
}

/** Sends something. Returns false if nobody reads it any more. */
function unlessClosed(send) {
  try {
    send();
    return true;
  } catch (error) {
    // What the host's functions throw has the contract's error as its payload.
    const reason = error.payload?.tag ?? error.payload;
    if (reason === 'closed') {
      return false;
    }
    throw fault(500, `this cannot be sent: ${error.payload?.val ?? reason ?? error}`);
  }
}

/** Runs `work` and drops the handle. The garbage collector would not. */
function using(handle, work) {
  const drop = () => handle[Symbol.dispose ?? Symbol.for('dispose')]();
  let result;
  try {
    result = work(handle);
  } catch (error) {
    drop();
    throw error;
  }
  if (result instanceof Promise) {
    return result.finally(drop);
  }
  drop();
  return result;
}

/** A table with a time, in milliseconds, and a value. */
function valueFrame(time, value) {
  const field = (name, column) => ({ name, labels: undefined, config: undefined, validity: undefined, column });
  const times = new BigInt64Array([BigInt(time) * 1_000_000n]);
  return {
    name: 'value',
    refId: '',
    meta: undefined,
    fields: [
      field('time', { tag: 'time', val: times }),
      field('value', { tag: 'float64', val: new Float64Array([value]) }),
    ],
  };
}

/** An error for the user. Any other exception that leaves an export stops the instance. */
function fault(status, message, source = 'plugin') {
  return { status, message, source };
}

function json(bytes) {
  try {
    return bytes.length === 0 ? {} : JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw fault(400, `this is not JSON: ${error.message}`);
  }
}
