// Calls of the grid's API: what each is called and takes is in /openapi.json.

// Problem is an error that the grid, or the way there, has given.
export class Problem extends Error {
  constructor(status, code) {
    super(status.message || "no answer");
    this.code = code;
    const said = (status.details || []).find((d) => d["@type"]?.endsWith("LocalizedMessage"));
    this.next = said?.message || "";
  }
}

const path = (method) => "/anthill.v1." + method;

async function ask(where, body, signal) {
  let response;
  try {
    response = await fetch(where, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body || {}), signal,
    });
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new Problem({ message: "the page's server does not answer: is the command that printed its link still running?" }, 0);
  }
  if (!response.ok) {
    let status = {};
    try { status = await response.json(); } catch { /* it was no answer of ours */ }
    throw new Problem(status, response.status);
  }
  return response;
}

export async function call(method, body, signal) {
  return post(path(method), body, signal);
}

// post is for what is no call of the grid's.
export async function post(where, body, signal) {
  return (await ask(where, body, signal)).json();
}

// listeners hear whether the page is connected.
const listeners = new Set();
export const onLink = (listen) => { listeners.add(listen); };
const tell = (state) => listeners.forEach((listen) => listen(state));

// stream gives each message of a stream to take, and begins again where it breaks off, until
// signal ends it. While nobody looks at the page it rests: a browser has only six
// connections to one server. take is told when a stream begins anew, by undefined.
export async function stream(method, body, take, signal) {
  for (let pause = 500; !signal.aborted;) {
    await visible(signal);
    const rest = new AbortController();
    const end = () => rest.abort();
    signal.addEventListener("abort", end);
    const hide = () => { if (document.hidden) rest.abort(); };
    document.addEventListener("visibilitychange", hide);
    try {
      take(undefined);
      await read(await ask(path(method), body, rest.signal), (message) => { pause = 500; tell("live"); take(message); });
      return;
    } catch (err) {
      if (signal.aborted) return;
      if (err instanceof Problem && err.code >= 400 && err.code < 500 && err.code !== 429) throw err;
      if (!rest.signal.aborted) {
        tell("lost");
        await sleep(pause, signal);
        pause = Math.min(2 * pause, 8000);
      }
    } finally {
      signal.removeEventListener("abort", end);
      document.removeEventListener("visibilitychange", hide);
    }
  }
}

async function read(response, take) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    rest += value;
    const lines = rest.split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      if (message.error) throw new Problem(message.error, message.error.code === 14 ? 503 : 500);
      take(message.result);
    }
  }
}

export function sleep(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

function visible(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal?.aborted) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal?.addEventListener("abort", look, { once: true });
  });
}

// poll calls work now and again while somebody looks.
export async function poll(every, work, signal, failed) {
  while (!signal.aborted) {
    await visible(signal);
    if (signal.aborted) return;
    try {
      await work();
      tell("live");
    } catch (err) {
      if (signal.aborted) return;
      tell("lost");
      failed?.(err);
    }
    await sleep(every, signal);
  }
}

// all reads a list that comes in pages, up to so many of them.
export async function all(method, field, body, signal, most = 100) {
  const list = [];
  for (let token = "", pages = 0; pages < most; pages++) {
    const answer = await call(method, { page_size: 1000, page_token: token, ...body }, signal);
    list.push(...answer[field]);
    token = answer.next_page_token;
    if (!token) break;
  }
  return list;
}
